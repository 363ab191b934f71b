/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scripted module and an owner for one struct modem. Commands are answered from a list of rules
 * (the newest that matches wins), time is a number, and everything the owner hears is written to
 * one text, so that a test compares sequences.
 */
#ifndef TESTS_MODEM_FAKE_H
#define TESTS_MODEM_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "modem/modem.h"

#define OK "\r\nOK\r\n"
#define ERR "\r\nERROR\r\n"

struct fake_rule {
	const char *prefix;
	const char *reply; /* NULL: silence */
	int uses;	   /* -1: for ever */
};

struct fake {
	struct modem *m;
	struct modem_config config;
	usec_t now;
	struct fake_rule rules[64];
	unsigned n_rules;
	char said[65536]; /* commands seen, one a line; payload as <...> */
	size_t said_len;
	char line[2048];
	size_t line_len;
	size_t payload_left;
	const char *after_payload; /* said when the payload is complete */
	char payload[4096];
	size_t payload_len;
	bool echo;
	bool bytewise;		 /* input in single bytes */
	bool mute;		 /* hears, but does not answer */
	bool online;		 /* data mode: all that comes is written to payload */
	bool escaped_by_dtr;	 /* the DTR line is off */
	size_t unsent;		 /* bytes the tty has not sent */
	bool transparent;	 /* deaf to all but a guarded +++ */
	usec_t heard_at;	 /* last byte from the driver */
	usec_t delay;		 /* before each answer */
	const char *urc;	 /* said before each answer */
	char log[65536];	 /* what the owner heard */
	size_t log_len;
	size_t rx_space;
	struct {
		unsigned link;
		char bytes[2048];
		size_t len;
		struct endpoint to;
	} queue[8]; /* what next_send will offer */
	unsigned queued, offered;
	unsigned asked; /* calls of next_send */
	bool reckless;	/* it offers whatever is in the queue */
	const char *pin_denied; /* what pin_try says */
	bool stubborn;	/* and the same again and again */
	void (*on_event)(struct fake *f, const char *event);
	enum modem_state state;
	bool tap;	    /* listen to what crosses the tty, from the attach on */
	char tapped[65536]; /* what was told, one a line */
	struct modem_tap tapped_last;
};

struct fake *fake_new(void);
void fake_free(struct fake *f);
/* Fixtures: *state is a fake, with the bearer up or not begun. */
int fake_setup(void **state);
int fake_setup_up(void **state);
int fake_teardown(void **state);
void fake_rule(struct fake *f, const char *prefix, const char *reply);
void fake_rule_once(struct fake *f, const char *prefix, const char *reply);
/* The module says @text; what it makes the driver write is answered. */
void fake_say(struct fake *f, const char *text);
void fake_say_bytes(struct fake *f, const void *p, size_t n);
/* The driver does what is due, and the module answers. */
void fake_run(struct fake *f);
/* Runs whatever is due now. */
void fake_pump(struct fake *f);
void fake_advance(struct fake *f, usec_t d);
void fake_mute(struct fake *f);
/* Answers again, with the default rules and a closed network. */
void fake_restore(struct fake *f);
void fake_attach(struct fake *f);
/* Attaches and advances until the bearer is up. */
void fake_up(struct fake *f);
struct endpoint fake_endpoint(const char *text);
void fake_open_tcp(struct fake *f, unsigned link, const char *remote);
void fake_open_udp(struct fake *f, unsigned link, uint16_t port);
/* A server that listens, and nothing noted of how it came to. */
void fake_listen(struct fake *f, unsigned server, uint16_t port);
void fake_send(struct fake *f, unsigned link, const char *text, const char *to);
/* Forgets what was said and heard until now. */
void fake_clear(struct fake *f);
unsigned fake_count(const char *text, const char *what);

#define assert_said(f, text) assert_non_null(strstr((f)->said, (text)))
#define assert_not_said(f, text) assert_null(strstr((f)->said, (text)))
#define assert_tapped(f, text) assert_non_null(strstr((f)->tapped, (text)))
#define assert_heard(f, text) assert_string_equal((f)->log, (text))

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration: one table of options (config/src/options.c) is the only source of their names,
 * types, ranges, defaults and help, and makes the parser, --help, --print-config, the example file
 * and the man page's section.
 *
 * The file is INI: [section], key = value, '#' or ';' at the start of a line for comments. Keys that
 * may repeat make lists. Unknown sections and keys are errors.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/addr.h"
#include "util/log.h"
#include "util/time.h"

#define CONFIG_LIST_MAX 16
#define CONFIG_DNS_MAX 2 /* AT+CDNSCFG has a primary and a secondary server */
#define CONFIG_TEXT_MAX 256 /* bytes of a value, with the NUL */

struct config_list {
	char item[CONFIG_LIST_MAX][CONFIG_TEXT_MAX];
	unsigned n;
};

enum config_address {
	CONFIG_ADDRESS_AUTO, /* the PDP address */
	CONFIG_ADDRESS_NONE, /* whoever manages the interface sets it */
	CONFIG_ADDRESS_GIVEN,
};

enum config_receive {
	CONFIG_RECEIVE_AUTO,
	CONFIG_RECEIVE_PUSH,
	CONFIG_RECEIVE_BUFFER,
	CONFIG_RECEIVE_TRANSPARENT,
};
enum config_buffer_return { CONFIG_RETURN_IDLE, CONFIG_RETURN_EMPTY };
enum config_busy { CONFIG_BUSY_WAIT, CONFIG_BUSY_REFUSE };
enum config_escape { CONFIG_ESCAPE_PLUS, CONFIG_ESCAPE_DTR };
enum config_dns { CONFIG_DNS_AUTO, CONFIG_DNS_UDP, CONFIG_DNS_TCP, CONFIG_DNS_MODEM };
enum config_flow_control { CONFIG_FLOW_NONE, CONFIG_FLOW_RTSCTS };
enum config_auth { CONFIG_AUTH_NONE, CONFIG_AUTH_PAP, CONFIG_AUTH_CHAP };
enum config_auth_order { CONFIG_ORDER_AUTO, CONFIG_ORDER_USER, CONFIG_ORDER_PASSWORD };

#define CONFIG_LOGIN_SIZE 128 /* user name or password, with the NUL; two fit an AT command */

enum config_give_up { CONFIG_GIVE_UP_NO, CONFIG_GIVE_UP_PIN, CONFIG_GIVE_UP_YES };

enum config_forward_source { CONFIG_FORWARD_REMOTE, CONFIG_FORWARD_GATEWAY };

struct config {
	struct {
		char name[IFNAMSIZ];
		unsigned mtu;
		struct {
			enum config_address kind;
			struct addr addr; /* GIVEN: this */
			unsigned prefix;
		} address;
		bool default_route;
		unsigned metric;
		char script[CONFIG_TEXT_MAX]; /* absolute path, no arguments */
	} interface;
	struct {
		char device[CONFIG_TEXT_MAX];
		unsigned baud;
		enum config_flow_control flow_control;
		char apn[CONFIG_TEXT_MAX];	/* checked: letters, digits, '.', '-', '_' */
		enum config_auth auth;
		char user[CONFIG_LOGIN_SIZE];	/* checked: printable ASCII without '"' */
		char password[CONFIG_LOGIN_SIZE]; /* the same; never printed */
		char password_file[CONFIG_TEXT_MAX];
		enum config_auth_order auth_order;
		char pin_file[CONFIG_TEXT_MAX];
		bool pin_force;
		char state_dir[CONFIG_TEXT_MAX];
		unsigned ip;			/* 4 or 6 */
		enum config_receive receive;
		struct config_list dns;		/* host addresses, at most CONFIG_DNS_MAX */
		enum config_buffer_return buffer_return;
		bool hex;
		struct config_list init;	/* each begins with AT, printable, <= 200 characters */
		char power_command[CONFIG_TEXT_MAX]; /* absolute path and arguments, split at blanks */
		enum config_give_up give_up;
		usec_t keepalive;		/* 0: the module's own setting */
	} modem;
	struct {
		bool udp;		   /* a UDP flow may have the line */
		enum config_busy busy;	   /* what becomes of a second flow */
		enum config_escape escape; /* how data mode is left */
	} transparent;
	struct {
		unsigned udp, reserved, connecting;
	} links;
	struct {
		usec_t connect_timeout, linger, idle_timeout;
		unsigned buffer; /* bytes received for one flow that its host has not taken */
		unsigned pool;	 /* the same for all flows together; at least as much as buffer */
	} tcp;
	struct {
		usec_t timeout, dns_timeout;
	} udp;
	struct {
		enum config_dns mode;
	} dns;
	struct {
		struct config_list tcp; /* each for config_forward_parse() */
		enum config_forward_source source;
	} forward;
	struct {
		char socket[CONFIG_TEXT_MAX]; /* "" : /run/gwd/IFNAME.sock */
		char group[CONFIG_TEXT_MAX];  /* of the socket, name or number; "": the daemon's */
	} control;
	struct {
		char listen[CONFIG_TEXT_MAX]; /* for config_listen_parse(); "": nowhere */
	} metrics;
	struct {
		enum log_level level;
		bool payload; /* in the AT dialogue, too */
	} log;
};

/* Where something is wrong: "FILE:LINE: section.key: expected ..., got ...". */
struct config_error {
	char text[512];
};

void config_defaults(struct config *c);

/* Reads the file over what is in @c. -EINVAL with @err filled in (first error), or another -errno
 * when the file cannot be read (also in @err). Lists in the file replace what @c had. */
int config_load_file(struct config *c, const char *path, struct config_error *err);
/* The same for text in memory; @name stands for the file in messages. For tests and fuzzers. */
int config_load_text(struct config *c, const char *name, const char *text, size_t n,
	struct config_error *err);

/*
 * One "section.key=value" of the command line; @name is e.g. "-o". The first override of a list key
 * replaces the list, further ones append: @seen remembers, zeroed by the caller before the first.
 */
struct config_overrides {
	bool seen[64];
};
int config_override(struct config *c, struct config_overrides *seen, const char *assignment,
	const char *name, struct config_error *err);

/* What no single option can tell: required ones, combinations, secrets' files. */
int config_check(const struct config *c, struct config_error *err);

/* The PIN in @path: 4 to 8 digits, blanks and line ends behind them. 0 or -errno with @err filled
 * in; the PIN itself is never in a message. The caller wipes @pin. */
#define CONFIG_PIN_SIZE 9
int config_read_pin(const char *path, char pin[CONFIG_PIN_SIZE], struct config_error *err);

/* The password of the APN: modem.password, or the first line of modem.password_file, "" for neither.
 * 0 or -errno with @err filled in; the password itself is never in a message. The caller wipes it. */
int config_read_password(const struct config *c, char password[CONFIG_LOGIN_SIZE],
	struct config_error *err);

/* Whether @assignment ("section.key=value", as for config_override) sets a secret: where its value
 * begins, else NULL. */
char *config_secret_value(char *assignment);

/* One item of forward.tcp: who connects to @port of the module is connected to @target. */
#define CONFIG_FORWARDS 4 /* servers of a module, NOTE 3.4.2 */
struct config_forward {
	uint16_t port;
	struct endpoint target;
};
/* -EINVAL when it is not PORT:HOST:HOSTPORT; what was loaded always is. */
int config_forward_parse(struct config_forward *out, const char *text);

/* Where metrics.listen leads: an endpoint of this host's loopback, or one of family 0 when @text is the
 * path of a Unix socket. -EINVAL when it is neither; what was loaded always is, if not "". */
int config_listen_parse(struct endpoint *out, const char *text);

/* Copies the options that can change without a restart. */
void config_apply_live(struct config *to, const struct config *from);

/* The effective configuration, in the form of the file. */
void config_print(const struct config *c, FILE *out);
/* One line an option for --help; the example file; the scdoc section of gwd.conf(5). */
void config_print_help(FILE *out);
void config_print_example(FILE *out);
void config_print_scdoc(FILE *out);

/* Name of the first option in which the two differ and that cannot change without a restart, each
 * through @each; used by reload. Options that differ and can change are reported with live = true. */
void config_diff(const struct config *a, const struct config *b,
	void (*each)(void *user, const char *name, bool live), void *user);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AT command channel on one tty: strictly one command in flight, unsolicited lines at any time.
 *
 * The channel has no queue. It is free or not; when it is free its owner submits the most urgent
 * command of the moment. Each command ends with exactly one call of its done().
 */
#ifndef MODEM_CHANNEL_H
#define MODEM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect.h"
#include "lexer.h"
#include "tap.h"
#include "util/time.h"

#define COMMAND_MAX 320	  /* without the '\r' */
#define CHANNEL_OUT_MAX 2048 /* a command line, or the payload of a CIPSEND (at most 1500) */

struct command;

enum result {
	RESULT_OK,
	RESULT_ERROR,
	RESULT_TIMEOUT, /* no answer; whether it was carried out is unknown */
};

enum info {
	INFO_FOREIGN, /* not part of this command's answer */
	INFO_TAKEN,
	INFO_FAILED, /* part of it, and ERROR must follow */
};

struct command_type {
	const char *name;
	usec_t timeout;	      /* last byte of the line out -> final result, or prompt */
	usec_t after_payload; /* last byte of the payload out -> final result */
	bool raw;	      /* no answer belongs to it: done when @timeout has passed */
	bool blind;	      /* probing: no resynchronisation when nothing comes */
	bool secret;	      /* the text is not shown, whatever it is */
	bool twice;	      /* some firmwares print its ERROR twice */
	bool connects;	      /* ends with CONNECT, CONNECT FAIL or NO CARRIER; OK ends nothing */
	enum info (*info)(void *user, struct command *c, const struct msg *msg);
	void (*done)(void *user, struct command *c, enum result r);
};

struct command {
	const struct command_type *type;
	usec_t timeout; /* the type's, or another one set between prepare and submit */
	unsigned link;
	const uint8_t *payload; /* written at the prompt; must live until done() */
	size_t len;
	int error; /* of the last informative line, -1: none */
	bool prompted;
	size_t text_len;
	char text[COMMAND_MAX];
};

enum channel_state {
	CHANNEL_IDLE,
	CHANNEL_WRITE,	 /* the line is being written */
	CHANNEL_ANSWER,	 /* prompt or final result awaited */
	CHANNEL_PAYLOAD, /* payload is being written */
	CHANNEL_LATE,	 /* timed out: its answer may still come */
	CHANNEL_FILL,	 /* the module may be waiting for payload: it gets filler */
	CHANNEL_QUERY,	 /* a query is out whose answer cannot be stale */
	CHANNEL_RAW,	 /* data mode: no commands, no lines (channel_raw()) */
	CHANNEL_STATES,
};

/* @user is channel.user. */
struct channel_ops {
	/* A line that is no part of the answer of the command in flight. */
	void (*urc)(void *user, const struct lexer_line *line, const struct msg *msg);
	void (*payload_begin)(void *user, const struct lexer_header *h);
	void (*payload)(void *user, const uint8_t *p, size_t n);
	void (*payload_end)(void *user);
	void (*peeked)(void *user, bool found);
	void (*skew)(void *user);
	void (*overlong)(void *user);
	void (*raw)(void *user, const uint8_t *p, size_t n);
	/* After each line and prompt, when nothing of the channel is on the stack. */
	void (*settled)(void *user);
	/* See struct modem_ops; only while channel.tap is on. */
	void (*tap)(void *user, const struct modem_tap *t);
	/* Our own command came back: ATE0 is not in force. */
	void (*echo)(void *user);
	/* From the last byte of a line to the first byte of what came. */
	void (*turnaround)(void *user, usec_t t);
	void (*prompt_delay)(void *user, usec_t t);
	/* The command in flight timed out: was its answer swallowed by a payload that lost bytes?
	 * */
	void (*unanswered)(void *user);
	/* Nothing answers any more. The channel is idle and its output dropped. */
	void (*dead)(void *user);
	/* A time limit has passed inside a counted payload, and the line is silent. */
	void (*stalled)(void *user);
};

struct channel {
	const struct channel_ops *ops;
	void *user;
	const char *name;
	unsigned baud;
	struct lexer lexer;
	struct tap tap;
	enum channel_state state;
	usec_t now;
	usec_t deadline; /* of the state */
	usec_t hold;	 /* no command before */
	usec_t line_out; /* last byte of the line */
	usec_t heard; /* the last byte came */
	usec_t quiet, quiet_max; /* quarantine ends; USEC_NEVER: none */
	bool fresh;	 /* nothing came since the line went out */
	unsigned secret; /* not shown: 2, what the last command brings; 1, what is odd beside that */
	bool failed;	 /* an informative line announced ERROR */
	bool fill;	 /* the module may wait for payload of @cmd */
	unsigned query;	 /* which */
	unsigned unanswered;
	bool query_seen;
	size_t out_at, out_len;
	uint64_t commands, timeouts, resyncs;
	uint64_t stray_results;
	struct command cmd;
	uint8_t out[CHANNEL_OUT_MAX];
};

void channel_init(struct channel *ch, const char *name, unsigned baud,
	const struct channel_ops *ops, void *user);
/* Forgets everything, without done(). */
void channel_reset(struct channel *ch);

/* Whether a command can be submitted now. */
bool channel_free(const struct channel *ch);
/* Whether lines that come now may hold what the last command must not show. */
bool channel_is_secret(const struct channel *ch);
/* A command to be filled in and submitted; only while the channel is free. */
struct command *channel_prepare(struct channel *ch, const struct command_type *type, unsigned link);
/* The command as it may be shown, always terminated; returns @buf. */
#define COMMAND_SHOWN_MAX (COMMAND_MAX + 8)
const char *command_shown(const struct command *c, char buf[COMMAND_SHOWN_MAX]);
void command_printf(struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void channel_submit(struct channel *ch, usec_t now);
/* Raw bytes instead of a line (type->raw). */
void channel_submit_raw(struct channel *ch, usec_t now, int byte, size_t count, const char *tail);

/* What is in flight ends as RESULT_TIMEOUT and a query brings the channel back in step. */
void channel_resync(struct channel *ch, usec_t now);
/* Nothing that comes is believed until the line was quiet (bytes were lost); then a resync. */
void channel_quarantine(struct channel *ch, usec_t now);

/* Data mode: what comes from here on goes to raw(), what is put goes out as it is. Unwritten output
 * is dropped. May be called from done() and urc(). */
void channel_raw(struct channel *ch);
/* Only while nothing put before is left. At most CHANNEL_OUT_MAX bytes. */
void channel_put(struct channel *ch, const void *p, size_t n);
/* Back to commands and lines. */
void channel_cooked(struct channel *ch);

void channel_input(struct channel *ch, usec_t now, const uint8_t *p, size_t n);
const uint8_t *channel_output(const struct channel *ch, size_t *n);
void channel_output_done(struct channel *ch, usec_t now, size_t n);
void channel_run(struct channel *ch, usec_t now);
usec_t channel_deadline(const struct channel *ch);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes from the tty -> lines, prompts and counted payload; or, in raw mode, nothing but data.
 *
 * The lexer knows no command and no word of a dialect: the lines that announce payload are
 * described by a table of forms (struct lexer_form) which it is given. It never looks inside
 * payload.
 */
#ifndef MODEM_LEXER_H
#define MODEM_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEXER_LINE_MAX 512	  /* the longest one needed (listings, echoes) is about 150 */
#define LEXER_PAYLOAD_MAX 65535   /* a larger count is no header */
#define LEXER_FIELDS 4

/* A header is PREFIX, an optional ',' or ':', and exactly @fields numbers separated by commas, with
 * blanks, one final ':' and, behind LEXER_FIELDS of them, one ",ADDRESS:PORT" tolerated. Positions
 * (link_at ...) are -1 for "not in this form". */
struct lexer_form {
	const char *prefix;
	int kind;	  /* handed through */
	bool push;	  /* only while lexer.push is set; otherwise an ordinary line */
	bool hex;	  /* two characters a byte */
	int mode;	  /* the first number must be this; -1: any */
	unsigned fields;
	int link_at, len_at, rest_at;
};

struct lexer_header {
	int kind;
	int link; /* -1: the form does not name it */
	size_t len;
	size_t rest;
	bool hex;
	bool lead; /* an empty line stood before it (or payload did) */
	const char *text; /* the header itself, for the call only */
	size_t text_len;
};

struct lexer_line {
	const char *text; /* trimmed, no line end, not terminated, never empty */
	size_t len;
	bool lead;	    /* something like a line end stood before it */
	bool after_payload; /* the first line behind a payload */
};

/* Called in wire order from lexer_input(). */
struct lexer_ops {
	void (*line)(void *user, const struct lexer_line *line);
	void (*prompt)(void *user);
	void (*payload_begin)(void *user, const struct lexer_header *h);
	void (*payload)(void *user, const uint8_t *p, size_t n);
	void (*payload_end)(void *user);
	/* The end of lexer_peek(): whether the payload had such a line before it (which was told by
	 * line()). */
	void (*peeked)(void *user, bool found);
	/* What follows a payload is not a line end: bytes were lost before or in it. */
	void (*skew)(void *user);
	/* A line longer than LEXER_LINE_MAX was dropped. */
	void (*overlong)(void *user);
	/* Bytes while lexer.raw is set. */
	void (*raw)(void *user, const uint8_t *p, size_t n);
};

struct lexer {
	const struct lexer_form *forms; /* ends with a NULL prefix */
	const struct lexer_ops *ops;
	void *user;
	bool push;	 /* push headers announce payload */
	bool bare;	 /* this firmware prints headers without a line end before them */
	bool deaf;	 /* no line announces payload now */
	bool raw;	 /* all that comes is data; may be set from line() for what follows it */
	bool want_prompt;
	bool overlong;
	bool lead;	    /* CR or LF seen since the last line */
	bool after_payload; /* no line since the last payload */
	const char *peek;   /* prefix of a line that may stand between header and payload */
	uint8_t gap;	    /* line-end bytes still expected behind a payload */
	size_t len;	    /* bytes in @line */
	size_t left;	    /* bytes of payload still to come */
	char line[LEXER_LINE_MAX];
};

void lexer_init(struct lexer *lx, const struct lexer_form *forms, const struct lexer_ops *ops,
	void *user);
/* Back to the start of a line; payload still expected is given up without payload_end(). */
void lexer_reset(struct lexer *lx);
/* From payload_begin() only: a line that starts with @prefix may stand between this header and its
 * payload. It is not counted. */
void lexer_peek(struct lexer *lx, const char *prefix);
void lexer_input(struct lexer *lx, const uint8_t *p, size_t n);

#endif

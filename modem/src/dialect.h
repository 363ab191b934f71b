/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every word of the SIMCom A76XX / SIM7600 command set that the driver must recognise, as tables:
 * what a line is (dialect_parse), which lines announce payload (dialect_forms), and what the texts
 * and numbers of errors mean (NOTE 4.1). No state, no side effects.
 */
#ifndef MODEM_DIALECT_H
#define MODEM_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lexer.h"
#include "util/addr.h"
#include "util/time.h"

enum header_kind {
	HEADER_PUSH,	  /* +RECEIVE,<l>,<n> */
	HEADER_PUSH_ANON, /* +IPD<n>: names no link */
	HEADER_READ,	  /* +CIPRXGET: 2,<l>,<k>,<rest> */
	HEADER_READ_HEX,  /* +CIPRXGET: 3,<l>,<k>,<rest> */
};

extern const struct lexer_form dialect_forms[];
/* Whether a command line sets, or has the module tell, a PIN or a password. */
bool dialect_carries_secret(const char *text, size_t n);

extern const char dialect_source_prefix[]; /* of the line that names the source of pushed data */

enum msg_kind {
	MSG_UNKNOWN,
	MSG_OK,
	MSG_ERROR,
	MSG_CME_ERROR,
	MSG_BANNER, /* the module has booted: every link and every setting is gone */
	MSG_BOOT_LATE, /* the late end of a boot; proves nothing by itself */
	MSG_IGNORED,
	MSG_CONNECT,	  /* data mode begins behind it */
	MSG_CONNECT_FAIL,
	MSG_CLOSED,	  /* data mode is over, if it is not data */
	MSG_NO_CARRIER,
	MSG_CIPMODE,
	MSG_IP_ERROR,
	MSG_CIPERROR,
	MSG_NETOPEN,
	MSG_NETCLOSE,
	MSG_CIPOPEN,
	MSG_CIPCLOSE,
	MSG_CIPSEND,
	MSG_CIPRXGET,
	MSG_CIPACK,
	MSG_IPCLOSE,
	MSG_CIPEVENT,
	MSG_RECV_FROM,
	MSG_BAD_HEADER, /* starts like a push header, or is what is left of one */
	MSG_IPADDR,
	MSG_CPIN,
	MSG_ICCID,
	MSG_SPIC,
	MSG_CPINR,
	MSG_CSQ,
	MSG_CREG,
	MSG_CGREG,
	MSG_CEREG,
	MSG_COPS,
	MSG_CPSI,
	MSG_CGMR,
	MSG_CGMM,
	MSG_MODEL,    /* ATI's line */
	MSG_REVISION, /* ATI's line */
	MSG_MANUFACTURER, /* ATI's line */
	MSG_IMEI,	  /* ATI's line */
	MSG_CLIENT,
	MSG_SERVERSTART,
	MSG_SERVERSTOP,
	MSG_CGCONTRDP,
	MSG_CDNSGIP,
	MSG_CPING,
	MSG_KINDS,
};

#define MSG_NUMBERS 10

struct msg {
	enum msg_kind kind;
	const char *text; /* behind the prefix, blanks skipped; not terminated */
	size_t len;
	int64_t n[MSG_NUMBERS]; /* the leading comma-separated numbers of @text */
	unsigned count;
	bool plain; /* @text is nothing but these numbers */
	const char *line; /* all of it */
	size_t line_len;
};

void dialect_parse(struct msg *m, const char *line, size_t len);

/* Whether a line of data mode can be the module saying that data mode is over: the link or the
 * network is gone, or it has booted (AT reference 9). Of a line that is not @whole yet: whether it can
 * become one. */
bool dialect_ends_data(const char *line, size_t len, bool whole);

/* Whether an unknown line can be what is left of a damaged header, or payload that lost its header:
 * it has control or non-ASCII bytes or a piece of a header's word, or it is text in lower case,
 * which no unsolicited line of these modules is unless it starts with a prefix character. */
bool dialect_looks_damaged(const char *line, size_t len);

/* NOTE 4.1, <err_info>. Text (any case) or number; -1 for neither. */
enum ip_error {
	IP_ERROR_ALREADY_OPENED = 4,
	IP_ERROR_NOT_OPENED = 8,
	IP_ERROR_LISTENING = 20,
	IP_ERROR_NOT_CREATED = 11,
	IP_ERROR_NO_DATA_OTHER = 21, /* "No data" in another table of the same vendor */
	IP_ERROR_NO_DATA = 22,
};
int dialect_ip_error(const struct msg *m);

/*
 * The next of the comma-separated fields of @m->text, a quoted one without its quotes. @at is where it
 * starts, 0 for the first, and moves behind it. False when there are no more.
 */
bool dialect_field(const struct msg *m, size_t *at, const char **field, size_t *len);

/* NOTE 4.1, <err>: unknown numbers (255 ...) become 12. */
int dialect_err(int64_t n);

/* An address in any form these modules print: plain, in quotes or brackets, with a zone, or an IPv6
 * address as 16 decimals with dots (AT reference 14). -EINVAL if it is none. */
int dialect_address(struct addr *out, const char *text, size_t len);

/* An address and, behind the last colon, a port: "192.0.2.1:53", "2001:db8::1:53" and the same with the
 * address, or all of it, in any of the forms above (AT reference 14). -EINVAL if it is none. */
int dialect_endpoint(struct endpoint *out, const char *text, size_t len);

/* A line of CPING (AT reference 2). False: none of these. */
struct ping_line {
	enum {
		PING_LINE_REPLY = 1,
		PING_LINE_TIMEOUT = 2,
		PING_LINE_SUMMARY = 3,
	} type;
	struct addr addr; /* who answered; family 0: not said */
	bool received;	  /* summary: at least one */
	usec_t rtt;	  /* 0: not said; the average in a summary */
};
bool dialect_ping(const struct msg *m, struct ping_line *out);

/* SIM states of +CPIN: and +CME ERROR: (3GPP TS 27.007 9.2; numbers if CMEE=1 stuck). */
enum sim_state {
	SIM_READY,
	SIM_PIN,
	SIM_PUK,
	SIM_ABSENT,
	SIM_WRONG, /* incorrect password */
	SIM_BUSY,  /* not yet known: ask again */
};
enum sim_state dialect_sim(const struct msg *m);

#endif

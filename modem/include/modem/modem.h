/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One A76XX module behind a tty: bearer bring-up and watch, ten links, and the AT channel they
 * share.
 *
 * The modem does no I/O and reads no clock. Its owner
 *   - opens the tty (modem/tty.h), reads it and passes what came to modem_input(),
 *   - writes what modem_output() offers and says so with modem_output_done(),
 *   - calls modem_run() when modem_deadline() has come, and after any call that may have given the
 *     modem something to do (open, close, kick, resume);
 * so a test drives it with a scripted tty and a clock of its own.
 *
 * Callbacks (struct modem_ops) are made from modem_input() and modem_run() only. From inside a
 * callback every function below but modem_free(), modem_input() and modem_run() may be called.
 *
 * Everything that crosses this interface is keyed (modem, link); nothing in it is global, and a
 * process may hold several modems.
 *
 * NOTE below is SIMCom's "A76XX Series TCPIP Application Note" V1.04.
 */
#ifndef MODEM_MODEM_H
#define MODEM_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"
#include "util/time.h"

#define MODEM_LINKS 10		 /* <link_num> 0-9, clients and accepted ones together (NOTE 3.2) */
#define MODEM_SERVERS 4		 /* <server_index> 0-3 (NOTE 3.4) */
#define MODEM_INBOUND_MAX 6	 /* links that accepted clients may have at once; more are closed */
#define MODEM_TCP_CHUNK_MAX 1460 /* bytes of a TCP link in one CIPSEND: one segment */
#define MODEM_UDP_MAX_V4 1472	 /* payload that CIPSEND (1-1500) and a 1500 MTU carry */
#define MODEM_UDP_MAX_V6 1452
#define MODEM_DNS_MAX 4		 /* name servers of the network that are remembered */
#define MODEM_DNS_SET_MAX 2	 /* that AT+CDNSCFG takes */
#define MODEM_RUNGS 6		 /* of the recovery ladder; 0 is the ground */
#define MODEM_NAME_MAX 253	 /* characters of a host name (RFC 1035 2.3.4) */
#define MODEM_RESOLVE_MAX 16	 /* names asked for and not answered yet */
/* What AT+CPING takes: payload bytes of an echo request, and its TTL. */
#define MODEM_PING_SIZE_MIN 4
#define MODEM_PING_SIZE_MAX 188
#define MODEM_PING_TTL_MIN 16
#define MODEM_TAP_KEPT 2048 /* bytes of a payload that a tap is shown: any CIPSEND, any read */

struct modem;

enum modem_receive {
	MODEM_RECEIVE_PUSH,   /* direct push, NOTE 1.5.4: data comes as it arrives */
	MODEM_RECEIVE_BUFFER, /* AT+CIPRXGET=1: the driver asks for what the owner has room for */
	/* AT+CIPMODE=1: one link at a time, whose bytes are the line's, both ways. What sent() tells is
	 * then written to the tty; what the module got is only known at the end (modem_query_ack()). */
	MODEM_RECEIVE_TRANSPARENT,
	MODEM_RECEIVE_AUTO,   /* only to configure: push, and buffer while it is wanted */
};

enum modem_auth {
	MODEM_AUTH_NONE,
	MODEM_AUTH_PAP,
	MODEM_AUTH_CHAP,
};

/* Which string AT+CGAUTH takes first. */
enum modem_login_order {
	MODEM_LOGIN_BY_MODEL, /* and the other one when NETOPEN fails with it */
	MODEM_LOGIN_USER_FIRST,
	MODEM_LOGIN_PASSWORD_FIRST,
};

/* The log-in of the access point. The strings: printable ASCII without '"', at most 127 bytes. */
struct modem_login {
	enum modem_auth auth; /* NONE clears the profile's log-in if the APN is set */
	enum modem_login_order order;
	const char *user, *password;
};

/* Strings belong to the caller and must live as long as the modem. Nothing changes meanwhile but what says so. */
struct modem_config {
	const char *name;	/* for log lines, e.g. "modem0" */
	const char *apn;	/* NULL or "": the module's profile 1 as it is; the network's default over IPv6 */
	struct modem_login login;
	const char *pin;	/* 4-8 digits or NULL; entered once at most, see pin_try() */
	int ip;			/* 4 or 6: the type of PDP context 1 */
	enum modem_receive receive;
	bool return_when_empty; /* may change. AUTO: push again when all links read empty, not when no TCP link
				 * is left; see modem_want_buffer() */
	bool hex;		/* reads in hex (CIPRXGET=3), for lines that cannot carry eight clean
				 * bits; AUTO is BUFFER then, and PUSH cannot be */
	unsigned baud;		/* bits/s; only for time-outs and for status */
	bool rtscts;		/* tell the module to use RTS/CTS: AT+IFC=2,2 */
	/* Input that is not read stays where it is instead of being lost: RTS/CTS, USB, a pty. May
	 * change while the modem is detached. */
	bool lossless;
	bool opaque; /* nobody knows how much of what was written is still on its way (a pty): data
		      * mode then keeps to the baud rate. May change while detached. */
	bool dtr; /* transparent mode is left by DTR (AT&D1) instead of +++ */
	usec_t connect_timeout; /* may change, see modem_set_connect_timeout(). CIPTIMEOUT's second value; 3 s to 120 s */
	usec_t keepalive;	/* CTCPKA's idle time, in whole minutes; 0 leaves the module's */
	const char *const *init; /* extra AT commands, no line end; after the standard ones */
	size_t n_init;
	struct addr dns[MODEM_DNS_SET_MAX]; /* may change, see modem_set_dns(). AT+CDNSCFG: what the module itself asks; family 0: none */
	bool has_power_command; /* may change. The last rung of the ladder exists (modem_ops.power_cycle) */
};

/* The bearer: what must be up before a link can open. Names: modem_state_name(). */
enum modem_state {
	MODEM_STATE_ABSENT,	/* no tty */
	MODEM_STATE_PROBE,	/* looking for an answer, any mode, any leftovers */
	MODEM_STATE_CONFIGURE,	/* volatile settings */
	MODEM_STATE_SIM,	/* waiting for +CPIN: READY, PIN */
	MODEM_STATE_REGISTER,	/* waiting for CREG/CGREG/CEREG 1 or 5 */
	MODEM_STATE_ACTIVATE,	/* PDP context, NETOPEN, left-over links, IPADDR */
	MODEM_STATE_UP,		/* links can open */
	MODEM_STATE_RECOVER,	/* a rung of the recovery ladder is carried out or waited for */
	MODEM_STATE_STOPPING,	/* modem_shutdown() was called */
	MODEM_STATE_STOPPED,
};

/* Why the bearer cannot come up now. It keeps trying all the same (but for the PIN); the owner may
 * give up instead. */
enum modem_failure {
	MODEM_FAILURE_NONE,
	MODEM_FAILURE_PIN,    /* wanted and not given, or refused: it is not tried again */
	MODEM_FAILURE_PUK,    /* the SIM wants its PUK */
	MODEM_FAILURE_SIM,    /* no SIM */
	MODEM_FAILURE_DENIED, /* registration denied (<stat> 3 from all three) */
	MODEM_FAILURE_APN,    /* NETOPEN failed although registered, repeatedly */
	MODEM_FAILURE_IP,     /* the module or the network has no PDP context of modem_config.ip */
};

enum modem_link_state {
	MODEM_LINK_FREE,
	MODEM_LINK_OPENING,
	MODEM_LINK_OPEN,
	MODEM_LINK_DRAINING, /* closed by the peer, unread data in the module (buffer mode) */
	MODEM_LINK_CLOSING,  /* CIPCLOSE under way, or its number is not yet known to be free */
};

/* A server of the module (SERVERSTART), as far as the driver has brought it. */
enum modem_server_state {
	MODEM_SERVER_IDLE,
	MODEM_SERVER_STARTING, /* wanted; the bearer may be down */
	MODEM_SERVER_LISTENING,
	MODEM_SERVER_STOPPING,
	MODEM_SERVER_FAILED, /* the module refuses; tried again */
};

enum modem_link_type {
	MODEM_LINK_TCP,
	MODEM_LINK_UDP,
};

/*
 * Results of an open: 0, the note's <err> 1-12 (NOTE 4.1), or one of these. Unknown numbers of
 * other firmwares (255 ...) are reported as 12.
 */
enum {
	MODEM_OPEN_OK = 0,
	MODEM_OPEN_NETWORK_FAILURE = 1,
	MODEM_OPEN_NETWORK_NOT_OPENED = 2,
	MODEM_OPEN_WRONG_PARAMETER = 3,
	MODEM_OPEN_NOT_SUPPORTED = 4, /* in practice: the link is in use */
	MODEM_OPEN_SOCKET_FAILED = 5,
	MODEM_OPEN_BIND_FAILED = 6,
	MODEM_OPEN_LISTENING = 7,
	MODEM_OPEN_BUSY = 8,
	MODEM_OPEN_SOCKETS_OPENED = 9,
	MODEM_OPEN_TIMEOUT = 10,
	MODEM_OPEN_DNS_FAILED = 11,
	MODEM_OPEN_UNKNOWN = 12,
	MODEM_OPEN_SILENCE = 100, /* no result within connect_timeout */
	MODEM_OPEN_ERROR = 101,	  /* a bare ERROR */
	MODEM_OPEN_LOST = 102,	  /* bearer or module went away meanwhile */
	MODEM_OPEN_CANCELLED = 103, /* modem_close() while opening */
};

enum modem_close_reason {
	MODEM_CLOSE_LOCAL,   /* modem_close() */
	MODEM_CLOSE_REMOTE,  /* +IPCLOSE: l,1 (FIN or RST, nobody can tell); all data delivered */
	MODEM_CLOSE_TIMEOUT, /* +IPCLOSE: l,2, sending timed out */
	MODEM_CLOSE_LOST,    /* bearer, module or tty went away; or the link was a zombie */
	MODEM_CLOSE_SEND,    /* a send ended in a way that leaves the stream in doubt */
	MODEM_CLOSE_DATA,    /* received bytes may be lost or may belong to another link */
};
/* Only after LOCAL and REMOTE is what was delivered known to be complete. */

enum modem_ping_result {
	MODEM_PING_REPLY,
	MODEM_PING_TIMEOUT,	/* no reply within some seconds */
	MODEM_PING_FAILED,	/* the module could not send it */
	MODEM_PING_UNSUPPORTED, /* this firmware has no CPING; asked again after five minutes */
	MODEM_PING_LOST,	/* bearer or module went away meanwhile */
};

/* One CIPSEND, filled in by modem_ops.next_send. */
struct modem_send {
	unsigned link;
	size_t len;	    /* 1 .. MODEM_TCP_CHUNK_MAX, or one datagram */
	struct endpoint to; /* UDP links only */
};

struct modem_bearer {
	enum modem_state state;
	struct addr address; /* PDP address; family 0 unless state is UP */
	enum modem_failure failure;
	const char *reason; /* one line for people: why it is not up, or ""; for the call only */
	const struct addr *dns; /* UP: the network's name servers, for the call only */
	unsigned n_dns;
};

enum modem_tap_kind {
	MODEM_TAP_LINE,	   /* a line without its end, or the prompt */
	MODEM_TAP_PAYLOAD, /* counted payload, or bytes of data mode */
	MODEM_TAP_NOTE,	   /* no bytes: what happened on the channel */
};

/* One thing that crossed the tty. PIN and passwords never come here: their commands end at the first
 * '=' with "...", and what the module says meanwhile is a note. */
struct modem_tap {
	enum modem_tap_kind kind;
	bool out;	  /* to the module */
	int link;	  /* PAYLOAD: whose, -1 unknown */
	const uint8_t *p; /* hostile bytes, for the call only; NOTE: text of ours */
	size_t n;	  /* PAYLOAD: of @total at most MODEM_TAP_KEPT are shown */
	size_t total;	  /* bytes that crossed */
	size_t announced; /* PAYLOAD: more than @total if the rest never came */
};

/* The end of a command of an operator's, modem_at(). */
enum modem_at_result {
	MODEM_AT_OK,
	MODEM_AT_ERROR,
	MODEM_AT_TIMEOUT, /* no answer; whether it was carried out is unknown */
	MODEM_AT_BUSY,	  /* the channel was not free for it in time: it was not sent */
	MODEM_AT_LOST,	  /* the module or the tty went away meanwhile */
};

#define MODEM_AT_LINES 64
#define MODEM_AT_BYTES 8192

/* Everything for the call only. The text is the module's, any bytes but NUL and line ends. */
struct modem_at_answer {
	const char *command;
	enum modem_at_result result;
	const char *final; /* "OK", "ERROR", "+CME ERROR: ..."; "" without a final result */
	const char *const *lines; /* before it */
	unsigned n_lines;
	bool cut; /* there were more lines or bytes than are kept */
	usec_t duration;
};

struct modem_ops {
	/* Any change of state, address or failure. When the state leaves UP, every link was
	 * reported closed (or its open as MODEM_OPEN_LOST) before this call. */
	void (*bearer)(void *user, const struct modem_bearer *b);

	/* The result of modem_open_tcp/udp(). Not 0: the link is FREE again, or CLOSING if its
	 * number is still in doubt (then link_free comes later). */
	void (*opened)(void *user, unsigned link, int result);

	/*
	 * The modem can take a CIPSEND now. Copy the payload to @buf (at least 1500 bytes),
	 * describe it in @send and return true; or return false. One send is outstanding at a time;
	 * its end is one call of sent() or one of closed() for that link. In buffer mode this
	 * closed() comes when the unread data was delivered, maybe after further sends of other
	 * links.
	 *
	 * A send that cannot be (wrong link, length or address) is refused: sent() with 0 for a
	 * datagram, nothing for a stream.
	 */
	bool (*next_send)(void *user, uint8_t *buf, struct modem_send *send);

	/* @n of the @req bytes of the outstanding send were taken by the module; the rest (if any)
	 * was provably not, and may be offered again (TCP). UDP: @n is @req or 0. */
	void (*sent)(void *user, unsigned link, size_t req, size_t n);

	/*
	 * Received bytes. TCP: the next bytes of the stream, any length, must be taken whole
	 * (buffer mode never asks for more than rx_space said). UDP in push mode: one whole
	 * datagram and its source. UDP in buffer mode: bytes of one or several datagrams,
	 * boundaries unknown, @src NULL; likewise in transparent mode.
	 */
	void (*data)(void *user, unsigned link, const uint8_t *p, size_t n,
		const struct endpoint *src);

	/* Buffer mode, and transparent mode on a lossless line: how many bytes of this link the owner
	 * can take now. 0 pauses reading until modem_rx_resume(). */
	size_t (*rx_space)(void *user, unsigned link);

	/* An open link ended. Called once per link that reached OPEN. */
	void (*closed)(void *user, unsigned link, enum modem_close_reason reason);

	/* A client came to a server of ours: the link is open, its data follows. A number that was
	 * being opened or closed can come back this way: accepted() then is in the place of
	 * link_free(). Only after modem_listen(). */
	void (*accepted)(void *user, unsigned link, unsigned server, const struct endpoint *remote);

	/* @server listens (0), or why not: NOTE 4.1's <err>, or MODEM_OPEN_ERROR. It is tried again
	 * all the same. Only after modem_listen(). */
	void (*listening)(void *user, unsigned server, int result);

	/* The number can be used again. Comes after closed()/opened(not 0), maybe at once. */
	void (*link_free)(void *user, unsigned link);

	/* Answer to modem_query_ack(): bytes sent and bytes acknowledged by the peer since the link
	 * opened. @known false: the module could not say. */
	void (*acked)(void *user, unsigned link, bool known, uint64_t sent, uint64_t acked);

	/* Answer to modem_resolve(): 0 and an address; -ENOENT: the module found none, it does not
	 * say why; -ETIMEDOUT. @name is as it was first asked for, for the call only. */
	void (*resolved)(void *user, const char *name, int result, const struct addr *addr);
	/* The end of modem_ping(). @rtt is what the module measured, 0 if it did not say. */
	void (*pinged)(void *user, enum modem_ping_result result, usec_t rtt);

	/* The receive mode in force changed (AUTO; a refused HeaderType makes buffer mode of push),
	 * or a change that was wanted was refused: @mode is what it was. When it becomes BUFFER,
	 * all UDP links with more than one remote were closed before this call. */
	void (*mode_changed)(void *user, enum modem_receive mode);

	/*
	 * The SIM wants its PIN, and the configuration has one. NULL: enter it, and the owner has
	 * made sure to remember that it was; otherwise why not, a string that lives as long as the
	 * modem. @iccid: the card's number, "" when the module does not tell; @tries: how many it
	 * has left, -1 for unknown. Asked once, until the SIM was ready.
	 */
	const char *(*pin_try)(void *user, const char *iccid, int tries);
	/* The PIN of the last pin_try() unlocked the SIM. */
	void (*pin_accepted)(void *user, const char *iccid);

	/* The end of modem_at(). */
	void (*at_done)(void *user, const struct modem_at_answer *a);

	/* Bytes that were written to the tty and have not left it, 0 if nobody knows. The silence
	 * around +++ begins when there are none. May be NULL. */
	size_t (*unsent)(void *user);

	/* Sets the DTR line (config.dtr). May be NULL without it. */
	void (*dtr)(void *user, bool on);

	/* Last rung of the ladder: run the configured command, then call modem_power_done(). */
	void (*power_cycle)(void *user);

	/* After modem_set_tap(), and only to be looked at: no function below may be called from it. */
	void (*tap)(void *user, const struct modem_tap *t);

	/* The end of modem_shutdown(). */
	void (*stopped)(void *user);
};

/* NULL when out of memory. @ops and the strings in @config must outlive the modem. */
struct modem *modem_new(const struct modem_config *config, const struct modem_ops *ops, void *user);
void modem_free(struct modem *m);

/* The tty is there (again): bring-up begins. */
void modem_attach(struct modem *m, usec_t now);
/* The tty hung up: every link is lost. Output not yet written is dropped. */
void modem_detach(struct modem *m, usec_t now);

/* Whether tap() is told what crosses the tty. Any time; costs nothing while it is off. */
void modem_set_tap(struct modem *m, bool on);

void modem_input(struct modem *m, usec_t now, const void *p, size_t n);
/* Bytes to be written to the tty; *n 0 when there are none. Valid until the next call. */
const uint8_t *modem_output(struct modem *m, size_t *n);
void modem_output_done(struct modem *m, usec_t now, size_t n);
/* The tty is not to be read for now: the one flow of transparent mode has no room (config.lossless).
 * Bytes given nevertheless are kept as far as there is place. */
bool modem_input_paused(const struct modem *m);
void modem_run(struct modem *m, usec_t now);
/* USEC_NEVER when nothing is pending: a bearer that is up and idle has only its slow watch. */
usec_t modem_deadline(const struct modem *m);

/* -ENETDOWN when the bearer is not up, -EBUSY when the link is not FREE, -EINVAL, else 0 and later
 * opened(). A v6 remote on a v4 bearer (or the reverse) is -EAFNOSUPPORT. */
int modem_open_tcp(struct modem *m, unsigned link, const struct endpoint *remote);
int modem_open_udp(struct modem *m, unsigned link, uint16_t local_port);
/* The same with its one remote, which transparent mode needs. */
int modem_open_udp_to(struct modem *m, unsigned link, uint16_t local_port,
	const struct endpoint *remote);
/* The numbers that can be opened are those below this: ten, in transparent mode one. */
unsigned modem_links(const struct modem *m);
/* Any state; unread and unsent data is dropped. closed(LOCAL) (or opened(CANCELLED)) is called from
 * the next modem_run(), link_free() once the module confirmed: for an open that is cancelled about
 * a second later, or after connect_timeout if the module cannot close what is not open yet. */
void modem_close(struct modem *m, unsigned link);
enum modem_link_state modem_link_state(const struct modem *m, unsigned link);

/* From now on clients may come to @port of the module (NOTE 3.4); another port takes the place of the
 * one before. Any state of the bearer: it is begun anew each time the bearer comes up. -EINVAL. */
int modem_listen(struct modem *m, unsigned server, uint16_t port);
/* No more clients; those that came stay. */
void modem_unlisten(struct modem *m, unsigned server);
enum modem_server_state modem_server_state(const struct modem *m, unsigned server);
const char *modem_server_state_name(enum modem_server_state s);

enum modem_link_type modem_link_type(const struct modem *m, unsigned link);

/* There is something to send: next_send() is called as soon as the channel allows. */
void modem_kick(struct modem *m);
/* There is room for received data of this link again. */
void modem_rx_resume(struct modem *m, unsigned link);
/*
 * A host does not read, and the owner will soon have no room for what is pushed. With AUTO the module
 * is switched to buffer mode after the command in flight (usually at most 15 s: the owner needs room for
 * what the line carries in that time; a name that is looked up can take longer), links stay open, and mode_changed() is called; it goes back to push
 * by itself when no TCP link is left. True: buffer mode is in force, or on its way. False: it cannot
 * be had in this boot, and what finds no room is lost.
 */
bool modem_want_buffer(struct modem *m);
/* Buffer mode is in force and ends with the last TCP link: the owner may close those of its own that
 * only wait. */
bool modem_leaves_buffer(const struct modem *m);
/* Whether next_send() may offer bytes of this TCP link now, and how many: less than a chunk only
 * while a learned send buffer of the module is nearly full, or when the firmware refused sends of
 * that size. In the first case the module is asked what was acknowledged (AT+CIPACK), because
 * somebody asked here, and next_send() is called again: ask only for a link that has bytes to send,
 * and from within next_send(), or call modem_run() after it. */
size_t modem_send_room(const struct modem *m, unsigned link);
/* Asks AT+CIPACK; the answer comes through acked(). -EINVAL unless the link is open and TCP. */
int modem_query_ack(struct modem *m, unsigned link);
/* Has the module look up the address of @name (AT+CDNSGIP); the answer comes through resolved(), once
 * however often the same name (in any case) was asked for meanwhile. One name at a time, and no other command
 * while the module looks it up: data waits, too. -EINVAL unless @name is letters, digits, '-' and
 * '_' between dots; -ENETDOWN; -ENOBUFS when MODEM_RESOLVE_MAX names wait. When the bearer goes down,
 * the names that wait are forgotten: bearer() tells enough. */
int modem_resolve(struct modem *m, const char *name);
/* Has the module send one echo request with @size bytes of payload; pinged() follows. One at a time:
 * -EBUSY until then. -ENETDOWN when the bearer is not up, -EAFNOSUPPORT as for an open, -EINVAL for what
 * CPING cannot express, -EOPNOTSUPP while the firmware is known to have none. */
int modem_ping(struct modem *m, const struct addr *to, size_t size, unsigned ttl);
/* config.connect_timeout has changed: the module hears of it now if the bearer is up. */
void modem_set_connect_timeout(struct modem *m);
/* The same of config.dns; servers that are gone from it stay the module's until its next NETOPEN. */
void modem_set_dns(struct modem *m);
/*
 * One command of an operator's, among our own: it waits for its turn, at_done() tells the end. -EINVAL
 * unless it is a printable line of 2 to 200 characters that begins with AT, and @timeout at most three
 * minutes; -EPERM when it would break what the driver relies on, modem_at_refusal() says why; -EBUSY while
 * another one is under way or a flow has the line (transparent mode); -ENODEV without a module. Data
 * waits while the module works on it.
 */
int modem_at(struct modem *m, const char *command, usec_t timeout);
bool modem_at_valid(const char *command);
/* NULL: it is taken. @command is valid. */
const char *modem_at_refusal(const char *command);
/* Its arguments are neither logged nor to be shown. */
bool modem_at_is_secret(const char *command);
/* The power command ended with this exit status (0: fine). */
void modem_power_done(struct modem *m, usec_t now, int status);

/* Closes all links, NETCLOSE, then stopped(). The owner sets the limit (decision: < 4 s). */
void modem_shutdown(struct modem *m, usec_t now);

/* In force, never AUTO. */
enum modem_receive modem_receive_mode(const struct modem *m);

/* Everything an operator wants to know; strings belong to the modem, "" or -1 for unknown. */
struct modem_status {
	enum modem_state state;
	usec_t since;		 /* when the state was entered */
	enum modem_failure failure;
	const char *reason;	 /* why it is not up, or what the last fault was */
	struct addr address;
	enum modem_receive receive, receive_configured; /* in force; asked for */
	usec_t buffer_time;	 /* spent in buffer mode since start */
	uint64_t switches;	 /* from push to buffer with links open */
	const char *transparent; /* state of the transparent session; "" in other modes */
	const char *model, *revision;
	const char *operator;	 /* its name, UTF-8 */
	const char *technology;	 /* "LTE", "GSM", ... as the module says it */
	const struct addr *dns;	 /* the network's name servers, most preferred first */
	unsigned n_dns;
	int rssi_dbm;		 /* 0 for unknown */
	int ber;		 /* AT+CSQ's second value, 99 unknown */
	int creg, cgreg, cereg;	 /* <stat>, -1 unknown */
	usec_t turnaround;	 /* tau: last byte of a command -> first of its answer; 0 unknown */
	usec_t ping_rtt;	 /* of the last reply, as the module measured it; 0 unknown */
	usec_t prompt_delay;	 /* median of CIPSEND line out -> prompt in; 0 unknown */
	unsigned rung;		 /* of the recovery ladder, 0: none */
	const char *rung_name;
	uint64_t recoveries;	 /* rungs carried out since start */
	uint64_t rung_counts[MODEM_RUNGS]; /* the same, each by itself */
	uint64_t boots;		 /* module banners seen */
	uint64_t commands, timeouts, resyncs, unknown_lines, stray_bytes;
	uint64_t tx_wire_bytes, rx_wire_bytes; /* on the tty, everything */
	uint64_t tx_payload_bytes, rx_payload_bytes;
	uint64_t rx_unclaimed_bytes; /* payload for a link nobody has */
	uint64_t short_confirms;
	uint64_t escapes; /* data mode was left by +++ or DTR */
	uint64_t false_ends; /* what looked like the end of a session was data */
};
void modem_status(const struct modem *m, struct modem_status *out);

/* Bytes a second in the last two seconds: on the tty, everything; and payload of links. */
struct modem_rates {
	uint64_t tx_wire, rx_wire, tx_payload, rx_payload;
};
void modem_rates(const struct modem *m, usec_t now, struct modem_rates *out);

/* What is asked for rarely; the same promises as of struct modem_status. */
struct modem_details {
	const char *manufacturer, *imei;
	const char *iccid;	  /* of the SIM */
	const char *serving_cell; /* AT+CPSI?'s answer as it came, printable */
	usec_t backoff;		  /* before the present rung of the ladder; 0: none */
};
void modem_details(const struct modem *m, struct modem_details *out);
/* What was found out about this firmware, each in a sentence. */
void modem_quirks(const struct modem *m, void (*each)(void *user, const char *text), void *user);

const char *modem_state_name(enum modem_state s);
const char *modem_receive_name(enum modem_receive r);
/* Of 0 to MODEM_RUNGS - 1; "" above. */
const char *modem_rung_name(unsigned rung);
const char *modem_failure_name(enum modem_failure f);
const char *modem_link_state_name(enum modem_link_state s);
const char *modem_open_result_name(int result);
const char *modem_ping_result_name(enum modem_ping_result r);
const char *modem_close_reason_name(enum modem_close_reason r);

#endif

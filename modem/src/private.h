/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of the driver share: struct modem and the calls between bearer, links, send and
 * receive. Each part alone writes its own sub-struct.
 *
 * Order of a turn: the lexer takes a line -> the command in flight or urc() -> the parts change
 * their state -> settled() delivers link events and gives the channel its next command.
 */
#ifndef MODEM_PRIVATE_H
#define MODEM_PRIVATE_H

#include "channel.h"
#include "dialect.h"
#include "modem/modem.h"
#include "tail.h"
#include "util/rate.h"

#include <sys/types.h>

#define ICCID_SIZE 24
#define MODEM_CHANNELS 1 /* a second tty or CMUX would add to it */
#define MODEM_DATAGRAM_MAX 2048 /* CIPSEND's limit is 1500; pushed ones may be a little more */
#define MODEM_SEND_MAX 1536
#define LINK_DRAIN_TIMEOUT SEC(120) /* without a byte read */
#define DELAY_SAMPLES 15

/* links.c: what is to be told to the owner about a link. */
enum link_phase {
	LINK_IDLE,
	LINK_OPEN_WANTED, /* CIPOPEN not yet written */
	LINK_OPEN_SENT,	  /* in flight, or its result awaited */
	LINK_UP,
	LINK_DRAIN,
	LINK_CLOSE_WANTED,
	LINK_CLOSE_SENT,
	LINK_ABANDONED,	  /* open cancelled: neither its result nor a close has come */
	LINK_REVOKE_SENT, /* CIPCLOSE of an open that was cancelled */
	LINK_QUARANTINE,  /* that CIPCLOSE was confirmed, but the open's result may be on its way */
	LINK_FREED,	/* free, but the owner was not told yet */
	LINK_PHASES,
};

struct link {
	enum link_phase phase;
	enum modem_link_type type;
	struct endpoint remote; /* UDP: the last one used */
	bool many;		/* UDP: more than one remote was used */
	uint16_t local_port;
	bool bracketed;	 /* the form of the address in its CIPOPEN */
	usec_t deadline; /* of the phase */
	bool answered;	 /* OK of the command of this phase was seen */
	int result;	 /* of the command of this phase, -1: not yet */
	enum modem_close_reason end; /* DRAIN: how it will end */
	bool gone;	 /* DRAIN: the module has closed it */
	bool tainted;	 /* payload came before the link was open */
	bool accepted;	 /* by a server of ours */
	bool called;	 /* a client got the number while its CIPCLOSE is under way: close again */
	bool revoked;	 /* the cancelled open was answered by a CIPCLOSE, which is not repeated */
	int late;	 /* result of the open while its CIPCLOSE is under way, -1: not yet */
	usec_t open_deadline; /* of the open that was cancelled */
	unsigned attempts;
	bool told_open;	    /* opened(0) was called */
	bool event_opened;  /* opened(opened_result) is due */
	bool event_closed;  /* closed(reason) is due */
	int opened_result;
	enum modem_close_reason reason;
	/* Counts of this life of the link. */
	uint64_t sent, acked;
	/* CIPACK */
	bool ack_asked; /* by the owner */
	usec_t ack_at;	/* gate: next poll */
	/* Buffer mode */
	bool rx_hint;	/* the module may hold data */
	usec_t rx_owed; /* until when a close loses data that was announced and not read (decision
			 * 10): 0, there is none; USEC_NEVER, no read was answered yet */
	uint64_t rx_during; /* the number of the command in flight when payload last came */
	bool rx_paused; /* no room at the owner */
	bool rx_stranded; /* push came back while the module held data: mode.c */
	size_t rx_rest; /* known to be in the module */
	usec_t rx_poll; /* next look without a hint */
	unsigned missed; /* CIPCLOSE? disagreed that often in a row */
	unsigned denied; /* CIPACK said that often in a row that there is no connection */
	uint64_t received;
	uint64_t watched; /* sent and received when the watch last looked */
};

/* A client whose link is not told to the owner yet. */
struct caller {
	bool due;
	unsigned server;
	struct endpoint remote;
};

/* server.c: its table says what leads where. */
enum server_phase {
	SERVER_IDLE,
	SERVER_START_WANTED,
	SERVER_START_SENT,
	SERVER_LISTENING,
	SERVER_STOP_WANTED,
	SERVER_STOP_SENT,
	SERVER_DOUBT, /* the module is asked what it does */
	SERVER_PAUSE, /* it refused */
	SERVER_PHASES,
};

struct server {
	enum server_phase phase;
	uint16_t wanted; /* port; 0: none */
	int port;	 /* what the module listens on; 0: nothing, -1: not known */
	uint16_t asked;	 /* of the SERVERSTART under way */
	bool answered;	 /* OK of SERVERSTOP was seen */
	int result;	 /* of SERVERSTOP, -1: not yet */
	usec_t deadline; /* of the phase */
	unsigned failures; /* in a row */
	bool event;
	int event_result;
};

struct servers {
	struct server server[MODEM_SERVERS];
	int listed[MODEM_SERVERS]; /* by the answer that is being read */
	bool check;		   /* SERVERSTART? is due */
	unsigned strays; /* links that clients got while the bearer came up; a bit mask */
};

enum send_state {
	SEND_IDLE,
	SEND_READY,	 /* to be written, not before send.at */
	SEND_COMMAND,	 /* CIPSEND in flight */
	SEND_CONFIRM,	 /* OK seen, +CIPSEND: awaited */
	SEND_ASK,	 /* short confirm: CIPACK decides */
	SEND_RAW,	 /* being written to the line as it is (transparent.c) */
	SEND_STATES,
};

/* The per-module lock of CIPSEND: one is outstanding, on whatever channel. */
struct send {
	enum send_state state;
	bool orphan; /* its link is closed: only the lock is still held */
	bool kicked; /* the owner may have something */
	bool confirmed;
	int64_t cnf;
	bool retried; /* UDP */
	usec_t at, deadline;
	usec_t busy_since;
	unsigned failures; /* in a row */
	size_t chunk;	   /* most bytes of a TCP send, learned */
	uint64_t limit;	   /* learned size of the module's send buffer, 0: unknown */
	bool *held;	   /* modem.held: who asks for room has a const modem, but must be noted */
	struct modem_send req;
	uint8_t payload[MODEM_SEND_MAX];
};

/* Where RECV FROM stands on this firmware, learned from the first header of a boot. */
enum source_place {
	SOURCE_UNKNOWN,
	SOURCE_BEFORE, /* of the header */
	SOURCE_AFTER,  /* between header and payload */
	SOURCE_NONE,
};

struct receive {
	enum source_place place;
	int link;	/* of the payload being counted, -1: nobody's */
	bool read;	/* it answers a CIPRXGET=2 of ours */
	int last;	/* link of the last payload, for damage behind it; -1: nobody's */
	bool doubt;	/* the last payload was followed by something odd */
	size_t rest;
	usec_t deadline; /* mid-payload silence */
	bool from_valid;
	bool from_old; /* a line was seen since */
	struct endpoint from;
	unsigned next; /* round robin */
	bool hex;	/* the payload is counted in pairs of digits */
	int nibble;	/* the first of a pair, -1: none */
	size_t len;
	bool oversize;
	uint8_t datagram[MODEM_DATAGRAM_MAX];
};

enum ping_state {
	PING_IDLE,
	PING_WANTED,  /* CPING not yet written */
	PING_COMMAND, /* in flight */
	PING_RESULT,  /* OK seen, its result awaited */
	PING_TAIL,    /* result told, its summary awaited */
};

struct ping {
	enum ping_state state;
	usec_t deadline;
	bool owed; /* pinged() has to come */
	/* The run in the module. */
	bool told;    /* its result */
	bool summary; /* and its end */
	/* What this firmware takes. */
	bool proven;
	bool wait_long;
	usec_t barred; /* no CPING before */
	/* The echo that is owed. */
	struct addr to;
	size_t size;
	unsigned ttl;
	/* pinged() is due */
	bool event;
	enum modem_ping_result result;
	usec_t rtt, last_rtt;
};

/* mode.c: the receive mode in force, and a change of it with links open. */
enum mode_change {
	MODE_STEADY,
	MODE_WANTS_BUFFER, /* AT+CIPRXGET=1 to be written */
	MODE_TO_BUFFER,	   /* in flight */
	MODE_TO_PUSH,	   /* AT+CIPRXGET=0 in flight */
	MODE_CHANGES,
};

struct mode {
	enum modem_receive now;
	enum mode_change change;
	bool needed;  /* push cannot be used: a refusal of buffer mode is a fault */
	bool stay;    /* no way back to push in this boot */
	bool refused; /* the switch was refused in this boot */
	bool late;    /* pushed data may still come in buffer mode; its source announces it */
	unsigned tries;
	usec_t grace;	/* until then lines of the former mode are believed, too: headers without a
			 * source, notices of held data; USEC_NEVER: over */
	usec_t back_at; /* no return to push before */
	usec_t since, spent; /* in buffer mode: the present stay, those before */
	uint64_t switches;
};

/* transparent.c: who has the line. */
enum session_state {
	SESSION_NONE,	 /* command mode, no transparent link */
	SESSION_OPENING, /* CIPOPEN written or +CLIENT seen: CONNECT awaited */
	SESSION_DATA,
	SESSION_SUSPECT, /* the last that came may be the module saying that it is over */
	SESSION_GUARD,	 /* data mode is to be left: silence before +++ */
	SESSION_ESCAPE,	 /* +++ written (or DTR off): OK awaited */
	SESSION_PROBE,	 /* no OK: is it in command mode already? */
	SESSION_COMMAND, /* escaped, the link is still there */
	SESSION_RETURN,	 /* ATO written: CONNECT awaited */
	SESSION_STATES,
};

#define SESSION_RX_MAX 16384 /* twice what is read from a tty at once */

struct session {
	enum session_state state;
	usec_t since;
	usec_t deadline; /* of the state; USEC_NEVER: none */
	usec_t heard;	 /* when the last byte came */
	bool late;	 /* bytes of the host were on their way when the tail's came */
	usec_t clear;	 /* when what was written has left the line, as far as is known */
	bool told;	 /* CIPCLOSE? told that the link is open, since the last escape */
	bool listed;
	bool closed;	 /* it told that it is not */
	bool tainted;	 /* +++ or a command may have become data */
	unsigned tries, rounds;
	usec_t idle;	 /* silence after which the link is looked at */
	unsigned run;	 /* pluses written since a silence, PLUS_NONE: other bytes too */
	size_t tx_at;	 /* of send.payload */
	size_t rx_at, rx_len; /* what the owner had no room for */
	uint64_t escapes, false_ends;
	struct tail tail;
	uint8_t rx[SESSION_RX_MAX];
};

struct delays {
	usec_t v[DELAY_SAMPLES];
	unsigned n, at;
};

struct bearer {
	enum modem_state state;
	usec_t since;
	int step;
	bool sent;	/* the step's command is in flight or its result is awaited */
	usec_t at;	/* the step is not taken before */
	usec_t deadline; /* the state must be left before */
	usec_t await;	/* a result line must come before; USEC_NEVER: none awaited */
	unsigned tries;
	bool event; /* ops->bearer is due */
	bool power_wait;
	bool dirty; /* an open was pending when the links were lost */
	bool pin_used;	/* and the card was not ready since */
	const char *pin_denied; /* by the owner, and why; NULL: not */
	char iccid[ICCID_SIZE]; /* of the card that wants a PIN, "" for unknown */
	int pin_tries;	/* it has left, -1 for unknown */
	bool echo; /* ours came back since ATE0 */
	bool verify; /* ask NETOPEN? although nothing is known to be wrong */
	bool net_open;	 /* what NETOPEN? said */
	bool already;	 /* NETOPEN said so */
	bool reopened;	 /* it was found open with the wrong IP version, and closed */
	bool ip_refused; /* CSOCKSETPN with the IP type got ERROR */
	int net_result;	 /* of NETOPEN/NETCLOSE, -1: not yet */
	unsigned net_failures;
	bool mode_wrong; /* CIPMODE differs from what is wanted, and needs a closed network */
	unsigned mode_tries;
	unsigned leftovers; /* bit mask of links the module still has */
	unsigned init_at;
	unsigned tau_left;
	enum sim_state sim;
	int stat[3]; /* CREG, CGREG, CEREG */
	unsigned rung, rung_tries;
	usec_t backoff;
	unsigned watch_due; /* bit mask of watch.c */
	unsigned idle_due;  /* bit mask of links whose CIPACK is to be asked by it */
	bool cipack_unknown; /* to this firmware */
	usec_t watch_at;
	bool stopped_event;
	bool power_event;
	uint64_t recoveries, boots;
	uint64_t rung_counts[MODEM_RUNGS]; /* of recoveries */
	struct addr address;
	struct addr dns[MODEM_DNS_MAX];
	unsigned n_dns;
	enum modem_failure failure;
	char reason[96];
	char manufacturer[40], model[40], revision[40], imei[20];
	char card[ICCID_SIZE]; /* its number, for status */
	char cell[128]; /* AT+CPSI?, printable */
	char operator[64], technology[24];
	unsigned facts_refused; /* bit mask of enum fact, in this boot */
	usec_t facts_at;	/* the watch does not ask before */
	bool login_turned;	/* AT+CGAUTH in the other order than the model's */
	int rssi_dbm, ber;
};

/* literal.c: which form of an IPv6 address each command takes. */
enum literal_use {
	LITERAL_OPEN, /* CIPOPEN */
	LITERAL_SEND, /* CIPSEND */
	LITERAL_PING, /* CPING */
	LITERAL_USES,
};

struct literal {
	bool brackets;
	bool settled; /* one form was taken, or both were refused */
};

#define LITERAL_LEN (ADDR_STRLEN + 2)

struct resolve {
	char names[MODEM_RESOLVE_MAX][MODEM_NAME_MAX + 1]; /* the first is the next, or in flight */
	unsigned n;
	bool sent;
	struct addr addr; /* that the answer told so far; family 0: none */
};

/* at.c: a command of an operator's. */
enum at_state {
	AT_IDLE,
	AT_WANTED,
	AT_SENT,
	AT_DONE, /* at_done() is due */
};

struct at {
	enum at_state state;
	usec_t timeout, begun, deadline;
	enum modem_at_result result;
	char command[COMMAND_MAX];
	char final[LEXER_LINE_MAX];
	char text[MODEM_AT_BYTES]; /* of the lines, each with a NUL */
	size_t used;
	const char *lines[MODEM_AT_LINES];
	unsigned n_lines;
	bool cut;
	bool bare; /* its answer has lines without a prefix */
};

struct modem {
	const struct modem_config *config;
	const struct modem_ops *ops;
	void *user;
	usec_t now;
	struct mode mode;
	unsigned turn;	   /* sends and reads alternate */
	unsigned link_turn; /* round robin of control commands */
	struct bearer bearer;
	struct link links[MODEM_LINKS];
	struct caller callers[MODEM_LINKS];
	struct servers servers;
	struct send send;
	bool held[MODEM_LINKS]; /* less room than a chunk was answered since the last CIPACK */
	struct receive rx;
	struct literal literal[LITERAL_USES];
	struct resolve resolve;
	struct ping ping;
	struct at at;
	bool yield; /* a name or an echo was asked for since data had its turn */
	struct session session;
	struct delays tau, prompt;
	uint64_t unknown_lines, stray_bytes;
	uint64_t tx_wire_bytes, rx_wire_bytes, tx_payload_bytes, rx_payload_bytes;
	uint64_t rx_unclaimed_bytes, short_confirms;
	struct rate tx_wire_rate, rx_wire_rate, tx_payload_rate, rx_payload_rate;
	struct channel channels[MODEM_CHANNELS];
};

/* modem.c */
static inline usec_t after(const struct modem *m, usec_t d)
{
	return m->now + d;
}
void modem_settled(struct modem *m);

/* bearer.c. The *_submit() functions of all parts return whether they submitted a command. */
bool bearer_urc(struct modem *m, const struct msg *msg);
void bearer_run(struct modem *m);
usec_t bearer_deadline(const struct modem *m);
void bearer_detach(struct modem *m);
void bearer_shutdown(struct modem *m);
void bearer_flush(struct modem *m);
void bearer_echo(struct modem *m);
/* Of a module that is to be found again: what it told of the network is of another time. */
void bearer_forget_network(struct modem *m);
/* The next step, not before @at; its state is entered if it is another one. */
void bearer_goto(struct modem *m, int step, usec_t at);
void bearer_set_failure(struct modem *m, enum modem_failure f, const char *reason);
void bearer_note(struct modem *m, const struct msg *msg);

/* steps.c */
enum step {
	STEP_DRAIN,
	STEP_GUARD,
	STEP_AT,
	STEP_ESCAPE,
	STEP_ESCAPE_AT,
	STEP_ESC,
	STEP_FILL,
	STEP_FILL_AT,
	STEP_SYNC,
	STEP_ECHO_OFF,
	STEP_ECHO_CHECK,
	STEP_CMEE,
	STEP_ATI,
	STEP_CGMM,
	STEP_CGMR,
	STEP_IFC,
	STEP_CGSN,
	STEP_CNMI,
	STEP_CPIN,
	STEP_CICCID,
	STEP_CCID,
	STEP_SPIC,
	STEP_CPINR,
	STEP_PIN,
	STEP_CSQ,
	STEP_CREG,
	STEP_CGREG,
	STEP_CEREG,
	STEP_COPS_FORMAT,
	STEP_CPSI,
	STEP_COPS,
	STEP_CARD,
	STEP_CGDCONT,
	STEP_CGAUTH,
	STEP_CSOCKSETPN,
	STEP_CSOCKSETPN_1,
	STEP_CIPMODE,
	STEP_CIPMODE_QUERY,
	STEP_DTR,
	STEP_CIPSENDMODE,
	STEP_CIPCCFG,
	STEP_CIPHEAD,
	STEP_CIPSRIP,
	STEP_CIPTIMEOUT,
	STEP_CTCPKA,
	STEP_CIPRXGET,
	STEP_INIT,
	STEP_NET_QUERY,
	STEP_SERVER_LIST,
	STEP_LEFT_LIST,
	STEP_LEFT_OPEN,
	STEP_LEFT_CLOSE,
	STEP_NET_CLOSE,
	STEP_NET_OPEN,
	STEP_IPADDR,
	STEP_CDNSCFG,
	STEP_CGCONTRDP,
	STEP_TAU,
	STEP_UP,
	STEP_RUNG_RETRY,
	STEP_RUNG_NET,
	STEP_RUNG_CFUN_OFF,
	STEP_RUNG_CFUN_ON,
	STEP_RUNG_RESET,
	STEP_RUNG_POWER,
	STEP_STOP_LINKS,
	STEP_STOP_NET,
	STEP_STOPPED,
	STEP_ABSENT,
	STEPS,
};
enum modem_state step_state(int step);
bool steps_submit(struct modem *m, struct channel *ch);
/* The awaited result line came or did not. */
void steps_awaited(struct modem *m, bool came);

/* login.c */
/* NETOPEN failed: maybe for the order of user and password. */
void login_failed(struct modem *m);

/* facts.c */
enum fact {
	FACT_OPERATOR,
	FACT_TECHNOLOGY,
	FACTS,
};
extern const char *const fact_commands[FACTS];
bool fact_wanted(const struct modem *m, enum fact fact);
/* Whether the line was one of theirs. */
bool fact_note(struct modem *m, const struct msg *msg);
void fact_done(struct modem *m, enum fact fact, enum result r);
/* Text from the network as printable UTF-8. */
void fact_text(char *to, size_t size, const char *s, size_t n);

/* recover.c */
/* Something is wrong with the whole bearer: all links are lost and the ladder is climbed. */
void recover(struct modem *m, const char *why);
/* The network went away by itself: no rung is taken yet. */
void recover_network(struct modem *m, const char *why);
void recover_boot(struct modem *m);
void recover_dead(struct modem *m);
void recover_stable(struct modem *m);
/* What a bearer in this state waits for, for people; "" when it waits for nothing. */
const char *modem_state_awaits(enum modem_state s);

/* watch.c */
/* AT+CIPTIMEOUT with the configured connect_timeout. */
void watch_build_ciptimeout(const struct modem *m, struct command *c);
bool watch_submit(struct modem *m, struct channel *ch);
/* NETOPEN?, if something asked for it. */
bool watch_verify(struct modem *m, struct channel *ch);
void watch_reset(struct modem *m);
void watch_echo_off(struct modem *m);
usec_t watch_deadline(const struct modem *m);

/* links.c */
bool links_submit(struct modem *m, struct channel *ch);
bool links_urc(struct modem *m, const struct msg *msg);
void links_run(struct modem *m);
usec_t links_deadline(const struct modem *m);
void links_flush(struct modem *m);
void links_lost(struct modem *m);
void links_close_all(struct modem *m);
bool links_idle(const struct modem *m);
unsigned links_open(const struct modem *m);
/* An open or draining link ends; @freed: the module has closed it already. */
void link_close(struct modem *m, unsigned l, enum modem_close_reason reason, bool freed);
/* An open link is dead, but the module may hold data of it (buffer mode): that is read first.
 * @freed: the module has closed it already. */
void link_drain(struct modem *m, unsigned l, enum modem_close_reason reason, bool freed);
/* The module says that a link is open which nobody asked for. */
void link_stray(struct modem *m, unsigned l);
/* transparent.c: the informative lines of CIPOPEN; and its end. SILENCE: its number is in doubt. False:
 * nobody is opening the link any more. */
enum info link_open_info(void *user, struct command *c, const struct msg *msg);
bool link_open_ended(struct modem *m, unsigned l, int result);
/* A client has this number; whatever it was is over. @who NULL: it is not welcome. */
void link_called(struct modem *m, unsigned l, const struct caller *who);
static inline bool link_alive(const struct link *k)
{
	return k->phase == LINK_UP || k->phase == LINK_DRAIN;
}

/* literal.c */
const char *literal_format(const struct modem *m, enum literal_use use, const struct addr *a,
	char buf[LITERAL_LEN]);
/* A command with an address was not refused for its form. */
void literal_taken(struct modem *m, enum literal_use use);
/* It was refused as "wrong parameter". True: the other form is in force now, try again. */
bool literal_refused(struct modem *m, enum literal_use use, const struct addr *a);
/* The same for the result of an open. */
bool literal_open_refused(struct modem *m, const struct link *k, int result);
void literal_forget(struct modem *m);

/* server.c */
bool servers_submit(struct modem *m, struct channel *ch);
bool servers_urc(struct modem *m, const struct msg *msg);
void servers_run(struct modem *m);
usec_t servers_deadline(const struct modem *m);
void servers_flush(struct modem *m);
/* The bearer came up, is lost, or is about to be left. */
void servers_up(struct modem *m);
void servers_lost(struct modem *m);
void servers_stop_all(struct modem *m);
bool servers_quiet(const struct modem *m); /* none is being stopped */
bool servers_wanted(const struct modem *m);
/* The slow watch: do they still listen? */
void servers_check(struct modem *m);
void servers_list_begin(struct modem *m);
enum info servers_list_info(void *user, struct command *c, const struct msg *msg);
void servers_list_end(struct modem *m);
/* ping.c */
bool ping_submit(struct modem *m, struct channel *ch);
bool ping_urc(struct modem *m, const struct msg *msg);
void ping_run(struct modem *m);
usec_t ping_deadline(const struct modem *m);
void ping_flush(struct modem *m);
void ping_lost(struct modem *m);
/* What is known of the firmware, at a boot. */
void ping_forget(struct modem *m);

/* at.c */
bool at_submit(struct modem *m, struct channel *ch);
void at_run(struct modem *m);
usec_t at_deadline(const struct modem *m);
void at_flush(struct modem *m);
/* The channel forgot it. */
void at_lost(struct modem *m);

/* send.c */
bool send_submit(struct modem *m, struct channel *ch);
bool send_ack_submit(struct modem *m, struct channel *ch);
bool send_urc(struct modem *m, const struct msg *msg);
void send_run(struct modem *m);
usec_t send_deadline(const struct modem *m);
void send_link_gone(struct modem *m, unsigned l);
void send_link_drains(struct modem *m, unsigned l);
/* A client has the number. True: a command for its former life is under way. */
bool send_called(struct modem *m, unsigned l);
void send_reset(struct modem *m);

/* For a line in data mode: takes the owner's next bytes as the outstanding send, whose payload is
 * send.payload; and ends it. */
bool send_raw_begin(struct modem *m);
void send_raw_end(struct modem *m);

/* transparent.c */
static inline bool is_transparent(const struct modem *m)
{
	return m->mode.now == MODEM_RECEIVE_TRANSPARENT;
}
void transparent_init(struct modem *m);
/* CIPOPEN of link 0. */
void transparent_open(struct modem *m, struct channel *ch);
/* A client has link 0: its CONNECT follows. */
void transparent_accepted(struct modem *m);
bool transparent_urc(struct modem *m, const struct msg *msg);
void transparent_wrote(struct modem *m, size_t n);
/* What comes before all other commands, and what comes when there is none. */
bool transparent_submit_first(struct modem *m, struct channel *ch);
bool transparent_submit_last(struct modem *m, struct channel *ch);
void transparent_run(struct modem *m);
usec_t transparent_deadline(const struct modem *m);
void transparent_reset(struct modem *m);
const char *transparent_state_name(const struct modem *m);

/* rawline.c: the bytes of data mode, both ways. */
void rawline_begin(struct modem *m);
/* @n bytes went to the tty: when will they have left the line? */
void rawline_wrote(struct modem *m, size_t n);
void rawline_input(struct modem *m, const uint8_t *p, size_t n);
/* Gives the owner what it had no room for. */
void rawline_deliver(struct modem *m);
/* Whether received bytes still wait for the owner. */
bool rawline_holds(const struct modem *m);
/* Writes more of the host's bytes, if the last ones are out. */
void rawline_pump(struct modem *m);
/* When rawline_pump() has something to do; USEC_NEVER: nothing. */
usec_t rawline_deadline(const struct modem *m);
bool rawline_written(const struct modem *m);
/* All bytes of the outstanding send went to the tty: it can be ended. */
bool rawline_taken(const struct modem *m);
/* Bytes that nobody waits for any more are dropped, both ways. */
void rawline_drop(struct modem *m);

/* receive.c */
bool receive_urc(struct modem *m, const struct lexer_line *line, const struct msg *msg);
void receive_begin(struct modem *m, struct channel *ch, const struct lexer_header *h);
void receive_payload(struct modem *m, const uint8_t *p, size_t n);
void receive_end(struct modem *m);
/* An answer did not come: links whose data came since the command may have swallowed it. */
void receive_unanswered(struct modem *m);
/* After each line: a source must be followed by its header. */
void receive_line_over(struct modem *m);
/* Received bytes of this link may be lost: a stream is reset. */
void receive_lost(struct modem *m, unsigned l);
void receive_peeked(struct modem *m, bool found);
void receive_skew(struct modem *m);
/* Bytes came that nobody can explain: what may have lost data is reset. */
void receive_damage(struct modem *m, struct channel *ch, const char *what);
/* The rest of a payload does not come. */
void receive_stalled(struct modem *m);
void receive_run(struct modem *m);
void receive_reset(struct modem *m);

/* resolve.c */
bool resolve_submit(struct modem *m, struct channel *ch);
/* The bearer is gone, and with it what was asked for. */
void resolve_lost(struct modem *m);

/* read.c: buffer mode */
bool read_submit(struct modem *m, struct channel *ch);
/* The module says that it holds data of link @l, if there is such a link. */
void read_notice(struct modem *m, int64_t l);
/* The peer closed a link that may have unread data. */
void read_drain(struct modem *m, unsigned l);
/* Whether what a read of this link brings may belong to its former life. */
bool read_under_way(const struct modem *m, unsigned l);
bool read_is_ours(const struct modem *m, const struct channel *ch, const struct lexer_header *h);
/* Bytes of @n digits (any part of a payload) to @out, which has room for @n; -EBADMSG: not all are
 * digits. */
ssize_t read_unhex(struct receive *r, uint8_t *out, const uint8_t *p, size_t n);
/* The payload of a read is complete. */
void read_end(struct modem *m);
/* Nothing announced, nothing known to be left. */
bool read_is_empty(const struct link *k);
/* When the link was last read or looked at. */
usec_t read_last(const struct link *k);
usec_t read_deadline(const struct modem *m);

/* mode.c */
void mode_init(struct modem *m);
/* The clock begins: time in buffer mode is counted from here. */
void mode_attach(struct modem *m);
/* A boot: the mode that the configuration asks for. */
void mode_boot(struct modem *m);
/* Changes under way are forgotten with the channel. */
void mode_reset(struct modem *m);
bool mode_is_buffer(const struct modem *m);
/* The bearer is gone: no link is left that a change would be for. */
void mode_links_lost(struct modem *m);
/* Whether unread data may lie in the module. */
bool mode_holds_data(const struct modem *m);
/* A return to push is under way or its outcome in doubt: what was announced may be overtaken. */
bool mode_returns(const struct modem *m);
/* The module announced data of this link. */
void mode_noticed(struct modem *m, struct link *k);
/* HeaderType 1 was refused: buffer mode for this boot, not yet set in the module. */
void mode_refuse_push(struct modem *m);
/* Headers turned out to name no link: buffer mode for this boot, links are open. */
void mode_needs_buffer(struct modem *m);
/* A source was named: a push header follows, whatever the mode; and when that is over. */
void mode_push_begins(struct modem *m);
void mode_push_over(struct modem *m);
/* Before everything else; and when nothing else is to be done. */
bool mode_submit(struct modem *m, struct channel *ch);
bool mode_return(struct modem *m, struct channel *ch);
void mode_run(struct modem *m);
/* Spent in buffer mode. */
usec_t mode_time(const struct modem *m);
usec_t mode_deadline(const struct modem *m);

#endif

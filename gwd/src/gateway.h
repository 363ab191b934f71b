/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gateway: the host's flows on one side, the module's links on the other, and the rules between
 * them. It does no I/O and reads no clock (see stack/stack.h and modem/modem.h, which work the same
 * way), so a test drives the whole of it with packets, a scripted tty and a clock of its own.
 *
 * Words: a flow is one TCP connection of the host, or one UDP 5-tuple ("mapping"); a link is one of
 * the module's ten sockets; a unit is one module as the gateway sees it. Everything is keyed
 * (unit, link).
 *
 * Files: gateway.c glue and life cycle; flow.c the life of a TCP flow; tcp.c the TCP relay; buffer.c
 * what its host has not taken yet; admit.c who gets a link when; forward.c clients from outside; udp.c
 * mappings; dns*.c queries; ping.c echo requests; sched.c which link sends next; dest.c what is
 * known of destinations; report.c all of it as JSON.
 */
#ifndef GWD_GATEWAY_H
#define GWD_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "dns.h"
#include "modem/modem.h"
#include "stack/stack.h"
#include "tun/owner.h"
#include "util/chunks.h"
#include "util/list.h"
#include "util/rate.h"

#define UNITS_MAX 1	     /* modules behind one interface; the structs are ready for more */
#define TCP_LINKS_MAX 9	     /* one is left for UDP and DNS, unless dns_needs_no_link() */
#define FLOWS_MAX 320	     /* STACK_HELD_MAX held SYNs, ten open, the rest finishing */
#define MAPPINGS_MAX 512     /* UDP 5-tuples */
#define DATAGRAMS_MAX 128    /* UDP datagrams waiting to be sent, DNS queries among them */
#define DATAGRAMS_LINK_MAX 32 /* of these, without DNS, on one link: 48 KiB, half a second at 921600 */
#define DEST_MAX 64	     /* remembered destinations */
#define ECHOES_MAX 16	     /* pings waiting for their turn, the one in the module among them */

struct gateway;
struct unit;
struct flow;

/*
 * States of a TCP flow. The time-out of each and where it leads stand in the table in flow.c.
 * Pointers that are set: tcp in all states; link from OPENING to LINGER; buffer from HANDSHAKE on.
 * A flow begins in WAITING, or in CONNECT if it came from outside.
 */
enum flow_state {
	FLOW_FREE,
	FLOW_WAITING,	/* SYN held, no link yet */
	FLOW_OPENING,	/* SYN held, CIPOPEN under way */
	FLOW_HANDSHAKE, /* link open, SYN-ACK sent to the host */
	FLOW_CONNECT,	/* a client came from outside; SYN sent to its server */
	FLOW_OPEN,
	FLOW_HOST_FIN,	/* the host sent FIN; its bytes are still being sent */
	FLOW_CONFIRM,	/* all bytes taken by the module; asking CIPACK until the peer has them */
	FLOW_LINGER,	/* the host has closed its half; the link is kept for the peer's answer */
	FLOW_DELIVER,	/* the peer closed; received bytes still go to the host */
	FLOW_CLOSED,	/* FIN sent to the host, waiting for its FIN */
};

enum flow_class {
	FLOW_BULK,
	FLOW_INTERACTIVE,
};

struct flow {
	struct list node; /* gateway.waiting while WAITING, gateway.flows otherwise */
	enum flow_state state;
	enum flow_class class;
	uint32_t id; /* for logs and people; counts up */
	struct stack_tcp *tcp;
	struct endpoint local, remote;
	struct link *link;
	struct chunk_queue buffer; /* received, not yet taken by the stack; no chunk: none */
	usec_t created, changed, active; /* active: last byte, or sign of progress, in any direction */
	usec_t deadline;	/* of the state */
	usec_t check;		/* WAITING..OPENING: next look whether the client gave up; LINGER: at the owner */
	usec_t first_open;	/* first CIPOPEN for it; 0: none */
	usec_t retry;		/* WAITING: not before */
	unsigned attempts;	/* CIPOPENs that ended in "again" */
	unsigned polls;		/* CONFIRM, LINGER: how often asked */
	uint64_t unacked;	/* CONFIRM: bytes that CIPACK last said the peer has not; 0: not known */
	uint64_t tx_bytes, rx_bytes; /* confirmed by the module / received from it */
	struct rate tx_rate, rx_rate;
	struct endpoint seen;	/* the address that the host's socket knows @remote by */
	uint16_t port;		/* of the module, that the client came to; 0: the host began */
	struct tun_owner owner;
	bool owned;		/* found in our namespace when the flow began */
	bool established;	/* the handshake with the host is complete */
	bool host_fin;
	bool confirm_due;	/* LINGER: CIPACK was put off while somebody waits for the answer */
	bool half_closed;	/* LINGER: its owner lives and waits for the answer */
	bool fin_due;		/* DELIVER: the stack has all, FIN follows the host's last ACK */
	bool reset;		/* DELIVER: ends in RST, not FIN */
};

enum link_use {
	LINK_UNUSED,
	LINK_TCP,
	LINK_UDP,
	LINK_DNS, /* queries by TCP, dns_tcp.c */
};

/* A datagram waiting for its CIPSEND. */
struct datagram {
	struct list node;
	struct endpoint local, remote; /* as the host sent it */
	struct endpoint to;	       /* the remote, but for names (dns.c) */
	uint8_t dscp;
	bool df;
	uint16_t len;
	uint8_t p[1500];
};

struct link {
	struct unit *unit;
	unsigned number;
	enum link_use use;
	bool open;
	usec_t since;
	usec_t ended;	   /* TCP: when it was last given up or lost; 0: never */
	usec_t refused;	   /* the module last called it in use although free, or took it from UDP; 0: never */
	struct flow *flow; /* TCP; NULL for one that is being closed */
	uint64_t tx_bytes, rx_bytes;
	struct rate tx_rate, rx_rate;

	/* UDP */
	usec_t retry; /* the module was busy: open again then; 0: not waiting for that */
	unsigned attempts;
	unsigned mappings;
	unsigned queued; /* in datagrams */
	struct list urgent, datagrams; /* DNS goes first */
	struct datagram *sending;
	uint16_t local_port;
	struct {
		uint8_t p[1500];
		size_t n;
		usec_t since; /* when the first of them came */
	} dns_stream; /* buffer mode: bytes of answers whose boundaries are found by parsing */

	/* scheduler */
	struct list ready;
	int deficit;
	bool is_ready;
	bool gated; /* has bytes, but the module's send buffer is full (modem_send_room()) */
};

struct mapping {
	bool used;
	bool dns; /* all queries to this resolver share it; local is unset */
	struct link *link;
	struct endpoint local, remote;
	usec_t created, active;
	uint64_t tx_bytes, rx_bytes;
	struct rate tx_rate, rx_rate;
	uint32_t id;
	struct tun_owner owner;
	bool owned;
};

/* An echo request that waits for its turn or for its answer. */
struct echo {
	bool used;
	usec_t came;
	struct stack_echo request; /* its bytes are below */
	uint8_t bytes[MODEM_PING_SIZE_MAX];
};

/* A rule of forward.tcp; its index is that of the module's server. */
struct forward {
	struct config_forward rule; /* port 0: not used */
	int result;		    /* what the module last said to SERVERSTART */
	uint64_t accepted, refused; /* clients; of these, without a server that takes them */
};

enum dest_verdict {
	DEST_UNKNOWN,
	DEST_ALIVE,
	DEST_SLOW, /* did not answer at once: others go first */
	DEST_REFUSED,
	DEST_UNREACHABLE,
};

struct dest {
	struct endpoint remote;
	enum dest_verdict verdict;
	usec_t at;
};

struct unit {
	struct gateway *gw;
	unsigned index;
	struct modem *modem;
	struct modem_config modem_config;
	bool up;
	struct addr address;
	struct addr dns[MODEM_DNS_SET_MAX + MODEM_DNS_MAX]; /* while up: configured ones, the network's */
	unsigned n_dns;
	struct link links[MODEM_LINKS];
	unsigned connecting;
	bool one_at_a_time; /* it answered "busy" to concurrent opens */
	struct echo echoes[ECHOES_MAX];
	struct echo *pinging;	/* the one in the module; NULL: none */
	struct addr unanswered; /* who did not answer lately; family 0: nobody */
	usec_t unanswered_at;
	struct list ready_new, ready_old; /* sched.c */
};

struct counters {
	uint64_t tcp_opened, tcp_refused, tcp_busy, tcp_unreachable, tcp_reset, tcp_finished, tcp_gave_up,
		tcp_preempted, tcp_remembered, tcp_overflow, tcp_reset_lost, tcp_reset_data,
		tcp_reset_send, tcp_reset_buffer, tcp_reset_unconfirmed, tcp_reset_host_wrote,
		tcp_reset_linger, tcp_reset_idle, tcp_reset_reclaimed, tcp_reset_asked, udp_sent, udp_received, udp_dropped_queue,
		udp_dropped_no_link, udp_dropped_too_large, udp_dropped_unknown_source,
		udp_dropped_send, udp_unframed, dns_queries, dns_answers, dns_timeouts,
		dns_unmatched, dns_overflow, dns_truncated, dns_fallbacks, dns_failed, echo_requests,
		echo_replies, echo_timeouts, echo_unreachable, echo_dropped, echo_dropped_unfit,
		echo_dropped_queue, echo_dropped_unsupported, forward_accepted,
		forward_refused;
};

struct gateway_secrets {
	char pin[CONFIG_PIN_SIZE]; /* "": none */
	char password[CONFIG_LOGIN_SIZE];
};

/* What an operator may want to hear of as it happens; a bit each of gateway.events. */
enum event_kind {
	EVENT_BEARER,
	EVENT_LINK,
	EVENT_FLOW,
	EVENT_RECEIVE,
	EVENT_RECOVERY,
	EVENT_FORWARD,
	EVENT_INTERFACE,
	EVENT_RELOAD,
	EVENT_LOG,
	EVENT_KINDS,
};

/* One of the gateway's own events; which of the pointers are set follows from the kind. */
struct gateway_event {
	enum event_kind kind; /* LINK, FLOW, RECEIVE or FORWARD */
	const char *what;     /* happened: "open", "closed", ...; see docs/control.md */
	const char *why;      /* for people; NULL: nothing to say */
	const struct unit *unit;
	const struct link *link;
	const struct flow *flow;       /* at its "end" its endpoint in the stack is gone */
	const struct mapping *mapping; /* FLOW, too */
	unsigned server;	       /* FORWARD */
};

struct gateway_ops {
	/* One IP packet for the host. */
	void (*output)(void *user, const struct iovec *iov, int n);
	/* -ENOENT when not of this host; see tun/owner.h. */
	int (*owner)(void *user, bool tcp, const struct endpoint *local,
		const struct endpoint *remote, struct tun_owner *out);
	/* The bearer of a unit came, went, or changed its address. */
	void (*bearer)(void *user, struct unit *u, const struct modem_bearer *b);
	void (*power_cycle)(void *user, struct unit *u);
	/* See struct modem_ops; @unsent may be NULL. */
	size_t (*unsent)(void *user, struct unit *u);
	void (*dtr)(void *user, struct unit *u, bool on);
	/* See struct modem_ops; @pin is the one that would be entered. */
	const char *(*pin_try)(void *user, const char *pin, const char *iccid, int tries);
	void (*pin_accepted)(void *user, const char *iccid);
	/* See struct modem_ops; only after modem_set_tap(). */
	void (*tap)(void *user, struct unit *u, const struct modem_tap *t);
	/* All units are stopped (gateway_shutdown()). */
	void (*stopped)(void *user);
	/* The end of gateway_at(). */
	void (*at_done)(void *user, struct unit *u, const struct modem_at_answer *a);
	/* Something happened that somebody asked for (gateway.events); for the call only. */
	void (*event)(void *user, const struct gateway_event *e);
	/* Random bytes for local ports and query ids. */
	void (*random)(void *user, void *buf, size_t n);
};

struct gateway {
	const struct gateway_ops *ops;
	void *user;
	const struct config *config;
	const char *init_commands[CONFIG_LIST_MAX]; /* of config, as modem/ wants them */
	struct gateway_secrets secrets; /* the module asks again after each reset; wiped at the end */
	usec_t now;
	usec_t started;
	struct stack *stack;
	struct unit units[UNITS_MAX];
	unsigned n_units;
	bool stopping;

	/* Of the pools the first *_touched entries were ever used; the memory of the rest costs
	 * nothing. */
	struct flow flow_pool[FLOWS_MAX];
	unsigned flows_touched;
	struct list flows, waiting, free_flows;
	uint32_t next_id;
	unsigned n_flows;
	bool admit_again; /* something was freed since admit_run() */

	struct chunk_pool pool; /* of receive buffers */
	unsigned n_buffers;	/* flows that have one */

	struct mapping mappings[MAPPINGS_MAX];
	struct datagram datagram_pool[DATAGRAMS_MAX];
	unsigned datagrams_touched;
	struct list free_datagrams;
	struct dns dns;
	struct dest dests[DEST_MAX];
	struct forward forwards[MODEM_SERVERS];
	uint16_t forward_port; /* forward.source = gateway: the port used last */
	struct counters count;
	unsigned events; /* bit mask of kinds that ops->event is called for */
};

static inline bool event_wanted(const struct gateway *gw, enum event_kind kind)
{
	return gw->events & 1u << kind;
}

/* gateway.c */
/* @secrets may be NULL: none; else they are copied. */
int gateway_new(struct gateway **out, const struct config *config,
	const struct gateway_secrets *secrets, const struct gateway_ops *ops, void *user, usec_t now);
void gateway_free(struct gateway *gw);
void gateway_packet(struct gateway *gw, usec_t now, const uint8_t *p, size_t n);
void gateway_run(struct gateway *gw, usec_t now);
usec_t gateway_deadline(const struct gateway *gw);
/* What the tty of @u brought, its coming and going, and the end of the power command: the modem calls
 * back into the gateway, so its clock has to be set first. */
void gateway_input(struct unit *u, usec_t now, const void *p, size_t n);
void gateway_attach(struct unit *u, usec_t now);
void gateway_detach(struct unit *u, usec_t now);
void gateway_power_done(struct unit *u, usec_t now, int status);
/* modem_at() with the gateway's clock set. */
int gateway_at(struct unit *u, usec_t now, const char *command, usec_t timeout);
/* The live options of the configuration changed. */
void gateway_reconfigured(struct gateway *gw, usec_t now);
void gateway_shutdown(struct gateway *gw, usec_t now);
/* The interface's address: that of the network, or the configured one with its prefix. */
struct addr unit_address(const struct unit *u, unsigned *prefix);
struct link *unit_free_link(struct unit *u);
unsigned unit_links_in_use(const struct unit *u, enum link_use use);
/* When the state in @s began: with gwd itself if the modem never left its first one. */
usec_t unit_since(const struct unit *u, const struct modem_status *s);
/* Transparent mode: a flow has the line, and nobody else gets anything across it. */
bool unit_line_taken(const struct unit *u);
/* Payload of a link's life: @n more bytes, and none yet. */
void link_sent(struct link *l, size_t n);
void link_received(struct link *l, size_t n);
void link_count_anew(struct link *l);
/* Gives the number back to the unit; the modem has (or will have) closed it. */
void link_release(struct link *l);
/* "tcp#12 10.0.0.1:4000 -> 192.0.2.1:80" in a buffer of FLOW_NAME_LEN bytes. */
#define FLOW_NAME_LEN 160
const char *flow_name(const struct flow *f, char *buf);

/* flow.c: the life of a TCP flow */
/* NULL when the table is full of living flows. The endpoint's user pointer is the flow. */
struct flow *flow_new(struct gateway *gw, struct stack_tcp *tcp, const struct endpoint *local,
	const struct endpoint *remote);
/* The endpoint must be gone already; a link that is still attached is the caller's to close. @why: for
 * people. */
void flow_free(struct gateway *gw, struct flow *f, const char *why);
/* Moves to @state, arms its time-out and begins what the state begins with: the flow may be gone
 * when this returns (a half-close whose owner is gone ends at once). */
void flow_enter(struct gateway *gw, struct flow *f, enum flow_state state);
void flow_arm(struct gateway *gw, struct flow *f);
/* A byte moved, or something else says that the flow lives. */
void flow_touch(struct gateway *gw, struct flow *f);
/* The ends; each frees the flow. A held SYN: tells the host. */
void flow_refuse(struct gateway *gw, struct flow *f, enum stack_answer answer);
/* RST to the host now, and the link away; counted and logged. */
void flow_reset(struct gateway *gw, struct flow *f, uint64_t *counter, const char *why);
/* Nobody waits for the peer's answer any more: an orderly end on both sides. */
void flow_finish(struct gateway *gw, struct flow *f);
const char *flow_state_name(enum flow_state s);
/* Resets the longest idle flow of @state (LINGER holds a link, DELIVER a buffer), if it was idle for
 * a second; one whose owner is known to wait for the answer only if there is no other. */
bool flow_reclaim(struct gateway *gw, enum flow_state state);
/* When flow_reclaim() could find one it does not find now. */
usec_t flow_reclaim_deadline(const struct gateway *gw);
/* Arms every flow's time-out anew, after a reload. */
void flow_rearm(struct gateway *gw);
/* Ends the TCP flow (RST) or the UDP mapping with this id. -ENOENT: there is none. */
int flow_close(struct gateway *gw, usec_t now, uint32_t id);
/* RST to every flow beyond the held ones. */
void flow_reset_all(struct gateway *gw);
void flow_timers(struct gateway *gw);
usec_t flow_deadline(const struct gateway *gw);
/* Has the modem close the link; NULL is fine. */
void link_end(struct link *l);

/* tcp.c: the TCP relay */
void tcp_syn(struct gateway *gw, struct stack_tcp *tcp, const struct endpoint *local,
	const struct endpoint *remote, uint8_t dscp);
void tcp_event(struct gateway *gw, struct stack_tcp *tcp, unsigned events);
void tcp_link_opened(struct link *l, int result);
void tcp_link_data(struct link *l, const uint8_t *p, size_t n);
size_t tcp_link_space(struct link *l);
void tcp_link_sent(struct link *l, size_t req, size_t n);
void tcp_link_closed(struct link *l, enum modem_close_reason reason);
void tcp_link_acked(struct link *l, bool known, uint64_t sent, uint64_t acked);
/* CONFIRM begins: asks CIPACK. LINGER: looks whether the socket's owner still waits. */
void tcp_confirm_begin(struct gateway *gw, struct flow *f);
void tcp_linger_check(struct gateway *gw, struct flow *f);

/* buffer.c: received bytes that wait for their host */
int buffer_init(struct gateway *gw);
/* Whether one more flow can be given its share. */
bool buffer_available(const struct gateway *gw);
bool buffer_take(struct gateway *gw, struct flow *f);
void buffer_give(struct gateway *gw, struct flow *f);
/* The stack took @n bytes of it. */
void buffer_drop(struct gateway *gw, struct flow *f, size_t n);
/* Bytes that have come. False: there is no place for them, and the flow was reset. */
bool buffer_put(struct gateway *gw, struct flow *f, const uint8_t *p, size_t n);
/* Buffer mode: how many bytes may be asked for. Their place is set aside. */
size_t buffer_space(struct gateway *gw, struct flow *f);

/* admit.c: held SYNs to links */
void admit_run(struct gateway *gw);
usec_t admit_deadline(const struct gateway *gw);
/* Whether a new flow has to be refused at once: another one has the line (transparent.busy). */
bool admit_refuses(const struct unit *u);
/* What a held flow waits for, for people; NULL if it does not wait. */
const char *admit_why(const struct gateway *gw, const struct flow *f);

/* forward.c: clients from outside */
/* The rules may have changed. */
void forward_configure(struct gateway *gw);
void forward_accepted(struct link *l, unsigned server, const struct endpoint *remote);
void forward_listening(struct unit *u, unsigned server, int result);
/* The flow's server did not take it; the endpoint must be gone already. */
void forward_refused(struct gateway *gw, struct flow *f, const char *why);
unsigned forward_active(const struct gateway *gw, const struct forward *fw);
/* The address beside @own that stands for clients with forward.source = gateway. */
struct addr forward_address(const struct addr *own, unsigned prefix);

/* udp.c: mappings */
/* Forgets it; the last mapping of a link takes the link with it. */
void udp_mapping_drop(struct mapping *m, const char *why);
/* A client has the number that this link waited to be opened by. */
void udp_link_taken(struct link *l);
void udp_datagram(struct gateway *gw, const struct stack_datagram *d);
void udp_link_opened(struct link *l, int result);
void udp_link_data(struct link *l, const uint8_t *p, size_t n, const struct endpoint *src);
void udp_link_sent(struct link *l, size_t n);
void udp_link_closed(struct link *l);
void udp_bearer_lost(struct unit *u);
void udp_mode_changed(struct unit *u, enum modem_receive mode);
void udp_timers(struct gateway *gw);
usec_t udp_deadline(const struct gateway *gw);
/* Finds or makes the mapping of (@local, @remote); @dns: the one that all queries to @remote share.
 * NULL: no link can carry it. */
struct mapping *udp_mapping(struct gateway *gw, const struct endpoint *local,
	const struct endpoint *remote, bool dns);
/* Queues a datagram on the mapping's link. -ENOBUFS: dropped and counted. */
int udp_queue(struct gateway *gw, struct mapping *m, const struct stack_datagram *d,
	const uint8_t *p, bool urgent);
/* Names come first: the link whose remotes were silent for longest is closed. False: there is none. */
bool udp_make_room(struct gateway *gw);

/* ping.c: echo requests, one at a time, by the module */
void ping_request(struct gateway *gw, const struct stack_echo *e);
void ping_result(struct unit *u, enum modem_ping_result result, usec_t rtt);
/* Everybody who waits is told. */
void ping_bearer_lost(struct unit *u);

/* sched.c: which link sends next */
void sched_init(struct unit *u);
void sched_ready(struct link *l);
/* The same, before all others: somebody waits for it (DNS). */
void sched_urgent(struct link *l);
void sched_remove(struct link *l);
bool sched_next(struct unit *u, uint8_t *buf, struct modem_send *send);

/* dest.c: what is known of destinations */
enum dest_verdict dest_lookup(const struct gateway *gw, const struct endpoint *remote);
void dest_remember(struct gateway *gw, const struct endpoint *remote, enum dest_verdict v);

#endif

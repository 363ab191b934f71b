/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this room share: the stack, the endpoint, and who does what. */
#ifndef STACK_INTERNAL_H
#define STACK_INTERNAL_H

#include "stack/stack.h"
#include "packet.h"
#include "util/list.h"
#include "util/ring.h"
#include "wire.h"

struct tcp_pcb;
struct engine;
struct reass;

/* Held SYNs, and as many endpoints that live or are being closed. */
#define ENDPOINTS_MAX (2 * STACK_HELD_MAX)
#define TABLE_SIZE 256 /* buckets of the 4-tuple table; a power of two */

/*
 * The life of an endpoint; "its end" is the state it goes to when its time is over.
 *
 * state      what it is                          time-out                     its end
 * FREE       in the pool
 * HELD       a SYN kept, nothing answered        config.held_max_age          RST, GONE
 * HANDSHAKE  SYN-ACK sent (lwIP: SYN_RCVD)       20 s (lwIP)                  GONE
 * CONNECTING SYN sent (lwIP: SYN_SENT)           the owner's, or lwIP's       GONE
 * OPEN       any other state of lwIP             lwIP's retransmission limit  GONE
 *            detached from its owner             LINGER without progress      RST, FREE
 * ENDED      both FINs are through, lwIP's side  the owner's: it confirms     GONE
 *            is over, bytes are still unread     or aborts
 * GONE       the event waits for stack_run()     the next stack_run()         FREE
 *
 * Only HELD, HANDSHAKE, CONNECTING and OPEN are in the 4-tuple table, and of these all but HELD have
 * a pcb.
 */
enum endpoint_state {
	ENDPOINT_FREE,
	ENDPOINT_HELD,
	ENDPOINT_HANDSHAKE,
	ENDPOINT_CONNECTING,
	ENDPOINT_OPEN,
	ENDPOINT_ENDED,
	ENDPOINT_GONE,
};

#define LINGER SEC(60)

/* Internal event beside enum stack_tcp_event: the owner has not heard of this held SYN yet. */
#define EVENT_SYN (1u << 31)

/* What is kept of a held SYN: all of it but its payload, which the host will send again. */
struct held_syn {
	uint8_t header[TCP_HLEN_MAX];
	uint8_t header_len;
	uint8_t dscp;
	uint32_t seq;
	uint32_t next; /* the sequence number behind it */
	unsigned count;
	usec_t last;
};

struct stack_tcp {
	struct stack *stack;
	struct stack_tcp *next; /* in the table's bucket, or in the pool */
	struct list dirty;	/* in stack.dirty or stack.batch: has events */
	struct list timed;	/* in stack.held or stack.lingering, by deadline */
	struct list starved;	/* in stack.starved: a write found no memory */
	usec_t deadline;
	enum endpoint_state state;
	unsigned events;
	struct endpoint local, remote;
	void *user;
	struct held_syn syn;
	struct tcp_pcb *pcb;
	struct ring rx; /* unconfirmed bytes; memory of STACK_WINDOW bytes from HANDSHAKE on */
	bool detached;	/* the owner has let go */
	bool shutdown;	/* a FIN is wanted once everything is acknowledged */
	bool fin_sent;
	bool fin_seen;	      /* the host's */
	bool reset_when_acked; /* instead of a FIN */
	bool reset_now;	      /* bytes came that nobody will read: RST as soon as lwIP has returned */
};

/* Answers nobody asked for are limited: so many at once, and so many a second. */
#define ANSWERS_BURST 256
struct bucket {
	unsigned tokens;
	usec_t refilled;
};

struct stack {
	struct stack_config config;
	struct stack_ops ops;
	void *user;
	usec_t now; /* of the last stack_input() or stack_run() */
	struct stack_stats stats;
	struct engine *engine;
	struct reass *reass;
	usec_t tick_at; /* USEC_NEVER while lwIP needs no timer */
	uint64_t id_counter;
	struct bucket resets, errors;
	bool in_output;
	struct list dirty, batch, held, lingering, starved;
	struct stack_tcp *delivering; /* the one whose event call is running */
	struct stack_tcp *pool;
	struct stack_tcp *table[TABLE_SIZE];
	struct stack_tcp endpoints[ENDPOINTS_MAX];
};

/* A TCP segment of the host, its checksum and lengths verified. */
struct segment {
	struct endpoint local, remote;
	const uint8_t *header; /* @header_len bytes, then @data_len of payload */
	size_t header_len, data_len;
	uint32_t seq, ack;
	uint32_t len; /* in sequence numbers */
	uint8_t flags;
	uint8_t dscp;
};

/* pool.c: endpoints, the table and the event lists */
void pool_init(struct stack *s);
struct stack_tcp *pool_find(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote);
struct stack_tcp *pool_take(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote);
void pool_put(struct stack_tcp *tcp);
void pool_unlink(struct stack_tcp *tcp); /* out of the table */
void pool_event(struct stack_tcp *tcp, unsigned events);

/* held.c */
void held_take(struct stack *s, const struct segment *seg);
void held_segment(struct stack_tcp *tcp, const struct segment *seg);
void held_expire(struct stack *s);
void held_abort(struct stack_tcp *tcp);

/* tcp.c */
void tcp_segment(struct stack_tcp *tcp, const struct segment *seg);
int tcp_open(struct stack_tcp *tcp); /* HELD -> HANDSHAKE, or -ENOMEM */
void tcp_attach(struct stack_tcp *tcp, struct tcp_pcb *pcb);
/* The host has named its first window. */
void tcp_mind_window(struct tcp_pcb *pcb);
void tcp_fail(struct stack_tcp *tcp); /* the pcb goes without a word */
void tcp_gone(struct stack_tcp *tcp); /* reset, given up or timed out; its pcb is no more */
void tcp_drop(struct stack_tcp *tcp); /* silently, for stack_free() */
bool tcp_closing(const struct stack_tcp *tcp); /* our FIN was sent */
void tcp_replaced(struct stack_tcp *tcp); /* the host uses its port for a new connection */
void tcp_linger_expire(struct stack *s);
void tcp_unstarve(struct stack *s);

/* connect.c: the host refused a SYN of ours by ICMP; @seq is that of the segment it quotes */
void connect_unreachable(struct stack *s, const struct endpoint *local,
	const struct endpoint *remote, uint32_t seq);

/* engine.c: lwIP as one thing */
int engine_new(struct stack *s);
void engine_free(struct stack *s);
struct tcp_pcb *engine_accept(struct stack_tcp *tcp);
struct tcp_pcb *engine_connect(struct stack_tcp *tcp);
/* Whether @seq is that of the SYN under way. */
bool engine_sent_syn(const struct stack_tcp *tcp, uint32_t seq);
void engine_input(struct stack *s, const struct segment *seg);
bool engine_time_wait(const struct endpoint *local, const struct endpoint *remote);
void engine_forget(const struct endpoint *local, const struct endpoint *remote);
bool engine_wants_tick(const struct stack *s);
void engine_tick(struct stack *s);

/* out.c */
struct out {
	const struct addr *src, *dst;
	uint8_t proto;
	bool df;
};
void out_emit(struct stack *s, const struct iovec *iov, int n);
/* A whole IP packet of at most two pieces of upper layer; fragments if it exceeds the MTU. */
void out_send(struct stack *s, const struct out *o, const struct iovec l4[2]);
/* An IP header in front of @n bytes; returns its length. @buf has IP6_HLEN bytes. */
size_t out_header(uint8_t *buf, const struct out *o, size_t n, uint16_t id);

/* answer.c */
void answer_reset(struct stack *s, const struct endpoint *local, const struct endpoint *remote,
	uint32_t seq, uint32_t ack, uint8_t flags);
void answer_reset_syn(struct stack_tcp *tcp);
void answer_unknown(struct stack *s, const struct segment *seg);
bool answer_allowed(struct stack *s, struct bucket *b);
struct answer {
	const struct addr *local, *remote;
	uint8_t proto;
	bool df;
	struct iovec l4[2]; /* what is quoted: upper-layer header, and data */
};
void answer_unreachable(struct stack *s, const struct answer *a, enum stack_answer answer);
void answer_too_big(struct stack *s, const struct answer *a, unsigned mtu);

/* udp.c, icmp.c, gate.c */
void udp_input(struct stack *s, const struct packet *p);
void icmp_input(struct stack *s, const struct packet *p);
void gate_input(struct stack *s, const uint8_t *p, size_t n);

/* reass.c */
int reass_new(struct reass **out);
void reass_free(struct reass *r);
/* Takes a fragment in. True when it completed a datagram: @p then is the whole of it, whose bytes
 * are valid until the next call. */
bool reass_input(struct stack *s, struct packet *p);
void reass_expire(struct stack *s);
usec_t reass_deadline(const struct reass *r);

#endif

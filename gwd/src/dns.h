/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names. A query of the host becomes a struct query and leaves by one of three ways; whatever way it
 * took, its answer is one UDP datagram to the host.
 *
 * Files: dns.c the table, the choice of the way, and UDP; dns_tcp.c one TCP link to a resolver;
 * dns_modem.c the module's own resolver (CDNSGIP); dns_message.c the messages.
 */
#ifndef GWD_DNS_H
#define GWD_DNS_H

#include "dns_message.h"
#include "util/time.h"

struct gateway;
struct link;
struct unit;
struct mapping;
struct stack_datagram;

#define DNS_MAX 256	    /* queries without an answer yet */
#define DNS_QUERY_SIZE 512  /* of a query that is kept; longer ones can only go by UDP */
#define DNS_ANSWER_MAX 2048 /* bytes of an answer that the host can get in a datagram */
#define DNS_REFUSED_MAX 8   /* resolvers that do not speak TCP */

enum dns_way {
	DNS_BY_UDP,
	DNS_BY_TCP,
	DNS_BY_MODEM,
};

struct query {
	bool used;
	enum dns_way way;
	bool sent;	   /* TCP, modem: it is under way; otherwise it waits */
	uint16_t id, host_id;
	struct link *link; /* UDP; TCP once it is sent */
	struct endpoint local, asked; /* the host's socket and whom it asked */
	struct endpoint server;	      /* who is asked for it; differs in the family at most */
	usec_t at;		      /* when the host last asked */
	unsigned sends;		      /* by TCP */
	uint16_t len, question_len;
	uint8_t message[DNS_QUERY_SIZE]; /* with the host's id; its first @len bytes at most */
};

/* The one TCP link for queries. */
struct dns_tcp {
	struct link *link; /* NULL: there is none */
	struct endpoint server;
	usec_t active;	  /* the last byte in either direction, or when it began to open */
	usec_t retry;	  /* the module was busy: open again then; 0: not waiting */
	usec_t heard;	  /* the last byte of the resolver, or when the link opened */
	bool silent;	  /* closed because it was silent when it was asked */
	unsigned broken;  /* connections in a row that ended with queries unanswered */
	size_t tx_len, rx_len;
	size_t skip;	  /* bytes of an oversize answer still to come */
	uint8_t tx[DNS_QUERY_SIZE * 4];
	uint8_t rx[2 + DNS_ANSWER_MAX];
};

struct dns {
	struct query queries[DNS_MAX];
	struct dns_tcp tcp;
	bool again; /* something happened that lets a query go on */
	struct {
		struct endpoint server;
		usec_t until;
	} refused[DNS_REFUSED_MAX];
};

/* ---- dns.c ---- */

/* True: it was a query and is dealt with. */
bool dns_query(struct gateway *gw, const struct stack_datagram *d);
/* By UDP: a datagram of the mapping's remote; bytes of several of them (buffer mode). */
void dns_answer(struct mapping *m, const uint8_t *p, size_t n);
void dns_stream(struct mapping *m, const uint8_t *p, size_t n);
/* The UDP link is gone: its queries take another way if there is one. */
void dns_link_gone(struct link *l);
void dns_link_moved(struct link *from, struct link *to);
void dns_bearer_lost(struct unit *u);
void dns_timers(struct gateway *gw);
usec_t dns_deadline(const struct gateway *gw);
bool dns_pending(const struct gateway *gw, const struct link *l, const struct endpoint *server);
/* No link has to be kept for UDP or names (decision 8). */
bool dns_needs_no_link(const struct gateway *gw);

/* For the ways. The first @n of the @whole bytes of an answer of @server that came on @l; one that
 * does not match a query is counted and dropped. @limited: what the host does not take in a datagram
 * becomes a truncated answer. */
void dns_deliver(struct gateway *gw, struct link *l, const struct endpoint *server,
	const uint8_t *p, size_t n, size_t whole, bool limited);
/* The end of a query: an answer of ours. @a may be NULL. */
void dns_finish(struct gateway *gw, struct query *q, enum dns_rcode rcode, const struct addr *a);
/* A new query, or the host's repetition of one (*@fresh false), which waits to be sent by @way. */
struct query *dns_keep(struct gateway *gw, const struct stack_datagram *d,
	const struct endpoint *server, enum dns_way way, bool *fresh);
/* What it asks. */
void dns_request_of(const struct query *q, struct dns_request *r);
/* The longest waiting query of @way that is not sent; @server may be NULL. */
struct query *dns_waiting(struct gateway *gw, enum dns_way way, const struct endpoint *server);
/* TCP did not work: it goes by UDP, or the host hears that it failed. */
void dns_fall_back(struct gateway *gw, struct query *q);
/* @server does not speak TCP: it is asked by UDP for a while. */
void dns_remember_refusal(struct gateway *gw, const struct endpoint *server);

/* ---- dns_tcp.c ---- */
void dns_tcp_run(struct gateway *gw);
usec_t dns_tcp_deadline(const struct gateway *gw);
/* A query that was sent has waited long enough: maybe the link is to blame. */
void dns_tcp_unanswered(struct gateway *gw);
/* Somebody else needs the link, or that there is none: one that nobody waits for is closed. True:
 * it will be free. */
bool dns_tcp_yield(struct gateway *gw);
void dns_link_opened(struct link *l, int result);
size_t dns_link_fill(struct link *l, uint8_t *buf);
void dns_link_sent(struct link *l, size_t n);
void dns_link_data(struct link *l, const uint8_t *p, size_t n);
void dns_link_closed(struct link *l);

/* ---- dns_modem.c ---- */
/* Everything for port 53 ends here; true. */
bool dns_modem_query(struct gateway *gw, const struct stack_datagram *d);
void dns_modem_run(struct gateway *gw);
void dns_modem_resolved(struct unit *u, const char *name, int result, const struct addr *a);

#endif

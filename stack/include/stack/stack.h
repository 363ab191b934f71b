/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's TCP, UDP and ICMP ended in userspace: IP packets in and out on one side, TCP endpoints
 * and datagrams on the other. Unpatched lwIP does TCP; a gate of ours in front of it holds SYNs,
 * parses UDP and ICMP, reassembles fragments and answers for flows that are unknown.
 *
 * lwIP keeps its state in globals, so there is one stack in a process; nothing else is global.
 *
 * The stack does no I/O and reads no clock. The owner passes packets to stack_input() and calls
 * stack_run() after a batch of them (or of its own calls) and when stack_deadline() has come.
 * tcp_syn() and tcp_event() come from stack_run() only; udp() and echo() from stack_input(); output()
 * from any call. Inside a callback every function may be called but stack_free(), stack_input() and
 * stack_run(); output() may come from the middle of lwIP and must not call the stack at all.
 *
 * A TCP endpoint ("tcp") begins as a held SYN: nothing is answered until the owner accepts or
 * refuses it, so a host's connect() means what it says; or by stack_tcp_connect(), towards a server
 * of the host. It ends with the event STACK_TCP_GONE, or by
 * the owner's stack_tcp_refuse()/stack_tcp_abort(); the pointer is invalid from then on. After
 * stack_tcp_detach() no events come; the stack finishes the endpoint by itself. A clean end (FIN seen
 * and sent, both acknowledged) brings GONE only when every byte of the host was confirmed; after a
 * RST or a time-out GONE comes alone, and unread bytes are void.
 *
 * Addresses: @local is the host's side (source of its packets), @remote the destination it named.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/addr.h"
#include "util/time.h"

#define STACK_HELD_MAX 256	/* held SYNs; more are dropped and counted, the host tries again */
#define STACK_WINDOW 8760	/* receive window of an endpoint: six segments, no scaling */

struct stack;
struct stack_tcp;

/* A datagram of the host. What is needed to refuse it later is copied along with it. */
struct stack_datagram {
	struct endpoint local;	/* the host's socket */
	struct endpoint remote; /* where it goes */
	const uint8_t *p;	/* payload; owned by the giver, valid during the call */
	size_t n;
	uint8_t dscp;
	bool fragmented; /* it came in pieces: no ICMP "too big" is due (decision 22) */
	bool df;	 /* IPv4 "don't fragment" was set; always true for IPv6 */
};

/* An ICMP or ICMPv6 echo request of the host. */
struct stack_echo {
	struct addr local, remote;
	uint16_t id, seq;
	uint8_t ttl;	  /* of its packet; IPv6: hop limit */
	const uint8_t *p; /* owned by the giver, valid during the call */
	size_t n;
};

enum stack_tcp_event {
	STACK_TCP_ESTABLISHED = 1 << 0, /* the handshake with the host is complete */
	STACK_TCP_READABLE = 1 << 1,	/* bytes from the host are queued */
	STACK_TCP_WRITABLE = 1 << 2,	/* stack_tcp_write() will take more than it did */
	STACK_TCP_FIN = 1 << 3,		/* the host sent FIN; queued bytes come before it */
	STACK_TCP_ACKED = 1 << 4,	/* everything written was acknowledged by the host */
	STACK_TCP_GONE = 1 << 5,	/* host RST, cancelled SYN, or time-out: pointer invalid after this */
};

/* What a host is told. */
enum stack_answer {
	STACK_ANSWER_RST,	    /* connection refused: RST with ACK; UDP: port unreachable */
	STACK_ANSWER_NET_UNREACH,   /* ICMP 3/0, ICMPv6 1/0 -> ENETUNREACH */
	STACK_ANSWER_HOST_UNREACH,  /* ICMP 3/1, ICMPv6 1/3 -> EHOSTUNREACH */
	STACK_ANSWER_PROHIBITED,    /* ICMP 3/13, ICMPv6 1/1 */
};

struct stack_ops {
	/* One IP packet for the host, in @n pieces, valid during the call. */
	void (*output)(void *user, const struct iovec *iov, int n);

	/* A new held SYN. @dscp is the traffic class of its IP header (0-63). The endpoint's user
	 * pointer is NULL until stack_tcp_set_user(). */
	void (*tcp_syn)(void *user, struct stack_tcp *tcp, const struct endpoint *local,
		const struct endpoint *remote, uint8_t dscp);

	/* @events is a set of enum stack_tcp_event; several are delivered in one call. */
	void (*tcp_event)(void *user, struct stack_tcp *tcp, unsigned events);

	/* One whole datagram from the host, its UDP length and checksum verified. */
	void (*udp)(void *user, const struct stack_datagram *d);

	/* An echo request from the host; nothing is answered but by stack_echo_*(). NULL: dropped and
	 * counted. */
	void (*echo)(void *user, const struct stack_echo *e);
};

struct stack_config {
	unsigned mtu;	      /* of the interface, 576 .. 9000; v6 needs 1280 */
	uint8_t isn_secret[16]; /* random; for initial sequence numbers (RFC 6528) */
	usec_t held_max_age;  /* a held SYN older than this gets RST with ACK (decision 18: 30 s) */
};

/* -EBUSY when the process has one already, -ENOMEM, -EINVAL for what @config or @ops lack. */
int stack_new(struct stack **out, const struct stack_config *config, const struct stack_ops *ops,
	void *user, usec_t now);
void stack_free(struct stack *s);

/* One IP packet from the host, any bytes. Never fails: what is wrong is dropped and counted. */
void stack_input(struct stack *s, usec_t now, const uint8_t *p, size_t n);
/* Timers that are due, then the events gathered since the last call. */
void stack_run(struct stack *s, usec_t now);
/* When stack_run() is wanted; 0 (at once) when events are pending; USEC_NEVER with no flow. */
usec_t stack_deadline(const struct stack *s);

void stack_tcp_set_user(struct stack_tcp *tcp, void *user);
void *stack_tcp_user(const struct stack_tcp *tcp);

/* Held SYN -> handshake with the host (ESTABLISHED or GONE follows). -ENOMEM: refuse it. -EINVAL when
 * it was accepted before. */
int stack_tcp_accept(struct stack_tcp *tcp);
/* Held SYN -> the truth. @tcp is gone. */
void stack_tcp_refuse(struct stack_tcp *tcp, enum stack_answer answer);
/* How often the host repeated the SYN and when it last did; a client that stopped has given up. */
unsigned stack_tcp_syn_count(const struct stack_tcp *tcp);
usec_t stack_tcp_last_syn(const struct stack_tcp *tcp);

/*
 * Connects to @local, a server of the host or behind it, as @remote, any address at all: the server
 * sees it as its client. ESTABLISHED follows, or GONE when the server refuses, the host says
 * "unreachable" or nobody answers for about a minute; the owner may abort sooner. -EADDRINUSE while the
 * two have a connection (one in TIME_WAIT makes room), -EAFNOSUPPORT when the families differ,
 * -EINVAL for a port 0, -ENOMEM.
 */
int stack_tcp_connect(struct stack *s, const struct endpoint *local, const struct endpoint *remote,
	struct stack_tcp **out);

/*
 * Bytes from the host stay queued (and the window closed by them) until they are confirmed:
 * read copies up to @n bytes starting @offset bytes behind the first unconfirmed one, confirm
 * removes @n from the front and opens the window. queued counts all unconfirmed bytes.
 */
size_t stack_tcp_queued(const struct stack_tcp *tcp);
size_t stack_tcp_read(const struct stack_tcp *tcp, size_t offset, void *buf, size_t n);
void stack_tcp_confirm(struct stack_tcp *tcp, size_t n);

/* Copies up to @n bytes towards the host; returns how many were taken (0: wait for WRITABLE). */
size_t stack_tcp_write(struct stack_tcp *tcp, const void *p, size_t n);
size_t stack_tcp_write_space(const struct stack_tcp *tcp);
/* Written to, not yet acknowledged by, the host. */
size_t stack_tcp_unacked(const struct stack_tcp *tcp);

/* FIN to the host once everything written is acknowledged. No write after this. */
void stack_tcp_shutdown(struct stack_tcp *tcp);
/* RST to the host at once; @tcp is gone. */
void stack_tcp_abort(struct stack_tcp *tcp);
/* RST to the host once everything written is acknowledged (or the endpoint dies); no events
 * after this, @tcp is gone for the owner. */
void stack_tcp_abort_when_acked(struct stack_tcp *tcp);
/* The owner has no more interest: both directions have ended (shutdown was called and the host's
 * FIN came), the stack finishes LAST_ACK/TIME_WAIT, within a minute without progress. Unconfirmed bytes, or
 * bytes that still come, make it a RST. @tcp is gone for the owner. */
void stack_tcp_detach(struct stack_tcp *tcp);

/* A datagram to the host from @remote to @local; fragments if it exceeds the MTU. -EMSGSIZE above
 * what UDP carries, -EAFNOSUPPORT when families differ. */
int stack_udp_send(struct stack *s, const struct endpoint *remote, const struct endpoint *local,
	const void *p, size_t n);
/* The ICMP error for a datagram of the host; it quotes a rebuilt header and the first payload bytes. */
void stack_udp_refuse(struct stack *s, const struct stack_datagram *d, enum stack_answer answer);
/* "Fragmentation needed" / "packet too big": @mtu is the largest IP packet that would have passed.
 * Nothing is sent for one that was fragmented or has no DF. */
void stack_udp_too_big(struct stack *s, const struct stack_datagram *d, unsigned mtu);
/* The reply, or the ICMP error, for what echo() brought. */
void stack_echo_reply(struct stack *s, const struct stack_echo *e);
void stack_echo_refuse(struct stack *s, const struct stack_echo *e, enum stack_answer answer);

/* The interface's MTU changed; connections that there are keep their segment size. */
void stack_set_mtu(struct stack *s, unsigned mtu);

struct stack_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_malformed;	    /* not IP, wrong length or checksum */
	uint64_t rx_unsupported;    /* a protocol we do not carry, multicast, broadcast */
	uint64_t rx_filtered;	    /* segments that the SYN filter kept away from lwIP */
	uint64_t rx_unknown_segment; /* answered with RST */
	uint64_t rx_echo_dropped;
	uint64_t fragments, fragments_dropped, datagrams_reassembled;
	uint64_t syn_held, syn_duplicate, syn_replaced, syn_cancelled, syn_expired, syn_overflow;
	uint64_t tcp_accepted, tcp_connects, tcp_refused, tcp_aborted;
	uint64_t alloc_bytes, alloc_peak, alloc_limit, alloc_refused; /* lwIP's memory */
	uint64_t answers_limited; /* RSTs, challenge ACKs and ICMP errors not sent: too many */
	unsigned held, endpoints;
};
void stack_stats(const struct stack *s, struct stack_stats *out);

#endif

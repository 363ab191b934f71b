/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host and an owner for the tests: packets are built and fed by hand, everything the stack sends
 * is kept and taken apart, with every checksum verified, and the owner notes what it is told.
 */
#ifndef TESTS_STACK_HOST_H
#define TESTS_STACK_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/stack.h"
#include "wire.h"

#define PACKET_SIZE 9100
#define KEPT_MAX 1024

/* One packet that the stack sent. */
struct view {
	struct addr src, dst;
	uint8_t proto;
	bool df, fragment, more;
	uint32_t id;
	size_t offset; /* of a fragment */
	const uint8_t *l4;
	size_t l4_len;
	uint16_t sport, dport;
	/* TCP */
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, mss;
	/* payload of TCP, UDP, echo; of an ICMP error: the quoted packet */
	const uint8_t *data;
	size_t n;
	/* ICMP */
	uint8_t type, code;
	uint32_t field;
};

struct kept {
	uint8_t *bytes;
	size_t n;
};

struct rig {
	struct stack *s;
	usec_t now;
	struct kept sent[KEPT_MAX];
	size_t sent_n, sent_taken;
	/* the owner's notes */
	struct stack_tcp *syn; /* the last one announced */
	struct endpoint syn_local, syn_remote;
	uint8_t syn_dscp;
	unsigned syns, gone;
	unsigned events; /* all since events_of() */
	struct stack_tcp *last;
	void (*on_syn)(struct rig *r, struct stack_tcp *tcp);
	void (*on_event)(struct rig *r, struct stack_tcp *tcp, unsigned events);
	struct stack_datagram udp; /* the last one; its bytes are in udp_bytes */
	uint8_t udp_bytes[65536];
	unsigned udps;
	void (*on_udp)(struct rig *r, const struct stack_datagram *d);
	unsigned echoes;
	struct stack_echo echo; /* the last one; its bytes are in echo_bytes */
	uint8_t echo_bytes[65536];
};

/* A TCP client of the host, driven by hand. */
struct client {
	struct rig *r;
	struct endpoint local, remote;
	uint32_t snd, rcv; /* next of its own, next expected */
	uint16_t window;
};

extern const struct stack_ops rig_ops; /* for the user pointer struct rig */
void rig_start(struct rig *r, const struct stack_config *config);
void rig_open(struct rig *r); /* with the usual configuration: MTU 1500, 30 s */
void rig_close(struct rig *r); /* and nothing may be left allocated */
void rig_input(struct rig *r, const uint8_t *p, size_t n);
void rig_run(struct rig *r);
/* Lets @t pass in steps of 100 ms, running the stack in each. */
void rig_pass(struct rig *r, usec_t t);
struct stack_stats rig_stats(const struct rig *r);
unsigned rig_events(struct rig *r); /* and forgets them */

/* The next packet of the stack in @v; false when there is none. */
bool rig_next(struct rig *r, struct view *v);
void rig_expect_silence(struct rig *r);
void rig_forget(struct rig *r);

struct endpoint ep(const char *text);

/* Builders return the length of the packet in @buf (PACKET_SIZE bytes, or more for big ones). */
size_t build_ip(uint8_t *buf, const struct addr *src, const struct addr *dst, uint8_t proto,
	const void *l4, size_t n);
struct tcp_spec {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, mss; /* mss 0: no option */
	const uint8_t *options; /* instead of the MSS, eight bytes of them */
	const void *data;
	size_t n;
};
size_t build_tcp(uint8_t *buf, const struct endpoint *from, const struct endpoint *to,
	const struct tcp_spec *t);
size_t build_udp(uint8_t *buf, const struct endpoint *from, const struct endpoint *to,
	const void *data, size_t n);
size_t build_echo(uint8_t *buf, const struct addr *from, const struct addr *to, uint16_t id,
	uint16_t seq, const void *data, size_t n);
/* An error: @data is what it quotes. */
size_t build_icmp(uint8_t *buf, const struct addr *from, const struct addr *to, uint8_t type,
	uint8_t code, const void *data, size_t n);
/* The part [@offset, @offset + @n) of the upper layer of @packet as a fragment. */
size_t build_fragment(uint8_t *buf, const uint8_t *packet, size_t len, uint32_t id, size_t offset,
	size_t n);
/* Corrects the checksum of an IPv4 header after it was changed. */
void fix_v4(uint8_t *packet);

struct client client(struct rig *r, const char *local, const char *remote);
void client_send(struct client *c, uint8_t flags, const void *data, size_t n);
void client_syn(struct client *c);
/* SYN, accept by the owner, SYN-ACK, ACK; the endpoint is in the result. */
struct stack_tcp *client_connect(struct client *c);
/* The next packet, which is a TCP segment for @c; its data counts as received. */
struct view client_expect(struct client *c, uint8_t flags);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One IP packet of the host taken apart: header checked, extension headers walked, addresses known
 * to be such that a flow can exist between them. Nothing is copied.
 */
#ifndef STACK_PACKET_H
#define STACK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

enum packet_verdict {
	PACKET_OK,
	PACKET_MALFORMED,   /* not IP, wrong length or checksum */
	PACKET_UNSUPPORTED, /* correct, but nothing that we carry */
};

struct packet {
	struct addr src, dst;
	uint8_t proto; /* what @l4 begins with; of a v6 fragment: what the first one begins with */
	uint8_t dscp;
	uint8_t ttl; /* hop limit */
	bool df;	   /* always true for IPv6 */
	bool reassembled;  /* made of fragments */
	const uint8_t *l4; /* behind the headers; for a fragment: its part */
	size_t n;
	struct {
		bool is; /* this packet is a fragment; the rest of the struct is about it */
		bool more;
		uint32_t id;
		size_t offset;
	} fragment;
};

enum packet_verdict packet_parse(struct packet *p, const uint8_t *bytes, size_t n);
/* Walks the extension headers at @l4; for IPv4 does nothing. packet_parse() has done it for what is
 * no fragment; a reassembled packet needs it again. */
enum packet_verdict packet_walk(struct packet *p);

/* Neither unspecified, loopback, link-local, multicast nor broadcast. */
bool packet_addr_usable(const struct addr *a);

#endif

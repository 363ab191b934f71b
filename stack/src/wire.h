/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers in packets: network byte order, any alignment. And the protocol numbers in use. */
#ifndef STACK_WIRE_H
#define STACK_WIRE_H

#include <stdint.h>

#define PROTO_HOPOPTS 0
#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_ICMPV6 58
#define PROTO_DSTOPTS 60

#define IP4_HLEN 20
#define IP6_HLEN 40
#define TCP_HLEN_MIN 20
#define TCP_HLEN_MAX 60
#define UDP_HLEN 8
#define ICMP_HLEN 8

/* TCP flags (RFC 9293 3.1), byte 13 of the header. */
#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_ACK 0x10

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

#endif

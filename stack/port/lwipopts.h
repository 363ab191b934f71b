/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lwIP as this project uses it: TCP and nothing else. The gate in front of it (src/gate.c) parses
 * and checks every packet, reassembles fragments, and does UDP and ICMP; lwIP's ip4_input() and
 * ip6_input() are never called. What is off here is therefore no loss, and cannot be attacked.
 */
#ifndef STACK_PORT_LWIPOPTS_H
#define STACK_PORT_LWIPOPTS_H

#include <stddef.h>

/* One thread, no timers of lwIP's own: stack_run() calls tcp_tmr(). */
#define NO_SYS 1
#define LWIP_TIMERS 0
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define LWIP_SINGLE_NETIF 1

/* Every allocation goes through the capped allocator of src/mem.c; MEMP_MEM_MALLOC alone has no
 * counts. 2.2 (the first release with acd.h) has names for it, 2.1 hides it behind libc's. */
void *lwip_port_malloc(size_t n);
void *lwip_port_calloc(size_t count, size_t n);
void lwip_port_free(void *p);
#if __has_include("lwip/acd.h")
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC lwip_port_malloc
#define MEM_CUSTOM_CALLOC lwip_port_calloc
#define MEM_CUSTOM_FREE lwip_port_free
#else
#define MEM_LIBC_MALLOC 1
#define mem_clib_malloc lwip_port_malloc
#define mem_clib_calloc lwip_port_calloc
#define mem_clib_free lwip_port_free
#endif
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define PBUF_LINK_HLEN 0

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_ICMP 0
#define LWIP_ICMP6 1 /* ip6.c does not link without it; not reached */
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define LWIP_IGMP 0
#define LWIP_IPV6_MLD 0
#define LWIP_IPV6_AUTOCONFIG 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_SCOPES 0
#define LWIP_IPV6_DHCP6 0
#define LWIP_ND6_ALLOW_RA_UPDATES 0
#define LWIP_ND6_TCP_REACHABILITY_HINTS 0
#define LWIP_ND6_QUEUEING 0
#define LWIP_ND6_NUM_NEIGHBORS 1
#define LWIP_ND6_NUM_DESTINATIONS 1
#define LWIP_ND6_NUM_PREFIXES 1
#define LWIP_ND6_NUM_ROUTERS 1
#define IP_FORWARD 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_IPV6_REASS 0
#define LWIP_IPV6_FRAG 0

/* The gate has verified the checksum of what comes in; what goes out needs one. */
#define CHECKSUM_CHECK_IP 0
#define CHECKSUM_CHECK_TCP 0
#define CHECKSUM_CHECK_ICMP6 0

#define LWIP_TCP 1
#define LWIP_WND_SCALE 0
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_SACK_OUT 0
#define TCP_LISTEN_BACKLOG 0
#define TCP_MSS 1460
/* Six segments, equal to STACK_WINDOW: what the host sees acknowledged is nearly what was sent. */
#define TCP_WND (6 * TCP_MSS)
#define TCP_SND_BUF (22 * TCP_MSS)
#define TCP_SND_QUEUELEN 96
#define TCP_OVERSIZE TCP_MSS
/* A TUN neither reorders nor, with a long enough queue, loses. Without the out-of-order queue a
 * hostile host cannot fill memory with one-byte segments, nor reach the assertions of tcp_receive()
 * about queued segments that end beyond the window or carry a FIN. */
#define TCP_QUEUE_OOSEQ 0
/* tcp_tmr() at this interval, retransmission in steps of twice that. */
#define TCP_TMR_INTERVAL 100
/* The host is on this machine: TIME_WAIT of two seconds. LAST_ACK is kept alive by src/tcp.c. */
#define TCP_MSL 1000
/* RFC 6298 2.1: one second until a round trip was measured. */
#define LWIP_TCP_RTO_TIME 1000
/* Doubling up to 2^7: four to seven minutes without an answer, then the connection is given up
 * (RFC 1122 4.2.3.5 wants at least 100 s). */
#define TCP_MAXRTX 8

#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN lwip_port_isn

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who on this host owns a flow, by inet_diag (5-25 us a look-up). Only sockets of our own network
 * namespace are found: a flow of a container or of the LAN has no owner here.
 */
#ifndef TUN_OWNER_H
#define TUN_OWNER_H

#include <stdint.h>

#include "util/addr.h"

struct tun_owner {
	uint32_t uid;
	uint32_t inode;	    /* 0: the socket was closed by its program (FIN_WAIT, TIME_WAIT) */
	uint64_t cgroup_id; /* 0 if the kernel did not say */
	uint8_t tcp_state;  /* TCP_* of linux/tcp.h; 0 for UDP */
};

struct tun_owner_lookup;

int tun_owner_lookup_new(struct tun_owner_lookup **out);
void tun_owner_lookup_free(struct tun_owner_lookup *l);

/* The interface that the flows come through (0: none, as after new). Without it sockets bound to a
 * device (SO_BINDTODEVICE) are not found; with it those bound to this one are. */
void tun_owner_set_interface(struct tun_owner_lookup *l, unsigned ifindex);

/* @local is the host's socket, @remote its peer. 0, -ENOENT (no such socket in this namespace), or
 * another -errno. Blocks for the kernel's answer only. UDP finds connected and unconnected ones. */
int tun_owner_tcp(struct tun_owner_lookup *l, const struct endpoint *local,
	const struct endpoint *remote, struct tun_owner *out);
int tun_owner_udp(struct tun_owner_lookup *l, const struct endpoint *local,
	const struct endpoint *remote, struct tun_owner *out);

#endif

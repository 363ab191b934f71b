/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link, addresses and routes of an interface, by libnl-route. Set-up only: it speaks with the kernel
 * synchronously (microseconds; nothing here waits for a network). What we add carries our own route
 * protocol, so that it can be told from other people's and taken away after a crash.
 *
 * Built without libnl-route (GWD_LIBNL=OFF) it can set up the link and nothing else: addresses and
 * routes answer -EOPNOTSUPP.
 */
#ifndef TUN_SETUP_H
#define TUN_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/addr.h"

#define TUN_ROUTE_PROTOCOL 157 /* "gwd" in rt_protos.d; none of the kernel's or iproute2's list */

struct tun_setup;

/* Whether this build can set addresses and routes. */
bool tun_setup_has_addresses(void);

/* Opens a netlink socket in the current network namespace. 0 or -errno. */
int tun_setup_new(struct tun_setup **out);
void tun_setup_free(struct tun_setup *s);

/* All return 0 or -errno of the kernel's answer. @ifindex names the interface. */
/* Also: no IPv6 link-local address is made, so that the kernel has no reason to send by itself. */
int tun_setup_link(struct tun_setup *s, unsigned ifindex, unsigned mtu, unsigned txqueuelen, bool up);

/* @prefix bits; adding what is there and removing what is not are fine. IPv6: NODAD, no router
 * solicitation wanted. */
int tun_setup_addr_add(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix);
int tun_setup_addr_del(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix);

/* The default route of one family (4 or 6), scope link, with a metric; ours is added once, behind
 * others' of the same metric, which stay. Removing takes only what has our protocol. */
int tun_setup_default_add(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric);
int tun_setup_default_del(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric);

/* The route to one address, without a metric of its own. */
int tun_setup_host_add(struct tun_setup *s, unsigned ifindex, const struct addr *a);
int tun_setup_host_del(struct tun_setup *s, unsigned ifindex, const struct addr *a);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What others change about our interface, by a libmnl rtnetlink socket: link (up, down, MTU,
 * carrier, deletion), addresses, routes (but those of the local table). The kernel does not report
 * IPv4 routes that go because the interface went down: LINK with up = false says it for them.
 */
#ifndef TUN_MONITOR_H
#define TUN_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "util/addr.h"

enum tun_change {
	TUN_CHANGE_LINK,      /* flags or MTU */
	TUN_CHANGE_DELETED,   /* the interface is gone */
	TUN_CHANGE_ADDR_ADDED,
	TUN_CHANGE_ADDR_REMOVED,
	TUN_CHANGE_ROUTE_ADDED,
	TUN_CHANGE_ROUTE_REMOVED,
	TUN_CHANGE_LOST,      /* messages were lost (ENOBUFS): look again */
};

struct tun_event {
	enum tun_change change;
	bool up, carrier;     /* LINK */
	unsigned mtu;	      /* LINK */
	struct addr addr;     /* ADDR_*: the address; ROUTE_*: destination, family set and bytes 0 for default */
	unsigned prefix;
	uint8_t protocol;     /* ROUTE_*: rtm_protocol */
};

struct tun_monitor;
typedef void (*tun_monitor_cb)(void *user, const struct tun_event *e);

/* Events of @ifindex only. 0 or -errno. */
int tun_monitor_new(struct tun_monitor **out, unsigned ifindex, tun_monitor_cb cb, void *user);
void tun_monitor_free(struct tun_monitor *m);
int tun_monitor_fd(const struct tun_monitor *m);
/* To be called when the fd is readable; reads what there is, up to a bound that leaves the fd
 * readable. @cb must not free @m. 0 or -errno (the socket is unusable). */
int tun_monitor_process(struct tun_monitor *m);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interface as the host sees it: device, address, carrier, routes. It tells the truth: carrier
 * follows the bearer, the address is the bearer's (unless configured), the default route exists
 * while the bearer is up. With interface.address = none somebody else sets address and routes.
 */
#ifndef GWD_IFACE_H
#define GWD_IFACE_H

#include "config/config.h"
#include "tun/monitor.h"
#include "tun/setup.h"
#include "tun/tun.h"

struct iface {
	const struct config *config;
	struct tun tun;
	struct tun_setup *setup;
	struct tun_monitor *monitor;
	struct addr address; /* on the device now; family 0: none */
	unsigned prefix;
	struct addr given;   /* what should be there while the bearer is up */
	unsigned given_prefix;
	bool carrier;
	bool routed;	     /* our default route is there */
	uint32_t metric;     /* with this metric */
	unsigned mtu;	     /* of the device, as we set it */
	unsigned removals;   /* of our route, by us, that the monitor has not reported yet */
	struct addr clients; /* what stands for clients of forwards, routed to us; family 0: none */
	bool down;	     /* somebody took the device down */
	bool deleted;	     /* somebody removed the device */
	uint64_t dropped;    /* packets the kernel did not take */
};

/* Creates the device, sets MTU and queue, brings it up without carrier. 0 or -errno (logged). */
int iface_open(struct iface *i, const struct config *config);
void iface_close(struct iface *i);

/* The bearer is up with this address, or down (@address NULL). */
void iface_bearer(struct iface *i, const struct addr *address);
/* MTU, default route, its metric and forward.source of the configuration may have changed. */
void iface_reconfigure(struct iface *i);
/* The address to tell others of: the one that is set, or that they are to set (interface.address =
 * none). Family 0: none. */
struct addr iface_announced(const struct iface *i, unsigned *prefix);
void iface_output(struct iface *i, const struct iovec *iov, int n);

#endif

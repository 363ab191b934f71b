/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface.h"

#include <errno.h>
#include <string.h>

#include "gateway.h"
#include "util/log.h"

/* Our writes run the host's TCP, whose ACKs fill the device's queue before we read it: it must hold
 * more than the segments of all flows' send buffers together, or they are lost and repeated late. */
#define QUEUE_PACKETS 1000

static void complain(const struct iface *i, const char *what, int rc)
{
	if (rc < 0)
		log_error("%s: cannot %s: %s", i->tun.name, what, strerror(-rc));
}

/* EACCES: disable_ipv6; the others: a kernel or a namespace without IPv6. */
static bool is_no_ipv6(int rc)
{
	return rc == -EACCES || rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT;
}

/* interface.address = none: somebody else sets address and routes. */
static bool is_managed(const struct iface *i)
{
	return i->config->interface.address.kind == CONFIG_ADDRESS_NONE;
}

static void set_address(struct iface *i, const struct addr *a, unsigned prefix)
{
	struct addr old = i->address;
	int rc;

	if (is_managed(i) || (addr_equal(&old, a) && i->prefix == prefix))
		return;
	/* The new one first: the host never sees the interface without. */
	rc = tun_setup_addr_add(i->setup, i->tun.ifindex, a, prefix);
	if (a->family == 6 && is_no_ipv6(rc))
		log_error("%s: IPv6 is disabled here (sysctl net.ipv6.conf.%s.disable_ipv6), so modem.ip "
			  "= 6 serves nobody", i->tun.name, i->tun.name);
	else
		complain(i, "add the address", rc);
	i->address = rc < 0 ? (struct addr){0} : *a;
	if (old.family)
		complain(i, "remove the old address",
			tun_setup_addr_del(i->setup, i->tun.ifindex, &old, i->prefix));
	i->prefix = prefix;
}

/* The kernel takes IPv6 addresses off an interface that goes down. */
static void restore_address(struct iface *i)
{
	if (i->carrier && i->given.family)
		set_address(i, &i->given, i->given_prefix);
}

/* The kernel reports our own removals too. */
static void route_removed(struct iface *i)
{
	if (i->removals > 0) {
		i->removals--;
	} else if (i->routed) {
		log_warn("%s: somebody removed our default route", i->tun.name);
		i->routed = false;
	}
}

static void on_change(void *user, const struct tun_event *e)
{
	struct iface *i = user;
	char text[ADDR_STRLEN];

	switch (e->change) {
	case TUN_CHANGE_DELETED:
		i->deleted = true;
		break;
	case TUN_CHANGE_LINK:
		if (!e->up && !i->down && !is_managed(i))
			log_warn("%s: somebody took the interface down", i->tun.name);
		if (i->down && e->up)
			restore_address(i);
		i->down = !e->up;
		if (i->down) { /* the kernel drops routes without a word */
			i->routed = false;
			i->clients.family = 0;
		} else {
			iface_reconfigure(i);
		}
		if (!i->down && e->mtu != i->config->interface.mtu)
			log_warn("%s: MTU is %u, expected %u (interface.mtu)", i->tun.name, e->mtu,
				i->config->interface.mtu);
		break;
	case TUN_CHANGE_ADDR_ADDED:
		if (is_managed(i) && addr_equal(&e->addr, &i->given)) {
			i->address = e->addr;
			i->prefix = e->prefix;
		}
		break;
	case TUN_CHANGE_ADDR_REMOVED:
		if (!addr_equal(&e->addr, &i->address))
			break;
		if (!is_managed(i))
			log_warn("%s: somebody removed our address %s", i->tun.name,
				addr_format(&e->addr, text));
		i->address.family = 0;
		break;
	case TUN_CHANGE_ROUTE_REMOVED:
		if (e->protocol == TUN_ROUTE_PROTOCOL && e->prefix == 0)
			route_removed(i);
		break;
	default:
		break;
	}
}

/* What people forget, most of all in containers. */
static const char *tun_hint(int rc)
{
	switch (rc) {
	case -EPERM:
		return " (CAP_NET_ADMIN is needed)";
	case -EACCES:
		return " (this user may not open /dev/net/tun)";
	case -ENOENT:
		return " (/dev/net/tun is missing)";
	default:
		return "";
	}
}

int iface_open(struct iface *i, const struct config *config)
{
	const char *name = config->interface.name;
	int rc;

	*i = (struct iface){.config = config, .tun.fd = -1, .mtu = config->interface.mtu};
	rc = tun_open(&i->tun, name);
	if (rc < 0) {
		log_error("%s: cannot create the TUN device: %s%s", name, strerror(-rc),
			tun_hint(rc));
		return rc;
	}
	tun_set_carrier(&i->tun, false);
	rc = tun_setup_new(&i->setup);
	if (rc == 0)
		rc = tun_monitor_new(&i->monitor, i->tun.ifindex, on_change, i);
	if (rc == 0)
		rc = tun_setup_link(i->setup, i->tun.ifindex, config->interface.mtu, QUEUE_PACKETS,
			true);
	if (rc < 0) {
		log_error("%s: cannot set up the device: %s", i->tun.name, strerror(-rc));
		iface_close(i);
	}
	return rc;
}

void iface_close(struct iface *i)
{
	if (i->monitor)
		tun_monitor_free(i->monitor);
	if (i->setup)
		tun_setup_free(i->setup);
	i->monitor = NULL;
	i->setup = NULL;
	if (i->tun.fd >= 0)
		tun_close(&i->tun);
	i->tun.fd = -1;
	/* They went with the device; a reload must not look for them before there is a new one. */
	i->carrier = i->routed = false;
	i->address.family = i->clients.family = 0;
}

static void set_route(struct iface *i, bool want, uint32_t metric)
{
	uint8_t family = (uint8_t)i->config->modem.ip;

	want = want && i->address.family;
	if (i->routed && (!want || metric != i->metric)) {
		int rc = tun_setup_default_del(i->setup, i->tun.ifindex, family, i->metric);

		complain(i, "remove the default route", rc);
		i->removals += rc == 0;
		i->routed = false;
	}
	if (want && !i->routed) {
		int rc = tun_setup_default_add(i->setup, i->tun.ifindex, family, metric);

		complain(i, "add the default route", rc);
		want = rc == 0;
	}
	i->routed = want;
	i->metric = metric;
}

/* With forward.source = gateway replies to clients go to an address of ours: make it lead here. Flows
 * outlive their rule, so until the bearer goes nothing but another address takes the route away. */
static void set_clients(struct iface *i)
{
	const struct config *c = i->config;
	struct addr want = {0};

	if (i->carrier && i->address.family && c->forward.tcp.n &&
		c->forward.source == CONFIG_FORWARD_GATEWAY)
		want = forward_address(&i->address, i->prefix);
	if (addr_equal(&want, &i->clients) || (i->carrier && !want.family))
		return;
	if (i->clients.family)
		complain(i, "remove the route to forwarded clients",
			tun_setup_host_del(i->setup, i->tun.ifindex, &i->clients));
	if (want.family)
		complain(i, "add the route to forwarded clients",
			tun_setup_host_add(i->setup, i->tun.ifindex, &want));
	i->clients = want;
}

static void set_carrier(struct iface *i, bool on)
{
	if (i->carrier != on)
		complain(i, "set the carrier", tun_set_carrier(&i->tun, on));
	i->carrier = on;
}

/* Whoever took the device down wants it down. */
static void set_mtu(struct iface *i, unsigned mtu)
{
	if (!i->setup || mtu == i->mtu)
		return;
	complain(i, "set the MTU",
		tun_setup_link(i->setup, i->tun.ifindex, mtu, QUEUE_PACKETS, !i->down));
	i->mtu = mtu;
}

void iface_reconfigure(struct iface *i)
{
	set_mtu(i, i->config->interface.mtu);
	set_route(i, i->carrier && i->config->interface.default_route, i->config->interface.metric);
	set_clients(i);
}

void iface_bearer(struct iface *i, const struct addr *address)
{
	const struct config *c = i->config;

	if (!i->setup)
		return;
	if (!address) {
		/* The address stays: programs that are bound to it survive a short outage. */
		set_route(i, false, i->metric);
		set_carrier(i, false);
		set_clients(i);
		return;
	}
	/* A whole address and no network with it: nobody is on-link at the other end of a TUN. */
	i->given = *address;
	i->given_prefix = address->family == 4 ? 32 : 128;
	if (c->interface.address.kind == CONFIG_ADDRESS_GIVEN) {
		i->given = c->interface.address.addr;
		i->given_prefix = c->interface.address.prefix;
	}
	set_address(i, &i->given, i->given_prefix);
	set_carrier(i, true);
	iface_reconfigure(i);
}

struct addr iface_announced(const struct iface *i, unsigned *prefix)
{
	*prefix = is_managed(i) ? i->given_prefix : i->prefix;
	return is_managed(i) ? i->given : i->address;
}

void iface_output(struct iface *i, const struct iovec *iov, int n)
{
	if (i->tun.fd < 0 || tun_write(&i->tun, iov, n) < 0)
		i->dropped++;
}

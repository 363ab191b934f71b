/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libnl-route builds the requests; its own error codes merge many of the kernel's, so the kernel's
 * errno is taken from the acknowledgement by a callback.
 */
#include "tun/setup.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdlib.h>

#ifndef IFA_PROTO /* Linux 5.18; older kernels skip the attribute */
#define IFA_PROTO 11
#endif

struct tun_setup {
	struct nl_sock *sock;
	int error; /* of the kernel's last acknowledgement, 0 or -errno */
};

static int keep_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *user)
{
	struct tun_setup *s = user;

	(void)from;
	s->error = e->error;
	return NL_STOP;
}

bool tun_setup_has_addresses(void)
{
	return true;
}

int tun_setup_new(struct tun_setup **out)
{
	struct tun_setup *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->sock = nl_socket_alloc();
	if (!s->sock) {
		free(s);
		return -ENOMEM;
	}
	rc = nl_connect(s->sock, NETLINK_ROUTE);
	if (rc < 0) {
		tun_setup_free(s);
		return rc == -NLE_NOMEM ? -ENOMEM : -EPROTONOSUPPORT;
	}
	nl_socket_modify_err_cb(s->sock, NL_CB_CUSTOM, keep_error, s);
	*out = s;
	return 0;
}

void tun_setup_free(struct tun_setup *s)
{
	if (!s)
		return;
	nl_socket_free(s->sock);
	free(s);
}

/* libnl has neither a time-out nor a need for one: rtnetlink answers inside the request's send.
 * Sends @msg (which it frees) and waits for the kernel's answer. */
static int request(struct tun_setup *s, struct nl_msg *msg)
{
	int rc;

	s->error = 0;
	rc = nl_send_sync(s->sock, msg);
	if (s->error < 0)
		return s->error;
	return rc < 0 ? -EIO : 0;
}

/* Sends what an rtnl_*_build_*() gave: its return code and message. */
static int request_built(struct tun_setup *s, int rc, struct nl_msg *msg)
{
	if (rc < 0)
		return rc == -NLE_NOMEM ? -ENOMEM : -EINVAL;
	return request(s, msg);
}

/*
 * No link-local address: with one the kernel sends router solicitations and multicast listener
 * reports into the TUN, each of which would wake us for nothing. Kernels without IPv6 refuse;
 * there it is not needed.
 */
static void disable_link_local(struct tun_setup *s, struct rtnl_link *unchanged, unsigned ifindex)
{
	struct rtnl_link *change = rtnl_link_alloc();
	struct nl_msg *msg;
	int rc;

	if (!change)
		return;
	rtnl_link_set_ifindex(change, (int)ifindex);
	rc = rtnl_link_inet6_set_addr_gen_mode(change, IN6_ADDR_GEN_MODE_NONE);
	if (rc == 0 && rtnl_link_build_change_request(unchanged, change, 0, &msg) == 0)
		request(s, msg);
	rtnl_link_put(change);
}

int tun_setup_link(
	struct tun_setup *s, unsigned ifindex, unsigned mtu, unsigned txqueuelen, bool up)
{
	struct rtnl_link *named = rtnl_link_alloc(), *change = rtnl_link_alloc();
	struct nl_msg *msg = NULL;
	int rc = -ENOMEM;

	if (!named || !change)
		goto out;
	rtnl_link_set_ifindex(named, (int)ifindex);
	disable_link_local(s, named, ifindex);
	rtnl_link_set_mtu(change, mtu);
	rtnl_link_set_txqlen(change, txqueuelen);
	if (up)
		rtnl_link_set_flags(change, IFF_UP);
	else
		rtnl_link_unset_flags(change, IFF_UP);
	rc = rtnl_link_build_change_request(named, change, 0, &msg);
	rc = request_built(s, rc, msg);
out:
	rtnl_link_put(named);
	rtnl_link_put(change);
	return rc;
}

static struct nl_addr *nl_address(const struct addr *a, unsigned prefix)
{
	int family = a->family == 4 ? AF_INET : AF_INET6;
	struct nl_addr *n = nl_addr_build(family, a->b, a->family == 4 ? 4 : 16);

	if (n)
		nl_addr_set_prefixlen(n, (int)prefix);
	return n;
}

static bool is_address(const struct addr *a, unsigned prefix)
{
	return (a->family == 4 && prefix <= 32) || (a->family == 6 && prefix <= 128);
}

/* An rtnl_addr of ours; NULL without memory. */
static struct rtnl_addr *make_addr(unsigned ifindex, const struct addr *a, unsigned prefix)
{
	struct rtnl_addr *ra = rtnl_addr_alloc();
	struct nl_addr *local = nl_address(a, prefix);

	if (ra && local && rtnl_addr_set_local(ra, local) == 0) {
		rtnl_addr_set_ifindex(ra, (int)ifindex);
		if (a->family == 6)
			rtnl_addr_set_flags(ra, IFA_F_NODAD);
	} else {
		rtnl_addr_put(ra);
		ra = NULL;
	}
	nl_addr_put(local);
	return ra;
}

/* The address carries our protocol as well, where the kernel keeps it: `ip addr` shows whose it is.
 */
int tun_setup_addr_add(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix)
{
	struct rtnl_addr *ra;
	struct nl_msg *msg = NULL;
	int rc;

	if (!is_address(a, prefix))
		return -EINVAL;
	ra = make_addr(ifindex, a, prefix);
	if (!ra)
		return -ENOMEM;
	rc = rtnl_addr_build_add_request(ra, NLM_F_CREATE | NLM_F_REPLACE, &msg);
	if (rc == 0)
		nla_put_u8(msg, IFA_PROTO, TUN_ROUTE_PROTOCOL);
	rc = request_built(s, rc, msg);
	rtnl_addr_put(ra);
	return rc;
}

int tun_setup_addr_del(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix)
{
	struct rtnl_addr *ra;
	struct nl_msg *msg = NULL;
	int rc;

	if (!is_address(a, prefix))
		return -EINVAL;
	ra = make_addr(ifindex, a, prefix);
	if (!ra)
		return -ENOMEM;
	rc = rtnl_addr_build_delete_request(ra, 0, &msg);
	rc = request_built(s, rc, msg);
	rtnl_addr_put(ra);
	return rc == -EADDRNOTAVAIL ? 0 : rc;
}

static struct rtnl_route *make_route(unsigned ifindex, const struct addr *to, unsigned prefix,
	uint32_t metric)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *dst = nl_address(to, prefix);

	if (!route || !hop || !dst) {
		rtnl_route_put(route);
		if (hop)
			rtnl_route_nh_free(hop);
		nl_addr_put(dst);
		return NULL;
	}
	rtnl_route_set_family(route, to->family == 4 ? AF_INET : AF_INET6);
	rtnl_route_set_dst(route, dst);
	rtnl_route_set_table(route, RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, TUN_ROUTE_PROTOCOL);
	rtnl_route_set_priority(route, metric);
	rtnl_route_set_scope(route, to->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	rtnl_route_nh_set_ifindex(hop, (int)ifindex);
	rtnl_route_add_nexthop(route, hop);
	nl_addr_put(dst);
	return route;
}

/*
 * NLM_F_REPLACE would take the place of somebody else's default route with our metric, whatever its
 * device. NLM_F_APPEND puts ours behind it, and says EEXIST when exactly ours is there.
 */
static int route_add(struct tun_setup *s, unsigned ifindex, const struct addr *to, unsigned prefix,
	uint32_t metric)
{
	struct rtnl_route *route;
	struct nl_msg *msg = NULL;
	int rc;

	if (!is_address(to, prefix))
		return -EINVAL;
	route = make_route(ifindex, to, prefix, metric);
	if (!route)
		return -ENOMEM;
	rc = rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_APPEND, &msg);
	rc = request_built(s, rc, msg);
	rtnl_route_put(route);
	return rc == -EEXIST ? 0 : rc;
}

static int route_del(struct tun_setup *s, unsigned ifindex, const struct addr *to, unsigned prefix,
	uint32_t metric)
{
	struct rtnl_route *route;
	struct nl_msg *msg = NULL;
	int rc;

	if (!is_address(to, prefix))
		return -EINVAL;
	route = make_route(ifindex, to, prefix, metric);
	if (!route)
		return -ENOMEM;
	rc = rtnl_route_build_del_request(route, 0, &msg);
	rc = request_built(s, rc, msg);
	rtnl_route_put(route);
	return rc == -ESRCH ? 0 : rc;
}

int tun_setup_default_add(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric)
{
	const struct addr any = {.family = family};

	return route_add(s, ifindex, &any, 0, metric);
}

int tun_setup_default_del(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric)
{
	const struct addr any = {.family = family};

	return route_del(s, ifindex, &any, 0, metric);
}

int tun_setup_host_add(struct tun_setup *s, unsigned ifindex, const struct addr *a)
{
	return route_add(s, ifindex, a, a->family == 4 ? 32 : 128, 0);
}

int tun_setup_host_del(struct tun_setup *s, unsigned ifindex, const struct addr *a)
{
	return route_del(s, ifindex, a, a->family == 4 ? 32 : 128, 0);
}

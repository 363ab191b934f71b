/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A socket in rtnetlink's multicast groups. The kernel sends every change of the namespace; what is
 * not about our interface is dropped here. Two things the kernel does not tell: routes that go
 * because the interface went down or was deleted (only the LINK or DELETED event comes), and what
 * did not fit into the socket (ENOBUFS, passed on as LOST).
 */
#include "tun/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "netlink.h"

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

#define GROUPS                                                                                     \
	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |               \
		RTMGRP_IPV6_ROUTE)
/* A link message with statistics of a many-queued device is about 2 KiB; rtnetlink sends 32 at
 * most. */
#define MESSAGE_MAX 32768
/* In one call, so that a storm of other people's routes does not keep the loop from its work. */
#define MESSAGES_A_CALL 256

struct tun_monitor {
	struct netlink *nl;
	unsigned ifindex;
	tun_monitor_cb cb;
	void *user;
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
};

int tun_monitor_new(struct tun_monitor **out, unsigned ifindex, tun_monitor_cb cb, void *user)
{
	struct tun_monitor *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->ifindex = ifindex;
	m->cb = cb;
	m->user = user;
	rc = netlink_open(&m->nl, NETLINK_ROUTE, GROUPS);
	if (rc == 0 && fcntl(netlink_fd(m->nl), F_SETFL, O_NONBLOCK) < 0)
		rc = -errno;
	if (rc < 0) {
		tun_monitor_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void tun_monitor_free(struct tun_monitor *m)
{
	if (!m)
		return;
	if (m->nl)
		netlink_close(m->nl);
	free(m);
}

int tun_monitor_fd(const struct tun_monitor *m)
{
	return netlink_fd(m->nl);
}

static void link_event(struct tun_monitor *m, const struct nlmsghdr *h)
{
	const struct ifinfomsg *im = netlink_payload(h);
	const struct nlattr *at[IFLA_MAX + 1];
	struct tun_event e = {.change = TUN_CHANGE_LINK};

	if (im->ifi_index != (int)m->ifindex)
		return;
	if (h->nlmsg_type == RTM_DELLINK) {
		e.change = TUN_CHANGE_DELETED;
		m->cb(m->user, &e);
		return;
	}
	netlink_attributes(h, sizeof(*im), at, IFLA_MAX);
	e.up = im->ifi_flags & IFF_UP;
	e.carrier = netlink_attr_u8(at[IFLA_CARRIER], !!(im->ifi_flags & IFF_RUNNING));
	e.mtu = netlink_attr_u32(at[IFLA_MTU], 0);
	m->cb(m->user, &e);
}

/* An address in @attr; one of family 0 when it is none of @family. */
static struct addr address(const struct nlattr *attr, uint8_t family)
{
	struct addr none = {0};

	if (!attr)
		return none;
	if (family == AF_INET && netlink_attr_len(attr) == 4)
		return addr_v4(netlink_attr_data(attr));
	if (family == AF_INET6 && netlink_attr_len(attr) == 16)
		return addr_v6(netlink_attr_data(attr));
	return none;
}

static void addr_event(struct tun_monitor *m, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *im = netlink_payload(h);
	bool added = h->nlmsg_type == RTM_NEWADDR;
	struct tun_event e = {.change = added ? TUN_CHANGE_ADDR_ADDED : TUN_CHANGE_ADDR_REMOVED};
	const struct nlattr *at[IFA_MAX + 1];

	if (im->ifa_index != m->ifindex)
		return;
	netlink_attributes(h, sizeof(*im), at, IFA_MAX);
	/* With a peer IFA_ADDRESS is the peer's and IFA_LOCAL ours; IPv6 without has no IFA_LOCAL.
	 */
	e.addr = address(at[IFA_LOCAL] ? at[IFA_LOCAL] : at[IFA_ADDRESS], im->ifa_family);
	e.prefix = im->ifa_prefixlen;
	if (e.addr.family)
		m->cb(m->user, &e);
}

/* Whether one of the hops of a multipath route leaves through @ifindex. */
static bool has_hop(const struct nlattr *multipath, unsigned ifindex)
{
	const char *p = netlink_attr_data(multipath);
	size_t left = netlink_attr_len(multipath), step;

	for (; left >= sizeof(struct rtnexthop); p += step, left -= step) {
		const struct rtnexthop *hop = (const void *)p;

		if (hop->rtnh_ifindex == (int)ifindex)
			return true;
		step = RTNH_ALIGN(hop->rtnh_len);
		if (step == 0 || step > left)
			break;
	}
	return false;
}

static void route_event(struct tun_monitor *m, const struct nlmsghdr *h)
{
	const struct rtmsg *rm = netlink_payload(h);
	bool added = h->nlmsg_type == RTM_NEWROUTE;
	struct tun_event e = {.change = added ? TUN_CHANGE_ROUTE_ADDED : TUN_CHANGE_ROUTE_REMOVED};
	const struct nlattr *at[RTA_MAX + 1];

	if (rm->rtm_family != AF_INET && rm->rtm_family != AF_INET6)
		return;
	netlink_attributes(h, sizeof(*rm), at, RTA_MAX);
	/* The local table repeats the addresses; cloned entries are the kernel's cache. */
	if (netlink_attr_u32(at[RTA_TABLE], rm->rtm_table) == RT_TABLE_LOCAL ||
		rm->rtm_flags & RTM_F_CLONED)
		return;
	if (netlink_attr_u32(at[RTA_OIF], 0) != m->ifindex &&
		!(at[RTA_MULTIPATH] && has_hop(at[RTA_MULTIPATH], m->ifindex)))
		return;
	e.addr = address(at[RTA_DST], rm->rtm_family);
	e.addr.family = rm->rtm_family == AF_INET ? 4 : 6;
	e.prefix = rm->rtm_dst_len;
	e.protocol = rm->rtm_protocol;
	m->cb(m->user, &e);
}

static void one_message(void *user, const struct nlmsghdr *h)
{
	static const struct {
		uint16_t type;
		size_t header;
		void (*handle)(struct tun_monitor *m, const struct nlmsghdr *h);
	} kinds[] = {
		{RTM_NEWLINK, sizeof(struct ifinfomsg), link_event},
		{RTM_DELLINK, sizeof(struct ifinfomsg), link_event},
		{RTM_NEWADDR, sizeof(struct ifaddrmsg), addr_event},
		{RTM_DELADDR, sizeof(struct ifaddrmsg), addr_event},
		{RTM_NEWROUTE, sizeof(struct rtmsg), route_event},
		{RTM_DELROUTE, sizeof(struct rtmsg), route_event},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == h->nlmsg_type && netlink_payload_len(h) >= kinds[i].header)
			kinds[i].handle(user, h);
}

int tun_monitor_process(struct tun_monitor *m)
{
	static const struct tun_event lost = {.change = TUN_CHANGE_LOST};

	for (unsigned i = 0; i < MESSAGES_A_CALL; i++) {
		ssize_t n = netlink_receive(m->nl, m->buf, sizeof(m->buf));

		if (n == -EAGAIN)
			return 0;
		if (n == -ENOBUFS || n == -EMSGSIZE)
			m->cb(m->user, &lost);
		else if (n < 0 && n != -EINTR)
			return (int)n;
		if (n > 0)
			netlink_each(m->buf, (size_t)n, one_message, m);
	}
	return 0;
}

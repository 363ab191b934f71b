/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A socket in rtnetlink's multicast groups. The kernel sends every change of the namespace; what is
 * not about our interface is dropped here. Two things the kernel does not tell: routes that go
 * because the interface went down or was deleted (only the LINK or DELETED event comes), and what
 * did not fit into the socket (ENOBUFS, passed on as LOST).
 */
#include "tun/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

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
	struct mnl_socket *nl;
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
	m->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!m->nl || mnl_socket_bind(m->nl, GROUPS, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
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
		mnl_socket_close(m->nl);
	free(m);
}

int tun_monitor_fd(const struct tun_monitor *m)
{
	return mnl_socket_get_fd(m->nl);
}

/* The attributes of a message by their type; those above @max are left out. */
struct attributes {
	unsigned max;
	const struct nlattr *at[RTA_MAX > IFLA_MAX ? RTA_MAX + 1 : IFLA_MAX + 1];
};

static int keep_attribute(const struct nlattr *attr, void *user)
{
	struct attributes *a = user;

	if (mnl_attr_get_type(attr) <= a->max)
		a->at[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint32_t u32_or(const struct nlattr *attr, uint32_t otherwise)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0 ? mnl_attr_get_u32(attr)
								  : otherwise;
}

static void link_event(struct tun_monitor *m, const struct nlmsghdr *h)
{
	const struct ifinfomsg *im = mnl_nlmsg_get_payload(h);
	struct attributes a = {.max = IFLA_MAX};
	struct tun_event e = {.change = TUN_CHANGE_LINK};
	const struct nlattr *carrier;

	if (im->ifi_index != (int)m->ifindex)
		return;
	if (h->nlmsg_type == RTM_DELLINK) {
		e.change = TUN_CHANGE_DELETED;
		m->cb(m->user, &e);
		return;
	}
	mnl_attr_parse(h, sizeof(*im), keep_attribute, &a);
	carrier = a.at[IFLA_CARRIER];
	e.up = im->ifi_flags & IFF_UP;
	if (carrier && mnl_attr_validate(carrier, MNL_TYPE_U8) >= 0)
		e.carrier = mnl_attr_get_u8(carrier);
	else
		e.carrier = im->ifi_flags & IFF_RUNNING;
	e.mtu = u32_or(a.at[IFLA_MTU], 0);
	m->cb(m->user, &e);
}

/* An address in @attr; one of family 0 when it is none of @family. */
static struct addr address(const struct nlattr *attr, uint8_t family)
{
	struct addr none = {0};

	if (!attr)
		return none;
	if (family == AF_INET && mnl_attr_get_payload_len(attr) == 4)
		return addr_v4(mnl_attr_get_payload(attr));
	if (family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16)
		return addr_v6(mnl_attr_get_payload(attr));
	return none;
}

static void addr_event(struct tun_monitor *m, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *im = mnl_nlmsg_get_payload(h);
	bool added = h->nlmsg_type == RTM_NEWADDR;
	struct tun_event e = {.change = added ? TUN_CHANGE_ADDR_ADDED : TUN_CHANGE_ADDR_REMOVED};
	struct attributes a = {.max = IFA_MAX};

	if (im->ifa_index != m->ifindex)
		return;
	mnl_attr_parse(h, sizeof(*im), keep_attribute, &a);
	/* With a peer IFA_ADDRESS is the peer's and IFA_LOCAL ours; IPv6 without has no IFA_LOCAL.
	 */
	e.addr = address(a.at[IFA_LOCAL] ? a.at[IFA_LOCAL] : a.at[IFA_ADDRESS], im->ifa_family);
	e.prefix = im->ifa_prefixlen;
	if (e.addr.family)
		m->cb(m->user, &e);
}

/* Whether one of the hops of a multipath route leaves through @ifindex. */
static bool has_hop(const struct nlattr *multipath, unsigned ifindex)
{
	const char *p = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath), step;

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
	const struct rtmsg *rm = mnl_nlmsg_get_payload(h);
	bool added = h->nlmsg_type == RTM_NEWROUTE;
	struct tun_event e = {.change = added ? TUN_CHANGE_ROUTE_ADDED : TUN_CHANGE_ROUTE_REMOVED};
	struct attributes a = {.max = RTA_MAX};

	if (rm->rtm_family != AF_INET && rm->rtm_family != AF_INET6)
		return;
	mnl_attr_parse(h, sizeof(*rm), keep_attribute, &a);
	/* The local table repeats the addresses; cloned entries are the kernel's cache. */
	if (u32_or(a.at[RTA_TABLE], rm->rtm_table) == RT_TABLE_LOCAL ||
		rm->rtm_flags & RTM_F_CLONED)
		return;
	if (u32_or(a.at[RTA_OIF], 0) != m->ifindex &&
		!(a.at[RTA_MULTIPATH] && has_hop(a.at[RTA_MULTIPATH], m->ifindex)))
		return;
	e.addr = address(a.at[RTA_DST], rm->rtm_family);
	e.addr.family = rm->rtm_family == AF_INET ? 4 : 6;
	e.prefix = rm->rtm_dst_len;
	e.protocol = rm->rtm_protocol;
	m->cb(m->user, &e);
}

static int one_message(const struct nlmsghdr *h, void *user)
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
		if (kinds[i].type == h->nlmsg_type &&
			mnl_nlmsg_get_payload_len(h) >= kinds[i].header)
			kinds[i].handle(user, h);
	return MNL_CB_OK;
}

int tun_monitor_process(struct tun_monitor *m)
{
	static const struct tun_event lost = {.change = TUN_CHANGE_LOST};

	for (unsigned i = 0; i < MESSAGES_A_CALL; i++) {
		struct sockaddr_nl from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(
			tun_monitor_fd(m), m->buf, sizeof(m->buf), 0, (void *)&from, &from_len);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			return -errno;
		if (n < 0 && errno == ENOBUFS)
			m->cb(m->user, &lost);
		/* Port 0 is the kernel; other programs could speak here as well. */
		if (n > 0 && from.nl_pid == 0)
			mnl_cb_run(m->buf, (size_t)n, 0, 0, one_message, m);
	}
	return 0;
}

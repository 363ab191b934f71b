/* SPDX-License-Identifier: BSD-3-Clause */
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif

#define ATTR_MAX 32

bool netns_possible(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(geteuid() == 0 && access("/dev/net/tun", R_OK) == 0 &&
					unshare(CLONE_NEWNET) == 0
				? 0
				: 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void netns_loopback(bool up)
{
	struct tun_setup *s;

	assert_int_equal(tun_setup_new(&s), 0);
	assert_int_equal(tun_setup_link(s, if_nametoindex("lo"), 65536, 1000, up), 0);
	tun_setup_free(s);
}

void netns_enter(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	netns_loopback(true);
}

struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, strlen(text)), 0);
	return a;
}

void netns_tun(struct tun *t, const char *name)
{
	struct addr v4 = addr_of("10.9.0.1"), v6 = addr_of("fd09::1");
	struct tun_setup *s;

	assert_int_equal(tun_open(t, name), 0);
	assert_int_equal(tun_setup_new(&s), 0);
	assert_int_equal(tun_setup_link(s, t->ifindex, 1500, 100, true), 0);
	assert_int_equal(tun_setup_addr_add(s, t->ifindex, &v4, 24), 0);
	assert_int_equal(tun_setup_addr_add(s, t->ifindex, &v6, 64), 0);
	tun_setup_free(s);
}

/* Sends one request and asserts that the kernel agrees. */
static void request(struct nlmsghdr *h)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	char buf[1024];
	ssize_t n;

	assert_non_null(nl);
	h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	assert_true(mnl_socket_sendto(nl, h, h->nlmsg_len) > 0);
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	assert_true(n > 0);
	assert_true(mnl_cb_run(buf, (size_t)n, 0, 0, NULL, NULL) >= 0);
	mnl_socket_close(nl);
}

void netns_delete_link(unsigned ifindex)
{
	char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *im;

	h->nlmsg_type = RTM_DELLINK;
	im = mnl_nlmsg_put_extra_header(h, sizeof(*im));
	im->ifi_index = (int)ifindex;
	request(h);
}

void netns_multipath(const char *dst, unsigned prefix, unsigned first, unsigned second)
{
	char buf[512];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct addr a = addr_of(dst);
	struct rtnexthop hops[2] = {
		{.rtnh_len = sizeof(*hops), .rtnh_ifindex = (int)first},
		{.rtnh_len = sizeof(*hops), .rtnh_ifindex = (int)second},
	};
	struct rtmsg *rm;

	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_CREATE;
	rm = mnl_nlmsg_put_extra_header(h, sizeof(*rm));
	*rm = (struct rtmsg){.rtm_family = AF_INET,
		.rtm_dst_len = (uint8_t)prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST};
	mnl_attr_put(h, RTA_DST, 4, a.b);
	mnl_attr_put(h, RTA_MULTIPATH, sizeof(hops), hops);
	request(h);
}

/* One dump of @type; each message goes to @cb. */
static void dump(uint16_t type, uint8_t family, mnl_cb_t cb, void *user)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	char buf[16384];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	int n, rc;

	assert_non_null(nl);
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	/* Both struct rtmsg and struct ifaddrmsg begin with the family. */
	*(uint8_t *)mnl_nlmsg_put_extra_header(h, sizeof(struct rtmsg)) = family == 4   ? AF_INET
									  : family == 6 ? AF_INET6
											: AF_UNSPEC;
	assert_true(mnl_socket_sendto(nl, h, h->nlmsg_len) > 0);
	do {
		n = (int)mnl_socket_recvfrom(nl, buf, sizeof(buf));
		assert_true(n > 0);
		rc = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), cb, user);
		assert_true(rc >= 0);
	} while (rc > MNL_CB_STOP);
	mnl_socket_close(nl);
}

/* mnl_attr_for_each() does not pass -Wconversion. */
static int keep_attr(const struct nlattr *attr, void *user)
{
	const struct nlattr **table = user;

	if (mnl_attr_get_type(attr) < ATTR_MAX)
		table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

struct routes {
	struct route *out;
	unsigned n, max;
};

static int one_route(const struct nlmsghdr *h, void *user)
{
	const struct rtmsg *rm = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr[ATTR_MAX] = {NULL};
	struct routes *r = user;
	struct route one = {.table = rm->rtm_table,
		.protocol = rm->rtm_protocol,
		.type = rm->rtm_type,
		.scope = rm->rtm_scope};

	if (rm->rtm_dst_len || rm->rtm_table != RT_TABLE_MAIN)
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*rm), keep_attr, attr);
	if (attr[RTA_OIF])
		one.oif = (int)mnl_attr_get_u32(attr[RTA_OIF]);
	if (attr[RTA_PRIORITY])
		one.metric = mnl_attr_get_u32(attr[RTA_PRIORITY]);
	if (r->n < r->max)
		r->out[r->n++] = one;
	return MNL_CB_OK;
}

unsigned netns_default_routes(uint8_t family, struct route *out, unsigned max)
{
	struct routes r = {.out = out, .max = max};

	dump(RTM_GETROUTE, family, one_route, &r);
	return r.n;
}

struct addresses {
	unsigned ifindex, prefix, n;
	const struct addr *want;
	uint8_t protocol;
	uint32_t flags;
};

static int one_address(const struct nlmsghdr *h, void *user)
{
	const struct ifaddrmsg *im = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr[ATTR_MAX] = {NULL};
	struct addresses *r = user;
	struct addr a;
	const void *p;

	if (im->ifa_index != r->ifindex)
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*im), keep_attr, attr);
	assert_non_null(attr[IFA_ADDRESS]);
	p = mnl_attr_get_payload(attr[IFA_ADDRESS]);
	a = im->ifa_family == AF_INET ? addr_v4(p) : addr_v6(p);
	if (!r->want || (addr_equal(&a, r->want) && im->ifa_prefixlen == r->prefix)) {
		r->n++;
		r->protocol = attr[IFA_PROTO] ? mnl_attr_get_u8(attr[IFA_PROTO]) : 0;
		r->flags = attr[IFA_FLAGS] ? mnl_attr_get_u32(attr[IFA_FLAGS]) : 0;
	}
	return MNL_CB_OK;
}

unsigned netns_addresses(
	unsigned ifindex, const struct addr *a, unsigned prefix, uint8_t *protocol, uint32_t *flags)
{
	struct addresses r = {.ifindex = ifindex, .want = a, .prefix = prefix};

	dump(RTM_GETADDR, 0, one_address, &r);
	if (protocol)
		*protocol = r.protocol;
	if (flags)
		*flags = r.flags;
	return r.n;
}

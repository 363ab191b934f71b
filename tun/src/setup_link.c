/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * setup.h without libnl-route (GWD_LIBNL=OFF), where somebody else, such as OpenWrt's netifd, sets
 * addresses and routes: of all that only the link is left, two messages of rtnetlink.
 */
#include "tun/setup.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "netlink.h"

#define ANSWER_MAX 4096
/* The kernel answers inside sendto(). */
static const struct timeval receive_timeout = {.tv_usec = 200000};

struct tun_setup {
	struct netlink *nl;
	uint32_t seq;
};

struct request {
	struct nlmsghdr h;
	struct ifinfomsg im;
	char attributes[64];
};

bool tun_setup_has_addresses(void)
{
	return false;
}

int tun_setup_new(struct tun_setup **out)
{
	struct tun_setup *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	rc = netlink_open(&s->nl, NETLINK_ROUTE, 0);
	if (rc == 0 && setsockopt(netlink_fd(s->nl), SOL_SOCKET, SO_RCVTIMEO, &receive_timeout,
			       sizeof(receive_timeout)) < 0)
		rc = -errno;
	if (rc < 0) {
		tun_setup_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void tun_setup_free(struct tun_setup *s)
{
	if (!s)
		return;
	if (s->nl)
		netlink_close(s->nl);
	free(s);
}

static void request_init(struct request *r, struct tun_setup *s, unsigned ifindex)
{
	*r = (struct request){
		.h = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(r->im)),
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			.nlmsg_seq = ++s->seq,
		},
		.im = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex},
	};
}

/* An attribute with @n bytes, or an empty one to nest others in, which nest_end() closes. */
static struct nlattr *put(struct request *r, unsigned type, const void *data, size_t n)
{
	struct nlattr *a = (void *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->nla_type = (uint16_t)type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + n);
	if (n)
		memcpy((char *)a + NLA_HDRLEN, data, n);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + (uint32_t)NLA_ALIGN(a->nla_len);
	return a;
}

static void nest_end(struct request *r, struct nlattr *a)
{
	a->nla_len = (uint16_t)((char *)r + r->h.nlmsg_len - (char *)a);
}

static void ignore(void *user, const struct nlmsghdr *h)
{
	(void)user, (void)h;
}

static int send_request(struct tun_setup *s, const struct request *r)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_MAX];
	const struct nlmsghdr *h = (const void *)buf;
	int rc = netlink_send(s->nl, &r->h);

	while (rc == 0) {
		ssize_t n = netlink_receive(s->nl, buf, sizeof(buf));

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EAGAIN ? -ETIMEDOUT : (int)n;
		if ((size_t)n >= sizeof(*h) && h->nlmsg_seq == s->seq)
			return netlink_each(buf, (size_t)n, ignore, NULL);
	}
	return rc;
}

/* See setup.c: with a link-local address the kernel would wake us for nothing. */
static void disable_link_local(struct tun_setup *s, unsigned ifindex)
{
	const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	struct nlattr *spec, *inet6;
	struct request r;

	request_init(&r, s, ifindex);
	spec = put(&r, IFLA_AF_SPEC, NULL, 0);
	inet6 = put(&r, AF_INET6, NULL, 0);
	put(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	nest_end(&r, inet6);
	nest_end(&r, spec);
	send_request(s, &r);
}

int tun_setup_link(
	struct tun_setup *s, unsigned ifindex, unsigned mtu, unsigned txqueuelen, bool up)
{
	const uint32_t m = mtu, q = txqueuelen;
	struct request r;

	disable_link_local(s, ifindex);
	request_init(&r, s, ifindex);
	r.im.ifi_change = IFF_UP;
	r.im.ifi_flags = up ? IFF_UP : 0;
	put(&r, IFLA_MTU, &m, sizeof(m));
	put(&r, IFLA_TXQLEN, &q, sizeof(q));
	return send_request(s, &r);
}

int tun_setup_addr_add(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix)
{
	(void)s, (void)ifindex, (void)a, (void)prefix;
	return -EOPNOTSUPP;
}

int tun_setup_addr_del(struct tun_setup *s, unsigned ifindex, const struct addr *a, unsigned prefix)
{
	(void)s, (void)ifindex, (void)a, (void)prefix;
	return -EOPNOTSUPP;
}

int tun_setup_default_add(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric)
{
	(void)s, (void)ifindex, (void)family, (void)metric;
	return -EOPNOTSUPP;
}

int tun_setup_default_del(struct tun_setup *s, unsigned ifindex, uint8_t family, uint32_t metric)
{
	(void)s, (void)ifindex, (void)family, (void)metric;
	return -EOPNOTSUPP;
}

int tun_setup_host_add(struct tun_setup *s, unsigned ifindex, const struct addr *a)
{
	(void)s, (void)ifindex, (void)a;
	return -EOPNOTSUPP;
}

int tun_setup_host_del(struct tun_setup *s, unsigned ifindex, const struct addr *a)
{
	(void)s, (void)ifindex, (void)a;
	return -EOPNOTSUPP;
}

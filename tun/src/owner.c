/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * inet_diag's exact look-up (a request without NLM_F_DUMP) finds the socket that the kernel would
 * give a packet to. Three traits of it are taken care of here:
 *
 * - For TCP, source and destination are those of the socket; for UDP they are those of a packet
 *   that comes in, so they are swapped.
 * - Where no connection matches it falls back to a listener on the same port. That is no owner of
 *   the flow, so an answer must carry the port of the remote that was asked for.
 * - A socket bound to a device is found only by a request that names the device. One that names a
 *   device also finds sockets that are not bound.
 *
 * A request for IPv4 also finds IPv6 sockets that speak IPv4 (their answer is of AF_INET6).
 *
 * The kernel answers inside sendto(), so the receive time-out is never seen; it is there so that an
 * unforeseen kernel costs milliseconds a look-up rather than the daemon.
 */
#include "tun/owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "netlink.h"

#define ANSWER_MAX 4096
/* Stale answers that one look-up may skip: each look-up leaves one at most. */
#define STALE_MAX 16

static const struct timeval receive_timeout = {.tv_usec = 200000};

struct tun_owner_lookup {
	struct netlink *nl;
	unsigned ifindex;
	uint32_t seq;
};

/* One question and, after the answer, what it said. */
struct question {
	const struct endpoint *remote;
	struct tun_owner *out;
	bool tcp, found;
};

int tun_owner_lookup_new(struct tun_owner_lookup **out)
{
	struct tun_owner_lookup *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	rc = netlink_open(&l->nl, NETLINK_SOCK_DIAG, 0);
	if (rc == 0 && setsockopt(netlink_fd(l->nl), SOL_SOCKET, SO_RCVTIMEO, &receive_timeout,
			       sizeof(receive_timeout)) < 0)
		rc = -errno;
	if (rc < 0) {
		tun_owner_lookup_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void tun_owner_lookup_free(struct tun_owner_lookup *l)
{
	if (!l)
		return;
	if (l->nl)
		netlink_close(l->nl);
	free(l);
}

void tun_owner_set_interface(struct tun_owner_lookup *l, unsigned ifindex)
{
	l->ifindex = ifindex;
}

static int ask(struct tun_owner_lookup *l, uint8_t protocol, const struct endpoint *src,
	const struct endpoint *dst)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 req;
	} m = {
		.h = {
			.nlmsg_len = sizeof(m),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = ++l->seq,
		},
		.req = {
			.sdiag_family = src->addr.family == 4 ? AF_INET : AF_INET6,
			.sdiag_protocol = protocol,
			.idiag_states = UINT32_MAX,
			.id = {
				.idiag_if = l->ifindex,
				.idiag_sport = htons(src->port),
				.idiag_dport = htons(dst->port),
				.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
			},
		},
	};

	memcpy(m.req.id.idiag_src, src->addr.b, sizeof(src->addr.b));
	memcpy(m.req.id.idiag_dst, dst->addr.b, sizeof(dst->addr.b));
	return netlink_send(l->nl, &m.h);
}

static void read_answer(void *user, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *msg = netlink_payload(h);
	const struct nlattr *at[INET_DIAG_CGROUP_ID + 1];
	struct question *q = user;

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || netlink_payload_len(h) < sizeof(*msg))
		return;
	/* Port 0 is a socket that is not connected: a listener for TCP, an owner for UDP. */
	if (ntohs(msg->id.idiag_dport) != q->remote->port && (q->tcp || msg->id.idiag_dport))
		return;
	q->found = true;
	netlink_attributes(h, sizeof(*msg), at, INET_DIAG_CGROUP_ID);
	*q->out = (struct tun_owner){
		.uid = msg->idiag_uid,
		.inode = msg->idiag_inode,
		.tcp_state = q->tcp ? msg->idiag_state : 0,
		.cgroup_id = netlink_attr_u64(at[INET_DIAG_CGROUP_ID], 0),
	};
}

/* Reads the answer to the last ask(), past late ones to earlier. */
static int answer(struct tun_owner_lookup *l, struct question *q)
{
	_Alignas(struct nlmsghdr) char buf[ANSWER_MAX];

	for (unsigned i = 0; i < STALE_MAX; i++) {
		ssize_t n = netlink_receive(l->nl, buf, sizeof(buf));
		const struct nlmsghdr *h = (const void *)buf;
		int rc;

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EAGAIN ? -ETIMEDOUT : (int)n;
		if ((size_t)n < sizeof(*h) || h->nlmsg_seq != l->seq)
			continue;
		rc = netlink_each(buf, (size_t)n, read_answer, q);
		if (rc < 0)
			return rc;
		return q->found ? 0 : -ENOENT;
	}
	return -ETIMEDOUT;
}

static bool is_pair(const struct endpoint *local, const struct endpoint *remote)
{
	return (local->addr.family == 4 || local->addr.family == 6) &&
	       local->addr.family == remote->addr.family;
}

int tun_owner_tcp(struct tun_owner_lookup *l, const struct endpoint *local,
	const struct endpoint *remote, struct tun_owner *out)
{
	struct question q = {.remote = remote, .out = out, .tcp = true};
	int rc;

	*out = (struct tun_owner){0};
	if (!is_pair(local, remote))
		return -EINVAL;
	rc = ask(l, IPPROTO_TCP, local, remote);
	return rc < 0 ? rc : answer(l, &q);
}

int tun_owner_udp(struct tun_owner_lookup *l, const struct endpoint *local,
	const struct endpoint *remote, struct tun_owner *out)
{
	struct question q = {.remote = remote, .out = out};
	int rc;

	*out = (struct tun_owner){0};
	if (!is_pair(local, remote))
		return -EINVAL;
	rc = ask(l, IPPROTO_UDP, remote, local);
	return rc < 0 ? rc : answer(l, &q);
}

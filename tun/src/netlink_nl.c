/* SPDX-License-Identifier: BSD-3-Clause */
/* netlink.h by libnl's core, which hides errno behind codes of its own: where it matters it is kept. */
#include "netlink.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

static struct nl_sock *socket_of(const struct netlink *n)
{
	return (struct nl_sock *)n;
}

static int error_of(int rc)
{
	return rc == -NLE_NOMEM ? -ENOMEM : rc == -NLE_NOACCESS || rc == -NLE_PERM ? -EPERM :
							       -EPROTONOSUPPORT;
}

int netlink_open(struct netlink **out, int protocol, unsigned groups)
{
	struct nl_sock *s = nl_socket_alloc();
	int rc;

	if (!s)
		return -ENOMEM;
	nl_join_groups(s, (int)groups);
	rc = nl_connect(s, protocol);
	if (rc < 0) {
		nl_socket_free(s);
		return error_of(rc);
	}
	*out = (struct netlink *)s;
	return 0;
}

void netlink_close(struct netlink *n)
{
	nl_socket_free(socket_of(n));
}

int netlink_fd(const struct netlink *n)
{
	return nl_socket_get_fd(socket_of(n));
}

int netlink_each(const void *buf, size_t n, netlink_cb cb, void *user)
{
	int left = (int)n;

	for (struct nlmsghdr *h = (struct nlmsghdr *)buf; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = nlmsg_data(h);

		if (h->nlmsg_type == NLMSG_ERROR)
			return nlmsg_datalen(h) < (int)sizeof(*e) ? -EBADMSG : e->error;
		if (h->nlmsg_type >= NLMSG_MIN_TYPE)
			cb(user, h);
	}
	return 0;
}

const void *netlink_payload(const struct nlmsghdr *h)
{
	return nlmsg_data(h);
}

size_t netlink_payload_len(const struct nlmsghdr *h)
{
	return (size_t)nlmsg_datalen(h);
}

void netlink_attributes(
	const struct nlmsghdr *h, size_t header, const struct nlattr **at, unsigned max)
{
	struct nlattr *a = nlmsg_attrdata(h, (int)header);
	int left = nlmsg_attrlen(h, (int)header);

	for (unsigned i = 0; i <= max; i++)
		at[i] = NULL;
	for (; nla_ok(a, left); a = nla_next(a, &left))
		if ((unsigned)nla_type(a) <= max)
			at[nla_type(a)] = a;
}

const void *netlink_attr_data(const struct nlattr *a)
{
	return nla_data(a);
}

size_t netlink_attr_len(const struct nlattr *a)
{
	return (size_t)nla_len(a);
}

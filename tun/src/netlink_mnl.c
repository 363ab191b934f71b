/* SPDX-License-Identifier: BSD-3-Clause */
/* netlink.h by libmnl. struct netlink is nothing but its socket. */
#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

static struct mnl_socket *socket_of(const struct netlink *n)
{
	return (struct mnl_socket *)n;
}

int netlink_open(struct netlink **out, int protocol, unsigned groups)
{
	struct mnl_socket *s = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	int rc;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		mnl_socket_close(s);
		return rc;
	}
	*out = (struct netlink *)s;
	return 0;
}

void netlink_close(struct netlink *n)
{
	mnl_socket_close(socket_of(n));
}

int netlink_fd(const struct netlink *n)
{
	return mnl_socket_get_fd(socket_of(n));
}

struct each {
	netlink_cb cb;
	void *user;
};

static int one_message(const struct nlmsghdr *h, void *user)
{
	const struct each *e = user;

	e->cb(e->user, h);
	return MNL_CB_OK;
}

int netlink_each(const void *buf, size_t n, netlink_cb cb, void *user)
{
	struct each e = {cb, user};

	return mnl_cb_run(buf, n, 0, 0, one_message, &e) < 0 ? -errno : 0;
}

const void *netlink_payload(const struct nlmsghdr *h)
{
	return mnl_nlmsg_get_payload(h);
}

size_t netlink_payload_len(const struct nlmsghdr *h)
{
	return mnl_nlmsg_get_payload_len(h);
}

struct attributes {
	const struct nlattr **at;
	unsigned max;
};

static int keep_attribute(const struct nlattr *a, void *user)
{
	const struct attributes *all = user;

	if (mnl_attr_get_type(a) <= all->max)
		all->at[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

void netlink_attributes(
	const struct nlmsghdr *h, size_t header, const struct nlattr **at, unsigned max)
{
	struct attributes all = {at, max};

	for (unsigned i = 0; i <= max; i++)
		at[i] = NULL;
	mnl_attr_parse(h, (unsigned)header, keep_attribute, &all);
}

const void *netlink_attr_data(const struct nlattr *a)
{
	return mnl_attr_get_payload(a);
}

size_t netlink_attr_len(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a);
}

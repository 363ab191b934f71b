/* SPDX-License-Identifier: BSD-3-Clause */
/* What no library is needed for; the rest is in netlink_mnl.c or netlink_nl.c. */
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int netlink_send(struct netlink *n, const struct nlmsghdr *request)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t sent = sendto(netlink_fd(n), request, request->nlmsg_len, 0,
		(const struct sockaddr *)&kernel, sizeof(kernel));

	return sent < 0 ? -errno : 0;
}

ssize_t netlink_receive(struct netlink *n, void *buf, size_t size)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(
		netlink_fd(n), buf, size, MSG_TRUNC, (struct sockaddr *)&from, &from_len);

	if (len < 0)
		return -errno;
	if ((size_t)len > size)
		return -EMSGSIZE;
	return from.nl_pid == 0 ? len : 0;
}

/* Attributes are aligned to four bytes only. */
static bool number(const struct nlattr *a, void *out, size_t size)
{
	if (!a || netlink_attr_len(a) != size)
		return false;
	memcpy(out, netlink_attr_data(a), size);
	return true;
}

uint8_t netlink_attr_u8(const struct nlattr *a, uint8_t otherwise)
{
	uint8_t v;

	return number(a, &v, sizeof(v)) ? v : otherwise;
}

uint32_t netlink_attr_u32(const struct nlattr *a, uint32_t otherwise)
{
	uint32_t v;

	return number(a, &v, sizeof(v)) ? v : otherwise;
}

uint64_t netlink_attr_u64(const struct nlattr *a, uint64_t otherwise)
{
	uint64_t v;

	return number(a, &v, sizeof(v)) ? v : otherwise;
}

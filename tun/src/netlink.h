/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What monitor and owner look-up need of a netlink library: a socket, the messages of a datagram, their
 * attributes. Behind it is libmnl (netlink_mnl.c) or libnl's core (netlink_nl.c), chosen at build time:
 * GWD_NETLINK. Requests are laid out by the callers; both libraries agree with the kernel there.
 */
#ifndef TUN_NETLINK_H
#define TUN_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct netlink;

/* A socket of @protocol (NETLINK_*), close-on-exec, in the multicast @groups (bits). 0 or -errno. */
int netlink_open(struct netlink **out, int protocol, unsigned groups);
void netlink_close(struct netlink *n);
int netlink_fd(const struct netlink *n);

/* One request to the kernel. 0 or -errno. */
int netlink_send(struct netlink *n, const struct nlmsghdr *request);
/* One datagram of the kernel's into @buf; what other programs send is passed over. Its length or
 * -errno: -EAGAIN when there is none and the fd is non-blocking (or its time-out is over), -EINTR,
 * -ENOBUFS when some were lost, -EMSGSIZE when it is longer than @size (and gone). */
ssize_t netlink_receive(struct netlink *n, void *buf, size_t size);

/* Each whole message of a datagram, until one is an error: 0, or the error as -errno. Messages with
 * less than @header bytes of payload are the callback's business. */
typedef void (*netlink_cb)(void *user, const struct nlmsghdr *h);
int netlink_each(const void *buf, size_t n, netlink_cb cb, void *user);

/* Bytes behind the message's header, and how many. */
const void *netlink_payload(const struct nlmsghdr *h);
size_t netlink_payload_len(const struct nlmsghdr *h);

/* The attributes behind @header bytes of the message's payload into @at by their type; those not there
 * are NULL, those above @max are left out. @at has @max + 1 places. */
void netlink_attributes(
	const struct nlmsghdr *h, size_t header, const struct nlattr **at, unsigned max);
const void *netlink_attr_data(const struct nlattr *a);
size_t netlink_attr_len(const struct nlattr *a);

/* The number in an attribute of exactly that size, else (also for NULL) @otherwise. */
uint8_t netlink_attr_u8(const struct nlattr *a, uint8_t otherwise);
uint32_t netlink_attr_u32(const struct nlattr *a, uint32_t otherwise);
uint64_t netlink_attr_u64(const struct nlattr *a, uint64_t otherwise);

#endif

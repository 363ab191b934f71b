/* SPDX-License-Identifier: BSD-3-Clause */
/* A network namespace of the test's own, with what the tests of this room need in it. */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include "tun/setup.h"
#include "tun/tun.h"
#include "util/addr.h"

#define SKIP 77 /* tests/CMakeLists.txt */

/* Whether this process may make namespaces and has a TUN driver; a test program that may not
 * returns SKIP. */
bool netns_possible(void);
/* Moves this process into a new namespace with the loopback up. */
void netns_enter(void);
void netns_loopback(bool up);

struct addr addr_of(const char *text);

/* A TUN @name that is up, with 10.9.0.1/24 and fd09::1/64. */
void netns_tun(struct tun *t, const char *name);

void netns_delete_link(unsigned ifindex);

/* An IPv4 route over two interfaces. */
void netns_multipath(const char *dst, unsigned prefix, unsigned first, unsigned second);

struct route {
	int table, protocol, type, oif;
	uint32_t metric;
	uint8_t scope;
};

/* The default routes of a family (4, 6) in table main, read back from the kernel. */
unsigned netns_default_routes(uint8_t family, struct route *out, unsigned max);

/* How many addresses @ifindex has that are @a/@prefix (any if @a is NULL); the protocol of the last
 * through @protocol (0 where the kernel does not keep one). */
unsigned netns_addresses(unsigned ifindex, const struct addr *a, unsigned prefix, uint8_t *protocol,
	uint32_t *flags);

#endif

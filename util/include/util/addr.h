/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses as every room speaks of them. An address carries its family; the bytes are in network
 * order; unused bytes are zero, so two addresses are equal when their memory is. Ports are in host
 * byte order everywhere.
 */
#ifndef UTIL_ADDR_H
#define UTIL_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t family; /* 4, 6, or 0 for "none" */
	uint8_t b[16];	/* network order; a v4 address uses the first four, the rest is zero */
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

#define ADDR_STRLEN 46	   /* longest v6 text and the NUL */
#define ENDPOINT_STRLEN 56 /* "[v6]:65535" and the NUL */

struct addr addr_v4(const void *bytes4);
struct addr addr_v6(const void *bytes16);

bool addr_equal(const struct addr *a, const struct addr *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Reads exactly @len characters of "192.0.2.1" or "2001:db8::1" (no brackets). -EINVAL if not one. */
int addr_parse(struct addr *out, const char *text, size_t len);

/*
 * Reads "192.0.2.1:53", "2001:db8::1:53" or "[2001:db8::1]:53" of @len characters: the port stands
 * after the last colon. -EINVAL if it is none of these or the port is above 65535.
 */
int endpoint_parse(struct endpoint *out, const char *text, size_t len);

/* Write text and return @buf. The buffers have at least ADDR_STRLEN / ENDPOINT_STRLEN bytes. */
const char *addr_format(const struct addr *a, char *buf);
const char *endpoint_format(const struct endpoint *e, char *buf);

#endif

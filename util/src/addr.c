/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct addr addr_v4(const void *bytes4)
{
	struct addr a = {.family = 4};

	memcpy(a.b, bytes4, 4);
	return a;
}

struct addr addr_v6(const void *bytes16)
{
	struct addr a = {.family = 6};

	memcpy(a.b, bytes16, 16);
	return a;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

int addr_parse(struct addr *out, const char *text, size_t len)
{
	char copy[ADDR_STRLEN];
	uint8_t bytes[16];

	if (len == 0 || len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strlen(copy) != len)
		return -EINVAL;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*out = addr_v4(bytes);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*out = addr_v6(bytes);
	else
		return -EINVAL;
	return 0;
}

static int port_parse(uint16_t *out, const char *text, size_t len)
{
	unsigned port = 0;

	if (len == 0 || len > 5)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port > 65535)
		return -EINVAL;
	*out = (uint16_t)port;
	return 0;
}

int endpoint_parse(struct endpoint *out, const char *text, size_t len)
{
	const char *colon = memrchr(text, ':', len);
	size_t addr_len;

	if (!colon)
		return -EINVAL;
	addr_len = (size_t)(colon - text);
	if (port_parse(&out->port, colon + 1, len - addr_len - 1) < 0)
		return -EINVAL;
	if (addr_len >= 2 && text[0] == '[' && text[addr_len - 1] == ']')
		return addr_parse(&out->addr, text + 1, addr_len - 2);
	return addr_parse(&out->addr, text, addr_len);
}

const char *addr_format(const struct addr *a, char *buf)
{
	if (a->family == 4)
		inet_ntop(AF_INET, a->b, buf, ADDR_STRLEN);
	else if (a->family == 6)
		inet_ntop(AF_INET6, a->b, buf, ADDR_STRLEN);
	else
		snprintf(buf, ADDR_STRLEN, "none");
	return buf;
}

const char *endpoint_format(const struct endpoint *e, char *buf)
{
	char text[ADDR_STRLEN];

	addr_format(&e->addr, text);
	snprintf(buf, ENDPOINT_STRLEN, e->addr.family == 6 ? "[%s]:%u" : "%s:%u", text, e->port);
	return buf;
}

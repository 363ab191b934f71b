/* SPDX-License-Identifier: BSD-3-Clause */
/* forward.tcp: one rule as text, and what the rules must agree with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"

#define STRICT 1 /* rp_filter, RFC 3704 2.2 */

static int parse_port(uint16_t *out, const char *text, size_t len)
{
	unsigned v = 0;

	if (len == 0 || len > 5)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	if (v == 0 || v > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)v;
	return 0;
}

/* Brackets keep the colons of an IPv6 address from those around it. */
int config_forward_parse(struct config_forward *out, const char *text)
{
	const char *colon = strchr(text, ':');
	const char *target = colon ? colon + 1 : NULL;

	if (!colon || parse_port(&out->port, text, (size_t)(colon - text)) < 0 ||
		endpoint_parse(&out->target, target, strlen(target)) < 0)
		return -EINVAL;
	if (out->target.port == 0 || (out->target.addr.family == 6) != (target[0] == '['))
		return -EINVAL;
	return 0;
}

/* The kernel drops what comes from another interface for a loopback address; one that embeds an
 * IPv4 address is never on the wire. */
bool valid_forward(const char *text)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct config_forward f;

	if (config_forward_parse(&f, text) < 0 || !is_host_address(&f.target.addr))
		return false;
	return f.target.addr.family == 4 || memcmp(f.target.addr.b, mapped, sizeof(mapped)) != 0;
}

int forward_check(const struct config *c, struct config_error *err)
{
	struct config_forward f[CONFIG_LIST_MAX];

	if (c->forward.tcp.n > CONFIG_FORWARDS)
		return config_fail(err, "forward.tcp: expected at most %d, the servers of a module, got %u",
			CONFIG_FORWARDS, c->forward.tcp.n);
	for (unsigned i = 0; i < c->forward.tcp.n; i++) {
		const char *text = c->forward.tcp.item[i];

		if (config_forward_parse(&f[i], text) < 0)
			return config_fail(err, "forward.tcp: expected PORT:HOST:HOSTPORT, got %s", text);
		if (f[i].target.addr.family != c->modem.ip)
			return config_fail(err,
				"forward.tcp: expected a HOST of IPv%u (modem.ip), got %s",
				c->modem.ip, text);
		for (unsigned k = 0; k < i; k++)
			if (f[k].port == f[i].port)
				return config_fail(err,
					"forward.tcp: expected each port once, got %u twice", f[i].port);
	}
	return 0;
}

/* -1 when it cannot be read. */
static int read_filter(const char *conf, const char *name)
{
	char path[256], text[8] = "";
	FILE *in;

	snprintf(path, sizeof(path), "%.200s/%s/rp_filter", conf, name);
	in = fopen(path, "re");
	if (!in)
		return -1;
	if (!fgets(text, sizeof(text), in))
		text[0] = '\0';
	fclose(in);
	return atoi(text);
}

/* The kernel takes the greater of "all" and the interface's own, which begins as "default". */
bool forward_filtered(const struct config *c, const char *conf)
{
	int all = read_filter(conf, "all"), own = read_filter(conf, c->interface.name);

	if (own < 0)
		own = read_filter(conf, "default");
	return c->forward.tcp.n && c->forward.source == CONFIG_FORWARD_REMOTE && c->modem.ip == 4 &&
		!c->interface.default_route && (all > own ? all : own) == STRICT;
}

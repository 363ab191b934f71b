/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names by the module itself, AT+CDNSGIP (AT reference 11). One look-up occupies the command channel
 * until the module has its answer, so data has a turn between two of them (modem.c). The limit is
 * far above any resolver's patience: a command that is given up too early makes the channel ask
 * whether the module is alive, and it would not answer.
 */
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/log.h"

#define LOOKUP_TIMEOUT SEC(60)
#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

/* RFC 952 and RFC 1123 2.1, and the underscore of service names. Nothing that could end the string
 * or the line. */
static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_';
}

static bool name_valid(const char *name)
{
	size_t label = 0;

	if (strnlen(name, MODEM_NAME_MAX + 1) > MODEM_NAME_MAX)
		return false;
	for (; *name; name++) {
		if (*name == '.' ? label == 0 : !is_label_char(*name))
			return false;
		label = *name == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

int modem_resolve(struct modem *m, const char *name)
{
	struct resolve *r = &m->resolve;

	if (!name_valid(name))
		return -EINVAL;
	if (m->bearer.state != MODEM_STATE_UP)
		return -ENETDOWN;
	for (unsigned i = 0; i < r->n; i++)
		if (strcasecmp(r->names[i], name) == 0)
			return 0;
	if (r->n == MODEM_RESOLVE_MAX)
		return -ENOBUFS;
	snprintf(r->names[r->n++], sizeof(r->names[0]), "%s", name);
	return 0;
}

/* +CDNSGIP: 1,"<host>","<ip>" or +CDNSGIP: 0,<code>. */
static enum info resolve_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;
	struct resolve *r = &m->resolve;
	const char *host, *ip;
	size_t at = 0, len, ip_len;

	if (msg->kind != MSG_CDNSGIP)
		return INFO_FOREIGN;
	if (msg->count == 0 || msg->n[0] != 1) {
		c->error = msg->count > 1 ? (int)msg->n[1] : 0;
		return INFO_FAILED;
	}
	if (!dialect_field(msg, &at, &host, &len) || !dialect_field(msg, &at, &host, &len) ||
		!dialect_field(msg, &at, &ip, &ip_len))
		return INFO_TAKEN;
	if (r->sent && strlen(r->names[0]) == len && strncasecmp(r->names[0], host, len) == 0 &&
		dialect_address(&r->addr, ip, ip_len) < 0)
		r->addr = (struct addr){0};
	return INFO_TAKEN;
}

static void resolve_done(void *user, struct command *c, enum result res)
{
	struct modem *m = user;
	struct resolve *r = &m->resolve;
	char name[MODEM_NAME_MAX + 1];
	int result = 0;

	if (!r->sent)
		return; /* the bearer went away meanwhile, and its names with it */
	r->sent = false;
	snprintf(name, sizeof(name), "%s", r->names[0]);
	memmove(r->names[0], r->names[1], (MODEM_RESOLVE_MAX - 1) * sizeof(r->names[0]));
	r->n--;
	if (res == RESULT_TIMEOUT)
		result = -ETIMEDOUT;
	else if (res == RESULT_ERROR || !r->addr.family)
		result = -ENOENT;
	if (result < 0)
		log_debug("%s: CDNSGIP of %s: %s (code %d)", m->config->name, name,
			result == -ETIMEDOUT ? "no answer" : "failed", c->error);
	m->ops->resolved(m->user, name, result, &r->addr);
}

static const struct command_type resolve_command = {
	.name = "AT+CDNSGIP",
	.timeout = LOOKUP_TIMEOUT,
	.info = resolve_info,
	.done = resolve_done,
};

bool resolve_submit(struct modem *m, struct channel *ch)
{
	struct resolve *r = &m->resolve;

	if (r->n == 0 || r->sent)
		return false;
	r->sent = true;
	m->yield = true;
	r->addr = (struct addr){0};
	command_printf(channel_prepare(ch, &resolve_command, 0), "AT+CDNSGIP=\"%s\"", r->names[0]);
	channel_submit(ch, m->now);
	return true;
}

void resolve_lost(struct modem *m)
{
	m->resolve.n = 0;
	m->resolve.sent = false;
}

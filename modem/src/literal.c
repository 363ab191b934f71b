/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a firmware wants an IPv6 address on a command line. The note has no example; plain in quotes is
 * the likely form (AT reference 14) and brackets the other one in use. The first refusal as "wrong
 * parameter" makes the other form be tried, once in a boot and for each command, since their parsers
 * may differ; from then on what was taken is used.
 */
#include "private.h"

#include <stdio.h>

#include "util/log.h"

const char *literal_format(const struct modem *m, enum literal_use use, const struct addr *a,
	char buf[LITERAL_LEN])
{
	char text[ADDR_STRLEN];
	bool brackets = a->family == 6 && m->literal[use].brackets;

	snprintf(buf, LITERAL_LEN, brackets ? "[%s]" : "%s", addr_format(a, text));
	return buf;
}

void literal_taken(struct modem *m, enum literal_use use)
{
	m->literal[use].settled = true;
}

bool literal_refused(struct modem *m, enum literal_use use, const struct addr *a)
{
	struct literal *l = &m->literal[use];

	if (a->family != 6 || l->settled)
		return false;
	/* Refused in both forms, it was not the form. */
	l->settled = l->brackets;
	l->brackets = !l->brackets;
	log_debug("%s: IPv6 addresses %s brackets from now on", m->config->name,
		l->brackets ? "in" : "without");
	return l->brackets;
}

/* A firmware may as well take what it does not know for a name. Several opens may be out in the same
 * form: the refusal of the second says nothing about the other one. */
bool literal_open_refused(struct modem *m, const struct link *k, int result)
{
	if (result != MODEM_OPEN_WRONG_PARAMETER && result != MODEM_OPEN_DNS_FAILED)
		return false;
	if (k->phase != LINK_OPEN_SENT || k->type != MODEM_LINK_TCP)
		return false;
	return k->bracketed != m->literal[LITERAL_OPEN].brackets ||
		literal_refused(m, LITERAL_OPEN, &k->remote.addr);
}

void literal_forget(struct modem *m)
{
	for (unsigned i = 0; i < LITERAL_USES; i++)
		m->literal[i] = (struct literal){0};
}

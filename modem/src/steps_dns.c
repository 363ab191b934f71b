/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Name servers: those the configuration gives the module for its own look-ups (CDNSCFG), and those
 * the network named for the context (CGCONTRDP). Both come after NETOPEN, because a context that
 * comes up sets the module's servers, and a module may know none before. Neither is needed for a
 * bearer: ERROR is fine.
 */
#include "steps.h"

#include <string.h>

#include "util/log.h"

#define CID 1 /* PDP profile 1 (CSOCKSETPN) */

/* 3GPP TS 27.007 10.1.23: +CGCONTRDP: <cid>,<bearer_id>,<apn>,<local_addr and subnet_mask>,<gw_addr>,
 * <DNS_prim_addr>,<DNS_sec_addr>, and much that is of no use here. */
#define FIELD_GATEWAY 4
#define FIELD_DNS 5

bool step_build_cdnscfg(struct modem *m, struct command *c)
{
	const struct addr *dns = m->config->dns;
	char first[ADDR_STRLEN], second[ADDR_STRLEN];

	if (!dns[0].family)
		return false;
	addr_format(&dns[0], first);
	if (dns[1].family)
		command_printf(c, "AT+CDNSCFG=\"%s\",\"%s\"", first, addr_format(&dns[1], second));
	else
		command_printf(c, "AT+CDNSCFG=\"%s\"", first);
	return true;
}

bool step_build_cgcontrdp(struct modem *m, struct command *c)
{
	m->bearer.n_dns = 0;
	command_printf(c, "AT+CGCONTRDP=%d", CID);
	return true;
}

static bool is_zero(const struct addr *a)
{
	static const uint8_t zero[sizeof(a->b)];

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

static void add(struct bearer *b, const struct addr *a)
{
	if (is_zero(a) || b->n_dns == MODEM_DNS_MAX)
		return;
	for (unsigned i = 0; i < b->n_dns; i++)
		if (addr_equal(&b->dns[i], a))
			return;
	b->dns[b->n_dns++] = *a;
}

/* One line for each address family. Release 8 has address and mask in two fields instead of one, so
 * that the mask stands where the gateway should. */
enum info step_info_cgcontrdp(void *user, struct command *c, const struct msg *msg)
{
	struct bearer *b = &((struct modem *)user)->bearer;
	unsigned first = FIELD_DNS;
	const char *field;
	struct addr a;
	size_t at = 0, len;

	(void)c;
	if (msg->kind != MSG_CGCONTRDP)
		return INFO_FOREIGN;
	if (msg->count == 0 || msg->n[0] != CID)
		return INFO_TAKEN;
	for (unsigned i = 0; i < first + 2 && dialect_field(msg, &at, &field, &len); i++) {
		if (i == FIELD_GATEWAY && len > 4 && memcmp(field, "255.", 4) == 0)
			first++;
		else if (i >= first && dialect_address(&a, field, len) == 0)
			add(b, &a);
	}
	return INFO_TAKEN;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is asked for rarely: who the module and its card are, where it is served, and what the driver
 * found out about this firmware.
 */
#include "private.h"

#include <stdio.h>

void modem_details(const struct modem *m, struct modem_details *out)
{
	const struct bearer *b = &m->bearer;

	*out = (struct modem_details){
		.manufacturer = b->manufacturer,
		.imei = b->imei,
		.iccid = b->card,
		.serving_cell = b->cell,
		.backoff = b->backoff,
	};
}

static bool has_no_operator(const struct modem *m)
{
	return !fact_wanted(m, FACT_OPERATOR);
}

static bool has_no_cpsi(const struct modem *m)
{
	return !fact_wanted(m, FACT_TECHNOLOGY);
}

static bool has_no_cipack(const struct modem *m)
{
	return m->bearer.cipack_unknown;
}

static bool has_no_push(const struct modem *m)
{
	return m->mode.needed;
}

static bool has_no_switch(const struct modem *m)
{
	return m->mode.refused;
}

static bool has_turned_login(const struct modem *m)
{
	return m->bearer.login_turned;
}

static bool has_small_sends(const struct modem *m)
{
	return m->send.chunk < MODEM_TCP_CHUNK_MAX;
}

static bool has_send_limit(const struct modem *m)
{
	return m->send.limit > 0;
}

static bool has_long_ping(const struct modem *m)
{
	return m->ping.wait_long;
}

static bool has_no_ping(const struct modem *m)
{
	return m->ping.barred > m->now;
}

static bool has_bracketed_opens(const struct modem *m)
{
	return m->literal[LITERAL_OPEN].brackets;
}

static bool has_no_ipv6(const struct modem *m)
{
	return m->bearer.ip_refused;
}

static const struct {
	const char *text;
	bool (*is_so)(const struct modem *m);
} quirks[] = {
	{"AT+COPS? is refused", has_no_operator},
	{"AT+CPSI? is refused", has_no_cpsi},
	{"AT+CIPACK is not known", has_no_cipack},
	{"pushed data names no link: buffer mode", has_no_push},
	{"buffer mode cannot be had with links open", has_no_switch},
	{"AT+CGAUTH takes user and password in the other order", has_turned_login},
	{"sends of 1460 bytes are refused", has_small_sends},
	{"the send buffer is bounded", has_send_limit},
	{"AT+CPING takes ten seconds of waiting only", has_long_ping},
	{"AT+CPING is refused", has_no_ping},
	{"AT+CIPOPEN takes IPv6 addresses in brackets", has_bracketed_opens},
	{"AT+CSOCKSETPN has no IPv6", has_no_ipv6},
};

void modem_quirks(const struct modem *m, void (*each)(void *user, const char *text), void *user)
{
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
		if (quirks[i].is_so(m))
			each(user, quirks[i].text);
}

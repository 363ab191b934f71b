/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket service: NETOPEN and what hangs on it (note 3.1, a76xx-at 3 and 11).
 *
 *  state    entered by               leaves by
 *  CLOSED   boot, NETCLOSE, +CIPEVENT  NETOPEN
 *  OPENING  NETOPEN                  netopen_delay_ms: OPEN or CLOSED; else NETCLOSE
 *  OPEN     +NETOPEN: 0              NETCLOSE, +CIPEVENT
 *  CLOSING  NETCLOSE                 close_delay_ms: CLOSED
 *  LOST     +CIPEVENT with netopen_state_after_cipevent=1   NETCLOSE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static timer_fn netopen_result, netclose_result, ping_tick;

const char *service_name(enum service s)
{
	static const char *const names[] = {"closed", "opening", "open", "closing", "lost"};

	return names[s];
}

bool service_open(const struct sim *sim)
{
	return sim->module.service == SERVICE_OPEN;
}

static bool ip6_service(const struct sim *sim)
{
	return knob_is(&sim->knobs, KNOB_IPV6, "on") && sim->module.socket_ip6;
}

const char *service_address(const struct sim *sim)
{
	return knob_text(&sim->knobs, ip6_service(sim) ? KNOB_IP6_ADDRESS : KNOB_IP_ADDRESS);
}

static void service_set(struct sim *sim, enum service s)
{
	sim->module.service = s;
	sim->module.service_gen++;
}

void service_lost(struct sim *sim)
{
	bool stays = knob_is(&sim->knobs, KNOB_NETOPEN_AFTER_CIPEVENT, "1");

	if (sim->module.service == SERVICE_CLOSED || sim->module.service == SERVICE_LOST)
		return;
	service_set(sim, stays ? SERVICE_LOST : SERVICE_CLOSED);
	servers_reset(sim);
	if (sim->online.session)
		online_closed(sim);
	urc(sim, "+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY");
	links_lost(sim);
}

enum result cmd_csocksetpn(struct sim *sim, const struct call *call)
{
	long cid, type = 1;

	if (call->form == FORM_READ) {
		say(sim, "+CSOCKSETPN: %d", sim->module.socket_cid);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 1, PDP_MAX, &cid))
		return RESULT_ERROR;
	if (arg_given(call, 1) && (knob_is(&sim->knobs, KNOB_CSOCKSETPN_2ND, "error") ||
					  !arg_int(call, 1, 0, 6, &type)))
		return RESULT_ERROR;
	sim->module.socket_cid = (int)cid;
	sim->module.socket_ip6 = type == 6;
	return RESULT_OK;
}

static bool login_works(const struct sim *sim, int cid)
{
	static const char *const auths[] = {"none", "pap", "chap", "pap"};
	char login[300];

	if (knob_is(&sim->knobs, KNOB_APN_LOGIN, "off"))
		return true;
	snprintf(login, sizeof(login), "%s:%s:%s", auths[sim->module.pdp[cid - 1].auth],
		sim->module.pdp[cid - 1].user, sim->module.pdp[cid - 1].password);
	return !strcmp(login, knob_text(&sim->knobs, KNOB_APN_LOGIN));
}

static bool context_works(const struct sim *sim)
{
	const struct knobs *k = &sim->knobs;
	const char *apn = sim->module.pdp[sim->module.socket_cid - 1].apn;

	return module_registered(sim) && login_works(sim, sim->module.socket_cid) &&
	       (knob_is(k, KNOB_APN_REQUIRED, "off") || !strcmp(apn, knob_text(k, KNOB_APN_REQUIRED)));
}

static void netopen_result(struct sim *sim, int a, unsigned gen)
{
	(void)a;
	if (gen != sim->module.service_gen)
		return;
	if (knob_is(&sim->knobs, KNOB_NETOPEN_RESULT, "0") && context_works(sim)) {
		service_set(sim, SERVICE_OPEN);
		links_init(sim);
		urc(sim, "+NETOPEN: 0");
	} else {
		service_set(sim, SERVICE_CLOSED);
		urc(sim, "+NETOPEN: 1");
	}
}

enum result cmd_netopen(struct sim *sim, const struct call *call)
{
	bool two = knob_is(&sim->knobs, KNOB_NETOPEN_QUERY_FIELDS, "2");
	bool open = service_open(sim) || sim->module.service == SERVICE_LOST;
	int64_t delay = knob_num(&sim->knobs, KNOB_NETOPEN_DELAY) * MS;

	if (call->form == FORM_READ) {
		say(sim, two ? "+NETOPEN: %d,0" : "+NETOPEN: %d", open);
		return RESULT_OK;
	}
	if (call->form == FORM_SET)
		return RESULT_ERROR;
	if (open)
		return ip_error(sim, 4);
	if (sim->module.service != SERVICE_CLOSED || !module_registered(sim) ||
		knob_is(&sim->knobs, KNOB_NETOPEN_RESULT, "error"))
		return RESULT_ERROR;
	service_set(sim, SERVICE_OPENING);
	if (!knob_is(&sim->knobs, KNOB_NETOPEN_RESULT, "never"))
		timer_set(&sim->timers, sim->now + delay, netopen_result, 0,
			sim->module.service_gen);
	return RESULT_OK;
}

static void netclose_result(struct sim *sim, int a, unsigned gen)
{
	bool silent = knob_is(&sim->knobs, KNOB_NETCLOSE_WITH_SOCKETS, "silent");

	(void)a;
	if (gen != sim->module.service_gen)
		return;
	for (int l = 0; l < LINKS_MAX; l++) {
		struct link *k = &sim->link[l];

		if (k->state == LINK_FREE)
			continue;
		link_free(sim, l, false);
		link_discard_rx(k);
		k->told_at = sim->now;
		if (!silent)
			urc(sim, "+CIPCLOSE: %d,0", l);
	}
	servers_reset(sim);
	online_leave(sim);
	service_set(sim, SERVICE_CLOSED);
	urc(sim, "+NETCLOSE: 0");
}

enum result cmd_netclose(struct sim *sim, const struct call *call)
{
	int64_t delay = knob_num(&sim->knobs, KNOB_CLOSE_DELAY) * MS;
	bool refuses = knob_is(&sim->knobs, KNOB_NETCLOSE_WITH_SOCKETS, "refuses");

	if (call->form != FORM_RUN)
		return RESULT_ERROR;
	if (sim->module.service == SERVICE_CLOSED) {
		say(sim, "+NETCLOSE: 2");
		return RESULT_ERROR;
	}
	if (sim->module.service == SERVICE_CLOSING)
		return RESULT_OK; /* T12: repeated, and no further line */
	for (int l = 0; refuses && l < LINKS_MAX; l++) {
		if (sim->link[l].state != LINK_FREE) {
			say(sim, "+NETCLOSE: 9");
			return RESULT_ERROR;
		}
	}
	service_set(sim, SERVICE_CLOSING);
	if (!knob_is(&sim->knobs, KNOB_CLOSE_DELAY, "never"))
		timer_set(&sim->timers, sim->now + delay, netclose_result, 0,
			sim->module.service_gen);
	return RESULT_OK;
}

enum result cmd_ipaddr(struct sim *sim, const struct call *call)
{
	(void)call;
	if (!service_open(sim))
		return ip_error(sim, 8);
	say(sim, "+IPADDR: %s", service_address(sim));
	return RESULT_OK;
}

enum result cmd_cipmode(struct sim *sim, const struct call *call)
{
	long mode;

	if (call->form == FORM_READ) {
		say(sim, "+CIPMODE: %d", sim->module.cipmode);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 1, &mode) || sim->module.service != SERVICE_CLOSED)
		return RESULT_ERROR;
	sim->module.cipmode = (int)mode;
	return RESULT_OK;
}

enum result cmd_ciptimeout(struct sim *sim, const struct call *call)
{
	long t[3], *now = sim->module.timeout;

	if (call->form == FORM_READ) {
		say(sim, "+CIPTIMEOUT: %ld,%ld,%ld", now[0], now[1], now[2]);
		return RESULT_OK;
	}
	for (int i = 0; i < 3; i++) {
		t[i] = now[i];
		if (arg_given(call, i) && !arg_int(call, i, 3000, 120000, &t[i]))
			return RESULT_ERROR;
	}
	if (call->form != FORM_SET || call->args > 3)
		return RESULT_ERROR;
	memcpy(now, t, sizeof(t));
	return RESULT_OK;
}

enum result cmd_cipccfg(struct sim *sim, const struct call *call)
{
	static const long low[CCFG_COUNT] = {0, 0, 0, 0, 0, 0, 500};
	static const long high[CCFG_COUNT] = {10, 1000, 1, 1, 1, 1, 120000};
	const struct knobs *k = &sim->knobs;
	long *c = sim->module.ccfg, v[CCFG_COUNT];

	if (call->form == FORM_READ) {
		say(sim, "+CIPCCFG: %ld,%ld,%ld,%ld,%ld,%ld,%ld", c[0], c[1], c[2], c[3], c[4], c[5],
			c[6]);
		return RESULT_OK;
	}
	if (call->form != FORM_SET || call->args > CCFG_COUNT || knob_is(k, KNOB_CIPCCFG, "error"))
		return RESULT_ERROR;
	for (int i = 0; i < CCFG_COUNT; i++) {
		v[i] = c[i];
		if (arg_given(call, i) && !arg_int(call, i, low[i], high[i], &v[i]))
			return RESULT_ERROR;
	}
	if (v[CCFG_HEADER_TYPE] && knob_is(k, KNOB_HEADERTYPE1, "error"))
		return RESULT_ERROR;
	if (v[CCFG_HEADER_TYPE] && knob_is(k, KNOB_HEADERTYPE1, "ignored"))
		v[CCFG_HEADER_TYPE] = 0;
	memcpy(c, v, sizeof(v));
	return RESULT_OK;
}

enum result cmd_ctcpka(struct sim *sim, const struct call *call)
{
	static const long high[4] = {1, 7200, 10, 600};
	long v[4];

	memcpy(v, sim->module.keepalive, sizeof(v));
	if (call->form == FORM_READ) {
		say(sim, "+CTCPKA: %ld,%ld,%ld,%ld", v[0], v[1], v[2], v[3]);
		return RESULT_OK;
	}
	for (int i = 0; i < 4; i++)
		if (arg_given(call, i) && !arg_int(call, i, i ? 1 : 0, high[i], &v[i]))
			return RESULT_ERROR;
	if (call->form != FORM_SET)
		return RESULT_ERROR;
	memcpy(sim->module.keepalive, v, sizeof(v));
	return RESULT_OK;
}

enum result cmd_cdnscfg(struct sim *sim, const struct call *call)
{
	union address a;

	if (call->form == FORM_READ) {
		say_block(sim, true, "PrimaryDns: %s", sim->module.dns[0]);
		say_block(sim, false, "SecondaryDns: %s", sim->module.dns[1]);
		return RESULT_OK;
	}
	if (call->form != FORM_SET || !arg_given(call, 0))
		return RESULT_ERROR;
	for (int i = 0; i < 2; i++) {
		if (arg_given(call, i) && !address_parse(call->arg[i].text, 53, &a))
			return RESULT_ERROR;
		snprintf(sim->module.dns[i], sizeof(sim->module.dns[i]), "%.47s",
			arg_given(call, i) ? call->arg[i].text : "");
	}
	return RESULT_OK;
}

static void cdnsgip_answer(struct sim *sim, int arg, unsigned gen, const union address *a)
{
	char text[64];

	(void)arg;
	(void)gen;
	if (!a) {
		say(sim, "+CDNSGIP: 0,10");
		parser_done(sim, RESULT_ERROR);
		return;
	}
	address_print(a, text, sizeof(text));
	say(sim, "+CDNSGIP: 1,\"%.255s\",\"%s\"", sim->dns_name, text);
	parser_done(sim, RESULT_OK);
}

enum result cmd_cdnsgip(struct sim *sim, const struct call *call)
{
	if (call->form != FORM_SET || call->args != 1 || !arg_given(call, 0) ||
		strlen(call->arg[0].text) > 254)
		return RESULT_ERROR;
	if (!service_open(sim)) {
		say(sim, "+CDNSGIP: 0,10");
		return RESULT_ERROR;
	}
	snprintf(sim->dns_name, sizeof(sim->dns_name), "%s", call->arg[0].text);
	if (resolve_start(sim, sim->dns_name, cdnsgip_answer, 0, 0) < 0) {
		say(sim, "+CDNSGIP: 0,10");
		return RESULT_ERROR;
	}
	return RESULT_PENDING;
}

/* The number that goes with "ok", -1 for another result. */
static long ping_rtt(const struct sim *sim)
{
	const struct knob_value *v = knob_for(&sim->knobs, KNOB_PING_RESULT, sim->ping.host);

	return knob_value_is(v, KNOB_PING_RESULT, "ok") ? (long)v->number : -1;
}

/* One echo of CPING is over: note the result and go on. */
static void ping_tick(struct sim *sim, int a, unsigned b)
{
	long rtt = ping_rtt(sim);
	bool ok = rtt >= 0;

	(void)a;
	(void)b;
	sim->ping.sent++;
	sim->ping.received += ok;
	if (ok)
		urc(sim, "+CPING: 1,%s,%ld,%ld,%d", sim->ping.address, sim->ping.size, rtt, 64);
	else
		urc(sim, "+CPING: 2");
	if (--sim->ping.left > 0) {
		timer_set(&sim->timers, sim->now + sim->ping.interval * MS, ping_tick, 0, 0);
		return;
	}
	if (!ok)
		rtt = 0;
	urc(sim, "+CPING: 3,%ld,%ld,%ld,%ld,%ld,%ld", sim->ping.sent, sim->ping.received,
		sim->ping.sent - sim->ping.received, rtt, rtt, rtt);
}

static void ping_resolved(struct sim *sim, int arg, unsigned gen, const union address *a)
{
	long rtt = ping_rtt(sim), first = rtt >= 0 ? rtt : sim->ping.ms;

	(void)arg;
	(void)gen;
	if (!a) {
		sim->ping.left = 0;
		urc(sim, "+CPING: 2");
		return;
	}
	address_print(a, sim->ping.address, sizeof(sim->ping.address));
	timer_set(&sim->timers, sim->now + first * MS, ping_tick, 0, 0);
}

static bool ping_possible(const struct sim *sim, const char *host)
{
	const struct knob_value *v = knob_for(&sim->knobs, KNOB_PING_RESULT, host);

	return module_registered(sim) && strlen(host) < sizeof(sim->ping.host) &&
	       literal_form(sim, host) && !knob_value_is(v, KNOB_PING_RESULT, "error");
}

enum result cmd_cping(struct sim *sim, const struct call *call)
{
	long type, count = 4, size = 64, interval = 1000, wait = 10000, ttl = 255;

	if (call->form != FORM_SET || !arg_given(call, 0) || !arg_int(call, 1, 1, 2, &type) ||
		(arg_given(call, 2) && !arg_int(call, 2, 1, 100, &count)) ||
		(arg_given(call, 3) && !arg_int(call, 3, 4, 188, &size)) ||
		(arg_given(call, 4) && !arg_int(call, 4, 1000, 10000, &interval)) ||
		(arg_given(call, 5) && !arg_int(call, 5, 1000, 100000, &wait)) ||
		(arg_given(call, 6) && !arg_int(call, 6, 16, 255, &ttl)))
		return RESULT_ERROR;
	if (sim->ping.left || !ping_possible(sim, call->arg[0].text))
		return RESULT_ERROR;
	snprintf(sim->ping.host, sizeof(sim->ping.host), "%s", call->arg[0].text);
	sim->ping.left = count;
	sim->ping.size = size;
	sim->ping.interval = interval;
	sim->ping.ms = wait;
	sim->ping.sent = sim->ping.received = 0;
	if (resolve_start(sim, call->arg[0].text, ping_resolved, 0, 0) < 0) {
		sim->ping.left = 0;
		return RESULT_ERROR;
	}
	return RESULT_OK;
}

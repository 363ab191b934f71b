/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All that is known of a module, for who looks at one: what status has no place for, or what names a
 * person's card.
 */
#include <string.h>

#include "json.h"
#include "report.h"

/* 3GPP TS 27.007 10.1.22, <stat>. */
static const char *registration(int stat)
{
	static const char *const words[] = {
		"not registered", "home", "searching", "denied", "unknown", "roaming"};

	return stat >= 0 && stat < (int)(sizeof(words) / sizeof(words[0])) ? words[stat] : NULL;
}

static struct json_object *report_registration(const struct modem_status *s)
{
	struct json_object *o = json_object_new_object();

	json_add_text(o, "voice", registration(s->creg));
	json_add_text(o, "gprs", registration(s->cgreg));
	json_add_text(o, "eps", registration(s->cereg));
	return o;
}

/* +CPSI: LTE,<mode>,<MCC>-<MNC>,<TAC>,<cell>,<PCI>,<band>,<EARFCN>,...
 *        GSM,<mode>,<MCC>-<MNC>,<LAC>,<cell>,<ARFCN>,... */
static struct json_object *report_cell(const char *cpsi)
{
	static const char *const names[] = {
		"system", "mode", "plmn", "area", "cell", "physical_cell", "band", "channel"};
	struct json_object *o;
	bool lte = strncmp(cpsi, "LTE,", 4) == 0;
	const char *s = cpsi;

	if (!*cpsi)
		return NULL;
	o = json_object_new_object();
	json_add_text(o, "text", cpsi);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strcspn(s, ",");
		bool known = n && (lte || i < 5);

		json_add(o, names[i], known ? json_object_new_string_len(s, (int)n) : NULL);
		s += s[n] ? n + 1 : n;
	}
	return o;
}

static struct json_object *report_ladder(const struct modem_status *s, const struct modem_details *e)
{
	struct json_object *o = json_object_new_object(), *counts = json_object_new_object();

	json_add_number(o, "rung", s->rung);
	json_add_text(o, "rung_name", s->rung_name);
	json_add_text(o, "reason", s->reason);
	json_add_seconds(o, "backoff_s", e->backoff);
	for (unsigned i = 1; i < MODEM_RUNGS; i++)
		json_add_number(counts, modem_rung_name(i), s->rung_counts[i]);
	json_add(o, "counts", counts);
	return o;
}

static struct json_object *report_servers(const struct unit *u)
{
	struct json_object *all = json_object_new_array(), *o;

	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		if (!u->gw->forwards[i].rule.port)
			continue;
		o = json_object_new_object();
		json_add_number(o, "server", i);
		json_add_number(o, "port", u->gw->forwards[i].rule.port);
		json_add_text(o, "state", modem_server_state_name(modem_server_state(u->modem, i)));
		json_object_array_add(all, o);
	}
	return all;
}

static void add_quirk(void *user, const char *text)
{
	json_object_array_add(user, json_object_new_string(text));
}

static void add_identity(struct json_object *o, const struct modem_status *s,
	const struct modem_details *e)
{
	json_add_text(o, "manufacturer", e->manufacturer);
	json_add_text(o, "model", s->model);
	json_add_text(o, "revision", s->revision);
	json_add_text(o, "imei", e->imei);
	json_add_text(o, "iccid", e->iccid);
}

static void add_network(struct json_object *o, const struct daemon *d, const struct modem_status *s,
	const struct modem_details *e)
{
	static const char *const auths[] = {
		[CONFIG_AUTH_NONE] = "none", [CONFIG_AUTH_PAP] = "pap", [CONFIG_AUTH_CHAP] = "chap"};

	json_add_text(o, "operator", s->operator);
	json_add_text(o, "technology", s->technology);
	json_add(o, "serving_cell", report_cell(e->serving_cell));
	json_add(o, "rssi_dbm", s->rssi_dbm ? json_object_new_int(s->rssi_dbm) : NULL);
	json_add(o, "ber", s->ber < 99 ? json_object_new_int(s->ber) : NULL);
	json_add(o, "registration", report_registration(s));
	json_add_text(o, "apn", d->config.modem.apn);
	json_add_text(o, "auth", auths[d->config.modem.auth]);
	json_add_addr(o, "address", &s->address);
	json_add_addrs(o, "dns", s->dns, s->n_dns);
}

static struct json_object *report_modem(const struct daemon *d, const struct unit *u)
{
	struct json_object *o = json_object_new_object(), *quirks = json_object_new_array();
	struct modem_status s;
	struct modem_details e;

	modem_status(u->modem, &s);
	modem_details(u->modem, &e);
	modem_quirks(u->modem, add_quirk, quirks);
	json_add_number(o, "modem", u->index);
	json_add_text(o, "device", d->ports[u->index].path);
	json_add_text(o, "state", modem_state_name(s.state));
	json_add_age(o, "since_s", d->gw->now, unit_since(u, &s));
	add_identity(o, &s, &e);
	add_network(o, d, &s, &e);
	json_add_text(o, "receive", modem_receive_name(s.receive));
	json_add_text(o, "receive_configured", modem_receive_name(s.receive_configured));
	json_add_ms(o, "turnaround_ms", s.turnaround);
	json_add_ms(o, "prompt_delay_ms", s.prompt_delay);
	json_add(o, "ladder", report_ladder(&s, &e));
	json_add(o, "servers", report_servers(u));
	json_add(o, "quirks", quirks);
	return o;
}

struct json_object *report_modems(const struct daemon *d)
{
	struct json_object *all = json_object_new_array();

	for (unsigned i = 0; i < d->gw->n_units; i++)
		json_object_array_add(all, report_modem(d, &d->gw->units[i]));
	return all;
}

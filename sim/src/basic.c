/* SPDX-License-Identifier: BSD-3-Clause */
/* Identity, card, registration, context and line commands: a76xx-at 2 and 13. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define IMEI "860000000000017" /* test allocation */

enum result cmd_ok(struct sim *sim, const struct call *call)
{
	(void)sim;
	(void)call;
	return RESULT_OK;
}

enum result cmd_setting(struct sim *sim, const struct call *call)
{
	int *setting = (int *)(void *)((char *)&sim->module + call->command->setting);
	long value;

	if (call->form == FORM_READ) {
		say(sim, "%s: %d", call->command->name, *setting);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, call->command->min, call->command->max, &value))
		return RESULT_ERROR;
	*setting = (int)value;
	return RESULT_OK;
}

enum result cmd_echo(struct sim *sim, const struct call *call)
{
	sim->module.echo = call->raw[0] == '1';
	return strcmp(call->raw, "1") && strcmp(call->raw, "0") && call->raw[0] ? RESULT_ERROR
										 : RESULT_OK;
}

enum result cmd_amp_d(struct sim *sim, const struct call *call)
{
	sim->module.dtr_action = atoi(call->raw);
	return sim->module.dtr_action <= 2 ? RESULT_OK : RESULT_ERROR;
}

enum result cmd_amp_v(struct sim *sim, const struct call *call)
{
	const struct module *m = &sim->module;

	(void)call;
	say_block(sim, true, "&C: 1; &D: %d; E: %d; Q: 0; V: 1", m->dtr_action, m->echo);
	say_block(sim, false, "+CIPHEAD: %d; +CIPSRIP: %d; +CIPMODE: %d; +CIPSENDMODE: %d",
		m->ciphead, m->cipsrip, m->cipmode, m->sendmode);
	say_block(sim, false, "+IPR: %ld; +IFC: %d,%d; +CMEE: %d", line_nominal_baud(sim),
		m->flow[0], m->flow[1], m->cmee);
	return RESULT_OK;
}

enum result cmd_identity(struct sim *sim, const struct call *call)
{
	const char *name = call->command->name;

	if (strstr(name, "GMI"))
		say(sim, "SIMCOM INCORPORATED");
	else if (strstr(name, "GMM"))
		say(sim, "%s", knob_text(&sim->knobs, KNOB_MODEL));
	else if (strstr(name, "GMR"))
		say(sim, "+CGMR: %s", knob_text(&sim->knobs, KNOB_REVISION));
	else if (strstr(name, "GSN"))
		say(sim, IMEI);
	else if (!module_sim_ready(sim))
		return cme_error(sim, knob_is(&sim->knobs, KNOB_SIM, "absent") ? 10 : 13);
	else
		say(sim, "001010000000017");
	return RESULT_OK;
}

enum result cmd_ati(struct sim *sim, const struct call *call)
{
	(void)call;
	say_block(sim, true, "Manufacturer: SIMCOM INCORPORATED");
	say_block(sim, false, "Model: %s", knob_text(&sim->knobs, KNOB_MODEL));
	say_block(sim, false, "Revision: %s", knob_text(&sim->knobs, KNOB_REVISION));
	say_block(sim, false, "IMEI: " IMEI);
	if (knob_is(&sim->knobs, KNOB_BOOT_PROFILE, "sim7600"))
		say_block(sim, false, "+GCAP: +CGSM");
	return RESULT_OK;
}

enum result cmd_cmee(struct sim *sim, const struct call *call)
{
	long mode;

	if (call->form == FORM_READ) {
		say(sim, "+CMEE: %d", sim->module.cmee);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 2, &mode))
		return RESULT_ERROR;
	sim->module.cmee = (int)mode;
	return RESULT_OK;
}

static enum result cpin_read(struct sim *sim)
{
	const struct knobs *k = &sim->knobs;
	int64_t early = knob_num(k, KNOB_CPIN_EARLY) * 1000 * MS;

	if (early && sim->now < sim->module.banner_at + early)
		return cme_error(sim, 13);
	if (knob_is(k, KNOB_SIM, "absent"))
		return cme_error(sim, 10);
	if (knob_is(k, KNOB_SIM, "puk") || sim->module.pin_left == 0)
		say(sim, "+CPIN: SIM PUK");
	else
		say(sim, module_sim_ready(sim) ? "+CPIN: READY" : "+CPIN: SIM PIN");
	return RESULT_OK;
}

enum result cmd_cpin(struct sim *sim, const struct call *call)
{
	struct module *m = &sim->module;

	if (call->form == FORM_READ)
		return cpin_read(sim);
	if (!arg_given(call, 0) || knob_is(&sim->knobs, KNOB_SIM, "absent"))
		return cme_error(sim, 10);
	if (m->pin_left == 0 || knob_is(&sim->knobs, KNOB_SIM, "puk"))
		return cme_error(sim, 12);
	if (module_sim_ready(sim))
		return cme_error(sim, 3);
	if (strcmp(call->arg[0].text, knob_text(&sim->knobs, KNOB_PIN)) != 0) {
		m->pin_left--;
		mistake(sim, "wrong pin", "%d tries left", m->pin_left);
		return cme_error(sim, m->pin_left ? 16 : 12);
	}
	m->pin_left = (int)knob_num(&sim->knobs, KNOB_PIN_TRIES);
	m->pin_done = true;
	final_result(sim, "OK");
	urc(sim, "+CPIN: READY");
	urc(sim, "SMS DONE");
	urc(sim, "PB DONE");
	return RESULT_SILENT;
}

enum result cmd_spic(struct sim *sim, const struct call *call)
{
	(void)call;
	if (knob_is(&sim->knobs, KNOB_SPIC, "error"))
		return RESULT_ERROR;
	say(sim, "+SPIC: %d,10,0,10", sim->module.pin_left);
	return RESULT_OK;
}

enum result cmd_iccid(struct sim *sim, const struct call *call)
{
	(void)call;
	if (knob_is(&sim->knobs, KNOB_SIM, "absent"))
		return cme_error(sim, 10);
	say(sim, "+ICCID: %s", knob_text(&sim->knobs, KNOB_ICCID));
	return RESULT_OK;
}

enum result cmd_csq(struct sim *sim, const struct call *call)
{
	long rssi = knob_num(&sim->knobs, KNOB_RSSI);

	(void)call;
	say(sim, "+CSQ: %ld,%d", rssi, rssi == 99 ? 99 : 0);
	return RESULT_OK;
}

/* The <stat> of CREG, CGREG or CEREG (a76xx-at 2: on LTE only, CREG stays at 3). */
static int registration(const struct sim *sim, const char *name)
{
	const struct knobs *k = &sim->knobs;

	if (!module_sim_ready(sim) || sim->module.cfun != 1 || !sim->module.cgatt)
		return 0;
	if (knob_is(k, KNOB_REGISTRATION, "searching"))
		return 2;
	if (knob_is(k, KNOB_REGISTRATION, "denied"))
		return 3;
	if (knob_is(k, KNOB_REGISTRATION, "lte_only"))
		return strcmp(name, "+CREG") ? 5 : 3;
	return knob_is(k, KNOB_REGISTRATION, "roaming") ? 5 : 1;
}

enum result cmd_creg(struct sim *sim, const struct call *call)
{
	int *mode = (int *)(void *)((char *)&sim->module + call->command->setting);

	if (call->form == FORM_READ) {
		say(sim, "%s: %d,%d", call->command->name, *mode,
			registration(sim, call->command->name));
		return RESULT_OK;
	}
	return cmd_setting(sim, call);
}

enum result cmd_cops(struct sim *sim, const struct call *call)
{
	if (call->form != FORM_READ)
		return RESULT_OK;
	if (module_registered(sim))
		say(sim, "+COPS: 0,0,\"a76sim\",7");
	else
		say(sim, "+COPS: 0");
	return RESULT_OK;
}

enum result cmd_cpsi(struct sim *sim, const struct call *call)
{
	if (call->form == FORM_SET)
		return RESULT_OK;
	if (module_registered(sim))
		say(sim, "+CPSI: LTE,Online,001-01,0x1A2D,12345678,77,EUTRAN-BAND20,6300,3,3,"
			 "-94,-850,-545,15");
	else
		say(sim, "+CPSI: NO SERVICE,%s", sim->module.cfun == 1 ? "Online" : "Low Power Mode");
	return RESULT_OK;
}

static enum result cgdcont_read(struct sim *sim)
{
	bool first = true;

	for (int i = 0; i < PDP_MAX; i++) {
		if (i > 0 && !sim->module.pdp[i].apn[0])
			continue;
		say_block(sim, first, "+CGDCONT: %d,\"%s\",\"%s\",\"0.0.0.0\",0,0,0,0", i + 1,
			sim->module.pdp[i].type, sim->module.pdp[i].apn);
		first = false;
	}
	return RESULT_OK;
}

enum result cmd_cgdcont(struct sim *sim, const struct call *call)
{
	const char *type = call->arg[1].text;
	long cid;

	if (call->form == FORM_READ)
		return cgdcont_read(sim);
	if (!arg_int(call, 0, 1, PDP_MAX, &cid))
		return RESULT_ERROR;
	if (!arg_given(call, 1)) {
		sim->module.pdp[cid - 1].apn[0] = '\0';
		return RESULT_OK;
	}
	if (strcmp(type, "IP") && strcmp(type, "IPV6") && strcmp(type, "IPV4V6"))
		return RESULT_ERROR;
	snprintf(sim->module.pdp[cid - 1].type, sizeof(sim->module.pdp[0].type), "%.7s", type);
	if (arg_given(call, 2))
		snprintf(sim->module.pdp[cid - 1].apn, sizeof(sim->module.pdp[0].apn), "%.63s",
			call->arg[2].text);
	return RESULT_OK;
}

enum result cmd_cgpaddr(struct sim *sim, const struct call *call)
{
	const char *quote = knob_is(&sim->knobs, KNOB_CGPADDR_QUOTES, "on") ? "\"" : "";
	const char *address = service_address(sim);

	(void)call;
	if (!module_registered(sim) || !sim->module.cgact)
		address = "0.0.0.0";
	say(sim, "+CGPADDR: 1,%s%s%s", quote, address, quote);
	return RESULT_OK;
}

enum result cmd_cgauth(struct sim *sim, const struct call *call)
{
	bool swap = knob_is(&sim->knobs, KNOB_CGAUTH, "password_first");
	long cid, auth;

	if (call->form == FORM_READ) {
		say(sim, "+CGAUTH: 1,%d", sim->module.pdp[0].auth);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 1, PDP_MAX, &cid) || !arg_int(call, 1, 0, 3, &auth) ||
		(auth && !arg_given(call, 2)) || knob_is(&sim->knobs, KNOB_CGAUTH, "error"))
		return RESULT_ERROR;
	sim->module.pdp[cid - 1].auth = (int)auth;
	snprintf(sim->module.pdp[cid - 1].user, sizeof(sim->module.pdp[0].user), "%.127s",
		auth ? call->arg[swap ? 3 : 2].text : "");
	snprintf(sim->module.pdp[cid - 1].password, sizeof(sim->module.pdp[0].password), "%.127s",
		auth ? call->arg[swap ? 2 : 3].text : "");
	return RESULT_OK;
}

/* An address of @len characters as 27.007 10.1.23 prints it: IPv6 is sixteen decimals with dots. */
static const char *dotted(const char *text, int len, char out[64])
{
	char copy[64];
	union address a;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%.*s", len, text);
	if (!address_parse(copy, 0, &a) || a.sa.sa_family != AF_INET6) {
		snprintf(out, 64, "%s", copy);
		return out;
	}
	for (int i = 0; i < 16; i++)
		n += (size_t)snprintf(out + n, 64 - n, "%s%d", i ? "." : "", a.in6.sin6_addr.s6_addr[i]);
	return out;
}

enum result cmd_cgcontrdp(struct sim *sim, const struct call *call)
{
	const char *dns = knob_text(&sim->knobs, KNOB_OPERATOR_DNS), *own = service_address(sim);
	int first = (int)strcspn(dns, ",");
	const char *second = dns[first] ? dns + first + 1 : "";
	int parts = strchr(own, ':') ? 16 : 4;
	char text[3][64], mask[80] = "";
	size_t n = 0;

	(void)call;
	if (!module_registered(sim) || !sim->module.cgact || !strcmp(dns, "error"))
		return RESULT_ERROR;
	for (int i = 0; i < parts; i++)
		n += (size_t)snprintf(mask + n, sizeof(mask) - n, ".255");
	say(sim, "+CGCONTRDP: 1,5,\"%s\",\"%s%s\",\"\",\"%s\",\"%s\"", sim->module.pdp[0].apn,
		dotted(own, (int)strlen(own), text[0]), mask, dotted(dns, first, text[1]),
		dotted(second, (int)strlen(second), text[2]));
	return RESULT_OK;
}

enum result cmd_ipr(struct sim *sim, const struct call *call)
{
	int64_t delay = knob_num(&sim->knobs, KNOB_BAUD_SWITCH) * MS;
	long baud;

	if (call->form == FORM_READ) {
		say(sim, "%s: %ld", call->command->name, line_nominal_baud(sim));
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 4000000, &baud) || (baud != 0 && baud < 300))
		return RESULT_ERROR;
	if (baud && sim->line.baud) {
		sim->module.ipr = baud;
		sim->module.ipr_kept = call->command->setting; /* +IPREX: over a reset, too */
		/* OK leaves at the old rate first (a76xx-at 13) */
		line_set_baud(sim, baud, sim->now + delay);
	}
	return RESULT_OK;
}

enum result cmd_ifc(struct sim *sim, const struct call *call)
{
	long to_te, to_ta = 0;

	if (call->form == FORM_READ) {
		say(sim, "+IFC: %d,%d", sim->module.flow[0], sim->module.flow[1]);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 2, &to_te) || (arg_given(call, 1) && !arg_int(call, 1, 0, 2, &to_ta)))
		return RESULT_ERROR;
	sim->module.flow[0] = (int)to_te;
	sim->module.flow[1] = (int)to_ta;
	return RESULT_OK;
}

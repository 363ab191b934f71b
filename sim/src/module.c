/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The module's life. Boot (a76xx-at 2): nothing is heard until boot_time_s, then the banner; the
 * later lines of the boot come spread over the same time again, all at once when it is 0.
 */
#include "module.h"

#include <stdio.h>
#include <string.h>

#include "sim.h"

static timer_fn banner, banner_line, storm, after_reset, after_cpof, after_cfun, after_attach;

static const struct {
	const char *line;
	int percent; /* of boot_time_s after the banner */
} late_a76xx[] = {{"*ISIMAID: \"A0000000871004FF54F0\"", 3}, {"+CPIN: READY", 8}, {"SMS DONE", 25},
	{"+CGEV: EPS PDN ACT 1", 30}, {"PB DONE", 50}},
  late_sim7600[] = {{"+CPIN: READY", 8}, {"SMS DONE", 25}, {"PB DONE", 50}};

#define LATE_MAX 5

_Static_assert(sizeof(late_a76xx) / sizeof(late_a76xx[0]) == LATE_MAX, "lines of the boot");

static void defaults(struct sim *sim)
{
	struct module *m = &sim->module;

	m->echo = knob_is(&sim->knobs, KNOB_ECHO_AT_BOOT, "on");
	m->cmee = knob_is(&sim->knobs, KNOB_CME_TEXT, "text")	   ? 2
		  : knob_is(&sim->knobs, KNOB_CME_TEXT, "numeric") ? 1
								   : 0;
	m->ciphead = m->cipsrip = 1;
	m->cipmode = m->sendmode = 0;
	m->dtr_action = 0;
	m->rxget = (int)knob_num(&sim->knobs, KNOB_RX_MODE_AT_BOOT);
	for (int i = 0; i < 3; i++)
		m->timeout[i] = 120000; /* a76xx-at 11 */
	memcpy(m->ccfg, (long[]){10, 0, 0, 1, 0, 0, 500}, sizeof(m->ccfg));
	m->ccfg[CCFG_ERR_MODE] = knob_is(&sim->knobs, KNOB_ERR_MODE, "string");
	memcpy(m->keepalive, (long[]){0, 1, 5, 1}, sizeof(m->keepalive));
}

static void volatile_state(struct sim *sim)
{
	struct module *m = &sim->module;

	defaults(sim);
	m->cfun = m->cgatt = m->cgact = 1;
	m->creg = m->cgreg = m->cereg = 0;
	m->socket_cid = 1;
	m->socket_ip6 = false;
	m->flow[0] = m->flow[1] = 0;
	memset(m->dns, 0, sizeof(m->dns));
	m->pin_done = false;
	m->service = SERVICE_CLOSED;
	m->service_gen++;
}

static void boot(struct sim *sim, bool itself)
{
	int64_t t = knob_num(&sim->knobs, KNOB_BOOT_TIME) * 1000 * MS;

	parser_mode(sim, MODE_BOOT);
	sim->module.banner_at = sim->now + t;
	timer_set(&sim->timers, sim->now + t, banner, itself, 0);
	urc_storm_start(sim);
}

static void banner_line(struct sim *sim, int i, unsigned profile)
{
	const char *line = profile ? late_sim7600[i].line : late_a76xx[i].line;

	if (strstr(line, "CPIN") && knob_is(&sim->knobs, KNOB_SIM, "absent"))
		line = "+CPIN: NOT INSERTED";
	else if (strstr(line, "CPIN") && knob_is(&sim->knobs, KNOB_SIM, "puk"))
		line = "+CPIN: SIM PUK";
	else if (strstr(line, "CPIN") && !knob_is(&sim->knobs, KNOB_PIN, "off"))
		line = "+CPIN: SIM PIN";
	else if (!module_sim_ready(sim))
		return; /* without a card nothing else is initialised */
	urc(sim, "%s", line);
}

static void banner(struct sim *sim, int itself, unsigned b)
{
	bool sim7600 = knob_is(&sim->knobs, KNOB_BOOT_PROFILE, "sim7600");
	int64_t t = knob_num(&sim->knobs, KNOB_BOOT_TIME) * 1000 * MS;
	int lines = sim7600 ? 3 : LATE_MAX;

	(void)b;
	parser_reset(sim);
	parser_mode(sim, MODE_COMMAND);
	if (knob_is(&sim->knobs, KNOB_BOOT_PROFILE, "none"))
		return;
	if (itself && !sim7600)
		line_write(sim, "", 1); /* the stray NUL of T15 */
	urc(sim, sim7600 ? "RDY" : "*ATREADY: 1");
	for (int i = 0; i < lines; i++) {
		int percent = sim7600 ? late_sim7600[i].percent : late_a76xx[i].percent;

		timer_set(&sim->timers, sim->now + t * percent / 100, banner_line, i, sim7600);
	}
}

static void power_on(struct sim *sim, bool itself)
{
	struct module *m = &sim->module;
	bool stored = m->ipr_kept || knob_is(&sim->knobs, KNOB_BAUD_STORE, "persistent");

	volatile_state(sim);
	sim->line.next_baud = -1;
	if (knob_num(&sim->knobs, KNOB_BAUD))
		sim->line.baud = stored && m->ipr ? m->ipr : knob_num(&sim->knobs, KNOB_BAUD);
	else
		sim->line.baud = 0;
	boot(sim, itself);
}

void module_power_on(struct sim *sim)
{
	for (int i = 0; i < PDP_MAX; i++)
		snprintf(sim->module.pdp[i].type, sizeof(sim->module.pdp[i].type), "IP");
	sim->module.pin_left = (int)knob_num(&sim->knobs, KNOB_PIN_TRIES);
	power_on(sim, false);
}

void module_reset(struct sim *sim, bool power_cycle)
{
	sim->journal.stats.resets++;
	timers_reset(&sim->timers);
	send_reset(sim);
	online_reset(sim);
	links_reset(sim);
	servers_reset(sim);
	resolve_reset(sim);
	parser_reset(sim);
	line_reset(sim);
	sim->held_len = 0;
	sim->ping.left = 0;
	power_on(sim, !power_cycle);
}

bool module_reset_due(struct sim *sim, const char *word)
{
	if (sim->module.reset_done || !knob_is(&sim->knobs, KNOB_RESET_AT, word))
		return false;
	sim->module.reset_done = true;
	module_reset(sim, false);
	return true;
}

void module_check_reset(struct sim *sim)
{
	int64_t limit = knob_num(&sim->knobs, KNOB_RESET_AT);

	if (sim->module.reset_done || !limit)
		return;
	if (sim->now - sim->journal.start >= limit * MS)
		module_reset_due(sim, "time");
	if (sim->journal.stats.wire_to_host >= (uint64_t)limit)
		module_reset_due(sim, "bytes");
}

static void storm(struct sim *sim, int a, unsigned b)
{
	long rate = knob_num(&sim->knobs, KNOB_URC_STORM);

	(void)a;
	(void)b;
	if (!rate)
		return;
	if (sim->parser.mode != MODE_BOOT && sim->parser.mode != MODE_OFF)
		urc_foreign(sim);
	timer_set(&sim->timers, sim->now + 1000 * MS / rate, storm, 0, 0);
}

void urc_storm_start(struct sim *sim)
{
	timer_cancel(&sim->timers, storm);
	storm(sim, 0, 0);
}

bool module_sim_ready(const struct sim *sim)
{
	const struct knobs *k = &sim->knobs;

	return knob_is(k, KNOB_SIM, "ready") && sim->module.pin_left > 0 &&
	       (knob_is(k, KNOB_PIN, "off") || sim->module.pin_done);
}

bool module_registered(const struct sim *sim)
{
	const struct knobs *k = &sim->knobs;

	return module_sim_ready(sim) && sim->module.cfun == 1 && sim->module.cgatt &&
	       !knob_is(k, KNOB_REGISTRATION, "searching") &&
	       !knob_is(k, KNOB_REGISTRATION, "denied");
}

static void after_reset(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	module_reset(sim, true);
}

enum result cmd_creset(struct sim *sim, const struct call *call)
{
	(void)call;
	/* OK must leave the line first: two characters' worth of a slow one */
	timer_set(&sim->timers, sim->now + 20 * MS, after_reset, 0, 0);
	return RESULT_OK;
}

static void after_cpof(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	urc(sim, "NORMAL POWER DOWN");
	send_reset(sim);
	online_reset(sim);
	resolve_reset(sim);
	links_reset(sim);
	servers_reset(sim);
	timers_reset(&sim->timers);
	volatile_state(sim);
	parser_mode(sim, MODE_OFF);
}

enum result cmd_cpof(struct sim *sim, const struct call *call)
{
	(void)call;
	timer_set(&sim->timers, sim->now + 20 * MS, after_cpof, 0, 0);
	return RESULT_OK;
}

/* Radio on or off; knob pb_done_without_reset plays the late boot lines again. */
static void reattach(struct sim *sim)
{
	if (!knob_is(&sim->knobs, KNOB_PB_DONE, "on"))
		return;
	urc(sim, "SMS DONE");
	urc(sim, "PB DONE");
}

/* What follows the OK of CFUN. */
static void after_cfun(struct sim *sim, int before, unsigned b)
{
	struct module *m = &sim->module;

	(void)b;
	if (m->cfun != 1 && before == 1) {
		if (m->cfun == 0)
			urc(sim, "+SIMCARD: NOT AVAILABLE");
		service_lost(sim);
	} else if (m->cfun == 1 && before != 1) {
		m->pin_done = m->pin_done && before == 4;
		urc(sim, module_sim_ready(sim) ? "+CPIN: READY" : "+CPIN: SIM PIN");
		reattach(sim);
	}
}

/* What follows the OK of CGATT and CGACT. */
static void after_attach(struct sim *sim, int on, unsigned b)
{
	(void)b;
	if (on)
		reattach(sim);
	else
		service_lost(sim);
}

enum result cmd_cfun(struct sim *sim, const struct call *call)
{
	struct module *m = &sim->module;
	long fun, reset = 0;
	int before = m->cfun;

	if (call->form == FORM_READ) {
		say(sim, "+CFUN: %d", m->cfun);
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 6, &fun) || (arg_given(call, 1) && !arg_int(call, 1, 0, 1, &reset)))
		return RESULT_ERROR;
	if (reset || fun == 6)
		return cmd_creset(sim, call);
	if (fun != 0 && fun != 1 && fun != 4)
		return RESULT_ERROR;
	m->cfun = (int)fun;
	timer_set(&sim->timers, sim->now, after_cfun, before, 0);
	return RESULT_OK;
}

enum result cmd_cgatt(struct sim *sim, const struct call *call)
{
	long on;

	if (call->form == FORM_READ) {
		say(sim, "+CGATT: %d", module_registered(sim));
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 1, &on))
		return RESULT_ERROR;
	if (sim->module.cgatt == (int)on)
		return RESULT_OK;
	sim->module.cgatt = (int)on;
	timer_set(&sim->timers, sim->now, after_attach, (int)on, 0);
	return RESULT_OK;
}

enum result cmd_cgact(struct sim *sim, const struct call *call)
{
	long on;

	if (call->form == FORM_READ) {
		say(sim, "+CGACT: 1,%d", sim->module.cgact && module_registered(sim));
		return RESULT_OK;
	}
	if (!arg_int(call, 0, 0, 1, &on) || (on && !module_registered(sim)))
		return RESULT_ERROR;
	sim->module.cgact = (int)on;
	if (!on)
		timer_set(&sim->timers, sim->now, after_attach, 0, 0);
	return RESULT_OK;
}

enum result cmd_factory(struct sim *sim, const struct call *call)
{
	(void)call;
	defaults(sim);
	return RESULT_OK;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The bring-up is a table. A step is one command (or a pause with raw bytes); when it ended, its
 * judge, or the policy of its row, names the next step. A row belongs to one state of the bearer,
 * and the state's time limit (bearer.c) is the exit from whatever the steps of a state run into. A
 * step whose command times out is repeated, TRIES times in all, then the ladder is climbed.
 *
 * Probing accepts any module in any condition: with a half-typed command in its line buffer (ERROR
 * is a sign of life), with echo on, in transparent mode (guarded +++; it comes first when transparent
 * mode is wanted, or the peer of a former life would get our AT), or waiting for the payload
 * of a CIPSEND (ESC, then as many NULs as a CIPSEND can ask for). It ends with a resynchronisation,
 * because by then several commands may have been sent that are still to be answered.
 *
 * NETOPEN and NETCLOSE (steps_net.c) end with a result line that may come before or long after OK:
 * the row names how long it is awaited.
 */
#include "steps.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

#define STOP_LINKS SEC(2)
#define STOP_ESCAPED MSEC(2900) /* the guard times of +++ come first */
#define FILL_SIZE 1500	/* AT reference 5.1: CIPSEND's limit */
#define APN_MAX 100		/* 3GPP TS 23.003 9.1 */

/* ---- probing ---- */

/* A module in data mode would pass AT on to a peer: the escape comes before the first one. */
static bool build_guard(struct modem *m, struct command *c)
{
	(void)c;
	return m->config->receive == MODEM_RECEIVE_TRANSPARENT;
}

static int judge_guard(struct modem *m, const struct command *c, enum result r)
{
	(void)m;
	(void)c;
	(void)r;
	return STEP_ESCAPE;
}

static int judge_at(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_OK)
		return STEP_SYNC;
	if (++m->bearer.tries < TRIES)
		return AGAIN;
	switch (m->bearer.step) {
	case STEP_AT:
		return STEP_ESCAPE;
	case STEP_ESCAPE_AT:
		return STEP_ESC;
	default:
		return FAULT;
	}
}

static int judge_sync(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	(void)r;
	channel_resync(&m->channels[0], m->now);
	m->channels[0].lexer.bare = false;
	m->bearer.facts_refused = 0;
	m->bearer.cipack_unknown = false;
	m->bearer.operator[0] = m->bearer.technology[0] = m->bearer.cell[0] = '\0';
	m->bearer.manufacturer[0] = m->bearer.imei[0] = m->bearer.card[0] = '\0';
	mode_boot(m);
	return NEXT;
}

/* ---- settings ---- */

static bool build_echo_check(struct modem *m, struct command *c)
{
	m->bearer.echo = false;
	command_printf(c, "AT");
	return true;
}

static int judge_echo(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_OK && !m->bearer.echo)
		return NEXT;
	return ++m->bearer.tries < TRIES ? STEP_ECHO_OFF : FAULT;
}

static void keep_text(char *to, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++)
		if (text[i] >= 0x20 && text[i] < 0x7f)
			to[n++] = text[i];
	to[n] = '\0';
}

/* 15 digits (3GPP TS 23.003 6.2.1), with the software version 16; nothing else. */
static void note_imei(struct bearer *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)text[i]))
			return;
	if (n >= 15 && n <= 16)
		keep_text(b->imei, sizeof(b->imei), text, n);
}

/* ATI has told it, as a rule. */
static bool build_cgsn(struct modem *m, struct command *c)
{
	command_printf(c, "AT+CGSN");
	return !m->bearer.imei[0];
}

static enum info info_model(void *user, struct command *c, const struct msg *msg)
{
	struct bearer *b = &((struct modem *)user)->bearer;

	(void)c;
	if (msg->kind == MSG_MODEL || msg->kind == MSG_CGMM ||
		(msg->kind == MSG_UNKNOWN && b->step == STEP_CGMM))
		keep_text(b->model, sizeof(b->model), msg->text, msg->len);
	else if (msg->kind == MSG_REVISION || msg->kind == MSG_CGMR)
		keep_text(b->revision, sizeof(b->revision), msg->text, msg->len);
	else if (msg->kind == MSG_MANUFACTURER)
		keep_text(b->manufacturer, sizeof(b->manufacturer), msg->text, msg->len);
	else if (msg->kind == MSG_IMEI || (msg->kind == MSG_UNKNOWN && b->step == STEP_CGSN))
		note_imei(b, msg->text, msg->len);
	else if (msg->kind != MSG_UNKNOWN)
		return INFO_FOREIGN;
	return INFO_TAKEN;
}

static bool build_ifc(struct modem *m, struct command *c)
{
	command_printf(c, "AT+IFC=2,2");
	return m->config->rtscts;
}

/* ---- registration ---- */

static enum info info_note(void *user, struct command *c, const struct msg *msg)
{
	(void)c;
	if (msg->kind != MSG_CSQ && (msg->kind < MSG_CREG || msg->kind > MSG_CEREG))
		return INFO_FOREIGN;
	bearer_note(user, msg);
	return INFO_TAKEN;
}

/* Any of the three: a data-only SIM is denied voice service for ever (AT reference 2). */
static int judge_registered(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	(void)r;
	for (unsigned i = 0; i < 3; i++)
		if (b->stat[i] == 1 || b->stat[i] == 5)
			return NEXT;
	b->at = after(m, SEC(2));
	return STEP_CSQ;
}

/* ---- PDP context ---- */

static bool apn_valid(const char *apn)
{
	size_t n = strlen(apn);

	if (n == 0 || n > APN_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)apn[i]) && !strchr(".-_", apn[i]))
			return false;
	return true;
}

static bool build_cgdcont(struct modem *m, struct command *c)
{
	const char *apn = m->config->apn;
	bool none = !apn || !*apn;

	if (none && m->config->ip != 6)
		return false;
	/* Without an APN the module's profile would decide the IP version; an empty one is the
	 * network's default (3GPP TS 27.007 10.1.1). */
	if (none) {
		command_printf(c, "AT+CGDCONT=1,\"IPV6\",\"\"");
		return true;
	}
	if (!apn_valid(apn)) {
		log_error("%s: the APN has characters that no APN has; not set", m->config->name);
		return false;
	}
	command_printf(c, "AT+CGDCONT=1,\"%s\",\"%s\"", m->config->ip == 6 ? "IPV6" : "IP", apn);
	return true;
}

static bool build_csocksetpn(struct modem *m, struct command *c)
{
	/* The second argument exists on A76XX only (AT reference 3.1). */
	command_printf(c, "AT+CSOCKSETPN=1,%d", m->config->ip == 6 ? 6 : 1);
	return true;
}

/* Without the second argument the context would come up as IPv4, whatever its profile says (AT reference
 * 14). A firmware may refuse it only because a network is open, so that is closed first. */
static int judge_csocksetpn(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	if (r == RESULT_OK) {
		b->ip_refused = false;
		return b->deadline == USEC_NEVER ? STEP_DRAIN : STEP_CIPMODE; /* it was step_blocked() */
	}
	if (m->config->ip != 6)
		return STEP_CSOCKSETPN_1;
	if (r == RESULT_TIMEOUT)
		return ++b->tries < TRIES ? AGAIN : FAULT;
	if (b->ip_refused)
		return step_blocked(m, MODEM_FAILURE_IP, "the module has no IPv6 (CSOCKSETPN=1,6 refused)");
	b->ip_refused = true;
	return STEP_RUNG_NET;
}

/* HeaderType 1 (fifth value) is what names the link of pushed data; errMode 1 the fourth. */
static int judge_cipccfg(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_OK)
		return NEXT;
	if (r == RESULT_TIMEOUT)
		return ++m->bearer.tries < TRIES ? AGAIN : FAULT;
	if (!mode_is_buffer(m)) {
		log_warn("%s: no HeaderType 1, so pushed data would name no link: buffer mode",
			m->config->name);
		mode_refuse_push(m);
	}
	return NEXT;
}

static bool build_cipmode(struct modem *m, struct command *c)
{
	m->bearer.mode_wrong = false;
	command_printf(c, "AT+CIPMODE=%d", is_transparent(m));
	return true;
}

static int judge_cipmode(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_TIMEOUT)
		return ++m->bearer.tries < TRIES ? AGAIN : FAULT;
	if (r == RESULT_OK)
		m->bearer.mode_tries = 0;
	return r == RESULT_OK ? STEP_DTR : STEP_CIPMODE_QUERY;
}

static enum info info_cipmode(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_CIPMODE || msg->count == 0)
		return INFO_FOREIGN;
	m->bearer.mode_wrong = (msg->n[0] == 1) != is_transparent(m);
	return INFO_TAKEN;
}

/* AT reference 9: the mode cannot be changed while the network is open. The steps go on to find that
 * out, close it and come back. */
static int judge_cipmode_query(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	if (r == RESULT_OK && b->mode_wrong && b->mode_tries++ < 1)
		return STEP_DTR;
	if (!is_transparent(m) || (r == RESULT_OK && !b->mode_wrong)) {
		b->mode_wrong = false;
		return STEP_DTR;
	}
	b->mode_tries = 0;
	return FAULT;
}

static bool build_dtr(struct modem *m, struct command *c)
{
	command_printf(c, "AT&D1");
	return is_transparent(m) && m->config->dtr;
}

static bool build_ciptimeout(struct modem *m, struct command *c)
{
	watch_build_ciptimeout(m, c);
	return true;
}

/* AT reference 11: <on>,<idle>,<count>,<interval>; the idle time in minutes, as far as is known. */
static bool build_ctcpka(struct modem *m, struct command *c)
{
	command_printf(c, "AT+CTCPKA=1,%llu,5,1",
		(unsigned long long)((m->config->keepalive + SEC(60) - 1) / SEC(60)));
	return m->config->keepalive > 0;
}

static bool build_ciprxget(struct modem *m, struct command *c)
{
	command_printf(c, "AT+CIPRXGET=%d", mode_is_buffer(m));
	m->bearer.init_at = 0;
	return true;
}

static int judge_ciprxget(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_OK && mode_is_buffer(m))
		m->channels[0].lexer.push = false; /* +RECEIVE,l,n is a notification from now on */
	if (r == RESULT_ERROR && !mode_is_buffer(m))
		return NEXT;
	if (r == RESULT_OK)
		return NEXT;
	return ++m->bearer.tries < TRIES ? AGAIN : FAULT;
}

static bool command_valid(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return n >= 2 && n < COMMAND_MAX && (text[0] | 0x20) == 'a' && (text[1] | 0x20) == 't';
}

static bool build_init(struct modem *m, struct command *c)
{
	struct bearer *b = &m->bearer;

	for (; b->init_at < m->config->n_init; b->init_at++) {
		const char *text = m->config->init[b->init_at];

		if (command_valid(text)) {
			command_printf(c, "%s", text);
			return true;
		}
		log_error("%s: init command %u is not a command line; skipped", m->config->name,
			b->init_at + 1);
	}
	return false;
}

static int judge_init(struct modem *m, const struct command *c, enum result r)
{
	char shown[COMMAND_SHOWN_MAX];

	if (r != RESULT_OK)
		log_warn("%s: init command failed: %s", m->config->name, command_shown(c, shown));
	m->bearer.init_at++;
	return AGAIN;
}

/* ---- the last step, rungs and the end ---- */

static int judge_tau(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	(void)r;
	return --m->bearer.tau_left ? AGAIN : NEXT;
}

static int judge_cfun_off(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	(void)r;
	m->bearer.at = after(m, SEC(3));
	return NEXT;
}

static int judge_cfun_on(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	(void)r;
	m->bearer.at = after(m, SEC(5));
	return STEP_RUNG_RETRY;
}

static int judge_reset(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	(void)r;
	m->bearer.at = after(m, SEC(15)); /* its banner ends the wait */
	return STEP_RUNG_RETRY;
}

static int judge_retry(struct modem *m, const struct command *c, enum result r)
{
	(void)m;
	(void)c;
	(void)r;
	return STEP_DRAIN;
}

static bool build_power(struct modem *m, struct command *c)
{
	(void)c;
	m->bearer.power_wait = true;
	m->bearer.power_event = true;
	bearer_goto(m, STEP_RUNG_RETRY, after(m, SEC(180))); /* modem_power_done() ends the wait */
	return false;
}

static bool build_stop_links(struct modem *m, struct command *c)
{
	(void)c;
	return (!links_idle(m) || !servers_quiet(m)) &&
		m->now < m->bearer.since + (is_transparent(m) ? STOP_ESCAPED : STOP_LINKS);
}

static int judge_stop_links(struct modem *m, const struct command *c, enum result r)
{
	(void)m;
	(void)c;
	(void)r;
	return AGAIN;
}

/* ---- the table ---- */

static void step_done(void *user, struct command *c, enum result r);

static enum info step_info(void *user, struct command *c, const struct msg *msg);

static const struct command_type step_command = {
	.name = "AT", .timeout = SEC(9), .info = step_info, .done = step_done};
static const struct command_type probe_command = {
	.name = "AT", .timeout = SEC(1), .blind = true, .done = step_done};
static const struct command_type rung_command = {
	.name = "AT", .timeout = SEC(10), .blind = true, .info = step_info, .done = step_done};
static const struct command_type stop_command = {
	.name = "AT+NETCLOSE", .timeout = SEC(1), .blind = true, .info = step_info,
	.done = step_done};
static const struct command_type sim_command = {
	.name = "AT", .timeout = SEC(3), .info = step_info, .done = step_done};
static const struct command_type pin_command = {
	.name = "AT+CPIN", .timeout = SEC(20), .secret = true, .done = step_done};
static const struct command_type login_command = {
	.name = "AT+CGAUTH", .timeout = SEC(9), .secret = true, .done = step_done};
static const struct command_type pause_command = {
	.name = "pause", .timeout = MSEC(200), .raw = true, .done = step_done};
/* AT reference 9: more than 1000 ms of silence before and after the escape. */
static const struct command_type guard_command = {
	.name = "+++", .timeout = MSEC(1100), .raw = true, .done = step_done};
static const struct command_type fill_command = {
	.name = "filler", .timeout = MSEC(500), .raw = true, .done = step_done};

#define PROBING .state = MODEM_STATE_PROBE
#define CONFIGURING .state = MODEM_STATE_CONFIGURE
#define SIM .state = MODEM_STATE_SIM
#define ACTIVATING .state = MODEM_STATE_ACTIVATE
#define RECOVERING .state = MODEM_STATE_RECOVER, .type = &rung_command

static const struct row rows[STEPS] = {
	[STEP_DRAIN] = {PROBING, .text = "", .type = &pause_command},
	[STEP_GUARD] = {PROBING, .build = build_guard, .text = "", .type = &guard_command,
		.judge = judge_guard},
	[STEP_AT] = {PROBING, .text = "AT", .type = &probe_command, .judge = judge_at},
	[STEP_ESCAPE] = {PROBING, .text = "+++", .type = &guard_command},
	[STEP_ESCAPE_AT] = {PROBING, .text = "AT", .type = &probe_command, .judge = judge_at},
	[STEP_ESC] = {PROBING, .text = "\x1b", .type = &fill_command},
	[STEP_FILL] = {PROBING, .text = "\r", .fill = FILL_SIZE, .type = &fill_command},
	[STEP_FILL_AT] = {PROBING, .text = "AT", .type = &probe_command, .judge = judge_at,
		.fault = "the module does not answer"},
	[STEP_SYNC] = {PROBING, .text = "", .type = &pause_command, .judge = judge_sync},

	[STEP_ECHO_OFF] = {CONFIGURING, .text = "ATE0"},
	[STEP_ECHO_CHECK] = {CONFIGURING, .build = build_echo_check, .judge = judge_echo,
		.fault = "echo cannot be switched off"},
	[STEP_CMEE] = {CONFIGURING, .text = "AT+CMEE=2", .policy = MAY},
	[STEP_ATI] = {CONFIGURING, .text = "ATI", .info = info_model, .policy = MAY},
	[STEP_CGMM] = {CONFIGURING, .text = "AT+CGMM", .info = info_model, .policy = MAY},
	[STEP_CGMR] = {CONFIGURING, .text = "AT+CGMR", .info = info_model, .policy = MAY},
	[STEP_IFC] = {CONFIGURING, .build = build_ifc, .policy = WARN},
	[STEP_CGSN] = {CONFIGURING, .build = build_cgsn, .info = info_model, .policy = MAY},
	[STEP_CNMI] = {CONFIGURING, .text = "AT+CNMI=0,0,0,0,0", .policy = MAY},

	[STEP_CPIN] = {SIM, .build = step_build_cpin, .info = step_info_cpin,
		.judge = step_judge_cpin},
	[STEP_CICCID] = {SIM, .text = "AT+CICCID", .type = &sim_command, .info = step_info_iccid,
		.judge = step_judge_optional},
	[STEP_CCID] = {SIM, .build = step_build_ccid, .type = &sim_command, .info = step_info_iccid,
		.judge = step_judge_optional},
	[STEP_SPIC] = {SIM, .text = "AT+SPIC", .type = &sim_command, .info = step_info_tries,
		.judge = step_judge_optional},
	[STEP_CPINR] = {SIM, .build = step_build_cpinr, .type = &sim_command,
		.info = step_info_tries, .judge = step_judge_optional},
	[STEP_PIN] = {SIM, .build = step_build_pin, .type = &pin_command,
		.judge = step_judge_pin},

	[STEP_CSQ] = {.state = MODEM_STATE_REGISTER, .text = "AT+CSQ", .info = info_note,
		.policy = MAY},
	[STEP_CREG] = {.state = MODEM_STATE_REGISTER, .text = "AT+CREG?", .info = info_note,
		.policy = MAY},
	[STEP_CGREG] = {.state = MODEM_STATE_REGISTER, .text = "AT+CGREG?", .info = info_note,
		.policy = MAY},
	[STEP_CEREG] = {.state = MODEM_STATE_REGISTER, .text = "AT+CEREG?", .info = info_note,
		.judge = judge_registered},

	/* The long name of the operator, where the next question asks for it. */
	[STEP_COPS_FORMAT] = {ACTIVATING, .text = "AT+COPS=3,0", .policy = MAY},
	[STEP_CPSI] = {ACTIVATING, .build = step_build_cpsi, .info = step_info_fact,
		.judge = step_judge_cpsi},
	[STEP_COPS] = {ACTIVATING, .build = step_build_cops, .info = step_info_fact,
		.judge = step_judge_cops},
	[STEP_CARD] = {ACTIVATING, .build = step_build_card, .type = &sim_command,
		.info = step_info_card, .judge = step_judge_optional},
	[STEP_CGDCONT] = {ACTIVATING, .build = build_cgdcont, .policy = WARN},
	[STEP_CGAUTH] = {ACTIVATING, .build = step_build_cgauth, .type = &login_command,
		.judge = step_judge_cgauth, .fault = "no answer to CGAUTH"},
	[STEP_CSOCKSETPN] = {ACTIVATING, .build = build_csocksetpn, .judge = judge_csocksetpn,
		.fault = "no answer to CSOCKSETPN"},
	[STEP_CSOCKSETPN_1] = {ACTIVATING, .text = "AT+CSOCKSETPN=1", .policy = WARN},
	[STEP_CIPMODE] = {ACTIVATING, .build = build_cipmode, .judge = judge_cipmode,
		.fault = "no answer to CIPMODE"},
	[STEP_CIPMODE_QUERY] = {ACTIVATING, .text = "AT+CIPMODE?", .info = info_cipmode,
		.judge = judge_cipmode_query, .fault = "transparent mode is refused"},
	[STEP_DTR] = {ACTIVATING, .build = build_dtr, .policy = WARN},
	[STEP_CIPSENDMODE] = {ACTIVATING, .text = "AT+CIPSENDMODE=0", .policy = WARN},
	[STEP_CIPCCFG] = {ACTIVATING, .text = "AT+CIPCCFG=10,0,0,1,1,0,500", .judge = judge_cipccfg,
		.fault = "no answer to CIPCCFG"},
	[STEP_CIPHEAD] = {ACTIVATING, .text = "AT+CIPHEAD=1", .policy = WARN},
	[STEP_CIPSRIP] = {ACTIVATING, .text = "AT+CIPSRIP=1", .policy = WARN},
	[STEP_CIPTIMEOUT] = {ACTIVATING, .build = build_ciptimeout, .policy = WARN},
	[STEP_CTCPKA] = {ACTIVATING, .build = build_ctcpka, .policy = WARN},
	[STEP_CIPRXGET] = {ACTIVATING, .build = build_ciprxget, .judge = judge_ciprxget,
		.fault = "the receive mode cannot be set"},
	[STEP_INIT] = {ACTIVATING, .build = build_init, .judge = judge_init},
	[STEP_NET_QUERY] = {ACTIVATING, .build = step_build_net_query, .info = step_info_net_query,
		.judge = step_judge_net_query, .fault = "no answer to NETOPEN?"},
	[STEP_SERVER_LIST] = {ACTIVATING, .build = step_build_server_list,
		.info = servers_list_info, .judge = step_judge_server_list},
	[STEP_LEFT_LIST] = {ACTIVATING, .build = step_build_left_list, .info = step_info_left_list,
		.policy = MAY},
	[STEP_LEFT_OPEN] = {ACTIVATING, .text = "AT+CIPOPEN?", .info = step_info_left_open,
		.policy = MAY},
	[STEP_LEFT_CLOSE] = {ACTIVATING, .build = step_build_left_close,
		.info = step_info_left_close, .judge = step_judge_left_close, .await = SEC(15)},
	[STEP_NET_CLOSE] = {ACTIVATING, .build = step_build_net_close, .info = step_info_net,
		.judge = step_judge_net_close, .await = SEC(30)},
	[STEP_NET_OPEN] = {ACTIVATING, .build = step_build_net_open, .info = step_info_net,
		.judge = step_judge_net_open, .await = NETOPEN_TIMEOUT},
	[STEP_IPADDR] = {ACTIVATING, .text = "AT+IPADDR", .info = step_info_ipaddr,
		.judge = step_judge_ipaddr, .fault = "no PDP address"},
	[STEP_CDNSCFG] = {ACTIVATING, .build = step_build_cdnscfg, .policy = WARN},
	[STEP_CGCONTRDP] = {ACTIVATING, .build = step_build_cgcontrdp, .info = step_info_cgcontrdp,
		.policy = MAY},
	[STEP_TAU] = {ACTIVATING, .text = "AT", .judge = judge_tau},
	[STEP_UP] = {.state = MODEM_STATE_UP},

	[STEP_RUNG_RETRY] = {.state = MODEM_STATE_RECOVER, .text = "", .type = &pause_command,
		.judge = judge_retry},
	[STEP_RUNG_NET] = {RECOVERING, .build = step_build_net_close, .info = step_info_net,
		.judge = step_judge_net_close, .await = SEC(30)},
	[STEP_RUNG_CFUN_OFF] = {RECOVERING, .text = "AT+CFUN=4", .judge = judge_cfun_off},
	[STEP_RUNG_CFUN_ON] = {RECOVERING, .text = "AT+CFUN=1", .judge = judge_cfun_on},
	[STEP_RUNG_RESET] = {RECOVERING, .text = "AT+CRESET", .judge = judge_reset},
	[STEP_RUNG_POWER] = {.state = MODEM_STATE_RECOVER, .build = build_power},

	[STEP_STOP_LINKS] = {.state = MODEM_STATE_STOPPING, .build = build_stop_links, .text = "",
		.type = &pause_command, .judge = judge_stop_links},
	[STEP_STOP_NET] = {.state = MODEM_STATE_STOPPING, .build = step_build_net_close,
		.type = &stop_command, .info = step_info_net, .judge = step_judge_net_close,
		.await = SEC(1)},
	[STEP_STOPPED] = {.state = MODEM_STATE_STOPPED},
	[STEP_ABSENT] = {.state = MODEM_STATE_ABSENT},
};

enum modem_state step_state(int step)
{
	return rows[step].state;
}

static int default_judge(struct modem *m, const struct row *s, const struct command *c,
	enum result r)
{
	if (r == RESULT_OK)
		return NEXT;
	if (r == RESULT_ERROR && s->policy == WARN)
		log_warn("%s: refused: %s", m->config->name, c->text);
	if (r == RESULT_ERROR && s->policy != MUST)
		return NEXT;
	return ++m->bearer.tries < TRIES ? AGAIN : FAULT;
}

static void advance(struct modem *m, int next)
{
	struct bearer *b = &m->bearer;
	usec_t at = b->at > m->now ? b->at : 0;

	switch (next) {
	case NEXT:
		bearer_goto(m, b->step + 1, at);
		break;
	case AGAIN:
		b->sent = false;
		b->await = USEC_NEVER;
		break;
	case AWAIT:
		b->await = after(m, rows[b->step].await);
		break;
	case FAULT:
		recover(m, rows[b->step].fault ? rows[b->step].fault : "no answer in bring-up");
		break;
	default:
		if (next != b->step)
			bearer_goto(m, next, at);
		break;
	}
}

/* A command of a step that was left meanwhile is nobody's. */
static bool is_current(const struct modem *m, const struct command *c)
{
	return m->bearer.sent && m->bearer.step == (int)c->link && m->bearer.await == USEC_NEVER;
}

static enum info step_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (!is_current(m, c) || !rows[c->link].info)
		return INFO_FOREIGN;
	return rows[c->link].info(m, c, msg);
}

static void step_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	const struct row *s = &rows[c->link];

	if (!is_current(m, c))
		return;
	advance(m, s->judge ? s->judge(m, c, r) : default_judge(m, s, c, r));
}

void steps_awaited(struct modem *m, bool came)
{
	struct bearer *b = &m->bearer;
	const struct command c = {.error = -1, .link = (unsigned)b->step};

	b->await = USEC_NEVER;
	if (b->step == STEP_LEFT_CLOSE)
		advance(m, came ? AGAIN : STEP_NET_CLOSE);
	else
		advance(m, rows[b->step].judge(m, &c, came ? RESULT_OK : RESULT_TIMEOUT));
}

static int step_skipped(const struct modem *m, int step)
{
	if (step != STEP_LEFT_CLOSE)
		return step + 1;
	return m->bearer.mode_wrong ? STEP_NET_CLOSE : STEP_IPADDR;
}

bool steps_submit(struct modem *m, struct channel *ch)
{
	struct bearer *b = &m->bearer;

	while (!b->sent && m->now >= b->at && b->state != MODEM_STATE_UP &&
		b->state != MODEM_STATE_STOPPED && b->state != MODEM_STATE_ABSENT) {
		const struct row *s = &rows[b->step];
		int step = b->step;
		struct command *c =
			channel_prepare(ch, s->type ? s->type : &step_command, (unsigned)step);

		if (s->build && !s->build(m, c)) {
			if (b->step == step)
				bearer_goto(m, step_skipped(m, step), 0);
			continue;
		}
		if (s->text && !s->build)
			command_printf(c, "%s", s->text);
		b->sent = true;
		b->at = 0;
		if (c->type->raw)
			channel_submit_raw(ch, m->now, 0, (size_t)s->fill, s->text);
		else
			channel_submit(ch, m->now);
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log-in of the access point: AT+CGAUTH on PDP profile 1, before NETOPEN.
 *
 * Two orders of its strings are in the field. 3GPP TS 27.007 10.1.31 and the A76XX have the user
 * first, the SIM7500/7600/7800 family the password. A module cannot tell a user from a password, so
 * the wrong order rarely ends in ERROR but in a NETOPEN that fails: with the order left to us, each
 * such failure turns it round for the next attempt (decision 12).
 */
#include "steps.h"

#include <string.h>

#include "util/log.h"

#define LOGIN_MAX 127 /* two of them, the command and its quotes fit COMMAND_MAX */

static bool is_sim7600_family(const char *model)
{
	return strstr(model, "SIM75") || strstr(model, "SIM760") || strstr(model, "SIM78");
}

static bool password_first(const struct modem *m)
{
	const struct modem_login *l = &m->config->login;
	bool password = l->order == MODEM_LOGIN_PASSWORD_FIRST ||
		(l->order == MODEM_LOGIN_BY_MODEL && is_sim7600_family(m->bearer.model));

	return password != m->bearer.login_turned;
}

static bool text_valid(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"')
			return false;
	return n <= LOGIN_MAX;
}

/* A profile whose APN is ours has the log-in that is configured, or none; another is left alone. */
bool step_build_cgauth(struct modem *m, struct command *c)
{
	const struct modem_login *l = &m->config->login;
	bool swap = password_first(m);

	if (l->auth == MODEM_AUTH_NONE) {
		command_printf(c, "AT+CGAUTH=1,0");
		return m->config->apn && *m->config->apn;
	}
	if (!l->user || !l->password || !text_valid(l->user) || !text_valid(l->password)) {
		log_error("%s: user or password have characters that no command can carry; not set",
			m->config->name);
		return false;
	}
	command_printf(c, "AT+CGAUTH=1,%d,\"%s\",\"%s\"", l->auth == MODEM_AUTH_PAP ? 1 : 2,
		swap ? l->password : l->user, swap ? l->user : l->password);
	return true;
}

static bool turn(struct modem *m)
{
	if (m->config->login.auth == MODEM_AUTH_NONE ||
		m->config->login.order != MODEM_LOGIN_BY_MODEL)
		return false;
	m->bearer.login_turned = !m->bearer.login_turned;
	return true;
}

int step_judge_cgauth(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c; /* has the password: never logged */
	if (r == RESULT_TIMEOUT)
		return ++b->tries < TRIES ? AGAIN : FAULT;
	if (r == RESULT_OK || m->config->login.auth == MODEM_AUTH_NONE)
		return NEXT;
	if (turn(m) && b->tries++ == 0)
		return AGAIN;
	log_warn("%s: the module refused the log-in of the access point (AT+CGAUTH)",
		m->config->name);
	return NEXT;
}

void login_failed(struct modem *m)
{
	if (turn(m))
		log_info("%s: next time AT+CGAUTH gets the %s first", m->config->name,
			password_first(m) ? "password" : "user");
}

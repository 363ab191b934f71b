/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow watch of a bearer that is up: signal, registration, technology and operator
 * for status, CIPCLOSE? against links that died without a word, SERVERSTART? against servers that did,
 * and NETOPEN? when something made its state doubtful.
 *
 * Two lists in a row must disagree before a link is given up or closed: one may be stale (AT
 * reference 8.1). Nor is a list always right: a link can be listed as open although every CIPSEND
 * is refused (T11), which an idle flow would find out too late. So TCP links on which nothing moved
 * since the last look are also asked for their CIPACK: "Connection is not created", twice in a row,
 * is the end of such a link. A bare ERROR means that the firmware has no CIPACK. Accepted links are
 * judged by that alone: the note shows them in CIPOPEN? only, and a list that leaves them out must not
 * end a client that lives.
 */
#include "steps.h"

#include "util/log.h"

#define INTERVAL_BUSY SEC(45)
#define INTERVAL_IDLE SEC(300)
#define INTERVAL_DOUBT SEC(5)
#define STABLE SEC(60)
#define DISAGREEMENTS 2

enum {
	WATCH_CSQ,
	WATCH_CEREG,
	WATCH_CPSI,
	WATCH_COPS,
	WATCH_LIST,
	WATCH_NET,
	WATCH_ECHO,
	WATCH_TIMEOUT,
	WATCH_DNS,
	WATCHES,
};

static const char *const texts[WATCHES] = {
	[WATCH_CSQ] = "AT+CSQ",
	[WATCH_CEREG] = "AT+CEREG?",
	[WATCH_CPSI] = "AT+CPSI?",
	[WATCH_COPS] = "AT+COPS?",
	[WATCH_LIST] = "AT+CIPCLOSE?",
	[WATCH_NET] = "AT+NETOPEN?",
	[WATCH_ECHO] = "ATE0",
	[WATCH_TIMEOUT] = "AT+CIPTIMEOUT",
	[WATCH_DNS] = "AT+CDNSCFG",
};

static void compare(struct modem *m, unsigned l, bool listed)
{
	struct link *k = &m->links[l];
	bool gone = k->phase == LINK_UP && !k->accepted && !listed;
	bool differs = gone || (k->phase == LINK_IDLE && listed);

	if (!differs) {
		k->missed = 0;
		return;
	}
	if (++k->missed < DISAGREEMENTS) {
		m->bearer.watch_at = usec_min(m->bearer.watch_at, after(m, INTERVAL_DOUBT));
		return;
	}
	k->missed = 0;
	log_warn("%s: link %u: CIPCLOSE? lists it as %s", m->config->name, l,
		listed ? "open, but it is not ours" : "closed");
	if (listed)
		link_stray(m, l);
	else
		link_close(m, l, MODEM_CLOSE_LOST, false);
}

static enum info watch_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_CSQ || msg->kind == MSG_CEREG) {
		bearer_note(m, msg);
		return INFO_TAKEN;
	}
	if (fact_note(m, msg))
		return INFO_TAKEN;
	if (c->link == WATCH_LIST && msg->kind == MSG_CIPCLOSE && msg->count >= 3) {
		for (unsigned l = 0; l < MODEM_LINKS; l++)
			compare(m, l, l < msg->count && msg->n[l] == 1);
		return INFO_TAKEN;
	}
	if (c->link == WATCH_NET && msg->kind == MSG_NETOPEN && msg->count) {
		c->error = msg->n[0] == 1 ? -1 : 0;
		return INFO_TAKEN;
	}
	return INFO_FOREIGN;
}

static void watch_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	if (m->bearer.state != MODEM_STATE_UP)
		return;
	if (c->link == WATCH_CPSI)
		fact_done(m, FACT_TECHNOLOGY, r);
	else if (c->link == WATCH_COPS)
		fact_done(m, FACT_OPERATOR, r);
	if (c->link == WATCH_NET && r == RESULT_OK && c->error == 0)
		recover_network(m, "NETOPEN? says closed");
}

static const struct command_type watch_command = {
	.name = "AT watch",
	.timeout = SEC(9),
	.info = watch_info,
	.done = watch_done,
};

/* ---- idle links ---- */

static enum info idle_info(void *user, struct command *c, const struct msg *msg)
{
	(void)user;
	if (msg->kind == MSG_IP_ERROR) {
		c->error = dialect_ip_error(msg);
		return INFO_FAILED;
	}
	return msg->kind == MSG_CIPACK ? INFO_TAKEN : INFO_FOREIGN;
}

static void zombie(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (++k->denied < DISAGREEMENTS) {
		m->bearer.watch_at = usec_min(m->bearer.watch_at, after(m, INTERVAL_DOUBT));
		return;
	}
	log_warn("%s: link %u: listed as open, but it has no connection", m->config->name, l);
	if (m->mode.now == MODEM_RECEIVE_BUFFER)
		link_drain(m, l, MODEM_CLOSE_LOST, false);
	else
		link_close(m, l, MODEM_CLOSE_LOST, false);
}

static void idle_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct link *k = &m->links[c->link];

	if (r == RESULT_ERROR && c->error < 0) {
		m->bearer.cipack_unknown = true;
		m->bearer.idle_due = 0;
	}
	if (k->phase != LINK_UP)
		return;
	if (r == RESULT_ERROR && c->error == IP_ERROR_NOT_CREATED)
		zombie(m, c->link);
	else
		k->denied = 0;
}

static const struct command_type idle_command = {
	.name = "AT+CIPACK",
	.timeout = SEC(9),
	.info = idle_info,
	.done = idle_done,
};

static void plan_idle(struct modem *m)
{
	struct bearer *b = &m->bearer;

	b->idle_due = 0;
	for (unsigned l = 0; l < MODEM_LINKS && !b->cipack_unknown; l++) {
		struct link *k = &m->links[l];
		bool idle = k->watched == k->sent + k->received;

		k->watched = k->sent + k->received;
		if (idle && k->phase == LINK_UP && k->type == MODEM_LINK_TCP)
			b->idle_due |= 1u << l;
	}
}

static bool idle_submit(struct modem *m, struct channel *ch)
{
	struct bearer *b = &m->bearer;

	while (b->idle_due) {
		unsigned l = (unsigned)__builtin_ctz(b->idle_due);

		b->idle_due &= ~(1u << l);
		if (m->links[l].phase != LINK_UP)
			continue;
		command_printf(channel_prepare(ch, &idle_command, l), "AT+CIPACK=%u", l);
		channel_submit(ch, m->now);
		return true;
	}
	return false;
}

/* ---- when ---- */

/* Not at each look while links are open: some modules take long for an answer. */
static void plan_facts(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (m->now < b->facts_at)
		return;
	b->facts_at = after(m, INTERVAL_IDLE);
	if (fact_wanted(m, FACT_TECHNOLOGY))
		b->watch_due |= 1u << WATCH_CPSI;
	if (fact_wanted(m, FACT_OPERATOR))
		b->watch_due |= 1u << WATCH_COPS;
}

static void plan(struct modem *m)
{
	struct bearer *b = &m->bearer;
	bool busy = !links_idle(m);

	b->echo = false;
	b->watch_due &= 1u << WATCH_TIMEOUT | 1u << WATCH_DNS;
	b->watch_due |= 1u << WATCH_CSQ | 1u << WATCH_CEREG | 1u << (busy ? WATCH_LIST : WATCH_NET);
	plan_facts(m);
	b->watch_at = after(m, busy ? INTERVAL_BUSY : INTERVAL_IDLE);
	plan_idle(m);
	servers_check(m);
	if (m->now >= b->since + STABLE)
		recover_stable(m);
}

void watch_build_ciptimeout(const struct modem *m, struct command *c)
{
	command_printf(c, "AT+CIPTIMEOUT=120000,%llu,15000",
		(unsigned long long)(m->config->connect_timeout / 1000));
}

bool watch_submit(struct modem *m, struct channel *ch)
{
	struct bearer *b = &m->bearer;
	struct command *c;
	unsigned what;

	if (m->now >= b->watch_at)
		plan(m);
	if (!b->watch_due)
		return idle_submit(m, ch);
	what = (unsigned)__builtin_ctz(b->watch_due);
	b->watch_due &= ~(1u << what);
	c = channel_prepare(ch, &watch_command, what);
	if (what == WATCH_TIMEOUT)
		watch_build_ciptimeout(m, c);
	else if (what == WATCH_DNS)
		step_build_cdnscfg(m, c);
	else
		command_printf(c, "%s", texts[what]);
	channel_submit(ch, m->now);
	return true;
}

bool watch_verify(struct modem *m, struct channel *ch)
{
	if (!m->bearer.verify)
		return false;
	m->bearer.verify = false;
	command_printf(channel_prepare(ch, &watch_command, WATCH_NET), "%s", texts[WATCH_NET]);
	channel_submit(ch, m->now);
	return true;
}

void watch_echo_off(struct modem *m)
{
	m->bearer.watch_due |= 1u << WATCH_ECHO;
}

void modem_set_connect_timeout(struct modem *m)
{
	m->bearer.watch_due |= 1u << WATCH_TIMEOUT;
}

/* There is no command that takes servers away: then the module keeps them until its next NETOPEN. */
void modem_set_dns(struct modem *m)
{
	if (m->config->dns[0].family)
		m->bearer.watch_due |= 1u << WATCH_DNS;
	else
		m->bearer.watch_due &= ~(1u << WATCH_DNS);
}

void watch_reset(struct modem *m)
{
	struct bearer *b = &m->bearer;
	usec_t at = after(m, links_idle(m) ? INTERVAL_IDLE : INTERVAL_BUSY);

	if (b->watch_at < m->now)
		b->watch_at = USEC_NEVER;
	b->watch_at = usec_min(b->watch_at, at);
}

usec_t watch_deadline(const struct modem *m)
{
	return m->bearer.watch_at > m->now ? m->bearer.watch_at : USEC_NEVER;
}

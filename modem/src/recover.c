/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The ladder: probe again -> NETCLOSE/NETOPEN -> CFUN=4,1 -> CRESET -> the power command. Each rung
 * is tried a few times, with a pause before it that doubles from 5 s to 10 min; after the last rung
 * the climb starts again at the second, so there is no dead end and no hurry either. A bearer that
 * has been up for a minute (recover_stable) takes the ladder away.
 *
 * Not every fault is a rung: a network that went away by itself comes back by registration and
 * NETOPEN, a banner means that the module starts from nothing, and a module that does not answer is
 * probed first.
 */
#include "private.h"

#include <assert.h>
#include <stdio.h>

#include "util/log.h"

#define BACKOFF_FIRST SEC(5)
#define BACKOFF_MAX SEC(600)
#define BOOT_PAUSE SEC(1) /* the banner is the first line of a boot that goes on for seconds */

static const struct {
	const char *name;
	int step;
	unsigned tries;
} rungs[] = {
	{"none", STEP_RUNG_RETRY, 0},
	{"retry", STEP_RUNG_RETRY, 2},
	{"netclose", STEP_RUNG_NET, 2},
	{"cfun", STEP_RUNG_CFUN_OFF, 2},
	{"reset", STEP_RUNG_RESET, 2},
	{"power", STEP_RUNG_POWER, 1},
};

static_assert(sizeof(rungs) / sizeof(rungs[0]) == MODEM_RUNGS, "counted one by one");

#define RUNG_NET 2
#define RUNG_POWER 5

const char *modem_rung_name(unsigned rung)
{
	return rung < MODEM_RUNGS ? rungs[rung].name : "";
}

static void climb(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (b->rung_tries < rungs[b->rung].tries)
		return;
	b->rung_tries = 0;
	b->rung++;
	if (b->rung == RUNG_POWER && !m->config->has_power_command)
		b->rung++;
	if (b->rung >= MODEM_RUNGS)
		b->rung = RUNG_NET;
}

static void say_down(struct modem *m, const char *why)
{
	if (m->bearer.state == MODEM_STATE_UP)
		log_info("%s: bearer down: %s", m->config->name, why);
}

static void forget(struct modem *m)
{
	links_lost(m);
	servers_lost(m);
	send_reset(m);
	ping_lost(m);
	transparent_reset(m);
	mode_links_lost(m);
	m->bearer.verify = false;
}

void recover(struct modem *m, const char *why)
{
	struct bearer *b = &m->bearer;

	if (b->state == MODEM_STATE_ABSENT || b->state >= MODEM_STATE_STOPPING)
		return;
	say_down(m, why);
	forget(m);
	climb(m);
	b->rung_tries++;
	b->recoveries++;
	b->rung_counts[b->rung]++;
	b->backoff = b->backoff ? usec_min(2 * b->backoff, BACKOFF_MAX) : BACKOFF_FIRST;
	snprintf(b->reason, sizeof(b->reason), "%s", why);
	log_warn("%s: %s; rung \"%s\" in %llu s", m->config->name, why, rungs[b->rung].name,
		(unsigned long long)(b->backoff / SEC(1)));
	bearer_goto(m, rungs[b->rung].step, after(m, b->backoff));
	b->event = true;
}

/* NOTE 4.2: close what is open, NETCLOSE if NETOPEN? still says 1, NETOPEN again. */
void recover_network(struct modem *m, const char *why)
{
	struct bearer *b = &m->bearer;

	say_down(m, why);
	forget(m);
	b->dirty = true;
	snprintf(b->reason, sizeof(b->reason), "%s", why);
	bearer_goto(m, STEP_CSQ, 0);
}

void recover_boot(struct modem *m)
{
	struct bearer *b = &m->bearer;

	b->boots++;
	if (b->state == MODEM_STATE_ABSENT || b->state == MODEM_STATE_STOPPED)
		return;
	log_info("%s: the module has booted", m->config->name);
	say_down(m, "the module has booted");
	forget(m);
	bearer_forget_network(m);
	b->power_wait = false;
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		channel_reset(&m->channels[i]);
	at_lost(m);
	receive_reset(m);
	literal_forget(m);
	ping_forget(m);
	if (b->state == MODEM_STATE_STOPPING) {
		bearer_goto(m, STEP_STOPPED, USEC_NEVER);
		return;
	}
	snprintf(b->reason, sizeof(b->reason), "the module has booted");
	bearer_goto(m, STEP_DRAIN, after(m, BOOT_PAUSE));
}

void recover_dead(struct modem *m)
{
	struct bearer *b = &m->bearer;

	at_lost(m);
	if (b->state == MODEM_STATE_STOPPING) {
		bearer_goto(m, STEP_STOPPED, USEC_NEVER);
		return;
	}
	if (b->state == MODEM_STATE_ABSENT || b->state == MODEM_STATE_STOPPED)
		return;
	if (b->state != MODEM_STATE_UP) {
		recover(m, "the module answers nothing sensible");
		return;
	}
	say_down(m, "the module does not answer");
	forget(m);
	bearer_forget_network(m);
	b->dirty = true;
	snprintf(b->reason, sizeof(b->reason), "the module does not answer");
	bearer_goto(m, STEP_DRAIN, 0);
}

void recover_stable(struct modem *m)
{
	m->bearer.rung = 0;
	m->bearer.rung_tries = 0;
	m->bearer.backoff = 0;
}

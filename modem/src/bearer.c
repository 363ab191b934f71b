/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bearer's state, its clocks and its news for the owner. What is done in each state is the
 * table of steps.c; what is done when it fails is recover.c; what is looked at while it is up is
 * watch.c.
 */
#include "private.h"

#include <stdio.h>
#include <string.h>

#include "util/log.h"

/* How long a state may last before the ladder is climbed. Zero: the state's steps see to it. */
static const struct {
	usec_t limit;
	const char *reason;
} limits[] = {
	[MODEM_STATE_ABSENT] = {0, ""},
	[MODEM_STATE_PROBE] = {SEC(60), "the module does not answer"},
	[MODEM_STATE_CONFIGURE] = {SEC(60), "the module does not take its settings"},
	[MODEM_STATE_SIM] = {SEC(30), "the SIM is not ready"},
	[MODEM_STATE_REGISTER] = {SEC(45), "not registered"}, /* AT reference 16: not sooner */
	[MODEM_STATE_ACTIVATE] = {SEC(300), "the PDP context does not come up"},
	[MODEM_STATE_UP] = {0, ""},
	[MODEM_STATE_RECOVER] = {0, ""},
	[MODEM_STATE_STOPPING] = {SEC(4), ""},
	[MODEM_STATE_STOPPED] = {0, ""},
};

static void set_reason(struct modem *m, const char *reason)
{
	snprintf(m->bearer.reason, sizeof(m->bearer.reason), "%s", reason);
}

void bearer_set_failure(struct modem *m, enum modem_failure f, const char *reason)
{
	struct bearer *b = &m->bearer;

	if (b->failure == f && strcmp(b->reason, reason) == 0)
		return;
	if (f != MODEM_FAILURE_NONE)
		log_warn("%s: bearer: %s", m->config->name, reason);
	b->failure = f;
	b->event = true;
	set_reason(m, reason);
}

static void came_up(struct modem *m)
{
	struct bearer *b = &m->bearer;
	char text[ADDR_STRLEN];

	b->failure = MODEM_FAILURE_NONE;
	b->net_failures = 0;
	b->reopened = false;
	b->dirty = false;
	b->verify = false;
	set_reason(m, "");
	watch_reset(m);
	servers_up(m);
	log_info("%s: bearer up, address %s, %s mode", m->config->name,
		addr_format(&b->address, text), modem_receive_name(m->mode.now));
}

void bearer_forget_network(struct modem *m)
{
	struct bearer *b = &m->bearer;

	b->operator[0] = b->technology[0] = b->cell[0] = '\0';
	b->rssi_dbm = 0;
	b->ber = 99;
	for (unsigned i = 0; i < 3; i++)
		b->stat[i] = -1;
}

static void enter(struct modem *m, enum modem_state s)
{
	struct bearer *b = &m->bearer;

	log_debug("%s: bearer %s -> %s", m->config->name, modem_state_name(b->state),
		modem_state_name(s));
	if (b->state == MODEM_STATE_UP) {
		b->address = (struct addr){0};
		b->n_dns = 0;
		resolve_lost(m);
	}
	if (s == MODEM_STATE_ABSENT)
		bearer_forget_network(m);
	b->state = s;
	b->since = m->now;
	b->event = true;
	b->deadline = limits[s].limit ? after(m, limits[s].limit) : USEC_NEVER;
	if (s == MODEM_STATE_UP) {
		came_up(m);
	} else if (s == MODEM_STATE_STOPPED) {
		links_lost(m); /* what the module did not confirm in time */
		servers_lost(m);
		send_reset(m);
		ping_lost(m);
		transparent_reset(m);
	}
}

void bearer_goto(struct modem *m, int step, usec_t at)
{
	struct bearer *b = &m->bearer;

	if (step != b->step)
		b->tries = 0;
	b->step = step;
	b->sent = false;
	b->await = USEC_NEVER;
	b->at = at;
	if (step_state(step) != b->state)
		enter(m, step_state(step));
}

/* What any answer or unsolicited line tells about the state of the network. */
void bearer_note(struct modem *m, const struct msg *msg)
{
	struct bearer *b = &m->bearer;
	/* "+CREG: <n>,<stat>" answers the query, "+CREG: <stat>" comes by itself. */
	int64_t stat = msg->count >= 2 ? msg->n[1] : msg->n[0];

	if (msg->count == 0)
		return;
	if (msg->kind == MSG_CSQ && msg->count >= 2) {
		b->rssi_dbm = msg->n[0] >= 0 && msg->n[0] <= 31 ? -113 + 2 * (int)msg->n[0] : 0;
		b->ber = msg->n[1] >= 0 && msg->n[1] <= 99 ? (int)msg->n[1] : 99;
	} else if (msg->kind >= MSG_CREG && msg->kind <= MSG_CEREG && stat >= 0 && stat < 100) {
		b->stat[msg->kind - MSG_CREG] = (int)stat;
	}
}

static void net_line(struct modem *m, const struct msg *msg)
{
	struct bearer *b = &m->bearer;
	bool opening = b->step == STEP_NET_OPEN;
	bool closing = b->step == STEP_NET_CLOSE || b->step == STEP_STOP_NET ||
		b->step == STEP_RUNG_NET;

	if (b->sent && msg->count == 1 && (msg->kind == MSG_NETOPEN ? opening : closing)) {
		b->net_result = dialect_err(msg->n[0]);
		if (b->await != USEC_NEVER)
			steps_awaited(m, true);
	} else if (msg->kind == MSG_NETCLOSE && b->state == MODEM_STATE_UP) {
		recover_network(m, "the module closed the network");
	}
}

static void left_closed(struct modem *m, const struct msg *msg)
{
	struct bearer *b = &m->bearer;

	if (!msg->plain || msg->count != 2 || msg->n[0] < 0 || msg->n[0] >= MODEM_LINKS)
		return;
	b->leftovers &= ~(1u << msg->n[0]);
	if (b->step == STEP_LEFT_CLOSE && b->await != USEC_NEVER)
		steps_awaited(m, true);
}

/* Returns false for what the other parts may want. */
bool bearer_urc(struct modem *m, const struct msg *msg)
{
	struct bearer *b = &m->bearer;

	switch (msg->kind) {
	case MSG_BANNER:
		recover_boot(m);
		return true;
	case MSG_CIPEVENT:
		if (b->state == MODEM_STATE_UP)
			recover_network(m, "network closed unexpectedly");
		return true;
	case MSG_BOOT_LATE:
		b->verify = true; /* AT reference 2: no proof of a reboot */
		return true;
	case MSG_NETOPEN:
	case MSG_NETCLOSE:
		net_line(m, msg);
		return true;
	case MSG_CIPCLOSE:
		if (b->state == MODEM_STATE_ACTIVATE)
			left_closed(m, msg);
		return b->state == MODEM_STATE_ACTIVATE;
	case MSG_CSQ:
	case MSG_CREG:
	case MSG_CGREG:
	case MSG_CEREG:
		bearer_note(m, msg);
		return true;
	default:
		return false;
	}
}

/* Echo was switched off. If it is back, so are all other defaults: was there a reboot? Asked once
 * in an interval of the watch, for the question is echoed too. */
void bearer_echo(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (b->state == MODEM_STATE_UP && !b->echo) {
		b->verify = true;
		watch_echo_off(m);
	}
	b->echo = true;
}

static void limit_over(struct modem *m)
{
	struct bearer *b = &m->bearer;
	bool denied = b->state == MODEM_STATE_REGISTER && b->stat[0] == 3 && b->stat[1] == 3 &&
		b->stat[2] == 3;

	b->deadline = USEC_NEVER;
	if (b->state == MODEM_STATE_STOPPING) {
		bearer_goto(m, STEP_STOPPED, USEC_NEVER);
		return;
	}
	if (denied)
		b->failure = MODEM_FAILURE_DENIED;
	else if (b->state == MODEM_STATE_SIM && b->sim == SIM_ABSENT)
		b->failure = MODEM_FAILURE_SIM;
	recover(m, denied ? "registration denied" : limits[b->state].reason);
}

void bearer_run(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (m->now >= b->await)
		steps_awaited(m, false);
	if (m->now >= b->deadline)
		limit_over(m);
}

usec_t bearer_deadline(const struct modem *m)
{
	const struct bearer *b = &m->bearer;
	usec_t d = usec_min(b->await, b->deadline);

	if (b->event || b->power_event ||
		(b->stopped_event && b->state == MODEM_STATE_STOPPED))
		return 0;
	if (b->state == MODEM_STATE_UP)
		return usec_min(d, watch_deadline(m));
	return !b->sent && b->at > m->now ? usec_min(d, b->at) : d;
}

void bearer_detach(struct modem *m)
{
	links_lost(m);
	servers_lost(m);
	m->bearer.power_wait = false;
	bearer_goto(m, m->bearer.stopped_event ? STEP_STOPPED : STEP_ABSENT, USEC_NEVER);
}

void bearer_shutdown(struct modem *m)
{
	struct bearer *b = &m->bearer;
	bool net = b->state == MODEM_STATE_UP || b->state == MODEM_STATE_ACTIVATE;

	if (b->state >= MODEM_STATE_STOPPING)
		return;
	links_close_all(m);
	servers_stop_all(m);
	b->stopped_event = true;
	bearer_goto(m, net ? STEP_STOP_LINKS : STEP_STOPPED, 0);
}

void bearer_flush(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (b->event) {
		struct modem_bearer news = {
			.state = b->state,
			.address = b->state == MODEM_STATE_UP ? b->address : (struct addr){0},
			.failure = b->failure,
			.reason = b->reason,
			.dns = b->dns,
			.n_dns = b->state == MODEM_STATE_UP ? b->n_dns : 0,
		};

		b->event = false;
		m->ops->bearer(m->user, &news);
	}
	if (b->power_event) {
		b->power_event = false;
		m->ops->power_cycle(m->user);
	}
	if (b->stopped_event && b->state == MODEM_STATE_STOPPED) {
		b->stopped_event = false;
		m->ops->stopped(m->user);
	}
}

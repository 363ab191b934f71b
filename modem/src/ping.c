/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 *   state    entered by                      time-out   then
 *   IDLE     the end of the last echo        -
 *   WANTED   modem_ping()                    5 s        IDLE (TIMEOUT: the channel was not free)
 *   COMMAND  CPING written                   15 s       TAIL (TIMEOUT)
 *   RESULT   OK seen, no result yet          wait + 3 s TAIL (TIMEOUT)
 *   TAIL     the result was told, the        3 s        IDLE, or WANTED if another one was asked for
 *            summary has not come            13 s: the bearer was lost meanwhile
 *
 * AT+CPING="address",<1: IPv4, 2: IPv6>,1,<size>,1000,<wait>,<ttl> sends one echo. It is answered by OK;
 * "+CPING: 1,address,size,rtt,ttl" or "+CPING: 2" tells the result and "+CPING: 3,..." ends the run (AT
 * reference 2). These lines may come before OK as well. Between OK and result the channel is free for
 * others, so an echo costs everybody else one short command; only a firmware that says OK last makes
 * them wait for the peer.
 *
 * A module is busy with one run at a time, and its lines name no run: the next command waits for the
 * summary, and a result that names another address is a late one of an echo that was given up.
 *
 * What a firmware takes is found by trying, once in a boot: a short wait (a lost echo should not stop the
 * others for long) or the ten seconds that some documents name as the least; then an IPv6 address in
 * brackets. If nothing was ever taken there is no CPING, and nothing is asked for BARRED.
 */
#include "private.h"

#include <errno.h>

#include "util/log.h"

#define WANTED_TIMEOUT SEC(5)
#define COMMAND_TIMEOUT SEC(15) /* of a firmware that says OK last: the long wait, and some more */
#define WAIT_SHORT SEC(4)	/* few paths are slower; GPRS was seen to take two seconds */
#define WAIT_LONG SEC(10)
#define GRACE SEC(3) /* the module's clock against ours, and the line */
#define BARRED SEC(300)

static void go(struct modem *m, enum ping_state s, usec_t limit)
{
	m->ping.state = s;
	m->ping.deadline = limit ? after(m, limit) : USEC_NEVER;
}

static void tell(struct modem *m, enum modem_ping_result result, usec_t rtt)
{
	struct ping *p = &m->ping;

	p->owed = false;
	p->event = true;
	p->result = result;
	p->rtt = rtt;
	if (result == MODEM_PING_REPLY)
		p->last_rtt = rtt;
}

/* The module's run is over. */
static void over(struct modem *m)
{
	struct ping *p = &m->ping;

	if (p->owed)
		go(m, PING_WANTED, WANTED_TIMEOUT);
	else
		go(m, PING_IDLE, 0);
}

/* The result of the run is known; what follows until its end belongs to nobody. */
static void concluded(struct modem *m, enum modem_ping_result result, usec_t rtt)
{
	tell(m, result, rtt);
	m->ping.told = true;
	if (m->ping.state == PING_RESULT)
		go(m, PING_TAIL, GRACE);
}

/* ---- what the module says ---- */

static void on_summary(struct modem *m, const struct ping_line *line)
{
	struct ping *p = &m->ping;

	if (!p->told)
		concluded(m, line->received ? MODEM_PING_REPLY : MODEM_PING_TIMEOUT, line->rtt);
	p->summary = true;
	if (p->state == PING_TAIL)
		over(m);
}

static void on_ping_line(struct modem *m, const struct msg *msg)
{
	struct ping *p = &m->ping;
	struct ping_line line;

	if (!dialect_ping(msg, &line) || p->state == PING_IDLE || p->state == PING_WANTED)
		return;
	if (line.type == PING_LINE_SUMMARY) {
		on_summary(m, &line);
		return;
	}
	if (p->told || (line.addr.family && !addr_equal(&line.addr, &p->to)))
		return;
	if (line.type == PING_LINE_REPLY)
		concluded(m, MODEM_PING_REPLY, line.rtt);
	else
		concluded(m, MODEM_PING_TIMEOUT, 0);
}

bool ping_urc(struct modem *m, const struct msg *msg)
{
	if (msg->kind != MSG_CPING)
		return false;
	on_ping_line(m, msg);
	return true;
}

/* ---- CPING ---- */

static enum info ping_info(void *user, struct command *c, const struct msg *msg)
{
	(void)c;
	if (msg->kind != MSG_CPING)
		return INFO_FOREIGN;
	on_ping_line(user, msg);
	return INFO_TAKEN;
}

/* Whether there is another way to ask, which this firmware may take. */
static bool another_form(struct modem *m)
{
	struct ping *p = &m->ping;

	if (p->proven)
		return false;
	if (!p->wait_long) {
		p->wait_long = true;
		return true;
	}
	return literal_refused(m, LITERAL_PING, &p->to);
}

static void refused(struct modem *m)
{
	struct ping *p = &m->ping;

	if (p->told) {
		go(m, PING_TAIL, GRACE);
	} else if (another_form(m)) {
		go(m, PING_WANTED, WANTED_TIMEOUT);
	} else if (p->proven) {
		tell(m, MODEM_PING_FAILED, 0);
		go(m, PING_IDLE, 0);
	} else {
		log_warn("%s: the module refuses CPING: pings are not answered", m->config->name);
		ping_forget(m);
		p->barred = after(m, BARRED);
		tell(m, MODEM_PING_UNSUPPORTED, 0);
	}
}

static void accepted(struct modem *m)
{
	struct ping *p = &m->ping;

	p->proven = true;
	literal_taken(m, LITERAL_PING);
	if (!p->told)
		go(m, PING_RESULT, (p->wait_long ? WAIT_LONG : WAIT_SHORT) + GRACE);
	else if (p->summary)
		over(m);
	else
		go(m, PING_TAIL, GRACE);
}

static void ping_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct ping *p = &m->ping;

	(void)c;
	if (p->state != PING_COMMAND)
		return;
	if (r == RESULT_OK) {
		accepted(m);
	} else if (r == RESULT_ERROR) {
		refused(m);
	} else {
		if (!p->told)
			concluded(m, MODEM_PING_TIMEOUT, 0);
		go(m, PING_TAIL, GRACE);
	}
}

static const struct command_type ping_command = {
	.name = "AT+CPING",
	.timeout = COMMAND_TIMEOUT,
	.info = ping_info,
	.done = ping_done,
};

bool ping_submit(struct modem *m, struct channel *ch)
{
	struct ping *p = &m->ping;
	struct command *c;
	char text[LITERAL_LEN];

	if (p->state != PING_WANTED)
		return false;
	c = channel_prepare(ch, &ping_command, 0);
	command_printf(c, "AT+CPING=\"%s\",%d,1,%zu,1000,%llu,%u",
		literal_format(m, LITERAL_PING, &p->to, text), p->to.family == 6 ? 2 : 1, p->size,
		(unsigned long long)(p->wait_long ? WAIT_LONG : WAIT_SHORT) / 1000, p->ttl);
	p->told = p->summary = false;
	go(m, PING_COMMAND, 0);
	m->yield = true;
	channel_submit(ch, m->now);
	return true;
}

/* ---- time, loss and the owner ---- */

void ping_run(struct modem *m)
{
	struct ping *p = &m->ping;

	if (m->now < p->deadline)
		return;
	if (p->state == PING_RESULT) {
		concluded(m, MODEM_PING_TIMEOUT, 0);
	} else if (p->state == PING_TAIL) {
		over(m);
	} else {
		tell(m, MODEM_PING_TIMEOUT, 0);
		go(m, PING_IDLE, 0);
	}
}

usec_t ping_deadline(const struct modem *m)
{
	return m->ping.event ? 0 : m->ping.deadline;
}

void ping_flush(struct modem *m)
{
	struct ping *p = &m->ping;

	if (!p->event)
		return;
	p->event = false;
	m->ops->pinged(m->user, p->result, p->rtt);
}

/* A module that lost its network may be busy with the run for as long as it was told to wait. */
void ping_lost(struct modem *m)
{
	struct ping *p = &m->ping;

	if (p->owed)
		tell(m, MODEM_PING_LOST, 0);
	if (p->state == PING_COMMAND || p->state == PING_RESULT) {
		p->told = true;
		go(m, PING_TAIL, WAIT_LONG + GRACE);
	} else if (p->state == PING_WANTED) {
		go(m, PING_IDLE, 0);
	}
}

void ping_forget(struct modem *m)
{
	go(m, PING_IDLE, 0);
	m->ping.proven = m->ping.wait_long = false;
	m->ping.barred = 0;
	m->literal[LITERAL_PING] = (struct literal){0};
}

/* ---- public ---- */

int modem_ping(struct modem *m, const struct addr *to, size_t size, unsigned ttl)
{
	struct ping *p = &m->ping;

	if (m->bearer.state != MODEM_STATE_UP)
		return -ENETDOWN;
	if (to->family != m->config->ip)
		return -EAFNOSUPPORT;
	if (size < MODEM_PING_SIZE_MIN || size > MODEM_PING_SIZE_MAX || ttl < MODEM_PING_TTL_MIN ||
		ttl > 255)
		return -EINVAL;
	if (m->now < p->barred)
		return -EOPNOTSUPP;
	if (p->owed || p->event)
		return -EBUSY;
	p->owed = true;
	p->to = *to;
	p->size = size;
	p->ttl = ttl;
	if (p->state == PING_IDLE)
		go(m, PING_WANTED, WANTED_TIMEOUT);
	return 0;
}

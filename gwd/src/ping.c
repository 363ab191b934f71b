/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Echo requests of the host. They are never answered from here (decision 14): the module sends an echo
 * of its own by AT+CPING, and when that is answered the host gets the reply to its request at once, so
 * the time it shows is the way to the peer and back and the way over the AT port. What is lost is
 * silence, what the module cannot send is "unreachable".
 *
 * CPING knows the size of an echo and its TTL, within limits, not its payload. Requests outside of them
 * (more than 188 bytes; a TTL below 16, as of a traceroute) are dropped: an answer to another question
 * would be a lie. Less than 4 bytes are sent as 4.
 *
 * The module pings one at a time, so requests wait: a few of each sender, for five seconds at most. A
 * peer that did not answer keeps the module busy for seconds, so that for as long its requests let
 * others go first.
 */
#include "gateway.h"

#include <errno.h>
#include <string.h>

#include "util/log.h"

#define AGE_MAX SEC(5)
#define UNANSWERED_AGE SEC(5)
#define SENDER_MAX 4 /* of the places: a flood leaves room for others */

static void drop(struct gateway *gw, uint64_t *counter)
{
	++*counter;
	gw->count.echo_dropped++;
}

static void refuse(struct gateway *gw, const struct stack_echo *e, enum stack_answer answer)
{
	gw->count.echo_unreachable++;
	stack_echo_refuse(gw->stack, e, answer);
}

/* ---- the queue ---- */

/* Requests of one ping(8) have addresses and id in common. */
static bool same_sender(const struct stack_echo *a, const struct stack_echo *b)
{
	return a->id == b->id && addr_equal(&a->local, &b->local) &&
		addr_equal(&a->remote, &b->remote);
}

/* A free place; NULL when there is none for this sender, or its request is here already. */
static struct echo *place_for(struct unit *u, const struct stack_echo *e)
{
	struct echo *free = NULL;
	unsigned own = 0;

	for (struct echo *x = u->echoes; x < u->echoes + ECHOES_MAX; x++) {
		if (!x->used) {
			free = x;
		} else if (same_sender(&x->request, e)) {
			own++;
			if (x->request.seq == e->seq)
				return NULL;
		}
	}
	return own < SENDER_MAX ? free : NULL;
}

static bool goes_before(const struct unit *u, const struct echo *a, const struct echo *b)
{
	bool recent = u->gw->now - u->unanswered_at < UNANSWERED_AGE;
	bool a_last = recent && addr_equal(&a->request.remote, &u->unanswered);
	bool b_last = recent && addr_equal(&b->request.remote, &u->unanswered);

	return a_last != b_last ? b_last : a->came < b->came;
}

static struct echo *pick(struct unit *u)
{
	struct gateway *gw = u->gw;
	struct echo *best = NULL;

	for (struct echo *x = u->echoes; x < u->echoes + ECHOES_MAX; x++) {
		if (!x->used)
			continue;
		if (gw->now - x->came > AGE_MAX) {
			drop(gw, &gw->count.echo_dropped_queue);
			x->used = false;
		} else if (!best || goes_before(u, x, best)) {
			best = x;
		}
	}
	return best;
}

/* ---- the module ---- */

static void start_next(struct unit *u)
{
	struct gateway *gw = u->gw;
	struct echo *x;

	while (!u->pinging && (x = pick(u))) {
		const struct stack_echo *e = &x->request;
		size_t size = e->n < MODEM_PING_SIZE_MIN ? MODEM_PING_SIZE_MIN : e->n;
		int rc = modem_ping(u->modem, &e->remote, size, e->ttl);

		if (rc == 0) {
			u->pinging = x;
			return;
		}
		x->used = false;
		if (rc == -EOPNOTSUPP)
			drop(gw, &gw->count.echo_dropped_unsupported);
		else
			refuse(gw, e, STACK_ANSWER_NET_UNREACH);
	}
}

void ping_result(struct unit *u, enum modem_ping_result result, usec_t rtt)
{
	struct gateway *gw = u->gw;
	struct echo *x = u->pinging;
	char text[ADDR_STRLEN];

	if (!x)
		return;
	log_debug("modem%u: ping %s: %s, %llu ms", u->index, addr_format(&x->request.remote, text),
		modem_ping_result_name(result), (unsigned long long)(rtt / 1000));
	u->pinging = NULL;
	x->used = false;
	switch (result) {
	case MODEM_PING_REPLY:
		gw->count.echo_replies++;
		if (addr_equal(&u->unanswered, &x->request.remote))
			u->unanswered.family = 0;
		stack_echo_reply(gw->stack, &x->request);
		break;
	case MODEM_PING_TIMEOUT:
		gw->count.echo_timeouts++;
		u->unanswered = x->request.remote;
		u->unanswered_at = gw->now;
		break;
	case MODEM_PING_FAILED:
		refuse(gw, &x->request, STACK_ANSWER_HOST_UNREACH);
		break;
	case MODEM_PING_UNSUPPORTED:
		drop(gw, &gw->count.echo_dropped_unsupported);
		break;
	case MODEM_PING_LOST:
		refuse(gw, &x->request, STACK_ANSWER_NET_UNREACH);
		break;
	}
	start_next(u);
}

void ping_bearer_lost(struct unit *u)
{
	for (struct echo *x = u->echoes; x < u->echoes + ECHOES_MAX; x++) {
		if (x->used && x != u->pinging) {
			x->used = false;
			refuse(u->gw, &x->request, STACK_ANSWER_NET_UNREACH);
		}
	}
}

/* ---- the host ---- */

void ping_request(struct gateway *gw, const struct stack_echo *e)
{
	struct unit *u = &gw->units[0];
	struct echo *x;

	gw->count.echo_requests++;
	if (!u->up || gw->stopping || e->remote.family != u->address.family) {
		refuse(gw, e, STACK_ANSWER_NET_UNREACH);
		return;
	}
	/* No command gets through before the flow ends, and nobody waits that long. */
	if (unit_line_taken(u)) {
		drop(gw, &gw->count.echo_dropped_queue);
		return;
	}
	if (e->n > MODEM_PING_SIZE_MAX || e->ttl < MODEM_PING_TTL_MIN) {
		drop(gw, &gw->count.echo_dropped_unfit);
		return;
	}
	x = place_for(u, e);
	if (!x) {
		drop(gw, &gw->count.echo_dropped_queue);
		return;
	}
	x->used = true;
	x->came = gw->now;
	x->request = *e;
	x->request.p = x->bytes;
	memcpy(x->bytes, e->p, e->n);
	start_next(u);
}

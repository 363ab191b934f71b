/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a link after it was opened: its socket, its closing by either side (a76xx-at 8). */
#include "links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

#define CLOSE_LIMIT (120 * 1000 * MS) /* a76xx-at 8.1: so long may CIPCLOSE take */

static timer_fn close_finish, drop_unread, half_close_over;

const char *link_state_name(enum link_state s)
{
	static const char *const names[] = {"free", "resolving", "connecting", "open", "closing",
		"zombie"};

	return names[s];
}

bool link_open(const struct sim *sim, int l)
{
	return sim->link[l].state == LINK_OPEN;
}

void link_set_state(struct sim *sim, int l, enum link_state s)
{
	struct stats *st = &sim->journal.stats;

	if ((sim->link[l].state == LINK_FREE) != (s == LINK_FREE)) {
		if (s == LINK_FREE)
			st->links_now--;
		else
			st->links_now++;
		if (st->links_now > st->links_max)
			st->links_max = st->links_now;
	}
	sim->link[l].state = s;
}

void link_discard_rx(struct link *k)
{
	k->rx_len = 0;
	k->dgrams = 0;
	k->announced = false;
}

void link_begin(struct sim *sim, int l, bool udp)
{
	struct link *k = &sim->link[l];

	link_discard_rx(k);
	k->tx_len = 0;
	k->gen++;
	k->udp = udp;
	k->transparent = k->accepted = k->flowing = k->half_closed = k->stale = false;
	k->parser_waits = false;
	k->fd = k->server = -1;
	k->sent = k->received = 0;
	k->ready_at = 0;
	k->open_error = 0;
	k->opened_at = sim->now;
	memset(&k->peer, 0, sizeof(k->peer));
	k->host[0] = k->key[0] = '\0';
	k->port = k->local_port = 0;
}

void link_free(struct sim *sim, int l, bool abort)
{
	struct link *k = &sim->link[l];
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (k->state == LINK_FREE)
		return;
	if (k->fd >= 0) {
		if (abort)
			setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(k->fd);
	}
	k->fd = -1;
	k->tx_len = 0;
	k->closed_at = sim->now;
	k->gen++;
	if (l == 0 && sim->online.session)
		online_leave(sim);
	link_set_state(sim, l, LINK_FREE);
	send_link_closed(sim, l);
}

static void drop_unread(struct sim *sim, int l, unsigned gen)
{
	if (sim->link[l].gen == gen && sim->link[l].state == LINK_FREE)
		link_discard_rx(&sim->link[l]);
}

void link_tell_closed(struct sim *sim, int l, int reason)
{
	const struct knobs *k = &sim->knobs;

	if (knob_is(k, KNOB_PASSIVE_CLOSE_FORM, "none"))
		return;
	if (!knob_is(k, KNOB_PASSIVE_CLOSE_FORM, "cipclose"))
		urc(sim, "+IPCLOSE: %d,%d", l, reason);
	if (!knob_is(k, KNOB_PASSIVE_CLOSE_FORM, "ipclose"))
		urc(sim, "+CIPCLOSE: %d,0", l);
	sim->link[l].told_at = sim->now;
}

static void closed_by_peer(struct sim *sim, int l, int reason, bool tell)
{
	struct link *k = &sim->link[l];
	long keep = knob_num(&sim->knobs, KNOB_RX_AFTER_IPCLOSE);

	link_free(sim, l, false);
	k->stale = knob_is(&sim->knobs, KNOB_STALE_OPEN_STATE, "on");
	if (knob_is(&sim->knobs, KNOB_RX_AFTER_IPCLOSE, "discarded"))
		link_discard_rx(k);
	else if (keep)
		timer_set(&sim->timers, sim->now + keep * MS, drop_unread, l, k->gen);
	if (tell)
		link_tell_closed(sim, l, reason);
}

static void half_close_over(struct sim *sim, int l, unsigned gen)
{
	if (link_open(sim, l) && sim->link[l].gen == gen)
		closed_by_peer(sim, l, 1, true);
}

void link_remote_closed(struct sim *sim, int l, int reason)
{
	struct link *k = &sim->link[l];
	long writable = knob_num(&sim->knobs, KNOB_HALF_CLOSE);

	if (l == 0 && sim->online.session) {
		online_closed(sim);
		closed_by_peer(sim, l, reason, false);
		return;
	}
	if (reason == 1 && writable && !k->half_closed) {
		k->half_closed = true;
		timer_set(&sim->timers, sim->now + writable * MS, half_close_over, l, k->gen);
		return;
	}
	closed_by_peer(sim, l, reason, true);
}

/* +CIPEVENT (a76xx-at 8.4): every link is dead; knob cipevent_closes says what shows of it. */
void links_lost(struct sim *sim)
{
	const struct knobs *n = &sim->knobs;

	for (int l = 0; l < LINKS_MAX; l++) {
		struct link *k = &sim->link[l];
		bool was_open = k->state == LINK_OPEN, waits = k->parser_waits;

		if (k->state == LINK_FREE)
			continue;
		link_free(sim, l, true);
		k->parser_waits = false;
		k->told_at = sim->now;
		k->stale = knob_is(n, KNOB_STALE_OPEN_STATE, "on");
		if (was_open && knob_is(n, KNOB_CIPEVENT_CLOSES, "ipclose"))
			link_tell_closed(sim, l, 1);
		if (was_open && knob_is(n, KNOB_CIPEVENT_CLOSES, "zombie"))
			link_set_state(sim, l, LINK_ZOMBIE);
		if (waits)
			parser_done(sim, RESULT_ERROR);
	}
}

static void tell_local_close(struct sim *sim, int l, bool session)
{
	const struct knobs *n = &sim->knobs;
	bool closed = session || knob_is(n, KNOB_CLOSED_LINE, "always");

	if (knob_is(n, KNOB_IPCLOSE_ON_LOCAL, "before"))
		urc(sim, "+IPCLOSE: %d,0", l);
	if (closed && !sim->link[l].udp && !knob_is(n, KNOB_CLOSED_LINE, "never"))
		urc(sim, "CLOSED");
	urc(sim, "+CIPCLOSE: %d,0", l);
	if (knob_is(n, KNOB_IPCLOSE_ON_LOCAL, "after"))
		urc(sim, "+IPCLOSE: %d,0", l);
	sim->link[l].told_at = sim->now;
}

static void close_finish(struct sim *sim, int l, unsigned gen)
{
	struct link *k = &sim->link[l];
	bool session = l == 0 && sim->online.session, waits = k->parser_waits;

	if (k->state != LINK_CLOSING || k->gen != gen)
		return;
	if (k->tx_len && sim->now < k->deadline) {
		timer_set(&sim->timers, sim->now + 5 * MS, close_finish, l, gen);
		return;
	}
	link_free(sim, l, false);
	tell_local_close(sim, l, session);
	if (waits)
		parser_done(sim, RESULT_OK);
}

static enum result close_start(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];
	const struct knobs *n = &sim->knobs;
	bool never = knob_is(n, KNOB_CLOSE_DELAY, "never");
	bool urc_first = k->udp ? knob_is(n, KNOB_ORDER_UDP_CLOSE, "urc_first")
				: knob_is(n, KNOB_ORDER_TCP_CLOSE, "urc_first");

	link_discard_rx(k);
	if (knob_is(n, KNOB_CLOSE_UNSENT, "lost"))
		k->tx_len = 0;
	if (never) {
		link_free(sim, l, false);
		return RESULT_OK;
	}
	link_set_state(sim, l, LINK_CLOSING);
	k->deadline = sim->now + CLOSE_LIMIT;
	k->parser_waits = urc_first;
	timer_set(&sim->timers, sim->now + knob_num(n, KNOB_CLOSE_DELAY) * MS, close_finish, l,
		k->gen);
	return urc_first ? RESULT_PENDING : RESULT_OK;
}

static enum result close_list(struct sim *sim)
{
	char text[64] = "";
	const struct knobs *n = &sim->knobs;
	int fields = knob_is(n, KNOB_CLOSELIST_FIELDS, "10")  ? 10
		     : knob_is(n, KNOB_CLOSELIST_FIELDS, "9") ? 9
							      : 5;

	for (int l = 0; l < fields; l++) {
		struct link *k = &sim->link[l];
		bool listed = k->stale || k->state == LINK_OPEN || k->state == LINK_CLOSING ||
			      k->state == LINK_ZOMBIE;

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", l ? "," : "",
			listed);
	}
	for (int l = 0; l < LINKS_MAX; l++)
		sim->link[l].stale = false;
	say(sim, "+CIPCLOSE: %s", text);
	return RESULT_OK;
}

enum result cmd_cipclose(struct sim *sim, const struct call *call)
{
	struct link *k;
	long l;

	if (call->form == FORM_READ)
		return close_list(sim);
	if (!arg_int(call, 0, 0, knob_num(&sim->knobs, KNOB_LINKS) - 1, &l) || call->args != 1)
		return ip_error(sim, 12);
	k = &sim->link[l];
	if (k->state == LINK_FREE || k->state == LINK_CLOSING || k->state == LINK_ZOMBIE) {
		if (k->state == LINK_ZOMBIE)
			link_free(sim, (int)l, true);
		k->stale = false;
		say(sim, "+CIPCLOSE: %ld,4", l);
		return RESULT_ERROR;
	}
	return close_start(sim, (int)l);
}

int link_pick(struct sim *sim)
{
	int n = (int)knob_num(&sim->knobs, KNOB_LINKS);
	bool high = knob_is(&sim->knobs, KNOB_ACCEPT_LINK, "highest");

	for (int i = 0; i < n; i++) {
		int l = high ? n - 1 - i : i;

		if (sim->link[l].state == LINK_FREE)
			return l;
	}
	return -1;
}

/* NETOPEN forgets what was left of earlier links. */
void links_init(struct sim *sim)
{
	for (int l = 0; l < LINKS_MAX; l++) {
		link_free(sim, l, true);
		link_discard_rx(&sim->link[l]);
		sim->link[l].stale = false;
	}
}

void links_reset(struct sim *sim)
{
	links_init(sim);
	for (int l = 0; l < LINKS_MAX; l++) {
		sim->link[l].told_at = 0;
		sim->link[l].closed_at = 0;
		sim->link[l].parser_waits = false;
	}
}

static void link_event(struct sim *sim, int l, short revents)
{
	struct link *k = &sim->link[l];

	if (k->state == LINK_CONNECTING && (revents & (POLLOUT | POLLERR | POLLHUP))) {
		link_connect_event(sim, l);
		return;
	}
	if (revents & POLLOUT)
		link_flush(sim, l);
	if (k->state == LINK_OPEN && (revents & (POLLIN | POLLERR | POLLHUP)))
		receive_event(sim, l);
	else if (k->state == LINK_CLOSING && (revents & (POLLERR | POLLHUP)))
		k->tx_len = 0;
}

void links_watch(struct sim *sim, struct loop *loop)
{
	unsigned turn = sim->receive_turn++;

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		int l = (int)((turn + i) % LINKS_MAX);
		struct link *k = &sim->link[l];
		short events = 0;

		if (k->state == LINK_CONNECTING && !k->open_error)
			events = POLLOUT;
		if (k->tx_len && sim->send.uplink_clock <= sim->now)
			events |= POLLOUT;
		if (receive_wanted(sim, l))
			events |= POLLIN;
		if (events) /* hang-ups are level-triggered: nothing wanted, nothing watched */
			loop_watch(loop, k->fd, events, link_event, l);
	}
	servers_watch(sim, loop);
	resolve_watch(sim, loop);
}

void links_run(struct sim *sim)
{
	for (int l = 0; l < LINKS_MAX; l++) {
		struct link *k = &sim->link[l];

		if ((k->state == LINK_CONNECTING || k->state == LINK_RESOLVING) &&
			sim->now >= k->deadline)
			link_open_failed(sim, l, 10);
		if (k->tx_len)
			link_flush(sim, l);
	}
	online_flush(sim);
	confirms_run(sim);
	receive_run(sim);
}

int64_t links_deadline(struct sim *sim)
{
	int64_t next = confirms_deadline(sim);

	for (int l = 0; l < LINKS_MAX; l++) {
		struct link *k = &sim->link[l];
		int64_t at = receive_deadline(sim, l);

		if (k->state == LINK_CONNECTING || k->state == LINK_RESOLVING)
			at = k->deadline < at ? k->deadline : at;
		if (k->tx_len && sim->send.uplink_clock > sim->now && sim->send.uplink_clock < at)
			at = sim->send.uplink_clock;
		next = at < next ? at : next;
	}
	return next;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UDP: mappings of host sockets to links.
 *
 * In push mode a datagram from the module names its link and its source, so (link, remote) tells
 * whose it is and one link carries many remotes of many host sockets; a second host socket that
 * talks to a remote already taken on one link uses another (decision 23). In buffer mode the module
 * reports neither source nor boundary: there a link has exactly one remote.
 *
 * A host socket keeps its link for all its remotes where it can (endpoint-independent mapping,
 * RFC 4787 REQ-1); what comes from a remote that nobody has sent to is dropped and counted. A link
 * is closed when its last mapping ends. Looking up a mapping is a walk over the table: at the pace of
 * a serial line it is not worth an index.
 */
#include "gateway.h"

#include <errno.h>
#include <string.h>

#include "util/log.h"

#define IP_UDP_V4 28 /* header bytes of IPv4 and UDP */
#define IP_UDP_V6 48
#define OPEN_PAUSE MSEC(300)
#define OPEN_ATTEMPTS 30 /* nine seconds; a resolver's client has given up by then */

static usec_t mapping_limit(const struct gateway *gw, const struct mapping *m)
{
	return m->dns || m->remote.port == 53 ? gw->config->udp.dns_timeout :
						gw->config->udp.timeout;
}

static struct mapping *mapping_find(struct gateway *gw, const struct endpoint *local,
	const struct endpoint *remote, bool dns)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &gw->mappings[i];

		if (m->used && m->dns == dns && endpoint_equal(&m->remote, remote) &&
			(dns || endpoint_equal(&m->local, local)))
			return m;
	}
	return NULL;
}

static struct mapping *mapping_of_link(const struct link *l, const struct endpoint *remote)
{
	struct gateway *gw = l->unit->gw;

	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &gw->mappings[i];

		if (m->used && m->link == l && (!remote || endpoint_equal(&m->remote, remote)))
			return m;
	}
	return NULL;
}

static void mapping_event(const struct mapping *m, const char *what, const char *why)
{
	struct gateway *gw = m->link->unit->gw;

	if (event_wanted(gw, EVENT_FLOW))
		gw->ops->event(gw->user, &(struct gateway_event){
			.kind = EVENT_FLOW, .what = what, .why = why, .mapping = m});
}

void udp_mapping_drop(struct mapping *m, const char *why)
{
	struct link *l = m->link;

	mapping_event(m, "end", why);
	m->used = false;
	if (--l->mappings == 0) {
		modem_close(l->unit->modem, l->number);
		udp_link_closed(l);
	}
}

static bool mapping_busy(const struct gateway *gw, const struct mapping *m)
{
	return m->dns && dns_pending(gw, m->link, &m->remote);
}

/* A free slot, or that of the mapping that was silent for longest and owes nobody an answer. */
static struct mapping *mapping_slot(struct gateway *gw)
{
	struct mapping *oldest = NULL;

	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &gw->mappings[i];

		if (!m->used)
			return m;
		if ((!oldest || m->active < oldest->active) && !mapping_busy(gw, m))
			oldest = m;
	}
	if (oldest)
		udp_mapping_drop(oldest, "its place is needed");
	return oldest;
}

/* ---- links ---- */

static bool local_uses(const struct gateway *gw, const struct link *l, const struct endpoint *local)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		const struct mapping *m = &gw->mappings[i];

		if (m->used && m->link == l && !m->dns && endpoint_equal(&m->local, local))
			return true;
	}
	return false;
}

/* An existing link that can carry one more mapping to @remote. */
static struct link *shared_link(struct gateway *gw, struct unit *u, const struct endpoint *local,
	const struct endpoint *remote, bool dns)
{
	bool push = modem_receive_mode(u->modem) == MODEM_RECEIVE_PUSH;
	struct link *best = NULL;

	for (unsigned i = 0; i < MODEM_LINKS && push; i++) {
		struct link *l = &u->links[i];

		if (l->use != LINK_UDP || l->mappings == 0 || mapping_of_link(l, remote))
			continue;
		if (!dns && local_uses(gw, l, local))
			return l;
		if (!best || l->mappings < best->mappings)
			best = l;
	}
	return best;
}

/* A port of the dynamic range (RFC 6335) that no other link of the module has: an off-path sender
 * has to guess it (RFC 6056). */
static uint16_t random_port(struct gateway *gw, const struct unit *u)
{
	for (;;) {
		uint16_t port;
		bool taken = false;

		gw->ops->random(gw->user, &port, sizeof(port));
		port |= 0xc000;
		for (unsigned i = 0; i < MODEM_LINKS; i++)
			taken |= u->links[i].use == LINK_UDP && u->links[i].local_port == port;
		if (!taken)
			return port;
	}
}

/* @remote: its one remote in transparent mode, else unused. */
static bool start_open(struct link *l, const struct endpoint *remote)
{
	struct gateway *gw = l->unit->gw;
	struct modem *m = l->unit->modem;

	l->local_port = random_port(gw, l->unit);
	l->since = gw->now;
	l->use = LINK_UDP;
	if (modem_links(m) == 1)
		return modem_open_udp_to(m, l->number, l->local_port, remote) == 0;
	return modem_open_udp(m, l->number, l->local_port) == 0;
}

bool udp_make_room(struct gateway *gw)
{
	struct mapping *oldest = NULL;

	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &gw->mappings[i];

		if (m->used && !m->dns && (!oldest || m->active < oldest->active))
			oldest = m;
	}
	if (!oldest)
		return false;
	modem_close(oldest->link->unit->modem, oldest->link->number);
	udp_link_closed(oldest->link);
	return true;
}

/* In buffer mode a link has one remote, so that a few remotes take all links there are for UDP. */
static struct link *open_link(struct gateway *gw, struct unit *u, const struct endpoint *remote,
	bool dns)
{
	bool buffer = modem_receive_mode(u->modem) == MODEM_RECEIVE_BUFFER;
	struct link *l;

	/* Transparent mode: a query would keep the line from everybody else, or wait for ever. */
	if (modem_links(u->modem) == 1 && (dns || !gw->config->transparent.udp))
		return NULL;
	if (unit_links_in_use(u, LINK_UDP) >= gw->config->links.udp &&
		!(gw->config->links.udp > 0 && dns && buffer && udp_make_room(gw)))
		return NULL;
	l = unit_free_link(u);
	if (!l)
		return NULL;
	l->open = false;
	link_count_anew(l);
	l->mappings = l->attempts = 0;
	l->dns_stream.n = 0;
	if (!start_open(l, remote)) {
		link_release(l);
		return NULL;
	}
	return l;
}

struct mapping *udp_mapping(struct gateway *gw, const struct endpoint *local,
	const struct endpoint *remote, bool dns)
{
	struct unit *u = &gw->units[0];
	struct mapping *m = mapping_find(gw, local, remote, dns);
	struct link *l;

	if (m)
		return m;
	l = shared_link(gw, u, local, remote, dns);
	if (!l)
		l = open_link(gw, u, remote, dns);
	if (!l)
		return NULL;
	l->mappings++; /* before a slot is made: that may end the last mapping of a link */
	m = mapping_slot(gw);
	if (!m) {
		l->mappings--;
		return NULL;
	}
	*m = (struct mapping){
		.used = true, .dns = dns, .link = l, .remote = *remote, .id = ++gw->next_id,
		.created = gw->now, .active = gw->now,
	};
	if (!dns) {
		m->local = *local;
		m->owned = gw->ops->owner(gw->user, false, local, remote, &m->owner) == 0;
	}
	mapping_event(m, "new", NULL);
	return m;
}

/* ---- host side ---- */

static struct datagram *datagram_new(struct gateway *gw)
{
	struct datagram *d;

	if (list_empty(&gw->free_datagrams))
		return gw->datagrams_touched < DATAGRAMS_MAX ?
			&gw->datagram_pool[gw->datagrams_touched++] : NULL;
	d = list_entry(gw->free_datagrams.next, struct datagram, node);
	list_del(&d->node);
	return d;
}

/* The last datagram of the longest queue gives way to a DNS query. */
static struct datagram *datagram_steal(struct unit *u)
{
	struct link *longest = &u->links[0];
	struct datagram *d;

	for (unsigned i = 1; i < MODEM_LINKS; i++)
		if (u->links[i].queued > longest->queued)
			longest = &u->links[i];
	if (longest->queued == 0)
		return NULL;
	d = list_entry(longest->datagrams.prev, struct datagram, node);
	list_del(&d->node);
	longest->queued--;
	u->gw->count.udp_dropped_queue++;
	return d;
}

int udp_queue(struct gateway *gw, struct mapping *m, const struct stack_datagram *d,
	const uint8_t *p, bool urgent)
{
	struct link *l = m->link;
	struct datagram *out = NULL;

	/* A burst of DNS queries is bounded by the pool alone: each of them is somebody waiting. */
	if (urgent || l->queued < DATAGRAMS_LINK_MAX)
		out = datagram_new(gw);
	if (!out && urgent)
		out = datagram_steal(&gw->units[0]);
	if (!out) {
		gw->count.udp_dropped_queue++;
		return -ENOBUFS;
	}
	out->local = d->local;
	out->remote = d->remote;
	out->to = m->remote;
	out->dscp = d->dscp;
	out->df = d->df;
	out->len = (uint16_t)d->n;
	memcpy(out->p, p, d->n);
	list_add_tail(urgent ? &l->urgent : &l->datagrams, &out->node);
	l->queued += !urgent;
	m->active = gw->now;
	m->tx_bytes += d->n;
	rate_add(&m->tx_rate, gw->now, d->n);
	if (l->open && urgent)
		sched_urgent(l);
	else if (l->open)
		sched_ready(l);
	return 0;
}

/* What CIPSEND and the path carry in one piece (decision 5). */
static bool too_large(struct gateway *gw, const struct stack_datagram *d)
{
	bool v4 = d->remote.addr.family == 4;
	size_t max = v4 ? MODEM_UDP_MAX_V4 : MODEM_UDP_MAX_V6;

	if (d->n <= max)
		return false;
	gw->count.udp_dropped_too_large++;
	stack_udp_too_big(gw->stack, d, (unsigned)max + (v4 ? IP_UDP_V4 : IP_UDP_V6));
	return true;
}

void udp_datagram(struct gateway *gw, const struct stack_datagram *d)
{
	const struct unit *u = &gw->units[0];
	struct mapping *m;

	if (!u->up || gw->stopping) {
		stack_udp_refuse(gw->stack, d, STACK_ANSWER_NET_UNREACH);
		return;
	}
	/* An empty datagram has no CIPSEND form (length 1-1500). */
	if (too_large(gw, d) || d->n == 0 || dns_query(gw, d)) {
		gw->count.udp_dropped_send += d->n == 0;
		return;
	}
	if (d->remote.addr.family != u->address.family) {
		stack_udp_refuse(gw->stack, d, STACK_ANSWER_NET_UNREACH);
		return;
	}
	m = udp_mapping(gw, &d->local, &d->remote, false);
	if (!m) {
		gw->count.udp_dropped_no_link++;
		stack_udp_refuse(gw->stack, d, STACK_ANSWER_PROHIBITED);
		return;
	}
	udp_queue(gw, m, d, d->p, false);
}

/* ---- module side ---- */

static void give_back(struct gateway *gw, struct datagram *d)
{
	list_add_tail(&gw->free_datagrams, &d->node);
}

/* Frees what is queued, telling the senders if @answer is wanted. */
static void drop_queue(struct link *l, struct list *queue, bool tell)
{
	struct gateway *gw = l->unit->gw;
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, queue) {
		struct datagram *d = list_entry(pos, struct datagram, node);
		struct stack_datagram out = {
			.local = d->local, .remote = d->remote, .p = d->p, .n = d->len,
			.dscp = d->dscp, .df = d->df,
		};

		if (tell)
			stack_udp_refuse(gw->stack, &out, STACK_ANSWER_NET_UNREACH);
		list_del(&d->node);
		give_back(gw, d);
	}
}

static void drop_all(struct link *l, bool tell)
{
	struct gateway *gw = l->unit->gw;

	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		if (!gw->mappings[i].used || gw->mappings[i].link != l)
			continue;
		mapping_event(&gw->mappings[i], "end", "its link is gone");
		gw->mappings[i].used = false;
	}
	l->mappings = 0;
	gw->count.udp_dropped_no_link += tell ? 0 : l->queued;
	drop_queue(l, &l->urgent, tell);
	drop_queue(l, &l->datagrams, tell);
	l->queued = 0;
	sched_remove(l);
	dns_link_gone(l);
}

/* Not now, or not by this number: nobody is told, it is opened again in a moment. */
static bool open_again(struct link *l, int result)
{
	struct gateway *gw = l->unit->gw;

	if (result == MODEM_OPEN_BUSY)
		l->unit->one_at_a_time = true;
	else if (result == MODEM_OPEN_NOT_SUPPORTED || result == MODEM_OPEN_SOCKETS_OPENED)
		l->refused = gw->now;
	else
		return false;
	if (l->mappings == 0 || ++l->attempts > OPEN_ATTEMPTS)
		return false;
	l->retry = gw->now + OPEN_PAUSE;
	return true;
}

void udp_link_opened(struct link *l, int result)
{
	struct gateway *gw = l->unit->gw;

	if (result == MODEM_OPEN_OK) {
		l->open = true;
		l->refused = 0;
		l->attempts = 0;
		l->since = gw->now;
		if (l->mappings == 0)
			modem_close(l->unit->modem, l->number);
		else
			sched_ready(l);
		return;
	}
	if (open_again(l, result))
		return;
	if (result != MODEM_OPEN_CANCELLED && result != MODEM_OPEN_LOST)
		log_warn("modem%u link %u: a UDP socket could not be opened: %s", l->unit->index,
			l->number, modem_open_result_name(result));
	drop_all(l, true);
}

/* All that hangs on @from hangs on @to from now on. */
static void move_link(struct link *from, struct link *to)
{
	struct gateway *gw = from->unit->gw;
	struct list *pos, *tmp;

	for (unsigned i = 0; i < MAPPINGS_MAX; i++)
		if (gw->mappings[i].used && gw->mappings[i].link == from)
			gw->mappings[i].link = to;
	dns_link_moved(from, to);
	list_for_each_safe (pos, tmp, &from->urgent) {
		list_del(pos);
		list_add_tail(&to->urgent, pos);
	}
	list_for_each_safe (pos, tmp, &from->datagrams) {
		list_del(pos);
		list_add_tail(&to->datagrams, pos);
	}
	to->mappings = from->mappings;
	to->queued = from->queued;
	to->attempts = from->attempts;
	to->open = false;
	link_count_anew(to);
	to->dns_stream.n = 0;
	from->mappings = from->queued = 0;
	link_release(from);
}

static void retry_open(struct link *l)
{
	struct link *to;

	l->retry = 0;
	if (l->mappings == 0) {
		link_release(l);
		return;
	}
	l->use = LINK_UNUSED; /* a candidate like the others, unless it was refused */
	to = unit_free_link(l->unit);
	if (to != l)
		move_link(l, to);
	if (!start_open(to, &mapping_of_link(to, NULL)->remote)) {
		drop_all(to, true);
		link_release(to);
	}
}

void udp_link_taken(struct link *l)
{
	struct link *to = l->mappings ? unit_free_link(l->unit) : NULL;

	l->retry = 0;
	if (!to) {
		drop_all(l, true);
		link_release(l);
		return;
	}
	move_link(l, to);
	if (!start_open(to, &mapping_of_link(to, NULL)->remote)) {
		drop_all(to, true);
		link_release(to);
	}
}

static bool can_retry(const struct link *l)
{
	return l->retry && modem_link_state(l->unit->modem, l->number) == MODEM_LINK_FREE;
}

void udp_bearer_lost(struct unit *u)
{
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		struct link *l = &u->links[i];

		if (!l->retry)
			continue;
		l->retry = 0;
		drop_all(l, true);
		link_release(l);
	}
}

/* A link with several remotes cannot tell them apart in buffer mode (decision 9). */
void udp_mode_changed(struct unit *u, enum modem_receive mode)
{
	for (unsigned i = 0; i < MODEM_LINKS && mode == MODEM_RECEIVE_BUFFER; i++) {
		struct link *l = &u->links[i];

		if (l->use == LINK_UDP && l->mappings > 1) {
			modem_close(u->modem, i);
			udp_link_closed(l);
		}
	}
}

void udp_link_closed(struct link *l)
{
	l->open = false;
	if (l->sending) {
		give_back(l->unit->gw, l->sending);
		l->sending = NULL;
	}
	drop_all(l, false);
}

void udp_link_sent(struct link *l, size_t n)
{
	struct gateway *gw = l->unit->gw;

	link_sent(l, n);
	if (n > 0)
		gw->count.udp_sent++;
	else
		gw->count.udp_dropped_send++;
	if (l->sending)
		give_back(gw, l->sending);
	l->sending = NULL;
	if (!list_empty(&l->urgent) || !list_empty(&l->datagrams))
		sched_ready(l);
}

void udp_link_data(struct link *l, const uint8_t *p, size_t n, const struct endpoint *src)
{
	struct gateway *gw = l->unit->gw;
	struct mapping *m = mapping_of_link(l, src);

	link_received(l, n);
	if (!m) {
		gw->count.udp_dropped_unknown_source++;
		return;
	}
	m->rx_bytes += n;
	rate_add(&m->rx_rate, gw->now, n);
	m->active = gw->now;
	if (m->dns) {
		if (src)
			dns_answer(m, p, n);
		else
			dns_stream(m, p, n);
		return;
	}
	gw->count.udp_unframed += !src;
	gw->count.udp_received++;
	stack_udp_send(gw->stack, &m->remote, &m->local, p, n);
}

/* ---- timers ---- */

void udp_timers(struct gateway *gw)
{
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		struct link *l = &gw->units[0].links[i];

		if (can_retry(l) && gw->now >= l->retry)
			retry_open(l);
	}
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		struct mapping *m = &gw->mappings[i];

		if (m->used && gw->now - m->active >= mapping_limit(gw, m) && !mapping_busy(gw, m))
			udp_mapping_drop(m, "silent for long enough");
	}
}

usec_t udp_deadline(const struct gateway *gw)
{
	usec_t at = USEC_NEVER;

	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		const struct mapping *m = &gw->mappings[i];

		if (m->used && !mapping_busy(gw, m))
			at = usec_min(at, m->active + mapping_limit(gw, m));
	}
	for (unsigned i = 0; i < MODEM_LINKS; i++)
		if (can_retry(&gw->units[0].links[i]))
			at = usec_min(at, gw->units[0].links[i].retry);
	return at;
}

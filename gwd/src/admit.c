/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who gets a link when: held SYNs wait here for one of nine links and one of the few places in the
 * act of connecting.
 *
 * Order: interactive flows first; then destinations that worked lately, unknown ones, slow ones;
 * then the source that holds the fewest links; then age. One place in the act of connecting goes to
 * the newest flow instead of the oldest, so that a crowd of dead destinations delays a live one by
 * the patience below at most, not by their number.
 *
 * Under pressure (a flow waits and nothing is free) finished flows that only wait for a late answer
 * lose their link first; then an open that has had its patience goes back to waiting behind the
 * others, its SYN still held, until its own connect time-out has passed. A module that does not give
 * the number of such an open back would soon have none left: at most two are lost that way at a time,
 * and slow destinations never get the last two links.
 */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"

#define PATIENCE SEC(4)	 /* a SYN lost on the air is repeated after 1 s and after 3 s */
#define CLOSE_PATIENCE SEC(2) /* AT reference 8.1: usually less than 100 ms */
#define LINKS_NOT_SLOW 2 /* of nine, out of reach for slow destinations */
#define GIVEN_UP_MAX 2	 /* numbers of opens that were given up and are not free yet */

static unsigned links_of_source(const struct unit *u, const struct addr *source)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEM_LINKS; i++)
		n += u->links[i].flow && addr_equal(&u->links[i].flow->local.addr, source);
	return n;
}

struct rank {
	int class;
	int verdict;
	unsigned links;
	usec_t age;
};

static struct rank rank_of(const struct gateway *gw, const struct unit *u, const struct flow *f)
{
	enum dest_verdict v = dest_lookup(gw, &f->remote);

	return (struct rank){
		.class = f->class == FLOW_INTERACTIVE,
		.verdict = v == DEST_ALIVE ? 2 : v == DEST_SLOW ? 0 : 1,
		.links = links_of_source(u, &f->local.addr),
		.age = gw->now - f->created,
	};
}

static bool goes_before(const struct rank *a, const struct rank *b, bool newest)
{
	if (a->class != b->class)
		return a->class > b->class;
	if (a->verdict != b->verdict)
		return a->verdict > b->verdict;
	if (a->links != b->links)
		return a->links < b->links;
	return newest ? a->age < b->age : a->age > b->age;
}

/* Opens that may be under way at once. */
static unsigned connecting_max(const struct unit *u)
{
	return u->one_at_a_time ? 1 : u->gw->config->links.connecting;
}

static bool is_slow(const struct gateway *gw, const struct flow *f)
{
	return f->first_open || dest_lookup(gw, &f->remote) == DEST_SLOW;
}

/* NULL: the flow can be opened now. Otherwise what it waits for. */
static const char *obstacle(const struct gateway *gw, const struct unit *u, const struct flow *f)
{
	unsigned tcp = unit_links_in_use(u, LINK_TCP);
	unsigned limit = dns_needs_no_link(gw) ? MODEM_LINKS : TCP_LINKS_MAX, kept = 0;
	unsigned others = unit_links_in_use(u, LINK_UDP) + unit_links_in_use(u, LINK_DNS);

	if (f->class == FLOW_BULK)
		kept = gw->config->links.reserved;
	if (is_slow(gw, f) && kept < LINKS_NOT_SLOW)
		kept = LINKS_NOT_SLOW;
	limit -= kept;
	if (unit_line_taken(u))
		return "the flow that has the line";
	if (u->connecting >= connecting_max(u))
		return "a place in the act of connecting";
	if (tcp >= limit || tcp + others >= MODEM_LINKS)
		return "a free link";
	if (!buffer_available(gw))
		return "a receive buffer";
	return NULL;
}

/* One that has ended but is still being closed in the module is no reason: that takes seconds. */
bool admit_refuses(const struct unit *u)
{
	const struct gateway *gw = u->gw;
	const struct link *l = &u->links[0];

	if (modem_links(u->modem) > 1 || gw->config->transparent.busy != CONFIG_BUSY_REFUSE)
		return false;
	return l->flow || l->mappings || !list_empty(&gw->waiting);
}

/* The flow to be opened next; NULL if none can be. */
static struct flow *pick(struct gateway *gw, const struct unit *u, bool newest)
{
	struct flow *best = NULL;
	struct rank best_rank = {0};

	for (struct list *pos = gw->waiting.next; pos != &gw->waiting; pos = pos->next) {
		struct flow *f = list_entry(pos, struct flow, node);
		struct rank r;

		if (f->retry > gw->now || obstacle(gw, u, f))
			continue;
		r = rank_of(gw, u, f);
		if (!best || goes_before(&r, &best_rank, newest)) {
			best = f;
			best_rank = r;
		}
	}
	return best;
}

/* The open that has tried longest, if its patience is over; one without a client has none. */
static struct link *slowest_open(struct gateway *gw, struct unit *u)
{
	struct link *slowest = NULL;

	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		struct link *l = &u->links[i];

		if (l->use != LINK_TCP || modem_link_state(u->modem, i) != MODEM_LINK_OPENING)
			continue;
		if (!l->flow)
			return l;
		if (gw->now - l->flow->changed >= PATIENCE &&
			(!slowest || l->flow->changed < slowest->flow->changed))
			slowest = l;
	}
	return slowest;
}

static unsigned given_up(const struct unit *u)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEM_LINKS; i++)
		n += u->links[i].use == LINK_TCP && !u->links[i].open && !u->links[i].flow;
	return n;
}

/* Whether each waiting flow will have one of the links that are being closed. One whose close takes
 * long (tens of seconds were seen, AT reference 8.1) is not counted on. */
static bool enough_closing(const struct gateway *gw, const struct unit *u)
{
	unsigned closing = 0;

	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		const struct link *l = &u->links[i];

		closing += l->use == LINK_TCP && !l->flow && gw->now < l->ended + CLOSE_PATIENCE;
	}
	for (const struct list *pos = gw->waiting.next; pos != &gw->waiting; pos = pos->next)
		if (closing-- == 0)
			return false;
	return true;
}

/* Makes room for a waiting flow. An open is given up only for its place in the act of
 * connecting: its number may stay taken, and a module that opens one at a time stays busy. */
static void relieve(struct gateway *gw, struct unit *u)
{
	struct link *l;

	if (!buffer_available(gw)) {
		flow_reclaim(gw, FLOW_DELIVER);
		return;
	}
	if (u->connecting < connecting_max(u)) {
		if (!enough_closing(gw, u) && !dns_tcp_yield(gw))
			flow_reclaim(gw, FLOW_LINGER);
		return;
	}
	if (u->one_at_a_time || given_up(u) >= GIVEN_UP_MAX)
		return;
	l = slowest_open(gw, u);
	if (!l)
		return;
	if (l->flow) {
		gw->count.tcp_preempted++;
		dest_remember(gw, &l->flow->remote, DEST_SLOW);
	}
	modem_close(u->modem, l->number); /* tcp_link_opened(CANCELLED) puts the flow back */
}

static void open_link(struct gateway *gw, struct unit *u, struct flow *f)
{
	struct link *l = unit_free_link(u);
	char name[FLOW_NAME_LEN];
	int rc;

	if (!l) {
		f->retry = gw->now + MSEC(100);
		return;
	}
	rc = modem_open_tcp(u->modem, l->number, &f->remote);
	if (rc < 0) {
		log_warn("%s: link %u: %s", flow_name(f, name), l->number, strerror(-rc));
		gw->count.tcp_unreachable++;
		flow_refuse(gw, f, STACK_ANSWER_NET_UNREACH);
		return;
	}
	buffer_take(gw, f);
	l->use = LINK_TCP;
	l->open = false;
	l->since = gw->now;
	link_count_anew(l);
	l->flow = f;
	f->link = l;
	if (f->first_open == 0)
		f->first_open = gw->now;
	u->connecting++;
	flow_enter(gw, f, FLOW_OPENING);
	/* Being put back to wait does not buy more time than tcp.connect_timeout. */
	f->deadline -= gw->now - f->first_open;
}

/* Flows that were put back and have had their connect time-out while waiting. */
static void expire_put_back(struct gateway *gw)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &gw->waiting) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->first_open && gw->now - f->first_open >= gw->config->tcp.connect_timeout) {
			gw->count.tcp_unreachable++;
			dest_remember(gw, &f->remote, DEST_UNREACHABLE);
			flow_refuse(gw, f, STACK_ANSWER_HOST_UNREACH);
		}
	}
}

const char *admit_why(const struct gateway *gw, const struct flow *f)
{
	const struct unit *u = &gw->units[0];
	const char *why;

	if (f->state != FLOW_WAITING)
		return NULL;
	if (f->retry > gw->now)
		return "the module, which was busy";
	why = obstacle(gw, u, f);
	return why ? why : "its turn";
}

void admit_run(struct gateway *gw)
{
	struct unit *u = &gw->units[0];

	gw->admit_again = false;
	expire_put_back(gw);
	while (u->up && !list_empty(&gw->waiting)) {
		unsigned places = connecting_max(u);
		struct flow *f = pick(gw, u, places > 1 && u->connecting + 1 == places);

		if (!f) {
			relieve(gw, u);
			return;
		}
		open_link(gw, u, f);
	}
}

usec_t admit_deadline(const struct gateway *gw)
{
	const struct unit *u = &gw->units[0];
	usec_t at = USEC_NEVER;

	if (list_empty(&gw->waiting))
		return USEC_NEVER;
	if (gw->admit_again)
		return 0;
	for (const struct list *pos = gw->waiting.next; pos != &gw->waiting; pos = pos->next) {
		const struct flow *f = list_entry(pos, struct flow, node);

		if (f->retry > gw->now)
			at = usec_min(at, f->retry);
		if (f->first_open)
			at = usec_min(at, f->first_open + gw->config->tcp.connect_timeout);
	}
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		const struct flow *f = u->links[i].flow;

		if (!f && u->links[i].use == LINK_TCP && u->links[i].ended + CLOSE_PATIENCE > gw->now)
			at = usec_min(at, u->links[i].ended + CLOSE_PATIENCE);
		if (f && f->state == FLOW_OPENING && f->changed + PATIENCE > gw->now)
			at = usec_min(at, f->changed + PATIENCE);
	}
	return usec_min(at, flow_reclaim_deadline(gw));
}

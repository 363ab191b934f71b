/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a TCP flow: its states with their time-outs, how it begins and the ways it ends. What
 * moves the bytes in between is tcp.c.
 */
#include "gateway.h"

#include <errno.h>

#include "util/log.h"

#define WAIT_LIMIT SEC(30)	/* decision 18 */
#define OPEN_GRACE MSEC(500)	/* the module's own time-out has the same value; let it speak first */
#define HANDSHAKE_LIMIT SEC(20) /* the host is on this machine or one hop away */
#define SEND_STALL_LIMIT SEC(120)
#define CONFIRM_STALL_LIMIT SEC(30)
#define DELIVER_STALL_LIMIT SEC(600)
#define CLOSED_LIMIT SEC(120)
#define GAVE_UP_CHECK SEC(2)
#define RECLAIM_IDLE SEC(1)

/* The socket state of a connecting client: any other means that it gave up. */
enum { DIAG_SYN_SENT = 2 };

/* ---- states ---- */

static usec_t open_limit(const struct gateway *gw)
{
	return gw->config->tcp.connect_timeout + OPEN_GRACE;
}

static usec_t idle_limit(const struct gateway *gw)
{
	return gw->config->tcp.idle_timeout ? gw->config->tcp.idle_timeout : USEC_NEVER;
}

static usec_t linger_limit(const struct gateway *gw)
{
	return gw->config->tcp.linger;
}

static void expire_waiting(struct gateway *gw, struct flow *f)
{
	/* One that was tried and put back hears of its destination, not of the queue. */
	flow_refuse(gw, f, f->first_open ? STACK_ANSWER_HOST_UNREACH : STACK_ANSWER_RST);
}

static void expire_opening(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;

	dest_remember(gw, &f->remote, DEST_UNREACHABLE);
	gw->count.tcp_unreachable++;
	flow_refuse(gw, f, STACK_ANSWER_HOST_UNREACH);
	modem_close(l->unit->modem, l->number);
}

static void expire_stalled(struct gateway *gw, struct flow *f)
{
	flow_reset(gw, f, &gw->count.tcp_reset_idle, "no progress");
}

static void expire_connect(struct gateway *gw, struct flow *f)
{
	stack_tcp_abort(f->tcp);
	forward_refused(gw, f, "its server does not answer");
}

static void expire_idle(struct gateway *gw, struct flow *f)
{
	flow_reset(gw, f, &gw->count.tcp_reset_idle, "idle for tcp.idle_timeout");
}

/* No news from CIPACK. Bytes that are known not to have reached the peer end in RST, never in FIN. */
static void expire_confirm(struct gateway *gw, struct flow *f)
{
	if (f->unacked > 0)
		flow_reset(gw, f, &gw->count.tcp_reset_unconfirmed, "the peer does not acknowledge");
	else
		flow_enter(gw, f, FLOW_LINGER);
}

static void expire_linger(struct gateway *gw, struct flow *f)
{
	flow_reset(gw, f, &gw->count.tcp_reset_linger, "half-closed for tcp.linger");
}

/*
 * Each state, how long it may last and what happens then. "idle" ones count from the last byte
 * moved, the others from the moment the state was entered.
 */
static const struct {
	const char *name;
	usec_t fixed;
	usec_t (*option)(const struct gateway *gw); /* instead, where the configuration says */
	bool idle;
	void (*expired)(struct gateway *gw, struct flow *f);
} states[] = {
	[FLOW_FREE] = {"free", 0, NULL, false, NULL},
	[FLOW_WAITING] = {"waiting", WAIT_LIMIT, NULL, false, expire_waiting},
	[FLOW_OPENING] = {"opening", 0, open_limit, false, expire_opening},
	[FLOW_HANDSHAKE] = {"handshake", HANDSHAKE_LIMIT, NULL, false, expire_stalled},
	[FLOW_CONNECT] = {"connect", HANDSHAKE_LIMIT, NULL, false, expire_connect},
	[FLOW_OPEN] = {"open", 0, idle_limit, true, expire_idle},
	[FLOW_HOST_FIN] = {"host-fin", SEND_STALL_LIMIT, NULL, true, expire_stalled},
	[FLOW_CONFIRM] = {"confirm", CONFIRM_STALL_LIMIT, NULL, true, expire_confirm},
	[FLOW_LINGER] = {"linger", 0, linger_limit, true, expire_linger},
	[FLOW_DELIVER] = {"deliver", DELIVER_STALL_LIMIT, NULL, true, expire_stalled},
	[FLOW_CLOSED] = {"closed", CLOSED_LIMIT, NULL, false, expire_stalled},
};
_Static_assert(sizeof(states) / sizeof(states[0]) == FLOW_CLOSED + 1, "a row for each state");

const char *flow_state_name(enum flow_state s)
{
	return states[s].name;
}

static usec_t flow_limit(const struct gateway *gw, const struct flow *f)
{
	/* A half-close whose owner lives may take as long as an open flow. */
	if (f->half_closed)
		return idle_limit(gw);
	return states[f->state].option ? states[f->state].option(gw) : states[f->state].fixed;
}

void flow_arm(struct gateway *gw, struct flow *f)
{
	usec_t limit = flow_limit(gw, f);
	usec_t from = states[f->state].idle && f->active > f->changed ? f->active : f->changed;

	if (f->state == FLOW_WAITING)
		from = f->created; /* being put back to wait buys no time */

	f->deadline = limit == USEC_NEVER ? USEC_NEVER : from + limit;
}

void flow_touch(struct gateway *gw, struct flow *f)
{
	f->active = gw->now;
	if (states[f->state].idle && f->deadline != USEC_NEVER)
		flow_arm(gw, f);
}

static void flow_event(struct gateway *gw, const struct flow *f, const char *what, const char *why)
{
	if (event_wanted(gw, EVENT_FLOW))
		gw->ops->event(gw->user, &(struct gateway_event){
			.kind = EVENT_FLOW, .what = what, .why = why, .flow = f});
}

void flow_enter(struct gateway *gw, struct flow *f, enum flow_state state)
{
	bool is_new = f->state == FLOW_FREE;
	char name[FLOW_NAME_LEN];

	log_debug("%s: %s -> %s", flow_name(f, name), states[f->state].name, states[state].name);
	list_del(&f->node);
	list_add_tail(state == FLOW_WAITING ? &gw->waiting : &gw->flows, &f->node);
	f->state = state;
	f->changed = gw->now;
	f->polls = 0;
	f->half_closed = false;
	f->check = state <= FLOW_OPENING ? gw->now + GAVE_UP_CHECK : USEC_NEVER;
	flow_arm(gw, f);
	flow_event(gw, f, is_new ? "new" : "state", NULL);
	if (state == FLOW_CONFIRM)
		tcp_confirm_begin(gw, f);
	else if (state == FLOW_LINGER)
		tcp_linger_check(gw, f);
}

/* ---- beginning and ends ---- */

/* Programs that keep sockets which their peers have closed must not stop others from connecting: the
 * oldest such flow makes room. It owes the host nothing but an answer to its FIN. */
static void forget_closed(struct gateway *gw)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &gw->flows) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->state == FLOW_CLOSED) {
			flow_reset(gw, f, &gw->count.tcp_reset_reclaimed, "what it holds is needed");
			return;
		}
	}
}

struct flow *flow_new(struct gateway *gw, struct stack_tcp *tcp,
	const struct endpoint *local, const struct endpoint *remote)
{
	struct flow *f;

	if (list_empty(&gw->free_flows) && gw->flows_touched == FLOWS_MAX)
		forget_closed(gw);
	if (!list_empty(&gw->free_flows)) {
		f = list_entry(gw->free_flows.next, struct flow, node);
		list_del(&f->node);
	} else if (gw->flows_touched < FLOWS_MAX) {
		f = &gw->flow_pool[gw->flows_touched++];
	} else {
		return NULL;
	}
	*f = (struct flow){
		.tcp = tcp, .local = *local, .remote = *remote, .seen = *remote, .id = ++gw->next_id,
		.created = gw->now, .active = gw->now,
	};
	list_init(&f->node);
	gw->n_flows++;
	stack_tcp_set_user(tcp, f);
	return f;
}

void flow_free(struct gateway *gw, struct flow *f, const char *why)
{
	char name[FLOW_NAME_LEN];

	log_debug("%s: gone, %llu bytes sent, %llu received", flow_name(f, name),
		(unsigned long long)f->tx_bytes, (unsigned long long)f->rx_bytes);
	if (f->state != FLOW_FREE) /* else it never began */
		flow_event(gw, f, "end", why);
	if (f->link) {
		sched_remove(f->link);
		f->link->flow = NULL;
	}
	buffer_give(gw, f);
	list_del(&f->node);
	f->state = FLOW_FREE;
	list_add_tail(&gw->free_flows, &f->node);
	gw->n_flows--;
}

void flow_refuse(struct gateway *gw, struct flow *f, enum stack_answer answer)
{
	const char *why = answer == STACK_ANSWER_RST ? "refused: reset" :
		answer == STACK_ANSWER_NET_UNREACH ? "refused: network unreachable" :
						     "refused: host unreachable";
	char name[FLOW_NAME_LEN];

	log_debug("%s: %s", flow_name(f, name), why);
	stack_tcp_refuse(f->tcp, answer);
	flow_free(gw, f, why);
}

void link_end(struct link *l)
{
	if (!l)
		return;
	l->ended = l->unit->gw->now;
	modem_close(l->unit->modem, l->number);
}

/* RST to the host now, and the link away. */
void flow_reset(struct gateway *gw, struct flow *f, uint64_t *counter, const char *why)
{
	char name[FLOW_NAME_LEN];
	struct link *l = f->link;

	log_info("%s: reset in state %s: %s", flow_name(f, name), states[f->state].name, why);
	(*counter)++;
	gw->count.tcp_reset++;
	stack_tcp_abort(f->tcp);
	flow_free(gw, f, why);
	link_end(l);
}

/* Nobody waits for the peer's answer any more: an orderly end on both sides. */
void flow_finish(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;

	gw->count.tcp_finished++;
	stack_tcp_shutdown(f->tcp);
	stack_tcp_detach(f->tcp);
	flow_free(gw, f, "finished");
	link_end(l);
}

/* ---- under pressure, and all at once ---- */

usec_t flow_reclaim_deadline(const struct gateway *gw)
{
	usec_t at = USEC_NEVER;

	for (const struct list *pos = gw->flows.next; pos != &gw->flows; pos = pos->next) {
		const struct flow *f = list_entry(pos, struct flow, node);

		if ((f->state == FLOW_LINGER || f->state == FLOW_DELIVER) &&
			gw->now <= f->active + RECLAIM_IDLE)
			at = usec_min(at, f->active + RECLAIM_IDLE + 1);
	}
	return at;
}

/* A half-close whose owner is known to wait for the answer goes after all others (decision 11). */
static bool goes_before(const struct flow *a, const struct flow *b)
{
	return a->half_closed != b->half_closed ? b->half_closed : a->active < b->active;
}

bool flow_reclaim(struct gateway *gw, enum flow_state state)
{
	struct flow *oldest = NULL;
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &gw->flows) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->state == state && gw->now - f->active > RECLAIM_IDLE &&
			(!oldest || goes_before(f, oldest)))
			oldest = f;
	}
	if (!oldest)
		return false;
	flow_reset(gw, oldest, &gw->count.tcp_reset_reclaimed, "what it holds is needed");
	return true;
}

static struct flow *flow_find(struct list *head, uint32_t id)
{
	for (struct list *pos = head->next; pos != head; pos = pos->next)
		if (list_entry(pos, struct flow, node)->id == id)
			return list_entry(pos, struct flow, node);
	return NULL;
}

static int mapping_close(struct gateway *gw, uint32_t id)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		if (!gw->mappings[i].used || gw->mappings[i].id != id)
			continue;
		udp_mapping_drop(&gw->mappings[i], "closed on request");
		return 0;
	}
	return -ENOENT;
}

int flow_close(struct gateway *gw, usec_t now, uint32_t id)
{
	struct flow *f = flow_find(&gw->waiting, id);
	struct link *l;

	gw->now = now;
	if (!f)
		f = flow_find(&gw->flows, id);
	if (!f)
		return mapping_close(gw, id);
	if (f->state == FLOW_WAITING || f->state == FLOW_OPENING) {
		l = f->link;
		flow_refuse(gw, f, STACK_ANSWER_RST);
		link_end(l);
	} else {
		flow_reset(gw, f, &gw->count.tcp_reset_asked, "closed on request");
	}
	return 0;
}

void flow_reset_all(struct gateway *gw)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &gw->flows) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->state == FLOW_OPENING)
			flow_refuse(gw, f, STACK_ANSWER_NET_UNREACH);
		else
			flow_reset(gw, f, &gw->count.tcp_reset_lost, "the gateway stops");
	}
}

void flow_rearm(struct gateway *gw)
{
	for (struct list *pos = gw->flows.next; pos != &gw->flows; pos = pos->next) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (states[f->state].idle)
			flow_arm(gw, f);
	}
}

/* ---- timers ---- */

/* Whether a client whose SYN is held is still there: by its socket if it is one of this host, else
 * by its retransmissions, which come at growing distances (Linux: 1 s apart at first, then
 * doubling). */
static bool client_gave_up(struct gateway *gw, const struct flow *f)
{
	struct tun_owner o = {0};
	usec_t last = stack_tcp_last_syn(f->tcp);

	if (f->owned) {
		int rc = gw->ops->owner(gw->user, true, &f->local, &f->remote, &o);

		return rc == -ENOENT || (rc == 0 && o.tcp_state != DIAG_SYN_SENT);
	}
	return gw->now - last > 2 * (last - f->created) + SEC(4);
}

static void flow_check(struct gateway *gw, struct flow *f)
{
	f->check = USEC_NEVER;
	switch (f->state) {
	case FLOW_WAITING:
	case FLOW_OPENING:
		if (client_gave_up(gw, f)) {
			gw->count.tcp_gave_up++;
			flow_refuse(gw, f, STACK_ANSWER_RST);
		} else {
			f->check = gw->now + GAVE_UP_CHECK;
		}
		break;
	case FLOW_CONFIRM:
		if (modem_query_ack(f->link->unit->modem, f->link->number) < 0)
			flow_enter(gw, f, FLOW_LINGER);
		break;
	case FLOW_LINGER:
		tcp_linger_check(gw, f);
		break;
	default:
		break;
	}
}

static void run_list(struct gateway *gw, struct list *head)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, head) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->deadline <= gw->now)
			states[f->state].expired(gw, f);
		else if (f->check <= gw->now)
			flow_check(gw, f);
	}
}

void flow_timers(struct gateway *gw)
{
	run_list(gw, &gw->waiting);
	run_list(gw, &gw->flows);
}

static usec_t list_deadline(const struct list *head)
{
	usec_t at = USEC_NEVER;

	for (const struct list *pos = head->next; pos != head; pos = pos->next) {
		const struct flow *f = list_entry(pos, struct flow, node);

		at = usec_min(at, usec_min(f->deadline, f->check));
	}
	return at;
}

usec_t flow_deadline(const struct gateway *gw)
{
	return usec_min(list_deadline(&gw->waiting), list_deadline(&gw->flows));
}

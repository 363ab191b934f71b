/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TCP relay: one flow of the host, one link of the module.
 *
 * Theory of operation
 *
 * A SYN is held until a link is open to its destination (admit.c), so the host's connect() means
 * connected. From then on bytes move in both directions with back-pressure:
 *
 *   host -> peer: bytes stay in the stack (and its window shut) until the module has confirmed them;
 *   the scheduler reads them from there for each CIPSEND.
 *   peer -> host: bytes go to the stack, what it does not take waits in the flow's buffer. In buffer
 *   mode the module is asked for no more than fits. In push mode it cannot be stopped: a flow whose
 *   buffer is full is reset, so that it stops nobody else.
 *
 * A stream is whole or it is reset. The module knows no half-close and does not tell FIN from RST
 * (decision 10), which leaves these ends:
 *
 *   peer closes:  DELIVER what was received, then FIN to the host, or RST if bytes of the host were
 *                 never confirmed; whatever the host writes from then on is answered with RST.
 *   host FIN:     HOST_FIN until its bytes are sent, CONFIRM until the peer has them (CIPACK,
 *                 bounded), then LINGER for the peer's answer if the host still has the socket, or
 *                 close at once if its owner is gone (decision 11).
 *   host RST:     the link is closed at once.
 *   link lost, send or data in doubt: RST to the host at once.
 */
#include "gateway.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

#define WAIT_LIMIT SEC(30)	/* decision 18 */
#define HANDSHAKE_LIMIT SEC(20) /* the host is on this machine or one hop away */
#define SEND_STALL_LIMIT SEC(120)
#define DELIVER_STALL_LIMIT SEC(600)
#define CLOSED_LIMIT SEC(120)
#define GAVE_UP_CHECK SEC(2)
#define CONFIRM_POLL_MIN MSEC(100)
#define CONFIRM_POLL_MAX SEC(2)
#define OWNER_CHECK_MAX SEC(30)

/* The socket states a connecting client can be in: anything else means it gave up. */
enum { DIAG_SYN_SENT = 2 };

static void flow_reset(struct gateway *gw, struct flow *f, uint64_t *counter, const char *why);

/* ---- life cycle ---- */

static usec_t open_limit(const struct gateway *gw)
{
	/* The module's own time-out (CIPTIMEOUT) has the same value; let it speak first. */
	return gw->config->tcp.connect_timeout + MSEC(500);
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
	flow_refuse(gw, f, STACK_ANSWER_RST);
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

static void expire_idle(struct gateway *gw, struct flow *f)
{
	flow_reset(gw, f, &gw->count.tcp_reset_idle, "idle for tcp.idle_timeout");
}

static void expire_confirm(struct gateway *gw, struct flow *f)
{
	flow_enter(f, gw, FLOW_LINGER);
}

static void expire_linger(struct gateway *gw, struct flow *f)
{
	flow_reset(gw, f, &gw->count.tcp_reset_linger, "half-closed for tcp.linger");
}

static usec_t limit_wait(const struct gateway *gw)
{
	(void)gw;
	return WAIT_LIMIT;
}

static usec_t limit_handshake(const struct gateway *gw)
{
	(void)gw;
	return HANDSHAKE_LIMIT;
}

static usec_t limit_send(const struct gateway *gw)
{
	(void)gw;
	return SEND_STALL_LIMIT;
}

static usec_t limit_deliver(const struct gateway *gw)
{
	(void)gw;
	return DELIVER_STALL_LIMIT;
}

static usec_t limit_closed(const struct gateway *gw)
{
	(void)gw;
	return CLOSED_LIMIT;
}

/*
 * Each state, how long it may last and what happens then. "idle" ones count from the last byte
 * moved, the others from the moment the state was entered.
 */
static const struct {
	const char *name;
	usec_t (*limit)(const struct gateway *gw);
	bool idle;
	void (*expired)(struct gateway *gw, struct flow *f);
} states[] = {
	[FLOW_FREE] = {"free", NULL, false, NULL},
	[FLOW_WAITING] = {"waiting", limit_wait, false, expire_waiting},
	[FLOW_OPENING] = {"opening", open_limit, false, expire_opening},
	[FLOW_HANDSHAKE] = {"handshake", limit_handshake, false, expire_stalled},
	[FLOW_OPEN] = {"open", idle_limit, true, expire_idle},
	[FLOW_HOST_FIN] = {"host-fin", limit_send, true, expire_stalled},
	[FLOW_CONFIRM] = {"confirm", linger_limit, false, expire_confirm},
	[FLOW_LINGER] = {"linger", linger_limit, true, expire_linger},
	[FLOW_DELIVER] = {"deliver", limit_deliver, true, expire_stalled},
	[FLOW_CLOSED] = {"closed", limit_closed, false, expire_stalled},
};
_Static_assert(sizeof(states) / sizeof(states[0]) == FLOW_CLOSED + 1, "a row for each state");

const char *flow_state_name(enum flow_state s)
{
	return states[s].name;
}

static void flow_arm(struct gateway *gw, struct flow *f)
{
	usec_t limit = states[f->state].limit(gw);
	usec_t from = states[f->state].idle && f->active > f->changed ? f->active : f->changed;

	f->deadline = limit == USEC_NEVER ? USEC_NEVER : from + limit;
}

static void flow_touch(struct gateway *gw, struct flow *f)
{
	f->active = gw->now;
	if (states[f->state].idle && f->deadline != USEC_NEVER)
		flow_arm(gw, f);
}

static void confirm_begin(struct gateway *gw, struct flow *f);
static void linger_begin(struct gateway *gw, struct flow *f);

void flow_enter(struct flow *f, struct gateway *gw, enum flow_state state)
{
	char name[FLOW_NAME_LEN];

	log_debug("%s: %s -> %s", flow_name(f, name), states[f->state].name, states[state].name);
	list_del(&f->node);
	list_add_tail(state == FLOW_WAITING ? &gw->waiting : &gw->flows, &f->node);
	f->state = state;
	f->changed = gw->now;
	f->polls = 0;
	f->check = state <= FLOW_OPENING ? gw->now + GAVE_UP_CHECK : USEC_NEVER;
	if (state > FLOW_WAITING)
		f->why = NULL;
	flow_arm(gw, f);
	if (state == FLOW_CONFIRM)
		confirm_begin(gw, f);
	else if (state == FLOW_LINGER)
		linger_begin(gw, f);
}

static struct flow *flow_new(struct gateway *gw, struct stack_tcp *tcp,
	const struct endpoint *local, const struct endpoint *remote)
{
	struct flow *f;

	if (!list_empty(&gw->free_flows)) {
		f = list_entry(gw->free_flows.next, struct flow, node);
		list_del(&f->node);
	} else if (gw->flows_touched < FLOWS_MAX) {
		f = &gw->flow_pool[gw->flows_touched++];
	} else {
		return NULL;
	}
	*f = (struct flow){
		.tcp = tcp, .local = *local, .remote = *remote, .id = ++gw->next_id,
		.created = gw->now, .active = gw->now,
	};
	list_init(&f->node);
	gw->n_flows++;
	stack_tcp_set_user(tcp, f);
	return f;
}

/* The endpoint must be gone already; a link that is still attached is the caller's to close. */
static void flow_free(struct gateway *gw, struct flow *f)
{
	char name[FLOW_NAME_LEN];

	log_debug("%s: gone, %llu bytes sent, %llu received", flow_name(f, name),
		(unsigned long long)f->tx_bytes, (unsigned long long)f->rx_bytes);
	if (f->link) {
		sched_remove(f->link);
		f->link->flow = NULL;
	}
	tcp_buffer_give(gw, f);
	list_del(&f->node);
	f->state = FLOW_FREE;
	list_add_tail(&gw->free_flows, &f->node);
	gw->n_flows--;
}

bool tcp_buffer_take(struct gateway *gw, struct flow *f)
{
	if (f->buffer.mem)
		return true;
	if (gw->n_free_buffers == 0)
		return false;
	ring_init(&f->buffer, gw->free_buffers[--gw->n_free_buffers], gw->buffer_size);
	return true;
}

void tcp_buffer_give(struct gateway *gw, struct flow *f)
{
	if (f->buffer.mem)
		gw->free_buffers[gw->n_free_buffers++] = f->buffer.mem;
	f->buffer.mem = NULL;
}

void flow_refuse(struct gateway *gw, struct flow *f, enum stack_answer answer)
{
	char name[FLOW_NAME_LEN];

	log_debug("%s: refused (%s)", flow_name(f, name),
		answer == STACK_ANSWER_RST ? "reset" : answer == STACK_ANSWER_NET_UNREACH ?
			"network unreachable" : "host unreachable");
	stack_tcp_refuse(f->tcp, answer);
	flow_free(gw, f);
}

static void link_close(struct link *l)
{
	if (l)
		modem_close(l->unit->modem, l->number);
}

/* RST to the host now, and the link away. */
static void flow_reset(struct gateway *gw, struct flow *f, uint64_t *counter, const char *why)
{
	char name[FLOW_NAME_LEN];
	struct link *l = f->link;

	log_info("%s: reset in state %s: %s", flow_name(f, name), states[f->state].name, why);
	(*counter)++;
	gw->count.tcp_reset++;
	stack_tcp_abort(f->tcp);
	flow_free(gw, f);
	link_close(l);
}

/* Nobody waits for the peer's answer any more: an orderly end on both sides. */
static void flow_finish(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;

	gw->count.tcp_finished++;
	stack_tcp_shutdown(f->tcp);
	stack_tcp_detach(f->tcp);
	flow_free(gw, f);
	link_close(l);
}

/* ---- host side ---- */

/* RFC 4594's low-latency and signalling classes, and what ssh(1) sets (AF21, EF), mark a flow that a
 * person waits for; ssh and telnet only mark it after the SYN, so their ports count too. */
static enum flow_class classify(const struct endpoint *remote, uint8_t dscp)
{
	bool marked = dscp == 4 /* TOS "low delay" */ || dscp >= 16 /* CS2 and above */;

	return marked || remote->port == 22 || remote->port == 23 ? FLOW_INTERACTIVE : FLOW_BULK;
}

static bool refuse_known(struct gateway *gw, struct stack_tcp *tcp, const struct endpoint *remote)
{
	enum dest_verdict v = dest_lookup(gw, remote);

	if (v != DEST_REFUSED && v != DEST_UNREACHABLE)
		return false;
	gw->count.tcp_remembered++;
	stack_tcp_refuse(tcp, v == DEST_REFUSED ? STACK_ANSWER_RST : STACK_ANSWER_HOST_UNREACH);
	return true;
}

void tcp_syn(struct gateway *gw, struct stack_tcp *tcp, const struct endpoint *local,
	const struct endpoint *remote, uint8_t dscp)
{
	const struct unit *u = &gw->units[0];
	struct flow *f;

	if (!u->up || gw->stopping || remote->addr.family != u->address.family) {
		gw->count.tcp_unreachable++;
		stack_tcp_refuse(tcp, STACK_ANSWER_NET_UNREACH);
		return;
	}
	if (refuse_known(gw, tcp, remote))
		return;
	f = flow_new(gw, tcp, local, remote);
	if (!f) {
		gw->count.tcp_overflow++;
		stack_tcp_refuse(tcp, STACK_ANSWER_RST);
		return;
	}
	f->class = classify(remote, dscp);
	f->owned = gw->ops->owner(gw->user, true, local, remote, &f->owner) == 0;
	flow_enter(f, gw, FLOW_WAITING);
}

/* Moves what waits in the buffer to the host; ends DELIVER when nothing is left. */
static void pump(struct gateway *gw, struct flow *f)
{
	size_t before = ring_used(&f->buffer);

	if (!f->established)
		return;
	while (ring_used(&f->buffer) > 0) {
		size_t n;
		const uint8_t *p = ring_peek(&f->buffer, &n);
		size_t took = stack_tcp_write(f->tcp, p, n);

		if (took == 0)
			break;
		ring_drop(&f->buffer, took);
	}
	if (ring_used(&f->buffer) < before) {
		flow_touch(gw, f);
		if (f->link)
			modem_rx_resume(f->link->unit->modem, f->link->number);
	}
	if (f->state != FLOW_DELIVER || ring_used(&f->buffer) > 0)
		return;
	if (f->reset) {
		gw->count.tcp_reset++;
		stack_tcp_abort_when_acked(f->tcp);
		flow_free(gw, f);
		return;
	}
	stack_tcp_shutdown(f->tcp);
	tcp_buffer_give(gw, f);
	if (f->host_fin) {
		gw->count.tcp_finished++;
		stack_tcp_detach(f->tcp);
		flow_free(gw, f);
	} else {
		flow_enter(f, gw, FLOW_CLOSED);
	}
}

/* The host wrote. Without a link there is nobody to send it to any more (decision 10). */
static void host_wrote(struct gateway *gw, struct flow *f)
{
	if (f->link) {
		sched_ready(f->link);
	} else if (f->state == FLOW_CLOSED) {
		flow_reset(gw, f, &gw->count.tcp_reset_host_wrote,
			"the host wrote after the peer had closed");
	} else if (f->state == FLOW_DELIVER && !f->reset) {
		gw->count.tcp_reset_host_wrote++;
		f->reset = true;
	}
}

static void host_fin(struct gateway *gw, struct flow *f)
{
	f->host_fin = true;
	if (f->state == FLOW_CLOSED) {
		gw->count.tcp_finished++;
		stack_tcp_detach(f->tcp);
		flow_free(gw, f);
	} else if (f->state == FLOW_OPEN) {
		flow_enter(f, gw, FLOW_HOST_FIN);
		if (stack_tcp_queued(f->tcp) == 0)
			flow_enter(f, gw, FLOW_CONFIRM);
	}
}

static void host_established(struct gateway *gw, struct flow *f)
{
	f->established = true;
	gw->count.tcp_opened++;
	if (f->state == FLOW_HANDSHAKE)
		flow_enter(f, gw, FLOW_OPEN);
}

static void host_gone(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;
	bool opening = f->state == FLOW_OPENING;

	gw->count.tcp_gave_up += f->state <= FLOW_OPENING;
	flow_free(gw, f);
	/* An open under way is let finish, then closed (tcp_link_opened): decision 18. */
	if (!opening)
		link_close(l);
}

void tcp_event(struct gateway *gw, struct stack_tcp *tcp, unsigned events)
{
	struct flow *f = stack_tcp_user(tcp);

	if (events & STACK_TCP_GONE) {
		host_gone(gw, f);
		return;
	}
	if (events & STACK_TCP_ESTABLISHED)
		host_established(gw, f);
	if (events & STACK_TCP_READABLE)
		host_wrote(gw, f);
	if ((events & STACK_TCP_FIN) && f->state != FLOW_FREE)
		host_fin(gw, f);
	if (f->state >= FLOW_OPEN && f->state != FLOW_CLOSED && f->buffer.mem)
		pump(gw, f);
}

/* ---- module side ---- */

/* What the host is told for each result of CIPOPEN (the table of the architecture's section 4). */
static void open_failed(struct gateway *gw, struct flow *f, int result)
{
	char name[FLOW_NAME_LEN];

	switch (result) {
	case MODEM_OPEN_NETWORK_FAILURE:
		gw->count.tcp_refused++;
		dest_remember(gw, &f->remote, DEST_REFUSED);
		flow_refuse(gw, f, STACK_ANSWER_RST);
		return;
	case MODEM_OPEN_NETWORK_NOT_OPENED:
	case MODEM_OPEN_LOST:
		gw->count.tcp_unreachable++;
		flow_refuse(gw, f, STACK_ANSWER_NET_UNREACH);
		return;
	case MODEM_OPEN_TIMEOUT:
	case MODEM_OPEN_SILENCE:
		gw->count.tcp_unreachable++;
		dest_remember(gw, &f->remote, DEST_UNREACHABLE);
		flow_refuse(gw, f, STACK_ANSWER_HOST_UNREACH);
		return;
	case MODEM_OPEN_BUSY:
	case MODEM_OPEN_NOT_SUPPORTED:
	case MODEM_OPEN_SOCKETS_OPENED:
	case MODEM_OPEN_CANCELLED:
		/* Again, on another link: the modem brings its link table back in step meanwhile. */
		if (result == MODEM_OPEN_CANCELLED || ++f->attempts <= 5) {
			if (result != MODEM_OPEN_CANCELLED)
				f->retry = gw->now + MSEC(300) * f->attempts;
			flow_enter(f, gw, FLOW_WAITING);
			return;
		}
		break;
	default:
		break;
	}
	log_error("%s: the module refused to open it: %s", flow_name(f, name),
		modem_open_result_name(result));
	gw->count.tcp_refused++;
	flow_refuse(gw, f, STACK_ANSWER_RST);
}

void tcp_link_opened(struct link *l, int result)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;

	if (l->unit->connecting > 0)
		l->unit->connecting--;
	if (result == MODEM_OPEN_BUSY && l->unit->connecting_max > 1) {
		log_info("modem%u: it opens one link at a time", l->unit->index);
		l->unit->connecting_max = 1;
	}
	if (result == MODEM_OPEN_NOT_SUPPORTED || result == MODEM_OPEN_SOCKETS_OPENED)
		l->refused = gw->now;
	if (result == MODEM_OPEN_OK) {
		l->open = true;
		l->refused = 0;
		l->since = gw->now;
	}
	if (!f) {
		if (result == MODEM_OPEN_OK)
			link_close(l);
		return;
	}
	if (result != MODEM_OPEN_OK) {
		l->flow = NULL;
		f->link = NULL;
		tcp_buffer_give(gw, f);
		open_failed(gw, f, result);
		return;
	}
	dest_remember(gw, &f->remote, DEST_ALIVE);
	if (stack_tcp_accept(f->tcp) < 0) {
		gw->count.tcp_overflow++;
		flow_refuse(gw, f, STACK_ANSWER_RST);
		link_close(l);
		return;
	}
	flow_enter(f, gw, FLOW_HANDSHAKE);
}

void tcp_link_data(struct link *l, const uint8_t *p, size_t n)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;
	size_t took = 0;

	if (!f)
		return; /* being closed: nobody is there to take it */
	l->rx_bytes += n;
	f->rx_bytes += n;
	flow_touch(gw, f);
	if (f->established && ring_used(&f->buffer) == 0)
		took = stack_tcp_write(f->tcp, p, n);
	if (ring_put(&f->buffer, p + took, n - took) < 0)
		flow_reset(gw, f, &gw->count.tcp_reset_buffer,
			"its host does not read and push mode cannot wait (tcp.buffer is full)");
}

size_t tcp_link_space(struct link *l)
{
	/* Without a flow the link is being closed: what it still has is of no use. */
	return l->flow ? ring_space(&l->flow->buffer) : 0;
}

void tcp_link_sent(struct link *l, size_t req, size_t n)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;

	(void)req;
	l->tx_bytes += n;
	if (!f)
		return;
	f->tx_bytes += n;
	stack_tcp_confirm(f->tcp, n);
	flow_touch(gw, f);
	if (stack_tcp_queued(f->tcp) > 0)
		sched_ready(l);
	else if (f->state == FLOW_HOST_FIN)
		flow_enter(f, gw, FLOW_CONFIRM);
}

static void peer_closed(struct gateway *gw, struct flow *f)
{
	sched_remove(f->link);
	f->link->flow = NULL;
	f->link = NULL;
	if (stack_tcp_queued(f->tcp) > 0) {
		gw->count.tcp_reset_unconfirmed++;
		f->reset = true;
	}
	flow_enter(f, gw, FLOW_DELIVER);
	pump(gw, f);
}

void tcp_link_closed(struct link *l, enum modem_close_reason reason)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;
	uint64_t *counter;

	if (!f)
		return;
	switch (reason) {
	case MODEM_CLOSE_REMOTE:
		peer_closed(gw, f);
		return;
	case MODEM_CLOSE_SEND:
	case MODEM_CLOSE_TIMEOUT:
		counter = &gw->count.tcp_reset_send;
		break;
	case MODEM_CLOSE_DATA:
		counter = &gw->count.tcp_reset_data;
		break;
	default:
		counter = &gw->count.tcp_reset_lost;
		break;
	}
	sched_remove(l);
	l->flow = NULL;
	f->link = NULL;
	flow_reset(gw, f, counter, modem_close_reason_name(reason));
}

/* ---- CONFIRM and LINGER ---- */

static void confirm_begin(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;

	if (f->tx_bytes == 0 || modem_query_ack(l->unit->modem, l->number) < 0)
		flow_enter(f, gw, FLOW_LINGER);
}

void tcp_link_acked(struct link *l, bool known, uint64_t sent, uint64_t acked)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;
	usec_t wait;

	if (!f || f->state != FLOW_CONFIRM)
		return;
	if (!known || acked >= sent) {
		flow_enter(f, gw, FLOW_LINGER);
		return;
	}
	wait = CONFIRM_POLL_MIN << (f->polls < 5 ? f->polls : 5);
	f->polls++;
	f->check = gw->now + usec_min(wait, CONFIRM_POLL_MAX);
}

/*
 * The host has sent FIN and its bytes are with the peer. Does anybody still wait for an answer?
 * Only the owner look-up knows: close() and shutdown(SHUT_WR) look the same on the wire.
 */
static void linger_check(struct gateway *gw, struct flow *f)
{
	struct tun_owner o = {0};
	int rc;

	if (!f->owned) {
		f->check = USEC_NEVER; /* of another namespace or host: tcp.linger decides */
		return;
	}
	rc = gw->ops->owner(gw->user, true, &f->local, &f->remote, &o);
	if (rc == -ENOENT || (rc == 0 && o.inode == 0)) {
		flow_finish(gw, f);
		return;
	}
	/* A real half-close: the answer may take as long as it likes, but look again, because
	 * shutdown() is usually followed by close(). */
	f->deadline = gw->config->tcp.idle_timeout ? f->active + gw->config->tcp.idle_timeout :
						     USEC_NEVER;
	f->check = gw->now + usec_min(SEC(1) << (f->polls < 5 ? f->polls : 5), OWNER_CHECK_MAX);
	f->polls++;
}

static void linger_begin(struct gateway *gw, struct flow *f)
{
	linger_check(gw, f);
}

bool tcp_reclaim(struct gateway *gw, enum flow_state state)
{
	struct flow *oldest = NULL;
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &gw->flows) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->state == state && gw->now - f->active > SEC(1) &&
			(!oldest || f->active < oldest->active))
			oldest = f;
	}
	if (!oldest)
		return false;
	flow_reset(gw, oldest, &gw->count.tcp_reset_reclaimed, "what it holds is needed");
	return true;
}

void tcp_reset_all(struct gateway *gw)
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
			flow_enter(f, gw, FLOW_LINGER);
		break;
	case FLOW_LINGER:
		linger_check(gw, f);
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

void tcp_timers(struct gateway *gw)
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

usec_t tcp_deadline(const struct gateway *gw)
{
	return usec_min(list_deadline(&gw->waiting), list_deadline(&gw->flows));
}

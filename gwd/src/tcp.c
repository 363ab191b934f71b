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

#include "util/log.h"

#define BUSY_PAUSE MSEC(300)
#define OPEN_ATTEMPTS 5
#define CONFIRM_POLL_MIN MSEC(100)
#define CONFIRM_POLL_MAX SEC(2)
#define CONFIRM_BLIND SEC(3) /* without CIPACK: some round trips, AT reference 15 */
#define OWNER_CHECK_MAX SEC(30)

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
	if (admit_refuses(u)) {
		gw->count.tcp_busy++;
		stack_tcp_refuse(tcp, STACK_ANSWER_RST);
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
	flow_enter(gw, f, FLOW_WAITING);
}

/* DELIVER, and the stack has everything: RST or FIN follow the host's last ACK by themselves. */
static void delivered(struct gateway *gw, struct flow *f)
{
	if (f->reset) {
		gw->count.tcp_reset++;
		stack_tcp_abort_when_acked(f->tcp);
		flow_free(gw, f, "reset behind the last byte");
		return;
	}
	if (!f->fin_due) {
		f->fin_due = true;
		stack_tcp_shutdown(f->tcp);
		buffer_give(gw, f);
	}
	if (f->host_fin) {
		gw->count.tcp_finished++;
		stack_tcp_detach(f->tcp);
		flow_free(gw, f, "finished");
	} else if (stack_tcp_unacked(f->tcp) == 0) {
		flow_enter(gw, f, FLOW_CLOSED);
	}
}

/* Moves what waits in the buffer to the host. */
static void pump(struct gateway *gw, struct flow *f)
{
	size_t before = chunk_queue_used(&f->buffer);

	if (!f->established)
		return;
	while (chunk_queue_used(&f->buffer) > 0) {
		size_t n;
		const uint8_t *p = chunk_queue_peek(&f->buffer, &n);
		size_t took = stack_tcp_write(f->tcp, p, n);

		if (took == 0)
			break;
		buffer_drop(gw, f, took);
	}
	if (chunk_queue_used(&f->buffer) < before) {
		flow_touch(gw, f);
		if (f->link)
			modem_rx_resume(f->link->unit->modem, f->link->number);
	}
	if (f->state == FLOW_DELIVER && chunk_queue_used(&f->buffer) == 0)
		delivered(gw, f);
}

/* The server of a client from outside has a socket for it once the handshake is over, and an owner of
 * it once it was accepted. */
static void identify(struct gateway *gw, struct flow *f)
{
	if (gw->ops->owner(gw->user, true, &f->local, &f->seen, &f->owner) == 0)
		f->owned = true;
}

/* The host wrote. Without a link there is nobody to send it to any more (decision 10). */
static void host_wrote(struct gateway *gw, struct flow *f)
{
	if (f->port && f->owned && f->owner.inode == 0)
		identify(gw, f);
	if (f->link) {
		sched_ready(f->link);
	} else if (f->state == FLOW_CLOSED || f->fin_due) {
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
		flow_free(gw, f, "finished");
	} else if (f->state == FLOW_OPEN) {
		flow_enter(gw, f, FLOW_HOST_FIN);
		if (stack_tcp_queued(f->tcp) == 0)
			flow_enter(gw, f, FLOW_CONFIRM);
	}
}

static void host_established(struct gateway *gw, struct flow *f)
{
	f->established = true;
	if (f->port)
		identify(gw, f);
	else
		gw->count.tcp_opened++;
	if (f->state == FLOW_HANDSHAKE || f->state == FLOW_CONNECT)
		flow_enter(gw, f, FLOW_OPEN);
}

static void host_gone(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;
	bool opening = f->state == FLOW_OPENING;

	if (f->port && !f->established) {
		forward_refused(gw, f, "its server refuses it");
		return;
	}
	gw->count.tcp_gave_up += f->state <= FLOW_OPENING;
	flow_free(gw, f, "the host gave it up");
	/* An open under way is let finish, then closed (tcp_link_opened): decision 18. */
	if (!opening)
		link_end(l);
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
	if (f->state == FLOW_DELIVER && events & (STACK_TCP_WRITABLE | STACK_TCP_ACKED))
		flow_touch(gw, f);
	if (f->state >= FLOW_OPEN && f->state != FLOW_CLOSED)
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
		f->first_open = 0; /* it was not tried at all */
		f->retry = gw->now + BUSY_PAUSE;
		flow_enter(gw, f, FLOW_WAITING);
		return;
	case MODEM_OPEN_CANCELLED:
		flow_enter(gw, f, FLOW_WAITING);
		return;
	case MODEM_OPEN_NOT_SUPPORTED:
	case MODEM_OPEN_SOCKETS_OPENED:
		/* Again, on another link: the modem brings its link table back in step meanwhile. */
		if (++f->attempts > OPEN_ATTEMPTS)
			break;
		f->retry = gw->now + BUSY_PAUSE * f->attempts;
		flow_enter(gw, f, FLOW_WAITING);
		return;
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

	gw->admit_again = true;
	if (l->unit->connecting > 0)
		l->unit->connecting--;
	if (result == MODEM_OPEN_BUSY && !l->unit->one_at_a_time) {
		log_info("modem%u: it opens one link at a time", l->unit->index);
		l->unit->one_at_a_time = true;
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
			link_end(l);
		return;
	}
	if (result != MODEM_OPEN_OK) {
		l->flow = NULL;
		f->link = NULL;
		buffer_give(gw, f);
		open_failed(gw, f, result);
		return;
	}
	dest_remember(gw, &f->remote, DEST_ALIVE);
	if (stack_tcp_accept(f->tcp) < 0) {
		gw->count.tcp_overflow++;
		flow_refuse(gw, f, STACK_ANSWER_RST);
		link_end(l);
		return;
	}
	flow_enter(gw, f, FLOW_HANDSHAKE);
}

void tcp_link_data(struct link *l, const uint8_t *p, size_t n)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;
	size_t took = 0;

	if (!f)
		return; /* being closed: nobody is there to take it */
	link_received(l, n);
	f->rx_bytes += n;
	rate_add(&f->rx_rate, gw->now, n);
	flow_touch(gw, f);
	if (f->established && chunk_queue_used(&f->buffer) == 0)
		took = stack_tcp_write(f->tcp, p, n);
	if (took < n)
		buffer_put(gw, f, p + took, n - took);
}

size_t tcp_link_space(struct link *l)
{
	/* Without a flow the link is being closed: what it still has is of no use. */
	return l->flow ? buffer_space(l->unit->gw, l->flow) : 0;
}

void tcp_link_sent(struct link *l, size_t req, size_t n)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;

	(void)req;
	link_sent(l, n);
	if (!f)
		return;
	f->tx_bytes += n;
	rate_add(&f->tx_rate, gw->now, n);
	stack_tcp_confirm(f->tcp, n);
	if (n > 0)
		flow_touch(gw, f);
	if (stack_tcp_queued(f->tcp) > 0)
		sched_ready(l);
	else if (f->state == FLOW_HOST_FIN)
		flow_enter(gw, f, FLOW_CONFIRM);
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
	flow_enter(gw, f, FLOW_DELIVER);
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

enum owner_state {
	OWNER_UNKNOWN, /* of another namespace or host, or the look-up failed */
	OWNER_GONE,
	OWNER_LIVES,
};

static enum owner_state owner_state(struct gateway *gw, const struct flow *f)
{
	struct tun_owner o = {0};
	int rc = f->owned ? gw->ops->owner(gw->user, true, &f->local, &f->seen, &o) : -EAGAIN;

	if (rc == -ENOENT || (rc == 0 && o.inode == 0))
		return OWNER_GONE;
	return rc == 0 ? OWNER_LIVES : OWNER_UNKNOWN;
}

void tcp_confirm_begin(struct gateway *gw, struct flow *f)
{
	struct link *l = f->link;

	/* In transparent mode asking takes the line from the peer's answer for seconds. */
	if (modem_links(l->unit->modem) == 1 && !f->confirm_due &&
		owner_state(gw, f) == OWNER_LIVES) {
		f->confirm_due = true;
		flow_enter(gw, f, FLOW_LINGER);
		return;
	}
	f->confirm_due = false;
	if (f->tx_bytes == 0 || modem_query_ack(l->unit->modem, l->number) < 0)
		flow_enter(gw, f, FLOW_LINGER);
}

/* The module cannot say. Bytes that it said the peer does not have are missing still; otherwise all
 * that can be done against a close that cuts what is under way is to give it some time. */
static void confirm_unknown(struct gateway *gw, struct flow *f)
{
	if (f->unacked > 0)
		f->check = gw->now + CONFIRM_POLL_MAX;
	else if (gw->now < f->active + CONFIRM_BLIND)
		f->check = f->active + CONFIRM_BLIND;
	else
		flow_enter(gw, f, FLOW_LINGER);
}

void tcp_link_acked(struct link *l, bool known, uint64_t sent, uint64_t acked)
{
	struct gateway *gw = l->unit->gw;
	struct flow *f = l->flow;
	usec_t wait;

	if (!f || f->state != FLOW_CONFIRM)
		return;
	if (!known) {
		confirm_unknown(gw, f);
		return;
	}
	if (acked >= sent) {
		f->unacked = 0;
		flow_enter(gw, f, FLOW_LINGER);
		return;
	}
	if (f->unacked == 0 || sent - acked < f->unacked)
		flow_touch(gw, f);
	f->unacked = sent - acked;
	wait = CONFIRM_POLL_MIN << (f->polls < 5 ? f->polls : 5);
	f->polls++;
	f->check = gw->now + usec_min(wait, CONFIRM_POLL_MAX);
}

/*
 * The host has sent FIN and its bytes are with the peer. Does anybody still wait for an answer?
 * Only the owner look-up knows: close() and shutdown(SHUT_WR) look the same on the wire.
 */
void tcp_linger_check(struct gateway *gw, struct flow *f)
{
	enum owner_state owner = owner_state(gw, f);

	if (!f->owned) {
		f->check = USEC_NEVER; /* of another namespace or host: tcp.linger decides */
		return;
	}
	if (owner == OWNER_GONE) {
		if (f->confirm_due)
			flow_enter(gw, f, FLOW_CONFIRM);
		else
			flow_finish(gw, f);
		return;
	}
	/* A real half-close: the answer may take as long as it likes, but look again, because
	 * shutdown() is usually followed by close(). A look-up that failed says nothing. */
	f->half_closed = owner == OWNER_LIVES;
	flow_arm(gw, f);
	f->check = gw->now + usec_min(SEC(1) << (f->polls < 5 ? f->polls : 5), OWNER_CHECK_MAX);
	f->polls++;
}

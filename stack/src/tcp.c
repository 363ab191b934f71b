/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP endpoints over lwIP's pcbs.
 *
 * Theory of operation
 *
 * lwIP's callbacks only record: bytes go into the endpoint's ring, what happened into its event
 * set. Nothing of lwIP is called from them. When tcp_input() has returned, settle() does what is due
 * for that endpoint; all else happens in calls of the owner, which never run inside lwIP.
 *
 * From the host: the receive window is lwIP's, its bytes lie in a ring of exactly that size until
 * the owner confirms them, and only then tcp_recved() opens the window again. So a segment cannot
 * find the ring full, memory does not depend on how the host cuts its bytes, and tcp_close() is
 * never used (it answers RST while rcv_wnd is not full): tcp_shutdown() of one side is.
 * Every segment is acknowledged at once: the path to the host costs nothing, and a host that waits
 * for an ACK before its next small write (RFC 1122 4.2.3.4) goes on.
 *
 * To the host: a FIN goes out only when every byte before it was acknowledged. In LAST_ACK lwIP
 * forgets a pcb after 2 MSL, with all that was still to be sent.
 *
 * The end: lwIP frees the pcb before it calls on_err(); entering TIME_WAIT it calls nothing, so
 * settle() looks. After a clean end the endpoint stays (ENDED) until the owner has confirmed what
 * the host sent before its FIN. After a RST or a time-out everything is void: the only event is GONE.
 * A detached endpoint lives on without its owner while there is progress, at most LINGER without.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

_Static_assert(STACK_WINDOW <= 0xffff, "tcp_recved() takes an u16_t");

/* Of TCP_SND_QUEUELEN, left for FIN and for the splitting of segments: tcp_write() then never fails
 * for want of a place in the queue. */
#define QUEUE_RESERVE 8
/* Taken for the largest window of a host whose SYN offered none: two segments of the least MSS. */
#define NO_WINDOW_YET (2 * 536)

static void let_go(struct stack_tcp *tcp)
{
	tcp_arg(tcp->pcb, NULL);
	tcp_recv(tcp->pcb, NULL);
	tcp_sent(tcp->pcb, NULL);
	tcp_err(tcp->pcb, NULL);
	tcp->pcb = NULL;
}

/* Frees the pcb without a word to the host. A delayed ACK would be sent on removal: not wanted. */
static void discard(struct stack_tcp *tcp)
{
	struct tcp_pcb *pcb = tcp->pcb;

	if (!pcb)
		return;
	let_go(tcp);
	tcp_clear_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
	tcp_abandon(pcb, 0);
}

/* RST, made without an allocation, and the end of the pcb. */
static void reset(struct stack_tcp *tcp)
{
	/* Without a SYN of the host there is nothing to acknowledge, and a wrong ACK voids the RST. */
	answer_reset(tcp->stack, &tcp->local, &tcp->remote, tcp->pcb->snd_nxt, tcp->pcb->rcv_nxt,
		tcp->state == ENDPOINT_CONNECTING ? TH_RST : TH_RST | TH_ACK);
	discard(tcp);
}

void tcp_gone(struct stack_tcp *tcp)
{
	bool unheard = tcp->events & EVENT_SYN;

	pool_unlink(tcp);
	tcp->state = ENDPOINT_GONE;
	tcp->events = 0;
	ring_clear(&tcp->rx);
	if (tcp->detached || unheard)
		pool_put(tcp);
	else
		pool_event(tcp, STACK_TCP_GONE);
}

static void ended(struct stack_tcp *tcp)
{
	pool_unlink(tcp);
	tcp->state = ENDPOINT_ENDED;
	if (tcp->detached) {
		pool_put(tcp);
	} else if (ring_used(&tcp->rx) == 0) {
		tcp->state = ENDPOINT_GONE;
		pool_event(tcp, STACK_TCP_GONE);
	}
}

static void linger(struct stack_tcp *tcp)
{
	tcp->deadline = tcp->stack->now + LINGER;
	list_del(&tcp->timed);
	list_add_tail(&tcp->stack->lingering, &tcp->timed);
}

static void take_in(struct stack_tcp *tcp, const struct pbuf *p)
{
	if (tcp->detached) {
		/* After abort_when_acked() the RST is coming anyway. */
		tcp->reset_now = !tcp->reset_when_acked;
		return;
	}
	for (; p; p = p->next) {
		if (ring_put(&tcp->rx, p->payload, p->len) < 0)
			tcp->reset_now = true;
	}
	pool_event(tcp, STACK_TCP_READABLE);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct stack_tcp *tcp = arg;

	(void)err;
	if (!p) {
		tcp->fin_seen = true;
		pool_event(tcp, STACK_TCP_FIN);
		return ERR_OK;
	}
	take_in(tcp, p);
	pbuf_free(p);
	if (!tcp->reset_now)
		tcp_ack_now(pcb);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
	struct stack_tcp *tcp = arg;

	(void)n;
	if (tcp->detached)
		linger(tcp);
	pool_event(tcp, STACK_TCP_WRITABLE);
	if (tcp_sndbuf(pcb) == TCP_SND_BUF)
		pool_event(tcp, STACK_TCP_ACKED);
	return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
	struct stack_tcp *tcp = arg;

	tcp->pcb = NULL; /* lwIP has freed it */
	if (err == ERR_CLSD)
		ended(tcp);
	else
		tcp_gone(tcp);
}

static void send_fin(struct stack_tcp *tcp)
{
	struct tcp_pcb *pcb = tcp->pcb;

	if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT)
		return;
	/* Out of memory it says ERR_OK too, and tcp_tmr() tries again. */
	if (tcp_shutdown(pcb, 0, 1) == ERR_OK)
		tcp->fin_sent = true;
}

static void settle(struct stack_tcp *tcp)
{
	struct tcp_pcb *pcb = tcp->pcb;

	if (!pcb)
		return;
	if (pcb->state == TIME_WAIT) {
		let_go(tcp);
		ended(tcp);
		return;
	}
	/* A probe of a closed window can be acknowledged, and with it all there was; the persist
	 * timer then must not find an empty queue. */
	if (!pcb->unsent)
		pcb->persist_backoff = 0;
	if (tcp->reset_now || (tcp->reset_when_acked && stack_tcp_unacked(tcp) == 0)) {
		tcp->stack->stats.tcp_aborted++;
		reset(tcp);
		tcp_gone(tcp);
	} else if (tcp->shutdown && !tcp->fin_sent && stack_tcp_unacked(tcp) == 0) {
		send_fin(tcp);
	}
}

/* tcp_write() cuts segments by half of the largest window seen, and by the MSS while there was none;
 * it asserts that the cut never gets smaller. */
void tcp_mind_window(struct tcp_pcb *pcb)
{
	if (pcb->snd_wnd_max < 2)
		pcb->snd_wnd_max = NO_WINDOW_YET;
}

void tcp_attach(struct stack_tcp *tcp, struct tcp_pcb *pcb)
{
	tcp->pcb = pcb;
	tcp_arg(pcb, tcp);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_err);
	tcp_nagle_disable(pcb);
}

int tcp_open(struct stack_tcp *tcp)
{
	struct tcp_pcb *pcb = engine_accept(tcp);

	if (!pcb)
		return -ENOMEM;
	tcp->state = ENDPOINT_HANDSHAKE;
	tcp_attach(tcp, pcb);
	tcp_mind_window(pcb);
	return 0;
}

void tcp_fail(struct stack_tcp *tcp)
{
	discard(tcp);
	tcp_gone(tcp);
}

/*
 * lwIP 2.1 asserts on a SYN that comes with anything but the first handshake; and a SYN in a living
 * connection deserves a challenge ACK whatever the version (RFC 9293 3.10.7.4): a host that has
 * really lost the connection answers it with RST. While our own SYN is under way a bare SYN of the
 * host (a simultaneous open, which lwIP does not know) is no connection to challenge.
 */
static bool filtered(struct stack_tcp *tcp, const struct segment *seg)
{
	struct stack *s = tcp->stack;

	if (!(seg->flags & TH_SYN))
		return false;
	if (tcp->state == ENDPOINT_HANDSHAKE && seg->seq == tcp->syn.seq &&
		!(seg->flags & (TH_ACK | TH_RST)))
		return false;
	if (tcp->state == ENDPOINT_CONNECTING && seg->flags & TH_ACK)
		return false;
	s->stats.rx_filtered++;
	if (tcp->state != ENDPOINT_CONNECTING && answer_allowed(s, &s->resets)) {
		tcp_ack_now(tcp->pcb);
		tcp_output(tcp->pcb);
	}
	return true;
}

void tcp_segment(struct stack_tcp *tcp, const struct segment *seg)
{
	if (filtered(tcp, seg))
		return;
	engine_input(tcp->stack, seg);
	settle(tcp);
}

bool tcp_closing(const struct stack_tcp *tcp)
{
	return tcp->pcb && tcp->pcb->state >= FIN_WAIT_1 && tcp->pcb->state != CLOSE_WAIT;
}

void tcp_replaced(struct stack_tcp *tcp)
{
	discard(tcp);
	if (tcp->fin_seen)
		ended(tcp);
	else
		tcp_gone(tcp);
}

void tcp_linger_expire(struct stack *s)
{
	struct list *at, *next;

	list_for_each_safe(at, next, &s->lingering) {
		struct stack_tcp *tcp = list_entry(at, struct stack_tcp, timed);

		if (tcp->deadline > s->now)
			return;
		s->stats.tcp_aborted++;
		reset(tcp);
		tcp_gone(tcp);
	}
}

/* A write found no memory and nothing was in flight whose ACK could be the sign to try again. */
void tcp_unstarve(struct stack *s)
{
	while (!list_empty(&s->starved)) {
		struct stack_tcp *tcp = list_entry(s->starved.next, struct stack_tcp, starved);

		list_del(&tcp->starved);
		pool_event(tcp, STACK_TCP_WRITABLE);
	}
}

void tcp_drop(struct stack_tcp *tcp)
{
	discard(tcp);
	pool_put(tcp);
}

size_t stack_tcp_queued(const struct stack_tcp *tcp)
{
	return ring_used(&tcp->rx);
}

size_t stack_tcp_read(const struct stack_tcp *tcp, size_t offset, void *buf, size_t n)
{
	return ring_copy(&tcp->rx, offset, buf, n);
}

void stack_tcp_confirm(struct stack_tcp *tcp, size_t n)
{
	if (n > ring_used(&tcp->rx))
		n = ring_used(&tcp->rx);
	if (n == 0)
		return;
	ring_drop(&tcp->rx, n);
	if (tcp->pcb)
		tcp_recved(tcp->pcb, (u16_t)n);
	else if (tcp->state == ENDPOINT_ENDED)
		ended(tcp);
}

static bool may_write(const struct stack_tcp *tcp)
{
	if (!tcp->pcb || tcp->shutdown)
		return false;
	return tcp->pcb->state == SYN_RCVD || tcp->pcb->state == ESTABLISHED ||
	       tcp->pcb->state == CLOSE_WAIT;
}

/* What tcp_write() puts into one segment. */
static size_t piece_of(const struct tcp_pcb *pcb)
{
	size_t half = pcb->snd_wnd_max / 2;

	return half && half < pcb->mss ? half : pcb->mss;
}

size_t stack_tcp_write_space(const struct stack_tcp *tcp)
{
	size_t room, limit = TCP_SND_QUEUELEN - QUEUE_RESERVE;

	if (!may_write(tcp) || tcp->pcb->snd_queuelen >= limit)
		return 0;
	room = (limit - tcp->pcb->snd_queuelen) * piece_of(tcp->pcb);
	return room < tcp_sndbuf(tcp->pcb) ? room : tcp_sndbuf(tcp->pcb);
}

size_t stack_tcp_write(struct stack_tcp *tcp, const void *p, size_t n)
{
	size_t space = stack_tcp_write_space(tcp), done = 0;

	if (n > space)
		n = space;
	/* Piece by piece: tcp_write() takes all or nothing, and memory may end in between. */
	while (done < n) {
		size_t piece = piece_of(tcp->pcb);

		if (piece > n - done)
			piece = n - done;
		if (tcp_write(tcp->pcb, (const uint8_t *)p + done, (u16_t)piece,
			    TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		done += piece;
	}
	if (done)
		tcp_output(tcp->pcb);
	else if (n && !tcp->pcb->unacked && !tcp->pcb->unsent && list_empty(&tcp->starved))
		list_add_tail(&tcp->stack->starved, &tcp->starved);
	return done;
}

size_t stack_tcp_unacked(const struct stack_tcp *tcp)
{
	return tcp->pcb ? (size_t)(TCP_SND_BUF - tcp_sndbuf(tcp->pcb)) : 0;
}

void stack_tcp_shutdown(struct stack_tcp *tcp)
{
	tcp->shutdown = true;
	settle(tcp);
}

void stack_tcp_abort(struct stack_tcp *tcp)
{
	if (tcp->state == ENDPOINT_HELD)
		held_abort(tcp);
	else if (tcp->pcb)
		reset(tcp);
	tcp->stack->stats.tcp_aborted += tcp->state != ENDPOINT_GONE && tcp->state != ENDPOINT_ENDED;
	pool_put(tcp);
}

static void detach(struct stack_tcp *tcp)
{
	tcp->detached = true;
	tcp->events = 0;
	list_del(&tcp->dirty);
	list_del(&tcp->starved);
	linger(tcp);
	if (tcp->stack->delivering == tcp)
		tcp->stack->delivering = NULL;
	settle(tcp);
}

void stack_tcp_abort_when_acked(struct stack_tcp *tcp)
{
	if (tcp->state != ENDPOINT_OPEN) {
		stack_tcp_abort(tcp);
		return;
	}
	tcp->reset_when_acked = true;
	detach(tcp);
}

void stack_tcp_detach(struct stack_tcp *tcp)
{
	/* Bytes that nobody confirmed are lost bytes, and a FIN would deny it. */
	if (!tcp->pcb || ring_used(&tcp->rx)) {
		stack_tcp_abort(tcp);
		return;
	}
	tcp->shutdown = true;
	detach(tcp);
}

void stack_tcp_set_user(struct stack_tcp *tcp, void *user)
{
	tcp->user = user;
}

void *stack_tcp_user(const struct stack_tcp *tcp)
{
	return tcp->user;
}

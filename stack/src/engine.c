/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lwIP as one thing: an interface, a listener, a way in, a clock.
 *
 * Theory of operation
 *
 * lwIP's TCP demultiplexes by the 4-tuple, and only its IP layer cares whether an address is "ours".
 * So its IP input is left out: a segment is given to tcp_input() with the current addresses set by
 * hand, and any destination works. New connections come from one wildcard listener whose local_port
 * is 0, which matches nothing (the gate drops segments with port 0), and which is pinned to the
 * wanted port just while one SYN is fed to it. lwIP puts the new pcb at the head of its list, where
 * it is picked up at once: a RST in SYN_RCVD would free it before accept() is called.
 *
 * A connection to the host is lwIP's tcp_connect() with the pcb's own address and port written by
 * hand: tcp_bind() would look for them among the interface's addresses and in all lists.
 *
 * The interface has an IPv4 address (of TEST-NET-1, never on the wire) and is up, because lwIP 2.1
 * looks for a route before it sends some segments. tcp_bind_netif() does the rest.
 *
 * The clock ticks only while something in lwIP waits for it: an idle connection costs no wake-up.
 * lwIP measures time in ticks, so standing still is not a jump for it. TIME_WAIT is left to lwIP:
 * such a pcb has no endpoint any more, answers late segments, and makes room for a new SYN.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyed.h"
#include "util/log.h"

#include "lwip_hooks.h"

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

_Static_assert(TCP_WND == STACK_WINDOW, "the public header promises this window");

/* A chain of more pbufs than this is made flat first; lwIP rarely sends more than two. */
#define PIECES_MAX 8

struct engine {
	struct netif netif;
	struct tcp_pcb_listen *listener;
	uint8_t flat[TCP_MSS + TCP_HLEN_MAX + IP6_HLEN];
};

void lwip_port_assert(const char *what, const char *file, int line)
{
	log_error("lwIP %s:%d: assertion failed: %s", file, line, what);
	abort();
}

static void from_lwip(struct addr *out, const ip_addr_t *a)
{
	*out = IP_IS_V6(a) ? addr_v6(ip_2_ip6(a)->addr) : addr_v4(&ip_2_ip4(a)->addr);
}

static void to_lwip(ip_addr_t *out, const struct addr *a)
{
	memset(out, 0, sizeof(*out));
	IP_SET_TYPE(out, a->family == 6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
	if (a->family == 6)
		memcpy(ip_2_ip6(out)->addr, a->b, 16);
	else
		memcpy(&ip_2_ip4(out)->addr, a->b, 4);
}

/* RFC 6528: ISN = M + F(4-tuple, secret), M a clock of 4 microseconds. */
u32_t lwip_port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
	u16_t remote_port)
{
	const struct stack *s = netif_default->state;
	struct addr a, b;
	uint8_t key[38] = {'I', IP_IS_V6(local)};

	from_lwip(&a, local);
	from_lwip(&b, remote);
	memcpy(key + 2, a.b, 16);
	memcpy(key + 18, b.b, 16);
	put16(key + 34, local_port);
	put16(key + 36, remote_port);
	return (u32_t)(s->now / 4 + keyed_hash(s->config.isn_secret, key, sizeof(key)));
}

static err_t output(struct netif *netif, struct pbuf *p)
{
	struct stack *s = netif->state;
	struct iovec iov[PIECES_MAX];
	int n = 0;

	for (const struct pbuf *q = p; q && n < PIECES_MAX; q = q->next)
		iov[n++] = (struct iovec){q->payload, q->len};
	if (pbuf_clen(p) > PIECES_MAX) {
		iov[0].iov_base = s->engine->flat;
		iov[0].iov_len = pbuf_copy_partial(p, s->engine->flat, sizeof(s->engine->flat), 0);
		n = 1;
	}
	out_emit(s, iov, n);
	return ERR_OK;
}

static err_t output_v4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	(void)to;
	return output(netif, p);
}

static err_t output_v6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	(void)to;
	return output(netif, p);
}

static err_t setup(struct netif *netif)
{
	const struct stack *s = netif->state;

	netif->name[0] = 'g';
	netif->name[1] = 'w';
	netif->output = output_v4;
	netif->output_ip6 = output_v6;
	netif->mtu = (u16_t)s->config.mtu;
	netif->flags = NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

void stack_set_mtu(struct stack *s, unsigned mtu)
{
	s->config.mtu = mtu;
	s->engine->netif.mtu = (u16_t)mtu;
}

static err_t no_input(struct pbuf *p, struct netif *netif)
{
	(void)netif;
	pbuf_free(p);
	return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct stack_tcp *tcp = arg;

	if (!pcb || err != ERR_OK)
		return ERR_OK; /* out of memory: engine_accept() finds no pcb */
	tcp->state = ENDPOINT_OPEN;
	pool_event(tcp, STACK_TCP_ESTABLISHED | STACK_TCP_WRITABLE);
	return ERR_OK;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct stack_tcp *tcp = arg;

	(void)err; /* ERR_OK always: a failure is told by tcp_err() */
	tcp_mind_window(pcb);
	tcp->state = ENDPOINT_OPEN;
	pool_event(tcp, STACK_TCP_ESTABLISHED | STACK_TCP_WRITABLE);
	return ERR_OK;
}

static int listen_for_all(struct engine *e)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY), *listener;

	if (!pcb)
		return -ENOMEM;
	if (tcp_bind(pcb, IP_ANY_TYPE, 1) != ERR_OK) {
		tcp_abort(pcb);
		return -EBUSY;
	}
	tcp_bind_netif(pcb, &e->netif);
	listener = tcp_listen(pcb);
	if (!listener) {
		tcp_abort(pcb);
		return -ENOMEM;
	}
	e->listener = (struct tcp_pcb_listen *)listener;
	e->listener->local_port = 0;
	tcp_accept(listener, accepted);
	return 0;
}

int engine_new(struct stack *s)
{
	struct engine *e;
	ip4_addr_t addr, mask;
	int err;

	if (netif_default)
		return -EBUSY;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	lwip_init();
	IP4_ADDR(&addr, 192, 0, 2, 1);
	IP4_ADDR(&mask, 255, 255, 255, 255);
	netif_add(&e->netif, &addr, &mask, &addr, s, setup, no_input);
	netif_set_default(&e->netif);
	netif_set_up(&e->netif);
	s->engine = e;
	err = listen_for_all(e);
	if (err < 0)
		engine_free(s);
	return err;
}

void engine_free(struct stack *s)
{
	struct engine *e = s->engine;

	/* Endpoints have been dropped by the caller; what is left has no callbacks. */
	while (tcp_active_pcbs)
		tcp_abandon(tcp_active_pcbs, 0);
	while (tcp_tw_pcbs)
		tcp_abort(tcp_tw_pcbs);
	if (e->listener)
		tcp_close((struct tcp_pcb *)e->listener);
	netif_remove(&e->netif);
	netif_set_default(NULL);
	free(e);
	s->engine = NULL;
}

/* lwIP would take an MSS option from any segment, and asserts later that the MSS did not shrink;
 * none of our connections has negotiated an option that belongs into other segments than the SYN. */
static void copy_segment(uint8_t *to, const struct segment *seg, size_t header_len)
{
	memcpy(to, seg->header, header_len);
	memcpy(to + header_len, seg->header + seg->header_len, seg->data_len);
	to[12] = (uint8_t)(header_len / 4 << 4);
}

void engine_input(struct stack *s, const struct segment *seg)
{
	struct netif *netif = &s->engine->netif;
	size_t header_len = seg->flags & TH_SYN ? seg->header_len : TCP_HLEN_MIN;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(header_len + seg->data_len), PBUF_RAM);

	if (!p)
		return; /* counted by the allocator; the host sends it again */
	copy_segment(p->payload, seg, header_len);
	memset(&ip_data, 0, sizeof(ip_data));
	ip_data.current_netif = ip_data.current_input_netif = netif;
	to_lwip(&ip_data.current_iphdr_src, &seg->local.addr);
	to_lwip(&ip_data.current_iphdr_dest, &seg->remote.addr);
	tcp_input(p, netif);
	memset(&ip_data, 0, sizeof(ip_data));
}

static bool is_pcb_of(const struct tcp_pcb *pcb, const struct endpoint *local,
	const struct endpoint *remote)
{
	struct addr a, b;

	if (pcb->remote_port != local->port || pcb->local_port != remote->port)
		return false;
	from_lwip(&a, &pcb->remote_ip);
	from_lwip(&b, &pcb->local_ip);
	return addr_equal(&a, &local->addr) && addr_equal(&b, &remote->addr);
}

struct tcp_pcb *engine_accept(struct stack_tcp *tcp)
{
	struct tcp_pcb_listen *listener = tcp->stack->engine->listener;
	const struct segment syn = {.local = tcp->local, .remote = tcp->remote,
		.header = tcp->syn.header, .header_len = tcp->syn.header_len, .flags = TH_SYN};
	struct tcp_pcb *pcb;

	listener->local_port = tcp->remote.port;
	listener->callback_arg = tcp;
	engine_input(tcp->stack, &syn);
	listener->local_port = 0;
	listener->callback_arg = NULL;
	pcb = tcp_active_pcbs;
	return pcb && is_pcb_of(pcb, &tcp->local, &tcp->remote) ? pcb : NULL;
}

struct tcp_pcb *engine_connect(struct stack_tcp *tcp)
{
	struct tcp_pcb *pcb =
		tcp_new_ip_type(tcp->local.addr.family == 6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
	ip_addr_t host;

	if (!pcb)
		return NULL;
	to_lwip(&host, &tcp->local.addr);
	to_lwip(&pcb->local_ip, &tcp->remote.addr);
	pcb->local_port = tcp->remote.port;
	tcp_bind_netif(pcb, &tcp->stack->engine->netif);
	if (tcp_connect(pcb, &host, tcp->local.port, connected) == ERR_OK)
		return pcb;
	tcp_abandon(pcb, 0);
	return NULL;
}

/* lwIP begins with lastack at the SYN itself. */
bool engine_sent_syn(const struct stack_tcp *tcp, uint32_t seq)
{
	return tcp->pcb && tcp->pcb->state == SYN_SENT && seq == tcp->pcb->lastack;
}

static struct tcp_pcb *twin(const struct endpoint *local, const struct endpoint *remote)
{
	struct tcp_pcb *pcb = tcp_tw_pcbs;

	while (pcb && !is_pcb_of(pcb, local, remote))
		pcb = pcb->next;
	return pcb;
}

bool engine_time_wait(const struct endpoint *local, const struct endpoint *remote)
{
	return twin(local, remote) != NULL;
}

/* tcp_timewait_input() never lets a new connection in; tcp_abort() is silent in TIME_WAIT. */
void engine_forget(const struct endpoint *local, const struct endpoint *remote)
{
	struct tcp_pcb *pcb = twin(local, remote);

	if (pcb)
		tcp_abort(pcb);
}

static bool pcb_waits(const struct tcp_pcb *pcb)
{
	if (pcb->unsent || pcb->unacked || pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND))
		return true;
	return pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT && pcb->state != FIN_WAIT_2;
}

bool engine_wants_tick(const struct stack *s)
{
	if (tcp_tw_pcbs || !list_empty(&s->starved))
		return true;
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
		if (pcb_waits(pcb))
			return true;
	}
	return false;
}

/* A pcb in LAST_ACK is removed after 2 MSL without input, even if its FIN was lost; retransmission
 * has a limit of its own, so that limit shall decide. */
void engine_tick(struct stack *s)
{
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
		if (pcb->state == LAST_ACK)
			pcb->tmr = tcp_ticks;
	}
	tcp_tmr();
	tcp_unstarve(s);
}

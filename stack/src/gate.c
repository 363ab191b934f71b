/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate: every packet of the host comes through here, is checked, and goes to the one place that
 * is responsible for it.
 *
 *   IP (packet.c) -> fragments (reass.c) -> UDP, ICMP, or a TCP segment:
 *     of a held SYN            -> held.c
 *     of a living endpoint     -> tcp.c, which filters SYNs, -> lwIP
 *     SYN of a closing one     -> the old one ends, the new one is held
 *     of a pcb in TIME_WAIT    -> lwIP, which answers late segments
 *     SYN, otherwise unknown   -> held.c
 *     unknown                  -> RST, so that connections from before a restart end at once
 */
#include "internal.h"

#include "chksum.h"

#define IP6_MTU_MIN 1280 /* RFC 8200 5 */

/* RFC 9293 3.2: an option that is neither EOL nor NOP has a length. lwIP reads it even where the
 * header is over. */
static bool options_sound(const uint8_t *opt, size_t n)
{
	for (size_t i = 0; i < n && opt[i] != 0;) {
		size_t len = 1;

		if (opt[i] != 1) {
			if (n - i < 2 || opt[i + 1] < 2 || opt[i + 1] > n - i)
				return false;
			len = opt[i + 1];
		}
		i += len;
	}
	return true;
}

static bool parse_segment(struct segment *seg, const struct packet *p)
{
	const uint8_t *b = p->l4;
	const struct iovec iov = {(void *)(uintptr_t)b, p->n};

	if (p->n < TCP_HLEN_MIN)
		return false;
	seg->header = b;
	seg->header_len = (size_t)(b[12] >> 4) * 4;
	if (seg->header_len < TCP_HLEN_MIN || seg->header_len > p->n)
		return false;
	if (!options_sound(b + TCP_HLEN_MIN, seg->header_len - TCP_HLEN_MIN))
		return false;
	if (chksum_l4(&p->src, &p->dst, PROTO_TCP, &iov, 1) != 0)
		return false;
	seg->data_len = p->n - seg->header_len;
	seg->flags = b[13];
	seg->local = (struct endpoint){p->src, get16(b)};
	seg->remote = (struct endpoint){p->dst, get16(b + 2)};
	seg->seq = get32(b + 4);
	seg->ack = get32(b + 8);
	seg->len = (uint32_t)seg->data_len + !!(seg->flags & TH_SYN) + !!(seg->flags & TH_FIN);
	seg->dscp = p->dscp;
	/* Port 0 is no port, and our listener's resting place. */
	return seg->local.port && seg->remote.port;
}

static bool is_syn(const struct segment *seg)
{
	return (seg->flags & (TH_SYN | TH_ACK)) == TH_SYN;
}

static void unknown_segment(struct stack *s, const struct segment *seg)
{
	if (is_syn(seg))
		held_take(s, seg);
	else if (!(seg->flags & TH_SYN) && engine_time_wait(&seg->local, &seg->remote))
		engine_input(s, seg);
	else
		answer_unknown(s, seg);
}

static void tcp_input_segment(struct stack *s, const struct packet *p)
{
	struct segment seg;
	struct stack_tcp *tcp;

	if (!parse_segment(&seg, p)) {
		s->stats.rx_malformed++;
		return;
	}
	/* No TCP sends these; half of what could be done with them is an attack. */
	if (seg.flags & TH_SYN && seg.flags & (TH_FIN | TH_RST)) {
		s->stats.rx_filtered++;
		return;
	}
	tcp = pool_find(s, &seg.local, &seg.remote);
	if (tcp && is_syn(&seg) && seg.seq != tcp->syn.seq && tcp_closing(tcp)) {
		tcp_replaced(tcp);
		tcp = NULL;
	}
	if (!tcp)
		unknown_segment(s, &seg);
	else if (tcp->state == ENDPOINT_HELD)
		held_segment(tcp, &seg);
	else
		tcp_segment(tcp, &seg);
}

static void dispatch(struct stack *s, const struct packet *p)
{
	bool v4 = p->src.family == 4;

	if (p->proto == PROTO_TCP)
		tcp_input_segment(s, p);
	else if (p->proto == PROTO_UDP)
		udp_input(s, p);
	else if (p->proto == (v4 ? PROTO_ICMP : PROTO_ICMPV6))
		icmp_input(s, p);
	else
		s->stats.rx_unsupported++;
}

static bool passes(struct stack *s, enum packet_verdict verdict)
{
	if (verdict == PACKET_MALFORMED)
		s->stats.rx_malformed++;
	else if (verdict == PACKET_UNSUPPORTED)
		s->stats.rx_unsupported++;
	return verdict == PACKET_OK;
}

void gate_input(struct stack *s, const uint8_t *bytes, size_t n)
{
	struct packet p;

	if (!passes(s, packet_parse(&p, bytes, n)))
		return;
	if (p.src.family == 6 && s->config.mtu < IP6_MTU_MIN) {
		s->stats.rx_unsupported++;
		return;
	}
	if (p.fragment.is) {
		s->stats.fragments++;
		if (!reass_input(s, &p) || !passes(s, packet_walk(&p)))
			return;
	}
	dispatch(s, &p);
}

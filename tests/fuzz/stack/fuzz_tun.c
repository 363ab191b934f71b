/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzzes the whole room: the input is a script of packets (raw, or TCP segments that are right but
 * for what the script bends), fragments, steps of time, calls of the owner and memory shortage.
 * lwIP's assertions are on. Checked besides: bounds, checksums of what comes out, that deadlines
 * ask for a run when events wait, that no event follows the end of an endpoint, and that nothing
 * is left allocated.
 */
#include <stdlib.h>
#include <string.h>

#include "chksum.h"
#include "mem.h"
#include "stack/stack.h"
#include "wire.h"

#define FLOWS 6 /* half of them IPv6 */
#define LIVE_MAX 32

static struct script {
	const uint8_t *p;
	size_t n;
} script;

static struct flow {
	struct endpoint local, remote;
	uint32_t snd, rcv; /* what a correct segment would carry */
} flows[FLOWS];

static struct world {
	struct stack *s;
	usec_t now;
	struct stack_tcp *live[LIVE_MAX];
} w;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static uint8_t u8(void)
{
	if (script.n == 0)
		return 0;
	script.n--;
	return *script.p++;
}

static uint16_t u16(void)
{
	uint16_t high = u8();

	return (uint16_t)(high << 8 | u8());
}

static struct stack_tcp **slot_of(const struct stack_tcp *tcp)
{
	for (int i = 0; i < LIVE_MAX; i++) {
		if (w.live[i] == tcp)
			return &w.live[i];
	}
	return NULL;
}

static void track(const uint8_t *b, size_t header, uint8_t proto)
{
	const uint8_t *l4 = b + header;

	if (proto != PROTO_TCP)
		return;
	for (struct flow *f = flows; f < flows + FLOWS; f++) {
		if ((f->local.addr.family == 4) != (header == IP4_HLEN) ||
			get16(l4 + 2) != f->local.port || get16(l4) != f->remote.port)
			continue;
		f->rcv = get32(l4 + 4) + !!(l4[13] & (TH_SYN | TH_FIN));
		if (l4[13] & TH_ACK)
			f->snd = get32(l4 + 8);
	}
}

static void output(void *user, const struct iovec *iov, int n)
{
	uint8_t b[9100];
	size_t len = 0;

	(void)user;
	for (int i = 0; i < n; i++) {
		check(len + iov[i].iov_len <= sizeof(b));
		memcpy(b + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	check(len <= 1500);
	if (b[0] >> 4 == 4) {
		check(len >= IP4_HLEN && get16(b + 2) == len);
		check(chksum_fold(chksum_add(0, b, IP4_HLEN)) == 0);
		track(b, IP4_HLEN, b[9]);
	} else {
		check(b[0] >> 4 == 6 && len >= IP6_HLEN && get16(b + 4) == len - IP6_HLEN);
		track(b, IP6_HLEN, b[6]);
	}
}

static void act(struct stack_tcp **slot, uint8_t what, uint16_t n)
{
	static uint8_t data[65536];
	struct stack_tcp *tcp = *slot;

	switch (what % 10) {
	case 0:
		stack_tcp_accept(tcp);
		break;
	case 1:
		*slot = NULL;
		stack_tcp_refuse(tcp, (enum stack_answer)(n % 4));
		break;
	case 2:
	case 3:
		check(stack_tcp_write(tcp, data, n) <= n);
		break;
	case 4:
		check(stack_tcp_read(tcp, n % 100, data, n) <= STACK_WINDOW);
		break;
	case 5:
		stack_tcp_confirm(tcp, n);
		break;
	case 6:
		stack_tcp_shutdown(tcp);
		break;
	case 7:
		*slot = NULL;
		stack_tcp_abort(tcp);
		break;
	case 8:
		*slot = NULL;
		stack_tcp_abort_when_acked(tcp);
		break;
	case 9:
		*slot = NULL;
		stack_tcp_detach(tcp);
		break;
	}
	if (*slot) {
		check(stack_tcp_queued(tcp) <= STACK_WINDOW);
		check(stack_tcp_unacked(tcp) <= 65535);
	}
}

/* The owner does something to some endpoint, from wherever it is called. */
static void act_on_some(void)
{
	uint8_t which = u8(), what = u8();
	struct stack_tcp **slot = &w.live[which % LIVE_MAX];

	for (int i = 0; i < LIVE_MAX && !*slot; i++)
		slot = &w.live[(which + i) % LIVE_MAX];
	if (*slot)
		act(slot, what, u16());
}

static void tcp_syn(void *user, struct stack_tcp *tcp, const struct endpoint *local,
	const struct endpoint *remote, uint8_t dscp)
{
	struct stack_tcp **slot = slot_of(NULL);

	(void)user;
	(void)local;
	(void)remote;
	check(dscp < 64 && !slot_of(tcp));
	if (!slot) {
		stack_tcp_refuse(tcp, STACK_ANSWER_RST);
		return;
	}
	*slot = tcp;
	if (u8() & 1)
		stack_tcp_accept(tcp);
	else if (u8() & 1)
		act_on_some();
}

static void tcp_event(void *user, struct stack_tcp *tcp, unsigned events)
{
	struct stack_tcp **slot = slot_of(tcp);

	(void)user;
	check(slot != NULL); /* never after its end */
	if (u8() % 4 == 0)
		act_on_some();
	slot = slot_of(tcp);
	if (slot && events & STACK_TCP_GONE)
		*slot = NULL;
}

static void udp(void *user, const struct stack_datagram *d)
{
	uint8_t what = u8();

	(void)user;
	if (what % 4 == 0)
		stack_udp_refuse(w.s, d, (enum stack_answer)(what / 4 % 4));
	else if (what % 4 == 1)
		stack_udp_too_big(w.s, d, u16());
	else if (what % 4 == 2)
		stack_udp_send(w.s, &d->remote, &d->local, d->p, d->n);
}

static void echo(void *user, const struct stack_echo *e)
{
	uint8_t what = u8();

	(void)user;
	if (what & 1)
		stack_echo_refuse(w.s, e, (enum stack_answer)(what / 2 % 4));
	else
		stack_echo_reply(w.s, e);
}

static void feed(const uint8_t *p, size_t n)
{
	/* An exact copy, so that ASan sees the smallest step over its end. */
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	stack_input(w.s, w.now, copy, n);
	free(copy);
}

static size_t ip(uint8_t *b, const struct flow *f, uint8_t proto, size_t n)
{
	bool v4 = f->local.addr.family == 4;

	memset(b, 0, v4 ? IP4_HLEN : IP6_HLEN);
	if (v4) {
		b[0] = 0x45;
		put16(b + 2, (uint16_t)(IP4_HLEN + n));
		b[9] = proto;
		memcpy(b + 12, f->local.addr.b, 4);
		memcpy(b + 16, f->remote.addr.b, 4);
		put16(b + 10, chksum_fold(chksum_add(0, b, IP4_HLEN)));
		return IP4_HLEN + n;
	}
	b[0] = 0x60;
	put16(b + 4, (uint16_t)n);
	b[6] = proto;
	memcpy(b + 8, f->local.addr.b, 16);
	memcpy(b + 24, f->remote.addr.b, 16);
	return IP6_HLEN + n;
}

/* The same packet with a hop-by-hop header of @words * 8 + 8 bytes in front of the rest. */
static size_t with_options(uint8_t *to, const uint8_t *from, size_t n, uint8_t words)
{
	size_t len = 8 + (size_t)words * 8;

	memcpy(to, from, IP6_HLEN);
	memset(to + IP6_HLEN, 0, len);
	memcpy(to + IP6_HLEN + len, from + IP6_HLEN, n - IP6_HLEN);
	to[IP6_HLEN] = from[6];
	to[IP6_HLEN + 1] = words;
	to[6] = PROTO_HOPOPTS;
	put16(to + 4, (uint16_t)(get16(from + 4) + len));
	return n + len;
}

static const struct flow *some_flow(uint8_t which)
{
	return &flows[which % FLOWS];
}

static void segment(void)
{
	static const uint8_t likely[] = {TH_SYN, TH_ACK, TH_ACK, TH_ACK | TH_FIN, TH_RST,
		TH_SYN | TH_ACK, TH_RST | TH_ACK, TH_FIN};
	const struct flow *f = some_flow(u8());
	uint8_t b[9100], *l4 = b + (f->local.addr.family == 4 ? IP4_HLEN : IP6_HLEN);
	uint8_t kind = u8(), flags = kind & 8 ? u8() : likely[kind & 7];
	size_t options = kind & 0x10 ? u8() % 11 * 4u : 0, n = kind & 0x20 ? u16() % 3000 : 0;
	struct iovec iov = {l4, TCP_HLEN_MIN + options + n};

	memset(l4, 0, iov.iov_len);
	put16(l4, f->local.port);
	put16(l4 + 2, f->remote.port);
	put32(l4 + 4, f->snd + (kind & 0x40 ? (uint32_t)(int16_t)u16() : 0));
	put32(l4 + 8, f->rcv + (kind & 0x80 ? (uint32_t)(int16_t)u16() : 0));
	l4[12] = (uint8_t)((TCP_HLEN_MIN + options) / 4 << 4);
	l4[13] = flags;
	put16(l4 + 14, u16());
	for (size_t i = 0; i < options; i++)
		l4[TCP_HLEN_MIN + i] = u8();
	put16(l4 + 16, chksum_l4(&f->local.addr, &f->remote.addr, PROTO_TCP, &iov, 1));
	feed(b, ip(b, f, PROTO_TCP, iov.iov_len));
}

static void datagram(uint8_t proto)
{
	const struct flow *f = some_flow(u8());
	bool v4 = f->local.addr.family == 4;
	uint8_t b[2100], more[2200], *l4 = b + (v4 ? IP4_HLEN : IP6_HLEN);
	size_t n = 8 + u16() % 2000;
	struct iovec iov = {l4, n};

	memset(l4, u8(), n);
	put16(l4, proto == PROTO_UDP ? f->local.port : (v4 ? 0x0800 : 0x8000));
	put16(l4 + 2, proto == PROTO_UDP ? f->remote.port : 0);
	put16(l4 + 4, (uint16_t)n);
	if (proto == PROTO_UDP)
		put16(l4 + 6, 0);
	if (proto == PROTO_ICMP && v4)
		put16(l4 + 2, chksum_fold(chksum_add(0, l4, n)));
	else
		put16(l4 + (proto == PROTO_UDP ? 6 : 2),
			chksum_l4(&f->local.addr, &f->remote.addr,
				proto == PROTO_UDP ? PROTO_UDP : PROTO_ICMPV6, &iov, 1));
	n = ip(b, f, proto == PROTO_ICMP && !v4 ? PROTO_ICMPV6 : proto, n);
	if (!v4 && u8() & 1)
		feed(more, with_options(more, b, n, u8() % 4));
	else
		feed(b, n);
}

static void fragment(void)
{
	const struct flow *f = some_flow(u8());
	bool v4 = f->local.addr.family == 4;
	uint8_t b[2100], kind = u8();
	size_t n = u16() % 64 * (kind & 1 ? 1 : 8), offset = u8() * 8u;
	uint8_t *l4 = b + (v4 ? IP4_HLEN : IP6_HLEN + 8);

	memset(l4, 0, n);
	for (size_t i = 0; i < n && i < 16; i++)
		l4[i] = u8();
	if (v4) {
		size_t len = ip(b, f, kind & 2 ? PROTO_UDP : PROTO_TCP, n);

		put16(b + 4, kind >> 4 & 3);
		put16(b + 6, (uint16_t)(offset / 8 | (kind & 4 ? 0x2000 : 0)));
		put16(b + 10, 0);
		put16(b + 10, chksum_fold(chksum_add(0, b, IP4_HLEN)));
		feed(b, len);
		return;
	}
	n = ip(b, f, PROTO_FRAGMENT, n + 8);
	memset(b + IP6_HLEN, 0, 8);
	b[IP6_HLEN] = kind & 8 ? PROTO_DSTOPTS : PROTO_UDP;
	put16(b + IP6_HLEN + 2, (uint16_t)(offset | (kind >> 2 & 1)));
	b[IP6_HLEN + 7] = kind >> 4 & 3;
	feed(b, n);
}

static void raw(void)
{
	size_t n = u8();

	if (n > script.n)
		n = script.n;
	feed(script.p, n);
	script.p += n;
	script.n -= n;
}

/* A connection to the host, on the addresses that segment() speaks for. */
static void dial(void)
{
	const struct flow *f = &flows[u8() % FLOWS];
	struct stack_tcp **slot = slot_of(NULL), *tcp = NULL;

	if (!slot || stack_tcp_connect(w.s, &f->local, &f->remote, &tcp) < 0)
		return;
	check(tcp && !slot_of(tcp));
	*slot = tcp;
}

static void run(void)
{
	struct stack_stats st;

	stack_run(w.s, w.now);
	stack_stats(w.s, &st);
	check(st.held <= STACK_HELD_MAX && st.endpoints <= 2 * STACK_HELD_MAX);
	check(st.alloc_bytes <= MEM_LIMIT);
	check(st.endpoints || stack_deadline(w.s) >= w.now);
}

static void step(uint8_t op)
{
	static const usec_t steps[] = {MSEC(1), MSEC(100), MSEC(250), SEC(1), SEC(3), SEC(31),
		SEC(100), SEC(4000)};

	switch (op % 16) {
	case 0:
		raw();
		break;
	case 1:
		fragment();
		break;
	case 2:
		datagram(u8() & 1 ? PROTO_UDP : PROTO_ICMP);
		break;
	case 3:
		w.now += steps[u8() % 8];
		run();
		break;
	case 4:
		for (int i = u8(); i > 0; i--) {
			w.now += MSEC(100);
			run();
		}
		break;
	case 5:
		mem_set_limit(u8() & 1 ? 0 : u16() * 4u);
		break;
	case 6:
	case 7:
	case 8:
		act_on_some();
		break;
	case 9:
		run();
		break;
	case 10:
		dial();
		break;
	default:
		segment();
		break;
	}
}

static void start(void)
{
	static const struct stack_ops ops = {output, tcp_syn, tcp_event, udp, echo};
	const struct stack_config config = {
		.mtu = 1500, .isn_secret = {42}, .held_max_age = SEC(30)};

	memset(&w, 0, sizeof(w));
	w.now = SEC(1);
	check(stack_new(&w.s, &config, &ops, NULL, w.now) == 0);
	for (int i = 0; i < FLOWS; i++) {
		const uint8_t v4[2][4] = {{10, 0, 0, 2}, {192, 0, 2, 9}};
		const uint8_t v6[2][16] = {{0x20, 1, 0xd, 0xb8, [15] = 2}, {0x20, 1, 0xd, 0xb8}};

		flows[i] = (struct flow){.snd = 1000, .rcv = 1};
		flows[i].local.addr = i & 1 ? addr_v6(v6[0]) : addr_v4(v4[0]);
		flows[i].remote.addr = i & 1 ? addr_v6(v6[1]) : addr_v4(v4[1]);
		flows[i].local.port = (uint16_t)(40000 + i);
		flows[i].remote.port = 80;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct stack_stats st = {0};

	script = (struct script){p, n};
	mem_set_limit(0);
	start();
	while (script.n)
		step(u8());
	stack_free(w.s);
	mem_stats(&st);
	check(st.alloc_bytes == 0);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include "chksum.h"

static void note_output(void *user, const struct iovec *iov, int n)
{
	struct rig *r = user;
	struct kept *k = &r->sent[r->sent_n];
	size_t total = 0;

	assert_true(r->sent_n < KEPT_MAX);
	for (int i = 0; i < n; i++)
		total += iov[i].iov_len;
	k->bytes = malloc(total);
	k->n = 0;
	for (int i = 0; i < n; i++) {
		memcpy(k->bytes + k->n, iov[i].iov_base, iov[i].iov_len);
		k->n += iov[i].iov_len;
	}
	r->sent_n++;
}

static void note_syn(void *user, struct stack_tcp *tcp, const struct endpoint *local,
	const struct endpoint *remote, uint8_t dscp)
{
	struct rig *r = user;

	assert_null(stack_tcp_user(tcp));
	r->syn = tcp;
	r->syn_local = *local;
	r->syn_remote = *remote;
	r->syn_dscp = dscp;
	r->syns++;
	if (r->on_syn)
		r->on_syn(r, tcp);
}

static void note_event(void *user, struct stack_tcp *tcp, unsigned events)
{
	struct rig *r = user;

	assert_true(events != 0);
	r->events |= events;
	r->last = tcp;
	if (events & STACK_TCP_GONE)
		r->gone++;
	if (r->on_event)
		r->on_event(r, tcp, events);
}

static void note_udp(void *user, const struct stack_datagram *d)
{
	struct rig *r = user;

	r->udp = *d;
	memcpy(r->udp_bytes, d->p, d->n);
	r->udps++;
	if (r->on_udp)
		r->on_udp(r, d);
}

static void note_echo(void *user, const struct stack_echo *e)
{
	struct rig *r = user;

	r->echoes++;
	r->echo = *e;
	memcpy(r->echo_bytes, e->p, e->n);
	r->echo.p = r->echo_bytes;
}

const struct stack_ops rig_ops = {note_output, note_syn, note_event, note_udp, note_echo};

void rig_start(struct rig *r, const struct stack_config *config)
{
	r->now = SEC(1000);
	assert_int_equal(stack_new(&r->s, config, &rig_ops, r, r->now), 0);
}

void rig_open(struct rig *r)
{
	const struct stack_config config = {
		.mtu = 1500, .isn_secret = {1, 2, 3, 4, 5}, .held_max_age = SEC(30)};

	memset(r, 0, sizeof(*r));
	rig_start(r, &config);
}

void rig_close(struct rig *r)
{
	struct stack_stats st;

	stack_free(r->s);
	rig_forget(r);
	/* A second stack in this process finds no trace of the first. */
	rig_start(r, &(struct stack_config){.mtu = 1500, .held_max_age = 1});
	st = rig_stats(r);
	assert_int_equal(st.endpoints, 0);
	assert_int_equal(stack_deadline(r->s), USEC_NEVER);
	assert_true(st.alloc_bytes < 256); /* the listener */
	stack_free(r->s);
}

struct stack_stats rig_stats(const struct rig *r)
{
	struct stack_stats st;

	stack_stats(r->s, &st);
	return st;
}

void rig_input(struct rig *r, const uint8_t *p, size_t n)
{
	/* An exact copy: reading past its end is an error that ASan sees. */
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	stack_input(r->s, r->now, copy, n);
	free(copy);
}

void rig_run(struct rig *r)
{
	stack_run(r->s, r->now);
}

void rig_pass(struct rig *r, usec_t t)
{
	for (usec_t end = r->now + t; r->now < end;) {
		r->now = usec_min(r->now + MSEC(100), end);
		rig_run(r);
	}
}

unsigned rig_events(struct rig *r)
{
	unsigned events = r->events;

	r->events = 0;
	return events;
}

static void view_tcp(struct view *v)
{
	const struct iovec iov = {(void *)(uintptr_t)v->l4, v->l4_len};
	size_t header = (size_t)(v->l4[12] >> 4) * 4;

	assert_true(v->l4_len >= TCP_HLEN_MIN && header <= v->l4_len);
	assert_int_equal(chksum_l4(&v->src, &v->dst, PROTO_TCP, &iov, 1), 0);
	v->sport = get16(v->l4);
	v->dport = get16(v->l4 + 2);
	v->seq = get32(v->l4 + 4);
	v->ack = get32(v->l4 + 8);
	v->flags = v->l4[13];
	v->window = get16(v->l4 + 14);
	if (header >= 24 && v->l4[20] == 2)
		v->mss = get16(v->l4 + 22);
	v->data = v->l4 + header;
	v->n = v->l4_len - header;
}

static void view_udp(struct view *v)
{
	const struct iovec iov = {(void *)(uintptr_t)v->l4, v->l4_len};

	assert_int_equal(get16(v->l4 + 4), v->l4_len);
	assert_true(get16(v->l4 + 6) != 0);
	assert_int_equal(chksum_l4(&v->src, &v->dst, PROTO_UDP, &iov, 1), 0);
	v->sport = get16(v->l4);
	v->dport = get16(v->l4 + 2);
	v->data = v->l4 + UDP_HLEN;
	v->n = v->l4_len - UDP_HLEN;
}

static void view_icmp(struct view *v)
{
	const struct iovec iov = {(void *)(uintptr_t)v->l4, v->l4_len};

	if (v->proto == PROTO_ICMP)
		assert_int_equal(chksum_fold(chksum_add(0, v->l4, v->l4_len)), 0);
	else
		assert_int_equal(chksum_l4(&v->src, &v->dst, PROTO_ICMPV6, &iov, 1), 0);
	v->type = v->l4[0];
	v->code = v->l4[1];
	v->field = get32(v->l4 + 4);
	v->data = v->l4 + ICMP_HLEN;
	v->n = v->l4_len - ICMP_HLEN;
}

static void view_ip(struct view *v, const uint8_t *b, size_t n)
{
	if (b[0] >> 4 == 4) {
		assert_true(n >= IP4_HLEN && get16(b + 2) == n && b[0] == 0x45);
		assert_int_equal(chksum_fold(chksum_add(0, b, IP4_HLEN)), 0);
		v->src = addr_v4(b + 12);
		v->dst = addr_v4(b + 16);
		v->proto = b[9];
		v->df = b[6] & 0x40;
		v->more = b[6] & 0x20;
		v->offset = (size_t)(get16(b + 6) & 0x1fff) * 8;
		v->id = get16(b + 4);
		v->l4 = b + IP4_HLEN;
		v->l4_len = n - IP4_HLEN;
	} else {
		assert_true(n >= IP6_HLEN && b[0] == 0x60);
		assert_int_equal(get16(b + 4), n - IP6_HLEN);
		v->src = addr_v6(b + 8);
		v->dst = addr_v6(b + 24);
		v->proto = b[6];
		v->l4 = b + IP6_HLEN;
		v->l4_len = n - IP6_HLEN;
		if (v->proto == PROTO_FRAGMENT) {
			v->proto = v->l4[0];
			v->offset = get16(v->l4 + 2) & 0xfff8;
			v->more = v->l4[3] & 1;
			v->id = get32(v->l4 + 4);
			v->l4 += 8;
			v->l4_len -= 8;
		}
	}
	v->fragment = v->more || v->offset;
}

bool rig_next(struct rig *r, struct view *v)
{
	struct kept *k = &r->sent[r->sent_taken];

	if (r->sent_taken == r->sent_n)
		return false;
	r->sent_taken++;
	*v = (struct view){0};
	view_ip(v, k->bytes, k->n);
	if (v->fragment)
		return true;
	if (v->proto == PROTO_TCP)
		view_tcp(v);
	else if (v->proto == PROTO_UDP)
		view_udp(v);
	else
		view_icmp(v);
	return true;
}

void rig_expect_silence(struct rig *r)
{
	assert_int_equal(r->sent_n - r->sent_taken, 0);
	rig_forget(r);
}

void rig_forget(struct rig *r)
{
	for (size_t i = 0; i < r->sent_n; i++)
		free(r->sent[i].bytes);
	r->sent_n = r->sent_taken = 0;
}

struct endpoint ep(const char *text)
{
	struct endpoint e = {0};

	assert_int_equal(endpoint_parse(&e, text, strlen(text)), 0);
	return e;
}

void fix_v4(uint8_t *packet)
{
	size_t header = (size_t)(packet[0] & 0xf) * 4;

	put16(packet + 10, 0);
	put16(packet + 10, chksum_fold(chksum_add(0, packet, header)));
}

size_t build_ip(uint8_t *buf, const struct addr *src, const struct addr *dst, uint8_t proto,
	const void *l4, size_t n)
{
	size_t header = src->family == 4 ? IP4_HLEN : IP6_HLEN;

	memmove(buf + header, l4, n);
	memset(buf, 0, header);
	if (src->family == 4) {
		buf[0] = 0x45;
		put16(buf + 2, (uint16_t)(header + n));
		buf[6] = 0x40;
		buf[8] = 64;
		buf[9] = proto;
		memcpy(buf + 12, src->b, 4);
		memcpy(buf + 16, dst->b, 4);
		fix_v4(buf);
	} else {
		buf[0] = 0x60;
		put16(buf + 4, (uint16_t)n);
		buf[6] = proto;
		buf[7] = 64;
		memcpy(buf + 8, src->b, 16);
		memcpy(buf + 24, dst->b, 16);
	}
	return header + n;
}

size_t build_tcp(uint8_t *buf, const struct endpoint *from, const struct endpoint *to,
	const struct tcp_spec *t)
{
	static uint8_t l4[65536];
	size_t header = t->options ? 28 : t->mss ? 24 : 20;
	const struct iovec iov = {l4, header + t->n};

	memset(l4, 0, header);
	put16(l4, from->port);
	put16(l4 + 2, to->port);
	put32(l4 + 4, t->seq);
	put32(l4 + 8, t->ack);
	l4[12] = (uint8_t)(header / 4 << 4);
	l4[13] = t->flags;
	put16(l4 + 14, t->window);
	if (t->mss) {
		l4[20] = 2;
		l4[21] = 4;
		put16(l4 + 22, t->mss);
	}
	if (t->options)
		memcpy(l4 + TCP_HLEN_MIN, t->options, 8);
	if (t->n)
		memcpy(l4 + header, t->data, t->n);
	put16(l4 + 16, chksum_l4(&from->addr, &to->addr, PROTO_TCP, &iov, 1));
	return build_ip(buf, &from->addr, &to->addr, PROTO_TCP, l4, iov.iov_len);
}

size_t build_udp(uint8_t *buf, const struct endpoint *from, const struct endpoint *to,
	const void *data, size_t n)
{
	static uint8_t l4[65536];
	const struct iovec iov = {l4, UDP_HLEN + n};
	uint16_t sum;

	put16(l4, from->port);
	put16(l4 + 2, to->port);
	put16(l4 + 4, (uint16_t)(UDP_HLEN + n));
	put16(l4 + 6, 0);
	if (n)
		memcpy(l4 + UDP_HLEN, data, n);
	sum = chksum_l4(&from->addr, &to->addr, PROTO_UDP, &iov, 1);
	put16(l4 + 6, sum ? sum : 0xffff);
	return build_ip(buf, &from->addr, &to->addr, PROTO_UDP, l4, iov.iov_len);
}

static size_t build_any_icmp(uint8_t *buf, const struct addr *from, const struct addr *to,
	const uint8_t head[ICMP_HLEN], const void *data, size_t n)
{
	static uint8_t l4[65536];
	const struct iovec iov = {l4, ICMP_HLEN + n};
	bool v4 = from->family == 4;

	memcpy(l4, head, ICMP_HLEN);
	if (n)
		memcpy(l4 + ICMP_HLEN, data, n);
	put16(l4 + 2, v4 ? chksum_fold(chksum_add(0, l4, iov.iov_len))
			 : chksum_l4(from, to, PROTO_ICMPV6, &iov, 1));
	return build_ip(buf, from, to, v4 ? PROTO_ICMP : PROTO_ICMPV6, l4, iov.iov_len);
}

size_t build_echo(uint8_t *buf, const struct addr *from, const struct addr *to, uint16_t id,
	uint16_t seq, const void *data, size_t n)
{
	uint8_t head[ICMP_HLEN] = {from->family == 4 ? 8 : 128};

	put16(head + 4, id);
	put16(head + 6, seq);
	return build_any_icmp(buf, from, to, head, data, n);
}

size_t build_icmp(uint8_t *buf, const struct addr *from, const struct addr *to, uint8_t type,
	uint8_t code, const void *data, size_t n)
{
	const uint8_t head[ICMP_HLEN] = {type, code};

	return build_any_icmp(buf, from, to, head, data, n);
}

size_t build_fragment(uint8_t *buf, const uint8_t *packet, size_t len, uint32_t id, size_t offset,
	size_t n)
{
	bool v4 = packet[0] >> 4 == 4;
	size_t header = v4 ? IP4_HLEN : IP6_HLEN, to = v4 ? header : header + 8;
	bool more = header + offset + n < len;

	memcpy(buf, packet, header);
	memcpy(buf + to, packet + header + offset, n);
	if (v4) {
		put16(buf + 2, (uint16_t)(to + n));
		put16(buf + 4, (uint16_t)id);
		put16(buf + 6, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
		fix_v4(buf);
	} else {
		put16(buf + 4, (uint16_t)(8 + n));
		buf[6] = PROTO_FRAGMENT;
		buf[header] = packet[6];
		buf[header + 1] = 0;
		put16(buf + header + 2, (uint16_t)(offset | more));
		put32(buf + header + 4, id);
	}
	return to + n;
}

struct client client(struct rig *r, const char *local, const char *remote)
{
	return (struct client){r, ep(local), ep(remote), .snd = 0x1000, .window = 64240};
}

void client_send(struct client *c, uint8_t flags, const void *data, size_t n)
{
	uint8_t buf[PACKET_SIZE];
	const struct tcp_spec t = {.seq = c->snd, .ack = flags & TH_ACK ? c->rcv : 0,
		.flags = flags, .window = c->window, .mss = flags & TH_SYN ? 1460 : 0, .data = data,
		.n = n};

	rig_input(c->r, buf, build_tcp(buf, &c->local, &c->remote, &t));
	c->snd += (uint32_t)n + !!(flags & TH_SYN) + !!(flags & TH_FIN);
}

void client_syn(struct client *c)
{
	client_send(c, TH_SYN, NULL, 0);
	rig_run(c->r);
}

struct view client_expect(struct client *c, uint8_t flags)
{
	struct view v = {0};

	assert_true(rig_next(c->r, &v));
	assert_int_equal(v.proto, PROTO_TCP);
	assert_true(addr_equal(&v.dst, &c->local.addr) && v.dport == c->local.port);
	assert_true(addr_equal(&v.src, &c->remote.addr) && v.sport == c->remote.port);
	assert_int_equal(v.flags & ~0x08, flags); /* PSH is nobody's business */
	if (v.flags & TH_SYN)
		c->rcv = v.seq;
	if (!(v.flags & TH_RST) && v.seq == c->rcv)
		c->rcv += (uint32_t)v.n + !!(v.flags & TH_SYN) + !!(v.flags & TH_FIN);
	return v;
}

struct stack_tcp *client_connect(struct client *c)
{
	struct stack_tcp *tcp;

	client_syn(c);
	tcp = c->r->syn;
	assert_non_null(tcp);
	assert_int_equal(stack_tcp_accept(tcp), 0);
	client_expect(c, TH_SYN | TH_ACK);
	client_send(c, TH_ACK, NULL, 0);
	rig_run(c->r);
	assert_true(rig_events(c->r) & STACK_TCP_ESTABLISHED);
	rig_expect_silence(c->r);
	return tcp;
}

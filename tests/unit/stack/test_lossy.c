/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A model of a host's TCP and the stack, with a path in between that loses, repeats and reorders.
 * Whatever the path does, both sides get exactly the bytes that the other one wrote, and the
 * connection ends cleanly. Seeded: a failure can be repeated.
 */
#include "host.h"

#define STEP MSEC(20)
#define RTO MSEC(400)
#define PATH_MAX_PACKETS 64
#define BYTES 60000

static struct rig r;
static uint32_t seed;
static unsigned bad; /* percent of packets that something happens to */

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* What @offset of the stream of @side is. */
static uint8_t byte_at(int side, size_t offset)
{
	return (uint8_t)(offset * 11 + offset / 256 + (size_t)side * 101);
}

/* One direction of the path. */
struct path {
	struct kept packets[PATH_MAX_PACKETS];
	size_t n;
};

static void path_put(struct path *p, const uint8_t *bytes, size_t n)
{
	unsigned copies = 1;

	if (dice(100) < bad)
		copies = dice(3) ? 0 : 2;
	while (copies-- && p->n < PATH_MAX_PACKETS) {
		struct kept *k = &p->packets[p->n++];
		size_t other = dice(100) < bad ? dice((uint32_t)p->n) : p->n - 1;
		struct kept tmp;

		k->bytes = malloc(n);
		k->n = n;
		memcpy(k->bytes, bytes, n);
		tmp = *k;
		*k = p->packets[other];
		p->packets[other] = tmp;
	}
}

static bool path_take(struct path *p, struct kept *out)
{
	if (p->n == 0)
		return false;
	*out = p->packets[0];
	memmove(p->packets, p->packets + 1, --p->n * sizeof(*out));
	return true;
}

/* The host's TCP: go-back-N, cumulative ACKs, nothing clever. Sequence numbers are offsets from the
 * initial ones; 0 is the SYN. */
static struct model {
	struct endpoint local, remote;
	enum { CLOSED, SYN_SENT_, OPEN } state;
	uint32_t isn, peer_isn;
	uint32_t una, nxt, end; /* end: behind our FIN */
	uint32_t rcv;
	uint32_t peer_window;
	uint16_t window;
	bool peer_fin;
	usec_t progress;
} h;

static struct path up, down;

static void model_send(uint8_t flags, uint32_t at, size_t n)
{
	uint8_t buf[PACKET_SIZE], payload[1460];
	struct tcp_spec t = {.seq = h.isn + at, .flags = flags, .window = h.window,
		.mss = flags & TH_SYN ? 1460 : 0, .data = payload, .n = n};

	for (size_t i = 0; i < n; i++)
		payload[i] = byte_at(0, at - 1 + i);
	if (flags & TH_ACK)
		t.ack = h.peer_isn + h.rcv;
	path_put(&up, buf, build_tcp(buf, &h.local, &h.remote, &t));
}

static void model_push(void)
{
	bool probe = h.peer_window == 0 && h.una == h.nxt && r.now - h.progress >= RTO;
	uint32_t limit = h.una + (probe ? 1 : h.peer_window);

	while (h.nxt < h.end && h.nxt < limit) {
		uint32_t left = h.end - 1 - h.nxt; /* without the FIN */
		uint32_t n = left < 1460 ? left : 1460;

		if (n > limit - h.nxt)
			n = limit - h.nxt;
		model_send(left == n && h.nxt + n < limit ? TH_ACK | TH_FIN : TH_ACK, h.nxt, n);
		h.nxt += n + (left == n && h.nxt + n < limit);
	}
	if (probe)
		h.progress = r.now;
}

static void model_tick(void)
{
	h.window = dice(20) ? (uint16_t)(3000 + dice(60000)) : 0;
	if (h.state == CLOSED || (h.state == SYN_SENT_ && r.now - h.progress >= RTO)) {
		model_send(TH_SYN, 0, 0);
		h.state = SYN_SENT_;
		h.progress = r.now;
	}
	if (h.state != OPEN)
		return;
	if (h.una < h.nxt && r.now - h.progress >= RTO) {
		h.nxt = h.una;
		h.progress = r.now;
	}
	model_push();
	if (dice(10) == 0)
		model_send(TH_ACK, h.nxt, 0); /* tells of the window */
}

static void model_receive(const struct view *v)
{
	uint32_t at = v->seq - h.peer_isn;

	for (size_t i = 0; i < v->n; i++) {
		if (at + i == h.rcv) {
			assert_int_equal(v->data[i], byte_at(1, h.rcv - 1));
			h.rcv++;
		}
	}
	if (v->flags & TH_FIN && at + v->n == h.rcv) {
		h.peer_fin = true;
		h.rcv++;
	}
	if (v->n || v->flags & (TH_FIN | TH_SYN))
		model_send(TH_ACK, h.nxt, 0);
}

static void model_input(const struct view *v)
{
	uint32_t acked;

	/* A straggler may find nobody when both have closed; TIME-WAIT ignores the RST (RFC 1337). */
	if (v->flags & TH_RST) {
		assert_true(h.peer_fin && h.una == h.end);
		return;
	}
	if (v->flags & TH_SYN && h.state == SYN_SENT_) {
		h.peer_isn = v->seq;
		h.state = OPEN;
		h.rcv = h.una = h.nxt = 1;
	}
	acked = v->ack - h.isn;
	if (h.state != OPEN || acked < h.una)
		return;
	assert_true(acked <= h.end);
	if (acked > h.una)
		h.progress = r.now;
	h.una = acked;
	if (h.nxt < acked)
		h.nxt = acked;
	h.peer_window = v->window;
	model_receive(v);
}

/* The owner: takes its time, and checks. */
static struct {
	struct stack_tcp *tcp;
	size_t got, written;
	bool fin, gone;
} o;

static void on_syn(struct rig *rig, struct stack_tcp *tcp)
{
	(void)rig;
	assert_null(o.tcp);
	o.tcp = tcp;
	assert_int_equal(stack_tcp_accept(tcp), 0);
}

static void on_event(struct rig *rig, struct stack_tcp *tcp, unsigned events)
{
	(void)rig;
	assert_ptr_equal(tcp, o.tcp);
	o.fin |= events & STACK_TCP_FIN;
	if (events & STACK_TCP_GONE) {
		o.gone = true;
		o.tcp = NULL;
	}
}

static void owner_tick(void)
{
	uint8_t buf[5000];
	size_t n;

	if (!o.tcp)
		return;
	n = stack_tcp_read(o.tcp, 0, buf, dice(sizeof(buf)));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf[i], byte_at(0, o.got + i));
	if (dice(3) == 0) {
		stack_tcp_confirm(o.tcp, n);
		o.got += n;
	}
	n = dice(sizeof(buf));
	if (n > BYTES - o.written)
		n = BYTES - o.written;
	for (size_t i = 0; i < n; i++)
		buf[i] = byte_at(1, o.written + i);
	o.written += stack_tcp_write(o.tcp, buf, n);
	if (o.written == BYTES)
		stack_tcp_shutdown(o.tcp);
}

static void carry(void)
{
	struct kept k;

	while (path_take(&up, &k)) {
		rig_input(&r, k.bytes, k.n);
		free(k.bytes);
	}
	for (size_t i = 0; i < r.sent_n; i++)
		path_put(&down, r.sent[i].bytes, r.sent[i].n);
	rig_forget(&r);
	while (path_take(&down, &k)) {
		struct view v;

		r.sent[0] = k;
		r.sent_n = 1;
		assert_true(rig_next(&r, &v));
		model_input(&v);
		rig_forget(&r);
	}
}

static void transfer(uint32_t with_seed, bool v6)
{
	seed = with_seed;
	memset(&o, 0, sizeof(o));
	rig_open(&r);
	r.on_syn = on_syn;
	r.on_event = on_event;
	h = (struct model){.local = ep(v6 ? "[2001:db8::2]:4000" : "10.0.0.2:4000"),
		.remote = ep(v6 ? "[2001:db8::9]:80" : "192.0.2.9:80"),
		.isn = 0xffffff00u + dice(512), .end = 1 + BYTES + 1, .window = 30000};
	for (int i = 0; i < 100000 && !o.gone; i++) {
		r.now += STEP;
		model_tick();
		carry();
		owner_tick();
		rig_run(&r);
	}
	assert_true(o.gone && o.fin);
	assert_int_equal(o.got, BYTES);
	assert_true(h.peer_fin);
	assert_int_equal(h.rcv, 1 + BYTES + 1);
	assert_int_equal(rig_stats(&r).endpoints, 0);
	for (struct kept k; path_take(&up, &k) || path_take(&down, &k);)
		free(k.bytes);
	rig_close(&r);
}

static void every_byte_arrives_on_a_perfect_path(void **state)
{
	(void)state;
	bad = 0;
	for (uint32_t i = 1; i <= 5; i++)
		transfer(i, i & 1);
}

static void every_byte_arrives_on_a_path_that_loses_repeats_and_reorders(void **state)
{
	(void)state;
	bad = 10;
	for (uint32_t i = 100; i < 120; i++)
		transfer(i, i & 1);
}

static void every_byte_arrives_on_a_very_bad_path(void **state)
{
	(void)state;
	bad = 30;
	for (uint32_t i = 200; i < 208; i++)
		transfer(i, i & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_arrives_on_a_perfect_path),
		cmocka_unit_test(every_byte_arrives_on_a_path_that_loses_repeats_and_reorders),
		cmocka_unit_test(every_byte_arrives_on_a_very_bad_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections towards a server of the host: the SYN is ours, and the server sees any address we say. */
#include "host.h"

#include <errno.h>

static struct rig r;

static int open_rig(void **state)
{
	(void)state;
	rig_open(&r);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&r);
	return 0;
}

/* The server is played with the means of a client: it only speaks second. */
static struct client server(void **state)
{
	return *state ? client(&r, "[2001:db8::2]:8080", "[2001:db8:1::5]:40000")
		      : client(&r, "10.0.0.2:8080", "192.0.2.9:40000");
}

static struct stack_tcp *dial(struct client *c)
{
	struct stack_tcp *tcp = NULL;

	assert_int_equal(stack_tcp_connect(r.s, &c->local, &c->remote, &tcp), 0);
	assert_non_null(tcp);
	return tcp;
}

static struct stack_tcp *established(struct client *c)
{
	struct stack_tcp *tcp = dial(c);

	client_expect(c, TH_SYN);
	client_send(c, TH_SYN | TH_ACK, NULL, 0);
	client_expect(c, TH_ACK);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_ESTABLISHED | STACK_TCP_WRITABLE);
	return tcp;
}

static void server_sees_the_address_we_say(void **state)
{
	struct client c = server(state);
	struct view v;

	dial(&c);
	v = client_expect(&c, TH_SYN);
	assert_int_equal(v.mss, *state ? 1440 : 1460);
	assert_int_equal(v.window, STACK_WINDOW);
	rig_expect_silence(&r);
}

static void bytes_pass_both_ways(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = established(&c);
	char buf[8];

	assert_int_equal(stack_tcp_write(tcp, "ask", 3), 3);
	assert_memory_equal(client_expect(&c, TH_ACK).data, "ask", 3);
	client_send(&c, TH_ACK, "answer", 6);
	rig_run(&r);
	assert_true(rig_events(&r) & STACK_TCP_READABLE);
	assert_int_equal(stack_tcp_read(tcp, 0, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "answer", 6);
	stack_tcp_confirm(tcp, 6);
}

static void nothing_can_be_written_before_the_server_answered(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = dial(&c);

	assert_int_equal(stack_tcp_write_space(tcp), 0);
	assert_int_equal(stack_tcp_write(tcp, "x", 1), 0);
}

static void window_of_nothing_in_the_answer_does_not_stop_us_for_ever(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = dial(&c);

	client_expect(&c, TH_SYN);
	c.window = 0;
	client_send(&c, TH_SYN | TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK);
	rig_run(&r);
	assert_int_equal(stack_tcp_write(tcp, "ask", 3), 3);
	c.window = 64240;
	client_send(&c, TH_ACK, NULL, 0);
	assert_memory_equal(client_expect(&c, TH_ACK).data, "ask", 3);
}

static void refusal_is_gone(void **state)
{
	struct client c = server(state);

	dial(&c);
	client_expect(&c, TH_SYN);
	client_send(&c, TH_RST | TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void rst_that_acknowledges_something_else_is_no_refusal(void **state)
{
	struct client c = server(state);
	uint32_t right;

	dial(&c);
	client_expect(&c, TH_SYN);
	right = c.rcv;
	c.rcv += 77;
	client_send(&c, TH_RST | TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	c.rcv = right;
	client_send(&c, TH_SYN | TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK);
}

static void silent_server_gets_the_syn_again(void **state)
{
	struct client c = server(state);
	uint32_t first;

	dial(&c);
	first = client_expect(&c, TH_SYN).seq;
	rig_pass(&r, SEC(2));
	assert_int_equal(client_expect(&c, TH_SYN).seq, first);
}

static void silence_ends_by_itself_when_the_owner_does_not_end_it(void **state)
{
	struct client c = server(state);

	dial(&c);
	rig_pass(&r, SEC(300));
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	rig_forget(&r);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

/* A RST with an ACK of nothing would be ignored by a server that has seen the SYN. */
static void abort_cancels_with_a_bare_rst(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = dial(&c);
	uint32_t seq = client_expect(&c, TH_SYN).seq;

	stack_tcp_abort(tcp);
	assert_int_equal(client_expect(&c, TH_RST).seq, seq + 1);
	client_send(&c, TH_SYN | TH_ACK, NULL, 0); /* it crossed ours */
	client_expect(&c, TH_RST);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void two_in_use_are_not_connected_twice(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = established(&c), *again = NULL;

	assert_int_equal(stack_tcp_connect(r.s, &c.local, &c.remote, &again), -EADDRINUSE);
	assert_null(again);
	stack_tcp_abort(tcp);
}

static void what_cannot_be_is_refused(void **state)
{
	struct endpoint v4 = ep("10.0.0.2:80"), v6 = ep("[2001:db8::2]:80"), none = ep("10.0.0.2:0");
	struct stack_tcp *tcp = NULL;

	(void)state;
	assert_int_equal(stack_tcp_connect(r.s, &v4, &v6, &tcp), -EAFNOSUPPORT);
	assert_int_equal(stack_tcp_connect(r.s, &v4, &none, &tcp), -EINVAL);
	assert_int_equal(stack_tcp_connect(r.s, &none, &v4, &tcp), -EINVAL);
}

static void connection_in_time_wait_makes_room(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = established(&c);
	uint32_t before;

	stack_tcp_shutdown(tcp); /* our FIN first: TIME_WAIT is ours */
	before = client_expect(&c, TH_FIN | TH_ACK).seq;
	client_send(&c, TH_FIN | TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK);
	rig_run(&r);
	assert_true(rig_events(&r) & STACK_TCP_GONE);
	rig_pass(&r, MSEC(100));
	tcp = dial(&c);
	assert_true((int32_t)(client_expect(&c, TH_SYN).seq - before) > 0);
	stack_tcp_abort(tcp);
}

/* The kernel's ICMP about our SYN: @seq_off 0 is the right one. */
static void feed_unreachable(const struct client *c, const struct view *syn, uint32_t seq_off,
	uint8_t code)
{
	bool v4 = c->local.addr.family == 4;
	const struct tcp_spec t = {.seq = syn->seq + seq_off, .flags = TH_SYN, .window = STACK_WINDOW};
	uint8_t quoted[PACKET_SIZE], packet[PACKET_SIZE];
	size_t n = build_tcp(quoted, &c->remote, &c->local, &t);
	struct addr router = ep(v4 ? "10.0.0.1:0" : "[2001:db8::1]:0").addr;

	n = build_icmp(packet, &router, &c->remote.addr, v4 ? 3 : 1, code, quoted, n);
	rig_input(&r, packet, n);
	rig_run(&r);
}

static void unreachable_ends_the_attempt_at_once(void **state)
{
	struct client c = server(state);
	struct view syn;

	dial(&c);
	syn = client_expect(&c, TH_SYN);
	feed_unreachable(&c, &syn, 0, 1);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	rig_pass(&r, SEC(5));
	rig_expect_silence(&r);
}

static void unreachable_that_cannot_be_ours_is_no_news(void **state)
{
	struct client c = server(state);
	struct view syn;
	struct stack_tcp *tcp;

	tcp = dial(&c);
	syn = client_expect(&c, TH_SYN);
	feed_unreachable(&c, &syn, 1, 1);
	if (!*state)
		feed_unreachable(&c, &syn, 0, 4); /* about the size */
	assert_int_equal(rig_events(&r), 0);
	client_send(&c, TH_SYN | TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK);
	rig_run(&r);
	feed_unreachable(&c, &syn, 0, 1);
	assert_false(rig_events(&r) & STACK_TCP_GONE);
	stack_tcp_abort(tcp);
}

static void simultaneous_open_is_no_answer(void **state)
{
	struct client c = server(state);

	dial(&c);
	client_expect(&c, TH_SYN);
	client_send(&c, TH_SYN, NULL, 0);
	rig_run(&r);
	rig_expect_silence(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(r.syns, 0);
}

static void repeated_answer_is_acknowledged_again(void **state)
{
	struct client c = server(state);
	struct stack_tcp *tcp = established(&c);

	c.snd--;
	client_send(&c, TH_SYN | TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK);
	stack_tcp_abort(tcp);
}

static void endpoints_are_bounded(void **state)
{
	struct endpoint host = ep("10.0.0.2:80"), from = ep("192.0.2.9:1");
	struct stack_tcp *tcp;
	int rc = 0, n = 0;

	(void)state;
	for (; rc == 0 && n < 10000; n++) {
		from.port++;
		rc = stack_tcp_connect(r.s, &host, &from, &tcp);
		rig_forget(&r);
	}
	assert_int_equal(rc, -ENOMEM);
}

static int open_v6(void **state)
{
	rig_open(&r);
	*state = &r;
	return 0;
}

#define both(f)                                                                                    \
	cmocka_unit_test_setup_teardown(f, open_rig, close_rig),                                   \
		cmocka_unit_test_setup_teardown(f, open_v6, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		both(server_sees_the_address_we_say),
		both(bytes_pass_both_ways),
		both(nothing_can_be_written_before_the_server_answered),
		both(window_of_nothing_in_the_answer_does_not_stop_us_for_ever),
		both(refusal_is_gone),
		both(rst_that_acknowledges_something_else_is_no_refusal),
		both(silent_server_gets_the_syn_again),
		both(silence_ends_by_itself_when_the_owner_does_not_end_it),
		both(abort_cancels_with_a_bare_rst),
		both(two_in_use_are_not_connected_twice),
		both(what_cannot_be_is_refused),
		both(connection_in_time_wait_makes_room),
		both(unreachable_ends_the_attempt_at_once),
		both(unreachable_that_cannot_be_ours_is_no_news),
		both(simultaneous_open_is_no_answer),
		both(repeated_answer_is_acknowledged_again),
		both(endpoints_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

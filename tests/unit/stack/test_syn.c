/* SPDX-License-Identifier: BSD-3-Clause */
/* Held SYNs: nothing is said before the owner knows, and then the truth. */
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

/* The same test for both families. */
static struct client any_client(void **state)
{
	return *state ? client(&r, "[2001:db8::2]:40000", "[2001:db8:1::5]:443")
		      : client(&r, "10.0.0.2:40000", "192.0.2.9:443");
}

static void syn_is_held_until_the_owner_accepts(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	rig_pass(&r, SEC(10));
	rig_expect_silence(&r);
	assert_int_equal(r.syns, 1);
	assert_true(endpoint_equal(&r.syn_local, &c.local));
	assert_true(endpoint_equal(&r.syn_remote, &c.remote));
	assert_int_equal(rig_stats(&r).held, 1);
	assert_int_equal(stack_tcp_accept(r.syn), 0);
	client_expect(&c, TH_SYN | TH_ACK);
	assert_int_equal(rig_stats(&r).held, 0);
}

static void v6_syn_is_held_and_accepted(void **state)
{
	struct client c = client(&r, "[2001:db8::2]:40000", "[2001:db8:1::5]:443");
	struct stack_tcp *tcp = client_connect(&c);

	(void)state;
	assert_true(r.syn_remote.addr.family == 6);
	assert_int_equal(stack_tcp_write(tcp, "hi", 2), 2);
	assert_memory_equal(client_expect(&c, TH_ACK).data, "hi", 2);
}

static void syn_ack_offers_mss_and_the_promised_window(void **state)
{
	struct client c = any_client(state);
	struct view v;

	client_syn(&c);
	stack_tcp_accept(r.syn);
	v = client_expect(&c, TH_SYN | TH_ACK);
	assert_int_equal(v.mss, 1460);
	assert_int_equal(v.window, STACK_WINDOW);
	assert_int_equal(v.ack, c.snd);
	assert_int_equal(v.l4_len, 24); /* neither scaling, SACK nor timestamps */
}

static void mss_of_the_held_syn_limits_segments(void **state)
{
	struct client c = any_client(state);
	uint8_t buf[PACKET_SIZE], data[3000] = {0};
	const struct tcp_spec syn = {.seq = 1, .flags = TH_SYN, .window = 64000, .mss = 700};

	rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &syn));
	rig_run(&r);
	stack_tcp_accept(r.syn);
	client_expect(&c, TH_SYN | TH_ACK);
	c.snd = 2;
	client_send(&c, TH_ACK, NULL, 0);
	stack_tcp_write(r.syn, data, sizeof(data));
	assert_int_equal(client_expect(&c, TH_ACK).n, 700);
}

static void repeated_syn_is_absorbed_and_counted(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	for (int i = 0; i < 3; i++) {
		rig_pass(&r, SEC(1));
		c.snd--;
		client_syn(&c);
	}
	rig_expect_silence(&r);
	assert_int_equal(r.syns, 1);
	assert_int_equal(stack_tcp_syn_count(r.syn), 4);
	assert_int_equal(stack_tcp_last_syn(r.syn), r.now);
	assert_int_equal(rig_stats(&r).syn_duplicate, 3);
}

static void new_isn_replaces_the_held_one(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	c.snd = 0x777000;
	client_syn(&c);
	assert_int_equal(r.syns, 1);
	assert_int_equal(rig_stats(&r).syn_replaced, 1);
	assert_int_equal(stack_tcp_syn_count(r.syn), 1);
	stack_tcp_accept(r.syn);
	assert_int_equal(client_expect(&c, TH_SYN | TH_ACK).ack, 0x777001);
}

static void rst_behind_the_held_syn_cancels_it(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	assert_int_equal(rig_stats(&r).syn_cancelled, 1);
	assert_int_equal(rig_stats(&r).endpoints, 0);
	rig_expect_silence(&r);
}

static void rst_elsewhere_does_not_cancel_a_held_syn(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	c.snd += 5;
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(rig_stats(&r).held, 1);
}

static void syn_cancelled_before_it_was_announced_is_never_announced(void **state)
{
	struct client c = any_client(state);

	client_send(&c, TH_SYN, NULL, 0);
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(r.syns, 0);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void accept_of_a_cancelled_syn_is_followed_by_gone(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	client_send(&c, TH_RST, NULL, 0);
	assert_int_equal(stack_tcp_accept(r.syn), 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	rig_expect_silence(&r);
}

static void refusal_is_a_rst_that_acknowledges_the_syn(void **state)
{
	struct client c = any_client(state);
	struct view v;

	client_syn(&c);
	stack_tcp_refuse(r.syn, STACK_ANSWER_RST);
	v = client_expect(&c, TH_RST | TH_ACK);
	assert_int_equal(v.seq, 0);
	assert_int_equal(v.ack, c.snd);
	assert_int_equal(rig_stats(&r).tcp_refused, 1);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void expect_unreachable(const char *local, const char *remote, enum stack_answer answer,
	uint8_t type, uint8_t code)
{
	struct client c = client(&r, local, remote);
	size_t header = c.local.addr.family == 4 ? IP4_HLEN : IP6_HLEN;
	struct view v;

	client_syn(&c);
	stack_tcp_refuse(r.syn, answer);
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.type, type);
	assert_int_equal(v.code, code);
	/* The quote names the socket: addresses, ports, sequence number of the SYN. */
	assert_true(v.n >= header + 8);
	assert_int_equal(get16(v.data + header), c.local.port);
	assert_int_equal(get16(v.data + header + 2), c.remote.port);
	assert_int_equal(get32(v.data + header + 4), c.snd - 1);
	assert_memory_equal(v.data + header - (header == IP4_HLEN ? 8 : 32), c.local.addr.b,
		header == IP4_HLEN ? 4 : 16);
	rig_expect_silence(&r);
}

static void refusals_by_icmp_have_the_codes_that_linux_maps_to_the_errno(void **state)
{
	(void)state;
	expect_unreachable("10.0.0.2:1", "192.0.2.9:2", STACK_ANSWER_NET_UNREACH, 3, 0);
	expect_unreachable("10.0.0.2:1", "192.0.2.9:2", STACK_ANSWER_HOST_UNREACH, 3, 1);
	expect_unreachable("10.0.0.2:1", "192.0.2.9:2", STACK_ANSWER_PROHIBITED, 3, 13);
	expect_unreachable("[2001:db8::2]:1", "[2001:db8::9]:2", STACK_ANSWER_NET_UNREACH, 1, 0);
	expect_unreachable("[2001:db8::2]:1", "[2001:db8::9]:2", STACK_ANSWER_HOST_UNREACH, 1, 3);
	expect_unreachable("[2001:db8::2]:1", "[2001:db8::9]:2", STACK_ANSWER_PROHIBITED, 1, 1);
}

static void old_held_syn_gets_rst_and_the_owner_gone(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	assert_int_equal(stack_deadline(r.s), r.now + SEC(30));
	rig_pass(&r, SEC(29));
	rig_expect_silence(&r);
	rig_pass(&r, SEC(1));
	assert_int_equal(client_expect(&c, TH_RST | TH_ACK).ack, c.snd);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	assert_int_equal(rig_stats(&r).syn_expired, 1);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void syns_above_the_cap_are_dropped_and_find_room_later(void **state)
{
	struct client c = any_client(state);

	for (unsigned i = 0; i < STACK_HELD_MAX + 10; i++) {
		c.local.port = (uint16_t)(1000 + i);
		client_syn(&c);
	}
	assert_int_equal(r.syns, STACK_HELD_MAX);
	assert_int_equal(rig_stats(&r).held, STACK_HELD_MAX);
	assert_int_equal(rig_stats(&r).syn_overflow, 10);
	rig_expect_silence(&r);
	stack_tcp_refuse(r.syn, STACK_ANSWER_RST);
	client_syn(&c);
	assert_int_equal(r.syns, STACK_HELD_MAX + 1);
}

static void syn_with_fin_or_rst_is_filtered(void **state)
{
	struct client c = any_client(state);

	client_send(&c, TH_SYN | TH_FIN, NULL, 0);
	client_send(&c, TH_SYN | TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(r.syns, 0);
	assert_int_equal(rig_stats(&r).rx_filtered, 2);
	rig_expect_silence(&r);
}

static void port_zero_never_reaches_the_listener(void **state)
{
	struct client c = any_client(state);

	c.remote.port = 0;
	client_syn(&c);
	assert_int_equal(r.syns, 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 1);
	rig_expect_silence(&r);
}

static void lost_syn_ack_is_repeated_when_the_host_repeats_its_syn(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	stack_tcp_accept(r.syn);
	client_expect(&c, TH_SYN | TH_ACK);
	c.snd--;
	client_syn(&c);
	client_expect(&c, TH_SYN | TH_ACK);
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_true(rig_events(&r) & STACK_TCP_ESTABLISHED);
}

static void unanswered_syn_ack_is_repeated_and_then_given_up(void **state)
{
	struct client c = any_client(state);
	unsigned repeats = 0;
	struct view v;

	client_syn(&c);
	stack_tcp_accept(r.syn);
	rig_pass(&r, SEC(25));
	while (rig_next(&r, &v))
		repeats += v.flags == (TH_SYN | TH_ACK);
	assert_true(repeats >= 2);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void rst_during_the_handshake_is_gone(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	stack_tcp_accept(r.syn);
	client_expect(&c, TH_SYN | TH_ACK);
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	rig_expect_silence(&r);
}

static void new_isn_during_the_handshake_is_challenged(void **state)
{
	struct client c = any_client(state);
	uint32_t snd;

	client_syn(&c);
	stack_tcp_accept(r.syn);
	client_expect(&c, TH_SYN | TH_ACK);
	snd = c.snd;
	c.snd = 0x777000;
	client_syn(&c);
	assert_int_equal(client_expect(&c, TH_ACK).ack, snd);
	/* The host answers a challenge it does not understand with RST, and tries again. */
	c.snd = snd;
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	c.snd = 0x777000;
	client_syn(&c);
	assert_int_equal(r.syns, 2);
}

static void other_segments_of_a_held_syn_are_unknown(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	c.rcv = 0x4444;
	client_send(&c, TH_ACK, "old", 3);
	assert_int_equal(client_expect(&c, TH_RST).seq, 0x4444);
	rig_run(&r);
	assert_int_equal(rig_stats(&r).held, 1);
	assert_int_equal(rig_events(&r), 0);
}

static void second_accept_is_an_error(void **state)
{
	struct client c = any_client(state);

	client_syn(&c);
	assert_int_equal(stack_tcp_accept(r.syn), 0);
	assert_int_equal(stack_tcp_accept(r.syn), -EINVAL);
}

static uint32_t isn_of(const char *local, const char *remote)
{
	struct client c = client(&r, local, remote);

	client_syn(&c);
	stack_tcp_accept(r.syn);
	client_expect(&c, TH_SYN | TH_ACK);
	stack_tcp_abort(r.syn);
	rig_forget(&r);
	return c.rcv - 1;
}

static void isn_depends_on_tuple_secret_and_clock(void **state)
{
	struct stack_config config = {.mtu = 1500, .isn_secret = {9}, .held_max_age = SEC(30)};
	uint32_t a = isn_of("10.0.0.2:40000", "192.0.2.9:443");
	uint32_t b = isn_of("10.0.0.2:40000", "192.0.2.9:444");
	uint32_t later;

	(void)state;
	assert_true(a != b);
	r.now += SEC(4);
	later = isn_of("10.0.0.2:40000", "192.0.2.9:443");
	assert_int_equal(later - a, 1000000); /* RFC 6528: a clock of 4 microseconds */
	stack_free(r.s);
	rig_start(&r, &config);
	assert_true(isn_of("10.0.0.2:40000", "192.0.2.9:443") != a);
}

static void dscp_of_the_syn_is_told(void **state)
{
	struct client c = any_client(state);
	uint8_t buf[PACKET_SIZE];
	const struct tcp_spec syn = {.seq = 1, .flags = TH_SYN, .window = 64000};
	size_t n = build_tcp(buf, &c.local, &c.remote, &syn);

	buf[1] = 46 << 2;
	fix_v4(buf);
	rig_input(&r, buf, n);
	rig_run(&r);
	assert_int_equal(r.syn_dscp, 46);
}

static void refuse_now(struct rig *rig, struct stack_tcp *tcp)
{
	(void)rig;
	stack_tcp_refuse(tcp, STACK_ANSWER_RST);
}

static void accept_now(struct rig *rig, struct stack_tcp *tcp)
{
	(void)rig;
	assert_int_equal(stack_tcp_accept(tcp), 0);
}

static void owner_may_answer_inside_the_announcement(void **state)
{
	struct client c = any_client(state), d = c;

	d.local.port++;
	r.on_syn = refuse_now;
	client_syn(&c);
	client_expect(&c, TH_RST | TH_ACK);
	r.on_syn = accept_now;
	client_syn(&d);
	client_expect(&d, TH_SYN | TH_ACK);
}

static void second_stack_and_bad_configurations_are_refused(void **state)
{
	struct stack_config config = {.mtu = 1500, .held_max_age = 1};
	struct stack_ops ops = rig_ops;
	struct stack *second = NULL;

	(void)state;
	assert_int_equal(stack_new(&second, &config, &ops, NULL, 0), -EBUSY);
	config.mtu = 575;
	assert_int_equal(stack_new(&second, &config, &ops, NULL, 0), -EINVAL);
	config.mtu = 9001;
	assert_int_equal(stack_new(&second, &config, &ops, NULL, 0), -EINVAL);
	config.mtu = 1500;
	ops.udp = NULL;
	assert_int_equal(stack_new(&second, &config, &ops, NULL, 0), -EINVAL);
	assert_null(second);
}

#define test(f) cmocka_unit_test_setup_teardown(f, open_rig, close_rig)
#define test_v6(f) {"v6_" #f, f, open_v6, close_rig, NULL}

static int open_v6(void **state)
{
	rig_open(&r);
	*state = &r;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(syn_is_held_until_the_owner_accepts),
		test(v6_syn_is_held_and_accepted),
		test(syn_ack_offers_mss_and_the_promised_window),
		test(mss_of_the_held_syn_limits_segments),
		test(repeated_syn_is_absorbed_and_counted),
		test(new_isn_replaces_the_held_one),
		test(rst_behind_the_held_syn_cancels_it),
		test(rst_elsewhere_does_not_cancel_a_held_syn),
		test(syn_cancelled_before_it_was_announced_is_never_announced),
		test(accept_of_a_cancelled_syn_is_followed_by_gone),
		test(refusal_is_a_rst_that_acknowledges_the_syn),
		test_v6(refusal_is_a_rst_that_acknowledges_the_syn),
		test(refusals_by_icmp_have_the_codes_that_linux_maps_to_the_errno),
		test(old_held_syn_gets_rst_and_the_owner_gone),
		test(syns_above_the_cap_are_dropped_and_find_room_later),
		test(syn_with_fin_or_rst_is_filtered),
		test(port_zero_never_reaches_the_listener),
		test(lost_syn_ack_is_repeated_when_the_host_repeats_its_syn),
		test(unanswered_syn_ack_is_repeated_and_then_given_up),
		test(rst_during_the_handshake_is_gone),
		test(new_isn_during_the_handshake_is_challenged),
		test(other_segments_of_a_held_syn_are_unknown),
		test(second_accept_is_an_error),
		test(isn_depends_on_tuple_secret_and_clock),
		test(dscp_of_the_syn_is_told),
		test(owner_may_answer_inside_the_announcement),
		test(second_stack_and_bad_configurations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Living endpoints: bytes both ways, windows, and what the owner may do when. */
#include "host.h"

#include <errno.h>

#include "mem.h"

static struct rig r;
static struct client c;
static struct stack_tcp *tcp;
static uint8_t pattern[65536];

/* Every test starts with one connection; a state that is not NULL makes it IPv6. */
static int connect_one(void **state)
{
	bool v6 = *state;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
	rig_open(&r);
	c = v6 ? client(&r, "[2001:db8::2]:40000", "[2001:db8:1::5]:443")
	       : client(&r, "10.0.0.2:40000", "192.0.2.9:443");
	tcp = client_connect(&c);
	return 0;
}

static int connect_v6(void **state)
{
	static int v6;

	*state = &v6;
	return connect_one(state);
}

static int close_rig(void **state)
{
	(void)state;
	mem_set_limit(0);
	rig_close(&r);
	return 0;
}

/* Sends @n bytes of the pattern in full segments, and forgets the ACKs. */
static void send_pattern(size_t from, size_t n)
{
	for (size_t at = 0; at < n; at += 1460) {
		size_t piece = n - at < 1460 ? n - at : 1460;

		client_send(&c, TH_ACK, pattern + from + at, piece);
	}
}

/* Takes data off the stack until it is silent; checks it against the pattern. */
static size_t receive(size_t from)
{
	struct view v;
	size_t n = 0;

	while (rig_next(&r, &v)) {
		assert_int_equal(v.proto, PROTO_TCP);
		assert_false(v.flags & (TH_RST | TH_SYN));
		if (v.seq != c.rcv)
			continue;
		assert_memory_equal(v.data, pattern + from + n, v.n);
		n += v.n;
		c.rcv += (uint32_t)v.n + !!(v.flags & TH_FIN);
	}
	rig_forget(&r);
	return n;
}

/* lwIP believes a smaller window only of a newer sequence number: two bytes, which the owner takes. */
static void set_window(uint16_t window)
{
	c.window = window;
	client_send(&c, TH_ACK, "w", 1);
	client_send(&c, TH_ACK, "w", 1);
	stack_tcp_confirm(tcp, 2);
	rig_run(&r);
	rig_events(&r);
	rig_forget(&r);
}

static void host_bytes_are_read_at_any_offset_until_confirmed(void **state)
{
	uint8_t buf[4000];

	(void)state;
	send_pattern(0, 3000);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_READABLE);
	assert_int_equal(stack_tcp_queued(tcp), 3000);
	assert_int_equal(stack_tcp_read(tcp, 0, buf, sizeof(buf)), 3000);
	assert_memory_equal(buf, pattern, 3000);
	assert_int_equal(stack_tcp_read(tcp, 2990, buf, sizeof(buf)), 10);
	assert_memory_equal(buf, pattern + 2990, 10);
	stack_tcp_confirm(tcp, 1000);
	assert_int_equal(stack_tcp_queued(tcp), 2000);
	assert_int_equal(stack_tcp_read(tcp, 0, buf, 5), 5);
	assert_memory_equal(buf, pattern + 1000, 5);
	assert_int_equal(stack_tcp_read(tcp, 2000, buf, 5), 0);
}

static void segment_is_acknowledged_at_once(void **state)
{
	(void)state;
	client_send(&c, TH_ACK, "x", 1);
	assert_int_equal(client_expect(&c, TH_ACK).ack, c.snd);
}

static void window_stays_shut_until_bytes_are_confirmed(void **state)
{
	struct view v = {0};

	(void)state;
	send_pattern(0, STACK_WINDOW);
	while (rig_next(&r, &v))
		;
	assert_int_equal(v.window, 0);
	rig_run(&r);
	assert_int_equal(stack_tcp_queued(tcp), STACK_WINDOW);
	/* What comes although the window is shut is not taken, and not acknowledged. */
	client_send(&c, TH_ACK, pattern + STACK_WINDOW, 1);
	c.snd--;
	assert_int_equal(client_expect(&c, TH_ACK).ack, c.snd);
	rig_pass(&r, SEC(60));
	rig_expect_silence(&r);
	assert_int_equal(stack_tcp_queued(tcp), STACK_WINDOW);
	stack_tcp_confirm(tcp, STACK_WINDOW);
	assert_int_equal(client_expect(&c, TH_ACK).window, STACK_WINDOW);
	send_pattern(STACK_WINDOW, STACK_WINDOW);
	assert_int_equal(stack_tcp_queued(tcp), STACK_WINDOW);
}

static void window_opens_by_what_was_confirmed(void **state)
{
	struct view v = {0};

	(void)state;
	send_pattern(0, STACK_WINDOW);
	rig_forget(&r);
	stack_tcp_confirm(tcp, 3000);
	v = client_expect(&c, TH_ACK);
	assert_int_equal(v.window, 3000);
	rig_expect_silence(&r);
}

static void bytes_beyond_the_window_are_cut_off(void **state)
{
	(void)state;
	send_pattern(0, 7300);
	client_send(&c, TH_ACK, pattern + 7300, 2000);
	assert_int_equal(stack_tcp_queued(tcp), STACK_WINDOW);
	c.snd -= 2000 - 1460;
	rig_forget(&r);
	stack_tcp_confirm(tcp, STACK_WINDOW);
	assert_int_equal(client_expect(&c, TH_ACK).ack, c.snd);
}

static void overlapping_and_early_segments_are_delivered_once_and_in_order(void **state)
{
	uint8_t buf[PACKET_SIZE], got[200];
	const struct tcp_spec late = {.seq = c.snd + 100, .ack = c.rcv, .flags = TH_ACK,
		.window = 64000, .data = pattern + 100, .n = 100};
	const struct tcp_spec overlap = {.seq = c.snd + 50, .ack = c.rcv, .flags = TH_ACK,
		.window = 64000, .data = pattern + 50, .n = 100};

	(void)state;
	rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &late));
	assert_int_equal(stack_tcp_queued(tcp), 0);
	assert_int_equal(client_expect(&c, TH_ACK).ack, c.snd);
	send_pattern(0, 100);
	rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &overlap));
	rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &late));
	assert_int_equal(stack_tcp_read(tcp, 0, got, sizeof(got)), 200);
	assert_memory_equal(got, pattern, 200);
	assert_int_equal(stack_tcp_queued(tcp), 200);
}

static void write_reaches_the_host_and_acked_is_told(void **state)
{
	(void)state;
	assert_int_equal(stack_tcp_write(tcp, pattern, 3000), 3000);
	assert_int_equal(stack_tcp_unacked(tcp), 3000);
	assert_int_equal(receive(0), 3000);
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_ACKED | STACK_TCP_WRITABLE);
	assert_int_equal(stack_tcp_unacked(tcp), 0);
}

static void small_write_does_not_wait_for_an_ack(void **state)
{
	(void)state;
	stack_tcp_write(tcp, "a", 1);
	stack_tcp_write(tcp, "b", 1);
	assert_int_equal(client_expect(&c, TH_ACK).n, 1);
	assert_int_equal(client_expect(&c, TH_ACK).n, 1);
}

static void write_stops_at_the_buffer_and_goes_on_after_acks(void **state)
{
	size_t written, got = 0;

	(void)state;
	set_window(8000);
	written = stack_tcp_write(tcp, pattern, sizeof(pattern));
	assert_in_range(written, 16000, 33000);
	assert_int_equal(stack_tcp_write_space(tcp), 0);
	assert_int_equal(stack_tcp_write(tcp, pattern, 1), 0);
	rig_run(&r);
	rig_events(&r);
	while (got < 60000) {
		size_t n = receive(got);

		assert_in_range(n, 1, 8000); /* never more than the host's window */
		got += n;
		client_send(&c, TH_ACK, NULL, 0);
		rig_run(&r);
		assert_true(rig_events(&r) & STACK_TCP_WRITABLE);
		written += stack_tcp_write(tcp, pattern + written, 60000 - written);
	}
	assert_int_equal(got, 60000);
	assert_int_equal(stack_tcp_unacked(tcp), 0);
}

static void closed_host_window_stops_data_and_reopening_resumes_it(void **state)
{
	struct view v;
	size_t bytes = 0;

	(void)state;
	set_window(0);
	assert_int_equal(stack_tcp_write(tcp, pattern, 5000), 5000);
	rig_expect_silence(&r);
	for (int i = 0; i < 60; i++) {
		rig_pass(&r, SEC(10));
		while (rig_next(&r, &v))
			bytes += v.n;
		rig_forget(&r);
		client_send(&c, TH_ACK, NULL, 0); /* "still shut": the host lives */
	}
	assert_in_range(bytes, 5, 200); /* probes of one byte */
	assert_int_equal(rig_events(&r) & STACK_TCP_GONE, 0);
	c.window = 64000;
	client_send(&c, TH_ACK, NULL, 0);
	bytes = receive(0);
	client_send(&c, TH_ACK, NULL, 0);
	assert_int_equal(bytes + receive(bytes), 5000);
}

static void acknowledged_probe_of_the_only_byte_leaves_a_sound_connection(void **state)
{
	struct client d = client(&r, "10.0.0.2:40001", "192.0.2.9:443");
	struct view v = {0};

	(void)state;
	set_window(0);
	stack_tcp_write(tcp, "x", 1);
	for (int i = 0; i < 100 && !v.n; i++) {
		rig_pass(&r, MSEC(100));
		rig_next(&r, &v);
	}
	assert_int_equal(v.n, 1);
	c.rcv++;
	client_send(&c, TH_ACK, NULL, 0); /* the byte was taken, the window is still shut */
	rig_forget(&r);
	/* Another connection keeps the clock running, and the persist timer with it. */
	stack_tcp_write(client_connect(&d), "y", 1);
	rig_events(&r);
	rig_pass(&r, SEC(60));
	rig_forget(&r);
	c.window = 64000;
	client_send(&c, TH_ACK, NULL, 0);
	assert_int_equal(stack_tcp_write(tcp, pattern, 100), 100);
	assert_int_equal(receive(0), 100);
}

static void window_smaller_than_the_segment_does_not_stall(void **state)
{
	size_t got = 0;

	(void)state;
	set_window(500);
	assert_int_equal(stack_tcp_write(tcp, pattern, 2000), 2000);
	for (int i = 0; i < 100 && got < 2000; i++) {
		rig_pass(&r, SEC(1));
		got += receive(got);
		client_send(&c, TH_ACK, NULL, 0);
	}
	assert_int_equal(got, 2000);
}

static void lost_segment_is_repeated(void **state)
{
	struct view v;

	(void)state;
	stack_tcp_write(tcp, pattern, 100);
	assert_true(rig_next(&r, &v));
	rig_forget(&r);
	rig_pass(&r, SEC(3));
	assert_int_equal(receive(0), 100);
}

static void idle_connection_needs_no_timer(void **state)
{
	(void)state;
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
	stack_tcp_write(tcp, pattern, 1);
	assert_true(stack_deadline(r.s) <= r.now + MSEC(100));
	receive(0);
	client_send(&c, TH_ACK, NULL, 0);
	assert_int_equal(stack_deadline(r.s), 0); /* ACKED waits */
	rig_pass(&r, MSEC(200));
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
	/* The clock stood still for an hour; retransmission works as before. */
	r.now += SEC(3600);
	stack_tcp_write(tcp, pattern, 1);
	rig_forget(&r);
	rig_pass(&r, SEC(3));
	assert_true(r.sent_n >= 1 && r.sent_n <= 4);
}

static void host_that_vanished_is_given_up(void **state)
{
	(void)state;
	stack_tcp_write(tcp, "x", 1);
	for (int i = 0; i < 100 && !r.gone; i++) {
		rig_pass(&r, SEC(10));
		rig_forget(&r);
	}
	assert_int_equal(r.gone, 1);
	/* lwIP 2.1 starts from a fixed 3 s, not from LWIP_TCP_RTO_TIME: twice as long. */
	assert_in_range(r.now - SEC(1000), SEC(100), SEC(700));
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void late_run_does_not_exhaust_retransmissions(void **state)
{
	(void)state;
	stack_tcp_write(tcp, "x", 1);
	rig_pass(&r, MSEC(200));
	rig_forget(&r);
	r.now += SEC(7200); /* suspended */
	rig_run(&r);
	assert_int_equal(r.gone, 0);
	client_send(&c, TH_ACK, NULL, 0);
	assert_true(r.sent_n <= 3);
}

static void memory_cap_starves_one_write_and_wakes_it_again(void **state)
{
	struct stack_stats st = rig_stats(&r);

	(void)state;
	assert_int_equal(st.alloc_limit, MEM_LIMIT);
	mem_set_limit(st.alloc_bytes);
	assert_true(stack_tcp_write_space(tcp) > 0);
	assert_int_equal(stack_tcp_write(tcp, pattern, 100), 0);
	assert_true(rig_stats(&r).alloc_refused > 0);
	rig_pass(&r, MSEC(300));
	assert_true(rig_events(&r) & STACK_TCP_WRITABLE);
	mem_set_limit(0);
	assert_int_equal(stack_tcp_write(tcp, pattern, 100), 100);
	assert_int_equal(receive(0), 100);
}

static void memory_cap_fails_a_new_flow_and_spares_the_others(void **state)
{
	struct client d = c;

	(void)state;
	d.local.port++;
	client_syn(&d);
	mem_set_limit(rig_stats(&r).alloc_bytes + STACK_WINDOW + 64);
	assert_int_equal(stack_tcp_accept(r.syn), -ENOMEM);
	mem_set_limit(rig_stats(&r).alloc_bytes + 64);
	assert_int_equal(stack_tcp_accept(r.syn), -ENOMEM);
	stack_tcp_refuse(r.syn, STACK_ANSWER_RST);
	client_expect(&d, TH_RST | TH_ACK);
	assert_int_equal(r.gone, 0);
	mem_set_limit(0);
	send_pattern(0, 100);
	assert_int_equal(stack_tcp_queued(tcp), 100);
}

static void unread_one_byte_segments_take_no_more_memory_than_the_window(void **state)
{
	uint64_t before = rig_stats(&r).alloc_bytes;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		client_send(&c, TH_ACK, pattern + i, 1);
		rig_forget(&r);
	}
	assert_int_equal(stack_tcp_queued(tcp), 4000);
	assert_int_equal(rig_stats(&r).alloc_bytes, before);
}

static struct stack_tcp *victim;

static void abort_victim(struct rig *rig, struct stack_tcp *which, unsigned events)
{
	(void)rig;
	(void)events;
	if (victim && which != victim)
		stack_tcp_abort(victim);
	victim = NULL;
}

static void owner_may_abort_another_endpoint_whose_event_is_pending(void **state)
{
	struct client d = client(&r, "10.0.0.2:40001", "192.0.2.9:443");

	(void)state;
	victim = client_connect(&d);
	r.on_event = abort_victim;
	client_send(&c, TH_ACK, "x", 1);
	client_send(&d, TH_ACK, "y", 1);
	rig_run(&r);
	assert_ptr_equal(r.last, tcp);
	assert_int_equal(rig_stats(&r).endpoints, 1);
}

static void abort_self(struct rig *rig, struct stack_tcp *which, unsigned events)
{
	(void)events;
	stack_tcp_abort(which);
	rig->on_event = NULL;
}

static void owner_may_abort_the_endpoint_whose_event_it_is(void **state)
{
	(void)state;
	r.on_event = abort_self;
	client_send(&c, TH_ACK, "x", 1);
	client_expect(&c, TH_ACK);
	rig_run(&r);
	client_expect(&c, TH_RST | TH_ACK);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void owner_may_abort_inside_gone(void **state)
{
	(void)state;
	r.on_event = abort_self;
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
	assert_int_equal(rig_stats(&r).endpoints, 0);
	rig_expect_silence(&r);
}

static void write_more(struct rig *rig, struct stack_tcp *which, unsigned events)
{
	(void)rig;
	if (events & STACK_TCP_READABLE)
		stack_tcp_confirm(which, stack_tcp_queued(which));
	stack_tcp_write(which, "more", 4);
}

static void run_returns_although_the_owner_makes_new_events(void **state)
{
	(void)state;
	r.on_event = write_more;
	client_send(&c, TH_ACK, "x", 1);
	rig_run(&r);
	rig_run(&r);
	client_expect(&c, TH_ACK);
	assert_int_equal(client_expect(&c, TH_ACK).n, 4);
	rig_expect_silence(&r);
}

static void bad_checksum_is_dropped(void **state)
{
	uint8_t buf[PACKET_SIZE];
	const struct tcp_spec t = {.seq = c.snd, .ack = c.rcv, .flags = TH_ACK, .window = 64000,
		.data = "x", .n = 1};
	size_t n = build_tcp(buf, &c.local, &c.remote, &t);

	(void)state;
	buf[n - 1] ^= 1;
	rig_input(&r, buf, n);
	assert_int_equal(stack_tcp_queued(tcp), 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 1);
	rig_expect_silence(&r);
}

static void options_that_leave_the_header_are_malformed(void **state)
{
	static const uint8_t sound[][8] = {{0}, {1, 1, 1, 1, 1, 1, 1, 1}, {8, 8}, {0, 2, 99, 99},
		{1, 1, 5, 6, 0, 0, 0, 2}, {254, 2, 254, 2, 254, 2, 254, 2}};
	static const uint8_t broken[][8] = {{1, 1, 1, 1, 1, 1, 1, 2}, {8, 9}, {8, 0}, {8, 1},
		{1, 1, 1, 1, 1, 1, 2, 4}};
	struct tcp_spec t = {.seq = c.snd, .ack = c.rcv, .flags = TH_ACK, .window = 64000};
	uint8_t buf[PACKET_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(sound) / 8; i++) {
		t.options = sound[i];
		rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &t));
	}
	assert_int_equal(rig_stats(&r).rx_malformed, 0);
	for (size_t i = 0; i < sizeof(broken) / 8; i++) {
		t.options = broken[i];
		rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &t));
	}
	assert_int_equal(rig_stats(&r).rx_malformed, sizeof(broken) / 8);
	rig_expect_silence(&r);
}

static void mss_option_in_a_later_segment_is_ignored(void **state)
{
	static const uint8_t small[8] = {2, 4, 0, 100};
	struct tcp_spec t = {.ack = c.rcv, .flags = TH_ACK, .window = 0, .options = small};
	uint8_t buf[PACKET_SIZE];

	(void)state;
	set_window(0);
	t.seq = c.snd;
	stack_tcp_write(tcp, pattern, 1000);
	rig_input(&r, buf, build_tcp(buf, &c.local, &c.remote, &t));
	stack_tcp_write(tcp, pattern + 1000, 460);
	c.window = 64000;
	client_send(&c, TH_ACK, NULL, 0);
	assert_int_equal(client_expect(&c, TH_ACK).n, 1460);
}

static void first_window_may_be_tiny(void **state)
{
	struct client d = client(&r, "10.0.0.2:40001", "192.0.2.9:443");

	(void)state;
	d.window = 0;
	tcp = client_connect(&d);
	stack_tcp_write(tcp, pattern, 1460);
	d.window = 100;
	client_send(&d, TH_ACK, NULL, 0);
	stack_tcp_write(tcp, pattern + 1460, 1460);
	rig_forget(&r);
	c = d;
	for (size_t got = 0; got < 2920;) {
		rig_pass(&r, SEC(10));
		got += receive(got);
		client_send(&c, TH_ACK, NULL, 0);
	}
}

static void data_written_before_the_handshake_ends_follows_it(void **state)
{
	struct client d = client(&r, "10.0.0.2:40001", "192.0.2.9:443");

	(void)state;
	client_syn(&d);
	assert_int_equal(stack_tcp_accept(r.syn), 0);
	assert_int_equal(stack_tcp_write(r.syn, pattern, 100), 100);
	client_expect(&d, TH_SYN | TH_ACK);
	rig_expect_silence(&r);
	client_send(&d, TH_ACK, NULL, 0);
	assert_int_equal(client_expect(&d, TH_ACK).n, 100);
}

#define test(f) cmocka_unit_test_setup_teardown(f, connect_one, close_rig)
#define test_v6(f) {"v6_" #f, f, connect_v6, close_rig, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(host_bytes_are_read_at_any_offset_until_confirmed),
		test_v6(host_bytes_are_read_at_any_offset_until_confirmed),
		test(segment_is_acknowledged_at_once),
		test(window_stays_shut_until_bytes_are_confirmed),
		test(window_opens_by_what_was_confirmed),
		test(bytes_beyond_the_window_are_cut_off),
		test(overlapping_and_early_segments_are_delivered_once_and_in_order),
		test(write_reaches_the_host_and_acked_is_told),
		test_v6(write_reaches_the_host_and_acked_is_told),
		test(small_write_does_not_wait_for_an_ack),
		test(write_stops_at_the_buffer_and_goes_on_after_acks),
		test(closed_host_window_stops_data_and_reopening_resumes_it),
		test(acknowledged_probe_of_the_only_byte_leaves_a_sound_connection),
		test(window_smaller_than_the_segment_does_not_stall),
		test(lost_segment_is_repeated),
		test(idle_connection_needs_no_timer),
		test(host_that_vanished_is_given_up),
		test(late_run_does_not_exhaust_retransmissions),
		test(memory_cap_starves_one_write_and_wakes_it_again),
		test(memory_cap_fails_a_new_flow_and_spares_the_others),
		test(unread_one_byte_segments_take_no_more_memory_than_the_window),
		test(owner_may_abort_another_endpoint_whose_event_is_pending),
		test(owner_may_abort_the_endpoint_whose_event_it_is),
		test(owner_may_abort_inside_gone),
		test(run_returns_although_the_owner_makes_new_events),
		test(bad_checksum_is_dropped),
		test(options_that_leave_the_header_are_malformed),
		test(mss_option_in_a_later_segment_is_ignored),
		test(first_window_may_be_tiny),
		test(data_written_before_the_handshake_ends_follows_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections end: FIN and RST from either side, late segments, and names used again. */
#include "host.h"

static struct rig r;
static struct client c;
static struct stack_tcp *tcp;
static uint8_t data[32000];

static int connect_one(void **state)
{
	(void)state;
	rig_open(&r);
	c = client(&r, "10.0.0.2:40000", "192.0.2.9:443");
	tcp = client_connect(&c);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&r);
	return 0;
}

/* Takes what the stack sends until it is silent; returns the flags seen, @bytes counts data. */
static unsigned receive(size_t *bytes)
{
	struct view v;
	unsigned flags = 0;

	while (rig_next(&r, &v)) {
		flags |= v.flags;
		if (v.seq != c.rcv || v.flags & TH_RST)
			continue;
		*bytes += v.n;
		c.rcv += (uint32_t)v.n + !!(v.flags & TH_FIN);
	}
	rig_forget(&r);
	return flags;
}

static void host_fin_is_told_behind_its_bytes(void **state)
{
	(void)state;
	client_send(&c, TH_ACK, "x", 1);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_READABLE | STACK_TCP_FIN);
	assert_int_equal(stack_tcp_queued(tcp), 1);
}

static void data_flows_to_a_host_that_half_closed(void **state)
{
	size_t got = 0;

	(void)state;
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_forget(&r);
	for (size_t done = 0; done < sizeof(data);) {
		done += stack_tcp_write(tcp, data + done, sizeof(data) - done);
		receive(&got);
		client_send(&c, TH_ACK, NULL, 0);
		rig_run(&r);
	}
	while (got < sizeof(data)) {
		receive(&got);
		client_send(&c, TH_ACK, NULL, 0);
	}
	stack_tcp_shutdown(tcp);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_true(rig_events(&r) & STACK_TCP_GONE);
	rig_expect_silence(&r);
}

static void host_sends_on_after_our_fin(void **state)
{
	(void)state;
	stack_tcp_shutdown(tcp);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK, NULL, 0);
	for (int i = 0; i < 20; i++) {
		client_send(&c, TH_ACK, data, 1000);
		rig_pass(&r, SEC(10));
		assert_int_equal(stack_tcp_queued(tcp), 1000);
		stack_tcp_confirm(tcp, 1000);
	}
	rig_forget(&r);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_run(&r);
	assert_true(rig_events(&r) & STACK_TCP_FIN);
	assert_int_equal(r.gone, 1);
}

static void clean_end_waits_for_unread_bytes(void **state)
{
	uint8_t buf[10];

	(void)state;
	stack_tcp_shutdown(tcp);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK | TH_FIN, "unread", 6);
	rig_pass(&r, SEC(30));
	assert_int_equal(rig_events(&r), STACK_TCP_READABLE | STACK_TCP_FIN);
	assert_int_equal(stack_tcp_read(tcp, 0, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "unread", 6);
	stack_tcp_confirm(tcp, 3);
	rig_run(&r);
	assert_int_equal(r.gone, 0);
	stack_tcp_confirm(tcp, 3);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void fin_waits_until_all_data_is_acknowledged(void **state)
{
	size_t got = 0;
	unsigned flags = 0;

	(void)state;
	/* The host half-closes, takes its time to read, and must still get everything. */
	c.window = 1460;
	client_send(&c, TH_ACK, "w", 1);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	stack_tcp_confirm(tcp, 1);
	rig_forget(&r);
	assert_int_equal(stack_tcp_write(tcp, data, 10000), 10000);
	stack_tcp_shutdown(tcp);
	assert_int_equal(stack_tcp_write(tcp, data, 1), 0);
	flags |= receive(&got);
	assert_in_range(got, 1, 1460);
	c.window = 0;
	client_send(&c, TH_ACK, NULL, 0);
	rig_pass(&r, SEC(8));
	rig_forget(&r);
	c.window = 64000;
	while (got < 10000) {
		size_t before = got;

		assert_false(flags & (TH_FIN | TH_RST));
		client_send(&c, TH_ACK, NULL, 0);
		flags |= receive(&got);
		assert_true(got > before);
	}
	assert_false(flags & (TH_FIN | TH_RST));
	client_send(&c, TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
}

static void lost_last_fin_is_repeated_although_the_host_was_long_silent(void **state)
{
	unsigned fins = 0;
	struct view v;

	(void)state;
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_pass(&r, SEC(60));
	rig_forget(&r);
	stack_tcp_shutdown(tcp); /* LAST_ACK; this FIN is lost */
	rig_pass(&r, SEC(10));
	while (rig_next(&r, &v))
		fins += v.flags == (TH_ACK | TH_FIN);
	assert_in_range(fins, 3, 8);
	assert_int_equal(r.gone, 0);
	c.rcv++;
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
}

static void both_fins_at_once_end_cleanly(void **state)
{
	(void)state;
	stack_tcp_shutdown(tcp);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0); /* has not seen ours yet */
	rig_run(&r);
	assert_int_equal(r.gone, 0);
	client_expect(&c, TH_ACK | TH_FIN);
	rig_forget(&r);
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
	rig_pass(&r, SEC(5));
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void host_rst_voids_everything(void **state)
{
	(void)state;
	client_send(&c, TH_ACK, "lost", 4);
	client_send(&c, TH_RST, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), STACK_TCP_GONE);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void rst_that_only_fits_the_window_is_challenged(void **state)
{
	(void)state;
	c.snd += 10;
	client_send(&c, TH_RST, NULL, 0);
	c.snd -= 10;
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(client_expect(&c, TH_ACK).ack, c.snd);
}

static void abort_sends_a_rst_the_host_accepts(void **state)
{
	struct view v;

	(void)state;
	stack_tcp_abort(tcp);
	v = client_expect(&c, TH_RST | TH_ACK);
	assert_int_equal(v.seq, c.rcv);
	assert_int_equal(v.ack, c.snd);
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(rig_stats(&r).tcp_aborted, 1);
}

static void abort_when_acked_lets_the_data_through_first(void **state)
{
	size_t got = 0;

	(void)state;
	stack_tcp_write(tcp, data, 1000);
	stack_tcp_abort_when_acked(tcp);
	assert_false(receive(&got) & TH_RST);
	assert_int_equal(got, 1000);
	client_send(&c, TH_ACK, NULL, 0);
	assert_int_equal(client_expect(&c, TH_RST | TH_ACK).seq, c.rcv);
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void abort_when_acked_with_nothing_in_flight_is_immediate(void **state)
{
	(void)state;
	stack_tcp_abort_when_acked(tcp);
	client_expect(&c, TH_RST | TH_ACK);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void abort_when_acked_ends_although_the_host_never_acks(void **state)
{
	unsigned rsts = 0;
	struct view v;

	(void)state;
	stack_tcp_write(tcp, data, 1000);
	stack_tcp_abort_when_acked(tcp);
	rig_pass(&r, SEC(65));
	while (rig_next(&r, &v))
		rsts += !!(v.flags & TH_RST);
	assert_int_equal(rsts, 1);
	assert_int_equal(rig_stats(&r).endpoints, 0);
	assert_int_equal(rig_events(&r), 0);
}

static void detached_endpoint_finishes_by_itself(void **state)
{
	size_t got = 0;

	(void)state;
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_run(&r);
	rig_events(&r);
	rig_forget(&r);
	stack_tcp_write(tcp, data, 2000);
	stack_tcp_shutdown(tcp);
	stack_tcp_detach(tcp);
	receive(&got);
	assert_int_equal(got, 2000);
	client_send(&c, TH_ACK, NULL, 0);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK, NULL, 0);
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void detached_endpoint_of_a_dead_host_ends(void **state)
{
	(void)state;
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_run(&r);
	stack_tcp_write(tcp, data, 2000);
	stack_tcp_shutdown(tcp);
	stack_tcp_detach(tcp);
	rig_pass(&r, SEC(61));
	assert_int_equal(rig_stats(&r).endpoints, 0);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void slow_reader_of_a_detached_endpoint_gets_all_as_long_as_it_reads(void **state)
{
	size_t got = 0;

	(void)state;
	c.window = 1460;
	client_send(&c, TH_ACK, "w", 1);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	stack_tcp_confirm(tcp, 1);
	rig_run(&r);
	rig_forget(&r);
	assert_int_equal(stack_tcp_write(tcp, data, 10000), 10000);
	stack_tcp_shutdown(tcp);
	stack_tcp_detach(tcp);
	for (int i = 0; i < 20 && got < 10000; i++) {
		assert_false(receive(&got) & TH_RST);
		rig_pass(&r, SEC(40));
		assert_false(receive(&got) & TH_RST);
		client_send(&c, TH_ACK, NULL, 0);
	}
	assert_int_equal(got, 10000);
}

static void detach_with_unread_bytes_is_a_reset(void **state)
{
	(void)state;
	client_send(&c, TH_ACK | TH_FIN, "unread", 6);
	rig_run(&r);
	rig_forget(&r);
	stack_tcp_detach(tcp);
	client_expect(&c, TH_RST | TH_ACK);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

static void bytes_for_a_detached_endpoint_are_answered_with_rst(void **state)
{
	(void)state;
	stack_tcp_shutdown(tcp);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK, NULL, 0);
	stack_tcp_detach(tcp);
	client_send(&c, TH_ACK, "late", 4);
	client_expect(&c, TH_RST | TH_ACK);
	rig_expect_silence(&r);
	assert_int_equal(rig_stats(&r).endpoints, 0);
}

/* Our FIN first, then the host's: our side is in TIME_WAIT. */
static void close_into_time_wait(void)
{
	stack_tcp_shutdown(tcp);
	client_expect(&c, TH_ACK | TH_FIN);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	client_expect(&c, TH_ACK);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
}

static void repeated_fin_in_time_wait_is_acknowledged(void **state)
{
	(void)state;
	close_into_time_wait();
	c.snd--;
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	assert_int_equal(client_expect(&c, TH_ACK).ack, c.snd);
}

static void port_is_used_again_during_time_wait(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		close_into_time_wait();
		r.gone = 0;
		c.snd += 0x10000;
		tcp = client_connect(&c);
	}
	assert_int_equal(stack_tcp_write(tcp, data, 10), 10);
	client_expect(&c, TH_ACK);
}

static void time_wait_is_over_in_seconds(void **state)
{
	(void)state;
	close_into_time_wait();
	assert_true(stack_deadline(r.s) != USEC_NEVER);
	rig_pass(&r, SEC(3));
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void port_is_used_again_while_the_old_connection_closes(void **state)
{
	struct stack_tcp *old = tcp;

	(void)state;
	client_send(&c, TH_ACK, "unread", 6);
	client_send(&c, TH_ACK | TH_FIN, NULL, 0);
	rig_run(&r);
	rig_forget(&r);
	stack_tcp_shutdown(old); /* LAST_ACK; the host forgets and starts again */
	rig_forget(&r);
	c.snd += 0x10000;
	tcp = client_connect(&c);
	assert_ptr_not_equal(tcp, old);
	assert_int_equal(stack_tcp_queued(old), 6);
	stack_tcp_confirm(old, 6);
	rig_run(&r);
	assert_int_equal(r.gone, 1);
	assert_int_equal(rig_stats(&r).endpoints, 1);
}

static void old_connection_without_fin_is_gone_when_the_port_is_used_again(void **state)
{
	(void)state;
	stack_tcp_shutdown(tcp);
	rig_forget(&r);
	c.snd += 0x10000;
	client_syn(&c);
	assert_int_equal(r.gone, 1);
	assert_int_equal(r.syns, 2);
	rig_expect_silence(&r);
}

static void syn_in_a_living_connection_is_challenged_and_does_no_harm(void **state)
{
	uint32_t snd = c.snd;

	(void)state;
	c.snd = 0x55555;
	client_send(&c, TH_SYN, "data", 4);
	assert_int_equal(client_expect(&c, TH_ACK).ack, snd);
	c.snd = snd;
	client_send(&c, TH_SYN | TH_ACK, NULL, 0);
	c.snd = snd;
	rig_run(&r);
	assert_int_equal(rig_events(&r), 0);
	assert_int_equal(rig_stats(&r).rx_filtered, 2);
	rig_forget(&r);
	client_send(&c, TH_ACK, "ok", 2);
	assert_int_equal(stack_tcp_queued(tcp), 2);
}

static void challenges_are_limited(void **state)
{
	unsigned answers = 0;
	struct view v;

	(void)state;
	for (int i = 0; i < 1000; i++)
		client_send(&c, TH_SYN, NULL, 0);
	while (rig_next(&r, &v))
		answers++;
	assert_int_equal(answers, 256);
	assert_int_equal(rig_stats(&r).answers_limited, 744);
	rig_forget(&r);
	rig_pass(&r, SEC(1));
	client_send(&c, TH_SYN, NULL, 0);
	assert_int_equal(r.sent_n, 1);
}

static void unknown_segment_is_answered_with_rst(void **state)
{
	struct client d = client(&r, "[2001:db8::7]:555", "[2001:db8::8]:80");
	struct view v;

	(void)state;
	d.rcv = 0x12345;
	client_send(&d, TH_ACK, "old", 3);
	v = client_expect(&d, TH_RST);
	assert_int_equal(v.seq, 0x12345); /* RFC 9293 3.10.7.1 */
	client_send(&d, TH_FIN, NULL, 0);
	v = client_expect(&d, TH_RST | TH_ACK);
	assert_int_equal(v.seq, 0);
	assert_int_equal(v.ack, d.snd);
	client_send(&d, TH_SYN | TH_ACK, NULL, 0);
	assert_int_equal(client_expect(&d, TH_RST).seq, 0x12345);
	client_send(&d, TH_RST, NULL, 0);
	client_send(&d, TH_RST | TH_ACK, NULL, 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_stats(&r).rx_unknown_segment, 3);
}

static void segment_after_abort_gets_a_rst_that_ends_the_host(void **state)
{
	(void)state;
	stack_tcp_write(tcp, data, 1000); /* lost */
	stack_tcp_abort(tcp);		  /* its RST lies behind the lost bytes: challenged */
	rig_forget(&r);
	client_send(&c, TH_ACK, NULL, 0);
	assert_int_equal(client_expect(&c, TH_RST).seq, c.rcv);
}

#define test(f) cmocka_unit_test_setup_teardown(f, connect_one, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(host_fin_is_told_behind_its_bytes),
		test(data_flows_to_a_host_that_half_closed),
		test(host_sends_on_after_our_fin),
		test(clean_end_waits_for_unread_bytes),
		test(fin_waits_until_all_data_is_acknowledged),
		test(lost_last_fin_is_repeated_although_the_host_was_long_silent),
		test(both_fins_at_once_end_cleanly),
		test(host_rst_voids_everything),
		test(rst_that_only_fits_the_window_is_challenged),
		test(abort_sends_a_rst_the_host_accepts),
		test(abort_when_acked_lets_the_data_through_first),
		test(abort_when_acked_with_nothing_in_flight_is_immediate),
		test(abort_when_acked_ends_although_the_host_never_acks),
		test(detached_endpoint_finishes_by_itself),
		test(detached_endpoint_of_a_dead_host_ends),
		test(slow_reader_of_a_detached_endpoint_gets_all_as_long_as_it_reads),
		test(detach_with_unread_bytes_is_a_reset),
		test(bytes_for_a_detached_endpoint_are_answered_with_rst),
		test(repeated_fin_in_time_wait_is_acknowledged),
		test(port_is_used_again_during_time_wait),
		test(time_wait_is_over_in_seconds),
		test(port_is_used_again_while_the_old_connection_closes),
		test(old_connection_without_fin_is_gone_when_the_port_is_used_again),
		test(syn_in_a_living_connection_is_challenged_and_does_no_harm),
		test(challenges_are_limited),
		test(unknown_segment_is_answered_with_rst),
		test(segment_after_abort_gets_a_rst_that_ends_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

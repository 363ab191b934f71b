/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments of the host: put together exactly, or not at all. */
#include "host.h"

static struct rig r;
static struct endpoint local, remote;
static uint8_t whole[70000], buf[70000], data[65536];

static int open_rig(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3 + i / 256);
	rig_open(&r);
	local = ep("10.0.0.2:5353");
	remote = ep("192.0.2.53:53");
	return 0;
}

static int open_v6(void **state)
{
	open_rig(state);
	local = ep("[2001:db8::2]:5353");
	remote = ep("[2001:db8::53]:53");
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&r);
	return 0;
}

/* A datagram of @n bytes of upper layer to cut up. */
static void prepare(size_t n)
{
	build_udp(whole, &local, &remote, data, n - UDP_HLEN);
}

static size_t whole_len(size_t n)
{
	return (local.addr.family == 4 ? IP4_HLEN : IP6_HLEN) + n;
}

static void piece(size_t total, uint32_t id, size_t offset, size_t n)
{
	rig_input(&r, buf, build_fragment(buf, whole, whole_len(total), id, offset, n));
}

static void expect_whole(size_t total)
{
	assert_int_equal(r.udps, 1);
	assert_int_equal(r.udp.n, total - UDP_HLEN);
	assert_memory_equal(r.udp_bytes, data, total - UDP_HLEN);
	assert_true(r.udp.fragmented);
	assert_int_equal(rig_stats(&r).datagrams_reassembled, 1);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void fragments_in_order_make_the_datagram(void **state)
{
	(void)state;
	prepare(4000);
	piece(4000, 7, 0, 1480);
	piece(4000, 7, 1480, 1480);
	assert_int_equal(r.udps, 0);
	assert_true(stack_deadline(r.s) != USEC_NEVER);
	piece(4000, 7, 2960, 1040);
	expect_whole(4000);
}

static void fragments_in_any_order_make_the_datagram(void **state)
{
	static const size_t order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1},
		{2, 1, 0}};

	(void)state;
	prepare(3001);
	for (unsigned i = 0; i < 6; i++) {
		for (int j = 0; j < 3; j++) {
			size_t at = order[i][j] * 1000;

			piece(3001, i, at, at == 2000 ? 1001 : 1000);
		}
		assert_int_equal(r.udps, i + 1);
		assert_memory_equal(r.udp_bytes, data, 3001 - UDP_HLEN);
	}
}

static void largest_datagram_is_put_together(void **state)
{
	const size_t total = 65504;

	(void)state;
	prepare(total);
	for (size_t at = 0; at < total; at += 1448)
		piece(total, 9, at, total - at < 1448 ? total - at : 1448);
	expect_whole(total);
}

static void hole_is_never_delivered(void **state)
{
	(void)state;
	prepare(4000);
	/* The order that lwIP 2.1's IPv6 code fell for: first, last, third. */
	piece(4000, 7, 0, 1000);
	piece(4000, 7, 3000, 1000);
	piece(4000, 7, 2000, 1000);
	rig_pass(&r, SEC(10));
	assert_int_equal(r.udps, 0);
	piece(4000, 7, 1000, 1000);
	expect_whole(4000);
}

static void exact_copy_is_ignored(void **state)
{
	(void)state;
	prepare(2000);
	piece(2000, 7, 0, 1000);
	piece(2000, 7, 0, 1000);
	piece(2000, 7, 1000, 1000);
	expect_whole(2000);
}

static void overlap_throws_the_datagram_away(void **state)
{
	(void)state;
	prepare(2000);
	piece(2000, 7, 0, 1000);
	piece(2000, 7, 992, 1008);
	assert_int_equal(rig_stats(&r).fragments_dropped, 2);
	piece(2000, 7, 1000, 1000);
	rig_pass(&r, SEC(31));
	assert_int_equal(r.udps, 0);
	assert_int_equal(rig_stats(&r).fragments_dropped, 3);
}

static void copy_with_other_bytes_throws_the_datagram_away(void **state)
{
	(void)state;
	prepare(2000);
	piece(2000, 7, 0, 1000);
	whole[IP6_HLEN + 500] ^= 1;
	piece(2000, 7, 0, 1000);
	whole[IP6_HLEN + 500] ^= 1;
	piece(2000, 7, 1000, 1000);
	assert_int_equal(r.udps, 0);
}

static void two_different_ends_throw_the_datagram_away(void **state)
{
	(void)state;
	prepare(3000);
	piece(3000, 7, 2000, 1000);
	piece(2800, 7, 1800, 1000); /* says it is the last one too */
	assert_int_equal(rig_stats(&r).fragments_dropped, 2);
	piece(3000, 7, 0, 2000);
	assert_int_equal(r.udps, 0);
}

static void bytes_behind_the_end_throw_the_datagram_away(void **state)
{
	(void)state;
	prepare(4000);
	piece(4000, 7, 2400, 800);
	piece(2000, 7, 1600, 400); /* the last one, but something is behind it */
	assert_int_equal(rig_stats(&r).fragments_dropped, 2);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void incomplete_datagram_is_forgotten(void **state)
{
	(void)state;
	prepare(2000);
	piece(2000, 7, 0, 1000);
	assert_int_equal(stack_deadline(r.s), r.now + SEC(30));
	rig_pass(&r, SEC(30));
	assert_int_equal(rig_stats(&r).fragments_dropped, 1);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
	piece(2000, 7, 1000, 1000);
	assert_int_equal(r.udps, 0);
}

static void flood_of_first_fragments_costs_no_more_than_the_places(void **state)
{
	(void)state;
	prepare(2000);
	for (uint32_t id = 0; id < 10000; id++)
		piece(2000, id, 0, 1000);
	assert_int_equal(rig_stats(&r).fragments_dropped, 10000 - 8);
	piece(2000, 9999, 1000, 1000); /* the youngest is still there */
	assert_int_equal(r.udps, 1);
}

static void same_id_of_other_flows_is_not_mixed(void **state)
{
	struct endpoint other = remote;

	(void)state;
	other.addr.b[3] ^= 1;
	prepare(2000);
	piece(2000, 7, 0, 1000);
	build_udp(whole, &local, &other, data + 1000, 2000 - UDP_HLEN);
	piece(2000, 7, 1000, 1000);
	assert_int_equal(r.udps, 0);
	prepare(2000);
	piece(2000, 7, 1000, 1000);
	assert_int_equal(r.udps, 1);
	assert_memory_equal(r.udp_bytes, data, 2000 - UDP_HLEN);
}

static void impossible_fragments_are_dropped(void **state)
{
	bool v4 = local.addr.family == 4;
	size_t n, at = v4 ? 6 : IP6_HLEN + 2;

	(void)state;
	prepare(2000);
	n = build_fragment(buf, whole, whole_len(2000), 7, 0, 1001); /* not a multiple of 8 */
	rig_input(&r, buf, n);
	n = build_fragment(buf, whole, whole_len(2000), 7, 1000, 1000);
	put16(buf + at, v4 ? 0x1fff : 0xfff8); /* ends behind 64 KiB */
	if (v4)
		fix_v4(buf);
	rig_input(&r, buf, n);
	n = build_fragment(buf, whole, whole_len(2000), 7, 1000, 0); /* empty */
	rig_input(&r, buf, n);
	assert_int_equal(rig_stats(&r).fragments_dropped, 3);
	assert_int_equal(stack_deadline(r.s), USEC_NEVER);
}

static void wrong_udp_length_in_fragments_is_malformed(void **state)
{
	(void)state;
	prepare(1900); /* sound, but the fragments will have more */
	piece(2000, 7, 0, 1000);
	piece(2000, 7, 1000, 1000);
	assert_int_equal(r.udps, 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 1);
}

static void fragmented_echo_is_one_echo(void **state)
{
	(void)state;
	build_echo(whole, &local.addr, &remote.addr, 1, 2, data, 1992);
	piece(2000, 7, 1000, 1000);
	piece(2000, 7, 0, 1000);
	assert_int_equal(r.echoes, 1);
	assert_int_equal(r.echo.n, 1992);
	assert_memory_equal(r.echo_bytes, data, 1992);
}

static void fragmented_segment_is_one_segment(void **state)
{
	const struct tcp_spec syn = {.seq = 5, .flags = TH_SYN, .window = 1000, .mss = 1460,
		.data = data, .n = 976};

	(void)state;
	build_tcp(whole, &local, &remote, &syn);
	piece(1000, 7, 0, 8); /* the smallest first fragment there is */
	piece(1000, 7, 8, 992);
	rig_run(&r);
	assert_int_equal(r.syns, 1);
}

static void fragments_are_not_told_the_mtu(void **state)
{
	(void)state;
	prepare(2000);
	piece(2000, 7, 0, 1000);
	piece(2000, 7, 1000, 1000);
	stack_udp_too_big(r.s, &r.udp, 1400);
	rig_expect_silence(&r);
}

#define test(f) cmocka_unit_test_setup_teardown(f, open_rig, close_rig), \
	{"v6_" #f, f, open_v6, close_rig, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(fragments_in_order_make_the_datagram),
		test(fragments_in_any_order_make_the_datagram),
		test(largest_datagram_is_put_together),
		test(hole_is_never_delivered),
		test(exact_copy_is_ignored),
		test(overlap_throws_the_datagram_away),
		test(copy_with_other_bytes_throws_the_datagram_away),
		test(two_different_ends_throw_the_datagram_away),
		test(bytes_behind_the_end_throw_the_datagram_away),
		test(incomplete_datagram_is_forgotten),
		test(flood_of_first_fragments_costs_no_more_than_the_places),
		test(same_id_of_other_flows_is_not_mixed),
		test(impossible_fragments_are_dropped),
		test(wrong_udp_length_in_fragments_is_malformed),
		test(fragmented_echo_is_one_echo),
		test(fragmented_segment_is_one_segment),
		test(fragments_are_not_told_the_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

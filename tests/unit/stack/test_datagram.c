/* SPDX-License-Identifier: BSD-3-Clause */
/* UDP, echo, ICMP errors, and what is dropped before it is anything. */
#include "host.h"

#include <errno.h>

static struct rig r;
static struct endpoint local, remote;
static uint8_t buf[70000], data[65536];

static int open_rig(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 5 + i / 256);
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

static size_t query(size_t n)
{
	return build_udp(buf, &local, &remote, data, n);
}

static void datagram_is_handed_over_whole(void **state)
{
	(void)state;
	rig_input(&r, buf, query(100));
	assert_int_equal(r.udps, 1);
	assert_true(endpoint_equal(&r.udp.local, &local));
	assert_true(endpoint_equal(&r.udp.remote, &remote));
	assert_int_equal(r.udp.n, 100);
	assert_memory_equal(r.udp_bytes, data, 100);
	assert_true(r.udp.df);
	assert_false(r.udp.fragmented);
	rig_input(&r, buf, query(0));
	assert_int_equal(r.udps, 2);
	assert_int_equal(r.udp.n, 0);
	rig_expect_silence(&r);
}

static void df_and_dscp_are_told(void **state)
{
	size_t n = query(10);

	(void)state;
	buf[1] = 34 << 2;
	buf[6] = 0;
	fix_v4(buf);
	rig_input(&r, buf, n);
	assert_false(r.udp.df);
	assert_int_equal(r.udp.dscp, 34);
}

static void v4_datagram_without_checksum_passes(void **state)
{
	size_t n = query(10);

	(void)state;
	put16(buf + IP4_HLEN + 6, 0);
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 1);
}

static void v6_datagram_without_checksum_is_dropped(void **state)
{
	size_t n = query(10);

	(void)state;
	put16(buf + IP6_HLEN + 6, 0);
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 1);
}

static void damaged_datagrams_are_dropped(void **state)
{
	size_t n = query(10), header = local.addr.family == 4 ? IP4_HLEN : IP6_HLEN;

	(void)state;
	buf[n - 1] ^= 1; /* checksum */
	rig_input(&r, buf, n);
	query(10);
	put16(buf + header + 4, 7); /* shorter than its header */
	rig_input(&r, buf, n);
	query(10);
	put16(buf + header + 4, 19); /* longer than the packet */
	rig_input(&r, buf, n);
	query(10);
	put16(buf + header + 2, 0); /* to port 0; the checksum is the least of its problems */
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 4);
	rig_expect_silence(&r);
}

static void bytes_behind_the_udp_length_are_not_payload(void **state)
{
	size_t n = query(10);
	uint8_t l4[28];

	(void)state;
	memcpy(l4, buf + n - 18, 18);
	memset(l4 + 18, 0xee, 10);
	n = build_ip(buf, &local.addr, &remote.addr, PROTO_UDP, l4, sizeof(l4));
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 1);
	assert_int_equal(r.udp.n, 10);
}

static void answer_comes_from_where_the_host_sent_to(void **state)
{
	struct view v;

	(void)state;
	assert_int_equal(stack_udp_send(r.s, &remote, &local, data, 500), 0);
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.proto, PROTO_UDP);
	assert_true(addr_equal(&v.src, &remote.addr) && v.sport == remote.port);
	assert_true(addr_equal(&v.dst, &local.addr) && v.dport == local.port);
	assert_int_equal(v.n, 500);
	assert_memory_equal(v.data, data, 500);
	assert_false(v.fragment);
	rig_expect_silence(&r);
}

static void large_answer_leaves_in_fragments_that_fit_together(void **state)
{
	static uint8_t whole[70000];
	const size_t n = 20000;
	size_t next = 0;
	struct view v;
	uint32_t id = 0;

	(void)state;
	assert_int_equal(stack_udp_send(r.s, &remote, &local, data, n), 0);
	while (rig_next(&r, &v)) {
		assert_true(v.fragment && v.offset == next);
		assert_false(v.df);
		assert_true(next == 0 || v.id == id);
		id = v.id;
		memcpy(whole + v.offset, v.l4, v.l4_len);
		next += v.l4_len;
		assert_int_equal(v.more, next < n + UDP_HLEN);
	}
	assert_int_equal(next, n + UDP_HLEN);
	assert_memory_equal(whole + UDP_HLEN, data, n);
	rig_forget(&r);
	/* Another one has another name. */
	stack_udp_send(r.s, &remote, &local, data, n);
	assert_true(rig_next(&r, &v));
	assert_true(v.id != id);
}

static void no_packet_exceeds_the_mtu(void **state)
{
	struct stack_config config = {.mtu = 1280, .held_max_age = SEC(30)};

	(void)state;
	for (config.mtu = 1280; config.mtu < 1296; config.mtu++) {
		stack_free(r.s);
		rig_start(&r, &config);
		for (size_t n = 1200; n < 1300; n++) {
			stack_udp_send(r.s, &remote, &local, data, n);
			for (size_t i = 0; i < r.sent_n; i++)
				assert_true(r.sent[i].n <= config.mtu);
			assert_int_equal(r.sent_n,
				1 + (n + UDP_HLEN + (local.addr.family == 4 ? 20 : 40) > config.mtu));
			rig_forget(&r);
		}
	}
}

static void impossible_answers_are_errors(void **state)
{
	struct endpoint v6 = ep("[2001:db8::1]:1");

	(void)state;
	assert_int_equal(stack_udp_send(r.s, &v6, &local, data, 1), -EAFNOSUPPORT);
	assert_int_equal(stack_udp_send(r.s, &remote, &local, data, 65508), -EMSGSIZE);
	assert_int_equal(stack_udp_send(r.s, &remote, &local, data, 65507), 0);
	rig_forget(&r);
}

static enum stack_answer chosen;

static void refuse(struct rig *rig, const struct stack_datagram *d)
{
	stack_udp_refuse(rig->s, d, chosen);
}

static void expect_error(enum stack_answer answer, uint8_t type, uint8_t code)
{
	size_t n = query(2000), header = local.addr.family == 4 ? IP4_HLEN : IP6_HLEN;
	uint8_t sent[2100];
	struct view v;

	memcpy(sent, buf, n);
	chosen = answer;
	r.on_udp = refuse;
	rig_input(&r, sent, n);
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.type, type);
	assert_int_equal(v.code, code);
	assert_int_equal(v.field, 0);
	assert_true(addr_equal(&v.dst, &local.addr));
	assert_int_equal(v.l4_len + header, local.addr.family == 4 ? 576 : 1280);
	/* The quote is the packet that was sent, as far as it goes; over IPv4 but for the id. */
	if (local.addr.family == 6)
		assert_memory_equal(v.data, sent, v.n);
	else
		assert_memory_equal(v.data + IP4_HLEN, sent + IP4_HLEN, v.n - IP4_HLEN);
	rig_expect_silence(&r);
}

static void refused_datagram_gets_an_icmp_error_with_its_head(void **state)
{
	bool v4 = local.addr.family == 4;

	(void)state;
	expect_error(STACK_ANSWER_RST, v4 ? 3 : 1, v4 ? 3 : 4);
	expect_error(STACK_ANSWER_NET_UNREACH, v4 ? 3 : 1, 0);
	expect_error(STACK_ANSWER_HOST_UNREACH, v4 ? 3 : 1, v4 ? 1 : 3);
	expect_error(STACK_ANSWER_PROHIBITED, v4 ? 3 : 1, v4 ? 13 : 1);
}

static unsigned told_mtu;

static void too_big(struct rig *rig, const struct stack_datagram *d)
{
	stack_udp_too_big(rig->s, d, told_mtu);
}

static void too_large_datagram_is_told_the_mtu(void **state)
{
	bool v4 = local.addr.family == 4;
	struct view v;

	(void)state;
	r.on_udp = too_big;
	told_mtu = 1400;
	rig_input(&r, buf, query(1450));
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.type, v4 ? 3 : 2);
	assert_int_equal(v.code, v4 ? 4 : 0);
	assert_int_equal(v.field, 1400);
	rig_forget(&r);
	told_mtu = 700;
	rig_input(&r, buf, query(1450));
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.field, v4 ? 700 : 1280);
}

static void datagram_without_df_is_not_told_the_mtu(void **state)
{
	size_t n = query(1400);

	(void)state;
	r.on_udp = too_big;
	told_mtu = 1300;
	buf[6] = 0;
	fix_v4(buf);
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 1);
	rig_expect_silence(&r);
}

static void icmp_errors_are_limited(void **state)
{
	(void)state;
	r.on_udp = refuse;
	chosen = STACK_ANSWER_RST;
	for (int i = 0; i < 500; i++)
		rig_input(&r, buf, query(1));
	assert_int_equal(r.sent_n, 256);
	assert_int_equal(rig_stats(&r).answers_limited, 244);
	rig_forget(&r);
	r.now += MSEC(500);
	for (int i = 0; i < 500; i++)
		rig_input(&r, buf, query(1));
	assert_int_equal(r.sent_n, 128);
}

static void echo_is_asked_and_answered(void **state)
{
	bool v4 = local.addr.family == 4;
	struct view v;

	(void)state;
	rig_input(&r, buf, build_echo(buf, &local.addr, &remote.addr, 77, 3, data, 56));
	assert_int_equal(r.echoes, 1);
	assert_int_equal(r.echo.id, 77);
	assert_int_equal(r.echo.seq, 3);
	assert_int_equal(r.echo.n, 56);
	assert_memory_equal(r.echo_bytes, data, 56);
	stack_echo_reply(r.s, &r.echo);
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.type, v4 ? 0 : 129);
	assert_true(addr_equal(&v.src, &remote.addr) && addr_equal(&v.dst, &local.addr));
	assert_int_equal(v.field, 77u << 16 | 3);
	assert_int_equal(v.n, 56);
	assert_memory_equal(v.data, data, 56);
}

/* The kernel finds the ping by addresses and id of the request that is quoted. */
static void refused_echo_is_quoted_as_it_was_sent(void **state)
{
	bool v4 = local.addr.family == 4;
	size_t header = v4 ? IP4_HLEN : IP6_HLEN, n = build_echo(buf, &local.addr, &remote.addr, 77, 3, data, 56);
	struct view v;

	(void)state;
	rig_input(&r, buf, n);
	assert_int_equal(r.echo.ttl, 64);
	stack_echo_refuse(r.s, &r.echo, STACK_ANSWER_HOST_UNREACH);
	assert_true(rig_next(&r, &v));
	assert_int_equal(v.type, v4 ? 3 : 1);
	assert_int_equal(v.code, v4 ? 1 : 3);
	assert_true(addr_equal(&v.dst, &local.addr));
	assert_int_equal(v.n, n);
	assert_memory_equal(v.data + header, buf + header, n - header);
	assert_memory_equal(v.data + header - (v4 ? 8 : 32), buf + header - (v4 ? 8 : 32), v4 ? 8 : 32);
}

static void refused_echoes_are_limited(void **state)
{
	(void)state;
	rig_input(&r, buf, build_echo(buf, &local.addr, &remote.addr, 77, 3, data, 56));
	for (int i = 0; i < 1000; i++)
		stack_echo_refuse(r.s, &r.echo, STACK_ANSWER_NET_UNREACH);
	assert_int_equal(r.sent_n, 256);
	assert_int_equal(rig_stats(&r).answers_limited, 744);
}

static void echo_with_a_bad_checksum_is_dropped(void **state)
{
	size_t n = build_echo(buf, &local.addr, &remote.addr, 77, 3, data, 56);

	(void)state;
	buf[n - 1] ^= 1;
	rig_input(&r, buf, n);
	assert_int_equal(r.echoes, 0);
	assert_int_equal(rig_stats(&r).rx_malformed, 1);
}

static void echo_without_an_owner_is_dropped_and_counted(void **state)
{
	const struct stack_config config = {.mtu = 1500, .held_max_age = 1};
	struct stack_ops ops = rig_ops;

	(void)state;
	ops.echo = NULL;
	stack_free(r.s);
	assert_int_equal(stack_new(&r.s, &config, &ops, &r, r.now), 0);
	rig_input(&r, buf, build_echo(buf, &local.addr, &remote.addr, 77, 3, data, 56));
	assert_int_equal(rig_stats(&r).rx_echo_dropped, 1);
	rig_expect_silence(&r);
}

static void expect_unsupported(const char *from, const char *to)
{
	uint64_t before = rig_stats(&r).rx_unsupported;
	struct endpoint a = ep(from), b = ep(to);
	const struct tcp_spec syn = {.seq = 1, .flags = TH_SYN, .window = 1000};

	rig_input(&r, buf, build_udp(buf, &a, &b, "x", 1));
	rig_input(&r, buf, build_tcp(buf, &a, &b, &syn));
	rig_run(&r);
	assert_int_equal(rig_stats(&r).rx_unsupported, before + 2);
	assert_int_equal(r.udps + r.syns, 0);
	rig_expect_silence(&r);
}

static void only_unicast_addresses_make_flows(void **state)
{
	(void)state;
	expect_unsupported("10.0.0.2:1", "224.0.0.251:5353");
	expect_unsupported("10.0.0.2:1", "255.255.255.255:67");
	expect_unsupported("10.0.0.2:1", "169.254.169.254:80");
	expect_unsupported("10.0.0.2:1", "127.0.0.1:80");
	expect_unsupported("10.0.0.2:1", "0.0.0.0:80");
	expect_unsupported("0.0.0.0:68", "192.0.2.1:67");
	expect_unsupported("127.0.0.1:68", "192.0.2.1:67");
	expect_unsupported("224.0.0.1:68", "192.0.2.1:67");
	expect_unsupported("[2001:db8::2]:1", "[ff02::fb]:5353");
	expect_unsupported("[2001:db8::2]:1", "[fe80::1]:53");
	expect_unsupported("[fe80::2]:1", "[2001:db8::1]:53");
	expect_unsupported("[::]:1", "[2001:db8::1]:53");
	expect_unsupported("[::1]:1", "[2001:db8::1]:53");
	expect_unsupported("[2001:db8::2]:1", "[::ffff:1.2.3.4]:53");
}

static void what_is_no_ip_packet_is_malformed(void **state)
{
	size_t n = query(100);
	uint64_t count = 0;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		rig_input(&r, buf, cut);
		assert_int_equal(rig_stats(&r).rx_malformed, ++count);
	}
	buf[0] = 0x75; /* version 7 */
	rig_input(&r, buf, n);
	assert_int_equal(rig_stats(&r).rx_malformed, ++count);
	assert_int_equal(r.udps, 0);
}

static void v4_header_checksum_is_verified(void **state)
{
	size_t n = query(100);

	(void)state;
	buf[8] ^= 1;
	rig_input(&r, buf, n);
	assert_int_equal(rig_stats(&r).rx_malformed, 1);
	assert_int_equal(r.udps, 0);
}

static void v4_options_are_skipped(void **state)
{
	size_t n = query(100);

	(void)state;
	memmove(buf + 28, buf + IP4_HLEN, n - IP4_HLEN);
	memset(buf + IP4_HLEN, 1, 8); /* NOPs */
	buf[0] = 0x47;
	put16(buf + 2, (uint16_t)(n + 8));
	fix_v4(buf);
	rig_input(&r, buf, n + 8);
	assert_int_equal(r.udps, 1);
	assert_memory_equal(r.udp_bytes, data, 100);
}

/* Puts an extension header of eight bytes in front of the upper layer. */
static size_t extend(size_t n, uint8_t proto, const uint8_t header[8])
{
	memmove(buf + IP6_HLEN + 8, buf + IP6_HLEN, n - IP6_HLEN);
	memcpy(buf + IP6_HLEN, header, 8);
	buf[IP6_HLEN] = buf[6];
	buf[6] = proto;
	put16(buf + 4, (uint16_t)(n + 8 - IP6_HLEN));
	return n + 8;
}

static void v6_extension_headers_are_walked(void **state)
{
	static const uint8_t options[8] = {0, 0, 1, 4}, routed[8] = {0, 0, 0, 0},
			     to_route[8] = {0, 0, 0, 1}, too_long[8] = {0, 200},
			     atomic[8] = {0};
	size_t n;

	(void)state;
	n = extend(extend(extend(query(10), PROTO_DSTOPTS, options), PROTO_ROUTING, routed),
		PROTO_HOPOPTS, options);
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 1);
	n = extend(query(10), PROTO_FRAGMENT, atomic); /* RFC 6946 */
	rig_input(&r, buf, n);
	assert_int_equal(r.udps, 2);
	assert_false(r.udp.fragmented);
	rig_input(&r, buf, extend(query(10), PROTO_ROUTING, to_route));
	assert_int_equal(rig_stats(&r).rx_unsupported, 1);
	rig_input(&r, buf, extend(query(10), PROTO_DSTOPTS, too_long));
	rig_input(&r, buf, extend(extend(query(10), PROTO_HOPOPTS, options), PROTO_DSTOPTS, options));
	assert_int_equal(rig_stats(&r).rx_malformed, 2);
	n = query(10);
	for (int i = 0; i < 9; i++)
		n = extend(n, PROTO_DSTOPTS, options);
	rig_input(&r, buf, n);
	assert_int_equal(rig_stats(&r).rx_malformed, 3);
	assert_int_equal(r.udps, 2);
}

static void v6_needs_its_minimum_mtu(void **state)
{
	const struct stack_config config = {.mtu = 1279, .held_max_age = SEC(1)};

	(void)state;
	stack_free(r.s);
	rig_start(&r, &config);
	rig_input(&r, buf, query(10));
	assert_int_equal(r.udps, 0);
	assert_int_equal(rig_stats(&r).rx_unsupported, 1);
}

static void other_protocols_are_counted(void **state)
{
	uint8_t l4[16] = {0};

	(void)state;
	rig_input(&r, buf, build_ip(buf, &local.addr, &remote.addr, 132, l4, sizeof(l4)));
	assert_int_equal(rig_stats(&r).rx_unsupported, 1);
	rig_expect_silence(&r);
}

#define test(f) cmocka_unit_test_setup_teardown(f, open_rig, close_rig)
#define test_v6(f) {"v6_" #f, f, open_v6, close_rig, NULL}
#define only_v6(f) cmocka_unit_test_setup_teardown(f, open_v6, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(datagram_is_handed_over_whole),
		test_v6(datagram_is_handed_over_whole),
		test(df_and_dscp_are_told),
		test(v4_datagram_without_checksum_passes),
		only_v6(v6_datagram_without_checksum_is_dropped),
		test(damaged_datagrams_are_dropped),
		test_v6(damaged_datagrams_are_dropped),
		test(bytes_behind_the_udp_length_are_not_payload),
		test(answer_comes_from_where_the_host_sent_to),
		test_v6(answer_comes_from_where_the_host_sent_to),
		test(large_answer_leaves_in_fragments_that_fit_together),
		test_v6(large_answer_leaves_in_fragments_that_fit_together),
		test(no_packet_exceeds_the_mtu),
		test_v6(no_packet_exceeds_the_mtu),
		test(impossible_answers_are_errors),
		test(refused_datagram_gets_an_icmp_error_with_its_head),
		test_v6(refused_datagram_gets_an_icmp_error_with_its_head),
		test(too_large_datagram_is_told_the_mtu),
		test_v6(too_large_datagram_is_told_the_mtu),
		test(datagram_without_df_is_not_told_the_mtu),
		test(icmp_errors_are_limited),
		test(echo_is_asked_and_answered),
		test_v6(echo_is_asked_and_answered),
		test(refused_echo_is_quoted_as_it_was_sent),
		test_v6(refused_echo_is_quoted_as_it_was_sent),
		test(refused_echoes_are_limited),
		test(echo_with_a_bad_checksum_is_dropped),
		test_v6(echo_with_a_bad_checksum_is_dropped),
		test(echo_without_an_owner_is_dropped_and_counted),
		test(only_unicast_addresses_make_flows),
		test(what_is_no_ip_packet_is_malformed),
		test_v6(what_is_no_ip_packet_is_malformed),
		test(v4_header_checksum_is_verified),
		test(v4_options_are_skipped),
		only_v6(v6_extension_headers_are_walked),
		only_v6(v6_needs_its_minimum_mtu),
		test(other_protocols_are_counted),
		test_v6(other_protocols_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Which link sends next. */
#include "fakes.h"

#include <stdio.h>
#include <string.h>

static struct stack_tcp *flow(unsigned n, int *link)
{
	char local[ENDPOINT_STRLEN], remote[ENDPOINT_STRLEN];

	snprintf(local, sizeof(local), "10.148.0.17:%u", 40000 + n);
	snprintf(remote, sizeof(remote), "198.51.100.%u:80", n + 1);
	return connected(local, remote, link);
}

static void bulk_flows_share_the_line_evenly(void **state)
{
	static uint8_t data[8000];
	size_t sent[MODEM_LINKS] = {0};
	struct stack_tcp *t[3];
	int link[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		t[i] = flow(i, &link[i]);
		host_sends(t[i], data, sizeof(data));
	}
	for (unsigned i = 0; i < 9; i++) {
		struct modem_send send;
		uint8_t buf[1500];

		assert_int_equal(module_takes(&send, buf), MODEM_TCP_CHUNK_MAX);
		sent[send.link] += send.len;
		module_confirms(&send, send.len);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(sent[link[i]], 3 * MODEM_TCP_CHUNK_MAX);
}

static void small_chunks_do_not_cost_a_flow_its_share(void **state)
{
	static uint8_t data[16000];
	size_t sent[MODEM_LINKS] = {0};
	int bulk, small;
	struct stack_tcp *b = flow(0, &bulk), *s = flow(1, &small);

	(void)state;
	host_sends(b, data, sizeof(data));
	for (unsigned i = 0; i < 30; i++) {
		struct modem_send send;
		uint8_t buf[1500];

		if (s->rx_len == 0)
			host_sends(s, data, 200);
		if (b->rx_len < 8000)
			host_sends(b, data, 8000);
		assert_true(module_takes(&send, buf) > 0);
		sent[send.link] += send.len;
		module_confirms(&send, send.len);
	}
	/* the small one asks for less than its share and gets all of it */
	assert_true(sent[small] >= 2600);
}

static void a_keystroke_waits_for_one_chunk_at_most(void **state)
{
	static uint8_t data[8000];
	int link[4], key;
	struct stack_tcp *t[4], *k = flow(9, &key);
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		t[i] = flow(i, &link[i]);
		host_sends(t[i], data, sizeof(data));
	}
	for (unsigned i = 0; i < 6; i++) {
		module_takes(&send, buf);
		module_confirms(&send, send.len);
	}
	module_takes(&send, buf); /* a bulk chunk is on the line */
	host_sends(k, "x", 1);
	module_confirms(&send, send.len);
	assert_int_equal(module_takes(&send, buf), 1);
	assert_int_equal(send.link, key);
}

static void a_link_without_room_steps_aside_and_comes_back(void **state)
{
	int a, b;
	struct stack_tcp *ta = flow(0, &a), *tb = flow(1, &b);
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	world->links[a].room = 0;
	host_sends(ta, "aaa", 3);
	host_sends(tb, "bb", 2);
	assert_int_equal(module_takes(&send, buf), 2);
	module_confirms(&send, 2);
	assert_int_equal(module_takes(&send, buf), 0);
	world->links[a].room = 2;
	assert_int_equal(module_takes(&send, buf), 2);
	assert_int_equal(send.link, a);
}

static void dns_goes_before_other_datagrams(void **state)
{
	static const uint8_t question[] = "\0\7\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1";
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "bulk", 4);
	host_sends_datagram("10.148.0.17:5001", "198.51.100.53:53", question, sizeof(question) - 1);
	module_opens(9, MODEM_OPEN_OK);
	assert_int_equal(module_takes(&send, buf), sizeof(question) - 1);
	assert_int_equal(send.to.port, 53);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(bulk_flows_share_the_line_evenly),
		T(small_chunks_do_not_cost_a_flow_its_share),
		T(a_keystroke_waits_for_one_chunk_at_most),
		T(a_link_without_room_steps_aside_and_comes_back),
		T(dns_goes_before_other_datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

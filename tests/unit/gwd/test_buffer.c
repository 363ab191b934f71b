/* SPDX-License-Identifier: BSD-3-Clause */
/* What waits for its host: the pool is bounded, and only who fills it pays. */
#include "fakes.h"

#include <stdio.h>
#include <string.h>

static uint8_t chunk[MODEM_TCP_CHUNK_MAX];

static struct stack_tcp *client(unsigned n, int *link)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "10.148.0.17:%u", 40000 + n);
	snprintf(to, sizeof(to), "198.51.100.%u:80", n + 1);
	return connected(from, to, link);
}

static size_t asked(int link)
{
	return world->modem->rx_space(world->modem_user, (unsigned)link);
}

/* Buffer mode: reads until the gateway wants no more; how many bytes that were. */
static size_t fill(int link)
{
	size_t n, all = 0;

	while ((n = asked(link)) > 0) {
		module_data(link, chunk, n, NULL);
		all += n;
	}
	return all;
}

static void one_slow_flow_takes_its_cap_and_no_more(void **state)
{
	int link;
	struct stack_tcp *t = client(0, &link);
	size_t n;

	(void)state;
	t->tx_space = 0;
	n = fill(link);
	assert_in_range(n, world->config.tcp.buffer - MODEM_TCP_CHUNK_MAX, world->config.tcp.buffer);
	assert_true(t->alive);
}

static void nine_slow_flows_share_the_pool_and_each_gets_something(void **state)
{
	int link[TCP_LINKS_MAX];
	size_t n, all = 0;

	(void)state;
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		client(i, &link[i])->tx_space = 0;
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++) {
		n = fill(link[i]);
		assert_true(n >= MODEM_TCP_CHUNK_MAX);
		all += n;
	}
	assert_true(all <= world->gw->pool.n * (size_t)CHUNK_SIZE);
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		assert_true(world->hosts[i].alive);
}

/* A read's place is set aside: what other links get until its data comes does not take it. */
static void what_was_promised_to_a_read_is_there_when_it_comes(void **state)
{
	int link[TCP_LINKS_MAX];

	(void)state;
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		client(i, &link[i])->tx_space = 0;
	for (unsigned round = 0; round < 100; round++) {
		size_t n[TCP_LINKS_MAX];

		for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
			n[i] = asked(link[i]);
		for (unsigned i = TCP_LINKS_MAX; i-- > 0;)
			if (n[i])
				module_data(link[i], chunk, n[i], NULL);
	}
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		assert_true(world->hosts[i].alive);
	assert_int_equal(world->gw->count.tcp_reset_buffer, 0);
}

static void slow_flows_leave_room_for_a_new_one(void **state)
{
	int link[8], late;
	struct stack_tcp *t;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		client(i, &link[i])->tx_space = 0;
		fill(link[i]);
	}
	t = client(8, &late);
	assert_int_equal(asked(late), MODEM_TCP_CHUNK_MAX);
	module_data(late, chunk, sizeof(chunk), NULL);
	assert_int_equal(t->tx_len, sizeof(chunk));
}

static void an_empty_pool_costs_the_flow_that_holds_most(void **state)
{
	int link[TCP_LINKS_MAX];
	unsigned alive = 0;

	(void)state;
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		client(i, &link[i])->tx_space = 0;
	/* Push: the first has the most when the others come. */
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		for (size_t n = 0; n < (i ? 30000 : 60000); n += sizeof(chunk))
			module_data(link[i], chunk, sizeof(chunk), NULL);
	assert_false(world->hosts[0].alive);
	for (unsigned i = 1; i < TCP_LINKS_MAX; i++)
		alive += world->hosts[i].alive;
	assert_int_equal(alive, TCP_LINKS_MAX - 1);
	assert_int_equal(world->gw->count.tcp_reset_buffer, 1);
}

static void buffer_mode_is_asked_for_at_the_high_mark(void **state)
{
	int link;
	struct stack_tcp *t = client(0, &link);
	size_t n = 0;

	(void)state;
	world->adaptive = true;
	t->tx_space = 0;
	for (; n + sizeof(chunk) <= world->config.tcp.buffer / 2; n += sizeof(chunk))
		module_data(link, chunk, sizeof(chunk), NULL);
	assert_int_equal(world->buffer_wanted, 0);
	module_data(link, chunk, sizeof(chunk), NULL);
	assert_int_equal(world->buffer_wanted, 1);
}

/* Decision 9: what the line carries while the command in flight ends, or the pool. */
static void what_comes_until_the_switch_is_kept(void **state)
{
	int link, other;
	struct stack_tcp *t = client(0, &link), *o = client(1, &other);
	size_t n = 0, bound;

	(void)state;
	world->adaptive = true;
	t->tx_space = 0;
	bound = world->config.tcp.buffer / 2 + world->config.modem.baud / 10 * 15;
	for (; n + sizeof(chunk) <= bound; n += sizeof(chunk))
		module_data(link, chunk, sizeof(chunk), NULL);
	assert_true(t->alive);
	assert_true(n > 3 * world->config.tcp.buffer);
	module_data(other, chunk, sizeof(chunk), NULL);
	assert_int_equal(o->tx_len, sizeof(chunk));
	module_data(link, chunk, sizeof(chunk), NULL);
	assert_true(t->aborted && o->alive);
}

static void a_fast_line_is_bounded_by_the_pool(void **state)
{
	int link;
	struct stack_tcp *t = client(0, &link);
	size_t n = 0;

	(void)state;
	world->adaptive = true;
	world->config.modem.baud = 4000000;
	t->tx_space = 0;
	for (; t->alive; n += sizeof(chunk))
		module_data(link, chunk, sizeof(chunk), NULL);
	assert_in_range(n, world->config.tcp.pool / 2, world->config.tcp.pool + MODEM_LINKS * 4096);
}

static void a_refused_switch_costs_the_slow_flow_alone(void **state)
{
	int link, other;
	struct stack_tcp *t = client(0, &link), *o = client(1, &other);
	size_t n = 0;

	(void)state;
	world->adaptive = true;
	t->tx_space = 0;
	for (; n < world->config.tcp.buffer * 3 / 2; n += sizeof(chunk))
		module_data(link, chunk, sizeof(chunk), NULL);
	world->adaptive = false;
	world->modem->mode_changed(world->modem_user, MODEM_RECEIVE_PUSH);
	assert_true(t->alive);
	t->tx_space = n; /* its host reads again: nothing was lost, nothing is reset */
	host_event(t, STACK_TCP_WRITABLE);
	assert_int_equal(t->tx_len, n);
	for (t->tx_space = n = 0; t->alive; n += sizeof(chunk))
		module_data(link, chunk, sizeof(chunk), NULL);
	assert_in_range(n, world->config.tcp.buffer, world->config.tcp.buffer + 2 * sizeof(chunk));
	module_data(other, chunk, sizeof(chunk), NULL);
	assert_int_equal(o->tx_len, sizeof(chunk));
}

static void everything_goes_back_to_the_pool(void **state)
{
	int link[TCP_LINKS_MAX];

	(void)state;
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++) {
		client(i, &link[i])->tx_space = 0;
		fill(link[i]);
	}
	for (unsigned i = 0; i < TCP_LINKS_MAX; i++)
		module_closes(link[i], MODEM_CLOSE_LOST);
	assert_int_equal(world->gw->pool.n_free, world->gw->pool.n);
	assert_int_equal(world->gw->n_buffers, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(one_slow_flow_takes_its_cap_and_no_more),
		T(nine_slow_flows_share_the_pool_and_each_gets_something),
		T(what_was_promised_to_a_read_is_there_when_it_comes),
		T(slow_flows_leave_room_for_a_new_one),
		T(an_empty_pool_costs_the_flow_that_holds_most),
		T(buffer_mode_is_asked_for_at_the_high_mark),
		T(what_comes_until_the_switch_is_kept),
		T(a_fast_line_is_bounded_by_the_pool),
		T(a_refused_switch_costs_the_slow_flow_alone),
		T(everything_goes_back_to_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

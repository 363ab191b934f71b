/* SPDX-License-Identifier: BSD-3-Clause */
/* Echo requests: the module sends them one at a time, and nobody is told what did not happen. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A request of the host with @n bytes, the first of them @seq. */
static void host_pings(const char *remote, uint16_t id, uint16_t seq, size_t n, uint8_t ttl)
{
	uint8_t bytes[2000];
	struct stack_echo e = {.local = ep("10.148.0.17:0").addr, .id = id, .seq = seq, .ttl = ttl,
		.p = bytes, .n = n};
	char text[ENDPOINT_STRLEN];

	snprintf(text, sizeof(text), strchr(remote, ':') ? "[%s]:0" : "%s:0", remote);
	e.remote = ep(text).addr;
	memset(bytes, seq & 0xff, sizeof(bytes));
	gateway_packet(world->gw, world->now, NULL, 0);
	world->stack->echo(world->stack_user, &e);
	run();
}

static void module_says(enum modem_ping_result result)
{
	gateway_input(&world->gw->units[0], world->now, NULL, 0);
	world->ping.busy = false;
	world->modem->pinged(world->modem_user, result, MSEC(42));
	run();
}

static void a_reply_has_the_id_number_and_bytes_of_its_request(void **state)
{
	(void)state;
	host_pings("203.0.113.1", 77, 3, 56, 64);
	assert_int_equal(world->pings, 1);
	assert_int_equal(world->ping.size, 56);
	assert_int_equal(world->ping.ttl, 64);
	assert_int_equal(world->n_echoes, 0); /* nothing before the module has said so */
	module_says(MODEM_PING_REPLY);
	assert_int_equal(world->n_echoes, 1);
	assert_false(world->echoes[0].refused);
	assert_int_equal(world->echoes[0].local.port, 77);
	assert_int_equal(world->echoes[0].remote.port, 3);
	assert_int_equal(world->echoes[0].n, 56);
	assert_int_equal(world->echoes[0].first, 3);
	assert_int_equal(world->gw->count.echo_replies, 1);
}

static void what_cping_cannot_express_is_dropped_and_counted(void **state)
{
	(void)state;
	host_pings("203.0.113.1", 77, 1, 189, 64);
	host_pings("203.0.113.1", 77, 2, 56, 15); /* a traceroute wants to hear of somebody else */
	assert_int_equal(world->pings, 0);
	assert_int_equal(world->n_echoes, 0);
	assert_int_equal(world->gw->count.echo_dropped_unfit, 2);
	host_pings("203.0.113.1", 77, 3, 188, 16);
	assert_int_equal(world->ping.size, 188);
	module_says(MODEM_PING_REPLY);
	host_pings("203.0.113.1", 77, 4, 0, 64);
	assert_int_equal(world->ping.size, 4);
	module_says(MODEM_PING_REPLY);
	assert_int_equal(world->echoes[1].n, 0);
}

static void a_lost_echo_is_silence_and_a_refused_one_unreachable(void **state)
{
	(void)state;
	host_pings("203.0.113.1", 77, 1, 56, 64);
	module_says(MODEM_PING_TIMEOUT);
	assert_int_equal(world->n_echoes, 0);
	assert_int_equal(world->gw->count.echo_timeouts, 1);
	host_pings("203.0.113.1", 77, 2, 56, 64);
	module_says(MODEM_PING_FAILED);
	assert_true(world->echoes[0].refused);
	assert_int_equal(world->echoes[0].answer, STACK_ANSWER_HOST_UNREACH);
}

static void several_take_turns_and_a_repeated_one_is_one(void **state)
{
	(void)state;
	for (uint16_t id = 1; id <= 10; id++)
		host_pings("203.0.113.1", id, 1, 56, 64);
	host_pings("203.0.113.1", 5, 1, 56, 64);
	assert_int_equal(world->gw->count.echo_dropped_queue, 1);
	for (uint16_t id = 1; id <= 10; id++) {
		assert_int_equal(world->pings, id);
		module_says(MODEM_PING_REPLY);
		assert_int_equal(world->n_echoes, id);
	}
	assert_int_equal(world->pings, 10);
}

static void they_go_in_the_order_they_came(void **state)
{
	(void)state;
	for (uint16_t id = 1; id <= 10; id++) {
		host_pings("203.0.113.1", id, 1, 56, 64);
		advance(MSEC(1));
	}
	for (uint16_t id = 1; id <= 10; id++) {
		module_says(MODEM_PING_REPLY);
		assert_int_equal(world->echoes[id - 1].local.port, id);
	}
}

static void a_flood_is_bounded_and_leaves_room_for_others(void **state)
{
	(void)state;
	for (uint16_t seq = 1; seq <= 1000; seq++)
		host_pings("203.0.113.1", 77, seq, 56, 64);
	assert_int_equal(world->gw->count.echo_dropped_queue, 996);
	advance(MSEC(1));
	host_pings("203.0.113.2", 78, 1, 56, 64);
	for (unsigned i = 0; i < 5; i++)
		module_says(MODEM_PING_REPLY);
	assert_int_equal(world->n_echoes, 5);
	assert_int_equal(world->echoes[4].local.port, 78);
	assert_int_equal(world->pings, 5);
}

static void what_waited_too_long_is_dropped(void **state)
{
	(void)state;
	host_pings("203.0.113.1", 77, 1, 56, 64);
	host_pings("203.0.113.2", 78, 1, 56, 64);
	advance(SEC(3));
	host_pings("203.0.113.3", 79, 1, 56, 64);
	advance(SEC(3));
	module_says(MODEM_PING_TIMEOUT);
	assert_int_equal(world->gw->count.echo_dropped_queue, 1);
	assert_int_equal(world->ping.to.b[3], 3);
}

static void a_dead_peer_lets_the_others_go_first(void **state)
{
	(void)state;
	host_pings("203.0.113.1", 77, 1, 56, 64);
	host_pings("203.0.113.1", 77, 2, 56, 64);
	advance(MSEC(1));
	host_pings("203.0.113.2", 78, 1, 56, 64);
	host_pings("203.0.113.2", 78, 2, 56, 64);
	module_says(MODEM_PING_TIMEOUT);
	assert_int_equal(world->ping.to.b[3], 2);
	module_says(MODEM_PING_REPLY);
	assert_int_equal(world->ping.to.b[3], 2);
	module_says(MODEM_PING_REPLY);
	assert_int_equal(world->ping.to.b[3], 1);
	/* but not for ever */
	host_pings("203.0.113.2", 78, 3, 56, 64);
	module_says(MODEM_PING_TIMEOUT);
	advance(SEC(4));
	host_pings("203.0.113.1", 77, 3, 56, 64);
	advance(SEC(1));
	host_pings("203.0.113.2", 78, 4, 56, 64);
	module_says(MODEM_PING_REPLY);
	assert_int_equal(world->ping.to.b[3], 1);
}

static void a_firmware_without_cping_answers_nothing(void **state)
{
	(void)state;
	host_pings("203.0.113.1", 77, 1, 56, 64);
	module_says(MODEM_PING_UNSUPPORTED);
	world->ping_error = -EOPNOTSUPP;
	host_pings("203.0.113.1", 77, 2, 56, 64);
	assert_int_equal(world->n_echoes, 0);
	assert_int_equal(world->gw->count.echo_dropped_unsupported, 2);
	assert_int_equal(world->gw->count.echo_dropped, 2);
}

static void without_a_bearer_the_network_is_unreachable(void **state)
{
	(void)state;
	for (uint16_t id = 1; id <= 3; id++)
		host_pings("203.0.113.1", id, 1, 56, 64);
	world->ping_error = -ENETDOWN;
	module_says(MODEM_PING_LOST);
	bearer(false);
	assert_int_equal(world->n_echoes, 3);
	host_pings("203.0.113.1", 9, 1, 56, 64);
	assert_int_equal(world->n_echoes, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(world->echoes[i].refused);
		assert_int_equal(world->echoes[i].answer, STACK_ANSWER_NET_UNREACH);
	}
}

static void the_other_ip_version_is_unreachable(void **state)
{
	(void)state;
	host_pings("2001:db8::1", 77, 1, 56, 64);
	assert_int_equal(world->pings, 0);
	assert_true(world->echoes[0].refused);
	assert_int_equal(world->echoes[0].answer, STACK_ANSWER_NET_UNREACH);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(a_reply_has_the_id_number_and_bytes_of_its_request),
		T(what_cping_cannot_express_is_dropped_and_counted),
		T(a_lost_echo_is_silence_and_a_refused_one_unreachable),
		T(several_take_turns_and_a_repeated_one_is_one),
		T(they_go_in_the_order_they_came),
		T(a_flood_is_bounded_and_leaves_room_for_others),
		T(what_waited_too_long_is_dropped),
		T(a_dead_peer_lets_the_others_go_first),
		T(a_firmware_without_cping_answers_nothing),
		T(without_a_bearer_the_network_is_unreachable),
		T(the_other_ip_version_is_unreachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

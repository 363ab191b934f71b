/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets a link when. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>

static unsigned opening(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEM_LINKS; i++)
		n += world->links[i].state == MODEM_LINK_OPENING;
	return n;
}

static struct stack_tcp *syn(unsigned port, unsigned host)
{
	char local[ENDPOINT_STRLEN], remote[ENDPOINT_STRLEN];

	snprintf(local, sizeof(local), "10.148.0.17:%u", port);
	snprintf(remote, sizeof(remote), "198.51.100.%u:80", host);
	return host_syn(local, remote);
}

/* Keeps clients that are not of this host alive: they repeat their SYN. */
static void repeat_syns(void)
{
	for (unsigned i = 0; i < world->n_hosts; i++)
		world->hosts[i].last_syn = world->now;
}

static void wait_s(unsigned s)
{
	while (s--) {
		repeat_syns();
		advance(SEC(1));
	}
}

static void at_most_links_connecting_are_opening(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		syn(40000 + i, 1 + i);
	assert_int_equal(opening(), world->config.links.connecting);
}

static void the_first_busy_teaches_one_at_a_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		syn(40000 + i, 1 + i);
	assert_int_equal(opening(), 4);
	for (int i = 6; i < 9; i++)
		module_opens(i, MODEM_OPEN_BUSY);
	assert_int_equal(opening(), 1);
	module_opens(9, MODEM_OPEN_OK);
	advance(SEC(1));
	assert_int_equal(opening(), 1);
}

static void tcp_takes_nine_links_and_the_tenth_waits(void **state)
{
	struct stack_tcp *t = NULL;

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		int link;

		t = syn(40000 + i, 1 + i);
		link = -1;
		for (int k = 9; k >= 0; k--)
			if (world->links[k].state == MODEM_LINK_OPENING)
				link = k;
		module_opens(link, MODEM_OPEN_OK);
		host_event(t, STACK_TCP_ESTABLISHED);
	}
	t = syn(40100, 99);
	assert_int_equal(opening(), 0);
	assert_int_equal(world->links[0].state, MODEM_LINK_FREE);
	assert_true(host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1));
	assert_int_equal(world->links[0].state, MODEM_LINK_OPENING);
	module_closes(9, MODEM_CLOSE_REMOTE);
	assert_int_equal(link_to("198.51.100.99:80"), 9);
}

static void reserved_links_are_for_interactive_flows(void **state)
{
	(void)state;
	world->config.links.reserved = 8;
	syn(40000, 1);
	syn(40001, 2);
	assert_int_equal(opening(), 1);
	host_syn("10.148.0.17:40002", "198.51.100.3:22");
	assert_int_equal(opening(), 2);
	assert_true(link_to("198.51.100.3:22") >= 0);
}

static void interactive_flows_go_first(void **state)
{
	(void)state;
	world->config.links.connecting = 1;
	syn(40000, 1);
	syn(40001, 2);
	host_syn("10.148.0.17:40002", "198.51.100.3:22");
	module_opens(9, MODEM_OPEN_NETWORK_FAILURE);
	assert_int_equal(link_to("198.51.100.3:22"), 9);
}

static void sources_take_turns(void **state)
{
	(void)state;
	world->config.links.connecting = 1;
	host_syn("192.168.1.2:1000", "198.51.100.1:80");
	host_syn("192.168.1.2:1001", "198.51.100.2:80");
	host_syn("192.168.1.2:1002", "198.51.100.3:80");
	host_syn("192.168.1.9:1000", "198.51.100.4:80");
	module_opens(9, MODEM_OPEN_OK);
	assert_true(link_to("198.51.100.4:80") >= 0);
}

static void a_destination_that_just_failed_is_refused_at_once(void **state)
{
	struct stack_tcp *t;
	unsigned opens;

	(void)state;
	syn(40000, 1);
	module_opens(9, MODEM_OPEN_TIMEOUT);
	opens = world->opens;
	t = syn(40001, 1);
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_HOST_UNREACH);
	assert_int_equal(world->opens, opens);
	advance(SEC(6));
	t = syn(40002, 1);
	assert_false(t->refused);
	assert_int_equal(world->opens, opens + 1);
}

/* A crowd of silent destinations delays a live one by one patience, not by their number. */
static void dead_destinations_never_stop_a_live_one(void **state)
{
	unsigned waited = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		syn(40000 + i, 1 + i);
	wait_s(1);
	syn(41000, 200);
	while (link_to("198.51.100.200:80") < 0 && waited < 30) {
		wait_s(1);
		for (int i = 0; i < MODEM_LINKS; i++)
			if (world->links[i].state == MODEM_LINK_CLOSING)
				module_frees(i);
		waited++;
	}
	assert_in_range(waited, 0, 5);
}

/* The module keeps the number of an open that was given up until that open has failed. */
static void a_module_that_keeps_numbers_loses_two_at_most(void **state)
{
	unsigned closing = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		syn(40000 + i, 1 + i);
	wait_s(20);
	for (unsigned i = 0; i < MODEM_LINKS; i++)
		closing += world->links[i].state == MODEM_LINK_CLOSING;
	assert_int_equal(closing, 2);
	assert_int_equal(opening(), world->config.links.connecting);
}

static void a_module_that_opens_one_at_a_time_is_not_hurried(void **state)
{
	(void)state;
	syn(40000, 1);
	syn(40001, 2);
	module_opens(8, MODEM_OPEN_BUSY);
	wait_s(10);
	assert_int_equal(world->links[9].closes, 0);
	assert_int_equal(world->gw->count.tcp_preempted, 0);
}

static void a_preempted_flow_still_ends_after_its_connect_timeout(void **state)
{
	struct stack_tcp *t[12];

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		t[i] = syn(40000 + i, 1 + i);
	for (unsigned s = 0; s < 70; s++) {
		wait_s(1);
		for (int i = 0; i < MODEM_LINKS; i++)
			if (world->links[i].state == MODEM_LINK_CLOSING)
				module_frees(i);
	}
	for (unsigned i = 0; i < 12; i++)
		assert_true(t[i]->refused);
	assert_int_equal(world->gw->n_flows, 0);
}

static void a_slow_open_alone_is_left_in_peace(void **state)
{
	struct stack_tcp *t = syn(40000, 1);

	(void)state;
	wait_s(25);
	assert_int_equal(world->links[9].closes, 0);
	module_opens(9, MODEM_OPEN_OK);
	assert_true(t->accepted);
}

static void a_client_that_gave_up_is_found_by_its_socket(void **state)
{
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7, .tcp_state = 2};
	t = syn(40000, 1);
	wait_s(3);
	assert_true(t->alive);
	world->owner_result = -ENOENT;
	wait_s(3);
	assert_false(t->alive);
	/* its open is let finish, then closed */
	assert_int_equal(world->links[9].closes, 0);
	module_opens(9, MODEM_OPEN_OK);
	assert_int_equal(world->links[9].closes, 1);
}

static void a_client_of_elsewhere_that_gave_up_is_found_by_its_missing_syns(void **state)
{
	struct stack_tcp *t = syn(40000, 1);

	(void)state;
	advance(SEC(3));
	assert_true(t->alive);
	advance(SEC(4));
	assert_false(t->alive);
}

static void a_half_closed_flow_gives_its_link_up_under_pressure(void **state)
{
	struct stack_tcp *first = NULL, *t;

	(void)state;
	world->config.tcp.linger = SEC(60);
	for (unsigned i = 0; i < 9; i++) {
		char remote[ENDPOINT_STRLEN], local[ENDPOINT_STRLEN];
		int link;

		snprintf(remote, sizeof(remote), "198.51.100.%u:80", 1 + i);
		snprintf(local, sizeof(local), "10.148.0.17:%u", 40000 + i);
		t = connected(local, remote, &link);
		if (i == 0)
			first = t;
	}
	host_event(first, STACK_TCP_FIN);
	advance(SEC(2));
	assert_true(first->alive);
	syn(41000, 99);
	run();
	assert_true(first->aborted);
	module_frees(9);
	assert_int_equal(link_to("198.51.100.99:80"), 9);
}

static void thirty_at_once_all_get_their_turn(void **state)
{
	unsigned done = 0;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		syn(40000 + i, 1);
	for (unsigned round = 0; round < 200 && done < 30; round++) {
		for (int i = 0; i < MODEM_LINKS; i++)
			if (world->links[i].state == MODEM_LINK_OPENING) {
				module_opens(i, MODEM_OPEN_OK);
				module_closes(i, MODEM_CLOSE_REMOTE);
				done++;
			}
		repeat_syns();
		advance(MSEC(50));
	}
	assert_int_equal(done, 30);
}

static void a_held_syn_waits_thirty_seconds_at_most(void **state)
{
	struct stack_tcp *t;

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		char remote[ENDPOINT_STRLEN];
		int link;

		snprintf(remote, sizeof(remote), "198.51.100.%u:80", 1 + i);
		connected("10.148.0.17:40000", remote, &link);
	}
	t = syn(41000, 99);
	wait_s(29);
	assert_true(t->alive);
	wait_s(2);
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_RST);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(at_most_links_connecting_are_opening),
		T(the_first_busy_teaches_one_at_a_time),
		T(tcp_takes_nine_links_and_the_tenth_waits),
		T(reserved_links_are_for_interactive_flows),
		T(interactive_flows_go_first),
		T(sources_take_turns),
		T(a_destination_that_just_failed_is_refused_at_once),
		T(dead_destinations_never_stop_a_live_one),
		T(a_module_that_keeps_numbers_loses_two_at_most),
		T(a_module_that_opens_one_at_a_time_is_not_hurried),
		T(a_preempted_flow_still_ends_after_its_connect_timeout),
		T(a_slow_open_alone_is_left_in_peace),
		T(a_client_that_gave_up_is_found_by_its_socket),
		T(a_client_of_elsewhere_that_gave_up_is_found_by_its_missing_syns),
		T(a_half_closed_flow_gives_its_link_up_under_pressure),
		T(thirty_at_once_all_get_their_turn),
		T(a_held_syn_waits_thirty_seconds_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappings of host sockets to links, and what a datagram can expect. */
#include "fakes.h"

#include <stdio.h>
#include <string.h>

static unsigned udp_links(void)
{
	return unit_links_in_use(&world->gw->units[0], LINK_UDP);
}

static void an_answer_comes_back_from_its_true_source(void **state)
{
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "ask", 3);
	assert_int_equal(module_takes(&send, buf), 0); /* not open yet */
	module_opens(9, MODEM_OPEN_OK);
	assert_int_equal(module_takes(&send, buf), 3);
	assert_true(endpoint_equal(&send.to, &(struct endpoint){ep("203.0.113.1:123").addr, 123}));
	module_confirms(&send, 3);
	module_data(9, "answer", 6, "203.0.113.1:123");
	assert_int_equal(world->n_datagrams, 1);
	assert_int_equal(world->datagrams[0].local.port, 5000);
	assert_int_equal(world->datagrams[0].remote.port, 123);
	assert_memory_equal(world->datagrams[0].p, "answer", 6);
}

static void a_stranger_is_not_let_in(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "ask", 3);
	module_opens(9, MODEM_OPEN_OK);
	module_data(9, "x", 1, "203.0.113.9:123");
	module_data(9, "x", 1, "203.0.113.1:124");
	assert_int_equal(world->n_datagrams, 0);
	assert_int_equal(world->gw->count.udp_dropped_unknown_source, 2);
}

static void a_hundred_remotes_share_one_link(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		char remote[ENDPOINT_STRLEN];

		snprintf(remote, sizeof(remote), "203.0.113.%u:123", i + 1);
		assert_true(host_sends_datagram("10.148.0.17:5000", remote, "x", 1));
	}
	assert_int_equal(udp_links(), 1);
}

static void two_sockets_to_one_remote_never_share_a_link(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "a", 1);
	host_sends_datagram("10.148.0.17:5001", "203.0.113.1:123", "b", 1);
	module_opens(9, MODEM_OPEN_OK);
	module_opens(8, MODEM_OPEN_OK);
	module_data(8, "for b", 5, "203.0.113.1:123");
	module_data(9, "for a", 5, "203.0.113.1:123");
	assert_int_equal(world->datagrams[0].local.port, 5001);
	assert_int_equal(world->datagrams[1].local.port, 5000);
	/* a third one finds no link: it is told, and nobody's mapping changes */
	assert_false(host_sends_datagram("10.148.0.17:5002", "203.0.113.1:123", "c", 1));
	module_data(9, "for a", 5, "203.0.113.1:123");
	assert_int_equal(world->datagrams[2].local.port, 5000);
}

static void in_buffer_mode_a_link_has_one_remote(void **state)
{
	(void)state;
	world->receive = MODEM_RECEIVE_BUFFER;
	assert_true(host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "a", 1));
	assert_true(host_sends_datagram("10.148.0.17:5000", "203.0.113.2:123", "b", 1));
	assert_false(host_sends_datagram("10.148.0.17:5000", "203.0.113.3:123", "c", 1));
	assert_int_equal(udp_links(), 2);
	module_opens(9, MODEM_OPEN_OK);
	module_data(9, "answer", 6, NULL);
	assert_memory_equal(world->datagrams[0].p, "answer", 6);
	assert_int_equal(world->gw->count.udp_unframed, 1);
}

static void in_buffer_mode_names_take_the_link_of_the_most_silent_remote(void **state)
{
	static const uint8_t question[] = "\0\7\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1";

	(void)state;
	world->receive = MODEM_RECEIVE_BUFFER;
	world->config.dns.mode = CONFIG_DNS_UDP;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "a", 1);
	module_opens(9, MODEM_OPEN_OK);
	advance(SEC(1));
	host_sends_datagram("10.148.0.17:5000", "203.0.113.2:123", "b", 1);
	module_opens(8, MODEM_OPEN_OK);
	assert_true(host_sends_datagram("10.148.0.17:5001", "198.51.100.53:53", question,
		sizeof(question) - 1));
	assert_int_equal(world->links[9].closes, 1);
	assert_int_equal(world->links[8].closes, 0);
	assert_int_equal(world->links[7].state, MODEM_LINK_OPENING);
}

static void a_busy_module_is_asked_again_and_nobody_hears_of_it(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1);
	for (unsigned i = 0; i < 10; i++) {
		module_opens(9, MODEM_OPEN_BUSY);
		advance(MSEC(310));
		assert_int_equal(world->links[9].state, MODEM_LINK_OPENING);
	}
	module_opens(9, MODEM_OPEN_OK);
	assert_int_equal(world->n_udp_refused, 0);
	module_data(9, "y", 1, "203.0.113.1:123");
	assert_int_equal(world->n_datagrams, 1);
}

static void a_number_in_use_is_left_for_another_with_all_that_hangs_on_it(void **state)
{
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1);
	module_opens(9, MODEM_OPEN_NOT_SUPPORTED);
	advance(MSEC(310));
	assert_int_equal(world->links[8].state, MODEM_LINK_OPENING);
	assert_int_equal(udp_links(), 1);
	module_opens(8, MODEM_OPEN_OK);
	assert_int_equal(module_takes(&send, buf), 1);
	assert_int_equal(send.link, 8);
	module_data(8, "y", 1, "203.0.113.1:123");
	assert_int_equal(world->n_datagrams, 1);
}

static void a_bearer_loss_ends_what_waits_for_a_busy_module(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1);
	module_opens(9, MODEM_OPEN_BUSY);
	bearer(false);
	assert_int_equal(udp_links(), 0);
	assert_int_equal(world->n_udp_refused, 1);
	assert_int_equal(gateway_deadline(world->gw), USEC_NEVER);
}

/* Where the source is not known, a link must not stand for two host sockets. */
static void a_change_to_buffer_mode_closes_links_of_several_remotes(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "a", 1);
	module_opens(9, MODEM_OPEN_OK);
	host_sends_datagram("10.148.0.17:5001", "203.0.113.2:123", "b", 1);
	world->receive = MODEM_RECEIVE_BUFFER;
	world->modem->mode_changed(world->modem_user, MODEM_RECEIVE_BUFFER);
	run();
	assert_int_equal(world->links[9].closes, 1);
	assert_int_equal(world->gw->count.udp_dropped_no_link, 2); /* what was queued */
	module_data(9, "whose?", 6, NULL);
	assert_int_equal(world->n_datagrams, 0);
}

static void a_silent_mapping_ends_and_takes_its_link_along(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "a", 1);
	module_opens(9, MODEM_OPEN_OK);
	advance(SEC(119));
	module_data(9, "keep", 4, "203.0.113.1:123");
	advance(SEC(119));
	assert_int_equal(world->links[9].closes, 0);
	advance(SEC(2));
	assert_int_equal(world->links[9].closes, 1);
	module_frees(9);
	assert_int_equal(udp_links(), 0);
	assert_int_equal(gateway_deadline(world->gw), USEC_NEVER);
}

static void too_large_is_answered_with_the_largest_that_passes(void **state)
{
	static uint8_t big[1473];

	(void)state;
	assert_true(host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", big, 1472));
	assert_int_equal(world->n_too_big, 0);
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", big, 1473);
	assert_int_equal(world->n_too_big, 1);
	assert_int_equal(world->too_big_mtu, 1500);
}

static void a_full_queue_drops_and_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1);
	assert_int_equal(world->gw->count.udp_dropped_queue, 100 - DATAGRAMS_LINK_MAX);
}

static void an_open_that_fails_tells_the_senders(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1);
	module_opens(9, MODEM_OPEN_BIND_FAILED);
	assert_int_equal(world->n_udp_refused, 1);
	assert_int_equal(udp_links(), 0);
}

static void a_lost_link_gives_everything_back(void **state)
{
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < DATAGRAMS_LINK_MAX; i++)
			host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1);
		module_opens(9, MODEM_OPEN_OK);
		assert_int_equal(module_takes(&send, buf), 1);
		module_closes(9, MODEM_CLOSE_LOST);
	}
	assert_int_equal(world->gw->count.udp_dropped_queue, 0);
}

static void after_a_link_that_the_module_took_away_another_number_is_tried(void **state)
{
	(void)state;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "a", 1);
	module_opens(9, MODEM_OPEN_OK);
	module_closes(9, MODEM_CLOSE_REMOTE);
	host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "b", 1);
	assert_int_equal(world->gw->units[0].links[8].use, LINK_UDP);
	assert_int_equal(world->gw->units[0].links[9].use, LINK_UNUSED);
}

static void more_remotes_than_the_table_holds_push_out_the_oldest(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MAPPINGS_MAX + 10; i++) {
		char remote[ENDPOINT_STRLEN];

		snprintf(remote, sizeof(remote), "203.0.%u.%u:123", 100 + i / 200, 1 + i % 200);
		world->now++;
		host_sends_datagram("10.148.0.17:5000", remote, "x", 1);
	}
	module_opens(9, MODEM_OPEN_OK);
	module_data(9, "x", 1, "203.0.100.1:123");
	assert_int_equal(world->gw->count.udp_dropped_unknown_source, 1);
	module_data(9, "x", 1, "203.0.100.50:123");
	assert_int_equal(world->n_datagrams, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(an_answer_comes_back_from_its_true_source),
		T(a_stranger_is_not_let_in),
		T(a_hundred_remotes_share_one_link),
		T(two_sockets_to_one_remote_never_share_a_link),
		T(in_buffer_mode_a_link_has_one_remote),
		T(in_buffer_mode_names_take_the_link_of_the_most_silent_remote),
		T(a_busy_module_is_asked_again_and_nobody_hears_of_it),
		T(a_number_in_use_is_left_for_another_with_all_that_hangs_on_it),
		T(a_bearer_loss_ends_what_waits_for_a_busy_module),
		T(a_change_to_buffer_mode_closes_links_of_several_remotes),
		T(a_silent_mapping_ends_and_takes_its_link_along),
		T(too_large_is_answered_with_the_largest_that_passes),
		T(a_full_queue_drops_and_counts),
		T(an_open_that_fails_tells_the_senders),
		T(a_lost_link_gives_everything_back),
		T(after_a_link_that_the_module_took_away_another_number_is_tried),
		T(more_remotes_than_the_table_holds_push_out_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Transparent mode: one flow has the line, and what becomes of everybody else. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>

static const char host[] = "10.148.0.17:4000", peer[] = "198.51.100.1:80";

static int setup(void **state)
{
	world_setup(state);
	bearer(false);
	world->receive = MODEM_RECEIVE_TRANSPARENT;
	bearer(true);
	return 0;
}

static bool line_taken(void)
{
	return unit_line_taken(&world->gw->units[0]);
}

/* Waits as a client does, whose SYN is repeated. */
static void wait_s(unsigned s)
{
	while (s--) {
		for (unsigned i = 0; i < world->n_hosts; i++)
			world->hosts[i].last_syn = world->now;
		advance(SEC(1));
	}
}

static struct stack_tcp *the_flow(void)
{
	int link;
	struct stack_tcp *t = connected(host, peer, &link);

	assert_int_equal(link, 0);
	return t;
}

static void ask_name(uint16_t port)
{
	static const uint8_t query[] = "\0\7\1\0\0\1\0\0\0\0\0\0\2a1\7example\0\0\1\0\1";
	char local[ENDPOINT_STRLEN];

	snprintf(local, sizeof(local), "10.148.0.17:%u", port);
	assert_true(host_sends_datagram(local, "198.51.100.53:53", query, sizeof(query) - 1));
}

static enum dns_rcode rcode(unsigned i)
{
	assert_true(i < world->n_datagrams && dns_is_answer(world->datagrams[i].p));
	return world->datagrams[i].p[3] & 0xf;
}

static void ping(void)
{
	struct stack_echo e = {.local = ep("10.148.0.17:0").addr, .remote = ep("192.0.2.1:0").addr,
		.id = 7, .seq = 1, .ttl = 64, .p = (const uint8_t *)"ping", .n = 4};

	gateway_packet(world->gw, world->now, NULL, 0);
	world->stack->echo(world->stack_user, &e);
	run();
}

/* ---- who has the line ---- */

static void the_line_is_taken_from_the_open_until_the_number_is_free(void **state)
{
	struct stack_tcp *t;

	(void)state;
	assert_false(line_taken());
	host_syn(host, peer);
	assert_true(line_taken());
	module_opens(0, MODEM_OPEN_OK);
	module_closes(0, MODEM_CLOSE_REMOTE);
	assert_false(line_taken());
	t = the_flow();
	host_event(t, STACK_TCP_GONE);
	assert_int_equal(world->links[0].state, MODEM_LINK_CLOSING);
	assert_true(line_taken());
	module_frees(0);
	assert_false(line_taken());
}

static void others_wait_for_the_one_that_has_the_line(void **state)
{
	struct stack_tcp *second;

	(void)state;
	the_flow();
	second = host_syn("10.148.0.17:4001", "198.51.100.2:80");
	assert_string_equal(admit_why(world->gw, second->user), "the flow that has the line");
	wait_s(20);
	assert_true(second->alive);
	assert_int_equal(world->opens, 1);
	module_closes(0, MODEM_CLOSE_REMOTE);
	assert_int_equal(link_to("198.51.100.2:80"), 0);
}

static void who_waits_too_long_is_refused(void **state)
{
	struct stack_tcp *second;

	(void)state;
	the_flow();
	second = host_syn("10.148.0.17:4001", "198.51.100.2:80");
	wait_s(31);
	assert_true(second->refused);
	assert_int_equal(second->answer, STACK_ANSWER_RST);
}

static void others_are_refused_at_once_if_configured(void **state)
{
	struct stack_tcp *second;

	(void)state;
	world->config.transparent.busy = CONFIG_BUSY_REFUSE;
	the_flow();
	second = host_syn("10.148.0.17:4001", "198.51.100.2:80");
	assert_true(second->refused);
	assert_int_equal(second->answer, STACK_ANSWER_RST);
	assert_int_equal(world->opens, 1);
}

/* Closing takes the module seconds, and its host may well have the next thing to say. */
static void a_link_that_is_being_closed_is_no_reason_to_refuse(void **state)
{
	struct stack_tcp *t, *second, *third;

	(void)state;
	world->config.transparent.busy = CONFIG_BUSY_REFUSE;
	t = the_flow();
	host_event(t, STACK_TCP_GONE);
	second = host_syn("10.148.0.17:4001", "198.51.100.2:80");
	assert_true(second->alive);
	third = host_syn("10.148.0.17:4002", "198.51.100.3:80");
	assert_true(third->refused);
	module_frees(0);
	assert_int_equal(link_to("198.51.100.2:80"), 0);
}

static void opens_are_not_given_up_for_those_that_wait(void **state)
{
	(void)state;
	host_syn(host, peer);
	host_syn("10.148.0.17:4001", "198.51.100.2:80");
	wait_s(20);
	assert_int_equal(world->links[0].closes, 0);
	assert_int_equal(world->gw->count.tcp_preempted, 0);
}

/* ---- UDP ---- */

static void udp_is_prohibited_without_the_option(void **state)
{
	(void)state;
	assert_false(host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1));
	assert_int_equal(world->udp_answer, STACK_ANSWER_PROHIBITED);
	assert_int_equal(world->opens, 0);
}

static void one_socket_and_one_peer_have_the_line_if_udp_may(void **state)
{
	struct endpoint remote = ep("203.0.113.1:123");
	struct modem_send send;
	uint8_t buf[1500];
	struct stack_tcp *t;

	(void)state;
	world->config.transparent.udp = true;
	assert_true(host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1));
	assert_true(endpoint_equal(&world->links[0].remote, &remote));
	assert_false(host_sends_datagram("10.148.0.17:5000", "203.0.113.2:123", "y", 1));
	assert_false(host_sends_datagram("10.148.0.17:5001", "203.0.113.1:123", "z", 1));
	t = host_syn(host, peer);
	module_opens(0, MODEM_OPEN_OK);
	assert_int_equal(module_takes(&send, buf), 1);
	assert_int_equal(buf[0], 'x');
	module_confirms(&send, 1);
	module_data(0, "answer", 6, NULL);
	assert_int_equal(world->n_datagrams, 1);
	assert_true(endpoint_equal(&world->datagrams[0].remote, &remote));
	assert_true(t->alive);
	assert_int_equal(world->opens, 1);
}

static void udp_does_not_take_the_line_from_a_flow(void **state)
{
	(void)state;
	world->config.transparent.udp = true;
	the_flow();
	assert_false(host_sends_datagram("10.148.0.17:5000", "203.0.113.1:123", "x", 1));
	assert_int_equal(world->opens, 1);
}

/* ---- names and pings ---- */

static void names_need_no_line(void **state)
{
	(void)state;
	ask_name(30000);
	assert_int_equal(world->n_names, 1);
	module_resolves(0, "192.0.2.7");
	assert_int_equal(rcode(0), DNS_NOERROR);
	assert_int_equal(world->opens, 0);
}

static void a_name_is_asked_when_the_line_is_free_again(void **state)
{
	(void)state;
	the_flow();
	ask_name(30000);
	wait_s(4);
	assert_int_equal(world->n_names, 0);
	assert_int_equal(world->n_datagrams, 0);
	module_closes(0, MODEM_CLOSE_REMOTE);
	assert_int_equal(world->n_names, 1);
	module_resolves(0, "192.0.2.7");
	assert_int_equal(rcode(0), DNS_NOERROR);
}

static void a_name_that_had_to_wait_five_seconds_is_servfail(void **state)
{
	(void)state;
	the_flow();
	ask_name(30000);
	advance(MSEC(4900));
	assert_int_equal(world->n_datagrams, 0);
	advance(MSEC(200));
	assert_int_equal(rcode(0), DNS_SERVFAIL);
	module_closes(0, MODEM_CLOSE_REMOTE);
	assert_int_equal(world->n_names, 0); /* nobody waits any more */
}

static void a_ping_is_silence_and_counted_while_a_flow_has_the_line(void **state)
{
	(void)state;
	the_flow();
	ping();
	assert_int_equal(world->pings, 0);
	assert_int_equal(world->n_echoes, 0);
	assert_int_equal(world->gw->count.echo_dropped_queue, 1);
	module_closes(0, MODEM_CLOSE_REMOTE);
	ping();
	assert_int_equal(world->pings, 1);
}

/* ---- the end ---- */

/* CIPACK is asked in command mode only, and the peer's answer cannot come meanwhile. */
static void acknowledgements_are_asked_when_nobody_waits_for_the_answer(void **state)
{
	struct modem_send send;
	uint8_t buf[1500];
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7};
	t = the_flow();
	host_sends(t, "question", 8);
	assert_int_equal(module_takes(&send, buf), 8);
	host_event(t, STACK_TCP_FIN);
	module_confirms(&send, 8);
	wait_s(20);
	assert_int_equal(world->links[0].queries, 0);
	module_data(0, "answer", 6, NULL);
	assert_memory_equal(t->tx, "answer", 6);
	world->owner_result = -ENOENT;
	wait_s(20);
	assert_int_equal(world->links[0].queries, 1);
	assert_int_equal(world->links[0].closes, 0);
	module_acks(0, 8, 8);
	wait_s(2);
	assert_int_equal(world->links[0].closes, 1);
}

static void who_is_gone_already_is_asked_for_at_once(void **state)
{
	struct modem_send send;
	uint8_t buf[1500];
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner = (struct tun_owner){.inode = 7};
	t = the_flow();
	host_sends(t, "question", 8);
	assert_int_equal(module_takes(&send, buf), 8);
	world->owner_result = -ENOENT;
	host_event(t, STACK_TCP_FIN);
	module_confirms(&send, 8);
	assert_int_equal(world->links[0].queries, 1);
}

static void a_lost_bearer_ends_the_flow_and_refuses_those_that_wait(void **state)
{
	struct stack_tcp *t, *second;

	(void)state;
	t = the_flow();
	second = host_syn("10.148.0.17:4001", "198.51.100.2:80");
	ask_name(30000);
	world->links[0].state = MODEM_LINK_FREE;
	world->modem->closed(world->modem_user, 0, MODEM_CLOSE_LOST);
	world->modem->link_free(world->modem_user, 0);
	bearer(false);
	run();
	assert_true(t->aborted);
	assert_true(second->refused);
	assert_int_equal(second->answer, STACK_ANSWER_NET_UNREACH);
	assert_int_equal(world->gw->n_flows, 0);
	assert_false(line_taken());
	bearer(true);
	run();
	assert_int_equal(world->n_names, 0);
	the_flow();
}

static void a_stop_resets_the_flow_and_refuses_those_that_wait_at_once(void **state)
{
	struct stack_tcp *t, *second;

	(void)state;
	t = the_flow();
	second = host_syn("10.148.0.17:4001", "198.51.100.2:80");
	gateway_shutdown(world->gw, world->now);
	assert_true(t->aborted);
	assert_true(second->refused);
	assert_int_equal(second->answer, STACK_ANSWER_NET_UNREACH);
	assert_int_equal(world->links[0].closes, 1);
	assert_int_equal(world->gw->n_flows, 0);
	run();
	module_frees(0);
	assert_int_equal(world->opens, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(the_line_is_taken_from_the_open_until_the_number_is_free),
		T(others_wait_for_the_one_that_has_the_line),
		T(who_waits_too_long_is_refused),
		T(others_are_refused_at_once_if_configured),
		T(a_link_that_is_being_closed_is_no_reason_to_refuse),
		T(opens_are_not_given_up_for_those_that_wait),
		T(udp_is_prohibited_without_the_option),
		T(one_socket_and_one_peer_have_the_line_if_udp_may),
		T(udp_does_not_take_the_line_from_a_flow),
		T(names_need_no_line),
		T(a_name_is_asked_when_the_line_is_free_again),
		T(a_name_that_had_to_wait_five_seconds_is_servfail),
		T(a_ping_is_silence_and_counted_while_a_flow_has_the_line),
		T(acknowledgements_are_asked_when_nobody_waits_for_the_answer),
		T(who_is_gone_already_is_asked_for_at_once),
		T(a_lost_bearer_ends_the_flow_and_refuses_those_that_wait),
		T(a_stop_resets_the_flow_and_refuses_those_that_wait_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

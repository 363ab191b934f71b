/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients from outside: from the module's +CLIENT to a flow like any other. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CLIENT "203.0.113.1:51000"
#define TARGET "192.0.2.10:80"

static void rules(const char *a, const char *b)
{
	struct config_list *l = &world->config.forward.tcp;

	*l = (struct config_list){0};
	if (a)
		snprintf(l->item[l->n++], CONFIG_TEXT_MAX, "%s", a);
	if (b)
		snprintf(l->item[l->n++], CONFIG_TEXT_MAX, "%s", b);
	gateway_reconfigured(world->gw, world->now);
	run();
}

static int setup(void **state)
{
	int rc = world_setup(state);

	rules("8080:" TARGET, NULL);
	return rc;
}

static const struct forward *forward(unsigned i)
{
	return &world->gw->forwards[i];
}

/* The endpoint towards the server that the last client was given. */
static struct stack_tcp *last(void)
{
	assert_true(world->n_hosts > 0);
	return &world->hosts[world->n_hosts - 1];
}

static struct stack_tcp *visitor(int link)
{
	module_accepts(link, 0, CLIENT);
	return last();
}

static struct stack_tcp *established(int link)
{
	struct stack_tcp *t = visitor(link);

	host_event(t, STACK_TCP_ESTABLISHED);
	return t;
}

static void server_is_called_from_the_clients_own_address(void **state)
{
	struct stack_tcp *t = visitor(0);
	struct endpoint client = ep(CLIENT), target = ep(TARGET);

	(void)state;
	assert_true(endpoint_equal(&t->local, &target));
	assert_true(endpoint_equal(&t->remote, &client));
	assert_int_equal(forward(0)->accepted, 1);
	assert_int_equal(forward_active(world->gw, forward(0)), 1);
}

static void bytes_pass_both_ways_once_the_server_has_answered(void **state)
{
	struct stack_tcp *t = visitor(0);
	struct modem_send send;
	uint8_t buf[2048];

	(void)state;
	module_data(0, "early", 5, NULL);
	assert_int_equal(t->tx_len, 0);
	host_event(t, STACK_TCP_ESTABLISHED);
	module_data(0, " late", 5, NULL);
	assert_int_equal(t->tx_len, 10);
	assert_memory_equal(t->tx, "early late", 10);
	host_sends(t, "answer", 6);
	assert_int_equal(module_takes(&send, buf), 6);
	assert_int_equal(send.link, 0);
	assert_memory_equal(buf, "answer", 6);
}

static void refusal_closes_the_link(void **state)
{
	struct stack_tcp *t = visitor(0);

	(void)state;
	host_event(t, STACK_TCP_GONE);
	assert_int_equal(world->links[0].closes, 1);
	assert_int_equal(forward(0)->refused, 1);
	assert_int_equal(world->gw->count.forward_refused, 1);
	assert_int_equal(forward_active(world->gw, forward(0)), 0);
	module_frees(0);
	assert_int_equal(unit_links_in_use(&world->gw->units[0], LINK_TCP), 0);
}

static void silence_of_the_server_closes_the_link_after_20_seconds(void **state)
{
	struct stack_tcp *t = visitor(0);

	(void)state;
	advance(SEC(19));
	assert_true(t->alive);
	advance(SEC(2));
	assert_true(t->aborted);
	assert_int_equal(world->links[0].closes, 1);
	assert_int_equal(forward(0)->refused, 1);
}

static void client_that_left_before_the_server_answered_is_delivered_whole(void **state)
{
	struct stack_tcp *t = visitor(0);

	(void)state;
	module_data(0, "ask", 3, NULL);
	module_closes(0, MODEM_CLOSE_REMOTE);
	assert_true(t->alive && !t->shut_down);
	host_event(t, STACK_TCP_ESTABLISHED);
	assert_memory_equal(t->tx, "ask", 3);
	assert_true(t->shut_down);
}

static void client_that_left_is_no_longer_the_business_of_a_server_that_refuses(void **state)
{
	struct stack_tcp *t = visitor(0);

	(void)state;
	module_closes(0, MODEM_CLOSE_REMOTE);
	host_event(t, STACK_TCP_GONE);
	assert_int_equal(forward(0)->refused, 1);
	assert_int_equal(world->gw->n_flows, 0);
}

static void stack_that_cannot_connect_closes_the_link(void **state)
{
	(void)state;
	world->connect_result = -EADDRINUSE;
	module_accepts(0, 0, CLIENT);
	run();
	assert_int_equal(world->links[0].closes, 1);
	assert_int_equal(forward(0)->refused, 1);
	module_frees(0);
	world->connect_result = 0;
	established(0);
	assert_int_equal(forward_active(world->gw, forward(0)), 1);
}

static void owner_is_looked_up_when_the_server_has_a_socket(void **state)
{
	struct stack_tcp *t = visitor(0);

	(void)state;
	assert_int_equal(world->owner_lookups, 0);
	world->owner_result = 0;
	world->owner.inode = 0; /* it waits for accept() */
	host_event(t, STACK_TCP_ESTABLISHED);
	assert_int_equal(world->owner_lookups, 1);
	world->owner.inode = 4711;
	host_sends(t, "x", 1);
	host_sends(t, "x", 1);
	assert_int_equal(world->owner_lookups, 2);
}

static void server_that_closed_frees_the_link_and_one_behind_the_host_lingers(void **state)
{
	struct stack_tcp *t;

	(void)state;
	world->owner_result = 0;
	world->owner.inode = 1;
	t = established(0);
	world->owner.inode = 0;
	host_event(t, STACK_TCP_FIN);
	run();
	assert_int_equal(world->links[0].closes, 1);

	world->owner_result = -ENOENT;
	t = established(1);
	host_event(t, STACK_TCP_FIN);
	run();
	assert_int_equal(world->links[1].closes, 0);
	advance(world->config.tcp.linger + SEC(1));
	assert_int_equal(world->links[1].closes, 1);
}

static void every_forward_has_a_server_of_the_module(void **state)
{
	(void)state;
	assert_int_equal(world->ports[0], 8080);
	rules("8080:" TARGET, "9090:192.0.2.11:81");
	assert_int_equal(world->ports[0], 8080);
	assert_int_equal(world->ports[1], 9090);
	module_accepts(0, 1, CLIENT);
	assert_int_equal(last()->local.port, 81);
}

static void reload_keeps_the_server_of_a_port_and_lets_flows_go_on(void **state)
{
	struct stack_tcp *t = established(0);
	struct modem_send send;
	uint8_t buf[2048];

	(void)state;
	rules("9090:192.0.2.11:81", "8080:192.0.2.12:82");
	assert_int_equal(world->ports[0], 8080);
	assert_int_equal(world->ports[1], 9090);
	assert_int_equal(visitor(1)->local.port, 82);
	assert_int_equal(forward_active(world->gw, forward(0)), 2);
	rules("9090:192.0.2.11:81", NULL);
	assert_int_equal(world->ports[0], 0);
	assert_int_equal(world->ports[1], 9090);
	assert_true(t->alive);
	host_sends(t, "x", 1);
	assert_int_equal(module_takes(&send, buf), 1);
}

static void client_of_a_rule_that_is_gone_is_closed(void **state)
{
	(void)state;
	rules(NULL, NULL);
	assert_int_equal(world->ports[0], 0);
	module_accepts(0, 0, CLIENT); /* it crossed our SERVERSTOP */
	run();
	assert_int_equal(world->links[0].closes, 1);
	assert_int_equal(world->n_hosts, 0);
}

static void source_gateway_gives_each_client_a_port_beside_the_interface(void **state)
{
	struct addr beside = ep("10.148.0.16:0").addr;
	uint16_t first;

	(void)state;
	world->config.forward.source = CONFIG_FORWARD_GATEWAY;
	first = visitor(0)->remote.port;
	assert_true(addr_equal(&last()->remote.addr, &beside));
	assert_true(first >= 49152);
	assert_int_not_equal(visitor(1)->remote.port, first);
	/* The true client is still who it is for people. */
	assert_int_equal(world->gw->units[0].links[0].flow->remote.port, 51000);
}

static void address_for_clients_is_neither_the_network_nor_broadcast(void **state)
{
	static const struct {
		const char *own, *clients;
		unsigned prefix;
	} cases[] = {
		{"10.148.0.17:0", "10.148.0.16:0", 32}, {"10.0.0.1:0", "10.0.0.0:0", 32},
		{"10.0.0.1:0", "10.0.0.2:0", 24}, {"10.0.0.254:0", "10.0.0.253:0", 24},
		{"10.0.0.5:0", "10.0.0.6:0", 30}, {"10.0.0.6:0", "10.0.0.5:0", 30},
		{"10.0.0.4:0", "10.0.0.5:0", 31}, {"10.0.0.7:0", "10.0.0.6:0", 24},
		{"[2001:db8::1]:0", "[2001:db8::2]:0", 64}, {"[2001:db8::5]:0", "[2001:db8::4]:0", 128},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr own = ep(cases[i].own).addr, want = ep(cases[i].clients).addr;
		struct addr got = forward_address(&own, cases[i].prefix);

		assert_true(addr_equal(&got, &want));
	}
}

static void clients_leave_fewer_links_for_the_host(void **state)
{
	char remote[32];

	(void)state;
	for (int i = 0; i < MODEM_INBOUND_MAX; i++)
		established(i);
	for (int i = 0; i < 4; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.9:%d", 1000 + i);
		host_syn("10.0.0.1:4000", remote);
		if (link_to(remote) >= 0)
			module_opens(link_to(remote), MODEM_OPEN_OK);
	}
	assert_int_equal(unit_links_in_use(&world->gw->units[0], LINK_TCP), TCP_LINKS_MAX);
	assert_int_equal(world->links[6].state, MODEM_LINK_FREE); /* for UDP and DNS */
}

/* A number that UDP had been refused and waits for comes back as a client's. */
static void udp_that_waits_for_a_number_moves_to_another(void **state)
{
	uint8_t query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";
	struct modem_send send;
	uint8_t buf[2048];
	int link = 9;

	(void)state;
	assert_true(host_sends_datagram("10.0.0.1:4000", "192.0.2.53:5353", query, sizeof(query) - 1));
	assert_int_equal(world->links[link].state, MODEM_LINK_OPENING);
	world->links[link].state = MODEM_LINK_CLOSING;
	world->modem->opened(world->modem_user, (unsigned)link, MODEM_OPEN_NOT_SUPPORTED);
	module_accepts(link, 0, CLIENT);
	assert_int_equal(world->gw->units[0].links[link].use, LINK_TCP);
	run();
	assert_int_equal(world->links[8].state, MODEM_LINK_OPENING);
	module_opens(8, MODEM_OPEN_OK);
	assert_true(module_takes(&send, buf) > 0);
	assert_int_equal(send.link, 8);
}

static void bearer_that_goes_resets_clients(void **state)
{
	struct stack_tcp *t = established(0);

	(void)state;
	world->modem->closed(world->modem_user, 0, MODEM_CLOSE_LOST);
	world->modem->link_free(world->modem_user, 0);
	bearer(false);
	assert_true(t->aborted);
	assert_int_equal(world->ports[0], 8080); /* the modem begins it anew */
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(server_is_called_from_the_clients_own_address),
		test(bytes_pass_both_ways_once_the_server_has_answered),
		test(refusal_closes_the_link),
		test(silence_of_the_server_closes_the_link_after_20_seconds),
		test(client_that_left_before_the_server_answered_is_delivered_whole),
		test(client_that_left_is_no_longer_the_business_of_a_server_that_refuses),
		test(stack_that_cannot_connect_closes_the_link),
		test(owner_is_looked_up_when_the_server_has_a_socket),
		test(server_that_closed_frees_the_link_and_one_behind_the_host_lingers),
		test(every_forward_has_a_server_of_the_module),
		test(reload_keeps_the_server_of_a_port_and_lets_flows_go_on),
		test(client_of_a_rule_that_is_gone_is_closed),
		test(source_gateway_gives_each_client_a_port_beside_the_interface),
		test(address_for_clients_is_neither_the_network_nor_broadcast),
		test(clients_leave_fewer_links_for_the_host),
		test(udp_that_waits_for_a_number_moves_to_another),
		test(bearer_that_goes_resets_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

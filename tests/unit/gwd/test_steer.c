/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator does while the gateway runs: ends flows, listens to events, changes options. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char local[] = "10.148.0.17:40000", remote[] = "198.51.100.7:80";

/* Kinds and what happened, in order: "flow new, link open, ". */
static char heard[1024];

static void hear(const struct gateway_event *e)
{
	static const char *const kinds[] = {
		[EVENT_LINK] = "link", [EVENT_FLOW] = "flow", [EVENT_RECEIVE] = "receive"};
	size_t n = strlen(heard);

	snprintf(heard + n, sizeof(heard) - n, "%s %s, ", kinds[e->kind], e->what);
	if (e->kind == EVENT_FLOW)
		assert_true(e->flow || e->mapping);
	if (e->kind == EVENT_LINK)
		assert_non_null(e->link);
}

static void listen_to(unsigned kinds)
{
	heard[0] = '\0';
	world->on_event = hear;
	world->gw->events = kinds;
}

static void an_open_flow_that_is_closed_on_request_is_reset(void **state)
{
	int link;
	struct stack_tcp *t = connected(local, remote, &link);
	uint32_t id = world->gw->units[0].links[link].flow->id;

	(void)state;
	assert_int_equal(flow_close(world->gw, world->now, id), 0);
	assert_true(t->aborted);
	run();
	assert_int_equal(world->links[link].closes, 1);
	assert_int_equal(world->gw->count.tcp_reset_asked, 1);
	assert_int_equal(world->gw->n_flows, 0);
	assert_int_equal(flow_close(world->gw, world->now, id), -ENOENT);
}

static void a_held_flow_that_is_closed_on_request_is_refused(void **state)
{
	struct stack_tcp *t = host_syn(local, remote);
	int link = link_to(remote);
	uint32_t id = world->gw->units[0].links[link].flow->id;

	(void)state;
	assert_int_equal(flow_close(world->gw, world->now, id), 0);
	assert_true(t->refused);
	assert_int_equal(t->answer, STACK_ANSWER_RST);
	assert_int_equal(world->links[link].closes, 1);
}

static void a_mapping_that_is_closed_on_request_takes_its_link_with_it(void **state)
{
	uint32_t id;
	int link;

	(void)state;
	assert_true(host_sends_datagram(local, "198.51.100.7:9000", "x", 1));
	run();
	link = 9;
	assert_int_equal(world->links[link].state, MODEM_LINK_OPENING);
	module_opens(link, MODEM_OPEN_OK);
	id = world->gw->mappings[0].id;
	assert_int_equal(flow_close(world->gw, world->now, id), 0);
	assert_false(world->gw->mappings[0].used);
	assert_int_equal(world->links[link].closes, 1);
}

static void a_flow_and_its_link_are_told_from_beginning_to_end(void **state)
{
	struct stack_tcp *t;
	int link;

	(void)state;
	listen_to(1u << EVENT_FLOW | 1u << EVENT_LINK);
	t = connected(local, remote, &link);
	host_event(t, STACK_TCP_GONE);
	run();
	module_frees(link);
	assert_string_equal(heard, "flow new, flow state, link open, flow state, flow state, flow end, "
				   "link closed, link free, ");
}

static void a_mapping_is_told_when_it_begins_and_when_it_ends(void **state)
{
	(void)state;
	listen_to(1u << EVENT_FLOW);
	assert_true(host_sends_datagram(local, "198.51.100.7:9000", "x", 1));
	run();
	module_opens(9, MODEM_OPEN_OK);
	advance(SEC(121));
	assert_string_equal(heard, "flow new, flow end, ");
}

static void what_nobody_listens_to_is_not_told(void **state)
{
	int link;

	(void)state;
	listen_to(1u << EVENT_RECEIVE);
	connected(local, remote, &link);
	assert_string_equal(heard, "");
}

static void options_that_the_module_and_the_stack_have_to_know_reach_them(void **state)
{
	(void)state;
	gateway_reconfigured(world->gw, world->now);
	assert_int_equal(world->connect_timeouts_set, 0);
	world->config.interface.mtu = 1400;
	world->config.tcp.connect_timeout = SEC(7);
	snprintf(world->config.modem.power_command, CONFIG_TEXT_MAX, "/bin/true");
	gateway_reconfigured(world->gw, world->now);
	assert_int_equal(world->mtu, 1400);
	assert_int_equal(world->connect_timeouts_set, 1);
	assert_int_equal(world->gw->units[0].modem_config.connect_timeout, SEC(7));
	assert_true(world->gw->units[0].modem_config.has_power_command);
}

static void a_reload_puts_other_name_servers_before_the_networks(void **state)
{
	struct unit *u = &world->gw->units[0];
	char text[ADDR_STRLEN];

	(void)state;
	u->dns[u->n_dns++] = ep("192.0.2.54:53").addr; /* as the network named it */
	snprintf(world->config.modem.dns.item[0], CONFIG_TEXT_MAX, "192.0.2.1");
	world->config.modem.dns.n = 1;
	gateway_reconfigured(world->gw, world->now);
	assert_int_equal(world->dns_set, 1);
	assert_int_equal(u->n_dns, 2);
	assert_string_equal(addr_format(&u->dns[0], text), "192.0.2.1");
	assert_string_equal(addr_format(&u->dns[1], text), "192.0.2.54");
	gateway_reconfigured(world->gw, world->now);
	assert_int_equal(world->dns_set, 1);
	world->config.modem.dns.n = 0;
	gateway_reconfigured(world->gw, world->now);
	assert_int_equal(u->n_dns, 1);
	assert_string_equal(addr_format(&u->dns[0], text), "192.0.2.54");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(an_open_flow_that_is_closed_on_request_is_reset),
		T(a_held_flow_that_is_closed_on_request_is_refused),
		T(a_mapping_that_is_closed_on_request_takes_its_link_with_it),
		T(a_flow_and_its_link_are_told_from_beginning_to_end),
		T(a_mapping_is_told_when_it_begins_and_when_it_ends),
		T(what_nobody_listens_to_is_not_told),
		T(options_that_the_module_and_the_stack_have_to_know_reach_them),
		T(a_reload_puts_other_name_servers_before_the_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Queries by one TCP link: lengths, order, ends, and what is done when it does not work. */
#include "fakes.h"

#include <stdio.h>
#include <string.h>

static const char resolver[] = "198.51.100.53:53";
static const char other[] = "198.51.100.54:53";

static int setup(void **state)
{
	world_setup(state);
	world->config.dns.mode = CONFIG_DNS_TCP;
	return 0;
}

static size_t query(uint8_t *p, uint16_t id, unsigned n)
{
	char label[8];
	size_t len;

	memset(p, 0, 12);
	dns_put16(p, id);
	p[2] = 1;
	p[5] = 1;
	p[12] = (uint8_t)snprintf(label, sizeof(label), "a%u", n);
	memcpy(p + 13, label, p[12]);
	len = 13u + p[12];
	memcpy(p + len, "\7example\0\0\1\0\1", 13);
	return len + 13;
}

static void ask_at(const char *server, unsigned port, unsigned n)
{
	uint8_t p[512];
	char local[ENDPOINT_STRLEN];
	size_t len = query(p, (uint16_t)(1000 + n), n);

	snprintf(local, sizeof(local), "10.148.0.17:%u", port);
	host_sends_datagram(local, server, p, len);
}

static void ask(unsigned n)
{
	ask_at(resolver, 30000 + n, n);
}

/* Everything the gateway has to send on @link now. */
static size_t take_all(int link, uint8_t *out)
{
	struct modem_send send;
	uint8_t buf[1500];
	size_t total = 0;

	for (size_t n; (n = module_takes(&send, buf)) > 0; total += n) {
		assert_int_equal(send.link, link);
		memcpy(out + total, buf, n);
		module_confirms(&send, n);
	}
	return total;
}

/* Makes answers of the messages of a stream; @records more bytes of TXT each. Returns the new length. */
static size_t answers(uint8_t *out, const uint8_t *in, size_t n, size_t more)
{
	size_t at = 0, to = 0;

	while (at < n) {
		size_t len = dns_get16(in + at);

		dns_put16(out + to, (uint16_t)(len + more));
		memcpy(out + to + 2, in + at + 2, len);
		out[to + 4] |= 0x80;
		memset(out + to + 2 + len, 0, more);
		if (more) {
			out[to + 2 + 7] = 1;
			dns_put16(out + to + 2 + len, 0xc00c);
			dns_put16(out + to + 2 + len + 2, 16);
			dns_put16(out + to + 2 + len + 4, 1);
			dns_put16(out + to + 2 + len + 10, (uint16_t)(more - 12));
		}
		at += 2 + len;
		to += 2 + len + more;
	}
	return to;
}

static unsigned answered(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world->n_datagrams; i++) {
		const uint8_t *p = world->datagrams[i].p;

		assert_int_equal(dns_get16(p), 1000 + world->datagrams[i].local.port - 30000);
		n += (p[3] & 0xf) == DNS_NOERROR;
	}
	return n;
}

static void sixty_queries_are_pipelined_on_one_connection(void **state)
{
	static uint8_t asked[8192], told[8192];
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		ask(i);
	assert_int_equal(link_to(resolver), 9);
	module_opens(9, MODEM_OPEN_OK);
	n = take_all(9, asked);
	n = answers(told, asked, n, 0);
	for (size_t at = 0; at < n; at += 7) /* cut where it hurts */
		module_data(9, told + at, n - at < 7 ? n - at : 7, NULL);
	assert_int_equal(answered(), 60);
	assert_int_equal(world->opens, 1);
}

static void answers_may_come_in_any_order(void **state)
{
	uint8_t asked[512], told[512];
	size_t n, first;

	(void)state;
	ask(1);
	ask(2);
	module_opens(9, MODEM_OPEN_OK);
	n = answers(told, asked, take_all(9, asked), 0);
	first = 2u + dns_get16(told);
	module_data(9, told + first, n - first, NULL);
	assert_int_equal(world->datagrams[0].local.port, 30002);
	module_data(9, told, first, NULL);
	assert_int_equal(world->datagrams[1].local.port, 30001);
	assert_int_equal(answered(), 2);
}

static void a_short_confirm_does_not_tear_the_stream(void **state)
{
	struct modem_send send;
	uint8_t asked[512], rest[512], told[512];
	size_t n;

	(void)state;
	ask(1);
	ask(2);
	module_opens(9, MODEM_OPEN_OK);
	n = module_takes(&send, asked);
	module_confirms(&send, 5);
	assert_int_equal(module_takes(&send, rest), n - 5);
	assert_memory_equal(rest, asked + 5, n - 5);
	module_confirms(&send, n - 5);
	module_data(9, told, answers(told, asked, n, 0), NULL);
	assert_int_equal(answered(), 2);
}

static void what_a_datagram_cannot_carry_is_truncated(void **state)
{
	static uint8_t asked[512], told[8192];
	size_t n;

	(void)state;
	for (unsigned more = 600; more <= 4000; more += 3400) {
		unsigned before = world->n_datagrams;
		const uint8_t *p;

		ask(more);
		if (before == 0)
			module_opens(9, MODEM_OPEN_OK);
		n = answers(told, asked, take_all(9, asked), more);
		for (size_t at = 0; at < n; at += 1000)
			module_data(9, told + at, n - at < 1000 ? n - at : 1000, NULL);
		p = world->datagrams[before].p;
		assert_int_equal(p[2] & 0x02, 0x02);
		assert_int_equal(dns_message_length(p, world->datagrams[before].n),
			world->datagrams[before].n);
		assert_true(world->datagrams[before].n < 100);
	}
	ask(1); /* the stream is still in step */
	module_data(9, told, answers(told, asked, take_all(9, asked), 0), NULL);
	assert_int_equal(world->n_datagrams, 3);
	assert_int_equal(world->gw->count.dns_truncated, 2);
}

static void an_answer_must_be_of_this_resolver_and_repeat_the_question(void **state)
{
	uint8_t asked[512], told[512], bad[512];
	size_t n;

	(void)state;
	ask(1);
	module_opens(9, MODEM_OPEN_OK);
	n = answers(told, asked, take_all(9, asked), 0);
	memcpy(bad, told, n);
	bad[3] ^= 1;
	module_data(9, bad, n, NULL);
	memcpy(bad, told, n);
	bad[16] ^= 1;
	module_data(9, bad, n, NULL);
	module_data(9, "\0\0\0\1x", 5, NULL); /* no messages at all */
	assert_int_equal(world->n_datagrams, 0);
	module_data(9, told, n, NULL);
	assert_int_equal(answered(), 1);
}

static void an_idle_connection_is_closed(void **state)
{
	uint8_t asked[512], told[512];

	(void)state;
	ask(1);
	module_opens(9, MODEM_OPEN_OK);
	module_data(9, told, answers(told, asked, take_all(9, asked), 0), NULL);
	advance(SEC(9));
	assert_int_equal(world->links[9].closes, 0);
	advance(SEC(2));
	assert_int_equal(world->links[9].closes, 1);
}

static void a_flow_that_needs_the_link_gets_it(void **state)
{
	uint8_t asked[512], told[512];
	char remote[32];

	(void)state;
	world->config.links.connecting = 9;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.99:123", "x", 1);
	module_opens(9, MODEM_OPEN_OK);
	assert_int_equal(take_all(9, asked), 1);
	ask(1);
	module_opens(8, MODEM_OPEN_OK);
	for (unsigned i = 1; i <= 9; i++) {
		snprintf(remote, sizeof(remote), "203.0.113.%u:80", i);
		host_syn("10.148.0.17:4000", remote);
		if (i < 9)
			module_opens(link_to(remote), MODEM_OPEN_OK);
	}
	assert_int_equal(world->links[8].closes, 0); /* somebody waits for an answer */
	module_data(8, told, answers(told, asked, take_all(8, asked), 0), NULL);
	assert_int_equal(world->links[8].closes, 1);
	module_frees(8);
	assert_int_equal(link_to(remote), 8);
}

static void a_resolver_that_closes_is_asked_again_for_the_rest(void **state)
{
	uint8_t asked[512], told[512];
	size_t n, first;

	(void)state;
	ask(1);
	ask(2);
	module_opens(9, MODEM_OPEN_OK);
	n = answers(told, asked, take_all(9, asked), 0);
	first = 2u + dns_get16(told);
	module_data(9, told, first, NULL);
	module_closes(9, MODEM_CLOSE_REMOTE);
	assert_int_equal(link_to(resolver), 9);
	module_opens(9, MODEM_OPEN_OK);
	assert_int_equal(take_all(9, asked), n - first);
	module_data(9, told, answers(told, asked, n - first, 0), NULL);
	assert_int_equal(answered(), 2);
}

static void what_was_sent_twice_goes_by_udp(void **state)
{
	struct modem_send send;
	uint8_t asked[512];
	size_t n;

	(void)state;
	ask(1);
	for (unsigned i = 0; i < 2; i++) {
		module_opens(9, MODEM_OPEN_OK);
		n = take_all(9, asked);
		assert_true(n > 2);
		module_closes(9, MODEM_CLOSE_REMOTE);
	}
	assert_int_equal(link_to(resolver), -1);
	assert_int_equal(world->links[8].type, MODEM_LINK_UDP);
	module_opens(8, MODEM_OPEN_OK);
	assert_int_equal(module_takes(&send, asked), n - 2);
	module_confirms(&send, n - 2);
	asked[2] |= 0x80;
	module_data(8, asked, n - 2, resolver);
	assert_int_equal(answered(), 1);
	assert_int_equal(world->gw->count.dns_fallbacks, 1);
}

static void a_resolver_that_refuses_tcp_is_asked_by_udp_for_a_minute(void **state)
{
	(void)state;
	ask(1);
	assert_int_equal(link_to(resolver), 9);
	module_opens(9, MODEM_OPEN_NETWORK_FAILURE);
	/* The number is free from now on; the query waits for a UDP link. */
	assert_int_equal(world->opens, 2);
	assert_int_equal(link_to(resolver), -1);
	ask(2);
	assert_int_equal(world->opens, 2);
	advance(SEC(61));
	ask(3);
	assert_true(link_to(resolver) >= 0);
}

static void a_resolver_that_does_not_answer_the_connection_is_given_up_soon(void **state)
{
	(void)state;
	ask(1);
	assert_int_equal(world->links[9].type, MODEM_LINK_TCP);
	advance(SEC(5));
	assert_int_equal(world->links[9].closes, 1);
	assert_int_equal(world->links[8].type, MODEM_LINK_UDP);
	assert_int_equal(world->links[8].state, MODEM_LINK_OPENING);
}

/* It takes the connection and is silent: a dead path, or a filter in between. */
static void a_resolver_that_says_nothing_is_connected_to_twice_then_asked_by_udp(void **state)
{
	uint8_t asked[512];

	(void)state;
	ask(1);
	module_opens(9, MODEM_OPEN_OK);
	assert_true(take_all(9, asked) > 0);
	advance(SEC(6));
	ask(2); /* there is always somebody who asks */
	assert_true(take_all(9, asked) > 0);
	advance(SEC(5));
	assert_int_equal(world->n_datagrams, 1);
	assert_int_equal(world->datagrams[0].p[3] & 0xf, DNS_SERVFAIL);
	assert_int_equal(world->links[9].closes, 1);
	assert_int_equal(link_to(resolver), 8);
	module_frees(9);
	module_opens(8, MODEM_OPEN_OK);
	assert_true(take_all(8, asked) > 0); /* the second one again */
	advance(SEC(6));
	ask(3);
	assert_true(take_all(8, asked) > 0);
	advance(SEC(11));
	assert_int_equal(world->links[8].closes, 1);
	ask(4);
	assert_int_equal(link_to(resolver), -1);
	assert_int_equal(world->links[9].type, MODEM_LINK_UDP);
	assert_int_equal(world->links[9].state, MODEM_LINK_OPENING);
}

static void without_udp_the_host_hears_that_it_failed(void **state)
{
	(void)state;
	world->config.links.udp = 0;
	ask(1);
	module_opens(9, MODEM_OPEN_NETWORK_FAILURE);
	assert_int_equal(world->n_datagrams, 1);
	assert_int_equal(world->datagrams[0].p[3] & 0xf, DNS_SERVFAIL);
}

static void a_busy_module_is_asked_again(void **state)
{
	uint8_t asked[512];

	(void)state;
	ask(1);
	module_opens(9, MODEM_OPEN_BUSY);
	assert_int_equal(link_to(resolver), -1);
	advance(MSEC(310));
	assert_int_equal(link_to(resolver), 9);
	module_opens(9, MODEM_OPEN_OK);
	assert_true(take_all(9, asked) > 0);
}

static void two_resolvers_take_turns(void **state)
{
	uint8_t asked[512], told[512];

	(void)state;
	ask(1);
	module_opens(9, MODEM_OPEN_OK);
	take_all(9, asked); /* and does not answer */
	ask_at(other, 30002, 2);
	assert_int_equal(world->links[9].closes, 0);
	advance(MSEC(1100));
	assert_int_equal(world->links[9].closes, 1);
	assert_int_equal(link_to(other), 8);
	module_opens(8, MODEM_OPEN_OK);
	module_data(8, told, answers(told, asked, take_all(8, asked), 0), NULL);
	assert_int_equal(answered(), 1);
	/* The first one's query is still owed. */
	assert_int_equal(world->links[8].closes, 1);
	assert_true(link_to(resolver) >= 0);
}

static void names_make_room_for_their_link(void **state)
{
	char remote[32];

	(void)state;
	world->config.links.connecting = 9;
	host_sends_datagram("10.148.0.17:5000", "203.0.113.99:123", "x", 1);
	module_opens(9, MODEM_OPEN_OK);
	for (unsigned i = 1; i <= 9; i++) {
		snprintf(remote, sizeof(remote), "203.0.113.%u:80", i);
		host_syn("10.148.0.17:4000", remote);
		module_opens(link_to(remote), MODEM_OPEN_OK);
	}
	ask(1);
	assert_int_equal(world->links[9].closes, 1);
	module_frees(9);
	assert_int_equal(link_to(resolver), 9);
}

static void a_lost_bearer_leaves_nothing_behind(void **state)
{
	uint8_t asked[512];

	(void)state;
	ask(1);
	module_opens(9, MODEM_OPEN_OK);
	take_all(9, asked);
	world->links[9].state = MODEM_LINK_FREE;
	world->modem->closed(world->modem_user, 9, MODEM_CLOSE_LOST);
	world->modem->link_free(world->modem_user, 9);
	bearer(false);
	run();
	assert_int_equal(gateway_deadline(world->gw), USEC_NEVER);
}

static void auto_takes_tcp_in_buffer_mode_and_when_udp_has_no_link(void **state)
{
	(void)state;
	world->config.dns.mode = CONFIG_DNS_AUTO;
	ask(1);
	assert_int_equal(world->links[9].type, MODEM_LINK_UDP);
	module_opens(9, MODEM_OPEN_OK);
	world->receive = MODEM_RECEIVE_BUFFER;
	ask(2);
	assert_int_equal(link_to(resolver), 8);
	module_opens(8, MODEM_OPEN_OK);
	world->receive = MODEM_RECEIVE_PUSH;
	world->config.links.udp = 0;
	ask(3);
	assert_int_equal(world->opens, 2);
}

/* The driver goes back to push when no TCP link is left; one that idles must not be in the way. */
static void an_idle_connection_does_not_keep_buffer_mode(void **state)
{
	uint8_t asked[512], told[512];
	int link;

	(void)state;
	world->config.dns.mode = CONFIG_DNS_AUTO;
	world->adaptive = true;
	world->receive = MODEM_RECEIVE_BUFFER;
	connected("10.148.0.17:4000", "203.0.113.1:80", &link);
	ask(1);
	module_opens(8, MODEM_OPEN_OK);
	module_data(8, told, answers(told, asked, take_all(8, asked), 0), NULL);
	advance(SEC(1));
	assert_int_equal(world->links[8].closes, 0);
	module_closes(link, MODEM_CLOSE_LOST);
	assert_int_equal(world->links[8].closes, 1);
}

/* Nor one that always has something to do: new queries go by UDP then. */
static void a_busy_connection_does_not_keep_buffer_mode(void **state)
{
	uint8_t asked[512], told[512];
	int link;

	(void)state;
	world->config.dns.mode = CONFIG_DNS_AUTO;
	world->adaptive = true;
	world->receive = MODEM_RECEIVE_BUFFER;
	connected("10.148.0.17:4000", "203.0.113.1:80", &link);
	ask(1);
	module_opens(8, MODEM_OPEN_OK);
	take_all(8, asked);
	module_closes(link, MODEM_CLOSE_LOST);
	ask(2);
	assert_int_equal(world->links[9].type, MODEM_LINK_UDP);
	module_data(8, told, answers(told, asked, 2u + dns_get16(asked), 0), NULL);
	assert_int_equal(world->links[8].closes, 1);
}

static void queries_survive_a_change_to_buffer_mode(void **state)
{
	struct modem_send send;
	uint8_t p[1500];

	(void)state;
	world->config.dns.mode = CONFIG_DNS_AUTO;
	ask(1);
	ask_at(other, 30002, 2);
	module_opens(9, MODEM_OPEN_OK);
	for (size_t n; (n = module_takes(&send, p)) > 0;)
		module_confirms(&send, n);
	world->receive = MODEM_RECEIVE_BUFFER;
	world->modem->mode_changed(world->modem_user, MODEM_RECEIVE_BUFFER);
	run();
	assert_int_equal(world->links[9].closes, 1);
	assert_true(link_to(resolver) >= 0);
}

static void on_an_ipv6_bearer_an_ipv4_resolver_is_stood_in_for(void **state)
{
	struct unit *u = &world->gw->units[0];
	struct endpoint asked = ep(resolver);
	uint8_t p[512], told[512];

	(void)state;
	u->address = ep("[2001:db8::2]:0").addr;
	ask(1);
	assert_int_equal(world->n_udp_refused, 1); /* no server of that family is known */
	u->dns[0] = asked.addr;
	u->dns[1] = ep("[2001:db8::53]:0").addr;
	u->n_dns = 2;
	ask(2);
	assert_int_equal(link_to("[2001:db8::53]:53"), 9);
	module_opens(9, MODEM_OPEN_OK);
	module_data(9, told, answers(told, p, take_all(9, p), 0), NULL);
	assert_int_equal(answered(), 1);
	assert_true(endpoint_equal(&world->datagrams[0].remote, &asked));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(sixty_queries_are_pipelined_on_one_connection),
		T(answers_may_come_in_any_order),
		T(a_short_confirm_does_not_tear_the_stream),
		T(what_a_datagram_cannot_carry_is_truncated),
		T(an_answer_must_be_of_this_resolver_and_repeat_the_question),
		T(an_idle_connection_is_closed),
		T(a_flow_that_needs_the_link_gets_it),
		T(a_resolver_that_closes_is_asked_again_for_the_rest),
		T(what_was_sent_twice_goes_by_udp),
		T(a_resolver_that_refuses_tcp_is_asked_by_udp_for_a_minute),
		T(a_resolver_that_does_not_answer_the_connection_is_given_up_soon),
		T(a_resolver_that_says_nothing_is_connected_to_twice_then_asked_by_udp),
		T(without_udp_the_host_hears_that_it_failed),
		T(a_busy_module_is_asked_again),
		T(two_resolvers_take_turns),
		T(names_make_room_for_their_link),
		T(a_lost_bearer_leaves_nothing_behind),
		T(auto_takes_tcp_in_buffer_mode_and_when_udp_has_no_link),
		T(an_idle_connection_does_not_keep_buffer_mode),
		T(a_busy_connection_does_not_keep_buffer_mode),
		T(queries_survive_a_change_to_buffer_mode),
		T(on_an_ipv6_bearer_an_ipv4_resolver_is_stood_in_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

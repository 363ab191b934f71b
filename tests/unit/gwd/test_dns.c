/* SPDX-License-Identifier: BSD-3-Clause */
/* Queries of all sockets to one resolver share one mapping. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char resolver[] = "198.51.100.53:53";

/* A query for "aN.example" of type A. */
static size_t query(uint8_t *p, uint16_t id, unsigned n)
{
	char label[8];
	size_t len;

	memset(p, 0, 12);
	p[0] = (uint8_t)(id >> 8);
	p[1] = (uint8_t)id;
	p[2] = 1; /* RD */
	p[5] = 1; /* one question */
	len = (size_t)snprintf(label, sizeof(label), "a%u", n);
	p[12] = (uint8_t)len;
	memcpy(p + 13, label, len);
	memcpy(p + 13 + len, "\7example\0\0\1\0\1", 13);
	return 13 + len + 13;
}

static void make_answer(uint8_t *p)
{
	p[2] |= 0x80;
}

static void ask(unsigned port, uint16_t id, unsigned n)
{
	uint8_t p[512];
	char local[ENDPOINT_STRLEN];
	size_t len = query(p, id, n);

	snprintf(local, sizeof(local), "10.148.0.17:%u", port);
	host_sends_datagram(local, resolver, p, len);
}

static void sixty_queries_of_sixty_ports_share_one_link(void **state)
{
	unsigned answered = 0;
	struct modem_send send;
	uint8_t p[1500];

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		ask(30000 + i, 7, i);
	module_opens(9, MODEM_OPEN_OK);
	for (size_t len; (len = module_takes(&send, p)) > 0; answered++) {
		make_answer(p);
		module_confirms(&send, len);
		module_data(9, p, len, resolver);
	}
	assert_int_equal(answered, 60);
	assert_int_equal(world->n_datagrams, 60);
	assert_int_equal(world->opens, 1);
	for (unsigned i = 0; i < 60; i++) {
		uint8_t expected[512];
		unsigned n = world->datagrams[i].local.port - 30000u;
		size_t len = query(expected, 7, n);

		make_answer(expected);
		assert_int_equal(world->datagrams[i].n, len);
		assert_memory_equal(world->datagrams[i].p, expected, len);
	}
}

static void an_answer_must_match_server_id_and_question(void **state)
{
	struct modem_send send;
	uint8_t p[1500], bad[1500];
	size_t len;

	(void)state;
	ask(30000, 7, 1);
	module_opens(9, MODEM_OPEN_OK);
	len = module_takes(&send, p);
	module_confirms(&send, len);
	make_answer(p);
	module_data(9, p, len, "198.51.100.54:53");
	memcpy(bad, p, len);
	bad[1] ^= 1;
	module_data(9, bad, len, resolver);
	memcpy(bad, p, len);
	bad[14] ^= 1;
	module_data(9, bad, len, resolver);
	memcpy(bad, p, len);
	bad[2] &= 0x7f;
	module_data(9, bad, len, resolver);
	assert_int_equal(world->n_datagrams, 0);
	module_data(9, p, len, resolver);
	assert_int_equal(world->n_datagrams, 1);
	module_data(9, p, len, resolver); /* only once */
	assert_int_equal(world->n_datagrams, 1);
}

static void ids_on_the_air_are_not_the_hosts(void **state)
{
	struct modem_send send;
	uint8_t p[1500];
	unsigned same = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		ask(30000 + i, 0x1234, i);
	module_opens(9, MODEM_OPEN_OK);
	for (size_t len; (len = module_takes(&send, p)) > 0;) {
		same += p[0] == 0x12 && p[1] == 0x34;
		module_confirms(&send, len);
	}
	assert_true(same <= 1);
}

static void a_repeated_query_keeps_its_id(void **state)
{
	struct modem_send send;
	uint8_t first[1500], second[1500];
	size_t len;

	(void)state;
	ask(30000, 7, 1);
	module_opens(9, MODEM_OPEN_OK);
	len = module_takes(&send, first);
	module_confirms(&send, len);
	ask(30000, 7, 1);
	assert_int_equal(module_takes(&send, second), len);
	assert_memory_equal(first, second, len);
}

static void what_is_no_query_is_plain_udp(void **state)
{
	uint8_t p[512];
	size_t len = query(p, 7, 1);
	struct modem_send send;
	uint8_t buf[1500];

	(void)state;
	p[2] |= 0x80; /* an answer */
	host_sends_datagram("10.148.0.17:5000", resolver, p, len);
	module_opens(9, MODEM_OPEN_OK);
	module_takes(&send, buf);
	assert_memory_equal(buf, p, len);
	assert_int_equal(world->gw->count.dns_queries, 0);
}

static void unanswered_queries_are_forgotten_and_the_link_closed(void **state)
{
	(void)state;
	ask(30000, 7, 1);
	module_opens(9, MODEM_OPEN_OK);
	advance(SEC(25));
	assert_int_equal(world->gw->count.dns_timeouts, 1);
	assert_int_equal(world->links[9].closes, 1);
}

static void queries_to_a_dead_resolver_do_not_stop_the_others(void **state)
{
	struct modem_send send;
	uint8_t p[1500];

	(void)state;
	ask(30000, 7, 0);
	module_opens(9, MODEM_OPEN_OK);
	for (unsigned i = 1; i <= DNS_MAX + 1; i++) {
		size_t len = module_takes(&send, p);

		module_confirms(&send, len);
		world->now++;
		ask(30000 + i, 7, i);
		if (i == DNS_MAX + 1) {
			len = module_takes(&send, p);
			make_answer(p);
			module_confirms(&send, len);
			module_data(9, p, len, resolver);
		}
	}
	assert_int_equal(world->gw->count.dns_overflow, 2);
	assert_int_equal(world->n_datagrams, 1);
	assert_int_equal(world->datagrams[0].local.port, 30000 + DNS_MAX + 1);
}

static void an_answer_without_the_question_is_a_bare_header_or_nothing(void **state)
{
	struct modem_send send;
	uint8_t p[1500];
	size_t len;

	(void)state;
	ask(30000, 7, 1);
	module_opens(9, MODEM_OPEN_OK);
	len = module_takes(&send, p);
	module_confirms(&send, len);
	make_answer(p);
	p[5] = 0;
	p[7] = 1;
	module_data(9, p, len, resolver);
	assert_int_equal(world->n_datagrams, 0);
	p[7] = 0;
	module_data(9, p, 12, resolver);
	assert_int_equal(world->n_datagrams, 1);
}

static void an_answer_cut_off_does_not_swallow_the_next(void **state)
{
	struct modem_send send;
	uint8_t p[1500];
	size_t len;

	(void)state;
	world->receive = MODEM_RECEIVE_BUFFER;
	world->config.dns.mode = CONFIG_DNS_UDP;
	ask(30000, 7, 1);
	ask(30001, 7, 2);
	module_opens(9, MODEM_OPEN_OK);
	len = module_takes(&send, p);
	make_answer(p);
	module_confirms(&send, len);
	module_data(9, p, len - 5, NULL);
	advance(SEC(1));
	len = module_takes(&send, p);
	make_answer(p);
	module_confirms(&send, len);
	module_data(9, p, len, NULL);
	assert_int_equal(world->n_datagrams, 1);
	assert_int_equal(world->datagrams[0].local.port, 30001);
}

/* In buffer mode the module joins answers; their own structure tells them apart. */
static void joined_answers_are_told_apart_in_buffer_mode(void **state)
{
	struct modem_send send;
	uint8_t p[1500], stream[4096];
	size_t total = 0;

	(void)state;
	world->receive = MODEM_RECEIVE_BUFFER;
	world->config.dns.mode = CONFIG_DNS_UDP;
	for (unsigned i = 0; i < 20; i++)
		ask(30000 + i, 7, i);
	module_opens(9, MODEM_OPEN_OK);
	for (size_t len; (len = module_takes(&send, p)) > 0;) {
		make_answer(p);
		p[7] = 1; /* one record: a pointer to the name, A, IN, TTL, four bytes */
		memcpy(p + len, "\300\14\0\1\0\1\0\0\0\74\0\4\1\2\3\4", 16);
		module_confirms(&send, len);
		memcpy(stream + total, p, len + 16);
		total += len + 16;
	}
	for (size_t at = 0; at < total; at += 7)
		module_data(9, stream + at, total - at < 7 ? total - at : 7, NULL);
	assert_int_equal(world->n_datagrams, 20);
}

static void message_length_is_never_beyond_the_bytes(void **state)
{
	uint8_t p[512];
	size_t len = query(p, 7, 1);

	(void)state;
	assert_int_equal(dns_message_length(p, len), len);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(dns_message_length(p, n), 0);
	p[12] = 0x80; /* a label type that does not exist */
	assert_int_equal(dns_message_length(p, len), -EBADMSG);
	p[12] = 63;
	assert_int_equal(dns_message_length(p, len), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(sixty_queries_of_sixty_ports_share_one_link),
		T(an_answer_must_match_server_id_and_question),
		T(ids_on_the_air_are_not_the_hosts),
		T(a_repeated_query_keeps_its_id),
		T(what_is_no_query_is_plain_udp),
		T(unanswered_queries_are_forgotten_and_the_link_closed),
		T(queries_to_a_dead_resolver_do_not_stop_the_others),
		T(an_answer_without_the_question_is_a_bare_header_or_nothing),
		T(an_answer_cut_off_does_not_swallow_the_next),
		T(joined_answers_are_told_apart_in_buffer_mode),
		T(message_length_is_never_beyond_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

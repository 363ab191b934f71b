/* SPDX-License-Identifier: BSD-3-Clause */
/* dns.mode = modem: queries are answered by the gateway from what the module resolves. */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char resolver[] = "198.51.100.53:53";

static int setup(void **state)
{
	world_setup(state);
	world->config.dns.mode = CONFIG_DNS_MODEM;
	return 0;
}

/* A query for "aN.example"; @edns adds an OPT record of that version. */
static size_t query(uint8_t *p, uint16_t id, unsigned n, uint16_t type, int edns)
{
	char label[8];
	size_t len;

	memset(p, 0, 512);
	dns_put16(p, id);
	p[2] = 1;
	p[5] = 1;
	p[12] = (uint8_t)snprintf(label, sizeof(label), "a%u", n);
	len = 13u + p[12];
	memcpy(p + 13, label, p[12]);
	memcpy(p + len, "\7example\0\0\0\0\1", 13);
	len += 13;
	dns_put16(p + len - 4, type);
	if (edns < 0)
		return len;
	p[11] = 1;
	memcpy(p + len, "\0\0\51\4\320\0\0\200\0\0\0", 11);
	p[len + 6] = (uint8_t)edns;
	return len + 11;
}

static size_t ask(unsigned port, unsigned n, uint16_t type, int edns, uint8_t *p)
{
	size_t len = query(p, 7, n, type, edns);
	char local[ENDPOINT_STRLEN];

	snprintf(local, sizeof(local), "10.148.0.17:%u", port);
	assert_true(host_sends_datagram(local, resolver, p, len));
	return len;
}

static const uint8_t *answer(unsigned i, enum dns_rcode rcode, unsigned records)
{
	const uint8_t *p = world->datagrams[i].p;

	assert_true(i < world->n_datagrams);
	assert_true(dns_is_answer(p));
	assert_int_equal(dns_get16(p), 7);
	assert_int_equal(p[3] & 0xf, rcode & 0xf);
	assert_int_equal(dns_get16(p + 6), records);
	assert_int_equal(dns_message_length(p, world->datagrams[i].n), world->datagrams[i].n);
	return p;
}

static void a_name_becomes_an_address_without_a_link(void **state)
{
	struct endpoint server = ep(resolver);
	uint8_t q[512];
	const uint8_t *p;
	size_t len;

	(void)state;
	len = ask(30000, 1, DNS_TYPE_A, -1, q);
	assert_string_equal(world->names[0], "a1.example");
	module_resolves(0, "192.0.2.7");
	p = answer(0, DNS_NOERROR, 1);
	assert_memory_equal(p + 12, q + 12, len - 12);
	assert_memory_equal(p + len, "\300\14\0\1\0\1\0\0\0\74\0\4\300\0\2\7", 16);
	assert_int_equal(world->datagrams[0].n, len + 16);
	assert_true(endpoint_equal(&world->datagrams[0].remote, &server));
	assert_int_equal(world->datagrams[0].local.port, 30000);
	assert_int_equal(world->opens, 0);
}

static void what_cdnsgip_cannot_tell_is_answered_at_once(void **state)
{
	static const struct {
		uint16_t type;
		enum dns_rcode rcode;
	} rows[] = {
		{DNS_TYPE_AAAA, DNS_NOERROR}, {DNS_TYPE_HTTPS, DNS_NOERROR},
		{DNS_TYPE_SVCB, DNS_NOERROR}, {12, DNS_NOTIMP}, {16, DNS_NOTIMP}, {255, DNS_NOTIMP},
	};
	uint8_t q[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(30000 + i, 1, rows[i].type, -1, q);
		answer(i, rows[i].rcode, 0);
	}
	assert_int_equal(world->n_names, 0);
}

static void a_failed_look_up_is_servfail(void **state)
{
	uint8_t q[512];

	(void)state;
	ask(30000, 1, DNS_TYPE_A, -1, q);
	module_resolves(-ENOENT, NULL);
	answer(0, DNS_SERVFAIL, 0);
	assert_int_equal(world->gw->count.dns_failed, 1);
}

static void a_look_up_that_lasts_too_long_is_servfail(void **state)
{
	uint8_t q[512];

	(void)state;
	ask(30000, 1, DNS_TYPE_A, -1, q);
	advance(SEC(11));
	answer(0, DNS_SERVFAIL, 0);
	module_resolves(0, "192.0.2.7"); /* nobody waits any more */
	assert_int_equal(world->n_datagrams, 1);
}

static void who_asks_for_the_same_name_gets_the_same_answer(void **state)
{
	uint8_t q[512];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		ask(30000 + i, 1, DNS_TYPE_A, -1, q);
	assert_int_equal(world->n_names, 1);
	module_resolves(0, "192.0.2.7");
	assert_int_equal(world->n_datagrams, 5);
}

static void more_names_than_the_modem_keeps_are_all_answered(void **state)
{
	uint8_t q[512];

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		ask(30000 + i, i, DNS_TYPE_A, -1, q);
	assert_int_equal(world->n_names, MODEM_RESOLVE_MAX);
	while (world->n_names)
		module_resolves(0, "192.0.2.7");
	assert_int_equal(world->n_datagrams, 60);
}

static void malformed_queries_are_told_so(void **state)
{
	uint8_t q[512];
	size_t len;

	(void)state;
	len = query(q, 7, 1, DNS_TYPE_A, -1);
	host_sends_datagram("10.148.0.17:5000", resolver, q, len - 3); /* cut off */
	answer(0, DNS_FORMERR, 0);
	assert_int_equal(world->datagrams[0].n, 12);
	q[5] = 2; /* two questions */
	host_sends_datagram("10.148.0.17:5000", resolver, q, len);
	answer(1, DNS_FORMERR, 0);
	q[5] = 1;
	q[2] = 0x28; /* an update */
	host_sends_datagram("10.148.0.17:5000", resolver, q, len);
	answer(2, DNS_NOTIMP, 0);
	len = query(q, 7, 1, DNS_TYPE_A, 0);
	host_sends_datagram("10.148.0.17:5000", resolver, q, len - 1); /* a record cut off */
	answer(3, DNS_FORMERR, 0);
	q[2] |= 0x80; /* an answer, and what is no message, get none */
	host_sends_datagram("10.148.0.17:5000", resolver, q, len);
	host_sends_datagram("10.148.0.17:5000", resolver, "x", 1);
	assert_int_equal(world->n_datagrams, 4);
}

static void who_sends_opt_gets_opt(void **state)
{
	uint8_t q[512];
	const uint8_t *p;

	(void)state;
	ask(30000, 1, DNS_TYPE_A, 0, q);
	module_resolves(0, "192.0.2.7");
	p = answer(0, DNS_NOERROR, 1);
	assert_int_equal(p[11], 1);
	ask(30001, 1, DNS_TYPE_A, 1, q); /* a version nobody has defined */
	p = answer(1, DNS_NOERROR, 0);
	assert_int_equal(p[11], 1);
	assert_int_equal(p[world->datagrams[1].n - 6], 1); /* BADVERS */
}

static void a_name_that_is_no_hosts_never_reaches_the_modem(void **state)
{
	uint8_t q[512];
	size_t len = query(q, 7, 1, DNS_TYPE_A, -1);

	(void)state;
	q[13] = '"';
	host_sends_datagram("10.148.0.17:5000", resolver, q, len);
	answer(0, DNS_SERVFAIL, 0);
	q[13] = 0;
	host_sends_datagram("10.148.0.17:5000", resolver, q, len);
	answer(1, DNS_SERVFAIL, 0);
	memmove(q + 13, q + 24, 4); /* the root */
	q[12] = 0;
	host_sends_datagram("10.148.0.17:5000", resolver, q, 17);
	answer(2, DNS_SERVFAIL, 0);
	assert_int_equal(world->n_names, 0);
}

/* What stands before the odd byte is another name, and its address no answer. */
static void a_name_is_never_looked_up_in_part(void **state)
{
	static const char odd[] = "\0\"\r,";
	uint8_t q[512];
	size_t len;

	(void)state;
	for (unsigned i = 0; i < sizeof(odd) - 1; i++) {
		len = query(q, 7, 1, DNS_TYPE_A, -1);
		q[22] = (uint8_t)odd[i]; /* the end of "example" */
		host_sends_datagram("10.148.0.17:5000", resolver, q, len);
		answer(i, DNS_SERVFAIL, 0);
	}
	assert_int_equal(world->n_names, 0);
}

static void all_ten_links_are_for_tcp_when_udp_has_none(void **state)
{
	unsigned open = 0;
	uint8_t q[512];

	(void)state;
	world->config.links.udp = 0;
	world->config.links.connecting = 9;
	for (unsigned i = 0; i < 11; i++) {
		char remote[32];
		int l;

		snprintf(remote, sizeof(remote), "203.0.113.%u:80", i + 1);
		host_syn("10.148.0.17:4000", remote);
		l = link_to(remote);
		if (l < 0)
			continue;
		module_opens(l, MODEM_OPEN_OK);
		open++;
	}
	assert_int_equal(open, 10);
	ask(30000, 1, DNS_TYPE_A, -1, q);
	module_resolves(0, "192.0.2.7");
	answer(0, DNS_NOERROR, 1);
}

static void on_an_ipv6_bearer_addresses_are_ipv6(void **state)
{
	uint8_t q[512];

	(void)state;
	world->gw->units[0].address = ep("[2001:db8::2]:0").addr;
	ask(30000, 1, DNS_TYPE_A, -1, q);
	answer(0, DNS_NOERROR, 0);
	ask(30001, 1, DNS_TYPE_AAAA, -1, q);
	module_resolves(0, "2001:db8::7");
	answer(1, DNS_NOERROR, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(a_name_becomes_an_address_without_a_link),
		T(what_cdnsgip_cannot_tell_is_answered_at_once),
		T(a_failed_look_up_is_servfail),
		T(a_look_up_that_lasts_too_long_is_servfail),
		T(who_asks_for_the_same_name_gets_the_same_answer),
		T(more_names_than_the_modem_keeps_are_all_answered),
		T(malformed_queries_are_told_so),
		T(who_sends_opt_gets_opt),
		T(a_name_that_is_no_hosts_never_reaches_the_modem),
		T(a_name_is_never_looked_up_in_part),
		T(all_ten_links_are_for_tcp_when_udp_has_none),
		T(on_an_ipv6_bearer_addresses_are_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

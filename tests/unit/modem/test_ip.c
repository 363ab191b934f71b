/* SPDX-License-Identifier: BSD-3-Clause */
/* The IP version of the bearer: how it is asked for, and that nothing of the other one is taken. */
#include "fake.h"

#include <string.h>

static void attach(struct fake *f, usec_t d)
{
	fake_attach(f);
	fake_advance(f, d);
}

static struct modem_status status(struct fake *f)
{
	struct modem_status s;

	modem_status(f->m, &s);
	return s;
}

static void ipv6_bearer_is_asked_for(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2409:8960:1e64:94d8:1:0:3b3b:7118\r\n" OK);
	attach(f, SEC(5));
	assert_said(f, "AT+CGDCONT=1,\"IPV6\",\"internet\"\n");
	assert_said(f, "AT+CSOCKSETPN=1,6\n");
	assert_int_equal(status(f).address.family, 6);
}

/* The profile that the module has may be of the other IP version. */
static void ipv6_bearer_without_an_apn_asks_for_the_networks_default(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	f->config.apn = "";
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2001:db8::17\r\n" OK);
	attach(f, SEC(5));
	assert_said(f, "AT+CGDCONT=1,\"IPV6\",\"\"\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void module_without_ip_types_never_comes_up_as_ipv4_instead(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+CSOCKSETPN=1,6", ERR);
	attach(f, SEC(300));
	assert_int_equal(f->state, MODEM_STATE_ACTIVATE);
	assert_int_equal(status(f).failure, MODEM_FAILURE_IP);
	assert_not_said(f, "AT+CSOCKSETPN=1\n");
	assert_not_said(f, "AT+NETOPEN\n");
	assert_not_said(f, "CFUN");
	/* looked at again, slowly: another module may be there now */
	fake_rule(f, "AT+CSOCKSETPN=1,6", OK);
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2001:db8::17\r\n" OK);
	fake_advance(f, SEC(70));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(status(f).failure, MODEM_FAILURE_NONE);
}

static void ip_type_refused_because_a_network_is_open_is_set_when_it_is_closed(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule_once(f, "AT+CSOCKSETPN=1,6", ERR);
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+NETCLOSE: 0\r\n");
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2001:db8::17\r\n" OK);
	attach(f, SEC(5));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_said(f, "AT+CSOCKSETPN=1,6\nAT+NETCLOSE\n");
	assert_int_equal(status(f).recoveries, 0);
}

static void network_left_open_with_the_other_ip_version_is_opened_anew(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+NETCLOSE: 0\r\n");
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2001:db8::17\r\n" OK);
	fake_rule_once(f, "AT+IPADDR", "\r\n+IPADDR: 10.148.0.17\r\n" OK);
	attach(f, SEC(5));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(status(f).address.family, 6);
	assert_said(f, "AT+IPADDR\nAT+NETCLOSE\n");
	assert_int_equal(status(f).recoveries, 0);
}

static void network_that_cannot_be_closed_is_not_opened_without_end(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule(f, "AT+NETCLOSE", ERR);
	attach(f, SEC(100));
	assert_int_equal(status(f).failure, MODEM_FAILURE_IP);
	assert_true(fake_count(f->said, "AT+IPADDR\n") < 10);
	assert_true(status(f).recoveries >= 3);
}

static void address_of_the_wrong_ip_version_is_never_taken(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	attach(f, SEC(100));
	assert_int_not_equal(f->state, MODEM_STATE_UP);
	assert_null(strstr(f->log, "bearer(up"));
	assert_int_equal(status(f).failure, MODEM_FAILURE_IP);
	assert_non_null(strstr(status(f).reason, "IPv4 address, expected IPv6"));
	assert_true(status(f).recoveries >= 3);
}

static void address_is_waited_for_until_it_is_one(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: [2001:db8::17]\r\n" OK);
	fake_rule_once(f, "AT+IPADDR", "\r\n+IPADDR: fe80::1\r\n" OK);
	fake_rule_once(f, "AT+IPADDR", "\r\n+IPADDR: ::\r\n" OK);
	fake_rule_once(f, "AT+IPADDR", "\r\n+IPADDR: 0.0.0.0\r\n" OK);
	attach(f, SEC(8));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(fake_count(f->said, "AT+IPADDR\n"), 4);
	assert_int_equal(status(f).recoveries, 0);
}

static void module_without_ip_types_is_fine_for_ipv4(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CSOCKSETPN=1,1", ERR);
	attach(f, SEC(5));
	assert_said(f, "AT+CSOCKSETPN=1\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ipv6_bearer_is_asked_for),
		TEST(ipv6_bearer_without_an_apn_asks_for_the_networks_default),
		TEST(module_without_ip_types_never_comes_up_as_ipv4_instead),
		TEST(ip_type_refused_because_a_network_is_open_is_set_when_it_is_closed),
		TEST(network_left_open_with_the_other_ip_version_is_opened_anew),
		TEST(network_that_cannot_be_closed_is_not_opened_without_end),
		TEST(address_of_the_wrong_ip_version_is_never_taken),
		TEST(address_is_waited_for_until_it_is_one),
		TEST(module_without_ip_types_is_fine_for_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

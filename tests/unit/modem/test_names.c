/* SPDX-License-Identifier: BSD-3-Clause */
/* Name servers in bring-up, and names looked up by the module. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set_dns(struct fake *f, unsigned i, const char *text)
{
	assert_int_equal(addr_parse(&f->config.dns[i], text, strlen(text)), 0);
}

/* The network's servers as status lists them, blank separated. */
static void assert_dns(struct fake *f, const char *expected)
{
	char text[ADDR_STRLEN], all[256] = "";
	struct modem_status s;

	modem_status(f->m, &s);
	for (unsigned i = 0; i < s.n_dns; i++) {
		strcat(all, i ? " " : "");
		strcat(all, addr_format(&s.dns[i], text));
	}
	assert_string_equal(all, expected);
}

static void resolve(struct fake *f, const char *name)
{
	assert_int_equal(modem_resolve(f->m, name), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
}

/* ---- CDNSCFG, CGCONTRDP ---- */

static void servers_that_change_while_it_is_up_are_told_at_once(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	set_dns(f, 0, "192.0.2.1");
	modem_set_dns(f->m);
	fake_run(f);
	assert_said(f, "AT+CDNSCFG=\"192.0.2.1\"\n");
	fake_clear(f);
	f->config.dns[0].family = 0;
	modem_set_dns(f->m);
	fake_run(f);
	assert_not_said(f, "CDNSCFG");
}

static void configured_servers_are_given_to_the_module_after_netopen(void **state)
{
	struct fake *f = *state;

	set_dns(f, 0, "192.0.2.1");
	set_dns(f, 1, "192.0.2.2");
	fake_attach(f);
	fake_advance(f, SEC(5));
	assert_said(f, "AT+CDNSCFG=\"192.0.2.1\",\"192.0.2.2\"\n");
	assert_true(strstr(f->said, "AT+CDNSCFG") > strstr(f->said, "AT+NETOPEN\n"));
}

static void one_server_is_the_primary_one_and_none_is_no_command(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	assert_not_said(f, "CDNSCFG");
	modem_detach(f->m, f->now);
	set_dns(f, 0, "2001:db8::53");
	fake_attach(f);
	fake_advance(f, SEC(5));
	assert_said(f, "AT+CDNSCFG=\"2001:db8::53\"\n");
}

static void a_module_that_knows_neither_command_comes_up(void **state)
{
	struct fake *f = *state;

	set_dns(f, 0, "192.0.2.1");
	fake_rule(f, "AT+CDNSCFG", ERR);
	fake_rule(f, "AT+CGCONTRDP", "\r\n+CME ERROR: operation not supported\r\n");
	fake_up(f);
	assert_dns(f, "");
}

static const struct {
	const char *lines, *expected;
} contexts[] = {
	{"+CGCONTRDP: 1,5,\"internet\",\"10.1.2.3.255.0.0.0\",\"10.1.2.4\",\"192.0.2.53\",\"192.0.2.54\"",
		"192.0.2.53 192.0.2.54"},
	{"+CGCONTRDP: 1,5,internet,10.1.2.3.255.0.0.0,,192.0.2.53,192.0.2.54", "192.0.2.53 192.0.2.54"},
	{"+CGCONTRDP: 1,5,\"internet\",\"10.1.2.3.255.0.0.0\",\"\",\"192.0.2.53\",\"0.0.0.0\"", "192.0.2.53"},
	/* Release 8: the mask is a field of its own. */
	{"+CGCONTRDP: 1,5,\"x\",\"10.1.2.3\",\"255.255.255.0\",\"10.1.2.4\",\"192.0.2.53\",\"192.0.2.54\"",
		"192.0.2.53 192.0.2.54"},
	/* More fields behind (P-CSCF). */
	{"+CGCONTRDP: 1,5,\"x\",\"10.1.2.3.255.0.0.0\",\"\",\"192.0.2.53\",\"\",\"198.18.0.1\",\"198.18.0.2\"",
		"192.0.2.53"},
	{"+CGCONTRDP: 1,5,\"x\",\"\",\"\",\"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.83\",\"2001:db8::54\"",
		"2001:db8::53 2001:db8::54"},
	/* A line a family; other contexts are others' business; twice the same is once. */
	{"+CGCONTRDP: 1,5,\"x\",\"\",\"\",\"192.0.2.53\",\"192.0.2.53\"\r\n"
	 "+CGCONTRDP: 2,6,\"ims\",\"\",\"\",\"198.18.0.1\",\"198.18.0.2\"\r\n"
	 "+CGCONTRDP: 1,5,\"x\",\"\",\"\",\"2001:db8::53\",\"\"",
		"192.0.2.53 2001:db8::53"},
	{"+CGCONTRDP: 1,5,\"x\"", ""},
	{"+CGCONTRDP: 1,5,\"x\",\"a\",\"b\",\"300.1.2.3\",\"1.2.3.4.5\"", ""},
	{"+CGCONTRDP: 1,5,\"x\",\"unterminated", ""},
	{"+CGCONTRDP:", ""},
};

static void the_networks_servers_are_read_in_every_form(void **state)
{
	struct fake *f = *state;

	for (unsigned i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "\r\n%s\r\n" OK, contexts[i].lines);
		fake_rule_once(f, "AT+CGCONTRDP=1", text);
		fake_up(f);
		assert_dns(f, contexts[i].expected);
		modem_detach(f->m, f->now);
		fake_advance(f, MSEC(1)); /* the owner hears of it */
		assert_dns(f, "");
	}
}

/* ---- CDNSGIP ---- */

static void a_name_is_looked_up(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_rule(f, "AT+CDNSGIP=", "\r\n+CDNSGIP: 1,\"www.example\",\"192.0.2.7\"\r\n" OK);
	resolve(f, "www.example");
	assert_said(f, "AT+CDNSGIP=\"www.example\"\n");
	assert_heard(f, "resolved(www.example,0,192.0.2.7) ");
}

static void failures_are_told(void **state)
{
	struct fake *f = *state;
	char expected[64];

	fake_up(f);
	snprintf(expected, sizeof(expected), "resolved(a.example,%d,none) ", -ENOENT);
	fake_rule(f, "AT+CDNSGIP=", "\r\n+CDNSGIP: 0,10\r\n" ERR);
	resolve(f, "a.example");
	assert_heard(f, expected);
	fake_clear(f);
	fake_rule(f, "AT+CDNSGIP=", ERR);
	resolve(f, "a.example");
	assert_heard(f, expected);
	/* The line of another name, and a line that is no answer. */
	fake_clear(f);
	fake_rule(f, "AT+CDNSGIP=", "\r\n+CDNSGIP: 1,\"b.example\",\"192.0.2.7\"\r\n" OK);
	resolve(f, "a.example");
	assert_heard(f, expected);
	fake_clear(f);
	fake_rule(f, "AT+CDNSGIP=", "\r\n+CDNSGIP: 1,\"a.example\"\r\n" OK);
	resolve(f, "a.example");
	assert_heard(f, expected);
}

static void a_name_that_could_leave_its_quotes_never_reaches_the_line(void **state)
{
	struct fake *f = *state;
	char long_name[300];
	static const char *const bad[] = {"", ".", "a..b", "a.", ".a", "a\"b", "a\rATD112;", "a b",
		"a;b", "\xc3\xa4.example", "a/b",
		"a123456789012345678901234567890123456789012345678901234567890123.example"};

	fake_up(f);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(modem_resolve(f->m, bad[i]), -EINVAL);
	memset(long_name, 'a', sizeof(long_name));
	for (unsigned i = 50; i < sizeof(long_name); i += 50)
		long_name[i] = '.';
	long_name[254] = '\0';
	assert_int_equal(modem_resolve(f->m, long_name), -EINVAL);
	long_name[253] = '\0';
	resolve(f, long_name);
	assert_int_equal(fake_count(f->said, "AT+CDNSGIP"), 1);
}

static void the_same_name_is_asked_once_and_the_queue_is_bounded(void **state)
{
	struct fake *f = *state;
	char name[32];

	fake_up(f);
	fake_rule(f, "AT+CDNSGIP=", NULL);
	for (unsigned i = 0; i < MODEM_RESOLVE_MAX; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		resolve(f, name);
		snprintf(name, sizeof(name), "N%u.EXAMPLE", i);
		resolve(f, name);
	}
	assert_int_equal(modem_resolve(f->m, "one.more"), -ENOBUFS);
	assert_int_equal(fake_count(f->said, "AT+CDNSGIP"), 1);
	fake_rule(f, "AT+CDNSGIP=", "\r\n+CDNSGIP: 0,10\r\n" ERR);
	fake_say(f, ERR);
	assert_int_equal(fake_count(f->said, "AT+CDNSGIP"), MODEM_RESOLVE_MAX);
	assert_int_equal(fake_count(f->log, "resolved("), MODEM_RESOLVE_MAX);
}

static void data_has_a_turn_between_two_names(void **state)
{
	struct fake *f = *state;
	const char *first, *send;

	fake_up(f);
	fake_open_tcp(f, 9, "192.0.2.1:80");
	fake_rule(f, "AT+CDNSGIP=", NULL);
	resolve(f, "a.example");
	resolve(f, "b.example");
	fake_send(f, 9, "data", NULL);
	fake_say(f, ERR);
	first = strstr(f->said, "AT+CDNSGIP=\"a.example\"");
	send = strstr(f->said, "AT+CIPSEND=9,4");
	assert_non_null(first);
	assert_non_null(send);
	assert_true(first < send);
	assert_true(send < strstr(f->said, "AT+CDNSGIP=\"b.example\""));
}

static void a_bearer_that_goes_takes_the_names_with_it(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_rule(f, "AT+CDNSGIP=", NULL);
	resolve(f, "a.example");
	resolve(f, "b.example");
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	assert_int_equal(modem_resolve(f->m, "c.example"), -ENETDOWN);
	fake_say(f, "\r\n+CDNSGIP: 1,\"a.example\",\"192.0.2.7\"\r\n" OK);
	fake_advance(f, SEC(60));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_null(strstr(f->log, "resolved("));
	assert_int_equal(fake_count(f->said, "AT+CDNSGIP"), 1);
}

static void a_look_up_without_an_answer_ends(void **state)
{
	struct fake *f = *state;
	char expected[64];

	fake_up(f);
	fake_rule(f, "AT+CDNSGIP=", NULL);
	resolve(f, "a.example");
	fake_advance(f, SEC(61));
	snprintf(expected, sizeof(expected), "resolved(a.example,%d,none) ", -ETIMEDOUT);
	assert_heard(f, expected);
	assert_int_equal(f->state, MODEM_STATE_UP);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		T(configured_servers_are_given_to_the_module_after_netopen),
		T(one_server_is_the_primary_one_and_none_is_no_command),
		T(servers_that_change_while_it_is_up_are_told_at_once),
		T(a_module_that_knows_neither_command_comes_up),
		T(the_networks_servers_are_read_in_every_form),
		T(a_name_is_looked_up),
		T(failures_are_told),
		T(a_name_that_could_leave_its_quotes_never_reaches_the_line),
		T(the_same_name_is_asked_once_and_the_queue_is_bounded),
		T(data_has_a_turn_between_two_names),
		T(a_bearer_that_goes_takes_the_names_with_it),
		T(a_look_up_without_an_answer_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

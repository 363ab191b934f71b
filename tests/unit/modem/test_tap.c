/* SPDX-License-Identifier: BSD-3-Clause */
/* What a listener on the tty is told, and what nobody is told. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "dialect.h"

#define PIN "9753"
#define PASSWORD "s3cret, really;"

static int setup(void **state)
{
	struct fake *f = fake_new();

	f->tap = true;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void nothing_is_told_while_nobody_listens(void **state)
{
	struct fake *f = *state;

	f->tap = false;
	fake_up(f);
	assert_string_equal(f->tapped, "");
	modem_set_tap(f->m, true);
	fake_advance(f, SEC(600)); /* the slow watch */
	assert_tapped(f, "> AT+CSQ\n");
	modem_set_tap(f->m, false);
	fake_clear(f);
	fake_advance(f, SEC(600));
	assert_string_equal(f->tapped, "");
}

static void a_send_is_told_line_by_line_and_its_payload_as_one(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_rule(f, "AT+CIPSEND=", "\r\n>{payload}" OK "\r\n+CIPSEND: 3,5,5\r\n");
	fake_clear(f);
	fake_send(f, 3, "hello", NULL);
	assert_string_equal(f->tapped, "> AT+CIPSEND=3,5\n"
				       "< >\n"
				       "> [5 of 5, link 3: hello]\n"
				       "< OK\n"
				       "< +CIPSEND: 3,5,5\n");
}

static void received_payload_is_told_once_whatever_pieces_it_came_in(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_clear(f);
	f->bytewise = true;
	fake_say(f, "\r\nRECV FROM:192.0.2.1:80\r\n+RECEIVE,3,6\r\nOK\r\n\r\n\r\nOK\r\n");
	assert_string_equal(f->tapped, "< RECV FROM:192.0.2.1:80\n"
				       "< +RECEIVE,3,6\n"
				       "< [6 of 6, link 3: OK\r\n\r\n]\n"
				       "< OK\n");
}

static void payload_that_never_ends_is_told_as_far_as_it_came(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_clear(f);
	fake_say(f, "\r\n+RECEIVE,3,100\r\nhalf");
	assert_tapped(f, "< +RECEIVE,3,100\n");
	fake_advance(f, SEC(900)); /* the watch finds out, and what is said then comes behind it */
	assert_tapped(f, "< [4 of 100, link 3: half]\n");
}

static void of_a_huge_payload_the_beginning_is_shown_and_the_rest_counted(void **state)
{
	static char text[MODEM_TAP_KEPT + 1000];
	struct fake *f = *state;

	memset(text, 'x', sizeof(text) - 1);
	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_say(f, "\r\n+RECEIVE,3,3047\r\n");
	fake_clear(f);
	fake_say(f, text);
	assert_int_equal(f->tapped_last.total, sizeof(text) - 1);
	assert_int_equal(f->tapped_last.n, MODEM_TAP_KEPT);
}

static void what_comes_while_nothing_is_believed_is_no_line(void **state)
{
	struct fake *f = *state;
	char flood[600];

	memset(flood, 'x', sizeof(flood));
	flood[sizeof(flood) - 1] = '\0';
	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_clear(f);
	fake_say(f, flood); /* payload whose header was lost, for all anybody knows */
	fake_say(f, "\r\nand so on\r\n");
	assert_tapped(f, "[9 of 9, link -1: and so on]\n");
	assert_null(strstr(f->tapped, "< and so on"));
}

static void data_mode_is_told_as_bytes(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("198.51.100.1:80");

	f->config.receive = MODEM_RECEIVE_TRANSPARENT;
	f->config.lossless = true;
	fake_up(f);
	fake_rule(f, "AT+CIPOPEN=0", NULL);
	assert_int_equal(modem_open_tcp(f->m, 0, &e), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	f->online = true;
	fake_say(f, "\r\nCONNECT 115200\r\n");
	fake_clear(f);
	fake_say(f, "AT+CPIN? is data");
	assert_string_equal(f->tapped, "< [16 of 16, link -1: AT+CPIN? is data]\n");
}

/* ---- secrets ---- */

static void attach(struct fake *f)
{
	fake_attach(f);
	fake_advance(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void the_pin_is_never_told_not_even_as_an_echo(void **state)
{
	struct fake *f = *state;

	f->config.pin = PIN;
	fake_rule_once(f, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n" OK);
	fake_rule(f, "AT+CPIN=", "AT+CPIN=\"" PIN "\"\r" OK);
	attach(f);
	assert_said(f, PIN);
	assert_tapped(f, "> AT+CPIN=...\n");
	assert_null(strstr(f->tapped, PIN));
}

static void the_log_in_is_never_told_not_even_garbled_or_late(void **state)
{
	struct fake *f = *state;

	f->config.login = (struct modem_login){MODEM_AUTH_CHAP, MODEM_LOGIN_USER_FIRST, "ann", PASSWORD};
	fake_rule(f, "AT+CGAUTH", "AT+CGAUTH=1,2,\"ann\",\"" PASSWORD "\"\r" ERR
		"\r\nAT+CAUTH=1,2,\"ann\",\"" PASSWORD "\"\r\n");
	attach(f);
	assert_said(f, PASSWORD);
	assert_tapped(f, "> AT+CGAUTH=...\n");
	assert_tapped(f, "< ERROR\n");
	assert_tapped(f, "- a line of 37 bytes is not shown\n");
	assert_null(strstr(f->tapped, "s3cret"));
	assert_null(strstr(f->tapped, "\"ann"));
}

/* From modem.init, where anything may stand. */
static void a_secret_in_a_command_of_the_user_is_not_told_either(void **state)
{
	static const char *const init[] = {"AT+CTZU=1;+CLCK=\"SC\",1,\"" PIN "\"", "AT+CGAUTH?"};
	struct fake *f = *state;

	f->config.init = init;
	f->config.n_init = 2;
	fake_rule(f, "AT+CTZU", OK);
	fake_rule(f, "AT+CGAUTH?", "\r\n+CGAUTH: 1,1,\"ann\",\"" PASSWORD "\"\r\n" OK);
	attach(f);
	assert_tapped(f, "> AT+CTZU=...\n");
	assert_tapped(f, "> AT+CGAUTH?\n");
	assert_tapped(f, "bytes is not shown\n");
	assert_null(strstr(f->tapped, PIN));
	assert_null(strstr(f->tapped, "s3cret"));
}

static void secrets_are_known_in_any_case_and_at_any_place(void **state)
{
	static const char *const secret[] = {"AT+CPIN=1234", "at+cpin=\"1234\"", "AT+CSQ;+CPWD=\"SC\",1,2",
		"AT+CGAUTH?", "AT+CPIN2=1"};
	static const char *const harmless[] = {"AT+CPIN?", "AT", "", "AT+CSQ", "AT+CPINR", "+CPI"};

	(void)state;
	for (unsigned i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		assert_true(dialect_carries_secret(secret[i], strlen(secret[i])));
	for (unsigned i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		assert_false(dialect_carries_secret(harmless[i], strlen(harmless[i])));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_told_while_nobody_listens),
		TEST(a_send_is_told_line_by_line_and_its_payload_as_one),
		TEST(received_payload_is_told_once_whatever_pieces_it_came_in),
		TEST(payload_that_never_ends_is_told_as_far_as_it_came),
		TEST(of_a_huge_payload_the_beginning_is_shown_and_the_rest_counted),
		TEST(what_comes_while_nothing_is_believed_is_no_line),
		TEST(data_mode_is_told_as_bytes),
		TEST(the_pin_is_never_told_not_even_as_an_echo),
		TEST(the_log_in_is_never_told_not_even_garbled_or_late),
		TEST(a_secret_in_a_command_of_the_user_is_not_told_either),
		TEST(secrets_are_known_in_any_case_and_at_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of an operator among our own: whose turn, whose lines, what is refused. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void the_answer_is_what_came_between_command_and_result(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CSQ", "\r\n+CSQ: 23,0\r\n" OK);
	assert_int_equal(modem_at(f->m, "AT+CSQ", SEC(5)), 0);
	fake_run(f);
	assert_heard(f, "at(AT+CSQ,0,OK,0|+CSQ: 23,0) ");
	assert_int_equal(modem_at(f->m, "ATI", SEC(5)), 0); /* and the next one may come */
}

static void an_error_is_told_in_the_modules_words(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CFOO", "\r\n+CME ERROR: operation not allowed\r\n");
	fake_rule(f, "AT+CBAR", ERR);
	assert_int_equal(modem_at(f->m, "AT+CFOO=1", SEC(5)), 0);
	fake_run(f);
	assert_int_equal(modem_at(f->m, "AT+CBAR", SEC(5)), 0);
	fake_run(f);
	assert_heard(f, "at(AT+CFOO=1,1,+CME ERROR: operation not allowed,0) at(AT+CBAR,1,ERROR,0) ");
}

static void what_the_module_says_by_itself_is_not_the_answers_and_not_lost(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_clear(f);
	fake_rule(f, "AT+CGMI", "\r\nSIMCOM INCORPORATED\r\n\r\n+IPCLOSE: 3,1\r\n" OK);
	assert_int_equal(modem_at(f->m, "AT+CGMI", SEC(5)), 0);
	fake_run(f);
	assert_non_null(strstr(f->log, "at(AT+CGMI,0,OK,0|SIMCOM INCORPORATED) "));
	assert_non_null(strstr(f->log, "closed(3,"));
}

static void a_listing_does_not_end_links_that_live(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 1, "192.0.2.1:80");
	fake_clear(f);
	fake_rule(f, "AT+CIPOPEN?", "\r\n+CIPOPEN: 0\r\n+CIPOPEN: 1,\"TCP\",\"192.0.2.1\",80,-1\r\n" OK);
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	assert_int_equal(modem_at(f->m, "AT+CIPOPEN?", SEC(5)), 0);
	fake_run(f);
	assert_heard(f, "at(AT+CIPOPEN?,0,OK,0|+CIPOPEN: 0|+CIPOPEN: 1,\"TCP\",\"192.0.2.1\",80,-1) ");
	assert_int_equal(modem_at(f->m, "AT+NETOPEN?", SEC(5)), 0);
	fake_run(f);
	assert_int_equal(modem_link_state(f->m, 1), MODEM_LINK_OPEN);
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void one_at_a_time(void **state)
{
	struct fake *f = *state;

	assert_int_equal(modem_at(f->m, "AT", SEC(5)), 0);
	assert_int_equal(modem_at(f->m, "AT", SEC(5)), -EBUSY);
}

static void no_answer_is_a_timeout_and_the_driver_goes_on(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+COPS=?", NULL);
	assert_int_equal(modem_at(f->m, "AT+COPS=?", SEC(20)), 0);
	fake_run(f);
	assert_heard(f, "");
	fake_advance(f, SEC(21));
	assert_heard(f, "at(AT+COPS=?,2,,20000) ");
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(modem_at(f->m, "AT", SEC(5)), 0);
}

static void a_module_that_goes_away_ends_it(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CFOO", NULL);
	assert_int_equal(modem_at(f->m, "AT+CFOO", SEC(20)), 0);
	fake_run(f);
	fake_say(f, "\r\nRDY\r\n");
	assert_non_null(strstr(f->log, "at(AT+CFOO,4,,"));
	fake_clear(f);
	assert_int_equal(modem_at(f->m, "AT", SEC(20)), 0);
	modem_detach(f->m, f->now);
	assert_int_equal(modem_deadline(f->m), 0);
	modem_run(f->m, f->now);
	assert_non_null(strstr(f->log, "at(AT,4,,"));
	assert_int_equal(modem_at(f->m, "AT", SEC(5)), -ENODEV);
}

static void it_gets_its_turn_while_the_network_is_looked_for(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CREG?", "\r\n+CREG: 0,2\r\n" OK);
	fake_rule(f, "AT+CGREG?", "\r\n+CGREG: 0,2\r\n" OK);
	fake_rule(f, "AT+CEREG?", "\r\n+CEREG: 0,2\r\n" OK);
	fake_rule(f, "AT+CFOO?", "\r\n+CFOO: 7\r\n" OK);
	fake_attach(f);
	fake_advance(f, SEC(4));
	assert_int_equal(f->state, MODEM_STATE_REGISTER);
	fake_clear(f);
	assert_int_equal(modem_at(f->m, "AT+CFOO?", SEC(5)), 0);
	fake_run(f);
	assert_non_null(strstr(f->log, "|+CFOO: 7) "));
}

static void one_that_never_gets_its_turn_is_not_sent(void **state)
{
	struct fake *f = *state;

	fake_mute(f);
	fake_attach(f);
	assert_int_equal(modem_at(f->m, "AT+CFOO", SEC(3)), 0);
	fake_advance(f, SEC(4));
	assert_not_said(f, "AT+CFOO");
	assert_non_null(strstr(f->log, "at(AT+CFOO,3,,3000) "));
}

static void what_would_break_the_drivers_view_is_refused_and_its_query_is_not(void **state)
{
	struct fake *f = *state;
	static const char *const bad[] = {"AT+CIPMODE=1", "at+cipmode=1", "AT+CIPSEND=1,5", "AT+CIPSEND",
		"AT+CIPOPEN=1,\"TCP\",\"192.0.2.1\",80", "AT+NETCLOSE", "ATE1", "ATZ", "AT&F", "ATD*99#", "ATO",
		"ATH", "ATQ1", "ATV0", "AT E1", "AT+CMGS=\"1\"", "AT+IPR=9600", "AT+CMQTTPAYLOAD=0,5",
		"AT+CSQ;+CIPMODE=1", "AT+CGDCONT=1,\"IP\",\"x\"", "AT+HTTPDATA=5,5", "ATIE1", "AT/",
		"AT+CIPCLOSE =1", "AT+ CIPCLOSE=1", "AT+CUSD=1,\"*100#;+CIPMODE=1"};
	static const char *const good[] = {"AT", "ATI", "AT&V", "AT+CIPMODE?", "AT+CIPSEND=?", "AT+NETOPEN?",
		"AT+CGDCONT?", "AT+CFUN=1", "AT+CUSD=1,\"*100#;\"", "AT+CGAUTH=1,1,\"u\",\"p\"", "AT+CIPSENDX=?",
		"AT*X"};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(modem_at_refusal(bad[i]));
		assert_int_equal(modem_at(f->m, bad[i], SEC(5)), -EPERM);
	}
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_null(modem_at_refusal(good[i]));
	fake_run(f);
	assert_string_equal(f->said, "");
}

static void only_a_line_of_at_is_taken(void **state)
{
	struct fake *f = *state;
	static const char *const bad[] = {"", "A", "BT+CSQ", "AT+CSQ\r", "AT+X=\x1a", "AT+CSQ\rAT+CIPMODE=1",
		"AT+\xc3\xa4"};
	char text[300] = "AT+X=";

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(modem_at(f->m, bad[i], SEC(5)), -EINVAL);
	memset(text + 5, '1', 250);
	assert_int_equal(modem_at(f->m, text, SEC(5)), -EINVAL);
	assert_int_equal(modem_at(f->m, "AT", 0), -EINVAL);
	assert_int_equal(modem_at(f->m, "AT", SEC(181)), -EINVAL);
}

static void an_endless_answer_is_cut(void **state)
{
	struct fake *f = *state;
	static char reply[16384];
	size_t n = 0;

	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(reply + n, sizeof(reply) - n, "\r\n+CFOO: %u\r\n", i);
	snprintf(reply + n, sizeof(reply) - n, OK);
	fake_rule(f, "AT+CFOO?", reply);
	assert_int_equal(modem_at(f->m, "AT+CFOO?", SEC(5)), 0);
	fake_run(f);
	assert_non_null(strstr(f->log, "|+CFOO: 63|...) "));
}

static void secrets_are_known_by_their_command(void **state)
{
	(void)state;
	assert_true(modem_at_is_secret("AT+CPIN=\"1234\""));
	assert_true(modem_at_is_secret("at+cgauth=1,1,\"u\",\"p\""));
	assert_true(modem_at_is_secret("AT+CPWD=\"SC\",\"1234\",\"4321\""));
	assert_true(modem_at_is_secret("AT+CPIN2=\"1234\""));
	assert_true(modem_at_is_secret("AT+CSTT=\"apn\",\"u\",\"p\""));
	assert_true(modem_at_is_secret("AT+SPIC=\"12345678\",\"1234\""));
	assert_false(modem_at_is_secret("AT+CPIN?"));
	assert_false(modem_at_is_secret("AT+CGAUTH?"));
	assert_false(modem_at_is_secret("AT+CSQ"));
}

static void an_answer_that_tells_a_secret_is_told_without_it(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CGAUTH?", "\r\n+CGAUTH: 1,1,\"web\",\"s3cr3t\"\r\n" OK);
	assert_int_equal(modem_at(f->m, "AT+CGAUTH?", SEC(5)), 0);
	fake_run(f);
	assert_non_null(strstr(f->log, "+CGAUTH: ***"));
	assert_null(strstr(f->log, "s3cr3t"));
}

static void identity_is_learned_at_bring_up(void **state)
{
	struct fake *f = *state;
	struct modem_details d;

	fake_rule(f, "ATI", "\r\nManufacturer: SIMCOM INCORPORATED\r\nModel: A7670E\r\nIMEI: 860000000000017\r\n" OK);
	fake_rule(f, "AT+CICCID", "\r\n+ICCID: 89860000000000000017\r\n" OK);
	fake_rule(f, "AT+CPSI?", "\r\n+CPSI: LTE,Online,262-01,0x1A2D,12345678,77\r\n" OK);
	fake_up(f);
	modem_details(f->m, &d);
	assert_string_equal(d.manufacturer, "SIMCOM INCORPORATED");
	assert_string_equal(d.imei, "860000000000017");
	assert_string_equal(d.iccid, "89860000000000000017");
	assert_string_equal(d.serving_cell, "LTE,Online,262-01,0x1A2D,12345678,77");
	assert_not_said(f, "AT+CGSN");
}

static void a_module_whose_ati_has_no_imei_is_asked_for_it(void **state)
{
	struct fake *f = *state;
	struct modem_details d;

	fake_rule(f, "AT+CGSN", "\r\n860000000000017\r\n" OK);
	fake_rule(f, "AT+CICCID", ERR);
	fake_up(f);
	modem_details(f->m, &d);
	assert_string_equal(d.imei, "860000000000017");
	assert_string_equal(d.iccid, "");
}

int main(void)
{
#define UP(f) cmocka_unit_test_setup_teardown(f, fake_setup_up, fake_teardown)
#define DOWN(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		UP(the_answer_is_what_came_between_command_and_result),
		UP(an_error_is_told_in_the_modules_words),
		UP(what_the_module_says_by_itself_is_not_the_answers_and_not_lost),
		UP(a_listing_does_not_end_links_that_live),
		UP(one_at_a_time),
		UP(no_answer_is_a_timeout_and_the_driver_goes_on),
		UP(a_module_that_goes_away_ends_it),
		DOWN(it_gets_its_turn_while_the_network_is_looked_for),
		DOWN(one_that_never_gets_its_turn_is_not_sent),
		UP(what_would_break_the_drivers_view_is_refused_and_its_query_is_not),
		UP(only_a_line_of_at_is_taken),
		UP(an_endless_answer_is_cut),
		UP(secrets_are_known_by_their_command),
		UP(an_answer_that_tells_a_secret_is_told_without_it),
		DOWN(identity_is_learned_at_bring_up),
		DOWN(a_module_whose_ati_has_no_imei_is_asked_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

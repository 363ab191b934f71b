/* SPDX-License-Identifier: BSD-3-Clause */
/* The access point's log-in, the facts about the network, and keep-alive: what bring-up says. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "private.h"
#include "util/log.h"

static char logged[65536];

static void keep_log(enum log_level level, const char *line)
{
	size_t n = strlen(logged);

	(void)level;
	snprintf(logged + n, sizeof(logged) - n, "%s\n", line);
}

static int setup(void **state)
{
	*state = fake_new();
	logged[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	log_set_sink(NULL);
	fake_free(*state);
	return 0;
}

static struct fake *with_login(void **state, enum modem_auth auth, enum modem_login_order order)
{
	struct fake *f = *state;

	f->config.login = (struct modem_login){auth, order, "ann", "s3cret, really;"};
	return f;
}

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

/* ---- CGAUTH ---- */

static void log_in_stands_before_netopen(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_PAP, MODEM_LOGIN_BY_MODEL);
	const char *auth;

	attach(f, SEC(5));
	auth = strstr(f->said, "AT+CGAUTH=1,1,\"ann\",\"s3cret, really;\"\n");
	assert_non_null(auth);
	assert_non_null(strstr(auth, "AT+NETOPEN\n"));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void chap_is_two(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_CHAP, MODEM_LOGIN_USER_FIRST);

	attach(f, SEC(5));
	assert_said(f, "AT+CGAUTH=1,2,\"ann\",\"s3cret, really;\"\n");
}

static void older_family_takes_the_password_first(void **state)
{
	static const char *const models[] = {"\r\nSIMCOM_SIM7600E-H\r\n" OK, "\r\nSIM7500A\r\n" OK,
		"\r\nSIM7670G\r\n" OK, "\r\nA7672E-FASE\r\n" OK};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		void *fresh = fake_new();
		struct fake *f = with_login(&fresh, MODEM_AUTH_PAP, MODEM_LOGIN_BY_MODEL);

		fake_rule(f, "AT+CGMM", models[i]);
		attach(f, SEC(5));
		assert_said(f, i < 2 ? "AT+CGAUTH=1,1,\"s3cret, really;\",\"ann\"\n" :
				       "AT+CGAUTH=1,1,\"ann\",\"s3cret, really;\"\n");
		fake_free(f);
	}
}

static void order_can_be_fixed(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_PAP, MODEM_LOGIN_PASSWORD_FIRST);

	fake_rule(f, "AT+CGAUTH", ERR);
	attach(f, SEC(5));
	assert_int_equal(fake_count(f->said, "AT+CGAUTH"), 1);
	assert_said(f, "AT+CGAUTH=1,1,\"s3cret, really;\",\"ann\"\n");
	assert_int_equal(f->state, MODEM_STATE_UP); /* a warning, no fault */
}

static void refused_log_in_is_tried_in_the_other_order_once(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_PAP, MODEM_LOGIN_BY_MODEL);

	fake_rule(f, "AT+CGAUTH", ERR);
	attach(f, SEC(5));
	assert_int_equal(fake_count(f->said, "AT+CGAUTH"), 2);
	assert_said(f, "AT+CGAUTH=1,1,\"s3cret, really;\",\"ann\"\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void netopen_that_fails_turns_the_order_round(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_PAP, MODEM_LOGIN_BY_MODEL);

	fake_rule_once(f, "AT+NETOPEN", OK "\r\n+NETOPEN: 1\r\n");
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	attach(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(fake_count(f->said, "AT+CGAUTH=1,1,\"ann\""), 1);
	assert_int_equal(fake_count(f->said, "AT+CGAUTH=1,1,\"s3cret"), 1);
}

static void log_in_of_an_earlier_configuration_is_cleared_with_our_apn_only(void **state)
{
	struct fake *f = *state, *g = fake_new();

	fake_rule(f, "AT+CGAUTH", ERR); /* nothing to clear, or not known: fine */
	attach(f, SEC(5));
	assert_said(f, "AT+CGAUTH=1,0\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
	g->config.apn = "";
	attach(g, SEC(5));
	assert_not_said(g, "CGAUTH");
	fake_free(g);
}

static void quote_in_a_password_never_reaches_the_line(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_PAP, MODEM_LOGIN_BY_MODEL);

	f->config.login.password = "x\";+CPOF";
	attach(f, SEC(5));
	assert_not_said(f, "CGAUTH");
	assert_not_said(f, "CPOF");
}

static void log_in_is_never_logged_not_even_as_an_echo(void **state)
{
	struct fake *f = with_login(state, MODEM_AUTH_CHAP, MODEM_LOGIN_BY_MODEL);

	log_set_sink(keep_log);
	log_set_level(LOG_LEVEL_TRACE);
	/* Echo is back, the first time with a byte lost, and late. */
	fake_rule_once(f, "AT+CGAUTH", "AT+CAUTH=1,2,\"ann\",\"s3cret, really;\"\r" ERR);
	fake_rule_once(f, "AT+CGAUTH",
		"AT+CGAUTH=1,2,\"ann\",\"s3cret, really;\"\r" ERR
		"\r\nAT+CGAUTH=1,2,\"ann\",\"s3cret, really;\"\r\n");
	attach(f, SEC(20));
	log_set_level(LOG_LEVEL_ERROR);
	assert_said(f, "s3cret");
	assert_null(strstr(logged, "s3cret"));
	assert_null(strstr(logged, "\"ann"));
}

/* ---- facts ---- */

static void operator_and_technology_are_told(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+COPS?", "\r\n+COPS: 0,0,\"A&B \\\"Mobil\",7\r\n" OK);
	fake_rule(f, "AT+CPSI?", "\r\n+CPSI: LTE,Online,262-01,0x1A2D,12345678,77\r\n" OK);
	fake_up(f);
	assert_string_equal(status(f).operator, "A&B \\Mobil");
	assert_string_equal(status(f).technology, "LTE");
}

static void refused_facts_are_no_fault_and_not_asked_again(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+COPS", ERR);
	fake_rule(f, "AT+CPSI", NULL); /* not even an answer */
	attach(f, SEC(3600));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_string_equal(status(f).operator, "");
	assert_string_equal(status(f).technology, "");
	assert_int_equal(fake_count(f->said, "AT+COPS?"), 1);
	assert_int_equal(fake_count(f->said, "AT+CPSI?"), 1);
	fake_restore(f);
	fake_say(f, "\r\n*ATREADY: 1\r\n"); /* another boot, another chance */
	fake_advance(f, SEC(60));
	assert_true(fake_count(f->said, "AT+CPSI?") > 1);
}

static void technology_follows_the_slow_watch(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPSI?", "\r\n+CPSI: LTE,Online\r\n" OK);
	fake_up(f);
	fake_rule(f, "AT+CPSI?", "\r\n+CPSI: GSM,Online,460-00 0x182d\r\n" OK);
	fake_advance(f, SEC(310));
	assert_string_equal(status(f).technology, "GSM");
	fake_rule(f, "AT+CPSI?", "\r\n+CPSI: NO SERVICE,Online\r\n" OK);
	fake_advance(f, SEC(310));
	assert_string_equal(status(f).technology, "");
}

static void without_cpsi_the_operators_line_tells_the_technology(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPSI?", ERR);
	fake_rule(f, "AT+COPS?", "\r\n+COPS: 0,0,\"Net\",2\r\n" OK);
	fake_up(f);
	assert_string_equal(status(f).technology, "WCDMA");
}

static void text_of_the_network_becomes_printable_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"Vodafone.de", "Vodafone.de"}, {"46001", "46001"}, {"", ""},
		{"\x1b[2Jred", "[2Jred"}, {"caf\xc3\xa9", "caf\xc3\xa9"}, {"caf\xe9", "caf"},
		{"\xc0\xae\xed\xa0\x80x", "x"},	   /* too long a form; half of a pair */
		{"\xc2\x9b" "31m", "31m"},	   /* CSI as one character */
		{"004F00320020", "O2"},		   /* UCS-2, trailing blank */
		{"4E2D56FD79FB52A8", "\xe4\xb8\xad\xe5\x9b\xbd\xe7\xa7\xbb\xe5\x8a\xa8"},
		{"DEADBEEF", "DEADBEEF"}, {"0000001B", "0000001B"}, {"\xe4\xb8", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		fact_text(text, sizeof(text), cases[i].in, strlen(cases[i].in));
		assert_string_equal(text, cases[i].out);
	}
}

static void long_names_are_cut_between_characters(void **state)
{
	char text[6];

	(void)state;
	fact_text(text, sizeof(text), "\xe4\xb8\xad\xe4\xb8\xad", 6);
	assert_string_equal(text, "\xe4\xb8\xad");
}

/* ---- keep-alive ---- */

static void keep_alive_is_asked_for_in_whole_minutes(void **state)
{
	struct fake *f = *state;

	f->config.keepalive = SEC(90);
	fake_rule(f, "AT+CTCPKA", ERR); /* no fault */
	attach(f, SEC(5));
	assert_said(f, "AT+CTCPKA=1,2,5,1\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void keep_alive_is_left_alone_by_default(void **state)
{
	struct fake *f = *state;

	attach(f, SEC(5));
	assert_not_said(f, "CTCPKA");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(log_in_stands_before_netopen),
		TEST(chap_is_two),
		cmocka_unit_test(older_family_takes_the_password_first),
		TEST(order_can_be_fixed),
		TEST(refused_log_in_is_tried_in_the_other_order_once),
		TEST(netopen_that_fails_turns_the_order_round),
		TEST(log_in_of_an_earlier_configuration_is_cleared_with_our_apn_only),
		TEST(quote_in_a_password_never_reaches_the_line),
		TEST(log_in_is_never_logged_not_even_as_an_echo),
		TEST(operator_and_technology_are_told),
		TEST(refused_facts_are_no_fault_and_not_asked_again),
		TEST(technology_follows_the_slow_watch),
		TEST(without_cpsi_the_operators_line_tells_the_technology),
		cmocka_unit_test(text_of_the_network_becomes_printable_utf8),
		cmocka_unit_test(long_names_are_cut_between_characters),
		TEST(keep_alive_is_asked_for_in_whole_minutes),
		TEST(keep_alive_is_left_alone_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

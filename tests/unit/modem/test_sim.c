/* SPDX-License-Identifier: BSD-3-Clause */
/* The card that wants its PIN: who it is, how many tries it has, and who decides. */
#include "fake.h"

#include <string.h>

#define WANTS_PIN "\r\n+CPIN: SIM PIN\r\n" OK

static int setup(void **state)
{
	struct fake *f = fake_new();

	f->config.pin = "1234";
	fake_rule(f, "AT+CPIN?", WANTS_PIN);
	*state = f;
	return 0;
}

static void attach(struct fake *f, usec_t d)
{
	fake_attach(f);
	fake_advance(f, d);
}

static enum modem_failure failure(struct fake *f)
{
	struct modem_status s;

	modem_status(f->m, &s);
	return s.failure;
}

static void card_and_tries_are_asked_before_the_pin(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CICCID", "\r\n+ICCID: 89860000000000000017\r\n" OK);
	fake_rule(f, "AT+SPIC", "\r\n+SPIC: 2,10,0,10\r\n" OK);
	attach(f, SEC(5));
	assert_non_null(strstr(f->log, "pin_try(89860000000000000017,2) "));
	assert_said(f, "AT+CICCID\nAT+SPIC\nAT+CPIN=\"1234\"\n");
}

static void blocked_card_that_is_pulled_is_looked_for_by_the_ladder(void **state)
{
	struct fake *f = *state;

	f->config.pin = NULL;
	attach(f, SEC(200));
	assert_int_equal(failure(f), MODEM_FAILURE_PIN);
	assert_not_said(f, "AT+CFUN");
	fake_rule(f, "AT+CPIN?", "\r\n+CME ERROR: SIM not inserted\r\n");
	fake_advance(f, SEC(120));
	assert_int_equal(failure(f), MODEM_FAILURE_SIM);
	fake_advance(f, SEC(900));
	assert_said(f, "AT+CFUN=4");
}

static void other_spellings_are_read(void **state)
{
	static const struct {
		const char *iccid, *ccid, *tries, *told;
	} cases[] = {
		{"\r\n8986000000000000001F\r\n" OK, ERR, "\r\n+CPINR: SIM PIN,3,3\r\n"
			"+CPINR: SIM PUK,10,10\r\n+CPINR: SIM PIN2,0,3\r\n" OK,
			"pin_try(8986000000000000001F,3)"},
		{ERR, "\r\n+CCID: \"8986000000000000001\"\r\n" OK,
			"\r\n+CPINR: \"SIM PIN\",1\r\n" OK, "pin_try(8986000000000000001,1)"},
		{"\r\n+ICCID: ../../etc/passwd....\r\n" OK, ERR, "\r\n+CPINR: SIM PIN2,1,3\r\n" OK,
			"pin_try(,-1)"},
		{ERR, "\r\n+ICCID: 898600000000000000170000\r\n" OK, "\r\n+CPINR: SIM PIN,77\r\n" OK,
			"pin_try(,-1)"},
		{ERR, ERR, "\r\n+CPINR: SIM PIN\r\n" OK, "pin_try(,-1)"},
		{NULL, NULL, NULL, "pin_try(,-1)"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake *f = fake_new();

		f->config.pin = "1234";
		fake_rule(f, "AT+CPIN?", WANTS_PIN);
		fake_rule(f, "AT+CICCID", cases[i].iccid);
		fake_rule(f, "AT+CCID", cases[i].ccid);
		fake_rule(f, "AT+SPIC", i == 0 ? "\r\n+SPIC: -1,0\r\n" OK : ERR);
		fake_rule(f, "AT+CPINR", cases[i].tries);
		attach(f, SEC(50));
		assert_non_null(strstr(f->log, cases[i].told));
		fake_free(f);
	}
}

static void owner_that_says_no_is_asked_once(void **state)
{
	struct fake *f = *state;

	f->pin_denied = "not this one";
	attach(f, SEC(600));
	assert_not_said(f, "AT+CPIN=");
	assert_int_equal(fake_count(f->log, "pin_try"), 1);
	assert_int_equal(failure(f), MODEM_FAILURE_PIN);
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK); /* somebody unlocked it */
	fake_advance(f, SEC(70));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(failure(f), MODEM_FAILURE_NONE);
	assert_null(strstr(f->log, "pin_accepted"));
}

static void pin_that_unlocked_the_card_does_so_after_the_next_reset(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CICCID", "\r\n+ICCID: 89860000000000000017\r\n" OK);
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK);
	fake_rule_once(f, "AT+CPIN?", WANTS_PIN);
	attach(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_non_null(strstr(f->log, "pin_accepted(89860000000000000017) "));
	fake_rule_once(f, "AT+CPIN?", WANTS_PIN);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	fake_advance(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(fake_count(f->said, "AT+CPIN=\"1234\""), 2);
	assert_int_equal(fake_count(f->log, "pin_accepted"), 2);
}

static void card_without_a_pin_is_asked_for_its_number_only(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK);
	attach(f, SEC(5));
	assert_int_equal(fake_count(f->said, "AT+CICCID"), 1); /* for status, when it is ready */
	assert_not_said(f, "SPIC");
	assert_null(strstr(f->log, "pin_"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(card_and_tries_are_asked_before_the_pin),
		TEST(blocked_card_that_is_pulled_is_looked_for_by_the_ladder),
		cmocka_unit_test(other_spellings_are_read),
		TEST(owner_that_says_no_is_asked_once),
		TEST(pin_that_unlocked_the_card_does_so_after_the_next_reset),
		TEST(card_without_a_pin_is_asked_for_its_number_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <string.h>

static int setup(void **state)
{
	*state = fake_new();
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void bring_up_reaches_up_and_tells_the_address(void **state)
{
	struct fake *f = *state;
	struct modem_status s;
	char text[ADDR_STRLEN];

	f->echo = true;
	fake_rule(f, "ATI", "\r\nManufacturer: SIMCOM INCORPORATED\r\nModel: A7670E-FASE\r\n"
		"Revision: A011B09A7670M7_F\r\nIMEI: 860000000000000\r\n" OK);
	fake_up(f);
	modem_status(f->m, &s);
	assert_string_equal(addr_format(&s.address, text), "10.148.0.17");
	assert_string_equal(s.model, "A7670E-FASE");
	assert_string_equal(s.revision, "A011B09A7670M7_F");
	assert_int_equal(s.rssi_dbm, -113 + 46);
	assert_int_equal(s.receive, MODEM_RECEIVE_PUSH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bring_up_reaches_up_and_tells_the_address, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

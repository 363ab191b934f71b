/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dialogue.h"

static const char *text(struct modem_tap t, bool payload)
{
	static char buf[DIALOGUE_LEN];

	return dialogue_text(buf, &t, payload);
}

#define BYTES(s) .p = (const uint8_t *)(s), .n = sizeof(s) - 1

static void lines_stand_as_they_crossed(void **state)
{
	(void)state;
	assert_string_equal(text((struct modem_tap){.kind = MODEM_TAP_LINE, .out = true,
		.link = -1, BYTES("AT+CIPSEND=3,1460")}, false), "> AT+CIPSEND=3,1460");
	assert_string_equal(text((struct modem_tap){.kind = MODEM_TAP_LINE, .link = -1,
		BYTES("+COPS: \"\x1b[2J\xc3\xa9\"")}, true), "< +COPS: \"\\x1b[2J\\xc3\\xa9\"");
	assert_string_equal(text((struct modem_tap){.kind = MODEM_TAP_NOTE, .link = -1,
		BYTES("data mode")}, false), "- data mode");
}

static void payload_is_counted_and_not_shown(void **state)
{
	struct modem_tap t = {.kind = MODEM_TAP_PAYLOAD, .out = true, .link = 3, BYTES("hidden"),
		.total = 1460, .announced = 1460};

	(void)state;
	assert_string_equal(text(t, false), "> [1460 bytes, link 3]");
	t.out = false;
	t.link = -1;
	t.announced = 2000;
	assert_string_equal(text(t, false), "< [1460 of 2000 bytes]");
}

static void payload_that_was_asked_for_is_quoted_and_cut(void **state)
{
	struct modem_tap t = {.kind = MODEM_TAP_PAYLOAD, .link = 0, BYTES("hello\r\n"), .total = 7,
		.announced = 7};
	char many[200];

	(void)state;
	assert_string_equal(text(t, true), "< [7 bytes, link 0] \"hello\\r\\n\"");
	memset(many, 0xff, sizeof(many));
	t.p = (const uint8_t *)many;
	t.n = t.total = t.announced = sizeof(many);
	assert_non_null(strstr(text(t, true), "\\xff\\xff\"..."));
	assert_int_equal(strlen(text(t, true)), strlen("< [200 bytes, link 0] \"\"...") + 64 * 4);
}

static void the_longest_line_of_the_worst_bytes_fits(void **state)
{
	char many[512];

	(void)state;
	memset(many, '\x01', sizeof(many));
	assert_true(strlen(text((struct modem_tap){.kind = MODEM_TAP_LINE, .link = -1,
		.p = (const uint8_t *)many, .n = sizeof(many)}, false)) < DIALOGUE_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_stand_as_they_crossed),
		cmocka_unit_test(payload_is_counted_and_not_shown),
		cmocka_unit_test(payload_that_was_asked_for_is_quoted_and_cut),
		cmocka_unit_test(the_longest_line_of_the_worst_bytes_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

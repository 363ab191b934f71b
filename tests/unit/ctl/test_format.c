/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"

/* What a function prints to stdout. */
static char printed[4096];

static void capture(void (*print)(void))
{
	char path[] = "/tmp/gwd-test-XXXXXX";
	int file = mkstemp(path), saved = dup(STDOUT_FILENO);
	ssize_t n;

	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	print();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	n = pread(file, printed, sizeof(printed) - 1, 0);
	assert_true(n >= 0);
	printed[n] = '\0';
	close(file);
	close(saved);
	unlink(path);
}

static void ages_have_two_units_at_most(void **state)
{
	(void)state;
	assert_string_equal(format_age(0).s, "0.0s");
	assert_string_equal(format_age(3.21).s, "3.2s");
	assert_string_equal(format_age(47.9).s, "47s");
	assert_string_equal(format_age(250).s, "4m10s");
	assert_string_equal(format_age(11520).s, "3h12m");
	assert_string_equal(format_age(460000).s, "5d07h");
	assert_string_equal(format_age(-5).s, "0.0s");
	assert_string_equal(format_age(1e300).s, "46296d07h"); /* a clock gone wrong */
}

static void bytes_and_rates_have_si_units(void **state)
{
	(void)state;
	assert_string_equal(format_bytes(0).s, "0 B");
	assert_string_equal(format_bytes(999).s, "999 B");
	assert_string_equal(format_bytes(1000).s, "1.0 kB");
	assert_string_equal(format_bytes(99949).s, "99.9 kB");
	assert_string_equal(format_bytes(123456).s, "123 kB");
	assert_string_equal(format_bytes(999999).s, "1.0 MB");
	assert_string_equal(format_bytes(7.4e14).s, "740 TB");
	assert_string_equal(format_rate(11059).s, "11.1 kB/s");
	assert_string_equal(format_share(0.967).s, "97 %");
}

static void signal_and_registration_have_words(void **state)
{
	(void)state;
	assert_string_equal(format_signal(-67), "excellent");
	assert_string_equal(format_signal(-93), "fair");
	assert_string_equal(format_signal(-94), "weak");
	assert_string_equal(format_registration(1), "home network");
	assert_string_equal(format_registration(5), "roaming");
	assert_string_equal(format_registration(-1), "unknown");
	assert_string_equal(format_registration(99), "unknown");
}

static void expect_clean(const char *in, const char *out)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", in);
	assert_string_equal(text_clean(text), out);
}

static void text_from_the_air_cannot_steer_a_terminal(void **state)
{
	(void)state;
	expect_clean("Telekom.de", "Telekom.de");
	expect_clean("Orange F\303\251", "Orange F\303\251");
	expect_clean("\033[2J\033]0;x\007", "?[2J?]0;x?");
	expect_clean("a\nb\tc\rd\177", "a?b?c?d?");
	expect_clean("\302\2332J", "?2J"); /* CSI as one code point */
	expect_clean("\342\200\256evil", "?evil"); /* right to left */
	expect_clean("\360\237\223\241", "\360\237\223\241");
}

static void text_that_is_no_utf8_is_replaced_byte_by_byte(void **state)
{
	(void)state;
	expect_clean("\377\376", "??");
	expect_clean("\2335m", "?5m"); /* CSI of an 8-bit terminal */
	expect_clean("\300\200", "??"); /* overlong */
	expect_clean("\355\240\200", "???"); /* a surrogate */
	expect_clean("\364\220\200\200", "????"); /* beyond Unicode */
	expect_clean("x\303", "x?"); /* cut off */
	expect_clean("x\342\202", "x??");
}

static void print_lines(void)
{
	text_print("[modem]\n\tapn = a\033b\n", stdout);
}

static void text_of_several_lines_keeps_them(void **state)
{
	(void)state;
	capture(print_lines);
	assert_string_equal(printed, "[modem]\n\tapn = a?b\n");
}

static const struct column columns[] = {
	{"NAME", false}, {"SIZE", true}, {"NOTE", false}, {"LAST", false},
};

static void print_table(void)
{
	struct table t;

	table_init(&t, columns, 4);
	for (int i = 1; i <= 2; i++) {
		table_add(&t, "%s%s%s", colour(i == 2, COLOUR_BAD), i == 1 ? "\303\251t\303\251" : "a",
			colour_end(i == 2));
		table_add(&t, "%d", i * 99999);
		table_add(&t, "%s", "");
		table_add(&t, "%s", i == 1 ? "x" : "");
	}
	table_print(&t, false);
}

static void columns_are_as_wide_as_what_they_hold_and_empty_ones_are_left_out(void **state)
{
	(void)state;
	capture(print_table);
	assert_string_equal(printed, "NAME    SIZE  LAST\n"
				     "\303\251t\303\251    99999  x\n"
				     "\033[31ma\033[0m     199998\n");
}

static void print_empty_table(void)
{
	struct table t;

	table_init(&t, columns, 4);
	table_print(&t, true);
}

static void a_table_without_rows_is_its_heads(void **state)
{
	(void)state;
	capture(print_empty_table);
	assert_string_equal(printed, "\033[1mNAME  SIZE  NOTE  LAST\033[0m\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_have_two_units_at_most),
		cmocka_unit_test(bytes_and_rates_have_si_units),
		cmocka_unit_test(signal_and_registration_have_words),
		cmocka_unit_test(text_from_the_air_cannot_steer_a_terminal),
		cmocka_unit_test(text_that_is_no_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(text_of_several_lines_keeps_them),
		cmocka_unit_test(columns_are_as_wide_as_what_they_hold_and_empty_ones_are_left_out),
		cmocka_unit_test(a_table_without_rows_is_its_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

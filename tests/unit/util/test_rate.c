/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "util/rate.h"

#define START SEC(100000)

static void nothing_counted_is_no_rate(void **state)
{
	const struct rate r = {0};

	(void)state;
	assert_int_equal(rate_get(&r, 0), 0);
	assert_int_equal(rate_get(&r, START), 0);
}

static void a_steady_flow_has_its_rate_at_any_moment(void **state)
{
	struct rate r = {0};

	(void)state;
	for (usec_t t = 0; t < SEC(5); t += MSEC(10))
		rate_add(&r, START + t, 100);
	for (usec_t t = SEC(5); t < SEC(6); t += MSEC(10)) {
		rate_add(&r, START + t, 100);
		assert_in_range(rate_get(&r, START + t), 9900, 10100);
	}
}

static void what_is_older_than_the_window_is_forgotten(void **state)
{
	struct rate r = {0};

	(void)state;
	rate_add(&r, START, 20000);
	assert_int_equal(rate_get(&r, START), 10000);
	assert_int_not_equal(rate_get(&r, START + MSEC(2200)), 0);
	assert_int_equal(rate_get(&r, START + MSEC(2250)), 0);
	assert_int_equal(rate_get(&r, START + SEC(3600)), 0);
	rate_add(&r, START + SEC(3600), 10);
	assert_int_equal(rate_get(&r, START + SEC(3600)), 5);
}

static void a_pause_shorter_than_the_window_keeps_what_came_before(void **state)
{
	struct rate r = {0};

	(void)state;
	rate_add(&r, START, 1000);
	rate_add(&r, START + SEC(1), 1000);
	assert_int_equal(rate_get(&r, START + SEC(1)), 1000);
	assert_int_equal(rate_get(&r, START + SEC(3)), 500);
}

static void asking_before_anything_new_does_not_count_the_future(void **state)
{
	struct rate r = {0};

	(void)state;
	rate_add(&r, START, 4000);
	assert_int_equal(rate_get(&r, START - SEC(10)), 0);
}

static void more_than_a_slot_holds_is_cut_and_does_not_wrap(void **state)
{
	struct rate r = {0};

	(void)state;
	rate_add(&r, START, UINT32_MAX);
	rate_add(&r, START, UINT64_MAX);
	assert_int_equal(rate_get(&r, START), UINT32_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_counted_is_no_rate),
		cmocka_unit_test(a_steady_flow_has_its_rate_at_any_moment),
		cmocka_unit_test(what_is_older_than_the_window_is_forgotten),
		cmocka_unit_test(a_pause_shorter_than_the_window_keeps_what_came_before),
		cmocka_unit_test(asking_before_anything_new_does_not_count_the_future),
		cmocka_unit_test(more_than_a_slot_holds_is_cut_and_does_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

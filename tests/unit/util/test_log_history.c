/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/log.h"

struct seen {
	unsigned n;
	int64_t times[2]; /* of the first and the last */
	enum log_level first, last;
	char oldest[LOG_LINE_MAX + 1], newest[LOG_LINE_MAX + 1];
};

static void see(void *user, int64_t when, enum log_level level, const char *line)
{
	struct seen *s = user;

	if (s->n++ == 0) {
		s->times[0] = when;
		s->first = level;
		snprintf(s->oldest, sizeof(s->oldest), "%s", line);
	}
	s->times[1] = when;
	s->last = level;
	snprintf(s->newest, sizeof(s->newest), "%s", line);
}

static struct seen history(unsigned lines)
{
	struct seen s = {0};
	unsigned n = log_history(lines, see, &s);

	assert_int_equal(n, s.n);
	return s;
}

static unsigned printed;

static void count(enum log_level level, const char *line)
{
	(void)level, (void)line;
	printed++;
}

static int fresh(void **state)
{
	(void)state;
	printed = 0;
	log_history_clear();
	log_set_sink(count);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	log_set_sink(NULL);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static void lines_come_back_in_order_with_their_level_and_time(void **state)
{
	int64_t before = (int64_t)time(NULL) * 1000000;
	struct seen s;

	(void)state;
	log_warn("link 3: late");
	log_info("up");
	s = history(10);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.oldest, "link 3: late");
	assert_string_equal(s.newest, "up");
	assert_int_equal(s.first, LOG_LEVEL_WARN);
	assert_int_equal(s.last, LOG_LEVEL_INFO);
	assert_true(s.times[0] >= before && s.times[1] >= s.times[0]);
	assert_true(s.times[1] < before + 60 * INT64_C(1000000));
}

static void only_the_last_lines_asked_for_are_told(void **state)
{
	struct seen s;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		log_info("line %u", i);
	s = history(3);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.oldest, "line 7");
	assert_int_equal(history(0).n, 0);
}

static void info_is_kept_whatever_the_level_says(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	log_info("a normal day");
	assert_int_equal(printed, 0);
	assert_string_equal(history(10).newest, "a normal day");
}

static void detail_is_kept_only_while_it_is_on(void **state)
{
	(void)state;
	log_debug("flow 1");
	assert_int_equal(history(10).n, 0);
	log_set_level(LOG_LEVEL_TRACE);
	log_debug("flow 2");
	log_trace("AT");
	assert_int_equal(history(10).n, 2);
}

static void the_thousand_and_first_line_pushes_the_first_out(void **state)
{
	struct seen s;

	(void)state;
	for (unsigned i = 0; i <= LOG_HISTORY_LINES; i++)
		log_info("line %u", i);
	s = history(UINT32_MAX);
	assert_int_equal(s.n, LOG_HISTORY_LINES);
	assert_string_equal(s.oldest, "line 1");
	assert_string_equal(s.newest, "line 1000");
}

/* Lengths that wrap the ring at all places, for many times its size. */
static void long_lines_leave_room_for_fewer_and_stay_whole(void **state)
{
	struct seen s;
	char text[2000];

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		memset(text, 'a' + (int)(i % 26), sizeof(text));
		text[i % sizeof(text)] = '\0';
		log_info("%s", text);
		s = history(1);
		assert_int_equal(strlen(s.newest),
			i % sizeof(text) < LOG_LINE_MAX ? i % sizeof(text) : LOG_LINE_MAX);
		if (s.newest[0])
			assert_int_equal(strspn(s.newest, (char[]){s.newest[0], 0}),
				strlen(s.newest));
	}
	s = history(UINT32_MAX);
	assert_true(s.n > 120 && s.n < LOG_HISTORY_LINES);
	assert_int_equal(strspn(s.oldest, (char[]){s.oldest[0], 0}), strlen(s.oldest));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, leave)
	const struct CMUnitTest tests[] = {
		CASE(lines_come_back_in_order_with_their_level_and_time),
		CASE(only_the_last_lines_asked_for_are_told),
		CASE(info_is_kept_whatever_the_level_says),
		CASE(detail_is_kept_only_while_it_is_on),
		CASE(the_thousand_and_first_line_pushes_the_first_out),
		CASE(long_lines_leave_room_for_fewer_and_stay_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

static char last[2048];
static unsigned lines;

static void keep(enum log_level level, const char *line)
{
	(void)level;
	lines++;
	snprintf(last, sizeof(last), "%s", line);
}

static int sink(void **state)
{
	(void)state;
	lines = 0;
	last[0] = '\0';
	log_set_sink(keep);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int no_sink(void **state)
{
	(void)state;
	log_set_sink(NULL);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static void lines_above_the_level_are_not_even_formatted(void **state)
{
	unsigned evaluated = 0;

	(void)state;
	log_debug("%u", ++evaluated);
	assert_int_equal(lines, 0);
	assert_int_equal(evaluated, 0);
	log_info("%u", ++evaluated);
	assert_int_equal(lines, 1);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("flow %u", 7);
	assert_string_equal(last, "flow 7");
}

static void a_line_too_long_is_cut(void **state)
{
	char text[4000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	assert_int_equal(lines, 1);
	assert_true(strlen(last) < 1100);
}

static void bytes_from_outside_become_printable(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(log_quote(buf, sizeof(buf), "ab\r\n\x1b\x7f\xff\0\\\"", 10),
		"ab\\r\\n\\x1b\\x7f\\xff\\x00\\x5c\"");
	assert_string_equal(log_quote(buf, sizeof(buf), "", 0), "");
}

/* In a buffer of each size, at its very end, so that a sanitizer sees one byte too many. */
static void what_does_not_fit_ends_in_dots(void **state)
{
	(void)state;
	for (size_t size = 8; size < 64; size++) {
		char *buf = malloc(size);
		size_t n;

		log_quote(buf, size, "\r\n\x01\x02plain\xff\xff\xff\xff\xff\xff\xff\xff\xff", 18);
		n = strlen(buf);
		assert_true(n < size);
		if (n < 2 * 2 + 2 * 4 + 5 + 9 * 4)
			assert_string_equal(buf + n - 3, "...");
		free(buf);
	}
}

/* What a line looks like on stderr with this JOURNAL_STREAM. */
static const char *on_stderr(const char *stream)
{
	static char text[128];
	int saved = dup(STDERR_FILENO), fd[2];
	struct stat st;
	char own[64];
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	dup2(fd[1], STDERR_FILENO);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(own, sizeof(own), "%lu:%lu", (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	if (stream)
		setenv("JOURNAL_STREAM", *stream ? stream : own, 1);
	else
		unsetenv("JOURNAL_STREAM");
	log_open();
	log_warn("link 3: late");
	n = read(fd[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd[0]);
	close(fd[1]);
	unsetenv("JOURNAL_STREAM");
	log_open();
	assert_true(n > 0);
	text[n] = '\0';
	return text;
}

static void the_priority_prefix_is_for_the_journal_only(void **state)
{
	(void)state;
	assert_string_equal(on_stderr(NULL), "warn: link 3: late\n");
	assert_string_equal(on_stderr("1:1"), "warn: link 3: late\n");
	assert_string_equal(on_stderr("x"), "warn: link 3: late\n");
	assert_string_equal(on_stderr(""), "<4>link 3: late\n");
}

static void every_level_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(log_level_name(LOG_LEVEL_ERROR), "error");
	assert_string_equal(log_level_name(LOG_LEVEL_TRACE), "trace");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			lines_above_the_level_are_not_even_formatted, sink, no_sink),
		cmocka_unit_test_setup_teardown(a_line_too_long_is_cut, sink, no_sink),
		cmocka_unit_test(bytes_from_outside_become_printable),
		cmocka_unit_test(what_does_not_fit_ends_in_dots),
		cmocka_unit_test(the_priority_prefix_is_for_the_journal_only),
		cmocka_unit_test(every_level_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

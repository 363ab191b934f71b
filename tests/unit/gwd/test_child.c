/* SPDX-License-Identifier: BSD-3-Clause */
/* Real programs: what they print, and how their end is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"
#include "util/log.h"

#define LIMIT_S 60. /* never reached */

static struct {
	struct ev_loop *loop;
	struct child child;
	unsigned lines, warnings, ends;
	int status;
	char last[512];
} w;

static void on_log(enum log_level level, const char *line)
{
	w.warnings += level == LOG_LEVEL_WARN;
	w.lines += level == LOG_LEVEL_INFO;
	strncpy(w.last, line, sizeof(w.last) - 1);
}

static void on_done(struct child *s, int status)
{
	(void)s;
	w.ends++;
	w.status = status;
	ev_break(w.loop, EVBREAK_ALL);
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	log_set_sink(on_log);
	w.loop = ev_default_loop(EVFLAG_AUTO);
	child_init(&w.child, w.loop, "program", on_done, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_set_sink(NULL);
	ev_loop_destroy(w.loop);
	return 0;
}

/* Until the program has ended. */
static void run(const char *text)
{
	char sh[] = "/bin/sh", c[] = "-c", script[512], path[] = "PATH=/usr/bin:/bin";
	char *argv[] = {sh, c, script, NULL}, *envp[] = {path, NULL};

	strncpy(script, text, sizeof(script) - 1);
	script[sizeof(script) - 1] = '\0';
	assert_int_equal(child_run(&w.child, argv, envp, LIMIT_S), 0);
	assert_int_equal(child_run(&w.child, argv, envp, LIMIT_S), -EBUSY);
	ev_run(w.loop, 0);
	assert_int_equal(w.ends, 1);
	assert_false(child_running(&w.child));
}

static void what_it_prints_and_its_status_are_told(void **state)
{
	(void)state;
	run("echo one; printf 'tw\\033o' >&2; exit 7");
	assert_int_equal(w.lines, 2);
	assert_string_equal(w.last, "program: tw\\x1bo");
	assert_true(WIFEXITED(w.status));
	assert_int_equal(WEXITSTATUS(w.status), 7);
}

static void one_that_does_not_stop_printing_is_cut_off_once(void **state)
{
	(void)state;
	run("i=0; while [ $i -lt 101 ]; do echo x; i=$((i+1)); done;"
	    "while [ $i -lt 300 ]; do echo; i=$((i+1)); done;"
	    "while [ $i -lt 400 ]; do echo x; i=$((i+1)); done");
	assert_int_equal(w.lines, 100);
	assert_int_equal(w.warnings, 1);
}

static void it_has_nothing_to_read(void **state)
{
	(void)state;
	run("read x || echo the end");
	assert_string_equal(w.last, "program: the end");
}

static void one_that_is_missing_is_told_at_once(void **state)
{
	char path[] = "/nonexistent/program", *argv[] = {path, NULL}, *envp[] = {NULL};

	int rc;

	(void)state;
	rc = child_run(&w.child, argv, envp, LIMIT_S);
	if (rc == 0) { /* under valgrind posix_spawn() cannot know it; the shells' status does */
		ev_run(w.loop, 0);
		assert_int_equal(WEXITSTATUS(w.status), 127);
		return;
	}
	assert_int_equal(rc, -ENOENT);
	assert_false(child_running(&w.child));
	assert_int_equal(w.ends, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_it_prints_and_its_status_are_told),
		T(one_that_does_not_stop_printing_is_cut_off_once),
		T(it_has_nothing_to_read),
		T(one_that_is_missing_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

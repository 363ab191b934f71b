/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service manager reads from its socket; the manager is played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notify.h"
#include "util/log.h"

static struct {
	struct ev_loop *loop;
	struct notify notify;
	int manager;
	bool sane;
	unsigned asked, errors, warnings;
	char name[64], last[512];
} w;

static void on_log(enum log_level level, const char *line)
{
	(void)line;
	w.errors += level == LOG_LEVEL_ERROR;
	w.warnings += level == LOG_LEVEL_WARN;
}

static bool is_sane(void *user)
{
	assert_ptr_equal(user, &w);
	w.asked++;
	return w.sane;
}

/* An abstract socket: nothing to clean up. */
static int setup(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int len = snprintf(w.name, sizeof(w.name), "@gwd-test-notify-%d", getpid());

	(void)state;
	memcpy(sa.sun_path + 1, w.name + 1, (size_t)len - 1);
	w.manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w.manager, (struct sockaddr *)&sa,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)),
		0);
	w.loop = ev_default_loop(EVFLAG_AUTO);
	w.sane = true;
	w.asked = w.errors = w.warnings = 0;
	log_set_sink(on_log);
	setenv("NOTIFY_SOCKET", w.name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	notify_close(&w.notify);
	close(w.manager);
	ev_loop_destroy(w.loop);
	log_set_sink(NULL);
	return 0;
}

static void open_notify(void)
{
	notify_open(&w.notify, w.loop, is_sane, &w);
}

/* The next message; NULL: there is none. */
static const char *heard(void)
{
	ssize_t n = recv(w.manager, w.last, sizeof(w.last) - 1, 0);

	w.last[n > 0 ? n : 0] = '\0';
	return n > 0 ? w.last : NULL;
}

static void phases_and_status_are_told_in_one_message(void **state)
{
	(void)state;
	open_notify();
	assert_true(notify_wanted(&w.notify));
	notify_status(&w.notify, "probe");
	assert_string_equal(heard(), "STATUS=probe\n");
	notify_phase(&w.notify, NOTIFY_READY);
	assert_string_equal(heard(), "READY=1\nSTATUS=probe\n");
	notify_status(&w.notify, "up: 10.0.0.2, LTE, -71 dBm");
	assert_string_equal(heard(), "READY=1\nSTATUS=up: 10.0.0.2, LTE, -71 dBm\n");
	notify_phase(&w.notify, NOTIFY_STOPPING);
	assert_string_equal(heard(), "STOPPING=1\nSTATUS=up: 10.0.0.2, LTE, -71 dBm\n");
	notify_phase(&w.notify, NOTIFY_READY); /* a late reload */
	assert_null(heard());
}

static void the_same_status_is_told_once(void **state)
{
	(void)state;
	open_notify();
	notify_status(&w.notify, "up");
	assert_non_null(heard());
	notify_status(&w.notify, "up");
	assert_null(heard());
}

static void a_status_cannot_bring_variables_of_its_own(void **state)
{
	char text[4 * NOTIFY_TEXT_MAX];

	(void)state;
	open_notify();
	notify_status(&w.notify, "x\nMAINPID=1\n\033[2J");
	assert_string_equal(heard(), "STATUS=x MAINPID=1  [2J\n");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	notify_status(&w.notify, text);
	assert_int_equal(strlen(heard()), strlen("STATUS=\n") + NOTIFY_TEXT_MAX - 1);
}

static void a_reload_names_its_begin(void **state)
{
	unsigned long long usec;
	int end = 0;

	(void)state;
	open_notify();
	notify_phase(&w.notify, NOTIFY_RELOADING);
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=\n%n", &usec, &end), 1);
	assert_true(usec > 0 && end > 0);
}

static void the_environment_is_taken_away(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	open_notify();
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
}

static void nobody_asked_nothing_happens(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "1000", 1);
	open_notify();
	assert_false(notify_wanted(&w.notify));
	notify_status(&w.notify, "up");
	notify_phase(&w.notify, NOTIFY_READY);
	ev_run(w.loop, 0); /* no watcher is active: it returns */
	assert_null(heard());
	assert_int_equal(w.asked, 0);
}

static void an_address_of_another_kind_is_a_warning(void **state)
{
	static const char *const bad[] = {"vsock:2:1234", "relative", "", "@", "/"};
	char text[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		open_notify();
		assert_false(notify_wanted(&w.notify));
	}
	memset(text, '/', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	setenv("NOTIFY_SOCKET", text, 1);
	open_notify();
	assert_false(notify_wanted(&w.notify));
	assert_int_equal(w.warnings, 6);
}

static void ask_watchdog(const char *usec, int pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	setenv("WATCHDOG_USEC", usec, 1);
	setenv("WATCHDOG_PID", text, 1);
	open_notify();
	assert_false(ev_is_active(&w.notify.watchdog)); /* not before READY */
	notify_phase(&w.notify, NOTIFY_READY);
	heard();
}

static void signs_of_life_come_every_half_of_the_time(void **state)
{
	(void)state;
	ask_watchdog("40000", getpid());
	assert_true(w.notify.watchdog.repeat > 0.019 && w.notify.watchdog.repeat < 0.021);
	for (unsigned i = 1; i <= 2; i++) {
		ev_run(w.loop, EVRUN_ONCE);
		assert_int_equal(w.asked, i);
		assert_string_equal(heard(), "WATCHDOG=1\n");
	}
}

static void a_loop_that_gets_nothing_done_shows_no_life(void **state)
{
	(void)state;
	w.sane = false;
	ask_watchdog("20000", getpid());
	ev_run(w.loop, EVRUN_ONCE);
	assert_int_equal(w.asked, 1);
	assert_int_equal(w.errors, 1);
	assert_null(heard());
}

static void a_watchdog_of_another_process_is_not_ours(void **state)
{
	(void)state;
	ask_watchdog("20000", getppid());
	assert_false(ev_is_active(&w.notify.watchdog));
}

static void a_watchdog_time_that_is_none_is_no_watchdog(void **state)
{
	static const char *const bad[] = {"0", "", "-1", "1s", "99999999999999999999999"};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NOTIFY_SOCKET", w.name, 1);
		ask_watchdog(bad[i], getpid());
		assert_false(ev_is_active(&w.notify.watchdog));
		notify_close(&w.notify);
	}
}

/* Fills the manager's queue. */
static unsigned stuff(void)
{
	struct notify other = {.fd = -1};
	unsigned n = 0;

	setenv("NOTIFY_SOCKET", w.name, 1);
	notify_open(&other, w.loop, is_sane, &w);
	while (n < 100000 && !ev_is_active(&other.again)) {
		notify_phase(&other, NOTIFY_READY);
		n++;
	}
	notify_close(&other);
	return n - 1;
}

static void a_manager_that_is_busy_gets_the_newest_state_later(void **state)
{
	unsigned n;

	(void)state;
	open_notify();
	n = stuff();
	notify_phase(&w.notify, NOTIFY_READY);
	notify_status(&w.notify, "old");
	notify_status(&w.notify, "new");
	assert_true(ev_is_active(&w.notify.again));
	while (n-- > 0)
		assert_string_equal(heard(), "READY=1\nSTATUS=\n");
	assert_null(heard());
	ev_run(w.loop, EVRUN_ONCE);
	assert_string_equal(heard(), "READY=1\nSTATUS=new\n");
	assert_false(ev_is_active(&w.notify.again));
}

static void a_sign_of_life_waits_for_a_busy_manager(void **state)
{
	unsigned n;

	(void)state;
	ask_watchdog("20000", getpid());
	n = stuff();
	ev_run(w.loop, EVRUN_ONCE);
	assert_int_equal(w.asked, 1);
	while (n-- > 0)
		assert_string_equal(heard(), "READY=1\nSTATUS=\n");
	ev_timer_stop(w.loop, &w.notify.watchdog);
	ev_run(w.loop, EVRUN_ONCE);
	assert_string_equal(heard(), "READY=1\nWATCHDOG=1\nSTATUS=\n");
	assert_null(heard());
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(phases_and_status_are_told_in_one_message),
		test(the_same_status_is_told_once),
		test(a_status_cannot_bring_variables_of_its_own),
		test(a_reload_names_its_begin),
		test(the_environment_is_taken_away),
		test(nobody_asked_nothing_happens),
		test(an_address_of_another_kind_is_a_warning),
		test(signs_of_life_come_every_half_of_the_time),
		test(a_loop_that_gets_nothing_done_shows_no_life),
		test(a_watchdog_of_another_process_is_not_ours),
		test(a_watchdog_time_that_is_none_is_no_watchdog),
		test(a_sign_of_life_waits_for_a_busy_manager),
		test(a_manager_that_is_busy_gets_the_newest_state_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

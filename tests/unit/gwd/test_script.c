/* SPDX-License-Identifier: BSD-3-Clause */
/* Which events interface.script hears, in what order; the program itself is played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static struct {
	struct config config;
	struct script script;
	char runs[512]; /* "up down " */
	char env[2048]; /* of the last run, one variable a line */
	bool running, missing;
	double limit;
	unsigned hurried, idle;
} w;

/* ---- child.h ---- */

void child_init(struct child *s, struct ev_loop *loop, const char *name,
	void (*done)(struct child *s, int status), void *user)
{
	*s = (struct child){.loop = loop, .name = name, .done = done, .user = user};
}

int child_run(struct child *s, char *const argv[], char *const envp[], double limit_s)
{
	(void)s;
	assert_false(w.running);
	assert_string_equal(argv[0], w.config.interface.script);
	assert_null(argv[1]);
	w.env[0] = '\0';
	for (unsigned i = 0; envp[i]; i++) {
		strcat(w.env, envp[i]);
		strcat(w.env, "\n");
		if (strncmp(envp[i], "GWD_EVENT=", 10) == 0) {
			strcat(w.runs, envp[i] + 10);
			strcat(w.runs, " ");
		}
	}
	w.limit = limit_s;
	w.running = !w.missing;
	return w.missing ? -ENOENT : 0;
}

bool child_running(const struct child *s)
{
	(void)s;
	return w.running;
}

void child_hurry(struct child *s, double limit_s)
{
	(void)s;
	if (w.running) {
		w.hurried++;
		w.limit = limit_s;
	}
}

void child_stop(struct child *s)
{
	(void)s;
	w.running = false;
}

const char *child_status(int status, char buf[CHILD_STATUS_LEN])
{
	snprintf(buf, CHILD_STATUS_LEN, "%d", status);
	return buf;
}

/* ---- what tests say ---- */

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	config_defaults(&w.config);
	strcpy(w.config.interface.script, "/etc/gwd/script");
	script_init(&w.script, NULL, &w.config);
	return 0;
}

static void up(const char *address, const char *dns)
{
	struct script_facts f;

	memset(&f, 0, sizeof(f));
	f.up = true;
	strcpy(f.ifname, "cell0");
	addr_parse(&f.address, address, strlen(address));
	f.prefix = f.address.family == 4 ? 32 : 128;
	f.mtu = 1500;
	f.metric = 700;
	if (dns) {
		addr_parse(&f.dns[0], dns, strlen(dns));
		addr_parse(&f.dns[1], "192.0.2.54", 10);
		f.n_dns = 2;
	}
	script_update(&w.script, &f);
}

static void down(void)
{
	script_update(&w.script, NULL);
}

static void ends(int status)
{
	assert_true(w.running);
	w.running = false;
	w.script.child.done(&w.script.child, status);
}

static void on_idle(void *user)
{
	(void)user;
	w.idle++;
}

/* ---- tests ---- */

static void the_facts_are_the_whole_environment(void **state)
{
	(void)state;
	up("10.1.2.3", "192.0.2.53");
	assert_string_equal(w.env,
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
		"GWD_EVENT=up\nGWD_IFNAME=cell0\nGWD_FAMILY=4\nGWD_ADDRESS=10.1.2.3\nGWD_PREFIX=32\n"
		"GWD_DNS=192.0.2.53 192.0.2.54\nGWD_DNS_MODE=auto\nGWD_MTU=1500\nGWD_METRIC=700\n"
		"GWD_DEFAULT_ROUTE=no\n");
	assert_true(w.limit == SCRIPT_LIMIT_S);
}

static void only_news_are_told(void **state)
{
	(void)state;
	down();
	assert_string_equal(w.runs, "");
	up("10.1.2.3", NULL);
	ends(0);
	up("10.1.2.3", NULL);
	assert_string_equal(w.runs, "up ");
	up("10.1.2.3", "192.0.2.53");
	ends(0);
	up("10.1.2.4", "192.0.2.53");
	ends(0);
	down();
	assert_non_null(strstr(w.env, "GWD_ADDRESS=10.1.2.4\n")); /* what goes away */
	ends(0);
	down();
	assert_string_equal(w.runs, "up change change down ");
}

static void events_gather_while_one_runs_and_the_newest_wins(void **state)
{
	(void)state;
	up("10.1.2.3", NULL);
	up("10.1.2.4", NULL);
	up("10.1.2.5", NULL);
	assert_string_equal(w.runs, "up ");
	ends(0);
	assert_string_equal(w.runs, "up change ");
	assert_non_null(strstr(w.env, "GWD_ADDRESS=10.1.2.5\n"));
	ends(0);
	assert_false(w.running);
}

static void a_down_between_two_ups_is_not_lost(void **state)
{
	(void)state;
	up("10.1.2.3", NULL);
	down();
	up("10.1.2.3", NULL);
	ends(0);
	ends(0);
	ends(0);
	assert_string_equal(w.runs, "up down up ");
	assert_false(w.running);
}

static void ups_and_downs_that_nobody_saw_are_not_told(void **state)
{
	(void)state;
	up("10.1.2.3", NULL);
	ends(0);
	down();
	for (unsigned i = 0; i < 5; i++) {
		up("10.1.2.3", NULL);
		down();
	}
	ends(0);
	assert_false(w.running);
	assert_string_equal(w.runs, "up down ");
}

static void a_script_that_fails_or_is_missing_is_told_the_next_event_all_the_same(void **state)
{
	(void)state;
	up("10.1.2.3", NULL);
	ends(256);
	w.missing = true;
	up("10.1.2.4", NULL);
	w.missing = false;
	down();
	assert_string_equal(w.runs, "up change down ");
}

static void at_the_end_it_is_told_down_in_a_hurry(void **state)
{
	(void)state;
	up("10.1.2.3", NULL);
	ends(0);
	script_stop(&w.script, on_idle, NULL);
	assert_string_equal(w.runs, "up down ");
	assert_true(w.limit < 2. && w.idle == 0);
	up("10.1.2.3", NULL); /* too late */
	ends(0);
	assert_string_equal(w.runs, "up down ");
	assert_int_equal(w.idle, 1);
}

static void a_run_under_way_at_the_end_is_cut_short_for_the_down(void **state)
{
	(void)state;
	up("10.1.2.3", NULL);
	script_stop(&w.script, on_idle, NULL);
	assert_true(w.limit < 1.);
	assert_string_equal(w.runs, "up ");
	ends(15);
	assert_string_equal(w.runs, "up down ");
	assert_int_equal(w.idle, 0);
	ends(0);
	assert_int_equal(w.idle, 1);
}

static void an_end_without_an_up_is_idle_at_once(void **state)
{
	(void)state;
	script_stop(&w.script, on_idle, NULL);
	assert_int_equal(w.idle, 1);
	assert_string_equal(w.runs, "");
}

static void without_a_script_nothing_runs(void **state)
{
	(void)state;
	w.config.interface.script[0] = '\0';
	up("10.1.2.3", NULL);
	strcpy(w.config.interface.script, "/etc/gwd/script"); /* a reload */
	up("10.1.2.3", NULL);
	assert_string_equal(w.runs, "");
	down();
	assert_string_equal(w.runs, "down ");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(the_facts_are_the_whole_environment),
		T(only_news_are_told),
		T(events_gather_while_one_runs_and_the_newest_wins),
		T(a_down_between_two_ups_is_not_lost),
		T(ups_and_downs_that_nobody_saw_are_not_told),
		T(a_script_that_fails_or_is_missing_is_told_the_next_event_all_the_same),
		T(at_the_end_it_is_told_down_in_a_hurry),
		T(a_run_under_way_at_the_end_is_cut_short_for_the_down),
		T(an_end_without_an_up_is_idle_at_once),
		T(without_a_script_nothing_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers of the module: starting, stopping, and what an earlier life left. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#define PEER "10.164.6.156:59371"
#define NOT_STARTED(i) "\r\n+SERVERSTOP: " i ",4\r\n" ERR
#define STOPPED(i) "\r\n+SERVERSTOP: " i ",0\r\n" OK

static struct fake *listener(void **state)
{
	fake_listen(*state, 0, 8080);
	return *state;
}

/* ---- starting and stopping ---- */

static void listen_starts_the_server_and_says_so(void **state)
{
	struct fake *f = *state;

	assert_int_equal(modem_listen(f->m, 2, 8080), 0);
	fake_run(f);
	assert_said(f, "AT+SERVERSTART=8080,2\n");
	assert_string_equal(f->log, "listening(2,ok) ");
	assert_int_equal(modem_server_state(f->m, 2), MODEM_SERVER_LISTENING);
	assert_int_equal(modem_listen(f->m, 2, 8080), 0);
	fake_run(f);
	assert_int_equal(fake_count(f->said, "AT+SERVERSTART="), 1);
}

static void what_is_no_server_is_refused(void **state)
{
	struct fake *f = *state;

	assert_int_equal(modem_listen(f->m, 4, 8080), -EINVAL);
	assert_int_equal(modem_listen(f->m, 0, 0), -EINVAL);
	modem_unlisten(f->m, 4);
	modem_unlisten(f->m, 0);
	fake_run(f);
	assert_string_equal(f->said, "");
}

static void unlisten_stops_it_whatever_comes_first(void **state)
{
	static const char *const answers[] = {STOPPED("0"), OK "\r\n+SERVERSTOP: 0,0\r\n"};
	struct fake *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		fake_listen(f, 0, 8080);
		fake_rule(f, "AT+SERVERSTOP=0", answers[i]);
		modem_unlisten(f->m, 0);
		fake_run(f);
		assert_said(f, "AT+SERVERSTOP=0\n");
		assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
	}
}

static void stop_without_its_result_is_asked_about(void **state)
{
	struct fake *f = listener(state);

	modem_unlisten(f->m, 0);
	fake_run(f);
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_STOPPING);
	fake_advance(f, SEC(10));
	assert_said(f, "AT+SERVERSTART?\n");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
}

static void stop_that_is_refused_because_clients_are_there_is_tried_again(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTOP=0", NOT_STARTED("0"));
	fake_rule(f, "AT+SERVERSTART?", "\r\n+SERVERSTART: 0,8080\r\n" OK);
	modem_unlisten(f->m, 0);
	fake_advance(f, SEC(30));
	assert_in_range(fake_count(f->said, "AT+SERVERSTOP=0"), 3, 8);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	fake_advance(f, SEC(64));
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
}

static void stop_of_what_is_not_started_is_fine(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTOP=0", NOT_STARTED("0"));
	modem_unlisten(f->m, 0);
	fake_run(f);
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
	assert_int_equal(fake_count(f->said, "AT+SERVERSTOP=0"), 1);
}

static void another_port_stops_the_server_first(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_listen(f->m, 0, 9090);
	fake_run(f);
	assert_string_equal(f->said, "AT+SERVERSTOP=0\nAT+SERVERSTART=9090,0\n");
	assert_string_equal(f->log, "listening(0,ok) ");
}

static void change_of_mind_during_the_start_is_obeyed(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+SERVERSTART=", NULL);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_listen(f->m, 0, 8080);
	fake_run(f);
	modem_unlisten(f->m, 0);
	fake_say(f, OK);
	fake_run(f);
	assert_string_equal(f->said, "AT+SERVERSTART=8080,0\nAT+SERVERSTOP=0\n");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
}

static void expect_adoption(struct fake *f, const char *refusal)
{
	fake_rule(f, "AT+SERVERSTART=8080,0", refusal);
	fake_rule(f, "AT+SERVERSTART?", "\r\n+SERVERSTART: 0,8080\r\n" OK);
	modem_listen(f->m, 0, 8080);
	fake_run(f);
	assert_int_equal(fake_count(f->said, "AT+SERVERSTART=8080,0"), 1);
	assert_string_equal(f->log, "listening(0,ok) ");
}

static void already_listening_on_the_right_port_is_adopted(void **state)
{
	expect_adoption(*state, "\r\n+CIPERROR: 7\r\n" ERR);
}

static void already_listening_is_understood_as_text_and_as_bare_error(void **state)
{
	struct fake *f = *state;

	expect_adoption(f, "\r\n+IP ERROR: Server is already listening\r\n" ERR);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_unlisten(f->m, 0);
	fake_run(f);
	fake_clear(f);
	expect_adoption(f, ERR);
}

static void already_listening_on_a_wrong_port_is_stopped_first(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+SERVERSTART=8080,0", "\r\n+CIPERROR: 7\r\n" ERR);
	fake_rule_once(f, "AT+SERVERSTART?", "\r\n+SERVERSTART: 0,7000\r\n" OK);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_listen(f->m, 0, 8080);
	fake_run(f);
	assert_string_equal(f->said, "AT+SERVERSTART=8080,0\nAT+SERVERSTART?\nAT+SERVERSTOP=0\n"
		"AT+SERVERSTART=8080,0\n");
	assert_string_equal(f->log, "listening(0,ok) ");
}

static void already_listening_on_a_module_that_lists_nothing_is_stopped_first(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+SERVERSTART=8080,0", "\r\n+CIPERROR: 7\r\n" ERR);
	fake_rule(f, "AT+SERVERSTART?", ERR);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_listen(f->m, 0, 8080);
	fake_run(f);
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_LISTENING);
}

static void refusal_is_told_and_tried_again_ever_less_often(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+SERVERSTART=", "\r\n+CIPERROR: 6\r\n" ERR);
	modem_listen(f->m, 0, 8080);
	fake_run(f);
	assert_string_equal(f->log, "listening(0,bind failed) ");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_FAILED);
	fake_advance(f, SEC(300));
	assert_in_range(fake_count(f->said, "AT+SERVERSTART=8080,0"), 5, 12);
	assert_string_equal(f->log, "listening(0,bind failed) ");
	fake_rule(f, "AT+SERVERSTART=", OK);
	fake_advance(f, SEC(65));
	assert_string_equal(f->log, "listening(0,bind failed) listening(0,ok) ");
}

static void server_that_stopped_by_itself_is_found_by_the_watch(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTART?", OK);
	fake_advance(f, SEC(310));
	assert_said(f, "AT+SERVERSTART?\nAT+SERVERSTART=8080,0\n");
}

static void watch_does_not_ask_without_a_server(void **state)
{
	struct fake *f = *state;

	fake_clear(f);
	fake_advance(f, SEC(700));
	assert_not_said(f, "SERVER");
}

/* ---- the bearer comes and goes ---- */

static void servers_start_when_the_bearer_comes_up(void **state)
{
	struct fake *f = fake_new();

	(void)state;
	fake_attach(f);
	modem_listen(f->m, 0, 8080);
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_STARTING);
	fake_advance(f, SEC(30));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_said(f, "AT+SERVERSTART=8080,0\n");
	assert_not_said(f, "AT+SERVERSTART?"); /* the network was closed: nothing can be left */
	fake_free(f);
}

static void reboot_starts_them_again(void **state)
{
	struct fake *f = listener(state);

	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_STARTING);
	fake_advance(f, SEC(30));
	assert_said(f, "AT+SERVERSTART=8080,0\n");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_LISTENING);
}

/* A host that was killed and starts again: the module still listens. */
static struct fake *left_over(const char *list)
{
	struct fake *f = fake_new();

	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule_once(f, "AT+SERVERSTART?", list);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	fake_rule(f, "AT+SERVERSTOP=1", STOPPED("1"));
	fake_attach(f);
	return f;
}

static void left_over_that_is_wanted_is_adopted(void **state)
{
	struct fake *f = left_over("\r\n+SERVERSTART: 0,8080\r\n" OK);

	(void)state;
	modem_listen(f->m, 0, 8080);
	fake_advance(f, SEC(30));
	assert_not_said(f, "AT+SERVERSTART=");
	assert_not_said(f, "AT+SERVERSTOP");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_LISTENING);
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	assert_non_null(strstr(f->log, "listening(0,ok) accepted(0,0," PEER ") "));
	fake_free(f);
}

static void left_over_that_nobody_wants_is_stopped(void **state)
{
	struct fake *f = left_over("\r\n+SERVERSTART: 0,7000\r\n+SERVERSTART: 1,7001\r\n" OK);

	(void)state;
	modem_listen(f->m, 0, 8080);
	fake_advance(f, SEC(30));
	assert_said(f, "AT+SERVERSTOP=0\n");
	assert_said(f, "AT+SERVERSTOP=1\n");
	assert_said(f, "AT+SERVERSTART=8080,0\n");
	fake_free(f);
}

static void client_of_the_former_life_is_closed_when_the_bearer_is_up(void **state)
{
	struct fake *f = left_over("\r\n+SERVERSTART: 0,8080\r\n" OK);

	(void)state;
	fake_rule(f, "AT+CIPOPEN?", "\r\n+CLIENT: 3,0," PEER "\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE=3", OK "\r\n+CIPCLOSE: 3,0\r\n");
	modem_listen(f->m, 0, 8080);
	fake_advance(f, SEC(30));
	assert_said(f, "AT+CIPCLOSE=3\n");
	assert_null(strstr(f->log, "accepted"));
	fake_free(f);
}

static void shutdown_stops_servers_before_the_network(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+NETCLOSE: 0\r\n");
	modem_shutdown(f->m, f->now);
	fake_advance(f, SEC(1));
	assert_string_equal(f->said, "AT+SERVERSTOP=0\nAT+NETCLOSE\n");
}

static void shutdown_does_not_wait_for_a_server_that_will_not_stop(void **state)
{
	struct fake *f = listener(state);

	modem_shutdown(f->m, f->now);
	fake_advance(f, SEC(4));
	assert_non_null(strstr(f->log, "stopped "));
}

#define test(f) cmocka_unit_test_setup_teardown(f, fake_setup_up, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(listen_starts_the_server_and_says_so),
		test(what_is_no_server_is_refused),
		test(unlisten_stops_it_whatever_comes_first),
		test(stop_without_its_result_is_asked_about),
		test(stop_that_is_refused_because_clients_are_there_is_tried_again),
		test(stop_of_what_is_not_started_is_fine),
		test(another_port_stops_the_server_first),
		test(change_of_mind_during_the_start_is_obeyed),
		test(already_listening_on_the_right_port_is_adopted),
		test(already_listening_is_understood_as_text_and_as_bare_error),
		test(already_listening_on_a_wrong_port_is_stopped_first),
		test(already_listening_on_a_module_that_lists_nothing_is_stopped_first),
		test(refusal_is_told_and_tried_again_ever_less_often),
		test(server_that_stopped_by_itself_is_found_by_the_watch),
		test(watch_does_not_ask_without_a_server),
		cmocka_unit_test(servers_start_when_the_bearer_comes_up),
		test(reboot_starts_them_again),
		cmocka_unit_test(left_over_that_is_wanted_is_adopted),
		cmocka_unit_test(left_over_that_nobody_wants_is_stopped),
		cmocka_unit_test(client_of_the_former_life_is_closed_when_the_bearer_is_up),
		test(shutdown_stops_servers_before_the_network),
		test(shutdown_does_not_wait_for_a_server_that_will_not_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

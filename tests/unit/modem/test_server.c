/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers of the module, and the clients that come to them. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER "10.164.6.156:59371"
#define NOT_STARTED(i) "\r\n+SERVERSTOP: " i ",4\r\n" ERR
#define STOPPED(i) "\r\n+SERVERSTOP: " i ",0\r\n" OK

static int setup(void **state)
{
	struct fake *f = fake_new();

	fake_up(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void run(struct fake *f)
{
	modem_run(f->m, f->now);
	fake_pump(f);
}

/* A server that listens, and nothing noted of how it came to. */
static void listening(struct fake *f, unsigned server, uint16_t port)
{
	assert_int_equal(modem_listen(f->m, server, port), 0);
	run(f);
	assert_int_equal(modem_server_state(f->m, server), MODEM_SERVER_LISTENING);
	fake_clear(f);
}

static struct fake *listener(void **state)
{
	listening(*state, 0, 8080);
	return *state;
}

/* ---- starting and stopping ---- */

static void listen_starts_the_server_and_says_so(void **state)
{
	struct fake *f = *state;

	assert_int_equal(modem_listen(f->m, 2, 8080), 0);
	run(f);
	assert_said(f, "AT+SERVERSTART=8080,2\n");
	assert_string_equal(f->log, "listening(2,ok) ");
	assert_int_equal(modem_server_state(f->m, 2), MODEM_SERVER_LISTENING);
	assert_int_equal(modem_listen(f->m, 2, 8080), 0);
	run(f);
	assert_int_equal(fake_count(f->said, "AT+SERVERSTART="), 1);
}

static void what_is_no_server_is_refused(void **state)
{
	struct fake *f = *state;

	assert_int_equal(modem_listen(f->m, 4, 8080), -EINVAL);
	assert_int_equal(modem_listen(f->m, 0, 0), -EINVAL);
	modem_unlisten(f->m, 4);
	modem_unlisten(f->m, 0);
	run(f);
	assert_string_equal(f->said, "");
}

static void unlisten_stops_it_whatever_comes_first(void **state)
{
	static const char *const answers[] = {STOPPED("0"), OK "\r\n+SERVERSTOP: 0,0\r\n"};
	struct fake *f = *state;

	for (unsigned i = 0; i < 2; i++) {
		listening(f, 0, 8080);
		fake_rule(f, "AT+SERVERSTOP=0", answers[i]);
		modem_unlisten(f->m, 0);
		run(f);
		assert_said(f, "AT+SERVERSTOP=0\n");
		assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
	}
}

static void stop_without_its_result_is_asked_about(void **state)
{
	struct fake *f = listener(state);

	modem_unlisten(f->m, 0);
	run(f);
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
	run(f);
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
	assert_int_equal(fake_count(f->said, "AT+SERVERSTOP=0"), 1);
}

static void another_port_stops_the_server_first(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_listen(f->m, 0, 9090);
	run(f);
	assert_string_equal(f->said, "AT+SERVERSTOP=0\nAT+SERVERSTART=9090,0\n");
	assert_string_equal(f->log, "listening(0,ok) ");
}

static void change_of_mind_during_the_start_is_obeyed(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+SERVERSTART=", NULL);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	modem_listen(f->m, 0, 8080);
	run(f);
	modem_unlisten(f->m, 0);
	fake_say(f, OK);
	run(f);
	assert_string_equal(f->said, "AT+SERVERSTART=8080,0\nAT+SERVERSTOP=0\n");
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_IDLE);
}

static void expect_adoption(struct fake *f, const char *refusal)
{
	fake_rule(f, "AT+SERVERSTART=8080,0", refusal);
	fake_rule(f, "AT+SERVERSTART?", "\r\n+SERVERSTART: 0,8080\r\n" OK);
	modem_listen(f->m, 0, 8080);
	run(f);
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
	run(f);
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
	run(f);
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
	run(f);
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_LISTENING);
}

static void refusal_is_told_and_tried_again_ever_less_often(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+SERVERSTART=", "\r\n+CIPERROR: 6\r\n" ERR);
	modem_listen(f->m, 0, 8080);
	run(f);
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

/* ---- clients ---- */

static void client_is_told_with_its_address_in_every_form(void **state)
{
	static const struct {
		const char *said, *heard;
	} forms[] = {
		{"\r\n+CLIENT: 0,0," PEER "\r\n", "accepted(0,0," PEER ") "},
		{"\r\n+CLIENT: 1,0,\"" PEER "\"\r\n", "accepted(1,0," PEER ") "},
		{"\r\n+CLIENT:2,0,\"" PEER "\"\r\n", "accepted(2,0," PEER ") "},
		{"\r\n+CLIENT: 3,0,2409:8a::7118:59371\r\n", "accepted(3,0,[2409:8a::7118]:59371) "},
		{"\r\n+CLIENT: 4,0,[2409:8a::7118]:59371\r\n", "accepted(4,0,[2409:8a::7118]:59371) "},
		{"\r\n+CLIENT: 5,0,\"fe80::1:59371\"\r\n", "accepted(5,0,[fe80::1]:59371) "},
	};
	struct fake *f = listener(state);

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		fake_clear(f);
		fake_say(f, forms[i].said);
		assert_heard(f, forms[i].heard);
	}
}

static void client_that_cannot_be_is_closed(void **state)
{
	static const char *const forms[] = {
		"\r\n+CLIENT: 0,0,\r\n", "\r\n+CLIENT: 0,0\r\n", "\r\n+CLIENT: 0,0,1.2.3.4\r\n",
		"\r\n+CLIENT: 0,0,1.2.3.4:70000\r\n", "\r\n+CLIENT: 0,0,1.2.3.4:0\r\n",
		"\r\n+CLIENT: 0,9,1.2.3.4:5\r\n", "\r\n+CLIENT: 0,1,1.2.3.4:5\r\n",
	};
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=0", OK "\r\n+CIPCLOSE: 0,0\r\n");
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		fake_clear(f);
		fake_say(f, forms[i]);
		assert_said(f, "AT+CIPCLOSE=0\n");
		assert_heard(f, "free(0) ");
	}
	fake_clear(f);
	fake_say(f, "\r\n+CLIENT: 10,0,1.2.3.4:5\r\n\r\n+CLIENT: -1,0,1.2.3.4:5\r\n\r\n+CLIENT: \r\n");
	assert_string_equal(f->said, "");
	assert_heard(f, "");
}

static void client_of_a_server_being_stopped_is_closed(void **state)
{
	struct fake *f = listener(state);

	fake_rule_once(f, "AT+SERVERSTOP=0", NULL);
	fake_rule(f, "AT+CIPCLOSE=0", OK "\r\n+CIPCLOSE: 0,0\r\n");
	modem_unlisten(f->m, 0);
	run(f);
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	fake_say(f, STOPPED("0"));
	assert_said(f, "AT+CIPCLOSE=0\n");
	assert_heard(f, "free(0) ");
}

static void data_may_follow_at_once(void **state)
{
	struct fake *f = listener(state);

	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n\r\nRECV FROM:" PEER "\r\n+RECEIVE,0,3\r\nabc");
	assert_heard(f, "accepted(0,0," PEER ") data{0}[abc] ");
}

static void accepted_link_sends_and_ends_like_any_other(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPSEND=0,5", "\r\n>{payload}" OK "\r\n+CIPSEND: 0,5,5\r\n");
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	fake_send(f, 0, "HELLO", NULL);
	modem_kick(f->m);
	run(f);
	fake_say(f, "\r\n+IPCLOSE: 0,1\r\n");
	assert_heard(f, "accepted(0,0," PEER ") sent(0,5,5) closed(0,remote) free(0) ");
}

/* NOTE 3.4.3 shows them in CIPOPEN? only. */
static void a_list_without_the_clients_does_not_end_them(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n" OK);
	fake_rule(f, "AT+CIPACK=0", "\r\n+CIPACK: 0,0,0\r\n" OK);
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	fake_advance(f, SEC(300));
	assert_int_equal(modem_link_state(f->m, 0), MODEM_LINK_OPEN);
	fake_clear(f);
	fake_say(f, "\r\nRECV FROM:" PEER "\r\n+RECEIVE,0,3\r\nabc");
	assert_heard(f, "data{0}[abc] ");
}

static void clients_stay_when_their_server_is_stopped(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	modem_unlisten(f->m, 0);
	run(f);
	assert_int_equal(modem_link_state(f->m, 0), MODEM_LINK_OPEN);
	fake_say(f, "\r\nRECV FROM:" PEER "\r\n+RECEIVE,0,3\r\nabc");
	assert_heard(f, "accepted(0,0," PEER ") data{0}[abc] ");
}

static void seventh_client_is_closed_and_the_six_stay(void **state)
{
	struct fake *f = listener(state);
	char text[64];

	fake_rule(f, "AT+CIPCLOSE=6", OK "\r\n+CIPCLOSE: 6,0\r\n");
	fake_rule(f, "AT+CIPCLOSE=2", OK "\r\n+CIPCLOSE: 2,0\r\n");
	for (unsigned l = 0; l < 7; l++) {
		snprintf(text, sizeof(text), "\r\n+CLIENT: %u,0,10.0.0.1:%u\r\n", l, 4000 + l);
		fake_say(f, text);
	}
	assert_int_equal(fake_count(f->log, "accepted("), MODEM_INBOUND_MAX);
	assert_said(f, "AT+CIPCLOSE=6\n");
	modem_close(f->m, 2);
	run(f);
	fake_say(f, "\r\n+CLIENT: 2,0,10.0.0.1:4010\r\n");
	assert_int_equal(fake_count(f->log, "accepted("), MODEM_INBOUND_MAX + 1);
}

static void buffer_mode_reads_a_client_without_a_notice(void **state)
{
	struct fake *f = fake_new();

	(void)state;
	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	listening(f, 0, 8080);
	fake_rule(f, "AT+CIPRXGET=2,0", "\r\n+IP ERROR: No data\r\n" ERR);
	fake_rule_once(f, "AT+CIPRXGET=2,0", "\r\n+CIPRXGET: 2,0,3,0\r\nabc" OK);
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	assert_heard(f, "accepted(0,0," PEER ") data{0}[abc] ");
	fake_free(f);
}

/* ---- a number that was something else ---- */

static void open_tcp(struct fake *f, unsigned link)
{
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	assert_int_equal(modem_open_tcp(f->m, link, &e), 0);
	run(f);
}

static void client_before_the_error_of_our_open_keeps_the_link(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPOPEN=9", NULL);
	open_tcp(f, 9);
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n\r\nRECV FROM:" PEER "\r\n+RECEIVE,9,3\r\nabc");
	fake_say(f, "\r\n+CIPOPEN: 9,4\r\n" ERR);
	fake_advance(f, SEC(2));
	assert_heard(f, "opened(9,not supported) accepted(9,0," PEER ") data{9}[abc] ");
	assert_not_said(f, "AT+CIPCLOSE=");
}

static void client_behind_the_error_of_our_open_keeps_the_link(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPOPEN=9", "\r\n+CIPOPEN: 9,4\r\n" ERR);
	open_tcp(f, 9);
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n\r\nRECV FROM:" PEER "\r\n+RECEIVE,9,3\r\nabc");
	fake_advance(f, SEC(2));
	assert_heard(f, "opened(9,not supported) accepted(9,0," PEER ") data{9}[abc] ");
	assert_not_said(f, "AT+CIPCLOSE=");
}

static void open_that_is_not_written_yet_gives_way(void **state)
{
	struct fake *f = listener(state);
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	fake_rule_once(f, "AT+CIPOPEN=8", NULL); /* keeps the channel busy */
	open_tcp(f, 8);
	modem_open_tcp(f->m, 9, &e);
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n");
	fake_say(f, OK);
	assert_heard(f, "opened(9,not supported) accepted(9,0," PEER ") ");
	assert_not_said(f, "AT+CIPOPEN=9");
}

static void two_that_both_have_the_number_are_both_closed(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	open_tcp(f, 9); /* its OK has come: the number is ours */
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n");
	fake_say(f, "\r\n+CIPOPEN: 9,0\r\n");
	assert_heard(f, "opened(9,unknown) free(9) ");
	assert_said(f, "AT+CIPCLOSE=9\n");

	fake_clear(f);
	fake_rule(f, "AT+CIPOPEN=8", NULL);
	fake_rule(f, "AT+CIPCLOSE=8", OK "\r\n+CIPCLOSE: 8,0\r\n");
	open_tcp(f, 8);
	fake_say(f, "\r\n+CLIENT: 8,0," PEER "\r\n\r\n+CIPOPEN: 8,0\r\n" OK);
	assert_heard(f, "opened(8,not supported) accepted(8,0," PEER ") closed(8,data) free(8) ");
}

static void client_whose_number_our_failed_open_had_is_closed(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	open_tcp(f, 9);
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n");
	fake_say(f, "\r\n+CIPOPEN: 9,10\r\n");
	fake_advance(f, SEC(1));
	assert_heard(f, "opened(9,timeout) free(9) ");
	assert_said(f, "AT+CIPCLOSE=9\n");
}

static void client_on_a_link_that_was_open_resets_both(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	fake_open_tcp(f, 9, "198.51.100.7:3000");
	fake_clear(f);
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n");
	assert_heard(f, "closed(9,lost) free(9) ");
	assert_said(f, "AT+CIPCLOSE=9\n");
}

static void client_on_a_link_being_closed_is_closed_again(void **state)
{
	struct fake *f = listener(state);

	fake_open_tcp(f, 9, "198.51.100.7:3000");
	fake_rule_once(f, "AT+CIPCLOSE=9", NULL);
	modem_close(f->m, 9);
	run(f);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n\r\n+CIPCLOSE: 9,4\r\n" ERR);
	assert_said(f, "AT+CIPCLOSE=9\n");
	assert_heard(f, "free(9) ");
}

/* A firmware that neither lists its servers nor says why it refuses: a left-over of a former life. */
static void unlisted_server_in_the_way_is_stopped(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+SERVERSTART?", ERR);
	fake_rule(f, "AT+SERVERSTART=8080,0", ERR);
	fake_rule(f, "AT+SERVERSTOP=0", STOPPED("0"));
	assert_int_equal(modem_listen(f->m, 0, 8080), 0);
	fake_advance(f, SEC(5));
	assert_said(f, "AT+SERVERSTOP=0\n");
	fake_rule(f, "AT+SERVERSTART=8080,0", OK);
	fake_advance(f, SEC(30));
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_LISTENING);
}

static void unlisted_server_that_never_was_is_started(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+SERVERSTART?", ERR);
	fake_rule_once(f, "AT+SERVERSTART=8080,0", "\r\n+CIPERROR: 7\r\n" ERR);
	fake_rule(f, "AT+SERVERSTOP=0", NOT_STARTED("0"));
	assert_int_equal(modem_listen(f->m, 0, 8080), 0);
	fake_advance(f, SEC(30));
	assert_int_equal(modem_server_state(f->m, 0), MODEM_SERVER_LISTENING);
}

/* Buffer mode: the peer closed, what it had sent is still being read, and the number is given away. */
static struct fake *draining(const char *read)
{
	struct fake *f = fake_new();

	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	listening(f, 0, 8080);
	fake_open_tcp(f, 9, "198.51.100.7:3000");
	f->rx_space = read ? 100000 : 0;
	fake_rule(f, "AT+CIPRXGET=2,9", "\r\n+IP ERROR: No data\r\n" ERR);
	fake_rule_once(f, "AT+CIPRXGET=2,9", read);
	fake_clear(f);
	fake_say(f, "\r\n+IPCLOSE: 9,1\r\n");
	assert_int_equal(modem_link_state(f->m, 9), MODEM_LINK_DRAINING);
	return f;
}

static void client_on_a_draining_link_ends_the_old_stream_in_reset(void **state)
{
	struct fake *f = draining(NULL);

	(void)state;
	f->rx_space = 1000;
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n");
	assert_heard(f, "closed(9,data) accepted(9,0," PEER ") ");
	fake_free(f);
}

/* A link of the host's whose next read will not be answered by itself. */
static struct fake *about_to_read(void)
{
	struct fake *f = fake_new();

	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	listening(f, 0, 8080);
	fake_open_tcp(f, 9, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	fake_rule_once(f, "AT+CIPRXGET=2,9", NULL);
	fake_clear(f);
	return f;
}

static void bytes_of_a_read_under_way_are_not_taken_for_the_clients(void **state)
{
	struct fake *f = about_to_read();

	(void)state;
	fake_say(f, "\r\n+IPCLOSE: 9,1\r\n");
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n\r\n+CIPRXGET: 2,9,3,0\r\nabc" OK);
	run(f);
	assert_heard(f, "closed(9,data) free(9) ");
	assert_said(f, "AT+CIPCLOSE=9\n");
	fake_free(f);
}

static void nor_are_those_of_a_link_that_was_just_closed(void **state)
{
	struct fake *f = about_to_read();

	(void)state;
	fake_say(f, "\r\n+CIPRXGET: 1,9\r\n");
	modem_close(f->m, 9);
	fake_say(f, "\r\n+CLIENT: 9,0," PEER "\r\n\r\n+CIPRXGET: 2,9,3,0\r\nabc" OK);
	run(f);
	assert_heard(f, "closed(9,local) free(9) ");
	fake_free(f);
}

/* The module may take a CIPSEND that was written before for the client's. */
static void bytes_of_a_send_under_way_do_not_go_to_the_client(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	fake_open_tcp(f, 9, "198.51.100.7:3000");
	fake_rule_once(f, "AT+CIPSEND=9,5", "{payload}" OK "\r\n+CIPSEND: 9,5,5\r\n");
	fake_send(f, 9, "hello", NULL);
	fake_clear(f);
	fake_say(f, "\r\n+IPCLOSE: 9,1\r\n\r\n+CLIENT: 9,0," PEER "\r\n");
	fake_say(f, "\r\n>");
	run(f);
	assert_heard(f, "closed(9,remote) free(9) free(9) ");
	assert_memory_equal(f->payload, "\0\0\0\0\0", 5);
	assert_said(f, "AT+CIPCLOSE=9\n");
}

static void counts_of_the_former_life_are_not_the_clients(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=9", OK "\r\n+CIPCLOSE: 9,0\r\n");
	fake_open_tcp(f, 9, "198.51.100.7:3000");
	fake_rule_once(f, "AT+CIPACK=9", NULL);
	modem_query_ack(f->m, 9);
	run(f);
	fake_clear(f);
	fake_say(f, "\r\n+IPCLOSE: 9,1\r\n\r\n+CLIENT: 9,0," PEER "\r\n");
	fake_say(f, "\r\n+CIPACK: 5,5,0\r\n" OK);
	run(f);
	assert_heard(f, "closed(9,remote) free(9) free(9) ");
}

static void client_whose_first_bytes_were_lost_is_closed(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=0", OK "\r\n+CIPCLOSE: 0,0\r\n");
	fake_say(f, "\r\nRECV FROM:" PEER "\r\n+RECEIVE,0,3\r\nabc\r\n+CLIENT: 0,0," PEER "\r\n");
	run(f);
	assert_null(strstr(f->log, "accepted"));
	assert_said(f, "AT+CIPCLOSE=0\n");
	fake_clear(f);
	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n"); /* the next one has its own life */
	assert_heard(f, "accepted(0,0," PEER ") ");
}

static void client_that_goes_with_the_bearer_is_lost(void **state)
{
	struct fake *f = listener(state);

	fake_say(f, "\r\n+CLIENT: 0,0," PEER "\r\n");
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	assert_non_null(strstr(f->log, "accepted(0,0," PEER ") closed(0,lost) free(0) "));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(listen_starts_the_server_and_says_so),
		test(unlisted_server_in_the_way_is_stopped),
		test(unlisted_server_that_never_was_is_started),
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
		test(client_is_told_with_its_address_in_every_form),
		test(client_that_cannot_be_is_closed),
		test(client_of_a_server_being_stopped_is_closed),
		test(data_may_follow_at_once),
		test(accepted_link_sends_and_ends_like_any_other),
		test(a_list_without_the_clients_does_not_end_them),
		test(clients_stay_when_their_server_is_stopped),
		test(seventh_client_is_closed_and_the_six_stay),
		cmocka_unit_test(buffer_mode_reads_a_client_without_a_notice),
		test(client_before_the_error_of_our_open_keeps_the_link),
		test(client_behind_the_error_of_our_open_keeps_the_link),
		test(open_that_is_not_written_yet_gives_way),
		test(two_that_both_have_the_number_are_both_closed),
		test(client_whose_number_our_failed_open_had_is_closed),
		test(client_on_a_link_that_was_open_resets_both),
		test(client_on_a_link_being_closed_is_closed_again),
		cmocka_unit_test(client_on_a_draining_link_ends_the_old_stream_in_reset),
		cmocka_unit_test(bytes_of_a_read_under_way_are_not_taken_for_the_clients),
		cmocka_unit_test(nor_are_those_of_a_link_that_was_just_closed),
		cmocka_unit_test_setup_teardown(bytes_of_a_send_under_way_do_not_go_to_the_client,
			setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_the_former_life_are_not_the_clients,
			setup, teardown),
		test(client_whose_first_bytes_were_lost_is_closed),
		test(client_that_goes_with_the_bearer_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

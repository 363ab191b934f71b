/* SPDX-License-Identifier: BSD-3-Clause */
/* Transparent mode: who has the line, and what is whose on it. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tail.h"

#define CONNECT "\r\nCONNECT 115200\r\n"
#define CLOSED "\r\nCLOSED\r\n"
#define LISTED "\r\n+CIPCLOSE: 1,0,0,0,0,0,0,0,0,0\r\n" OK
#define NOT_LISTED "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n" OK
#define PEER "198.51.100.1:80"

static int setup(void **state)
{
	struct fake *f = fake_new();

	f->config.receive = MODEM_RECEIVE_TRANSPARENT;
	f->config.lossless = true;
	*state = f;
	return 0;
}

static void up(struct fake *f)
{
	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE?", LISTED);
	fake_rule(f, "AT+CIPCLOSE=0", OK CLOSED "\r\n+CIPCLOSE: 0,0\r\n");
	fake_rule(f, "AT+CIPOPEN=0", NULL);
	fake_rule(f, "ATO", CONNECT);
}

static const char *session(struct fake *f)
{
	struct modem_status s;

	modem_status(f->m, &s);
	return s.transparent;
}

static void opened(struct fake *f)
{
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	assert_int_equal(modem_open_tcp(f->m, 0, &e), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	f->online = true;
	fake_say(f, CONNECT);
	assert_heard(f, "opened(0,ok) ");
	assert_string_equal(session(f), "data");
	fake_clear(f);
}

/* The driver wants command mode, and the module leaves data mode for it. */
static void escape(struct fake *f)
{
	fake_advance(f, MSEC(1200));
	assert_string_equal(f->payload, "+++");
	f->online = false;
	fake_advance(f, MSEC(1050));
	fake_say(f, OK);
	fake_advance(f, MSEC(100));
}

static void only_one_link_can_be_opened(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	assert_int_equal(modem_links(f->m), 1);
	assert_int_equal(modem_open_tcp(f->m, 1, &e), -EBUSY);
}

static void bytes_are_the_lines_own_both_ways(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_send(f, 0, "AT+CPOF\r\n+IPCLOSE: 0,1\r\n", NULL);
	fake_say(f, "\r\n+RECEIVE,0,3\r\nabc\r\nERROR\r\n>");
	assert_string_equal(f->payload, "AT+CPOF\r\n+IPCLOSE: 0,1\r\n");
	assert_heard(f, "sent(0,24,24) data{0}[\r\n+RECEIVE,0,3\r\nabc\r\nERROR\r\n>] ");
}

static void data_right_behind_connect_is_data(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	assert_int_equal(modem_open_tcp(f->m, 0, &e), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	f->online = true;
	fake_say(f, CONNECT "hello");
	assert_heard(f, "opened(0,ok) data{0}[hello] ");
}

static void a_lone_escape_of_the_host_goes_out_in_parts(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_advance(f, SEC(2));
	fake_send(f, 0, "+++++x", NULL);
	assert_string_equal(f->payload, "++");
	fake_advance(f, MSEC(950));
	assert_string_equal(f->payload, "++");
	fake_advance(f, MSEC(60));
	assert_string_equal(f->payload, "++++");
	fake_advance(f, SEC(1));
	assert_string_equal(f->payload, "+++++x");
	assert_heard(f, "sent(0,6,6) ");
}

static void pluses_in_the_flow_are_not_held_up(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_send(f, 0, "x", NULL);
	fake_send(f, 0, "+++", NULL);
	assert_string_equal(f->payload, "x+++");
}

static void an_escape_in_two_sends_is_one_too(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_advance(f, SEC(2));
	fake_send(f, 0, "+", NULL);
	fake_advance(f, MSEC(600));
	fake_send(f, 0, "++", NULL);
	assert_string_equal(f->payload, "++");
	fake_advance(f, MSEC(1010));
	assert_string_equal(f->payload, "+++");
}

static void the_end_is_believed_after_silence_and_two_answers(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	opened(f);
	fake_rule(f, "AT+CIPCLOSE?", NOT_LISTED);
	fake_rule(f, "+++AT", OK); /* in command mode +++ is the beginning of a line */
	fake_say(f, "last\r\nCLO");
	fake_say(f, "SED\r\n");
	f->online = false;
	fake_advance(f, SEC(1));
	assert_heard(f, "data{0}[last] ");
	fake_advance(f, SEC(4));
	assert_heard(f, "data{0}[last] closed(0,remote) free(0) ");
	assert_string_equal(session(f), "none");
	assert_true(strstr(f->said, "+++") < strstr(f->said, "AT\n"));
}

static void an_end_that_was_data_is_delivered_and_the_session_goes_on(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_say(f, "x" CLOSED);
	escape(f);
	assert_said(f, "AT+CIPCLOSE?\nATO\n");
	assert_heard(f, "data{0}[x" CLOSED "] ");
	assert_string_equal(session(f), "data");
}

static void an_end_in_the_middle_of_data_is_passed_on_at_once(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_say(f, CLOSED "more");
	assert_heard(f, "data{0}[" CLOSED "more] ");
}

static void half_an_end_is_data_after_a_moment(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_say(f, "220 ready\r\n");
	assert_heard(f, "data{0}[220 ready] ");
	fake_advance(f, MSEC(100));
	assert_heard(f, "data{0}[220 ready\r\n] ");
}

static void a_send_that_crosses_the_end_puts_it_in_doubt(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_rule(f, "AT+CIPCLOSE?", NOT_LISTED);
	fake_rule(f, "+++AT", OK);
	f->unsent = 10;
	fake_say(f, CLOSED);
	f->unsent = 0;
	f->online = false;
	fake_advance(f, SEC(5));
	assert_heard(f, "closed(0,send) free(0) ");
}

static void a_boot_in_data_mode_is_found(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_rule(f, "AT+CIPCLOSE?", NOT_LISTED);
	fake_say(f, "\r\n*ATREADY: 1\r\n\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n");
	f->online = false;
	fake_rule(f, "+++AT", OK);
	fake_advance(f, SEC(5));
	assert_non_null(strstr(f->log, "closed(0,lost)"));
	fake_advance(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void the_owners_close_escapes_and_closes(void **state)
{
	struct fake *f = *state;

	opened(f);
	modem_close(f->m, 0);
	fake_advance(f, MSEC(1));
	assert_heard(f, "closed(0,local) ");
	escape(f);
	assert_said(f, "AT+CIPCLOSE=0\n");
	assert_heard(f, "closed(0,local) free(0) ");
	assert_string_equal(session(f), "none");
}

static void acknowledgements_are_asked_in_one_escape(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_send(f, 0, "0123456789", NULL);
	fake_clear(f);
	fake_rule(f, "AT+CIPACK=0", "\r\n+CIPACK: 10,4,6\r\n" OK);
	assert_int_equal(modem_query_ack(f->m, 0), 0);
	escape(f);
	assert_heard(f, "acked(0,1,10,4) ");
	fake_rule(f, "AT+CIPACK=0", "\r\n+CIPACK: 10,10,0\r\n" OK);
	fake_advance(f, SEC(1));
	assert_int_equal(modem_query_ack(f->m, 0), 0);
	fake_advance(f, MSEC(1));
	assert_heard(f, "acked(0,1,10,4) acked(0,1,10,10) ");
	f->online = true;
	fake_advance(f, SEC(1));
	assert_said(f, "ATO\n");
	assert_string_equal(session(f), "data");
}

static void bytes_that_the_module_did_not_count_are_not_acknowledged(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_send(f, 0, "0123456789", NULL);
	fake_clear(f);
	fake_rule(f, "AT+CIPACK=0", "\r\n+CIPACK: 8,8,0\r\n" OK);
	modem_query_ack(f->m, 0);
	escape(f);
	assert_heard(f, "acked(0,1,10,8) ");
}

static void an_ok_of_the_peer_is_not_the_modules(void **state)
{
	struct fake *f = *state;

	opened(f);
	modem_query_ack(f->m, 0);
	fake_rule(f, "AT+CIPACK=0", "\r\n+CIPACK: 0,0,0\r\n" OK);
	fake_advance(f, MSEC(1200));
	fake_say(f, "a" OK);
	fake_advance(f, MSEC(500));
	assert_not_said(f, "AT");
	fake_advance(f, MSEC(520));
	f->online = false;
	fake_say(f, "b" OK);
	fake_advance(f, MSEC(100));
	assert_said(f, "AT+CIPCLOSE?");
	assert_non_null(strstr(f->log, "data{0}[a" OK "b]"));
}

static void an_ok_that_was_data_after_all_resets_the_link(void **state)
{
	struct fake *f = *state;

	opened(f);
	modem_query_ack(f->m, 0);
	fake_advance(f, MSEC(1200));
	f->online = false;
	fake_rule(f, "AT+CIPCLOSE?", OK); /* the module's own OK comes late */
	fake_advance(f, MSEC(1050));
	fake_say(f, OK);
	fake_advance(f, MSEC(100));
	assert_non_null(strstr(f->log, "closed(0,send)"));
}

static void a_link_that_ends_while_escaped_may_have_lost_data(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_send(f, 0, "0123456789", NULL);
	fake_clear(f);
	fake_rule(f, "AT+CIPACK=0", "\r\n+CIPACK: 10,4,6\r\n" OK);
	modem_query_ack(f->m, 0);
	escape(f);
	fake_say(f, "\r\n+IPCLOSE: 0,1\r\n");
	assert_heard(f, "acked(0,1,10,4) closed(0,data) free(0) ");
}

static void the_guard_waits_until_the_tty_is_empty(void **state)
{
	struct fake *f = *state;

	opened(f);
	f->unsent = 100;
	modem_close(f->m, 0);
	fake_advance(f, SEC(5));
	assert_string_equal(f->payload, "");
	f->unsent = 0;
	fake_advance(f, MSEC(2300));
	assert_string_equal(f->payload, "+++");
}

static void the_question_about_an_end_waits_until_the_tty_is_empty(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_say(f, CLOSED);
	f->unsent = 100;
	fake_advance(f, SEC(5));
	assert_string_equal(f->payload, "");
	f->unsent = 0;
	fake_advance(f, MSEC(2300));
	assert_string_equal(f->payload, "+++");
}

static void a_failed_escape_is_repeated_and_then_the_ladder(void **state)
{
	struct fake *f = *state;

	opened(f);
	modem_close(f->m, 0);
	fake_advance(f, SEC(40));
	assert_true(fake_count(f->payload, "+++") >= 3);
	assert_int_not_equal(f->state, MODEM_STATE_UP);
}

static void dtr_leaves_data_mode_where_it_is_wired(void **state)
{
	struct fake *f = *state;

	f->config.dtr = true;
	opened(f);
	modem_close(f->m, 0);
	fake_advance(f, MSEC(1200));
	assert_true(f->escaped_by_dtr);
	f->online = false;
	fake_say(f, OK);
	fake_advance(f, MSEC(1100));
	assert_false(f->escaped_by_dtr);
	assert_string_equal(f->payload, "");
	assert_said(f, "AT+CIPCLOSE=0\n");
}

static void what_the_owner_has_no_room_for_stops_the_tty(void **state)
{
	struct fake *f = *state;

	opened(f);
	f->rx_space = 0;
	fake_say(f, "hello" CLOSED);
	assert_true(modem_input_paused(f->m));
	fake_advance(f, SEC(10));
	assert_string_equal(f->payload, ""); /* what follows CLOSED is not read, so no silence */
	f->rx_space = 1000;
	modem_rx_resume(f->m, 0);
	modem_run(f->m, f->now);
	assert_heard(f, "data{0}[hello] ");
	assert_false(modem_input_paused(f->m));
}

static void a_line_that_loses_what_is_not_read_is_never_stopped(void **state)
{
	struct fake *f = *state;

	f->config.lossless = false;
	opened(f);
	f->rx_space = 0;
	fake_say(f, "hello");
	assert_heard(f, "data{0}[hello] ");
	assert_false(modem_input_paused(f->m));
}

static void a_silent_link_is_looked_at(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_advance(f, SEC(59));
	assert_string_equal(f->payload, "");
	fake_advance(f, SEC(1));
	fake_rule(f, "AT+CIPCLOSE?", NOT_LISTED);
	escape(f);
	assert_heard(f, "closed(0,lost) free(0) ");
}

static void a_refused_open_is_a_result(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	fake_rule(f, "AT+CIPOPEN=0", "\r\nCONNECT FAIL\r\n");
	modem_open_tcp(f->m, 0, &e);
	fake_advance(f, MSEC(1));
	assert_heard(f, "opened(0,network failure) free(0) ");
	fake_clear(f);
	fake_rule(f, "AT+CIPOPEN=0", "\r\n+CIPOPEN: 0,2\r\n" ERR);
	modem_open_tcp(f->m, 0, &e);
	fake_advance(f, MSEC(1));
	assert_heard(f, "opened(0,network not opened) free(0) ");
}

/* NOTE 4.1: <err_info> begins with 0, which as a result would be success. */
static void an_open_that_failed_in_words_is_no_success(void **state)
{
	static const char *const words[] = {"Connection time out", "TCP busy", "0", "14"};
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);
	char answer[64];

	up(f);
	fake_rule(f, "AT+CIPCLOSE=0", "\r\n+CIPCLOSE: 0,4\r\n" ERR);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(answer, sizeof(answer), "\r\n+IP ERROR: %s\r\n" ERR, words[i]);
		fake_rule(f, "AT+CIPOPEN=0", answer);
		modem_open_tcp(f->m, 0, &e);
		fake_advance(f, SEC(10));
		assert_heard(f, "opened(0,error) free(0) ");
		fake_clear(f);
	}
}

static void an_open_without_an_answer_is_escaped_and_closed(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	fake_rule(f, "+++AT", OK);
	fake_rule(f, "AT+CIPCLOSE=0", "\r\n+CIPCLOSE: 0,4\r\n" ERR);
	modem_open_tcp(f->m, 0, &e);
	fake_advance(f, SEC(33));
	assert_non_null(strstr(f->log, "opened(0,silence)"));
	fake_advance(f, SEC(10));
	assert_non_null(strstr(f->log, "free(0)"));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void udp_names_its_one_peer(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	assert_int_equal(modem_open_udp_to(f->m, 0, 50000, &e), 0);
	fake_advance(f, MSEC(1));
	assert_said(f, "AT+CIPOPEN=0,\"UDP\",\"198.51.100.1\",80,50000\n");
	f->online = true;
	fake_say(f, CONNECT "datagram");
	assert_heard(f, "opened(0,ok) data{0}[datagram] ");
}

static void a_client_of_the_server_has_the_line(void **state)
{
	struct fake *f = *state;

	up(f);
	assert_int_equal(modem_listen(f->m, 0, 8080), 0);
	fake_advance(f, MSEC(1));
	fake_clear(f);
	f->online = true;
	fake_say(f, "\r\n+CLIENT: 0,0,192.0.2.7:5000\r\n" CONNECT "question");
	assert_heard(f, "accepted(0,0,192.0.2.7:5000) data{0}[question] ");
	fake_send(f, 0, "answer", NULL);
	assert_string_equal(f->payload, "answer");
}

static void a_client_without_connect_is_closed(void **state)
{
	struct fake *f = *state;

	up(f);
	modem_listen(f->m, 0, 8080);
	fake_advance(f, MSEC(1));
	fake_clear(f);
	fake_rule(f, "+++AT", OK);
	fake_say(f, "\r\n+CLIENT: 0,0,192.0.2.7:5000\r\n");
	fake_advance(f, SEC(8));
	assert_non_null(strstr(f->log, "closed(0,lost)"));
	assert_non_null(strstr(f->log, "free(0)"));
}

static void an_unwelcome_client_during_an_open_does_not_stop_everything(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint(PEER);

	up(f);
	fake_rule(f, "+++AT", OK);
	assert_int_equal(modem_open_tcp(f->m, 0, &e), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	fake_say(f, "\r\n+CLIENT: 0,3,192.0.2.7:5000\r\n");
	fake_advance(f, SEC(60));
	assert_heard(f, "opened(0,not supported) free(0) ");
	assert_said(f, "AT+CIPCLOSE=0\n");
}

static void a_host_that_does_not_read_for_minutes_costs_no_wakeups(void **state)
{
	struct fake *f = *state;

	opened(f);
	f->rx_space = 0;
	fake_say(f, "hello");
	fake_advance(f, SEC(300));
	assert_string_equal(session(f), "data");
	assert_true(modem_deadline(f->m) > f->now);
}

static void waiting_for_an_answer_before_ato_costs_no_wakeups(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_rule(f, "AT+CIPACK=0", NULL);
	modem_query_ack(f->m, 0);
	escape(f);
	assert_said(f, "AT+CIPACK=0\n");
	assert_true(modem_deadline(f->m) > f->now);
}

static void waiting_for_the_rest_of_the_list_costs_no_wakeups(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_rule(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n");
	modem_query_ack(f->m, 0);
	escape(f);
	assert_string_equal(session(f), "command");
	assert_true(modem_deadline(f->m) > f->now);
}

static void a_tty_that_never_empties_leads_to_the_ladder(void **state)
{
	struct fake *f = *state;

	opened(f);
	f->unsent = 100;
	for (unsigned i = 0; i < 300 && f->state == MODEM_STATE_UP; i++)
		fake_advance(f, SEC(1));
	assert_non_null(strstr(f->log, "closed(0,"));
	assert_int_not_equal(f->state, MODEM_STATE_UP);
}

static void an_ato_without_an_answer_resets_the_link(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_rule(f, "ATO", NULL);
	modem_query_ack(f->m, 0);
	escape(f);
	assert_string_equal(session(f), "return");
	f->online = true;
	fake_clear(f);
	fake_advance(f, SEC(9));
	fake_say(f, CONNECT);
	escape(f);
	assert_non_null(strstr(f->log, "closed(0,send)"));
}

static void a_client_without_connect_leaves_no_command_without_an_end(void **state)
{
	struct fake *f = *state;

	up(f);
	modem_listen(f->m, 0, 8080);
	fake_advance(f, MSEC(1));
	fake_rule(f, "AT+CDNSGIP", NULL);
	assert_int_equal(modem_resolve(f->m, "example.org"), 0);
	fake_advance(f, MSEC(1));
	fake_clear(f);
	fake_say(f, "\r\n+CLIENT: 0,0,192.0.2.7:5000\r\n");
	fake_advance(f, SEC(4));
	assert_non_null(strstr(f->log, "closed(0,lost)"));
	assert_non_null(strstr(f->log, "resolved(example.org"));
}

/* The escape found no OK, so the mode is not known: such a line can be the peer's. */
static void an_end_before_at_is_answered_is_not_believed(void **state)
{
	struct fake *f = *state;

	opened(f);
	fake_say(f, CLOSED);
	fake_advance(f, MSEC(1200) + MSEC(2600));
	assert_string_equal(session(f), "probe");
	fake_clear(f);
	fake_say(f, "\r\n+IPCLOSE: 0,1\r\n");
	assert_heard(f, "");
}

static void an_ok_that_data_followed_at_once_resets_the_link(void **state)
{
	struct fake *f = *state;

	opened(f);
	modem_query_ack(f->m, 0);
	fake_advance(f, MSEC(1200));
	f->online = false;
	fake_advance(f, MSEC(1050));
	fake_say(f, OK "\r\n+RECEIVE,0,5\r\nhello");
	fake_advance(f, SEC(3));
	assert_said(f, "AT\n");
	assert_non_null(strstr(f->log, "closed(0,send)"));
}

static void the_first_byte_to_an_unknown_module_is_an_escape(void **state)
{
	struct fake *f = *state;

	f->transparent = true;
	fake_up(f);
	assert_null(f->said[0] ? strstr(f->said, "AT") : NULL);
}

static void the_mode_is_set_before_the_network_opens(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule(f, "AT+CIPMODE=1", OK);
	fake_rule_once(f, "AT+CIPMODE=1", ERR);
	fake_rule(f, "AT+CIPMODE?", "\r\n+CIPMODE: 0\r\n" OK);
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+NETCLOSE: 0\r\n");
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_attach(f);
	for (unsigned i = 0; i < 100 && f->state != MODEM_STATE_UP; i++)
		fake_advance(f, MSEC(100));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_said(f, "AT+NETCLOSE\nAT+CIPMODE=1\n");
	assert_true(strstr(f->said, "AT+NETCLOSE") < strstr(f->said, "AT+NETOPEN\n"));
}

/* ---- tail ---- */

static void collect(void *user, const uint8_t *p, size_t n)
{
	strncat(user, (const char *)p, n);
}

/* What passes of @text when it is put in one piece and byte by byte. */
static void assert_passes(const char *text, const char *data)
{
	for (unsigned step = 1; step < 64; step *= 63) {
		char got[1024] = "";
		struct tail t = {.data = collect, .user = got};

		for (size_t i = 0; i < strlen(text); i += step)
			tail_put(&t, (const uint8_t *)text + i,
				strlen(text) - i < step ? strlen(text) - i : step);
		assert_string_equal(got, data);
		tail_release(&t);
		assert_string_equal(got, text);
	}
}

static void only_what_can_be_the_modules_is_held_back(void **state)
{
	(void)state;
	assert_passes("plain", "plain");
	assert_passes("a" CLOSED, "a");
	assert_passes("a" CLOSED "\r\n+IPCLOSE: 0,1\r\n", "a");
	assert_passes("a\r" CLOSED, "a\r");
	assert_passes("a\r\n" CLOSED, "a\r\n");
	assert_passes("a\r\nCLOSE", "a");
	assert_passes("a\r\nCLOSET\r\n", "a\r\nCLOSET");
	assert_passes(CLOSED "b", CLOSED "b");
	assert_passes(CLOSED CLOSED "b", CLOSED CLOSED "b");
	assert_passes("\r\nOK\r\n", "\r\nOK");
	assert_passes("\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n", "");
	assert_passes("\r\nCLOSED now\r\n", "\r\nCLOSED now");
}

static void an_endless_row_of_module_lines_is_data(void **state)
{
	char got[2048] = "";
	struct tail t = {.data = collect, .user = got};

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		tail_put(&t, (const uint8_t *)CLOSED, strlen(CLOSED));
	tail_release(&t);
	assert_int_equal(strlen(got), 100 * strlen(CLOSED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_one_link_can_be_opened),
		TEST(bytes_are_the_lines_own_both_ways),
		TEST(data_right_behind_connect_is_data),
		TEST(a_lone_escape_of_the_host_goes_out_in_parts),
		TEST(pluses_in_the_flow_are_not_held_up),
		TEST(an_escape_in_two_sends_is_one_too),
		TEST(the_end_is_believed_after_silence_and_two_answers),
		TEST(an_end_that_was_data_is_delivered_and_the_session_goes_on),
		TEST(an_end_in_the_middle_of_data_is_passed_on_at_once),
		TEST(half_an_end_is_data_after_a_moment),
		TEST(a_send_that_crosses_the_end_puts_it_in_doubt),
		TEST(a_boot_in_data_mode_is_found),
		TEST(the_owners_close_escapes_and_closes),
		TEST(acknowledgements_are_asked_in_one_escape),
		TEST(bytes_that_the_module_did_not_count_are_not_acknowledged),
		TEST(an_ok_of_the_peer_is_not_the_modules),
		TEST(an_ok_that_was_data_after_all_resets_the_link),
		TEST(a_link_that_ends_while_escaped_may_have_lost_data),
		TEST(the_guard_waits_until_the_tty_is_empty),
		TEST(the_question_about_an_end_waits_until_the_tty_is_empty),
		TEST(a_failed_escape_is_repeated_and_then_the_ladder),
		TEST(dtr_leaves_data_mode_where_it_is_wired),
		TEST(what_the_owner_has_no_room_for_stops_the_tty),
		TEST(a_line_that_loses_what_is_not_read_is_never_stopped),
		TEST(a_silent_link_is_looked_at),
		TEST(a_refused_open_is_a_result),
		TEST(an_open_that_failed_in_words_is_no_success),
		TEST(an_open_without_an_answer_is_escaped_and_closed),
		TEST(udp_names_its_one_peer),
		TEST(a_client_of_the_server_has_the_line),
		TEST(a_client_without_connect_is_closed),
		TEST(an_unwelcome_client_during_an_open_does_not_stop_everything),
		TEST(a_host_that_does_not_read_for_minutes_costs_no_wakeups),
		TEST(waiting_for_an_answer_before_ato_costs_no_wakeups),
		TEST(waiting_for_the_rest_of_the_list_costs_no_wakeups),
		TEST(a_tty_that_never_empties_leads_to_the_ladder),
		TEST(an_ato_without_an_answer_resets_the_link),
		TEST(a_client_without_connect_leaves_no_command_without_an_end),
		TEST(an_end_before_at_is_answered_is_not_believed),
		TEST(an_ok_that_data_followed_at_once_resets_the_link),
		TEST(the_first_byte_to_an_unknown_module_is_an_escape),
		TEST(the_mode_is_set_before_the_network_opens),
		cmocka_unit_test(only_what_can_be_the_modules_is_held_back),
		cmocka_unit_test(an_endless_row_of_module_lines_is_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

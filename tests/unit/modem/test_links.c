/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <errno.h>
#include <string.h>

static void open_tcp(struct fake *f, unsigned link)
{
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	assert_int_equal(modem_open_tcp(f->m, link, &e), 0);
	fake_run(f);
}

static void tcp_open_needs_ok_and_result_in_either_order(void **state)
{
	struct fake *f = *state;

	open_tcp(f, 3);
	assert_said(f, "AT+CIPOPEN=3,\"TCP\",\"198.51.100.7\",3000\n");
	assert_heard(f, "");
	fake_say(f, "\r\n+CIPOPEN: 3,0\r\n");
	assert_heard(f, "opened(3,ok) ");

	fake_rule(f, "AT+CIPOPEN=4", "\r\n+CIPOPEN: 4,0\r\n" OK);
	open_tcp(f, 4);
	assert_heard(f, "opened(3,ok) opened(4,ok) ");
}

static void udp_open_names_only_the_local_port(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 1,0\r\n" OK);
	assert_int_equal(modem_open_udp(f->m, 1, 5000), 0);
	fake_run(f);
	assert_said(f, "AT+CIPOPEN=1,\"UDP\",,,5000\n");
	assert_heard(f, "opened(1,ok) ");
}

static void result_before_ok_does_not_open_before_ok(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 1,0\r\n");
	assert_int_equal(modem_open_udp(f->m, 1, 5000), 0);
	fake_run(f);
	assert_heard(f, "");
	fake_say(f, OK);
	assert_heard(f, "opened(1,ok) ");
}

static void several_opens_may_be_outstanding(void **state)
{
	struct fake *f = *state;

	open_tcp(f, 9);
	open_tcp(f, 8);
	open_tcp(f, 7);
	assert_int_equal(fake_count(f->said, "AT+CIPOPEN="), 3);
	fake_say(f, "\r\n+CIPOPEN: 8,0\r\n");
	fake_say(f, "\r\n+CIPOPEN: 9,10\r\n");
	fake_say(f, "\r\n+CIPOPEN: 7,0\r\n");
	assert_heard(f, "opened(8,ok) opened(9,timeout) free(9) opened(7,ok) ");
}

static void failed_open_is_told_with_its_number(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 3,8\r\n" ERR);
	open_tcp(f, 3);
	assert_heard(f, "opened(3,busy) free(3) ");
	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 3,255\r\n" ERR);
	open_tcp(f, 3);
	assert_heard(f, "opened(3,busy) free(3) opened(3,unknown) free(3) ");
}

static void error_that_never_comes_is_not_waited_for(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 3,11\r\n");
	open_tcp(f, 3);
	fake_advance(f, MSEC(299));
	assert_heard(f, "");
	fake_advance(f, MSEC(2));
	assert_heard(f, "opened(3,dns failed) free(3) ");
}

static void link_in_use_is_closed_before_its_number_is_free(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 3,4\r\n" ERR);
	fake_rule(f, "AT+CIPCLOSE=", OK);
	open_tcp(f, 3);
	fake_advance(f, MSEC(60));
	assert_heard(f, "opened(3,not supported) ");
	assert_said(f, "AT+CIPCLOSE=3\n");
	fake_say(f, "\r\n+CIPCLOSE: 3,0\r\n");
	assert_heard(f, "opened(3,not supported) free(3) ");
}

static void bare_error_is_an_error(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", ERR);
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	open_tcp(f, 3);
	fake_advance(f, MSEC(60));
	assert_heard(f, "opened(3,error) free(3) ");
}

static void silence_is_told_after_the_time_limit_and_the_number_is_cleared(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	open_tcp(f, 3);
	fake_advance(f, SEC(31));
	assert_heard(f, "");
	fake_advance(f, SEC(2));
	assert_heard(f, "opened(3,silence) free(3) ");
	assert_said(f, "AT+CIPCLOSE=3\n");
}

#define NOT_OPEN "\r\n+CIPCLOSE: 3,4\r\n" ERR

/* Opens link 3, cancels it, and has its CIPCLOSE answered by @answer. */
static void cancel(struct fake *f, const char *answer)
{
	fake_rule(f, "AT+CIPCLOSE=", answer);
	open_tcp(f, 3);
	modem_close(f->m, 3);
	fake_run(f);
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 1);
}

static void cancelled_open_that_can_be_closed_frees_its_number_soon(void **state)
{
	static const char *const answers[] = {OK "\r\n+CIPCLOSE: 3,0\r\n",
		"\r\n+CIPCLOSE: 3,0\r\n" OK, OK "\r\n+IPCLOSE: 3,0\r\n",
		"\r\n+IPCLOSE: 3,0\r\n" OK, "\r\n+IPCLOSE: 3,1\r\n" NOT_OPEN};
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	(void)state;
	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct fake *f;
		void *s;

		fake_setup_up(&s);
		f = s;
		cancel(f, answers[i]);
		assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_CLOSING);
		assert_int_equal(modem_open_tcp(f->m, 3, &e), -EBUSY);
		fake_advance(f, MSEC(990));
		assert_heard(f, "opened(3,cancelled) ");
		fake_advance(f, MSEC(20));
		assert_heard(f, "opened(3,cancelled) free(3) ");
		assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 1);
		fake_free(f);
	}
}

static void cancelled_open_is_not_closed_before_the_module_took_it(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPCLOSE=", OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_rule(f, "AT+CIPOPEN=", NULL);
	open_tcp(f, 3);
	modem_close(f->m, 3);
	fake_run(f);
	assert_heard(f, "opened(3,cancelled) ");
	assert_not_said(f, "CIPCLOSE=");
	fake_say(f, OK);
	assert_said(f, "AT+CIPCLOSE=3\n");
}

static void result_of_a_cancelled_open_is_swallowed_behind_its_close(void **state)
{
	struct fake *f = *state;

	cancel(f, OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_advance(f, MSEC(500));
	fake_say(f, "\r\n+CIPOPEN: 3,0\r\n");
	fake_advance(f, MSEC(600));
	assert_heard(f, "opened(3,cancelled) free(3) ");
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 1);
}

static void result_of_a_cancelled_open_long_after_its_close_is_a_stray_link(void **state)
{
	struct fake *f = *state;

	cancel(f, OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_advance(f, MSEC(1100));
	assert_heard(f, "opened(3,cancelled) free(3) ");
	fake_say(f, "\r\n+CIPOPEN: 3,0\r\n");
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 2);
	assert_heard(f, "opened(3,cancelled) free(3) free(3) ");
}

static void cancelled_open_that_cannot_be_closed_yet_keeps_its_number_until_its_result(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	cancel(f, NOT_OPEN);
	fake_advance(f, SEC(20));
	assert_heard(f, "opened(3,cancelled) ");
	assert_int_equal(modem_open_tcp(f->m, 3, &e), -EBUSY);
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 1); /* it is not asked again */
	fake_rule(f, "AT+CIPCLOSE=", OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_say(f, "\r\n+CIPOPEN: 3,0\r\n"); /* late success */
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 2);
	assert_heard(f, "opened(3,cancelled) free(3) ");
}

static void cancelled_open_that_cannot_be_closed_yet_ends_with_its_failure(void **state)
{
	struct fake *f = *state;

	cancel(f, ERR);
	fake_say(f, "\r\n+CIPOPEN: 3,10\r\n");
	assert_heard(f, "opened(3,cancelled) free(3) ");
}

static void cancelled_open_without_any_result_ends_with_its_time(void **state)
{
	struct fake *f = *state;

	cancel(f, NOT_OPEN);
	fake_advance(f, SEC(31));
	assert_heard(f, "opened(3,cancelled) ");
	fake_advance(f, SEC(2));
	assert_heard(f, "opened(3,cancelled) free(3) ");
}

static void failure_that_overtakes_the_close_of_a_cancelled_open_ends_it(void **state)
{
	struct fake *f = *state;

	/* Refused: nothing more can come. Taken: a result of the close can. */
	cancel(f, "\r\n+CIPOPEN: 3,10\r\n" NOT_OPEN);
	assert_heard(f, "opened(3,cancelled) free(3) ");
	fake_clear(f);
	cancel(f, "\r\n+CIPOPEN: 3,10\r\n" OK);
	assert_heard(f, "opened(3,cancelled) ");
	fake_say(f, "\r\n+CIPCLOSE: 3,0\r\n");
	fake_advance(f, SEC(1));
	assert_heard(f, "opened(3,cancelled) free(3) ");
	fake_clear(f);
	cancel(f, OK "\r\n+CIPOPEN: 3,10\r\n");
	fake_advance(f, SEC(1));
	assert_heard(f, "opened(3,cancelled) free(3) ");
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 1);
}

static void success_that_overtakes_the_close_of_a_cancelled_open_needs_no_quarantine(void **state)
{
	struct fake *f = *state;

	cancel(f, "\r\n+CIPOPEN: 3,0\r\n" OK "\r\n+CIPCLOSE: 3,0\r\n");
	assert_heard(f, "opened(3,cancelled) free(3) ");
}

static void success_that_overtakes_the_refusal_of_its_close_is_closed_again(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPCLOSE=", OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_rule_once(f, "AT+CIPCLOSE=", "\r\n+CIPOPEN: 3,0\r\n" NOT_OPEN);
	open_tcp(f, 3);
	modem_close(f->m, 3);
	fake_run(f);
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3\n"), 2);
	assert_heard(f, "opened(3,cancelled) free(3) ");
}

static void close_of_a_cancelled_open_without_result_waits_for_the_open(void **state)
{
	struct fake *f = *state;

	cancel(f, OK);
	fake_advance(f, SEC(16));
	assert_heard(f, "opened(3,cancelled) ");
	fake_say(f, "\r\n+CIPOPEN: 3,10\r\n");
	assert_heard(f, "opened(3,cancelled) free(3) ");
}

static void open_that_was_never_written_is_cancelled_at_once(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	assert_int_equal(modem_open_tcp(f->m, 3, &e), 0);
	modem_close(f->m, 3);
	fake_run(f);
	assert_heard(f, "opened(3,cancelled) free(3) ");
	assert_not_said(f, "CIPOPEN");
}

static void close_is_told_at_once_and_the_number_is_free_when_confirmed(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPCLOSE=", OK);
	modem_close(f->m, 3);
	fake_run(f);
	assert_heard(f, "closed(3,local) ");
	fake_say(f, "\r\nCLOSED\r\n\r\n+CIPCLOSE: 3,0\r\n");
	assert_heard(f, "closed(3,local) free(3) ");
}

static void close_result_may_come_before_ok(void **state)
{
	struct fake *f = *state;

	fake_open_udp(f, 1, 5000);
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 1,0\r\n" OK);
	modem_close(f->m, 1);
	fake_run(f);
	assert_heard(f, "closed(1,local) free(1) ");
}

static void close_of_a_closed_link_is_fine(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	modem_close(f->m, 3);
	fake_run(f);
	assert_heard(f, "closed(3,local) free(3) ");
}

static void busy_module_is_asked_again_to_close(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPCLOSE=", OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_rule_once(f, "AT+CIPCLOSE=", ERR);
	modem_close(f->m, 3);
	fake_run(f);
	assert_heard(f, "closed(3,local) ");
	fake_advance(f, MSEC(510));
	assert_heard(f, "closed(3,local) free(3) ");
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3"), 2);
}

static void missing_close_result_is_asked_again(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	fake_rule_once(f, "AT+CIPCLOSE=", OK);
	modem_close(f->m, 3);
	fake_run(f);
	fake_advance(f, SEC(14));
	assert_heard(f, "closed(3,local) ");
	fake_advance(f, SEC(2));
	assert_heard(f, "closed(3,local) free(3) ");
	assert_int_equal(fake_count(f->said, "AT+CIPCLOSE=3"), 2);
}

static void passive_close_frees_the_number(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_tcp(f, 4, "198.51.100.7:3000");
	fake_open_tcp(f, 5, "198.51.100.7:3000");
	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	assert_heard(f, "closed(3,remote) free(3) ");
	fake_say(f, "\r\n+IPCLOSE: 4,2\r\n");
	assert_heard(f, "closed(3,remote) free(3) closed(4,timeout) free(4) ");
	fake_clear(f);
	fake_say(f, "\r\n+CIPCLOSE: 5,0\r\n");
	assert_heard(f, "closed(5,remote) free(5) ");
	assert_not_said(f, "CIPCLOSE=");
}

static void close_line_of_the_former_life_does_not_touch_the_new_one(void **state)
{
	struct fake *f = *state;

	open_tcp(f, 3);
	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	fake_say(f, "\r\n+CIPOPEN: 3,0\r\n");
	assert_heard(f, "opened(3,ok) ");
}

static void close_between_result_and_ok_belongs_to_the_new_life(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPOPEN=", "\r\n+CIPOPEN: 3,0\r\n\r\n+IPCLOSE: 3,1\r\n" OK);
	open_tcp(f, 3);
	assert_heard(f, "opened(3,unknown) free(3) ");
}

static void listings_are_no_results(void **state)
{
	struct fake *f = *state;

	open_tcp(f, 3);
	fake_say(f, "\r\n+CIPOPEN: 3\r\n");
	fake_say(f, "\r\n+CIPOPEN: 3,\"TCP\",\"198.51.100.7\",3000,-1\r\n");
	fake_say(f, "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0\r\n");
	assert_heard(f, "");
}

static void network_event_loses_every_link(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	open_tcp(f, 4);
	fake_clear(f);
	fake_rule(f, "AT+CREG?", NULL);
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	assert_heard(f, "closed(3,lost) free(3) opened(4,lost) free(4) bearer(register) ");
}

static void link_that_nobody_opened_is_closed(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPCLOSE=", OK "\r\n+CIPCLOSE: 6,0\r\n");
	fake_say(f, "\r\n+CIPOPEN: 6,0\r\n");
	assert_said(f, "AT+CIPCLOSE=6\n");
	assert_heard(f, "free(6) ");
}

static void dead_link_is_found_by_the_watch_but_one_list_may_be_stale(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_tcp(f, 4, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	fake_rule(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,0,0,0,1,0,0,0,0,0\r\n" OK);
	fake_rule_once(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n" OK);
	fake_advance(f, SEC(46));
	assert_heard(f, "");
	fake_advance(f, SEC(5));
	assert_heard(f, "closed(3,lost) free(3) ");
}

#define NOT_CREATED "\r\n+IP ERROR: Connection is not created\r\n" ERR

static void idle_link_without_a_connection_is_found_though_it_is_listed_open(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_tcp(f, 4, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPACK=3", NOT_CREATED);
	fake_rule(f, "AT+CIPACK=4", "\r\n+CIPACK: 0,0,0\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	fake_advance(f, SEC(46));
	assert_said(f, "AT+CIPACK=3\nAT+CIPACK=4\n");
	assert_heard(f, ""); /* once may be an accident */
	fake_advance(f, SEC(5));
	assert_heard(f, "closed(3,lost) free(3) ");
}

static void one_denial_between_good_answers_is_forgotten(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPACK=3", "\r\n+CIPACK: 0,0,0\r\n" OK);
	for (unsigned i = 0; i < 3; i++) {
		fake_rule_once(f, "AT+CIPACK=3", "\r\n+IP ERROR: 11\r\n" ERR);
		fake_advance(f, SEC(100));
	}
	assert_heard(f, "");
}

static void link_that_moves_bytes_is_not_asked(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_udp(f, 5, 4000);
	for (unsigned i = 0; i < 20; i++) {
		fake_say(f, "\r\nRECV FROM:198.51.100.7:3000\r\n+RECEIVE,3,1\r\nx");
		fake_advance(f, SEC(10));
	}
	assert_not_said(f, "CIPACK"); /* nor a UDP link, ever */
	fake_advance(f, SEC(100));
	assert_said(f, "AT+CIPACK=3\n");
}

static void firmware_without_cipack_is_asked_once(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_tcp(f, 4, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPACK", ERR);
	fake_advance(f, SEC(600));
	assert_int_equal(fake_count(f->said, "CIPACK"), 1);
	assert_heard(f, "");
}

static void to_ipv6(struct fake *f)
{
	f->config.ip = 6;
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2001:db8::17\r\n" OK);
	fake_up(f);
}

static void open_v6(struct fake *f, unsigned link)
{
	struct endpoint e = fake_endpoint("[2001:db8:1::1]:80");

	assert_int_equal(modem_open_tcp(f->m, link, &e), 0);
	fake_run(f);
}

static void ipv6_destination_stands_without_brackets(void **state)
{
	struct fake *f = *state;

	to_ipv6(f);
	open_v6(f, 9);
	assert_string_equal(f->said, "AT+CIPOPEN=9,\"TCP\",\"2001:db8:1::1\",80\n");
	fake_say(f, "\r\n+CIPOPEN: 9,0\r\n");
	/* what was taken once is not doubted later */
	open_v6(f, 8);
	fake_say(f, "\r\n+CIPOPEN: 8,3\r\n");
	assert_heard(f, "opened(9,ok) opened(8,wrong parameter) free(8) ");
}

static void firmware_that_wants_brackets_is_given_them(void **state)
{
	struct fake *f = *state;

	to_ipv6(f);
	fake_rule_once(f, "AT+CIPOPEN=9", "\r\n+CIPOPEN: 9,3\r\n" ERR);
	open_v6(f, 9);
	assert_said(f, "AT+CIPOPEN=9,\"TCP\",\"[2001:db8:1::1]\",80\n");
	fake_say(f, "\r\n+CIPOPEN: 9,0\r\n");
	assert_heard(f, "opened(9,ok) ");
	fake_clear(f);
	open_v6(f, 8);
	assert_string_equal(f->said, "AT+CIPOPEN=8,\"TCP\",\"[2001:db8:1::1]\",80\n");
	/* the next boot may bring another firmware */
	fake_say(f, "\r\n+CIPOPEN: 8,0\r\n");
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	fake_advance(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
	fake_clear(f);
	open_v6(f, 8);
	assert_string_equal(f->said, "AT+CIPOPEN=8,\"TCP\",\"2001:db8:1::1\",80\n");
}

static void two_refusals_of_one_form_are_not_a_refusal_of_both(void **state)
{
	struct fake *f = *state;

	to_ipv6(f);
	open_v6(f, 9);
	open_v6(f, 8);
	fake_say(f, "\r\n+CIPOPEN: 9,11\r\n\r\n+CIPOPEN: 8,11\r\n");
	fake_clear(f);
	fake_say(f, "\r\n+CIPOPEN: 9,0\r\n\r\n+CIPOPEN: 8,0\r\n");
	assert_heard(f, "opened(9,ok) opened(8,ok) ");
	open_v6(f, 7);
	assert_string_equal(f->said, "AT+CIPOPEN=7,\"TCP\",\"[2001:db8:1::1]\",80\n");
}

static void address_refused_in_both_forms_is_told_once_and_tried_plain_again(void **state)
{
	struct fake *f = *state;

	to_ipv6(f);
	fake_rule(f, "AT+CIPOPEN=9", "\r\n+CIPOPEN: 9,3\r\n" ERR);
	open_v6(f, 9);
	assert_heard(f, "opened(9,wrong parameter) free(9) ");
	assert_int_equal(fake_count(f->said, "AT+CIPOPEN=9"), 2);
	fake_clear(f);
	open_v6(f, 9);
	assert_string_equal(f->said, "AT+CIPOPEN=9,\"TCP\",\"2001:db8:1::1\",80\n");
}

static void wrong_arguments_are_refused(void **state)
{
	struct fake *f = *state;
	struct endpoint v6 = fake_endpoint("[2001:db8::1]:80"), none = {.port = 80};

	assert_int_equal(modem_open_tcp(f->m, 3, &v6), -EAFNOSUPPORT);
	assert_int_equal(modem_open_tcp(f->m, 3, &none), -EINVAL);
	assert_int_equal(modem_open_tcp(f->m, 10, &v6), -EINVAL);
	assert_int_equal(modem_open_udp(f->m, 3, 0), -EINVAL);
	modem_detach(f->m, f->now);
	assert_int_equal(modem_open_udp(f->m, 3, 1), -ENETDOWN);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup_up, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tcp_open_needs_ok_and_result_in_either_order),
		TEST(udp_open_names_only_the_local_port),
		TEST(result_before_ok_does_not_open_before_ok),
		TEST(several_opens_may_be_outstanding),
		TEST(failed_open_is_told_with_its_number),
		TEST(error_that_never_comes_is_not_waited_for),
		TEST(link_in_use_is_closed_before_its_number_is_free),
		TEST(bare_error_is_an_error),
		TEST(silence_is_told_after_the_time_limit_and_the_number_is_cleared),
		cmocka_unit_test(cancelled_open_that_can_be_closed_frees_its_number_soon),
		TEST(cancelled_open_is_not_closed_before_the_module_took_it),
		TEST(result_of_a_cancelled_open_is_swallowed_behind_its_close),
		TEST(result_of_a_cancelled_open_long_after_its_close_is_a_stray_link),
		TEST(cancelled_open_that_cannot_be_closed_yet_keeps_its_number_until_its_result),
		TEST(cancelled_open_that_cannot_be_closed_yet_ends_with_its_failure),
		TEST(cancelled_open_without_any_result_ends_with_its_time),
		TEST(failure_that_overtakes_the_close_of_a_cancelled_open_ends_it),
		TEST(success_that_overtakes_the_close_of_a_cancelled_open_needs_no_quarantine),
		TEST(success_that_overtakes_the_refusal_of_its_close_is_closed_again),
		TEST(close_of_a_cancelled_open_without_result_waits_for_the_open),
		TEST(open_that_was_never_written_is_cancelled_at_once),
		TEST(close_is_told_at_once_and_the_number_is_free_when_confirmed),
		TEST(close_result_may_come_before_ok),
		TEST(close_of_a_closed_link_is_fine),
		TEST(busy_module_is_asked_again_to_close),
		TEST(missing_close_result_is_asked_again),
		TEST(passive_close_frees_the_number),
		TEST(close_line_of_the_former_life_does_not_touch_the_new_one),
		TEST(close_between_result_and_ok_belongs_to_the_new_life),
		TEST(listings_are_no_results),
		TEST(network_event_loses_every_link),
		TEST(link_that_nobody_opened_is_closed),
		TEST(dead_link_is_found_by_the_watch_but_one_list_may_be_stale),
		TEST(idle_link_without_a_connection_is_found_though_it_is_listed_open),
		TEST(one_denial_between_good_answers_is_forgotten),
		TEST(link_that_moves_bytes_is_not_asked),
		TEST(firmware_without_cipack_is_asked_once),
		TEST(ipv6_destination_stands_without_brackets),
		TEST(firmware_that_wants_brackets_is_given_them),
		TEST(two_refusals_of_one_form_are_not_a_refusal_of_both),
		TEST(address_refused_in_both_forms_is_told_once_and_tried_plain_again),
		TEST(wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

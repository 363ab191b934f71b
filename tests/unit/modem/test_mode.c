/* SPDX-License-Identifier: BSD-3-Clause */
/* From push to buffer mode and back with links open: no byte is lost, doubled or out of place. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#define FROM3 "\r\nRECV FROM:198.51.100.7:3000"
#define FROM4 "\r\nRECV FROM:198.51.100.8:3000"
#define NO_DATA "\r\n+IP ERROR: No data\r\n" ERR
#define TO_BUFFER "AT+CIPRXGET=1\n"
#define TO_PUSH "AT+CIPRXGET=0\n"

static struct fake *begin(bool hex, bool when_empty)
{
	struct fake *f = fake_new();

	f->config.receive = MODEM_RECEIVE_AUTO;
	f->config.hex = hex;
	f->config.return_when_empty = when_empty;
	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=", OK);
	fake_rule(f, "AT+CIPRXGET=2", NO_DATA);
	fake_rule(f, "AT+CIPRXGET=3", NO_DATA);
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		static char rules[MODEM_LINKS][2][40];

		snprintf(rules[l][0], sizeof(rules[l][0]), "AT+CIPRXGET=4,%u", l);
		snprintf(rules[l][1], sizeof(rules[l][1]), "\r\n+CIPRXGET: 4,%u,0\r\n" OK, l);
		fake_rule(f, rules[l][0], rules[l][1]);
	}
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_tcp(f, 4, "198.51.100.8:3000");
	return f;
}

static int setup(void **state)
{
	*state = begin(false, false);
	return 0;
}

static int setup_empty(void **state)
{
	*state = begin(false, true);
	return 0;
}

static int setup_hex(void **state)
{
	*state = begin(true, false);
	return 0;
}

static void switch_over(struct fake *f)
{
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
}

static void close_link(struct fake *f, unsigned l)
{
	char text[40];

	modem_close(f->m, l);
	fake_run(f);
	snprintf(text, sizeof(text), "\r\n+CIPCLOSE: %u,0\r\n", l);
	fake_say(f, text);
}

/* ---- to buffer ---- */

static void it_starts_with_push(void **state)
{
	struct fake *f = *state;
	struct modem_status s;

	modem_status(f->m, &s);
	assert_int_equal(s.receive, MODEM_RECEIVE_PUSH);
	assert_int_equal(s.receive_configured, MODEM_RECEIVE_AUTO);
	assert_int_equal(s.buffer_time, 0);
	fake_advance(f, SEC(600));
	assert_not_said(f, "CIPRXGET");
}

static void the_switch_waits_for_the_command_in_flight_and_no_longer(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPSEND=", "\r\n>{payload}");
	fake_send(f, 3, "hello", NULL);
	fake_send(f, 4, "behind", NULL);
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	assert_not_said(f, TO_BUFFER);
	fake_say(f, OK);
	assert_said(f, "AT+CIPSEND=3,5\n" TO_BUFFER);
	assert_not_said(f, "AT+CIPSEND=4");
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
}

static void it_is_asked_for_once(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", "");
	for (unsigned i = 0; i < 5; i++) {
		assert_true(modem_want_buffer(f->m));
		fake_run(f);
	}
	fake_say(f, OK);
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	assert_int_equal(fake_count(f->said, TO_BUFFER), 1);
	assert_heard(f, "mode(buffer) ");
}

static void pushed_data_before_and_behind_the_ok_comes_in_order(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	fake_rule_once(f, "AT+CIPRXGET=1", FROM3 "\r\n+RECEIVE,3,3\r\none" OK
		FROM3 "\r\n+RECEIVE,3,3\r\ntwo");
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,5,0\r\nthree" OK);
	switch_over(f);
	assert_heard(f, "data{3}[one] mode(buffer) data{3}[twothree] ");
}

static void a_header_behind_the_ok_needs_no_source_if_the_firmware_names_none(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+RECEIVE,3,1\r\nx"); /* that is learned from the first one */
	fake_rule_once(f, "AT+CIPRXGET=1", OK "\r\n+RECEIVE,3,3\r\ntwo");
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,5,0\r\nthree" OK);
	switch_over(f);
	assert_heard(f, "data{3}[x] mode(buffer) data{3}[twothree] ");
}

/* AT reference 7.1: some say +RECEIVE,l,n for +CIPRXGET: 1,l. */
static void a_notification_in_the_shape_of_a_header_is_one_after_the_switch(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	switch_over(f);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_say(f, "\r\n+RECEIVE,3,3\r\n");
	assert_heard(f, "data{3}[abc] ");
}

static void every_link_is_read_once_after_the_switch(void **state)
{
	struct fake *f = *state;

	fake_open_udp(f, 1, 5000);
	fake_rule_once(f, "AT+CIPRXGET=2,4", "\r\n+CIPRXGET: 2,4,3,0\r\nabc" OK);
	switch_over(f);
	assert_heard(f, "mode(buffer) data{4}[abc] ");
	assert_int_equal(fake_count(f->said, "AT+CIPRXGET=2,3,"), 1);
	assert_int_equal(fake_count(f->said, "AT+CIPRXGET=2,1,"), 1);
}

static void a_hint_for_a_link_that_is_opening_is_not_lost(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("198.51.100.9:80");

	assert_int_equal(modem_open_tcp(f->m, 5, &e), 0);
	fake_run(f);
	fake_rule_once(f, "AT+CIPRXGET=2,5", "\r\n+CIPRXGET: 2,5,3,0\r\nabc" OK);
	fake_rule_once(f, "AT+CIPRXGET=1", "\r\n+CIPRXGET: 1,5\r\n" OK "\r\n+CIPOPEN: 5,0\r\n");
	switch_over(f);
	assert_heard(f, "mode(buffer) opened(5,ok) data{5}[abc] ");
}

static void a_close_during_the_switch_is_drained(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,4,0\r\nlast" OK);
	fake_rule_once(f, "AT+CIPRXGET=1", "\r\n+IPCLOSE: 3,1\r\n" OK);
	switch_over(f);
	assert_heard(f, "mode(buffer) data{3}[last] closed(3,remote) free(3) ");
}

static void udp_links_with_several_remotes_are_closed_before_the_owner_hears(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPSEND=1", "\r\n>{payload}" OK "\r\n+CIPSEND: 1,1,1\r\n");
	fake_rule(f, "AT+CIPSEND=2", "\r\n>{payload}" OK "\r\n+CIPSEND: 2,1,1\r\n");
	fake_open_udp(f, 1, 5001);
	fake_open_udp(f, 2, 5002);
	fake_send(f, 1, "a", "203.0.113.1:53");
	fake_send(f, 1, "b", "203.0.113.2:53");
	fake_send(f, 2, "c", "203.0.113.1:53");
	fake_clear(f);
	switch_over(f);
	assert_heard(f, "closed(1,data) mode(buffer) ");
	assert_not_said(f, "AT+CIPRXGET=2,1");
	assert_int_equal(modem_link_state(f->m, 2), MODEM_LINK_OPEN);
}

static void a_refused_switch_is_told_and_not_asked_again(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", "\r\n+IPCLOSE: 4,1\r\n" ERR);
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	assert_heard(f, "mode(push) closed(4,remote) free(4) ");
	assert_false(modem_want_buffer(f->m));
	fake_run(f);
	assert_int_equal(fake_count(f->said, TO_BUFFER), 1);
	fake_say(f, FROM3 "\r\n+RECEIVE,3,5\r\nhello");
	assert_non_null(strstr(f->log, "data{3}[hello] "));
}

static void what_one_boot_refused_the_next_may_grant(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", ERR);
	modem_want_buffer(f->m);
	fake_run(f);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	for (unsigned i = 0; i < 600 && f->state != MODEM_STATE_UP; i++)
		fake_advance(f, MSEC(100));
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	switch_over(f);
}

static void a_switch_without_an_answer_is_repeated(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", "");
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	fake_advance(f, SEC(15));
	assert_int_equal(fake_count(f->said, TO_BUFFER), 2);
	assert_heard(f, "mode(buffer) data{3}[abc] ");
}

static void a_switch_that_is_never_answered_climbs_the_ladder(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPRXGET=1", "");
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	fake_advance(f, SEC(60));
	assert_non_null(strstr(f->log, "closed(3,lost)"));
	assert_non_null(strstr(f->log, "bearer(up)"));
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_PUSH);
}

/* The module obeyed, and its OK was lost: what it holds must not end as a stream that is whole. */
static void a_close_while_the_switch_is_in_doubt_is_drained(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", "\r\nK\r\n");
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	fake_mute(f);
	fake_advance(f, SEC(10)); /* a query is out */
	fake_clear(f);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n\r\n+IPCLOSE: 3,1\r\n");
	assert_heard(f, "");
	f->mute = false;
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_advance(f, SEC(5));
	assert_heard(f, "mode(buffer) data{3}[abc] closed(3,remote) free(3) ");
}

static void a_refusal_ends_the_doubt(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", ERR);
	fake_rule_once(f, "AT+CIPRXGET=1", "");
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	fake_advance(f, SEC(15));
	fake_clear(f);
	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	assert_heard(f, "closed(3,remote) free(3) ");
}

/* Nobody has a use for it any more when the network is back. */
static void a_switch_is_forgotten_with_the_links_it_was_for(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=1", "");
	assert_true(modem_want_buffer(f->m));
	fake_run(f);
	fake_advance(f, SEC(5));
	fake_mute(f);
	fake_advance(f, SEC(5));
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	fake_restore(f);
	fake_clear(f);
	fake_advance(f, SEC(30));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_not_said(f, TO_BUFFER);
}

static void a_fixed_push_mode_stays(void **state)
{
	struct fake *f = fake_new();

	(void)state;
	fake_up(f);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	assert_false(modem_want_buffer(f->m));
	fake_run(f);
	assert_not_said(f, "CIPRXGET");
	fake_free(f);
}

static void a_refused_header_type_is_buffer_mode_for_this_boot(void **state)
{
	struct fake *f = fake_new();

	(void)state;
	f->config.receive = MODEM_RECEIVE_AUTO;
	fake_rule(f, "AT+CIPCCFG", ERR);
	fake_up(f);
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
	fake_advance(f, SEC(600));
	assert_not_said(f, TO_PUSH);
	fake_free(f);
}

static void headers_that_name_no_link_leave_push_for_this_boot(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 5, "198.51.100.7:3000");
	fake_say(f, FROM3 "\r\n+IPD5\r\nhello");
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
	fake_say(f, "\r\n+CIPCLOSE: 3,0\r\n\r\n+CIPCLOSE: 5,0\r\n");
	close_link(f, 4);
	fake_advance(f, SEC(100));
	assert_not_said(f, TO_PUSH);
}

/* ---- back to push ---- */

static void push_is_back_when_the_last_tcp_link_is_gone(void **state)
{
	struct fake *f = *state;
	struct modem_status s;

	switch_over(f);
	fake_advance(f, SEC(20));
	close_link(f, 3);
	assert_not_said(f, TO_PUSH);
	close_link(f, 4);
	assert_said(f, TO_PUSH);
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_PUSH);
	fake_advance(f, SEC(20));
	modem_status(f->m, &s);
	assert_int_equal(s.switches, 1);
	assert_in_range(s.buffer_time, SEC(20), SEC(21));
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_say(f, FROM3 "\r\n+RECEIVE,3,5\r\nhello");
	assert_heard(f, "data{3}[hello] ");
}

static void a_link_that_opens_or_drains_keeps_buffer_mode(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("198.51.100.9:80");

	switch_over(f);
	assert_int_equal(modem_open_tcp(f->m, 5, &e), 0);
	close_link(f, 3);
	f->rx_space = 0;
	fake_say(f, "\r\n+CIPRXGET: 1,4\r\n\r\n+IPCLOSE: 4,1\r\n");
	fake_say(f, "\r\n+CIPOPEN: 5,10\r\n");
	assert_not_said(f, TO_PUSH);
	f->rx_space = 100;
	fake_rule_once(f, "AT+CIPRXGET=2,4", "\r\n+CIPRXGET: 2,4,3,0\r\nabc" OK);
	modem_rx_resume(f->m, 4);
	fake_run(f);
	assert_non_null(strstr(f->log, "data{4}[abc] closed(4,remote)"));
	assert_said(f, TO_PUSH);
}

static void udp_links_are_read_before_push_is_back(void **state)
{
	struct fake *f = *state;

	fake_open_udp(f, 1, 5000);
	switch_over(f);
	fake_clear(f);
	modem_close(f->m, 3);
	modem_close(f->m, 4);
	fake_rule_once(f, "AT+CIPRXGET=2,1", "\r\n+CIPRXGET: 2,1,3,0\r\nabc" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,1\r\n");
	assert_non_null(strstr(f->said, "AT+CIPRXGET=2,1,1500\n"));
	assert_said(f, TO_PUSH);
	assert_true(strstr(f->said, TO_PUSH) > strstr(f->said, "AT+CIPRXGET=2,1,1500\n"));
	assert_non_null(strstr(f->log, "data{1}[abc] "));
}

static void a_datagram_that_came_during_the_return_is_read(void **state)
{
	struct fake *f = *state;

	fake_open_udp(f, 1, 5000);
	switch_over(f);
	fake_rule_once(f, "AT+CIPRXGET=0", "\r\n+CIPRXGET: 1,1\r\n" OK);
	close_link(f, 3);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=2,1", "\r\n+CIPRXGET: 2,1,3,0\r\nabc" OK);
	close_link(f, 4);
	assert_non_null(strstr(f->said, TO_PUSH TO_BUFFER));
	assert_non_null(strstr(f->log, "data{1}[abc] "));
	fake_advance(f, SEC(3));
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_PUSH);
	assert_int_equal(fake_count(f->said, TO_PUSH), 2);
}

static void a_pushed_datagram_before_the_ok_of_the_return_is_taken(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	fake_open_udp(f, 1, 5000);
	switch_over(f);
	close_link(f, 3);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=0",
		"\r\nRECV FROM:203.0.113.9:5254\r\n+RECEIVE,1,5\r\nHELLO" OK);
	close_link(f, 4);
	assert_non_null(strstr(f->log, "data{1}from 203.0.113.9:5254[HELLO] mode(push) "));
}

static void a_link_opened_during_the_return_loses_nothing(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("198.51.100.7:3000");

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	switch_over(f);
	close_link(f, 3);
	fake_rule_once(f, "AT+CIPRXGET=0", "");
	close_link(f, 4);
	assert_said(f, TO_PUSH);
	assert_int_equal(modem_open_tcp(f->m, 5, &e), 0);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPOPEN=5",
		OK "\r\n+CIPOPEN: 5,0\r\n" FROM3 "\r\n+RECEIVE,5,5\r\nhello");
	fake_say(f, OK);
	assert_heard(f, "mode(push) opened(5,ok) data{5}[hello] ");
}

static void a_refused_return_stays_in_buffer_mode(void **state)
{
	struct fake *f = *state;

	switch_over(f);
	close_link(f, 3);
	fake_rule(f, "AT+CIPRXGET=0", ERR);
	close_link(f, 4);
	fake_advance(f, SEC(100));
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
	assert_int_equal(fake_count(f->said, TO_PUSH), 1);
}

static void when_empty_is_enough_push_is_back_with_links_open(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	switch_over(f);
	assert_not_said(f, TO_PUSH);
	fake_advance(f, SEC(2));
	assert_said(f, TO_PUSH);
	fake_say(f, FROM3 "\r\n+RECEIVE,3,3\r\ndef");
	assert_heard(f, "data{3}[x] mode(buffer) data{3}[abc] mode(push) data{3}[def] ");
}

static void a_link_with_unread_data_is_not_empty(void **state)
{
	struct fake *f = *state;

	f->rx_space = 0;
	switch_over(f);
	fake_advance(f, SEC(60));
	assert_not_said(f, TO_PUSH);
}

static void stranded_data_is_read_before_anything_that_came_later(void **state)
{
	struct fake *f = *state;

	switch_over(f);
	fake_rule_once(f, "AT+CIPRXGET=0", "\r\n+CIPRXGET: 1,3\r\n" OK);
	fake_rule_once(f, "AT+CIPRXGET=1", OK);
	fake_advance(f, MSEC(900));
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_advance(f, MSEC(200));
	assert_heard(f, "mode(push) mode(buffer) data{3}[abc] ");
}

static void a_stream_that_was_overtaken_is_reset(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	switch_over(f);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=0",
		"\r\n+CIPRXGET: 1,3\r\n" OK FROM3 "\r\n+RECEIVE,3,5\r\nlater");
	fake_advance(f, SEC(2));
	assert_non_null(strstr(f->log, "closed(3,data)"));
	assert_null(strstr(f->log, "later"));
	assert_int_equal(modem_link_state(f->m, 4), MODEM_LINK_OPEN);
}

/* AT reference 1.2: what was announced before the switch may be said behind its OK. */
static void a_notice_behind_the_ok_of_the_return_counts(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	switch_over(f);
	fake_rule_once(f, "AT+CIPRXGET=0", OK "\r\n+CIPRXGET: 1,3\r\n");
	fake_rule_once(f, "AT+CIPRXGET=1", "");
	fake_advance(f, SEC(2));
	assert_said(f, TO_PUSH TO_BUFFER);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_clear(f);
	fake_say(f, OK);
	assert_heard(f, "mode(buffer) data{3}[abc] ");
}

static void a_stream_that_was_overtaken_before_the_ok_is_reset(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,1\r\nx");
	switch_over(f);
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=0",
		"\r\n+CIPRXGET: 1,3\r\n" FROM3 "\r\n+RECEIVE,3,5\r\nlater" OK);
	fake_advance(f, SEC(2));
	assert_non_null(strstr(f->log, "closed(3,data)"));
	assert_null(strstr(f->log, "later"));
}

static void a_close_of_a_stranded_stream_is_no_end_of_it(void **state)
{
	struct fake *f = *state;

	switch_over(f);
	fake_rule_once(f, "AT+CIPRXGET=0", "\r\n+CIPRXGET: 1,3\r\n" OK);
	fake_rule_once(f, "AT+CIPRXGET=1", ERR);
	fake_advance(f, SEC(2));
	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	assert_non_null(strstr(f->log, "closed(3,data)"));
	assert_int_equal(modem_link_state(f->m, 4), MODEM_LINK_OPEN);
}

/* Pushed or not is not known then, so a header is a header. */
static void pushed_data_is_counted_while_the_return_is_in_doubt(void **state)
{
	struct fake *f = *state;

	switch_over(f);
	fake_rule_once(f, "AT+CIPRXGET=0", "\r\nK\r\n");
	fake_advance(f, MSEC(1100));
	assert_said(f, TO_PUSH);
	fake_mute(f);
	fake_advance(f, SEC(10)); /* a query is out */
	fake_say(f, "\r\n+CSQ: 1\r\n");
	fake_clear(f);
	fake_say(f, "\r\n+RECEIVE,3,20\r\n\r\n+IPCLOSE: 4,1\r\nend");
	assert_heard(f, "data{3}[\r\n+IPCLOSE: 4,1\r\nend] ");
}

/* ---- hex ---- */

static void hex_is_read_in_pairs_of_either_case(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
	fake_rule_once(f, "AT+CIPRXGET=3,3", "\r\n+CIPRXGET: 3,3,3,0\r\n6f4B0a\r\n" OK);
	fake_rule_once(f, "AT+CIPRXGET=3,3", "\r\n+CIPRXGET: 3,3,5,3\r\n66726F6D20" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "data{3}[from oK\n] ");
	assert_string_equal(f->said, "AT+CIPRXGET=3,3,750\nAT+CIPRXGET=3,3,750\n");
}

static void hex_never_takes_more_than_there_is_room_for(void **state)
{
	struct fake *f = *state;

	f->rx_space = 2;
	fake_rule_once(f, "AT+CIPRXGET=3,3,2", "\r\n+CIPRXGET: 3,3,2,0\r\n6162" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "data{3}[ab] ");
}

static void a_garbled_digit_resets_that_stream_only(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=3,3", "\r\n+CIPRXGET: 3,3,5,0\r\n66726G6D20" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "closed(3,data) ");
	assert_int_equal(modem_link_state(f->m, 4), MODEM_LINK_OPEN);
}

static void a_garbled_datagram_is_dropped_and_its_link_lives(void **state)
{
	struct fake *f = *state;

	fake_open_udp(f, 1, 5000);
	fake_rule_once(f, "AT+CIPRXGET=3,1", "\r\n+CIPRXGET: 3,1,2,0\r\n6162" OK);
	fake_rule_once(f, "AT+CIPRXGET=3,1", "\r\n+CIPRXGET: 3,1,2,2\r\n6 62" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,1\r\n");
	assert_heard(f, "data{1}[ab] ");
}

static void a_hex_answer_to_nobody_is_a_loss_of_its_link(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+CIPRXGET: 3,3,2,0\r\n6162\r\n");
	assert_heard(f, "closed(3,data) ");
}

static void hex_never_goes_to_push(void **state)
{
	struct fake *f = *state;

	assert_true(modem_want_buffer(f->m));
	close_link(f, 3);
	close_link(f, 4);
	fake_advance(f, SEC(100));
	assert_not_said(f, TO_PUSH);
	assert_not_said(f, TO_BUFFER);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, fake_teardown)
#define EMPTY(t) cmocka_unit_test_setup_teardown(t, setup_empty, fake_teardown)
#define HEX(t) cmocka_unit_test_setup_teardown(t, setup_hex, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_starts_with_push),
		TEST(the_switch_waits_for_the_command_in_flight_and_no_longer),
		TEST(it_is_asked_for_once),
		TEST(pushed_data_before_and_behind_the_ok_comes_in_order),
		TEST(a_header_behind_the_ok_needs_no_source_if_the_firmware_names_none),
		TEST(a_notification_in_the_shape_of_a_header_is_one_after_the_switch),
		TEST(every_link_is_read_once_after_the_switch),
		TEST(a_hint_for_a_link_that_is_opening_is_not_lost),
		TEST(a_close_during_the_switch_is_drained),
		TEST(udp_links_with_several_remotes_are_closed_before_the_owner_hears),
		TEST(a_refused_switch_is_told_and_not_asked_again),
		TEST(what_one_boot_refused_the_next_may_grant),
		TEST(a_switch_without_an_answer_is_repeated),
		TEST(a_switch_that_is_never_answered_climbs_the_ladder),
		TEST(a_close_while_the_switch_is_in_doubt_is_drained),
		TEST(a_refusal_ends_the_doubt),
		TEST(a_switch_is_forgotten_with_the_links_it_was_for),
		cmocka_unit_test(a_fixed_push_mode_stays),
		cmocka_unit_test(a_refused_header_type_is_buffer_mode_for_this_boot),
		TEST(headers_that_name_no_link_leave_push_for_this_boot),
		TEST(push_is_back_when_the_last_tcp_link_is_gone),
		TEST(a_link_that_opens_or_drains_keeps_buffer_mode),
		TEST(udp_links_are_read_before_push_is_back),
		TEST(a_datagram_that_came_during_the_return_is_read),
		TEST(a_pushed_datagram_before_the_ok_of_the_return_is_taken),
		TEST(a_link_opened_during_the_return_loses_nothing),
		TEST(a_refused_return_stays_in_buffer_mode),
		EMPTY(when_empty_is_enough_push_is_back_with_links_open),
		EMPTY(a_link_with_unread_data_is_not_empty),
		EMPTY(stranded_data_is_read_before_anything_that_came_later),
		EMPTY(a_stream_that_was_overtaken_is_reset),
		EMPTY(a_notice_behind_the_ok_of_the_return_counts),
		EMPTY(a_stream_that_was_overtaken_before_the_ok_is_reset),
		EMPTY(a_close_of_a_stranded_stream_is_no_end_of_it),
		EMPTY(pushed_data_is_counted_while_the_return_is_in_doubt),
		HEX(hex_is_read_in_pairs_of_either_case),
		HEX(hex_never_takes_more_than_there_is_room_for),
		HEX(a_garbled_digit_resets_that_stream_only),
		HEX(a_garbled_datagram_is_dropped_and_its_link_lives),
		HEX(a_hex_answer_to_nobody_is_a_loss_of_its_link),
		HEX(hex_never_goes_to_push),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

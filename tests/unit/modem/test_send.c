/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <string.h>

static int setup(void **state)
{
	struct fake *f = fake_new();

	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_udp(f, 1, 5000);
	*state = f;
	return 0;
}

#define NO_DATA "\r\n+IP ERROR: No data\r\n" ERR
#define CLOSE "\r\n+IPCLOSE: 3,1\r\n"

static int setup_buffer(void **state)
{
	struct fake *f = fake_new();

	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	fake_rule(f, "AT+CIPRXGET=2", NO_DATA);
	fake_rule(f, "AT+CIPRXGET=4,1", "\r\n+CIPRXGET: 4,1,0\r\n" OK);
	fake_rule(f, "AT+CIPRXGET=4,3", "\r\n+CIPRXGET: 4,3,0\r\n" OK);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_udp(f, 1, 5000);
	*state = f;
	return 0;
}

static void payload_goes_out_at_the_prompt_and_is_confirmed_by_the_result_line(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "HELLO", NULL);
	assert_said(f, "AT+CIPSEND=3,5\n");
	assert_memory_equal(f->payload, "HELLO", 5);
	assert_heard(f, ""); /* OK alone is no confirmation */
	fake_say(f, "\r\n+CIPSEND: 3,5,5\r\n");
	assert_heard(f, "sent(3,5,5) ");
}

static void nothing_is_written_before_the_prompt(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPSEND=", NULL);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, SEC(5));
	assert_string_equal(f->said, "AT+CIPSEND=3,5\n");
}

static void prompt_forms_are_all_understood(void **state)
{
	struct fake *f = *state;
	static const char *const forms[] = {"\r\n>{payload}" OK, "\r\n> {payload}" OK,
		">{payload}" OK, "> {payload}" OK, "AT+CIPSEND=3,2\r\r\n>{payload}" OK,
		"AT+CIPSEND=3,2\r>{payload}" OK, "\r\n+IPCLOSE: 9,1\r\n\r\n>{payload}" OK,
		"\r\n+RECEIVE,8,3\r\nabc>{payload}" OK};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		fake_clear(f);
		f->queued = f->offered = 0;
		f->bytewise = i & 1;
		fake_rule_once(f, "AT+CIPSEND=", forms[i]);
		fake_send(f, 3, "hi", NULL);
		fake_say(f, "\r\n+CIPSEND: 3,2,2\r\n");
		assert_heard(f, "sent(3,2,2) ");
		assert_memory_equal(f->payload, "hi", 2);
	}
}

static void datagram_names_its_peer(void **state)
{
	struct fake *f = *state;

	fake_send(f, 1, "HELLO", "203.0.113.9:5254");
	assert_said(f, "AT+CIPSEND=1,5,\"203.0.113.9\",5254\n");
	fake_say(f, "\r\n+CIPSEND: 1,5,5\r\n");
	assert_heard(f, "sent(1,5,5) ");
}

static void datagram_over_ipv6_finds_the_form_of_address_the_firmware_takes(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+IPADDR", "\r\n+IPADDR: 2001:db8::17\r\n" OK);
	fake_up(f);
	fake_open_udp(f, 2, 5000);
	fake_rule(f, "AT+CIPSEND=2,5,\"2001", "\r\n+CIPERROR: 3\r\n" ERR);
	fake_send(f, 2, "hello", "[2001:db8:1::1]:53");
	fake_advance(f, MSEC(100));
	fake_say(f, "\r\n+CIPSEND: 2,5,5\r\n");
	fake_send(f, 2, "again", "[2001:db8:1::1]:53");
	fake_say(f, "\r\n+CIPSEND: 2,5,5\r\n");
	assert_string_equal(f->said, "AT+CIPSEND=2,5,\"2001:db8:1::1\",53\n"
		"AT+CIPSEND=2,5,\"[2001:db8:1::1]\",53\nAT+CIPSEND=2,5,\"[2001:db8:1::1]\",53\n");
	assert_heard(f, "sent(2,5,5) sent(2,5,5) ");
}

static void one_send_is_outstanding_and_the_next_goes_out_with_its_confirmation(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "one", NULL);
	fake_send(f, 3, "two!", NULL);
	assert_string_equal(f->said, "AT+CIPSEND=3,3\n");
	fake_say(f, "\r\n+CIPSEND: 3,3,3\r\n");
	assert_string_equal(f->said, "AT+CIPSEND=3,3\nAT+CIPSEND=3,4\n");
}

static void control_commands_go_before_sends_and_between_ok_and_confirmation(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("192.0.2.1:80");

	fake_send(f, 3, "one", NULL);
	fake_send(f, 3, "two!", NULL);
	modem_open_tcp(f->m, 7, &e);
	modem_run(f->m, f->now);
	fake_pump(f);
	assert_string_equal(f->said,
		"AT+CIPSEND=3,3\nAT+CIPOPEN=7,\"TCP\",\"192.0.2.1\",80\n");
}

static void disconnection_during_a_send_ends_the_link(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "HELLO", NULL);
	fake_say(f, "\r\n+CIPSEND: 3,5,-1\r\n");
	assert_heard(f, "closed(3,send) free(3) ");
}

static void close_inside_the_send_window_is_the_end_of_the_send(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPSEND=", "\r\n>\r\n+IPCLOSE: 3,1\r\n{payload}" OK);
	fake_send(f, 3, "HELLO", NULL);
	fake_say(f, "\r\n+CIPSEND: 3,5,-1\r\n");
	assert_memory_equal(f->payload, "HELLO", 5);
	assert_heard(f, "closed(3,remote) free(3) ");
	/* The lock is free again. */
	fake_send(f, 1, "x", "203.0.113.9:5254");
	assert_said(f, "AT+CIPSEND=1,1,");
}

static void lock_is_not_held_for_ever_by_a_closed_link(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPSEND=", "\r\n>{payload}" OK "\r\n+IPCLOSE: 3,1\r\n");
	fake_send(f, 3, "HELLO", NULL);
	fake_send(f, 1, "x", "203.0.113.9:5254");
	assert_not_said(f, "AT+CIPSEND=1");
	fake_advance(f, SEC(2) + 1);
	assert_said(f, "AT+CIPSEND=1");
}

static void busy_is_tried_again_after_300_ms(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPSEND=", "\r\n+CIPERROR: 8\r\n" ERR);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, MSEC(290));
	assert_int_equal(fake_count(f->said, "CIPSEND"), 1);
	fake_advance(f, MSEC(20));
	fake_say(f, "\r\n+CIPSEND: 3,5,5\r\n");
	assert_heard(f, "sent(3,5,5) ");
	assert_memory_equal(f->payload, "HELLO", 5);
}

static void busy_for_ten_seconds_closes_the_link(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPSEND=", "\r\n+CIPERROR: 8\r\n" ERR);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, SEC(9));
	assert_heard(f, "");
	fake_advance(f, SEC(2));
	assert_heard(f, "closed(3,send) free(3) ");
}

static void zombie_is_closed_and_the_bearer_checked(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPSEND=", "\r\n+CIPERROR: 4\r\n" ERR);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, MSEC(200));
	assert_heard(f, "closed(3,lost) free(3) ");
	assert_said(f, "AT+NETOPEN?\n");
}

static void second_error_line_does_not_answer_the_next_command(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPSEND=3", "\r\n+CIPERROR: 4\r\n" ERR ERR);
	fake_rule(f, "AT+CIPSEND=1", "\r\n>{payload}" OK "\r\n+CIPSEND: 1,1,1\r\n");
	fake_send(f, 3, "HELLO", NULL);
	fake_send(f, 1, "x", "203.0.113.9:5254");
	fake_advance(f, SEC(1));
	assert_heard(f, "closed(3,lost) free(3) sent(1,1,1) ");
}

static void short_confirmation_goes_on_when_cipack_proves_it(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "HELLO", NULL);
	fake_rule_once(f, "AT+CIPACK=", "\r\n+CIPACK: 2,0,2\r\n" OK);
	fake_say(f, "\r\n+CIPSEND: 3,5,2\r\n");
	assert_said(f, "AT+CIPACK=3\n");
	assert_heard(f, "sent(3,5,2) ");
}

static void short_confirmation_without_proof_closes(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "HELLO", NULL);
	fake_rule_once(f, "AT+CIPACK=", "\r\n+CIPACK: 5,0,5\r\n" OK);
	fake_say(f, "\r\n+CIPSEND: 3,5,2\r\n");
	assert_heard(f, "closed(3,send) free(3) ");
}

static void short_confirmation_without_cipack_closes(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "HELLO", NULL);
	fake_rule_once(f, "AT+CIPACK=", "\r\n+IP ERROR: Operation not supported\r\n" ERR);
	fake_say(f, "\r\n+CIPSEND: 3,5,2\r\n");
	assert_heard(f, "closed(3,send) free(3) ");
}

static void learned_buffer_limits_the_room_until_acknowledged(void **state)
{
	struct fake *f = *state;
	static char big[1461];

	memset(big, 'x', 1460);
	for (unsigned i = 0; i < 4; i++) {
		fake_send(f, 3, big, NULL);
		fake_say(f, "\r\n+CIPSEND: 3,1460,1460\r\n");
	}
	assert_int_equal(modem_send_room(f->m, 3), 1460);
	fake_send(f, 3, big, NULL);
	fake_rule(f, "AT+CIPACK=", "\r\n+CIPACK: 6144,6144,0\r\n" OK);
	fake_rule_once(f, "AT+CIPACK=", "\r\n+CIPACK: 6144,1000,5144\r\n" OK);
	fake_rule_once(f, "AT+CIPACK=", "\r\n+CIPACK: 6144,0,6144\r\n" OK);
	fake_clear(f);
	fake_say(f, "\r\n+CIPSEND: 3,1460,304\r\n");
	assert_heard(f, "sent(3,1460,304) ");
	assert_int_equal(modem_send_room(f->m, 3), 0);
	fake_advance(f, MSEC(110));
	assert_int_equal(modem_send_room(f->m, 3), 1000);
	fake_advance(f, MSEC(110));
	assert_int_equal(modem_send_room(f->m, 3), 1460);
	fake_clear(f);
	fake_advance(f, SEC(10));
	assert_not_said(f, "CIPACK"); /* nothing outstanding, nothing asked */
}

/* One short confirmation, after which the buffer of the module is known and full. */
static void fill_buffer(struct fake *f)
{
	static char big[1461];

	memset(big, 'x', 1460);
	fake_send(f, 3, big, NULL);
	fake_rule(f, "AT+CIPACK=", "\r\n+CIPACK: 1460,0,1460\r\n" OK);
	fake_rule_once(f, "AT+CIPACK=", "\r\n+CIPACK: 1000,0,1000\r\n" OK);
	fake_say(f, "\r\n+CIPSEND: 3,1460,1000\r\n");
	fake_send(f, 3, big + 1000, NULL);
	fake_advance(f, SEC(1));
	fake_say(f, "\r\n+CIPSEND: 3,460,460\r\n");
	assert_non_null(strstr(f->log, "sent(3,460,460) "));
	fake_clear(f);
}

static void link_without_bytes_to_send_is_not_polled(void **state)
{
	struct fake *f = *state;

	fill_buffer(f);
	fake_advance(f, SEC(20));
	assert_not_said(f, "CIPACK");
}

static void held_link_is_polled_until_its_bytes_may_go(void **state)
{
	struct fake *f = *state;
	unsigned polls;

	fill_buffer(f);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, SEC(1));
	polls = fake_count(f->said, "CIPACK=3");
	assert_in_range(polls, 8, 11);
	assert_not_said(f, "CIPSEND");
	fake_rule(f, "AT+CIPACK=", "\r\n+CIPACK: 1460,1000,460\r\n" OK);
	fake_advance(f, MSEC(110));
	assert_int_equal(fake_count(f->said, "CIPSEND=3,5\n"), 1);
	fake_say(f, "\r\n+CIPSEND: 3,5,5\r\n");
	assert_heard(f, "sent(3,5,5) ");
	fake_clear(f);
	fake_advance(f, SEC(5));
	assert_true(fake_count(f->said, "CIPACK") <= 1);
}

static void held_link_is_asked_again_when_the_module_could_not_say(void **state)
{
	struct fake *f = *state;

	fill_buffer(f);
	fake_rule(f, "AT+CIPACK=", "\r\n+CIPACK: 1460,1460,0\r\n" OK);
	fake_rule_once(f, "AT+CIPACK=", ERR);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, MSEC(1200));
	assert_int_equal(fake_count(f->said, "CIPACK=3"), 2);
	assert_said(f, "AT+CIPSEND=3,5\n");
}

static void refused_datagram_is_tried_once_more_then_dropped(void **state)
{
	struct fake *f = *state;

	fake_send(f, 1, "HELLO", "203.0.113.9:5254");
	fake_say(f, "\r\n+CIPSEND: 1,5,0\r\n");
	fake_advance(f, MSEC(400));
	assert_int_equal(fake_count(f->said, "CIPSEND"), 2);
	assert_heard(f, "");
	fake_say(f, "\r\n+CIPSEND: 1,5,0\r\n");
	assert_heard(f, "sent(1,5,0) ");
}

static void datagram_that_is_told_to_be_disconnected_ends_its_link(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPCLOSE=1", "\r\n+CIPCLOSE: 1,4\r\n" ERR);
	fake_send(f, 1, "HELLO", "203.0.113.9:5254");
	fake_say(f, "\r\n+CIPSEND: 1,5,-1\r\n");
	assert_int_equal(fake_count(f->log, "closed(1,send) "), 1);
	assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_OPEN);
}

static void missing_confirmation_closes_and_is_never_repeated(void **state)
{
	struct fake *f = *state;

	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, SEC(19));
	assert_heard(f, "");
	fake_advance(f, SEC(2));
	assert_heard(f, "closed(3,send) free(3) ");
	assert_int_equal(fake_count(f->said, "CIPSEND"), 1);
}

static void three_sends_without_an_end_climb_the_ladder(void **state)
{
	struct fake *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		fake_send(f, 1, "HELLO", "203.0.113.9:5254");
		fake_advance(f, SEC(21));
	}
	assert_heard(f, "sent(1,5,0) sent(1,5,0) sent(1,5,0) closed(1,lost) free(1) closed(3,lost) "
		"free(3) bearer(recover) ");
}

static void lost_prompt_feeds_the_module_and_keeps_the_channel(void **state)
{
	struct fake *f = *state;

	/* The '>' got lost: the module takes the next five bytes as payload. */
	fake_rule_once(f, "AT+CIPSEND=", "\r\n{payload}" OK "\r\n+CIPSEND: 3,5,5\r\n");
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, SEC(30));
	assert_heard(f, "closed(3,send) free(3) ");
	assert_memory_not_equal(f->payload, "HELLO", 5);
	assert_int_equal(f->state, MODEM_STATE_UP);
	fake_send(f, 1, "x", "203.0.113.9:5254");
	fake_say(f, "\r\n+CIPSEND: 1,1,1\r\n");
	assert_heard(f, "closed(3,send) free(3) sent(1,1,1) ");
}

static void payload_is_never_written_into_command_mode(void **state)
{
	struct fake *f = *state;

	/* The prompt is late, after the time-out. */
	fake_rule_once(f, "AT+CIPSEND=", NULL);
	fake_send(f, 3, "AT+CPOF\rAT+CPOF\r", NULL);
	fake_advance(f, SEC(60));
	fake_say(f, "\r\n>");
	fake_advance(f, SEC(1));
	assert_not_said(f, "CPOF");
	assert_heard(f, "closed(3,send) free(3) ");
}

static void aborted_data_entry_drops_the_rest_of_the_payload(void **state)
{
	struct fake *f = *state;
	size_t n;

	fake_rule_once(f, "AT+CIPSEND=", "\r\n>");
	f->queue[0].link = 3;
	f->queue[0].len = 8;
	memcpy(f->queue[0].bytes, "xAT+CPOF\r", 8);
	f->queued = 1;
	modem_kick(f->m);
	modem_run(f->m, f->now);
	modem_output(f->m, &n);
	modem_output_done(f->m, f->now, n);
	modem_input(f->m, f->now, "\r\n>", 3);
	modem_output(f->m, &n);
	assert_int_equal(n, 8);
	modem_output_done(f->m, f->now, 1);
	modem_input(f->m, f->now, ERR, strlen(ERR));
	fake_pump(f);
	fake_advance(f, SEC(10));
	assert_not_said(f, "CPOF");
	assert_heard(f, "closed(3,send) free(3) ");
}

static void refused_length_makes_smaller_chunks(void **state)
{
	struct fake *f = *state;
	static char big[1461];

	memset(big, 'x', 1460);
	fake_rule_once(f, "AT+CIPSEND=", "\r\n+CIPERROR: 3\r\n" ERR);
	fake_send(f, 3, big, NULL);
	assert_heard(f, "sent(3,1460,0) ");
	assert_int_equal(modem_send_room(f->m, 3), 1024);
}

static void length_refused_by_a_bare_error_is_tried_smaller_too(void **state)
{
	struct fake *f = *state;
	static char big[1461];

	memset(big, 'x', 1460);
	fake_rule_once(f, "AT+CIPSEND=", ERR);
	fake_send(f, 3, big, NULL);
	assert_heard(f, "sent(3,1460,0) ");
	assert_int_equal(modem_send_room(f->m, 3), 1024);
	fake_clear(f);
	fake_rule(f, "AT+CIPSEND=", ERR);
	fake_send(f, 3, "small", NULL);
	fake_advance(f, SEC(1));
	assert_heard(f, "closed(3,send) free(3) ");
}

static void answer_to_an_acknowledgement_query_reaches_the_owner(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPACK=", "\r\n+CIPACK: 42,40,2\r\n" OK);
	assert_int_equal(modem_query_ack(f->m, 3), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	assert_heard(f, "acked(3,1,42,40) ");
	fake_rule_once(f, "AT+CIPACK=", ERR);
	modem_query_ack(f->m, 3);
	modem_run(f->m, f->now);
	fake_pump(f);
	assert_heard(f, "acked(3,1,42,40) acked(3,0,0,0) ");
	assert_int_not_equal(modem_query_ack(f->m, 1), 0);
}

static void wrong_offer_is_refused_and_the_next_one_sent(void **state)
{
	struct fake *f = *state;
	static char big[1501];

	memset(big, 'x', 1500);
	f->reckless = true;
	f->queue[f->queued++].link = 1; /* an empty datagram without a destination */
	f->queue[f->queued].link = 7;	/* not open */
	f->queue[f->queued++].len = 5;
	f->queue[f->queued].link = 3;
	memcpy(f->queue[f->queued].bytes, "HELLO", 5);
	f->queue[f->queued++].len = 5;
	fake_send(f, 1, big, "203.0.113.9:5254"); /* longer than a datagram may be */
	assert_heard(f, "sent(1,0,0) ");
	assert_string_equal(f->said, "AT+CIPSEND=3,5\n");
	fake_say(f, "\r\n+CIPSEND: 3,5,5\r\n");
	assert_heard(f, "sent(1,0,0) sent(3,5,5) sent(1,1500,0) ");
}

static void owner_that_insists_on_a_wrong_offer_is_asked_now_and_then(void **state)
{
	struct fake *f = *state;

	f->reckless = f->stubborn = true;
	fake_send(f, 7, "HELLO", NULL);
	f->asked = 0;
	fake_advance(f, SEC(1));
	assert_in_range(f->asked, 1, 24);
	assert_not_said(f, "CIPSEND");
	/* Once it has something sensible that goes out without another kick. */
	f->queue[0].link = 3;
	f->stubborn = false;
	fake_advance(f, SEC(1));
	assert_said(f, "AT+CIPSEND=3,5\n");
}

/* ---- buffer mode: what was received outlives a failed send ---- */

/* The next read of link 3 brings "abc" and then nothing is left. */
static void leave_unread(struct fake *f)
{
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
}

static void failed_send_of_a_draining_link_does_not_end_the_drain(void **state)
{
	static const char *const ends[] = {
		"\r\n>" CLOSE "{payload}" OK "\r\n+CIPSEND: 3,5,-1\r\n",
		"\r\n>" CLOSE "{payload}" ERR,
		"\r\n>" CLOSE "{payload}" OK, /* and no confirmation */
		"\r\n>" CLOSE "{payload}" OK "\r\n+CIPSEND: 3,5,2\r\n",
		CLOSE "\r\n+CIPERROR: 4\r\n" ERR,
		CLOSE "\r\n+CIPERROR: 8\r\n" ERR,
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct fake *f;
		void *s;

		setup_buffer(&s);
		f = s;
		f->rx_space = 0;
		fake_rule(f, "AT+CIPACK=", ERR);
		fake_rule_once(f, "AT+CIPSEND=3", ends[i]);
		fake_send(f, 3, "HELLO", NULL);
		fake_advance(f, SEC(3));
		assert_heard(f, "");
		assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_DRAINING);
		/* The lock is free. */
		fake_rule_once(f, "AT+CIPSEND=1", "\r\n>{payload}" OK "\r\n+CIPSEND: 1,1,1\r\n");
		fake_send(f, 1, "x", "203.0.113.9:5254");
		assert_heard(f, "sent(1,1,1) ");
		f->rx_space = 1000;
		leave_unread(f);
		modem_rx_resume(f->m, 3);
		modem_run(f->m, f->now);
		fake_pump(f);
		assert_heard(f, "sent(1,1,1) data{3}[abc] closed(3,remote) free(3) ");
		assert_int_equal(fake_count(f->said, "CIPSEND=3"), 1);
		fake_free(f);
	}
}

static void confirmed_send_of_a_draining_link_is_told(void **state)
{
	struct fake *f = *state;

	f->rx_space = 0;
	fake_rule_once(f, "AT+CIPSEND=3",
		"\r\n>" CLOSE "{payload}" OK "\r\n+CIPSEND: 3,5,5\r\n");
	fake_send(f, 3, "HELLO", NULL);
	assert_heard(f, "sent(3,5,5) ");
}

static void disconnection_told_by_a_send_is_drained_first(void **state)
{
	struct fake *f = *state;

	leave_unread(f);
	fake_send(f, 3, "HELLO", NULL);
	fake_say(f, "\r\n+CIPSEND: 3,5,-1\r\n");
	assert_heard(f, "data{3}[abc] closed(3,send) free(3) ");
	assert_said(f, "AT+CIPCLOSE=3\n"); /* nobody said that the number is free */
	fake_clear(f);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	leave_unread(f);
	fake_send(f, 3, "HELLO", NULL);
	fake_say(f, "\r\n+CIPSEND: 3,5,-1\r\n" CLOSE);
	assert_heard(f, "data{3}[abc] closed(3,send) free(3) ");
	assert_not_said(f, "AT+CIPCLOSE=3\n");
}

static void zombie_is_drained_before_it_is_closed(void **state)
{
	struct fake *f = *state;

	leave_unread(f);
	fake_rule(f, "AT+CIPSEND=", "\r\n+CIPERROR: 4\r\n" ERR);
	fake_send(f, 3, "HELLO", NULL);
	fake_advance(f, MSEC(200));
	assert_heard(f, "data{3}[abc] closed(3,lost) free(3) ");
	assert_said(f, "AT+NETOPEN?\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, fake_teardown)
#define BUFFER(t) cmocka_unit_test_setup_teardown(t, setup_buffer, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(payload_goes_out_at_the_prompt_and_is_confirmed_by_the_result_line),
		TEST(nothing_is_written_before_the_prompt),
		TEST(prompt_forms_are_all_understood),
		TEST(datagram_names_its_peer),
		TEST(datagram_over_ipv6_finds_the_form_of_address_the_firmware_takes),
		TEST(one_send_is_outstanding_and_the_next_goes_out_with_its_confirmation),
		TEST(control_commands_go_before_sends_and_between_ok_and_confirmation),
		TEST(disconnection_during_a_send_ends_the_link),
		TEST(close_inside_the_send_window_is_the_end_of_the_send),
		TEST(lock_is_not_held_for_ever_by_a_closed_link),
		TEST(busy_is_tried_again_after_300_ms),
		TEST(busy_for_ten_seconds_closes_the_link),
		TEST(zombie_is_closed_and_the_bearer_checked),
		TEST(second_error_line_does_not_answer_the_next_command),
		TEST(short_confirmation_goes_on_when_cipack_proves_it),
		TEST(short_confirmation_without_proof_closes),
		TEST(short_confirmation_without_cipack_closes),
		TEST(learned_buffer_limits_the_room_until_acknowledged),
		TEST(link_without_bytes_to_send_is_not_polled),
		TEST(held_link_is_polled_until_its_bytes_may_go),
		TEST(held_link_is_asked_again_when_the_module_could_not_say),
		TEST(refused_datagram_is_tried_once_more_then_dropped),
		TEST(datagram_that_is_told_to_be_disconnected_ends_its_link),
		TEST(missing_confirmation_closes_and_is_never_repeated),
		TEST(three_sends_without_an_end_climb_the_ladder),
		TEST(lost_prompt_feeds_the_module_and_keeps_the_channel),
		TEST(payload_is_never_written_into_command_mode),
		TEST(aborted_data_entry_drops_the_rest_of_the_payload),
		TEST(refused_length_makes_smaller_chunks),
		TEST(length_refused_by_a_bare_error_is_tried_smaller_too),
		TEST(answer_to_an_acknowledgement_query_reaches_the_owner),
		TEST(wrong_offer_is_refused_and_the_next_one_sent),
		TEST(owner_that_insists_on_a_wrong_offer_is_asked_now_and_then),
		cmocka_unit_test(failed_send_of_a_draining_link_does_not_end_the_drain),
		BUFFER(confirmed_send_of_a_draining_link_is_told),
		BUFFER(disconnection_told_by_a_send_is_drained_first),
		BUFFER(zombie_is_drained_before_it_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

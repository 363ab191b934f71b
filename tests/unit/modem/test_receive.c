/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#define FROM3 "\r\nRECV FROM:198.51.100.7:3000"
#define FROM4 "\r\nRECV FROM:198.51.100.8:3000"

static int setup(void **state)
{
	struct fake *f = fake_new();

	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=", OK);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_open_tcp(f, 4, "198.51.100.8:3000");
	fake_open_udp(f, 1, 5000);
	*state = f;
	return 0;
}

static int setup_buffer(void **state)
{
	struct fake *f = fake_new();

	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=", OK);
	fake_rule(f, "AT+CIPRXGET=2", "\r\n+IP ERROR: No data\r\n" ERR);
	fake_rule(f, "AT+CIPRXGET=4,3", "\r\n+CIPRXGET: 4,3,0\r\n" OK);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	*state = f;
	return 0;
}

static void pushed_stream_goes_to_the_link_that_the_header_names(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM3 "\r\n+RECEIVE,3,5\r\nhello\r\n+RECEIVE,4,3\r\nabc");
	assert_heard(f, "data{3}[hello] data{4}[abc] ");
}

static void header_spellings_are_tolerated(void **state)
{
	struct fake *f = *state;
	static const char *const headers[] = {"+RECEIVE,3,2", "+RECEIVE,3,2:", "+RECEIVE, 3, 2",
		"+RECEIVE: 3,2", "+RECEIVE,3,2 :"};
	char text[64];

	for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		fake_clear(f);
		snprintf(text, sizeof(text), "\r\n%s\r\nok", headers[i]);
		fake_say(f, text);
		assert_heard(f, "data{3}[ok] ");
	}
}

static void push_payload_that_looks_like_a_result_stays_payload(void **state)
{
	struct fake *f = *state;
	static const char *const bodies[] = {"\r\nOK\r\n", "\r\nERROR\r\n", "\r\n+IPCLOSE: 3,1\r\n",
		"\r\n+RECEIVE,4,5\r\nhello", ">", "\x1a", "+++", "\r\n*ATREADY: 1\r\n",
		"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n", "\n", "\r", "\r\n"};
	char text[128], expected[128];

	fake_send(f, 3, "x", NULL); /* a result would be believed */
	for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		for (unsigned split = 0; split < 2; split++) {
			fake_clear(f);
			f->bytewise = split;
			snprintf(text, sizeof(text), "\r\n+RECEIVE,3,%zu\r\n%s", strlen(bodies[i]),
				bodies[i]);
			snprintf(expected, sizeof(expected), "data{3}[%s] ", bodies[i]);
			fake_say(f, text);
			assert_heard(f, expected);
		}
	}
}

static void every_byte_value_passes(void **state)
{
	struct fake *f = *state;
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "\r\n+RECEIVE,3,256\r\n");

	for (unsigned i = 0; i < 256; i++)
		text[n + i] = (char)i;
	fake_say_bytes(f, text, n + 256);
	assert_int_equal(f->log_len, strlen("data{3}[] ") + 256);
	assert_memory_equal(f->log + strlen("data{3}["), text + n, 256);
}

static void datagram_comes_whole_and_with_its_source(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	fake_say(f, "\r\nRECV FROM:203.0.113.9:5254\r\n+RECEIVE,1,14\r\nHELLO CLIENT!!");
	assert_heard(f, "data{1}from 203.0.113.9:5254[HELLO CLIENT!!] ");
}

static void source_behind_the_header_is_learned(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	fake_say(f, "\r\n+RECEIVE,3,2\r\nRECV FROM:198.51.100.7:3000\r\nhi"
		"\r\n+RECEIVE,1,5\r\nRECV FROM:203.0.113.9:5254\r\nHELLO");
	assert_heard(f, "data{3}[hi] data{1}from 203.0.113.9:5254[HELLO] ");
}

static void source_line_inside_a_payload_is_payload_once_the_place_is_known(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+RECEIVE,3,2\r\nhi\r\n+RECEIVE,3,24\r\nRECV FROM:1.2.3.4:5678\r\n"
		"\r\n+RECEIVE,4,1\r\nx");
	assert_heard(f, "data{3}[hiRECV FROM:1.2.3.4:5678\r\n] data{4}[x] ");
}

static void datagram_without_source_is_dropped_and_counted(void **state)
{
	struct fake *f = *state;
	struct modem_status s;

	fake_say(f, "\r\n+RECEIVE,1,5\r\nHELLO");
	modem_status(f->m, &s);
	assert_heard(f, "");
	assert_int_equal(s.rx_unclaimed_bytes, 5);
}

static void payload_for_a_link_nobody_has_is_counted(void **state)
{
	struct fake *f = *state;
	struct modem_status s;

	fake_say(f, "\r\n+RECEIVE,7,5\r\nHELLO\r\n+RECEIVE,3,1\r\nx");
	modem_status(f->m, &s);
	assert_heard(f, "data{3}[x] ");
	assert_int_equal(s.rx_unclaimed_bytes, 5);
}

static void data_before_the_close_is_delivered_before_it(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+RECEIVE,3,5\r\nhello\r\n+IPCLOSE: 3,1\r\n");
	assert_heard(f, "data{3}[hello] closed(3,remote) free(3) ");
}

static void data_between_ok_and_send_result_is_data(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPSEND=",
		"\r\n>{payload}" OK "\r\n+RECEIVE,4,2\r\nhi\r\n+CIPSEND: 3,1,1\r\n");
	fake_send(f, 3, "x", NULL);
	assert_heard(f, "data{4}[hi] sent(3,1,1) ");
}

/* ---- what a module says by itself ---- */

/* AT reference 1.2 and 19.2, with the forms that have lower case inside. */
static const char *const chatter[] = {"+CPIN: READY", "+CPIN: NOT READY", "SMS DONE", "PB DONE",
	"CALL READY", "Call Ready", "SMS Ready", "+CGEV: EPS PDN ACT 1", "+CGEV: NW PDN DEACT 1",
	"+CGEV: ME DETACH", "+CGEV: NW MODIFY 1,2", "+CREG: 1", "+CREG: 2",
	"+CREG: 1,\"1a2b\",\"01a2b3c4\",7", "+CGREG: 1", "+CGREG: 5,\"1A2B\",\"01A2B3C4\",7",
	"+CEREG: 1", "+CEREG: 4", "+CTZV: +08,0", "+CTZV: 26/01/02,03:04:05+08,0",
	"*PSUTTZ: 2026, 1, 2, 3, 4, 5, \"+8\", 0",
	"*PSNWID: \"262\",\"03\", \"o2 - de\", 0, \"o2\", 0",
	"*PSNWID: \"208\",\"10\", \"caf\xc3\xa9\", 0, \"\", 0", "DST: 0",
	"*ISIMAID: \"a0000000871004ff54f0\"", "*COPN: 1,\"name of it\"", "*REJCAUSE: 15",
	"+CSCON: 1", "+CNETCI: 1", "+MSTK: 11, d0118103", "+CMTI: \"SM\",3",
	"+CMTI: \"me\",3", "+SIMCARD: NOT AVAILABLE", "RING", "NO CARRIER", "CLOSED",
	"MISSED_CALL: 10:00AM 07911123456", "MISSED_CALL: 10:00am unknown",
	"UNDER-VOLTAGE WARNING", "UNDER-VOLTAGE WARNNING", "OVER-VOLTAGE WARNING",
	"+CLIENT: 6,0,10.164.6.156:59371", "+CLIENT: 6,0,\"2001:db8::1:59371\"",
	"+CIPRXGET: 1,3", "+CIPRXGET: 1,9", "+CIPRXGET:1,3",
	"+CIPOPEN: 9,10", "+CIPCLOSE: 9,0", "+IPCLOSE: 9,1", "CONNECT 115200",
	"$GNRMC,,V,,,,,,,,,,N*4D", "$GNRMC,083559.00,A,4717.11437,N,00833.91522,E,0.0,,,,,a*5d",
	"$GPGSV,3,1,12,01,40,083,46*7F", "$GPGGA,,,,,,0,,,,,,,,*66"};

#define CHATTER (sizeof(chatter) / sizeof(chatter[0]))

static void no_line_the_module_says_by_itself_disturbs_a_stream(void **state)
{
	struct modem_status status;
	char text[192];

	(void)state;
	for (unsigned i = 0; i < 2 * CHATTER; i++) {
		const char *line = chatter[i / 2];
		struct fake *f;
		void *s;

		setup(&s);
		f = s;
		f->bytewise = i & 1;
		snprintf(text, sizeof(text), FROM3 "\r\n+RECEIVE,3,6\r\nfirst,\r\n%s\r\n"
			FROM3 "\r\n+RECEIVE,3,6\r\nsecond\r\n%s\r\n", line, line);
		fake_say(f, text);
		assert_heard(f, "data{3}[first,second] ");
		modem_status(f->m, &status);
		assert_int_equal(status.unknown_lines, 0);
		assert_int_equal(status.stray_bytes, 0);
		assert_int_equal(status.state, MODEM_STATE_UP);
		fake_free(f);
	}
}

static void no_line_the_module_says_by_itself_disturbs_a_send(void **state)
{
	char text[320];

	(void)state;
	for (unsigned i = 0; i < CHATTER; i++) {
		struct fake *f;
		void *s;

		setup(&s);
		f = s;
		snprintf(text, sizeof(text),
			"\r\n%s\r\n\r\n>{payload}\r\n%s\r\n" OK
			"\r\n%s\r\n\r\n+CIPSEND: 3,5,5\r\n", chatter[i], chatter[i], chatter[i]);
		fake_rule(f, "AT+CIPSEND=", text);
		fake_send(f, 3, "HELLO", NULL);
		if (strstr(f->log, "sent(3,5,5) ") != f->log)
			fail_msg("%s: %s", chatter[i], f->log);
		assert_memory_equal(f->payload, "HELLO", 5);
		fake_free(f);
	}
}

/* ---- what the line loses ---- */

/* What the owner got of one link. */
static void collect(const struct fake *f, unsigned link, char *got)
{
	char start[16];
	const char *p = f->log;

	snprintf(start, sizeof(start), "data{%u}[", link);
	got[0] = '\0';
	while ((p = strstr(p, start))) {
		const char *end = strstr(p, "] ");

		p += strlen(start);
		strncat(got, p, (size_t)(end - p));
	}
}

static void lose(size_t at, size_t burst)
{
	static const char stream[] = FROM3 "\r\n+RECEIVE,3,12\r\nfirst piece."
		FROM4 "\r\n+RECEIVE,4,10\r\nother data"
		FROM3 "\r\n+RECEIVE,3,14\r\nsecond, piece!"
		"\r\n+CGEV: X\r\n";
	char text[sizeof(stream)], got[64];
	struct fake *f;
	void *s;

	setup(&s);
	f = s;
	memcpy(text, stream, at);
	memcpy(text + at, stream + at + burst, sizeof(stream) - at - burst);
	fake_say(f, text);
	fake_advance(f, SEC(15));
	if (!strstr(f->log, "closed(3,data)")) {
		collect(f, 3, got);
		assert_string_equal(got, "first piece.second, piece!");
	}
	if (!strstr(f->log, "closed(4,data)")) {
		collect(f, 4, got);
		assert_string_equal(got, "other data");
	}
	assert_null(strstr(f->log, "remote"));
	fake_free(f);
}

static void one_lost_byte_anywhere_ends_in_a_reset_or_changes_nothing(void **state)
{
	(void)state;
	for (size_t at = 0; at < 186; at++)
		lose(at, 1);
}

/* A run as long as a whole line can hide behind that line; shorter ones cannot. */
static void lost_run_of_bytes_ends_in_a_reset_or_changes_nothing(void **state)
{
	(void)state;
	for (size_t burst = 2; burst < strlen("\r\n+CGEV: X"); burst++)
		for (size_t at = 0; at + burst < 186; at++)
			lose(at, burst);
}

static void payload_that_swallowed_an_answer_is_not_believed(void **state)
{
	struct fake *f = *state;

	/* Four bytes of the payload are lost, so "\r\nOK" is counted instead. */
	fake_rule_once(f, "AT+CIPOPEN=", "\r\n+RECEIVE,3,8\r\n1234" OK);
	assert_int_equal(modem_open_udp(f->m, 2, 5002), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	assert_heard(f, "data{3}[1234\r\nOK] ");
	fake_advance(f, SEC(10));
	assert_heard(f, "data{3}[1234\r\nOK] closed(3,data) ");
}

static void silence_inside_a_payload_ends_the_link(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+RECEIVE,3,5\r\nhel");
	fake_advance(f, SEC(9));
	assert_heard(f, "data{3}[hel] ");
	fake_advance(f, SEC(2));
	assert_non_null(strstr(f->log, "closed(3,data)"));
	assert_said(f, "AT+NETOPEN?"); /* a reboot looks the same */
}

static void pause_inside_a_payload_is_no_silence(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+RECEIVE,3,5\r\nhel");
	fake_advance(f, SEC(9));
	fake_say(f, "l");
	fake_advance(f, SEC(9));
	fake_say(f, "o\r\n+RECEIVE,4,1\r\nx");
	assert_heard(f, "data{3}[hello] data{4}[x] ");
}

static void impossible_counts_are_no_headers(void **state)
{
	static const char *const headers[] = {"+RECEIVE,3,0", "+RECEIVE,3,65536", "+RECEIVE,3,-1",
		"+RECEIVE,3", "+RECEIVE,3,99999999999999999999", "+RECEIVE,a,3"};

	(void)state;
	for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		char text[96];
		struct fake *f;
		void *s;

		setup(&s);
		f = s;
		snprintf(text, sizeof(text), "\r\n%s\r\n\r\n+IPCLOSE: 1,1\r\n", headers[i]);
		fake_say(f, text);
		fake_advance(f, SEC(1));
		assert_non_null(strstr(f->log, "closed(3,data)"));
		assert_non_null(strstr(f->log, "closed(4,data)"));
		assert_null(strstr(f->log, "data{"));
		fake_free(f);
	}
}

static void leaked_payload_is_not_believed(void **state)
{
	struct fake *f = *state;

	/* The header lost its count: what follows is payload in the clear. */
	fake_say(f, "\r\n+RECEIVE,3,\r\nGET /\r\n+RECEIVE,4,4\r\nevil\r\n+IPCLOSE: 1,1\r\n");
	fake_advance(f, SEC(2));
	assert_heard(f, "closed(3,data) closed(4,data) ");
}

static void source_of_another_link_is_not_believed(void **state)
{
	struct fake *f = *state;

	fake_say(f, FROM4 "\r\n+RECEIVE,3,5\r\nhello");
	assert_null(strstr(f->log, "data{"));
	assert_non_null(strstr(f->log, "closed(3,data)"));
	assert_non_null(strstr(f->log, "closed(4,data)"));
}

static void header_without_link_is_attributed_by_a_unique_remote(void **state)
{
	struct fake *f = *state;

	modem_close(f->m, 1);
	modem_run(f->m, f->now);
	fake_pump(f);
	fake_clear(f);
	fake_say(f, FROM4 "\r\n+IPD5\r\nhello" FROM3 "\r\n+IPD3:\r\nabc");
	assert_heard(f, "data{4}[hello] data{3}[abc] ");
}

static void header_without_link_for_two_links_closes_both_and_leaves_push(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 5, "198.51.100.7:3000");
	fake_say(f, FROM3 "\r\n+IPD5\r\nhello");
	assert_said(f, "AT+CIPRXGET=1\n");
	assert_heard(f, "closed(3,data) closed(5,data) mode(buffer) ");
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
}

static void firmware_without_leading_line_ends_is_learned(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+CGEV: X\r\n");
	fake_say(f, "RECV FROM:198.51.100.7:3000\r\n+RECEIVE,3,5\r\nhello"
		"RECV FROM:198.51.100.8:3000\r\n+RECEIVE,4,5\r\nworld\r\n+CGEV: X\r\n");
	assert_heard(f, "data{3}[hello] data{4}[world] ");
}

/* ---- buffer mode ---- */

static void hint_is_followed_until_nothing_is_left(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\ndef" OK);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,3\r\nabc\r\n" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "data{3}[abcdef] ");
	assert_string_equal(f->said, "AT+CIPRXGET=2,3,1460\nAT+CIPRXGET=2,3,1460\n");
}

static void foreign_notifications_may_stand_before_the_answer(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3",
		"\r\n+CIPRXGET: 1,5\r\n\r\n+CIPRXGET: 1,5\r\n\r\n+CIPRXGET:2,3,3,0\r\nabc" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "data{3}[abc] ");
}

static void fill_up(struct fake *f, const char *event)
{
	if (strcmp(event, "data") == 0)
		f->rx_space = 0;
}

static void never_more_is_read_than_there_is_room_for(void **state)
{
	struct fake *f = *state;

	f->rx_space = 10;
	f->on_event = fill_up;
	fake_rule_once(f, "AT+CIPRXGET=2,3,10", "\r\n+CIPRXGET: 2,3,10,5\r\n0123456789" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	fake_clear(f);
	fake_advance(f, SEC(30));
	assert_not_said(f, "CIPRXGET=2");
	f->rx_space = 100;
	fake_rule_once(f, "AT+CIPRXGET=2,3,100", "\r\n+CIPRXGET: 2,3,5,0\r\nabcde" OK);
	modem_rx_resume(f->m, 3);
	modem_run(f->m, f->now);
	fake_pump(f);
	assert_heard(f, "data{3}[abcde] ");
}

static void lost_notification_is_made_good_by_a_look(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=4,3", "\r\n+CIPRXGET: 4,3,3\r\n" OK);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_advance(f, SEC(6));
	assert_heard(f, "data{3}[abc] ");
}

static void closed_link_is_drained_before_it_is_told(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\ndef" OK);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,3\r\nabc" OK);
	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	assert_heard(f, "data{3}[abcdef] closed(3,remote) free(3) ");
}

static void closed_link_without_data_is_told_at_the_first_empty_read(void **state)
{
	struct fake *f = *state;

	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	assert_heard(f, "closed(3,remote) free(3) ");
}

static void known_rest_that_is_gone_is_a_loss(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,7\r\nabc" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "data{3}[abc] closed(3,data) ");
}

static void known_rest_that_is_gone_after_the_close_is_a_loss(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,7\r\nabc" OK);
	fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
	assert_non_null(strstr(f->log, "data{3}[abc] closed(3,data) "));
}

static void notice_that_was_not_served_before_the_close_is_a_loss(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 4, "198.51.100.8:3000");
	f->rx_space = 0;
	fake_say(f, "\r\n+CIPRXGET: 1,4\r\n");
	fake_say(f, "\r\n+IPCLOSE: 4,1\r\n");
	f->rx_space = 100;
	modem_rx_resume(f->m, 4);
	modem_run(f->m, f->now);
	fake_pump(f);
	assert_heard(f, "closed(4,data) ");
}

#define NOTICE "\r\n+CIPRXGET: 1,3\r\n"
#define CLOSE "\r\n+IPCLOSE: 3,1\r\n"
#define NO_DATA "\r\n+IP ERROR: No data\r\n" ERR

static void notice_whose_read_was_overtaken_by_the_close_is_a_loss(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", CLOSE NO_DATA);
	fake_say(f, NOTICE);
	assert_heard(f, "closed(3,data) ");
}

static void notice_whose_read_found_nothing_just_before_the_close_is_a_loss(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", NO_DATA CLOSE);
	fake_say(f, NOTICE);
	assert_heard(f, "closed(3,data) ");
}

static void notice_and_close_in_one_piece_are_a_loss_unless_data_comes(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPRXGET=4,4", "\r\n+CIPRXGET: 4,4,0\r\n" OK);
	fake_open_tcp(f, 4, "198.51.100.8:3000");
	fake_say(f, NOTICE CLOSE);
	assert_heard(f, "closed(3,data) ");
	fake_clear(f);
	fake_rule_once(f, "AT+CIPRXGET=2,4", "\r\n+CIPRXGET: 2,4,3,0\r\nabc" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,4\r\n\r\n+IPCLOSE: 4,1\r\n");
	assert_heard(f, "data{4}[abc] closed(4,remote) free(4) ");
}

static void notice_served_by_the_read_under_way_is_no_loss(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", NOTICE "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_say(f, NOTICE);
	fake_say(f, CLOSE);
	assert_heard(f, "data{3}[abc] closed(3,remote) free(3) ");
	fake_clear(f);
	fake_open_tcp(f, 3, "198.51.100.7:3000");
	fake_rule_once(f, "AT+CIPRXGET=2,3", NOTICE CLOSE "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_say(f, NOTICE);
	assert_heard(f, "data{3}[abc] closed(3,remote) free(3) ");
}

static void notice_behind_the_data_of_the_read_under_way_is_a_new_one(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3",
		"\r\n+CIPRXGET: 2,3,3,0\r\nabc" NOTICE OK CLOSE);
	fake_say(f, NOTICE);
	assert_heard(f, "data{3}[abc] closed(3,data) ");
}

static void notice_that_found_nothing_while_the_link_went_on_is_forgotten(void **state)
{
	struct fake *f = *state;

	static const char *const answers[] = {NO_DATA, ("\r\n+CIPRXGET: 2,3,0,0\r\n" OK), ERR};

	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fake_rule(f, "AT+CIPRXGET=2", answers[i]);
		fake_say(f, NOTICE);
		fake_advance(f, MSEC(200));
		fake_say(f, CLOSE);
		assert_heard(f, "closed(3,remote) free(3) ");
		fake_open_tcp(f, 3, "198.51.100.7:3000");
	}
}

static void notice_after_an_empty_one_counts_again(void **state)
{
	struct fake *f = *state;

	fake_say(f, NOTICE);
	fake_advance(f, MSEC(200));
	fake_say(f, NOTICE CLOSE);
	assert_heard(f, "closed(3,data) ");
}

static void notice_during_an_empty_read_is_followed_at_once(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_rule_once(f, "AT+CIPRXGET=2,3", NOTICE NO_DATA);
	fake_say(f, NOTICE);
	assert_heard(f, "data{3}[abc] ");
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\ndef" OK);
	fake_rule_once(f, "AT+CIPRXGET=2,3", NOTICE "\r\n+CIPRXGET: 2,3,0,0\r\n" OK);
	fake_say(f, NOTICE);
	assert_heard(f, "data{3}[abcdef] ");
}

static void data_found_by_a_look_and_gone_after_the_close_is_a_loss(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=4,3", "\r\n+CIPRXGET: 4,3,3\r\n" OK CLOSE);
	fake_advance(f, SEC(6));
	assert_heard(f, "closed(3,data) ");
}

static void answer_for_another_link_is_not_ours(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 4, "198.51.100.8:3000");
	fake_rule_once(f, "AT+CIPRXGET=2,3",
		"\r\n+CIPRXGET: 2,4,3,0\r\nabc\r\n+CIPRXGET: 2,3,3,0\r\ndef" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "closed(4,data) data{3}[def] ");
}

static void read_payload_may_look_like_anything(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	fake_rule_once(f, "AT+CIPRXGET=2,3",
		"\r\n+CIPRXGET: 2,3,18,0\r\n\r\n+IPCLOSE: 3,1\r\nx\r\n" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_heard(f, "data{3}[\r\n+IPCLOSE: 3,1\r\nx] ");
}

static void notification_in_the_shape_of_a_header_is_a_hint(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,3,0\r\nabc" OK);
	fake_say(f, "\r\n+RECEIVE,3,3\r\n");
	assert_heard(f, "data{3}[abc] ");
}

static void silence_inside_a_read_ends_that_link_only(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 4, "198.51.100.8:3000");
	fake_rule(f, "AT+CIPRXGET=4,4", "\r\n+CIPRXGET: 4,4,0\r\n" OK);
	fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,5,0\r\nabc");
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	fake_advance(f, SEC(12));
	assert_heard(f, "data{3}[abc] closed(3,data) ");
	assert_int_equal(modem_link_state(f->m, 4), MODEM_LINK_OPEN);
}

/* The module was reset in the middle of an answer: the payload never comes, its answers do. */
static void answers_are_not_swallowed_by_a_payload_that_never_comes(void **state)
{
	struct fake *f = *state;
	static char header[64] = "\r\n+CIPRXGET: 2,3,1460,0\r\nabc";

	fake_rule_once(f, "AT+CIPRXGET=2,3", header);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_advance(f, SEC(14));
	assert_heard(f, "data{3}[abc] closed(3,data) free(3) bearer(register) bearer(activate) "
			"bearer(up) ");
}

static void datagram_that_is_read_in_pieces_is_handed_over_whole(void **state)
{
	struct fake *f = *state;

	fake_open_udp(f, 1, 5000);
	fake_clear(f);
	f->bytewise = true;
	fake_rule_once(f, "AT+CIPRXGET=2,1", "\r\n+CIPRXGET: 2,1,8,0\r\ndatagram" OK);
	fake_say(f, "\r\n+CIPRXGET: 1,1\r\n");
	assert_heard(f, "data{1}[datagram] ");
	assert_said(f, "AT+CIPRXGET=2,1,1500\n");
}

static void reads_and_sends_take_turns(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPSEND=", "\r\n>{payload}" OK "\r\n+CIPSEND: 3,1,1\r\n");
	for (unsigned i = 0; i < 3; i++)
		fake_rule_once(f, "AT+CIPRXGET=2,3", "\r\n+CIPRXGET: 2,3,1,1\r\nr" OK);
	for (unsigned i = 0; i < 3; i++) {
		f->queue[f->queued].link = 3;
		f->queue[f->queued].len = 1;
		f->queue[f->queued++].bytes[0] = 'x';
	}
	modem_kick(f->m);
	fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	assert_null(strstr(f->said, "CIPSEND=3,1\nAT+CIPSEND"));
	assert_int_equal(fake_count(f->said, "CIPSEND"), 3);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, fake_teardown)
#define BUFFER(t) cmocka_unit_test_setup_teardown(t, setup_buffer, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pushed_stream_goes_to_the_link_that_the_header_names),
		TEST(header_spellings_are_tolerated),
		TEST(push_payload_that_looks_like_a_result_stays_payload),
		TEST(every_byte_value_passes),
		TEST(datagram_comes_whole_and_with_its_source),
		TEST(source_behind_the_header_is_learned),
		TEST(source_line_inside_a_payload_is_payload_once_the_place_is_known),
		TEST(datagram_without_source_is_dropped_and_counted),
		TEST(payload_for_a_link_nobody_has_is_counted),
		TEST(data_before_the_close_is_delivered_before_it),
		TEST(data_between_ok_and_send_result_is_data),
		cmocka_unit_test(no_line_the_module_says_by_itself_disturbs_a_stream),
		cmocka_unit_test(no_line_the_module_says_by_itself_disturbs_a_send),
		cmocka_unit_test(one_lost_byte_anywhere_ends_in_a_reset_or_changes_nothing),
		cmocka_unit_test(lost_run_of_bytes_ends_in_a_reset_or_changes_nothing),
		TEST(payload_that_swallowed_an_answer_is_not_believed),
		TEST(silence_inside_a_payload_ends_the_link),
		TEST(pause_inside_a_payload_is_no_silence),
		cmocka_unit_test(impossible_counts_are_no_headers),
		TEST(leaked_payload_is_not_believed),
		TEST(source_of_another_link_is_not_believed),
		TEST(header_without_link_is_attributed_by_a_unique_remote),
		TEST(header_without_link_for_two_links_closes_both_and_leaves_push),
		TEST(firmware_without_leading_line_ends_is_learned),
		BUFFER(hint_is_followed_until_nothing_is_left),
		BUFFER(foreign_notifications_may_stand_before_the_answer),
		BUFFER(never_more_is_read_than_there_is_room_for),
		BUFFER(lost_notification_is_made_good_by_a_look),
		BUFFER(closed_link_is_drained_before_it_is_told),
		BUFFER(closed_link_without_data_is_told_at_the_first_empty_read),
		BUFFER(known_rest_that_is_gone_is_a_loss),
		BUFFER(known_rest_that_is_gone_after_the_close_is_a_loss),
		BUFFER(notice_that_was_not_served_before_the_close_is_a_loss),
		BUFFER(notice_whose_read_was_overtaken_by_the_close_is_a_loss),
		BUFFER(notice_whose_read_found_nothing_just_before_the_close_is_a_loss),
		BUFFER(notice_and_close_in_one_piece_are_a_loss_unless_data_comes),
		BUFFER(notice_served_by_the_read_under_way_is_no_loss),
		BUFFER(notice_behind_the_data_of_the_read_under_way_is_a_new_one),
		BUFFER(notice_that_found_nothing_while_the_link_went_on_is_forgotten),
		BUFFER(notice_after_an_empty_one_counts_again),
		BUFFER(notice_during_an_empty_read_is_followed_at_once),
		BUFFER(data_found_by_a_look_and_gone_after_the_close_is_a_loss),
		BUFFER(answer_for_another_link_is_not_ours),
		BUFFER(read_payload_may_look_like_anything),
		BUFFER(notification_in_the_shape_of_a_header_is_a_hint),
		BUFFER(silence_inside_a_read_ends_that_link_only),
		BUFFER(answers_are_not_swallowed_by_a_payload_that_never_comes),
		BUFFER(datagram_that_is_read_in_pieces_is_handed_over_whole),
		BUFFER(reads_and_sends_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

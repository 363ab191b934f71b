/* SPDX-License-Identifier: BSD-3-Clause */
/* AT+CPING: one echo at a time, whatever the order of its lines, and never in the way of others. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ASK_V4 "AT+CPING=\"192.0.2.1\",1,1,56,1000,4000,64\n"
#define REPLY "\r\n+CPING: 1,192.0.2.1,56,42,57\r\n"
#define SUMMARY "\r\n+CPING: 3,1,1,0,42,42,42\r\n"

static int ping_to(struct fake *f, const char *to)
{
	struct addr a;
	int rc;

	assert_int_equal(addr_parse(&a, to, strlen(to)), 0);
	rc = modem_ping(f->m, &a, 56, 64);
	modem_run(f->m, f->now);
	fake_pump(f);
	return rc;
}

static void ping(struct fake *f)
{
	assert_int_equal(ping_to(f, "192.0.2.1"), 0);
}

static void reply_is_told_when_its_line_comes(void **state)
{
	struct fake *f = *state;

	ping(f);
	assert_string_equal(f->said, ASK_V4);
	assert_heard(f, "");
	assert_int_equal(ping_to(f, "192.0.2.1"), -EBUSY);
	fake_say(f, REPLY);
	assert_heard(f, "pinged(reply,42) ");
}

static void every_spelling_of_a_reply_is_understood(void **state)
{
	static const char *const lines[] = {
		"\r\n+CPING: 1,192.0.2.1,56,42,57\r\n",
		"\r\n+CPING:1,\"192.0.2.1\",56,42,57\r\n",
		"\r\n+CPING: 1, 192.0.2.1, 56, 42\r\n",
		"\r\n+CPING: 1,host.example,56,42,57\r\n",
		"\r\n+CPING: 3,1,1,0,42,42,42\r\n", /* the summary alone */
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fake_clear(f);
		ping(f);
		fake_say(f, lines[i]);
		assert_heard(f, "pinged(reply,42) ");
		fake_say(f, SUMMARY);
	}
}

static void time_that_is_not_said_is_unknown(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_say(f, "\r\n+CPING: 1,192.0.2.1\r\n" SUMMARY);
	assert_heard(f, "pinged(reply,0) ");
}

static void next_one_waits_for_the_summary(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_say(f, REPLY);
	fake_clear(f);
	ping(f);
	assert_string_equal(f->said, "");
	fake_say(f, SUMMARY);
	assert_string_equal(f->said, ASK_V4);
	assert_heard(f, "");
}

static void summary_that_never_comes_is_not_waited_for_long(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_say(f, REPLY);
	fake_clear(f);
	ping(f);
	fake_advance(f, SEC(4));
	assert_string_equal(f->said, ASK_V4);
	fake_say(f, REPLY SUMMARY);
	assert_heard(f, "pinged(reply,42) ");
}

static void firmware_that_says_ok_last_is_fine(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPING=", REPLY SUMMARY OK);
	ping(f);
	assert_heard(f, "pinged(reply,42) ");
	fake_clear(f);
	ping(f);
	assert_string_equal(f->said, ASK_V4);
	assert_heard(f, "pinged(reply,42) ");
}

static void timeout_and_silence_are_one(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_say(f, "\r\n+CPING: 2\r\n");
	assert_heard(f, "pinged(timeout,0) ");
	fake_say(f, "\r\n+CPING: 3,1,0,1,0,0,0\r\n");
	fake_clear(f);
	ping(f);
	fake_say(f, "\r\n+CPING: 3,1,0,1,0,0,0\r\n");
	assert_heard(f, "pinged(timeout,0) ");
	fake_clear(f);
	ping(f);
	fake_advance(f, SEC(6));
	assert_heard(f, "");
	fake_advance(f, SEC(2));
	assert_heard(f, "pinged(timeout,0) ");
}

static void late_line_of_another_address_is_nobodys(void **state)
{
	struct fake *f = *state;

	assert_int_equal(ping_to(f, "192.0.2.9"), 0);
	fake_advance(f, SEC(12));
	fake_clear(f);
	ping(f);
	fake_say(f, "\r\n+CPING: 1,192.0.2.9,56,9000,57\r\n");
	assert_heard(f, "");
	fake_say(f, REPLY);
	assert_heard(f, "pinged(reply,42) ");
	/* nor is one that nobody asked for */
	fake_say(f, SUMMARY REPLY "\r\n+CPING: 2\r\n\r\n+CPING: 7,x\r\n\r\n+CPING:\r\n");
	assert_heard(f, "pinged(reply,42) ");
}

static void firmware_that_wants_a_longer_wait_is_given_it(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPING=\"192.0.2.1\",1,1,56,1000,4000", ERR);
	ping(f);
	assert_said(f, "AT+CPING=\"192.0.2.1\",1,1,56,1000,10000,64\n");
	fake_say(f, REPLY SUMMARY);
	assert_heard(f, "pinged(reply,42) ");
	fake_clear(f);
	ping(f);
	assert_string_equal(f->said, "AT+CPING=\"192.0.2.1\",1,1,56,1000,10000,64\n");
}

static void ipv6_is_pinged_as_type_2_in_the_form_the_firmware_takes(void **state)
{
	struct fake *f = *state;

	f->config.ip = 6;
	fake_rule(f, "AT+CPING=\"2001", ERR);
	assert_int_equal(ping_to(f, "2001:db8::1"), 0);
	assert_said(f, "AT+CPING=\"2001:db8::1\",2,1,56,1000,4000,64\n");
	assert_said(f, "AT+CPING=\"[2001:db8::1]\",2,1,56,1000,10000,64\n");
	fake_say(f, "\r\n+CPING: 1,2001:db8::1,56,42,57\r\n");
	assert_heard(f, "pinged(reply,42) ");
}

static void firmware_without_cping_is_not_asked_again_for_a_while(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPING", ERR);
	ping(f);
	assert_heard(f, "pinged(unsupported,0) ");
	assert_int_equal(ping_to(f, "192.0.2.1"), -EOPNOTSUPP);
	assert_int_equal(fake_count(f->said, "AT+CPING"), 2);
	fake_rule(f, "AT+CPING", OK);
	fake_advance(f, SEC(301));
	fake_clear(f);
	ping(f);
	assert_string_equal(f->said, ASK_V4);
}

static void error_of_a_firmware_that_knows_it_is_a_failure(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_say(f, REPLY SUMMARY);
	fake_rule(f, "AT+CPING", ERR);
	fake_clear(f);
	ping(f);
	assert_heard(f, "pinged(failed,0) ");
	assert_int_equal(fake_count(f->said, "AT+CPING"), 1);
	assert_int_equal(ping_to(f, "192.0.2.1"), 0);
}

static void echo_under_way_does_not_keep_others_from_the_channel(void **state)
{
	struct fake *f = *state;

	fake_open_tcp(f, 3, "192.0.2.1:80");
	ping(f);
	fake_clear(f);
	fake_send(f, 3, "hello", NULL);
	fake_say(f, "\r\n+CIPSEND: 3,5,5\r\n");
	assert_heard(f, "sent(3,5,5) ");
	fake_say(f, REPLY);
	assert_heard(f, "sent(3,5,5) pinged(reply,42) ");
}

/* An owner that has another echo as soon as one is over. */
static void ping_again(struct fake *f, const char *event)
{
	const struct addr a = {4, {192, 0, 2, 1}};

	if (strcmp(event, "pinged") == 0 && fake_count(f->said, "AT+CPING") < 10)
		assert_int_equal(modem_ping(f->m, &a, 56, 64), 0);
}

static void row_of_echoes_leaves_every_second_command_to_data(void **state)
{
	struct fake *f = *state;
	const char *said = f->said;

	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_rule(f, "AT+CPING=", REPLY SUMMARY OK);
	fake_rule(f, "AT+CIPSEND=", "\r\n>{payload}" OK "\r\n+CIPSEND: 3,5,5\r\n");
	for (f->queued = 0; f->queued < 5; f->queued++) {
		f->queue[f->queued].link = 3;
		f->queue[f->queued].len = 5;
	}
	f->on_event = ping_again;
	modem_kick(f->m);
	ping(f);
	for (unsigned i = 0; i < 5; i++) {
		assert_memory_equal(said, ASK_V4 "AT+CIPSEND=3,5\n", strlen(ASK_V4 "AT+CIPSEND=3,5\n"));
		said += strlen(ASK_V4 "AT+CIPSEND=3,5\n");
	}
	assert_int_equal(fake_count(f->log, "pinged(reply,42)"), 10);
}

static void echo_lost_with_its_network_keeps_the_module_busy_for_its_time(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+NETCLOSE: 0\r\n");
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	assert_non_null(strstr(f->log, "pinged(lost,0) bearer("));
	fake_advance(f, SEC(2));
	assert_int_equal(f->state, MODEM_STATE_UP);
	fake_clear(f);
	ping(f);
	assert_string_equal(f->said, "");
	fake_say(f, "\r\n+CPING: 2\r\n\r\n+CPING: 3,1,0,1,0,0,0\r\n");
	assert_string_equal(f->said, ASK_V4);
	assert_heard(f, "");
}

static void lost_bearer_ends_it(void **state)
{
	struct fake *f = *state;

	ping(f);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	assert_non_null(strstr(f->log, "pinged(lost,0) bearer("));
	assert_int_equal(ping_to(f, "192.0.2.1"), -ENETDOWN);
	fake_say(f, REPLY);
	assert_int_equal(fake_count(f->log, "pinged"), 1);
}

static void what_cping_cannot_express_is_refused(void **state)
{
	struct fake *f = *state;
	struct addr a = fake_endpoint("192.0.2.1:0").addr;

	assert_int_equal(modem_ping(f->m, &a, 3, 64), -EINVAL);
	assert_int_equal(modem_ping(f->m, &a, 189, 64), -EINVAL);
	assert_int_equal(modem_ping(f->m, &a, 56, 15), -EINVAL);
	assert_int_equal(modem_ping(f->m, &a, 56, 256), -EINVAL);
	assert_int_equal(ping_to(f, "2001:db8::1"), -EAFNOSUPPORT);
	assert_string_equal(f->said, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fake_setup_up, fake_teardown)
	const struct CMUnitTest tests[] = {
		T(reply_is_told_when_its_line_comes),
		T(every_spelling_of_a_reply_is_understood),
		T(time_that_is_not_said_is_unknown),
		T(next_one_waits_for_the_summary),
		T(summary_that_never_comes_is_not_waited_for_long),
		T(firmware_that_says_ok_last_is_fine),
		T(timeout_and_silence_are_one),
		T(late_line_of_another_address_is_nobodys),
		T(firmware_that_wants_a_longer_wait_is_given_it),
		T(ipv6_is_pinged_as_type_2_in_the_form_the_firmware_takes),
		T(firmware_without_cping_is_not_asked_again_for_a_while),
		T(error_of_a_firmware_that_knows_it_is_a_failure),
		T(echo_under_way_does_not_keep_others_from_the_channel),
		T(row_of_echoes_leaves_every_second_command_to_data),
		T(echo_lost_with_its_network_keeps_the_module_busy_for_its_time),
		T(lost_bearer_ends_it),
		T(what_cping_cannot_express_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

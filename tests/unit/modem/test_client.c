/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that come to the servers of the module. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEER "10.164.6.156:59371"
#define NOT_STARTED(i) "\r\n+SERVERSTOP: " i ",4\r\n" ERR
#define STOPPED(i) "\r\n+SERVERSTOP: " i ",0\r\n" OK

static struct fake *listener(void **state)
{
	fake_listen(*state, 0, 8080);
	return *state;
}

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
	fake_run(f);
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
	fake_run(f);
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
	fake_run(f);
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
	fake_run(f);
	fake_say(f, "\r\n+CLIENT: 2,0,10.0.0.1:4010\r\n");
	assert_int_equal(fake_count(f->log, "accepted("), MODEM_INBOUND_MAX + 1);
}

static void buffer_mode_reads_a_client_without_a_notice(void **state)
{
	struct fake *f = fake_new();

	(void)state;
	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	fake_listen(f, 0, 8080);
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
	fake_run(f);
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
	fake_run(f);
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
	fake_listen(f, 0, 8080);
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
	fake_listen(f, 0, 8080);
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
	fake_run(f);
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
	fake_run(f);
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
	fake_run(f);
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
	fake_run(f);
	fake_clear(f);
	fake_say(f, "\r\n+IPCLOSE: 9,1\r\n\r\n+CLIENT: 9,0," PEER "\r\n");
	fake_say(f, "\r\n+CIPACK: 5,5,0\r\n" OK);
	fake_run(f);
	assert_heard(f, "closed(9,remote) free(9) free(9) ");
}

static void client_whose_first_bytes_were_lost_is_closed(void **state)
{
	struct fake *f = listener(state);

	fake_rule(f, "AT+CIPCLOSE=0", OK "\r\n+CIPCLOSE: 0,0\r\n");
	fake_say(f, "\r\nRECV FROM:" PEER "\r\n+RECEIVE,0,3\r\nabc\r\n+CLIENT: 0,0," PEER "\r\n");
	fake_run(f);
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

#define test(f) cmocka_unit_test_setup_teardown(f, fake_setup_up, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(unlisted_server_in_the_way_is_stopped),
		test(unlisted_server_that_never_was_is_started),
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
			fake_setup_up, fake_teardown),
		cmocka_unit_test_setup_teardown(counts_of_the_former_life_are_not_the_clients,
			fake_setup_up, fake_teardown),
		test(client_whose_first_bytes_were_lost_is_closed),
		test(client_that_goes_with_the_bearer_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

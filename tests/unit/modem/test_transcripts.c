/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Dialogues as real modules had them: the transcripts T1 to T15 of the AT reference, section 17, as
 * far as a driver can meet them (T5, T6, T7 are cases of test_receive.c, test_links.c), with bytes
 * one by one; and unsolicited lines at every place where one may stand.
 */
#include "fake.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
	struct fake *f = fake_new();

	f->bytewise = true;
	*state = f;
	return 0;
}

static void t1_cold_boot_with_echo(void **state)
{
	struct fake *f = *state;

	f->echo = true;
	fake_rule_once(f, "AT", NULL); /* still booting */
	fake_rule_once(f, "AT+CPIN?", "\r\n+CME ERROR: SIM failure\r\n");
	fake_attach(f);
	fake_advance(f, MSEC(500));
	fake_say_bytes(f, "\0", 1);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	fake_advance(f, SEC(3));
	fake_say(f, "\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n\r\n+CGEV: EPS PDN ACT 1\r\n\r\nPB DONE\r\n");
	fake_advance(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(fake_count(f->log, "bearer(up)"), 1);
}

static void t2_answer_that_lost_its_bytes_costs_one_command_only(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CGDCONT", "K\r\n");
	fake_attach(f);
	fake_advance(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(fake_count(f->said, "AT+CGDCONT"), 2);
}

static void t3_default_headers_with_one_link(void **state)
{
	struct fake *f = *state;
	char text[256];

	fake_up(f);
	fake_open_tcp(f, 1, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPSEND=", "\r\n>{payload}" OK "\r\n+CIPSEND: 1,81,81\r\n");
	memset(text, 'q', 81);
	text[81] = '\0';
	fake_send(f, 1, text, NULL);
	fake_say(f, "\r\nRECV FROM:198.51.100.7:3000\r\n+IPD6\r\nanswer\r\n+IPCLOSE: 1,1\r\n");
	assert_heard(f, "sent(1,81,81) data{1}[answer] closed(1,remote) free(1) ");
}

static void t4_two_links_without_source_lines(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 0, "198.51.100.7:3000");
	fake_open_tcp(f, 1, "198.51.100.7:3000");
	fake_say(f, "\r\n+RECEIVE,0,16\r\n0123456789abcdef\r\n+RECEIVE,1,4\r\nwxyz");
	assert_heard(f, "data{0}[0123456789abcdef] data{1}[wxyz] ");
}

static void t8_late_success_before_the_network_event_is_worthless(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("192.0.2.4:80");

	fake_up(f);
	fake_rule(f, "AT+CIPOPEN=", OK "\r\n+CGEV: NW PDN DEACT 1\r\n\r\n+CGEV: ME DETACH\r\n"
		"\r\n+CGEV: EPS PDN ACT 1\r\n");
	fake_rule(f, "AT+NETCLOSE", "\r\n+NETCLOSE: 2\r\n" ERR);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	modem_open_tcp(f->m, 0, &e);
	fake_run(f);
	fake_say(f, "\r\n+CIPOPEN: 0,0\r\n\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	fake_advance(f, SEC(3));
	assert_heard(f, "opened(0,ok) closed(0,lost) free(0) bearer(register) bearer(activate) "
		"bearer(up) ");
}

static void t9_network_event_before_the_echo_of_the_running_command(void **state)
{
	struct fake *f = *state;

	f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	fake_open_tcp(f, 1, "198.51.100.7:3000");
	fake_rule(f, "AT+CIPRXGET=4,1", "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n"
		"AT+CIPRXGET=4,1\r\r\n+CIPRXGET: 4,1,0\r\n" OK);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_advance(f, SEC(8));
	assert_heard(f, "closed(1,lost) free(1) bearer(register) bearer(activate) bearer(up) ");
}

static void t10_busy_while_a_send_is_pending(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 1, "198.51.100.7:3000");
	fake_rule_once(f, "AT+CIPSEND=1", "\r\n+CIPERROR: 8\r\n" ERR "\r\n+CIPSEND: 0,4,4\r\n");
	fake_send(f, 1, "four", NULL);
	fake_advance(f, MSEC(310));
	fake_say(f, "\r\n+CIPSEND: 1,4,4\r\n");
	assert_heard(f, "sent(1,4,4) ");
}

static void t11_zombie_link(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("192.0.2.4:1883");

	fake_up(f);
	fake_open_tcp(f, 1, "192.0.2.4:1883");
	fake_rule_once(f, "AT+CIPSEND=1", "\r\n+CIPERROR: 4\r\n" ERR);
	fake_rule(f, "AT+CIPCLOSE=1", "\r\n+CIPCLOSE: 1,4\r\n" ERR);
	fake_send(f, 1, "hi", NULL);
	fake_advance(f, SEC(1));
	assert_heard(f, "closed(1,lost) free(1) ");
	fake_rule(f, "AT+CIPOPEN=", OK "\r\n+CIPOPEN: 1,0\r\n");
	assert_int_equal(modem_open_tcp(f->m, 1, &e), 0);
	fake_run(f);
	assert_heard(f, "closed(1,lost) free(1) opened(1,ok) ");
}

static void t12_host_restarted_inside_transparent_mode(void **state)
{
	struct fake *f = *state;

	f->echo = true;
	f->transparent = true;
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 1,0,0,0,0,0,0,0,0,0\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE=0", OK); /* result line missing */
	fake_rule(f, "AT+NETCLOSE", OK);   /* too */
	fake_rule(f, "AT+NETOPEN", OK);
	fake_attach(f);
	fake_advance(f, SEC(70));
	fake_say(f, "\r\nCLOSED\r\n\r\n+CIPCLOSE: 0,0\r\n\r\n+NETCLOSE: 0\r\n");
	fake_advance(f, SEC(1));
	assert_int_equal(f->state, MODEM_STATE_ACTIVATE); /* that was not NETOPEN's result */
	fake_say(f, "\r\n+NETOPEN: 0\r\n");
	fake_advance(f, SEC(1));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void t13_close_inside_the_send_window_in_all_its_endings(void **state)
{
	static const char *const endings[] = {
		"\r\n>\r\n+IPCLOSE: 0,1\r\n{payload}" OK "\r\n+CIPSEND: 0,3,-1\r\n",
		"\r\n>\r\n+IPCLOSE: 0,1\r\n{payload}" ERR,
		"\r\n>\r\n+IPCLOSE: 0,1\r\n{payload}" OK,
		"\r\n+IPCLOSE: 0,1\r\n\r\n+CIPERROR: 4\r\n" ERR,
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct fake *f = fake_new();

		fake_up(f);
		fake_open_tcp(f, 0, "192.0.2.4:80");
		fake_open_udp(f, 1, 5000);
		fake_rule_once(f, "AT+CIPSEND=0", endings[i]);
		fake_rule(f, "AT+CIPSEND=1", "\r\n>{payload}" OK "\r\n+CIPSEND: 1,1,1\r\n");
		fake_send(f, 0, "abc", NULL);
		fake_send(f, 1, "x", "192.0.2.9:53");
		fake_advance(f, SEC(3));
		assert_heard(f, "closed(0,remote) free(0) sent(1,1,1) ");
		fake_free(f);
	}
}

static void t14_client_of_a_forgotten_server_is_closed(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=0", OK "\r\n+CIPCLOSE: 0,0\r\n");
	fake_say(f, "\r\n+CLIENT: 0,0,10.164.6.156:59371\r\n");
	assert_said(f, "AT+CIPCLOSE=0\n");
	fake_say(f, "\r\n+RECEIVE,0,3\r\nabc");
	assert_heard(f, "free(0) ");
}

static void t15_module_resets_during_an_open(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("192.0.2.4:1883");

	fake_up(f);
	modem_open_tcp(f->m, 0, &e);
	fake_run(f);
	f->echo = true;
	fake_say_bytes(f, "\0", 1);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_say(f, "\r\n*ATREADY: 1\r\n\r\n*ISIMAID: \"A0000000871004FF54F0\"\r\n"
		"\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n\r\n+CGEV: EPS PDN ACT 1\r\n");
	assert_heard(f, "opened(0,lost) free(0) bearer(probe) ");
	fake_advance(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

/* ---- unsolicited lines everywhere ---- */

static const char *const urcs[] = {
	"\r\n+CIPRXGET: 1,7\r\n", "\r\n+CGEV: ME PDN ACT 1\r\n", "\r\n+CREG: 1\r\n",
	"\r\n$GPGGA,,,,,,0,,,,,,,,*66\r\n", "\r\n+NOBODY: KNOWS\r\n", "\r\n+IPCLOSE: 7,1\r\n",
	"\r\n+RECEIVE,7,4\r\nOK\r\n",
};

#define URCS (sizeof(urcs) / sizeof(urcs[0]))

/* A dialogue in pieces; between any two an unsolicited line may stand. */
static const struct dialogue {
	const char *pieces[6];
	unsigned n;
	bool send, buffer;
	const char *heard;
} dialogues[] = {
	{{"\r\n>{payload}", OK, "\r\n+CIPSEND: 3,2,2\r\n"}, 3, true, false, "sent(3,2,2) "},
	{{"\r\n+CIPRXGET: 2,3,4,0\r\nOK\r\n", OK}, 2, false, true, "data{3}[OK\r\n] "},
	{{"\r\n+IP ERROR: No data\r\n", ERR}, 2, false, true, ""},
};

static void dialogue_with(const struct dialogue *d, unsigned place, const char *urc)
{
	struct fake *f = fake_new();
	char text[512] = "";

	f->config.receive = d->buffer ? MODEM_RECEIVE_BUFFER : MODEM_RECEIVE_PUSH;
	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.4:80");
	for (unsigned i = 0; i <= d->n; i++) {
		if (i == place)
			strcat(text, urc);
		if (i < d->n)
			strcat(text, d->pieces[i]);
	}
	if (d->send) {
		fake_rule(f, "AT+CIPSEND=", text);
		fake_send(f, 3, "hi", NULL);
	} else {
		fake_rule(f, "AT+CIPRXGET=2", text);
		fake_say(f, "\r\n+CIPRXGET: 1,3\r\n");
	}
	assert_string_equal(f->log, d->heard);
	assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_OPEN);
	fake_free(f);
}

static void unsolicited_lines_may_stand_at_every_place_of_a_dialogue(void **state)
{
	(void)state;
	for (size_t d = 0; d < sizeof(dialogues) / sizeof(dialogues[0]); d++)
		for (unsigned place = 0; place <= dialogues[d].n; place++)
			for (size_t u = 0; u < URCS; u++)
				if (!dialogues[d].buffer || !strstr(urcs[u], "+RECEIVE"))
					dialogue_with(&dialogues[d], place, urcs[u]);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(t1_cold_boot_with_echo),
		TEST(t2_answer_that_lost_its_bytes_costs_one_command_only),
		TEST(t3_default_headers_with_one_link),
		TEST(t4_two_links_without_source_lines),
		TEST(t8_late_success_before_the_network_event_is_worthless),
		TEST(t9_network_event_before_the_echo_of_the_running_command),
		TEST(t10_busy_while_a_send_is_pending),
		TEST(t11_zombie_link),
		TEST(t12_host_restarted_inside_transparent_mode),
		cmocka_unit_test(t13_close_inside_the_send_window_in_all_its_endings),
		TEST(t14_client_of_a_forgotten_server_is_closed),
		TEST(t15_module_resets_during_an_open),
		cmocka_unit_test(unsolicited_lines_may_stand_at_every_place_of_a_dialogue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <string.h>


static void attach(struct fake *f, usec_t d)
{
	fake_attach(f);
	fake_advance(f, d);
}

static struct modem_status status(struct fake *f)
{
	struct modem_status s;

	modem_status(f->m, &s);
	return s;
}

static void bring_up_reaches_up_and_tells_the_address(void **state)
{
	struct fake *f = *state;
	struct modem_status s;
	char text[ADDR_STRLEN];

	f->echo = true;
	fake_rule(f, "ATI", "\r\nManufacturer: SIMCOM INCORPORATED\r\nModel: A7670E-FASE\r\n"
		"Revision: A011B09A7670M7_F\r\nIMEI: 860000000000000\r\n" OK);
	fake_up(f);
	s = status(f);
	assert_string_equal(addr_format(&s.address, text), "10.148.0.17");
	assert_string_equal(s.model, "A7670E-FASE");
	assert_string_equal(s.revision, "A011B09A7670M7_F");
	assert_int_equal(s.rssi_dbm, -113 + 46);
	assert_int_equal(s.receive, MODEM_RECEIVE_PUSH);
	assert_int_equal(s.creg, 1);
}

static void bring_up_survives_bytes_one_by_one_and_urcs_everywhere(void **state)
{
	struct fake *f = *state;

	f->bytewise = true;
	f->urc = "\r\n+CGEV: EPS PDN ACT 1\r\n\r\n+CIPRXGET: 1,4\r\n";
	fake_up(f);
}

static void settings_are_those_the_driver_relies_on(void **state)
{
	struct fake *f = *state;
	static const char *const init[] = {"AT+CTCPKA=1,2,5,1", "AT+EVIL\r\nATD112", "no command"};

	f->config.rtscts = true;
	f->config.init = init;
	f->config.n_init = 3;
	attach(f, SEC(5));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_said(f, "AT+IFC=2,2\n");
	assert_said(f, "AT+CGDCONT=1,\"IP\",\"internet\"\n");
	assert_said(f, "AT+CIPMODE=0\n");
	assert_said(f, "AT+CIPSENDMODE=0\n");
	assert_said(f, "AT+CIPCCFG=10,0,0,1,1,0,500\n");
	assert_said(f, "AT+CIPHEAD=1\n");
	assert_said(f, "AT+CIPSRIP=1\n");
	assert_said(f, "AT+CIPTIMEOUT=120000,30000,15000\n");
	assert_said(f, "AT+CIPRXGET=0\n");
	assert_said(f, "AT+CTCPKA=1,2,5,1\n");
	assert_not_said(f, "EVIL");
	assert_not_said(f, "no command");
}

static void apn_with_a_quote_never_reaches_the_line(void **state)
{
	struct fake *f = *state;

	f->config.apn = "x\",1\rATD112;\r";
	attach(f, SEC(5));
	assert_not_said(f, "CGDCONT");
	assert_not_said(f, "ATD");
}

static void refused_header_type_makes_buffer_mode(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CIPCCFG", ERR);
	attach(f, SEC(5));
	assert_said(f, "AT+CIPRXGET=1\n");
	assert_non_null(strstr(f->log, "mode(buffer)"));
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
}

static void optional_commands_may_fail(void **state)
{
	struct fake *f = *state;
	static const char *const optional[] = {"AT+CMEE", "ATI", "AT+CGMM", "AT+CGMR", "AT+CNMI",
		"AT+CSQ", "AT+CREG", "AT+CGREG", "AT+CIPMODE", "AT+CIPSENDMODE", "AT+CIPTIMEOUT",
		"AT+CIPOPEN?"};

	fake_rule(f, "AT+CSQ", "\r\n+CSQ: 99,99\r\n" ERR); /* the query line, then ERROR */
	for (unsigned i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (strcmp(optional[i], "AT+CSQ") != 0)
			fake_rule(f, optional[i], ERR);
	attach(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void turnaround_is_the_median_of_plain_commands(void **state)
{
	struct fake *f = *state;

	f->delay = MSEC(7);
	attach(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(status(f).turnaround, MSEC(7));
}

/* ---- probing ---- */

static void silent_module_is_asked_again_until_it_has_booted(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "", NULL);
	attach(f, SEC(2));
	fake_rule(f, "", OK);
	fake_restore(f);
	fake_say_bytes(f, "\0", 1);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	fake_advance(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void half_typed_command_is_finished_first(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT", ERR);
	attach(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void transparent_mode_is_left_with_guard_times(void **state)
{
	struct fake *f = *state;

	f->transparent = true;
	attach(f, SEC(20));
	assert_said(f, "+++\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void data_entry_is_filled_up(void **state)
{
	struct fake *f = *state;

	f->payload_left = 1400;
	f->after_payload = OK "\r\n+CIPSEND: 3,1400,1400\r\n";
	attach(f, SEC(30));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void stale_answer_of_probing_is_not_taken_for_a_later_one(void **state)
{
	struct fake *f = *state;

	/* Two more OK than commands: a module that was slow. */
	fake_rule_once(f, "AT", OK OK OK);
	fake_rule(f, "AT+CIPCCFG", ERR);
	attach(f, SEC(10));
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
}

/* ---- SIM and registration ---- */

static void sim_may_take_its_time(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPIN?", "\r\n+CME ERROR: SIM failure\r\n");
	attach(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_SIM);
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK);
	fake_advance(f, SEC(5));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void missing_sim_is_a_failure_that_can_end(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CPIN?", "\r\n+CME ERROR: SIM not inserted\r\n");
	attach(f, SEC(40));
	assert_int_equal(status(f).failure, MODEM_FAILURE_SIM);
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK);
	fake_advance(f, SEC(60));
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_int_equal(status(f).failure, MODEM_FAILURE_NONE);
}

static void pin_is_entered_once(void **state)
{
	struct fake *f = *state;

	f->config.pin = "1234";
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n" OK);
	fake_rule(f, "AT+CPIN=", "\r\n+CME ERROR: incorrect password\r\n");
	attach(f, SEC(600));
	assert_int_equal(fake_count(f->said, "AT+CPIN=\"1234\""), 1);
	assert_int_equal(status(f).failure, MODEM_FAILURE_PIN);
	fake_say(f, "\r\n*ATREADY: 1\r\n"); /* not even after a reboot */
	fake_advance(f, SEC(600));
	assert_int_equal(fake_count(f->said, "AT+CPIN=\"1234\""), 1);
}

static void right_pin_unlocks(void **state)
{
	struct fake *f = *state;

	f->config.pin = "1234";
	fake_rule_once(f, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n" OK);
	attach(f, SEC(20));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void missing_or_odd_pin_is_never_sent(void **state)
{
	struct fake *f = *state;

	f->config.pin = "12\"3";
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n" OK);
	attach(f, SEC(60));
	assert_not_said(f, "AT+CPIN=");
	assert_int_equal(status(f).failure, MODEM_FAILURE_PIN);
}

static void puk_is_left_to_people(void **state)
{
	struct fake *f = *state;

	f->config.pin = "1234";
	fake_rule(f, "AT+CPIN?", "\r\n+CPIN: SIM PUK\r\n" OK);
	attach(f, SEC(60));
	assert_not_said(f, "AT+CPIN=");
	assert_int_equal(status(f).failure, MODEM_FAILURE_PUK);
}

static void any_registration_of_the_three_is_enough(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CREG?", "\r\n+CREG: 0,3\r\n" OK);
	fake_rule(f, "AT+CGREG?", "\r\n+CGREG: 0,0\r\n" OK);
	fake_rule(f, "AT+CEREG?", "\r\n+CEREG: 0,5\r\n" OK);
	attach(f, SEC(10));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void denied_registration_is_told_after_45_seconds(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+CREG?", "\r\n+CREG: 0,3\r\n" OK);
	fake_rule(f, "AT+CGREG?", "\r\n+CGREG: 0,3\r\n" OK);
	fake_rule(f, "AT+CEREG?", "\r\n+CEREG: 0,3\r\n" OK);
	attach(f, SEC(40));
	assert_int_equal(status(f).failure, MODEM_FAILURE_NONE);
	assert_int_equal(status(f).rung, 0);
	fake_advance(f, SEC(10));
	assert_int_equal(status(f).failure, MODEM_FAILURE_DENIED);
	assert_int_equal(status(f).rung, 1);
}

/* ---- NETOPEN ---- */

static void open_network_is_kept_and_its_links_are_closed(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,1,0,0,0,0,0,0,0\r\n" OK);
	fake_rule(f, "AT+CIPOPEN?", "\r\n+CIPOPEN: 0\r\n+CIPOPEN: 1,\"TCP\",\"192.0.2.1\",80,-1\r\n"
		"+CIPOPEN: 7,\"TCP\",\"192.0.2.9\",999,0\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE=1", OK "\r\n+CIPCLOSE: 1,0\r\n");
	fake_rule(f, "AT+CIPCLOSE=7", "\r\n+CIPCLOSE: 7,4\r\n" ERR);
	attach(f, SEC(10));
	assert_said(f, "AT+CIPCLOSE=1\n");
	assert_said(f, "AT+CIPCLOSE=7\n");
	assert_not_said(f, "AT+NETOPEN\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void left_over_that_does_not_close_goes_with_the_network(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,1,0,0,0,0,0,0,0\r\n" OK);
	fake_rule(f, "AT+CIPCLOSE=1", OK);
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+CIPCLOSE: 1,0\r\n\r\n+NETCLOSE: 0\r\n");
	attach(f, SEC(30));
	assert_said(f, "AT+NETCLOSE\nAT+NETOPEN\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void already_opened_is_success_as_text_and_as_number(void **state)
{
	static const char *const forms[] = {"\r\n+IP ERROR: Network is already opened\r\n" ERR,
		"\r\n+IP ERROR: 4\r\n" ERR};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct fake *f = fake_new();

		fake_rule(f, "AT+NETOPEN", forms[i]);
		fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
		attach(f, SEC(10));
		assert_int_equal(f->state, MODEM_STATE_UP);
		fake_free(f);
	}
}

static void netopen_result_may_take_two_minutes_or_come_first(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+NETOPEN", OK);
	attach(f, SEC(110));
	assert_int_equal(f->state, MODEM_STATE_ACTIVATE);
	assert_string_equal(status(f).reason, "the network is not open yet");
	fake_say(f, "\r\n+NETOPEN: 0\r\n");
	fake_advance(f, SEC(1));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void netopen_that_fails_again_and_again_is_the_apn(void **state)
{
	struct fake *f = *state;

	fake_rule(f, "AT+NETOPEN", OK "\r\n+NETOPEN: 1\r\n");
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	attach(f, SEC(200));
	assert_int_equal(status(f).failure, MODEM_FAILURE_APN);
}

/* ---- while up ---- */

static void network_event_leads_to_a_new_netopen(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	fake_advance(f, SEC(5));
	assert_said(f, "AT+NETOPEN\n");
	assert_not_said(f, "AT+NETCLOSE");
	assert_heard(f, "bearer(register) bearer(activate) bearer(up) ");
}

static void network_event_with_the_service_still_open_closes_it_first(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_rule(f, "AT+NETCLOSE", "\r\n+NETCLOSE: 2\r\n" ERR);
	fake_say(f, "\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n");
	fake_advance(f, SEC(5));
	assert_said(f, "AT+NETCLOSE\nAT+NETOPEN\n");
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void unasked_netclose_is_the_same(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_say(f, "\r\n+NETCLOSE: 0\r\n");
	assert_int_not_equal(f->state, MODEM_STATE_UP);
}

static void late_end_of_a_boot_is_verified_not_believed(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_say(f, "\r\nSMS DONE\r\n\r\nPB DONE\r\n");
	fake_advance(f, SEC(1));
	assert_said(f, "AT+NETOPEN?");
	assert_heard(f, "");
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_say(f, "\r\nPB DONE\r\n");
	assert_non_null(strstr(f->log, "bearer(register)"));
}

static void banner_means_that_everything_is_lost(void **state)
{
	static const char *const banners[] = {"\r\n*ATREADY: 1\r\n", "\r\nRDY\r\n", "\r\nSTART\r\n"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct fake *f = fake_new();

		fake_up(f);
		fake_open_tcp(f, 3, "192.0.2.1:80");
		f->echo = true;
		fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
		fake_say_bytes(f, "\0", 1);
		fake_say(f, banners[i]);
		assert_heard(f, "closed(3,lost) free(3) bearer(probe) ");
		fake_advance(f, SEC(10));
		assert_int_equal(f->state, MODEM_STATE_UP);
		assert_int_equal(status(f).boots, 1);
		fake_free(f);
	}
}

static void banner_inside_a_send_is_seen(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_rule_once(f, "AT+CIPSEND=", "\r\n>{payload}\r\n*ATREADY: 1\r\n");
	fake_send(f, 3, "hello", NULL);
	assert_heard(f, "closed(3,lost) free(3) bearer(probe) ");
}

static void silent_reboot_shows_by_its_echo(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	f->echo = true;
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	modem_open_udp(f->m, 1, 53);
	fake_advance(f, SEC(1));
	assert_heard(f, "opened(1,lost) free(1) bearer(register) bearer(activate) bearer(up) ");
}

static void echo_that_is_back_is_switched_off_once_not_for_ever(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	f->echo = true;
	fake_open_udp(f, 1, 53);
	fake_clear(f);
	fake_advance(f, SEC(40));
	assert_true(fake_count(f->said, "AT") <= 1);
	assert_int_equal(f->state, MODEM_STATE_UP);
	assert_false(f->echo);
}

static void boot_that_grants_header_type_brings_push_back(void **state)
{
	struct fake *f = *state;

	fake_rule_once(f, "AT+CIPCCFG", ERR);
	fake_up(f);
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_BUFFER);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
	fake_say(f, "\r\n*ATREADY: 1\r\n");
	fake_advance(f, SEC(10));
	assert_non_null(strstr(f->log, "mode(push)"));
	assert_int_equal(modem_receive_mode(f->m), MODEM_RECEIVE_PUSH);
}

static void idle_bearer_hardly_wakes_up(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_advance(f, SEC(3600));
	assert_true(fake_count(f->said, "AT") <= 12 * 5 + 5);
	assert_heard(f, "");
}

static void mute_module_is_probed_then_the_ladder_is_climbed_to_its_end(void **state)
{
	struct fake *f = *state;

	f->config.has_power_command = true;
	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_rule(f, "", NULL);
	fake_mute(f);
	fake_advance(f, SEC(120));
	assert_non_null(strstr(f->log, "closed(3,lost) free(3) "));
	fake_advance(f, SEC(3600));
	assert_said(f, "+++");
	assert_said(f, "ESC");
	assert_said(f, "AT+NETCLOSE");
	assert_said(f, "AT+CFUN=4");
	assert_said(f, "AT+CRESET");
	assert_non_null(strstr(f->log, "power "));
	modem_power_done(f->m, f->now, 0);
	fake_restore(f);
	fake_advance(f, SEC(30));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

/* Its end is no news for a bearer that came up meanwhile, nor for a tty that is gone. */
static void power_command_that_ends_late_disturbs_nothing(void **state)
{
	struct fake *f = *state;

	f->config.has_power_command = true;
	fake_up(f);
	fake_rule(f, "", NULL);
	fake_mute(f);
	fake_say(f, "\r\nPB DONE\r\n"); /* asks something */
	for (unsigned i = 0; i < 4 * 3600 && !strstr(f->log, "power "); i++)
		fake_advance(f, SEC(1));
	assert_non_null(strstr(f->log, "power "));
	modem_detach(f->m, f->now);
	fake_pump(f);
	modem_power_done(f->m, f->now, 0);
	assert_int_equal(status(f).state, MODEM_STATE_ABSENT);
	fake_restore(f);
	modem_attach(f->m, f->now);
	fake_advance(f, SEC(30));
	assert_int_equal(f->state, MODEM_STATE_UP);
	modem_power_done(f->m, f->now, 0);
	fake_advance(f, SEC(5));
	assert_int_equal(f->state, MODEM_STATE_UP);
}

static void ladder_without_a_power_command_starts_over(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_mute(f);
	fake_say(f, "\r\nPB DONE\r\n"); /* asks something */
	fake_advance(f, SEC(4 * 3600));
	assert_null(strstr(f->log, "power"));
	assert_true(fake_count(f->said, "AT+CRESET") > 2);
	fake_restore(f);
	fake_advance(f, SEC(700));
	assert_int_equal(f->state, MODEM_STATE_UP);
	fake_advance(f, SEC(600));
	assert_int_equal(status(f).rung, 0);
}

static void each_rung_is_counted_by_itself(void **state)
{
	struct fake *f = *state;
	struct modem_status s;
	uint64_t sum = 0;

	fake_up(f);
	fake_mute(f);
	fake_say(f, "\r\nPB DONE\r\n"); /* asks something */
	fake_advance(f, SEC(4 * 3600));
	s = status(f);
	assert_int_equal(s.rung_counts[1], 2); /* probed again twice, and never after that */
	assert_true(s.rung_counts[4] > 2);
	assert_int_equal(s.rung_counts[5], 0); /* no power command */
	assert_string_equal(modem_rung_name(4), "reset");
	assert_string_equal(modem_rung_name(MODEM_RUNGS), "");
	for (unsigned i = 0; i < MODEM_RUNGS; i++)
		sum += s.rung_counts[i];
	assert_int_equal(sum, s.recoveries);
}

static void late_answer_stays_with_its_command(void **state)
{
	struct fake *f = *state;
	struct endpoint e = fake_endpoint("192.0.2.1:80");

	fake_up(f);
	fake_rule_once(f, "AT+CIPOPEN=", NULL);
	fake_rule_once(f, "AT+CSQ", NULL);
	fake_rule_once(f, "AT+CIPCLOSE?", NULL);
	modem_open_tcp(f->m, 3, &e);
	modem_run(f->m, f->now);
	fake_pump(f);
	modem_open_tcp(f->m, 4, &e);
	fake_advance(f, SEC(10)); /* 9 s for the answer, then the query */
	assert_not_said(f, "AT+CIPOPEN=4");
	fake_say(f, OK);
	assert_not_said(f, "AT+CIPOPEN=4");
	fake_say(f, "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n\r\n+CSQ: 20,99\r\n" OK);
	assert_said(f, "AT+CIPOPEN=4");
	fake_say(f, "\r\n+CIPOPEN: 3,0\r\n\r\n+CIPOPEN: 4,0\r\n");
	assert_heard(f, "opened(3,ok) opened(4,ok) ");
}

/* ---- the end ---- */

static void shutdown_closes_links_and_network(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_rule(f, "AT+CIPCLOSE=", OK "\r\n+CIPCLOSE: 3,0\r\n");
	fake_rule(f, "AT+NETCLOSE", OK "\r\n+NETCLOSE: 0\r\n");
	modem_shutdown(f->m, f->now);
	fake_advance(f, SEC(1));
	assert_string_equal(f->said, "AT+CIPCLOSE=3\nAT+NETCLOSE\n");
	assert_heard(f, "closed(3,local) bearer(stopping) free(3) bearer(stopped) stopped ");
}

static void shutdown_of_a_mute_module_ends_in_time(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	fake_mute(f);
	modem_shutdown(f->m, f->now);
	fake_advance(f, SEC(4));
	assert_non_null(strstr(f->log, "stopped "));
}

static void shutdown_before_up_is_immediate(void **state)
{
	struct fake *f = *state;

	fake_mute(f);
	attach(f, SEC(1));
	modem_shutdown(f->m, f->now);
	fake_advance(f, 0);
	assert_non_null(strstr(f->log, "stopped "));
}

static void lost_tty_loses_the_links_and_a_new_one_starts_over(void **state)
{
	struct fake *f = *state;

	fake_up(f);
	fake_open_tcp(f, 3, "192.0.2.1:80");
	modem_detach(f->m, f->now);
	fake_advance(f, SEC(1));
	assert_heard(f, "closed(3,lost) free(3) bearer(absent) ");
	fake_up(f);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bring_up_reaches_up_and_tells_the_address),
		TEST(bring_up_survives_bytes_one_by_one_and_urcs_everywhere),
		TEST(settings_are_those_the_driver_relies_on),
		TEST(apn_with_a_quote_never_reaches_the_line),
		TEST(refused_header_type_makes_buffer_mode),
		TEST(optional_commands_may_fail),
		TEST(turnaround_is_the_median_of_plain_commands),
		TEST(silent_module_is_asked_again_until_it_has_booted),
		TEST(half_typed_command_is_finished_first),
		TEST(transparent_mode_is_left_with_guard_times),
		TEST(data_entry_is_filled_up),
		TEST(stale_answer_of_probing_is_not_taken_for_a_later_one),
		TEST(sim_may_take_its_time),
		TEST(missing_sim_is_a_failure_that_can_end),
		TEST(pin_is_entered_once),
		TEST(right_pin_unlocks),
		TEST(missing_or_odd_pin_is_never_sent),
		TEST(puk_is_left_to_people),
		TEST(any_registration_of_the_three_is_enough),
		TEST(denied_registration_is_told_after_45_seconds),
		TEST(open_network_is_kept_and_its_links_are_closed),
		TEST(left_over_that_does_not_close_goes_with_the_network),
		cmocka_unit_test(already_opened_is_success_as_text_and_as_number),
		TEST(netopen_result_may_take_two_minutes_or_come_first),
		TEST(netopen_that_fails_again_and_again_is_the_apn),
		TEST(network_event_leads_to_a_new_netopen),
		TEST(network_event_with_the_service_still_open_closes_it_first),
		TEST(unasked_netclose_is_the_same),
		TEST(late_end_of_a_boot_is_verified_not_believed),
		cmocka_unit_test(banner_means_that_everything_is_lost),
		TEST(banner_inside_a_send_is_seen),
		TEST(silent_reboot_shows_by_its_echo),
		TEST(echo_that_is_back_is_switched_off_once_not_for_ever),
		TEST(boot_that_grants_header_type_brings_push_back),
		TEST(idle_bearer_hardly_wakes_up),
		TEST(mute_module_is_probed_then_the_ladder_is_climbed_to_its_end),
		TEST(power_command_that_ends_late_disturbs_nothing),
		TEST(ladder_without_a_power_command_starts_over),
		TEST(each_rung_is_counted_by_itself),
		TEST(late_answer_stays_with_its_command),
		TEST(shutdown_closes_links_and_network),
		TEST(shutdown_of_a_mute_module_ends_in_time),
		TEST(shutdown_before_up_is_immediate),
		TEST(lost_tty_loses_the_links_and_a_new_one_starts_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

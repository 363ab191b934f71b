/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "diagnose.h"

#define UP "{\"state\":\"up\",\"device\":\"/dev/ttyUSB2\",\"rssi_dbm\":-67,\"cereg\":1,\"links_free\":3,"

/* What is said of a module and flows; NULL: nothing. Line by line in the order of weight. */
static const char *said(const char *modem, const char *flows)
{
	static struct diagnosis all[DIAGNOSES_MAX];
	static char text[DIAGNOSES_MAX * sizeof(all[0].text)];
	struct json_object *m = json_tokener_parse(modem), *f = flows ? json_tokener_parse(flows) : NULL;
	size_t n = diagnose(m, f, NULL, all);

	assert_non_null(m);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		strcat(text, all[i].text);
		strcat(text, "\n");
	}
	json_object_put(m);
	json_object_put(f);
	return n ? text : NULL;
}

#define SAYS(text, part) assert_non_null(strstr(text, part))

static void nothing_is_said_of_a_module_that_is_fine(void **state)
{
	(void)state;
	assert_null(said(UP "\"receive\":\"push\",\"receive_configured\":\"auto\",\"rx_line_share\":0.5}",
		"{\"flows\":[]}"));
}

static void each_cause_of_being_down_has_its_sentence(void **state)
{
	static const struct {
		const char *modem, *part;
	} rows[] = {
		{"{\"state\":\"absent\",\"device\":null}", "plugged in"},
		{"{\"state\":\"absent\",\"device\":\"/dev/x\",\"reason\":\"no tty\"}", "ModemManager"},
		{"{\"state\":\"probe\",\"device\":\"/dev/x\"}", "modem.baud"},
		{"{\"state\":\"sim\",\"device\":\"/dev/x\",\"failure\":\"pin\"}", "modem.pin_file"},
		{"{\"state\":\"sim\",\"device\":\"/dev/x\",\"failure\":\"puk\"}", "PUK"},
		{"{\"state\":\"recover\",\"device\":\"/dev/x\",\"failure\":\"sim\"}", "no SIM"},
		{"{\"state\":\"register\",\"device\":\"/dev/x\",\"failure\":\"denied\"}", "refuses this SIM"},
		{"{\"state\":\"activate\",\"device\":\"/dev/x\",\"failure\":\"apn\"}", "modem.apn"},
		{"{\"state\":\"register\",\"device\":\"/dev/x\",\"creg\":2,\"cereg\":2,\"rssi_dbm\":-109}",
			"(searching, signal -109 dBm)"},
		{"{\"state\":\"recover\",\"device\":\"/dev/x\",\"rung\":4,\"rung_name\":\"reset\","
		 "\"reason\":\"no PDP address\"}", "(no PDP address; recovery by reset): if it stays so, check modem.apn"},
		{"{\"state\":\"register\",\"device\":\"/dev/x\",\"creg\":3,\"cereg\":3}", "refuses this SIM"},
		{"{\"state\":\"recover\",\"device\":\"/dev/x\",\"rung\":1,\"rung_name\":\"retry\","
		 "\"reason\":\"the module does not answer\"}", "check its power"},
		{"{\"state\":\"sim\",\"device\":\"/dev/x\",\"failure\":\"pin\",\"reason\":\"one try left\"}",
			"missing or wrong (one try left): put"},
		{"{\"state\":\"probe\",\"device\":\"/dev/x\",\"since_s\":0.4,\"rung\":0,"
		 "\"reason\":\"the module has booted\"}", "looked for (the module has booted): this takes seconds"},
		{"{\"state\":\"probe\",\"device\":\"/dev/x\",\"since_s\":11,\"rung\":0}", "modem.baud"},
		/* A round of recovery. */
		{"{\"state\":\"probe\",\"device\":\"/dev/x\",\"since_s\":0.4,\"rung\":1,\"rung_name\":\"retry\","
		 "\"reason\":\"NETOPEN failed (1) although registered\"}", "although registered; recovery by retry): if it stays so, check modem.apn"},
		{"{\"state\":\"activate\",\"device\":\"/dev/x\",\"since_s\":0.4,\"rung\":2,\"rung_name\":\"netclose\","
		 "\"reason\":\"NETOPEN failed (1) although registered\"}", "recovery by netclose): if it stays so, check modem.apn"},
		{"{\"state\":\"register\",\"device\":\"/dev/x\",\"rung\":1,\"creg\":2,\"reason\":\"not registered\"}",
			"searching, signal"},
		{"{\"state\":\"later\",\"device\":\"/dev/x\"}", "in state later"},
		{"{}", "in state unknown"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		SAYS(said(rows[i].modem, NULL), rows[i].part);
}

static void the_slow_reader_of_buffer_mode_is_named(void **state)
{
	const char *modem = UP "\"receive\":\"buffer\",\"receive_configured\":\"auto\"}";
	const char *text = said(modem, "{\"flows\":["
		"{\"id\":7,\"protocol\":\"tcp\",\"remote\":\"192.0.2.1:80\",\"rx_buffered_bytes\":10,"
		"\"local\":\"10.0.0.1:5\"},"
		"{\"id\":9,\"protocol\":\"tcp\",\"remote\":\"192.0.2.9:80\",\"rx_buffered_bytes\":30000,"
		"\"local\":\"10.0.0.1:6\"}]}");

	(void)state;
	SAYS(text, "buffer mode");
	SAYS(text, "flow 9 of 10.0.0.1:6 (192.0.2.9:80)");
	SAYS(said(modem, NULL), "buffer mode");
	assert_null(said(UP "\"receive\":\"buffer\",\"receive_configured\":\"buffer\"}", NULL));
}

static void who_holds_most_links_is_named_when_flows_wait(void **state)
{
	const char *text = said(UP "\"receive\":\"push\",\"links_tcp\":3}", "{\"flows\":["
		"{\"protocol\":\"tcp\",\"state\":\"open\",\"link\":9,\"local\":\"10.0.0.1:5\"},"
		"{\"protocol\":\"tcp\",\"state\":\"open\",\"link\":8,\"uid\":4000000},"
		"{\"protocol\":\"tcp\",\"state\":\"open\",\"link\":7,\"uid\":4000000},"
		"{\"protocol\":\"udp\",\"state\":\"open\",\"link\":0,\"uid\":4000001},"
		"{\"protocol\":\"udp\",\"state\":\"open\",\"link\":0,\"uid\":4000001},"
		"{\"protocol\":\"udp\",\"state\":\"open\",\"link\":0,\"uid\":4000001},"
		"{\"protocol\":\"tcp\",\"state\":\"waiting\",\"link\":null}]}");

	(void)state;
	SAYS(text, "1 TCP flow waits for a free link, TCP has 3 of the ten links and the rest is kept for others");
	SAYS(text, "a process of 4000000 holds most, 2");
}

static void a_full_line_names_the_busiest_flow_of_its_direction(void **state)
{
	const char *text = said(UP "\"line_bytes_per_s\":11520,\"tx_line_share\":0.3,\"rx_line_share\":0.96}",
		"{\"flows\":[{\"id\":1,\"local\":\"a\",\"remote\":\"b\",\"tx_bytes_per_s\":9000},"
		"{\"id\":2,\"local\":\"a\",\"remote\":\"b\",\"rx_bytes_per_s\":8000}]}");

	(void)state;
	SAYS(text, "full downwards, 96 % of 11.5 kB/s; most is flow 2");
}

/* A free link is not theirs, as long as their connections may not be opened yet. */
static void what_flows_wait_for_is_told_as_gwd_says_it(void **state)
{
	(void)state;
	SAYS(said("{\"state\":\"up\",\"links_free\":4,\"links_tcp\":6}", "{\"flows\":["
		"{\"protocol\":\"tcp\",\"state\":\"waiting\",\"why\":\"a place in the act of connecting\"},"
		"{\"protocol\":\"tcp\",\"state\":\"waiting\"}]}"),
		"2 TCP flows wait for a place in the act of connecting, TCP has 6 of the ten links\n");
}

/* 39 ms and 1,460 bytes at 92,160 a second: 26.6 kB/s at most. */
static void an_upload_that_the_prompts_hold_back_is_told_apart_from_a_full_line(void **state)
{
	(void)state;
	SAYS(said(UP "\"prompt_delay_ms\":39.0,\"line_bytes_per_s\":92160,\"tx_line_share\":0.27,"
		"\"tx_payload_bytes_per_s\":24000}", "{\"flows\":[{\"id\":7,\"local\":\"a\",\"remote\":\"b\","
		"\"tx_bytes_per_s\":24000}]}"),
		"which takes 39 ms before each chunk: 24.0 kB/s; most is flow 7");
	assert_null(said(UP "\"prompt_delay_ms\":39.0,\"line_bytes_per_s\":92160,\"tx_line_share\":0.2,"
		"\"tx_payload_bytes_per_s\":15000}", NULL));
	assert_null(said(UP "\"prompt_delay_ms\":null,\"line_bytes_per_s\":92160,\"tx_line_share\":0.3,"
		"\"tx_payload_bytes_per_s\":27000}", NULL));
}

static void what_makes_it_slow_or_dear_is_said(void **state)
{
	(void)state;
	SAYS(said("{\"state\":\"up\",\"rssi_dbm\":-107}", NULL), "weak signal, -107 dBm");
	SAYS(said("{\"state\":\"up\",\"technology\":\"GSM\"}", NULL), "2G");
	SAYS(said("{\"state\":\"up\",\"creg\":5,\"cereg\":0,\"operator\":\"Orange\"}", NULL),
		"roaming with Orange");
	SAYS(said("{\"state\":\"up\",\"rung\":3,\"rung_name\":\"cfun\",\"reason\":\"no PDP address\"}", NULL),
		"recovery (cfun)");
	SAYS(said("{\"state\":\"up\",\"receive\":\"transparent\"}",
		"{\"flows\":[{\"protocol\":\"tcp\",\"state\":\"waiting\"}]}"), "one flow has the line");
}

static void a_hostile_answer_fits_the_room_there_is(void **state)
{
	char modem[4096], name[2000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(modem, sizeof(modem), "{\"state\":\"up\",\"cereg\":5,\"operator\":\"%s\"}", name);
	assert_int_equal(strlen(said(modem, NULL)), sizeof(((struct diagnosis *)0)->text));
	snprintf(modem, sizeof(modem), "{\"state\":\"%s\",\"device\":\"x\",\"reason\":\"x\"}", name);
	assert_int_equal(strlen(said(modem, NULL)), sizeof(((struct diagnosis *)0)->text));
	assert_null(said("{\"state\":\"up\",\"rssi_dbm\":[],\"cereg\":\"5\"}", "{\"flows\":[1,null,\"x\"]}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_of_a_module_that_is_fine),
		cmocka_unit_test(each_cause_of_being_down_has_its_sentence),
		cmocka_unit_test(the_slow_reader_of_buffer_mode_is_named),
		cmocka_unit_test(who_holds_most_links_is_named_when_flows_wait),
		cmocka_unit_test(a_full_line_names_the_busiest_flow_of_its_direction),
		cmocka_unit_test(what_flows_wait_for_is_told_as_gwd_says_it),
		cmocka_unit_test(an_upload_that_the_prompts_hold_back_is_told_apart_from_a_full_line),
		cmocka_unit_test(what_makes_it_slow_or_dear_is_said),
		cmocka_unit_test(a_hostile_answer_fits_the_room_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The page of metrics as text; test_metrics.py has it read by a program of others. */
#include "fakes.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

static struct modem_status status;
static struct stack_stats stats;
static struct daemon d;
static char *page;

/* ---- what fakes.c leaves to us ---- */

void modem_status(const struct modem *m, struct modem_status *out)
{
	(void)m;
	*out = status;
}

void stack_stats(const struct stack *s, struct stack_stats *out)
{
	(void)s;
	*out = stats;
}

enum modem_server_state modem_server_state(const struct modem *m, unsigned server)
{
	(void)m;
	return server == 0 ? MODEM_SERVER_LISTENING : MODEM_SERVER_FAILED;
}

const char *modem_failure_name(enum modem_failure f)
{
	return f == MODEM_FAILURE_APN ? "apn" : "other";
}

const char *modem_link_state_name(enum modem_link_state s)
{
	return s == MODEM_LINK_FREE ? "free" : s == MODEM_LINK_OPEN ? "open" : "other";
}

const char *modem_rung_name(unsigned rung)
{
	return rung == 4 ? "reset" : "other";
}

/* ---- helpers ---- */

static const char *get_page(void)
{
	free(page);
	page = metrics_text(&d, NULL);
	assert_non_null(page);
	return page;
}

static bool has(const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "\n%s\n", line);
	return strstr(get_page(), text) != NULL;
}

#define assert_has(line)                                                                           \
	do {                                                                                       \
		if (!has(line))                                                                    \
			fail_msg("no line %s in\n%s", line, page);                                 \
	} while (0)

static unsigned lines_that_begin_with(const char *text)
{
	unsigned n = 0;

	for (const char *s = get_page(); s; s = strchr(s, '\n')) {
		s += *s == '\n';
		n += strncmp(s, text, strlen(text)) == 0;
	}
	return n;
}

static int setup(void **state)
{
	world_setup(state);
	memset(&status, 0, sizeof(status));
	memset(&stats, 0, sizeof(stats));
	memset(&d, 0, sizeof(d));
	status.model = "A7670E";
	status.revision = status.operator = status.technology = "";
	status.creg = status.cgreg = status.cereg = -1;
	d.gw = world->gw;
	d.config = world->config;
	snprintf(d.iface.tun.name, sizeof(d.iface.tun.name), "cell0");
	return 0;
}

static int teardown(void **state)
{
	free(page);
	page = NULL;
	return world_teardown(state);
}

/* ---- tests ---- */

static void every_counter_of_the_gateway_has_a_sample_of_its_own(void **state)
{
	uint64_t n[sizeof(struct counters) / sizeof(uint64_t)];

	(void)state;
	for (unsigned i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		n[i] = 7000001 + i;
	memcpy(&world->gw->count, n, sizeof(n));
	get_page();
	for (unsigned i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		char value[32];
		const char *first;

		if (i == offsetof(struct counters, echo_dropped) / sizeof(uint64_t))
			continue; /* the sum of gwd_ping_dropped_total */
		snprintf(value, sizeof(value), "} %" PRIu64 "\n", n[i]);
		first = strstr(page, value);
		if (!first || strstr(first + 1, value))
			fail_msg("counter %u stands there %s", i, first ? "twice" : "never");
	}
}

static void help_and_type_come_once_and_before_the_samples(void **state)
{
	char family[64] = "", *copy, *save = NULL;

	(void)state;
	copy = strdup(get_page());
	for (char *s = strtok_r(copy, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		char type[72], help[72];

		if (strncmp(s, "# HELP ", 7) == 0) {
			assert_int_equal(sscanf(s + 7, "%63[a-z0-9_]", family), 1);
			snprintf(help, sizeof(help), "# HELP %s ", family);
			snprintf(type, sizeof(type), "# TYPE %s ", family);
			assert_null(strstr(strstr(page, help) + 1, help));
			assert_null(strstr(strstr(page, type) + 1, type));
			s = strtok_r(NULL, "\n", &save);
			assert_memory_equal(s, type, strlen(type));
			assert_int_equal(strstr(family, "_total") != NULL, strstr(s, " counter") != NULL);
		} else {
			assert_memory_equal(s, family, strlen(family));
			assert_int_equal(s[strlen(family)], '{');
		}
	}
	free(copy);
}

static void each_sample_names_its_interface_and_that_of_a_modem_its_number(void **state)
{
	(void)state;
	snprintf(d.iface.tun.name, sizeof(d.iface.tun.name), "cell7");
	assert_has("gwd_up{interface=\"cell7\"} 0");
	assert_has("gwd_modem_boots_total{interface=\"cell7\",modem=\"0\"} 0");
}

static void flags_are_0_or_1(void **state)
{
	(void)state;
	assert_has("gwd_up{interface=\"cell0\"} 0");
	assert_has("gwd_interface_carrier{interface=\"cell0\"} 0");
	d.up = d.iface.carrier = true;
	assert_has("gwd_up{interface=\"cell0\"} 1");
	assert_has("gwd_interface_carrier{interface=\"cell0\"} 1");
}

static void what_is_unknown_has_no_sample(void **state)
{
	static const char *const names[] = {"gwd_modem_signal_dbm{", "gwd_modem_registration{",
		"gwd_modem_turnaround_seconds{", "gwd_modem_ping_seconds{"};

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(lines_that_begin_with(names[i]), 0);
	status.rssi_dbm = -67;
	status.cereg = 5;
	status.creg = 0;
	status.turnaround = 2345;
	assert_has("gwd_modem_signal_dbm{interface=\"cell0\",modem=\"0\"} -67");
	assert_has("gwd_modem_registration{interface=\"cell0\",modem=\"0\",domain=\"eps\"} 5");
	assert_has("gwd_modem_registration{interface=\"cell0\",modem=\"0\",domain=\"circuit\"} 0");
	assert_has("gwd_modem_turnaround_seconds{interface=\"cell0\",modem=\"0\"} 0.002345");
}

static void a_state_is_one_of_a_set(void **state)
{
	(void)state;
	status.failure = MODEM_FAILURE_APN;
	status.rung_counts[4] = 3;
	assert_has("gwd_modem_failure{interface=\"cell0\",modem=\"0\",reason=\"apn\"} 1");
	assert_has("gwd_modem_failure{interface=\"cell0\",modem=\"0\",reason=\"other\"} 0");
	assert_has("gwd_modem_recoveries_total{interface=\"cell0\",modem=\"0\",rung=\"reset\"} 3");
	assert_has("gwd_links{interface=\"cell0\",modem=\"0\",state=\"free\"} 10");
	assert_int_equal(lines_that_begin_with("gwd_modem_state{"), MODEM_STATE_STOPPED + 1);
}

static void a_state_that_was_never_left_began_with_gwd(void **state)
{
	(void)state;
	status.since = 0;
	world->gw->started = SEC(1000);
	world->gw->now = SEC(1005);
	assert_has("gwd_modem_state_seconds{interface=\"cell0\",modem=\"0\"} 5.000000");
	status.since = SEC(1003);
	assert_has("gwd_modem_state_seconds{interface=\"cell0\",modem=\"0\"} 2.000000");
}

static void flows_are_counted_by_protocol_and_state(void **state)
{
	int link;

	(void)state;
	connected("10.148.0.17:4000", "203.0.113.1:80", &link);
	host_syn("10.148.0.17:4001", "203.0.113.2:80");
	assert_has("gwd_flows{interface=\"cell0\",protocol=\"tcp\",state=\"open\"} 1");
	assert_has("gwd_flows{interface=\"cell0\",protocol=\"tcp\",state=\"opening\"} 1");
	assert_has("gwd_flows{interface=\"cell0\",protocol=\"udp\",state=\"open\"} 0");
	assert_has("gwd_links_in_use{interface=\"cell0\",modem=\"0\",type=\"tcp\"} 2");
	/* no series a flow */
	assert_null(strstr(page, "203.0.113"));
}

static void a_label_is_escaped_printable_and_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"Tele \"A\"\\B", "Tele \\\"A\\\"\\\\B"},
		{"two\nlines\r\t\x7f\x01", "two\\nlines????"},
		{"M\xc3\xb6 \xe2\x82\xac \xf0\x9f\x98\x80", "M\xc3\xb6 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xff\xc3x\xc3", "??x?"},		 /* cut or alone */
		{"\xc0\xaf\xe0\x80\xaf", "?????"},	 /* longer than need be */
		{"\xed\xa0\x80\xf4\x90\x80\x80", "???????"}, /* half of a pair; above the last */
		{"", ""},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t n;
		FILE *out = open_memstream(&text, &n);

		metrics_label(out, cases[i].in);
		fclose(out);
		assert_string_equal(text, cases[i].out);
		free(text);
	}
	status.operator = "\"} 1\nevil 2";
	status.technology = "LTE";
	assert_has("gwd_modem_info{interface=\"cell0\",modem=\"0\",model=\"A7670E\",revision=\"\","
		   "operator=\"\\\"} 1\\nevil 2\",technology=\"LTE\"} 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(every_counter_of_the_gateway_has_a_sample_of_its_own),
		TEST(help_and_type_come_once_and_before_the_samples),
		TEST(each_sample_names_its_interface_and_that_of_a_modem_its_number),
		TEST(flags_are_0_or_1),
		TEST(what_is_unknown_has_no_sample),
		TEST(a_state_is_one_of_a_set),
		TEST(a_state_that_was_never_left_began_with_gwd),
		TEST(flows_are_counted_by_protocol_and_state),
		TEST(a_label_is_escaped_printable_and_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

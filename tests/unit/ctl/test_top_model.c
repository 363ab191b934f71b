/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

struct fixture {
	struct snapshot s;
	struct top_model *m;
};

static int setup(void **state)
{
	static struct fixture f;

	f.s = snapshot_load();
	f.m = top_model_new();
	assert_non_null(f.m);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	snapshot_free(&f->s);
	free(f->m);
	return 0;
}

static void rates_are_those_the_daemon_tells(void **state)
{
	struct fixture *f = *state;

	snapshot_give(&f->s, f->m, 10);
	assert_int_equal(f->m->modems[0].rx.rate, 77700);
	assert_int_equal(f->m->modems[0].rx.share, 868);
	assert_int_equal(f->m->flows[0].rx_rate, 71300);
	assert_int_equal(f->m->modems[0].links[0].rx_rate, 71300);
}

static void drop_rates(struct snapshot *s)
{
	static const char *const keys[] = {
		"tx_wire_bytes_per_s", "rx_wire_bytes_per_s", "tx_line_share", "rx_line_share",
		"tx_payload_bytes_per_s", "rx_payload_bytes_per_s", "line_bytes_per_s"};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_object_del(snapshot_modem(s), keys[i]);
	for (unsigned i = 0; i < 8; i++) {
		json_object_object_del(snapshot_flow(s, i), "tx_bytes_per_s");
		json_object_object_del(snapshot_flow(s, i), "rx_bytes_per_s");
	}
	json_object_object_del(snapshot_link(s, 0), "rx_bytes_per_s");
}

static void without_them_rates_are_the_difference_of_two_snapshots(void **state)
{
	struct fixture *f = *state;

	drop_rates(&f->s);
	snapshot_give(&f->s, f->m, 10);
	assert_int_equal(f->m->modems[0].rx.rate, 0);
	assert_int_equal(f->m->flows[0].rx_rate, 0);
	snapshot_set(snapshot_modem(&f->s), "rx_payload_bytes", "6880000");
	snapshot_set(snapshot_modem(&f->s), "rx_wire_bytes", "7092160");
	snapshot_set(snapshot_flow(&f->s, 0), "rx_bytes", "5460000");
	snapshot_set(snapshot_link(&f->s, 0), "rx_bytes", "5460000");
	snapshot_give(&f->s, f->m, 12);
	assert_int_equal(f->m->modems[0].rx.rate, 40000);
	assert_int_equal(f->m->modems[0].rx.share, 500);
	assert_int_equal(f->m->flows[0].rx_rate, 30000);
	assert_int_equal(f->m->modems[0].links[0].rx_rate, 30000);
}

/* TCP flows and UDP mappings are numbered apart, and lists move up when one ends. */
static void a_flow_is_compared_with_itself_wherever_it_stands(void **state)
{
	struct fixture *f = *state;
	struct json_object *list = json_object_object_get(f->s.flows, "flows");

	drop_rates(&f->s);
	snapshot_set(snapshot_flow(&f->s, 6), "id", "1");
	snapshot_give(&f->s, f->m, 10);
	snprintf(f->m->flows[1].owner, sizeof(f->m->flows[1].owner), "root/sshd");
	snapshot_set(snapshot_flow(&f->s, 1), "rx_bytes", "222000");
	json_object_array_del_idx(list, 0, 1);
	snapshot_give(&f->s, f->m, 11);
	assert_string_equal(f->m->flows[0].protocol, "tcp");
	assert_int_equal(f->m->flows[0].rx_rate, 1000);
	assert_string_equal(f->m->flows[0].owner, "root/sshd");
	assert_string_equal(f->m->flows[5].protocol, "dns");
	assert_string_equal(f->m->flows[5].owner, "");
	assert_int_equal(f->m->flows[5].rx_rate, 0);
}

static void a_new_daemon_begins_without_peaks_and_past(void **state)
{
	struct fixture *f = *state;

	drop_rates(&f->s);
	snapshot_give(&f->s, f->m, 10);
	snapshot_set(f->s.status, "pid", "4712");
	snapshot_set(f->s.status, "uptime_s", "1.5");
	snapshot_set(snapshot_modem(&f->s), "rx_payload_bytes", "9000000");
	snapshot_give(&f->s, f->m, 11);
	assert_int_equal(f->m->modems[0].rx.rate, 0);
	assert_int_equal(f->m->modems[0].rx.peak_rate, 0);
	assert_int_equal(f->m->modems[0].samples, 1);
}

static void the_peak_outlives_what_it_was_the_peak_of(void **state)
{
	struct fixture *f = *state;

	snapshot_give(&f->s, f->m, 10);
	snapshot_set(snapshot_modem(&f->s), "rx_payload_bytes_per_s", "10");
	snapshot_set(snapshot_modem(&f->s), "rx_line_share", "0.001");
	snapshot_give(&f->s, f->m, 11);
	assert_int_equal(f->m->modems[0].rx.rate, 10);
	assert_int_equal(f->m->modems[0].rx.peak_rate, 77700);
	assert_int_equal(f->m->modems[0].rx.peak_share, 868);
}

static void history_keeps_the_newest_samples(void **state)
{
	struct fixture *f = *state;
	unsigned v[TOP_HISTORY + 50];
	char share[16];

	for (unsigned i = 0; i < 2 * TOP_HISTORY; i++) {
		snprintf(share, sizeof(share), "%.3f", i / 1000.);
		snapshot_set(snapshot_modem(&f->s), "tx_line_share", share);
		snapshot_give(&f->s, f->m, i);
	}
	assert_int_equal(top_model_history(&f->m->modems[0], TOP_FIGURE_TX, v, 3), 3);
	assert_int_equal(v[2], 2 * TOP_HISTORY - 1);
	assert_int_equal(v[0], 2 * TOP_HISTORY - 3);
	assert_int_equal(top_model_history(&f->m->modems[0], TOP_FIGURE_TX, v, TOP_HISTORY + 50),
		TOP_HISTORY);
	assert_int_equal(v[49], 0);
	assert_int_equal(v[50], TOP_HISTORY);
}

static void what_is_no_answer_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct json_object *odd = json_tokener_parse("{\"flows\": 5}");

	snapshot_give(&f->s, f->m, 10);
	assert_int_equal(top_model_update(f->m, f->s.status, odd, f->s.links, 11), -EPROTO);
	assert_int_equal(top_model_update(f->m, NULL, f->s.flows, f->s.links, 11), -EPROTO);
	assert_int_equal(f->m->n_flows, 8);
	assert_true(f->m->taken < 10.5);
	json_object_put(odd);
}

static void keys_of_another_type_are_unknown(void **state)
{
	struct fixture *f = *state;
	struct json_object *modem = snapshot_modem(&f->s);

	snapshot_set(modem, "rssi_dbm", "\"loud\"");
	snapshot_set(modem, "operator", "[1, 2]");
	snapshot_set(modem, "rung", "-7");
	snapshot_set(modem, "baud", "{}");
	snapshot_set(modem, "rx_line_share", "1e300");
	snapshot_set(modem, "tx_line_share", "-1");
	snapshot_set(snapshot_link(&f->s, 3), "link", "10");
	snapshot_set(snapshot_flow(&f->s, 0), "link", "99999999999999999999");
	snapshot_give(&f->s, f->m, 10);
	assert_int_equal(f->m->modems[0].rssi, 0);
	assert_int_equal(f->m->modems[0].rung, -1);
	assert_int_equal(f->m->modems[0].rx.share, TOP_FULL);
	assert_int_equal(f->m->modems[0].tx.share, 0);
	assert_int_equal(f->m->flows[0].link, -1);
	assert_string_equal(f->m->modems[0].links[3].state, "");
}

static void more_flows_than_there_is_room_for_are_counted(void **state)
{
	struct fixture *f = *state;
	struct json_object *list = json_object_object_get(f->s.flows, "flows");

	while (json_object_array_length(list) < TOP_FLOWS_MAX + 7)
		json_object_array_add(list, json_object_get(snapshot_flow(&f->s, 0)));
	snapshot_give(&f->s, f->m, 10);
	assert_int_equal(f->m->n_flows, TOP_FLOWS_MAX);
	assert_int_equal(f->m->flows_left_out, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rates_are_those_the_daemon_tells),
		TEST(without_them_rates_are_the_difference_of_two_snapshots),
		TEST(a_flow_is_compared_with_itself_wherever_it_stands),
		TEST(a_new_daemon_begins_without_peaks_and_past),
		TEST(the_peak_outlives_what_it_was_the_peak_of),
		TEST(history_keeps_the_newest_samples),
		TEST(what_is_no_answer_changes_nothing),
		TEST(keys_of_another_type_are_unknown),
		TEST(more_flows_than_there_is_room_for_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

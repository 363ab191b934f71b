/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl check: one line and an exit status as monitoring systems want them of a plugin: 0 OK, 1
 * WARNING, 2 CRITICAL, 3 UNKNOWN, the text, and behind a '|' the figures with their thresholds.
 *
 * Not up is CRITICAL, and so is a gwd that does not run or does not answer; what cannot be found out
 * (no permission, wrong usage) is UNKNOWN. A threshold is a figure's last good value.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "diagnose.h"
#include "field.h"
#include "format.h"

enum plugin { OK, WARNING, CRITICAL, UNKNOWN };

static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

struct limits {
	double rssi_dbm; /* bad below */
	double links; /* bad above: of ten, how many are in use */
};

struct thresholds {
	struct limits warning, critical;
};

static const struct thresholds defaults = {
	.warning = {.rssi_dbm = -100, .links = 9}, .critical = {.rssi_dbm = -110, .links = 10},
};

struct verdict {
	enum plugin plugin;
	char text[512], figures[512];
};

/* ---- thresholds ---- */

/* "rssi=-100,links=9", either or both. */
static bool parse_limits(const char *text, struct limits *l)
{
	while (*text) {
		bool rssi = strncmp(text, "rssi=", 5) == 0, links = strncmp(text, "links=", 6) == 0;
		const char *number = text + (rssi ? 5 : 6);
		char *end;
		long n;

		if (!rssi && !links)
			return false;
		n = strtol(number, &end, 10);
		if (end == number || (*end && *end != ',') || n < -200 || n > 1000)
			return false;
		*(rssi ? &l->rssi_dbm : &l->links) = (double)n;
		text = *end ? end + 1 : end;
	}
	return true;
}

static int read_thresholds(const struct ctl *ctl, struct thresholds *t)
{
	const struct {
		char letter;
		struct limits *limits;
	} rows[] = {{'w', &t->warning}, {'c', &t->critical}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = ctl_value(ctl, rows[i].letter);

		if (text && !parse_limits(text, rows[i].limits))
			return ctl_usage(ctl, "-%c wants rssi=DBM,links=N, not \"%s\"", rows[i].letter,
				text);
	}
	return CTL_OK;
}

static enum plugin grade(bool warning, bool critical)
{
	return critical ? CRITICAL : warning ? WARNING : OK;
}

/* ---- the verdict ---- */

static double links_used(struct json_object *m)
{
	return field_number(m, "links_tcp") + field_number(m, "links_udp") +
		field_number(m, "links_dns");
}

__attribute__((format(printf, 3, 4)))
static void append(char *text, size_t size, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
}

#define SAY(text, ...) append(text, sizeof(text), __VA_ARGS__)

/* 'label'=value[unit];warning;critical;min;max; "N:" is bad below N, N bad above. */
static void write_figures(struct verdict *v, struct json_object *s, struct json_object *m,
	const struct thresholds *t)
{
	struct json_object *flows = field(s, "flows");

	if (field_has(m, "rssi_dbm"))
		SAY(v->figures, " rssi=%.0f;%.0f:;%.0f:", field_number(m, "rssi_dbm"),
			t->warning.rssi_dbm, t->critical.rssi_dbm);
	SAY(v->figures, " links=%.0f;%.0f;%.0f;0;10", links_used(m), t->warning.links,
		t->critical.links);
	if (field_has(m, "tx_line_share"))
		SAY(v->figures, " line_up=%.0f%%;;;0;100 line_down=%.0f%%;;;0;100",
			100 * field_number(m, "tx_line_share"),
			100 * field_number(m, "rx_line_share"));
	SAY(v->figures, " flows=%.0f;;;0", field_number(flows, "tcp") + field_number(flows, "udp"));
	SAY(v->figures, " uptime=%.0fs;;;0", field_number(s, "uptime_s"));
}

static void judge(struct verdict *v, struct json_object *m, const struct thresholds *t)
{
	double rssi = field_number(m, "rssi_dbm"), links = links_used(m);
	bool up = field_is(m, "state", "up"), heard = field_has(m, "rssi_dbm");

	v->plugin = grade((heard && rssi < t->warning.rssi_dbm) || links > t->warning.links,
		!up || (heard && rssi < t->critical.rssi_dbm) || links > t->critical.links);
}

static void write_text(struct verdict *v, struct json_object *s, struct json_object *m)
{
	struct diagnosis all[DIAGNOSES_MAX];
	size_t n = diagnose(m, NULL, NULL, all);

	SAY(v->text, "%s %s for %s, ", field_text(field(s, "interface"), "name", "-"),
		field_text(m, "state", "-"), format_age(field_number(m, "since_s")).s);
	if (n && all[0].down)
		SAY(v->text, "%s", all[0].text);
	else
		SAY(v->text, "%s, %s %s, %s dBm, %.0f of 10 links in use", field_text(m, "address", "-"),
			field_text(m, "operator", "-"), field_text(m, "technology", "-"),
			field_text(m, "rssi_dbm", "-"), links_used(m));
	for (char *bar = strchr(v->text, '|'); bar; bar = strchr(bar, '|'))
		*bar = '/'; /* it would begin the figures */
}

/* The module that is worst decides. */
static void look(struct verdict *v, struct json_object *s, const struct thresholds *t)
{
	*v = (struct verdict){.plugin = UNKNOWN, .text = "gwd has no module"};
	for (size_t i = 0; i < field_count(s, "modems"); i++) {
		struct json_object *m = field_at(s, "modems", i);
		struct verdict next = {0};

		judge(&next, m, t);
		if (v->plugin != UNKNOWN && next.plugin <= v->plugin)
			continue;
		write_text(&next, s, m);
		write_figures(&next, s, m, t);
		*v = next;
	}
}

/* ---- the answer ---- */

static int print_verdict(const struct ctl *ctl, const struct verdict *v)
{
	struct json_object *o;

	if (!ctl->json) {
		printf("GWD %s - %s%s%s\n", words[v->plugin], v->text, v->figures[0] ? " |" : "",
			v->figures);
		return (int)v->plugin;
	}
	o = json_object_new_object();
	json_object_object_add(o, "state", json_object_new_string(words[v->plugin]));
	json_object_object_add(o, "exit_status", json_object_new_int((int)v->plugin));
	json_object_object_add(o, "text", json_object_new_string(v->text));
	field_print_json(o, false);
	json_object_put(o);
	return (int)v->plugin;
}

static int run(const struct ctl *ctl)
{
	struct json_object *status = NULL;
	struct thresholds t = defaults;
	struct verdict v = {.plugin = UNKNOWN};
	struct client c;
	int rc;

	if (read_thresholds(ctl, &t) != CTL_OK)
		return UNKNOWN;
	if (ctl_given(ctl, 'u')) /* nothing but up or not */
		t = (struct thresholds){{-200, 1000}, {-200, 1000}};
	rc = client_open(&c, ctl);
	c.raw = false; /* the line is of our making in JSON, too */
	if (rc == CTL_OK)
		rc = client_ask(&c, "status", NULL, CLIENT_ANSWER_MS, &status);
	if (rc == CTL_OK) {
		look(&v, status, &t);
		if (ctl_given(ctl, 'u'))
			v.figures[0] = '\0'; /* their thresholds are not in force */
		json_object_put(status);
	} else {
		v.plugin = rc == CTL_NOT_RUNNING || rc == CTL_TIMED_OUT ? CRITICAL : UNKNOWN;
		snprintf(v.text, sizeof(v.text), "%s", c.error);
	}
	client_close(&c);
	return print_verdict(ctl, &v);
}

const struct command command_check = {
	.name = "check",
	.args = "",
	.help = "a line and an exit status for monitoring systems",
	.usage_status = UNKNOWN,
	.flags = {
		{'w', "warning", "LIMIT", "rssi=DBM,links=N (default: rssi=-100,links=9)"},
		{'c', "critical", "LIMIT", "the same (default: rssi=-110,links=10)"},
		{'u', "up", NULL, "look only at whether it is up, for probes"},
	},
	.run = run,
};

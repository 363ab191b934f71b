/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl flows: TCP connections and UDP mappings, the fastest first, and whose they are. */
#include <stdlib.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"
#include "owner.h"

enum flows_columns {
	ID, PROTO, DIRECTION, LOCAL, REMOTE, STATE, CLASS, LINK, AGE, SENT, RECEIVED, UP, DOWN,
	USER, OWNER, CGROUP, WAITS, N_COLUMNS,
};

static const struct column columns[] = {
	[ID] = {"ID", true}, [PROTO] = {"PROTO", false}, [DIRECTION] = {"DIR", false},
	[LOCAL] = {"LOCAL", false}, [REMOTE] = {"REMOTE", false}, [STATE] = {"STATE", false},
	[CLASS] = {"CLASS", false}, [LINK] = {"LINK", true}, [AGE] = {"AGE", true},
	[SENT] = {"SENT", true}, [RECEIVED] = {"RECEIVED", true}, [UP] = {"UP", true},
	[DOWN] = {"DOWN", true}, [USER] = {"USER", false}, [OWNER] = {"PROCESS", false},
	[CGROUP] = {"CGROUP", false}, [WAITS] = {"WAITS FOR", false},
};

/* The heads that say something else with --numeric. */
static const struct column numeric_columns[] = {
	[USER] = {"UID", true}, [OWNER] = {"INODE", true}, [CGROUP] = {"CGROUP ID", true},
};

struct view {
	bool numeric, wide, color;
	struct owners owners;
};

static double rate_of(struct json_object *f)
{
	return field_number(f, "tx_bytes_per_s") + field_number(f, "rx_bytes_per_s");
}

/* By rate, then by bytes, then the newest. */
static int faster_first(const void *a, const void *b)
{
	struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;
	double rates = rate_of(y) - rate_of(x);
	double bytes = field_number(y, "tx_bytes") + field_number(y, "rx_bytes") -
		field_number(x, "tx_bytes") - field_number(x, "rx_bytes");
	double ids = field_number(y, "id") - field_number(x, "id");
	double first = rates != 0 ? rates : bytes != 0 ? bytes : ids;

	return first < 0 ? -1 : first > 0;
}

static void add_rate(struct table *t, struct json_object *f, const char *key)
{
	double rate = field_number(f, key);

	table_add(t, "%s", rate > 0 ? format_rate(rate).s : "");
}

static void add_process(struct table *t, const struct view *v, struct json_object *f)
{
	const struct owner *w = owners_of(&v->owners, f);

	if (v->numeric)
		table_add(t, "%s", field_text(f, "inode", ""));
	else if (w)
		table_add(t, "%s/%d", w->process, w->pid);
	else
		table_add(t, "%s", "");
}

static void add_flow(struct table *t, const struct view *v, struct json_object *f)
{
	bool waits = field_has(f, "why");

	table_add(t, "%s", field_text(f, "id", "-"));
	table_add(t, "%s", field_text(f, "protocol", "-"));
	table_add(t, "%s", field_text(f, "direction", "-"));
	table_add(t, "%s", field_text(f, "local", "-"));
	table_add(t, "%s", field_text(f, "remote", "-"));
	table_add(t, "%s%s%s", colour(v->color && waits, COLOUR_WARN), field_text(f, "state", "-"),
		colour_end(v->color && waits));
	table_add(t, "%s", v->wide ? field_text(f, "class", "-") : "");
	table_add(t, "%s", field_text(f, "link", "-"));
	table_add(t, "%s", format_age(field_number(f, "age_s")).s);
	table_add(t, "%s", format_bytes(field_number(f, "tx_bytes")).s);
	table_add(t, "%s", format_bytes(field_number(f, "rx_bytes")).s);
	add_rate(t, f, "tx_bytes_per_s");
	add_rate(t, f, "rx_bytes_per_s");
	table_add(t, "%s", owner_user(f, v->numeric).s);
	add_process(t, v, f);
	if (v->wide && v->numeric)
		table_add(t, "%s", field_text(f, "cgroup_id", "-"));
	else
		table_add(t, "%s", v->wide ? owner_cgroup(&v->owners, f).s : "");
	table_add(t, "%s", field_text(f, "why", ""));
}

static void print_flows(const struct ctl *ctl, struct json_object *answer)
{
	size_t n = field_count(answer, "flows");
	struct view v = {.numeric = ctl_given(ctl, 'n'), .wide = ctl_given(ctl, 'w'),
		.color = ctl->color};
	struct column chosen[N_COLUMNS];
	struct table t;

	for (unsigned i = 0; i < N_COLUMNS; i++)
		chosen[i] = v.numeric && i >= USER && i <= CGROUP ? numeric_columns[i] : columns[i];
	if (n)
		json_object_array_sort(field(answer, "flows"), faster_first);
	if (!v.numeric)
		owners_find(&v.owners, answer);
	table_init(&t, chosen, N_COLUMNS);
	for (size_t i = 0; i < n; i++)
		add_flow(&t, &v, field_at(answer, "flows", i));
	table_print(&t, ctl->color);
	owners_free(&v.owners);
}

static int run(const struct ctl *ctl)
{
	struct json_object *answer;
	int status = ctl_ask(ctl, "flows", NULL, &answer);

	if (status != CTL_OK)
		return status;
	if (ctl->json)
		field_print_json(answer, false);
	else
		print_flows(ctl, answer);
	json_object_put(answer);
	return CTL_OK;
}

const struct command command_flows = {
	.name = "flows",
	.args = "",
	.help = "TCP connections and UDP mappings, and whose they are",
	.flags = {
		{'n', "numeric", NULL, "uid and inode instead of names of users and processes"},
		{'w', "wide", NULL, "class and control group as well"},
	},
	.run = run,
};

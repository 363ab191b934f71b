/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl flows: TCP connections and UDP mappings, and whose they are. */
#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

static const struct column columns[] = {
	{"ID", true}, {"PROTO", false}, {"DIR", false}, {"LOCAL", false}, {"REMOTE", false},
	{"STATE", false}, {"LINK", true}, {"AGE", true}, {"SENT", true}, {"RECEIVED", true},
	{"UID", true}, {"WAITS FOR", false},
};

static void add_flow(struct table *t, struct json_object *f)
{
	table_add(t, "%s", field_text(f, "id", "-"));
	table_add(t, "%s", field_text(f, "protocol", "-"));
	table_add(t, "%s", field_text(f, "direction", "-"));
	table_add(t, "%s", field_text(f, "local", "-"));
	table_add(t, "%s", field_text(f, "remote", "-"));
	table_add(t, "%s", field_text(f, "state", "-"));
	table_add(t, "%s", field_text(f, "link", "-"));
	table_add(t, "%s", format_age(field_number(f, "age_s")).s);
	table_add(t, "%s", format_bytes(field_number(f, "tx_bytes")).s);
	table_add(t, "%s", format_bytes(field_number(f, "rx_bytes")).s);
	table_add(t, "%s", field_text(f, "uid", "-"));
	table_add(t, "%s", field_text(f, "why", ""));
}

static int run(const struct ctl *ctl)
{
	struct json_object *answer;
	struct table t;
	int status = ctl_ask(ctl, "flows", NULL, &answer);

	if (status != CTL_OK)
		return status;
	if (ctl->json) {
		field_print_json(answer, false);
	} else {
		table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
		for (size_t i = 0; i < field_count(answer, "flows"); i++)
			add_flow(&t, field_at(answer, "flows", i));
		table_print(&t, ctl->color);
	}
	json_object_put(answer);
	return CTL_OK;
}

const struct command command_flows = {
	.name = "flows",
	.args = "",
	.help = "TCP connections and UDP mappings",
	.run = run,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl links: the module's ten sockets. */
#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

static const struct column columns[] = {
	{"MODEM", true}, {"LINK", true}, {"STATE", false}, {"TYPE", false}, {"REMOTE", false},
	{"FLOWS", true}, {"AGE", true}, {"SENT", true}, {"RECEIVED", true},
	{"UP", true}, {"DOWN", true},
};

static void add_rate(struct table *t, struct json_object *o, const char *key)
{
	double rate = field_number(o, key);

	table_add(t, "%s", rate > 0 ? format_rate(rate).s : "");
}

static void add_link(struct table *t, struct json_object *l)
{
	bool used = field_has(l, "type");

	table_add(t, "%s", field_text(l, "modem", "-"));
	table_add(t, "%s", field_text(l, "link", "-"));
	table_add(t, "%s", field_text(l, "state", "-"));
	table_add(t, "%s", field_text(l, "type", "-"));
	table_add(t, "%s", field_text(l, "remote", "-"));
	table_add(t, "%s", used ? field_text(l, "flows", "-") : "-");
	table_add(t, "%s", used ? format_age(field_number(l, "age_s")).s : "-");
	table_add(t, "%s", used ? format_bytes(field_number(l, "tx_bytes")).s : "-");
	table_add(t, "%s", used ? format_bytes(field_number(l, "rx_bytes")).s : "-");
	add_rate(t, l, "tx_bytes_per_s");
	add_rate(t, l, "rx_bytes_per_s");
}

static int run(const struct ctl *ctl)
{
	struct json_object *answer;
	struct table t;
	int status = ctl_ask(ctl, "links", NULL, &answer);

	if (status != CTL_OK)
		return status;
	if (ctl->json) {
		field_print_json(answer, false);
	} else {
		table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
		for (size_t i = 0; i < field_count(answer, "links"); i++)
			add_link(&t, field_at(answer, "links", i));
		table_print(&t, ctl->color);
	}
	json_object_put(answer);
	return CTL_OK;
}

const struct command command_links = {
	.name = "links",
	.args = "",
	.help = "the module's ten sockets and what each is used for",
	.run = run,
};

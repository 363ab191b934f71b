/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl config and gwctl log: texts of several lines. */
#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

/* ---- config ---- */

static int run_config(const struct ctl *ctl)
{
	struct json_object *answer;
	struct client c;
	int status = client_open(&c, ctl);

	c.raw = true; /* its lines are to stay lines; text_print() sees to the rest */
	if (status == CTL_OK)
		status = client_ask(&c, "config", NULL, CLIENT_ANSWER_MS, &answer);
	if (status != CTL_OK) {
		ctl_complain(&c, status);
	} else if (ctl->json) {
		field_print_json(answer, false);
		json_object_put(answer);
	} else {
		text_print(field_text(answer, "text", ""), stdout);
		json_object_put(answer);
	}
	client_close(&c);
	return status;
}

const struct command command_config = {
	.name = "config",
	.args = "",
	.help = "the configuration in force, without its secrets",
	.run = run_config,
};

/* ---- log ---- */

static enum colour colour_of(struct json_object *line)
{
	return field_is(line, "level", "error") ? COLOUR_BAD :
		field_is(line, "level", "warn") ? COLOUR_WARN : COLOUR_DIM;
}

static void print_log(const struct ctl *ctl, struct json_object *answer)
{
	for (size_t i = 0; i < field_count(answer, "lines"); i++) {
		struct json_object *line = field_at(answer, "lines", i);

		printf("%s %s%-5s%s %s\n", field_text(line, "time", "-"),
			colour(ctl->color, colour_of(line)), field_text(line, "level", "-"),
			colour_end(ctl->color), field_text(line, "text", ""));
	}
}

static int run_log(const struct ctl *ctl)
{
	struct json_object *answer, *params = NULL;
	long lines = 0;
	int status;

	if (ctl_number(ctl, 'n', 1, 1000000, &lines) != CTL_OK)
		return CTL_USAGE;
	if (lines) {
		params = json_object_new_object();
		json_object_object_add(params, "lines", json_object_new_int64(lines));
	}
	status = ctl_ask(ctl, "log", params, &answer);
	if (status != CTL_OK)
		return status;
	if (ctl->json)
		field_print_json(answer, false);
	else
		print_log(ctl, answer);
	json_object_put(answer);
	return CTL_OK;
}

const struct command command_log = {
	.name = "log",
	.args = "",
	.help = "the last lines of the log, kept in gwd's memory",
	.flags = {
		{'n', "lines", "N", "only the last N lines"},
	},
	.run = run_log,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl at: AT commands, between those of gwd's own. */
#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

#define LONGEST_S 600 /* gwd has a limit of its own; this is for a gwd that hangs */

static int ask(struct client *c, const char *command, long timeout_s, struct json_object **answer)
{
	struct json_object *params = json_object_new_object();
	long limit_ms = (timeout_s ? timeout_s : LONGEST_S) * 1000;

	json_object_object_add(params, "command", json_object_new_string(command));
	if (timeout_s)
		json_object_object_add(params, "timeout_s", json_object_new_int64(timeout_s));
	return client_ask(c, "at", params, (int)limit_ms + CLIENT_ANSWER_MS, answer);
}

/* As the module said it; CTL_FAILED when that is not OK. */
static int print_answer(const struct ctl *ctl, struct json_object *a)
{
	if (ctl->json) {
		field_print_json(a, false);
	} else {
		for (size_t i = 0; i < field_count(a, "lines"); i++)
			printf("%s\n", json_object_get_string(field_at(a, "lines", i)));
		printf("%s\n", field_text(a, "final", "-"));
	}
	fflush(stdout);
	return field_true(a, "ok") ? CTL_OK : CTL_FAILED;
}

static int run(const struct ctl *ctl)
{
	struct json_object *answer;
	struct client c;
	long timeout = 0;
	int status;

	if (ctl_number(ctl, 't', 1, LONGEST_S, &timeout) != CTL_OK)
		return CTL_USAGE;
	status = client_open(&c, ctl);
	for (int i = 0; status == CTL_OK && i < ctl->argc; i++) {
		status = ask(&c, ctl->argv[i], timeout, &answer);
		if (status != CTL_OK)
			break;
		status = print_answer(ctl, answer);
		json_object_put(answer);
	}
	if (c.error[0])
		ctl_complain(&c, status);
	client_close(&c);
	return status;
}

const struct command command_at = {
	.name = "at",
	.args = "COMMAND...",
	.args_min = 1,
	.args_max = 64,
	.help = "AT commands, up to the first that is not answered OK",
	.flags = {
		{'t', "timeout", "N", "seconds to wait for each answer"},
	},
	.run = run,
};

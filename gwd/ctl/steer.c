/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl close and gwctl reload: what changes something and has little to say. */
#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

static int ask_and_print(const struct ctl *ctl, const char *request, struct json_object *params,
	void (*print)(struct json_object *answer))
{
	struct json_object *answer;
	int status = ctl_ask(ctl, request, params, &answer);

	if (status != CTL_OK)
		return status;
	if (ctl->json)
		field_print_json(answer, false);
	else
		print(answer);
	json_object_put(answer);
	return CTL_OK;
}

/* ---- close ---- */

static void print_nothing(struct json_object *answer)
{
	(void)answer;
}

static int run_close(const struct ctl *ctl)
{
	struct json_object *params;
	unsigned long long id;
	char *end;

	errno = 0;
	id = strtoull(ctl->argv[0], &end, 10);
	if (errno || *end || ctl->argv[0][0] < '0' || ctl->argv[0][0] > '9' || id > INT64_MAX)
		return ctl_usage(ctl, "\"%s\" is no flow's number (see gwctl flows)", ctl->argv[0]);
	params = json_object_new_object();
	json_object_object_add(params, "flow", json_object_new_int64((int64_t)id));
	return ask_and_print(ctl, "close", params, print_nothing);
}

const struct command command_close = {
	.name = "close",
	.args = "FLOW",
	.args_min = 1,
	.args_max = 1,
	.help = "end a flow: TCP is reset, a UDP mapping is dropped",
	.run = run_close,
};

/* ---- reload ---- */

static void print_options(struct json_object *answer, const char *key, const char *what)
{
	for (size_t i = 0; i < field_count(answer, key); i++)
		printf("%s %s\n", what, json_object_get_string(field_at(answer, key, i)));
}

static void print_reload(struct json_object *answer)
{
	print_options(answer, "changed", "changed:      ");
	print_options(answer, "restart", "needs restart:");
	if (!field_count(answer, "changed") && !field_count(answer, "restart"))
		printf("nothing has changed\n");
}

static int run_reload(const struct ctl *ctl)
{
	return ask_and_print(ctl, "reload", NULL, print_reload);
}

const struct command command_reload = {
	.name = "reload",
	.args = "",
	.help = "read the configuration again and say what has changed",
	.run = run_reload,
};

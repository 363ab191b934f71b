/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl at: AT commands, between those of gwd's own.
 *
 * "-" stands for the lines of standard input: by hand, by a script, or to keep a PIN out of the list of
 * processes. All commands go over one connection, each after the answer to the one before.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

#define LONGEST_S 180 /* gwd's own limit */
#define TURN_S 60 /* the command may have to wait for others */

struct asker {
	const struct ctl *ctl;
	struct client client;
	long timeout_s; /* 0: gwd's default */
};

static int ask(struct asker *a, const char *command, struct json_object **answer)
{
	struct json_object *params = json_object_new_object();
	long limit_s = (a->timeout_s ? a->timeout_s : LONGEST_S) + TURN_S;

	json_object_object_add(params, "command", json_object_new_string(command));
	if (a->timeout_s)
		json_object_object_add(params, "timeout_s", json_object_new_int64(a->timeout_s));
	return client_ask(&a->client, "at", params, (int)limit_s * 1000, answer);
}

/* As the module said it; CTL_FAILED when that is not OK. */
static int print_answer(const struct ctl *ctl, struct json_object *a)
{
	if (ctl->json) {
		field_print_json(a, false);
	} else {
		for (size_t i = 0; i < field_count(a, "lines"); i++)
			printf("%s\n", json_object_get_string(field_at(a, "lines", i)));
		if (field_true(a, "cut"))
			printf("(more came than gwd keeps)\n");
		printf("%s\n", field_text(a, "final", "-"));
	}
	fflush(stdout);
	return field_true(a, "ok") ? CTL_OK : CTL_FAILED;
}

static int do_one(struct asker *a, const char *command)
{
	struct json_object *answer;
	int status = ask(a, command, &answer);

	if (status != CTL_OK)
		return ctl_complain(&a->client, status);
	status = print_answer(a->ctl, answer);
	json_object_put(answer);
	return status;
}

/* Up to the end, or the first that fails; empty lines are none. */
static int do_lines(struct asker *a, FILE *in)
{
	int status = CTL_OK;
	char *line = NULL;
	size_t size = 0;

	while (status == CTL_OK && getline(&line, &size, in) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0])
			status = do_one(a, line);
	}
	if (line)
		explicit_bzero(line, size);
	free(line);
	return status;
}

static int run(const struct ctl *ctl)
{
	struct asker a = {.ctl = ctl};
	int status = ctl_number(ctl, 't', 1, LONGEST_S, &a.timeout_s);

	if (status != CTL_OK)
		return status;
	status = client_open(&a.client, ctl);
	if (status != CTL_OK)
		ctl_complain(&a.client, status);
	for (int i = 0; status == CTL_OK && i < ctl->argc; i++)
		status = strcmp(ctl->argv[i], "-") == 0 ? do_lines(&a, stdin) : do_one(&a, ctl->argv[i]);
	client_close(&a.client);
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

/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl events: what happens, as it happens. */
#include <string.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

/* The name before its value only where it is not clear by itself. */
static bool speaks_for_itself(const char *key)
{
	static const char *const keys[] = {"text", "state", "reason", "action", "change", "name"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void print_member(const char *key, struct json_object *value)
{
	const char *text = json_object_get_string(value);
	bool word = json_object_is_type(value, json_type_string) && !strpbrk(text, " \"=");

	if (speaks_for_itself(key))
		printf(" %s", text);
	else if (word)
		printf(" %s=%s", key, text);
	else
		printf(" %s=%s", key, json_object_to_json_string_ext(value,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void print_event(const struct ctl *ctl, struct json_object *e)
{
	static const char *const head[] = {"version", "event", "time"};

	printf("%s%s%s %s", colour(ctl->color, COLOUR_DIM), field_text(e, "time", "-"),
		colour_end(ctl->color), field_text(e, "event", "-"));
	json_object_object_foreach(e, key, value) {
		bool shown = false;

		for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
			shown = shown || strcmp(key, head[i]) == 0;
		if (value && !shown)
			print_member(key, value);
	}
	printf("\n");
}

static struct json_object *kinds(const struct ctl *ctl)
{
	struct json_object *params = json_object_new_object(), *list;

	if (ctl->argc > 0) {
		list = json_object_new_array();
		for (int i = 0; i < ctl->argc; i++)
			json_object_array_add(list, json_object_new_string(ctl->argv[i]));
		json_object_object_add(params, "kinds", list);
	}
	return params;
}

/* Until the first event; with --follow until the connection ends. */
static int show(struct client *c, const struct ctl *ctl)
{
	struct json_object *answer, *event;
	int status = client_ask(c, "events", kinds(ctl), CLIENT_ANSWER_MS, &answer);

	if (status != CTL_OK)
		return status;
	json_object_put(answer);
	do {
		status = client_line(c, CLIENT_FOREVER, &event);
		if (status != CTL_OK)
			return status;
		if (ctl->json)
			field_print_json(event, true);
		else
			print_event(ctl, event);
		json_object_put(event);
		fflush(stdout);
	} while (ctl_given(ctl, 'f') && !ferror(stdout));
	return CTL_OK;
}

static int run(const struct ctl *ctl)
{
	struct client c;
	int status = client_open(&c, ctl);

	if (status == CTL_OK)
		status = show(&c, ctl);
	if (status != CTL_OK)
		ctl_complain(&c, status);
	client_close(&c);
	return status;
}

const struct command command_events = {
	.name = "events",
	.args = "[KIND]...",
	.args_max = 16,
	.help = "the next event of any kind, or of these; -f: all to come",
	.flags = {
		{'f', "follow", NULL, "go on until interrupted"},
	},
	.run = run,
};

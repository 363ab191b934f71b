/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl events: what happens, as it happens. */
#include <string.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

#define TEXT(o, key) field_text(o, key, "-")

/* ---- one line an event ---- */

static void print_why(struct json_object *e, const char *key)
{
	if (field_has(e, key))
		printf(" (%s)", TEXT(e, key));
}

static void print_bearer(struct json_object *e)
{
	printf("%s %s%s%s", TEXT(e, "modem"), TEXT(e, "state"), field_has(e, "address") ? ", " : "",
		field_text(e, "address", ""));
	print_why(e, "reason");
}

static void print_flow(struct json_object *e)
{
	struct json_object *f = field(e, "flow");

	printf("%s %s, %s %s %s %s, %s", TEXT(f, "id"), TEXT(e, "what"), TEXT(f, "protocol"),
		TEXT(f, "local"), field_is(f, "direction", "in") ? "from" : "to", TEXT(f, "remote"),
		TEXT(f, "state"));
	if (field_is(e, "what", "end"))
		printf(", %s sent, %s received", format_bytes(field_number(f, "tx_bytes")).s,
			format_bytes(field_number(f, "rx_bytes")).s);
	print_why(e, "why");
}

static void print_link(struct json_object *e)
{
	struct json_object *l = field(e, "link");

	printf("%s %s%s%s%s%s", TEXT(l, "link"), TEXT(e, "what"), field_has(l, "type") ? ", " : "",
		field_text(l, "type", ""), field_has(l, "remote") ? " " : "",
		field_text(l, "remote", ""));
	print_why(e, "why");
}

static void print_receive(struct json_object *e)
{
	printf("%s %s", TEXT(e, "modem"), TEXT(e, "what"));
	print_why(e, "why");
}

static void print_recovery(struct json_object *e)
{
	printf("%s %s", TEXT(e, "modem"), TEXT(e, "rung_name"));
	print_why(e, "reason");
}

static void print_forward(struct json_object *e)
{
	struct json_object *f = field(e, "forward");

	printf("%s %s, to %s", TEXT(f, "port"), TEXT(e, "what"), TEXT(f, "target"));
	print_why(e, "why");
}

static void print_interface(struct json_object *e)
{
	struct json_object *i = field(e, "interface");

	printf("%s %s, %s%s", TEXT(i, "name"), field_true(i, "up") ? "up" : "down", TEXT(i, "address"),
		field_true(i, "default_route") ? ", default route" : "");
}

static void print_names(struct json_object *o, const char *key, const char *what)
{
	for (size_t i = 0; i < field_count(o, key); i++)
		printf("%s %s", i ? "," : what, json_object_get_string(field_at(o, key, i)));
}

static void print_reload(struct json_object *e)
{
	struct json_object *r = field(e, "reload");

	printf("%s", field_has(e, "error") ? "failed" : "done");
	print_why(e, "error");
	print_names(r, "changed", ", changed:");
	print_names(r, "restart", ", need a restart:");
}

static void print_log(struct json_object *e)
{
	printf("%s: %s", TEXT(e, "level"), TEXT(e, "text"));
}

static void print_lost(struct json_object *e)
{
	printf("%s events were not read in time", TEXT(e, "count"));
}

static const struct {
	const char *kind;
	void (*print)(struct json_object *event);
} printers[] = {
	{"bearer", print_bearer}, {"flow", print_flow}, {"link", print_link},
	{"receive", print_receive}, {"recovery", print_recovery}, {"forward", print_forward},
	{"interface", print_interface}, {"reload", print_reload}, {"log", print_log},
	{"lost", print_lost},
};

/* One that this gwctl does not know yet is shown as it came. */
static void print_event(const struct ctl *ctl, struct json_object *e)
{
	const char *kind = TEXT(e, "event");

	printf("%s%s%s %-9s ", colour(ctl->color, COLOUR_DIM), TEXT(e, "time"), colour_end(ctl->color),
		kind);
	for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++)
		if (strcmp(printers[i].kind, kind) == 0) {
			printers[i].print(e);
			printf("\n");
			return;
		}
	field_print_json(e, true);
}

/* ---- the request ---- */

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

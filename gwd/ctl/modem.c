/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl modem: all that gwd knows of the module, its SIM and the network. The keys are printed as they
 * come, with the unit that their end names, so that a newer gwd's are shown, too.
 */
#include <string.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

#define LABEL_WIDTH 22
#define DEPTH_MAX 3 /* of objects in objects that are shown */

/* ---- values, by the unit at the end of their key ---- */

static void print_age(double n)
{
	printf("%s", format_age(n).s);
}

static void print_ms(double n)
{
	printf("%.1f ms", n);
}

static void print_dbm(double n)
{
	printf("%.0f dBm, %s", n, format_signal(n));
}

static void print_bytes(double n)
{
	printf("%s", format_bytes(n).s);
}

static void print_rate(double n)
{
	printf("%s", format_rate(n).s);
}

static void print_share(double n)
{
	printf("%s", format_share(n).s);
}

static const struct unit {
	const char *suffix;
	bool drop; /* not part of the name for people */
	void (*print)(double n);
} units[] = {
	{"_bytes_per_s", true, print_rate},
	{"_ms", true, print_ms},
	{"_s", true, print_age},
	{"_dbm", true, print_dbm},
	{"_bytes", false, print_bytes},
	{"_share", false, print_share},
};

static const struct unit *unit_of(const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t k = strlen(units[i].suffix);

		if (n > k && strcmp(key + n - k, units[i].suffix) == 0)
			return &units[i];
	}
	return NULL;
}

static void print_scalar(const char *key, struct json_object *v)
{
	const struct unit *u = unit_of(key);
	size_t n = strlen(key);

	if (!v)
		printf("-");
	else if (json_object_is_type(v, json_type_boolean))
		printf("%s", json_object_get_boolean(v) ? "yes" : "no");
	else if (u && field_is_number(v))
		u->print(json_object_get_double(v));
	else
		printf("%s", json_object_get_string(v));
	if (field_is_number(v) && n > 3 && strcmp(key + n - 3, "reg") == 0) /* creg, cgreg, cereg */
		printf(", %s", format_registration(json_object_get_int(v)));
}

/* ---- lines ---- */

/* "rssi_dbm" is "rssi": its unit is said with its value. */
static struct format label(const char *key)
{
	const struct unit *u = unit_of(key);
	size_t n = strlen(key) - (u && u->drop ? strlen(u->suffix) : 0);
	struct format f;

	snprintf(f.s, sizeof(f.s), "%.*s", (int)n, key);
	for (char *p = strchr(f.s, '_'); p; p = strchr(p, '_'))
		*p = ' ';
	return f;
}

/* In one line, for an entry of a list. */
static void print_flat(struct json_object *v)
{
	const char *between = "";

	if (!json_object_is_type(v, json_type_object)) {
		print_scalar("", v);
		return;
	}
	json_object_object_foreach(v, key, inner) {
		printf("%s%s ", between, label(key).s);
		print_scalar(key, inner);
		between = ", ";
	}
}

/* An entry a line, the first beside the label. */
static void print_list(struct json_object *v)
{
	size_t n = json_object_array_length(v);

	for (size_t i = 0; i < n; i++) {
		printf("%*s", i ? LABEL_WIDTH + 1 : 0, "");
		print_flat(json_object_array_get_idx(v, i));
		printf("\n");
	}
	if (n == 0)
		printf("-\n");
}

static void print_object(struct json_object *o, unsigned depth)
{
	int indent = (int)(2 * depth);

	json_object_object_foreach(o, key, value) {
		if (json_object_is_type(value, json_type_object)) {
			printf("%*s%s\n", indent, "", label(key).s);
			if (depth < DEPTH_MAX)
				print_object(value, depth + 1);
			continue;
		}
		printf("%*s%-*s ", indent, "", LABEL_WIDTH - indent, label(key).s);
		if (json_object_is_type(value, json_type_array)) {
			print_list(value);
		} else {
			print_scalar(key, value);
			printf("\n");
		}
	}
}

static int run(const struct ctl *ctl)
{
	struct json_object *answer;
	int status = ctl_ask(ctl, "modem", NULL, &answer);

	if (status != CTL_OK)
		return status;
	for (size_t i = 0; !ctl->json && i < field_count(answer, "modems"); i++) {
		printf("%s", i ? "\n" : "");
		print_object(field_at(answer, "modems", i), 0);
	}
	if (ctl->json)
		field_print_json(answer, false);
	json_object_put(answer);
	return CTL_OK;
}

const struct command command_modem = {
	.name = "modem",
	.args = "",
	.help = "all that is known of the module, its SIM and network",
	.run = run,
};

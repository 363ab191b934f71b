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

#define DEPTH_MAX 3 /* of lists in lists that are shown */

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

/* ---- lines ---- */

static void print_value(const char *key, struct json_object *v, unsigned depth);

static void print_list(struct json_object *v, unsigned depth)
{
	size_t n = json_object_array_length(v);

	for (size_t i = 0; i < n; i++) {
		print_value("", json_object_array_get_idx(v, i), depth);
		printf("%s", i + 1 < n ? ", " : "");
	}
	if (n == 0)
		printf("-");
}

static void print_object(struct json_object *v, unsigned depth)
{
	const char *between = "";

	json_object_object_foreach(v, key, inner) {
		printf("%s%s ", between, key);
		print_value(key, inner, depth);
		between = ", ";
	}
}

static void print_value(const char *key, struct json_object *v, unsigned depth)
{
	const struct unit *u = unit_of(key);
	bool number = json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);

	if (!v || depth == 0)
		printf("-");
	else if (json_object_is_type(v, json_type_array))
		print_list(v, depth - 1);
	else if (json_object_is_type(v, json_type_object))
		print_object(v, depth - 1);
	else if (json_object_is_type(v, json_type_boolean))
		printf("%s", json_object_get_boolean(v) ? "yes" : "no");
	else if (u && number)
		u->print(json_object_get_double(v));
	else
		printf("%s", json_object_get_string(v));
}

/* "rssi_dbm" is "rssi": its unit is said with its value. */
static void print_name(const char *key)
{
	const struct unit *u = unit_of(key);
	size_t n = strlen(key) - (u && u->drop ? strlen(u->suffix) : 0);
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)n, key);
	for (char *p = strchr(name, '_'); p; p = strchr(p, '_'))
		*p = ' ';
	printf("%-26s ", name);
}

static void print_modem(struct json_object *m)
{
	json_object_object_foreach(m, key, value) {
		int stat = json_object_is_type(value, json_type_int) ? json_object_get_int(value) : -1;
		size_t n = strlen(key);

		print_name(key);
		print_value(key, value, DEPTH_MAX);
		/* creg, cgreg, cereg */
		if (stat >= 0 && n > 3 && strcmp(key + n - 3, "reg") == 0)
			printf(", %s", format_registration(stat));
		printf("\n");
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
		print_modem(field_at(answer, "modems", i));
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

/* SPDX-License-Identifier: BSD-3-Clause */
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at.h"
#include "capture.h"
#include "json.h"
#include "reload.h"
#include "report.h"
#include "util/log.h"

/* ---- parameters ---- */

static bool is_absent(struct json_object *request, const char *key, struct json_object **v)
{
	return !json_object_object_get_ex(request, key, v) || !*v;
}

bool request_text(struct client *c, struct json_object *request, const char *key, const char **value)
{
	struct json_object *v;

	if (is_absent(request, key, &v))
		return true;
	/* A NUL inside would hide what follows it. */
	if (!json_object_is_type(v, json_type_string) ||
		strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v)) {
		client_error(c, "bad_argument", "%s: expected a string", key);
		return false;
	}
	*value = json_object_get_string(v);
	return true;
}

bool request_number(struct client *c, struct json_object *request, const char *key, int64_t min,
	int64_t max, int64_t *value)
{
	struct json_object *v;
	int64_t n;

	if (is_absent(request, key, &v))
		return true;
	n = json_object_get_int64(v);
	if (!json_object_is_type(v, json_type_int) || n < min || n > max) {
		client_error(c, "bad_argument", "%s: expected a whole number from %lld to %lld", key,
			(long long)min, (long long)max);
		return false;
	}
	*value = n;
	return true;
}

bool request_flag(struct client *c, struct json_object *request, const char *key, bool *value)
{
	struct json_object *v;

	if (is_absent(request, key, &v))
		return true;
	if (!json_object_is_type(v, json_type_boolean)) {
		client_error(c, "bad_argument", "%s: expected true or false", key);
		return false;
	}
	*value = json_object_get_boolean(v);
	return true;
}

/* ---- requests that need no more than a report ---- */

static void on_status(struct client *c, struct json_object *request)
{
	(void)request;
	client_answer(c, "status", report_status(client_daemon(c)));
}

static void on_flows(struct client *c, struct json_object *request)
{
	(void)request;
	client_answer(c, "flows", report_flows(client_daemon(c)));
}

static void on_links(struct client *c, struct json_object *request)
{
	(void)request;
	client_answer(c, "links", report_links(client_daemon(c)));
}

static void on_metrics(struct client *c, struct json_object *request)
{
	(void)request;
	client_answer(c, "metrics", report_metrics(client_daemon(c)));
}

static void on_log(struct client *c, struct json_object *request)
{
	int64_t lines = LOG_HISTORY_LINES;

	if (request_number(c, request, "lines", 1, UINT32_MAX, &lines))
		client_answer(c, "log", report_log((unsigned)lines));
}

static void on_modem(struct client *c, struct json_object *request)
{
	struct json_object *o = json_object_new_object();

	(void)request;
	json_add(o, "modems", report_modems(client_daemon(c)));
	client_answer(c, "modem", o);
}

/* Passwords are not printed anyway, but modem.init may have commands with one. Cuts up @text. */
static void write_without_secrets(FILE *out, char *text)
{
	static const char init[] = "init = ";
	const size_t key = sizeof(init) - 1;
	char buf[AT_SHOWN_LEN], *end;

	for (char *line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strncmp(line, init, key) == 0)
			fprintf(out, "%s%s\n", init, at_shown(line + key, buf));
		else
			fprintf(out, "%s\n", line);
	}
}

static void on_config(struct client *c, struct json_object *request)
{
	struct json_object *o = json_object_new_object();
	char *whole = NULL, *text = NULL;
	size_t n_whole, n;
	FILE *f = open_memstream(&whole, &n_whole), *out = open_memstream(&text, &n);

	(void)request;
	if (f) {
		config_print(&client_daemon(c)->config, f);
		fclose(f);
	}
	if (out) {
		if (whole)
			write_without_secrets(out, whole);
		fclose(out);
	}
	json_add_text(o, "text", text);
	free(whole);
	free(text);
	client_answer(c, "config", o);
}

static void on_close(struct client *c, struct json_object *request)
{
	struct json_object *o;
	int64_t id = 0;

	if (!request_number(c, request, "flow", 1, UINT32_MAX, &id))
		return;
	if (id == 0) {
		client_error(c, "bad_argument", "flow: expected the id of a flow");
	} else if (flow_close(client_daemon(c)->gw, clock_now(), (uint32_t)id) < 0) {
		client_error(c, "not_found", "flow: there is none with id %lld", (long long)id);
	} else {
		o = json_object_new_object();
		json_add_number(o, "flow", (uint64_t)id);
		client_answer(c, "close", o);
	}
}

/* ---- the table ---- */

static const struct request_row {
	const char *name;
	void (*handle)(struct client *c, struct json_object *request);
	bool steers; /* changes something, or shows what others write */
} requests[] = {
	{"status", on_status, false},
	{"flows", on_flows, false},
	{"links", on_links, false},
	{"metrics", on_metrics, false},
	{"log", on_log, true},
	{"capture", capture_request, true},
	{"modem", on_modem, false},
	{"config", on_config, false},
	{"events", events_request, false},
	{"wait", wait_request, false},
	{"reload", reload_request, true},
	{"close", on_close, true},
	{"at", at_request, true},
};

#define N_REQUESTS (sizeof(requests) / sizeof(requests[0]))

static void refuse_unknown(struct client *c)
{
	char names[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < N_REQUESTS; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
			i == 0 ? "" : i + 1 < N_REQUESTS ? ", " : " or ", requests[i].name);
	client_error(c, "unknown_request", "request: expected %s", names);
}

static void dispatch(struct client *c, const char *name, struct json_object *request, bool steers)
{
	/* Ages and rates are those of this moment; an idle loop may have slept for a minute. */
	client_daemon(c)->gw->now = clock_now();
	for (size_t i = 0; i < N_REQUESTS; i++) {
		if (strcmp(name, requests[i].name) != 0)
			continue;
		if (requests[i].steers && !steers)
			client_error(c, "not_permitted",
				"%s: expected root, the user of gwd or a member of the socket's group", name);
		else
			requests[i].handle(c, request);
		return;
	}
	refuse_unknown(c);
}

/* One object and nothing behind it, which would be lost without a word; NULL: it is not. */
static struct json_object *parse(const char *line)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o = NULL;

	if (!t)
		return NULL;
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(t, line, -1);
	if (json_tokener_get_error(t) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(t);
	return o;
}

void request_line(struct client *c, const char *line, bool steers)
{
	struct json_object *request = parse(line), *name = NULL;

	if (json_object_is_type(request, json_type_object))
		json_object_object_get_ex(request, "request", &name);
	if (json_object_is_type(name, json_type_string))
		dispatch(c, json_object_get_string(name), request, steers);
	else
		client_error(c, "bad_request",
			"expected one JSON object a line with a string \"request\"");
	json_object_put(request);
}

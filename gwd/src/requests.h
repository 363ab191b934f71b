/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What can be asked for at the control socket: the table of requests, and how a handler takes its
 * parameters. See control.h for what a handler may do.
 */
#ifndef GWD_REQUESTS_H
#define GWD_REQUESTS_H

#include <json-c/json.h>

#include "control.h"

/* Answers one line, or has a handler do it. @steers: the client may use what changes things. */
void request_line(struct client *c, const char *line, bool steers);

/*
 * The parameter @key of a request. Absent (or null): *value stays what it is. False when it is not
 * what is expected; the client was told then by error "bad_argument".
 */
bool request_text(struct client *c, struct json_object *request, const char *key, const char **value);
bool request_number(struct client *c, struct json_object *request, const char *key, int64_t min,
	int64_t max, int64_t *value);
bool request_flag(struct client *c, struct json_object *request, const char *key, bool *value);

#endif

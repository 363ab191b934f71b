/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small builders for objects of the control socket: what is unknown (no text, an address without a
 * family, a time of 0 ms) becomes null, and each unit has one form.
 */
#ifndef GWD_JSON_H
#define GWD_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/addr.h"
#include "util/time.h"

/* Takes @v; NULL is null. */
void json_add(struct json_object *o, const char *key, struct json_object *v);
void json_add_text(struct json_object *o, const char *key, const char *text);
void json_add_number(struct json_object *o, const char *key, uint64_t n);
void json_add_bool(struct json_object *o, const char *key, bool b);
/* Seconds with milliseconds; milliseconds with one digit behind the point. */
void json_add_seconds(struct json_object *o, const char *key, usec_t t);
void json_add_age(struct json_object *o, const char *key, usec_t now, usec_t then);
void json_add_ms(struct json_object *o, const char *key, usec_t t);
/* @part of @whole, 0 to 1 with three digits; null when @whole is 0. */
void json_add_share(struct json_object *o, const char *key, uint64_t part, uint64_t whole);
void json_add_addr(struct json_object *o, const char *key, const struct addr *a);
void json_add_addrs(struct json_object *o, const char *key, const struct addr *a, unsigned n);
void json_add_endpoint(struct json_object *o, const char *key, const struct endpoint *e);
/* ISO 8601 in UTC: @ago microseconds before now. */
/* Now, with milliseconds. */
void json_add_time_ms(struct json_object *o, const char *key);
void json_add_time(struct json_object *o, const char *key, usec_t ago);

#endif

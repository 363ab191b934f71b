/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading gwd's JSON. A key that is missing, null, or of another type than expected is all the same:
 * not known. An object may be NULL, too, so that a path through several needs no checks.
 */
#ifndef GWD_CTL_FIELD_H
#define GWD_CTL_FIELD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Borrowed; NULL: not known. */
struct json_object *field(struct json_object *o, const char *key);
static inline bool field_has(struct json_object *o, const char *key)
{
	return field(o, key) != NULL;
}

static inline bool field_is_number(struct json_object *v)
{
	return json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double);
}

/* A string, or a number as text; borrowed from the object. */
const char *field_text(struct json_object *o, const char *key, const char *otherwise);
double field_number(struct json_object *o, const char *key); /* 0: not known */
bool field_true(struct json_object *o, const char *key);
bool field_is(struct json_object *o, const char *key, const char *text);

/* Of a list under a key: its length, and an entry (borrowed). 0 and NULL if it is none. */
size_t field_count(struct json_object *o, const char *key);
struct json_object *field_at(struct json_object *o, const char *key, size_t i);

/* text_clean() of every string in it, at any depth; a key that would need it is taken out. */
void field_clean(struct json_object *o);

/* Prints it for programs: several lines, or one; what a terminal could take for a command is escaped. */
void field_print_json(struct json_object *o, bool one_line);

#endif

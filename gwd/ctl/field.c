/* SPDX-License-Identifier: BSD-3-Clause */
#include "field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

struct json_object *field(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &v);
	return v;
}

const char *field_text(struct json_object *o, const char *key, const char *otherwise)
{
	struct json_object *v = field(o, key);

	return v ? json_object_get_string(v) : otherwise;
}

double field_number(struct json_object *o, const char *key)
{
	struct json_object *v = field(o, key);

	return field_is_number(v) ? json_object_get_double(v) : 0;
}

bool field_true(struct json_object *o, const char *key)
{
	struct json_object *v = field(o, key);

	return json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

bool field_is(struct json_object *o, const char *key, const char *text)
{
	return strcmp(field_text(o, key, ""), text) == 0;
}

size_t field_count(struct json_object *o, const char *key)
{
	struct json_object *v = field(o, key);

	return json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;
}

struct json_object *field_at(struct json_object *o, const char *key, size_t i)
{
	return i < field_count(o, key) ? json_object_array_get_idx(field(o, key), i) : NULL;
}

static void clean_string(struct json_object *o)
{
	char *text = strdup(json_object_get_string(o));

	if (text)
		json_object_set_string(o, text_clean(text));
	else
		json_object_set_string(o, "");
	free(text);
}

static bool is_clean(const char *key)
{
	char *text = strdup(key);
	bool clean = text && strcmp(text_clean(text), key) == 0;

	free(text);
	return clean;
}

/* json-c bounds the depth of what it parses. */
void field_clean(struct json_object *o)
{
	if (json_object_is_type(o, json_type_string)) {
		clean_string(o);
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			field_clean(json_object_array_get_idx(o, i));
	} else if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, value) {
			field_clean(value);
			if (!is_clean(key))
				json_object_object_del(o, key);
		}
	}
}

/*
 * json-c escapes what JSON asks for, which is not DEL and not the C1 controls; their two bytes in
 * UTF-8 can only be inside a string here.
 */
void field_print_json(struct json_object *o, bool one_line)
{
	int style = one_line ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY;
	const char *s = json_object_to_json_string_ext(o, style | JSON_C_TO_STRING_NOSLASHESCAPE);

	for (; *s; s++) {
		unsigned char c = (unsigned char)s[0], next = (unsigned char)s[1];

		if (c == 0x7f)
			fputs("\\u007f", stdout);
		else if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
			printf("\\u%04x", (unsigned char)*++s);
		else
			putchar(c);
	}
	putchar('\n');
}

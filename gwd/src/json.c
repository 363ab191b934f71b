/* SPDX-License-Identifier: BSD-3-Clause */
#include "json.h"

#include <stdio.h>
#include <time.h>

void json_add(struct json_object *o, const char *key, struct json_object *v)
{
	json_object_object_add(o, key, v);
}

void json_add_text(struct json_object *o, const char *key, const char *text)
{
	json_add(o, key, text && text[0] ? json_object_new_string(text) : NULL);
}

void json_add_number(struct json_object *o, const char *key, uint64_t n)
{
	json_add(o, key, json_object_new_uint64(n));
}

void json_add_bool(struct json_object *o, const char *key, bool b)
{
	json_add(o, key, json_object_new_boolean(b));
}

void json_add_seconds(struct json_object *o, const char *key, usec_t t)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)t / 1e6);
	json_add(o, key, json_object_new_double_s((double)t / 1e6, text));
}

void json_add_age(struct json_object *o, const char *key, usec_t now, usec_t then)
{
	json_add_seconds(o, key, now > then ? now - then : 0);
}

void json_add_ms(struct json_object *o, const char *key, usec_t t)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f", (double)t / 1e3);
	json_add(o, key, t ? json_object_new_double_s((double)t / 1e3, text) : NULL);
}

void json_add_share(struct json_object *o, const char *key, uint64_t part, uint64_t whole)
{
	double share = whole == 0 ? 0. : part < whole ? (double)part / (double)whole : 1.;
	char text[32];

	snprintf(text, sizeof(text), "%.3f", share);
	json_add(o, key, whole ? json_object_new_double_s(share, text) : NULL);
}

void json_add_addr(struct json_object *o, const char *key, const struct addr *a)
{
	char text[ADDR_STRLEN];

	json_add_text(o, key, a->family ? addr_format(a, text) : "");
}

void json_add_addrs(struct json_object *o, const char *key, const struct addr *a, unsigned n)
{
	struct json_object *list = json_object_new_array();
	char text[ADDR_STRLEN];

	for (unsigned i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(addr_format(&a[i], text)));
	json_add(o, key, list);
}

void json_add_endpoint(struct json_object *o, const char *key, const struct endpoint *e)
{
	char text[ENDPOINT_STRLEN];

	json_add_text(o, key, e->addr.family ? endpoint_format(e, text) : "");
}

void json_add_time_ms(struct json_object *o, const char *key)
{
	char text[48];
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03uZ", (unsigned)(now.tv_nsec / 1000000) % 1000);
	json_add_text(o, key, text);
}

void json_add_time(struct json_object *o, const char *key, usec_t ago)
{
	char text[32];
	time_t then = time(NULL) - (time_t)(ago / SEC(1));
	struct tm tm;

	gmtime_r(&then, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_add_text(o, key, text);
}

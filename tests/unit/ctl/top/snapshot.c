/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

struct snapshot snapshot_load(void)
{
	struct snapshot s = {.all = json_object_from_file(TOP_FOLDER "/snapshot.json")};

	assert_non_null(s.all);
	s.status = json_object_object_get(s.all, "status");
	s.flows = json_object_object_get(s.all, "flows");
	s.links = json_object_object_get(s.all, "links");
	return s;
}

void snapshot_free(struct snapshot *s)
{
	json_object_put(s->all);
}

struct json_object *snapshot_modem(struct snapshot *s)
{
	return json_object_array_get_idx(json_object_object_get(s->status, "modems"), 0);
}

struct json_object *snapshot_flow(struct snapshot *s, unsigned i)
{
	return json_object_array_get_idx(json_object_object_get(s->flows, "flows"), i);
}

struct json_object *snapshot_link(struct snapshot *s, unsigned i)
{
	return json_object_array_get_idx(json_object_object_get(s->links, "links"), i);
}

void snapshot_set(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_tokener_parse(value));
}

void snapshot_give(struct snapshot *s, struct top_model *m, double now)
{
	assert_int_equal(top_model_update(m, s->status, s->flows, s->links, now), 0);
}

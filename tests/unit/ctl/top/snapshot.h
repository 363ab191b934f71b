/* SPDX-License-Identifier: BSD-3-Clause */
/* The answers of a busy gwd, from snapshot.json, for a test to change. */
#ifndef TEST_TOP_SNAPSHOT_H
#define TEST_TOP_SNAPSHOT_H

#include <json-c/json.h>

#include "top_model.h"

struct snapshot {
	struct json_object *all, *status, *flows, *links;
};

struct snapshot snapshot_load(void);
void snapshot_free(struct snapshot *s);

/* Of the only modem, of the flow with this index, of the link with this number. */
struct json_object *snapshot_modem(struct snapshot *s);
struct json_object *snapshot_flow(struct snapshot *s, unsigned i);
struct json_object *snapshot_link(struct snapshot *s, unsigned i);

/* VALUE is JSON. */
void snapshot_set(struct json_object *o, const char *key, const char *value);

/* Asserts that the model takes it. */
void snapshot_give(struct snapshot *s, struct top_model *m, double now);

#endif

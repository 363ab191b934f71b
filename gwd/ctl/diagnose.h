/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why is it down, slow, or expensive? In one sentence each, what is wrong or unusual and what could
 * be done about it, from gwd's answers to "status" and "flows" alone.
 */
#ifndef GWD_CTL_DIAGNOSE_H
#define GWD_CTL_DIAGNOSE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "owner.h"

struct diagnosis {
	bool down; /* nothing works; else it is slower or dearer than it could be */
	char text[320];
};

#define DIAGNOSES_MAX 9

/*
 * The worst first; how many of out[] there are. flows and owners may be NULL: then nobody is named.
 * m is one of status' modems.
 */
size_t diagnose(struct json_object *m, struct json_object *flows, const struct owners *owners,
	struct diagnosis out[DIAGNOSES_MAX]);

/* The registration that counts, of creg, cgreg and cereg: 1 or 5 if any is, else the most telling; -1. */
int registration(struct json_object *m);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose a flow is: gwd knows the inode, the uid and the control group of its socket; names are found
 * here, as far as the caller may look. Processes of others are seen by root only.
 */
#ifndef GWD_CTL_OWNER_H
#define GWD_CTL_OWNER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct owner {
	uint64_t inode; /* of its socket */
	int pid; /* 0: not found */
	char process[32]; /* its name, cleaned; "" when not found */
};

struct owners {
	struct owner *all; /* by inode */
	size_t n;
};

/* Reads /proc once for all flows of gwd's answer to "flows". Without memory nothing is found. */
void owners_find(struct owners *o, struct json_object *flows);
void owners_free(struct owners *o);

/* The process of one flow; NULL: not found. */
const struct owner *owners_of(const struct owners *o, struct json_object *flow);

struct owner_name {
	char s[128];
};

/* "curl/1234", else "uid 1000" or "alice", else the host's address; for a sentence. */
struct owner_name owner_describe(const struct owners *o, struct json_object *flow);

/* The user's name, or the number; "-" when not known. */
struct owner_name owner_user(struct json_object *flow, bool numeric);

/* The control group's path below the root of cgroup v2; "-" when not known. */
struct owner_name owner_cgroup(const struct owners *o, struct json_object *flow);

#endif

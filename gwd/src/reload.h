/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading the configuration again while everything runs: SIGHUP and the request "reload" are the
 * same thing.
 */
#ifndef GWD_RELOAD_H
#define GWD_RELOAD_H

#include <json-c/json.h>

#include "daemon.h"

/*
 * Applies what can change live; the rest stays as it was, and is named. {"changed": [names],
 * "restart": [names]}, which the caller owns; or NULL with @err filled in, and then nothing has changed.
 * Logged, and an event either way.
 */
struct json_object *reload_run(struct daemon *d, struct config_error *err);

void reload_request(struct client *c, struct json_object *request);

#endif

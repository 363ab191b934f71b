/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the daemon as JSON (docs/control.md): keys in snake_case with their unit, null for
 * what is unknown. The caller owns the object.
 */
#ifndef GWD_REPORT_H
#define GWD_REPORT_H

#include <json-c/json.h>

#include "daemon.h"

struct json_object *report_status(const struct daemon *d);
struct json_object *report_flows(const struct daemon *d);
struct json_object *report_links(const struct daemon *d);
/* {"text": the page of metrics.h} */
struct json_object *report_metrics(const struct daemon *d);
/* At most @lines of the last ones. */
struct json_object *report_log(unsigned lines);

#endif

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

/* All that is known of each modem: identity, network, quirks. An array. */
struct json_object *report_modems(const struct daemon *d);

/* One row of a table, as events show it. @ended: what only a living flow has is null. */
struct json_object *report_tcp(const struct gateway *gw, const struct flow *f, bool ended);
struct json_object *report_mapping(const struct gateway *gw, const struct mapping *m);
struct json_object *report_link(const struct gateway *gw, const struct link *l);
struct json_object *report_forward(const struct unit *u, unsigned server);
struct json_object *report_interface(const struct daemon *d);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events: what happens, told as it happens to the clients of the control socket that asked for it
 * (docs/control.md). Nothing is built while nobody listens. A client that does not read loses events, and
 * is told how many; nobody waits for it.
 */
#ifndef GWD_EVENTS_H
#define GWD_EVENTS_H

#include <json-c/json.h>

#include "control.h"
#include "gateway.h"

struct events {
	struct daemon *d;
	struct listener {
		struct client *client; /* NULL: free */
		unsigned kinds;	       /* bit mask of enum event_kind */
		uint64_t lost;	       /* since the last one that fitted */
	} listeners[CLIENTS_KEPT_MAX];
	uint64_t recoveries[UNITS_MAX]; /* that were told */
	bool up, routed;		/* the interface as it was told */
	struct addr address;
};

void events_init(struct events *e, struct daemon *d);

/* The request "events". */
void events_request(struct client *c, struct json_object *request);

/* gateway_ops.event */
void events_gateway(struct events *e, const struct gateway_event *g);
/* The bearer changed: an event of its own, and one more when a rung of the ladder was taken. */
void events_bearer(struct events *e, const struct unit *u, const struct modem_bearer *b);
/* The interface may have changed. */
void events_interface(struct events *e);
/* @report: as the request "reload" answers it, or NULL and @error. Neither is taken. */
void events_reload(struct events *e, struct json_object *report, const char *error);

#endif

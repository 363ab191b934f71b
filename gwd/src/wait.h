/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of the control socket that wait for the interface to be up or down: the request "wait".
 */
#ifndef GWD_WAIT_H
#define GWD_WAIT_H

#include <ev.h>
#include <json-c/json.h>

#include "control.h"

struct waits {
	struct daemon *d;
	struct waiter {
		struct waits *all;
		struct client *client; /* NULL: free */
		bool up;	       /* what it waits for */
		ev_timer limit;
	} waiters[CLIENTS_KEPT_MAX];
};

void waits_init(struct waits *w, struct daemon *d);
void wait_request(struct client *c, struct json_object *request);
/* daemon.up may have changed: those who waited for it are answered. */
void waits_check(struct waits *w);

#endif

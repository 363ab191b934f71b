/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The request "at": one AT command of a client of the control socket at a time, answered when the
 * module has answered it.
 */
#ifndef GWD_AT_H
#define GWD_AT_H

#include <json-c/json.h>

#include "control.h"
#include "modem/modem.h"

struct at_asker {
	struct client *client; /* NULL: nobody, or gone meanwhile */
};

#define AT_SHOWN_LEN 64 /* of a command that is not shown as it is */

/* @command, or its name in @buf if the rest is a secret. */
const char *at_shown(const char *command, char buf[AT_SHOWN_LEN]);

void at_request(struct client *c, struct json_object *request);
/* gateway_ops.at_done */
void at_done(struct at_asker *a, const struct modem_at_answer *answer);

#endif

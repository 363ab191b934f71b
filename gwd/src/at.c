/* SPDX-License-Identifier: BSD-3-Clause */
#include "at.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "json.h"
#include "requests.h"
#include "util/log.h"

#define TIMEOUT_DEFAULT_S 9
#define TIMEOUT_MAX_S 180

const char *at_shown(const char *command, char buf[AT_SHOWN_LEN])
{
	if (!modem_at_is_secret(command))
		return command;
	snprintf(buf, AT_SHOWN_LEN, "%.*s=***", (int)strcspn(command, "="), command);
	return buf;
}

static void on_gone(struct client *c, void *user)
{
	struct at_asker *a = user;

	(void)c;
	a->client = NULL; /* the module works on it all the same */
}

static void refuse(struct client *c, int rc, const char *command)
{
	char buf[AT_SHOWN_LEN];

	if (rc == -EPERM)
		client_error(c, "not_permitted", "command: %s is refused: %s", at_shown(command, buf),
			modem_at_refusal(command));
	else if (rc == -EBUSY)
		client_error(c, "busy", "the module works for another client, or a flow has the line; "
			"expected to be asked later");
	else
		client_error(c, "not_up", "there is no module to ask");
}

void at_request(struct client *c, struct json_object *request)
{
	struct daemon *d = client_daemon(c);
	const char *command = "";
	int64_t timeout = TIMEOUT_DEFAULT_S;
	char buf[AT_SHOWN_LEN];
	int rc;

	if (!request_text(c, request, "command", &command) ||
		!request_number(c, request, "timeout_s", 1, TIMEOUT_MAX_S, &timeout))
		return;
	if (!modem_at_valid(command)) {
		client_error(c, "bad_argument",
			"command: expected AT and at most 198 printable characters behind it");
		return;
	}
	if (!client_keep(c, CLIENT_WAITS, on_gone, &d->at))
		return;
	rc = gateway_at(&d->gw->units[0], clock_now(), command, SEC(timeout));
	if (rc < 0) {
		refuse(c, rc, command);
		return;
	}
	d->at.client = c;
	log_info("modem0: a client asks %s", at_shown(command, buf));
}

static struct json_object *report(const struct modem_at_answer *answer)
{
	struct json_object *o = json_object_new_object(), *lines = json_object_new_array();
	char buf[AT_SHOWN_LEN], text[4 * 512];

	for (unsigned i = 0; i < answer->n_lines; i++)
		json_object_array_add(lines, json_object_new_string(log_quote(text, sizeof(text),
			answer->lines[i], strlen(answer->lines[i]))));
	json_add_text(o, "command", at_shown(answer->command, buf));
	json_add_text(o, "final", log_quote(text, sizeof(text), answer->final, strlen(answer->final)));
	json_add_bool(o, "ok", answer->result == MODEM_AT_OK);
	json_add(o, "lines", lines);
	json_add_bool(o, "cut", answer->cut);
	json_add_ms(o, "duration_ms", answer->duration);
	return o;
}

void at_done(struct at_asker *a, const struct modem_at_answer *answer)
{
	struct client *c = a->client;

	a->client = NULL;
	if (!c)
		return;
	switch (answer->result) {
	case MODEM_AT_OK:
	case MODEM_AT_ERROR:
		client_answer(c, "at", report(answer));
		break;
	case MODEM_AT_TIMEOUT:
		client_error(c, "timeout", "the module did not answer in time; whether it did what was "
			"asked is not known");
		break;
	case MODEM_AT_BUSY:
		client_error(c, "busy", "the module was never free for it in time; it was not sent");
		break;
	case MODEM_AT_LOST:
		client_error(c, "failed", "the module went away meanwhile");
		break;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"

#include <stdio.h>

#include "control.h"
#include "events.h"
#include "json.h"
#include "util/log.h"

static void note_change(void *user, const char *name, bool live)
{
	struct json_object *o = user, *list;

	json_object_object_get_ex(o, live ? "changed" : "restart", &list);
	json_object_array_add(list, json_object_new_string(name));
	if (live)
		log_info("reload: %s changed", name);
	else
		log_warn("reload: %s cannot change without a restart", name);
}

/* What takes effect is the new live options with the old others: that must be sound, too. */
static int read_again(struct daemon *d, struct config *fresh, struct config *effective,
	struct config_error *err)
{
	struct config_error mixed;
	int rc = invocation_config(d->inv, fresh, err);

	if (rc < 0)
		return rc;
	*effective = d->config;
	config_apply_live(effective, fresh);
	rc = config_check(effective, &mixed);
	if (rc < 0)
		snprintf(err->text, sizeof(err->text), "with what only a restart changes as it was: %.440s",
			mixed.text);
	return rc;
}

static void apply(struct daemon *d, const struct config *effective)
{
	d->config = *effective;
	log_set_level(d->config.log.level);
	daemon_tap(d);
	control_regroup(d->control);
	gateway_reconfigured(d->gw, clock_now());
	iface_reconfigure(&d->iface);
	daemon_serve_metrics(d);
	daemon_interface_changed(d);
}

static bool is_empty(const struct json_object *o, const char *list)
{
	return json_object_array_length(json_object_object_get(o, list)) == 0;
}

static struct json_object *run(struct daemon *d, struct config_error *err)
{
	struct json_object *o;
	struct config fresh, effective;

	if (read_again(d, &fresh, &effective, err) < 0) {
		log_error("reload: nothing changed: %s", err->text);
		events_reload(&d->events, NULL, err->text);
		return NULL;
	}
	o = json_object_new_object();
	json_add(o, "changed", json_object_new_array());
	json_add(o, "restart", json_object_new_array());
	config_diff(&d->config, &fresh, note_change, o);
	if (is_empty(o, "changed") && is_empty(o, "restart"))
		log_info("reload: nothing differs");
	apply(d, &effective);
	events_reload(&d->events, o, NULL);
	return o;
}

struct json_object *reload_run(struct daemon *d, struct config_error *err)
{
	struct json_object *o;

	notify_phase(&d->notify, NOTIFY_RELOADING);
	o = run(d, err);
	notify_phase(&d->notify, NOTIFY_READY);
	return o;
}

void reload_request(struct client *c, struct json_object *request)
{
	struct json_object *o;
	struct config_error err;

	(void)request;
	o = reload_run(client_daemon(c), &err);
	if (o)
		client_answer(c, "reload", o);
	else
		client_error(c, "bad_config", "%s", err.text);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "events.h"

#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "json.h"
#include "report.h"
#include "requests.h"
#include "util/log.h"

#define ALL_KINDS ((1u << EVENT_KINDS) - 1)

static const char *const kind_names[] = {
	[EVENT_BEARER] = "bearer", [EVENT_LINK] = "link", [EVENT_FLOW] = "flow",
	[EVENT_RECEIVE] = "receive", [EVENT_RECOVERY] = "recovery", [EVENT_FORWARD] = "forward",
	[EVENT_INTERFACE] = "interface", [EVENT_RELOAD] = "reload", [EVENT_LOG] = "log",
};

_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == EVENT_KINDS, "a name for each kind");

void events_init(struct events *e, struct daemon *d)
{
	*e = (struct events){.d = d};
}

/* ---- to the clients ---- */

static struct json_object *event_new(const char *kind)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "version", json_object_new_int(1));
	json_add_text(o, "event", kind);
	json_add_time_ms(o, "time");
	return o;
}

static bool tell_lost(struct listener *l)
{
	struct json_object *o = event_new("lost");
	bool told;

	json_add_number(o, "count", l->lost);
	told = client_event(l->client, o);
	json_object_put(o);
	if (told)
		l->lost = 0;
	return told;
}

/* Takes @o. */
static void tell(struct events *e, enum event_kind kind, struct json_object *o)
{
	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++) {
		struct listener *l = &e->listeners[i];

		if (!l->client || !(l->kinds & 1u << kind))
			continue;
		if ((l->lost && !tell_lost(l)) || !client_event(l->client, o))
			l->lost++;
	}
	json_object_put(o);
}

static bool is_wanted(const struct events *e, enum event_kind kind)
{
	return e->d->gw && event_wanted(e->d->gw, kind);
}

static void on_log(void *user, enum log_level level, const char *line)
{
	struct json_object *o = event_new("log");

	json_add_text(o, "level", log_level_name(level));
	json_add_text(o, "text", line);
	tell(user, EVENT_LOG, o);
}

/* Whoever makes events asks the gateway's mask whether somebody wants them. */
static void count_listeners(struct events *e)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++)
		if (e->listeners[i].client)
			kinds |= e->listeners[i].kinds;
	e->d->gw->events = kinds;
	log_set_listener(kinds & 1u << EVENT_LOG ? on_log : NULL, e);
}

/* ---- the request ---- */

static void on_gone(struct client *c, void *user)
{
	struct events *e = user;

	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++)
		if (e->listeners[i].client == c)
			e->listeners[i] = (struct listener){0};
	count_listeners(e);
}

/* 0: it is none. */
static unsigned kind_bit(struct json_object *v)
{
	for (unsigned k = 0; k < EVENT_KINDS; k++)
		if (json_object_is_type(v, json_type_string) &&
			strcmp(json_object_get_string(v), kind_names[k]) == 0)
			return 1u << k;
	return 0;
}

/* Absent: all of them. False: the client was told what is wrong. */
static bool take_kinds(struct client *c, struct json_object *request, unsigned *kinds)
{
	struct json_object *list = NULL;
	char names[128] = "";
	size_t n = 0;
	unsigned bit = 1;

	*kinds = ALL_KINDS;
	if (!json_object_object_get_ex(request, "kinds", &list) || !list)
		return true;
	*kinds = 0;
	if (json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list) && bit; i++) {
			bit = kind_bit(json_object_array_get_idx(list, i));
			*kinds |= bit;
		}
	if (*kinds && bit)
		return true;
	for (unsigned k = 0; k < EVENT_KINDS; k++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, " %s", kind_names[k]);
	client_error(c, "bad_argument", "kinds: expected a list of some of%s", names);
	return false;
}

static struct json_object *list_kinds(unsigned kinds)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	for (unsigned k = 0; k < EVENT_KINDS; k++)
		if (kinds & 1u << k)
			json_object_array_add(list, json_object_new_string(kind_names[k]));
	json_add(o, "kinds", list);
	return o;
}

void events_request(struct client *c, struct json_object *request)
{
	struct events *e = &client_daemon(c)->events;
	struct listener *l = e->listeners;
	unsigned kinds;

	if (!take_kinds(c, request, &kinds) || !client_keep(c, CLIENT_LISTENS, on_gone, e))
		return;
	while (l->client) /* there are as many places as clients that can be kept */
		l++;
	*l = (struct listener){.client = c, .kinds = kinds};
	count_listeners(e);
	client_answer(c, "events", list_kinds(kinds));
}

/* ---- what happens ---- */

static struct json_object *flow_of(const struct events *e, const struct gateway_event *g)
{
	const struct gateway *gw = e->d->gw;

	return g->flow ? report_tcp(gw, g->flow, strcmp(g->what, "end") == 0) :
			 report_mapping(gw, g->mapping);
}

void events_gateway(struct events *e, const struct gateway_event *g)
{
	struct json_object *o = event_new(kind_names[g->kind]);

	json_add_text(o, "what", g->what);
	json_add_text(o, "why", g->why);
	switch (g->kind) {
	case EVENT_FLOW:
		json_add(o, "flow", flow_of(e, g));
		break;
	case EVENT_LINK:
		json_add(o, "link", report_link(e->d->gw, g->link));
		break;
	case EVENT_FORWARD:
		json_add(o, "forward", report_forward(g->unit, g->server));
		break;
	default:
		json_add_number(o, "modem", g->unit->index);
		break;
	}
	tell(e, g->kind, o);
}

static void tell_recovery(struct events *e, const struct unit *u)
{
	struct modem_status s;
	struct json_object *o;

	modem_status(u->modem, &s);
	if (s.recoveries == e->recoveries[u->index])
		return;
	e->recoveries[u->index] = s.recoveries;
	if (!is_wanted(e, EVENT_RECOVERY))
		return;
	o = event_new("recovery");
	json_add_number(o, "modem", u->index);
	json_add_number(o, "rung", s.rung);
	json_add_text(o, "rung_name", s.rung_name);
	json_add_text(o, "reason", s.reason);
	json_add_number(o, "recoveries", s.recoveries);
	tell(e, EVENT_RECOVERY, o);
}

void events_bearer(struct events *e, const struct unit *u, const struct modem_bearer *b)
{
	struct json_object *o;

	if (is_wanted(e, EVENT_BEARER)) {
		o = event_new("bearer");
		json_add_number(o, "modem", u->index);
		json_add_text(o, "state", modem_state_name(b->state));
		json_add_addr(o, "address", &b->address);
		json_add_text(o, "failure", b->failure == MODEM_FAILURE_NONE ?
				NULL : modem_failure_name(b->failure));
		json_add_text(o, "reason", b->reason);
		tell(e, EVENT_BEARER, o);
	}
	tell_recovery(e, u);
}

void events_interface(struct events *e)
{
	const struct daemon *d = e->d;
	struct json_object *o;

	if (d->up == e->up && d->iface.routed == e->routed &&
		addr_equal(&d->iface.address, &e->address))
		return;
	e->up = d->up;
	e->routed = d->iface.routed;
	e->address = d->iface.address;
	if (!is_wanted(e, EVENT_INTERFACE))
		return;
	o = event_new("interface");
	json_add(o, "interface", report_interface(d));
	tell(e, EVENT_INTERFACE, o);
}

void events_reload(struct events *e, struct json_object *report, const char *error)
{
	struct json_object *o;

	if (!is_wanted(e, EVENT_RELOAD))
		return;
	o = event_new("reload");
	json_add_text(o, "error", error);
	json_add(o, "reload", json_object_get(report));
	tell(e, EVENT_RELOAD, o);
}

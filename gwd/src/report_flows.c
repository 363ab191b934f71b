/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of flows and links as JSON. */
#include "report.h"

#include "json.h"

static void add_owner(struct json_object *o, bool owned, const struct tun_owner *owner)
{
	json_add(o, "uid", owned ? json_object_new_uint64(owner->uid) : NULL);
	json_add(o, "inode", owned ? json_object_new_uint64(owner->inode) : NULL);
	json_add(o, "cgroup_id", owned ? json_object_new_uint64(owner->cgroup_id) : NULL);
}

static void add_link(struct json_object *o, const struct link *l)
{
	json_add(o, "modem", l ? json_object_new_uint64(l->unit->index) : NULL);
	json_add(o, "link", l ? json_object_new_uint64(l->number) : NULL);
}

struct json_object *report_tcp(const struct gateway *gw, const struct flow *f, bool ended)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "id", f->id);
	json_add_text(o, "protocol", "tcp");
	json_add_text(o, "direction", f->port ? "in" : "out");
	json_add_endpoint(o, "local", &f->local);
	json_add_endpoint(o, "remote", &f->remote);
	json_add_text(o, "state", flow_state_name(f->state));
	json_add_text(o, "class", f->class == FLOW_INTERACTIVE ? "interactive" : "bulk");
	json_add_age(o, "age_s", gw->now, f->created);
	json_add_age(o, "idle_s", gw->now, f->active);
	json_add_number(o, "tx_bytes", f->tx_bytes);
	json_add_number(o, "rx_bytes", f->rx_bytes);
	json_add_number(o, "tx_bytes_per_s", rate_get(&f->tx_rate, gw->now));
	json_add_number(o, "rx_bytes_per_s", rate_get(&f->rx_rate, gw->now));
	json_add(o, "tx_queued_bytes",
		ended ? NULL : json_object_new_uint64(stack_tcp_queued(f->tcp)));
	json_add_number(o, "rx_buffered_bytes", chunk_queue_used(&f->buffer));
	add_link(o, f->link);
	add_owner(o, f->owned, &f->owner);
	json_add_text(o, "why", ended ? NULL : admit_why(gw, f));
	return o;
}

struct json_object *report_mapping(const struct gateway *gw, const struct mapping *m)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "id", m->id);
	json_add_text(o, "protocol", m->dns ? "dns" : "udp");
	json_add_text(o, "direction", "out");
	json_add_endpoint(o, "local", &m->local);
	json_add_endpoint(o, "remote", &m->remote);
	json_add_text(o, "state", m->link->open ? "open" : "opening");
	json_add_text(o, "class", m->dns ? "interactive" : "bulk");
	json_add_age(o, "age_s", gw->now, m->created);
	json_add_age(o, "idle_s", gw->now, m->active);
	json_add_number(o, "tx_bytes", m->tx_bytes);
	json_add_number(o, "rx_bytes", m->rx_bytes);
	json_add_number(o, "tx_bytes_per_s", rate_get(&m->tx_rate, gw->now));
	json_add_number(o, "rx_bytes_per_s", rate_get(&m->rx_rate, gw->now));
	add_link(o, m->link);
	add_owner(o, m->owned, &m->owner);
	json_add_text(o, "why", m->link->open ? NULL : "its link is being opened");
	return o;
}

struct json_object *report_flows(const struct daemon *d)
{
	const struct gateway *gw = d->gw;
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();

	for (unsigned i = 0; i < FLOWS_MAX; i++)
		if (gw->flow_pool[i].state != FLOW_FREE)
			json_object_array_add(all, report_tcp(gw, &gw->flow_pool[i], false));
	for (unsigned i = 0; i < MAPPINGS_MAX; i++)
		if (gw->mappings[i].used)
			json_object_array_add(all, report_mapping(gw, &gw->mappings[i]));
	json_add(o, "flows", all);
	return o;
}

/* ---- links ---- */

static const char *const use_names[] = {
	[LINK_UNUSED] = "", [LINK_TCP] = "tcp", [LINK_UDP] = "udp", [LINK_DNS] = "dns",
};

static const struct endpoint *link_remote(const struct gateway *gw, const struct link *l)
{
	static const struct endpoint none;

	if (l->use == LINK_DNS && gw->dns.tcp.link == l)
		return &gw->dns.tcp.server;
	return l->flow ? &l->flow->remote : &none;
}

struct json_object *report_link(const struct gateway *gw, const struct link *l)
{
	const struct unit *u = l->unit;
	struct json_object *o = json_object_new_object();
	bool used = l->use != LINK_UNUSED;

	json_add_number(o, "modem", u->index);
	json_add_number(o, "link", l->number);
	json_add_text(o, "state", modem_link_state_name(modem_link_state(u->modem, l->number)));
	json_add_text(o, "type", use_names[l->use]);
	json_add_endpoint(o, "remote", link_remote(gw, l));
	json_add_number(o, "flows", l->flow ? 1 : l->use == LINK_UDP ? l->mappings : 0);
	json_add_number(o, "tx_bytes", used ? l->tx_bytes : 0);
	json_add_number(o, "rx_bytes", used ? l->rx_bytes : 0);
	json_add_number(o, "tx_bytes_per_s", used ? rate_get(&l->tx_rate, gw->now) : 0);
	json_add_number(o, "rx_bytes_per_s", used ? rate_get(&l->rx_rate, gw->now) : 0);
	if (used)
		json_add_age(o, "age_s", gw->now, l->since);
	else
		json_add(o, "age_s", NULL);
	return o;
}

struct json_object *report_links(const struct daemon *d)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();

	for (unsigned i = 0; i < d->gw->n_units; i++)
		for (unsigned k = 0; k < MODEM_LINKS; k++)
			json_object_array_add(all, report_link(d->gw, &d->gw->units[i].links[k]));
	json_add(o, "links", all);
	return o;
}

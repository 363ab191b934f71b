/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- small builders ---- */

static void add(struct json_object *o, const char *key, struct json_object *v)
{
	json_object_object_add(o, key, v);
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	add(o, key, text && text[0] ? json_object_new_string(text) : NULL);
}

static void add_number(struct json_object *o, const char *key, uint64_t n)
{
	add(o, key, json_object_new_uint64(n));
}

static void add_bool(struct json_object *o, const char *key, bool b)
{
	add(o, key, json_object_new_boolean(b));
}

/* With milliseconds. */
static void add_seconds(struct json_object *o, const char *key, usec_t t)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)t / 1e6);
	add(o, key, json_object_new_double_s((double)t / 1e6, text));
}

static void add_age(struct json_object *o, const char *key, usec_t now, usec_t then)
{
	add_seconds(o, key, now > then ? now - then : 0);
}

static void add_ms(struct json_object *o, const char *key, usec_t t)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f", (double)t / 1e3);
	add(o, key, t ? json_object_new_double_s((double)t / 1e3, text) : NULL);
}

static void add_addr(struct json_object *o, const char *key, const struct addr *a)
{
	char text[ADDR_STRLEN];

	add_text(o, key, a->family ? addr_format(a, text) : "");
}

static void add_addrs(struct json_object *o, const char *key, const struct addr *a, unsigned n)
{
	struct json_object *list = json_object_new_array();
	char text[ADDR_STRLEN];

	for (unsigned i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(addr_format(&a[i], text)));
	add(o, key, list);
}

static void add_endpoint(struct json_object *o, const char *key, const struct endpoint *e)
{
	char text[ENDPOINT_STRLEN];

	add_text(o, key, e->addr.family ? endpoint_format(e, text) : "");
}

/* ---- status ---- */

static void add_time(struct json_object *o)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	add_text(o, "time", text);
}

/* Null while there was no event; a signal is no exit status. */
static struct json_object *report_script(const struct script *s)
{
	struct json_object *o;
	bool exited = s->ended && WIFEXITED(s->status);

	if (!s->event)
		return NULL;
	o = json_object_new_object();
	add_text(o, "event", s->event);
	add_bool(o, "running", child_running(&s->child));
	add(o, "exit_status", exited ? json_object_new_int(WEXITSTATUS(s->status)) : NULL);
	return o;
}

static struct json_object *report_interface(const struct daemon *d)
{
	struct json_object *o = json_object_new_object();
	const struct iface *i = &d->iface;

	add_text(o, "name", i->tun.name);
	add_number(o, "ifindex", i->tun.ifindex);
	add_number(o, "mtu", d->config.interface.mtu);
	add_addr(o, "address", &i->address);
	add_bool(o, "carrier", i->carrier);
	add_bool(o, "default_route", i->routed);
	add_addrs(o, "dns", d->script.want.dns, d->script.want.n_dns);
	add(o, "script", report_script(&d->script));
	add_number(o, "dropped_packets", i->dropped);
	return o;
}

static void add_stat(struct json_object *o, const char *key, int stat)
{
	add(o, key, stat >= 0 ? json_object_new_int(stat) : NULL);
}

static struct json_object *report_modem(const struct daemon *d, const struct unit *u)
{
	struct json_object *o = json_object_new_object();
	struct modem_status s;

	modem_status(u->modem, &s);
	add_number(o, "modem", u->index);
	add_text(o, "device", d->ports[u->index].path);
	add_number(o, "baud", d->config.modem.baud);
	add_text(o, "state", modem_state_name(s.state));
	add_age(o, "since_s", d->gw->now, s.since);
	add_text(o, "failure",
		s.failure == MODEM_FAILURE_NONE ? "" : modem_failure_name(s.failure));
	add_text(o, "reason", s.reason);
	add_addr(o, "address", &s.address);
	add_addrs(o, "dns", s.dns, s.n_dns);
	add_text(o, "receive", modem_receive_name(s.receive));
	add_text(o, "receive_configured", modem_receive_name(s.receive_configured));
	add_seconds(o, "buffer_mode_s", s.buffer_time);
	add_number(o, "receive_switches", s.switches);
	add_text(o, "transparent_state", s.transparent);
	add_text(o, "model", s.model);
	add_text(o, "revision", s.revision);
	add_text(o, "operator", s.operator);
	add_text(o, "technology", s.technology);
	add(o, "rssi_dbm", s.rssi_dbm ? json_object_new_int(s.rssi_dbm) : NULL);
	add_stat(o, "creg", s.creg);
	add_stat(o, "cgreg", s.cgreg);
	add_stat(o, "cereg", s.cereg);
	add_ms(o, "turnaround_ms", s.turnaround);
	add_ms(o, "prompt_delay_ms", s.prompt_delay);
	add_ms(o, "ping_rtt_ms", s.ping_rtt);
	add_number(o, "rung", s.rung);
	add_text(o, "rung_name", s.rung_name);
	add_number(o, "recoveries", s.recoveries);
	add_number(o, "boots", s.boots);
	add_number(o, "commands", s.commands);
	add_number(o, "timeouts", s.timeouts);
	add_number(o, "resyncs", s.resyncs);
	add_number(o, "unknown_lines", s.unknown_lines);
	add_number(o, "stray_bytes", s.stray_bytes);
	add_number(o, "tx_wire_bytes", s.tx_wire_bytes);
	add_number(o, "rx_wire_bytes", s.rx_wire_bytes);
	add_number(o, "tx_payload_bytes", s.tx_payload_bytes);
	add_number(o, "rx_payload_bytes", s.rx_payload_bytes);
	add_number(o, "rx_unclaimed_bytes", s.rx_unclaimed_bytes);
	add_number(o, "short_confirms", s.short_confirms);
	add_number(o, "escapes", s.escapes);
	add_number(o, "false_ends", s.false_ends);
	add_number(o, "links_free", unit_links_in_use(u, LINK_UNUSED));
	add_number(o, "links_tcp", unit_links_in_use(u, LINK_TCP));
	add_number(o, "links_udp", unit_links_in_use(u, LINK_UDP));
	add_number(o, "links_dns", unit_links_in_use(u, LINK_DNS));
	add_number(o, "connecting", u->connecting);
	return o;
}

static struct json_object *report_flow_counts(const struct gateway *gw)
{
	struct json_object *o = json_object_new_object();
	unsigned held = 0, udp = 0, dns = 0;

	for (unsigned i = 0; i < FLOWS_MAX; i++)
		held += gw->flow_pool[i].state == FLOW_WAITING ||
			gw->flow_pool[i].state == FLOW_OPENING;
	for (unsigned i = 0; i < MAPPINGS_MAX; i++)
		udp += gw->mappings[i].used;
	for (unsigned i = 0; i < DNS_MAX; i++)
		dns += gw->dns.queries[i].used;
	add_number(o, "tcp", gw->n_flows);
	add_number(o, "held", held);
	add_number(o, "udp", udp);
	add_number(o, "dns_pending", dns);
	add_number(o, "rx_pool_bytes", (uint64_t)gw->pool.n * CHUNK_SIZE);
	add_number(o, "rx_pool_free_bytes", (uint64_t)gw->pool.n_free * CHUNK_SIZE);
	return o;
}

static void add_gateway_counters(struct json_object *o, const struct counters *c)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
#define ROW(field) {#field, c->field}
		ROW(tcp_opened), ROW(tcp_refused), ROW(tcp_busy), ROW(tcp_unreachable), ROW(tcp_finished),
		ROW(tcp_reset), ROW(tcp_reset_lost), ROW(tcp_reset_data), ROW(tcp_reset_send),
		ROW(tcp_reset_buffer), ROW(tcp_reset_unconfirmed), ROW(tcp_reset_host_wrote),
		ROW(tcp_reset_linger), ROW(tcp_reset_idle), ROW(tcp_reset_reclaimed),
		ROW(tcp_gave_up), ROW(tcp_preempted), ROW(tcp_remembered), ROW(tcp_overflow),
		ROW(udp_sent), ROW(udp_received), ROW(udp_dropped_queue),
		ROW(udp_dropped_no_link), ROW(udp_dropped_too_large),
		ROW(udp_dropped_unknown_source), ROW(udp_dropped_send), ROW(udp_unframed),
		ROW(dns_queries), ROW(dns_answers), ROW(dns_timeouts), ROW(dns_unmatched),
		ROW(dns_overflow), ROW(dns_truncated), ROW(dns_fallbacks), ROW(dns_failed),
		ROW(echo_requests), ROW(echo_replies), ROW(echo_timeouts),
		ROW(echo_unreachable), ROW(echo_dropped), ROW(echo_dropped_unfit),
		ROW(echo_dropped_queue), ROW(echo_dropped_unsupported),
		ROW(forward_accepted), ROW(forward_refused),
#undef ROW
	};

	_Static_assert(sizeof(rows) / sizeof(rows[0]) * sizeof(uint64_t) == sizeof(*c),
		"a row for each counter");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add_number(o, rows[i].name, rows[i].n);
}

static void add_stack_counters(struct json_object *o, const struct stack *stack)
{
	struct stack_stats s;

	stack_stats(stack, &s);
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{"rx_packets", s.rx_packets}, {"tx_packets", s.tx_packets},
		{"rx_bytes", s.rx_bytes}, {"tx_bytes", s.tx_bytes},
		{"rx_malformed", s.rx_malformed}, {"rx_unsupported", s.rx_unsupported},
		{"rx_filtered", s.rx_filtered}, {"rx_unknown_segments", s.rx_unknown_segment},
		{"fragments", s.fragments}, {"fragments_dropped", s.fragments_dropped},
		{"datagrams_reassembled", s.datagrams_reassembled}, {"syn_held", s.syn_held},
		{"syn_duplicate", s.syn_duplicate}, {"syn_replaced", s.syn_replaced},
		{"syn_cancelled", s.syn_cancelled}, {"syn_expired", s.syn_expired},
		{"syn_overflow", s.syn_overflow}, {"stack_bytes", s.alloc_bytes},
		{"stack_bytes_peak", s.alloc_peak}, {"stack_bytes_limit", s.alloc_limit},
		{"stack_alloc_refused", s.alloc_refused}, {"answers_limited", s.answers_limited}, {"endpoints", s.endpoints},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add_number(o, rows[i].name, rows[i].n);
}

static struct json_object *report_forward(const struct unit *u, unsigned server)
{
	const struct forward *fw = &u->gw->forwards[server];
	struct json_object *o = json_object_new_object();

	add_number(o, "modem", u->index);
	add_number(o, "server", server);
	add_number(o, "port", fw->rule.port);
	add_endpoint(o, "target", &fw->rule.target);
	add_text(o, "state", modem_server_state_name(modem_server_state(u->modem, server)));
	add_text(o, "error", fw->result ? modem_open_result_name(fw->result) : NULL);
	add_number(o, "accepted", fw->accepted);
	add_number(o, "refused", fw->refused);
	add_number(o, "active", forward_active(u->gw, fw));
	return o;
}

static struct json_object *report_forwards(const struct gateway *gw)
{
	struct json_object *all = json_object_new_array();

	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		if (gw->forwards[i].rule.port)
			json_object_array_add(all, report_forward(&gw->units[0], i));
	return all;
}

struct json_object *report_status(const struct daemon *d)
{
	struct json_object *o = json_object_new_object();
	struct json_object *modems = json_object_new_array();
	struct json_object *counters = json_object_new_object();

	add_text(o, "gwd_version", GWD_VERSION);
	add_number(o, "pid", (uint64_t)getpid());
	add_time(o);
	add_age(o, "uptime_s", d->gw->now, d->gw->started);
	add(o, "interface", report_interface(d));
	for (unsigned i = 0; i < d->gw->n_units; i++)
		json_object_array_add(modems, report_modem(d, &d->gw->units[i]));
	add(o, "modems", modems);
	add(o, "flows", report_flow_counts(d->gw));
	add(o, "forwards", report_forwards(d->gw));
	add_gateway_counters(counters, &d->gw->count);
	add_stack_counters(counters, d->gw->stack);
	add(o, "counters", counters);
	return o;
}

/* ---- flows ---- */

static void add_owner(struct json_object *o, bool owned, const struct tun_owner *owner)
{
	add(o, "uid", owned ? json_object_new_uint64(owner->uid) : NULL);
	add(o, "inode", owned ? json_object_new_uint64(owner->inode) : NULL);
	add(o, "cgroup_id", owned ? json_object_new_uint64(owner->cgroup_id) : NULL);
}

static void add_link(struct json_object *o, const struct link *l)
{
	add(o, "modem", l ? json_object_new_uint64(l->unit->index) : NULL);
	add(o, "link", l ? json_object_new_uint64(l->number) : NULL);
}

static struct json_object *report_tcp(const struct gateway *gw, const struct flow *f)
{
	struct json_object *o = json_object_new_object();

	add_number(o, "id", f->id);
	add_text(o, "protocol", "tcp");
	add_text(o, "direction", f->port ? "in" : "out");
	add_endpoint(o, "local", &f->local);
	add_endpoint(o, "remote", &f->remote);
	add_text(o, "state", flow_state_name(f->state));
	add_text(o, "class", f->class == FLOW_INTERACTIVE ? "interactive" : "bulk");
	add_age(o, "age_s", gw->now, f->created);
	add_age(o, "idle_s", gw->now, f->active);
	add_number(o, "tx_bytes", f->tx_bytes);
	add_number(o, "rx_bytes", f->rx_bytes);
	add_number(o, "tx_queued_bytes", stack_tcp_queued(f->tcp));
	add_number(o, "rx_buffered_bytes", chunk_queue_used(&f->buffer));
	add_link(o, f->link);
	add_owner(o, f->owned, &f->owner);
	add_text(o, "why", admit_why(gw, f));
	return o;
}

static struct json_object *report_mapping(const struct gateway *gw, const struct mapping *m)
{
	struct json_object *o = json_object_new_object();

	add_number(o, "id", m->id);
	add_text(o, "protocol", m->dns ? "dns" : "udp");
	add_text(o, "direction", "out");
	add_endpoint(o, "local", &m->local);
	add_endpoint(o, "remote", &m->remote);
	add_text(o, "state", m->link->open ? "open" : "opening");
	add_text(o, "class", m->dns ? "interactive" : "bulk");
	add_age(o, "age_s", gw->now, m->created);
	add_age(o, "idle_s", gw->now, m->active);
	add_number(o, "tx_bytes", m->tx_bytes);
	add_number(o, "rx_bytes", m->rx_bytes);
	add_link(o, m->link);
	add_owner(o, m->owned, &m->owner);
	add_text(o, "why", m->link->open ? NULL : "its link is being opened");
	return o;
}

struct json_object *report_flows(const struct daemon *d)
{
	const struct gateway *gw = d->gw;
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();

	for (unsigned i = 0; i < FLOWS_MAX; i++)
		if (gw->flow_pool[i].state != FLOW_FREE)
			json_object_array_add(all, report_tcp(gw, &gw->flow_pool[i]));
	for (unsigned i = 0; i < MAPPINGS_MAX; i++)
		if (gw->mappings[i].used)
			json_object_array_add(all, report_mapping(gw, &gw->mappings[i]));
	add(o, "flows", all);
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

static struct json_object *report_link(const struct gateway *gw, const struct unit *u,
	const struct link *l)
{
	struct json_object *o = json_object_new_object();
	bool used = l->use != LINK_UNUSED;

	add_number(o, "modem", u->index);
	add_number(o, "link", l->number);
	add_text(o, "state", modem_link_state_name(modem_link_state(u->modem, l->number)));
	add_text(o, "type", use_names[l->use]);
	add_endpoint(o, "remote", link_remote(gw, l));
	add_number(o, "flows", l->flow ? 1 : l->use == LINK_UDP ? l->mappings : 0);
	add_number(o, "tx_bytes", used ? l->tx_bytes : 0);
	add_number(o, "rx_bytes", used ? l->rx_bytes : 0);
	if (used)
		add_age(o, "age_s", gw->now, l->since);
	else
		add(o, "age_s", NULL);
	return o;
}

struct json_object *report_links(const struct daemon *d)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();

	for (unsigned i = 0; i < d->gw->n_units; i++)
		for (unsigned k = 0; k < MODEM_LINKS; k++)
			json_object_array_add(all, report_link(d->gw, &d->gw->units[i],
				&d->gw->units[i].links[k]));
	add(o, "links", all);
	return o;
}

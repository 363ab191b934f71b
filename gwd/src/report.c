/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "metrics.h"

/* Null while there was no event; a signal is no exit status. */
static struct json_object *report_script(const struct script *s)
{
	struct json_object *o;
	bool exited = s->ended && WIFEXITED(s->status);

	if (!s->event)
		return NULL;
	o = json_object_new_object();
	json_add_text(o, "event", s->event);
	json_add_bool(o, "running", child_running(&s->child));
	json_add(o, "exit_status", exited ? json_object_new_int(WEXITSTATUS(s->status)) : NULL);
	return o;
}

struct json_object *report_interface(const struct daemon *d)
{
	struct json_object *o = json_object_new_object();
	const struct iface *i = &d->iface;

	json_add_text(o, "name", i->tun.name);
	json_add_number(o, "ifindex", i->tun.ifindex);
	json_add_number(o, "mtu", d->config.interface.mtu);
	json_add_addr(o, "address", &i->address);
	json_add_bool(o, "up", d->up);
	json_add_age(o, "since_s", d->gw->now, d->up_since);
	json_add_bool(o, "carrier", i->carrier);
	json_add_bool(o, "default_route", i->routed);
	json_add_addrs(o, "dns", d->script.want.dns, d->script.want.n_dns);
	json_add(o, "script", report_script(&d->script));
	json_add_number(o, "dropped_packets", i->dropped);
	return o;
}

static void add_stat(struct json_object *o, const char *key, int stat)
{
	json_add(o, key, stat >= 0 ? json_object_new_int(stat) : NULL);
}

/* Ten bits a byte on a serial line; over USB the baud rate is what it is configured to be. */
static void add_rates(struct json_object *o, const struct daemon *d, const struct unit *u)
{
	uint64_t line = d->config.modem.baud / 10;
	struct modem_rates r;

	modem_rates(u->modem, d->gw->now, &r);
	json_add_number(o, "line_bytes_per_s", line);
	json_add_number(o, "tx_wire_bytes_per_s", r.tx_wire);
	json_add_number(o, "rx_wire_bytes_per_s", r.rx_wire);
	json_add_share(o, "tx_line_share", r.tx_wire, line);
	json_add_share(o, "rx_line_share", r.rx_wire, line);
	json_add_number(o, "tx_payload_bytes_per_s", r.tx_payload);
	json_add_number(o, "rx_payload_bytes_per_s", r.rx_payload);
}

static struct json_object *report_modem(const struct daemon *d, const struct unit *u)
{
	struct json_object *o = json_object_new_object();
	struct modem_status s;
	usec_t since;

	modem_status(u->modem, &s);
	since = unit_since(u, &s);
	json_add_number(o, "modem", u->index);
	json_add_text(o, "device", d->ports[u->index].path);
	json_add_number(o, "baud", d->config.modem.baud);
	json_add_text(o, "state", modem_state_name(s.state));
	json_add_time(o, "since", d->gw->now - since);
	json_add_age(o, "since_s", d->gw->now, since);
	json_add_text(o, "failure",
		s.failure == MODEM_FAILURE_NONE ? "" : modem_failure_name(s.failure));
	json_add_text(o, "reason", s.reason);
	json_add_addr(o, "address", &s.address);
	json_add_addrs(o, "dns", s.dns, s.n_dns);
	json_add_text(o, "receive", modem_receive_name(s.receive));
	json_add_text(o, "receive_configured", modem_receive_name(s.receive_configured));
	json_add_seconds(o, "buffer_mode_s", s.buffer_time);
	json_add_number(o, "receive_switches", s.switches);
	json_add_text(o, "transparent_state", s.transparent);
	json_add_text(o, "model", s.model);
	json_add_text(o, "revision", s.revision);
	json_add_text(o, "operator", s.operator);
	json_add_text(o, "technology", s.technology);
	json_add(o, "rssi_dbm", s.rssi_dbm ? json_object_new_int(s.rssi_dbm) : NULL);
	add_stat(o, "creg", s.creg);
	add_stat(o, "cgreg", s.cgreg);
	add_stat(o, "cereg", s.cereg);
	json_add_ms(o, "turnaround_ms", s.turnaround);
	json_add_ms(o, "prompt_delay_ms", s.prompt_delay);
	json_add_ms(o, "ping_rtt_ms", s.ping_rtt);
	json_add_number(o, "rung", s.rung);
	json_add_text(o, "rung_name", s.rung_name);
	json_add_number(o, "recoveries", s.recoveries);
	json_add_number(o, "boots", s.boots);
	json_add_number(o, "commands", s.commands);
	json_add_number(o, "timeouts", s.timeouts);
	json_add_number(o, "resyncs", s.resyncs);
	json_add_number(o, "unknown_lines", s.unknown_lines);
	json_add_number(o, "stray_bytes", s.stray_bytes);
	json_add_number(o, "tx_wire_bytes", s.tx_wire_bytes);
	json_add_number(o, "rx_wire_bytes", s.rx_wire_bytes);
	json_add_number(o, "tx_payload_bytes", s.tx_payload_bytes);
	json_add_number(o, "rx_payload_bytes", s.rx_payload_bytes);
	add_rates(o, d, u);
	json_add_number(o, "rx_unclaimed_bytes", s.rx_unclaimed_bytes);
	json_add_number(o, "short_confirms", s.short_confirms);
	json_add_number(o, "escapes", s.escapes);
	json_add_number(o, "false_ends", s.false_ends);
	json_add_number(o, "links_free", unit_links_in_use(u, LINK_UNUSED));
	json_add_number(o, "links_tcp", unit_links_in_use(u, LINK_TCP));
	json_add_number(o, "links_udp", unit_links_in_use(u, LINK_UDP));
	json_add_number(o, "links_dns", unit_links_in_use(u, LINK_DNS));
	json_add_number(o, "connecting", u->connecting);
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
	json_add_number(o, "tcp", gw->n_flows);
	json_add_number(o, "held", held);
	json_add_number(o, "udp", udp);
	json_add_number(o, "dns_pending", dns);
	json_add_number(o, "rx_pool_bytes", (uint64_t)gw->pool.n * CHUNK_SIZE);
	json_add_number(o, "rx_pool_free_bytes", (uint64_t)gw->pool.n_free * CHUNK_SIZE);
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
		ROW(tcp_reset_linger), ROW(tcp_reset_idle), ROW(tcp_reset_reclaimed), ROW(tcp_reset_asked),
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
		json_add_number(o, rows[i].name, rows[i].n);
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
		json_add_number(o, rows[i].name, rows[i].n);
}

struct json_object *report_forward(const struct unit *u, unsigned server)
{
	const struct forward *fw = &u->gw->forwards[server];
	struct json_object *o = json_object_new_object();

	json_add_number(o, "modem", u->index);
	json_add_number(o, "server", server);
	json_add_number(o, "port", fw->rule.port);
	json_add_endpoint(o, "target", &fw->rule.target);
	json_add_text(o, "state", modem_server_state_name(modem_server_state(u->modem, server)));
	json_add_text(o, "error", fw->result ? modem_open_result_name(fw->result) : NULL);
	json_add_number(o, "accepted", fw->accepted);
	json_add_number(o, "refused", fw->refused);
	json_add_number(o, "active", forward_active(u->gw, fw));
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

	json_add_text(o, "gwd_version", GWD_VERSION);
	json_add_number(o, "pid", (uint64_t)getpid());
	json_add_time(o, "time", 0);
	json_add_age(o, "uptime_s", d->gw->now, d->gw->started);
	json_add(o, "interface", report_interface(d));
	for (unsigned i = 0; i < d->gw->n_units; i++)
		json_object_array_add(modems, report_modem(d, &d->gw->units[i]));
	json_add(o, "modems", modems);
	json_add(o, "flows", report_flow_counts(d->gw));
	json_add(o, "forwards", report_forwards(d->gw));
	add_gateway_counters(counters, &d->gw->count);
	add_stack_counters(counters, d->gw->stack);
	json_add(o, "counters", counters);
	return o;
}

/* ---- metrics ---- */

struct json_object *report_metrics(const struct daemon *d)
{
	struct json_object *o = json_object_new_object();
	char *text = metrics_text(d, NULL);

	json_add_text(o, "text", text);
	free(text);
	return o;
}

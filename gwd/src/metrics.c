/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A table for each thing that is looked at: the daemon, the interface, the gateway's counters, the
 * stack, the modems. A row is a sample: a field of the thing's struct, or a function that writes what
 * no single field tells. A row with a name begins a family, the rows below it without one are further
 * samples of it. All samples of a family stand together, as the format demands, so with several modems
 * the rows are the outer loop.
 */
#include "metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"

enum type { GAUGE, COUNTER };

enum kind {
	KIND_FUNCTION,	    /* row.write writes the samples */
	KIND_U64,
	KIND_UNSIGNED,
	KIND_BOOL,
	KIND_SECONDS,	    /* usec_t */
	KIND_KNOWN_SECONDS, /* usec_t, 0 is unknown */
	KIND_KNOWN_INT,	    /* int, 0 is unknown */
	KIND_STAT,	    /* int, -1 is unknown */
};

/* What a table is about. */
struct subject {
	const void *base; /* what offsets count from */
	const struct daemon *d;
	const struct unit *unit; /* NULL: not about a modem */
	const struct modem_status *status;
};

struct writer {
	FILE *out;
	const char *family;
	const char *key; /* the label of the family's samples, NULL: none */
	const struct subject *subject;
};

struct row {
	const char *name;  /* NULL: a further sample of the family above */
	const char *key;   /* of its label, NULL: none */
	enum type type;
	const char *help;
	const char *value; /* of the label */
	enum kind kind;
	size_t offset;
	void (*write)(const struct writer *w);
};

/* ---- samples ---- */

void metrics_label(FILE *out, const char *value)
{
	while (*value) {
		size_t n = utf8_length(value);

		if (*value == '\n')
			fputs("\\n", out);
		else if (n == 0 || (*value > 0 && *value < ' ') || *value == 0x7f)
			fputc('?', out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fwrite(value, 1, n, out);
		value += n ? n : 1;
	}
}

static void put_label(const struct writer *w, const char *key, const char *value)
{
	fprintf(w->out, ",%s=\"", key);
	metrics_label(w->out, value);
	fputc('"', w->out);
}

/* Up to the labels that all samples have. */
static void begin(const struct writer *w)
{
	fprintf(w->out, "%s{interface=\"", w->family);
	metrics_label(w->out, w->subject->d->iface.tun.name);
	fputc('"', w->out);
	if (w->subject->unit)
		fprintf(w->out, ",modem=\"%u\"", w->subject->unit->index);
}

static void end_u64(const struct writer *w, uint64_t n)
{
	fprintf(w->out, "} %" PRIu64 "\n", n);
}

static void end_int(const struct writer *w, int n)
{
	fprintf(w->out, "} %d\n", n);
}

static void end_seconds(const struct writer *w, usec_t t)
{
	fprintf(w->out, "} %" PRIu64 ".%06" PRIu64 "\n", t / SEC(1), t % SEC(1));
}

/* One with the family's label. */
static void sample(const struct writer *w, const char *value, uint64_t n)
{
	begin(w);
	put_label(w, w->key, value);
	end_u64(w, n);
}

/* One without a label of its own. */
static void only(const struct writer *w, uint64_t n)
{
	begin(w);
	end_u64(w, n);
}

/* ---- the daemon ---- */

static void write_build(const struct writer *w)
{
	sample(w, GWD_VERSION, 1);
}

static void write_up(const struct writer *w)
{
	only(w, w->subject->d->up);
}

static void write_uptime(const struct writer *w)
{
	const struct gateway *gw = w->subject->d->gw;

	begin(w);
	end_seconds(w, gw->now - gw->started);
}

static void write_mtu(const struct writer *w)
{
	only(w, w->subject->d->config.interface.mtu);
}

static void flow_sample(const struct writer *w, const char *protocol, const char *state, unsigned n)
{
	begin(w);
	put_label(w, "protocol", protocol);
	put_label(w, "state", state);
	end_u64(w, n);
}

static void write_flows(const struct writer *w)
{
	const struct gateway *gw = w->subject->d->gw;
	unsigned tcp[FLOW_CLOSED + 1] = {0}, udp[2] = {0}, dns[2] = {0};

	for (unsigned i = 0; i < gw->flows_touched; i++)
		tcp[gw->flow_pool[i].state]++;
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		const struct mapping *m = &gw->mappings[i];

		if (m->used)
			(m->dns ? dns : udp)[m->link->open]++;
	}
	for (unsigned s = FLOW_FREE + 1; s <= FLOW_CLOSED; s++)
		flow_sample(w, "tcp", flow_state_name((enum flow_state)s), tcp[s]);
	flow_sample(w, "udp", "opening", udp[false]);
	flow_sample(w, "udp", "open", udp[true]);
	flow_sample(w, "dns", "opening", dns[false]);
	flow_sample(w, "dns", "open", dns[true]);
}

static void write_dns_pending(const struct writer *w)
{
	const struct dns *dns = &w->subject->d->gw->dns;
	unsigned n = 0;

	for (unsigned i = 0; i < DNS_MAX; i++)
		n += dns->queries[i].used;
	only(w, n);
}

static void write_pool(const struct writer *w)
{
	only(w, (uint64_t)w->subject->d->gw->pool.n * CHUNK_SIZE);
}

static void write_pool_free(const struct writer *w)
{
	only(w, (uint64_t)w->subject->d->gw->pool.n_free * CHUNK_SIZE);
}

static void forward_samples(const struct writer *w,
	uint64_t (*get)(const struct gateway *gw, unsigned server))
{
	const struct gateway *gw = w->subject->d->gw;
	char port[8];

	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		if (!gw->forwards[i].rule.port)
			continue;
		snprintf(port, sizeof(port), "%u", gw->forwards[i].rule.port);
		sample(w, port, get(gw, i));
	}
}

static uint64_t forward_is_listening(const struct gateway *gw, unsigned server)
{
	return modem_server_state(gw->units[0].modem, server) == MODEM_SERVER_LISTENING;
}

static uint64_t forward_clients(const struct gateway *gw, unsigned server)
{
	return forward_active(gw, &gw->forwards[server]);
}

static void write_forward_listening(const struct writer *w)
{
	forward_samples(w, forward_is_listening);
}

static void write_forward_clients(const struct writer *w)
{
	forward_samples(w, forward_clients);
}

#define FUNCTION(f) .kind = KIND_FUNCTION, .write = (f)

static const struct row daemon_rows[] = {
	{"gwd_build_info", "version", GAUGE, "The program: always 1.", FUNCTION(write_build)},
	{"gwd_up", NULL, GAUGE, "Whether packets can pass: the interface has carrier and an address.",
		FUNCTION(write_up)},
	{"gwd_uptime_seconds", NULL, GAUGE, "Time since the daemon started.", FUNCTION(write_uptime)},
	{"gwd_interface_mtu_bytes", NULL, GAUGE, "Largest packet of the interface.",
		FUNCTION(write_mtu)},
	{"gwd_flows", NULL, GAUGE, "Flows of the host; dns is what queries to one resolver share.",
		FUNCTION(write_flows)},
	{"gwd_dns_pending_queries", NULL, GAUGE, "Queries that wait for their answer.",
		FUNCTION(write_dns_pending)},
	{"gwd_receive_pool_bytes", NULL, GAUGE,
		"Receive buffers of all TCP flows: received and not yet taken by the host (tcp.pool).",
		FUNCTION(write_pool)},
	{"gwd_receive_pool_free_bytes", NULL, GAUGE, "What is left of gwd_receive_pool_bytes.",
		FUNCTION(write_pool_free)},
	{"gwd_forward_listening", "port", GAUGE, "Whether the module listens on a port of forward.tcp.",
		FUNCTION(write_forward_listening)},
	{"gwd_forward_active_clients", "port", GAUGE, "Clients of a port of forward.tcp.",
		FUNCTION(write_forward_clients)},
};

/* ---- the interface ---- */

#define FIELD(k, s, f) .kind = (k), .offset = offsetof(s, f)
#define IFACE(k, f) FIELD(k, struct iface, f)

static const struct row iface_rows[] = {
	{"gwd_interface_carrier", NULL, GAUGE, "Whether the interface has carrier: the bearer is up.",
		IFACE(KIND_BOOL, carrier)},
	{"gwd_interface_default_route", NULL, GAUGE, "Whether our default route is set.",
		IFACE(KIND_BOOL, routed)},
	{"gwd_interface_dropped_packets_total", NULL, COUNTER,
		"Packets for the host that the kernel did not take.", IFACE(KIND_U64, dropped)},
};

/* ---- the gateway's counters ---- */

#define COUNT(v, f) .value = (v), FIELD(KIND_U64, struct counters, f)

static const struct row counter_rows[] = {
	{"gwd_tcp_connections_total", "outcome", COUNTER,
		"Connections that the host asked for, by what became of them.",
		COUNT("opened", tcp_opened)},
	{COUNT("refused", tcp_refused)},
	{COUNT("unreachable", tcp_unreachable)},
	{COUNT("remembered", tcp_remembered)}, /* as its destination failed a moment ago */
	{COUNT("busy", tcp_busy)}, /* transparent mode */
	{COUNT("overflow", tcp_overflow)},
	{COUNT("gave_up", tcp_gave_up)},
	{"gwd_tcp_preempted_total", NULL, COUNTER,
		"Slow attempts to connect that were put back to waiting, for others.",
		COUNT(NULL, tcp_preempted)},
	{"gwd_tcp_ended_total", "outcome", COUNTER, "Connections that ended, by how.",
		COUNT("finished", tcp_finished)},
	{COUNT("reset", tcp_reset)},
	{"gwd_tcp_resets_total", "reason", COUNTER, "Connections that gwd reset, by why.",
		COUNT("lost", tcp_reset_lost)},
	{COUNT("data", tcp_reset_data)},
	{COUNT("send", tcp_reset_send)},
	{COUNT("buffer", tcp_reset_buffer)},
	{COUNT("unconfirmed", tcp_reset_unconfirmed)},
	{COUNT("host_wrote", tcp_reset_host_wrote)},
	{COUNT("linger", tcp_reset_linger)},
	{COUNT("idle", tcp_reset_idle)},
	{COUNT("reclaimed", tcp_reset_reclaimed)},
	{COUNT("asked", tcp_reset_asked)},
	{"gwd_udp_datagrams_total", "direction", COUNTER, "Datagrams, DNS among them.",
		COUNT("tx", udp_sent)},
	{COUNT("rx", udp_received)},
	{"gwd_udp_dropped_datagrams_total", "reason", COUNTER, "Datagrams that were dropped, by why.",
		COUNT("queue", udp_dropped_queue)},
	{COUNT("no_link", udp_dropped_no_link)},
	{COUNT("too_large", udp_dropped_too_large)},
	{COUNT("unknown_source", udp_dropped_unknown_source)},
	{COUNT("send", udp_dropped_send)},
	{"gwd_udp_unframed_reads_total", NULL, COUNTER,
		"Reads in buffer mode whose datagrams could not be told apart.",
		COUNT(NULL, udp_unframed)},
	{"gwd_dns_queries_total", NULL, COUNTER, "Queries of the host.", COUNT(NULL, dns_queries)},
	{"gwd_dns_answers_total", NULL, COUNTER, "Answers to the host.", COUNT(NULL, dns_answers)},
	{"gwd_dns_failures_total", "reason", COUNTER, "Queries that failed, by why.",
		COUNT("timeout", dns_timeouts)},
	{COUNT("servfail", dns_failed)},
	{COUNT("overflow", dns_overflow)},
	{"gwd_dns_unmatched_answers_total", NULL, COUNTER, "Answers to nothing that was asked.",
		COUNT(NULL, dns_unmatched)},
	{"gwd_dns_truncated_answers_total", NULL, COUNTER, "Answers that were too large for the host.",
		COUNT(NULL, dns_truncated)},
	{"gwd_dns_fallbacks_total", NULL, COUNTER, "Changes to another way of asking.",
		COUNT(NULL, dns_fallbacks)},
	{"gwd_ping_requests_total", NULL, COUNTER, "Echo requests that the module was given.",
		COUNT(NULL, echo_requests)},
	{"gwd_ping_results_total", "result", COUNTER, "What became of echo requests.",
		COUNT("reply", echo_replies)},
	{COUNT("timeout", echo_timeouts)},
	{COUNT("unreachable", echo_unreachable)},
	{"gwd_ping_dropped_total", "reason", COUNTER, "Echo requests that nothing was done with, by why.",
		COUNT("unfit", echo_dropped_unfit)},
	{COUNT("queue", echo_dropped_queue)},
	{COUNT("unsupported", echo_dropped_unsupported)},
	{"gwd_forward_clients_total", NULL, COUNTER, "Clients that came to a port of forward.tcp.",
		COUNT(NULL, forward_accepted)},
	{"gwd_forward_refused_clients_total", NULL, COUNTER, "Of these, those no server took.",
		COUNT(NULL, forward_refused)},
};

/* But for echo_dropped, which is the sum of gwd_ping_dropped_total. */
static_assert((sizeof(counter_rows) / sizeof(counter_rows[0]) + 1) * sizeof(uint64_t) ==
	sizeof(struct counters), "a row for each counter");

/* ---- the stack: what it receives comes from the host, so it is tx here ---- */

#define STACK(v, f) .value = (v), FIELD(KIND_U64, struct stack_stats, f)

static const struct row stack_rows[] = {
	{"gwd_interface_packets_total", "direction", COUNTER, "IP packets on the interface.",
		STACK("tx", rx_packets)},
	{STACK("rx", tx_packets)},
	{"gwd_interface_bytes_total", "direction", COUNTER, "Bytes of these packets.",
		STACK("tx", rx_bytes)},
	{STACK("rx", tx_bytes)},
	{"gwd_stack_ignored_packets_total", "reason", COUNTER,
		"Packets of the host that were not acted upon, by why.",
		STACK("malformed", rx_malformed)},
	{STACK("unsupported", rx_unsupported)},
	{STACK("filtered", rx_filtered)},
	{"gwd_stack_unknown_segments_total", NULL, COUNTER,
		"Segments of no connection, answered with RST.", STACK(NULL, rx_unknown_segment)},
	{"gwd_stack_fragments_total", NULL, COUNTER, "Fragments of the host.",
		STACK(NULL, fragments)},
	{"gwd_stack_dropped_fragments_total", NULL, COUNTER, "Of these, dropped.",
		STACK(NULL, fragments_dropped)},
	{"gwd_stack_reassembled_datagrams_total", NULL, COUNTER, "Datagrams put together from them.",
		STACK(NULL, datagrams_reassembled)},
	{"gwd_tcp_held_syns", NULL, GAUGE, "Connections of the host that wait for an answer.",
		FIELD(KIND_UNSIGNED, struct stack_stats, held)},
	{"gwd_tcp_syns_total", "outcome", COUNTER, "SYNs of the host, by what became of them.",
		STACK("held", syn_held)},
	{STACK("duplicate", syn_duplicate)},
	{STACK("replaced", syn_replaced)},
	{STACK("cancelled", syn_cancelled)},
	{STACK("expired", syn_expired)},
	{STACK("overflow", syn_overflow)},
	{"gwd_stack_endpoints", NULL, GAUGE, "TCP connections in the userspace stack.",
		FIELD(KIND_UNSIGNED, struct stack_stats, endpoints)},
	{"gwd_stack_memory_bytes", NULL, GAUGE, "Memory of the userspace stack.",
		STACK(NULL, alloc_bytes)},
	{"gwd_stack_memory_peak_bytes", NULL, GAUGE, "The most it ever was.", STACK(NULL, alloc_peak)},
	{"gwd_stack_memory_limit_bytes", NULL, GAUGE, "The most it may be.", STACK(NULL, alloc_limit)},
	{"gwd_stack_refused_allocations_total", NULL, COUNTER, "Memory it wanted beyond the limit.",
		STACK(NULL, alloc_refused)},
	{"gwd_stack_suppressed_answers_total", NULL, COUNTER,
		"RSTs and ICMP errors that were not sent: too many.", STACK(NULL, answers_limited)},
};

/* ---- modems ---- */

static void write_info(const struct writer *w)
{
	const struct modem_status *s = w->subject->status;

	begin(w);
	put_label(w, "model", s->model);
	put_label(w, "revision", s->revision);
	put_label(w, "operator", s->operator);
	put_label(w, "technology", s->technology);
	end_u64(w, 1);
}

static void write_state(const struct writer *w)
{
	for (unsigned i = 0; i <= MODEM_STATE_STOPPED; i++)
		sample(w, modem_state_name((enum modem_state)i), w->subject->status->state == i);
}

static void write_state_time(const struct writer *w)
{
	usec_t now = w->subject->d->gw->now;
	usec_t since = unit_since(w->subject->unit, w->subject->status);

	begin(w);
	end_seconds(w, now > since ? now - since : 0);
}

static void write_failure(const struct writer *w)
{
	for (unsigned i = MODEM_FAILURE_NONE + 1; i <= MODEM_FAILURE_IP; i++)
		sample(w, modem_failure_name((enum modem_failure)i), w->subject->status->failure == i);
}

static void write_receive(const struct writer *w)
{
	for (unsigned i = 0; i < MODEM_RECEIVE_AUTO; i++)
		sample(w, modem_receive_name((enum modem_receive)i), w->subject->status->receive == i);
}

static void write_capacity(const struct writer *w)
{
	only(w, w->subject->d->config.modem.baud / 10); /* 8N1 */
}

static void write_rungs(const struct writer *w)
{
	for (unsigned i = 1; i < MODEM_RUNGS; i++)
		sample(w, modem_rung_name(i), w->subject->status->rung_counts[i]);
}

static void write_link_states(const struct writer *w)
{
	unsigned n[MODEM_LINK_CLOSING + 1] = {0};

	for (unsigned i = 0; i < MODEM_LINKS; i++)
		n[modem_link_state(w->subject->unit->modem, i)]++;
	for (unsigned i = 0; i <= MODEM_LINK_CLOSING; i++)
		sample(w, modem_link_state_name((enum modem_link_state)i), n[i]);
}

static void write_link_types(const struct writer *w)
{
	sample(w, "tcp", unit_links_in_use(w->subject->unit, LINK_TCP));
	sample(w, "udp", unit_links_in_use(w->subject->unit, LINK_UDP));
	sample(w, "dns", unit_links_in_use(w->subject->unit, LINK_DNS));
}

#define MODEM(k, f) FIELD(k, struct modem_status, f)
#define MODEM_COUNT(v, f) .value = (v), MODEM(KIND_U64, f)

static const struct row modem_rows[] = {
	{"gwd_modem_info", NULL, GAUGE, "The module and its network: always 1.", FUNCTION(write_info)},
	{"gwd_modem_state", "state", GAUGE, "1 for the state the bearer is in.", FUNCTION(write_state)},
	{"gwd_modem_state_seconds", NULL, GAUGE, "How long it has been in that state.",
		FUNCTION(write_state_time)},
	{"gwd_modem_failure", "reason", GAUGE, "1 for what keeps the bearer from coming up.",
		FUNCTION(write_failure)},
	{"gwd_modem_signal_dbm", NULL, GAUGE, "Received signal strength (AT+CSQ).",
		MODEM(KIND_KNOWN_INT, rssi_dbm)},
	{"gwd_modem_registration", "domain", GAUGE,
		"Registration as 3GPP TS 27.007 counts it: 1 home, 5 roaming, 2 searching, 3 denied.",
		.value = "circuit", MODEM(KIND_STAT, creg)},
	{.value = "packet", MODEM(KIND_STAT, cgreg)},
	{.value = "eps", MODEM(KIND_STAT, cereg)},
	{"gwd_modem_wire_bytes_total", "direction", COUNTER, "Bytes on the tty: commands, headers, payload.",
		MODEM_COUNT("tx", tx_wire_bytes)},
	{MODEM_COUNT("rx", rx_wire_bytes)},
	{"gwd_modem_payload_bytes_total", "direction", COUNTER, "Of these, bytes of flows.",
		MODEM_COUNT("tx", tx_payload_bytes)},
	{MODEM_COUNT("rx", rx_payload_bytes)},
	{"gwd_modem_line_bytes_per_second", NULL, GAUGE,
		"What the tty carries each way at modem.baud; without meaning over USB.",
		FUNCTION(write_capacity)},
	{"gwd_modem_turnaround_seconds", NULL, GAUGE,
		"Last byte of a command out to first byte of its answer in.",
		MODEM(KIND_KNOWN_SECONDS, turnaround)},
	{"gwd_modem_prompt_seconds", NULL, GAUGE, "AT+CIPSEND to its prompt.",
		MODEM(KIND_KNOWN_SECONDS, prompt_delay)},
	{"gwd_modem_ping_seconds", NULL, GAUGE, "Round trip of the last ping that was answered.",
		MODEM(KIND_KNOWN_SECONDS, ping_rtt)},
	{"gwd_modem_receive_mode", "mode", GAUGE, "1 for how the module delivers data.",
		FUNCTION(write_receive)},
	{"gwd_modem_buffer_mode_seconds_total", NULL, COUNTER, "Time spent in buffer mode.",
		MODEM(KIND_SECONDS, buffer_time)},
	{"gwd_modem_receive_switches_total", NULL, COUNTER,
		"Changes from push to buffer mode with links open.", MODEM_COUNT(NULL, switches)},
	{"gwd_modem_recovery_rung", NULL, GAUGE, "Rung of the recovery ladder in force, 0 is none.",
		MODEM(KIND_UNSIGNED, rung)},
	{"gwd_modem_recoveries_total", "rung", COUNTER, "Remedies tried, by rung of the ladder.",
		FUNCTION(write_rungs)},
	{"gwd_modem_boots_total", NULL, COUNTER, "Times the module booted.", MODEM_COUNT(NULL, boots)},
	{"gwd_modem_commands_total", NULL, COUNTER, "AT commands.", MODEM_COUNT(NULL, commands)},
	{"gwd_modem_timeouts_total", NULL, COUNTER, "AT commands that got no answer in time.",
		MODEM_COUNT(NULL, timeouts)},
	{"gwd_modem_resyncs_total", NULL, COUNTER, "Times the AT channel had to be brought back in step.",
		MODEM_COUNT(NULL, resyncs)},
	{"gwd_modem_unknown_lines_total", NULL, COUNTER, "Lines of the module that say nothing to gwd.",
		MODEM_COUNT(NULL, unknown_lines)},
	{"gwd_modem_stray_bytes_total", NULL, COUNTER, "Bytes that were part of no line.",
		MODEM_COUNT(NULL, stray_bytes)},
	{"gwd_modem_unclaimed_bytes_total", NULL, COUNTER, "Payload for a link that nobody has.",
		MODEM_COUNT(NULL, rx_unclaimed_bytes)},
	{"gwd_modem_short_confirms_total", NULL, COUNTER, "Sends of which the module took only a part.",
		MODEM_COUNT(NULL, short_confirms)},
	{"gwd_modem_escapes_total", NULL, COUNTER, "Times transparent data mode was left.",
		MODEM_COUNT(NULL, escapes)},
	{"gwd_modem_false_ends_total", NULL, COUNTER,
		"What looked like the end of a transparent session and was data.",
		MODEM_COUNT(NULL, false_ends)},
	{"gwd_links", "state", GAUGE, "The module's ten sockets, by state.", FUNCTION(write_link_states)},
	{"gwd_links_in_use", "type", GAUGE, "Those that are not free, by what they are for.",
		FUNCTION(write_link_types)},
};

/* ---- tables to text ---- */

#define GET(type, p) (*(const type *)(const void *)(p))

static void write_field(const struct writer *w, const struct row *r)
{
	const char *p = (const char *)w->subject->base + r->offset;

	if ((r->kind == KIND_KNOWN_INT && GET(int, p) == 0) ||
		(r->kind == KIND_STAT && GET(int, p) < 0) ||
		(r->kind == KIND_KNOWN_SECONDS && GET(usec_t, p) == 0))
		return;
	begin(w);
	if (r->value)
		put_label(w, w->key, r->value);
	switch (r->kind) {
	case KIND_FUNCTION:
		break;
	case KIND_U64:
		end_u64(w, GET(uint64_t, p));
		break;
	case KIND_UNSIGNED:
		end_u64(w, GET(unsigned, p));
		break;
	case KIND_BOOL:
		end_u64(w, GET(bool, p));
		break;
	case KIND_SECONDS:
	case KIND_KNOWN_SECONDS:
		end_seconds(w, GET(usec_t, p));
		break;
	case KIND_KNOWN_INT:
	case KIND_STAT:
		end_int(w, GET(int, p));
		break;
	}
}

static void write_table(FILE *out, const struct row *rows, size_t n, const struct subject *subjects,
	unsigned n_subjects)
{
	static const char *const types[] = {[GAUGE] = "gauge", [COUNTER] = "counter"};
	struct writer w = {.out = out};

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		if (r->name) {
			w.family = r->name;
			w.key = r->key;
			fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", r->name, r->help, r->name,
				types[r->type]);
		}
		for (unsigned k = 0; k < n_subjects; k++) {
			w.subject = &subjects[k];
			if (r->kind == KIND_FUNCTION)
				r->write(&w);
			else
				write_field(&w, r);
		}
	}
}

#define ROWS(table) (table), sizeof(table) / sizeof((table)[0])

static void write_all(FILE *out, const struct daemon *d)
{
	const struct gateway *gw = d->gw;
	struct modem_status status[UNITS_MAX];
	struct subject modems[UNITS_MAX];
	struct stack_stats stack;

	stack_stats(gw->stack, &stack);
	for (unsigned i = 0; i < gw->n_units; i++) {
		modem_status(gw->units[i].modem, &status[i]);
		modems[i] = (struct subject){&status[i], d, &gw->units[i], &status[i]};
	}
	write_table(out, ROWS(daemon_rows), &(struct subject){.base = d, .d = d}, 1);
	write_table(out, ROWS(iface_rows), &(struct subject){.base = &d->iface, .d = d}, 1);
	write_table(out, ROWS(modem_rows), modems, gw->n_units);
	write_table(out, ROWS(counter_rows), &(struct subject){.base = &gw->count, .d = d}, 1);
	write_table(out, ROWS(stack_rows), &(struct subject){.base = &stack, .d = d}, 1);
}

char *metrics_text(const struct daemon *d, size_t *n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	write_all(out, d);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	if (n)
		*n = size;
	return text;
}

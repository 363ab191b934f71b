/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"

#define RSSI_FLOOR (-113) /* dBm: the least that AT+CSQ tells */
#define BAUD_PER_BYTE 10  /* start, eight bits, stop */
#define RATE_MAX 1e15	  /* bytes a second: no line is faster, only a clock wrong */

struct top_model *top_model_new(void)
{
	return calloc(1, sizeof(struct top_model));
}

/* ---- reading JSON ---- */

static double number(struct json_object *o, const char *key, double otherwise)
{
	return field_is_number(field(o, key)) ? field_number(o, key) : otherwise;
}

static int64_t whole(struct json_object *o, const char *key)
{
	struct json_object *v = field(o, key);

	return field_is_number(v) ? json_object_get_int64(v) : -1;
}

/* One of 0 to limit - 1, or -1. */
static int small(struct json_object *o, const char *key, int limit)
{
	int64_t n = whole(o, key);

	return n >= 0 && n < limit ? (int)n : -1;
}

#define TEXT(o, key, to) snprintf(to, sizeof(to), "%s", field_text(o, key, ""))

/* ---- rates ---- */

/* Bytes a second as the daemon says, else what came since the last snapshot. */
static int64_t rate_of(struct json_object *o, const char *key, int64_t before, int64_t bytes,
	double elapsed)
{
	int64_t told = whole(o, key);
	double rate;

	if (told >= 0)
		return told;
	if (before < 0 || bytes <= before || elapsed <= 0)
		return 0;
	rate = (double)(bytes - before) / elapsed;
	return (int64_t)(rate < RATE_MAX ? rate : RATE_MAX);
}

static unsigned share_of(double part)
{
	return part > 1 ? TOP_FULL : part > 0 ? (unsigned)(part * TOP_FULL + 0.5) : 0;
}

struct direction_keys {
	const char *payload, *payload_rate, *wire, *wire_rate, *share;
};

static const struct direction_keys tx_keys = {"tx_payload_bytes", "tx_payload_bytes_per_s",
	"tx_wire_bytes", "tx_wire_bytes_per_s", "tx_line_share"};
static const struct direction_keys rx_keys = {"rx_payload_bytes", "rx_payload_bytes_per_s",
	"rx_wire_bytes", "rx_wire_bytes_per_s", "rx_line_share"};

static void read_direction(struct top_direction *d, struct json_object *o,
	const struct direction_keys *keys, double line_rate, double elapsed)
{
	int64_t payload = whole(o, keys->payload), wire = whole(o, keys->wire);
	int64_t wire_rate = rate_of(o, keys->wire_rate, d->wire_bytes, wire, elapsed);
	double share = line_rate > 0 ? (double)wire_rate / line_rate : 0;

	d->rate = rate_of(o, keys->payload_rate, d->bytes, payload, elapsed);
	d->share = share_of(number(o, keys->share, share));
	d->bytes = payload;
	d->wire_bytes = wire;
	d->peak_rate = d->rate > d->peak_rate ? d->rate : d->peak_rate;
	d->peak_share = d->share > d->peak_share ? d->share : d->peak_share;
}

/* ---- modems ---- */

static void read_modem(struct top_modem *m, struct json_object *o, double elapsed)
{
	struct top_sample *sample = &m->history[m->samples++ % TOP_HISTORY];
	double signal = number(o, "rssi_dbm", 0);

	m->number = small(o, "modem", INT32_MAX);
	TEXT(o, "state", m->state);
	TEXT(o, "failure", m->failure);
	TEXT(o, "reason", m->reason);
	TEXT(o, "operator", m->operator);
	TEXT(o, "technology", m->technology);
	TEXT(o, "receive", m->receive);
	TEXT(o, "receive_configured", m->configured);
	TEXT(o, "transparent_state", m->transparent);
	TEXT(o, "rung_name", m->rung_name);
	m->since = number(o, "since_s", 0);
	m->rssi = signal > -200 && signal < 0 ? (int)signal : 0;
	m->rung = small(o, "rung", INT32_MAX);
	m->links_free = small(o, "links_free", INT32_MAX);
	m->line_rate = number(o, "line_bytes_per_s", number(o, "baud", 0) / BAUD_PER_BYTE);
	read_direction(&m->tx, o, &tx_keys, m->line_rate, elapsed);
	read_direction(&m->rx, o, &rx_keys, m->line_rate, elapsed);
	sample->tx_share = m->tx.share;
	sample->rx_share = m->rx.share;
	sample->signal = m->rssi && m->rssi > RSSI_FLOOR ? (unsigned)(m->rssi - RSSI_FLOOR) : 0;
}

/* A modem of another snapshot has no history yet, and no bytes to compare with. */
static void read_modems(struct top_model *t, struct json_object *status, double elapsed)
{
	size_t told = field_count(status, "modems");
	unsigned n = told > TOP_MODEMS_MAX ? TOP_MODEMS_MAX : (unsigned)told;

	for (unsigned i = 0; i < n; i++) {
		struct top_modem *m = &t->modems[i];

		if (i >= t->n_modems) {
			*m = (struct top_modem){0};
			m->tx.bytes = m->tx.wire_bytes = m->rx.bytes = m->rx.wire_bytes = -1;
		}
		read_modem(m, field_at(status, "modems", i), elapsed);
	}
	t->n_modems = n;
}

static struct top_modem *modem_of(struct top_model *t, struct json_object *o)
{
	int number = small(o, "modem", INT32_MAX);

	for (unsigned i = 0; i < t->n_modems; i++)
		if (t->modems[i].number == number)
			return &t->modems[i];
	return NULL;
}

static void read_links(struct top_model *t, struct json_object *links, double elapsed)
{
	for (size_t i = 0; i < field_count(links, "links"); i++) {
		struct json_object *o = field_at(links, "links", i);
		struct top_modem *m = modem_of(t, o);
		int number = small(o, "link", TOP_LINKS_MAX);
		int64_t tx = whole(o, "tx_bytes"), rx = whole(o, "rx_bytes");
		struct top_link *l;

		if (!m || number < 0)
			continue;
		l = &m->links[number];
		l->tx_rate = rate_of(o, "tx_bytes_per_s", l->tx_bytes, tx, elapsed);
		l->rx_rate = rate_of(o, "rx_bytes_per_s", l->rx_bytes, rx, elapsed);
		l->tx_bytes = tx;
		l->rx_bytes = rx;
		TEXT(o, "state", l->state);
		TEXT(o, "type", l->type);
	}
}

/* ---- flows ---- */

/* What of the last snapshot's flows goes on: their rates are made of it, their owners stay. */
struct past {
	struct past_flow {
		uint64_t id;
		bool tcp;
		int64_t tx, rx;
		char owner[sizeof(((struct top_flow *)0)->owner)];
	} flows[TOP_FLOWS_MAX];
	unsigned n;
};

/* TCP flows and mappings are numbered apart. */
static bool is_tcp(const struct top_flow *f)
{
	return strcmp(f->protocol, "tcp") == 0;
}

static void remember(const struct top_model *t, struct past *past)
{
	past->n = t->n_flows;
	for (unsigned i = 0; i < t->n_flows; i++) {
		const struct top_flow *f = &t->flows[i];
		struct past_flow *p = &past->flows[i];

		*p = (struct past_flow){f->id, is_tcp(f), f->tx_bytes, f->rx_bytes, ""};
		memcpy(p->owner, f->owner, sizeof(p->owner));
	}
}

/* gwd reports its tables in order, so a flow is at its old place or a little before it. */
static const struct past_flow *find_past(const struct past *past, const struct top_flow *f,
	unsigned from)
{
	static const struct past_flow none = {.tx = -1, .rx = -1};

	for (unsigned k = 0; k < past->n; k++) {
		const struct past_flow *p = &past->flows[(from + k) % past->n];

		if (p->id == f->id && p->tcp == is_tcp(f))
			return p;
	}
	return &none;
}

static void read_flow(struct top_flow *f, struct json_object *o)
{
	*f = (struct top_flow){.id = (uint64_t)whole(o, "id")};
	TEXT(o, "protocol", f->protocol);
	TEXT(o, "direction", f->direction);
	TEXT(o, "state", f->state);
	TEXT(o, "class", f->class);
	TEXT(o, "local", f->local);
	TEXT(o, "remote", f->remote);
	TEXT(o, "why", f->why);
	f->age = number(o, "age_s", 0);
	f->idle = number(o, "idle_s", 0);
	f->tx_bytes = whole(o, "tx_bytes");
	f->rx_bytes = whole(o, "rx_bytes");
	f->modem = small(o, "modem", INT32_MAX);
	f->link = small(o, "link", TOP_LINKS_MAX);
	f->uid = whole(o, "uid");
	f->inode = json_object_get_uint64(field(o, "inode"));
}

static void read_flows(struct top_model *t, struct json_object *flows, double elapsed)
{
	struct past past;
	size_t n = field_count(flows, "flows");

	remember(t, &past);
	t->flows_left_out = n > TOP_FLOWS_MAX ? n - TOP_FLOWS_MAX : 0;
	t->n_flows = n > TOP_FLOWS_MAX ? TOP_FLOWS_MAX : (unsigned)n;
	t->n_waiting = 0;
	for (unsigned i = 0; i < t->n_flows; i++) {
		struct json_object *o = field_at(flows, "flows", i);
		struct top_flow *f = &t->flows[i];
		const struct past_flow *p;

		read_flow(f, o);
		p = find_past(&past, f, i);
		memcpy(f->owner, p->owner, sizeof(f->owner));
		f->tx_rate = rate_of(o, "tx_bytes_per_s", p->tx, f->tx_bytes, elapsed);
		f->rx_rate = rate_of(o, "rx_bytes_per_s", p->rx, f->rx_bytes, elapsed);
		t->n_waiting += f->why[0] != '\0';
	}
}

/* ---- the whole ---- */

static void read_interface(struct top_model *t, struct json_object *status)
{
	struct json_object *i = field(status, "interface");

	TEXT(status, "gwd_version", t->version);
	TEXT(status, "time", t->time);
	t->uptime = number(status, "uptime_s", 0);
	t->pid = whole(status, "pid");
	TEXT(i, "name", t->interface);
	TEXT(i, "address", t->address);
	t->carrier = field_true(i, "carrier");
	t->default_route = field_true(i, "default_route");
}

/* Another gwd answers: its counters have nothing to do with the old ones. */
static bool restarted(const struct top_model *t, struct json_object *status)
{
	return t->pid != whole(status, "pid") || number(status, "uptime_s", 0) < t->uptime;
}

static bool is_list(struct json_object *o, const char *key)
{
	return json_object_is_type(field(o, key), json_type_array);
}

int top_model_update(struct top_model *m, struct json_object *status, struct json_object *flows,
	struct json_object *links, double now)
{
	double elapsed = m->valid ? now - m->taken : 0;

	if (!is_list(status, "modems") || !is_list(flows, "flows") || !is_list(links, "links"))
		return -EPROTO;
	if (m->valid && restarted(m, status)) {
		m->n_modems = m->n_flows = 0;
		elapsed = 0;
	}
	read_interface(m, status);
	read_modems(m, status, elapsed);
	read_links(m, links, elapsed);
	read_flows(m, flows, elapsed);
	m->taken = now;
	m->valid = true;
	return 0;
}

unsigned top_model_history(const struct top_modem *m, enum top_figure figure, unsigned *values,
	unsigned n)
{
	unsigned known = m->samples < TOP_HISTORY ? m->samples : TOP_HISTORY;
	unsigned real = known < n ? known : n;

	for (unsigned i = 0; i < n; i++) {
		const struct top_sample *s = &m->history[(m->samples - n + i) % TOP_HISTORY];

		values[i] = i < n - real ? 0 :
			figure == TOP_FIGURE_TX ? s->tx_share :
			figure == TOP_FIGURE_RX ? s->rx_share : s->signal;
	}
	return real;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public face: what comes in goes to the channel, what the channel finds goes to the parts, and
 * when it is free the most urgent part gives it its next command.
 */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"

/* ---- from the channel ---- */

static void on_urc(void *user, const struct lexer_line *line, const struct msg *msg)
{
	struct modem *m = user;

	if (bearer_urc(m, msg) || transparent_urc(m, msg) || send_urc(m, msg) ||
		receive_urc(m, line, msg) || links_urc(m, msg) || servers_urc(m, msg) ||
		ping_urc(m, msg))
		return;
	if (msg->kind == MSG_UNKNOWN) {
		char text[128];

		m->unknown_lines++;
		/* It may be the garbled echo of a PIN or a password. */
		if (channel_is_secret(&m->channels[0]))
			return;
		log_debug("%s: unknown line: %s", m->config->name,
			log_quote(text, sizeof(text), line->text, line->len));
	}
}

static void on_payload_begin(void *user, const struct lexer_header *h)
{
	struct modem *m = user;

	receive_begin(m, &m->channels[0], h);
}

static void on_payload(void *user, const uint8_t *p, size_t n)
{
	receive_payload(user, p, n);
}

static void on_payload_end(void *user)
{
	receive_end(user);
}

static void on_peeked(void *user, bool found)
{
	receive_peeked(user, found);
}

static void on_skew(void *user)
{
	struct modem *m = user;

	m->stray_bytes++;
	receive_skew(m);
}

static void on_overlong(void *user)
{
	struct modem *m = user;

	m->stray_bytes += LEXER_LINE_MAX;
	receive_damage(m, &m->channels[0], "an endless line");
}

static void on_raw(void *user, const uint8_t *p, size_t n)
{
	rawline_input(user, p, n);
}

static void on_tap(void *user, const struct modem_tap *t)
{
	struct modem *m = user;

	m->ops->tap(m->user, t);
}

static void on_settled(void *user)
{
	receive_line_over(user);
	modem_settled(user);
}

static void on_echo(void *user)
{
	bearer_echo(user);
}

static void sample(struct delays *d, usec_t v)
{
	d->v[d->at] = v;
	d->at = (d->at + 1) % DELAY_SAMPLES;
	if (d->n < DELAY_SAMPLES)
		d->n++;
}

static void on_turnaround(void *user, usec_t t)
{
	struct modem *m = user;

	if (m->bearer.step == STEP_TAU)
		sample(&m->tau, t);
}

static void on_prompt_delay(void *user, usec_t t)
{
	struct modem *m = user;

	sample(&m->prompt, t);
}

static void on_stalled(void *user)
{
	receive_stalled(user);
}

static void on_unanswered(void *user)
{
	receive_unanswered(user);
}

static void on_dead(void *user)
{
	recover_dead(user);
}

static const struct channel_ops channel_callbacks = {
	.urc = on_urc,
	.payload_begin = on_payload_begin,
	.payload = on_payload,
	.payload_end = on_payload_end,
	.peeked = on_peeked,
	.skew = on_skew,
	.overlong = on_overlong,
	.raw = on_raw,
	.settled = on_settled,
	.tap = on_tap,
	.echo = on_echo,
	.turnaround = on_turnaround,
	.prompt_delay = on_prompt_delay,
	.unanswered = on_unanswered,
	.dead = on_dead,
	.stalled = on_stalled,
};

/* ---- to the channel ---- */

/* Somebody waits for a name or an echo, and asking for it is short. */
static bool submit_question(struct modem *m, struct channel *ch)
{
	/* A session that is escaped is to go on soon. */
	if (m->session.state != SESSION_NONE)
		return false;
	return resolve_submit(m, ch) || ping_submit(m, ch) || at_submit(m, ch);
}

/* Control before data; sends and reads take turns, and one of them comes between two questions. */
static bool submit_up(struct modem *m, struct channel *ch)
{
	bool data;

	if (mode_submit(m, ch) || watch_verify(m, ch) || links_submit(m, ch) ||
		servers_submit(m, ch) || watch_submit(m, ch) || send_ack_submit(m, ch) ||
		(!m->yield && submit_question(m, ch)))
		return true;
	if (is_transparent(m)) {
		m->yield = false; /* data has the line or it has not */
		return transparent_submit_last(m, ch) || submit_question(m, ch);
	}
	m->turn ^= 1;
	data = m->turn ? send_submit(m, ch) || read_submit(m, ch) :
			 read_submit(m, ch) || send_submit(m, ch);
	m->yield = false;
	return data || submit_question(m, ch) || mode_return(m, ch);
}

static void submit(struct modem *m, struct channel *ch)
{
	if (!channel_free(ch))
		return;
	if (transparent_submit_first(m, ch))
		return;
	if (m->bearer.state == MODEM_STATE_UP)
		submit_up(m, ch);
	else if (at_submit(m, ch))
		return;
	else if (m->bearer.state != MODEM_STATE_STOPPING ||
		(!links_submit(m, ch) && !servers_submit(m, ch)))
		steps_submit(m, ch);
}

void modem_settled(struct modem *m)
{
	links_flush(m);
	ping_flush(m);
	at_flush(m);
	bearer_flush(m);
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		submit(m, &m->channels[i]);
	bearer_flush(m);
	servers_flush(m);
}

/* ---- public ---- */

struct modem *modem_new(const struct modem_config *config, const struct modem_ops *ops, void *user)
{
	struct modem *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->config = config;
	m->ops = ops;
	m->user = user;
	m->send.held = m->held;
	m->bearer.step = STEP_ABSENT;
	m->bearer.at = m->bearer.deadline = m->bearer.await = USEC_NEVER;
	m->bearer.watch_at = USEC_NEVER;
	m->bearer.ber = 99;
	for (unsigned i = 0; i < 3; i++)
		m->bearer.stat[i] = -1;
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		m->links[l] = (struct link){.deadline = USEC_NEVER, .result = -1};
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		channel_init(&m->channels[i], config->name, config->baud, &channel_callbacks, m);
	send_reset(m);
	ping_forget(m);
	receive_reset(m);
	servers_lost(m);
	mode_init(m);
	transparent_init(m);
	return m;
}

void modem_free(struct modem *m)
{
	free(m);
}

void modem_attach(struct modem *m, usec_t now)
{
	m->now = now;
	if (m->bearer.state != MODEM_STATE_ABSENT)
		return;
	for (unsigned i = 0; i < MODEM_CHANNELS; i++) {
		channel_reset(&m->channels[i]);
		lexer_reset(&m->channels[i].lexer);
	}
	receive_reset(m);
	literal_forget(m);
	ping_forget(m);
	mode_attach(m);
	bearer_goto(m, STEP_DRAIN, now);
}

void modem_detach(struct modem *m, usec_t now)
{
	m->now = now;
	if (m->bearer.state == MODEM_STATE_ABSENT || m->bearer.state == MODEM_STATE_STOPPED)
		return;
	log_info("%s: the tty is gone", m->config->name);
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		channel_reset(&m->channels[i]);
	bearer_detach(m);
	at_lost(m);
	send_reset(m);
	ping_lost(m);
	transparent_reset(m);
}

void modem_set_tap(struct modem *m, bool on)
{
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		tap_set(&m->channels[i].tap, on);
}

void modem_input(struct modem *m, usec_t now, const void *p, size_t n)
{
	m->now = now;
	m->rx_wire_bytes += n;
	rate_add(&m->rx_wire_rate, now, n);
	if (m->bearer.state == MODEM_STATE_ABSENT || m->bearer.state == MODEM_STATE_STOPPED)
		return;
	channel_input(&m->channels[0], now, p, n);
	modem_settled(m);
}

const uint8_t *modem_output(struct modem *m, size_t *n)
{
	return channel_output(&m->channels[0], n);
}

void modem_output_done(struct modem *m, usec_t now, size_t n)
{
	m->now = now;
	m->tx_wire_bytes += n;
	rate_add(&m->tx_wire_rate, now, n);
	channel_output_done(&m->channels[0], now, n);
	if (m->channels[0].state == CHANNEL_RAW)
		transparent_wrote(m, n);
}

void modem_run(struct modem *m, usec_t now)
{
	m->now = now;
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		channel_run(&m->channels[i], now);
	transparent_run(m);
	receive_run(m);
	mode_run(m);
	send_run(m);
	ping_run(m);
	at_run(m);
	links_run(m);
	servers_run(m);
	bearer_run(m);
	modem_settled(m);
}

usec_t modem_deadline(const struct modem *m)
{
	usec_t d = usec_min(links_deadline(m), bearer_deadline(m));

	d = usec_min(d, usec_min(servers_deadline(m), ping_deadline(m)));
	d = usec_min(d, usec_min(transparent_deadline(m), at_deadline(m)));
	for (unsigned i = 0; i < MODEM_CHANNELS; i++)
		d = usec_min(d, channel_deadline(&m->channels[i]));
	d = usec_min(d, usec_min(send_deadline(m), m->rx.deadline));
	return usec_min(d, usec_min(read_deadline(m), mode_deadline(m)));
}

void modem_power_done(struct modem *m, usec_t now, int status)
{
	m->now = now;
	if (status)
		log_error("%s: the power command failed with status %d", m->config->name, status);
	if (!m->bearer.power_wait)
		return;
	m->bearer.power_wait = false;
	if (m->bearer.state != MODEM_STATE_RECOVER && m->bearer.state != MODEM_STATE_PROBE)
		return; /* it took too long: the module has answered before */
	bearer_goto(m, STEP_DRAIN, m->now + SEC(1));
}

void modem_shutdown(struct modem *m, usec_t now)
{
	m->now = now;
	bearer_shutdown(m);
}

static usec_t median(const struct delays *d)
{
	usec_t v[DELAY_SAMPLES];

	if (d->n == 0)
		return 0;
	for (unsigned i = 0; i < d->n; i++) {
		unsigned k = i;

		for (; k && v[k - 1] > d->v[i]; k--)
			v[k] = v[k - 1];
		v[k] = d->v[i];
	}
	return v[d->n / 2];
}

void modem_rates(const struct modem *m, usec_t now, struct modem_rates *out)
{
	*out = (struct modem_rates){
		.tx_wire = rate_get(&m->tx_wire_rate, now),
		.rx_wire = rate_get(&m->rx_wire_rate, now),
		.tx_payload = rate_get(&m->tx_payload_rate, now),
		.rx_payload = rate_get(&m->rx_payload_rate, now),
	};
}

void modem_status(const struct modem *m, struct modem_status *out)
{
	const struct bearer *b = &m->bearer;
	const struct channel *ch = &m->channels[0];

	*out = (struct modem_status){
		.state = b->state,
		.since = b->since,
		.failure = b->failure,
		.reason = b->reason[0] ? b->reason : modem_state_awaits(b->state),
		.address = b->address,
		.dns = b->dns,
		.n_dns = b->n_dns,
		.receive = m->mode.now,
		.receive_configured = m->config->receive,
		.buffer_time = mode_time(m),
		.switches = m->mode.switches,
		.transparent = transparent_state_name(m),
		.model = b->model,
		.revision = b->revision,
		.operator = b->operator,
		.technology = b->technology,
		.rssi_dbm = b->rssi_dbm,
		.ber = b->ber,
		.creg = b->stat[0],
		.cgreg = b->stat[1],
		.cereg = b->stat[2],
		.turnaround = median(&m->tau),
		.ping_rtt = m->ping.last_rtt,
		.prompt_delay = median(&m->prompt),
		.rung = b->rung,
		.rung_name = modem_rung_name(b->rung),
		.recoveries = b->recoveries,
		.boots = b->boots,
		.commands = ch->commands,
		.timeouts = ch->timeouts,
		.resyncs = ch->resyncs,
		.unknown_lines = m->unknown_lines,
		.stray_bytes = m->stray_bytes,
		.tx_wire_bytes = m->tx_wire_bytes,
		.rx_wire_bytes = m->rx_wire_bytes,
		.tx_payload_bytes = m->tx_payload_bytes,
		.rx_payload_bytes = m->rx_payload_bytes,
		.rx_unclaimed_bytes = m->rx_unclaimed_bytes,
		.short_confirms = m->short_confirms,
		.escapes = m->session.escapes,
		.false_ends = m->session.false_ends,
	};
	memcpy(out->rung_counts, b->rung_counts, sizeof(out->rung_counts));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AT+CIPSEND and AT+CIPACK (a76xx-at 5 and 11).
 *
 * The dialogue: CIPSEND is checked, MODE_PROMPT until the prompt is due, MODE_ENTRY until the
 * payload is complete, MODE_BUSY until OK. Then the bytes go into the link's send buffer and a
 * struct confirm stands for the +CIPSEND line that is owed:
 *
 *  ROOM   the rest of the payload waits for room (tx_full=delay)   CIPTIMEOUT: cnf = what went in
 *  ACK    waits for the peer (CIPSENDMODE=1)                       CIPTIMEOUT: cnf = 0
 *  TIME   waits for send_confirm_delay_ms
 *  NEVER  is not told (send_confirm=never), but keeps the module busy   CIPTIMEOUT: forgotten
 *
 * A confirm whose link closed is told as -1 at once.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "sim.h"

#define POLL_ACKS (5 * MS)
#define TOLD_LONG_AGO (100 * MS)
#define CTRL_Z 0x1a
#define ESC 0x1b
#define ETX 0x03

static timer_fn prompt, entry_timeout, send_ok;

/* --- the send buffer of a TCP link --- */

static size_t unacked_in_kernel(const struct link *k)
{
	int n = 0;

	if (k->fd < 0 || ioctl(k->fd, SIOCOUTQ, &n) < 0 || n < 0)
		return 0;
	return (size_t)n;
}

size_t link_tx_room(const struct sim *sim, int l)
{
	const struct link *k = &sim->link[l];
	size_t limit = (size_t)knob_num(&sim->knobs, KNOB_TX_BUFFER);
	size_t used = k->tx_len + unacked_in_kernel(k);

	return used < limit ? limit - used : 0;
}

uint64_t link_acked(const struct sim *sim, int l)
{
	const struct link *k = &sim->link[l];
	uint64_t waiting = k->tx_len + (k->udp ? 0 : unacked_in_kernel(k));

	return waiting < k->sent ? k->sent - waiting : 0;
}

/* A token for n bytes of the uplink (knob uplink_bps). */
static void spend_uplink(struct sim *sim, size_t n)
{
	long bps = knob_num(&sim->knobs, KNOB_UPLINK);
	int64_t *clock = &sim->send.uplink_clock;

	if (!bps)
		return;
	if (*clock < sim->now)
		*clock = sim->now;
	*clock += (int64_t)n * 8000 * MS / bps;
}

void link_flush(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];

	while (k->tx_len && k->fd >= 0 && sim->send.uplink_clock <= sim->now) {
		size_t n = LINK_BUFFER_MAX - k->tx_head;
		ssize_t r;

		n = n < k->tx_len ? n : k->tx_len;
		n = n < 1460 ? n : 1460;
		r = send(k->fd, k->tx + k->tx_head, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r < 0 && errno != EAGAIN && errno != EINTR) {
			k->tx_len = 0;
			if (k->state == LINK_OPEN)
				link_remote_closed(sim, l, 1);
			return;
		}
		if (r <= 0)
			return;
		spend_uplink(sim, (size_t)r);
		k->tx_head = (k->tx_head + (size_t)r) % LINK_BUFFER_MAX;
		k->tx_len -= (size_t)r;
	}
}

size_t link_queue(struct sim *sim, int l, const uint8_t *p, size_t n)
{
	struct link *k = &sim->link[l];
	size_t room = link_tx_room(sim, l);

	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++)
		k->tx[(k->tx_head + k->tx_len + i) % LINK_BUFFER_MAX] = p[i];
	k->tx_len += n;
	k->sent += n;
	link_flush(sim, l);
	return n;
}

/* --- confirmations --- */

static struct confirm *confirm_new(struct sim *sim)
{
	for (int i = 0; i < CONFIRMS_MAX; i++)
		if (sim->send.confirm[i].state == CONFIRM_FREE)
			return &sim->send.confirm[i];
	return NULL;
}

static bool confirm_pending(const struct sim *sim, int l)
{
	for (int i = 0; i < CONFIRMS_MAX; i++)
		if (sim->send.confirm[i].state != CONFIRM_FREE &&
			(l < 0 || sim->send.confirm[i].link == l))
			return true;
	return false;
}

bool send_unconfirmed(const struct sim *sim)
{
	return confirm_pending(sim, -1);
}

static void confirm_tell(struct sim *sim, struct confirm *c, long cnf)
{
	c->state = CONFIRM_FREE;
	urc(sim, "+CIPSEND: %d,%ld,%ld", c->link, c->req, cnf);
}

static bool waits_for_ack(const struct sim *sim)
{
	return sim->module.sendmode || knob_is(&sim->knobs, KNOB_SEND_CONFIRM_DELAY, "at_ack");
}

/* All that will go in is in the buffer: what is the line waiting for now? */
static void confirm_buffered(struct sim *sim, struct confirm *c)
{
	c->state = CONFIRM_TIME;
	if (waits_for_ack(sim) && !sim->link[c->link].udp) {
		c->state = CONFIRM_ACK;
		c->ack_target = sim->link[c->link].sent;
		c->due += knob_num(&sim->knobs, KNOB_RTT) * MS;
	}
}

static void confirm_room(struct sim *sim, struct confirm *c)
{
	size_t n = link_queue(sim, c->link, c->data + c->off, c->len - c->off);

	c->off += n;
	if (sim->link[c->link].gen != c->gen)
		return; /* the peer went away under it: the next round tells */
	if (c->off == c->len)
		confirm_buffered(sim, c);
	else if (sim->now >= c->deadline)
		confirm_tell(sim, c, (long)c->off);
}

static void confirm_run(struct sim *sim, struct confirm *c)
{
	if (sim->link[c->link].gen != c->gen) {
		if (c->state == CONFIRM_NEVER)
			c->state = CONFIRM_FREE;
		else
			confirm_tell(sim, c, -1);
		return;
	}
	if (c->state == CONFIRM_ROOM)
		confirm_room(sim, c);
	if (c->state == CONFIRM_TIME && sim->now >= c->due)
		confirm_tell(sim, c, c->cnf);
	else if (c->state == CONFIRM_ACK && sim->now >= c->due &&
		 link_acked(sim, c->link) >= c->ack_target)
		confirm_tell(sim, c, c->cnf);
	else if (c->state == CONFIRM_ACK && sim->now >= c->deadline)
		confirm_tell(sim, c, 0);
	else if (c->state == CONFIRM_NEVER && sim->now >= c->deadline)
		c->state = CONFIRM_FREE;
}

void confirms_run(struct sim *sim)
{
	for (int i = 0; i < CONFIRMS_MAX; i++)
		if (sim->send.confirm[i].state != CONFIRM_FREE)
			confirm_run(sim, &sim->send.confirm[i]);
}

int64_t confirms_deadline(const struct sim *sim)
{
	int64_t next = NEVER, at;

	for (int i = 0; i < CONFIRMS_MAX; i++) {
		const struct confirm *c = &sim->send.confirm[i];

		if (c->state == CONFIRM_FREE)
			continue;
		if (c->state == CONFIRM_TIME)
			at = c->due;
		else if (c->state == CONFIRM_NEVER)
			at = c->deadline;
		else
			at = sim->now + POLL_ACKS;
		next = at < next ? at : next;
	}
	return next;
}

/* --- the dialogue --- */

/* How many bytes to confirm (knobs send_confirm, short_confirm_once); -1: disconnected. */
static long confirm_limit(struct sim *sim, long req)
{
	char err[128];
	long once = knob_num(&sim->knobs, KNOB_SHORT_CONFIRM_ONCE);

	if (!knob_is(&sim->knobs, KNOB_SHORT_CONFIRM_ONCE, "off")) {
		knobs_set(&sim->knobs, "short_confirm_once=off", err, sizeof(err));
		return once < req ? once : req;
	}
	if (knob_is(&sim->knobs, KNOB_SEND_CONFIRM, "full") ||
		knob_is(&sim->knobs, KNOB_SEND_CONFIRM, "never"))
		return req;
	once = knob_num(&sim->knobs, KNOB_SEND_CONFIRM);
	return once < req ? once : req;
}

static void send_datagram(struct sim *sim, int l)
{
	struct send *s = &sim->send;
	struct link *k = &sim->link[l];

	k->sent += (uint64_t)s->got;
	k->peer = s->to;
	if (prng_chance(&sim->knobs.rng, knob_real(&sim->knobs, KNOB_LOSS)))
		return;
	spend_uplink(sim, (size_t)s->got);
	if (sendto(k->fd, s->data, (size_t)s->got, MSG_NOSIGNAL | MSG_DONTWAIT, &s->to.sa,
		    address_len(&s->to)) < 0)
		sim->journal.stats.dropped += (uint64_t)s->got;
}

/* What of the payload enters a TCP link's buffer now, and what the +CIPSEND line waits for. */
static void fill_buffer(struct sim *sim, struct confirm *c, long limit)
{
	struct send *s = &sim->send;
	size_t room = link_tx_room(sim, c->link);
	bool fits = (size_t)limit <= room;

	if (!fits && knob_is(&sim->knobs, KNOB_TX_FULL, "zero"))
		limit = 0;
	else if (!fits && knob_is(&sim->knobs, KNOB_TX_FULL, "partial"))
		limit = (long)room;
	c->cnf = limit;
	c->len = (size_t)limit;
	c->off = 0;
	memcpy(c->data, s->data, c->len);
	c->state = CONFIRM_ROOM;
	confirm_room(sim, c);
}

static void send_accept(struct sim *sim, int64_t arrived)
{
	struct send *s = &sim->send;
	struct confirm *c = confirm_new(sim);
	long limit = confirm_limit(sim, s->got);

	if (!c)
		return;
	c->link = s->link;
	c->gen = s->gen;
	c->req = c->cnf = s->got;
	c->due = arrived + knob_num(&sim->knobs, KNOB_SEND_CONFIRM_DELAY) * MS;
	c->deadline = sim->now + sim->module.timeout[2] * MS;
	c->state = CONFIRM_TIME;
	if (limit < 0) {
		link_free(sim, s->link, true);
		return;
	}
	if (sim->link[s->link].udp) {
		send_datagram(sim, s->link);
		c->cnf = limit;
	} else {
		fill_buffer(sim, c, limit);
	}
	if (c->state != CONFIRM_FREE && knob_is(&sim->knobs, KNOB_SEND_CONFIRM, "never"))
		c->state = CONFIRM_NEVER;
}

/* The link went away after the prompt: knob send_after_ipclose (T13). */
static void send_to_closed(struct sim *sim)
{
	struct send *s = &sim->send;

	if (knob_is(&sim->knobs, KNOB_SEND_AFTER_IPCLOSE, "error")) {
		final_result(sim, "ERROR");
		return;
	}
	final_result(sim, "OK");
	if (knob_is(&sim->knobs, KNOB_SEND_AFTER_IPCLOSE, "minus1"))
		urc(sim, "+CIPSEND: %d,%ld,-1", s->link, s->got);
}

static void send_ok(struct sim *sim, int a, unsigned b)
{
	struct send *s = &sim->send;
	(void)a;
	(void)b;
	sim->journal.stats.sends++;
	if (s->closed_meanwhile) {
		send_to_closed(sim);
		return;
	}
	sim->journal.stats.data_from_host += (uint64_t)s->got;
	final_result(sim, "OK");
	send_accept(sim, s->complete_at);
	if (knob_is(&sim->knobs, KNOB_PUSH_BETWEEN, "possible"))
		receive_now(sim);
	confirms_run(sim);
}

static void send_complete(struct sim *sim, int64_t at)
{
	int64_t delay = knob_num(&sim->knobs, KNOB_SEND_CONFIRM_DELAY);

	timer_cancel(&sim->timers, entry_timeout);
	sim->parser.ctrlz_ok = !sim->send.variable;
	sim->send.complete_at = at;
	parser_mode(sim, MODE_BUSY);
	/* OK itself takes 3 ms at most (a76xx-at 15); a longer delay is that of the confirmation */
	timer_set(&sim->timers, at + (delay < 3 ? delay : 3) * MS, send_ok, 0, 0);
}

static void entry_timeout(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	if (sim->parser.mode == MODE_ENTRY)
		final_result(sim, "ERROR");
}

static void prompt_print(struct sim *sim)
{
	static const struct {
		const char *form, *text;
	} forms[] = {{"crlf", "\r\n>"}, {"crlf_blank", "\r\n> "}, {"bare", ">"},
		{"bare_blank", "> "}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (knob_is(&sim->knobs, KNOB_PROMPT_FORM, forms[i].form))
			line_write(sim, forms[i].text, strlen(forms[i].text));
}

static void prompt(struct sim *sim, int a, unsigned b)
{
	struct send *s = &sim->send;
	long limit = knob_num(&sim->knobs, KNOB_DATA_ENTRY_TIMEOUT);

	(void)a;
	(void)b;
	if (!knob_is(&sim->knobs, KNOB_PROMPT_DELAY, "never")) {
		prompt_print(sim);
		urc_perhaps(sim);
	}
	s->entered = sim->now;
	parser_mode(sim, MODE_ENTRY);
	if (limit)
		timer_set(&sim->timers, sim->now + limit * MS, entry_timeout, 0, 0);
	if (!s->variable && s->got >= s->want)
		send_complete(sim, sim->now);
}

/* Counted payload has it all, Ctrl+Z form stops at its bound. */
static void payload_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	struct send *s = &sim->send;

	if (s->got < s->want)
		s->data[s->got++] = byte;
	if (sim->module.echo && knob_is(&sim->knobs, KNOB_ECHO_PAYLOAD, "on"))
		line_write(sim, &byte, 1);
	if (s->got == s->want / 2 && module_reset_due(sim, "send"))
		return;
	if (!s->variable && s->got == s->want && sim->parser.mode == MODE_ENTRY)
		send_complete(sim, at);
}

static void variable_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	struct send *s = &sim->send;

	if (!s->escaped && byte == ETX) {
		s->escaped = true;
		return;
	}
	if (!s->escaped && byte == CTRL_Z && s->got > 0) {
		send_complete(sim, at);
	} else if (!s->escaped && (byte == ESC || byte == CTRL_Z)) {
		timer_cancel(&sim->timers, entry_timeout);
		final_result(sim, "ERROR");
	} else {
		payload_byte(sim, byte, at);
	}
	s->escaped = false;
}

/* The LF of a CRLF: knob lf_after_cr. It comes in the byte time after the CR; a payload that begins
 * with LF comes later, because the host has to see the prompt first. */
static bool swallow_lf(struct sim *sim, uint8_t byte, int64_t at)
{
	bool after_cr = sim->parser.after_cr;
	int64_t next = sim->line.baud ? 10000 * MS / sim->line.baud : 0;

	sim->parser.after_cr = false;
	if (!after_cr || byte != '\n' || at - sim->parser.arrived > next)
		return false;
	mistake(sim, "lf after cr", "after CIPSEND");
	return knob_is(&sim->knobs, KNOB_LF_AFTER_CR, "swallowed");
}

/* A command typed into data entry: it comes after a long silence and starts like one. */
static void suspect_command(struct sim *sim, uint8_t byte, int64_t at)
{
	static const char start[] = "AT+";
	struct send *s = &sim->send;

	if (at - s->last_byte >= 1000 * MS && s->got > 0)
		s->probe = 0;
	s->last_byte = at;
	if (s->probe < 0)
		return;
	s->probe = byte == (uint8_t)start[s->probe] ? s->probe + 1 : -1;
	if (s->probe == 3) {
		mistake(sim, "command in data mode", "%ld of %ld payload bytes were missing",
			s->want - s->got, s->want);
		s->probe = -1;
	}
}

void send_payload(struct sim *sim, uint8_t byte, int64_t at)
{
	if (swallow_lf(sim, byte, at))
		return;
	suspect_command(sim, byte, at);
	if (sim->send.variable)
		variable_byte(sim, byte, at);
	else
		payload_byte(sim, byte, at);
}

/* Payload before the prompt: knob early_bytes (a76xx-at 5.2). */
void send_early(struct sim *sim, uint8_t byte, int64_t at)
{
	struct send *s = &sim->send;
	const struct knobs *k = &sim->knobs;

	if (swallow_lf(sim, byte, at))
		return;
	if (!sim->parser.warned) {
		sim->parser.warned = true;
		mistake(sim, "payload before the prompt", "link %d", s->link);
	}
	if (knob_is(k, KNOB_EARLY_BYTES, "abort")) {
		timer_cancel(&sim->timers, prompt);
		final_result(sim, "ERROR");
		return;
	}
	if (knob_is(k, KNOB_EARLY_BYTES, "dropped") ||
		(knob_is(k, KNOB_EARLY_BYTES, "drop") &&
			s->dropped++ < knob_num(k, KNOB_EARLY_BYTES)))
		return;
	if (s->got < s->want)
		payload_byte(sim, byte, at);
	else
		mistake(sim, "payload longer than asked", "link %d", s->link);
}

void send_link_closed(struct sim *sim, int l)
{
	enum mode mode = sim->parser.mode;

	if (sim->send.link == l &&
		(mode == MODE_PROMPT || mode == MODE_ENTRY || mode == MODE_BUSY))
		sim->send.closed_meanwhile = true;
}

void send_reset(struct sim *sim)
{
	for (int i = 0; i < CONFIRMS_MAX; i++)
		sim->send.confirm[i].state = CONFIRM_FREE;
	sim->send.link = -1;
	sim->send.uplink_clock = 0;
}

/* The checks that need no length; 0 or the error code of 12.2. */
static int send_refused(struct sim *sim, int l)
{
	const struct link *k = &sim->link[l];
	const struct knobs *n = &sim->knobs;
	bool module = knob_is(n, KNOB_SEND_BUSY_SCOPE, "module");

	if (!service_open(sim))
		return (int)knob_num(n, KNOB_SEND_ERR_CLOSED);
	if (k->state != LINK_OPEN) {
		if (k->told_at && sim->now - k->told_at > TOLD_LONG_AGO)
			mistake(sim, "send on a closed link", "link %d", l);
		return 4;
	}
	if ((!knob_is(n, KNOB_SEND_BUSY_SCOPE, "none") && confirm_pending(sim, module ? -1 : l)) ||
		!confirm_new(sim)) {
		mistake(sim, "send before the last one was confirmed", "link %d", l);
		return 8;
	}
	return 0;
}

/* The length: 0, or -1 when it is above the limit, or error 3. */
static int send_length(struct sim *sim, const struct call *call)
{
	struct send *s = &sim->send;
	long max = knob_num(&sim->knobs, KNOB_SEND_MAX);

	s->variable = call->args > 1 && !arg_given(call, 1);
	s->want = max;
	if (s->variable)
		return 0;
	if (!arg_int(call, 1, 1, 1000000, &s->want))
		return 3;
	if (s->want <= max)
		return 0;
	mistake(sim, "send over the limit", "%ld of %ld", s->want, max);
	if (knob_is(&sim->knobs, KNOB_SEND_OVERLEN, "clamp")) {
		s->want = max;
		return 0;
	}
	return knob_is(&sim->knobs, KNOB_SEND_OVERLEN, "error") ? -1 : 3;
}

static int send_destination(struct sim *sim, int l, const struct call *call)
{
	bool ip6 = knob_is(&sim->knobs, KNOB_IPV6, "on") && sim->module.socket_ip6;
	long port;

	if (!sim->link[l].udp)
		return 0;
	if (!arg_given(call, 2) || !arg_int(call, 3, 1, 65535, &port) ||
		!literal_form(sim, call->arg[2].text) ||
		!address_parse(call->arg[2].text, port, &sim->send.to))
		return 3;
	return sim->send.to.sa.sa_family == (ip6 ? AF_INET6 : AF_INET) ? 0 : 1;
}

enum result cmd_cipsend(struct sim *sim, const struct call *call)
{
	struct send *s = &sim->send;
	int64_t delay = knob_num(&sim->knobs, KNOB_PROMPT_DELAY) * MS;
	long l;
	int e;

	if (call->form == FORM_READ)
		return RESULT_OK;
	if (!arg_int(call, 0, 0, knob_num(&sim->knobs, KNOB_LINKS) - 1, &l))
		return ip_error(sim, 12);
	e = send_refused(sim, (int)l);
	if (!e)
		e = send_length(sim, call);
	if (!e && s->variable && sim->link[l].accepted)
		e = 3; /* note 3.4.2: fixed length only */
	if (!e)
		e = send_destination(sim, (int)l, call);
	if (e)
		return e < 0 ? RESULT_ERROR : cip_error(sim, e);
	s->link = (int)l;
	s->gen = sim->link[l].gen;
	s->got = s->dropped = 0;
	s->probe = -1;
	s->last_byte = sim->now;
	s->escaped = s->closed_meanwhile = false;
	parser_mode(sim, MODE_PROMPT);
	timer_set(&sim->timers, sim->parser.arrived + delay, prompt, 0, 0);
	return RESULT_SILENT;
}

enum result cmd_cipack(struct sim *sim, const struct call *call)
{
	uint64_t sent, acked, third;
	long l;

	if (knob_is(&sim->knobs, KNOB_CIPACK, "error"))
		return RESULT_ERROR;
	if (!arg_int(call, 0, 0, knob_num(&sim->knobs, KNOB_LINKS) - 1, &l))
		return ip_error(sim, 12);
	if (!link_open(sim, (int)l))
		return ip_error(sim, 11);
	sent = sim->link[l].sent;
	acked = link_acked(sim, (int)l);
	third = sent - acked;
	if (knob_is(&sim->knobs, KNOB_CIPACK_THIRD, "received"))
		third = sim->link[l].received;
	say(sim, "+CIPACK: %llu,%llu,%llu", (unsigned long long)sent, (unsigned long long)acked,
		(unsigned long long)third);
	return RESULT_OK;
}

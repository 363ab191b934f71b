/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation: after CONNECT every byte of the line belongs to link 0. A '+' after the
 * guard time is held back; three of them, close together and followed by the guard time, are the
 * escape (note 1.5.4). Whatever breaks the pattern turns the held ones into data, in order. Bytes
 * are gathered in a small buffer and handed to the link once per round of the loop; when the
 * link's send buffer is full they are lost, as on a line without flow control, unless the knob
 * says that the host honours RTS.
 */
#include "online.h"

#include <string.h>
#include <sys/socket.h>

#include "sim.h"

#define UDP_GATHER (20 * MS)
#define PROBE_SILENCE (200 * MS)

static timer_fn escape_check, plus_expired;

static int64_t guard(const struct sim *sim)
{
	return knob_num(&sim->knobs, KNOB_ESCAPE_GUARD) * MS;
}

static void data_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	struct online *o = &sim->online;

	if (o->kept_len == sizeof(o->kept))
		online_flush(sim);
	if (o->kept_len == sizeof(o->kept)) {
		sim->journal.stats.dropped++;
		return;
	}
	o->kept[o->kept_len++] = byte;
	o->kept_at = at;
	sim->journal.stats.data_from_host++;
}

static void pluses_are_data(struct sim *sim, int64_t at)
{
	for (; sim->online.plus > 0; sim->online.plus--)
		data_byte(sim, '+', at);
}

/* A host that sends commands without having left data mode. */
static void suspect_command(struct sim *sim, uint8_t byte, int64_t gap)
{
	struct online *o = &sim->online;

	if (gap >= PROBE_SILENCE)
		o->probe = 1;
	if (o->probe == 1)
		o->probe = byte == 'A' ? 2 : 0;
	else if (o->probe == 2)
		o->probe = byte == 'T' ? 3 : 0;
	else if (o->probe == 3) {
		if (byte == '+' || byte == '\r' || byte == 'E')
			mistake(sim, "command in data mode", "transparent");
		o->probe = 0;
	}
}

static void plus_expired(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	if (sim->online.plus < 3 && sim->now - sim->online.last >= guard(sim) * 9 / 10)
		pluses_are_data(sim, sim->now);
}

static void escape_check(struct sim *sim, int a, unsigned b)
{
	struct online *o = &sim->online;

	(void)a;
	(void)b;
	if (sim->parser.mode != MODE_ONLINE || o->plus != 3 || sim->now - o->last < guard(sim))
		return;
	o->plus = 0;
	online_flush(sim);
	parser_reset(sim);
	final_result(sim, "OK");
	urcs_release(sim);
}

void online_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	struct online *o = &sim->online;
	int64_t gap = at - o->last;

	o->last = at;
	suspect_command(sim, byte, gap);
	if (o->plus > 0 && (byte != '+' || o->plus == 3 || gap >= guard(sim) * 9 / 10))
		pluses_are_data(sim, at);
	if (byte == '+' && (o->plus > 0 || gap >= guard(sim))) {
		o->plus++;
		if (o->plus == 3)
			timer_set(&sim->timers, at + guard(sim), escape_check, 0, 0);
		else
			timer_set(&sim->timers, at + guard(sim) * 9 / 10, plus_expired, 0, 0);
		return;
	}
	data_byte(sim, byte, at);
}

static size_t to_link(struct sim *sim)
{
	struct online *o = &sim->online;
	struct link *k = &sim->link[0];

	if (!k->udp)
		return link_queue(sim, 0, o->kept, o->kept_len);
	if (o->kept_len < sizeof(o->kept) && sim->now < o->kept_at + UDP_GATHER)
		return 0;
	k->sent += o->kept_len;
	if (sendto(k->fd, o->kept, o->kept_len, MSG_NOSIGNAL | MSG_DONTWAIT, &k->peer.sa,
		    address_len(&k->peer)) < 0)
		sim->journal.stats.dropped += o->kept_len;
	return o->kept_len;
}

static void flush_again(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	online_flush(sim);
}

void online_flush(struct sim *sim)
{
	struct online *o = &sim->online;
	size_t n;

	if (!o->session || !o->kept_len || !link_open(sim, 0))
		return;
	n = to_link(sim);
	n = n < o->kept_len ? n : o->kept_len;
	memmove(o->kept, o->kept + n, o->kept_len - n);
	o->kept_len -= n;
	timer_cancel(&sim->timers, flush_again);
	if (o->kept_len)
		timer_set(&sim->timers, sim->now + 5 * MS, flush_again, 0, 0);
}

bool online_full(const struct sim *sim)
{
	return sim->parser.mode == MODE_ONLINE &&
	       sim->online.kept_len == sizeof(sim->online.kept) &&
	       knob_is(&sim->knobs, KNOB_FLOW_CONTROL, "rtscts");
}

void online_enter(struct sim *sim)
{
	struct online *o = &sim->online;

	say(sim, "CONNECT %ld", line_nominal_baud(sim));
	o->session = true;
	o->plus = 0;
	o->probe = 0;
	o->last = sim->now;
	parser_mode(sim, MODE_ONLINE);
}

void online_leave(struct sim *sim)
{
	struct online *o = &sim->online;

	o->session = false;
	o->kept_len = 0;
	o->plus = 0;
	if (sim->parser.mode != MODE_ONLINE)
		return;
	parser_reset(sim);
	parser_mode(sim, MODE_COMMAND);
	urcs_release(sim);
}

/* a76xx-at 9: what a remote close looks like is a knob. */
void online_closed(struct sim *sim)
{
	const struct knobs *k = &sim->knobs;

	if (knob_is(k, KNOB_TRANSPARENT_CLOSE, "no_carrier"))
		say(sim, "NO CARRIER");
	else
		say(sim, "CLOSED");
	if (knob_is(k, KNOB_TRANSPARENT_CLOSE, "closed_ipclose"))
		say(sim, "+IPCLOSE: 0,1");
	sim->link[0].told_at = sim->now;
	online_leave(sim);
}

/* note 1.5.4 and 4.2: AT&D1 escapes, AT&D2 closes the link with reason 2. */
void online_dtr(struct sim *sim)
{
	if (sim->parser.mode != MODE_ONLINE)
		return;
	if (sim->module.dtr_action == 1) {
		parser_reset(sim);
		final_result(sim, "OK");
		urcs_release(sim);
	} else if (sim->module.dtr_action == 2) {
		link_free(sim, 0, false);
		link_tell_closed(sim, 0, 2);
	}
}

void online_reset(struct sim *sim)
{
	memset(&sim->online, 0, sizeof(sim->online));
}

enum result cmd_ato(struct sim *sim, const struct call *call)
{
	(void)call;
	if (sim->online.session && link_open(sim, 0))
		online_enter(sim);
	else
		final_result(sim, "NO CARRIER");
	return RESULT_SILENT;
}

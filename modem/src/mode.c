/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which receive mode is in force, and the way from one to the other with links open.
 *
 * Theory of operation
 *
 *   change        entered by                          ends by        then
 *   STEADY
 *   WANTS_BUFFER  the owner at its high mark;         written        TO_BUFFER
 *                 headers that name no link
 *   TO_BUFFER     AT+CIPRXGET=1 written               OK             STEADY, buffer
 *                                                     ERROR          STEADY, push: not asked again
 *                                                     time-out       WANTS_BUFFER; the third: ladder
 *   TO_PUSH       AT+CIPRXGET=0, when no TCP link     OK             STEADY, push
 *                 is left (or all are read empty)     ERROR          STEADY, buffer for this boot
 *                                                     time-out       WANTS_BUFFER
 *
 * To buffer: the command goes before all others, but one may be in flight, so the owner must have
 * room for what is pushed until then. What the module says between command and OK may belong to
 * either mode; so may it when no answer came. A pushed header is believed before the OK and behind it: at once if the firmware names
 * the source before the header, because that tells it from a notification of the same shape
 * ("+RECEIVE,l,n", AT reference 7.1), else for GRACE. A link that the peer closes while the command
 * is in flight or its outcome in doubt is drained, for the module may hold data already. After the OK every link is read
 * once, because no notification may have been said for what came in between; and a UDP link with
 * several remotes is closed, because a datagram has no source any more (decision 9).
 *
 * Back to push: what comes to a link between its last read and the OK is stranded in the module
 * until buffer mode is back, and pushed data would overtake it. With no TCP link that is at worst a
 * late datagram. A notification tells of it, before the OK or for GRACE behind it: the switch is made
 * again, the link read, and a stream that was overtaken meanwhile is reset. So is one whose rest
 * cannot be read because the module refuses the switch.
 */
#include "private.h"

#include "util/log.h"

#define GRACE SEC(1)
#define TRIES_MAX 3
#define RETURN_PAUSE SEC(2) /* after a return that stranded data */
#define EMPTY_TIME SEC(1)   /* a stream that paused so long may rest for longer */

static enum modem_receive configured(const struct modem *m)
{
	if (m->config->receive != MODEM_RECEIVE_AUTO)
		return m->config->receive;
	return m->config->hex ? MODEM_RECEIVE_BUFFER : MODEM_RECEIVE_PUSH;
}

/* Switching is the driver's business only if nobody has fixed the mode. */
static bool is_adaptive(const struct modem *m)
{
	return m->config->receive == MODEM_RECEIVE_AUTO && !m->config->hex;
}

static struct lexer *lexer_of(struct modem *m)
{
	return &m->channels[0].lexer;
}

/* @to is another one than before. */
static void put(struct modem *m, enum modem_receive to)
{
	struct mode *s = &m->mode;

	if (to == MODEM_RECEIVE_BUFFER)
		s->since = m->now;
	else
		s->spent += m->now - s->since;
	s->now = to;
}

static void set(struct modem *m, enum modem_receive to)
{
	if (to == m->mode.now)
		return;
	put(m, to);
	m->ops->mode_changed(m->user, to);
}

void mode_reset(struct modem *m)
{
	struct mode *s = &m->mode;

	s->change = MODE_STEADY;
	s->needed = s->stay = s->refused = s->late = false;
	s->tries = 0;
	s->grace = USEC_NEVER;
	s->back_at = 0;
}

void mode_init(struct modem *m)
{
	m->mode.now = configured(m);
}

void mode_attach(struct modem *m)
{
	if (m->mode.since == 0)
		m->mode.since = m->now;
}

void mode_boot(struct modem *m)
{
	mode_reset(m);
	lexer_of(m)->push = true;
	set(m, configured(m)); /* what a boot refused the next one may grant */
}

bool mode_is_buffer(const struct modem *m)
{
	return m->mode.now == MODEM_RECEIVE_BUFFER;
}

bool mode_holds_data(const struct modem *m)
{
	const struct mode *s = &m->mode;

	return mode_is_buffer(m) || s->change == MODE_TO_BUFFER ||
		(s->change == MODE_WANTS_BUFFER && s->tries > 0);
}

bool mode_returns(const struct modem *m)
{
	return mode_is_buffer(m) && m->mode.change != MODE_STEADY;
}

/* ---- push headers in buffer mode ---- */

void mode_push_begins(struct modem *m)
{
	if (m->mode.late || mode_returns(m))
		lexer_of(m)->push = true;
}

void mode_push_over(struct modem *m)
{
	const struct mode *s = &m->mode;

	if (mode_is_buffer(m) && s->late && !mode_returns(m) && s->grace == USEC_NEVER &&
		!m->rx.from_valid)
		lexer_of(m)->push = false;
}

/* ---- push to buffer ---- */

static void want(struct modem *m)
{
	if (m->mode.change != MODE_STEADY)
		return;
	m->mode.tries = 0;
	m->mode.change = MODE_WANTS_BUFFER;
}

void mode_needs_buffer(struct modem *m)
{
	if (mode_is_buffer(m))
		return;
	m->mode.needed = m->mode.stay = true;
	want(m);
}

void mode_refuse_push(struct modem *m)
{
	m->mode.stay = true;
	set(m, MODEM_RECEIVE_BUFFER);
}

static void enter_buffer(struct modem *m)
{
	struct mode *s = &m->mode;

	s->needed = false;
	s->late = true;
	s->grace = m->rx.place == SOURCE_BEFORE ? USEC_NEVER : after(m, GRACE);
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		struct link *k = &m->links[l];

		k->rx_hint = k->rx_hint || link_alive(k);
		k->rx_paused = false;
		if (k->type == MODEM_LINK_UDP && k->many)
			link_close(m, l, MODEM_CLOSE_DATA, false);
	}
	if (!mode_is_buffer(m)) {
		s->switches++;
		put(m, MODEM_RECEIVE_BUFFER);
		links_flush(m); /* who hears of an end asks for the mode */
		m->ops->mode_changed(m->user, m->mode.now);
	}
	mode_push_over(m);
}

/* Nothing is held back but what is stranded, so what seemed to drain is over. The owner hears that it
 * stays as it is. */
static void refused(struct modem *m)
{
	m->mode.refused = true;
	log_warn("%s: the module does not change to buffer mode with links open", m->config->name);
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		struct link *k = &m->links[l];

		if (k->phase == LINK_DRAIN)
			link_close(m, l, k->rx_stranded ? MODEM_CLOSE_DATA : k->end, k->gone);
		else if (k->rx_stranded)
			receive_lost(m, l);
		k->rx_stranded = false;
	}
	m->ops->mode_changed(m->user, m->mode.now);
}

/* Whether it was obeyed is not known; it does no harm twice. */
static void repeat(struct modem *m)
{
	struct mode *s = &m->mode;

	s->change = MODE_WANTS_BUFFER;
	if (++s->tries == TRIES_MAX)
		recover(m, "the receive mode cannot be set");
}

/* The bring-up will set the mode in force, whatever the module was told before. */
void mode_links_lost(struct modem *m)
{
	struct mode *s = &m->mode;

	if (s->change == MODE_STEADY || s->change == MODE_WANTS_BUFFER)
		s->change = s->needed ? MODE_WANTS_BUFFER : MODE_STEADY;
}

/* Whether the links that a change was for are gone. */
static bool too_late(struct modem *m)
{
	m->mode.change = MODE_STEADY;
	if (m->bearer.state == MODEM_STATE_UP)
		return false;
	mode_links_lost(m);
	return true;
}

static void buffer_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	(void)c;
	if (too_late(m))
		return;
	if (r == RESULT_OK)
		enter_buffer(m);
	else if (r == RESULT_TIMEOUT)
		repeat(m);
	else if (m->mode.needed)
		recover(m, "the module cannot name the link and refuses buffer mode");
	else if (mode_is_buffer(m))
		recover(m, "the receive mode is in doubt");
	else
		refused(m);
}

static const struct command_type buffer_command = {
	.name = "AT+CIPRXGET=1",
	.timeout = SEC(9),
	.done = buffer_done,
};

bool mode_submit(struct modem *m, struct channel *ch)
{
	if (m->mode.change != MODE_WANTS_BUFFER)
		return false;
	m->mode.change = MODE_TO_BUFFER;
	command_printf(channel_prepare(ch, &buffer_command, 0), "AT+CIPRXGET=1");
	channel_submit(ch, m->now);
	return true;
}

/* ---- buffer to push ---- */

/* When the link does not stand in the way of a return; USEC_NEVER: not by time alone. */
static usec_t link_ready(const struct modem *m, const struct link *k)
{
	bool tcp = k->type == MODEM_LINK_TCP;

	if (tcp && (k->phase == LINK_OPEN_WANTED || k->phase == LINK_OPEN_SENT ||
			   k->phase == LINK_DRAIN))
		return USEC_NEVER;
	if (!link_alive(k))
		return 0;
	if (tcp && !m->config->return_when_empty)
		return USEC_NEVER;
	if (!read_is_empty(k))
		return USEC_NEVER;
	return tcp ? read_last(k) + EMPTY_TIME : 0;
}

static usec_t return_at(const struct modem *m)
{
	const struct mode *s = &m->mode;
	usec_t at = s->back_at;

	if (!modem_leaves_buffer(m) || s->change != MODE_STEADY ||
		m->bearer.state != MODEM_STATE_UP)
		return USEC_NEVER;
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		usec_t ready = link_ready(m, &m->links[l]);

		if (ready > at)
			at = ready;
	}
	return at;
}

static void read_stranded(struct modem *m)
{
	log_debug("%s: data came while push was switched on; reading it first", m->config->name);
	m->mode.back_at = after(m, RETURN_PAUSE);
	want(m);
}

void mode_noticed(struct modem *m, struct link *k)
{
	if (mode_is_buffer(m) || m->mode.grace == USEC_NEVER || !link_alive(k))
		return;
	k->rx_stranded = true;
	read_stranded(m);
}

/* What was announced since its last read did not make it; true if there is any. */
static bool mark_stranded(struct modem *m)
{
	bool any = false;

	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		struct link *k = &m->links[l];

		k->rx_stranded = link_alive(k) && k->rx_hint;
		k->rx_paused = false;
		any = any || k->rx_stranded;
	}
	return any;
}

static void enter_push(struct modem *m)
{
	m->mode.late = false;
	m->mode.grace = after(m, GRACE);
	lexer_of(m)->push = true;
	set(m, MODEM_RECEIVE_PUSH);
	if (mark_stranded(m))
		read_stranded(m);
}

static void push_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	(void)c;
	if (too_late(m))
		return;
	if (r == RESULT_OK) {
		enter_push(m);
	} else if (r == RESULT_TIMEOUT) {
		repeat(m);
	} else {
		log_warn("%s: the module does not go back to push mode", m->config->name);
		m->mode.stay = true;
		mode_push_over(m);
	}
}

static const struct command_type push_command = {
	.name = "AT+CIPRXGET=0",
	.timeout = SEC(9),
	.done = push_done,
};

bool mode_return(struct modem *m, struct channel *ch)
{
	if (m->now < return_at(m))
		return false;
	m->mode.tries = 0;
	m->mode.change = MODE_TO_PUSH;
	if (m->rx.place != SOURCE_BEFORE)
		lexer_of(m)->push = true;
	command_printf(channel_prepare(ch, &push_command, 0), "AT+CIPRXGET=0");
	channel_submit(ch, m->now);
	return true;
}

/* ---- time ---- */

void mode_run(struct modem *m)
{
	if (m->now < m->mode.grace)
		return;
	m->mode.grace = USEC_NEVER;
	mode_push_over(m);
}

usec_t mode_deadline(const struct modem *m)
{
	usec_t at = return_at(m);

	return usec_min(m->mode.grace, at > m->now ? at : USEC_NEVER);
}

/* ---- public ---- */

bool modem_want_buffer(struct modem *m)
{
	if (mode_is_buffer(m))
		return true;
	if (!is_adaptive(m) || m->mode.refused || m->bearer.state != MODEM_STATE_UP)
		return false;
	if (m->mode.change == MODE_STEADY)
		want(m);
	return true;
}

usec_t mode_time(const struct modem *m)
{
	return m->mode.spent + (mode_is_buffer(m) && m->mode.since ? m->now - m->mode.since : 0);
}

bool modem_leaves_buffer(const struct modem *m)
{
	return mode_is_buffer(m) && is_adaptive(m) && !m->mode.stay;
}

enum modem_receive modem_receive_mode(const struct modem *m)
{
	return m->mode.now;
}

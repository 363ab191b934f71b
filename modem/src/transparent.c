/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * In transparent mode (NOTE 1.5.4, AT reference 9) the line belongs to link 0 from CONNECT on, and
 * the driver has to get it back for whatever it wants to say. What the link is stays with links.c;
 * here is who has the line.
 *
 *   state    meaning                               left by                   time-out        then
 *   NONE     commands, no transparent link         CIPOPEN, +CLIENT          -
 *   OPENING  CONNECT awaited                       CONNECT, failure          the command's   GUARD
 *   DATA     all bytes are the peer's or the       something to ask, a       60 s silence,   GUARD
 *            host's                                close, an end in what came doubling
 *   SUSPECT  "CLOSED" or its like came last        any further byte: DATA    1.1 s           ESCAPE
 *   GUARD    silence before the escape             the tty is empty          1.1 s; 20 or    ESCAPE
 *                                                                            120 s if not
 *   ESCAPE   +++ (or DTR off), OK awaited          OK: COMMAND               2.6 s           PROBE
 *   PROBE    no OK came: command mode already?     AT answered: COMMAND      2 x 1 s         GUARD, the
 *                                                                            third time: the ladder
 *   COMMAND  escaped; CIPCLOSE? first              nothing left to say       -               RETURN
 *   RETURN   ATO, CONNECT awaited                  CONNECT: DATA             9 s             GUARD
 *
 * Nothing in band tells the end of a session from the same bytes of a peer. So the end of what came
 * is held back while it can be the module's (tail.c), and believed only when silence followed, AT was
 * answered and CIPCLOSE? lists the link as closed (decision 15). AT is never written into data mode:
 * the guarded +++ goes first, whose OK says that it was data mode after all. If the link lives, what
 * was held is data.
 *
 * An OK that answers +++ can be data too: it counts only as the very last that came, after the guard
 * time. If it was data nevertheless, the module's own OK takes the place of CIPCLOSE?'s answer, and
 * the link is reset. And an OK that was passed on as data, because data came right behind it, was the
 * module's if AT is answered afterwards: that is the link's end, too.
 *
 * Bytes that were on their way when the module left data mode were taken for commands or lost: the
 * end is then one in doubt. Data that came while escaped is the module's to keep until ATO; when the
 * link ends in between, it may be lost, which is an end in doubt as well.
 */
#include "private.h"

#include <string.h>

#include "util/log.h"

#define LINK 0 /* NOTE 1.5.4: "the first client socket (<link_num> = 0)" */

#define GUARD MSEC(1100)	 /* NOTE 1.5.4: more than 1000 ms before and after */
#define OK_MIN MSEC(900)		 /* the OK cannot come earlier */
#define DTR_OFF MSEC(1000)	 /* AT reference 9: "hold it off >= 1 s" */
#define SETTLE MSEC(50)		 /* behind the OK nothing more comes */
#define OK_LIMIT MSEC(2600)
#define WRITE_LIMIT SEC(20)	 /* RTS may hold us back */
#define STALL_LIMIT SEC(120)	 /* likewise, because the peer does not read */
#define PROBES 2
#define ROUNDS 3
#define HOLD_LINE_END MSEC(60)	 /* "\r\n" usually is the peer's own */
#define HOLD_PART MSEC(500)	 /* half of "CLOSED" usually is not */
#define IDLE_FIRST SEC(60)
#define IDLE_MAX SEC(600)
#define ACK_HOLD MSEC(2400)	 /* the owner asks again meanwhile */
#define OPEN_GRACE SEC(2)	 /* for the module to say it first */
#define CONNECT_LIMIT SEC(2)	 /* from +CLIENT to CONNECT (NOTE 3.4.1) */
#define OVER_LIMIT SEC(120)	 /* for the owner to take the last bytes */

static const char *const names[] = {
	"none", "opening", "data", "suspect", "guard", "escape", "probe", "command", "return",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == SESSION_STATES, "a name for each state");

static struct channel *line(struct modem *m)
{
	return &m->channels[0];
}

static bool audience(const struct modem *m)
{
	return m->links[LINK].phase == LINK_UP;
}

static void enter(struct modem *m, enum session_state state, usec_t deadline)
{
	struct session *s = &m->session;

	log_trace("%s: session: %s -> %s", m->config->name, names[s->state], names[state]);
	s->state = state;
	s->since = m->now;
	s->deadline = deadline;
}

static void set_dtr(struct modem *m, bool on)
{
	if (m->config->dtr && m->ops->dtr)
		m->ops->dtr(m->user, on);
}

/* ---- leaving data mode ---- */

/* Bytes of the host that are not written yet stay with the host if the link lives; it will be reset
 * if it does not. */
static void leave_data(struct modem *m)
{
	if (!audience(m)) {
		rawline_drop(m);
		channel_raw(line(m));
	}
	enter(m, SESSION_GUARD, m->session.clear + GUARD);
}

static bool wants_out(const struct modem *m)
{
	const struct session *s = &m->session;
	usec_t last = s->heard > s->clear ? s->heard : s->clear;

	if (!audience(m))
		return true;
	if (m->send.state == SEND_RAW || rawline_holds(m))
		return false;
	return m->links[LINK].ack_asked || m->now >= last + s->idle;
}

void transparent_wrote(struct modem *m, size_t n)
{
	struct session *s = &m->session;

	rawline_wrote(m, n);
	if (s->state == SESSION_ESCAPE)
		s->deadline = s->clear + OK_LIMIT;
}

static void write_escape(struct modem *m)
{
	struct session *s = &m->session;

	s->tail.escaping = true;
	s->tail.ok_passed = false;
	enter(m, SESSION_ESCAPE, m->now + WRITE_LIMIT);
	if (m->config->dtr && m->ops->dtr) {
		set_dtr(m, false);
		transparent_wrote(m, 0);
	} else {
		channel_put(line(m), "+++", 3);
	}
}

static void run_data(struct modem *m)
{
	struct session *s = &m->session;
	usec_t hold = s->tail.len <= 2 ? HOLD_LINE_END : HOLD_PART;

	if (s->tail.len && !tail_spoke(&s->tail) && m->now >= s->heard + hold)
		tail_release(&s->tail);
	if (tail_spoke(&s->tail) && audience(m))
		enter(m, SESSION_SUSPECT, m->now);
	else if (wants_out(m))
		leave_data(m);
	else
		rawline_pump(m);
}

static bool tty_empty(const struct modem *m)
{
	return !m->ops->unsent || m->ops->unsent(m->user) == 0;
}

static void run_suspect(struct modem *m)
{
	struct session *s = &m->session;
	usec_t last = s->heard > s->clear ? s->heard : s->clear;

	if (!tail_spoke(&s->tail))
		enter(m, SESSION_DATA, USEC_NEVER);
	else if (!audience(m))
		leave_data(m);
	else
		s->deadline = rawline_holds(m) ? USEC_NEVER : last + GUARD;
	if (s->state != SESSION_SUSPECT || m->now < s->deadline)
		return;
	if (rawline_written(m) && tty_empty(m)) {
		write_escape(m);
	} else if (m->now < s->since + WRITE_LIMIT) {
		s->clear = m->now; /* the module stopped us in the middle of a chunk */
		s->deadline = m->now + GUARD;
	} else {
		link_close(m, LINK, MODEM_CLOSE_SEND, false);
		leave_data(m);
	}
}

static void run_guard(struct modem *m)
{
	struct session *s = &m->session;

	if (rawline_holds(m)) {
		s->deadline = USEC_NEVER;
		return;
	}
	if (!tty_empty(m)) {
		if (m->now >= s->since + (audience(m) && !s->tainted ? STALL_LIMIT : WRITE_LIMIT))
			s->tainted = true; /* the escape follows bytes without a silence */
		else
			s->clear = m->now;
	}
	s->deadline = (s->clear > s->since ? s->clear : s->since) + GUARD;
	if (m->now >= s->deadline)
		write_escape(m);
}

/* ---- command mode ---- */

static void command_mode(struct modem *m)
{
	struct session *s = &m->session;

	s->tail.escaping = false;
	s->told = false;
	s->rounds = 0;
	enter(m, SESSION_COMMAND, USEC_NEVER);
}

static void find_out(struct modem *m)
{
	channel_raw(line(m));
	enter(m, SESSION_GUARD, m->now + GUARD);
}

/* When an OK that was the last to come can be believed, if nothing follows it. One that came too early
 * for the guard time is data, if the module's own follows; by itself it is in doubt. */
static usec_t believed_at(const struct modem *m)
{
	const struct session *s = &m->session;
	usec_t at = s->heard + SETTLE;

	if (m->config->dtr)
		return at > s->clear + DTR_OFF ? at : s->clear + DTR_OFF;
	return s->heard >= s->clear + OK_MIN ? at : USEC_NEVER;
}

/* The OK of the escape, unless more comes. Lines behind it are lines. */
static void run_escape(struct modem *m)
{
	struct session *s = &m->session;
	uint8_t rest[TAIL_MAX];
	size_t before = 0, end = tail_ok(&s->tail, &before), n = s->tail.len - end;

	if (rawline_holds(m)) {
		s->deadline = m->now + OK_LIMIT;
		return;
	}
	if (end && rawline_written(m) && m->now >= believed_at(m)) {
		memcpy(rest, s->tail.held + end, n);
		s->tail.len = s->tail.at = before;
		s->escapes++;
		set_dtr(m, true);
		channel_cooked(line(m));
		command_mode(m);
		lexer_input(&line(m)->lexer, rest, n);
	} else if (m->now >= s->deadline) {
		log_debug("%s: no OK to the escape", m->config->name);
		set_dtr(m, true);
		s->tainted = s->tainted || end;
		s->tail.escaping = false;
		s->tries = 0;
		channel_cooked(line(m));
		enter(m, SESSION_PROBE, USEC_NEVER);
	}
}

static void probe_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct session *s = &m->session;

	(void)c;
	if (s->state != SESSION_PROBE)
		return;
	if (r == RESULT_OK) {
		s->tainted = s->tainted || s->tail.ok_passed;
		command_mode(m);
	} else if (++s->tries >= PROBES) {
		s->tainted = true;
		if (++s->rounds < ROUNDS)
			find_out(m);
		else
			recover_dead(m);
	}
}

static const struct command_type probe_command = {
	.name = "AT", .timeout = SEC(1), .blind = true, .done = probe_done};

/* What the module said while it ended the session, for the bearer to know. */
static void obey(struct modem *m)
{
	struct tail t = m->session.tail;
	const char *p = (const char *)t.held, *end = p + t.at;

	tail_clear(&m->session.tail);
	while (p < end) {
		const char *text = p + 2, *cr = memchr(text, '\r', (size_t)(end - text));
		struct msg msg;

		dialect_parse(&msg, text, (size_t)(cr - text));
		bearer_urc(m, &msg);
		p = cr + 2;
	}
}

/* The link is closed. Was everything that was written taken before, and everything received? */
static void ended(struct modem *m)
{
	struct session *s = &m->session;
	enum modem_close_reason reason = MODEM_CLOSE_REMOTE;

	if (!audience(m))
		return;
	if (!tail_spoke(&s->tail))
		reason = MODEM_CLOSE_LOST;
	else if (s->tainted || s->late)
		reason = MODEM_CLOSE_SEND;
	obey(m);
	link_close(m, LINK, reason, true);
}

static enum info check_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_CIPCLOSE || msg->count < 3)
		return INFO_FOREIGN;
	m->session.listed = true;
	m->session.closed = msg->n[LINK] != 1;
	return INFO_TAKEN;
}

static void check_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct session *s = &m->session;

	(void)c;
	if (s->state != SESSION_COMMAND || !audience(m))
		return;
	s->told = true;
	if (r == RESULT_ERROR)
		s->closed = true;
	if (s->tainted || r == RESULT_TIMEOUT || (r == RESULT_OK && !s->listed))
		link_close(m, LINK, MODEM_CLOSE_SEND, s->closed);
	else if (s->closed)
		s->deadline = m->now + OVER_LIMIT; /* run_command() goes on */
	else if (tail_spoke(&s->tail))
		s->false_ends++;
}

static const struct command_type check_command = {
	.name = "AT+CIPCLOSE?", .timeout = SEC(9), .info = check_info, .done = check_done};

static void run_command(struct modem *m)
{
	struct session *s = &m->session;
	enum link_phase phase = m->links[LINK].phase;

	if (phase == LINK_IDLE || phase == LINK_FREED) {
		transparent_reset(m);
	} else if (s->closed && s->told && !rawline_holds(m)) {
		ended(m);
	} else if (m->now >= s->deadline && audience(m)) {
		link_close(m, LINK, MODEM_CLOSE_DATA, true);
	}
}

static void begin_data(struct modem *m, struct channel *ch)
{
	struct session *s = &m->session;

	channel_raw(ch);
	s->closed = false;
	rawline_begin(m);
	enter(m, SESSION_DATA, USEC_NEVER);
}

static void return_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct session *s = &m->session;

	(void)c;
	if (s->state != SESSION_RETURN)
		return;
	if (r == RESULT_OK) {
		s->idle = usec_min(2 * s->idle, IDLE_MAX);
		s->tries = 0;
		begin_data(m, line(m));
		tail_release(&s->tail);
	} else if (r == RESULT_TIMEOUT) {
		s->tainted = true; /* without its CONNECT data would be taken for lines */
		find_out(m);
	} else {
		command_mode(m); /* ask again whether it is open */
		if (++s->tries >= ROUNDS)
			link_close(m, LINK, MODEM_CLOSE_LOST, false);
	}
}

static const struct command_type return_command = {
	.name = "ATO", .timeout = SEC(9), .blind = true, .connects = true, .done = return_done};

static void submit(struct modem *m, struct channel *ch, const struct command_type *type)
{
	command_printf(channel_prepare(ch, type, LINK), "%s", type->name);
	channel_submit(ch, m->now);
}

bool transparent_submit_first(struct modem *m, struct channel *ch)
{
	struct session *s = &m->session;

	if (s->state == SESSION_PROBE) {
		submit(m, ch, &probe_command);
	} else if (s->state == SESSION_COMMAND && !s->told && audience(m)) {
		s->listed = s->closed = false;
		submit(m, ch, &check_command);
	} else {
		return s->state == SESSION_OPENING; /* CONNECT may come at any moment */
	}
	return true;
}

/* The owner asks CIPACK until all is acknowledged; data mode in between would cost seconds. */
static usec_t return_at(const struct modem *m)
{
	const struct link *k = &m->links[LINK];
	bool more = k->ack_at > m->session.since && k->sent > k->acked;

	return more ? k->ack_at + ACK_HOLD : 0;
}

static bool may_return(const struct modem *m)
{
	const struct session *s = &m->session;

	return s->state == SESSION_COMMAND && s->told && !s->closed && audience(m);
}

bool transparent_submit_last(struct modem *m, struct channel *ch)
{
	if (!may_return(m) || m->now < return_at(m))
		return false;
	enter(m, SESSION_RETURN, USEC_NEVER);
	submit(m, ch, &return_command);
	return true;
}

/* ---- the session's life ---- */

static void connected(struct modem *m)
{
	struct session *s = &m->session;

	s->tainted = false;
	s->tries = s->rounds = 0;
	s->idle = IDLE_FIRST;
	tail_clear(&s->tail);
	begin_data(m, line(m));
}

/* Nobody knows which mode the module is in. */
static void lose_track(struct modem *m)
{
	m->session.tainted = true;
	find_out(m);
}

/* Of a client, whose +CLIENT came before it; or nobody knows why. A command that was on its way may
 * have gone to the peer. */
static void connect_came(struct modem *m)
{
	struct channel *ch = line(m);
	bool clean = channel_free(ch);

	if (!clean)
		channel_resync(ch, m->now);
	if (m->session.state == SESSION_OPENING && m->links[LINK].accepted) {
		connected(m);
		if (!clean)
			link_close(m, LINK, MODEM_CLOSE_SEND, false);
	} else {
		log_debug("%s: data mode by itself", m->config->name);
		lose_track(m);
		link_stray(m, LINK);
	}
}

static enum info open_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_IP_ERROR)
		return INFO_FAILED; /* <err_info> has numbers of its own; the first is a time-out */
	if (msg->kind != MSG_CONNECT_FAIL)
		return link_open_info(user, c, msg);
	/* It says nothing but when: at the end of the module's patience the peer was silent. */
	c->error = m->now + SEC(1) >= m->session.since + m->config->connect_timeout ?
		MODEM_OPEN_TIMEOUT : MODEM_OPEN_NETWORK_FAILURE;
	return INFO_TAKEN;
}

static void open_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	int result = m->links[LINK].result;

	if (r == RESULT_OK) {
		connected(m);
		if (!link_open_ended(m, LINK, MODEM_OPEN_OK)) /* a client was faster */
			link_close(m, LINK, MODEM_CLOSE_SEND, false);
	} else if (r == RESULT_ERROR) {
		if (m->session.state == SESSION_OPENING)
			transparent_reset(m);
		if (result <= 0)
			result = c->error >= 0 ? c->error : MODEM_OPEN_ERROR;
		link_open_ended(m, LINK, result);
	} else if (link_open_ended(m, LINK, MODEM_OPEN_SILENCE) ||
		(m->session.state == SESSION_OPENING && !audience(m))) {
		lose_track(m); /* a client that is not welcome may have been faster */
	}
}

static const struct command_type open_command = {
	.name = "AT+CIPOPEN",
	.timeout = SEC(120),
	.connects = true,
	.blind = true,
	.info = open_info,
	.done = open_done,
};

/* The answer comes when the peer was reached, and before it nothing can be asked. */
void transparent_open(struct modem *m, struct channel *ch)
{
	const struct link *k = &m->links[LINK];
	struct command *c = channel_prepare(ch, &open_command, LINK);
	char text[LITERAL_LEN];

	literal_format(m, LITERAL_OPEN, &k->remote.addr, text);
	if (k->type == MODEM_LINK_TCP)
		command_printf(c, "AT+CIPOPEN=%d,\"TCP\",\"%s\",%u", LINK, text, k->remote.port);
	else
		command_printf(c, "AT+CIPOPEN=%d,\"UDP\",\"%s\",%u,%u", LINK, text, k->remote.port,
			k->local_port);
	c->timeout = m->config->connect_timeout + OPEN_GRACE;
	enter(m, SESSION_OPENING, USEC_NEVER);
	channel_submit(ch, m->now);
}

void transparent_accepted(struct modem *m)
{
	enter(m, SESSION_OPENING, m->now + CONNECT_LIMIT);
}

/* A client came, but its CONNECT did not. */
static void run_opening(struct modem *m)
{
	if (m->now < m->session.deadline)
		return;
	link_close(m, LINK, MODEM_CLOSE_LOST, false);
	if (!channel_free(line(m)))
		channel_resync(line(m), m->now); /* whoever waits for an answer hears of it */
	lose_track(m);
}

/* What the module says by itself in command mode. */
bool transparent_urc(struct modem *m, const struct msg *msg)
{
	struct session *s = &m->session;
	bool escaped = s->state >= SESSION_PROBE && audience(m);

	if (!is_transparent(m))
		return false;
	switch (msg->kind) {
	case MSG_CONNECT:
		connect_came(m);
		return true;
	case MSG_CLOSED:
	case MSG_NO_CARRIER:
		if (escaped)
			s->told = false;
		return true;
	case MSG_IPCLOSE:
	case MSG_CIPCLOSE:
		if (!escaped || !msg->plain || msg->count != 2 || msg->n[0] != LINK)
			return false;
		if (s->state == SESSION_PROBE)
			return true; /* perhaps it is data; CIPCLOSE? will tell */
		if (tail_spoke(&s->tail) && !s->told && !rawline_holds(m))
			ended(m);
		else
			link_close(m, LINK, MODEM_CLOSE_DATA, true);
		return true;
	default:
		return false;
	}
}

/* What time or the owner brings forward. The other states wait for an answer. */
static void (*const runs[SESSION_STATES])(struct modem *m) = {
	[SESSION_OPENING] = run_opening,
	[SESSION_DATA] = run_data,
	[SESSION_SUSPECT] = run_suspect,
	[SESSION_GUARD] = run_guard,
	[SESSION_ESCAPE] = run_escape,
	[SESSION_COMMAND] = run_command,
};

const char *transparent_state_name(const struct modem *m)
{
	return is_transparent(m) ? names[m->session.state] : "";
}

void transparent_run(struct modem *m)
{
	rawline_deliver(m);
	if (rawline_taken(m))
		send_raw_end(m);
	if (runs[m->session.state])
		runs[m->session.state](m);
}

static usec_t data_deadline(const struct modem *m)
{
	const struct session *s = &m->session;
	usec_t last = s->heard > s->clear ? s->heard : s->clear, d = last + s->idle;

	if (wants_out(m) || tail_spoke(&s->tail))
		return 0;
	if (m->send.state == SEND_RAW || rawline_holds(m))
		d = USEC_NEVER; /* as in wants_out() */
	if (s->tail.len)
		d = usec_min(d, s->heard + (s->tail.len <= 2 ? HOLD_LINE_END : HOLD_PART));
	return usec_min(d, rawline_deadline(m));
}

static usec_t escape_deadline(const struct modem *m)
{
	const struct session *s = &m->session;
	size_t before;

	if (rawline_holds(m))
		return USEC_NEVER;
	if (rawline_written(m) && tail_ok(&s->tail, &before))
		return usec_min(believed_at(m), s->deadline);
	return s->deadline;
}

/* Nothing is due while an answer is awaited, which comes by itself. */
static usec_t command_deadline(const struct modem *m)
{
	const struct session *s = &m->session;
	enum link_phase phase = m->links[LINK].phase;

	if (phase == LINK_IDLE || phase == LINK_FREED)
		return 0;
	if (!audience(m))
		return USEC_NEVER;
	if (s->closed && s->told)
		return rawline_holds(m) ? s->deadline : 0;
	return may_return(m) && channel_free(&m->channels[0]) ? return_at(m) : USEC_NEVER;
}

usec_t transparent_deadline(const struct modem *m)
{
	const struct session *s = &m->session;

	if (rawline_taken(m))
		return 0;
	switch (s->state) {
	case SESSION_DATA:
		return data_deadline(m);
	case SESSION_ESCAPE:
		return escape_deadline(m);
	case SESSION_COMMAND:
		return command_deadline(m);
	default:
		return s->deadline;
	}
}

void transparent_reset(struct modem *m)
{
	struct session *s = &m->session;

	if (m->channels[0].state == CHANNEL_RAW)
		channel_cooked(&m->channels[0]);
	rawline_drop(m);
	set_dtr(m, true);
	s->told = s->closed = s->tainted = s->tail.escaping = false;
	s->tries = s->rounds = 0;
	if (s->state != SESSION_NONE)
		enter(m, SESSION_NONE, USEC_NEVER);
}

void transparent_init(struct modem *m)
{
	m->session = (struct session){.deadline = USEC_NEVER};
	rawline_begin(m);
}

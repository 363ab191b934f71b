/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 *   phase        entered by                       time-out             then
 *   IDLE         link_free told                   -
 *   OPEN_WANTED  modem_open_*()                   -                    OPEN_SENT
 *   OPEN_SENT    CIPOPEN written                  connect_timeout + 2s CLOSE_WANTED (SILENCE)
 *   UP           OK and +CIPOPEN: l,0             -
 *   DRAIN        +IPCLOSE or a send that says so, 120 s                CLOSE_WANTED (DATA)
 *                in buffer mode
 *   CLOSE_WANTED modem_close(), faults            a pause, after ERROR CLOSE_SENT
 *   CLOSE_SENT   CIPCLOSE written                 15 s                 CLOSE_WANTED, or the ladder
 *   ABANDONED    open cancelled in OPEN_SENT      the open's           CLOSE_WANTED
 *   REVOKE_SENT  OK of that open: CIPCLOSE        15 s                 ABANDONED
 *   QUARANTINE   that CIPCLOSE confirmed          1 s                  FREED
 *   FREED        the module closed it             at once              IDLE
 *
 * The number of a link is the only identity the module knows, so it must not be used again before
 * the last line of its former life was seen: the answer of CIPCLOSE, or the result of an open that
 * nobody wants any more. In OPEN_SENT every +IPCLOSE and +CIPCLOSE is a line of the former life;
 * "+CIPOPEN: l,0" begins the new one (AT reference 8.2).
 *
 * A dead destination would keep the number of a cancelled open for the whole connect_timeout, and
 * ten of them every number. So such an open is closed as soon as it was taken (AT reference 4.2).
 * A module that refuses, because nothing is open yet, leaves it ABANDONED: it can still succeed.
 * One that confirms may have said the open's result before, behind the line we read last: for a
 * moment that is swallowed, later it is a stray link. Whatever result comes ends the wait.
 *
 * Servers (server.c) make the module take numbers, too: +CLIENT says that a client has this one. Then
 * the link's former life is over, whatever we thought of it, and a CIPOPEN of ours that is still on
 * its way will find the number in use. If nothing of the former life can be taken for the client's,
 * the number goes straight to the new one; otherwise it is closed.
 *
 * Changes are told to the owner by links_flush() when nothing of the parser is on the stack,
 * opened() or closed() first, then link_free() or accepted(); until then the link is not FREE.
 */
#include "private.h"

#include <errno.h>
#include <string.h>

#include "util/log.h"

#define OPEN_ANSWER_TIMEOUT SEC(9) /* AT reference 2: local commands */
#define OPEN_GRACE SEC(2)
#define CLOSE_ANSWER_TIMEOUT SEC(9)
#define CLOSE_TIMEOUT SEC(15) /* AT reference 8.1: usually 100 ms, tens of seconds were seen */
#define CLOSE_ATTEMPTS 4
#define CLOSE_PAUSE MSEC(500)
#define CLOSE_BUSY_ATTEMPTS 60
#define QUARANTINE_TIME SEC(1)

static void log_link(const struct modem *m, unsigned l, const char *what)
{
	log_debug("%s: link %u: %s", m->config->name, l, what);
}

static void set_phase(struct modem *m, unsigned l, enum link_phase phase, usec_t deadline)
{
	struct link *k = &m->links[l];

	k->phase = phase;
	k->deadline = deadline;
	k->answered = false;
	k->result = -1;
}

static void want_close(struct modem *m, unsigned l, unsigned attempts)
{
	set_phase(m, l, LINK_CLOSE_WANTED, USEC_NEVER);
	m->links[l].attempts = attempts;
}

static void set_freed(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->called) {
		k->called = false;
		want_close(m, l, 0);
		return;
	}
	set_phase(m, l, LINK_FREED, USEC_NEVER);
}

/* Closed for sure, but a line of its open may still come. */
static void set_quarantine(struct modem *m, unsigned l)
{
	if (m->bearer.state == MODEM_STATE_UP)
		set_phase(m, l, LINK_QUARANTINE, after(m, QUARANTINE_TIME));
	else
		set_freed(m, l); /* nothing will be opened any more */
}

void link_close(struct modem *m, unsigned l, enum modem_close_reason reason, bool freed)
{
	struct link *k = &m->links[l];

	if (!link_alive(k))
		return;
	log_debug("%s: link %u: closed, %s", m->config->name, l, modem_close_reason_name(reason));
	k->event_closed = true;
	k->reason = reason;
	send_link_gone(m, l);
	if (freed)
		set_freed(m, l);
	else
		want_close(m, l, 0);
}

void link_drain(struct modem *m, unsigned l, enum modem_close_reason reason, bool freed)
{
	log_debug("%s: link %u: draining, %s", m->config->name, l, modem_close_reason_name(reason));
	set_phase(m, l, LINK_DRAIN, after(m, LINK_DRAIN_TIMEOUT));
	m->links[l].end = reason;
	m->links[l].gone = freed;
	read_drain(m, l);
	send_link_drains(m, l);
}

void link_stray(struct modem *m, unsigned l)
{
	if (m->links[l].phase != LINK_IDLE || m->bearer.state != MODEM_STATE_UP)
		return;
	log_link(m, l, "open although nobody asked for it; closing");
	want_close(m, l, 0);
}

static void set_opened(struct modem *m, unsigned l, int result)
{
	struct link *k = &m->links[l];

	log_debug("%s: link %u: open: %s", m->config->name, l, modem_open_result_name(result));
	k->event_opened = true;
	k->opened_result = result;
}

/* ---- CIPOPEN ---- */

/* Whether the number can be in use in spite of the failure (AT reference 4.2, 16). So it can when bytes
 * or a client came for it meanwhile (tainted). */
static bool failed_open_needs_close(int result)
{
	return result == MODEM_OPEN_NOT_SUPPORTED || result == MODEM_OPEN_ERROR;
}

static void open_failed(struct modem *m, unsigned l, int result)
{
	bool told = m->links[l].phase == LINK_ABANDONED;

	if (literal_open_refused(m, &m->links[l], result)) {
		set_phase(m, l, LINK_OPEN_WANTED, USEC_NEVER);
		return;
	}
	if (!told)
		set_opened(m, l, result);
	if (failed_open_needs_close(result) || m->links[l].tainted) {
		want_close(m, l, 0);
		/* A client that was faster: its +CLIENT may stand behind our error. */
		if (servers_wanted(m))
			m->links[l].deadline = after(m, CLOSE_PAUSE);
	} else {
		set_freed(m, l);
	}
	if (result == MODEM_OPEN_NETWORK_NOT_OPENED || result == MODEM_OPEN_NETWORK_FAILURE)
		m->bearer.verify = true;
}

static void open_succeeded(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->phase == LINK_ABANDONED) {
		log_link(m, l, "opened after it was given up; closing");
		want_close(m, l, 0);
	} else if (k->tainted) {
		set_opened(m, l, MODEM_OPEN_UNKNOWN);
		want_close(m, l, 0);
	} else {
		set_phase(m, l, LINK_UP, USEC_NEVER);
		k->rx_poll = after(m, SEC(5));
		set_opened(m, l, MODEM_OPEN_OK);
		if (k->type == MODEM_LINK_TCP)
			literal_taken(m, LITERAL_OPEN);
		watch_reset(m);
	}
}

/* OK and the result line may come in any order; both must be there. */
static void open_progress(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->result > 0)
		open_failed(m, l, k->result);
	else if (k->result == 0 && k->answered)
		open_succeeded(m, l);
}

static bool is_opening(const struct link *k)
{
	return k->phase == LINK_OPEN_SENT || k->phase == LINK_ABANDONED;
}

static bool is_closing(const struct link *k)
{
	return k->phase == LINK_CLOSE_SENT || k->phase == LINK_REVOKE_SENT;
}

/* The result of an open whose CIPCLOSE is under way. A failure ends it; the answer of the CIPCLOSE
 * must still be waited for, and its result line is swallowed. */
static void revoke_late(struct modem *m, unsigned l, int err)
{
	struct link *k = &m->links[l];

	k->late = err;
	if (err && k->answered)
		set_quarantine(m, l);
}

/* "+CIPOPEN: l" and "+CIPOPEN: l,"TCP",..." are listing lines. */
static bool is_link_result(const struct msg *msg)
{
	return msg->plain && msg->count == 2 && msg->n[0] >= 0 && msg->n[0] < MODEM_LINKS;
}

static void open_result(struct modem *m, unsigned l, int err)
{
	struct link *k = &m->links[l];

	if (is_opening(k)) {
		k->result = err;
		if (k->answered)
			open_progress(m, l);
	} else if (k->phase == LINK_REVOKE_SENT) {
		revoke_late(m, l, err);
	} else if (err == 0 && k->accepted) {
		link_close(m, l, MODEM_CLOSE_DATA, false); /* whose is it now? */
	} else if (err == 0) {
		link_stray(m, l);
	}
}

enum info link_open_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_IP_ERROR) {
		c->error = dialect_ip_error(msg);
		return INFO_FAILED;
	}
	if (msg->kind != MSG_CIPOPEN || !is_link_result(msg) || msg->n[0] != c->link)
		return INFO_FOREIGN;
	open_result(m, c->link, dialect_err(msg->n[1]));
	return msg->n[1] ? INFO_FAILED : INFO_TAKEN;
}

static void open_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct link *k = &m->links[c->link];

	if (!is_opening(k))
		return;
	if (r == RESULT_TIMEOUT)
		k->answered = true; /* it may still have been taken: the phase's time-out decides */
	if (r == RESULT_ERROR && k->result <= 0)
		k->result = MODEM_OPEN_ERROR;
	k->answered = true;
	open_progress(m, c->link);
}

static const struct command_type open_command = {
	.name = "AT+CIPOPEN",
	.timeout = OPEN_ANSWER_TIMEOUT,
	.info = link_open_info,
	.done = open_done,
};

static void open_submit(struct modem *m, struct channel *ch, unsigned l)
{
	struct link *k = &m->links[l];
	struct command *c;
	char text[LITERAL_LEN];

	set_phase(m, l, LINK_OPEN_SENT, after(m, m->config->connect_timeout + OPEN_GRACE));
	k->open_deadline = k->deadline;
	k->bracketed = m->literal[LITERAL_OPEN].brackets;
	k->late = -1;
	if (is_transparent(m)) {
		k->deadline = USEC_NEVER; /* the command's time-out says it */
		transparent_open(m, ch);
		return;
	}
	c = channel_prepare(ch, &open_command, l);
	if (k->type == MODEM_LINK_TCP)
		command_printf(c, "AT+CIPOPEN=%u,\"TCP\",\"%s\",%u", l,
			literal_format(m, LITERAL_OPEN, &k->remote.addr, text), k->remote.port);
	else
		command_printf(c, "AT+CIPOPEN=%u,\"UDP\",,,%u", l, k->local_port);
	channel_submit(ch, m->now);
}

bool link_open_ended(struct modem *m, unsigned l, int result)
{
	struct link *k = &m->links[l];

	if (!is_opening(k))
		return false;
	if (result == MODEM_OPEN_SILENCE) {
		if (k->phase == LINK_OPEN_SENT)
			set_opened(m, l, result);
		want_close(m, l, 0);
		return true;
	}
	k->answered = true;
	k->result = result;
	open_progress(m, l);
	return true;
}

/* ---- CIPCLOSE ---- */

/* The CIPCLOSE of a cancelled open brought nothing: what the open became decides. */
static void revoke_failed(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->late > 0) {
		set_freed(m, l);
	} else if (k->late == 0) {
		want_close(m, l, 0);
	} else {
		log_link(m, l, "not open yet; waiting for the result of its open");
		set_phase(m, l, LINK_ABANDONED, k->open_deadline);
		k->answered = true; /* the OK of its CIPOPEN was seen */
	}
}

static void close_progress(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (!k->answered || k->result < 0)
		return;
	if (k->phase == LINK_REVOKE_SENT && k->result > 0) {
		revoke_failed(m, l);
	} else if (k->phase == LINK_REVOKE_SENT && k->late < 0) {
		set_quarantine(m, l);
	} else {
		log_link(m, l, "free");
		set_freed(m, l);
	}
}

/* A result that was seen stays: behind +IPCLOSE the module may say that nothing is open. */
static void close_result(struct modem *m, unsigned l, int err)
{
	struct link *k = &m->links[l];

	if (k->phase != LINK_REVOKE_SENT || k->result != 0)
		k->result = err;
}

static enum info close_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind == MSG_IP_ERROR)
		return INFO_FAILED;
	if (msg->kind != MSG_CIPCLOSE || !is_link_result(msg) || msg->n[0] != c->link)
		return INFO_FOREIGN;
	if (is_closing(&m->links[c->link]))
		close_result(m, c->link, dialect_err(msg->n[1]));
	return msg->n[1] ? INFO_FAILED : INFO_TAKEN;
}

/* A bare ERROR can mean "not open" or "not now": believed when it is repeated. */
static void close_refused(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];
	unsigned attempts = k->attempts + 1;

	if (k->result < 0 && attempts > 1) {
		set_freed(m, l);
		return;
	}
	want_close(m, l, attempts);
	k->deadline = after(m, CLOSE_PAUSE);
	if (attempts >= CLOSE_BUSY_ATTEMPTS)
		recover(m, "the module is too busy to close a link");
}

static void revoke_done(struct modem *m, unsigned l, enum result r)
{
	struct link *k = &m->links[l];

	k->answered = true;
	if (r == RESULT_ERROR && k->result != 0)
		revoke_failed(m, l);
	else if (k->late > 0)
		set_quarantine(m, l);
	else
		close_progress(m, l);
}

static void close_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct link *k = &m->links[c->link];

	if (!is_closing(k) || r == RESULT_TIMEOUT)
		return;
	if (k->phase == LINK_REVOKE_SENT) {
		revoke_done(m, c->link, r);
		return;
	}
	k->answered = true;
	if (r == RESULT_ERROR && (k->result < 0 || k->result == MODEM_OPEN_BUSY)) {
		close_refused(m, c->link);
		return;
	}
	close_progress(m, c->link);
}

static const struct command_type close_command = {
	.name = "AT+CIPCLOSE",
	.timeout = CLOSE_ANSWER_TIMEOUT,
	.info = close_info,
	.done = close_done,
};

static void close_submit(struct modem *m, struct channel *ch, unsigned l, enum link_phase phase)
{
	struct command *c = channel_prepare(ch, &close_command, l);

	command_printf(c, "AT+CIPCLOSE=%u", l);
	set_phase(m, l, phase, after(m, CLOSE_TIMEOUT));
	channel_submit(ch, m->now);
}

static bool can_be_revoked(const struct link *k)
{
	return k->phase == LINK_ABANDONED && k->answered && !k->revoked;
}

bool links_submit(struct modem *m, struct channel *ch)
{
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		unsigned l = (m->link_turn + i) % MODEM_LINKS;
		struct link *k = &m->links[l];

		if (k->phase == LINK_OPEN_WANTED) {
			open_submit(m, ch, l);
		} else if (k->phase == LINK_CLOSE_WANTED && k->deadline == USEC_NEVER) {
			close_submit(m, ch, l, LINK_CLOSE_SENT);
		} else if (can_be_revoked(k)) {
			k->revoked = true;
			close_submit(m, ch, l, LINK_REVOKE_SENT);
		} else {
			continue;
		}
		m->link_turn = (l + 1) % MODEM_LINKS;
		return true;
	}
	return false;
}

/* ---- what the module says by itself ---- */

/* Unasked +CIPCLOSE: l,* and +IPCLOSE: l,<reason>: the module has closed the link. */
static void passive_close(struct modem *m, unsigned l, int64_t reason)
{
	struct link *k = &m->links[l];

	switch (k->phase) {
	case LINK_UP:
		if (mode_holds_data(m) && reason != 2) {
			link_drain(m, l, MODEM_CLOSE_REMOTE, true);
			break;
		}
		link_close(m, l, reason == 2 ? MODEM_CLOSE_TIMEOUT : MODEM_CLOSE_REMOTE, true);
		break;
	case LINK_DRAIN:
		k->gone = true;
		break;
	case LINK_OPEN_SENT:
	case LINK_ABANDONED:
		if (k->result == 0) /* its +CIPOPEN: l,0 came, only OK did not yet */
			open_failed(m, l, MODEM_OPEN_UNKNOWN);
		break;
	case LINK_CLOSE_WANTED:
		set_freed(m, l);
		break;
	case LINK_REVOKE_SENT:
		k->result = 0;
		close_progress(m, l);
		break;
	default:
		break;
	}
}

bool links_urc(struct modem *m, const struct msg *msg)
{
	unsigned l = msg->count ? (unsigned)msg->n[0] : MODEM_LINKS;

	if (msg->kind != MSG_CIPOPEN && msg->kind != MSG_CIPCLOSE && msg->kind != MSG_IPCLOSE)
		return false;
	if (!is_link_result(msg))
		return true; /* a listing, or damaged */
	if (msg->kind == MSG_CIPOPEN) {
		open_result(m, l, dialect_err(msg->n[1]));
	} else if (msg->kind == MSG_CIPCLOSE && is_closing(&m->links[l])) {
		close_result(m, l, dialect_err(msg->n[1]));
		close_progress(m, l);
	} else {
		passive_close(m, l, msg->kind == MSG_IPCLOSE ? msg->n[1] : 1);
	}
	return true;
}

static void phase_over(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	switch (k->phase) {
	case LINK_OPEN_SENT:
		set_opened(m, l, MODEM_OPEN_SILENCE);
		want_close(m, l, 0);
		break;
	case LINK_ABANDONED:
		want_close(m, l, 0);
		break;
	case LINK_REVOKE_SENT:
		revoke_failed(m, l);
		break;
	case LINK_QUARANTINE:
		set_freed(m, l);
		break;
	case LINK_DRAIN:
		link_close(m, l, MODEM_CLOSE_DATA, false);
		break;
	case LINK_CLOSE_SENT:
		log_link(m, l, "no result of CIPCLOSE");
		want_close(m, l, k->attempts + 1);
		if (k->attempts >= CLOSE_ATTEMPTS)
			recover(m, "a link could not be closed");
		break;
	default:
		k->deadline = USEC_NEVER;
		break;
	}
}

void links_run(struct modem *m)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (m->now >= m->links[l].deadline)
			phase_over(m, l);
}

usec_t links_deadline(const struct modem *m)
{
	usec_t d = USEC_NEVER;

	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		const struct link *k = &m->links[l];

		d = usec_min(d, k->deadline);
		if (k->event_opened || k->event_closed || k->phase == LINK_FREED)
			d = 0;
	}
	return d;
}

/* ---- accepted clients ---- */

/* Ends the number's former life. True: nothing of it can be taken for the client's. */
static bool make_way(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];
	bool fresh = true;

	switch (k->phase) {
	case LINK_OPEN_WANTED:
	case LINK_OPEN_SENT:
		set_opened(m, l, MODEM_OPEN_NOT_SUPPORTED);
		break;
	case LINK_UP:
		fresh = false; /* its end was not told: which bytes are whose? */
		link_close(m, l, MODEM_CLOSE_LOST, false);
		break;
	case LINK_DRAIN:
		link_close(m, l, MODEM_CLOSE_DATA, true);
		break;
	default:
		break;
	}
	/* What is under way for the former life may bring what that had left in the module, or reach the
	 * client. */
	return !send_called(m, l) && fresh && !k->tainted && !read_under_way(m, l);
}

void link_called(struct modem *m, unsigned l, const struct caller *who)
{
	struct link *k = &m->links[l];

	if ((k->phase == LINK_OPEN_SENT || k->phase == LINK_ABANDONED) && k->answered) {
		k->tainted = true; /* taken by our CIPOPEN: one of the two is wrong */
	} else if (is_closing(k)) {
		log_link(m, l, "taken by a client while it is being closed; closing again");
		k->called = true;
	} else if (make_way(m, l) && who) {
		m->callers[l] = *who;
		m->callers[l].due = true;
		k->phase = LINK_FREED;
	} else {
		log_link(m, l, "closing a client's connection");
		want_close(m, l, 0);
	}
}

static void accept_caller(struct modem *m, unsigned l)
{
	struct caller *who = &m->callers[l];
	struct link *k = &m->links[l];
	char text[ENDPOINT_STRLEN];

	log_debug("%s: link %u: accepted from %s", m->config->name, l,
		endpoint_format(&who->remote, text));
	who->due = false;
	k->type = MODEM_LINK_TCP;
	k->remote = who->remote;
	k->accepted = true;
	k->told_open = true;
	set_phase(m, l, LINK_UP, USEC_NEVER);
	k->rx_hint = mode_holds_data(m); /* data may be there already */
	k->rx_poll = after(m, SEC(5));
	watch_reset(m);
	if (is_transparent(m))
		transparent_accepted(m);
	m->ops->accepted(m->user, l, who->server, &who->remote);
}

/* ---- telling the owner ---- */

static void flush_link(struct modem *m, unsigned l)
{
	struct link *k = &m->links[l];

	if (k->event_opened) {
		k->event_opened = false;
		k->told_open = k->opened_result == 0;
		m->ops->opened(m->user, l, k->opened_result);
	}
	if (k->event_closed) {
		k->event_closed = false;
		if (k->told_open) {
			k->told_open = false;
			m->ops->closed(m->user, l, k->reason);
		}
	}
	if (k->phase == LINK_FREED) {
		*k = (struct link){.deadline = USEC_NEVER, .result = -1};
		if (m->callers[l].due)
			accept_caller(m, l);
		else
			m->ops->link_free(m->user, l);
	}
}

void links_flush(struct modem *m)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		flush_link(m, l);
}

/* The bearer is gone, and every link with it. */
void links_lost(struct modem *m)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		struct link *k = &m->links[l];

		m->callers[l].due = k->called = false;
		if (is_opening(k) || (k->phase == LINK_REVOKE_SENT && k->late < 0))
			m->bearer.dirty = true;
		if (k->phase == LINK_OPEN_WANTED || k->phase == LINK_OPEN_SENT)
			set_opened(m, l, MODEM_OPEN_LOST);
		link_close(m, l, MODEM_CLOSE_LOST, true);
		if (k->phase != LINK_IDLE)
			set_freed(m, l);
	}
}

void links_close_all(struct modem *m)
{
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		modem_close(m, l);
}

/* ---- public ---- */

static int open_check(const struct modem *m, unsigned l)
{
	if (l >= MODEM_LINKS)
		return -EINVAL;
	if (m->bearer.state != MODEM_STATE_UP)
		return -ENETDOWN;
	if (l >= modem_links(m))
		return -EBUSY;
	return m->links[l].phase == LINK_IDLE ? 0 : -EBUSY;
}

int modem_open_tcp(struct modem *m, unsigned link, const struct endpoint *remote)
{
	int err = open_check(m, link);

	if (err < 0)
		return err;
	if (remote->addr.family != 4 && remote->addr.family != 6)
		return -EINVAL;
	if (remote->addr.family != m->config->ip)
		return -EAFNOSUPPORT;
	if (remote->port == 0)
		return -EINVAL;
	m->links[link].type = MODEM_LINK_TCP;
	m->links[link].tainted = false;
	m->links[link].remote = *remote;
	set_phase(m, link, LINK_OPEN_WANTED, USEC_NEVER);
	return 0;
}

unsigned modem_links(const struct modem *m)
{
	return is_transparent(m) ? 1 : MODEM_LINKS; /* NOTE 1.5.4 */
}

int modem_open_udp_to(struct modem *m, unsigned link, uint16_t local_port,
	const struct endpoint *remote)
{
	int err = modem_open_udp(m, link, local_port);

	if (err == 0)
		m->links[link].remote = *remote;
	return err;
}

int modem_open_udp(struct modem *m, unsigned link, uint16_t local_port)
{
	int err = open_check(m, link);

	if (err < 0)
		return err;
	if (local_port == 0)
		return -EINVAL;
	m->links[link].type = MODEM_LINK_UDP;
	m->links[link].tainted = false;
	m->links[link].local_port = local_port;
	set_phase(m, link, LINK_OPEN_WANTED, USEC_NEVER);
	return 0;
}

void modem_close(struct modem *m, unsigned link)
{
	if (link >= MODEM_LINKS)
		return;

	struct link *k = &m->links[link];

	switch (k->phase) {
	case LINK_OPEN_WANTED:
		set_opened(m, link, MODEM_OPEN_CANCELLED);
		set_freed(m, link);
		break;
	case LINK_OPEN_SENT:
		set_opened(m, link, MODEM_OPEN_CANCELLED);
		k->phase = LINK_ABANDONED; /* answered, result and deadline stay */
		break;
	case LINK_UP:
		if (k->event_opened) {
			k->opened_result = MODEM_OPEN_CANCELLED;
			want_close(m, link, 0);
			break;
		}
		link_close(m, link, MODEM_CLOSE_LOCAL, false);
		break;
	case LINK_DRAIN:
		link_close(m, link, MODEM_CLOSE_LOCAL, k->gone);
		break;
	default:
		break;
	}
}

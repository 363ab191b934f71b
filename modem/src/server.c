/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The module's servers: SERVERSTART, SERVERSTOP and the clients they accept (NOTE 3.4).
 *
 * Theory of operation
 *
 * What is wanted (a port, or nothing) and what the module does (.port) are brought together. A server
 * lives with the network: after NETOPEN, a reset or the loss of the network it is begun anew. A host's
 * new life may find servers of its former one; the bring-up lists them, and those that happen to be
 * wanted are adopted.
 *
 *   phase         entered by                           time-out   then
 *   IDLE          nothing wanted, nothing there        -
 *   START_WANTED  modem_listen(), the bearer came up   -          START_SENT
 *   START_SENT    SERVERSTART written                  9 s        DOUBT
 *   LISTENING     its OK, or the module says so        -          (the slow watch asks)
 *   STOP_WANTED   modem_unlisten(), another port       -          STOP_SENT
 *   STOP_SENT     SERVERSTOP written                   9 s        DOUBT
 *   DOUBT         refused, no answer                   -          SERVERSTART? decides
 *   PAUSE         refused again                        1 s-60 s   DOUBT
 *
 * A firmware that cannot list its servers leaves the port unknown: then a refused start is followed by a
 * stop, and a refused stop by a start.
 *
 * settle() is the one place that says what comes next. While the bearer is down nothing is sent, and
 * servers_up() settles all.
 *
 * "+CLIENT: <link>,<server>,<ip>:<port>" gives a link to a client without asking; links.c takes care
 * of what the number was before. A client of a server that is not wanted any more, or one too many
 * (the last links are for the host's own connections), is closed at once. Clients that came while the
 * bearer was not up yet are closed when it is: their first bytes may be lost.
 */
#include "private.h"

#include <errno.h>
#include <string.h>

#include "util/log.h"

#define ANSWER_TIMEOUT SEC(9) /* AT reference 2: local commands */
#define STOP_RESULT_TIMEOUT SEC(9)
#define PAUSE_MIN SEC(1)
#define PAUSE_DOUBLINGS 6 /* up to 64 s */
#define PORT_UNKNOWN (-1)

static void set_phase(struct server *s, enum server_phase phase, usec_t deadline)
{
	s->phase = phase;
	s->deadline = deadline;
	s->answered = false;
	s->result = -1;
}

static void report(struct modem *m, unsigned i, uint16_t port, int result)
{
	struct server *s = &m->servers.server[i];

	if (result)
		log_warn("%s: server %u, port %u: %s", m->config->name, i, port,
			modem_open_result_name(result));
	else
		log_info("%s: server %u listens on port %u", m->config->name, i, port);
	s->event = true;
	s->event_result = result;
}

/* By what is wanted and what is there. */
static void settle(struct modem *m, unsigned i)
{
	struct server *s = &m->servers.server[i];

	if (s->port != s->wanted) {
		set_phase(s, s->port ? SERVER_STOP_WANTED : SERVER_START_WANTED, USEC_NEVER);
		return;
	}
	s->failures = 0;
	if (s->wanted && s->phase != SERVER_LISTENING)
		report(m, i, s->wanted, 0);
	set_phase(s, s->wanted ? SERVER_LISTENING : SERVER_IDLE, USEC_NEVER);
}

/* Once the module may know better, so it is asked; from then on in growing distances. */
static void refused(struct modem *m, unsigned i)
{
	struct server *s = &m->servers.server[i];
	unsigned again = s->failures++;

	if (again == 0)
		set_phase(s, SERVER_DOUBT, USEC_NEVER);
	else
		set_phase(s, SERVER_PAUSE, after(m,
			PAUSE_MIN << (again < PAUSE_DOUBLINGS ? again - 1 : PAUSE_DOUBLINGS)));
}

/* ---- SERVERSTART ---- */

static int error_of(const struct msg *msg)
{
	if (msg->kind == MSG_IP_ERROR)
		return dialect_ip_error(msg) == IP_ERROR_LISTENING ? MODEM_OPEN_LISTENING :
								     MODEM_OPEN_ERROR;
	return msg->count ? dialect_err(msg->n[0]) : MODEM_OPEN_UNKNOWN;
}

static enum info start_info(void *user, struct command *c, const struct msg *msg)
{
	(void)user;
	if (msg->kind != MSG_CIPERROR && msg->kind != MSG_IP_ERROR)
		return INFO_FOREIGN;
	c->error = error_of(msg);
	return INFO_FAILED;
}

static void start_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct server *s = &m->servers.server[c->link];

	if (s->phase != SERVER_START_SENT)
		return;
	if (r == RESULT_OK) {
		s->port = s->asked;
		settle(m, c->link);
		return;
	}
	/* A bare ERROR does not say whether an old one is in the way (AT reference 10). */
	s->port = c->error < 0 || c->error == MODEM_OPEN_LISTENING ? PORT_UNKNOWN : 0;
	if (r == RESULT_ERROR && s->failures == 1)
		report(m, c->link, s->asked, c->error >= 0 ? c->error : MODEM_OPEN_ERROR);
	if (c->error == MODEM_OPEN_NETWORK_NOT_OPENED)
		m->bearer.verify = true;
	refused(m, c->link);
}

static const struct command_type start_command = {
	.name = "AT+SERVERSTART",
	.timeout = ANSWER_TIMEOUT,
	.info = start_info,
	.done = start_done,
};

static void start_submit(struct modem *m, struct channel *ch, unsigned i)
{
	struct server *s = &m->servers.server[i];
	struct command *c = channel_prepare(ch, &start_command, i);

	command_printf(c, "AT+SERVERSTART=%u,%u", s->wanted, i);
	s->asked = s->wanted;
	set_phase(s, SERVER_START_SENT, USEC_NEVER);
	channel_submit(ch, m->now);
}

/* ---- SERVERSTOP ---- */

static bool is_stop_result(const struct msg *msg)
{
	return msg->kind == MSG_SERVERSTOP && msg->plain && msg->count == 2 && msg->n[0] >= 0 &&
		msg->n[0] < MODEM_SERVERS;
}

/* OK and the result line may come in any order; both must be there. */
static void stop_progress(struct modem *m, unsigned i)
{
	struct server *s = &m->servers.server[i];

	if (s->result > 0) {
		refused(m, i);
	} else if (s->result == 0 && s->answered) {
		s->port = 0;
		settle(m, i);
	}
}

static enum info stop_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;
	struct server *s = &m->servers.server[c->link];

	if (msg->kind == MSG_CIPERROR || msg->kind == MSG_IP_ERROR)
		return INFO_FAILED;
	if (!is_stop_result(msg) || msg->n[0] != c->link)
		return INFO_FOREIGN;
	s->result = dialect_err(msg->n[1]);
	return s->result ? INFO_FAILED : INFO_TAKEN;
}

static void stop_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct server *s = &m->servers.server[c->link];

	if (s->phase != SERVER_STOP_SENT)
		return;
	if (r != RESULT_OK) {
		/* Not started, or (some manuals) clients are still there. */
		if (r == RESULT_ERROR && s->port == PORT_UNKNOWN)
			s->port = 0;
		refused(m, c->link);
		return;
	}
	s->answered = true;
	s->deadline = after(m, STOP_RESULT_TIMEOUT);
	stop_progress(m, c->link);
}

static const struct command_type stop_command = {
	.name = "AT+SERVERSTOP",
	.timeout = ANSWER_TIMEOUT,
	.info = stop_info,
	.done = stop_done,
};

static void stop_submit(struct modem *m, struct channel *ch, unsigned i)
{
	struct command *c = channel_prepare(ch, &stop_command, i);

	command_printf(c, "AT+SERVERSTOP=%u", i);
	set_phase(&m->servers.server[i], SERVER_STOP_SENT, USEC_NEVER);
	channel_submit(ch, m->now);
}

/* ---- SERVERSTART? ---- */

void servers_list_begin(struct modem *m)
{
	memset(m->servers.listed, 0, sizeof(m->servers.listed));
}

enum info servers_list_info(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_SERVERSTART)
		return INFO_FOREIGN;
	if (msg->plain && msg->count == 2 && msg->n[0] >= 0 && msg->n[0] < MODEM_SERVERS &&
		msg->n[1] > 0 && msg->n[1] <= UINT16_MAX)
		m->servers.listed[msg->n[0]] = (int)msg->n[1];
	return INFO_TAKEN;
}

void servers_list_end(struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		m->servers.server[i].port = m->servers.listed[i];
}

static void check_done(void *user, struct command *c, enum result r)
{
	struct modem *m = user;

	(void)c;
	if (m->bearer.state != MODEM_STATE_UP)
		return;
	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		struct server *s = &m->servers.server[i];
		bool doubt = s->phase == SERVER_DOUBT;

		if (!doubt && s->phase != SERVER_LISTENING && s->phase != SERVER_IDLE)
			continue;
		if (r == RESULT_OK)
			s->port = m->servers.listed[i];
		if (doubt && r == RESULT_TIMEOUT)
			refused(m, i);
		else
			settle(m, i);
	}
}

static const struct command_type check_command = {
	.name = "AT+SERVERSTART?",
	.timeout = ANSWER_TIMEOUT,
	.info = servers_list_info,
	.done = check_done,
};

static void check_submit(struct modem *m, struct channel *ch)
{
	m->servers.check = false;
	servers_list_begin(m);
	command_printf(channel_prepare(ch, &check_command, 0), "AT+SERVERSTART?");
	channel_submit(ch, m->now);
}

bool servers_submit(struct modem *m, struct channel *ch)
{
	bool up = m->bearer.state == MODEM_STATE_UP, ask = m->servers.check;

	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		const struct server *s = &m->servers.server[i];

		ask = ask || s->phase == SERVER_DOUBT;
		if (s->phase == SERVER_STOP_WANTED)
			stop_submit(m, ch, i);
		else if (s->phase == SERVER_START_WANTED && up)
			start_submit(m, ch, i);
		else
			continue;
		return true;
	}
	if (ask && up)
		check_submit(m, ch);
	return ask && up;
}

/* ---- what the module says by itself ---- */

static unsigned inbound(const struct modem *m)
{
	unsigned n = 0;

	for (unsigned l = 0; l < MODEM_LINKS; l++)
		n += m->callers[l].due || (link_alive(&m->links[l]) && m->links[l].accepted);
	return n;
}

/* "0,1,192.0.2.1:5000", with or without quotes around the third (AT reference 10). */
static bool parse_client(struct caller *who, const struct msg *msg)
{
	const char *end = msg->text + msg->len, *at = msg->text;

	for (unsigned commas = 0; commas < 2; commas++) {
		at = memchr(at, ',', (size_t)(end - at));
		if (!at)
			return false;
		at++;
	}
	return msg->n[1] >= 0 && msg->n[1] < MODEM_SERVERS &&
		dialect_endpoint(&who->remote, at, (size_t)(end - at)) == 0 && who->remote.port;
}

static bool is_welcome(const struct modem *m, struct caller *who, const struct msg *msg)
{
	const struct server *s;

	if (!parse_client(who, msg)) {
		log_warn("%s: a client that cannot be", m->config->name);
		return false;
	}
	who->server = (unsigned)msg->n[1];
	s = &m->servers.server[who->server];
	if (s->phase != SERVER_LISTENING && (s->phase != SERVER_START_SENT || s->asked != s->wanted))
		return false;
	if (inbound(m) < MODEM_INBOUND_MAX)
		return true;
	log_info("%s: server %u: a client too many", m->config->name, who->server);
	return false;
}

static void client(struct modem *m, const struct msg *msg)
{
	struct caller who = {0};
	unsigned l;

	if (msg->count < 2 || msg->n[0] < 0 || msg->n[0] >= MODEM_LINKS)
		return;
	l = (unsigned)msg->n[0];
	if (m->bearer.state == MODEM_STATE_UP)
		link_called(m, l, is_welcome(m, &who, msg) ? &who : NULL);
	else if (m->bearer.state == MODEM_STATE_ACTIVATE)
		m->servers.strays |= 1u << l;
}

bool servers_urc(struct modem *m, const struct msg *msg)
{
	struct server *s;

	if (msg->kind == MSG_CLIENT) {
		client(m, msg);
		return true;
	}
	if (!is_stop_result(msg))
		return msg->kind == MSG_SERVERSTART || msg->kind == MSG_SERVERSTOP;
	s = &m->servers.server[msg->n[0]];
	if (s->phase == SERVER_STOP_SENT) {
		s->result = dialect_err(msg->n[1]);
		stop_progress(m, (unsigned)msg->n[0]);
	}
	return true;
}

/* ---- time, and the bearer ---- */

void servers_run(struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		struct server *s = &m->servers.server[i];

		if (m->now < s->deadline)
			continue;
		if (s->phase == SERVER_STOP_SENT)
			refused(m, i); /* OK, but no result */
		else
			set_phase(s, SERVER_DOUBT, USEC_NEVER);
	}
}

usec_t servers_deadline(const struct modem *m)
{
	usec_t d = USEC_NEVER;

	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		d = usec_min(d, m->servers.server[i].event ? 0 : m->servers.server[i].deadline);
	return d;
}

void servers_flush(struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		struct server *s = &m->servers.server[i];

		if (!s->event)
			continue;
		s->event = false;
		m->ops->listening(m->user, i, s->event_result);
	}
}

void servers_up(struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		settle(m, i);
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		if (m->servers.strays & 1u << l)
			link_stray(m, l);
	m->servers.strays = 0;
}

void servers_lost(struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		struct server *s = &m->servers.server[i];

		s->port = 0;
		s->failures = 0;
		s->event = false;
		set_phase(s, s->wanted ? SERVER_START_WANTED : SERVER_IDLE, USEC_NEVER);
	}
	m->servers.check = false;
	m->servers.strays = 0;
}

void servers_stop_all(struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		modem_unlisten(m, i);
}

bool servers_quiet(const struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		if (m->servers.server[i].phase == SERVER_STOP_WANTED ||
			m->servers.server[i].phase == SERVER_STOP_SENT)
			return false;
	return true;
}

bool servers_wanted(const struct modem *m)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		if (m->servers.server[i].wanted)
			return true;
	return false;
}

void servers_check(struct modem *m)
{
	m->servers.check = servers_wanted(m);
}

/* ---- public ---- */

/* What is under way is finished first: its end settles the rest. */
static void want(struct modem *m, unsigned i, uint16_t port)
{
	struct server *s = &m->servers.server[i];

	s->wanted = port;
	s->failures = 0;
	if (s->phase == SERVER_START_SENT || s->phase == SERVER_STOP_SENT || s->phase == SERVER_DOUBT)
		return;
	if (m->bearer.state == MODEM_STATE_UP)
		settle(m, i);
	else
		set_phase(s, port ? SERVER_START_WANTED : SERVER_IDLE, USEC_NEVER);
}

int modem_listen(struct modem *m, unsigned server, uint16_t port)
{
	if (server >= MODEM_SERVERS || port == 0)
		return -EINVAL;
	if (m->bearer.state < MODEM_STATE_STOPPING && m->servers.server[server].wanted != port)
		want(m, server, port);
	return 0;
}

void modem_unlisten(struct modem *m, unsigned server)
{
	if (server < MODEM_SERVERS && m->servers.server[server].wanted)
		want(m, server, 0);
}

enum modem_server_state modem_server_state(const struct modem *m, unsigned server)
{
	static const enum modem_server_state states[] = {
		[SERVER_IDLE] = MODEM_SERVER_IDLE,
		[SERVER_START_WANTED] = MODEM_SERVER_STARTING,
		[SERVER_START_SENT] = MODEM_SERVER_STARTING,
		[SERVER_LISTENING] = MODEM_SERVER_LISTENING,
		[SERVER_STOP_WANTED] = MODEM_SERVER_STOPPING,
		[SERVER_STOP_SENT] = MODEM_SERVER_STOPPING,
		[SERVER_DOUBT] = MODEM_SERVER_STARTING,
		[SERVER_PAUSE] = MODEM_SERVER_FAILED,
	};

	_Static_assert(sizeof(states) / sizeof(states[0]) == SERVER_PHASES, "each phase has a state");
	return server < MODEM_SERVERS ? states[m->servers.server[server].phase] : MODEM_SERVER_IDLE;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 *   state   entered by              time-out                  then
 *   IDLE    the end was told        -
 *   WANTED  modem_at()              the command's             DONE (MODEM_AT_BUSY: the channel was
 *                                                             never free for it)
 *   SENT    written                 the command's (channel.c) DONE (TIMEOUT)
 *   DONE    final result            at once                   IDLE, at_done() was called
 *
 * An operator's command takes its turn on the channel like a question of our own: in command mode,
 * between the steps of a bring-up or, once the bearer is up, where a name or an echo would be asked for. It
 * may not make the module ask for data, leave command mode or change what the driver relies on: the table
 * below says which commands do, and why. Their queries (?, =?) are harmless.
 *
 * The module says what it wants at any time, so the lines of the answer have to be told from others: those
 * with the command's own prefix and those that nobody knows are the answer's. What the driver knows or
 * may have to worry about it hears as ever, be it part of the answer or not.
 */
#include "private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 200
#define TIMEOUT_MAX SEC(180) /* AT+COPS=? takes up to three minutes */

/* ---- what is not taken ---- */

#define PROMPT "the module would wait for data"
#define LINKS "links are opened and closed by flows"
#define NETWORK "the bearer is brought up and down by gwd"
#define MODE "how data comes and goes is set by gwd"
#define PORT "the port is set by modem.baud and modem.flow_control"
#define SILENT "the module would stop answering here"

/* Names behind "AT", a '*' at the end stands for any rest. */
static const struct {
	const char *name, *why;
} refused[] = {
	{"+CIPSEND", PROMPT}, {"+CMGS", PROMPT}, {"+CMGW", PROMPT}, {"+CMGC", PROMPT},
	{"+CMGSEX", PROMPT}, {"+CMGWEX", PROMPT}, {"+CNMA", PROMPT}, {"+CMQTT*", PROMPT},
	{"+CCH*", PROMPT}, {"+HTTPDATA", PROMPT}, {"+HTTPPOSTFILE", PROMPT}, {"+SHTTPS*", PROMPT},
	{"+CHTTPS*", PROMPT}, {"+CFTPS*", PROMPT}, {"+FTP*", PROMPT}, {"+CFTRANRX", PROMPT},
	{"+CFTRANTX", PROMPT}, {"+CCERTDOWN", PROMPT}, {"+FSWRITE", PROMPT}, {"+CTTSPARAM", PROMPT},
	{"+CIPOPEN", LINKS}, {"+CIPCLOSE", LINKS}, {"+SERVERSTART", LINKS}, {"+SERVERSTOP", LINKS},
	{"+CPING", "pings go through the interface"}, {"+CPINGSTOP", "pings go through the interface"},
	{"+NETOPEN", NETWORK}, {"+NETCLOSE", NETWORK}, {"+CSOCKSETPN", NETWORK}, {"+CGACT", NETWORK},
	{"+CGDCONT", "the APN is set by modem.apn"}, {"+CGSOCKCONT", "the APN is set by modem.apn"},
	{"+CGDATA", MODE}, {"+CIPMODE", MODE}, {"+CIPRXGET", MODE}, {"+CIPCCFG", MODE},
	{"+CIPHEAD", MODE}, {"+CIPSRIP", MODE}, {"+CIPSENDMODE", MODE}, {"+CIPTIMEOUT", MODE},
	{"+CMEE", MODE}, {"+CMUX", MODE}, {"+CNMI", MODE}, {"+CATR", MODE}, {"+CCUART", MODE},
	{"+IPR", PORT}, {"+IPREX", PORT}, {"+ICF", PORT}, {"+IFC", PORT},
	{"+CSCLK", SILENT}, {"+CPOF", SILENT}, {"+CUSBPIDSWITCH", SILENT}, {"+CUSBCFG", SILENT},
	{"+CFOTA*", SILENT}, {"+LFOTA", SILENT},
};

/* Commands without a prefix character that change nothing. */
static const char *const harmless[] = {"", "I", "I0", "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "&V"};

/* Commands that are answered by lines without a prefix. With any other such a line is as suspicious as
 * ever: it may be payload whose header was lost. */
static const char *const bare[] = {"+CGMI", "+CGMM", "+CGMR", "+CGSN", "+CIMI", "+GMI", "+GMM", "+GMR",
	"+GSN", "+GCAP", "+CCID", "+SIMCOMATI", "+CLAC"};

/* The length of the name behind "AT": "+CSQ" of "+CSQ?". */
static size_t name_len(const char *body)
{
	return strcspn(body, "=?");
}

static bool name_is(const char *body, const char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '*')
		return strncasecmp(body, name, n - 1) == 0;
	return name_len(body) == n && strncasecmp(body, name, n) == 0;
}

static bool is_query(const char *body)
{
	const char *rest = body + name_len(body);

	return strcmp(rest, "?") == 0 || strcmp(rest, "=?") == 0;
}

/* A ';' begins another command, unless it is quoted; how the module takes a quote without an end is not
 * known. */
static bool is_chain(const char *body)
{
	bool quoted = false, inside = false;

	for (; *body; body++) {
		quoted ^= *body == '"';
		if (*body == ';' && !quoted)
			return true;
		inside = quoted && (inside || *body == ';');
	}
	return inside;
}

/* A module may skip a blank in a name (ITU-T V.250, 5.2.1) that the tables do not. */
static bool is_plain(const char *body)
{
	for (size_t n = name_len(body), i = 1; i < n; i++)
		if (!isalnum((unsigned char)body[i]) && body[i] != '_')
			return false;
	return true;
}

static bool is_harmless(const char *body)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strcasecmp(body, harmless[i]) == 0)
			return true;
	return false;
}

static bool is_bare(const char *body)
{
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		if (name_is(body, bare[i]))
			return true;
	return is_harmless(body);
}

bool modem_at_is_secret(const char *command)
{
	size_t n = strlen(command);

	return n >= 2 && !is_query(command + 2) && dialect_carries_secret(command, n);
}

bool modem_at_valid(const char *command)
{
	size_t n = strnlen(command, TEXT_MAX + 1);

	for (size_t i = 0; i < n; i++)
		if (command[i] < 0x20 || command[i] > 0x7e)
			return false;
	return n >= 2 && n <= TEXT_MAX && strncasecmp(command, "AT", 2) == 0;
}

const char *modem_at_refusal(const char *command)
{
	const char *body = command + 2;

	if (is_chain(body))
		return "one command at a time";
	if (!*body || isalnum((unsigned char)*body) || strchr("&%\\/ ", *body))
		return is_harmless(body) ? NULL : "it may change how the module answers";
	if (!is_plain(body))
		return "expected letters and digits in its name";
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (name_is(body, refused[i].name) && !is_query(body))
			return refused[i].why;
	return NULL;
}

/* ---- the answer ---- */

/* Of a line that tells a secret, be it an answer or an echo, only the name is kept. */
static void keep_line(struct at *a, const char *text, size_t n)
{
	char masked[64];
	int name = 0;

	if (dialect_carries_secret(text, n)) {
		while ((size_t)name < n && name < 50 && !strchr(":=", text[name]))
			name++;
		n = (size_t)snprintf(masked, sizeof(masked), "%.*s: ***", name, text);
		text = masked;
	}
	if (a->n_lines == MODEM_AT_LINES || a->used + n + 1 > sizeof(a->text)) {
		a->cut = true;
		return;
	}
	memcpy(a->text + a->used, text, n);
	a->text[a->used + n] = '\0';
	a->lines[a->n_lines++] = a->text + a->used;
	a->used += n + 1;
}

static bool has_own_prefix(const struct at *a, const struct msg *msg)
{
	size_t n = name_len(a->command + 2);

	return n > 1 && msg->line_len >= n && strncasecmp(msg->line, a->command + 2, n) == 0;
}

/* Only an answer has them. */
static bool is_answer(enum msg_kind kind)
{
	return kind == MSG_UNKNOWN || kind == MSG_MODEL || kind == MSG_REVISION ||
		kind == MSG_MANUFACTURER || kind == MSG_IMEI || kind == MSG_CGMM || kind == MSG_CGMR ||
		kind == MSG_ICCID;
}

static enum info at_info(void *user, struct command *c, const struct msg *msg)
{
	struct at *a = &((struct modem *)user)->at;

	(void)c;
	if (a->state != AT_SENT)
		return INFO_FOREIGN;
	if (msg->kind == MSG_CME_ERROR) {
		snprintf(a->final, sizeof(a->final), "%.*s", (int)msg->line_len, msg->line);
		return INFO_TAKEN;
	}
	if (is_answer(msg->kind) || has_own_prefix(a, msg))
		keep_line(a, msg->line, msg->line_len);
	return is_answer(msg->kind) && (a->bare || has_own_prefix(a, msg)) ? INFO_TAKEN : INFO_FOREIGN;
}

static void conclude(struct modem *m, enum modem_at_result r)
{
	m->at.state = AT_DONE;
	m->at.result = r;
	m->at.deadline = 0;
}

static void at_finished(void *user, struct command *c, enum result r)
{
	struct modem *m = user;
	struct at *a = &m->at;

	(void)c;
	if (a->state != AT_SENT)
		return; /* given up meanwhile */
	if (r == RESULT_OK)
		snprintf(a->final, sizeof(a->final), "OK");
	else if (r == RESULT_ERROR && !a->final[0])
		snprintf(a->final, sizeof(a->final), "ERROR");
	conclude(m, r == RESULT_OK ? MODEM_AT_OK :
			    r == RESULT_ERROR ? MODEM_AT_ERROR : MODEM_AT_TIMEOUT);
}

static const struct command_type at_command = {
	.name = "AT command of an operator",
	.info = at_info,
	.done = at_finished,
};

static const struct command_type at_secret = {
	.name = "AT command of an operator",
	.secret = true,
	.info = at_info,
	.done = at_finished,
};

/* ---- its turn ---- */

int modem_at(struct modem *m, const char *command, usec_t timeout)
{
	struct at *a = &m->at;

	if (!modem_at_valid(command) || timeout == 0 || timeout > TIMEOUT_MAX)
		return -EINVAL;
	if (modem_at_refusal(command))
		return -EPERM;
	if (a->state != AT_IDLE || m->session.state != SESSION_NONE)
		return -EBUSY;
	if (m->bearer.state == MODEM_STATE_ABSENT || m->bearer.state >= MODEM_STATE_STOPPING)
		return -ENODEV;
	a->state = AT_WANTED;
	a->timeout = timeout;
	a->begun = m->now;
	a->deadline = after(m, timeout);
	a->n_lines = 0;
	a->used = 0;
	a->cut = false;
	a->final[0] = '\0';
	snprintf(a->command, sizeof(a->command), "%s", command);
	a->bare = is_bare(command + 2);
	return 0;
}

bool at_submit(struct modem *m, struct channel *ch)
{
	enum modem_state s = m->bearer.state;
	struct at *a = &m->at;
	struct command *c;

	/* A step that waits for its result has the module's attention. */
	if (a->state != AT_WANTED || (s != MODEM_STATE_UP && m->bearer.sent) ||
		(s != MODEM_STATE_SIM && s != MODEM_STATE_REGISTER && s != MODEM_STATE_ACTIVATE &&
			s != MODEM_STATE_UP))
		return false;
	a->state = AT_SENT;
	a->begun = m->now;
	a->deadline = USEC_NEVER;
	m->yield = true;
	c = channel_prepare(ch, modem_at_is_secret(a->command) ? &at_secret : &at_command, 0);
	c->timeout = a->timeout;
	command_printf(c, "%s", a->command);
	channel_submit(ch, m->now);
	return true;
}

void at_lost(struct modem *m)
{
	if (m->at.state == AT_WANTED || m->at.state == AT_SENT)
		conclude(m, MODEM_AT_LOST);
}

void at_run(struct modem *m)
{
	if (m->at.state == AT_WANTED && m->now >= m->at.deadline)
		conclude(m, MODEM_AT_BUSY);
}

usec_t at_deadline(const struct modem *m)
{
	return m->at.state == AT_IDLE ? USEC_NEVER : m->at.deadline;
}

void at_flush(struct modem *m)
{
	struct at *a = &m->at;
	struct modem_at_answer answer = {
		.command = a->command,
		.result = a->result,
		.final = a->final,
		.lines = a->lines,
		.n_lines = a->n_lines,
		.cut = a->cut,
		.duration = m->now - a->begun,
	};

	if (a->state != AT_DONE)
		return;
	a->state = AT_IDLE;
	m->ops->at_done(m->user, &answer);
	if (modem_at_is_secret(a->command))
		explicit_bzero(a->command, sizeof(a->command));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation: each byte goes to the handler of the mode (table below). In MODE_COMMAND a
 * CR completes the line; it is echoed, and parser_latency_ms after its last byte it runs: the
 * commands of the line one after another ("AT&F;E0"), then one OK. A command that cannot answer at
 * once keeps MODE_BUSY and reports through parser_done(). While busy, parser_ready() leaves the
 * host's bytes on the line.
 */
#include "parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim.h"


typedef void byte_fn(struct sim *sim, uint8_t byte, int64_t arrived);

static timer_fn run_line;

static void ignore_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	(void)sim;
	(void)byte;
	(void)at;
}

/* Knob urc_glue: a line whose end is missing, right before the echo. */
static void echo_line(struct sim *sim)
{
	struct parser *p = &sim->parser;
	char text[COMMAND_LINE_MAX + 2];

	if (!sim->module.echo)
		return;
	if (knob_is(&sim->knobs, KNOB_URC_GLUE, "on"))
		line_write(sim, "\r\n+CREG: 1", 10);
	memcpy(text, p->line, p->len);
	text[p->len] = '\r';
	line_write(sim, text, p->len + 1);
}

/* An escape that finds command mode is no mistake: a host that does not know the mode has to try. */
static void skip_escape(struct parser *p)
{
	if (p->len < 3 || memcmp(p->line, "+++", 3) != 0)
		return;
	p->len -= 3;
	memmove(p->line, p->line + 3, p->len);
}

/* A line without AT in front. A parser that looks for AT still finds one behind garbage. */
static bool find_at(struct sim *sim)
{
	struct parser *p = &sim->parser;
	char *at;

	skip_escape(p);
	p->line[p->len] = '\0';
	if (strlen(p->line) == p->len && !strncasecmp(p->line, "AT", 2)) {
		p->next = p->line + 2;
		return true;
	}
	mistake(sim, "stray", "%.*s", (int)p->len, p->line);
	at = memmem(p->line, p->len, "AT+", 3);
	if (!at && p->len >= 2 && !memcmp(p->line + p->len - 2, "AT", 2))
		at = p->line + p->len - 2;
	if (!at)
		return false;
	p->next = at + 2;
	return true;
}

static void line_complete(struct sim *sim, int64_t at)
{
	struct parser *p = &sim->parser;
	int64_t latency = knob_num(&sim->knobs, KNOB_PARSER_LATENCY) * MS;

	if (p->len == 0)
		return;
	echo_line(sim);
	if (p->overlong) {
		mistake(sim, "line too long", "more than %d bytes", COMMAND_LINE_MAX);
		p->len = 0;
		p->overlong = false;
		final_result(sim, "ERROR");
		return;
	}
	if (!find_at(sim)) {
		p->len = 0;
		return;
	}
	p->len = 0;
	p->commands++;
	if (knob_num(&sim->knobs, KNOB_AT_TIMEOUT) == p->commands) {
		p->hung = true;
		return;
	}
	p->arrived = at;
	p->ran = false;
	parser_mode(sim, MODE_BUSY);
	timer_set(&sim->timers, at + latency, run_line, 0, 0);
}

static void command_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	struct parser *p = &sim->parser;
	bool after_cr = p->after_cr;

	p->after_cr = byte == '\r';
	if (byte == '\n') {
		if (after_cr)
			mistake(sim, "lf after cr", "%s", "");
	} else if (byte == '\r') {
		line_complete(sim, at);
	} else if (byte == 0x1a && p->ctrlz_ok) {
		if (knob_is(&sim->knobs, KNOB_CTRLZ_AFTER_FIXED, "stray"))
			line_write(sim, "\x1a", 1);
	} else if (byte == 0x1b && p->ctrlz_ok &&
		   knob_is(&sim->knobs, KNOB_CTRLZ_AFTER_FIXED, "esc_ignored")) {
		return;
	} else if (p->len == COMMAND_LINE_MAX) {
		p->overlong = true;
	} else if (byte == '\b') {
		p->len -= p->len > 0;
	} else if (p->len > 0 || (byte != 0 && byte != 0x1b && byte != ' ')) {
		p->line[p->len++] = (char)byte;
	}
	p->ctrlz_ok = p->ctrlz_ok && (byte == 0x1a || byte == 0x1b);
}

/* Knob at_before_banner=answered: a parser that is up before the banner. */
static void boot_byte(struct sim *sim, uint8_t byte, int64_t at)
{
	if (knob_is(&sim->knobs, KNOB_AT_BEFORE_BANNER, "answered"))
		command_byte(sim, byte, at);
}

static const struct {
	const char *name;
	byte_fn *byte;
} modes[] = {
	[MODE_OFF] = {"off", ignore_byte},	   [MODE_BOOT] = {"boot", boot_byte},
	[MODE_COMMAND] = {"command", command_byte}, [MODE_BUSY] = {"busy", ignore_byte},
	[MODE_PROMPT] = {"prompt", send_early},	   [MODE_ENTRY] = {"entry", send_payload},
	[MODE_ONLINE] = {"online", online_byte},
};

_Static_assert(sizeof(modes) / sizeof(modes[0]) == MODE_COUNT, "a handler for each mode");

const char *parser_mode_name(enum mode mode)
{
	return modes[mode].name;
}

void parser_mode(struct sim *sim, enum mode mode)
{
	sim->parser.mode = mode;
	sim->parser.since = sim->now;
	sim->parser.warned = false;
}

bool parser_ready(struct sim *sim, uint8_t byte)
{
	struct parser *p = &sim->parser;

	if (p->mode == MODE_ONLINE)
		return !online_full(sim);
	if (p->mode != MODE_BUSY || p->frozen || p->hung)
		return true;
	if (!p->warned && byte != '\n' && byte != 0x1a) {
		p->warned = true;
		mistake(sim, "command while one is pending", "%s", p->line);
	}
	return false;
}

void parser_byte(struct sim *sim, uint8_t byte, int64_t arrived)
{
	if (!sim->parser.frozen && !sim->parser.hung)
		modes[sim->parser.mode].byte(sim, byte, arrived);
}

void parser_reset(struct sim *sim)
{
	struct parser *p = &sim->parser;

	p->len = 0;
	p->overlong = p->after_cr = p->hung = p->ctrlz_ok = false;
	p->commands = 0;
}

void final_result(struct sim *sim, const char *text)
{
	enum mode mode = sim->parser.mode;

	urc_perhaps(sim);
	say(sim, "%s", text);
	if (mode != MODE_BOOT && mode != MODE_OFF)
		parser_mode(sim, MODE_COMMAND);
}

static const char *const ip_errors[] = { /* note 4.1, first table */
	"Connection time out", "Bind port failed", "Port overflow", "Create socket failed",
	"Network is already opened", "Network is already closed", "No clients connected",
	"No active client", "Network not opened", "Client index overflow",
	"Connection is already created", "Connection is not created", "Invalid parameter",
	"Operation not supported", "DNS query failed", "TCP busy",
	"Net close failed for socket opened", "Sending time out",
	"Sending failure for network error", "Open failure for network error",
	"Server is already listening", "Operation failed", "No data",
};

enum result ip_error(struct sim *sim, int number)
{
	bool shifted = knob_is(&sim->knobs, KNOB_ERR_NUMBERS, "shifted");

	urc_perhaps(sim);
	if (sim->module.ccfg[CCFG_ERR_MODE]) {
		say(sim, "+IP ERROR: %s", ip_errors[number]);
		return RESULT_ERROR;
	}
	if (shifted && number == 22)
		number = 21;
	else if (shifted && number == 2)
		number = 22;
	say(sim, "+IP ERROR: %d", number);
	return RESULT_ERROR;
}

enum result cip_error(struct sim *sim, int number)
{
	say(sim, "+CIPERROR: %d", number);
	final_result(sim, "ERROR");
	if (knob_is(&sim->knobs, KNOB_DOUBLE_ERROR, "on"))
		say(sim, "ERROR");
	return RESULT_SILENT;
}

enum result cme_error(struct sim *sim, int number)
{
	static const struct {
		int number;
		const char *text;
	} texts[] = {{3, "operation not allowed"}, {10, "SIM not inserted"},
		{11, "SIM PIN required"}, {12, "SIM PUK required"}, {13, "SIM failure"},
		{16, "incorrect password"}};
	char line[64];

	snprintf(line, sizeof(line), "+CME ERROR: %d", number);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].number == number && sim->module.cmee == 2)
			snprintf(line, sizeof(line), "+CME ERROR: %s", texts[i].text);
	final_result(sim, sim->module.cmee ? line : "ERROR");
	return RESULT_SILENT;
}

bool arg_given(const struct call *call, int i)
{
	return i < call->args && (call->arg[i].quoted || call->arg[i].text[0]);
}

bool arg_int(const struct call *call, int i, long min, long max, long *out)
{
	char *end;

	if (!arg_given(call, i) || call->arg[i].quoted || strlen(call->arg[i].text) > 10)
		return false;
	*out = strtol(call->arg[i].text, &end, 10);
	return *end == '\0' && *out >= min && *out <= max;
}

/* Cuts "a,"b",c" in place; false when quotes do not match or there are too many. */
static bool split_args(char *text, struct call *call)
{
	for (;;) {
		struct arg *a = &call->arg[call->args];
		char *end;

		if (call->args == ARGS_MAX)
			return false;
		text += strspn(text, " ");
		a->quoted = *text == '"';
		if (a->quoted) {
			a->text = ++text;
			end = strchr(text, '"');
			if (!end)
				return false;
			*end++ = '\0';
			end += strspn(end, " ");
			if (*end && *end != ',')
				return false;
		} else {
			a->text = text;
			end = text + strcspn(text, ",");
		}
		call->args++;
		if (!*end)
			return true;
		*end = '\0';
		text = end + 1;
	}
}

/* The end of an extended command: ';' outside quotes. */
static const char *command_end(const char *text)
{
	bool quoted = false;

	for (; *text && (quoted || *text != ';'); text++)
		quoted ^= *text == '"';
	return text;
}

static enum result unknown(struct sim *sim, const char *text)
{
	mistake(sim, "unknown command", "AT%s", text);
	return RESULT_ERROR;
}

static enum result call_command(struct sim *sim, const char *name, struct call *call)
{
	enum result r;

	call->command = command_find(name);
	if (!call->command)
		return unknown(sim, name);
	journal_command(&sim->journal, name);
	if (call->form == FORM_TEST) {
		if (call->command->test)
			say(sim, "%s: %s", name, call->command->test);
		return RESULT_OK;
	}
	urc_perhaps(sim);
	r = call->command->fn(sim, call);
	if (r == RESULT_ERROR && call->form == FORM_SET && call->args == 0)
		mistake(sim, "malformed command", "AT%s", name);
	return r;
}

/* +NAME, +NAME=..., +NAME?, +NAME=? */
static enum result run_extended(struct sim *sim)
{
	struct parser *p = &sim->parser;
	char text[COMMAND_LINE_MAX + 1];
	const char *end = command_end(p->next);
	struct call call = {.form = FORM_RUN, .raw = ""};
	size_t len = (size_t)(end - p->next), name;
	char *rest;

	memcpy(text, p->next, len);
	text[len] = '\0';
	p->next = *end ? end + 1 : end;
	name = strcspn(text, "=?");
	rest = text + name;
	if (!strcmp(rest, "?")) {
		call.form = FORM_READ;
	} else if (!strcmp(rest, "=?")) {
		call.form = FORM_TEST;
	} else if (*rest == '=') {
		call.form = FORM_SET;
		call.raw = rest + 1;
	} else if (*rest) {
		return unknown(sim, text);
	}
	*rest = '\0';
	for (char *c = text; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (call.form == FORM_SET) {
		char copy[COMMAND_LINE_MAX + 1];

		memcpy(copy, call.raw, strlen(call.raw) + 1);
		if (!split_args(copy, &call)) {
			mistake(sim, "malformed command", "AT%s=%s", text, call.raw);
			return RESULT_ERROR;
		}
		return call_command(sim, text, &call);
	}
	return call_command(sim, text, &call);
}

/* E0, &D1, I, O, S0=0: letters with digits behind. */
static enum result run_basic(struct sim *sim)
{
	struct parser *p = &sim->parser;
	const struct command *c = command_basic(p->next);
	char number[8] = "";
	struct call call = {.command = c, .form = FORM_RUN, .raw = number};
	size_t n;

	if (!c) {
		const char *text = p->next;

		p->next += strlen(p->next);
		return unknown(sim, text);
	}
	p->next += strlen(c->name);
	n = strspn(p->next, "0123456789=?");
	snprintf(number, sizeof(number), "%.*s", (int)n, p->next);
	p->next += n;
	journal_command(&sim->journal, c->name);
	return c->fn(sim, &call);
}

static void run_rest(struct sim *sim, enum result r)
{
	struct parser *p = &sim->parser;

	while (r == RESULT_OK) {
		p->next += strspn(p->next, " ;");
		if (!*p->next) {
			final_result(sim, "OK");
			return;
		}
		r = *p->next == '+' || *p->next == '*' ? run_extended(sim) : run_basic(sim);
	}
	if (r == RESULT_ERROR)
		final_result(sim, "ERROR");
	else if (r == RESULT_SILENT && p->mode == MODE_BUSY)
		parser_mode(sim, MODE_COMMAND);
}

static void run_line(struct sim *sim, int a, unsigned b)
{
	bool refused = send_unconfirmed(sim) && knob_is(&sim->knobs, KNOB_CMD_BETWEEN, "error");

	(void)a;
	(void)b;
	run_rest(sim, refused ? RESULT_ERROR : RESULT_OK);
}

void parser_done(struct sim *sim, enum result result)
{
	if (sim->parser.mode == MODE_BUSY)
		run_rest(sim, result);
}

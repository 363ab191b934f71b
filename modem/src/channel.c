/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 *   state    left by                          time-out            then
 *   IDLE     channel_submit()                 -
 *   WRITE    last byte of the line written    5 s + line time     LATE
 *   ANSWER   prompt; final result             the command's       LATE (or IDLE: blind, raw)
 *   PAYLOAD  last byte of the payload written 20 s + line time    LATE
 *   LATE     -                                at once             FILL or QUERY
 *   FILL     -                                1 s                 QUERY
 *   QUERY    answer of the query              3 s                 QUERY, the third time dead()
 *   RAW      channel_cooked()                 the owner's
 *
 * A command that timed out keeps its slot. Its owner hears RESULT_TIMEOUT at once, but nothing new
 * is sent: whatever final result comes now belongs to it and is swallowed. The way out is a query
 * whose informative line nobody else produces; the final result that follows this line is the
 * query's own, and since the module answers in order, everything before it has been answered or
 * never will be. The queries alternate, so that a late answer of one is not taken for the next
 * one's.
 *
 * A CIPSEND whose prompt did not come is the hard case: was the prompt lost, the module takes our
 * query for payload. So it first gets what it waits for: ESC (which some firmwares honour) and as
 * many NULs as it was promised. The real payload is never used for that: if the module is in
 * command mode after all, payload would be executed.
 *
 * For the same reason an ERROR while payload is being written drops what is not yet written.
 *
 * A result that arrives before the line was written cannot answer it (some firmwares print ERROR
 * twice); after such a command the channel is held for a moment, for the second ERROR to arrive.
 */
#include "channel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

#define WRITE_TIMEOUT SEC(5)
#define PAYLOAD_TIMEOUT SEC(20) /* RTS may hold us back while the module's buffer is full */
#define FILL_TIMEOUT SEC(1)
#define QUERY_TIMEOUT SEC(3)
#define QUERY_MAX 3		  /* AT reference 18.11: three unanswered commands */
#define CONCLUDE_TIMEOUT MSEC(300) /* AT reference 18.6: informative line without its ERROR */
#define ERROR_HOLD MSEC(50)
#define STALL SEC(2) /* AT reference 1.2: a payload may pause for hundreds of ms */
#define QUIET MSEC(100)
#define QUIET_MAX SEC(3)
#define ESC 0x1b

static const struct {
	const char *text;
	enum msg_kind kind;
	unsigned fields; /* at least */
} queries[] = {
	{"AT+CSQ", MSG_CSQ, 2},
	{"AT+CIPCLOSE?", MSG_CIPCLOSE, 3},
};

static const char *const state_names[] = {
	"idle", "write", "answer", "payload", "late", "fill", "query", "raw",
};

_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == CHANNEL_STATES,
	"a name for each state");

static void enter(struct channel *ch, enum channel_state s, usec_t deadline)
{
	ch->state = s;
	ch->deadline = deadline;
}

/* Ten bits a byte. */
static usec_t line_time(const struct channel *ch, size_t n)
{
	return ch->baud ? n * SEC(10) / ch->baud : 0;
}

static bool in_flight(const struct channel *ch)
{
	return ch->state == CHANNEL_WRITE || ch->state == CHANNEL_ANSWER ||
		ch->state == CHANNEL_PAYLOAD;
}

static size_t unwritten(const struct channel *ch)
{
	return ch->out_len - ch->out_at;
}

static void put(struct channel *ch, const void *p, size_t n)
{
	if (n > sizeof(ch->out) - ch->out_len)
		n = sizeof(ch->out) - ch->out_len;
	memcpy(ch->out + ch->out_len, p, n);
	ch->out_len += n;
}

static void put_fill(struct channel *ch, int byte, size_t n)
{
	if (n > sizeof(ch->out) - ch->out_len)
		n = sizeof(ch->out) - ch->out_len;
	memset(ch->out + ch->out_len, byte, n);
	ch->out_len += n;
}

/* The command is over: done() may look at it but submits nothing itself. */
static void conclude(struct channel *ch, enum result r)
{
	struct command *c = &ch->cmd;
	bool resync = r == RESULT_ERROR && ch->state == CHANNEL_PAYLOAD;

	ch->fill = false;
	ch->lexer.want_prompt = false;
	if (resync)
		ch->out_at = ch->out_len = 0;
	if (r == RESULT_ERROR && c->type->twice)
		ch->hold = ch->now + ERROR_HOLD;
	if (resync) {
		ch->unanswered = 0;
		enter(ch, CHANNEL_LATE, ch->now);
	} else {
		enter(ch, CHANNEL_IDLE, USEC_NEVER);
	}
	c->type->done(ch->user, c, r);
}

static void time_out(struct channel *ch)
{
	struct command *c = &ch->cmd;

	if (c->type->raw) {
		conclude(ch, RESULT_OK);
		return;
	}
	if (ch->failed) {
		conclude(ch, RESULT_ERROR);
		return;
	}
	ch->timeouts++;
	if (c->type->blind) {
		ch->out_at = ch->out_len = 0;
		conclude(ch, RESULT_TIMEOUT);
		return;
	}
	log_debug("%s: no answer to %s (%s)", ch->name, c->type->name, state_names[ch->state]);
	ch->fill = c->payload && !c->prompted;
	ch->unanswered = 0;
	enter(ch, CHANNEL_LATE, ch->now);
	c->type->done(ch->user, c, RESULT_TIMEOUT);
	ch->ops->unanswered(ch->user);
}

static void send_fill(struct channel *ch, bool escape)
{
	log_debug("%s: feeding %zu bytes to a send without prompt", ch->name, ch->cmd.len);
	ch->fill = false;
	ch->lexer.want_prompt = false;
	ch->out_at = ch->out_len = 0;
	if (escape)
		put_fill(ch, ESC, 1);
	put_fill(ch, 0, ch->cmd.len);
	put(ch, "\r", 1);
	tap_note(&ch->tap, "%zu bytes of filler to a send without prompt", ch->out_len);
	enter(ch, CHANNEL_FILL, ch->now + FILL_TIMEOUT + line_time(ch, ch->out_len));
}

static void send_query(struct channel *ch)
{
	const char *text;

	if (ch->unanswered++ == QUERY_MAX) {
		channel_reset(ch);
		ch->ops->dead(ch->user);
		return;
	}
	ch->query_seen = false;
	if (unwritten(ch) == 0) {
		ch->query = (ch->query + 1) % (sizeof(queries) / sizeof(queries[0]));
		text = queries[ch->query].text;
		ch->out_at = ch->out_len = 0;
		put(ch, text, strlen(text));
		put(ch, "\r", 1);
		tap_line(&ch->tap, true, text, strlen(text));
	}
	enter(ch, CHANNEL_QUERY, ch->now + QUERY_TIMEOUT);
}

static void prompt(void *user)
{
	struct channel *ch = user;
	struct command *c = &ch->cmd;

	tap_line(&ch->tap, false, ">", 1);
	if (ch->state != CHANNEL_ANSWER) {
		/* Late: the send was given up, but the module waits for its bytes. */
		if (c->payload)
			send_fill(ch, false);
		return;
	}
	ch->ops->prompt_delay(ch->user, ch->now - ch->line_out);
	c->prompted = true;
	ch->out_at = ch->out_len = 0;
	put(ch, c->payload, c->len);
	tap_bytes(&ch->tap, true, (int)c->link, c->payload, c->len);
	enter(ch, CHANNEL_PAYLOAD, ch->now + PAYLOAD_TIMEOUT + line_time(ch, c->len));
	ch->ops->settled(ch->user);
}

static void final_result(struct channel *ch, bool ok)
{
	switch (ch->state) {
	case CHANNEL_QUERY:
		if (!ch->query_seen)
			break;
		ch->resyncs++;
		ch->lexer.want_prompt = false;
		enter(ch, CHANNEL_IDLE, USEC_NEVER);
		return;
	case CHANNEL_ANSWER:
		if (ch->cmd.type->raw)
			break;
		if (ok && ch->cmd.payload && !ch->cmd.prompted)
			break; /* OK cannot precede the prompt */
		conclude(ch, ok && !ch->failed ? RESULT_OK : RESULT_ERROR);
		return;
	case CHANNEL_PAYLOAD:
		if (ok)
			break;
		conclude(ch, RESULT_ERROR);
		return;
	default:
		break;
	}
	ch->stray_results++;
}

/* Data mode follows a command of this kind when it succeeded; what ends it in failure is behind its
 * informative line, or is that line itself. */
static bool connect_result(struct channel *ch, const struct msg *msg)
{
	const struct command_type *t = ch->cmd.type;

	if (ch->state != CHANNEL_ANSWER || !t->connects)
		return false;
	if (msg->kind == MSG_CONNECT) {
		conclude(ch, RESULT_OK);
	} else if (msg->kind == MSG_CONNECT_FAIL || msg->kind == MSG_NO_CARRIER) {
		if (t->info)
			t->info(ch->user, &ch->cmd, msg);
		conclude(ch, RESULT_ERROR);
	} else {
		return msg->kind == MSG_OK;
	}
	return true;
}

/* Our own text, alone or glued to the end of something else (AT reference 1.2). Cuts it off. */
static bool cut_echo(struct channel *ch, struct lexer_line *line)
{
	const char *text = ch->state == CHANNEL_QUERY ? queries[ch->query].text : ch->cmd.text;
	size_t len = ch->state == CHANNEL_QUERY ? strlen(text) : ch->cmd.text_len;

	if (!in_flight(ch) && ch->state != CHANNEL_QUERY)
		return line->len >= 2 && memcmp(line->text, "AT", 2) == 0;
	if (len && line->len >= len && memcmp(line->text + line->len - len, text, len) == 0) {
		line->len -= len;
		ch->ops->echo(ch->user);
	} else if (line->len >= 2 && memcmp(line->text, "AT", 2) == 0) {
		return true;
	}
	return line->len == 0;
}

static void answer_line(struct channel *ch, const struct lexer_line *line, const struct msg *msg)
{
	enum info info = INFO_FOREIGN;

	if (ch->state == CHANNEL_QUERY && msg->kind == queries[ch->query].kind &&
		msg->count >= queries[ch->query].fields)
		ch->query_seen = true;
	if (in_flight(ch) && ch->state != CHANNEL_WRITE && ch->cmd.type->info)
		info = ch->cmd.type->info(ch->user, &ch->cmd, msg);
	if (info == INFO_FAILED && !ch->failed) {
		ch->failed = true;
		ch->deadline = usec_min(ch->deadline, ch->now + CONCLUDE_TIMEOUT);
	}
	if (info == INFO_FOREIGN)
		ch->ops->urc(ch->user, line, msg);
}

bool channel_is_secret(const struct channel *ch)
{
	return ch->secret > 0;
}

/* The answer of a secret command may be its echo, in whole or garbled. That may even come behind the
 * result, when the next command is out: then what has a meaning is shown. */
static bool hides(const struct channel *ch, const struct lexer_line *line, enum msg_kind kind)
{
	if (kind == MSG_OK || kind == MSG_ERROR)
		return false;
	return ch->secret == 2 || (ch->secret == 1 && kind == MSG_UNKNOWN) ||
		dialect_carries_secret(line->text, line->len);
}

static void tap_answer(struct channel *ch, const struct lexer_line *line, enum msg_kind kind)
{
	if (!ch->tap.on)
		return;
	if (hides(ch, line, kind))
		tap_note(&ch->tap, "a line of %zu bytes is not shown", line->len);
	else if (ch->lexer.deaf) /* it may be payload whose header was lost */
		tap_bytes(&ch->tap, false, -1, line->text, line->len);
	else
		tap_line(&ch->tap, false, line->text, line->len);
}

static void on_line(void *user, const struct lexer_line *l)
{
	struct channel *ch = user;
	struct lexer_line line = *l;
	struct msg msg;

	dialect_parse(&msg, line.text, line.len);
	tap_answer(ch, &line, msg.kind);
	if (ch->lexer.deaf && msg.kind != MSG_BANNER)
		return;
	if (cut_echo(ch, &line))
		return;
	if (line.len != l->len)
		dialect_parse(&msg, line.text, line.len);
	if (connect_result(ch, &msg)) {
		/* it needs nothing else */
	} else if (msg.kind == MSG_OK || msg.kind == MSG_ERROR) {
		final_result(ch, msg.kind == MSG_OK);
	} else {
		answer_line(ch, &line, &msg);
		if (msg.kind == MSG_CME_ERROR)
			final_result(ch, false);
	}
	ch->ops->settled(ch->user);
}

static void on_payload_begin(void *user, const struct lexer_header *h)
{
	struct channel *ch = user;

	tap_line(&ch->tap, false, h->text, h->text_len);
	tap_payload_begin(&ch->tap, h->link, h->len);
	ch->ops->payload_begin(ch->user, h);
}

static void on_payload(void *user, const uint8_t *p, size_t n)
{
	struct channel *ch = user;

	tap_payload(&ch->tap, p, n);
	ch->ops->payload(ch->user, p, n);
}

static void on_payload_end(void *user)
{
	struct channel *ch = user;

	tap_payload_end(&ch->tap);
	ch->ops->payload_end(ch->user);
	/* The answer goes on behind its payload, however long that took. */
	if (ch->state == CHANNEL_ANSWER && !ch->failed && !ch->cmd.type->raw)
		ch->deadline = ch->now + (ch->cmd.prompted ? ch->cmd.type->after_payload :
							      ch->cmd.timeout);
	ch->ops->settled(ch->user);
}

static void on_peeked(void *user, bool found)
{
	struct channel *ch = user;

	ch->ops->peeked(ch->user, found);
}

static void on_skew(void *user)
{
	struct channel *ch = user;

	if (!ch->lexer.deaf)
		ch->ops->skew(ch->user);
}

static void on_overlong(void *user)
{
	struct channel *ch = user;

	if (!ch->lexer.deaf)
		ch->ops->overlong(ch->user);
}

static void on_raw(void *user, const uint8_t *p, size_t n)
{
	struct channel *ch = user;

	tap_bytes(&ch->tap, false, -1, p, n);
	ch->ops->raw(ch->user, p, n);
}

static const struct lexer_ops lexer_callbacks = {
	.line = on_line,
	.prompt = prompt,
	.payload_begin = on_payload_begin,
	.payload = on_payload,
	.payload_end = on_payload_end,
	.peeked = on_peeked,
	.skew = on_skew,
	.overlong = on_overlong,
	.raw = on_raw,
};

void channel_init(struct channel *ch, const char *name, unsigned baud,
	const struct channel_ops *ops, void *user)
{
	*ch = (struct channel){.ops = ops, .user = user, .name = name, .baud = baud};
	ch->tap.tell = ops->tap;
	ch->tap.user = user;
	lexer_init(&ch->lexer, dialect_forms, &lexer_callbacks, ch);
	channel_reset(ch);
}

void channel_reset(struct channel *ch)
{
	enter(ch, CHANNEL_IDLE, USEC_NEVER);
	ch->hold = 0;
	ch->quiet = ch->quiet_max = USEC_NEVER;
	ch->fill = ch->failed = ch->fresh = false;
	ch->lexer.deaf = false;
	ch->lexer.want_prompt = false;
	ch->lexer.raw = false;
	ch->unanswered = 0;
	ch->out_at = ch->out_len = 0;
}

bool channel_free(const struct channel *ch)
{
	return ch->state == CHANNEL_IDLE && ch->quiet == USEC_NEVER && ch->now >= ch->hold;
}

struct command *channel_prepare(struct channel *ch, const struct command_type *type, unsigned link)
{
	struct command *c = &ch->cmd;

	c->type = type;
	c->timeout = type->timeout;
	c->link = link;
	c->payload = NULL;
	c->len = 0;
	c->error = -1;
	c->prompted = false;
	c->text_len = 0;
	c->text[0] = '\0';
	return c;
}

const char *command_shown(const struct command *c, char buf[COMMAND_SHOWN_MAX])
{
	bool secret = c->type->secret || dialect_carries_secret(c->text, c->text_len);
	const char *value = secret ? memchr(c->text, '=', c->text_len) : NULL;
	size_t n = value ? (size_t)(value - c->text) + 1 : c->text_len;

	memcpy(buf, c->text, n);
	snprintf(buf + n, COMMAND_SHOWN_MAX - n, "%s", value ? "..." : "");
	return buf;
}

void command_printf(struct command *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	c->text_len = n < 0 ? 0 : (size_t)n < sizeof(c->text) ? (size_t)n : sizeof(c->text) - 1;
}

static void start(struct channel *ch, usec_t now)
{
	ch->now = now;
	ch->failed = false;
	ch->fresh = true;
	ch->commands++;
	enter(ch, CHANNEL_WRITE, now + WRITE_TIMEOUT + line_time(ch, ch->out_len));
}

void channel_submit(struct channel *ch, usec_t now)
{
	struct command *c = &ch->cmd;

	ch->out_at = ch->out_len = 0;
	put(ch, c->text, c->text_len);
	put(ch, "\r", 1); /* never "\r\n": the '\n' could become payload, AT reference 1.1 */
	ch->lexer.want_prompt = c->payload != NULL;
	start(ch, now);
	if (c->type->secret || dialect_carries_secret(c->text, c->text_len))
		ch->secret = 2;
	else if (ch->secret)
		ch->secret--;
	if (ch->tap.on) {
		char shown[COMMAND_SHOWN_MAX];

		command_shown(c, shown);
		tap_line(&ch->tap, true, shown, strlen(shown));
	}
}

void channel_submit_raw(struct channel *ch, usec_t now, int byte, size_t count, const char *tail)
{
	ch->out_at = ch->out_len = 0;
	put_fill(ch, byte, count);
	put(ch, tail, strlen(tail));
	start(ch, now);
	tap_note(&ch->tap, "%s: %zu raw bytes", ch->cmd.type->name, ch->out_len);
	if (ch->out_len == 0)
		enter(ch, CHANNEL_ANSWER, now + ch->cmd.timeout);
}

void channel_resync(struct channel *ch, usec_t now)
{
	struct command *c = &ch->cmd;
	bool was = in_flight(ch);

	ch->now = now;
	if (was)
		ch->fill = c->payload && !c->prompted;
	ch->unanswered = 0;
	enter(ch, CHANNEL_LATE, now);
	if (was)
		c->type->done(ch->user, c, RESULT_TIMEOUT);
}

void channel_quarantine(struct channel *ch, usec_t now)
{
	if (ch->quiet != USEC_NEVER)
		return;
	ch->lexer.deaf = true;
	ch->quiet = now + QUIET;
	ch->quiet_max = now + QUIET_MAX;
	channel_resync(ch, now);
}

void channel_raw(struct channel *ch)
{
	channel_reset(ch);
	ch->lexer.raw = true;
	enter(ch, CHANNEL_RAW, USEC_NEVER);
	tap_note(&ch->tap, "data mode");
}

void channel_put(struct channel *ch, const void *p, size_t n)
{
	ch->out_at = ch->out_len = 0;
	put(ch, p, n);
	tap_bytes(&ch->tap, true, -1, p, n);
}

void channel_cooked(struct channel *ch)
{
	channel_reset(ch);
	lexer_reset(&ch->lexer);
	tap_note(&ch->tap, "command mode");
}

void channel_input(struct channel *ch, usec_t now, const uint8_t *p, size_t n)
{
	ch->now = now;
	ch->heard = now;
	if (ch->fresh && ch->state != CHANNEL_WRITE) {
		ch->fresh = false;
		ch->ops->turnaround(ch->user, now - ch->line_out);
	}
	if (ch->quiet != USEC_NEVER)
		ch->quiet = usec_min(now + QUIET, ch->quiet_max);
	lexer_input(&ch->lexer, p, n);
}

const uint8_t *channel_output(const struct channel *ch, size_t *n)
{
	*n = unwritten(ch);
	return ch->out + ch->out_at;
}

void channel_output_done(struct channel *ch, usec_t now, size_t n)
{
	const struct command_type *t = ch->cmd.type;

	ch->now = now;
	if (n == 0 || n > unwritten(ch))
		return;
	ch->out_at += n;
	if (unwritten(ch))
		return;
	ch->out_at = ch->out_len = 0;
	if (ch->state == CHANNEL_WRITE) {
		ch->line_out = now;
		enter(ch, CHANNEL_ANSWER, now + ch->cmd.timeout);
	} else if (ch->state == CHANNEL_PAYLOAD) {
		enter(ch, CHANNEL_ANSWER, now + t->after_payload);
	} else if (ch->state == CHANNEL_QUERY) {
		ch->deadline = now + QUERY_TIMEOUT;
	} else if (ch->state == CHANNEL_FILL) {
		ch->deadline = now + FILL_TIMEOUT;
	}
}

void channel_run(struct channel *ch, usec_t now)
{
	ch->now = now;
	if (now >= ch->hold)
		ch->hold = 0;
	if (now >= ch->quiet) {
		ch->quiet = ch->quiet_max = USEC_NEVER;
		ch->lexer.deaf = false;
		lexer_reset(&ch->lexer);
	}
	if (ch->quiet != USEC_NEVER || now < ch->deadline)
		return;
	/* The rest of a payload that will not come (the module was reset in the middle of it) would
	 * swallow every answer from now on. */
	if (ch->lexer.left > 0 && now - ch->heard >= STALL)
		ch->ops->stalled(ch->user);
	if (ch->quiet != USEC_NEVER)
		return;
	if (in_flight(ch))
		time_out(ch);
	else if (ch->fill)
		send_fill(ch, true);
	else
		send_query(ch);
}

usec_t channel_deadline(const struct channel *ch)
{
	usec_t d = ch->hold ? ch->hold : USEC_NEVER;

	if (ch->quiet != USEC_NEVER)
		return usec_min(d, ch->quiet);
	return usec_min(d, ch->deadline);
}

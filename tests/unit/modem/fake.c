/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"

static void append(char *to, size_t size, size_t *len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void append(char *to, size_t size, size_t *len, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to + *len, size - *len, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < size - *len);
	*len += (size_t)n;
}

static void append_bytes(char *to, size_t size, size_t *len, const void *p, size_t n)
{
	assert_true(*len + n < size);
	memcpy(to + *len, p, n);
	*len += n;
	to[*len] = '\0';
}

#define LOG(f, ...) append((f)->log, sizeof((f)->log), &(f)->log_len, __VA_ARGS__)

/* ---- the owner ---- */

static void event(struct fake *f, const char *name)
{
	if (f->on_event)
		f->on_event(f, name);
}

static void on_bearer(void *user, const struct modem_bearer *b)
{
	struct fake *f = user;

	if (b->state != f->state || b->failure)
		LOG(f, "bearer(%s%s%s) ", modem_state_name(b->state), b->failure ? "," : "",
			b->failure ? modem_failure_name(b->failure) : "");
	f->state = b->state;
	for (unsigned l = 0; l < MODEM_LINKS; l++) {
		if (b->state == MODEM_STATE_UP || b->state == MODEM_STATE_STOPPING)
			break;
		assert_int_equal(modem_link_state(f->m, l), MODEM_LINK_FREE);
	}
	event(f, "bearer");
}

static void on_opened(void *user, unsigned link, int result)
{
	struct fake *f = user;

	LOG(f, "opened(%u,%s) ", link, modem_open_result_name(result));
	event(f, "opened");
}

static bool on_next_send(void *user, uint8_t *buf, struct modem_send *send)
{
	struct fake *f = user;

	f->asked++;
	if (f->offered == f->queued)
		return false;
	if (!f->reckless && modem_link_state(f->m, f->queue[f->offered].link) != MODEM_LINK_OPEN)
		return false;
	if (!f->reckless && modem_link_type(f->m, f->queue[f->offered].link) == MODEM_LINK_TCP &&
		modem_send_room(f->m, f->queue[f->offered].link) < f->queue[f->offered].len)
		return false;
	send->link = f->queue[f->offered].link;
	send->len = f->queue[f->offered].len;
	send->to = f->queue[f->offered].to;
	memcpy(buf, f->queue[f->offered].bytes, send->len);
	f->offered += !f->stubborn;
	return true;
}

static void on_sent(void *user, unsigned link, size_t req, size_t n)
{
	struct fake *f = user;

	LOG(f, "sent(%u,%zu,%zu) ", link, req, n);
	event(f, "sent");
}

static void on_data(void *user, unsigned link, const uint8_t *p, size_t n, const struct endpoint *src)
{
	struct fake *f = user;
	char text[ENDPOINT_STRLEN];

	assert_true(modem_link_state(f->m, link) == MODEM_LINK_OPEN ||
		modem_link_state(f->m, link) == MODEM_LINK_DRAINING);
	/* One stream in pieces reads as one. */
	if (!src && f->log_len >= 2 && f->log[f->log_len - 2] == ']') {
		char *start = strrchr(f->log, '{');

		if (start && start[1] == (char)('0' + link)) {
			f->log_len -= 2;
			append_bytes(f->log, sizeof(f->log), &f->log_len, p, n);
			LOG(f, "] ");
			return;
		}
	}
	LOG(f, "data{%u}%s%s[", link, src ? "from " : "", src ? endpoint_format(src, text) : "");
	append_bytes(f->log, sizeof(f->log), &f->log_len, p, n);
	LOG(f, "] ");
	event(f, "data");
}

static size_t on_rx_space(void *user, unsigned link)
{
	(void)link;
	return ((struct fake *)user)->rx_space;
}

static void on_closed(void *user, unsigned link, enum modem_close_reason reason)
{
	struct fake *f = user;

	LOG(f, "closed(%u,%s) ", link, modem_close_reason_name(reason));
	event(f, "closed");
}

static void on_accepted(void *user, unsigned link, unsigned server, const struct endpoint *remote)
{
	struct fake *f = user;
	char text[ENDPOINT_STRLEN];

	assert_int_equal(modem_link_state(f->m, link), MODEM_LINK_OPEN);
	LOG(f, "accepted(%u,%u,%s) ", link, server, endpoint_format(remote, text));
	event(f, "accepted");
}

static void on_listening(void *user, unsigned server, int result)
{
	struct fake *f = user;

	LOG(f, "listening(%u,%s) ", server, modem_open_result_name(result));
	event(f, "listening");
}

static void on_link_free(void *user, unsigned link)
{
	struct fake *f = user;

	assert_int_equal(modem_link_state(f->m, link), MODEM_LINK_FREE);
	LOG(f, "free(%u) ", link);
	event(f, "free");
}

static void on_acked(void *user, unsigned link, bool known, uint64_t sent, uint64_t acked)
{
	struct fake *f = user;

	LOG(f, "acked(%u,%d,%llu,%llu) ", link, known, (unsigned long long)sent,
		(unsigned long long)acked);
}

static void on_resolved(void *user, const char *name, int result, const struct addr *addr)
{
	struct fake *f = user;
	char text[ADDR_STRLEN];

	LOG(f, "resolved(%s,%d,%s) ", name, result, addr_format(addr, text));
	event(f, "resolved");
}

static void on_pinged(void *user, enum modem_ping_result result, usec_t rtt)
{
	struct fake *f = user;

	LOG(f, "pinged(%s,%llu) ", modem_ping_result_name(result), (unsigned long long)(rtt / 1000));
	event(f, "pinged");
}

static void on_at_done(void *user, const struct modem_at_answer *a)
{
	struct fake *f = user;

	LOG(f, "at(%s,%d,%s,%llu", a->command, a->result, a->final,
		(unsigned long long)(a->duration / 1000));
	for (unsigned i = 0; i < a->n_lines; i++)
		LOG(f, "|%s", a->lines[i]);
	LOG(f, "%s) ", a->cut ? "|..." : "");
	event(f, "at");
}

static void on_mode_changed(void *user, enum modem_receive mode)
{
	struct fake *f = user;

	LOG(f, "mode(%s) ", modem_receive_name(mode));
}

static const char *on_pin_try(void *user, const char *iccid, int tries)
{
	struct fake *f = user;

	LOG(f, "pin_try(%s,%d) ", iccid, tries);
	return f->pin_denied;
}

static void on_pin_accepted(void *user, const char *iccid)
{
	struct fake *f = user;

	LOG(f, "pin_accepted(%s) ", iccid);
}

static void on_power_cycle(void *user)
{
	struct fake *f = user;

	LOG(f, "power ");
}

static void on_stopped(void *user)
{
	struct fake *f = user;

	LOG(f, "stopped ");
}

static size_t on_unsent(void *user)
{
	return ((struct fake *)user)->unsent;
}

static void on_dtr(void *user, bool on)
{
	((struct fake *)user)->escaped_by_dtr = !on;
}

static void on_tap(void *user, const struct modem_tap *t)
{
	struct fake *f = user;
	size_t at = strlen(f->tapped);
	char *to = f->tapped + at;
	size_t left = sizeof(f->tapped) - at;

	f->tapped_last = *t;
	if (t->kind == MODEM_TAP_PAYLOAD)
		snprintf(to, left, "%c [%zu of %zu, link %d: %.*s]\n", t->out ? '>' : '<', t->total,
			t->announced, t->link, (int)t->n, t->p);
	else
		snprintf(to, left, "%c %.*s\n",
			t->kind == MODEM_TAP_NOTE ? '-' : t->out ? '>' : '<', (int)t->n, t->p);
}

static const struct modem_ops ops = {
	.bearer = on_bearer,
	.opened = on_opened,
	.next_send = on_next_send,
	.sent = on_sent,
	.data = on_data,
	.rx_space = on_rx_space,
	.closed = on_closed,
	.link_free = on_link_free,
	.accepted = on_accepted,
	.listening = on_listening,
	.acked = on_acked,
	.resolved = on_resolved,
	.pinged = on_pinged,
	.at_done = on_at_done,
	.mode_changed = on_mode_changed,
	.unsent = on_unsent,
	.dtr = on_dtr,
	.pin_try = on_pin_try,
	.pin_accepted = on_pin_accepted,
	.power_cycle = on_power_cycle,
	.stopped = on_stopped,
	.tap = on_tap,
};

/* ---- the module ---- */

static const struct fake_rule defaults[] = {
	{"", OK, -1},
	{"AT+CPIN?", "\r\n+CPIN: READY\r\n" OK, -1},
	{"AT+CSQ", "\r\n+CSQ: 23,99\r\n" OK, -1},
	{"AT+CREG?", "\r\n+CREG: 0,1\r\n" OK, -1},
	{"AT+CGREG?", "\r\n+CGREG: 0,1\r\n" OK, -1},
	{"AT+CEREG?", "\r\n+CEREG: 0,1\r\n" OK, -1},
	{"AT+IPADDR", "\r\n+IPADDR: 10.148.0.17\r\n" OK, -1},
	{"AT+CIPCLOSE?", "{list}", -1},
};

struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	log_set_level(getenv("TRACE") ? LOG_LEVEL_TRACE : LOG_LEVEL_ERROR);
	f->config = (struct modem_config){.name = "modem0", .ip = 4, .baud = 115200,
		.connect_timeout = SEC(30), .receive = MODEM_RECEIVE_PUSH, .apn = "internet"};
	f->now = SEC(1000);
	f->rx_space = 100000;
	fake_restore(f);
	return f;
}

void fake_mute(struct fake *f)
{
	f->mute = true;
}

void fake_restore(struct fake *f)
{
	f->mute = false;
	f->n_rules = 0;
	for (unsigned i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		f->rules[f->n_rules++] = defaults[i];
	fake_rule(f, "AT+NETOPEN", OK "\r\n+NETOPEN: 0\r\n");
	fake_rule(f, "AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n" OK);
	fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
}

void fake_free(struct fake *f)
{
	modem_free(f->m);
	free(f);
}

static void add_rule(struct fake *f, const char *prefix, const char *reply, int uses)
{
	/* Used up ones make room. */
	for (unsigned i = 0; i < f->n_rules; i++) {
		if (f->rules[i].uses == 0) {
			memmove(&f->rules[i], &f->rules[i + 1],
				(f->n_rules - i - 1) * sizeof(f->rules[0]));
			f->n_rules--;
			i--;
		}
	}
	assert_true(f->n_rules < sizeof(f->rules) / sizeof(f->rules[0]));
	f->rules[f->n_rules++] = (struct fake_rule){prefix, reply, uses};
}

void fake_rule(struct fake *f, const char *prefix, const char *reply)
{
	add_rule(f, prefix, reply, -1);
}

void fake_rule_once(struct fake *f, const char *prefix, const char *reply)
{
	add_rule(f, prefix, reply, 1);
}

static void input(struct fake *f, const void *p, size_t n)
{
	const uint8_t *s = p;

	if (!f->bytewise) {
		modem_input(f->m, f->now, p, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		modem_input(f->m, f->now, s + i, 1);
}

static const struct fake_rule *find_rule(struct fake *f)
{
	for (unsigned i = f->n_rules; i-- > 0;) {
		struct fake_rule *r = &f->rules[i];

		if (r->uses == 0 || strncmp(f->line, r->prefix, strlen(r->prefix)) != 0)
			continue;
		if (strcmp(r->prefix, "AT+NETOPEN") == 0 && strcmp(f->line, r->prefix) != 0)
			continue;
		if (r->uses > 0)
			r->uses--;
		return r;
	}
	fail_msg("no rule for %s", f->line);
	return NULL;
}

/* The links as the driver sees them. */
static void say_list(struct fake *f)
{
	char text[64];
	size_t len = 0;

	append(text, sizeof(text), &len, "\r\n+CIPCLOSE: ");
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		append(text, sizeof(text), &len, "%s%d", l ? "," : "",
			modem_link_state(f->m, l) == MODEM_LINK_OPEN);
	append(text, sizeof(text), &len, "\r\n" OK);
	input(f, text, len);
}

static void reply(struct fake *f, const char *text)
{
	const char *mark = strstr(text, "{payload}");
	unsigned link;

	if (strcmp(text, "{list}") == 0) {
		say_list(f);
		return;
	}
	if (!mark) {
		input(f, text, strlen(text));
		return;
	}
	/* "...>{payload}..." : what follows is said when the announced bytes are there. */
	assert_int_equal(sscanf(f->line, "AT+CIPSEND=%u,%zu", &link, &f->payload_left), 2);
	f->after_payload = mark + strlen("{payload}");
	input(f, text, (size_t)(mark - text));
}

static void command(struct fake *f)
{
	const struct fake_rule *r;
	char echo[2100];

	append(f->said, sizeof(f->said), &f->said_len, "%s\n", f->line);
	if (f->mute || f->transparent) {
		f->line_len = 0;
		return;
	}
	r = find_rule(f);
	f->now += f->delay;
	if (f->echo) {
		snprintf(echo, sizeof(echo), "%s\r", f->line);
		input(f, echo, strlen(echo));
	}
	if (strcmp(f->line, "ATE0") == 0)
		f->echo = false;
	f->line_len = 0;
	if (f->urc)
		input(f, f->urc, strlen(f->urc));
	if (r->reply)
		reply(f, r->reply);
}

static void hear(struct fake *f, uint8_t c)
{
	if (f->online) {
		assert_true(f->payload_len + 1 < sizeof(f->payload));
		f->payload[f->payload_len++] = (char)c;
		f->payload[f->payload_len] = '\0';
	} else if (f->payload_left) {
		f->payload[f->payload_len++ % sizeof(f->payload)] = (char)c;
		if (--f->payload_left == 0)
			reply(f, f->after_payload);
	} else if (c == '\r') {
		f->line[f->line_len] = '\0';
		if (f->line_len)
			command(f);
	} else if (f->line_len + 1 < sizeof(f->line)) {
		if (c)
			f->line[f->line_len++] = (char)c;
		if (f->line_len == 3 && memcmp(f->line, "+++", 3) == 0) {
			append(f->said, sizeof(f->said), &f->said_len, "+++\n");
			f->line_len = 0;
			/* AT reference 9: a second of silence before it. */
			if (f->now - f->heard_at >= SEC(1))
				f->transparent = false;
		} else if (c == 0x1b) {
			f->line_len = 0;
			append(f->said, sizeof(f->said), &f->said_len, "ESC\n");
		}
	}
}

static bool drain(struct fake *f)
{
	uint8_t copy[4096];
	size_t n;
	const uint8_t *p = modem_output(f->m, &n);

	if (n == 0)
		return false;
	assert_true(n <= sizeof(copy));
	memcpy(copy, p, n);
	modem_output_done(f->m, f->now, n);
	for (size_t i = 0; i < n; i++)
		hear(f, copy[i]);
	f->heard_at = f->now;
	return true;
}

/* A driver that is due for ever at one moment would be a busy loop. */
void fake_pump(struct fake *f)
{
	for (unsigned i = 0; i < 3000; i++) {
		bool wrote = drain(f);
		bool due = modem_deadline(f->m) <= f->now;

		if (!wrote && !due)
			return;
		modem_run(f->m, f->now);
	}
	fail_msg("busy loop: deadline %llu, now %llu", (unsigned long long)modem_deadline(f->m),
		(unsigned long long)f->now);
}

void fake_say_bytes(struct fake *f, const void *p, size_t n)
{
	input(f, p, n);
	fake_pump(f);
}

void fake_say(struct fake *f, const char *text)
{
	fake_say_bytes(f, text, strlen(text));
}

void fake_advance(struct fake *f, usec_t d)
{
	usec_t end = f->now + d;

	modem_run(f->m, f->now);
	fake_pump(f);
	while (modem_deadline(f->m) <= end) {
		f->now = modem_deadline(f->m) > f->now ? modem_deadline(f->m) : f->now;
		modem_run(f->m, f->now);
		fake_pump(f);
	}
	f->now = end;
}

void fake_attach(struct fake *f)
{
	if (!f->m)
		f->m = modem_new(&f->config, &ops, f);
	modem_set_tap(f->m, f->tap);
	modem_attach(f->m, f->now);
}

void fake_up(struct fake *f)
{
	fake_attach(f);
	for (unsigned i = 0; i < 600 && f->state != MODEM_STATE_UP; i++)
		fake_advance(f, MSEC(100));
	assert_int_equal(f->state, MODEM_STATE_UP);
	fake_rule(f, "AT+CIPSEND=", "\r\n>{payload}" OK);
	fake_rule(f, "AT+CIPOPEN=", OK);
	fake_clear(f);
}

void fake_clear(struct fake *f)
{
	f->said_len = f->log_len = f->payload_len = 0;
	f->said[0] = f->log[0] = f->payload[0] = f->tapped[0] = '\0';
}

struct endpoint fake_endpoint(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(&e, text, strlen(text)), 0);
	return e;
}

void fake_open_tcp(struct fake *f, unsigned link, const char *remote)
{
	struct endpoint e = fake_endpoint(remote);
	char text[64];

	assert_int_equal(modem_open_tcp(f->m, link, &e), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	snprintf(text, sizeof(text), "\r\n+CIPOPEN: %u,0\r\n", link);
	fake_say(f, text);
	assert_int_equal(modem_link_state(f->m, link), MODEM_LINK_OPEN);
	fake_clear(f);
}

void fake_open_udp(struct fake *f, unsigned link, uint16_t port)
{
	char text[64];

	assert_int_equal(modem_open_udp(f->m, link, port), 0);
	modem_run(f->m, f->now);
	fake_pump(f);
	snprintf(text, sizeof(text), "\r\n+CIPOPEN: %u,0\r\n", link);
	fake_say(f, text);
	assert_int_equal(modem_link_state(f->m, link), MODEM_LINK_OPEN);
	fake_clear(f);
}

void fake_send(struct fake *f, unsigned link, const char *text, const char *to)
{
	assert_true(f->queued < sizeof(f->queue) / sizeof(f->queue[0]));
	f->queue[f->queued].link = link;
	f->queue[f->queued].len = strlen(text);
	memcpy(f->queue[f->queued].bytes, text, strlen(text));
	if (to)
		f->queue[f->queued].to = fake_endpoint(to);
	f->queued++;
	modem_kick(f->m);
	modem_run(f->m, f->now);
	fake_pump(f);
}

unsigned fake_count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

void fake_run(struct fake *f)
{
	modem_run(f->m, f->now);
	fake_pump(f);
}

void fake_listen(struct fake *f, unsigned server, uint16_t port)
{
	assert_int_equal(modem_listen(f->m, server, port), 0);
	fake_run(f);
	assert_int_equal(modem_server_state(f->m, server), MODEM_SERVER_LISTENING);
	fake_clear(f);
}

int fake_setup(void **state)
{
	*state = fake_new();
	return 0;
}

int fake_setup_up(void **state)
{
	struct fake *f = fake_new();

	fake_up(f);
	*state = f;
	return 0;
}

int fake_teardown(void **state)
{
	fake_free(*state);
	return 0;
}

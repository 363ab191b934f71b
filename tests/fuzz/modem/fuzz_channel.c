/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole modem against bytes, time and an owner that are all taken from the input. The first byte
 * is the configuration, and whether the bearer is brought up before; each further one is an action.
 * What must hold whatever happens: every callback is legal in the state the owner knows, data comes
 * only on open links, the end of a send only for the outstanding one, nothing is open after a detach,
 * and the modem never is due for ever. And what must hold in the end: once the module behaves, the
 * bearer comes up, and every link is open or free.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modem/modem.h"
#include "util/log.h"

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum life { FREE, OPENING, OPEN, ENDED };

struct world {
	struct modem *m;
	int ip;
	usec_t now;
	enum life life[MODEM_LINKS];
	bool udp[MODEM_LINKS];
	bool transparent, dtr_off;
	bool escape_heard; /* by DTR; answered when the callback is over */
	int sending; /* link, -1: none */
	size_t sending_len;
	usec_t offered_at;
	unsigned offers; /* at that time: no line is infinitely fast */
	bool settling; /* data mode would never run out of bytes to send */
	bool pinging;
	unsigned resolving;
	enum modem_state state;
	bool powering;
	bool stopping, stopped;
	uint8_t choice; /* what the owner does next */
	enum modem_receive mode;
	char line[512];
	size_t line_len, payload_left;
	bool answer;
};

static struct endpoint remote(const struct world *w)
{
	static const uint8_t v4[] = {192, 0, 2, 1}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

	return (struct endpoint){w->ip == 6 ? addr_v6(v6) : addr_v4(v4), 80};
}

static void on_bearer(void *user, const struct modem_bearer *b)
{
	struct world *w = user;

	CHECK((b->address.family != 0) == (b->state == MODEM_STATE_UP));
	w->state = b->state;
	if (b->state != MODEM_STATE_UP)
		w->resolving = 0;
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		CHECK(w->life[l] == FREE || b->state == MODEM_STATE_UP ||
			b->state == MODEM_STATE_STOPPING);
}

static void on_opened(void *user, unsigned link, int result)
{
	struct world *w = user;

	CHECK(link < MODEM_LINKS && w->life[link] == OPENING);
	CHECK((result >= 0 && result <= 12) || (result >= 100 && result <= 103));
	w->life[link] = result ? ENDED : OPEN;
	if (w->choice & 1)
		modem_close(w->m, link);
}

static bool on_next_send(void *user, uint8_t *buf, struct modem_send *send)
{
	struct world *w = user;

	/* A send that failed while its link drains ends with closed(), after others. */
	CHECK(w->sending < 0 ||
		modem_link_state(w->m, (unsigned)w->sending) == MODEM_LINK_DRAINING);
	w->sending = -1;
	w->offers = w->now == w->offered_at ? w->offers + 1 : 0;
	w->offered_at = w->now;
	if (w->offers > 50 || (w->transparent && w->settling))
		return false;
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		unsigned l = (i + w->choice) % MODEM_LINKS;

		if (w->life[l] != OPEN || modem_link_state(w->m, l) != MODEM_LINK_OPEN)
			continue;
		send->link = l;
		send->len = 1 + w->choice * 5u;
		if (!w->udp[l] && modem_send_room(w->m, l) < send->len)
			continue;
		memset(buf, 'A', send->len);
		send->to = remote(w);
		w->sending = (int)l;
		w->sending_len = send->len;
		return true;
	}
	return false;
}

static void on_sent(void *user, unsigned link, size_t req, size_t n)
{
	struct world *w = user;

	CHECK(w->sending == (int)link && w->life[link] == OPEN);
	CHECK(req == w->sending_len && n <= req && (!w->udp[link] || n == 0 || n == req));
	w->sending = -1;
}

static void on_data(void *user, unsigned link, const uint8_t *p, size_t n, const struct endpoint *src)
{
	struct world *w = user;
	static volatile uint8_t sum; /* so that every byte is read */

	CHECK(link < MODEM_LINKS && w->life[link] == OPEN && n > 0);
	CHECK(src == NULL || w->udp[link]);
	for (size_t i = 0; i < n; i++)
		sum = sum ^ p[i];
	if (w->choice & 2)
		modem_close(w->m, link);
}

static size_t on_rx_space(void *user, unsigned link)
{
	struct world *w = user;

	CHECK(w->life[link] == OPEN);
	return w->choice * 8u;
}

/* While there are any, +++ is put off. */
static size_t on_unsent(void *user)
{
	const struct world *w = user;

	return w->choice & 64 ? 7 : 0;
}

/* Off: the escape of transparent mode. It is never left off. */
static void on_dtr(void *user, bool on)
{
	struct world *w = user;

	CHECK(w->transparent);
	w->dtr_off = !on;
	if (!on && w->answer)
		w->escape_heard = true;
}

static void on_closed(void *user, unsigned link, enum modem_close_reason reason)
{
	struct world *w = user;

	CHECK(link < MODEM_LINKS && w->life[link] == OPEN && reason <= MODEM_CLOSE_DATA);
	w->life[link] = ENDED;
	if (w->sending == (int)link)
		w->sending = -1;
}

static void on_link_free(void *user, unsigned link)
{
	struct world *w = user;
	struct endpoint e = remote(w);

	/* FREE: a left-over that the driver closed by itself. */
	CHECK(link < MODEM_LINKS && (w->life[link] == ENDED || w->life[link] == FREE));
	CHECK(modem_link_state(w->m, link) == MODEM_LINK_FREE);
	w->life[link] = FREE;
	if ((w->choice & 4) && modem_open_tcp(w->m, link, &e) == 0) {
		w->life[link] = OPENING;
		w->udp[link] = false;
	}
}

static void on_accepted(void *user, unsigned link, unsigned server, const struct endpoint *remote)
{
	struct world *w = user;

	CHECK(link < MODEM_LINKS && (w->life[link] == ENDED || w->life[link] == FREE));
	CHECK(modem_link_state(w->m, link) == MODEM_LINK_OPEN && server < MODEM_SERVERS);
	CHECK(remote->addr.family && remote->port);
	w->life[link] = OPEN;
	w->udp[link] = false;
	if (w->choice & 8)
		modem_close(w->m, link);
}

static void on_listening(void *user, unsigned server, int result)
{
	struct world *w = user;

	CHECK(server < MODEM_SERVERS);
	CHECK(result || modem_server_state(w->m, server) != MODEM_SERVER_FAILED);
}

static void on_acked(void *user, unsigned link, bool known, uint64_t sent, uint64_t acked)
{
	struct world *w = user;

	(void)known;
	(void)sent;
	(void)acked;
	CHECK(w->life[link] == OPEN && !w->udp[link]);
}

static void on_resolved(void *user, const char *name, int result, const struct addr *addr)
{
	struct world *w = user;

	CHECK(w->resolving > 0 && *name && result <= 0 && (result < 0 || addr->family));
	w->resolving--;
}

static void on_pinged(void *user, enum modem_ping_result result, usec_t rtt)
{
	struct world *w = user;

	CHECK(w->pinging && result <= MODEM_PING_LOST);
	CHECK(rtt == 0 || result == MODEM_PING_REPLY);
	w->pinging = false;
}

static void on_mode_changed(void *user, enum modem_receive mode)
{
	struct world *w = user;

	CHECK(mode != MODEM_RECEIVE_AUTO);
	w->mode = mode;
}

static const char *on_pin_try(void *user, const char *iccid, int tries)
{
	const struct world *w = user;

	CHECK(strspn(iccid, "0123456789abcdefABCDEF") == strlen(iccid) && tries >= -1);
	return w->choice & 1 ? "no" : NULL;
}

static void on_pin_accepted(void *user, const char *iccid)
{
	(void)user;
	CHECK(strlen(iccid) < 24);
}

static void on_power_cycle(void *user)
{
	struct world *w = user;

	if (w->choice & 32)
		w->powering = true;
	else
		modem_power_done(w->m, w->now, w->choice & 1);
}

static void on_stopped(void *user)
{
	struct world *w = user;

	CHECK(w->stopping);
	w->stopping = false;
}

static void on_tap(void *user, const struct modem_tap *t)
{
	(void)user;
	CHECK(t->kind != MODEM_TAP_PAYLOAD || (t->n <= t->total && t->total <= t->announced));
	CHECK(!t->out || t->kind != MODEM_TAP_LINE || !memmem(t->p, t->n, "CPIN=\"", 6));
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
	.resolved = on_resolved,
	.acked = on_acked,
	.pinged = on_pinged,
	.mode_changed = on_mode_changed,
	.pin_try = on_pin_try,
	.pin_accepted = on_pin_accepted,
	.power_cycle = on_power_cycle,
	.stopped = on_stopped,
	.tap = on_tap,
	.unsent = on_unsent,
	.dtr = on_dtr,
};

static const struct {
	const char *prefix, *reply;
} answers[] = {
	{"AT+NETOPEN?", "\r\n+NETOPEN: 1\r\n\r\nOK\r\n"},
	{"AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"},
	{"AT+CSQ", "\r\n+CSQ: 20,0\r\n\r\nOK\r\n"},
	{"AT+CEREG?", "\r\n+CEREG: 0,1\r\n\r\nOK\r\n"},
	{"AT+IPADDR", "\r\n+IPADDR: 10.1.2.3\r\n\r\nOK\r\n"},
	{"AT+CIPCLOSE?", "\r\n+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0\r\n\r\nOK\r\n"},
	{"AT+NETOPEN", "\r\nOK\r\n\r\n+NETOPEN: 0\r\n"},
	{"AT+NETCLOSE", "\r\nOK\r\n\r\n+NETCLOSE: 0\r\n"},
	{"AT+CIPSEND=", "\r\n>"},
	{"AT+CIPCLOSE=", ""},
	{"AT+SERVERSTART?", "\r\n+SERVERSTART: 1,8080\r\n\r\nOK\r\n"},
	{"AT+SERVERSTOP=0", "\r\n+SERVERSTOP: 0,0\r\n\r\nOK\r\n"},
	{"AT+SERVERSTOP=1", "\r\nOK\r\n\r\n+SERVERSTOP: 1,0\r\n"},
	{"AT+SERVERSTOP=", "\r\nERROR\r\n"},
	{"AT+CDNSGIP=\"a", "\r\n+CDNSGIP: 1,\"a.example\",\"192.0.2.9\"\r\n\r\nOK\r\n"},
	{"AT+CDNSGIP=", "\r\n+CDNSGIP: 0,10\r\n\r\nERROR\r\n"},
	{"AT+CPING=", "\r\nOK\r\n\r\n+CPING: 1,192.0.2.1,8,9,64\r\n"},
	{"ATO", "\r\nCONNECT 115200\r\n"},
	{"AT", "\r\nOK\r\n"},
};

static const char *const phrases[] = {
	"\r\nOK\r\n", "\r\nERROR\r\n", "\r\n>", "\r\n+CIPOPEN: 0,0\r\n", "\r\n+CIPOPEN: 1,0\r\n",
	"\r\n+CIPOPEN: 2,4\r\n", "\r\n+CIPCLOSE: 0,0\r\n", "\r\n+CIPCLOSE: 1,0\r\n", "\r\n+IPCLOSE: 0,1\r\n",
	"\r\n+IPCLOSE: 1,2\r\n", "\r\n+CIPSEND: 0,6,6\r\n", "\r\n+CIPSEND: 0,6,3\r\n", "\r\n+CIPSEND: 1,6,-1\r\n",
	"\r\n+CIPERROR: 8\r\n", "\r\n+CIPERROR: 4\r\n", "\r\nRECV FROM:192.0.2.1:80\r\n",
	"\r\nRECV FROM:2001:db8::1:80\r\n", "+RECEIVE,0,5\r\nhello",
	"\r\n+RECEIVE,1,5\r\nhello", "\r\n+IPD5\r\nhello", "\r\n+CIPRXGET: 1,0\r\n",
	"\r\n+CIPRXGET: 2,0,3,4\r\nabc", "\r\n+CIPRXGET: 2,0,3,0\r\nabc",
	"\r\n+CIPRXGET: 3,0,3,0\r\n616263", "\r\n+CIPRXGET: 1,1\r\n", "\r\n+IP ERROR: No data\r\n", "\r\n+CIPACK: 6,3,3\r\n",
	"\r\n+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY\r\n", "\r\n*ATREADY: 1\r\n", "\r\nPB DONE\r\n",
	"\r\n+NETOPEN: 0\r\n", "\r\n+NETCLOSE: 0\r\n", "\r\n+CME ERROR: SIM not inserted\r\n",
	"\r\n+CPING: 1,192.0.2.1,56,42,57\r\n", "\r\n+CPING: 1,2001:db8::1,56,42,57\r\n",
	"\r\n+CPING: 2\r\n", "\r\n+CPING: 3,1,1,0,42,42,42\r\n",
	"\r\n+CLIENT: 0,0,192.0.2.1:80\r\n", "\r\n+CLIENT: 1,1,\"2001:db8::1:80\"\r\n",
	"\r\n+CLIENT: 2,0,192.0.2.1:80\r\n", "\r\n+SERVERSTOP: 0,0\r\n", "\r\n+SERVERSTOP: 1,4\r\n",
	"\r\n+SERVERSTART: 0,8080\r\n", "\r\n+CIPERROR: 7\r\n",
	"\r\n+CLIENT: 2,3,192.0.2.7\r\n",
	"\r\n+CDNSGIP: 1,\"b.example\",\"192.0.2.8\"\r\n",
	"\r\nCONNECT 115200\r\n", "\r\nCONNECT FAIL\r\n", "\r\nCLOSED\r\n", "\r\nNO CARRIER\r\n",
	"\r\nCLOSED\r\n\r\n+IPCLOSE: 0,1\r\n", "\r\n+CIPMODE: 0\r\n",
	"\r\n+CDNSGIP: 0,8\r\n", "\r\n+CIPRXGET: 3,0,3,4\r\n61fF63", "\r\n+CIPRXGET: 3,1,3,0\r\n61xx63",
	"\r\n+CIPRXGET: 4,0,9\r\n", "\r\n+CIPRXGET: 1,1\r\n", "\r\n+CIPRXGET: 2,1,5,0\r\nhello",
	"\r\n+RECEIVE,0,5\r\n", "\r\n+CIPCLOSE: 0,1,1,0,0,0,0,0,0,0\r\n", "\r\nRECV FROM:192.0.2.7:5000\r\n",
	"\r\n+CIPOPEN: 0,3\r\n", "\r\n+CIPERROR: 3\r\n", "\r\nSMS DONE\r\n", "AT\r\r\nOK\r\n",
};

static void say(struct world *w, const void *p, size_t n)
{
	/* Each in memory of its own size, for the sanitizer. */
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	modem_input(w->m, w->now, copy, n);
	free(copy);
}

static void obey(struct world *w)
{
	const char *reply;
	char closed[40];
	unsigned link;

	w->line[w->line_len] = '\0';
	w->line_len = 0;
	/* Else CIPOPEN has the answer that the input gives it. */
	if (w->answer && w->transparent && !(w->choice & 16) &&
		strncmp(w->line, "AT+CIPOPEN=0,", 13) == 0)
		say(w, "\r\nCONNECT 115200\r\n", 18);
	for (size_t i = 0; w->answer && i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strncmp(w->line, answers[i].prefix, strlen(answers[i].prefix)) != 0)
			continue;
		if (strcmp(answers[i].reply, "\r\n>") == 0 &&
			sscanf(w->line, "AT+CIPSEND=%u,%zu", &link, &w->payload_left) != 2) {
			/* Half a line that a boot cut off, and the probe behind it: that is ERROR. */
			if (!strstr(w->line + 2, "AT"))
				abort();
			say(w, "\r\nERROR\r\n", 9);
			return;
		}
		reply = answers[i].reply;
		if (w->ip == 6 && strcmp(answers[i].prefix, "AT+IPADDR") == 0)
			reply = "\r\n+IPADDR: 2001:db8::9\r\n\r\nOK\r\n";
		if (!*reply) {
			snprintf(closed, sizeof(closed), "\r\nOK\r\n\r\n+CIPCLOSE: %c,0\r\n",
				w->line[strlen(answers[i].prefix)]);
			reply = closed;
		}
		say(w, reply, strlen(reply));
		return;
	}
}

static void serve(struct world *w, uint8_t arg)
{
	if (arg & 0x20)
		modem_unlisten(w->m, arg & 1);
	else if (arg & 0x40)
		modem_listen(w->m, arg & 1, arg & 2 ? 8080 : 9090);
}

/* Data mode, if the driver believes in it, ends here. */
static void escaped(struct world *w)
{
	if (w->line_len < 3 || memcmp(w->line + w->line_len - 3, "+++", 3) != 0)
		return;
	w->line_len = 0;
	if (w->answer)
		say(w, "\r\nOK\r\n", 6);
}

static void drain(struct world *w, size_t most)
{
	uint8_t copy[4096];
	size_t n;
	const uint8_t *p = modem_output(w->m, &n);

	if (n > most)
		n = most;
	CHECK(n <= sizeof(copy));
	memcpy(copy, p, n);
	modem_output_done(w->m, w->now, n);
	for (size_t i = 0; i < n; i++) {
		if (w->payload_left) {
			if (--w->payload_left == 0 && w->answer)
				say(w, "\r\nOK\r\n", 6);
		} else if (copy[i] == '\r') {
			obey(w);
		} else if (w->line_len + 1 < sizeof(w->line)) {
			w->line[w->line_len++] = (char)copy[i];
			escaped(w);
		}
	}
}

static void pump(struct world *w)
{
	if (w->transparent)
		modem_kick(w->m); /* it may have been told that there is nothing */
	for (unsigned i = 0; i < 2000; i++) {
		size_t n;

		modem_run(w->m, w->now);
		if (w->escape_heard) {
			w->escape_heard = false;
			say(w, "\r\nOK\r\n", 6);
		}
		modem_output(w->m, &n);
		if (n == 0 && modem_deadline(w->m) > w->now)
			return;
		drain(w, SIZE_MAX);
	}
	fprintf(stderr, "busy loop: due at %llu, now %llu\n",
		(unsigned long long)modem_deadline(w->m), (unsigned long long)w->now);
	abort();
}

static void pass(struct world *w, usec_t d)
{
	usec_t end = w->now + d;

	pump(w);
	for (unsigned i = 0; i < 2000 && modem_deadline(w->m) <= end; i++) {
		w->now = modem_deadline(w->m) > w->now ? modem_deadline(w->m) : w->now;
		pump(w);
	}
	w->now = end;
}

static void open_link(struct world *w, unsigned l, bool udp)
{
	struct endpoint e = remote(w);
	int err = !udp	    ? modem_open_tcp(w->m, l, &e) :
		w->transparent ? modem_open_udp_to(w->m, l, 5000, &e) : modem_open_udp(w->m, l, 5000);

	CHECK(err < 0 || l < modem_links(w->m));
	if (err < 0)
		return;
	CHECK(w->life[l] == FREE);
	w->life[l] = OPENING;
	w->udp[l] = udp;
}

static void detach(struct world *w)
{
	modem_detach(w->m, w->now);
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		CHECK(modem_link_state(w->m, l) != MODEM_LINK_OPEN);
	modem_run(w->m, w->now);
	for (unsigned l = 0; l < MODEM_LINKS; l++)
		CHECK(w->life[l] == FREE);
	CHECK(w->sending < 0 && !w->pinging && !w->dtr_off);
	w->escape_heard = false;
	w->line_len = w->payload_left = 0;
	modem_attach(w->m, w->now);
}

static void ping(struct world *w, uint8_t arg)
{
	struct endpoint to = remote(w);
	int err = modem_ping(w->m, &to.addr, arg, 64);

	CHECK(err != 0 || !w->pinging);
	w->pinging = w->pinging || err == 0;
}

static void resolve(struct world *w, uint8_t arg)
{
	static const char *const names[] = {"a.example", "A.example", "b.example", "c", "d\"", "e..f"};
	const char *name = names[arg % (sizeof(names) / sizeof(names[0]))];
	int err = modem_resolve(w->m, name);

	CHECK(err != 0 || !strpbrk(name, "\""));
	if (err == 0)
		w->resolving++; /* at most; the same name is answered once */
}

/* The module behaves from now on. */
static void settle(struct world *w)
{
	usec_t end;

	w->answer = w->settling = true;
	w->choice = 128; /* its owner reads, and leaves everything as it is */
	for (end = w->now + SEC(4 * 3600); w->now < end && w->state != MODEM_STATE_UP;)
		pass(w, SEC(60));
	CHECK(w->state == MODEM_STATE_UP);
	for (unsigned i = 0; i < 5; i++)
		pass(w, SEC(60));
	for (unsigned l = 0; l < MODEM_LINKS && w->state == MODEM_STATE_UP; l++)
		CHECK(modem_link_state(w->m, l) == MODEM_LINK_FREE ||
			modem_link_state(w->m, l) == MODEM_LINK_OPEN);
	CHECK(w->sending < 0 && !w->pinging);
}

/* Returns how many bytes of the input the action used. */
static size_t act(struct world *w, uint8_t action, const uint8_t *p, size_t n)
{
	uint8_t arg = n ? p[0] : 0;

	switch (action % 17) {
	case 0:
	case 1:
		if (arg > n)
			arg = (uint8_t)n;
		say(w, p, arg);
		return arg;
	case 2:
	case 3:
	case 4: {
		const char *text = phrases[arg % (sizeof(phrases) / sizeof(phrases[0]))];

		say(w, text, strlen(text));
		break;
	}
	case 5:
		pass(w, MSEC(arg) * 20);
		break;
	case 6:
		pass(w, SEC(arg));
		break;
	case 7:
		open_link(w, arg % MODEM_LINKS, arg & 16);
		break;
	case 8:
		modem_close(w->m, arg % MODEM_LINKS);
		break;
	case 9:
		modem_kick(w->m);
		break;
	case 10:
		if (arg & 32)
			modem_want_buffer(w->m);
		modem_query_ack(w->m, arg % MODEM_LINKS);
		modem_rx_resume(w->m, arg % MODEM_LINKS);
		ping(w, arg);
		serve(w, arg);
		break;
	case 11:
		w->answer = arg & 1;
		break;
	case 12:
		drain(w, arg);
		break;
	case 13:
		w->choice = arg;
		break;
	case 14:
		if (w->powering && (arg & 1))
			modem_power_done(w->m, w->now, 0);
		w->powering = w->powering && !(arg & 1);
		modem_run(w->m, w->now);
		break;
	case 15:
		resolve(w, arg);
		break;
	default:
		if (arg == 0x5a && !w->stopping) {
			w->stopping = w->stopped = true;
			modem_shutdown(w->m, w->now);
		} else if (arg & 1) {
			detach(w);
		} else {
			pump(w);
		}
		break;
	}
	return n ? 1 : 0;
}

static void quiet(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const init[] = {"AT+CTZU=1"};
	struct modem_config config = {.name = "fuzz", .apn = "internet", .pin = "1234", .ip = 4,
		.baud = 115200, .connect_timeout = SEC(30), .init = init, .n_init = 1,
		.has_power_command = true};
	struct world w = {.now = SEC(1), .sending = -1, .answer = true};

	if (size == 0)
		return 0;
	log_set_level(LOG_LEVEL_ERROR);
	log_set_sink(quiet);
	config.ip = w.ip = data[0] & 4 ? 6 : 4;
	config.receive = data[0] & 32 ? MODEM_RECEIVE_AUTO :
		data[0] & 2	      ? MODEM_RECEIVE_BUFFER : MODEM_RECEIVE_PUSH;
	if (data[0] & 64) {
		w.transparent = true;
		config.receive = MODEM_RECEIVE_TRANSPARENT;
		config.dtr = data[0] & 2;
		config.opaque = data[0] & 32;
		config.rtscts = data[0] & 128;
	}
	config.lossless = data[0] & 128;
	config.return_when_empty = data[0] & 8;
	config.hex = (data[0] & 16) && config.receive != MODEM_RECEIVE_PUSH &&
		config.receive != MODEM_RECEIVE_TRANSPARENT;
	w.m = modem_new(&config, &ops, &w);
	modem_set_tap(w.m, size & 1);
	modem_attach(w.m, w.now);
	if (data[0] & 1)
		pass(&w, SEC(10));
	for (size_t i = 1; i < size;)
		i += 1 + act(&w, data[i], data + i + 1, size - i - 1);
	if (!w.stopped)
		settle(&w);
	detach(&w);
	modem_free(w.m);
	return 0;
}

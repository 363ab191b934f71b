/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * As many clients as the control socket takes say whatever they like; what answers them is real (client.c,
 * requests.c, events.c, wait.c, at.c), what they ask about is played. Input bytes go to the first client;
 * 0xe1 to 0xe8 change to another one, 0xf4 shuts down its sending side, 0xf5 closes it (before what it said was
 * read, maybe), 0xf6 is an event, 0xf7 the interface that goes up or down, 0xf8 the end of an AT command, 0xf9
 * lets the loop turn, 0xfa is another client in the place of one that went. Invariants: whatever comes back is
 * lines of JSON with a version, each an answer, an error or an event (until a capture begins); who is gone is
 * forgotten; nothing leaks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "daemon.h"
#include "json.h"
#include "reload.h"
#include "report.h"
#include "requests.h"

#define CLIENTS CLIENTS_MAX
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gateway gw;
static struct daemon d = {.gw = &gw};
static struct client clients[CLIENTS_MAX];
static usec_t now = SEC(1);
static char asked[256]; /* the AT command under way, "": none */

static struct peer {
	int fd; /* -1: closed */
	bool raw;
	char text[1 << 16];
	size_t n;
} peers[CLIENTS];

/* ---- what is asked about ---- */

usec_t clock_now(void)
{
	return now += 1000;
}

static struct json_object *something(void)
{
	struct json_object *o = json_object_new_object();

	json_add_number(o, "n", 1);
	return o;
}

#define PLAYED(name, argument)                                                                     \
	struct json_object *name(argument)                                                         \
	{                                                                                          \
		(void)unused;                                                                      \
		return something();                                                                \
	}
PLAYED(report_status, const struct daemon *unused)
PLAYED(report_flows, const struct daemon *unused)
PLAYED(report_links, const struct daemon *unused)
PLAYED(report_modems, const struct daemon *unused)
PLAYED(report_metrics, const struct daemon *unused)
PLAYED(report_interface, const struct daemon *unused)
PLAYED(report_log, unsigned unused)

struct json_object *report_tcp(const struct gateway *g, const struct flow *f, bool ended)
{
	(void)g, (void)f, (void)ended;
	return something();
}

struct json_object *report_mapping(const struct gateway *g, const struct mapping *m)
{
	(void)g, (void)m;
	return something();
}

struct json_object *report_link(const struct gateway *g, const struct link *l)
{
	(void)g, (void)l;
	return something();
}

struct json_object *report_forward(const struct unit *u, unsigned server)
{
	(void)u, (void)server;
	return something();
}

void reload_request(struct client *c, struct json_object *request)
{
	(void)request;
	client_error(c, "bad_config", "no file");
}

static void on_gone(struct client *c, void *user)
{
	(void)c, (void)user;
}

void capture_request(struct client *c, struct json_object *request)
{
	struct json_object *o;

	(void)request;
	if (!client_keep(c, CLIENT_STREAMS, on_gone, NULL))
		return;
	o = json_object_new_object();
	json_add_text(o, "format", "pcapng");
	client_answer(c, "capture", o);
	client_write(c, "\n\r\r\n", 4);
}

int flow_close(struct gateway *g, usec_t at, uint32_t id)
{
	(void)g, (void)at;
	return id == 1 ? 0 : -ENOENT;
}

int gateway_at(struct unit *u, usec_t at, const char *command, usec_t timeout)
{
	(void)u, (void)at, (void)timeout;
	if (modem_at_refusal(command))
		return -EPERM;
	if (asked[0])
		return -EBUSY;
	strcpy(asked, command); /* modem_at_valid() has bounded it */
	return 0;
}

static void answer_at(void)
{
	const struct modem_at_answer answer = {.command = asked, .final = "OK"};

	if (!asked[0])
		return;
	at_done(&d.at, &answer);
	asked[0] = '\0';
}

/* ---- the clients ---- */

static void check_line(struct peer *p, const char *line)
{
	struct json_object *o = json_tokener_parse(line), *v;

	CHECK(o && json_object_object_get_ex(o, "version", &v));
	CHECK(json_object_object_get_ex(o, "ok", &v) || json_object_object_get_ex(o, "event", &v));
	p->raw = json_object_object_get_ex(o, "capture", &v);
	json_object_put(o);
}

static void hear(struct peer *p)
{
	ssize_t n;
	char *end;

	while (p->fd >= 0 &&
		(n = recv(p->fd, p->text + p->n, sizeof(p->text) - p->n, MSG_DONTWAIT)) > 0) {
		p->n += (size_t)n;
		while (!p->raw && (end = memchr(p->text, '\n', p->n))) {
			*end++ = '\0';
			check_line(p, p->text);
			p->n -= (size_t)(end - p->text);
			memmove(p->text, end, p->n);
		}
		if (p->raw)
			p->n = 0;
		CHECK(p->n < sizeof(p->text));
	}
}

static void turn(unsigned times)
{
	while (times--) {
		ev_run(d.loop, EVRUN_NOWAIT);
		for (unsigned i = 0; i < CLIENTS; i++)
			hear(&peers[i]);
	}
}

static void shut(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void come(unsigned i)
{
	int fds[2];

	CHECK(clients[i].use == CLIENT_ASKS); /* nothing of who was there before */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	peers[i].fd = fds[0];
	peers[i].raw = false;
	peers[i].n = 0;
	client_open(&clients[i], fds[1], i != 2, now);
}

static void begin(void)
{
	if (!d.loop) {
		d.loop = ev_loop_new(EVFLAG_AUTO);
		events_init(&d.events, &d);
		waits_init(&d.waits, &d);
		clients_init(clients, &d, d.loop);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		come(i);
}

static void turn_interface(void)
{
	d.up = !d.up;
	waits_check(&d.waits);
}

static void act(uint8_t what, unsigned *at)
{
	static const struct gateway_event event = {.kind = EVENT_RECEIVE, .what = "push", .unit = &gw.units[0]};

	if (what <= 0xe8) {
		*at = what - 0xe1u;
		return;
	}
	if (what == 0xf5)
		shut(&peers[*at]);
	turn(2);
	if (what == 0xf4 && peers[*at].fd >= 0)
		shutdown(peers[*at].fd, SHUT_WR);
	else if (what == 0xf6 && event_wanted(&gw, EVENT_RECEIVE))
		events_gateway(&d.events, &event);
	else if (what == 0xf7)
		turn_interface();
	else if (what == 0xf8)
		answer_at();
	else if (what == 0xfa && peers[*at].fd < 0 && clients[*at].fd < 0)
		come(*at);
	turn(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned at = 0;

	log_set_level(LOG_LEVEL_ERROR);
	begin();
	for (size_t i = 0; i < size; i++) {
		if ((data[i] >= 0xe1 && data[i] <= 0xe8) || (data[i] >= 0xf4 && data[i] <= 0xfa)) {
			act(data[i], &at);
		} else if (peers[at].fd >= 0) {
			ssize_t n = send(peers[at].fd, &data[i], 1, MSG_NOSIGNAL | MSG_DONTWAIT);

			(void)n; /* closed for what it said */
		}
		if (i % 256 == 255)
			turn(1);
	}
	turn(8);
	for (unsigned i = 0; i < CLIENTS; i++) {
		shut(&peers[i]);
		client_close(&clients[i]);
	}
	answer_at();
	CHECK(gw.events == 0 && !d.at.client);
	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++)
		CHECK(!d.events.listeners[i].client && !d.waits.waiters[i].client);
	return 0;
}

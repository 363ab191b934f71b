/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket (docs/man/a76sim.1): commands in, one line of answer each. */
#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim.h"

typedef void control_fn(struct sim *sim, const char *args, FILE *out);

static timer_fn replug;

static void say_error(FILE *out, const char *what)
{
	fprintf(out, "error: %s", what);
}

static void ctl_set(struct sim *sim, const char *args, FILE *out)
{
	char err[512];

	if (knobs_set(&sim->knobs, args, err, sizeof(err)) < 0) {
		say_error(out, err);
		return;
	}
	if (!strncmp(args, "baud=", 5))
		line_set_baud(sim, knob_num(&sim->knobs, KNOB_BAUD), sim->now);
	else if (!strncmp(args, "pin_tries=", 10))
		sim->module.pin_left = (int)knob_num(&sim->knobs, KNOB_PIN_TRIES);
	else if (!strncmp(args, "urc_storm=", 10))
		urc_storm_start(sim);
	else if (!strncmp(args, "reset_at=", 9))
		sim->module.reset_done = false;
	else if (!strncmp(args, "at_timeout=", 11))
		sim->parser.commands = 0;
	else if (!strncmp(args, "err_mode=", 9))
		sim->module.ccfg[CCFG_ERR_MODE] = knob_is(&sim->knobs, KNOB_ERR_MODE, "string");
	fprintf(out, "ok");
}

static void ctl_get(struct sim *sim, const char *args, FILE *out)
{
	const char *value = knobs_get(&sim->knobs, args);

	if (value)
		fprintf(out, "%s", value);
	else
		fprintf(out, "error: no knob named '%s'", args);
}

static void print_links(struct sim *sim, FILE *out)
{
	fprintf(out, "\"links\":[");
	for (int l = 0; l < LINKS_MAX; l++) {
		const struct link *k = &sim->link[l];
		char peer[80] = "";

		if (k->state != LINK_FREE && k->peer.sa.sa_family)
			address_print_full(&k->peer, peer, sizeof(peer));
		fprintf(out,
			"%s{\"link\":%d,\"state\":\"%s\",\"type\":\"%s\",\"peer\":\"%s\",\"server\":%d,"
			"\"sent\":%llu,\"acked\":%llu,\"received\":%llu,\"unread\":%zu,\"queued\":%zu}",
			l ? "," : "", l, link_state_name(k->state), k->udp ? "udp" : "tcp", peer,
			k->state == LINK_FREE ? -1 : k->server, (unsigned long long)k->sent,
			(unsigned long long)link_acked(sim, l), (unsigned long long)k->received,
			k->rx_len, k->tx_len);
	}
	fprintf(out, "]");
}

static void ctl_stats(struct sim *sim, const char *args, FILE *out)
{
	const struct stats *s = &sim->journal.stats;
	double byte_s = sim->line.baud ? 10.0 / (double)sim->line.baud : 0;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {{"wire_to_host", s->wire_to_host}, {"wire_from_host", s->wire_from_host},
		{"payload_to_host", s->data_to_host}, {"payload_from_host", s->data_from_host},
		{"overrun", s->overrun}, {"dropped", s->dropped}, {"opens", s->opens},
		{"opens_failed", s->opens_failed}, {"accepts", s->accepts}, {"sends", s->sends},
		{"reads", s->reads}, {"pushes", s->pushes}, {"resets", s->resets},
		{"urcs_lost", s->urcs_lost}, {"links_open", s->links_now},
		{"links_max", s->links_max}, {"mistakes", sim->journal.total},
		{"line_queued", line_queued(sim)}};

	(void)args;
	fprintf(out, "{\"uptime_s\":%.3f,\"baud\":%ld,\"mode\":\"%s\",\"service\":\"%s\",",
		(double)(sim->now - sim->journal.start) / 1e9, sim->line.baud,
		parser_mode_name(sim->parser.mode), service_name(sim->module.service));
	fprintf(out, "\"line_busy_to_host_s\":%.6f,\"line_busy_from_host_s\":%.6f,",
		(double)s->wire_to_host * byte_s, (double)s->wire_from_host * byte_s);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		fprintf(out, "\"%s\":%llu,", numbers[i].name, (unsigned long long)numbers[i].value);
	fprintf(out, "\"commands\":{");
	for (unsigned i = 0; i < s->commands; i++)
		fprintf(out, "%s\"%s\":%llu", i ? "," : "", s->command[i].name,
			(unsigned long long)s->command[i].count);
	fprintf(out, "},");
	print_links(sim, out);
	fprintf(out, "}");
}

static void ctl_mistakes(struct sim *sim, const char *args, FILE *out)
{
	const struct journal *j = &sim->journal;

	(void)args;
	fprintf(out, "[");
	for (unsigned i = 0; i < j->count; i++) {
		const struct mistake *m = &j->mistakes[(j->first + i) % MISTAKES_MAX];

		fprintf(out, "%s{\"t\":%.6f,\"kind\":\"%s\",\"detail\":\"%s\"}", i ? "," : "",
			(double)m->at / 1e9, m->kind, m->detail);
	}
	fprintf(out, "]");
}

static void ctl_clear(struct sim *sim, const char *args, FILE *out)
{
	(void)args;
	journal_clear(&sim->journal);
	fprintf(out, "ok");
}

static void ctl_reset(struct sim *sim, const char *args, FILE *out)
{
	(void)args;
	module_reset(sim, false);
	fprintf(out, "ok");
}

static void ctl_power_cycle(struct sim *sim, const char *args, FILE *out)
{
	(void)args;
	module_reset(sim, true);
	fprintf(out, "ok");
}

static void ctl_cipevent(struct sim *sim, const char *args, FILE *out)
{
	(void)args;
	service_lost(sim);
	if (knob_is(&sim->knobs, KNOB_PB_DONE, "on")) {
		urc(sim, "SMS DONE");
		urc(sim, "PB DONE");
	}
	fprintf(out, "ok");
}

static void replug(struct sim *sim, int reset, unsigned b)
{
	(void)b;
	if (line_plug(sim) < 0) {
		timer_set_outside(&sim->timers, sim->now + 100 * MS, replug, reset, 0);
		return;
	}
	if (reset)
		module_reset(sim, true);
}

/* unplug [MS [reset]] */
static void ctl_unplug(struct sim *sim, const char *args, FILE *out)
{
	char *rest;
	long ms = strtol(args, &rest, 10);
	bool reset = strstr(rest, "reset") || knob_is(&sim->knobs, KNOB_STATE_SURVIVES, "no");

	if (ms < 0 || (*rest && strcmp(rest, " reset") != 0)) {
		say_error(out, "expected unplug [MS [reset]]");
		return;
	}
	line_unplug(sim);
	timer_cancel(&sim->timers, replug);
	if (*args)
		timer_set_outside(&sim->timers, sim->now + ms * MS, replug, reset, 0);
	fprintf(out, "ok");
}

static void ctl_plug(struct sim *sim, const char *args, FILE *out)
{
	(void)args;
	timer_cancel(&sim->timers, replug);
	if (sim->line.master >= 0 || line_plug(sim) == 0)
		fprintf(out, "ok");
	else
		say_error(out, "no pty");
}

static void ctl_urc(struct sim *sim, const char *args, FILE *out)
{
	urc(sim, "%s", args);
	fprintf(out, "ok");
}

/* The number of an existing link, or -1 with a message. */
static int link_argument(struct sim *sim, const char *args, FILE *out)
{
	char *rest;
	long l = strtol(args, &rest, 10);

	if (!*args || *rest || l < 0 || l >= LINKS_MAX) {
		say_error(out, "expected a link number 0..9");
		return -1;
	}
	if (!link_open(sim, (int)l)) {
		fprintf(out, "error: link %ld is %s", l, link_state_name(sim->link[l].state));
		return -1;
	}
	return (int)l;
}

static void ctl_drop_link(struct sim *sim, const char *args, FILE *out)
{
	int l = link_argument(sim, args, out);

	if (l < 0)
		return;
	link_remote_closed(sim, l, 1);
	fprintf(out, "ok");
}

/* The zombie of T11: listed open once more, CIPSEND says 4. */
static void ctl_kill_link(struct sim *sim, const char *args, FILE *out)
{
	int l = link_argument(sim, args, out);

	if (l < 0)
		return;
	link_free(sim, l, true);
	sim->link[l].stale = true;
	fprintf(out, "ok");
}

/* The same for good: nothing but an answer to CIPSEND or CIPACK shows it. */
static void ctl_zombie_link(struct sim *sim, const char *args, FILE *out)
{
	int l = link_argument(sim, args, out);

	if (l < 0)
		return;
	link_free(sim, l, true);
	link_set_state(sim, l, LINK_ZOMBIE);
	fprintf(out, "ok");
}

static void ctl_freeze(struct sim *sim, const char *args, FILE *out)
{
	if (strcmp(args, "on") && strcmp(args, "off")) {
		say_error(out, "expected freeze on or freeze off");
		return;
	}
	sim->parser.frozen = !strcmp(args, "on");
	fprintf(out, "ok");
}

static void ctl_dtr(struct sim *sim, const char *args, FILE *out)
{
	if (strcmp(args, "off") == 0)
		online_dtr(sim);
	fprintf(out, "ok");
}

static void ctl_noise(struct sim *sim, const char *args, FILE *out)
{
	char *rest;
	long n = strtol(args, &rest, 10);

	if (!*args || *rest || n < 1 || n > 4096) {
		say_error(out, "expected noise 1..4096");
		return;
	}
	while (n--) {
		uint8_t byte = (uint8_t)prng_below(&sim->knobs.rng, 256);

		line_write(sim, &byte, 1);
	}
	fprintf(out, "ok");
}

static void ctl_quit(struct sim *sim, const char *args, FILE *out)
{
	(void)args;
	sim->quit = true;
	fprintf(out, "ok");
}

static void ctl_help(struct sim *sim, const char *args, FILE *out);

static const struct {
	const char *name;
	control_fn *fn;
} commands[] = {
	{"set", ctl_set}, {"get", ctl_get}, {"stats", ctl_stats}, {"mistakes", ctl_mistakes},
	{"clear", ctl_clear}, {"reset", ctl_reset}, {"power-cycle", ctl_power_cycle},
	{"cipevent", ctl_cipevent}, {"unplug", ctl_unplug}, {"plug", ctl_plug}, {"urc", ctl_urc},
	{"drop-link", ctl_drop_link}, {"kill-link", ctl_kill_link},
	{"zombie-link", ctl_zombie_link}, {"freeze", ctl_freeze},
	{"dtr", ctl_dtr}, {"noise", ctl_noise}, {"quit", ctl_quit}, {"help", ctl_help},
};

static void ctl_help(struct sim *sim, const char *args, FILE *out)
{
	(void)sim;
	(void)args;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "%s%s", i ? " " : "", commands[i].name);
}

static void run_command(struct sim *sim, const char *line, FILE *out)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strlen(commands[i].name) == len && !memcmp(commands[i].name, line, len)) {
			commands[i].fn(sim, line + len + (line[len] == ' '), out);
			return;
		}
	}
	fprintf(out, "error: no command '%.*s' (try help)", (int)(len < 40 ? len : 40), line);
}

static void client_drop(struct sim *sim, int i)
{
	close(sim->control.client[i].fd);
	sim->control.client[i].fd = -1;
}

/* Sends it all: a control client that does not read for a second is not worth waiting for. */
static bool send_all(int fd, const char *p, size_t n)
{
	while (n) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r > 0) {
			p += r;
			n -= (size_t)r;
		} else if (errno != EAGAIN || poll(&ready, 1, 1000) <= 0) {
			return false;
		}
	}
	return true;
}

static bool answer_line(struct sim *sim, int i, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size); /* grows: a list of mistakes may be long */
	bool sent;

	if (!out)
		return false;
	run_command(sim, line, out);
	fputc('\n', out);
	fclose(out);
	sent = send_all(sim->control.client[i].fd, text, size);
	free(text);
	return sent;
}

/* Runs the complete lines a client sent; false when it is to be dropped. */
static bool client_lines(struct sim *sim, int i)
{
	char *line = sim->control.client[i].line, *end;
	size_t *len = &sim->control.client[i].len;

	while ((end = memchr(line, '\n', *len))) {
		size_t used = (size_t)(end - line) + 1;

		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (!answer_line(sim, i, line))
			return false;
		memmove(line, line + used, *len - used);
		*len -= used;
	}
	return *len < CONTROL_LINE_MAX;
}

static void client_event(struct sim *sim, int i, short revents)
{
	char *line = sim->control.client[i].line;
	size_t *len = &sim->control.client[i].len;
	ssize_t n;

	(void)revents;
	if (sim->control.client[i].fd < 0)
		return;
	n = recv(sim->control.client[i].fd, line + *len, CONTROL_LINE_MAX - *len, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		*len += (size_t)n;
	if (n <= 0 || !client_lines(sim, i))
		client_drop(sim, i);
}

static void listener_event(struct sim *sim, int arg, short revents)
{
	struct control *c = &sim->control;
	int fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)arg;
	(void)revents;
	if (fd < 0)
		return;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (c->client[i].fd < 0) {
			c->client[i].fd = fd;
			c->client[i].len = 0;
			return;
		}
	}
	close(fd);
}

int control_open(struct sim *sim, const char *path)
{
	struct control *c = &sim->control;
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	c->listener = -1;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	if (!path)
		return 0;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->listener < 0)
		return -errno;
	if (bind(c->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(c->listener, 8) < 0)
		return -errno;
	c->path = path;
	return 0;
}

void control_close(struct sim *sim)
{
	if (sim->control.path)
		unlink(sim->control.path);
}

void control_watch(struct sim *sim, struct loop *loop)
{
	struct control *c = &sim->control;

	loop_watch(loop, c->listener, POLLIN, listener_event, 0);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		loop_watch(loop, c->client[i].fd, POLLIN, client_event, i);
}

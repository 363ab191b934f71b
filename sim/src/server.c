/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP servers (note 3.4, a76xx-at 10). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static void accepted(struct sim *sim, int l, int server, int fd, const union address *from)
{
	struct link *k = &sim->link[l];
	const char *quote = knob_is(&sim->knobs, KNOB_CLIENT_QUOTES, "on") ? "\"" : "";
	char text[80];

	link_begin(sim, l, false);
	k->fd = fd;
	k->server = server;
	k->accepted = true;
	k->peer = *from;
	link_socket_options(fd, false);
	link_set_state(sim, l, LINK_OPEN);
	sim->journal.stats.accepts++;
	address_print_full(from, text, sizeof(text));
	urc(sim, "+CLIENT: %d,%d,%s%s%s", l, server, quote, text, quote);
	if (sim->module.cipmode && l == 0 && server == 0) {
		k->transparent = true;
		online_enter(sim);
	}
}

static void server_event(struct sim *sim, int s, short revents)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	union address from = {0};
	socklen_t len = sizeof(from);
	bool line = sim->module.cipmode && s == 0;
	int l = line ? (sim->link[0].state == LINK_FREE ? 0 : -1) : link_pick(sim), fd;

	(void)revents;
	fd = accept4(sim->server[s].fd, &from.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (l < 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
		return;
	}
	accepted(sim, l, s, fd, &from);
}

void servers_watch(struct sim *sim, struct loop *loop)
{
	bool ignore = knob_is(&sim->knobs, KNOB_ACCEPT_WHEN_FULL, "ignore") && link_pick(sim) < 0;
	bool line = sim->module.cipmode && sim->parser.mode != MODE_COMMAND;

	for (int s = 0; s < SERVERS_MAX; s++)
		if (sim->server[s].port && !ignore && !(line && s == 0))
			loop_watch(loop, sim->server[s].fd, POLLIN, server_event, s);
}

static void server_stop(struct sim *sim, int s)
{
	if (sim->server[s].port)
		close(sim->server[s].fd);
	sim->server[s].port = 0;
}

void servers_reset(struct sim *sim)
{
	for (int s = 0; s < SERVERS_MAX; s++)
		server_stop(sim, s);
}

static int server_listen(struct sim *sim, int s, long port, int backlog)
{
	bool ip6 = knob_is(&sim->knobs, KNOB_IPV6, "on") && sim->module.socket_ip6;
	union address a = {0};
	int fd, on = 1;

	a.sa.sa_family = ip6 ? AF_INET6 : AF_INET;
	if (ip6)
		a.in6.sin6_port = htons((uint16_t)port);
	else
		a.in.sin_port = htons((uint16_t)port);
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	link_socket_options(fd, false);
	if (bind(fd, &a.sa, address_len(&a)) < 0 || listen(fd, backlog) < 0) {
		close(fd);
		return -EADDRINUSE;
	}
	sim->server[s].fd = fd;
	sim->server[s].port = port;
	return 0;
}

static enum result server_list(struct sim *sim)
{
	bool first = true;

	for (int s = 0; s < SERVERS_MAX; s++) {
		if (!sim->server[s].port)
			continue;
		say_block(sim, first, "+SERVERSTART: %d,%ld", s, sim->server[s].port);
		first = false;
	}
	return RESULT_OK;
}

enum result cmd_serverstart(struct sim *sim, const struct call *call)
{
	long port, s, backlog = 3, last = knob_num(&sim->knobs, KNOB_LISTENERS) - 1;

	if (call->form == FORM_READ)
		return server_list(sim);
	if (!arg_int(call, 0, 1, 65535, &port) || !arg_int(call, 1, 0, last, &s) ||
		(arg_given(call, 2) && !arg_int(call, 2, 1, 3, &backlog)))
		return cip_error(sim, 3);
	if (!service_open(sim))
		return cip_error(sim, 2);
	if (sim->server[s].port)
		return cip_error(sim, 7);
	if (server_listen(sim, (int)s, port, (int)backlog) < 0)
		return cip_error(sim, 6);
	return RESULT_OK;
}

enum result cmd_serverstop(struct sim *sim, const struct call *call)
{
	long s = 0; /* note 3.4.2: without an index it is server 0 */

	if (call->form == FORM_SET && !arg_int(call, 0, 0, SERVERS_MAX - 1, &s))
		return cip_error(sim, 3);
	if (!sim->server[s].port) {
		say(sim, "+SERVERSTOP: %ld,4", s);
		return RESULT_ERROR;
	}
	server_stop(sim, (int)s);
	if (knob_is(&sim->knobs, KNOB_ORDER_SERVERSTOP, "ok_first")) {
		final_result(sim, "OK");
		urc(sim, "+SERVERSTOP: %ld,0", s);
		return RESULT_SILENT;
	}
	say(sim, "+SERVERSTOP: %ld,0", s);
	return RESULT_OK;
}

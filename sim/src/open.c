/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AT+CIPOPEN (a76xx-at 4). A TCP open answers OK and reports later, unless the knob order_tcp_open
 * or transparent mode makes its report the final result; link.parser_waits remembers that.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sim.h"

/* Kernel buffers of a real socket, small so that the module's own bounds are what counts. */
#define SOCKET_BUFFER 16384
#define SEGMENT 1460

static timer_fn open_report, open_quarantine, open_reset;

void link_socket_options(int fd, bool udp)
{
	int buffer = SOCKET_BUFFER, segment = SEGMENT, on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (udp)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static const struct knob_value *for_destination(struct sim *sim, const struct link *k,
	enum knob_id id)
{
	const struct knob_value *v = knob_for_strict(&sim->knobs, id, k->key);

	return v ? v : knob_for(&sim->knobs, id, k->host);
}

/* A CIPOPEN that is wrong at once: knob open_error_form. */
static enum result refuse(struct sim *sim, long l, int error)
{
	sim->journal.stats.opens_failed++;
	if (error == 12)
		error = (int)knob_num(&sim->knobs, KNOB_UNKNOWN_ERR_CODE);
	if (knob_is(&sim->knobs, KNOB_OPEN_ERROR_FORM, "error"))
		return RESULT_ERROR;
	if (knob_is(&sim->knobs, KNOB_OPEN_ERROR_FORM, "ok_urc")) {
		final_result(sim, "OK");
		urc(sim, "+CIPOPEN: %ld,%d", l, error);
		return RESULT_SILENT;
	}
	say(sim, "+CIPOPEN: %ld,%d", l, error);
	return RESULT_ERROR;
}

static void report_transparent(struct sim *sim, int error)
{
	if (error)
		final_result(sim, "CONNECT FAIL");
	else
		online_enter(sim);
}

/* The peer of a reopened link may shut the door at once: knob reopen_quarantine_ms. */
static void open_quarantine(struct sim *sim, int l, unsigned gen)
{
	if (link_open(sim, l) && sim->link[l].gen == gen)
		link_remote_closed(sim, l, 1);
}

static void opened(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];
	int64_t quarantine = knob_num(&sim->knobs, KNOB_REOPEN_QUARANTINE) * MS;

	link_set_state(sim, l, LINK_OPEN);
	sim->journal.stats.opens++;
	if (k->closed_at && k->opened_at - k->closed_at < quarantine)
		timer_set(&sim->timers, sim->now, open_quarantine, l, k->gen);
}

static void open_report(struct sim *sim, int l, unsigned gen)
{
	struct link *k = &sim->link[l];
	int error = k->open_error < 0 ? 0 : k->open_error;
	bool waits = k->parser_waits;

	if (k->gen != gen || (k->state != LINK_CONNECTING && k->state != LINK_RESOLVING))
		return;
	k->parser_waits = false;
	if (error) {
		sim->journal.stats.opens_failed++;
		link_free(sim, l, true);
		k->closed_at = 0;
		if (error == 12)
			error = (int)knob_num(&sim->knobs, KNOB_UNKNOWN_ERR_CODE);
	} else {
		opened(sim, l);
	}
	if (k->transparent) {
		report_transparent(sim, error);
	} else if (waits) {
		say(sim, "+CIPOPEN: %d,%d", l, error);
		parser_done(sim, error ? RESULT_ERROR : RESULT_OK);
	} else {
		urc(sim, "+CIPOPEN: %d,%d", l, error);
	}
}

/* The result is known (error 0: connected); it is told when open_delay_ms or rtt_ms have passed. */
static void open_known(struct sim *sim, int l, int error)
{
	struct link *k = &sim->link[l];
	const struct knob_value *delay = for_destination(sim, k, KNOB_OPEN_DELAY);
	const struct knob_value *result = for_destination(sim, k, KNOB_OPEN_RESULT);
	int64_t at = k->opened_at + (int64_t)delay->number * MS;

	if (knob_value_is(delay, KNOB_OPEN_DELAY, "rtt"))
		at = k->opened_at + knob_num(&sim->knobs, KNOB_RTT) * MS;
	if (knob_value_is(result, KNOB_OPEN_RESULT, "late"))
		at = sim->now + (int64_t)result->number * MS;
	if (k->open_error)
		return;
	k->open_error = error ? error : -1;
	k->deadline = NEVER;
	timer_set(&sim->timers, at > sim->now ? at : sim->now, open_report, l, k->gen);
}

void link_open_failed(struct sim *sim, int l, int error)
{
	open_known(sim, l, error);
}

void link_connect_event(struct sim *sim, int l)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(sim->link[l].fd, SOL_SOCKET, SO_ERROR, &error, &len);
	/* the module's table has one code for refused, unreachable and the like (a76xx-at 12.2) */
	open_known(sim, l, error == 0 ? 0 : error == ETIMEDOUT ? 10 : 1);
}

static bool bind_local(int fd, int family, long port)
{
	union address a = {0};
	int on = 1;

	a.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET6)
		a.in6.sin6_port = htons((uint16_t)port);
	else
		a.in.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, &a.sa, address_len(&a)) == 0;
}

static bool family_served(const struct sim *sim, int family)
{
	bool ip6 = knob_is(&sim->knobs, KNOB_IPV6, "on") && sim->module.socket_ip6;

	return family == (ip6 ? AF_INET6 : AF_INET);
}

static void connect_link(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];
	int family = k->peer.sa.sa_family;

	link_set_state(sim, l, LINK_CONNECTING);
	if (!family_served(sim, family)) {
		open_known(sim, l, 1);
		return;
	}
	k->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0) {
		open_known(sim, l, 5);
		return;
	}
	link_socket_options(k->fd, false);
	if (k->local_port && !bind_local(k->fd, family, k->local_port))
		open_known(sim, l, 6);
	else if (connect(k->fd, &k->peer.sa, address_len(&k->peer)) == 0)
		open_known(sim, l, 0);
	else if (errno != EINPROGRESS)
		open_known(sim, l, 1);
}

static void resolved(struct sim *sim, int l, unsigned gen, const union address *a)
{
	struct link *k = &sim->link[l];
	char text[64];

	if (k->gen != gen || k->state != LINK_RESOLVING || k->open_error)
		return;
	if (!a) {
		link_set_state(sim, l, LINK_CONNECTING);
		open_known(sim, l, 11);
		return;
	}
	address_print(a, text, sizeof(text));
	address_parse(text, k->port, &k->peer);
	connect_link(sim, l);
}

/* Begins the way to the peer: by knob, by address or by name. */
static void start_tcp(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];
	const struct knob_value *result = for_destination(sim, k, KNOB_OPEN_RESULT);
	bool literal = address_parse(k->host, k->port, &k->peer);

	k->deadline = sim->now + sim->module.timeout[1] * MS;
	if (knob_value_is(result, KNOB_OPEN_RESULT, "never")) {
		link_set_state(sim, l, LINK_RESOLVING);
		k->deadline = NEVER;
	} else if (knob_value_is(result, KNOB_OPEN_RESULT, "1..255")) {
		link_set_state(sim, l, LINK_CONNECTING);
		open_known(sim, l, (int)result->number);
	} else if (literal) {
		connect_link(sim, l);
	} else {
		link_set_state(sim, l, LINK_RESOLVING);
		if (resolve_start(sim, k->host, resolved, l, k->gen) < 0)
			resolved(sim, l, k->gen, NULL);
	}
}

static enum result open_tcp(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];

	k->transparent = sim->module.cipmode && l == 0;
	k->parser_waits =
		k->transparent || knob_is(&sim->knobs, KNOB_ORDER_TCP_OPEN, "urc_first");
	start_tcp(sim, l);
	return k->parser_waits ? RESULT_PENDING : RESULT_OK;
}

static enum result open_udp(struct sim *sim, int l)
{
	struct link *k = &sim->link[l];
	bool transparent = sim->module.cipmode && l == 0;
	int family = family_served(sim, AF_INET6) ? AF_INET6 : AF_INET;

	if (transparent && (!address_parse(k->host, k->port, &k->peer) ||
				   !family_served(sim, k->peer.sa.sa_family)))
		return refuse(sim, l, 3);
	k->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0)
		return refuse(sim, l, 5);
	link_socket_options(k->fd, true);
	if (!bind_local(k->fd, family, k->local_port)) {
		close(k->fd);
		k->fd = -1;
		return refuse(sim, l, 6);
	}
	opened(sim, l);
	if (transparent) {
		online_enter(sim);
		return RESULT_SILENT;
	}
	if (knob_is(&sim->knobs, KNOB_ORDER_UDP_OPEN, "ok_first")) {
		final_result(sim, "OK");
		urc(sim, "+CIPOPEN: %d,0", l);
		return RESULT_SILENT;
	}
	say(sim, "+CIPOPEN: %d,0", l);
	return RESULT_OK;
}

static enum result open_list(struct sim *sim)
{
	for (int l = 0; l < LINKS_MAX; l++) {
		const struct link *k = &sim->link[l];
		char host[64];

		address_print(&k->peer, host, sizeof(host));
		if (k->state != LINK_OPEN && k->state != LINK_CLOSING)
			say_block(sim, l == 0, "+CIPOPEN: %d", l);
		else
			say_block(sim, l == 0, "+CIPOPEN: %d,\"%s\",\"%s\",%ld,%d", l,
				k->udp ? "UDP" : "TCP", host,
				k->peer.sa.sa_family ? address_port(&k->peer) : 0,
				k->server);
	}
	return RESULT_OK;
}

static enum result used_link(struct sim *sim, long l)
{
	const struct link *k = &sim->link[l];
	bool fresh = k->accepted && sim->now - k->opened_at < 100 * MS;

	if (!fresh) /* a client that was accepted just now is nobody's fault */
		mistake(sim, "reuse of an unclosed link", "link %ld", l);
	if (knob_is(&sim->knobs, KNOB_OPEN_USED_LINK, "error"))
		return RESULT_ERROR;
	return refuse(sim, l, knob_is(&sim->knobs, KNOB_OPEN_USED_LINK, "4") ? 4 : 8);
}

static bool another_opens(const struct sim *sim, long except)
{
	for (int l = 0; l < LINKS_MAX; l++)
		if (l != except && (sim->link[l].state == LINK_CONNECTING ||
					   sim->link[l].state == LINK_RESOLVING))
			return true;
	return false;
}

/* Knob reset_at=open: OK went out, the result never comes (T15). */
static void open_reset(struct sim *sim, int a, unsigned b)
{
	(void)a;
	(void)b;
	module_reset_due(sim, "open");
}

/* The arguments of the two forms of a76xx-at 4.1; 0 or the error code. */
static int parse_open(struct link *k, const struct call *call, bool udp, bool transparent)
{
	bool remote = arg_given(call, 2) || arg_given(call, 3);
	const char *host = "";

	if ((remote || !udp) &&
		(!call->arg[2].quoted || !call->arg[2].text[0] ||
			!arg_int(call, 3, 1, 65535, &k->port) ||
			strlen(call->arg[2].text) >= sizeof(k->host)))
		return 3;
	if (arg_given(call, 4) && !arg_int(call, 4, 0, 65535, &k->local_port))
		return 3;
	if (udp && (!arg_given(call, 4) || (transparent && !remote)))
		return 3;
	if (remote || !udp)
		host = call->arg[2].text;
	snprintf(k->host, sizeof(k->host), "%.127s", host);
	snprintf(k->key, sizeof(k->key), "%.127s:%ld", host, k->port);
	return 0;
}

enum result cmd_cipopen(struct sim *sim, const struct call *call)
{
	bool udp, transparent;
	long l;

	if (call->form == FORM_READ)
		return open_list(sim);
	if (call->form != FORM_SET ||
		!arg_int(call, 0, 0, knob_num(&sim->knobs, KNOB_LINKS) - 1, &l))
		return ip_error(sim, 12);
	udp = call->args > 1 && !strcasecmp(call->arg[1].text, "UDP");
	if (!service_open(sim)) {
		mistake(sim, "open while the service is closed", "link %ld", l);
		return refuse(sim, l, 2);
	}
	if (!udp && (call->args < 2 || strcasecmp(call->arg[1].text, "TCP") != 0))
		return refuse(sim, l, 3);
	if (sim->link[l].state != LINK_FREE)
		return used_link(sim, l);
	if (knob_is(&sim->knobs, KNOB_CONCURRENT_OPEN, "busy") && another_opens(sim, l))
		return refuse(sim, l, 8);
	transparent = sim->module.cipmode && l == 0;
	link_begin(sim, (int)l, udp);
	if (parse_open(&sim->link[l], call, udp, transparent) ||
		!literal_form(sim, sim->link[l].host))
		return refuse(sim, l, 3);
	if (knob_is(&sim->knobs, KNOB_RESET_AT, "open"))
		timer_set(&sim->timers, sim->now + 10 * MS, open_reset, 0, 0);
	return udp ? open_udp(sim, (int)l) : open_tcp(sim, (int)l);
}

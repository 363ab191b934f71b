/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwards: who connects to a port of the module is connected to a server of the host, or behind it.
 *
 * Theory of operation
 *
 * Each rule of forward.tcp has one of the module's four servers (modem_listen()). A client that the
 * module has accepted already cannot be held as a SYN is: its link is open, and its bytes may come
 * before its server has answered. So the flow begins in CONNECT with a buffer, in which they wait; a
 * server that refuses, or does not answer for 20 s, has the link closed. From OPEN on it is a flow
 * like any other (tcp.c).
 *
 * The server sees the client's own address and port; the way back is the host's business: what it
 * sends to that address must be routed to the interface. Where it cannot be, forward.source = gateway
 * has an address stand for all clients that is routed to us (iface.c): the interface's own but for the
 * last bit, so that no other network loses one, with ports that we count through. It cannot be the
 * interface's own, for the kernel takes nothing from outside that claims to be from itself.
 *
 * A rule is known by its port. On reload a port that stays keeps its server of the module, whatever
 * its target is now; flows of a rule that goes are not touched.
 */
#include "gateway.h"

#include <errno.h>
#include <string.h>

#include "util/log.h"

#define PORT_MIN 49152 /* RFC 6335 6: dynamic ports */
#define PORT_TRIES 64

/* ---- the rules ---- */

static struct forward *find(struct gateway *gw, uint16_t port)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++)
		if (gw->forwards[i].rule.port == port)
			return &gw->forwards[i];
	return NULL;
}

static bool is_wanted(const struct config_forward *rules, unsigned n, uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (rules[i].port == port)
			return true;
	return false;
}

static void withdraw(struct gateway *gw, const struct config_forward *rules, unsigned n)
{
	for (unsigned i = 0; i < MODEM_SERVERS; i++) {
		struct forward *fw = &gw->forwards[i];

		if (!fw->rule.port || is_wanted(rules, n, fw->rule.port))
			continue;
		log_info("forward of port %u ends", fw->rule.port);
		modem_unlisten(gw->units[0].modem, i);
		*fw = (struct forward){0};
	}
}

static void establish(struct gateway *gw, const struct config_forward *rule)
{
	struct forward *fw = find(gw, rule->port);
	char text[ENDPOINT_STRLEN];

	if (fw) {
		fw->rule = *rule;
		return;
	}
	fw = find(gw, 0);
	if (!fw)
		return; /* config_check() counts them */
	*fw = (struct forward){.rule = *rule};
	log_info("forward of port %u to %s", rule->port, endpoint_format(&rule->target, text));
	modem_listen(gw->units[0].modem, (unsigned)(fw - gw->forwards), rule->port);
}

void forward_configure(struct gateway *gw)
{
	const struct config_list *list = &gw->config->forward.tcp;
	struct config_forward rules[CONFIG_FORWARDS];
	unsigned n = 0;

	_Static_assert(CONFIG_FORWARDS == MODEM_SERVERS, "a server for each");
	for (unsigned i = 0; i < list->n && n < CONFIG_FORWARDS; i++)
		n += config_forward_parse(&rules[n], list->item[i]) == 0;
	withdraw(gw, rules, n);
	for (unsigned i = 0; i < n; i++)
		establish(gw, &rules[i]);
}

void forward_listening(struct unit *u, unsigned server, int result)
{
	struct gateway *gw = u->gw;

	gw->forwards[server].result = result;
	if (event_wanted(gw, EVENT_FORWARD))
		gw->ops->event(gw->user, &(struct gateway_event){
			.kind = EVENT_FORWARD, .what = result ? "failed" : "listening",
			.why = result ? modem_open_result_name(result) : NULL, .unit = u,
			.server = server});
}

unsigned forward_active(const struct gateway *gw, const struct forward *fw)
{
	unsigned n = 0;

	for (struct list *pos = gw->flows.next; pos != &gw->flows; pos = pos->next)
		n += list_entry(pos, struct flow, node)->port == fw->rule.port;
	return n;
}

/* ---- who the server sees ---- */

/* Whether the bits behind @prefix are all 0 (the network) or all 1 (broadcast). */
static bool is_special(const struct addr *a, unsigned prefix)
{
	unsigned bits = a->family == 4 ? 32 : 128, zeros = 0, n = bits - prefix;

	if (n < 2)
		return false; /* RFC 3021: both ends of a /31 are hosts */
	for (unsigned i = prefix; i < bits; i++)
		zeros += !(a->b[i / 8] & 0x80 >> i % 8);
	return zeros == 0 || zeros == n;
}

struct addr forward_address(const struct addr *own, unsigned prefix)
{
	unsigned last = own->family == 4 ? 3 : 15;
	struct addr a = *own;

	a.b[last] ^= 1;
	if (is_special(&a, prefix))
		a.b[last] ^= 2;
	return a;
}

static uint16_t next_port(struct gateway *gw)
{
	if (gw->forward_port == 0) {
		gw->ops->random(gw->user, &gw->forward_port, sizeof(gw->forward_port));
		gw->forward_port |= PORT_MIN;
	}
	gw->forward_port = gw->forward_port == UINT16_MAX ? PORT_MIN : gw->forward_port + 1;
	return gw->forward_port;
}

static int connect_from_gateway(struct link *l, const struct endpoint *target,
	struct endpoint *seen, struct stack_tcp **tcp)
{
	struct gateway *gw = l->unit->gw;
	unsigned prefix;
	struct addr own = unit_address(l->unit, &prefix);
	int rc = -EADDRINUSE;

	seen->addr = forward_address(&own, prefix);
	for (unsigned i = 0; i < PORT_TRIES && rc == -EADDRINUSE; i++) {
		seen->port = next_port(gw);
		rc = stack_tcp_connect(gw->stack, target, seen, tcp);
	}
	return rc;
}

/* ---- clients ---- */

static struct flow *begin(struct link *l, const struct forward *fw, const struct endpoint *remote)
{
	struct gateway *gw = l->unit->gw;
	bool own = gw->config->forward.source == CONFIG_FORWARD_GATEWAY;
	const struct endpoint *target = &fw->rule.target;
	struct endpoint seen = *remote;
	char from[ENDPOINT_STRLEN];
	struct stack_tcp *tcp;
	struct flow *f;
	int rc;

	rc = own ? connect_from_gateway(l, target, &seen, &tcp) :
		   stack_tcp_connect(gw->stack, target, remote, &tcp);
	if (rc < 0) {
		log_warn("forward of port %u: %s: %s", fw->rule.port,
			endpoint_format(remote, from), strerror(-rc));
		return NULL;
	}
	f = flow_new(gw, tcp, target, remote);
	if (!f) {
		stack_tcp_abort(tcp);
		return NULL;
	}
	f->port = fw->rule.port;
	f->seen = seen;
	if (buffer_take(gw, f))
		return f;
	stack_tcp_abort(tcp);
	flow_free(gw, f, "no buffer is left");
	return NULL;
}

void forward_accepted(struct link *l, unsigned server, const struct endpoint *remote)
{
	struct gateway *gw = l->unit->gw;
	struct forward *fw = &gw->forwards[server];
	struct flow *f = NULL;

	l->use = LINK_TCP;
	l->open = true;
	l->refused = 0;
	l->since = gw->now;
	link_count_anew(l);
	l->flow = NULL;
	gw->count.forward_accepted++;
	fw->accepted++;
	if (fw->rule.port && !gw->stopping)
		f = begin(l, fw, remote);
	if (!f) {
		gw->count.forward_refused++;
		fw->refused++;
		link_end(l);
		return;
	}
	l->flow = f;
	f->link = l;
	flow_enter(gw, f, FLOW_CONNECT);
}

void forward_refused(struct gateway *gw, struct flow *f, const char *why)
{
	struct forward *fw = find(gw, f->port);
	struct link *l = f->link;
	char name[FLOW_NAME_LEN];

	log_info("%s: %s", flow_name(f, name), why);
	gw->count.forward_refused++;
	if (fw)
		fw->refused++;
	flow_free(gw, f, why);
	link_end(l);
}

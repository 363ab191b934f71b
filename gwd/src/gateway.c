/* SPDX-License-Identifier: BSD-3-Clause */
#include "gateway.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"

#define CONNECT_TIMEOUT_MAX SEC(120) /* AT+CIPTIMEOUT's limit; a reload may change the option */
#define UDP_READ_MAX 1500 /* CIPRXGET's limit: a datagram should come in one read */

const char *flow_name(const struct flow *f, char *buf)
{
	char local[ENDPOINT_STRLEN], remote[ENDPOINT_STRLEN], link[24] = "";
	bool inbound = f->port != 0;

	if (f->link)
		snprintf(link, sizeof(link), " (link %u)", f->link->number);
	endpoint_format(&f->local, local);
	endpoint_format(&f->remote, remote);
	snprintf(buf, FLOW_NAME_LEN, "tcp#%u %s -> %s%s", f->id, inbound ? remote : local,
		inbound ? local : remote, link);
	return buf;
}

/* ---- links ---- */

unsigned unit_links_in_use(const struct unit *u, enum link_use use)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEM_LINKS; i++)
		n += u->links[i].use == use;
	return n;
}

usec_t unit_since(const struct unit *u, const struct modem_status *s)
{
	return s->since ? s->since : u->gw->started;
}

bool unit_line_taken(const struct unit *u)
{
	return modem_links(u->modem) == 1 && unit_links_in_use(u, LINK_UNUSED) < MODEM_LINKS;
}

/* From 9 down: the module gives accepted sockets the lowest free numbers (NOTE 3.4). A number that
 * the module refused lately, though it should have been free, or took from UDP, comes after all others. */
struct link *unit_free_link(struct unit *u)
{
	struct link *best = NULL;

	for (unsigned i = modem_links(u->modem); i-- > 0;) {
		struct link *l = &u->links[i];

		if (l->use != LINK_UNUSED || modem_link_state(u->modem, i) != MODEM_LINK_FREE)
			continue;
		if (!best || l->refused < best->refused)
			best = l;
	}
	return best;
}

void link_release(struct link *l)
{
	sched_remove(l);
	l->use = LINK_UNUSED;
	l->open = false;
	l->unit->gw->admit_again = true;
	l->unit->gw->dns.again = true;
}

void link_sent(struct link *l, size_t n)
{
	l->tx_bytes += n;
	rate_add(&l->tx_rate, l->unit->gw->now, n);
}

void link_received(struct link *l, size_t n)
{
	l->rx_bytes += n;
	rate_add(&l->rx_rate, l->unit->gw->now, n);
}

void link_count_anew(struct link *l)
{
	l->tx_bytes = l->rx_bytes = 0;
	l->tx_rate = l->rx_rate = (struct rate){0};
}

struct addr unit_address(const struct unit *u, unsigned *prefix)
{
	const struct config *c = u->gw->config;

	*prefix = u->address.family == 4 ? 32 : 128;
	if (c->interface.address.kind != CONFIG_ADDRESS_GIVEN)
		return u->address;
	*prefix = c->interface.address.prefix;
	return c->interface.address.addr;
}

static void link_event(const struct link *l, const char *what, const char *why)
{
	struct gateway *gw = l->unit->gw;

	if (event_wanted(gw, EVENT_LINK))
		gw->ops->event(gw->user, &(struct gateway_event){
			.kind = EVENT_LINK, .what = what, .why = why, .unit = l->unit, .link = l});
}

/* ---- modem callbacks: each names a link of its unit ---- */

static unsigned configured_dns(const struct unit *u)
{
	unsigned n = 0;

	while (n < MODEM_DNS_SET_MAX && u->modem_config.dns[n].family)
		n++;
	return n;
}

/* Those of the configuration, and behind them those the network named. */
static void learn_dns(struct unit *u, const struct addr *network, unsigned n)
{
	unsigned own = configured_dns(u);

	if (n > 0)
		memmove(u->dns + own, network, n * sizeof(*network));
	memcpy(u->dns, u->modem_config.dns, own * sizeof(*u->dns));
	u->n_dns = own + n;
}

static void on_bearer(void *user, const struct modem_bearer *b)
{
	struct unit *u = user;
	struct gateway *gw = u->gw;
	bool up = b->state == MODEM_STATE_UP;

	u->address = b->address;
	if (up && !u->up)
		u->one_at_a_time = modem_links(u->modem) == 1;
	u->up = up;
	if (up)
		learn_dns(u, b->dns, b->n_dns);
	if (!up) {
		struct list *pos, *tmp;

		udp_bearer_lost(u);
		dns_bearer_lost(u);
		ping_bearer_lost(u);
		list_for_each_safe (pos, tmp, &gw->waiting) {
			gw->count.tcp_unreachable++;
			flow_refuse(gw, list_entry(pos, struct flow, node),
				STACK_ANSWER_NET_UNREACH);
		}
	}
	gw->ops->bearer(gw->user, u, b);
}

static void on_opened(void *user, unsigned link, int result)
{
	struct link *l = &((struct unit *)user)->links[link];

	link_event(l, result == MODEM_OPEN_OK ? "open" : "failed",
		result == MODEM_OPEN_OK ? NULL : modem_open_result_name(result));
	if (l->use == LINK_TCP)
		tcp_link_opened(l, result);
	else if (l->use == LINK_DNS)
		dns_link_opened(l, result);
	else
		udp_link_opened(l, result);
}

static bool on_next_send(void *user, uint8_t *buf, struct modem_send *send)
{
	return sched_next(user, buf, send);
}

static void on_sent(void *user, unsigned link, size_t req, size_t n)
{
	struct link *l = &((struct unit *)user)->links[link];

	if (l->use == LINK_TCP)
		tcp_link_sent(l, req, n);
	else if (l->use == LINK_DNS)
		dns_link_sent(l, n);
	else
		udp_link_sent(l, n);
}

static void on_data(void *user, unsigned link, const uint8_t *p, size_t n,
	const struct endpoint *src)
{
	struct link *l = &((struct unit *)user)->links[link];

	if (l->use == LINK_TCP)
		tcp_link_data(l, p, n);
	else if (l->use == LINK_DNS)
		dns_link_data(l, p, n);
	else if (l->use == LINK_UDP)
		udp_link_data(l, p, n, src);
}

static size_t on_rx_space(void *user, unsigned link)
{
	struct link *l = &((struct unit *)user)->links[link];

	return l->use == LINK_TCP ? tcp_link_space(l) : UDP_READ_MAX;
}

static void on_closed(void *user, unsigned link, enum modem_close_reason reason)
{
	struct link *l = &((struct unit *)user)->links[link];

	log_debug("modem%u link %u: closed: %s", l->unit->index, link,
		modem_close_reason_name(reason));
	link_event(l, "closed", modem_close_reason_name(reason));
	/* Datagrams have no peer that closes: the module took the number away. */
	if (l->use == LINK_UDP && reason == MODEM_CLOSE_REMOTE)
		l->refused = l->unit->gw->now;
	if (l->use == LINK_TCP)
		tcp_link_closed(l, reason);
	else if (l->use == LINK_DNS)
		dns_link_closed(l);
	else
		udp_link_closed(l);
	sched_remove(l);
	l->open = false;
	l->ended = l->unit->gw->now;
}

static void on_accepted(void *user, unsigned link, unsigned server, const struct endpoint *remote)
{
	struct link *l = &((struct unit *)user)->links[link];

	if (l->use == LINK_UDP)
		udp_link_taken(l);
	forward_accepted(l, server, remote);
	link_event(l, "accepted", NULL);
}

static void on_listening(void *user, unsigned server, int result)
{
	forward_listening(user, server, result);
}

static void on_link_free(void *user, unsigned link)
{
	struct link *l = &((struct unit *)user)->links[link];

	/* One that waits to be opened again keeps its use. */
	if (l->retry == 0)
		link_release(l);
	link_event(l, "free", NULL);
}

static void on_acked(void *user, unsigned link, bool known, uint64_t sent, uint64_t acked)
{
	struct link *l = &((struct unit *)user)->links[link];

	if (l->use == LINK_TCP)
		tcp_link_acked(l, known, sent, acked);
}

static void on_resolved(void *user, const char *name, int result, const struct addr *addr)
{
	dns_modem_resolved(user, name, result, addr);
}

static void on_pinged(void *user, enum modem_ping_result result, usec_t rtt)
{
	ping_result(user, result, rtt);
}

static void on_mode_changed(void *user, enum modem_receive mode)
{
	struct unit *u = user;

	log_info("modem%u: receive mode is now %s", u->index, modem_receive_name(mode));
	udp_mode_changed(u, mode);
	if (event_wanted(u->gw, EVENT_RECEIVE))
		u->gw->ops->event(u->gw->user, &(struct gateway_event){
			.kind = EVENT_RECEIVE, .what = modem_receive_name(mode), .unit = u});
}

static void on_at_done(void *user, const struct modem_at_answer *a)
{
	struct unit *u = user;

	u->gw->ops->at_done(u->gw->user, u, a);
}

static size_t on_unsent(void *user)
{
	struct unit *u = user;

	return u->gw->ops->unsent ? u->gw->ops->unsent(u->gw->user, u) : 0;
}

static void on_dtr(void *user, bool on)
{
	struct unit *u = user;

	u->gw->ops->dtr(u->gw->user, u, on);
}

static const char *on_pin_try(void *user, const char *iccid, int tries)
{
	struct gateway *gw = ((struct unit *)user)->gw;

	return gw->ops->pin_try(gw->user, gw->secrets.pin, iccid, tries);
}

static void on_pin_accepted(void *user, const char *iccid)
{
	struct gateway *gw = ((struct unit *)user)->gw;

	gw->ops->pin_accepted(gw->user, iccid);
}

static void on_power_cycle(void *user)
{
	struct unit *u = user;

	u->gw->ops->power_cycle(u->gw->user, u);
}

static void on_tap(void *user, const struct modem_tap *t)
{
	struct unit *u = user;

	u->gw->ops->tap(u->gw->user, u, t);
}

static void on_stopped(void *user)
{
	struct unit *u = user;

	u->gw->ops->stopped(u->gw->user);
}

static const struct modem_ops modem_callbacks = {
	.bearer = on_bearer,
	.opened = on_opened,
	.next_send = on_next_send,
	.sent = on_sent,
	.data = on_data,
	.rx_space = on_rx_space,
	.closed = on_closed,
	.accepted = on_accepted,
	.listening = on_listening,
	.link_free = on_link_free,
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
	.tap = on_tap,
	.stopped = on_stopped,
};

/* ---- stack callbacks ---- */

static void on_output(void *user, const struct iovec *iov, int n)
{
	struct gateway *gw = user;

	gw->ops->output(gw->user, iov, n);
}

static void on_tcp_syn(void *user, struct stack_tcp *tcp, const struct endpoint *local,
	const struct endpoint *remote, uint8_t dscp)
{
	tcp_syn(user, tcp, local, remote, dscp);
}

static void on_tcp_event(void *user, struct stack_tcp *tcp, unsigned events)
{
	tcp_event(user, tcp, events);
}

static void on_udp(void *user, const struct stack_datagram *d)
{
	udp_datagram(user, d);
}

static void on_echo(void *user, const struct stack_echo *e)
{
	ping_request(user, e);
}

static const struct stack_ops stack_callbacks = {
	.output = on_output,
	.tcp_syn = on_tcp_syn,
	.tcp_event = on_tcp_event,
	.udp = on_udp,
	.echo = on_echo,
};

/* ---- life cycle ---- */

static struct modem_login unit_login(const struct gateway *gw)
{
	static const enum modem_auth auths[] = {
		[CONFIG_AUTH_NONE] = MODEM_AUTH_NONE,
		[CONFIG_AUTH_PAP] = MODEM_AUTH_PAP,
		[CONFIG_AUTH_CHAP] = MODEM_AUTH_CHAP,
	};
	static const enum modem_login_order orders[] = {
		[CONFIG_ORDER_AUTO] = MODEM_LOGIN_BY_MODEL,
		[CONFIG_ORDER_USER] = MODEM_LOGIN_USER_FIRST,
		[CONFIG_ORDER_PASSWORD] = MODEM_LOGIN_PASSWORD_FIRST,
	};
	const struct config *c = gw->config;

	return (struct modem_login){
		.auth = auths[c->modem.auth],
		.order = orders[c->modem.auth_order],
		.user = c->modem.user,
		.password = gw->secrets.password,
	};
}

static enum modem_receive receive_mode(const struct config *c)
{
	static const enum modem_receive modes[] = {
		[CONFIG_RECEIVE_AUTO] = MODEM_RECEIVE_AUTO,
		[CONFIG_RECEIVE_PUSH] = MODEM_RECEIVE_PUSH,
		[CONFIG_RECEIVE_BUFFER] = MODEM_RECEIVE_BUFFER,
		[CONFIG_RECEIVE_TRANSPARENT] = MODEM_RECEIVE_TRANSPARENT,
	};

	return modes[c->modem.receive];
}

/* True when they are others than before. */
static bool configure_dns(struct unit *u)
{
	const struct config *c = u->gw->config;
	bool changed = false;

	for (unsigned i = 0; i < MODEM_DNS_SET_MAX; i++) {
		struct addr a = {0};

		if (i < c->modem.dns.n) /* config/ has checked it */
			addr_parse(&a, c->modem.dns.item[i], strlen(c->modem.dns.item[i]));
		changed = changed || !addr_equal(&a, &u->modem_config.dns[i]);
		u->modem_config.dns[i] = a;
	}
	return changed;
}

static int unit_init(struct gateway *gw, struct unit *u, unsigned index)
{
	const struct config *c = gw->config;
	static const char *const names[] = {"modem0"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == UNITS_MAX, "a name for each unit");
	u->gw = gw;
	u->index = index;
	u->modem_config = (struct modem_config){
		.name = names[index],
		.apn = c->modem.apn,
		.login = unit_login(gw),
		.pin = gw->secrets.pin[0] ? gw->secrets.pin : NULL,
		.ip = (int)c->modem.ip,
		.receive = receive_mode(c),
		.return_when_empty = c->modem.buffer_return == CONFIG_RETURN_EMPTY,
		.hex = c->modem.hex,
		.dtr = c->transparent.escape == CONFIG_ESCAPE_DTR,
		.baud = c->modem.baud,
		.rtscts = c->modem.flow_control == CONFIG_FLOW_RTSCTS,
		.connect_timeout = c->tcp.connect_timeout,
		.keepalive = c->modem.keepalive,
		.init = gw->init_commands,
		.n_init = c->modem.init.n,
		.has_power_command = c->modem.power_command[0] != '\0',
	};
	configure_dns(u);
	sched_init(u);
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		struct link *l = &u->links[i];

		l->unit = u;
		l->number = i;
		list_init(&l->urgent);
		list_init(&l->datagrams);
		list_init(&l->ready);
	}
	u->modem = modem_new(&u->modem_config, &modem_callbacks, u);
	return u->modem ? 0 : -ENOMEM;
}

static int pools_init(struct gateway *gw)
{
	list_init(&gw->flows);
	list_init(&gw->waiting);
	list_init(&gw->free_flows);
	list_init(&gw->free_datagrams);
	for (unsigned i = 0; i < CONFIG_LIST_MAX; i++)
		gw->init_commands[i] = gw->config->modem.init.item[i];

	return buffer_init(gw);
}

int gateway_new(struct gateway **out, const struct config *config,
	const struct gateway_secrets *secrets, const struct gateway_ops *ops, void *user, usec_t now)
{
	struct gateway *gw = calloc(1, sizeof(*gw));
	struct stack_config sc = {
		.mtu = config->interface.mtu,
		/* Ours (30 s waiting, connect_timeout opening) come first and say why. */
		.held_max_age = SEC(35) + CONNECT_TIMEOUT_MAX,
	};
	int rc = -ENOMEM;

	if (!gw)
		return -ENOMEM;
	gw->ops = ops;
	gw->user = user;
	gw->config = config;
	gw->now = gw->started = now;
	if (secrets)
		gw->secrets = *secrets;
	ops->random(user, sc.isn_secret, sizeof(sc.isn_secret));
	rc = pools_init(gw);
	if (rc == 0)
		rc = stack_new(&gw->stack, &sc, &stack_callbacks, gw, now);
	for (unsigned i = 0; i < UNITS_MAX && rc == 0; i++) {
		rc = unit_init(gw, &gw->units[i], i);
		gw->n_units += rc == 0;
	}
	if (rc < 0) {
		gateway_free(gw);
		return rc;
	}
	forward_configure(gw);
	*out = gw;
	return 0;
}

void gateway_free(struct gateway *gw)
{
	if (!gw)
		return;
	for (unsigned i = 0; i < gw->n_units; i++)
		modem_free(gw->units[i].modem);
	if (gw->stack)
		stack_free(gw->stack);
	chunk_pool_destroy(&gw->pool);
	explicit_bzero(&gw->secrets, sizeof(gw->secrets));
	free(gw);
}

void gateway_packet(struct gateway *gw, usec_t now, const uint8_t *p, size_t n)
{
	gw->now = now;
	stack_input(gw->stack, now, p, n);
}

void gateway_input(struct unit *u, usec_t now, const void *p, size_t n)
{
	u->gw->now = now;
	modem_input(u->modem, now, p, n);
}

void gateway_attach(struct unit *u, usec_t now)
{
	u->gw->now = now;
	modem_attach(u->modem, now);
}

void gateway_detach(struct unit *u, usec_t now)
{
	u->gw->now = now;
	modem_detach(u->modem, now);
}

void gateway_power_done(struct unit *u, usec_t now, int status)
{
	u->gw->now = now;
	modem_power_done(u->modem, now, status);
}

int gateway_at(struct unit *u, usec_t now, const char *command, usec_t timeout)
{
	u->gw->now = now;
	modem_run(u->modem, now); /* its clock */
	return modem_at(u->modem, command, timeout);
}

static void unit_reconfigured(struct unit *u)
{
	const struct config *c = u->gw->config;
	struct modem_config *mc = &u->modem_config;
	unsigned own = configured_dns(u);

	mc->return_when_empty = c->modem.buffer_return == CONFIG_RETURN_EMPTY;
	mc->has_power_command = c->modem.power_command[0] != '\0';
	if (mc->connect_timeout != c->tcp.connect_timeout) {
		mc->connect_timeout = c->tcp.connect_timeout;
		modem_set_connect_timeout(u->modem);
	}
	if (configure_dns(u)) {
		if (u->up)
			learn_dns(u, u->dns + own, u->n_dns - own);
		modem_set_dns(u->modem);
	}
}

void gateway_reconfigured(struct gateway *gw, usec_t now)
{
	gw->now = now;
	gw->admit_again = true;
	stack_set_mtu(gw->stack, gw->config->interface.mtu);
	for (unsigned i = 0; i < gw->n_units; i++)
		unit_reconfigured(&gw->units[i]);
	flow_rearm(gw);
	forward_configure(gw);
}

/* The link of the names must not be the one that keeps everybody from push mode. */
static void leave_buffer(struct gateway *gw, const struct unit *u)
{
	if (modem_leaves_buffer(u->modem) && unit_links_in_use(u, LINK_TCP) == 0)
		dns_tcp_yield(gw);
}

void gateway_run(struct gateway *gw, usec_t now)
{
	gw->now = now;
	stack_run(gw->stack, now);
	flow_timers(gw);
	dns_timers(gw);
	udp_timers(gw);
	admit_run(gw);
	for (unsigned i = 0; i < gw->n_units; i++) {
		leave_buffer(gw, &gw->units[i]);
		modem_run(gw->units[i].modem, now);
	}
}

usec_t gateway_deadline(const struct gateway *gw)
{
	usec_t at = stack_deadline(gw->stack);

	at = usec_min(at, flow_deadline(gw));
	at = usec_min(at, admit_deadline(gw));
	at = usec_min(at, udp_deadline(gw));
	at = usec_min(at, dns_deadline(gw));
	for (unsigned i = 0; i < gw->n_units; i++)
		at = usec_min(at, modem_deadline(gw->units[i].modem));
	return at;
}

void gateway_shutdown(struct gateway *gw, usec_t now)
{
	struct list *pos, *tmp;

	gw->now = now;
	gw->stopping = true;
	list_for_each_safe (pos, tmp, &gw->waiting)
		flow_refuse(gw, list_entry(pos, struct flow, node), STACK_ANSWER_NET_UNREACH);
	flow_reset_all(gw);
	for (unsigned i = 0; i < gw->n_units; i++)
		modem_shutdown(gw->units[i].modem, now);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world *world;

/* ---- stack/stack.h ---- */

struct stack {
	int unused;
};

struct modem {
	int unused;
};

int stack_new(struct stack **out, const struct stack_config *config, const struct stack_ops *ops,
	void *user, usec_t now)
{
	(void)config, (void)now;
	*out = calloc(1, sizeof(**out));
	world->stack = ops;
	world->stack_user = user;
	return 0;
}

void stack_free(struct stack *s)
{
	free(s);
}

void stack_input(struct stack *s, usec_t now, const uint8_t *p, size_t n)
{
	(void)s, (void)now, (void)p, (void)n;
}

void stack_run(struct stack *s, usec_t now)
{
	(void)s, (void)now;
}

usec_t stack_deadline(const struct stack *s)
{
	(void)s;
	return USEC_NEVER;
}

void stack_tcp_set_user(struct stack_tcp *tcp, void *user)
{
	tcp->user = user;
}

void *stack_tcp_user(const struct stack_tcp *tcp)
{
	assert_true(tcp->alive);
	return tcp->user;
}

int stack_tcp_accept(struct stack_tcp *tcp)
{
	assert_true(tcp->alive);
	tcp->accepted = true;
	return 0;
}

int stack_tcp_connect(struct stack *s, const struct endpoint *local, const struct endpoint *remote,
	struct stack_tcp **out)
{
	struct stack_tcp *t = &world->hosts[world->n_hosts];

	(void)s;
	if (world->connect_result < 0)
		return world->connect_result;
	assert_true(world->n_hosts++ < HOSTS_MAX);
	t->alive = t->accepted = true;
	t->local = *local;
	t->remote = *remote;
	t->tx_space = sizeof(t->tx);
	*out = t;
	return 0;
}

void stack_tcp_refuse(struct stack_tcp *tcp, enum stack_answer answer)
{
	assert_true(tcp->alive && !tcp->accepted);
	tcp->refused = true;
	tcp->answer = answer;
	tcp->alive = false;
}

unsigned stack_tcp_syn_count(const struct stack_tcp *tcp)
{
	(void)tcp;
	return 1;
}

usec_t stack_tcp_last_syn(const struct stack_tcp *tcp)
{
	return tcp->last_syn;
}

size_t stack_tcp_queued(const struct stack_tcp *tcp)
{
	assert_true(tcp->alive);
	return tcp->rx_len;
}

size_t stack_tcp_read(const struct stack_tcp *tcp, size_t offset, void *buf, size_t n)
{
	assert_true(tcp->alive);
	if (offset >= tcp->rx_len)
		return 0;
	if (n > tcp->rx_len - offset)
		n = tcp->rx_len - offset;
	memcpy(buf, tcp->rx + offset, n);
	return n;
}

void stack_tcp_confirm(struct stack_tcp *tcp, size_t n)
{
	assert_true(tcp->alive && n <= tcp->rx_len);
	tcp->rx_len -= n;
	memmove(tcp->rx, tcp->rx + n, tcp->rx_len);
	tcp->confirmed += n;
}

size_t stack_tcp_write(struct stack_tcp *tcp, const void *p, size_t n)
{
	assert_true(tcp->alive && tcp->accepted && !tcp->shut_down);
	if (n > tcp->tx_space)
		n = tcp->tx_space;
	memcpy(tcp->tx + tcp->tx_len, p, n);
	tcp->tx_len += n;
	tcp->tx_space -= n;
	return n;
}

size_t stack_tcp_write_space(const struct stack_tcp *tcp)
{
	return tcp->tx_space;
}

size_t stack_tcp_unacked(const struct stack_tcp *tcp)
{
	return tcp->unacked;
}

void stack_tcp_shutdown(struct stack_tcp *tcp)
{
	assert_true(tcp->alive);
	tcp->shut_down = true;
}

void stack_tcp_abort(struct stack_tcp *tcp)
{
	assert_true(tcp->alive);
	tcp->aborted = true;
	tcp->alive = false;
}

void stack_tcp_abort_when_acked(struct stack_tcp *tcp)
{
	assert_true(tcp->alive);
	tcp->abort_when_acked = true;
	tcp->alive = false;
}

void stack_tcp_detach(struct stack_tcp *tcp)
{
	assert_true(tcp->alive && tcp->shut_down);
	tcp->detached = true;
	tcp->alive = false;
}

int stack_udp_send(struct stack *s, const struct endpoint *remote, const struct endpoint *local,
	const void *p, size_t n)
{
	(void)s;
	assert_true(world->n_datagrams < 128);
	world->datagrams[world->n_datagrams].remote = *remote;
	world->datagrams[world->n_datagrams].local = *local;
	world->datagrams[world->n_datagrams].n = n;
	memcpy(world->datagrams[world->n_datagrams++].p, p, n);
	return 0;
}

void stack_udp_refuse(struct stack *s, const struct stack_datagram *d, enum stack_answer answer)
{
	(void)s, (void)d;
	world->n_udp_refused++;
	world->udp_answer = answer;
}

void stack_set_mtu(struct stack *s, unsigned mtu)
{
	(void)s;
	world->mtu = mtu;
}

void stack_udp_too_big(struct stack *s, const struct stack_datagram *d, unsigned mtu)
{
	(void)s, (void)d;
	world->n_too_big++;
	world->too_big_mtu = mtu;
}

static void note_echo(const struct stack_echo *e, bool refused, enum stack_answer answer)
{
	unsigned i = world->n_echoes++;

	assert_true(i < 64);
	world->echoes[i].local = (struct endpoint){e->local, e->id};
	world->echoes[i].remote = (struct endpoint){e->remote, e->seq};
	world->echoes[i].n = e->n;
	world->echoes[i].first = e->n ? e->p[0] : 0;
	world->echoes[i].refused = refused;
	world->echoes[i].answer = answer;
}

void stack_echo_reply(struct stack *s, const struct stack_echo *e)
{
	(void)s;
	note_echo(e, false, STACK_ANSWER_RST);
}

void stack_echo_refuse(struct stack *s, const struct stack_echo *e, enum stack_answer answer)
{
	(void)s;
	note_echo(e, true, answer);
}

/* ---- modem/modem.h ---- */

struct modem *modem_new(const struct modem_config *config, const struct modem_ops *ops, void *user)
{
	(void)config;
	world->modem = ops;
	world->modem_user = user;
	return calloc(1, sizeof(struct modem));
}

void modem_free(struct modem *m)
{
	free(m);
}

void modem_run(struct modem *m, usec_t now)
{
	(void)m, (void)now;
	for (unsigned i = 0; i < MODEM_LINKS; i++) {
		struct fake_link *l = &world->links[i];

		if (!l->report_close)
			continue;
		l->report_close = false;
		if (l->room)
			world->modem->closed(world->modem_user, i, MODEM_CLOSE_LOCAL);
		else
			world->modem->opened(world->modem_user, i, MODEM_OPEN_CANCELLED);
	}
}

/* The test speaks for the module (module_*()); what counts here is that the clock was set. */
void modem_input(struct modem *m, usec_t now, const void *p, size_t n)
{
	(void)m, (void)now, (void)p, (void)n;
}

void modem_attach(struct modem *m, usec_t now)
{
	(void)m, (void)now;
}

void modem_detach(struct modem *m, usec_t now)
{
	(void)m, (void)now;
}

void modem_power_done(struct modem *m, usec_t now, int status)
{
	(void)m, (void)now, (void)status;
}

usec_t modem_deadline(const struct modem *m)
{
	(void)m;
	return USEC_NEVER;
}

static int open_any(unsigned link, enum modem_link_type type, const struct endpoint *remote)
{
	struct fake_link *l = &world->links[link];

	assert_true(l->state == MODEM_LINK_FREE);
	*l = (struct fake_link){.state = MODEM_LINK_OPENING, .type = type};
	if (remote)
		l->remote = *remote;
	world->opens++;
	return 0;
}

int modem_open_tcp(struct modem *m, unsigned link, const struct endpoint *remote)
{
	(void)m;
	return open_any(link, MODEM_LINK_TCP, remote);
}

int modem_open_udp(struct modem *m, unsigned link, uint16_t local_port)
{
	(void)m;
	assert_true(local_port >= 49152);
	return open_any(link, MODEM_LINK_UDP, NULL);
}

int modem_open_udp_to(struct modem *m, unsigned link, uint16_t local_port,
	const struct endpoint *remote)
{
	(void)m;
	assert_true(local_port >= 49152);
	return open_any(link, MODEM_LINK_UDP, remote);
}

unsigned modem_links(const struct modem *m)
{
	(void)m;
	return world->receive == MODEM_RECEIVE_TRANSPARENT ? 1 : MODEM_LINKS;
}

/* As the real one: the report comes from the next modem_run(). room marks one that was open. */
void modem_close(struct modem *m, unsigned link)
{
	struct fake_link *l = &world->links[link];

	(void)m;
	if (l->state != MODEM_LINK_OPEN && l->state != MODEM_LINK_OPENING)
		return;
	l->closes++;
	l->room = l->state == MODEM_LINK_OPEN;
	l->state = MODEM_LINK_CLOSING;
	l->report_close = true;
}

enum modem_link_state modem_link_state(const struct modem *m, unsigned link)
{
	(void)m;
	return world->links[link].state;
}

void modem_set_connect_timeout(struct modem *m)
{
	(void)m;
	world->connect_timeouts_set++;
}

void modem_set_dns(struct modem *m)
{
	(void)m;
	world->dns_set++;
}

void modem_kick(struct modem *m)
{
	(void)m;
}

void modem_rx_resume(struct modem *m, unsigned link)
{
	(void)m;
	world->links[link].resumes++;
}

size_t modem_send_room(const struct modem *m, unsigned link)
{
	(void)m;
	return world->links[link].room;
}

int modem_listen(struct modem *m, unsigned server, uint16_t port)
{
	(void)m;
	assert_true(port && server < MODEM_SERVERS);
	world->ports[server] = port;
	return 0;
}

void modem_unlisten(struct modem *m, unsigned server)
{
	(void)m;
	world->ports[server] = 0;
}

int modem_query_ack(struct modem *m, unsigned link)
{
	(void)m;
	world->links[link].queries++;
	return 0;
}

int modem_resolve(struct modem *m, const char *name)
{
	(void)m;
	for (unsigned i = 0; i < world->n_names; i++)
		if (strcasecmp(world->names[i], name) == 0)
			return 0;
	if (world->n_names == MODEM_RESOLVE_MAX)
		return -ENOBUFS;
	snprintf(world->names[world->n_names++], sizeof(world->names[0]), "%s", name);
	return 0;
}

int modem_ping(struct modem *m, const struct addr *to, size_t size, unsigned ttl)
{
	(void)m;
	assert_false(world->ping.busy);
	if (world->ping_error)
		return world->ping_error;
	world->ping.busy = true;
	world->ping.to = *to;
	world->ping.size = size;
	world->ping.ttl = ttl;
	world->pings++;
	return 0;
}

void modem_shutdown(struct modem *m, usec_t now)
{
	(void)m, (void)now;
}

bool modem_want_buffer(struct modem *m)
{
	(void)m;
	world->buffer_wanted++;
	return world->adaptive;
}

bool modem_leaves_buffer(const struct modem *m)
{
	(void)m;
	return world->adaptive && world->receive == MODEM_RECEIVE_BUFFER;
}

const char *modem_receive_name(enum modem_receive r)
{
	(void)r;
	return "mode";
}

enum modem_receive modem_receive_mode(const struct modem *m)
{
	(void)m;
	return world->receive;
}

const char *modem_state_name(enum modem_state s)
{
	(void)s;
	return "state";
}

const char *modem_open_result_name(int result)
{
	(void)result;
	return "result";
}

const char *modem_ping_result_name(enum modem_ping_result r)
{
	(void)r;
	return "result";
}

const char *modem_close_reason_name(enum modem_close_reason r)
{
	(void)r;
	return "reason";
}

/* ---- gateway_ops ---- */

static void on_output(void *user, const struct iovec *iov, int n)
{
	(void)user, (void)iov, (void)n;
}

static int on_owner(void *user, bool tcp, const struct endpoint *local,
	const struct endpoint *remote, struct tun_owner *out)
{
	(void)user, (void)tcp, (void)local, (void)remote;
	world->owner_lookups++;
	*out = world->owner;
	return world->owner_result;
}

static void on_bearer(void *user, struct unit *u, const struct modem_bearer *b)
{
	(void)user, (void)u, (void)b;
}

static void on_power_cycle(void *user, struct unit *u)
{
	(void)user, (void)u;
}

static void on_stopped(void *user)
{
	(void)user;
}

/* xorshift32: the same sequence in every run. */
static void on_random(void *user, void *buf, size_t n)
{
	uint8_t *p = buf;

	(void)user;
	while (n--) {
		world->random ^= world->random << 13;
		world->random ^= world->random >> 17;
		world->random ^= world->random << 5;
		*p++ = (uint8_t)world->random;
	}
}

static const char *on_pin_try(void *user, const char *pin, const char *iccid, int tries)
{
	(void)user, (void)pin, (void)iccid, (void)tries;
	return NULL;
}

static void on_pin_accepted(void *user, const char *iccid)
{
	(void)user, (void)iccid;
}

static void on_event(void *user, const struct gateway_event *e)
{
	(void)user;
	world->on_event(e);
}

static const struct gateway_ops callbacks = {
	.pin_try = on_pin_try, .pin_accepted = on_pin_accepted,
	.output = on_output, .owner = on_owner, .bearer = on_bearer,
	.power_cycle = on_power_cycle, .stopped = on_stopped, .random = on_random,
	.event = on_event,
};

/* ---- what tests say ---- */

struct endpoint ep(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(&e, text, strlen(text)), 0);
	return e;
}

void bearer(bool up)
{
	struct modem_bearer b = {
		.state = up ? MODEM_STATE_UP : MODEM_STATE_REGISTER,
		.reason = "",
	};

	if (up)
		b.address = ep("10.148.0.17:0").addr;
	world->modem->bearer(world->modem_user, &b);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	world = w;
	w->hosts = calloc(HOSTS_MAX, sizeof(*w->hosts));
	w->now = SEC(1000);
	w->random = 2463534242u;
	w->owner_result = -ENOENT;
	config_defaults(&w->config);
	assert_int_equal(gateway_new(&w->gw, &w->config, NULL, &callbacks, w, w->now), 0);
	bearer(true);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	gateway_free(w->gw);
	free(w->hosts);
	free(w);
	return 0;
}

/* As the loop does at the end of a batch. */
void run(void)
{
	unsigned rounds = 0;

	do
		gateway_run(world->gw, world->now);
	while (gateway_deadline(world->gw) <= world->now && ++rounds < 16);
	assert_true(rounds < 16); /* work that makes work for ever */
}

/* The same for a packet of the host. */
static void host_speaks(void)
{
	gateway_packet(world->gw, world->now, NULL, 0);
}

/* The module is about to speak: bytes of the tty arrive at this moment. */
static void module_speaks(void)
{
	gateway_input(&world->gw->units[0], world->now, NULL, 0);
}

void advance(usec_t t)
{
	usec_t end = world->now + t;

	/* As the loop would: wake at each deadline. */
	for (;;) {
		usec_t at = gateway_deadline(world->gw);

		if (at > end)
			break;
		if (at > world->now)
			world->now = at;
		run();
	}
	world->now = end;
}

struct stack_tcp *host_syn(const char *local, const char *remote)
{
	struct stack_tcp *t = &world->hosts[world->n_hosts++];
	struct endpoint l = ep(local), r = ep(remote);

	assert_true(world->n_hosts <= HOSTS_MAX);
	host_speaks();
	t->alive = true;
	t->last_syn = world->now;
	t->tx_space = sizeof(t->tx);
	world->stack->tcp_syn(world->stack_user, t, &l, &r, 0);
	run();
	return t;
}

void host_event(struct stack_tcp *t, unsigned events)
{
	host_speaks();
	world->stack->tcp_event(world->stack_user, t, events);
	if (events & STACK_TCP_GONE)
		t->alive = false;
	run();
}

void host_sends(struct stack_tcp *t, const void *p, size_t n)
{
	assert_true(t->rx_len + n <= sizeof(t->rx));
	memcpy(t->rx + t->rx_len, p, n);
	t->rx_len += n;
	host_event(t, STACK_TCP_READABLE);
}

int link_to(const char *remote)
{
	struct endpoint e = ep(remote);

	for (int i = MODEM_LINKS - 1; i >= 0; i--) {
		const struct fake_link *l = &world->links[i];

		if ((l->state == MODEM_LINK_OPENING || l->state == MODEM_LINK_OPEN) &&
			l->type == MODEM_LINK_TCP && endpoint_equal(&l->remote, &e))
			return i;
	}
	return -1;
}

void module_opens(int link, int result)
{
	struct fake_link *l = &world->links[link];

	module_speaks();
	l->state = result == MODEM_OPEN_OK ? MODEM_LINK_OPEN : MODEM_LINK_FREE;
	l->room = MODEM_TCP_CHUNK_MAX;
	world->modem->opened(world->modem_user, (unsigned)link, result);
	if (result != MODEM_OPEN_OK)
		world->modem->link_free(world->modem_user, (unsigned)link);
	run();
}

void module_data(int link, const void *p, size_t n, const char *from)
{
	struct endpoint src;

	module_speaks();
	if (from)
		src = ep(from);
	world->modem->data(world->modem_user, (unsigned)link, p, n, from ? &src : NULL);
	run();
}

void module_closes(int link, enum modem_close_reason reason)
{
	world->links[link].state = MODEM_LINK_FREE;
	world->modem->closed(world->modem_user, (unsigned)link, reason);
	world->modem->link_free(world->modem_user, (unsigned)link);
	run();
}

void module_frees(int link)
{
	module_speaks();
	assert_true(world->links[link].state == MODEM_LINK_CLOSING);
	world->links[link].state = MODEM_LINK_FREE;
	world->modem->link_free(world->modem_user, (unsigned)link);
	run();
}

void module_accepts(int link, unsigned server, const char *remote)
{
	struct endpoint e = ep(remote);

	module_speaks();
	world->links[link] = (struct fake_link){.state = MODEM_LINK_OPEN, .type = MODEM_LINK_TCP,
		.remote = e, .room = MODEM_TCP_CHUNK_MAX};
	world->modem->accepted(world->modem_user, (unsigned)link, server, &e);
	run();
}

size_t module_takes(struct modem_send *send, uint8_t *buf)
{
	*send = (struct modem_send){0};
	return world->modem->next_send(world->modem_user, buf, send) ? send->len : 0;
}

void module_confirms(const struct modem_send *send, size_t n)
{
	world->modem->sent(world->modem_user, send->link, send->len, n);
	run();
}

void module_acks(int link, uint64_t sent, uint64_t acked)
{
	module_speaks();
	world->modem->acked(world->modem_user, (unsigned)link, true, sent, acked);
	run();
}

void module_acks_not(int link)
{
	module_speaks();
	world->modem->acked(world->modem_user, (unsigned)link, false, 0, 0);
	run();
}

void module_resolves(int result, const char *address)
{
	char name[MODEM_NAME_MAX + 1];
	struct addr a = {0};

	assert_true(world->n_names > 0);
	snprintf(name, sizeof(name), "%s", world->names[0]);
	memmove(world->names[0], world->names[1], --world->n_names * sizeof(world->names[0]));
	if (address)
		assert_int_equal(addr_parse(&a, address, strlen(address)), 0);
	module_speaks();
	world->modem->resolved(world->modem_user, name, result, &a);
	run();
}

struct stack_tcp *connected(const char *local, const char *remote, int *link)
{
	struct stack_tcp *t = host_syn(local, remote);

	*link = link_to(remote);
	module_opens(*link, MODEM_OPEN_OK);
	assert_true(t->accepted);
	host_event(t, STACK_TCP_ESTABLISHED);
	return t;
}

bool host_sends_datagram(const char *local, const char *remote, const void *p, size_t n)
{
	struct stack_datagram d = {
		.local = ep(local), .remote = ep(remote), .p = p, .n = n, .df = true,
	};
	unsigned refused = world->n_udp_refused;

	host_speaks();
	world->stack->udp(world->stack_user, &d);
	run();
	return world->n_udp_refused == refused;
}

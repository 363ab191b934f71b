/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Resolvers of the host use a new source port for every query, so that each would want a mapping (and
 * soon a link) of its own. Instead all queries to one server share one mapping or one TCP link: a query
 * gets a random id of ours; an answer must come from the server, carry an id we sent and repeat the
 * question (RFC 5452 section 9.1), and gets the host's id back. Everything else stays as it is.
 *
 * The way of a query (dns.mode):
 *
 *   udp    a datagram on a shared link. In buffer mode the module joins datagrams and says no source;
 *          answers are told apart by their own structure, and a lost byte costs some.
 *   tcp    one TCP link, RFC 7766; a server that does not take it is asked by UDP for a while.
 *   modem  the module's own resolver; whoever is asked, this one answers.
 *   auto   udp in push mode, where it is the fastest; tcp in buffer mode, but for the end of one that
 *          was entered for a slow reader; and tcp when UDP may have no link.
 *
 * In transparent mode there is no link for names, so it is modem in any case, and only while no flow has
 * the line: a query waits for that for five seconds, then it has failed (decision 15).
 *
 * A query whose way ends before its answer came (a link closed, the receive mode changed) takes the way
 * that is right then. A query to a server of the other address family than the bearer's goes to a known
 * server of the bearer's (decision 23): there is no other way to it.
 */
#include "gateway.h"

#include <errno.h>
#include <string.h>

#define STREAM_PATIENCE MSEC(500) /* between the parts of one datagram */
#define REFUSED_TIME SEC(60)	  /* then TCP is tried again */
#define LINE_PATIENCE SEC(5)
#define REPLY_TTL 60		  /* seconds; CDNSGIP says none, and the address of a name may change */

/* ---- the table ---- */

static struct query *find_id(struct gateway *gw, const struct endpoint *server, uint16_t id)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (q->used && q->id == id && endpoint_equal(&q->server, server))
			return q;
	}
	return NULL;
}

static bool same_question(const struct query *q, const uint8_t *p, size_t n)
{
	return dns_question_length(p, n) == q->question_len &&
		memcmp(p + DNS_HEADER, q->message + DNS_HEADER, q->question_len) == 0;
}

/* A query that the host repeats keeps its entry and its id. */
static struct query *find_repeat(struct gateway *gw, const struct stack_datagram *d)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (q->used && q->host_id == dns_get16(d->p) &&
			endpoint_equal(&q->local, &d->local) &&
			endpoint_equal(&q->asked, &d->remote) && same_question(q, d->p, d->n))
			return q;
	}
	return NULL;
}

/* A free entry, or the oldest: queries to a dead resolver must not stop the others. */
static struct query *query_slot(struct gateway *gw)
{
	struct query *oldest = &gw->dns.queries[0];

	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (!q->used)
			return q;
		if (q->at < oldest->at)
			oldest = q;
	}
	gw->count.dns_overflow++;
	return oldest;
}

static struct query *query_new(struct gateway *gw, const struct stack_datagram *d,
	const struct endpoint *server)
{
	struct query *q = query_slot(gw);
	uint16_t id;

	q->used = false;
	do {
		gw->ops->random(gw->user, &id, sizeof(id));
	} while (find_id(gw, server, id));
	q->used = true;
	q->id = id;
	q->host_id = dns_get16(d->p);
	q->sent = false;
	q->sends = 0;
	q->link = NULL;
	q->local = d->local;
	q->asked = d->remote;
	q->server = *server;
	q->len = (uint16_t)d->n;
	q->question_len = (uint16_t)dns_question_length(d->p, d->n);
	memcpy(q->message, d->p, d->n < sizeof(q->message) ? d->n : sizeof(q->message));
	return q;
}

struct query *dns_waiting(struct gateway *gw, enum dns_way way, const struct endpoint *server)
{
	struct query *oldest = NULL;

	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (q->used && q->way == way && !q->sent && (!oldest || q->at < oldest->at) &&
			(!server || endpoint_equal(&q->server, server)))
			oldest = q;
	}
	return oldest;
}

void dns_request_of(const struct query *q, struct dns_request *r)
{
	dns_parse_request(r, q->message, q->len < sizeof(q->message) ? q->len : sizeof(q->message));
}

void dns_finish(struct gateway *gw, struct query *q, enum dns_rcode rcode, const struct addr *a)
{
	uint8_t out[DNS_REPLY_MAX];
	struct dns_request r;

	dns_request_of(q, &r);
	gw->count.dns_failed += rcode == DNS_SERVFAIL;
	q->used = false;
	stack_udp_send(gw->stack, &q->asked, &q->local, out,
		dns_reply(out, q->message, &r, rcode, a, REPLY_TTL));
}

/* ---- which way ---- */

static bool refuses_tcp(const struct gateway *gw, const struct endpoint *server)
{
	for (unsigned i = 0; i < DNS_REFUSED_MAX; i++)
		if (gw->now < gw->dns.refused[i].until &&
			endpoint_equal(&gw->dns.refused[i].server, server))
			return true;
	return false;
}

void dns_remember_refusal(struct gateway *gw, const struct endpoint *server)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < DNS_REFUSED_MAX; i++)
		if (gw->dns.refused[i].until < gw->dns.refused[oldest].until)
			oldest = i;
	gw->dns.refused[oldest].server = *server;
	gw->dns.refused[oldest].until = gw->now + REFUSED_TIME;
}

/* Buffer mode would end now, if it were not for a TCP link of ours: not one query more for it. */
static bool leaves_buffer(const struct gateway *gw, const struct unit *u)
{
	return gw->config->links.udp > 0 && modem_leaves_buffer(u->modem) &&
		unit_links_in_use(u, LINK_TCP) == 0;
}

static enum dns_way way_to(const struct gateway *gw, const struct unit *u,
	const struct endpoint *server, size_t len)
{
	const struct config *c = gw->config;
	bool tcp = c->dns.mode == CONFIG_DNS_TCP;

	if (c->dns.mode == CONFIG_DNS_MODEM || modem_links(u->modem) == 1)
		return DNS_BY_MODEM;
	if (c->dns.mode == CONFIG_DNS_AUTO)
		tcp = c->links.udp == 0 || (modem_receive_mode(u->modem) == MODEM_RECEIVE_BUFFER &&
			!leaves_buffer(gw, u));
	return tcp && len <= DNS_QUERY_SIZE && !refuses_tcp(gw, server) ? DNS_BY_TCP :
									     DNS_BY_UDP;
}

bool dns_needs_no_link(const struct gateway *gw)
{
	return gw->config->dns.mode == CONFIG_DNS_MODEM && gw->config->links.udp == 0;
}

/* Who is asked; false: nobody can be. */
static bool server_for(const struct unit *u, const struct endpoint *asked, struct endpoint *server)
{
	*server = *asked;
	if (asked->addr.family == u->address.family)
		return true;
	for (unsigned i = 0; i < u->n_dns; i++)
		if (u->dns[i].family == u->address.family) {
			server->addr = u->dns[i];
			return true;
		}
	return false;
}

static int send_by_udp(struct gateway *gw, struct query *q, const struct stack_datagram *d)
{
	struct mapping *m = udp_mapping(gw, &d->local, &q->server, true);
	uint8_t copy[MODEM_UDP_MAX_V4];

	if (!m) {
		gw->count.udp_dropped_no_link++;
		return -ENOBUFS;
	}
	q->way = DNS_BY_UDP;
	q->link = m->link;
	memcpy(copy, d->p, d->n);
	dns_put16(copy, q->id);
	return udp_queue(gw, m, d, copy, true);
}

void dns_fall_back(struct gateway *gw, struct query *q)
{
	const struct stack_datagram d = {
		.local = q->local, .remote = q->asked, .p = q->message, .n = q->len,
	};

	q->sent = false;
	gw->count.dns_fallbacks++;
	if (send_by_udp(gw, q, &d) < 0)
		dns_finish(gw, q, DNS_SERVFAIL, NULL);
}

struct query *dns_keep(struct gateway *gw, const struct stack_datagram *d,
	const struct endpoint *server, enum dns_way way, bool *fresh)
{
	struct query *q = find_repeat(gw, d);

	*fresh = !q;
	if (!q) {
		q = query_new(gw, d, server);
		q->way = way;
	}
	q->at = gw->now;
	return q;
}

static void ask(struct gateway *gw, struct unit *u, const struct stack_datagram *d,
	const struct endpoint *server)
{
	bool fresh;
	struct query *q = dns_keep(gw, d, server, way_to(gw, u, server, d->n), &fresh);

	if (q->way != DNS_BY_UDP)
		return; /* dns_timers() sends what waits; by TCP no query is lost */
	/* The answer to the first copy of a repeated query may still come. */
	if (send_by_udp(gw, q, d) < 0 && fresh) {
		q->used = false;
		stack_udp_refuse(gw->stack, d, STACK_ANSWER_PROHIBITED);
	}
}

bool dns_query(struct gateway *gw, const struct stack_datagram *d)
{
	struct unit *u = &gw->units[0];
	struct endpoint server;

	if (d->remote.port != DNS_PORT)
		return false;
	if (way_to(gw, u, &d->remote, d->n) == DNS_BY_MODEM)
		return dns_modem_query(gw, d);
	if (!dns_is_query(d->p, d->n) || !server_for(u, &d->remote, &server))
		return false;
	gw->count.dns_queries++;
	ask(gw, u, d, &server);
	return true;
}

/* ---- answers ---- */

static void deliver_truncated(struct gateway *gw, const struct query *q,
	const struct dns_request *r, const uint8_t *answer)
{
	uint8_t out[DNS_REPLY_MAX];

	gw->count.dns_truncated++;
	stack_udp_send(gw->stack, &q->asked, &q->local, out,
		dns_reply_truncated(out, q->message, r, answer));
}

void dns_deliver(struct gateway *gw, struct link *l, const struct endpoint *server,
	const uint8_t *p, size_t n, size_t whole, bool limited)
{
	uint8_t copy[DNS_ANSWER_MAX];
	struct dns_request r;
	struct query *q;

	if (n < DNS_HEADER || n > sizeof(copy) || !dns_is_answer(p)) {
		gw->count.dns_unmatched++;
		return;
	}
	q = find_id(gw, server, dns_get16(p));
	/* A server that could not parse the query may send the header alone. */
	if (!q || q->link != l || (dns_get16(p + 4) == 0 ? n != DNS_HEADER : !same_question(q, p, n))) {
		gw->count.dns_unmatched++;
		return;
	}
	q->used = false;
	gw->count.dns_answers++;
	dns_request_of(q, &r);
	if (whole > n || (limited && whole > r.max)) {
		deliver_truncated(gw, q, &r, p);
		return;
	}
	memcpy(copy, p, n);
	dns_put16(copy, q->host_id);
	stack_udp_send(gw->stack, &q->asked, &q->local, copy, n);
}

void dns_answer(struct mapping *m, const uint8_t *p, size_t n)
{
	dns_deliver(m->link->unit->gw, m->link, &m->remote, p, n, n, false);
}

/* Buffer mode: the module joins datagrams. A DNS message tells its own length. A rest that is not
 * completed soon was cut off and must not swallow the answers behind it. */
void dns_stream(struct mapping *m, const uint8_t *p, size_t n)
{
	struct link *l = m->link;
	usec_t now = l->unit->gw->now;

	if (l->dns_stream.n > 0 && now - l->dns_stream.since > STREAM_PATIENCE)
		l->dns_stream.n = 0;
	l->dns_stream.since = now;

	while (n > 0) {
		size_t space = sizeof(l->dns_stream.p) - l->dns_stream.n;
		size_t take = n < space ? n : space;
		int len;

		memcpy(l->dns_stream.p + l->dns_stream.n, p, take);
		l->dns_stream.n += take;
		p += take;
		n -= take;
		while ((len = dns_message_length(l->dns_stream.p, l->dns_stream.n)) > 0) {
			dns_answer(m, l->dns_stream.p, (size_t)len);
			l->dns_stream.n -= (size_t)len;
			memmove(l->dns_stream.p, l->dns_stream.p + len, l->dns_stream.n);
		}
		/* No message, or one that cannot be: forget it, the host asks again. */
		if (len < 0 || l->dns_stream.n == sizeof(l->dns_stream.p)) {
			l->unit->gw->count.dns_unmatched++;
			l->dns_stream.n = 0;
		}
	}
}

/* ---- links and time ---- */

void dns_link_gone(struct link *l)
{
	struct gateway *gw = l->unit->gw;

	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (!q->used || q->link != l)
			continue;
		q->link = NULL;
		q->way = way_to(gw, l->unit, &q->server, q->len);
		q->used = l->unit->up && q->way == DNS_BY_TCP;
	}
	gw->dns.again = true;
}

void dns_link_moved(struct link *from, struct link *to)
{
	struct gateway *gw = from->unit->gw;

	for (unsigned i = 0; i < DNS_MAX; i++)
		if (gw->dns.queries[i].used && gw->dns.queries[i].link == from)
			gw->dns.queries[i].link = to;
}

void dns_bearer_lost(struct unit *u)
{
	struct gateway *gw = u->gw;

	for (unsigned i = 0; i < DNS_MAX; i++)
		if (gw->dns.queries[i].used) /* the memory of entries never used costs nothing */
			gw->dns.queries[i].used = false;
	gw->dns.tcp.retry = 0;
	gw->dns.tcp.broken = 0;
	for (unsigned i = 0; i < DNS_REFUSED_MAX; i++)
		gw->dns.refused[i].until = 0; /* another network, other ways to it */
}

bool dns_pending(const struct gateway *gw, const struct link *l, const struct endpoint *server)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		const struct query *q = &gw->dns.queries[i];

		if (q->used && q->link == l && endpoint_equal(&q->server, server))
			return true;
	}
	return false;
}

/* Nobody knows whether a datagram arrives, so there silence is the truth; of the other ways the host
 * is told that they failed. */
static void expire(struct gateway *gw, struct query *q)
{
	gw->count.dns_timeouts++;
	if (q->way == DNS_BY_TCP && q->sent)
		dns_tcp_unanswered(gw);
	if (q->way == DNS_BY_UDP)
		q->used = false;
	else
		dns_finish(gw, q, DNS_SERVFAIL, NULL);
}

static usec_t query_limit(const struct gateway *gw)
{
	usec_t limit = gw->config->udp.dns_timeout;

	return unit_line_taken(&gw->units[0]) ? usec_min(limit, LINE_PATIENCE) : limit;
}

void dns_timers(struct gateway *gw)
{
	gw->dns.again = false;
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->dns.queries[i];

		if (q->used && gw->now - q->at >= query_limit(gw))
			expire(gw, q);
	}
	dns_modem_run(gw);
	dns_tcp_run(gw);
}

usec_t dns_deadline(const struct gateway *gw)
{
	usec_t at = dns_tcp_deadline(gw);

	for (unsigned i = 0; i < DNS_MAX; i++) {
		if (!gw->dns.queries[i].used)
			continue;
		if (gw->dns.again)
			return 0;
		at = usec_min(at, gw->dns.queries[i].at + query_limit(gw));
	}
	return at;
}

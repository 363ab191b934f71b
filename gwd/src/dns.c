/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DNS queries share one mapping a resolver. Resolvers use a new source port for every query, so
 * without this each query would want a mapping (and soon a link) of its own. A query gets a random id
 * of ours; an answer must come from the resolver, carry an id we sent and repeat the question (RFC
 * 5452 section 9.1), and gets the host's id back. Everything else in the message stays as it is.
 */
#include "gateway.h"

#include <errno.h>
#include <string.h>

#define DNS_HEADER 12
#define DNS_FLAG_QR 0x80   /* first flags byte: this is an answer */
#define DNS_OPCODE_MASK 0x78
#define STREAM_PATIENCE MSEC(500) /* between the parts of one datagram */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* End of the name at @at (RFC 1035 4.1.4), 0 when it runs beyond @n, -EBADMSG when it is none. */
static int skip_name(const uint8_t *p, size_t n, size_t at)
{
	while (at < n) {
		uint8_t len = p[at];

		if (len == 0)
			return (int)at + 1;
		if ((len & 0xc0) == 0xc0)
			return at + 2 <= n ? (int)at + 2 : 0;
		if (len & 0xc0)
			return -EBADMSG;
		at += 1u + len;
	}
	return 0;
}

static int skip_question(const uint8_t *p, size_t n, size_t at)
{
	int end = skip_name(p, n, at);

	if (end <= 0)
		return end;
	return (size_t)end + 4 <= n ? end + 4 : 0;
}

static int skip_record(const uint8_t *p, size_t n, size_t at)
{
	int end = skip_name(p, n, at);
	size_t rdata;

	if (end <= 0)
		return end;
	if ((size_t)end + 10 > n)
		return 0;
	rdata = (size_t)end + 10 + get16(p + end + 8);
	return rdata <= n ? (int)rdata : 0;
}

int dns_message_length(const uint8_t *p, size_t n)
{
	int at = DNS_HEADER;
	unsigned records;

	if (n < DNS_HEADER)
		return 0;
	for (unsigned i = get16(p + 4); i > 0 && at > 0; i--)
		at = skip_question(p, n, (size_t)at);
	records = (unsigned)get16(p + 6) + get16(p + 8) + get16(p + 10);
	for (; records > 0 && at > 0; records--)
		at = skip_record(p, n, (size_t)at);
	return at;
}

/* Length of the one question of a message with @n bytes, or 0. */
static size_t question_length(const uint8_t *p, size_t n)
{
	int end;

	if (n < DNS_HEADER || get16(p + 4) != 1)
		return 0;
	end = skip_question(p, n, DNS_HEADER);
	return end > 0 ? (size_t)end - DNS_HEADER : 0;
}

static bool is_query(const uint8_t *p, size_t n)
{
	size_t len = question_length(p, n);

	return len > 0 && len <= sizeof(((struct query *)0)->question) &&
		(p[2] & (DNS_FLAG_QR | DNS_OPCODE_MASK)) == 0;
}

static struct query *find_id(struct gateway *gw, const struct link *l,
	const struct endpoint *remote, uint16_t id)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->queries[i];

		if (q->used && q->link == l && q->id == id && endpoint_equal(&q->remote, remote))
			return q;
	}
	return NULL;
}

static bool same_question(const struct query *q, const uint8_t *p, size_t n)
{
	return question_length(p, n) == q->question_len &&
		memcmp(p + DNS_HEADER, q->question, q->question_len) == 0;
}

/* A query that the host repeats keeps its entry and its id. */
static struct query *find_repeat(struct gateway *gw, const struct stack_datagram *d,
	const struct link *l)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->queries[i];

		if (q->used && q->link == l && q->host_id == get16(d->p) &&
			endpoint_equal(&q->local, &d->local) &&
			endpoint_equal(&q->remote, &d->remote) && same_question(q, d->p, d->n))
			return q;
	}
	return NULL;
}

/* A free entry, or the oldest: queries to a dead resolver must not stop the others. */
static struct query *query_slot(struct gateway *gw)
{
	struct query *oldest = &gw->queries[0];

	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->queries[i];

		if (!q->used)
			return q;
		if (q->sent < oldest->sent)
			oldest = q;
	}
	gw->count.dns_overflow++;
	return oldest;
}

static struct query *query_new(struct gateway *gw, const struct stack_datagram *d, struct link *l)
{
	struct query *q = query_slot(gw);

	q->used = false;
	do {
		gw->ops->random(gw->user, &q->id, sizeof(q->id));
	} while (find_id(gw, l, &d->remote, q->id));
	q->used = true;
	q->host_id = get16(d->p);
	q->link = l;
	q->local = d->local;
	q->remote = d->remote;
	q->question_len = (uint16_t)question_length(d->p, d->n);
	memcpy(q->question, d->p + DNS_HEADER, q->question_len);
	return q;
}

bool dns_query(struct gateway *gw, const struct stack_datagram *d)
{
	uint8_t copy[MODEM_UDP_MAX_V4];
	struct mapping *m;
	struct query *q;
	bool fresh;

	if (d->remote.port != 53 || !is_query(d->p, d->n))
		return false;
	gw->count.dns_queries++;
	m = udp_mapping(gw, &d->local, &d->remote, true);
	if (!m) {
		gw->count.udp_dropped_no_link++;
		stack_udp_refuse(gw->stack, d, STACK_ANSWER_PROHIBITED);
		return true;
	}
	q = find_repeat(gw, d, m->link);
	fresh = !q;
	if (fresh)
		q = query_new(gw, d, m->link);
	q->sent = gw->now;
	memcpy(copy, d->p, d->n);
	put16(copy, q->id);
	/* The answer to the first copy of a repeated query may still come. */
	if (udp_queue(gw, m, d, copy, true) < 0 && fresh)
		q->used = false;
	return true;
}

void dns_answer(struct mapping *m, const uint8_t *p, size_t n)
{
	struct gateway *gw = m->link->unit->gw;
	uint8_t copy[2048];
	struct query *q;

	if (n < DNS_HEADER || n > sizeof(copy) || !(p[2] & DNS_FLAG_QR)) {
		gw->count.dns_unmatched++;
		return;
	}
	q = find_id(gw, m->link, &m->remote, get16(p));
	/* A server that could not parse the query may send the header alone. */
	if (!q || (get16(p + 4) == 0 ? n != DNS_HEADER : !same_question(q, p, n))) {
		gw->count.dns_unmatched++;
		return;
	}
	memcpy(copy, p, n);
	put16(copy, q->host_id);
	q->used = false;
	gw->count.dns_answers++;
	stack_udp_send(gw->stack, &q->remote, &q->local, copy, n);
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

void dns_link_gone(struct link *l)
{
	struct gateway *gw = l->unit->gw;

	for (unsigned i = 0; i < DNS_MAX; i++)
		if (gw->queries[i].link == l)
			gw->queries[i].used = false;
}

void dns_link_moved(struct link *from, struct link *to)
{
	struct gateway *gw = from->unit->gw;

	for (unsigned i = 0; i < DNS_MAX; i++)
		if (gw->queries[i].used && gw->queries[i].link == from)
			gw->queries[i].link = to;
}

bool dns_pending(const struct gateway *gw, const struct link *l, const struct endpoint *remote)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		const struct query *q = &gw->queries[i];

		if (q->used && q->link == l && endpoint_equal(&q->remote, remote))
			return true;
	}
	return false;
}

void dns_timers(struct gateway *gw)
{
	for (unsigned i = 0; i < DNS_MAX; i++) {
		struct query *q = &gw->queries[i];

		if (q->used && gw->now - q->sent >= gw->config->udp.dns_timeout) {
			q->used = false;
			gw->count.dns_timeouts++;
		}
	}
}

usec_t dns_deadline(const struct gateway *gw)
{
	usec_t at = USEC_NEVER;

	for (unsigned i = 0; i < DNS_MAX; i++)
		if (gw->queries[i].used)
			at = usec_min(at, gw->queries[i].sent + gw->config->udp.dns_timeout);
	return at;
}

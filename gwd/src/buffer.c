/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was received for a host that has not taken it yet: one pool of memory, shared by all flows.
 *
 * A flow is admitted with BUFFER_KEEP chunks of its own, and so many are kept for each link that
 * could still be opened. The rest goes to who needs it: up to tcp.buffer for a flow. When nothing is
 * left and bytes have come that nobody can stop, the flow that holds most is reset: it is the one
 * whose host does not read, whoever's bytes these are.
 *
 * Push cannot be stopped, but it can be left (modem.receive = auto): at the high mark, half of
 * tcp.buffer, the module is asked to change to buffer mode. Until it does, the flow's cap is what the
 * line carries in the time a command may take (decision 9), or the pool if that is less. If there is
 * no such way, or it was refused, the cap is tcp.buffer and who passes it is reset.
 *
 * In buffer mode the module is asked for no more than fits, and a read's place is set aside before
 * it is asked for: the links share the pool, and several could be promised the same bytes.
 */
#include "gateway.h"

#define BUFFER_KEEP 2 /* chunks: one read of 1460 bytes always fits behind what is left of another */

#define COMMAND_WAIT_S 15 /* decision 9: the switch waits for the command in flight */

static unsigned sure(const struct gateway *gw)
{
	return gw->n_buffers < MODEM_LINKS ? (MODEM_LINKS - gw->n_buffers) * BUFFER_KEEP : 0;
}

/* Chunks that a flow may take beyond its own. */
static unsigned spare(const struct gateway *gw)
{
	return gw->pool.n_free > sure(gw) ? gw->pool.n_free - sure(gw) : 0;
}

int buffer_init(struct gateway *gw)
{
	size_t bytes = gw->config->tcp.pool;

	if (bytes < gw->config->tcp.buffer)
		bytes = gw->config->tcp.buffer;
	return chunk_pool_init(&gw->pool, (unsigned)(bytes / CHUNK_SIZE) + MODEM_LINKS * BUFFER_KEEP);
}

bool buffer_available(const struct gateway *gw)
{
	return gw->pool.n_free >= BUFFER_KEEP;
}

bool buffer_take(struct gateway *gw, struct flow *f)
{
	if (f->buffer.n)
		return true;
	if (!chunk_queue_grow(&gw->pool, &f->buffer, BUFFER_KEEP))
		return false;
	gw->n_buffers++;
	return true;
}

void buffer_give(struct gateway *gw, struct flow *f)
{
	if (!f->buffer.n)
		return;
	chunk_queue_release(&gw->pool, &f->buffer);
	gw->n_buffers--;
	gw->admit_again = true;
}

void buffer_drop(struct gateway *gw, struct flow *f, size_t n)
{
	chunk_queue_drop(&gw->pool, &f->buffer, n, BUFFER_KEEP);
}

/* Place for @n more bytes: its own chunks, and what nobody else has a claim to. */
static bool grow(struct gateway *gw, struct flow *f, size_t n)
{
	unsigned lacks = chunk_queue_lacks(&f->buffer, n);

	return lacks <= spare(gw) && chunk_queue_grow(&gw->pool, &f->buffer, lacks);
}

static struct flow *largest(struct gateway *gw)
{
	struct flow *most = NULL;

	for (struct list *pos = gw->flows.next; pos != &gw->flows; pos = pos->next) {
		struct flow *f = list_entry(pos, struct flow, node);

		if (f->buffer.n > BUFFER_KEEP && (!most || f->buffer.used > most->buffer.used))
			most = f;
	}
	return most;
}

static void reset_largest(struct gateway *gw, struct flow *f)
{
	flow_reset(gw, f, &gw->count.tcp_reset_buffer,
		"its host does not read, and the pool of receive buffers (tcp.pool) is empty");
}

/* Most that may wait for the host, once @used bytes do. */
static size_t cap(struct gateway *gw, const struct flow *f, size_t used)
{
	size_t high = gw->config->tcp.buffer / 2, flood;

	if (used <= high || !f->link || !modem_want_buffer(f->link->unit->modem))
		return gw->config->tcp.buffer;
	flood = (size_t)gw->config->modem.baud / 10 * COMMAND_WAIT_S; /* ten bits a byte */
	return flood < SIZE_MAX - high ? high + flood : SIZE_MAX;
}

bool buffer_put(struct gateway *gw, struct flow *f, const uint8_t *p, size_t n)
{
	size_t used = chunk_queue_used(&f->buffer) + n;

	if (used > cap(gw, f, used)) {
		flow_reset(gw, f, &gw->count.tcp_reset_buffer,
			"its host does not read and push mode cannot wait (tcp.buffer is full)");
		return false;
	}
	while (!grow(gw, f, n)) {
		struct flow *most = largest(gw);
		bool self = !most || most == f;

		reset_largest(gw, self ? f : most);
		if (self)
			return false;
	}
	chunk_queue_put(&f->buffer, p, n);
	return true;
}

size_t buffer_space(struct gateway *gw, struct flow *f)
{
	size_t used = chunk_queue_used(&f->buffer);

	/* A read of a few bytes costs as much as a full one: wait until one fits. */
	if (used + MODEM_TCP_CHUNK_MAX > gw->config->tcp.buffer || !grow(gw, f, MODEM_TCP_CHUNK_MAX))
		return 0;
	return MODEM_TCP_CHUNK_MAX;
}

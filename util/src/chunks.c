/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/chunks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int chunk_pool_init(struct chunk_pool *pool, unsigned chunks)
{
	*pool = (struct chunk_pool){.n = chunks, .n_free = chunks};
	pool->mem = calloc(chunks, sizeof(*pool->mem));
	return pool->mem ? 0 : -ENOMEM;
}

void chunk_pool_destroy(struct chunk_pool *pool)
{
	free(pool->mem);
	*pool = (struct chunk_pool){0};
}

static struct chunk *take(struct chunk_pool *pool)
{
	struct chunk *c = pool->free;

	if (c)
		pool->free = c->next;
	else
		c = &pool->mem[pool->touched++];
	pool->n_free--;
	c->next = NULL;
	return c;
}

static void give(struct chunk_pool *pool, struct chunk *c)
{
	c->next = pool->free;
	pool->free = c;
	pool->n_free++;
}

static void append(struct chunk_queue *q, struct chunk *c)
{
	c->next = NULL;
	if (q->last)
		q->last->next = c;
	else
		q->first = q->tail = c;
	q->last = c;
	q->n++;
}

static struct chunk *detach_first(struct chunk_queue *q)
{
	struct chunk *c = q->first;

	q->first = c->next;
	if (!q->first)
		q->tail = q->last = NULL;
	q->n--;
	return c;
}

unsigned chunk_queue_lacks(const struct chunk_queue *q, size_t n)
{
	size_t room = chunk_queue_room(q);

	return n <= room ? 0 : (unsigned)((n - room + CHUNK_SIZE - 1) / CHUNK_SIZE);
}

bool chunk_queue_grow(struct chunk_pool *pool, struct chunk_queue *q, unsigned chunks)
{
	if (chunks > pool->n_free)
		return false;
	while (chunks--)
		append(q, take(pool));
	return true;
}

void chunk_queue_put(struct chunk_queue *q, const void *p, size_t n)
{
	const uint8_t *from = p;

	q->used += n;
	while (n) {
		size_t space, now;

		if (q->end == CHUNK_SIZE) {
			q->tail = q->tail->next;
			q->end = 0;
		}
		space = CHUNK_SIZE - q->end;
		now = n < space ? n : space;
		memcpy(q->tail->p + q->end, from, now);
		q->end += now;
		from += now;
		n -= now;
	}
}

const uint8_t *chunk_queue_peek(const struct chunk_queue *q, size_t *n)
{
	size_t piece = CHUNK_SIZE - q->head;

	*n = q->used < piece ? q->used : piece;
	return q->first ? q->first->p + q->head : NULL;
}

/* The first chunk was read to its end. Kept ones go to the end of the list, to be filled again. */
static void advance(struct chunk_pool *pool, struct chunk_queue *q, unsigned keep)
{
	struct chunk *c = detach_first(q);

	q->head = 0;
	if (q->n >= keep)
		give(pool, c);
	else
		append(q, c);
}

void chunk_queue_drop(struct chunk_pool *pool, struct chunk_queue *q, size_t n, unsigned keep)
{
	while (n) {
		size_t piece;

		chunk_queue_peek(q, &piece);
		if (piece > n)
			piece = n;
		q->head += piece;
		q->used -= piece;
		n -= piece;
		if (q->head == CHUNK_SIZE && q->used)
			advance(pool, q, keep);
	}
	if (q->used)
		return;
	while (q->n > keep)
		give(pool, detach_first(q));
	q->tail = q->first;
	q->head = q->end = 0;
}

void chunk_queue_release(struct chunk_pool *pool, struct chunk_queue *q)
{
	while (q->first)
		give(pool, detach_first(q));
	*q = (struct chunk_queue){0};
}

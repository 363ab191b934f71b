/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Byte queues that share one pool of memory: a pool of chunks of equal size, and queues which are
 * lists of them. All memory is taken when the pool is made; from then on nothing allocates, what one
 * queue does not use another one may, and what the pool does not have is refused.
 */
#ifndef UTIL_CHUNKS_H
#define UTIL_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_SIZE 2048 /* bytes of payload: one read of a socket or one segment, and a rest */

struct chunk {
	struct chunk *next;
	uint8_t p[CHUNK_SIZE];
};

struct chunk_pool {
	struct chunk *mem;
	unsigned n;	  /* chunks in all */
	unsigned touched; /* the first so many were used; pages of the rest cost nothing */
	unsigned n_free;
	struct chunk *free; /* of the touched ones */
};

struct chunk_queue {
	struct chunk *first, *tail, *last; /* first byte; where the next one goes; end of the list */
	unsigned n;			   /* chunks from first to last */
	size_t head, end; /* offsets in @first and in @tail */
	size_t used;	  /* bytes in the queue */
};

/* -ENOMEM, or 0. */
int chunk_pool_init(struct chunk_pool *pool, unsigned chunks);
void chunk_pool_destroy(struct chunk_pool *pool);

static inline size_t chunk_queue_used(const struct chunk_queue *q)
{
	return q->used;
}

/* Bytes that fit into the chunks the queue has. */
static inline size_t chunk_queue_room(const struct chunk_queue *q)
{
	return q->n * (size_t)CHUNK_SIZE - q->head - q->used;
}

/* How many chunks it lacks to take @n bytes more. */
unsigned chunk_queue_lacks(const struct chunk_queue *q, size_t n);

/* Gives the queue @chunks more of the pool. All of them, or false. */
bool chunk_queue_grow(struct chunk_pool *pool, struct chunk_queue *q, unsigned chunks);

/* Appends; @n is at most chunk_queue_room(). */
void chunk_queue_put(struct chunk_queue *q, const void *p, size_t n);

/* The bytes at the head that lie in one piece; how many through @n, 0 when the queue is empty. Valid
 * until the next call that changes the queue. */
const uint8_t *chunk_queue_peek(const struct chunk_queue *q, size_t *n);

/* Drops @n bytes (at most those used) from the head. Chunks that become empty go back to the pool,
 * but for @keep which the queue holds on to. */
void chunk_queue_drop(struct chunk_pool *pool, struct chunk_queue *q, size_t n, unsigned keep);

/* Gives everything back. */
void chunk_queue_release(struct chunk_pool *pool, struct chunk_queue *q);

#endif

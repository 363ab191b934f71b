/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A byte queue in caller-owned memory of fixed size. It never grows and never allocates: what does
 * not fit is refused, and the caller decides what that means.
 */
#ifndef UTIL_RING_H
#define UTIL_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *mem;
	size_t size; /* bytes of @mem */
	size_t head; /* offset of the first byte */
	size_t used; /* bytes in the queue */
};

void ring_init(struct ring *r, void *mem, size_t size);
void ring_clear(struct ring *r);

static inline size_t ring_used(const struct ring *r)
{
	return r->used;
}

static inline size_t ring_space(const struct ring *r)
{
	return r->size - r->used;
}

/* Appends all @n bytes, or nothing and returns -ENOSPC. */
int ring_put(struct ring *r, const void *p, size_t n);

/* Copies up to @n bytes that start @offset bytes behind the head; returns how many were copied. */
size_t ring_copy(const struct ring *r, size_t offset, void *to, size_t n);

/* Drops @n bytes (at most ring_used()) from the head. */
void ring_drop(struct ring *r, size_t n);

#endif

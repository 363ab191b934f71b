/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/ring.h"

#include <errno.h>
#include <string.h>

void ring_init(struct ring *r, void *mem, size_t size)
{
	*r = (struct ring){.mem = mem, .size = size};
}

void ring_clear(struct ring *r)
{
	r->head = 0;
	r->used = 0;
}

int ring_put(struct ring *r, const void *p, size_t n)
{
	if (n > ring_space(r))
		return -ENOSPC;
	if (n == 0)
		return 0;

	size_t tail = (r->head + r->used) % r->size;
	size_t first = n < r->size - tail ? n : r->size - tail;

	memcpy(r->mem + tail, p, first);
	memcpy(r->mem, (const uint8_t *)p + first, n - first);
	r->used += n;
	return 0;
}

size_t ring_copy(const struct ring *r, size_t offset, void *to, size_t n)
{
	if (offset >= r->used)
		return 0;
	if (n > r->used - offset)
		n = r->used - offset;

	size_t at = (r->head + offset) % r->size;
	size_t first = n < r->size - at ? n : r->size - at;

	memcpy(to, r->mem + at, first);
	memcpy((uint8_t *)to + first, r->mem, n - first);
	return n;
}

void ring_drop(struct ring *r, size_t n)
{
	r->used -= n;
	/* An empty ring starts over, so that the next bytes lie in one piece. */
	r->head = r->used ? (r->head + n) % r->size : 0;
}

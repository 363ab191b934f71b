/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

/* In front of every block, so that free() knows what to give back. */
struct block {
	alignas(max_align_t) size_t size;
};

static struct {
	size_t used, peak, limit;
	uint64_t refused;
} mem = {.limit = MEM_LIMIT};

static void *take(size_t n, void *(*from)(size_t size))
{
	struct block *b = NULL;

	if (n <= mem.limit && mem.used <= mem.limit - n)
		b = from(sizeof(*b) + n);
	if (!b) {
		mem.refused++;
		return NULL;
	}
	b->size = n;
	mem.used += n;
	if (mem.used > mem.peak)
		mem.peak = mem.used;
	return b + 1;
}

static void *zeroed(size_t n)
{
	return calloc(1, n);
}

void *lwip_port_malloc(size_t n)
{
	return take(n, malloc);
}

void *lwip_port_calloc(size_t count, size_t n)
{
	size_t total;

	if (__builtin_mul_overflow(count, n, &total))
		return NULL;
	return take(total, zeroed);
}

void lwip_port_free(void *p)
{
	struct block *b = p;

	if (!b)
		return;
	b--;
	mem.used -= b->size;
	free(b);
}

void mem_stats(struct stack_stats *out)
{
	out->alloc_bytes = mem.used;
	out->alloc_peak = mem.peak;
	out->alloc_limit = mem.limit;
	out->alloc_refused = mem.refused;
}

void mem_set_limit(size_t limit)
{
	mem.limit = limit ? limit : MEM_LIMIT;
}

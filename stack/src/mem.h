/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allocator under lwIP and the receive rings: malloc() with a cap and counters. When the cap
 * is reached lwIP sees "out of memory", which it and src/tcp.c survive: one flow waits, the others
 * go on. lwIP passes no context, so the counters belong to the process, like lwIP itself.
 */
#ifndef STACK_MEM_H
#define STACK_MEM_H

#include <stddef.h>

#include "lwipopts.h" /* lwip_port_malloc() and its like, whose names lwIP must know */
#include "stack/stack.h"

/* A flow whose host reads nothing holds 32 KiB of data in at most 96 pbufs of 1.5 KiB, and its
 * receive ring: 150 KiB. Ten links, as many closing, and room for the rest. */
#define MEM_LIMIT (4u << 20)

void mem_stats(struct stack_stats *out);
/* For tests: a smaller cap; 0 goes back to MEM_LIMIT. */
void mem_set_limit(size_t limit);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes a second over a sliding window of two seconds. Counting costs an addition, needs no timer and
 * no allocation; who asks pays for the division. All zero is a rate that has counted nothing.
 */
#ifndef UTIL_RATE_H
#define UTIL_RATE_H

#include <stdint.h>

#include "util/time.h"

#define RATE_SLOT MSEC(250)
#define RATE_SLOTS 8 /* whole ones in the window; one more is being filled */

struct rate {
	uint64_t newest; /* number of the slot that is being filled: time / RATE_SLOT */
	uint32_t bytes[RATE_SLOTS + 1];
};

/* @n bytes moved at @now, which never goes back. */
void rate_add(struct rate *r, usec_t now, uint64_t n);
/* Bytes a second in the two seconds before @now. */
uint64_t rate_get(const struct rate *r, usec_t now);

#endif

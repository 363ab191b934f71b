/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Time in the whole project: microseconds of CLOCK_MONOTONIC, passed in by the caller ("now"), so
 * that every state machine can be driven by a test with a clock of its own.
 */
#ifndef UTIL_TIME_H
#define UTIL_TIME_H

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_NEVER UINT64_MAX
#define MSEC(n) ((usec_t)(n)*1000u)
#define SEC(n) ((usec_t)(n)*1000000u)

static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

#endif

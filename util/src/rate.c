/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/rate.h"

#include <string.h>

#define SLOTS (RATE_SLOTS + 1)

void rate_add(struct rate *r, usec_t now, uint64_t n)
{
	uint64_t slot = now / RATE_SLOT;
	uint32_t *bytes = &r->bytes[slot % SLOTS];

	if (slot > r->newest + RATE_SLOTS) {
		memset(r->bytes, 0, sizeof(r->bytes));
		r->newest = slot;
	}
	while (r->newest < slot)
		r->bytes[++r->newest % SLOTS] = 0;
	*bytes = n < UINT32_MAX - *bytes ? *bytes + (uint32_t)n : UINT32_MAX;
}

/* The slot that is being filled counts with the time it has had, so that there is no saw-tooth. */
uint64_t rate_get(const struct rate *r, usec_t now)
{
	uint64_t slot = now / RATE_SLOT, first = slot > RATE_SLOTS ? slot - RATE_SLOTS : 0, sum = 0;

	for (uint64_t s = first; s <= r->newest && s <= slot; s++)
		if (s + SLOTS > r->newest)
			sum += r->bytes[s % SLOTS];
	return sum * SEC(1) / (RATE_SLOTS * RATE_SLOT + now % RATE_SLOT);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of destinations. A destination that just failed is refused at once for a few
 * seconds, so that a program that tries it in a loop does not keep a link busy with it; one that
 * just worked goes before one that nothing is known of, and a slow one comes last, so that dead
 * destinations never stop live ones.
 */
#include "gateway.h"

/* How long a verdict counts. Refusals are cheap to repeat, so they are forgotten first. */
static usec_t verdict_age(enum dest_verdict v)
{
	static const usec_t ages[] = {
		[DEST_UNKNOWN] = 0,
		[DEST_ALIVE] = SEC(600),
		[DEST_SLOW] = SEC(60),
		[DEST_REFUSED] = SEC(1),
		[DEST_UNREACHABLE] = SEC(5),
	};

	return ages[v];
}

enum dest_verdict dest_lookup(const struct gateway *gw, const struct endpoint *remote)
{
	for (unsigned i = 0; i < DEST_MAX; i++) {
		const struct dest *d = &gw->dests[i];

		if (d->verdict != DEST_UNKNOWN && endpoint_equal(&d->remote, remote))
			return gw->now - d->at < verdict_age(d->verdict) ? d->verdict : DEST_UNKNOWN;
	}
	return DEST_UNKNOWN;
}

void dest_remember(struct gateway *gw, const struct endpoint *remote, enum dest_verdict v)
{
	struct dest *slot = &gw->dests[0];

	for (unsigned i = 0; i < DEST_MAX; i++) {
		struct dest *d = &gw->dests[i];

		if (d->verdict != DEST_UNKNOWN && endpoint_equal(&d->remote, remote)) {
			slot = d;
			break;
		}
		if (d->at < slot->at)
			slot = d;
	}
	*slot = (struct dest){.remote = *remote, .verdict = v, .at = gw->now};
}

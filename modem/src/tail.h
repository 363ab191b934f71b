/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of what came in data mode, held back while it can be the module speaking: nothing but the
 * silence behind it tells "\r\nCLOSED\r\n" of the module from the same bytes of a peer (decision 15).
 */
#ifndef MODEM_TAIL_H
#define MODEM_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAIL_MAX 512 /* a boot's lines are about 150 bytes */

struct tail {
	/* What cannot be the module's; in order, from tail_put() and tail_release(). */
	void (*data)(void *user, const uint8_t *p, size_t n);
	void *user;
	bool escaping; /* "OK" is one of its lines */
	bool ok_passed; /* while escaping one was passed on; for the owner to clear */
	bool moved;    /* some of it turned out to be data; for the owner to clear */
	size_t len;
	size_t at; /* held[0..at) are whole lines */
	uint8_t held[TAIL_MAX];
};

void tail_put(struct tail *t, const uint8_t *p, size_t n);
/* It was data after all. */
void tail_release(struct tail *t);
void tail_clear(struct tail *t);
/* At least one whole line is held. */
static inline bool tail_spoke(const struct tail *t)
{
	return t->at > 0;
}
/* Length of what is held up to the last "OK" and behind it, if all of it is whole lines and one is
 * "OK"; otherwise 0. @before: where that line starts. */
size_t tail_ok(const struct tail *t, size_t *before);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassembly of IPv4 and IPv6 fragments in a fixed number of places.
 *
 * Theory of operation
 *
 * A place holds one datagram: its bytes where they belong, and a bitmap with one bit for each eight
 * of them. Every fragment but the last has a length that is a multiple of eight, so the bitmap says
 * exactly what is there; the datagram is whole when the bits up to its end are all set.
 *
 * Fragments that overlap have no honest sender (RFC 5722, and the same for IPv4): an exact copy is
 * ignored, anything else throws the datagram away, as do two different ends or bytes behind the end.
 * When no place is free, the oldest datagram loses its own: a flood of first fragments costs other
 * fragmented datagrams, and no memory.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 8
#define DATAGRAM_MAX 0xffffu
#define BLOCK 8u
#define BLOCKS (DATAGRAM_MAX / BLOCK + 1)
/* RFC 1122 3.3.2 and RFC 8200 4.5 speak of a minute; the host is on this machine. */
#define TIMEOUT SEC(30)

struct place {
	bool busy;
	bool have_first;
	struct packet head; /* addresses, and of the first fragment: protocol, DSCP, DF */
	usec_t deadline;
	unsigned pieces;
	size_t end;	 /* of the datagram, 0 while unknown */
	size_t received; /* blocks */
	uint8_t map[BLOCKS / 8];
	uint8_t bytes[BLOCKS * BLOCK];
};

struct reass {
	struct place places[PLACES];
};

int reass_new(struct reass **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void reass_free(struct reass *r)
{
	free(r);
}

static void drop(struct stack *s, struct place *pl)
{
	s->stats.fragments_dropped += pl->pieces;
	pl->busy = false;
}

/* RFC 791 3.2: the protocol is part of the name; RFC 8200 4.5: it is not. */
static bool same(const struct packet *a, const struct packet *b)
{
	return a->fragment.id == b->fragment.id && addr_equal(&a->src, &b->src) &&
	       addr_equal(&a->dst, &b->dst) && (a->src.family == 6 || a->proto == b->proto);
}

static struct place *find(struct stack *s, const struct packet *p)
{
	struct place *best = &s->reass->places[0];

	for (struct place *pl = s->reass->places; pl < s->reass->places + PLACES; pl++) {
		if (pl->busy && same(&pl->head, p))
			return pl;
		if (best->busy && (!pl->busy || pl->deadline < best->deadline))
			best = pl;
	}
	if (best->busy)
		drop(s, best);
	best->busy = true;
	best->have_first = false;
	best->head = *p;
	best->deadline = s->now + TIMEOUT;
	best->pieces = 0;
	best->end = 0;
	best->received = 0;
	memset(best->map, 0, sizeof(best->map));
	return best;
}

static bool has(const struct place *pl, size_t block)
{
	return pl->map[block / 8] & 1u << block % 8;
}

/* How many of the blocks from @first on, @n of them, are there already. */
static size_t present(const struct place *pl, size_t first, size_t n)
{
	size_t count = 0;

	for (size_t i = first; i < first + n; i++)
		count += has(pl, i);
	return count;
}

static bool valid(const struct packet *p)
{
	size_t end = p->fragment.offset + p->n;

	if (p->n == 0 || end > DATAGRAM_MAX)
		return false;
	return !p->fragment.more || p->n % BLOCK == 0;
}

/* False when the fragment contradicts the others. */
static bool fits(const struct place *pl, const struct packet *p)
{
	size_t end = p->fragment.offset + p->n;

	if (pl->end && (end > pl->end || (!p->fragment.more && end != pl->end)))
		return false;
	if (p->fragment.more || pl->end)
		return true;
	/* The end comes last: nothing may be behind it. */
	return present(pl, end / BLOCK + 1, BLOCKS - end / BLOCK - 1) == 0;
}

static void put(struct place *pl, const struct packet *p, size_t first, size_t n)
{
	memcpy(pl->bytes + p->fragment.offset, p->l4, p->n);
	for (size_t i = first; i < first + n; i++)
		pl->map[i / 8] |= (uint8_t)(1u << i % 8);
	pl->received += n;
	if (!p->fragment.more)
		pl->end = p->fragment.offset + p->n;
	if (p->fragment.offset == 0) {
		pl->have_first = true;
		pl->head.proto = p->proto;
		pl->head.dscp = p->dscp;
		pl->head.df = p->df;
	}
}

static bool whole(const struct place *pl)
{
	return pl->end && pl->have_first && pl->received == (pl->end + BLOCK - 1) / BLOCK;
}

bool reass_input(struct stack *s, struct packet *p)
{
	size_t first = p->fragment.offset / BLOCK, n = (p->n + BLOCK - 1) / BLOCK, there;
	struct place *pl;

	if (!valid(p)) {
		s->stats.fragments_dropped++;
		return false;
	}
	pl = find(s, p);
	pl->pieces++;
	there = present(pl, first, n);
	if (there == n && memcmp(pl->bytes + p->fragment.offset, p->l4, p->n) == 0 &&
		(p->fragment.more || p->fragment.offset + p->n == pl->end))
		return false;
	if (there || !fits(pl, p)) {
		drop(s, pl);
		return false;
	}
	put(pl, p, first, n);
	if (!whole(pl))
		return false;
	pl->busy = false;
	s->stats.datagrams_reassembled++;
	*p = pl->head;
	p->reassembled = true;
	p->fragment.is = false;
	p->l4 = pl->bytes;
	p->n = pl->end;
	return true;
}

void reass_expire(struct stack *s)
{
	for (struct place *pl = s->reass->places; pl < s->reass->places + PLACES; pl++) {
		if (pl->busy && pl->deadline <= s->now)
			drop(s, pl);
	}
}

usec_t reass_deadline(const struct reass *r)
{
	usec_t at = USEC_NEVER;

	for (const struct place *pl = r->places; pl < r->places + PLACES; pl++) {
		if (pl->busy)
			at = usec_min(at, pl->deadline);
	}
	return at;
}

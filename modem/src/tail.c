/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * Held are whole lines "\r\n<text>\r\n" and at most one that is still to become whole. The first must
 * be one that ends data mode; behind it the module may say whatever it knows to say (the lines of a
 * boot follow its banner, +IPCLOSE follows CLOSED). As soon as a byte does not fit, everything up to
 * the next '\r' that could begin such a line is data.
 */
#include "tail.h"

#include <string.h>

#include "dialect.h"

#define TEXT_MAX 80 /* of one line */

static bool text_fits(const struct tail *t, const char *text, size_t len, bool whole, bool first)
{
	struct msg msg;

	if (len > TEXT_MAX)
		return false;
	if (t->escaping && memcmp(text, "OK", len < 2 ? len : 2) == 0 && (whole ? len == 2 : len <= 2))
		return true;
	if (first)
		return len == 0 ? !whole : dialect_ends_data(text, len, whole);
	if (!whole)
		return true;
	dialect_parse(&msg, text, len);
	return msg.kind != MSG_UNKNOWN;
}

/* Whether held[at..len) is a line or can become one; moves @at behind a whole one. */
static bool line_fits(struct tail *t)
{
	const uint8_t *line = t->held + t->at;
	size_t n = t->len - t->at;
	const char *text = (const char *)line + 2;
	const uint8_t *cr;

	if (line[0] != '\r' || (n > 1 && line[1] != '\n'))
		return false;
	if (n <= 2)
		return true;
	cr = memchr(text, '\r', n - 2);
	if (!text_fits(t, text, cr ? (size_t)(cr - line) - 2 : n - 2, cr, t->at == 0))
		return false;
	if (!cr || cr + 1 == line + n)
		return true;
	if (cr[1] != '\n')
		return false;
	t->at = (size_t)(cr - t->held) + 2;
	return true;
}

static void drop(struct tail *t, size_t n)
{
	if (t->escaping && memmem(t->held, n, "\r\nOK", 4))
		t->ok_passed = true;
	t->data(t->user, t->held, n);
	t->len -= n;
	t->at = 0;
	t->moved = true;
	memmove(t->held, t->held + n, t->len);
}

static bool fits(struct tail *t)
{
	while (t->at < t->len) {
		size_t at = t->at;

		if (!line_fits(t))
			return false;
		if (t->at == at)
			break;
	}
	return true;
}

/* Gives up the front of what is held, up to where it can begin anew. */
static void narrow(struct tail *t)
{
	do {
		const uint8_t *cr = memchr(t->held + 1, '\r', t->len - 1);

		drop(t, cr ? (size_t)(cr - t->held) : t->len);
	} while (!fits(t));
}

void tail_put(struct tail *t, const uint8_t *p, size_t n)
{
	while (n) {
		if (t->len == 0) {
			const uint8_t *cr = memchr(p, '\r', n);
			size_t plain = cr ? (size_t)(cr - p) : n;

			if (plain)
				t->data(t->user, p, plain);
			p += plain;
			n -= plain;
			if (!cr)
				return;
		}
		t->held[t->len++] = *p++;
		n--;
		if (!line_fits(t) || t->len == TAIL_MAX)
			narrow(t);
	}
}

void tail_release(struct tail *t)
{
	if (t->len)
		drop(t, t->len);
}

void tail_clear(struct tail *t)
{
	t->len = t->at = 0;
}

size_t tail_ok(const struct tail *t, size_t *before)
{
	static const char ok[] = "\r\nOK\r\n";
	size_t found = 0;

	if (t->len == 0 || t->at != t->len)
		return 0;
	for (size_t i = 0; i + sizeof(ok) - 1 <= t->len; i++) {
		if (memcmp(t->held + i, ok, sizeof(ok) - 1) != 0)
			continue;
		*before = i;
		found = i + sizeof(ok) - 1;
	}
	return found;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void tap_set(struct tap *t, bool on)
{
	if (t->on != on)
		t->open = false;
	t->on = on;
}

/* The rest of it was lost. Nothing of it yet: what stands between header and payload may come. */
static void payload_broken(struct tap *t)
{
	if (t->open && t->total)
		tap_payload_end(t);
}

void tap_line(struct tap *t, bool out, const char *text, size_t n)
{
	if (!t->on)
		return;
	if (!out)
		payload_broken(t);
	t->tell(t->user, &(struct modem_tap){.kind = MODEM_TAP_LINE, .out = out, .link = -1,
		.p = (const uint8_t *)text, .n = n, .total = n, .announced = n});
}

void tap_bytes(struct tap *t, bool out, int link, const void *p, size_t n)
{
	if (!t->on)
		return;
	if (!out)
		payload_broken(t);
	t->tell(t->user, &(struct modem_tap){.kind = MODEM_TAP_PAYLOAD, .out = out, .link = link,
		.p = p, .n = least(n, MODEM_TAP_KEPT), .total = n, .announced = n});
}

void tap_note(struct tap *t, const char *fmt, ...)
{
	char text[128];
	va_list ap;
	int n;

	if (!t->on)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	t->tell(t->user, &(struct modem_tap){.kind = MODEM_TAP_NOTE, .link = -1,
		.p = (const uint8_t *)text, .n = least((size_t)n, sizeof(text) - 1)});
}

void tap_payload_begin(struct tap *t, int link, size_t announced)
{
	if (!t->on)
		return;
	payload_broken(t);
	t->open = true;
	t->link = link;
	t->announced = announced;
	t->total = 0;
}

void tap_payload(struct tap *t, const uint8_t *p, size_t n)
{
	if (!t->open)
		return;
	if (t->total < sizeof(t->kept))
		memcpy(t->kept + t->total, p, least(n, sizeof(t->kept) - t->total));
	t->total += n;
}

void tap_payload_end(struct tap *t)
{
	if (!t->open)
		return;
	t->open = false;
	t->tell(t->user, &(struct modem_tap){.kind = MODEM_TAP_PAYLOAD, .link = t->link,
		.p = t->kept, .n = least(t->total, sizeof(t->kept)), .total = t->total,
		.announced = t->announced});
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "dialogue.h"

#include <stdio.h>

#include "util/log.h"

#define SHOWN 64 /* bytes of payload */

static void put_payload(char *buf, size_t size, const struct modem_tap *t, bool shown)
{
	char of[32] = "", link[24] = "", quoted[SHOWN * 4 + 8];
	size_t n = t->n < SHOWN ? t->n : SHOWN;

	if (t->announced > t->total)
		snprintf(of, sizeof(of), " of %zu", t->announced);
	if (t->link >= 0)
		snprintf(link, sizeof(link), ", link %d", t->link);
	if (!shown || n == 0)
		snprintf(buf, size, "[%zu%s bytes%s]", t->total, of, link);
	else
		snprintf(buf, size, "[%zu%s bytes%s] \"%s\"%s", t->total, of, link,
			log_quote(quoted, sizeof(quoted), t->p, n), n < t->total ? "..." : "");
}

const char *dialogue_text(char buf[DIALOGUE_LEN], const struct modem_tap *t, bool payload)
{
	buf[0] = t->kind == MODEM_TAP_NOTE ? '-' : t->out ? '>' : '<';
	buf[1] = ' ';
	if (t->kind == MODEM_TAP_PAYLOAD)
		put_payload(buf + 2, DIALOGUE_LEN - 2, t, payload);
	else
		log_quote(buf + 2, DIALOGUE_LEN - 2, t->p, t->n);
	return buf;
}

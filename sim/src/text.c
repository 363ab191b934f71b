/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

/* Knob urc_space: "+CSQ: 1" becomes "+CSQ:1". */
static void space(struct sim *sim, char *text)
{
	char *colon = strstr(text, ": ");

	if (knob_is(&sim->knobs, KNOB_URC_SPACE, "none") && strchr("+*", text[0]) && colon)
		memmove(colon + 1, colon + 2, strlen(colon + 2) + 1);
}

static void emit(struct sim *sim, const char *before, char *text, const char *after)
{
	char line[TEXT_LINE_MAX + 8];
	int n;

	space(sim, text);
	n = snprintf(line, sizeof(line), "%s%s%s", before, text, after);
	if (!line_write(sim, line, (size_t)n))
		sim->journal.stats.urcs_lost++;
}

void say(struct sim *sim, const char *format, ...)
{
	char text[TEXT_LINE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	emit(sim, "\r\n", text, "\r\n");
}

void say_block(struct sim *sim, bool first, const char *format, ...)
{
	char text[TEXT_LINE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	emit(sim, first ? "\r\n" : "", text, "\r\n");
}

void urc(struct sim *sim, const char *format, ...)
{
	char text[TEXT_LINE_MAX];
	va_list ap;
	size_t n;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (sim->parser.mode != MODE_ONLINE) {
		emit(sim, "\r\n", text, "\r\n");
		return;
	}
	n = strlen(text) + 1;
	if (sim->held_len + n > sizeof(sim->held_urcs)) {
		sim->journal.stats.urcs_lost++;
		return;
	}
	memcpy(sim->held_urcs + sim->held_len, text, n);
	sim->held_len += n;
}

void urcs_release(struct sim *sim)
{
	for (size_t at = 0; at < sim->held_len;) {
		char *text = sim->held_urcs + at;

		at += strlen(text) + 1;
		emit(sim, "\r\n", text, "\r\n");
	}
	sim->held_len = 0;
}

void urc_foreign(struct sim *sim)
{
	int l = (int)prng_below(&sim->knobs.rng, LINKS_MAX);

	switch (prng_below(&sim->knobs.rng, 5)) {
	case 0:
		urc(sim, "+CREG: %d", module_registered(sim) ? 1 : 2);
		break;
	case 1:
		urc(sim, "$GNRMC,,V,,,,,,,,,,N*4D");
		break;
	case 2:
		urc(sim, "+CTZV: +08,0");
		break;
	case 3: /* a hint for a link with nothing new is legal (a76xx-at 7.2 ii) */
		if (sim->module.rxget && link_open(sim, l)) {
			urc(sim, "+CIPRXGET: 1,%d", l);
			break;
		}
		__attribute__((fallthrough));
	default:
		urc(sim, "+CGEV: EPS PDN ACT 1");
	}
}

void urc_perhaps(struct sim *sim)
{
	double chance = 0;

	if (knob_is(&sim->knobs, KNOB_URC_IN_RESPONSE, "rare"))
		chance = 1.0 / 64;
	else if (knob_is(&sim->knobs, KNOB_URC_IN_RESPONSE, "often"))
		chance = 0.5;
	if (prng_chance(&sim->knobs.rng, chance))
		urc_foreign(sim);
}

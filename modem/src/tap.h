/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What crosses the tty, told to whoever listens (struct modem_tap). Off, each call is one test of a
 * flag. What must not be seen is withheld by the channel before it comes here.
 */
#ifndef MODEM_TAP_H
#define MODEM_TAP_H

#include "modem/modem.h"

struct tap {
	bool on;
	void (*tell)(void *user, const struct modem_tap *t);
	void *user;
	/* A counted payload on its way in is told as one, when it is complete. */
	bool open;
	int link;
	size_t announced, total;
	uint8_t kept[MODEM_TAP_KEPT];
};

void tap_set(struct tap *t, bool on);
/* A line without its end; @out: to the module. */
void tap_line(struct tap *t, bool out, const char *text, size_t n);
/* Bytes that are whole as they are; @link -1: unknown. */
void tap_bytes(struct tap *t, bool out, int link, const void *p, size_t n);
void tap_note(struct tap *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A payload from the module, in pieces. One that never ends is told as far as it came by the next
 * thing that does. */
void tap_payload_begin(struct tap *t, int link, size_t announced);
void tap_payload(struct tap *t, const uint8_t *p, size_t n);
void tap_payload_end(struct tap *t);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remembers which PIN was entered into which SIM, so that a wrong one is entered once only, however
 * often the daemon is started (decision 13): three wrong PINs lock a card.
 *
 * One file a card, "pin-ICCID" (or "pin-unknown"), mode 0600. It is written before a PIN is entered
 * and removed when that PIN was right, so that with the right PIN there is none for more than
 * seconds.
 */
#ifndef GWD_PIN_MEMORY_H
#define GWD_PIN_MEMORY_H

#include <stdbool.h>

struct pin_memory {
	const char *dir;
	bool force; /* modem.pin_force */
};

/* NULL: @pin may be entered, and that it was is on the disk. Otherwise why not. @tries: left by the
 * card's own count, -1 for unknown. */
const char *pin_memory_try(const struct pin_memory *m, const char *pin, const char *iccid, int tries);
/* The PIN was right: the card counts from the beginning, and so do we. */
void pin_memory_forget(const char *dir, const char *iccid);

#endif

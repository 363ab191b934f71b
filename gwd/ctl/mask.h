/* SPDX-License-Identifier: BSD-3-Clause */
/* What in a text concerns nobody else: numbers that name a person's SIM or module, and secrets. */
#ifndef GWD_CTL_MASK_H
#define GWD_CTL_MASK_H

/*
 * Replaces by '*' all but the last four of every 14 to 22 decimal digits in a row, wherever they
 * stand: an IMEI or IMSI has 15 (an IMEISV 16), an ICCID 18 to 22. In place; returns text.
 */
char *mask_numbers(char *text);

/*
 * Replaces by '*' what follows a command that sets a PIN or a password, up to the end of its line:
 * modem.init may hold one. In place; returns text.
 */
char *mask_secrets(char *text);

#endif

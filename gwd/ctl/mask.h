/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that name a person's SIM or module. */
#ifndef GWD_CTL_MASK_H
#define GWD_CTL_MASK_H

/*
 * Replaces by '*' all but the last four of every 14 to 22 decimal digits in a row, wherever they
 * stand: an IMEI or IMSI has 15 (an IMEISV 16), an ICCID 18 to 22. In place; returns text.
 */
char *mask_numbers(char *text);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AT dialogue in words, one line for each thing that crossed the tty: for log.level = trace and
 * for the comments of a capture.
 *
 *   > AT+CIPSEND=3,1460          to the module
 *   > [1460 bytes, link 3]       payload, which is not shown unless that is asked for
 *   < +CIPSEND: 3,1460,1460      from it
 *   < [700 of 1460 bytes, link 3]  the rest never came
 *   - data mode                  what happened besides
 */
#ifndef GWD_DIALOGUE_H
#define GWD_DIALOGUE_H

#include "modem/modem.h"

#define DIALOGUE_LEN 640 /* a line of the module's 512 bytes, most of it printable */

/* @payload: show its first bytes, quoted. Always printable ASCII, terminated; returns @buf. */
const char *dialogue_text(char buf[DIALOGUE_LEN], const struct modem_tap *t, bool payload);

#endif

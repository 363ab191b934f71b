/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines to the host. A line is CRLF text CRLF; the lines of one information block share their CRLF
 * (a76xx-at 1.1). All of them go through here, because the knobs on spacing apply to all.
 */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdbool.h>

#define TEXT_LINE_MAX 512

struct sim;

/* A line of an answer. */
void say(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line of an information block: the first begins with CRLF, each ends with CRLF. */
void say_block(struct sim *sim, bool first, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* An unsolicited line; kept until the escape while the line carries data. */
void urc(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The kept ones. */
void urcs_release(struct sim *sim);
/* Knob urc_in_response: perhaps a foreign line, at a place where it is legal. */
void urc_perhaps(struct sim *sim);
/* One harmless unsolicited line of the present state. */
void urc_foreign(struct sim *sim);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transparent mode (CIPMODE=1): link 0 is the line itself, +++ between silences leaves it.
 */
#ifndef SIM_ONLINE_H
#define SIM_ONLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser.h"

struct online {
	bool session; /* link 0 belongs to the line, escaped or not */
	int64_t last; /* arrival of the last byte */
	int plus;     /* '+' held back */
	unsigned probe; /* bytes of a would-be command line seen after a silence */
	uint8_t kept[1024];
	size_t kept_len;
	int64_t kept_at;
};

void online_enter(struct sim *sim); /* CONNECT <baud>, data mode */
void online_byte(struct sim *sim, uint8_t byte, int64_t at);
void online_flush(struct sim *sim);
void online_closed(struct sim *sim); /* the peer closed link 0 */
void online_leave(struct sim *sim);  /* the session is over */
bool online_full(const struct sim *sim);  /* the host must wait (flow_control=rtscts) */
void online_dtr(struct sim *sim);    /* DTR went off */
void online_reset(struct sim *sim);
command_fn cmd_ato;

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole simulator in one object. Written from the description of the wire alone; it shares no
 * code with the driver it tests.
 *
 *   main ── loop ──┬─ line (pty, pace) ── parser ── commands ──┬─ module, service
 *                  ├─ control                                  ├─ open, links, server, resolve
 *                  └─ timers                                   ├─ send, receive
 *                                                              └─ online (transparent)
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "control.h"
#include "journal.h"
#include "knobs.h"
#include "line.h"
#include "links.h"
#include "loop.h"
#include "module.h"
#include "online.h"
#include "parser.h"
#include "text.h"
#include "timer.h"

struct sim {
	int64_t now; /* ns, CLOCK_MONOTONIC, of this round of the loop */
	struct knobs knobs;
	struct timers timers;
	struct line line;
	struct journal journal;
	struct parser parser;
	struct module module;
	struct link link[LINKS_MAX];
	struct server server[SERVERS_MAX];
	struct resolver resolver[RESOLVERS_MAX];
	struct send send;
	struct online online;
	struct control control;
	struct {
		long left, sent, received, size, ms, interval;
		char host[256], address[64]; /* as it was asked for, and as it is told */
	} ping;
	char dns_name[256]; /* CDNSGIP in hand */
	unsigned receive_turn; /* which link is read first */
	char held_urcs[2048];
	size_t held_len;
	int signals;
	bool quit;
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * interface.script: a program of the user's that is told what the interface is now. It runs on "up",
 * "change" and "down", one at a time and never through a shell, with the facts in its environment:
 *
 *   GWD_EVENT          up, change or down
 *   GWD_IFNAME         the interface
 *   GWD_FAMILY         4 or 6
 *   GWD_ADDRESS, GWD_PREFIX  of the interface
 *   GWD_DNS            name servers of that family, blank separated: modem.dns, then the network's
 *   GWD_DNS_MODE       dns.mode
 *   GWD_MTU, GWD_METRIC
 *   GWD_DEFAULT_ROUTE  yes or no: whether gwd has made one
 *
 * and PATH; nothing else. "down" has the facts of the last "up" or "change". All values are numbers,
 * addresses made from their bytes, or checked words of the configuration.
 */
#ifndef GWD_SCRIPT_H
#define GWD_SCRIPT_H

#include "config/config.h"
#include "child.h"
#include "util/addr.h"

#define SCRIPT_DNS_MAX 6
#define SCRIPT_LIMIT_S 30. /* of a run */

/* Cleared with memset() before it is filled in: compared as memory. */
struct script_facts {
	bool up;
	bool default_route;
	char ifname[IFNAMSIZ];
	struct addr address;
	unsigned prefix, mtu, metric;
	enum config_dns dns_mode;
	struct addr dns[SCRIPT_DNS_MAX];
	unsigned n_dns;
};

struct script {
	const struct config *config;
	struct child child;
	struct script_facts told, want;
	bool fell; /* it was down since the script was told of an up */
	const char *event; /* the last one, NULL: none yet */
	int status;	   /* of the last one that ended */
	bool ended;	   /* there was one */
	bool stopping;
	void (*idle)(void *user); /* after script_stop(): nothing is left to be done */
	void *user;
};

void script_init(struct script *s, struct ev_loop *loop, const struct config *config);
/* What is true now; NULL: the interface is down. Runs the script if that is news for it; while one
 * runs, the newest state waits, and a down between two ups is told. */
void script_update(struct script *s, const struct script_facts *now);
/* The daemon ends: "down", if it is due, and idle(), maybe at once. Everything is faster than usual: it
 * fits into two and a half seconds. */
void script_stop(struct script *s, void (*idle)(void *user), void *user);
/* At the very end: what still runs is killed. */
void script_free(struct script *s);

#endif

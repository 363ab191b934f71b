/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon: event loop, devices and signals around the gateway.
 */
#ifndef GWD_DAEMON_H
#define GWD_DAEMON_H

#include <ev.h>

#include "at.h"
#include "capture.h"
#include "control.h"
#include "events.h"
#include "gateway.h"
#include "http_server.h"
#include "iface.h"
#include "notify.h"
#include "port.h"
#include "script.h"
#include "bus.h"
#include "child.h"
#include "tun/owner.h"
#include "wait.h"

/* How the program was called; enough to read the configuration again. */
struct invocation {
	const char *file;	   /* -c, or NULL */
	const char *const *assign; /* -o, -d, -a, -i as "section.key=value", in order */
	const char *const *assign_name; /* what to call each in an error */
	unsigned n_assign;
	unsigned verbose; /* -v */
};

/* Defaults, file, command line, checks. 0 or -errno with @err filled in. */
int invocation_config(const struct invocation *inv, struct config *c, struct config_error *err);

struct daemon {
	const struct invocation *inv;
	struct config config;
	struct ev_loop *loop;
	struct gateway *gw;
	struct iface iface;
	struct port ports[UNITS_MAX];
	struct tun_owner_lookup *owners;
	struct control *control;
	struct captures captures;
	struct http_server *metrics; /* NULL: metrics.listen is empty, or failed */
	ev_prepare batch_end;
	ev_timer timer, stop_limit, reopen;
	ev_signal on_term, on_int, on_hup;
	ev_io tun_readable, monitor_readable;
	struct child power;
	struct script script;
	struct notify notify;
	struct events events;
	struct waits waits;
	struct bus *bus; /* NULL: built without it */
	struct at_asker at;
	bool up; /* the interface has carrier and address: what interface.script hears of */
	usec_t up_since; /* when that last changed */
	int exit_code;
	bool settled; /* a batch ended with no work left since the watchdog asked */
	bool stopping, modem_stopped, script_stopped;
};

/* Runs until it is told to stop; the exit status of the process. */
int daemon_run(struct daemon *d, const struct invocation *inv);

/* The interface, or what its script is told of it, may have changed: script, events and whoever waits
 * hear of it. */
void daemon_interface_changed(struct daemon *d);
/* Listens for who wants metrics where the configuration says now. */
void daemon_serve_metrics(struct daemon *d);
/* Listens to the tty if the log or a capture wants the dialogue; after a change of either. */
void daemon_tap(struct daemon *d);

#endif

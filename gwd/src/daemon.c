/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One thread, one event loop. Watchers only read: packets from the TUN into the gateway, bytes from
 * the tty into the modem. All work that follows from a batch of them happens once, right before the
 * loop sleeps again (batch_end), which then writes to the tty and arms the one timer to the nearest
 * deadline. With no flow there is no deadline but the bearer's slow watch, so the daemon sleeps.
 */
#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "dialogue.h"
#include "metrics.h"
#include "modem/tty.h"
#include "pin_memory.h"
#include "reload.h"
#include "report.h"
#include "util/log.h"

#define TUN_BATCH 64	     /* packets read a wake-up: the largest cheap gain there is */
#define STOP_LIMIT_S 3.5     /* the contract says < 4 s */
#define REOPEN_S 1.	     /* between attempts to make a deleted TUN again */
#define POWER_LIMIT_S 120.   /* off, long enough for the capacitors, and on again */
#define ROUNDS_MAX 16	     /* of work that makes work, before the devices get their turn */

/* The contract's exit codes for modem.give_up. */
static int failure_exit(enum modem_failure f)
{
	static const int codes[] = {
		[MODEM_FAILURE_PIN] = 80,
		[MODEM_FAILURE_PUK] = 81,
		[MODEM_FAILURE_SIM] = 82,
		[MODEM_FAILURE_DENIED] = 83,
		[MODEM_FAILURE_APN] = 84,
		[MODEM_FAILURE_IP] = EX_CONFIG, /* modem.ip is not to be had */
	};

	return codes[f];
}

/* The loop ends when the module is left and the script has heard of it. */
static void end_if_idle(struct daemon *d)
{
	if (d->modem_stopped && d->script_stopped)
		ev_break(d->loop, EVBREAK_ALL);
}

static void on_script_idle(void *user)
{
	struct daemon *d = user;

	d->script_stopped = true;
	end_if_idle(d);
}

static void stop(struct daemon *d, int code)
{
	if (d->stopping)
		return;
	d->stopping = true;
	d->exit_code = code;
	notify_phase(&d->notify, NOTIFY_STOPPING);
	ev_timer_start(d->loop, &d->stop_limit);
	gateway_shutdown(d->gw, clock_now());
	script_stop(&d->script, on_script_idle, d);
}

static void note_up(struct daemon *d, bool up)
{
	if (d->up != up)
		d->up_since = clock_now();
	d->up = up;
}

void daemon_interface_changed(struct daemon *d)
{
	const struct unit *u = &d->gw->units[0];
	const struct iface *i = &d->iface;
	struct script_facts f;

	memset(&f, 0, sizeof(f));
	f.address = iface_announced(i, &f.prefix);
	f.up = i->tun.fd >= 0 && i->carrier && f.address.family;
	f.default_route = i->routed;
	note_up(d, f.up);
	memcpy(f.ifname, i->tun.name, sizeof(f.ifname));
	f.mtu = d->config.interface.mtu;
	f.metric = d->config.interface.metric;
	f.dns_mode = d->config.dns.mode;
	for (unsigned k = 0; k < u->n_dns && f.n_dns < SCRIPT_DNS_MAX; k++)
		if (u->dns[k].family == f.address.family)
			f.dns[f.n_dns++] = u->dns[k];
	script_update(&d->script, f.up ? &f : NULL);
	events_interface(&d->events);
	waits_check(&d->waits);
}

static struct json_object *on_bus_status(void *user)
{
	return report_status(user);
}

/* The state for ubus, and the status line of the service manager: "up: 10.0.0.2, LTE, -71 dBm", or why it
 * is not up. */
static void tell_manager(struct daemon *d)
{
	char text[NOTIFY_TEXT_MAX], address[ADDR_STRLEN], signal[24] = "";
	struct modem_status s;
	const char *state;

	if (!d->bus && !notify_wanted(&d->notify))
		return;
	modem_status(d->gw->units[0].modem, &s);
	state = modem_state_name(s.state);
	bus_state(d->bus, state);
	if (s.rssi_dbm)
		snprintf(signal, sizeof(signal), ", %d dBm", s.rssi_dbm);
	if (s.state == MODEM_STATE_UP)
		snprintf(text, sizeof(text), "%s: %s%s%s%s", state, addr_format(&s.address, address),
			s.technology[0] ? ", " : "", s.technology, signal);
	else
		snprintf(text, sizeof(text), "%s%s%s", state, s.reason[0] ? ": " : "", s.reason);
	notify_status(&d->notify, text);
}

/* The watchdog asks: a batch has ended with nothing left to do since it last asked. */
static bool is_sane(void *user)
{
	struct daemon *d = user;
	bool sane = d->settled;

	d->settled = false;
	return sane;
}

/* ---- gateway callbacks ---- */

static void on_output(void *user, const struct iovec *iov, int n)
{
	struct daemon *d = user;

	capture_packet(&d->captures, false, iov, n);
	iface_output(&d->iface, iov, n);
}

static int on_owner(void *user, bool tcp, const struct endpoint *local,
	const struct endpoint *remote, struct tun_owner *out)
{
	struct daemon *d = user;

	return tcp ? tun_owner_tcp(d->owners, local, remote, out) :
		     tun_owner_udp(d->owners, local, remote, out);
}

/* modem.give_up */
static bool is_hopeless(const struct daemon *d, enum modem_failure f)
{
	switch (d->config.modem.give_up) {
	case CONFIG_GIVE_UP_YES:
		return f != MODEM_FAILURE_NONE;
	case CONFIG_GIVE_UP_PIN:
		return f == MODEM_FAILURE_PIN || f == MODEM_FAILURE_PUK;
	default:
		return false;
	}
}

static void on_bearer(void *user, struct unit *u, const struct modem_bearer *b)
{
	struct daemon *d = user;

	events_bearer(&d->events, u, b);
	iface_bearer(&d->iface, u->up ? &u->address : NULL);
	daemon_interface_changed(d);
	tell_manager(d);
	if (!d->stopping && is_hopeless(d, b->failure)) {
		log_error("modem%u: giving up: %s (%s)", u->index, modem_failure_name(b->failure),
			b->reason);
		stop(d, failure_exit(b->failure));
	}
}

static void on_power_cycle(void *user, struct unit *u)
{
	struct daemon *d = user;
	char copy[CONFIG_TEXT_MAX], *argv[32], *save = NULL;
	unsigned n = 0;
	int rc = -EINVAL;

	snprintf(copy, sizeof(copy), "%s", d->config.modem.power_command);
	for (char *w = strtok_r(copy, " ", &save); w && n < 31; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	if (n > 0)
		rc = child_run(&d->power, argv, environ, POWER_LIMIT_S);
	if (rc < 0) {
		log_error("modem%u: power_command %s: %s", u->index, d->config.modem.power_command,
			strerror(-rc));
		gateway_power_done(u, clock_now(), 127);
		return;
	}
	log_warn("modem%u: running power_command %s", u->index, d->config.modem.power_command);
	d->power.user = u;
}

static void on_power_done(struct child *s, int status)
{
	struct unit *u = s->user;
	char text[CHILD_STATUS_LEN];

	log_info("modem%u: power_command ended with %s", u->index, child_status(status, text));
	gateway_power_done(u, clock_now(), status);
}

static size_t on_unsent(void *user, struct unit *u)
{
	struct daemon *d = user;

	return port_unsent(&d->ports[u->index]);
}

static void on_dtr(void *user, struct unit *u, bool on)
{
	struct daemon *d = user;

	port_dtr(&d->ports[u->index], on);
}

static const char *on_pin_try(void *user, const char *pin, const char *iccid, int tries)
{
	const struct daemon *d = user;
	const struct pin_memory memory = {d->config.modem.state_dir, d->config.modem.pin_force};

	return pin_memory_try(&memory, pin, iccid, tries);
}

static void on_pin_accepted(void *user, const char *iccid)
{
	const struct daemon *d = user;

	pin_memory_forget(d->config.modem.state_dir, iccid);
}

static void on_tap(void *user, struct unit *u, const struct modem_tap *t)
{
	struct daemon *d = user;
	char text[DIALOGUE_LEN];

	log_trace("modem%u: %s", u->index, dialogue_text(text, t, d->config.log.payload));
	capture_dialogue(&d->captures, t);
}

static void on_stopped(void *user)
{
	struct daemon *d = user;

	d->modem_stopped = true;
	end_if_idle(d);
}

static void on_random(void *user, void *buf, size_t n)
{
	(void)user;
	/* Up to 256 bytes are never cut short once the pool is ready (getrandom(2)). */
	while (getrandom(buf, n, 0) < 0 && errno == EINTR)
		;
}

static void on_at_done(void *user, struct unit *u, const struct modem_at_answer *a)
{
	struct daemon *d = user;

	(void)u;
	at_done(&d->at, a);
}

static void on_event(void *user, const struct gateway_event *e)
{
	struct daemon *d = user;

	events_gateway(&d->events, e);
}

static const struct gateway_ops gateway_callbacks = {
	.output = on_output,
	.owner = on_owner,
	.bearer = on_bearer,
	.power_cycle = on_power_cycle,
	.unsent = on_unsent,
	.dtr = on_dtr,
	.pin_try = on_pin_try,
	.pin_accepted = on_pin_accepted,
	.tap = on_tap,
	.stopped = on_stopped,
	.random = on_random,
	.at_done = on_at_done,
	.event = on_event,
};

void daemon_tap(struct daemon *d)
{
	for (unsigned i = 0; i < d->gw->n_units; i++)
		modem_set_tap(d->gw->units[i].modem,
			log_get_level() >= LOG_LEVEL_TRACE || d->captures.wants[CAPTURE_AT]);
}

/* ---- TUN ---- */

static int tun_start(struct daemon *d)
{
	int rc = iface_open(&d->iface, &d->config);

	if (rc < 0)
		return rc;
	/* Sockets that are bound to the device are found only by a look-up that names it. */
	tun_owner_set_interface(d->owners, d->iface.tun.ifindex);
	ev_io_set(&d->tun_readable, d->iface.tun.fd, EV_READ);
	ev_io_start(d->loop, &d->tun_readable);
	ev_io_set(&d->monitor_readable, tun_monitor_fd(d->iface.monitor), EV_READ);
	ev_io_start(d->loop, &d->monitor_readable);
	return 0;
}

/* The device is gone or broken: never retry the read, make a new one in a second. */
static void tun_lost(struct daemon *d, const char *why)
{
	if (d->iface.tun.fd < 0 || d->stopping)
		return;
	log_error("%s: the device is lost (%s); making it again", d->iface.tun.name, why);
	ev_io_stop(d->loop, &d->tun_readable);
	ev_io_stop(d->loop, &d->monitor_readable);
	iface_close(&d->iface);
	daemon_interface_changed(d);
	flow_reset_all(d->gw);
	ev_timer_set(&d->reopen, REOPEN_S, 0.);
	ev_timer_start(d->loop, &d->reopen);
}

static void on_reopen(struct ev_loop *loop, ev_timer *w, int events)
{
	struct daemon *d = w->data;
	const struct unit *u = &d->gw->units[0];

	(void)loop, (void)events;
	if (tun_start(d) < 0) {
		stop(d, EX_OSERR);
		return;
	}
	iface_bearer(&d->iface, u->up ? &u->address : NULL);
	daemon_interface_changed(d);
}

static void on_tun(struct ev_loop *loop, ev_io *w, int events)
{
	struct daemon *d = w->data;
	uint8_t packet[9216]; /* interface.mtu is at most 9000 */
	usec_t now = clock_now();

	(void)loop, (void)events;
	for (unsigned i = 0; i < TUN_BATCH; i++) {
		ssize_t n = tun_read(&d->iface.tun, packet, sizeof(packet));

		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n < 0) {
			tun_lost(d, strerror((int)-n));
			return;
		}
		capture_packet(&d->captures, true, &(struct iovec){packet, (size_t)n}, 1);
		gateway_packet(d->gw, now, packet, (size_t)n);
	}
}

static void on_monitor(struct ev_loop *loop, ev_io *w, int events)
{
	struct daemon *d = w->data;
	int rc = tun_monitor_process(d->iface.monitor);

	(void)loop, (void)events;
	if (d->iface.deleted)
		tun_lost(d, "it was deleted");
	else if (rc < 0 && rc != -EAGAIN)
		tun_lost(d, strerror(-rc));
	else
		daemon_interface_changed(d); /* somebody may have taken our route away */
}

/* ---- loop ---- */

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop, (void)w, (void)events; /* the work is done by batch_end */
}

static void on_batch_end(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct daemon *d = w->data;
	usec_t now = clock_now(), at = 0;

	(void)events;
	for (unsigned i = 0; i < ROUNDS_MAX && at <= now; i++) {
		now = clock_now();
		gateway_run(d->gw, now);
		for (unsigned k = 0; k < d->gw->n_units; k++)
			port_flush(&d->ports[k]);
		at = gateway_deadline(d->gw);
	}
	ev_timer_stop(loop, &d->timer);
	now = clock_now();
	d->settled = d->settled || at > now;
	if (at == USEC_NEVER)
		return;
	ev_now_update(loop);
	ev_timer_set(&d->timer, at > now ? (double)(at - now) * 1e-6 : 0., 0.);
	ev_timer_start(loop, &d->timer);
}

static void on_stop_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *d = w->data;

	(void)loop, (void)events;
	log_info("stopping (signal %d)", w->signum);
	stop(d, EX_OK);
}

static void on_stop_limit(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w, (void)events;
	log_warn("the module did not confirm the end in time");
	ev_break(loop, EVBREAK_ALL);
}

/* ---- metrics ---- */

static char *metrics_page(void *user, size_t *n)
{
	const struct daemon *d = user;

	d->gw->now = clock_now();
	return metrics_text(d, n);
}

/* A port that somebody else has costs the figures, not the interface. */
void daemon_serve_metrics(struct daemon *d)
{
	const char *where = d->config.metrics.listen;
	int rc;

	if (d->metrics && strcmp(where, http_server_where(d->metrics)) == 0)
		return;
	http_server_free(d->metrics);
	d->metrics = NULL;
	if (!where[0])
		return;
	rc = http_server_new(&d->metrics, d->loop, where, METRICS_TYPE, metrics_page, d);
	if (rc < 0)
		log_error("metrics.listen: %s: %s; going on without", where, strerror(-rc));
}

/* ---- reload ---- */

static void on_hup(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *d = w->data;
	struct config_error err;

	(void)loop, (void)events;
	json_object_put(reload_run(d, &err));
}

/* ---- start and end ---- */

static void watchers_init(struct daemon *d)
{
	ev_prepare_init(&d->batch_end, on_batch_end);
	ev_timer_init(&d->timer, on_timer, 0., 0.);
	ev_timer_init(&d->stop_limit, on_stop_limit, STOP_LIMIT_S, 0.);
	ev_timer_init(&d->reopen, on_reopen, REOPEN_S, 0.);
	ev_signal_init(&d->on_term, on_stop_signal, SIGTERM);
	ev_signal_init(&d->on_int, on_stop_signal, SIGINT);
	ev_signal_init(&d->on_hup, on_hup, SIGHUP);
	ev_init(&d->tun_readable, on_tun);
	ev_init(&d->monitor_readable, on_monitor);
	child_init(&d->power, d->loop, "modem.power_command", on_power_done, NULL);
	script_init(&d->script, d->loop, &d->config);
	events_init(&d->events, d);
	waits_init(&d->waits, d);
	d->batch_end.data = d->timer.data = d->reopen.data = d->stop_limit.data = d;
	d->on_term.data = d->on_int.data = d->on_hup.data = d;
	d->tun_readable.data = d->monitor_readable.data = d;
}

static int start_gateway(struct daemon *d)
{
	struct gateway_secrets secrets = {0};
	struct config_error err;
	int rc = 0;

	if (d->config.modem.pin_file[0])
		rc = config_read_pin(d->config.modem.pin_file, secrets.pin, &err);
	if (rc == 0)
		rc = config_read_password(&d->config, secrets.password, &err);
	if (rc < 0) {
		explicit_bzero(&secrets, sizeof(secrets));
		log_error("%s", err.text);
		return EX_CONFIG;
	}
	rc = gateway_new(&d->gw, &d->config, &secrets, &gateway_callbacks, d, clock_now());
	explicit_bzero(&secrets, sizeof(secrets));
	if (rc < 0) {
		log_error("cannot start: %s", strerror(-rc));
		return EX_OSERR;
	}
	return EX_OK;
}

static int start(struct daemon *d)
{
	int rc;

	if (!tty_baud_valid(d->config.modem.baud)) {
		log_error("modem.baud: expected a speed this system knows (115200, 921600, ...), got %u",
			d->config.modem.baud);
		return EX_CONFIG;
	}
	rc = start_gateway(d);
	if (rc != EX_OK)
		return rc;
	d->up_since = d->gw->now;
	rc = tun_owner_lookup_new(&d->owners);
	if (rc < 0) {
		log_error("inet_diag: %s", strerror(-rc));
		return EX_OSERR;
	}
	rc = tun_start(d);
	if (rc < 0)
		return rc == -EPERM || rc == -EACCES ? EX_NOPERM : EX_OSERR;
	rc = control_new(&d->control, d);
	if (rc < 0)
		return rc == -EACCES || rc == -EPERM ? EX_NOPERM : EX_OSERR;
	daemon_tap(d);
	daemon_serve_metrics(d);
	for (unsigned i = 0; i < d->gw->n_units; i++) {
		port_init(&d->ports[i], d->loop, &d->config, &d->gw->units[i]);
		port_start(&d->ports[i]);
	}
	ev_prepare_start(d->loop, &d->batch_end);
	ev_signal_start(d->loop, &d->on_term);
	ev_signal_start(d->loop, &d->on_int);
	ev_signal_start(d->loop, &d->on_hup);
	log_info("gwd %s: %s over %s", GWD_VERSION, d->iface.tun.name, d->config.modem.device);
	d->bus = bus_new(d->loop, d->iface.tun.name, on_bus_status, d);
	tell_manager(d);
	notify_phase(&d->notify, NOTIFY_READY);
	return EX_OK;
}

int daemon_run(struct daemon *d, const struct invocation *inv)
{
	d->inv = inv;
	d->iface.tun.fd = -1;
	d->loop = ev_default_loop(EVFLAG_AUTO);
	if (!d->loop) {
		log_error("no event loop");
		return EX_OSERR;
	}
	signal(SIGPIPE, SIG_IGN);
	watchers_init(d);
	notify_open(&d->notify, d->loop, is_sane, d);
	d->exit_code = start(d);
	if (d->exit_code == EX_OK)
		ev_run(d->loop, 0);

	for (unsigned i = 0; i < UNITS_MAX; i++)
		if (d->ports[i].loop)
			port_stop(&d->ports[i]);
	child_stop(&d->power);
	script_free(&d->script);
	if (d->control)
		control_free(d->control);
	http_server_free(d->metrics);
	gateway_free(d->gw);
	iface_close(&d->iface);
	if (d->owners)
		tun_owner_lookup_free(d->owners);
	notify_close(&d->notify);
	bus_free(d->bus);
	ev_loop_destroy(d->loop);
	if (d->exit_code == EX_OK && d->stopping)
		log_info("stopped");
	return d->exit_code;
}

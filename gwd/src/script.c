/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the script was told last (told) and what is true now (want) decide what it is run for next:
 *
 *   told   fell or not want   ->  "down"
 *   not told, want            ->  "up"
 *   told and want differ      ->  "change"
 *
 * That is looked at after each update and each end of a run, so that events gather while one runs.
 */
#include "script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"

#define STOP_RUN_S 0.5	/* for what runs when the daemon ends, */
#define STOP_DOWN_S 1.2 /* and for its "down"; with child_hurry()'s grace 2.3 s */
#define VARIABLES 12

struct environment {
	char *v[VARIABLES + 1];
	unsigned n;
	char text[VARIABLES][512];
};

static void put(struct environment *e, const char *name, const char *value)
{
	if (e->n == VARIABLES)
		return;
	snprintf(e->text[e->n], sizeof(e->text[0]), "%s=%s", name, value);
	e->v[e->n] = e->text[e->n];
	e->v[++e->n] = NULL;
}

static void put_number(struct environment *e, const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	put(e, name, text);
}

static const char *dns_text(const struct script_facts *f, char *buf, size_t size)
{
	char text[ADDR_STRLEN];
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < f->n_dns && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "",
			addr_format(&f->dns[i], text));
	return buf;
}

static void describe(struct environment *e, const char *event, const struct script_facts *f)
{
	static const char *const modes[] = {
		[CONFIG_DNS_AUTO] = "auto", [CONFIG_DNS_UDP] = "udp", [CONFIG_DNS_TCP] = "tcp",
		[CONFIG_DNS_MODEM] = "modem",
	};
	char text[ADDR_STRLEN], dns[SCRIPT_DNS_MAX * ADDR_STRLEN];

	put(e, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	put(e, "GWD_EVENT", event);
	put(e, "GWD_IFNAME", f->ifname);
	put_number(e, "GWD_FAMILY", f->address.family);
	put(e, "GWD_ADDRESS", addr_format(&f->address, text));
	put_number(e, "GWD_PREFIX", f->prefix);
	put(e, "GWD_DNS", dns_text(f, dns, sizeof(dns)));
	put(e, "GWD_DNS_MODE", modes[f->dns_mode]);
	put_number(e, "GWD_MTU", f->mtu);
	put_number(e, "GWD_METRIC", f->metric);
	put(e, "GWD_DEFAULT_ROUTE", f->default_route ? "yes" : "no");
}

static void run(struct script *s, const char *event, const struct script_facts *f)
{
	char path[CONFIG_TEXT_MAX];
	char *argv[] = {path, NULL};
	struct environment e = {0};
	int rc;

	snprintf(path, sizeof(path), "%s", s->config->interface.script);
	describe(&e, event, f);
	s->event = event;
	s->ended = false;
	rc = child_run(&s->child, argv, e.v, SCRIPT_LIMIT_S);
	if (rc < 0)
		log_error("interface.script %s: %s: %s", path, event, strerror(-rc));
	else
		log_info("interface.script: %s", event);
	if (s->stopping)
		child_hurry(&s->child, STOP_DOWN_S);
}

static bool same(const struct script_facts *a, const struct script_facts *b)
{
	if (a->up != b->up || a->default_route != b->default_route || a->prefix != b->prefix ||
		a->mtu != b->mtu || a->metric != b->metric || a->dns_mode != b->dns_mode ||
		a->n_dns != b->n_dns || strcmp(a->ifname, b->ifname) != 0 ||
		!addr_equal(&a->address, &b->address))
		return false;
	for (unsigned i = 0; i < a->n_dns; i++)
		if (!addr_equal(&a->dns[i], &b->dns[i]))
			return false;
	return true;
}

/* What it has to be run for; @facts to be told then. NULL: nothing. */
static const char *due(const struct script *s, const struct script_facts **facts)
{
	if (s->told.up && (s->fell || !s->want.up)) {
		*facts = &s->told;
		return "down";
	}
	*facts = &s->want;
	if (s->want.up && !s->told.up)
		return "up";
	return s->want.up && !same(&s->want, &s->told) ? "change" : NULL;
}

/* Without a script, what it would have been told counts as told: one that a reload brings hears of
 * the next news, not of old ones. */
static void proceed(struct script *s)
{
	const struct script_facts *facts;
	const char *event;

	while (!child_running(&s->child) && (event = due(s, &facts))) {
		if (s->config->interface.script[0])
			run(s, event, facts);
		s->fell = false;
		if (facts == &s->told)
			memset(&s->told, 0, sizeof(s->told));
		else
			s->told = s->want;
	}
	if (s->stopping && !child_running(&s->child))
		s->idle(s->user);
}

static void on_done(struct child *child, int status)
{
	struct script *s = child->user;
	char text[CHILD_STATUS_LEN];

	s->status = status;
	s->ended = true;
	if (status)
		log_warn("interface.script: %s ended with %s", s->event, child_status(status, text));
	proceed(s);
}

void script_init(struct script *s, struct ev_loop *loop, const struct config *config)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	child_init(&s->child, loop, "interface.script", on_done, s);
}

void script_update(struct script *s, const struct script_facts *now)
{
	if (s->stopping)
		return;
	if (now && now->up) {
		memcpy(&s->want, now, sizeof(s->want));
	} else {
		memset(&s->want, 0, sizeof(s->want));
		s->fell = s->told.up;
	}
	proceed(s);
}

void script_stop(struct script *s, void (*idle)(void *user), void *user)
{
	script_update(s, NULL);
	s->stopping = true;
	s->idle = idle;
	s->user = user;
	child_hurry(&s->child, s->told.up ? STOP_RUN_S : STOP_DOWN_S);
	proceed(s);
}

void script_free(struct script *s)
{
	child_stop(&s->child);
}

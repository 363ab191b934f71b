/* SPDX-License-Identifier: BSD-3-Clause */
#include "wait.h"

#include <string.h>

#include "daemon.h"
#include "json.h"
#include "requests.h"

#define LIMIT_DEFAULT_S 60
#define LIMIT_MAX_S 86400

static void release(struct waiter *w)
{
	ev_timer_stop(w->all->d->loop, &w->limit);
	w->client = NULL;
}

static void reached(struct client *c, bool up)
{
	struct json_object *o = json_object_new_object();

	json_add_text(o, "state", up ? "up" : "down");
	client_answer(c, "wait", o);
}

static void late(struct client *c, bool up)
{
	client_error(c, "timeout", "the interface is still %s; expected %s", up ? "down" : "up",
		up ? "up" : "down");
}

static void on_limit(struct ev_loop *loop, ev_timer *t, int events)
{
	struct waiter *w = t->data;
	struct client *c = w->client;

	(void)loop, (void)events;
	release(w);
	late(c, w->up);
}

static void on_gone(struct client *c, void *user)
{
	struct waits *all = user;

	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++)
		if (all->waiters[i].client == c)
			release(&all->waiters[i]);
}

void waits_init(struct waits *w, struct daemon *d)
{
	*w = (struct waits){.d = d};
	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++) {
		w->waiters[i].all = w;
		w->waiters[i].limit.data = &w->waiters[i];
		ev_timer_init(&w->waiters[i].limit, on_limit, 0., 0.);
	}
}

void waits_check(struct waits *w)
{
	for (unsigned i = 0; i < CLIENTS_KEPT_MAX; i++) {
		struct client *c = w->waiters[i].client;

		if (!c || w->waiters[i].up != w->d->up)
			continue;
		release(&w->waiters[i]);
		reached(c, w->d->up);
	}
}

static void begin(struct waits *all, struct client *c, bool up, int64_t limit)
{
	struct waiter *w = all->waiters;

	if (!client_keep(c, CLIENT_WAITS, on_gone, all))
		return;
	while (w->client) /* there are as many places as clients that are kept, this one among them */
		w++;
	w->client = c;
	w->up = up;
	ev_now_update(all->d->loop);
	ev_timer_set(&w->limit, (double)limit, 0.);
	ev_timer_start(all->d->loop, &w->limit);
}

void wait_request(struct client *c, struct json_object *request)
{
	struct waits *all = &client_daemon(c)->waits;
	const char *what = "";
	int64_t limit = LIMIT_DEFAULT_S;
	bool up;

	if (!request_text(c, request, "for", &what) ||
		!request_number(c, request, "timeout_s", 0, LIMIT_MAX_S, &limit))
		return;
	up = strcmp(what, "up") == 0;
	if (!up && strcmp(what, "down") != 0)
		client_error(c, "bad_argument", "for: expected up or down");
	else if (all->d->up == up)
		reached(c, up);
	else if (limit == 0)
		late(c, up);
	else
		begin(all, c, up, limit);
}

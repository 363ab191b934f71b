/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "daemon.h"
#include "listen.h"
#include "util/log.h"

#define GROUPS_MAX 256 /* of a peer; with more it may only look */
#define RESUME_S 1. /* out of file descriptors: accept again then */

struct control {
	struct daemon *d;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
	gid_t group, made; /* of the socket file: now; when it was made */
	ev_io acceptable;
	ev_timer resume;
	struct client clients[CLIENTS_MAX];
};

/* ---- clients ---- */

/* A free place, or that of the client that was silent for longest: silent ones must not shut the
 * others out. There always is one, since not all may be kept. */
static struct client *client_place(struct control *control)
{
	struct client *oldest = NULL;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &control->clients[i];

		if (c->fd < 0)
			return c;
		if (c->use == CLIENT_ASKS && (!oldest || c->active < oldest->active))
			oldest = c;
	}
	client_blame(oldest, "too many clients; the one silent for longest is closed");
	client_close(oldest);
	return oldest;
}

/* Who got past the socket's mode may look. To change things it takes root, the daemon's own user, or
 * the socket's group: an operator who opens the mode to more people lets them look only. */
static bool may_steer(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	gid_t groups[GROUPS_MAX];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == control->group)
		return true;
	n = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (unsigned i = 0; i < n / sizeof(groups[0]); i++)
		if (groups[i] == control->group)
			return true;
	return false;
}

static void on_resume(struct ev_loop *loop, ev_timer *w, int events)
{
	struct control *control = w->data;

	(void)events;
	ev_io_start(loop, &control->acceptable);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct control *control = w->data;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		/* Out of descriptors the socket stays readable: come back later instead of at once. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			ev_io_stop(loop, &control->acceptable);
			ev_timer_start(loop, &control->resume);
		}
		return;
	}
	client_open(client_place(control), fd, may_steer(control, fd), clock_now());
}

/* ---- socket ---- */

int control_group(const char *name, gid_t *gid)
{
	const struct group *g;
	unsigned long n;
	char *end;

	if (!*name) {
		*gid = getegid();
		return 0;
	}
	n = strtoul(name, &end, 10);
	if (*end == '\0' && isdigit((unsigned char)name[0]) && n < UINT32_MAX) {
		*gid = (gid_t)n;
		return 0;
	}
	g = getgrnam(name);
	if (g)
		*gid = g->gr_gid;
	return g ? 0 : -ENOENT;
}

/* Without CAP_CHOWN a process can give its files to groups it is a member of. */
static int set_group(struct control *c)
{
	const char *name = c->d->config.control.group;
	gid_t gid = c->made;
	int rc = *name ? control_group(name, &gid) : 0;

	if (rc == 0 && gid != c->group && lchown(c->path, (uid_t)-1, gid) < 0)
		rc = -errno;
	if (rc == 0)
		c->group = gid;
	else
		log_error("control.group: %s: %s%s", name, strerror(-rc),
			rc == -EPERM ? " (expected a group that this user is a member of)" : "");
	return rc;
}

void control_regroup(struct control *c)
{
	set_group(c);
}

static int listen_at(struct control *c)
{
	struct stat st;
	int rc;

	c->fd = listen_unix(c->path, CLIENTS_MAX);
	if (c->fd < 0)
		return c->fd;
	if (lstat(c->path, &st) < 0)
		return -errno;
	c->group = c->made = st.st_gid; /* that of the folder, if it is setgid */
	rc = set_group(c);
	if (rc < 0)
		unlink(c->path);
	return rc;
}

/* The default's folder is made here; any other is the operator's business. */
static int choose_path(struct control *c)
{
	const struct config *config = &c->d->config;
	int n;

	if (config->control.socket[0]) {
		n = snprintf(c->path, sizeof(c->path), "%s", config->control.socket);
	} else {
		n = snprintf(c->path, sizeof(c->path), GWD_RUN_DIR "/%s.sock", c->d->iface.tun.name);
		if (mkdir(GWD_RUN_DIR, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return n < (int)sizeof(c->path) ? 0 : -ENAMETOOLONG;
}

int control_new(struct control **out, struct daemon *d)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->d = d;
	c->fd = -1;
	clients_init(c->clients, d, d->loop);
	rc = choose_path(c);
	if (rc == 0)
		rc = listen_at(c);
	if (rc < 0) {
		log_error("control socket %s: %s%s", c->path, strerror(-rc),
			rc == -EADDRINUSE ? " (another gwd serves it)" : "");
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return rc;
	}
	ev_io_init(&c->acceptable, on_accept, c->fd, EV_READ);
	ev_timer_init(&c->resume, on_resume, RESUME_S, 0.);
	c->acceptable.data = c->resume.data = c;
	ev_io_start(d->loop, &c->acceptable);
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		client_close(&c->clients[i]);
	ev_io_stop(c->d->loop, &c->acceptable);
	ev_timer_stop(c->d->loop, &c->resume);
	close(c->fd);
	unlink(c->path);
	free(c);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/log.h"

#define GRACE_S 2.   /* between SIGTERM and SIGKILL */
#define HURRY_S 0.3  /* the same when the daemon ends */
#define LINES_MAX 100 /* of one run in the log */
#define READS_MAX 64 /* of output left behind by a program that has ended */

static void print_line(struct child *s)
{
	char text[4 * sizeof(s->line) + 8];
	size_t n = s->n;

	s->n = 0;
	if (n == 0 || s->lines > LINES_MAX)
		return;
	if (s->lines++ < LINES_MAX)
		log_info("%s: %s", s->name, log_quote(text, sizeof(text), s->line, n));
	else
		log_warn("%s: prints too much; the rest is not shown", s->name);
}

/* -EAGAIN when there is no more now, 0 at the end of the file. */
static ssize_t read_output(struct child *s)
{
	char buf[1024];
	ssize_t got = read(s->fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < got; i++) {
		if (s->n == sizeof(s->line))
			print_line(s);
		if (buf[i] == '\n')
			print_line(s);
		else
			s->line[s->n++] = buf[i];
	}
	return got < 0 ? -errno : got;
}

static void close_output(struct child *s)
{
	ev_io_stop(s->loop, &s->output);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	print_line(s);
}

static void on_output(struct ev_loop *loop, ev_io *w, int events)
{
	struct child *s = w->data;
	ssize_t got = read_output(s);

	(void)loop, (void)events;
	if (got == 0 || (got < 0 && got != -EAGAIN && got != -EINTR))
		close_output(s);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
	struct child *s = w->data;

	(void)events;
	log_warn("%s: still running; %s", s->name, s->terminated ? "killing it" : "stopping it");
	kill(-s->pid, s->terminated ? SIGKILL : SIGTERM);
	ev_timer_stop(loop, w);
	if (!s->terminated) {
		ev_timer_set(w, s->grace_s, 0.);
		ev_timer_start(loop, w);
	}
	s->terminated = true;
}

/* What it left behind in its group may live on; what the pipe still holds is shown. */
static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
	struct child *s = w->data;

	(void)events;
	ev_child_stop(loop, w);
	ev_timer_stop(loop, &s->limit);
	for (unsigned i = 0; s->fd >= 0 && i < READS_MAX && read_output(s) > 0; i++)
		;
	close_output(s);
	s->pid = 0;
	s->done(s, w->rstatus);
}

void child_init(struct child *s, struct ev_loop *loop, const char *name,
	void (*done)(struct child *s, int status), void *user)
{
	*s = (struct child){.loop = loop, .name = name, .done = done, .user = user, .fd = -1};
	ev_init(&s->watcher, on_child);
	ev_init(&s->limit, on_limit);
	ev_init(&s->output, on_output);
	s->watcher.data = s->limit.data = s->output.data = s;
}

/* Signals as after a boot, a group of its own, and only these three files. */
static int start(pid_t *pid, int out, char *const argv[], char *const envp[])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t set;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_adddup2(&files, out, 2);
	posix_spawnattr_setflags(&attr,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attr, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	rc = posix_spawn(pid, argv[0], &files, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -rc;
}

int child_run(struct child *s, char *const argv[], char *const envp[], double limit_s)
{
	int pipes[2], rc;

	if (s->pid)
		return -EBUSY;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	rc = start(&s->pid, pipes[1], argv, envp);
	close(pipes[1]);
	if (rc < 0) {
		close(pipes[0]);
		s->pid = 0;
		return rc;
	}
	s->fd = pipes[0];
	s->n = s->lines = 0;
	s->terminated = false;
	s->grace_s = GRACE_S;
	ev_io_set(&s->output, s->fd, EV_READ);
	ev_io_start(s->loop, &s->output);
	ev_child_set(&s->watcher, s->pid, 0);
	ev_child_start(s->loop, &s->watcher);
	ev_timer_set(&s->limit, limit_s, 0.);
	ev_timer_start(s->loop, &s->limit);
	return 0;
}

bool child_running(const struct child *s)
{
	return s->pid != 0;
}

void child_hurry(struct child *s, double limit_s)
{
	if (!s->pid)
		return;
	ev_timer_stop(s->loop, &s->limit);
	s->grace_s = HURRY_S;
	ev_timer_set(&s->limit, limit_s, 0.);
	ev_timer_start(s->loop, &s->limit);
}

void child_stop(struct child *s)
{
	if (!s->pid)
		return;
	kill(-s->pid, SIGKILL);
	ev_child_stop(s->loop, &s->watcher);
	ev_timer_stop(s->loop, &s->limit);
	close_output(s);
	s->pid = 0;
}

const char *child_status(int status, char buf[CHILD_STATUS_LEN])
{
	if (WIFSIGNALED(status))
		snprintf(buf, CHILD_STATUS_LEN, "signal %d (%.40s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(buf, CHILD_STATUS_LEN, "exit status %d", WEXITSTATUS(status));
	return buf;
}

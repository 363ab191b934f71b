/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One program at a time, run with a limit: in a process group of its own, with stdin from /dev/null, no
 * file of ours open, and what it prints in our log. Nothing waits for it; its end is a callback.
 */
#ifndef GWD_CHILD_H
#define GWD_CHILD_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct child {
	struct ev_loop *loop;
	const char *name; /* for the log; must live as long as this */
	/* @status as of waitpid(2). */
	void (*done)(struct child *s, int status);
	void *user;
	pid_t pid; /* 0: nothing runs */
	ev_child watcher;
	ev_timer limit;
	ev_io output;
	int fd;
	double grace_s;	 /* between SIGTERM and SIGKILL */
	bool terminated; /* SIGTERM was sent */
	unsigned lines;	 /* printed in this run */
	size_t n;
	char line[200];
};

void child_init(struct child *s, struct ev_loop *loop, const char *name,
	void (*done)(struct child *s, int status), void *user);
/* Both arrays end with NULL; argv[0] is a path. After @limit_s seconds the group gets SIGTERM, two
 * seconds later SIGKILL. 0, -EBUSY while one runs, or another -errno (then done() is not called). */
int child_run(struct child *s, char *const argv[], char *const envp[], double limit_s);
bool child_running(const struct child *s);
/* Its limit is over in so many seconds at the latest, and its grace is shorter then. */
void child_hurry(struct child *s, double limit_s);
/* SIGKILL now, for the end of the daemon: done() is not called. */
void child_stop(struct child *s);
/* "exit status 1", "signal 15 (Terminated)" in a buffer of CHILD_STATUS_LEN bytes. */
#define CHILD_STATUS_LEN 64
const char *child_status(int status, char buf[CHILD_STATUS_LEN]);

#endif

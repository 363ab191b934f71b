/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl: what a command is, and what it gets.
 *
 * A command is one file that defines a struct command, and its line in commands.h. The row is all
 * there is to say about it: main.c takes the command line apart by it and prints its help; the
 * completions are tested against that help.
 *
 * run() is called once, and what it returns is gwctl's exit status. It prints its result to stdout
 * and, when there is none, one line to stderr.
 */
#ifndef GWD_CTL_H
#define GWD_CTL_H

#include <stdbool.h>
#include <stdio.h>

/* gwctl's exit status; 0 is fine. `gwctl check` has its own, those of monitoring plugins. */
enum { CTL_OK, CTL_FAILED, CTL_USAGE, CTL_NOT_RUNNING, CTL_TIMED_OUT };

#define CTL_FLAGS_MAX 8

struct ctl_flag {
	char letter; /* unique in its command, and none of the global ones: s j h V */
	const char *name; /* --name */
	const char *arg; /* what its argument is called; NULL: it has none */
	const char *help;
};

struct ctl;

struct command {
	const char *name;
	const char *args; /* its positional arguments, as in the synopsis; "" for none */
	int args_min, args_max;
	const char *help; /* one line, no full stop, at most 58 columns */
	int usage_status; /* for a wrong command line, where it is not CTL_USAGE; 0: it is */
	struct ctl_flag flags[CTL_FLAGS_MAX]; /* one without a name ends them */
	int (*run)(const struct ctl *ctl);
};

/* The command line, taken apart. All pointers live as long as the program. */
struct ctl {
	const char *socket; /* NULL: the default, see client.h */
	bool json; /* print gwd's answer as JSON */
	bool color; /* on stdout */
	const struct command *command;
	int argc; /* positional arguments behind the command's name, as many as the row allows */
	char **argv;
	const char *values[CTL_FLAGS_MAX]; /* see ctl_value() */
};

/* The argument of a flag of the command's row; "" for one without argument; NULL: not given. */
const char *ctl_value(const struct ctl *ctl, char letter);
static inline bool ctl_given(const struct ctl *ctl, char letter)
{
	return ctl_value(ctl, letter) != NULL;
}

/*
 * The argument of a flag as a whole number within limits into *n, which is left alone when the flag
 * was not given. CTL_OK, or the exit status after saying so.
 */
int ctl_number(const struct ctl *ctl, char letter, long min, long max, long *n);

/* Says what is wrong with the command line and how to see the help. The exit status for it. */
int ctl_usage(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

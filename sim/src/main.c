/* SPDX-License-Identifier: BSD-3-Clause */
/* a76sim: a SIMCom A76XX module on a pty, with real sockets behind it. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define ASSIGNMENTS_MAX 256

struct options {
	const char *link, *control, *record, *profile;
	const char *assignment[ASSIGNMENTS_MAX];
	char baud[32], seed[32];
	int assignments;
};

static const char usage[] =
	"usage: a76sim --link PATH [--baud N] [--profile NAME] [--set KNOB=VALUE]...\n"
	"              [--seed N] [--control PATH] [--record PATH]\n"
	"       a76sim --list-knobs[=markdown] | --help | --version\n"
	"\n"
	"  --link PATH      symlink to the pty that a host opens\n"
	"  --baud N         line rate, 0 for no pacing (115200)\n"
	"  --profile NAME   a7670e (default), sim7600, fast\n"
	"  --set K=V        sets a knob; K@KEY=V for one destination or name\n"
	"  --seed N         seed of everything random (default: the clock)\n"
	"  --control PATH   Unix socket that takes commands (try: help)\n"
	"  --record PATH    file for the whole dialogue\n";

static int __attribute__((format(printf, 1, 2))) bad_usage(const char *format, ...)
{
	va_list ap;

	fputs("a76sim: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("\nTry a76sim --help.\n", stderr);
	return EX_USAGE;
}

/* Returns -1 to go on, or the exit status. */
static int take_option(struct options *o, int option)
{
	switch (option) {
	case 'l':
		o->link = optarg;
		return -1;
	case 'b':
		snprintf(o->baud, sizeof(o->baud), "baud=%.20s", optarg);
		return -1;
	case 'p':
		o->profile = optarg;
		return -1;
	case 'e':
		snprintf(o->seed, sizeof(o->seed), "seed=%.20s", optarg);
		return -1;
	case 'c':
		o->control = optarg;
		return -1;
	case 'r':
		o->record = optarg;
		return -1;
	case 's':
		if (o->assignments == ASSIGNMENTS_MAX)
			return bad_usage("too many --set, at '%s'", optarg);
		o->assignment[o->assignments++] = optarg;
		return -1;
	case 'k':
		if (optarg && strcmp(optarg, "markdown") != 0)
			return bad_usage("--list-knobs=%s: expected markdown or nothing", optarg);
		if (optarg)
			knobs_list_markdown(stdout);
		else
			knobs_list(stdout);
		return EX_OK;
	case 'h':
		fputs(usage, stdout);
		return EX_OK;
	case 'v':
		puts("a76sim " GWD_VERSION);
		return EX_OK;
	default:
		fputs("Try a76sim --help.\n", stderr);
		return EX_USAGE;
	}
}

static int parse_arguments(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"link", required_argument, NULL, 'l'},
		{"baud", required_argument, NULL, 'b'}, {"profile", required_argument, NULL, 'p'},
		{"set", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 'e'},
		{"control", required_argument, NULL, 'c'}, {"record", required_argument, NULL, 'r'},
		{"list-knobs", optional_argument, NULL, 'k'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
	int option, status = -1;

	while (status < 0 && (option = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		status = take_option(o, option);
	if (status >= 0)
		return status;
	if (optind < argc) {
		bad_usage("expected only options, not '%s'", argv[optind]);
		return EX_USAGE;
	}
	if (!o->link) {
		bad_usage("expected %s", "--link PATH");
		return EX_USAGE;
	}
	return -1;
}

/* Seed, profile, baud, then the single knobs, so that these win. */
static int apply_options(struct sim *sim, const struct options *o)
{
	unsigned long long seed = (unsigned long long)time(NULL) * 2654435761U ^
				  (unsigned long long)getpid();
	char err[512];

	seed %= 4000000000; /* what the knob can say */
	knobs_init(&sim->knobs, seed);
	if (o->seed[0] && knobs_set(&sim->knobs, o->seed, err, sizeof(err)) < 0)
		return bad_usage("--seed: %s", err);
	if (o->profile && knobs_profile(&sim->knobs, o->profile, err, sizeof(err)) < 0)
		return bad_usage("--profile: %s", err);
	if (o->baud[0] && knobs_set(&sim->knobs, o->baud, err, sizeof(err)) < 0)
		return bad_usage("--baud: %s", err);
	for (int i = 0; i < o->assignments; i++)
		if (knobs_set(&sim->knobs, o->assignment[i], err, sizeof(err)) < 0)
			return bad_usage("--set %s", err);
	if (knob_is(&sim->knobs, KNOB_SEED, "clock"))
		fprintf(stderr, "a76sim: seed %llu\n", seed);
	else
		fprintf(stderr, "a76sim: seed %s\n", knob_text(&sim->knobs, KNOB_SEED));
	return -1;
}

/* SIGTERM and SIGINT end the loop; children of the resolver need no waiting for. */
static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int fail(const char *what, const char *path, int error)
{
	fprintf(stderr, "a76sim: %s %s: %s\n", what, path, strerror(-error));
	return EX_CANTCREAT;
}

static int open_files(struct sim *sim, const struct options *o)
{
	struct stat st;
	int r;

	if (lstat(o->link, &st) == 0 && !S_ISLNK(st.st_mode))
		return fail("--link: not a symlink:", o->link, -EEXIST);
	if (o->record && (r = journal_record(&sim->journal, o->record)) < 0)
		return fail("--record", o->record, r);
	r = control_open(sim, o->control);
	if (r < 0)
		return fail("--control", o->control, r);
	sim->line.path = o->link;
	r = line_plug(sim);
	if (r < 0)
		return fail("--link", o->link, r);
	return -1;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	int status = parse_arguments(argc, argv, &o);
	struct sim *sim;

	if (status >= 0)
		return status;
	sim = calloc(1, sizeof(*sim));
	if (!sim)
		return EX_OSERR;
	status = apply_options(sim, &o);
	if (status < 0) {
		sim->signals = watch_signals();
		sim->now = sim->journal.start = loop_clock();
		status = open_files(sim, &o);
	}
	if (status < 0) {
		send_reset(sim);
		module_power_on(sim);
		printf("ready %s\n", o.link);
		fflush(stdout);
		loop_run(sim);
		module_reset(sim, true); /* peers see the links go */
		line_unplug(sim);
		control_close(sim);
		journal_flush(&sim->journal);
		status = EX_OK;
	}
	free(sim);
	return status;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks a running gwd over its control socket and prints the answer for people, or as JSON.
 *
 * The command line is taken apart twice, each time by getopt_long(): up to the name of the command
 * with the global options alone, and behind it with these and the command's own, so that
 * `gwctl --json status` and `gwctl status --json` are the same.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "format.h"

enum { OPTION_COLOR = 256 };

#define GLOBAL_LETTERS "s:jhV"

static const struct option global_options[] = {
	{"socket", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
	{"color", required_argument, NULL, OPTION_COLOR}, {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
};

#define N_GLOBAL (sizeof(global_options) / sizeof(global_options[0]))

static const char global_help[] =
	"  -s, --socket SOCKET  gwd's control socket (default: " GWD_RUN_DIR "/cell0.sock,\n"
	"                       or the only one in " GWD_RUN_DIR ")\n"
	"  -j, --json           print gwd's answer as JSON\n"
	"      --color WHEN     auto, always or never (default: auto)\n"
	"  -V, --version        print the version\n"
	"  -h, --help           print this, or of a command: gwctl COMMAND --help\n";

#define COMMAND_POINTER(name) &command_##name,
static const struct command *const commands[] = {COMMANDS(COMMAND_POINTER)};
#undef COMMAND_POINTER

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* ---- help ---- */

/* Without its newline; command may be NULL. */
static void print_synopsis(FILE *out, const struct command *command)
{
	if (command)
		fprintf(out, "usage: gwctl %s%s%s [OPTION]...", command->name,
			command->args[0] ? " " : "", command->args);
	else
		fprintf(out, "usage: gwctl [OPTION]... COMMAND [ARGUMENT]...");
}

static void print_help(void)
{
	print_synopsis(stdout, NULL);
	printf("\n\ncommands:\n");
	for (unsigned i = 0; i < N_COMMANDS; i++) {
		char head[64];

		snprintf(head, sizeof(head), "%s %s", commands[i]->name, commands[i]->args);
		printf("  %-18s %s\n", head, commands[i]->help);
	}
	printf("\noptions:\n%s\n"
	       "exit status: 0 fine, 1 failed, 2 usage, 3 gwd is not running, 4 time-out\n",
		global_help);
}

static void print_command_help(const struct command *command)
{
	print_synopsis(stdout, command);
	printf("\n%s\n\noptions:\n", command->help);
	for (const struct ctl_flag *f = command->flags; f < command->flags + CTL_FLAGS_MAX && f->name;
		f++) {
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s", f->name, f->arg ? " " : "", f->arg ? f->arg : "");
		printf("  -%c, --%-14s %s\n", f->letter, name, f->help);
	}
	printf("%s", global_help);
}

int ctl_usage(const struct ctl *ctl, const char *format, ...)
{
	const struct command *command = ctl->command;
	va_list args;

	fprintf(stderr, "gwctl%s%s: ", command ? " " : "", command ? command->name : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	print_synopsis(stderr, command);
	fprintf(stderr, ": see gwctl%s%s --help\n", command ? " " : "", command ? command->name : "");
	return command && command->usage_status ? command->usage_status : CTL_USAGE;
}

/* ---- the command line ---- */

const char *ctl_value(const struct ctl *ctl, char letter)
{
	for (unsigned i = 0; i < CTL_FLAGS_MAX && ctl->command->flags[i].name; i++)
		if (ctl->command->flags[i].letter == letter)
			return ctl->values[i];
	return NULL;
}

int ctl_number(const struct ctl *ctl, char letter, long min, long max, long *n)
{
	const char *text = ctl_value(ctl, letter);
	char *end;
	long value;

	if (!text)
		return CTL_OK;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return ctl_usage(ctl, "-%c wants a number from %ld to %ld, not \"%s\"", letter, min, max,
			text);
	*n = value;
	return CTL_OK;
}

static bool color_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

static int set_color(struct ctl *ctl, const char *when)
{
	if (strcmp(when, "auto") == 0)
		ctl->color = color_wanted();
	else if (strcmp(when, "always") == 0 || strcmp(when, "never") == 0)
		ctl->color = when[0] == 'a';
	else
		return ctl_usage(ctl, "--color is auto, always or never, not \"%s\"", when);
	return CTL_OK;
}

/* One of the global options; -1: go on, -2: it is none of them; else the exit status. */
static int global_option(struct ctl *ctl, int opt)
{
	int status;

	switch (opt) {
	case 's':
		ctl->socket = optarg;
		return -1;
	case 'j':
		ctl->json = true;
		return -1;
	case OPTION_COLOR:
		status = set_color(ctl, optarg);
		return status == CTL_OK ? -1 : status;
	case 'V':
		printf("gwctl %s\n", GWD_VERSION);
		return CTL_OK;
	case 'h':
		if (ctl->command)
			print_command_help(ctl->command);
		else
			print_help();
		return CTL_OK;
	default:
		return -2;
	}
}

struct options {
	char letters[sizeof(GLOBAL_LETTERS) + 2 * CTL_FLAGS_MAX + 2];
	struct option longs[N_GLOBAL + CTL_FLAGS_MAX + 1];
};

/* getopt_long()'s tables: the command's row (NULL: none) behind the global ones. */
static void make_options(struct options *o, const struct command *command)
{
	unsigned n = N_GLOBAL;
	char *letters;

	*o = (struct options){0};
	/* '+': the first word that is no option ends the global ones; ':': no messages of getopt's */
	snprintf(o->letters, sizeof(o->letters), "%s:" GLOBAL_LETTERS, command ? "" : "+");
	memcpy(o->longs, global_options, sizeof(global_options));
	letters = o->letters + strlen(o->letters);
	for (unsigned i = 0; command && i < CTL_FLAGS_MAX && command->flags[i].name; i++) {
		const struct ctl_flag *f = &command->flags[i];

		*letters++ = f->letter;
		if (f->arg)
			*letters++ = ':';
		o->longs[n++] = (struct option){f->name, f->arg ? required_argument : no_argument, NULL,
			f->letter};
	}
}

static int wrong_option(const struct ctl *ctl, int opt, char **argv)
{
	const char *what = opt == ':' ? "wants an argument" : "is no option here";

	if (optopt > 0 && optopt < 256 && strncmp(argv[optind - 1], "--", 2) != 0)
		return ctl_usage(ctl, "-%c %s", optopt, what);
	return ctl_usage(ctl, "%s %s", argv[optind - 1], what);
}

/* Takes options up to the first other word (no command yet) or all there are; as global_option(). */
static int parse_options(struct ctl *ctl, int argc, char **argv)
{
	struct options o;
	int opt, status;

	make_options(&o, ctl->command);
	optind = 0; /* a new command line, for glibc and musl */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, o.letters, o.longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return wrong_option(ctl, opt, argv);
		status = global_option(ctl, opt);
		if (status >= 0)
			return status;
		for (unsigned i = 0; ctl->command && status == -2 && i < CTL_FLAGS_MAX; i++)
			if (ctl->command->flags[i].letter == opt)
				ctl->values[i] = optarg ? optarg : "";
	}
	return -1;
}

static const struct command *find_command(const char *name)
{
	for (unsigned i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* The words behind the options must be as many as the command takes. */
static int check_arguments(const struct ctl *ctl)
{
	if (ctl->argc < ctl->command->args_min)
		return ctl_usage(ctl, "expected %s", ctl->command->args);
	if (ctl->argc > ctl->command->args_max)
		return ctl_usage(ctl, "\"%s\" is one word too many", ctl->argv[ctl->command->args_max]);
	return CTL_OK;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.color = color_wanted()};
	int status = parse_options(&ctl, argc, argv);

	if (status >= 0)
		return status;
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return ctl_usage(&ctl, "expected a command");
	ctl.command = find_command(argv[0]);
	if (!ctl.command)
		return ctl_usage(&ctl, "there is no command \"%s\"", argv[0]);
	status = parse_options(&ctl, argc, argv);
	if (status >= 0)
		return status;
	ctl.argc = argc - optind;
	ctl.argv = argv + optind;
	status = check_arguments(&ctl);
	if (status != CTL_OK)
		return status;
	status = ctl.command->run(&ctl);
	if (fflush(stdout) != 0 && status == CTL_OK) {
		fprintf(stderr, "gwctl: writing the result: %s\n", strerror(errno));
		return CTL_FAILED;
	}
	return status;
}

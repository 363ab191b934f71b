/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl report: one text with all that a person who helps asks for first. It is collected here and
 * goes nowhere but into the file; what fails says so in its place, and the rest is still there.
 *
 * The text is made in memory, because numbers of the SIM and the module can be anywhere in it (the
 * AT dialogue in the log has them, too): they are masked in the whole of it.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "field.h"
#include "file.h"
#include "format.h"
#include "mask.h"

#define OUTPUT_MAX 65536   /* bytes of a program's */
#define PROGRAM_MS 5000

struct report {
	const struct ctl *ctl;
	FILE *out;
	char interface[64];
};

static void head(struct report *r, const char *title)
{
	fprintf(r->out, "\n==== %s ====\n\n", title);
}

/* ---- from gwd ---- */

/* NULL when there is none, and the report says why. The caller's to put. */
static struct json_object *ask(struct report *r, const char *request)
{
	struct json_object *answer = NULL;
	struct client c;
	int status = client_open(&c, r->ctl);

	c.raw = true; /* the whole text is cleaned when it is printed */
	if (status == CTL_OK)
		status = client_ask(&c, request, NULL, CLIENT_ANSWER_MS, &answer);
	if (status != CTL_OK)
		fprintf(r->out, "failed: %s\n", c.error);
	client_close(&c);
	return status == CTL_OK ? answer : NULL;
}

static void put_json(struct report *r, const char *request)
{
	struct json_object *answer;
	const char *name;

	head(r, request);
	answer = ask(r, request);
	if (!answer)
		return;
	fprintf(r->out, "%s\n", json_object_to_json_string_ext(answer,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	name = field_text(field(answer, "interface"), "name", NULL); /* status has it */
	if (name)
		snprintf(r->interface, sizeof(r->interface), "%s", name);
	json_object_put(answer);
}

static void put_text(struct report *r, const char *request)
{
	struct json_object *answer;

	head(r, request);
	answer = ask(r, request);
	if (answer)
		fprintf(r->out, "%s", field_text(answer, "text", ""));
	json_object_put(answer);
}

static void put_log(struct report *r)
{
	struct json_object *answer;

	head(r, "log");
	answer = ask(r, "log");
	for (size_t i = 0; i < field_count(answer, "lines"); i++) {
		struct json_object *line = field_at(answer, "lines", i);

		fprintf(r->out, "%s %-5s %s\n", field_text(line, "time", "-"),
			field_text(line, "level", "-"), field_text(line, "text", ""));
	}
	json_object_put(answer);
}

/* ---- from the system ---- */

static void put_os(struct report *r)
{
	FILE *f = fopen("/etc/os-release", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "PRETTY_NAME=", 12) == 0)
			fprintf(r->out, "system  %s", line + 12);
	if (f)
		fclose(f);
}

static void put_versions(struct report *r)
{
	time_t now = time(NULL);
	struct utsname u;
	char text[64];

	head(r, "versions");
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	fprintf(r->out, "time    %s\n", text);
	fprintf(r->out, "gwctl   %s\n", GWD_VERSION);
	if (uname(&u) == 0)
		fprintf(r->out, "kernel  %s %s %s\n", u.sysname, u.release, u.machine);
	put_os(r);
}

/* What a program writes. False when it writes too much or takes too long. */
static bool copy_output(struct report *r, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[4096];
	size_t total = 0;
	ssize_t n = 0;

	while (total < OUTPUT_MAX && poll(&p, 1, PROGRAM_MS) > 0) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return true;
		fwrite(buf, 1, (size_t)n, r->out);
		total += (size_t)n;
	}
	fprintf(r->out, "\n(stopped here)\n");
	return false;
}

/* No shell: the name of the interface is an argument and nothing else. */
static void put_program(struct report *r, const char *const argv[])
{
	int fd[2], status = 0;
	pid_t pid;

	fprintf(r->out, "$");
	for (unsigned i = 0; argv[i]; i++)
		fprintf(r->out, " %s", argv[i]);
	fprintf(r->out, "\n");
	if (pipe(fd) < 0 || (pid = fork()) < 0) {
		fprintf(r->out, "failed: %s\n", strerror(errno));
		return;
	}
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fd[1]);
	if (!copy_output(r, fd[0]))
		kill(pid, SIGKILL);
	close(fd[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fprintf(r->out, "failed: %s\n", WEXITSTATUS(status) == 127 ? "there is no such program" :
										    "see above");
	fprintf(r->out, "\n");
}

static void put_network(struct report *r)
{
	const char *name = r->interface;

	head(r, "network");
	put_program(r, (const char *const[]){"ip", "-s", "addr", "show", "dev", name, NULL});
	for (unsigned six = 0; six < 2; six++) {
		const char *family = six ? "-6" : "-4";

		put_program(r, (const char *const[]){"ip", family, "route", "show", "table", "all",
			"dev", name, NULL});
		put_program(r, (const char *const[]){"ip", family, "rule", "show", NULL});
	}
}

/* ---- the whole ---- */

static void put_all(struct report *r)
{
	fprintf(r->out,
		"gwd report\n\n"
		"Read this before you send it. It has the addresses your programs talk to, names and\n"
		"addresses of the configuration and the log, and your access point.\n"
		"The numbers of SIM and module are in it%s.\n"
		"The SIM's PIN and the access point's password are not in it.\n",
		ctl_given(r->ctl, 'f') ? " (--full)" : " with their last four digits only");
	put_versions(r);
	put_json(r, "status");
	put_json(r, "modem");
	put_json(r, "links");
	put_json(r, "flows");
	put_text(r, "config");
	put_text(r, "metrics");
	put_network(r);
	put_log(r);
}

static int complain(const char *name, int error)
{
	fprintf(stderr, "gwctl: %s: %s\n", name,
		error == ELOOP ? "is a symbolic link" : strerror(error));
	return CTL_FAILED;
}

static int write_out(const char *name, const char *text)
{
	int fd;
	FILE *out;

	if (!name || strcmp(name, "-") == 0) {
		text_print(text, stdout);
		return CTL_OK;
	}
	fd = file_create(name);
	if (fd < 0)
		return complain(name, -fd);
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return complain(name, ENOMEM);
	}
	text_print(text, out);
	if (fclose(out) != 0)
		return complain(name, errno);
	fprintf(stderr, "gwctl: the report is in %s; read it before you send it\n", name);
	return CTL_OK;
}

static int run(const struct ctl *ctl)
{
	struct report r = {.ctl = ctl, .interface = "cell0"};
	char *text = NULL;
	size_t size = 0;
	int status;

	if (ctl->json)
		return ctl_usage(ctl, "a report is text, there is no --json");
	r.out = open_memstream(&text, &size);
	if (r.out) {
		put_all(&r);
		if (fclose(r.out) == 0 && text) {
			mask_secrets(text);
			if (!ctl_given(ctl, 'f'))
				mask_numbers(text);
			status = write_out(ctl->argc ? ctl->argv[0] : NULL, text);
			free(text);
			return status;
		}
	}
	free(text);
	return complain("report", ENOMEM);
}

const struct command command_report = {
	.name = "report",
	.args = "[FILE]",
	.args_max = 1,
	.help = "collect in one text what a bug report needs",
	.flags = {
		{'f', "full", NULL, "with the whole IMEI, ICCID and IMSI"},
	},
	.run = run,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl metrics: the page of figures for Prometheus, on stdout or as a file for node_exporter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

static int failed(const char *path)
{
	fprintf(stderr, "gwctl metrics: %s: %s\n", path, strerror(errno));
	return CTL_FAILED;
}

/* Whole or not at all: node_exporter may read at any moment. Its files end in .prom, so it does not
 * see the one that is being written. */
static int write_file(const char *path, const char *text)
{
	char *temporary = NULL;
	int fd, status = CTL_OK;
	FILE *out;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return failed(path);
	fd = mkstemp(temporary);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		status = failed(temporary);
		goto end;
	}
	text_print(text, out);
	if (fchmod(fd, 0644) < 0 || fflush(out) != 0)
		status = failed(temporary);
	fclose(out);
	if (status == CTL_OK && rename(temporary, path) < 0)
		status = failed(path);
	if (status != CTL_OK)
		unlink(temporary);
end:
	free(temporary);
	return status;
}

static int ask(const struct ctl *ctl, struct json_object **answer)
{
	struct client c;
	int status = client_open(&c, ctl);

	c.raw = true; /* lines, and cleaned as such when they are printed */
	if (status == CTL_OK)
		status = client_ask(&c, "metrics", NULL, CLIENT_ANSWER_MS, answer);
	if (status != CTL_OK)
		ctl_complain(&c, status);
	client_close(&c);
	return status;
}

static int run(const struct ctl *ctl)
{
	const char *path = ctl_value(ctl, 't'), *text;
	struct json_object *answer = NULL;
	int status;

	if (path && ctl->json)
		return ctl_usage(ctl, "--textfile is not JSON");
	status = ask(ctl, &answer);
	if (status != CTL_OK) {
		/* Old figures would look like those of now. */
		if (path)
			unlink(path);
		return status;
	}
	text = field_text(answer, "text", "");
	if (ctl->json)
		field_print_json(answer, false);
	else if (path)
		status = write_file(path, text);
	else
		text_print(text, stdout);
	json_object_put(answer);
	return status;
}

const struct command command_metrics = {
	.name = "metrics",
	.args = "",
	.help = "the figures for Prometheus",
	.flags = {{'t', "textfile", "FILE", "write FILE for node_exporter, gone if gwd is"}},
	.run = run,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl wait: until the bearer is up, or down.
 *
 * gwd does the waiting. While nobody serves the socket (gwd is being started, or has ended in between)
 * it is tried again until the time is over, so that a script may wait for a gwd that it just started.
 * A gwd that is not there is down.
 */
#include <stdint.h>
#include <time.h>

#include "client.h"
#include "commands.h"

#define DEFAULT_S 60
#define RETRY_MS 200

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_once(struct client *c, const struct ctl *ctl, int64_t left_ms)
{
	struct json_object *params = json_object_new_object(), *answer;
	int status = client_open(c, ctl);

	json_object_object_add(params, "for",
		json_object_new_string(ctl_given(ctl, 'd') ? "down" : "up"));
	json_object_object_add(params, "timeout_s", json_object_new_int64((left_ms + 999) / 1000));
	if (status != CTL_OK) {
		json_object_put(params);
		return status;
	}
	status = client_ask(c, "wait", params, (int)left_ms + CLIENT_ANSWER_MS, &answer);
	if (status == CTL_OK)
		json_object_put(answer);
	/* It has ended without an answer: as if it did not run. */
	return status == CTL_FAILED && !c->code[0] ? CTL_NOT_RUNNING : status;
}

static int run(const struct ctl *ctl)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
	int64_t end, left;
	long seconds = DEFAULT_S;
	struct client c;
	int status;

	if (ctl_given(ctl, 'u') == ctl_given(ctl, 'd'))
		return ctl_usage(ctl, "expected one of --up and --down");
	status = ctl_number(ctl, 't', 1, 86400, &seconds);
	if (status != CTL_OK)
		return status;
	end = now_ms() + seconds * 1000;
	while ((left = end - now_ms()) > 0) {
		status = wait_once(&c, ctl, left);
		if (status == CTL_NOT_RUNNING && ctl_given(ctl, 'd'))
			status = CTL_OK;
		client_close(&c);
		if (status != CTL_NOT_RUNNING)
			break;
		nanosleep(&pause, NULL);
	}
	return status == CTL_OK ? CTL_OK : ctl_complain(&c, status);
}

const struct command command_wait = {
	.name = "wait",
	.args = "--up|--down",
	.help = "until the bearer is up, or down",
	.flags = {
		{'u', "up", NULL, "until it is up"},
		{'d', "down", NULL, "until it is not, or gwd does not run"},
		{'t', "timeout", "N", "seconds to wait (default: 60)"},
	},
	.run = run,
};

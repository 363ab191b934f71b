/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl capture: writes the pcapng stream of a running gwd to a file.
 *
 * The file is ours: made by the caller's rights, and whole at any moment, because only whole blocks
 * are written. The end, whoever wishes it (a signal, the time, the size), is asked of gwd, which
 * then sends what it still has and its counts, and closes. Beyond the size only counts are written.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "file.h"
#include "format.h"
#include "pcapng.h"

#define SIZE_DEFAULT 100000000
#define SIZE_TAIL 256	   /* kept free for the counts */
#define BLOCK_MAX 131072   /* gwd's are smaller than 16 KiB */
#define BLOCK_LEAST 12
#define END_MS 2000	   /* that gwd may take for the end */
#define INTERFACES_MAX 2

struct capture {
	struct client client;
	int out;
	const char *name;
	uint64_t limit; /* bytes; 0: none */
	uint64_t written, packets;
	uint64_t dropped[INTERFACES_MAX]; /* as gwd last said */
	int64_t deadline; /* ms; -1: none */
	bool ending;	  /* gwd was asked to end it */
	bool over;	  /* no more packets */
	bool closed;	  /* nobody reads what is written any more */
	uint8_t buf[BLOCK_MAX];
	size_t used;
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int sig)
{
	(void)sig;
	stop_wanted = 1;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int complain(const struct capture *c, const char *what)
{
	fprintf(stderr, "gwctl: %s: %s\n", c->name, what);
	return CTL_FAILED;
}

/* ---- blocks ---- */

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The drops of an interface, from the options of its statistics: code, length, value, padding. */
static void take_counts(struct capture *c, const uint8_t *block, uint32_t len)
{
	uint32_t interface = len >= 24 ? get_u32(block + 8) : INTERFACES_MAX;

	for (uint32_t at = 20; interface < INTERFACES_MAX && at + 4 <= len - 4;) {
		uint32_t code = get_u32(block + at) & 0xffff, n = get_u32(block + at) >> 16;

		if (code == 5 && n == 8 && at + 12 <= len - 4)
			c->dropped[interface] = get_u32(block + at + 4) |
				(uint64_t)get_u32(block + at + 8) << 32;
		at += 4 + (n + 3) / 4 * 4;
	}
}

static int put(struct capture *c, const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t done = write(c->out, p + at, n - at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EPIPE) {
			c->closed = true;
			return CTL_OK;
		}
		if (done < 0)
			return complain(c, strerror(errno));
		at += (size_t)done;
	}
	c->written += n;
	return CTL_OK;
}

static int take_block(struct capture *c, const uint8_t *block, uint32_t len)
{
	uint32_t type = get_u32(block);

	if (type == PCAPNG_BLOCK_STATISTICS)
		take_counts(c, block, len);
	if (type == PCAPNG_BLOCK_PACKET) {
		if (c->limit && c->written + len + SIZE_TAIL > c->limit)
			c->over = true;
		if (c->over)
			return CTL_OK;
		c->packets++;
	}
	return put(c, block, len);
}

/* Whole blocks go out, what is left of another stays. */
static int take_blocks(struct capture *c)
{
	size_t at = 0;
	int status = CTL_OK;

	while (status == CTL_OK && !c->closed && c->used - at >= BLOCK_LEAST) {
		uint32_t len = get_u32(c->buf + at + 4);

		if (len < BLOCK_LEAST || len > BLOCK_MAX || len % 4)
			return complain(c, "gwd sends no pcapng");
		if (len > c->used - at)
			break;
		status = take_block(c, c->buf + at, len);
		at += len;
	}
	memmove(c->buf, c->buf + at, c->used - at);
	c->used -= at;
	return status;
}

/* ---- the stream ---- */

static void ask_end(struct capture *c)
{
	c->ending = true;
	c->deadline = now_ms() + END_MS;
	if (send(c->client.fd, "\n", 1, MSG_NOSIGNAL) < 0)
		c->deadline = now_ms(); /* it is gone */
}

/* Until there is something to read; false when there will be nothing. A signal ends the waiting only
 * here (@unblocked), so that none is missed. */
static bool wait_for_bytes(struct capture *c, const sigset_t *unblocked)
{
	struct pollfd p = {.fd = c->client.fd, .events = POLLIN};

	while (c->client.used == 0) {
		int64_t left = c->deadline < 0 ? -1 : c->deadline - now_ms();
		struct timespec t = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};

		if (c->deadline >= 0 && left <= 0) {
			if (c->ending)
				return false;
			ask_end(c);
			continue;
		}
		if (ppoll(&p, 1, left < 0 ? NULL : &t, unblocked) > 0)
			return true;
		if (stop_wanted) {
			stop_wanted = 0;
			if (c->ending)
				return false; /* asked twice */
			ask_end(c);
		}
	}
	return true;
}

static int record(struct capture *c, const sigset_t *unblocked)
{
	int status = CTL_OK;

	while (status == CTL_OK && !c->closed && wait_for_bytes(c, unblocked)) {
		ssize_t n = client_read(&c->client, c->buf + c->used, sizeof(c->buf) - c->used);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return c->ending ? CTL_OK : complain(c, "gwd ended the capture");
		c->used += (size_t)n;
		status = take_blocks(c);
		if (c->over && !c->ending)
			ask_end(c);
	}
	return status;
}

/* ---- the file ---- */

static int open_out(struct capture *c)
{
	if (strcmp(c->name, "-") == 0) {
		c->out = STDOUT_FILENO;
		return isatty(c->out) ? complain(c, "a capture is no text for a terminal") : CTL_OK;
	}
	c->out = file_create(c->name);
	if (c->out < 0)
		return complain(c, c->out == -ELOOP ? "is a symbolic link" : strerror(-c->out));
	return CTL_OK;
}

static int close_out(struct capture *c, int status)
{
	if (c->out > STDOUT_FILENO && close(c->out) < 0 && status == CTL_OK)
		return complain(c, strerror(errno));
	return status;
}

static void print_summary(const struct capture *c, const struct ctl *ctl)
{
	unsigned long long dropped = c->dropped[0] + c->dropped[1];

	if (ctl->json)
		printf("{\"packets\": %llu, \"bytes\": %llu, \"dropped\": %llu}\n",
			(unsigned long long)c->packets, (unsigned long long)c->written, dropped);
	else
		fprintf(stderr, "gwctl: %llu packets, %s; %llu dropped%s\n",
			(unsigned long long)c->packets, format_bytes((double)c->written).s, dropped,
			c->over ? "; the size limit is reached" : "");
}

/* ---- the command ---- */

static int parse_size(const struct ctl *ctl, uint64_t *size)
{
	static const char units[] = "kMG";
	const char *text = ctl_value(ctl, 'S'), *unit;
	unsigned long long n;
	char *rest;

	if (!text)
		return CTL_OK;
	errno = 0;
	n = strtoull(text, &rest, 10);
	unit = *rest ? strchr(units, *rest) : NULL;
	if (errno || *text < '0' || *text > '9' || n > UINT32_MAX || (*rest && (!unit || rest[1])))
		return ctl_usage(ctl, "-S wants a size like 500k, 100M or 2G, not \"%s\"", text);
	for (const char *u = units; unit && u <= unit; u++)
		n *= 1000;
	*size = n;
	return CTL_OK;
}

static int parse_interface(const struct ctl *ctl, struct json_object *params)
{
	const char *name = ctl_value(ctl, 'i');
	struct json_object *list;

	if (!name)
		return CTL_OK;
	if (strcmp(name, "tun") != 0 && strcmp(name, "at") != 0)
		return ctl_usage(ctl, "-i wants tun or at, not \"%s\"", name);
	list = json_object_new_array();
	json_object_array_add(list, json_object_new_string(name));
	json_object_object_add(params, "interfaces", list);
	return CTL_OK;
}

static int parse(const struct ctl *ctl, struct capture *c, struct json_object *params)
{
	long duration = 0, snaplen = 0;
	int status = parse_size(ctl, &c->limit);

	if (status == CTL_OK && ctl->json && strcmp(c->name, "-") == 0)
		status = ctl_usage(ctl, "--json and - both want stdout");
	if (status == CTL_OK)
		status = ctl_number(ctl, 'd', 1, 1000000, &duration);
	if (status == CTL_OK)
		status = ctl_number(ctl, 'l', 16, 65535, &snaplen);
	if (status == CTL_OK)
		status = parse_interface(ctl, params);
	if (duration)
		c->deadline = now_ms() + duration * 1000;
	if (snaplen)
		json_object_object_add(params, "snaplen", json_object_new_int64(snaplen));
	json_object_object_add(params, "payload", json_object_new_boolean(ctl_given(ctl, 'p')));
	return status;
}

static void take_signals(sigset_t *unblocked)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
}

static int capture(const struct ctl *ctl, struct capture *c, struct json_object *params)
{
	struct json_object *answer;
	sigset_t unblocked;
	int status;

	take_signals(&unblocked);
	status = client_open(&c->client, ctl);
	if (status == CTL_OK)
		status = client_ask(&c->client, "capture", params, CLIENT_ANSWER_MS, &answer);
	else
		json_object_put(params);
	if (status != CTL_OK)
		return ctl_complain(&c->client, status);
	json_object_put(answer);
	status = open_out(c);
	if (status != CTL_OK)
		return status;
	fprintf(stderr, "gwctl: capturing to %s, %s%s; Ctrl-C ends it\n", c->name,
		c->limit ? "at most " : "without limit", c->limit ? format_bytes((double)c->limit).s : "");
	status = close_out(c, record(c, &unblocked));
	print_summary(c, ctl);
	return status;
}

static int run(const struct ctl *ctl)
{
	static struct capture c = {.out = -1, .limit = SIZE_DEFAULT, .deadline = -1};
	struct json_object *params = json_object_new_object();
	int status;

	c.name = ctl->argv[0];
	status = parse(ctl, &c, params);
	if (status != CTL_OK) {
		json_object_put(params);
		return status;
	}
	status = capture(ctl, &c, params);
	client_close(&c.client);
	return status;
}

const struct command command_capture = {
	.name = "capture",
	.args = "FILE",
	.args_min = 1,
	.args_max = 1,
	.help = "write packets and AT dialogue to a pcapng file",
	.flags = {
		{'S', "size", "LIMIT", "end at this size: 500k, 100M, 2G; 0: none (100M)"},
		{'d', "duration", "N", "end after so many seconds"},
		{'i', "interface", "NAME", "only tun (packets) or at (the AT dialogue)"},
		{'l', "snaplen", "N", "bytes of a packet; 96 has the headers"},
		{'p', "payload", NULL, "what programs sent in the AT dialogue, too"},
	},
	.run = run,
};

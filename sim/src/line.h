/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The serial line: a pty whose bytes take their time. See line.c for how the pace is kept.
 */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_OUT_MAX 32768 /* bound of what waits for the line; push stops far below */
#define LINE_IN_MAX 8192
#define LINE_PAUSES_MAX 16

struct sim;
struct loop;

struct line {
	int master, slave, watch; /* watch: inotify on the slave */
	int openers;		  /* processes that have the tty open; -1: unknown */
	const char *path;	  /* the symlink the host opens */
	long baud, next_baud;	  /* next_baud: AT+IPR takes effect when what is queued has gone out */
	int64_t next_baud_at;

	uint8_t out[LINE_OUT_MAX];
	size_t out_head, out_len;
	uint64_t out_position; /* bytes that ever left the queue */
	int64_t tx_clock;      /* when the byte before the first queued one ended */
	int64_t queued_at;     /* when the queue began to fill (coalesce) */
	size_t burst;	       /* of the queue, what may leave now (coalesce) */
	int64_t hold_until;
	bool stalled; /* the host's side of the pty is full */
	struct {
		uint64_t position;
		int64_t ns;
	} pause[LINE_PAUSES_MAX];
	unsigned pauses;

	uint8_t in[LINE_IN_MAX];
	size_t in_head, in_len;
	int64_t rx_clock; /* when the last byte handed to the parser had arrived */
};

/* Makes the pty and the symlink: 0 or a negative errno. */
int line_plug(struct sim *sim);
/* The host sees a hang-up, the symlink goes. */
void line_unplug(struct sim *sim);

/* Queues bytes for the host, all or (false) nothing. */
bool line_write(struct sim *sim, const void *bytes, size_t n);
size_t line_room(const struct sim *sim);
size_t line_queued(const struct sim *sim);
/* Silence after the bytes queued so far, plus offset more. */
void line_pause(struct sim *sim, size_t offset, int64_t ns);
void line_set_baud(struct sim *sim, long baud, int64_t at);
/* The rate that CONNECT shows: an unpaced line claims the common one. */
long line_nominal_baud(const struct sim *sim);

/* The module was switched off: what it had queued never leaves. */
void line_reset(struct sim *sim);
void line_watch(struct sim *sim, struct loop *loop);
int64_t line_deadline(struct sim *sim);
/* Lets due bytes pass in both directions. */
void line_run(struct sim *sim);

#endif

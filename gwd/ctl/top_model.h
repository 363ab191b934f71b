/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What gwctl top knows of one gwd: the last snapshot in plain structs and a bounded history of the
 * figures that are drawn as curves. Rates are the daemon's own; from one that does not tell them they
 * are the difference of two snapshots. All text is as the daemon sent it, cut to its field: whoever
 * prints it makes it harmless. Unknown numbers are -1, unknown text is empty.
 */
#ifndef GWD_CTL_TOP_MODEL_H
#define GWD_CTL_TOP_MODEL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define TOP_MODEMS_MAX 4
#define TOP_LINKS_MAX 10   /* of one modem */
#define TOP_FLOWS_MAX 1024 /* more than gwd has */
#define TOP_HISTORY 300	   /* samples of a modem, one a snapshot */
#define TOP_FULL 1000	   /* of a share: the whole line */

struct top_link {
	char state[12], type[8];
	int64_t tx_rate, rx_rate; /* bytes a second */
	int64_t tx_bytes, rx_bytes;
};

struct top_sample {
	unsigned tx_share, rx_share; /* of the line, 0 to TOP_FULL */
	unsigned signal;	     /* dBm above -113, 0 to 62; 0 also when unknown */
};

/* Payload for bytes and rates, all that crosses the tty for shares. */
struct top_direction {
	int64_t bytes, wire_bytes;
	int64_t rate, peak_rate;    /* bytes a second; peaks since top was started */
	unsigned share, peak_share; /* of the line, 0 to TOP_FULL */
};

struct top_modem {
	int number;
	char state[16], failure[12], reason[96], operator[40], technology[16];
	char receive[16], configured[16], transparent[16], rung_name[40];
	double since; /* seconds */
	int rssi;     /* dBm, 0: unknown */
	int rung, links_free;
	double line_rate; /* bytes a second, 0: unknown */
	struct top_direction tx, rx;
	struct top_link links[TOP_LINKS_MAX];
	struct top_sample history[TOP_HISTORY]; /* a ring */
	unsigned samples;			/* ever taken; the newest is samples - 1 */
};

struct top_flow {
	uint64_t id;
	char protocol[8], direction[4], state[16], class[16], local[56], remote[56], why[48];
	char owner[56]; /* empty at first; what the caller puts there stays with the flow */
	double age, idle;
	int64_t tx_rate, rx_rate, tx_bytes, rx_bytes;
	int modem, link;
	int64_t uid;
	uint64_t inode;
};

struct top_model {
	bool valid; /* there is a snapshot */
	double taken; /* when, on the caller's clock */
	char interface[20], address[56], version[24], time[24];
	bool carrier, default_route;
	double uptime;
	int64_t pid;
	unsigned n_modems, n_flows, n_waiting;
	uint64_t flows_left_out; /* beyond TOP_FLOWS_MAX */
	struct top_modem modems[TOP_MODEMS_MAX];
	struct top_flow flows[TOP_FLOWS_MAX];
};

/* About 400 kB; NULL without memory. free() ends it. */
struct top_model *top_model_new(void);

/*
 * Takes the three answers of the control socket (the objects named "status", "flows" and "links") as
 * the snapshot of NOW, in seconds on any clock that does not go back. The objects stay the caller's.
 * -EPROTO: these are no such answers, and the model is as before.
 */
int top_model_update(struct top_model *m, struct json_object *status, struct json_object *flows,
	struct json_object *links, double now);

/* The newest N samples of a figure, oldest first, padded with 0; how many are real. */
enum top_figure { TOP_FIGURE_TX, TOP_FIGURE_RX, TOP_FIGURE_SIGNAL };
unsigned top_model_history(const struct top_modem *m, enum top_figure figure, unsigned *values,
	unsigned n);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the simulator remembers about the host: counters, a ring of the host's mistakes and, if
 * asked for, the whole dialogue in a file. It outlives resets of the module.
 */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MISTAKES_MAX 1000
#define COMMAND_NAMES_MAX 96
#define LINKS_MAX 10

struct sim;

struct mistake {
	int64_t at; /* ns since start */
	const char *kind;
	char detail[80];
};

struct stats {
	uint64_t wire_to_host, wire_from_host; /* bytes on the line */
	uint64_t data_to_host, data_from_host; /* payload among them */
	uint64_t overrun;		       /* bytes to the host lost on the line */
	uint64_t dropped;		       /* payload the module had no room for */
	uint64_t opens, opens_failed, accepts, sends, reads, pushes, resets, urcs_lost;
	unsigned links_now, links_max;
	struct {
		char name[16];
		uint64_t count;
	} command[COMMAND_NAMES_MAX];
	unsigned commands;
};

struct journal {
	int64_t start;
	struct stats stats;
	struct mistake mistakes[MISTAKES_MAX];
	unsigned first, count;
	uint64_t total;
	FILE *record;
	char pending_dir; /* of the bytes not yet written to the record */
	int64_t pending_at, pending_last;
	size_t pending;
	unsigned char bytes[512];
};

int journal_record(struct journal *j, const char *path);
void journal_bytes(struct journal *j, int64_t now, char direction, const void *bytes, size_t n);
void journal_flush(struct journal *j);
/* Writes what has been waiting for its line to grow. */
void journal_run(struct journal *j, int64_t now);
int64_t journal_deadline(const struct journal *j);
void journal_command(struct journal *j, const char *name);
void journal_clear(struct journal *j);
/* The host did something a driver should not do. */
void mistake(struct sim *sim, const char *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Text with control bytes, quotes and backslashes as \xNN (record) or \u00NN (JSON). */
size_t journal_escape(char *out, size_t size, const void *bytes, size_t n, const char *format);

#endif

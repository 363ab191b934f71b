/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How numbers, words and tables look. SI units (1 kB is 1,000 bytes), three significant digits or
 * so, never the locale's. A struct format is a value: printf("%s", format_age(t).s).
 */
#ifndef GWD_CTL_FORMAT_H
#define GWD_CTL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct format {
	char s[32];
};

struct format format_age(double seconds); /* 3.2s, 47s, 4m10s, 3h12m, 5d7h */
struct format format_bytes(double n); /* 512 B, 11.1 kB, 740 MB */
struct format format_rate(double bytes_per_s); /* 11.1 kB/s */
struct format format_share(double share); /* 0.97: 97 % */

/* A word for the received signal. */
const char *format_signal(double rssi_dbm);

/* <stat> of CREG, CGREG and CEREG in words. */
const char *format_registration(int stat);

/*
 * Replaces by '?' what could steer a terminal or is no UTF-8: C0 and C1 controls, DEL, marks that
 * change the direction of writing. In place; returns text.
 */
char *text_clean(char *text);

/* Prints text of several lines the same way; newlines and tabs stay. */
void text_print(const char *text, FILE *out);

/* ---- colour ---- */

enum colour { COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD, COLOUR_HEAD, COLOUR_DIM };

/* The sequence that begins a colour, and the one that ends any; "" where there are none to be. */
const char *colour(bool on, enum colour c);
const char *colour_end(bool on);

/* ---- tables ---- */

struct column {
	const char *head;
	bool right; /* aligned to the right: numbers */
};

/* Rows of cells, printed with columns as wide as their widest cell; one with nothing in it is left out. */
struct table {
	const struct column *columns;
	unsigned n_columns;
	char **cells;
	size_t n, size;
};

void table_init(struct table *t, const struct column *columns, unsigned n_columns);
/* The next cell, row by row. A cell may begin with a colour and end with colour_end(). */
void table_add(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With its heads, in colour when asked for; frees it. */
void table_print(struct table *t, bool in_colour);

#endif

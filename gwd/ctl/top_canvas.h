/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sheet of character cells: what gwctl top paints on, before it is known whether a terminal or a
 * pipe will show it. Nothing ever lies outside of it, wraps, or holds a character that a terminal
 * would obey: all that is no printable character one column wide becomes "?".
 */
#ifndef GWD_CTL_TOP_CANVAS_H
#define GWD_CTL_TOP_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_WIDTH_MAX 400

enum top_style {
	TOP_PLAIN,
	TOP_BOLD,
	TOP_DIM,
	TOP_GOOD,
	TOP_WARN,
	TOP_BAD,
	TOP_UP,	  /* towards the network */
	TOP_DOWN, /* from it */
	TOP_BAR,  /* a title or footer across the screen */
	TOP_ALARM /* the same, for what must not be overlooked */
};

struct top_cell {
	uint32_t ch; /* code point */
	uint8_t style;
};

struct top_canvas {
	int width, height;
	bool utf8; /* the terminal shows more than ASCII */
	bool faded; /* what is painted from now on is TOP_DIM, but for bars */
	struct top_cell *cells;
};

/* Blank, of this size (width cut to TOP_WIDTH_MAX); -ENOMEM leaves it empty. */
int top_canvas_init(struct top_canvas *c, int width, int height, bool utf8);
void top_canvas_free(struct top_canvas *c);

/* Paints UTF-8 text from (x, y) on, at most WIDTH columns; how many columns it took. */
int top_canvas_text(struct top_canvas *c, int x, int y, int width, enum top_style style,
	const char *text);

/* The columns that this text takes. */
int top_canvas_columns(const char *text);

/* Makes the line blank again. */
void top_canvas_clear(struct top_canvas *c, int y);

/* Gives the whole line this style, text on it keeps its characters. */
void top_canvas_bar(struct top_canvas *c, int y, enum top_style style);

/*
 * Vertical bars of VALUES[0..n-1], each 0 to FULL, one a column from (x, y) on; ROWS lines high, y
 * being the lowest of them. A value above zero shows at least the lowest mark.
 */
void top_canvas_spark(struct top_canvas *c, int x, int y, int rows, enum top_style style,
	const unsigned *values, int n, unsigned full);

/* Line Y as UTF-8 without trailing blanks; buf takes 4 * TOP_WIDTH_MAX + 1 bytes. */
const char *top_canvas_line(const struct top_canvas *c, int y, char *buf);

#endif

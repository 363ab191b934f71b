/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paints what gwctl top shows: a pure function of the model, what the user chose, and the size of the
 * sheet. A narrow sheet loses columns and figures, least important first; a low one loses curves,
 * then lines.
 */
#ifndef GWD_CTL_TOP_VIEW_H
#define GWD_CTL_TOP_VIEW_H

#include "top_canvas.h"
#include "top_model.h"

enum top_sort { TOP_SORT_RATE, TOP_SORT_BYTES, TOP_SORT_AGE };
#define TOP_SORTS (TOP_SORT_AGE + 1)

struct top_choice {
	enum top_sort sort;
	bool reverse;
	bool paused;
	bool help;	    /* the keys and marks instead of the flows */
	bool batch;	    /* nobody presses keys: no footer */
	unsigned scroll;    /* flows to leave out at the top */
	const char *trouble; /* why the figures are old, NULL: they are not */
};

/* The height at which everything there is to show has room: for batch mode. */
int top_view_height(const struct top_model *m, const struct top_choice *choice, int width);

/* How many lines are for flows at this size: what a page is, for scrolling. */
int top_view_page(const struct top_model *m, const struct top_choice *choice, int width, int height);

/* Paints on a blank canvas. */
void top_view_draw(struct top_canvas *c, const struct top_model *m, const struct top_choice *choice);

#endif

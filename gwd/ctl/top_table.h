/* SPDX-License-Identifier: BSD-3-Clause */
/* The flows of gwctl top as a table that fits the width it is given. */
#ifndef GWD_CTL_TOP_TABLE_H
#define GWD_CTL_TOP_TABLE_H

#include "top_view.h"

/*
 * Paints a title on line Y and up to ROWS flows below it, sorted and scrolled as chosen. A flow that
 * waits has no figures yet: what it waits for takes their place.
 */
void top_table_draw(struct top_canvas *c, int y, int rows, const struct top_model *m,
	const struct top_choice *choice);

#endif

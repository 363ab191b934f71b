/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The terminal as gwctl top uses it: a canvas is shown, keys come back. There is one terminal, so
 * there is no object; nothing here waits. Between open and close the caller holds back (blocks)
 * SIGINT, SIGTERM, SIGTSTP and SIGWINCH and reacts to them itself, so that no handler of the library
 * runs in the middle of something.
 */
#ifndef GWD_CTL_TOP_TERMINAL_H
#define GWD_CTL_TOP_TERMINAL_H

#include <stdbool.h>

#include "top_canvas.h"

enum top_key {
	TOP_KEY_NONE,
	TOP_KEY_OTHER,
	TOP_KEY_REPAINT, /* Ctrl-L: something else wrote to the terminal */
	TOP_KEY_UP,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	/* letters are themselves */
};

/* NULL, or why it cannot be: no such terminal, or built without. */
const char *top_terminal_open(bool color);

/* As it was before, cursor and all; harmless when it is not open. */
void top_terminal_close(void);

/* After SIGWINCH, and after a stop: asks for the size and paints all of it anew next time. */
void top_terminal_resized(void);

void top_terminal_size(int *width, int *height);
void top_terminal_show(const struct top_canvas *c);

/* The next key that was pressed, TOP_KEY_NONE when there is none yet; a letter's code, or the above. */
int top_terminal_key(void);

#endif

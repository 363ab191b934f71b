/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_terminal.h"

#ifndef GWD_TOP

const char *top_terminal_open(bool color)
{
	(void)color;
	return "this gwctl was built without ncurses (GWD_TOP=OFF): use top -b";
}

void top_terminal_close(void)
{
}

void top_terminal_resized(void)
{
}

void top_terminal_size(int *width, int *height)
{
	*width = *height = 1;
}

void top_terminal_show(const struct top_canvas *c)
{
	(void)c;
}

int top_terminal_key(void)
{
	return TOP_KEY_NONE;
}

#else

#include <curses.h>
#include <signal.h>
#include <term.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define CTRL_L 0x0c
#define ESCAPE_MS 25 /* a lone Esc is none of our keys: no long wait for what it might begin */

/* Without colour bold, dim and reverse have to do. */
static const struct look {
	attr_t attributes;
	short foreground; /* its pair's number is the style's */
	short background;
	attr_t colourless;
} looks[] = {
	[TOP_PLAIN] = {A_NORMAL, -1, -1, A_NORMAL},
	[TOP_BOLD] = {A_BOLD, -1, -1, A_BOLD},
	[TOP_DIM] = {A_DIM, -1, -1, A_DIM},
	[TOP_GOOD] = {A_NORMAL, COLOR_GREEN, -1, A_NORMAL},
	[TOP_WARN] = {A_NORMAL, COLOR_YELLOW, -1, A_BOLD},
	[TOP_BAD] = {A_BOLD, COLOR_RED, -1, A_BOLD},
	[TOP_UP] = {A_NORMAL, COLOR_MAGENTA, -1, A_NORMAL},
	[TOP_DOWN] = {A_NORMAL, COLOR_CYAN, -1, A_NORMAL},
	[TOP_BAR] = {A_REVERSE, -1, -1, A_REVERSE},
	[TOP_ALARM] = {A_BOLD, COLOR_WHITE, COLOR_RED, A_REVERSE | A_BOLD},
};

#define STYLES (sizeof(looks) / sizeof(looks[0]))

_Static_assert(STYLES == TOP_ALARM + 1, "a look for each style");

static bool coloured(void)
{
	return has_colors() && COLOR_PAIRS > (int)STYLES;
}

static void make_pairs(void)
{
	start_color();
	use_default_colors();
	for (short i = 1; coloured() && i < (short)STYLES; i++)
		init_pair(i, looks[i].foreground, looks[i].background);
}

/*
 * Without the handlers that ncurses brings, one of which ends the program with status 1: what a
 * signal did before it does again once it is let through.
 */
static bool start_screen(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
	struct sigaction before[sizeof(signals) / sizeof(signals[0])];
	bool started;

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], NULL, &before[i]);
	started = newterm(NULL, stdout, stdin) != NULL;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &before[i], NULL);
	return started;
}

/* Asked first because newterm() loses memory over a terminal it does not know. */
static bool known(void)
{
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	del_curterm(cur_term);
	return true;
}

const char *top_terminal_open(bool color)
{
	if (!known() || !start_screen())
		return "this terminal cannot be used (TERM?): use top -b";
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (color)
		make_pairs();
	return NULL;
}

void top_terminal_close(void)
{
	if (stdscr && !isendwin())
		endwin();
}

void top_terminal_resized(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
}

void top_terminal_size(int *width, int *height)
{
	getmaxyx(stdscr, *height, *width);
}

void top_terminal_show(const struct top_canvas *c)
{
	bool with_pairs = COLOR_PAIRS > 0 && coloured();

	erase();
	for (int y = 0; y < c->height; y++) {
		for (int x = 0; x < c->width; x++) {
			const struct top_cell *cell = &c->cells[y * c->width + x];
			const struct look *look = &looks[cell->style];
			wchar_t text[2] = {(wchar_t)cell->ch, 0};
			cchar_t shown;

			setcchar(&shown, text, with_pairs ? look->attributes : look->colourless,
				with_pairs ? cell->style : 0, NULL);
			mvadd_wch(y, x, &shown);
		}
	}
	refresh();
}

int top_terminal_key(void)
{
	static const struct {
		int code, key;
	} keys[] = {
		{ERR, TOP_KEY_NONE}, {KEY_UP, TOP_KEY_UP}, {KEY_DOWN, TOP_KEY_DOWN},
		{KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
		{KEY_HOME, TOP_KEY_HOME}, {KEY_END, TOP_KEY_END}, {CTRL_L, TOP_KEY_REPAINT},
	};
	int code = getch();

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return code > ' ' && code < 0x7f ? code : TOP_KEY_OTHER;
}

#endif

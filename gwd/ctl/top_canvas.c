/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_canvas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int top_canvas_init(struct top_canvas *c, int width, int height, bool utf8)
{
	size_t n;

	*c = (struct top_canvas){.utf8 = utf8};
	width = width < 1 ? 1 : width > TOP_WIDTH_MAX ? TOP_WIDTH_MAX : width;
	height = height < 1 ? 1 : height;
	n = (size_t)width * (size_t)height;
	c->cells = calloc(n, sizeof(*c->cells));
	if (!c->cells)
		return -ENOMEM;
	c->width = width;
	c->height = height;
	for (size_t i = 0; i < n; i++)
		c->cells[i].ch = ' ';
	return 0;
}

void top_canvas_free(struct top_canvas *c)
{
	free(c->cells);
	*c = (struct top_canvas){0};
}

static void set(struct top_canvas *c, int x, int y, enum top_style style, uint32_t ch)
{
	struct top_cell *cell;

	if (x < 0 || y < 0 || x >= c->width || y >= c->height)
		return;
	cell = &c->cells[y * c->width + x];
	cell->ch = ch;
	cell->style = c->faded && style != TOP_BAR && style != TOP_ALARM ? TOP_DIM : (uint8_t)style;
}

/* ---- UTF-8 ---- */

#define INVALID UINT32_MAX

static unsigned sequence_length(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 :
		first < 0xf5 ? 4 : 0;
}

/* The character at *text, which is moved behind it; a byte that begins none is INVALID. */
static uint32_t next_char(const char **text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)*text;
	unsigned n = sequence_length(s[0]);
	uint32_t ch;

	(*text)++;
	if (n <= 1)
		return n ? s[0] : INVALID;
	ch = s[0] & (0x7fu >> n);
	for (unsigned i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return INVALID;
		ch = ch << 6 | (s[i] & 0x3f);
	}
	if (ch < least[n])
		return INVALID;
	*text += n - 1;
	return ch;
}

/* A combining or wide character would shift the columns behind it, a control would be obeyed. */
static uint32_t harmless(const struct top_canvas *c, uint32_t ch)
{
	if (ch < 0x80)
		return ch >= ' ' && ch != 0x7f ? ch : '?';
	return c->utf8 && ch != INVALID && wcwidth((wchar_t)ch) == 1 ? ch : '?';
}

static unsigned encode(uint32_t ch, char *out)
{
	if (ch < 0x80) {
		out[0] = (char)ch;
		return 1;
	}
	if (ch < 0x800) {
		out[0] = (char)(0xc0 | ch >> 6);
		out[1] = (char)(0x80 | (ch & 0x3f));
		return 2;
	}
	if (ch < 0x10000) {
		out[0] = (char)(0xe0 | ch >> 12);
		out[1] = (char)(0x80 | (ch >> 6 & 0x3f));
		out[2] = (char)(0x80 | (ch & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | ch >> 18);
	out[1] = (char)(0x80 | (ch >> 12 & 0x3f));
	out[2] = (char)(0x80 | (ch >> 6 & 0x3f));
	out[3] = (char)(0x80 | (ch & 0x3f));
	return 4;
}

/* ---- painting ---- */

int top_canvas_text(struct top_canvas *c, int x, int y, int width, enum top_style style,
	const char *text)
{
	int n = 0;

	while (n < width && *text)
		set(c, x + n++, y, style, harmless(c, next_char(&text)));
	return n;
}

int top_canvas_columns(const char *text)
{
	int n = 0;

	for (; *text; n++)
		(void)next_char(&text);
	return n;
}

void top_canvas_clear(struct top_canvas *c, int y)
{
	for (int x = 0; x < c->width; x++)
		set(c, x, y, TOP_PLAIN, ' ');
}

void top_canvas_bar(struct top_canvas *c, int y, enum top_style style)
{
	for (int x = 0; y >= 0 && y < c->height && x < c->width; x++)
		c->cells[y * c->width + x].style = (uint8_t)style;
}

void top_canvas_spark(struct top_canvas *c, int x, int y, int rows, enum top_style style,
	const unsigned *values, int n, unsigned full)
{
	static const uint32_t blocks[] = {
		' ', 0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588};
	static const uint32_t ascii[] = {' ', '.', ',', ':', '-', '=', '+', '*', '#'};
	const uint32_t *marks = c->utf8 ? blocks : ascii;

	for (int i = 0; i < n; i++) {
		unsigned eighths = full ? (unsigned)((uint64_t)values[i] * 8 * rows / full) : 0;

		eighths = values[i] && !eighths ? 1 : eighths;
		for (int row = 0; row < rows; row++) {
			set(c, x + i, y - row, style, marks[eighths > 8 ? 8 : eighths]);
			eighths -= eighths > 8 ? 8 : eighths;
		}
	}
}

const char *top_canvas_line(const struct top_canvas *c, int y, char *buf)
{
	const struct top_cell *line = &c->cells[y * c->width];
	int width = c->width;
	size_t n = 0;

	while (width > 0 && line[width - 1].ch == ' ')
		width--;
	for (int x = 0; x < width; x++)
		n += encode(line[x].ch, buf + n);
	buf[n] = '\0';
	return buf;
}

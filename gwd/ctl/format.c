/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

#define AGE_MAX_S 4e9 /* more than a century; fits into 32 bits */

struct format format_age(double seconds)
{
	struct format f;
	unsigned long s = seconds > 0 ? (unsigned long)(seconds < AGE_MAX_S ? seconds : AGE_MAX_S) : 0;

	if (seconds < 9.95)
		snprintf(f.s, sizeof(f.s), "%.1fs", seconds > 0 ? seconds : 0);
	else if (s < 60)
		snprintf(f.s, sizeof(f.s), "%lus", s);
	else if (s < 3600)
		snprintf(f.s, sizeof(f.s), "%lum%02lus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(f.s, sizeof(f.s), "%luh%02lum", s / 3600, s / 60 % 60);
	else
		snprintf(f.s, sizeof(f.s), "%lud%02luh", s / 86400, s / 3600 % 24);
	return f;
}

static struct format scaled(double n, const char *per)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	struct format f;
	unsigned u = 0;

	while (n >= 999.5 && u < 4) {
		n /= 1000;
		u++;
	}
	snprintf(f.s, sizeof(f.s), "%.*f %s%s", u && n < 99.95 ? 1 : 0, n, units[u], per);
	return f;
}

struct format format_bytes(double n)
{
	return scaled(n, "");
}

struct format format_rate(double bytes_per_s)
{
	return scaled(bytes_per_s, "/s");
}

struct format format_share(double share)
{
	struct format f;

	snprintf(f.s, sizeof(f.s), "%.0f %%", share * 100);
	return f;
}

const char *format_signal(double rssi_dbm)
{
	return rssi_dbm >= -73 ? "excellent" : rssi_dbm >= -83 ? "good" :
		rssi_dbm >= -93 ? "fair" : "weak";
}

const char *format_registration(int stat)
{
	/* 3GPP TS 27.007, 7.2 and 10.1: <stat> */
	static const char *const words[] = {
		"not searching", "home network", "searching", "denied", "no coverage", "roaming",
		"home network, SMS only", "roaming, SMS only", "emergency calls only",
		"home network", "roaming", "emergency calls only",
	};

	return stat >= 0 && stat < (int)(sizeof(words) / sizeof(words[0])) ? words[stat] : "unknown";
}

/* ---- text from elsewhere ---- */

/* The code point at s and its length in bytes; 0 for what is no UTF-8 (then one byte is skipped). */
static uint32_t decode(const unsigned char *s, size_t *n)
{
	size_t more = s[0] < 0x80 ? 0 : s[0] >= 0xf0 && s[0] < 0xf5 ? 3 :
		s[0] >= 0xe0 && s[0] < 0xf0 ? 2 : s[0] >= 0xc2 && s[0] < 0xe0 ? 1 : 4;
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint32_t c;

	*n = 1;
	if (more == 4)
		return 0;
	c = more ? s[0] & (0x3fu >> more) : s[0];
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80) /* the terminating NUL, too */
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*n = more + 1;
	return c;
}

static bool harmless(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
	bool direction = c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069);

	return !control && !direction;
}

char *text_clean(char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	char *out = text;
	size_t n;

	while (*in) {
		if (harmless(decode(in, &n))) {
			memmove(out, in, n);
			out += n;
		} else {
			*out++ = '?';
		}
		in += n;
	}
	*out = '\0';
	return text;
}

void text_print(const char *text, FILE *out)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	for (; *s; s += n) {
		if (harmless(decode(s, &n)) || *s == '\n' || *s == '\t')
			fwrite(s, 1, n, out);
		else
			putc('?', out);
	}
}

/* ---- colour ---- */

const char *colour(bool on, enum colour c)
{
	static const char *const sequences[] = {
		[COLOUR_GOOD] = "\033[32m", [COLOUR_WARN] = "\033[33m", [COLOUR_BAD] = "\033[31m",
		[COLOUR_HEAD] = "\033[1m", [COLOUR_DIM] = "\033[2m",
	};

	return on ? sequences[c] : "";
}

const char *colour_end(bool on)
{
	return on ? "\033[0m" : "";
}

/* ---- tables ---- */

/* On the screen: code points, without our own colours. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (const char *s = text; *s; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			width += ((unsigned char)*s & 0xc0) != 0x80;
		if (!*s)
			break;
	}
	return width;
}

void table_init(struct table *t, const struct column *columns, unsigned n_columns)
{
	*t = (struct table){.columns = columns, .n_columns = n_columns};
}

void table_add(struct table *t, const char *format, ...)
{
	va_list args;
	char *cell;
	int n;

	if (t->n == t->size) {
		size_t size = t->size ? t->size * 2 : 64;
		char **cells = realloc(t->cells, size * sizeof(*cells));

		if (!cells)
			return;
		t->cells = cells;
		t->size = size;
	}
	va_start(args, format);
	n = vasprintf(&cell, format, args);
	va_end(args);
	t->cells[t->n++] = n < 0 ? NULL : cell;
}

static const char *cell_at(const struct table *t, size_t i)
{
	return i < t->n && t->cells[i] ? t->cells[i] : "";
}

/* Of a column; 0: nothing in it. */
static size_t column_width(const struct table *t, unsigned column)
{
	size_t widest = 0, head = width_of(t->columns[column].head);

	for (size_t i = column; i < t->n; i += t->n_columns) {
		size_t width = width_of(cell_at(t, i));

		widest = width > widest ? width : widest;
	}
	return widest == 0 && t->n > 0 ? 0 : widest > head ? widest : head;
}

/* The last column is not padded to the right, so that no line ends in blanks. */
static void print_row(const struct table *t, const size_t *widths, const char *const *row)
{
	unsigned last = t->n_columns;

	while (last > 0 && (widths[last - 1] == 0 || row[last - 1][0] == '\0'))
		last--;
	for (unsigned k = 0; k < last; k++) {
		size_t width = width_of(row[k]);
		int pad = widths[k] > width ? (int)(widths[k] - width) : 0;

		if (widths[k] == 0)
			continue;
		if (t->columns[k].right)
			printf("%*s%s", pad, "", row[k]);
		else
			printf("%s%*s", row[k], k + 1 == last ? 0 : pad, "");
		if (k + 1 < last)
			printf("  ");
	}
}

#define COLUMNS_MAX 32

void table_print(struct table *t, bool in_colour)
{
	size_t widths[COLUMNS_MAX] = {0};
	const char *row[COLUMNS_MAX] = {0};

	for (unsigned k = 0; k < t->n_columns && k < COLUMNS_MAX; k++) {
		widths[k] = column_width(t, k);
		row[k] = t->columns[k].head;
	}
	printf("%s", colour(in_colour, COLOUR_HEAD));
	print_row(t, widths, row);
	printf("%s\n", colour_end(in_colour));
	for (size_t i = 0; i < t->n; i += t->n_columns) {
		for (unsigned k = 0; k < t->n_columns; k++)
			row[k] = cell_at(t, i + k);
		print_row(t, widths, row);
		putchar('\n');
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){0};
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define CELL_MAX 64

/* ---- cells ---- */

/* At most five columns: 987, 12.3k, 4.56M. */
static void short_number(int64_t n, char *buf)
{
	static const char units[] = " kMGTP";
	double v = (double)(n > 0 ? n : 0);
	unsigned u = 0;

	for (; v >= 999.5 && u + 2 < sizeof(units); u++)
		v /= 1000;
	if (u == 0)
		snprintf(buf, CELL_MAX, "%.0f", v);
	else
		snprintf(buf, CELL_MAX, "%.*f%c", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[u]);
}

static void id_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%llu", (unsigned long long)f->id);
}

/* One that came to a forward is marked. */
static void type_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s%s", f->protocol, strcmp(f->direction, "in") == 0 ? "<" : "");
}

static void owner_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s", f->owner[0] ? f->owner : "-");
}

static void local_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s", f->local);
}

static void remote_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s", f->remote);
}

static void state_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s", f->state);
}

static void up_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	short_number(f->tx_rate, buf);
}

static void down_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	short_number(f->rx_rate, buf);
}

static void sent_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	short_number(f->tx_bytes, buf);
}

static void received_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	short_number(f->rx_bytes, buf);
}

static void age_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s", format_age(f->age).s);
}

static void class_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	(void)m;
	snprintf(buf, CELL_MAX, "%s", strcmp(f->class, "interactive") == 0 ? "inter" : f->class);
}

static void link_cell(const struct top_model *m, const struct top_flow *f, char *buf)
{
	if (f->link < 0)
		snprintf(buf, CELL_MAX, "-");
	else if (m->n_modems > 1)
		snprintf(buf, CELL_MAX, "%d.%d", f->modem, f->link);
	else
		snprintf(buf, CELL_MAX, "%d", f->link);
}

/* ---- columns ---- */

enum side { LEFT, RIGHT, TAIL /* left, and when it is cut, its end is what is kept */ };

/* In the order of the screen. Those before FIRST_FIGURE say who, the others how it goes. */
static const struct top_column {
	const char *title;
	int width; /* at least */
	int rank;  /* 0 is the last to be left out */
	enum side side;
	bool grows;
	enum top_style style;
	void (*cell)(const struct top_model *m, const struct top_flow *f, char *buf);
} columns[] = {
	{"ID", 4, 11, RIGHT, true, TOP_DIM, id_cell},
	{"TYPE", 4, 6, LEFT, false, TOP_PLAIN, type_cell},
	{"OWNER", 12, 5, LEFT, true, TOP_PLAIN, owner_cell},
	{"LOCAL", 21, 12, TAIL, true, TOP_DIM, local_cell},
	{"REMOTE", 21, 0, TAIL, true, TOP_BOLD, remote_cell},
	{"STATE", 9, 4, LEFT, false, TOP_PLAIN, state_cell},
	{"UP/S", 5, 2, RIGHT, false, TOP_UP, up_cell},
	{"DOWN/S", 6, 1, RIGHT, false, TOP_DOWN, down_cell},
	{"SENT", 5, 9, RIGHT, false, TOP_PLAIN, sent_cell},
	{"RECVD", 5, 8, RIGHT, false, TOP_PLAIN, received_cell},
	{"AGE", 6, 7, RIGHT, false, TOP_PLAIN, age_cell},
	{"CLASS", 5, 10, LEFT, false, TOP_PLAIN, class_cell},
	{"LINK", 4, 3, RIGHT, false, TOP_PLAIN, link_cell},
};

#define N_COLUMNS (int)(sizeof(columns) / sizeof(columns[0]))
#define FIRST_FIGURE 5

struct layout {
	int width[N_COLUMNS]; /* 0: left out */
};

static int column_of_rank(int rank)
{
	for (int k = 0; k < N_COLUMNS; k++)
		if (columns[k].rank == rank)
			return k;
	return 0;
}

static int widest_cell(const struct top_model *m, int k)
{
	char buf[CELL_MAX];
	int most = columns[k].width;

	for (unsigned i = 0; i < m->n_flows; i++) {
		int n;

		columns[k].cell(m, &m->flows[i], buf);
		n = top_canvas_columns(buf);
		most = n > most ? n : most;
	}
	return most;
}

/* The columns that have room by rank; what is left over goes to those that would like more. */
static void lay_out(const struct top_model *m, int width, struct layout *l)
{
	int left = width + 1;

	*l = (struct layout){0};
	for (int rank = 0; rank < N_COLUMNS; rank++) {
		int k = column_of_rank(rank), want = columns[k].width;

		if (rank == 0 && want > width)
			want = width;
		if (want + 1 > left)
			continue;
		l->width[k] = want;
		left -= want + 1;
	}
	for (int rank = 0; rank < N_COLUMNS && left > 0; rank++) {
		int k = column_of_rank(rank), more;

		if (!l->width[k] || !columns[k].grows)
			continue;
		more = widest_cell(m, k) - l->width[k];
		more = more > left ? left : more;
		l->width[k] += more;
		left -= more;
	}
}

static void draw_cell(struct top_canvas *c, int x, int y, int width, enum side side,
	enum top_style style, const char *text)
{
	int n = top_canvas_columns(text);
	const char *cut = c->utf8 ? "\u2026" : "~";

	if (n <= width) {
		top_canvas_text(c, side == RIGHT ? x + width - n : x, y, width, style, text);
	} else if (side == LEFT) {
		top_canvas_text(c, x, y, width - 1, style, text);
		top_canvas_text(c, x + width - 1, y, 1, style, cut);
	} else {
		/* All that is cut here is ASCII: endpoints and numbers. */
		top_canvas_text(c, x, y, 1, style, cut);
		top_canvas_text(c, x + 1, y, width - 1, style,
			text + strlen(text) - (size_t)(width - 1));
	}
}

/* ---- rows ---- */

static void draw_titles(struct top_canvas *c, int y, const struct layout *l)
{
	int x = 0;

	for (int k = 0; k < N_COLUMNS; k++) {
		if (!l->width[k])
			continue;
		draw_cell(c, x, y, l->width[k], columns[k].side, TOP_PLAIN, columns[k].title);
		x += l->width[k] + 1;
	}
	top_canvas_bar(c, y, TOP_BAR);
}

static enum top_style cell_style(const struct top_flow *f, int k)
{
	bool idle = f->tx_rate <= 0 && f->rx_rate <= 0;

	return idle && columns[k].style == TOP_BOLD ? TOP_PLAIN : columns[k].style;
}

static void draw_flow(struct top_canvas *c, int y, const struct top_model *m, const struct layout *l,
	const struct top_flow *f)
{
	char buf[CELL_MAX], why[CELL_MAX + sizeof(f->why)];
	int x = 0;

	for (int k = 0; k < N_COLUMNS; k++) {
		if (k == FIRST_FIGURE && f->why[0]) {
			snprintf(why, sizeof(why), "waits %s for %s", format_age(f->age).s, f->why);
			draw_cell(c, x, y, c->width - x, LEFT, TOP_WARN, why);
			return;
		}
		if (!l->width[k])
			continue;
		columns[k].cell(m, f, buf);
		draw_cell(c, x, y, l->width[k], columns[k].side, cell_style(f, k), buf);
		x += l->width[k] + 1;
	}
}

/* ---- order ---- */

struct order {
	const struct top_flow *flows;
	const struct top_choice *choice;
};

static double sort_key(const struct top_flow *f, enum top_sort sort)
{
	switch (sort) {
	case TOP_SORT_BYTES:
		return (double)f->tx_bytes + (double)f->rx_bytes;
	case TOP_SORT_AGE:
		return f->age;
	default:
		return (double)f->tx_rate + (double)f->rx_rate;
	}
}

/* The most first; equals by number, the youngest first, so that no line jumps. */
static int compare(const void *one, const void *other, void *arg)
{
	const struct order *o = arg;
	const struct top_flow *a = &o->flows[*(const uint16_t *)one];
	const struct top_flow *b = &o->flows[*(const uint16_t *)other];
	double x = sort_key(a, o->choice->sort), y = sort_key(b, o->choice->sort);
	int sign = o->choice->reverse ? -1 : 1;

	if (x != y)
		return x > y ? -sign : sign;
	if (a->id != b->id)
		return a->id > b->id ? -sign : sign;
	return strcmp(a->protocol, b->protocol);
}

static void sort_flows(const struct top_model *m, const struct top_choice *choice, uint16_t *index)
{
	struct order o = {m->flows, choice};

	for (unsigned i = 0; i < m->n_flows; i++)
		index[i] = (uint16_t)i;
	qsort_r(index, m->n_flows, sizeof(index[0]), compare, &o);
}

void top_table_draw(struct top_canvas *c, int y, int rows, const struct top_model *m,
	const struct top_choice *choice)
{
	uint16_t index[TOP_FLOWS_MAX];
	struct layout l;

	lay_out(m, c->width, &l);
	draw_titles(c, y, &l);
	sort_flows(m, choice, index);
	for (int i = 0; i < rows && choice->scroll + (unsigned)i < m->n_flows; i++)
		draw_flow(c, y + 1 + i, m, &l, &m->flows[index[choice->scroll + (unsigned)i]]);
	if (m->n_flows == 0 && rows > 0)
		top_canvas_text(c, 0, y + 1, c->width, TOP_DIM, "no flows");
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * From the top: a title, a block for each module (state; the line up and down; its ten links), the
 * flows, the keys. A block comes in three sizes, the largest that leaves two thirds of the sheet to
 * the flows; the smallest is taken when none does. A line of text is a list of figures with ranks:
 * the least important ones are left out until the rest fits, and a curve takes what is left over.
 */
#include "top_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "top_table.h"

#define FIGURES_MAX 10
#define PADDED_MIN 22	/* columns: up, rate and share with blanks between */
#define CURVE_MIN 6	/* columns: a shorter curve says nothing */
#define SIGNAL_MAX 24	/* columns of the signal's curve */
#define SIGNAL_FULL 62	/* -51 dBm: the most that AT+CSQ tells */

/* ---- a line of figures ---- */

struct line {
	struct figure {
		char text[128];
		enum top_style style;
		int rank; /* 0 is the last to be left out */
	} figures[FIGURES_MAX];
	unsigned n;
};

/* An empty text adds nothing. */
__attribute__((format(printf, 4, 5)))
static void line_add(struct line *l, int rank, enum top_style style, const char *format, ...)
{
	struct figure *f = &l->figures[l->n];
	va_list args;

	if (l->n == FIGURES_MAX)
		return;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	f->style = style;
	f->rank = rank;
	l->n += f->text[0] != '\0';
}

static int line_columns(const struct line *l)
{
	int n = 0;

	for (unsigned i = 0; i < l->n; i++)
		n += top_canvas_columns(l->figures[i].text) + (i ? 2 : 0);
	return n;
}

static void line_drop_last_ranked(struct line *l)
{
	unsigned worst = 0;

	for (unsigned i = 1; i < l->n; i++)
		if (l->figures[i].rank > l->figures[worst].rank)
			worst = i;
	l->n--;
	memmove(&l->figures[worst], &l->figures[worst + 1], (l->n - worst) * sizeof(l->figures[0]));
}

/* Within WIDTH columns from x on; the column behind the last figure. */
static int line_draw(struct line *l, struct top_canvas *c, int x, int y, int width)
{
	int end = x + width;

	while (l->n > 1 && line_columns(l) > width)
		line_drop_last_ranked(l);
	for (unsigned i = 0; i < l->n; i++) {
		x += i ? 2 : 0;
		x += top_canvas_text(c, x, y, end - x, l->figures[i].style, l->figures[i].text);
	}
	return x;
}

static void draw_curve(struct top_canvas *c, int x, int y, int width, int rows, enum top_style style,
	const struct top_modem *m, enum top_figure figure, unsigned full)
{
	unsigned values[TOP_WIDTH_MAX], n, known;

	width = width > TOP_HISTORY ? TOP_HISTORY : width;
	if (width < CURVE_MIN)
		return;
	n = (unsigned)width;
	known = top_model_history(m, figure, values, n);
	top_canvas_spark(c, x + width - (int)known, y, rows, style, values + n - known, (int)known, full);
}

/* ---- title ---- */

static void draw_title(struct top_canvas *c, const struct top_model *m, const struct top_choice *choice)
{
	unsigned long long flows = m->n_flows + m->flows_left_out;
	struct line left = {0}, right = {0};
	int x;

	if (choice->trouble)
		line_add(&left, 0, TOP_PLAIN, "%s", choice->trouble);
	else if (choice->paused)
		line_add(&left, 0, TOP_PLAIN, "paused");
	line_add(&left, 1, TOP_PLAIN, "%s", m->interface);
	line_add(&left, 2, TOP_PLAIN, "%s", m->address);
	line_add(&left, 5, TOP_PLAIN, "%s", m->default_route ? "default route" : "");
	if (m->valid && m->n_waiting)
		line_add(&left, 3, TOP_PLAIN, "%llu flows, %u waiting", flows, m->n_waiting);
	else if (m->valid)
		line_add(&left, 4, TOP_PLAIN, "%llu flow%s", flows, flows == 1 ? "" : "s");
	x = line_draw(&left, c, 0, 0, c->width);
	if (m->valid) {
		line_add(&right, 0, TOP_PLAIN, "%s", m->time);
		line_add(&right, 1, TOP_PLAIN, "gwd %s, %s", m->version, format_age(m->uptime).s);
	}
	while (right.n && x + 2 + line_columns(&right) > c->width)
		line_drop_last_ranked(&right);
	line_draw(&right, c, c->width - line_columns(&right), 0, c->width);
	top_canvas_bar(c, 0, choice->trouble ? TOP_ALARM : TOP_BAR);
}

/* ---- a module ---- */

static bool is_up(const struct top_modem *m)
{
	return strcmp(m->state, "up") == 0;
}

static enum top_style signal_style(int dbm)
{
	const char *word = format_signal(dbm);

	return strcmp(word, "weak") == 0 ? TOP_BAD : strcmp(word, "fair") == 0 ? TOP_WARN : TOP_GOOD;
}

static void add_receive(struct line *l, const struct top_modem *m)
{
	if (strcmp(m->receive, "transparent") == 0 && m->transparent[0])
		line_add(l, 3, TOP_PLAIN, "transparent: %s", m->transparent);
	else if (strcmp(m->receive, m->configured) == 0 || !m->configured[0])
		line_add(l, 3, TOP_PLAIN, "%s", m->receive);
	else
		line_add(l, 3, TOP_PLAIN, "%s (%s)", m->receive, m->configured);
}

static void draw_state(struct top_canvas *c, int y, const struct top_modem *m, bool several)
{
	struct line l = {0};
	int x;

	if (several)
		line_add(&l, 0, TOP_BOLD, "%d", m->number);
	line_add(&l, 0, is_up(m) ? TOP_GOOD : TOP_BAD, "%s %s", m->state, format_age(m->since).s);
	if (!is_up(m))
		line_add(&l, 1, TOP_WARN, "%s", m->reason);
	if (m->rung > 0)
		line_add(&l, 2, TOP_BAD, "rung %d: %s", m->rung, m->rung_name);
	line_add(&l, 5, TOP_PLAIN, "%s", m->operator);
	line_add(&l, 4, TOP_PLAIN, "%s", m->technology);
	add_receive(&l, m);
	if (m->rssi)
		line_add(&l, 2, signal_style(m->rssi), "%d dBm %s", m->rssi, format_signal(m->rssi));
	x = 1 + line_draw(&l, c, 0, y, c->width);
	if (m->rssi)
		draw_curve(c, x, y, c->width - x < SIGNAL_MAX ? c->width - x : SIGNAL_MAX, 1,
			signal_style(m->rssi), m, TOP_FIGURE_SIGNAL, SIGNAL_FULL);
}

/* The figures of one direction and its curve, one or two lines high with the lower one at Y. */
static void draw_direction(struct top_canvas *c, int x, int y, int width, int rows,
	const struct top_modem *m, enum top_figure figure)
{
	bool up = figure == TOP_FIGURE_TX;
	const struct top_direction *d = up ? &m->tx : &m->rx;
	enum top_style style = up ? TOP_UP : TOP_DOWN;
	char now[80], peak[80];
	struct line l = {0};
	int behind;

	/* Padded, so that the two directions stand in columns, unless there is no room for that. */
	snprintf(now, sizeof(now), width < PADDED_MIN ? "%s %s %s" : "%-4s %10s %5s",
		up ? "up" : "down", format_rate((double)d->rate).s,
		format_share((double)d->share / TOP_FULL).s);
	snprintf(peak, sizeof(peak), "peak %10s %5s", format_rate((double)d->peak_rate).s,
		format_share((double)d->peak_share / TOP_FULL).s);
	line_add(&l, 0, style, "%s", now);
	if (rows == 1 && width >= 80)
		line_add(&l, 1, TOP_DIM, "%s", peak);
	behind = 2 + line_draw(&l, c, x, y - rows + 1, width);
	if (rows > 1)
		top_canvas_text(c, x, y, width, TOP_DIM, peak);
	draw_curve(c, behind, y, x + width - behind, rows, style, m, figure, TOP_FULL);
}

/* ---- its ten links ---- */

static const struct link_state {
	const char *name;
	char mark;
	enum top_style style;
} link_states[] = {
	{"free", '.', TOP_DIM},
	{"opening", '>', TOP_WARN},
	{"open", '=', TOP_GOOD},
	{"draining", '<', TOP_WARN},
	{"closing", 'x', TOP_WARN},
	{"", '?', TOP_PLAIN},
};

static const struct link_state *link_state(const char *name)
{
	const struct link_state *s = link_states;

	while (s->name[0] && strcmp(s->name, name) != 0)
		s++;
	return s;
}

static void draw_rates(struct top_canvas *c, int x, int y, const struct top_modem *m,
	const struct top_link *l)
{
	unsigned full = m->line_rate > 0 && m->line_rate < 1e9 ? (unsigned)m->line_rate : 0;
	unsigned tx = l->tx_rate > full ? full : (unsigned)l->tx_rate;
	unsigned rx = l->rx_rate > full ? full : (unsigned)l->rx_rate;

	top_canvas_spark(c, x, y, 1, TOP_UP, &tx, 1, full);
	top_canvas_spark(c, x + 1, y, 1, TOP_DOWN, &rx, 1, full);
}

#define SLOT_WORDS 9 /* columns of a link that has its state as a word, on a second line */
#define SLOT_RATES 6 /* with its rates behind number, type and mark */
#define SLOT_LABEL 6

static bool slots_labelled(int width)
{
	return width >= SLOT_LABEL + SLOT_RATES * TOP_LINKS_MAX;
}

static int slot_columns(int width)
{
	return (slots_labelled(width) ? width - SLOT_LABEL : width) / TOP_LINKS_MAX;
}

static void draw_slot(struct top_canvas *c, int x, int y, int width, int rows,
	const struct top_modem *m, int number)
{
	const struct top_link *l = &m->links[number];
	const struct link_state *s = link_state(l->state);
	char text[16];

	if (rows > 1) {
		snprintf(text, sizeof(text), "%d %s", number, l->type);
		top_canvas_text(c, x, y, width - 1, s->style, text);
		top_canvas_text(c, x, y + 1, width - 1, s->style, l->state);
		draw_rates(c, x + 6, y, m, l);
		return;
	}
	snprintf(text, sizeof(text), "%d%c%c", number,
		l->type[0] ? l->type[0] & ~0x20 : ' ', s->mark);
	top_canvas_text(c, x, y, width - 1, s->style, text);
	if (width >= SLOT_RATES)
		draw_rates(c, x + 3, y, m, l);
}

static void draw_slots(struct top_canvas *c, int y, int rows, const struct top_modem *m)
{
	int each = slot_columns(c->width), x = 0;

	if (slots_labelled(c->width)) {
		top_canvas_text(c, 0, y, SLOT_LABEL, TOP_PLAIN, "links");
		x = SLOT_LABEL;
	}
	for (int i = 0; i < TOP_LINKS_MAX; i++)
		draw_slot(c, x + i * each, y, each, rows, m, i);
}

/* ---- sizes ---- */

struct sizes {
	int direction; /* lines of each direction; 0: both on one */
	int slots;
	int head; /* title and all blocks */
};

static struct sizes sizes_of(const struct top_model *m, int direction, int width)
{
	struct sizes s = {.direction = direction, .slots = 1};

	if (direction > 0 && slot_columns(width) >= SLOT_WORDS)
		s.slots = 2;
	s.head = 1 + (int)m->n_modems * (1 + (direction ? 2 * direction : 1) + s.slots);
	return s;
}

static struct sizes fitting(const struct top_model *m, const struct top_choice *choice, int width,
	int height)
{
	if (choice->batch)
		return sizes_of(m, 1, width);
	for (int direction = 2; direction > 0; direction--) {
		struct sizes s = sizes_of(m, direction, width);

		if (s.head * 3 <= height)
			return s;
	}
	return sizes_of(m, 0, width);
}

int top_view_height(const struct top_model *m, const struct top_choice *choice, int width)
{
	return fitting(m, choice, width, 0).head + 1 + (m->n_flows ? (int)m->n_flows : 1);
}

static int page_of(const struct sizes *s, const struct top_choice *choice, int height)
{
	int rows = height - s->head - 1 - (choice->batch ? 0 : 1);

	return rows > 0 ? rows : 0;
}

int top_view_page(const struct top_model *m, const struct top_choice *choice, int width, int height)
{
	struct sizes s = fitting(m, choice, width, height);

	return page_of(&s, choice, height);
}

/* ---- keys ---- */

static const char *const sort_names[] = {"rate", "bytes", "age"};

_Static_assert(sizeof(sort_names) / sizeof(sort_names[0]) == TOP_SORTS, "a name for each order");

static void draw_keys(struct top_canvas *c, const struct top_model *m, const struct top_choice *choice,
	int page)
{
	unsigned first = choice->scroll < m->n_flows ? choice->scroll + 1 : m->n_flows;
	unsigned end = choice->scroll + (unsigned)page, last = end < m->n_flows ? end : m->n_flows;
	struct line l = {0};
	char range[48];
	int y = c->height - 1, n;

	snprintf(range, sizeof(range), "%u-%u of %u", first, last, m->n_flows);
	n = (unsigned)page < m->n_flows && !choice->help ? (int)strlen(range) : 0;
	line_add(&l, 0, TOP_PLAIN, "q quit");
	line_add(&l, 2, TOP_PLAIN, "s sort: %s%s", sort_names[choice->sort],
		choice->reverse ? ", reversed" : "");
	line_add(&l, 5, TOP_PLAIN, "r reverse");
	line_add(&l, 3, TOP_PLAIN, "p %s", choice->paused ? "go on" : "pause");
	line_add(&l, 4, TOP_PLAIN, "arrows scroll");
	line_add(&l, 1, TOP_PLAIN, "? help");
	line_draw(&l, c, 0, y, c->width - (n ? n + 2 : 0));
	if (n)
		top_canvas_text(c, c->width - n, y, n, TOP_PLAIN, range);
	top_canvas_bar(c, y, TOP_BAR);
}

/* In the place of the flows; where that is too low, of all between the bars. */
static void draw_help(struct top_canvas *c, int y)
{
	static const char *const help[] = {
		"q quit   p pause, go on   ? help on, off",
		"s sort by rate, bytes, age   r reverse",
		"arrows PgUp PgDn Home End scroll",
		"links: T tcp U udp D dns; rates up, down",
		"  . free  > opening  = open  x closing",
		"  < draining: closed by the peer",
		"flows: tcp< is a client of a forward",
		"rates: payload; shares: all on the line",
	};
	int lines = (int)(sizeof(help) / sizeof(help[0])), end = c->height - 1;

	y = y + lines <= end ? y : 1;
	for (int i = y; i < end; i++) {
		top_canvas_clear(c, i);
		if (i - y < lines)
			top_canvas_text(c, 0, i, c->width, TOP_PLAIN, help[i - y]);
	}
}

/* ---- the whole ---- */

static int draw_modem(struct top_canvas *c, int y, const struct sizes *s, const struct top_modem *m,
	bool several)
{
	int half = c->width / 2;

	draw_state(c, y++, m, several);
	if (s->direction == 0) {
		draw_direction(c, 0, y, half - 1, 1, m, TOP_FIGURE_TX);
		draw_direction(c, half, y++, c->width - half, 1, m, TOP_FIGURE_RX);
	} else {
		y += s->direction;
		draw_direction(c, 0, y - 1, c->width, s->direction, m, TOP_FIGURE_TX);
		y += s->direction;
		draw_direction(c, 0, y - 1, c->width, s->direction, m, TOP_FIGURE_RX);
	}
	draw_slots(c, y, s->slots, m);
	return y + s->slots;
}

void top_view_draw(struct top_canvas *c, const struct top_model *m, const struct top_choice *choice)
{
	struct sizes s = fitting(m, choice, c->width, c->height);
	int y = 1, page = page_of(&s, choice, c->height);

	c->faded = choice->trouble != NULL;
	draw_title(c, m, choice);
	for (unsigned i = 0; i < m->n_modems; i++)
		y = draw_modem(c, y, &s, &m->modems[i], m->n_modems > 1);
	if (choice->help)
		draw_help(c, y);
	else if (m->valid)
		top_table_draw(c, y, page, m, choice);
	if (!choice->batch)
		draw_keys(c, m, choice, page);
}

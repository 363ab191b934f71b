/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation: the list of values of a knob ("off|1..5000",
 * "full|partial:0..1500|0|-1|never") is its grammar. A value given by the user is tried against
 * each alternative from the left; literal words come before ranges in effect because a range
 * matches only a whole number text. Code asks for the chosen word (knob_is) and for the number
 * that came with it (knob_num), so no second set of names exists that could drift from what
 * --list-knobs prints.
 */
#include "knobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct knob {
	const char *section; /* set on the heading rows only */
	const char *name, *values, *def, *help;
	bool keyed;
	int id;
};

#define SECTION(title) {.section = (title), .id = -1},
#define KNOB(i, n, v, d, h) {NULL, n, v, d, h, false, KNOB_##i},
#define KEYED(i, n, v, d, h) {NULL, n, v, d, h, true, KNOB_##i},
static const struct knob rows[] = {
#include "knob_list.h"
};
#undef SECTION
#undef KNOB
#undef KEYED

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What a profile changes against the defaults, which are profile a7670e. */
static const struct {
	const char *profile, *assignment;
} profiles[] = {
	{"a7670e", "boot_time_s=6"},
	{"sim7600", "model=SIMCOM_SIM7600E-H"},
	{"sim7600", "revision=LE20B03SIM7600M22"},
	{"sim7600", "boot_profile=sim7600"},
	{"sim7600", "boot_time_s=24"},
	{"sim7600", "csocksetpn_2nd_arg=error"},
	{"sim7600", "unknown_err_code=255"},
	{"sim7600", "closed_line=always"},
	{"fast", "boot_time_s=0"},
	{"fast", "parser_latency_ms=0"},
	{"fast", "prompt_delay_ms=0"},
	{"fast", "send_confirm_delay_ms=0"},
	{"fast", "close_delay_ms=0"},
	{"fast", "netopen_delay_ms=0"},
};

static const struct knob *row_of(enum knob_id id)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].id == (int)id)
			return &rows[i];
	abort();
}

static const struct knob *row_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].name && strlen(rows[i].name) == len && !memcmp(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static unsigned long long prng_next(struct prng *r)
{
	unsigned long long z = (r->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

unsigned long prng_below(struct prng *r, unsigned long n)
{
	return n ? (unsigned long)(prng_next(r) % n) : 0;
}

bool prng_chance(struct prng *r, double p)
{
	return p > 0 && (double)(prng_next(r) >> 11) / 9007199254740992.0 < p;
}

static bool parse_number(const char *text, double *out)
{
	char *end;

	if (!strchr("0123456789-.", text[0]) || !text[0])
		return false;
	errno = 0;
	*out = strtod(text, &end);
	return *end == '\0' && errno == 0;
}

/* "A..B" of len characters holds this number text; fractions only where the range ends at 1. */
static bool range_has(const char *range, const char *text, double *out)
{
	char *dots;
	double low = (double)strtol(range, &dots, 10), high; /* strtod() would eat a dot */

	if (strncmp(dots, "..", 2) != 0)
		return false;
	high = (double)strtol(dots + 2, NULL, 10);
	if (!parse_number(text, out) || !(*out >= low && *out <= high))
		return false;
	return high <= 1 || *out == (double)(long)*out;
}

static bool is_range(const char *alt, size_t len)
{
	return memmem(alt, len, "..", 2) != NULL && strchr("-0123456789", alt[0]);
}

/* Whether one alternative (alt, len) accepts the text. */
static bool alternative_accepts(const char *alt, size_t len, const char *text, double *number)
{
	const char *colon = memchr(alt, ':', len);

	if (len == 4 && !memcmp(alt, "TEXT", 4))
		return true;
	if (colon) {
		size_t word = (size_t)(colon - alt) + 1;

		return !strncmp(text, alt, word) && range_has(colon + 1, text + word, number);
	}
	if (is_range(alt, len))
		return range_has(alt, text, number);
	*number = strtod(alt, NULL);
	return strlen(text) == len && !memcmp(alt, text, len);
}

static int value_parse(const struct knob *row, const char *text, struct knob_value *out)
{
	struct knob_value v = {0};
	const char *alt = row->values;

	if (strlen(text) >= sizeof(v.text))
		return -EINVAL;
	for (; *alt; v.alternative++) {
		size_t len = strcspn(alt, "|");

		if (alternative_accepts(alt, len, text, &v.number)) {
			snprintf(v.text, sizeof(v.text), "%s", text);
			*out = v;
			return 0;
		}
		alt += len + (alt[len] == '|');
	}
	return -EINVAL;
}

/* Picks one of the literal words; -EINVAL when the knob has only numbers or text. */
static int value_random(struct knobs *k, const struct knob *row, char *out, size_t size)
{
	unsigned long words = 0;

	for (const char *alt = row->values; *alt;) {
		size_t len = strcspn(alt, "|");
		bool literal = !memchr(alt, ':', len) && !is_range(alt, len) &&
			       !(len == 4 && !memcmp(alt, "TEXT", 4));

		if (literal && prng_below(&k->rng, ++words) == 0)
			snprintf(out, size, "%.*s", (int)len, alt);
		alt += len + (alt[len] == '|');
	}
	return words ? 0 : -EINVAL;
}

void knobs_seed(struct knobs *k, unsigned long long seed)
{
	k->rng.state = seed;
}

void knobs_init(struct knobs *k, unsigned long long seed)
{
	memset(k, 0, sizeof(*k));
	knobs_seed(k, seed);
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].name && value_parse(&rows[i], rows[i].def, &k->value[rows[i].id]) < 0)
			abort();
}

/* dns@NAME takes an address as well; everything else keeps to its list. */
static int keyed_parse(const struct knob *row, const char *text, struct knob_value *out)
{
	if (row->id == KNOB_DNS && strcmp(text, "fail") != 0) {
		*out = (struct knob_value){.alternative = -1};
		if (strlen(text) >= sizeof(out->text) || strcspn(text, ".:") == strlen(text))
			return -EINVAL;
		snprintf(out->text, sizeof(out->text), "%s", text);
		return 0;
	}
	return value_parse(row, text, out);
}

static int set_keyed(struct knobs *k, const struct knob *row, const char *key, size_t key_len,
	const char *text)
{
	struct knob_keyed e = {.id = row->id};

	if (!row->keyed || key_len == 0 || key_len >= sizeof(e.key))
		return -EINVAL;
	memcpy(e.key, key, key_len);
	if (keyed_parse(row, text, &e.value) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < k->keyed_count; i++) {
		if (k->keyed[i].id == e.id && !strcmp(k->keyed[i].key, e.key)) {
			k->keyed[i] = e;
			return 0;
		}
	}
	if (k->keyed_count == KNOB_KEYED_MAX)
		return -EINVAL;
	k->keyed[k->keyed_count++] = e;
	return 0;
}

static int set_plain(struct knobs *k, const struct knob *row, const char *text)
{
	char word[KNOB_TEXT_MAX];

	if (!strcmp(text, "random")) {
		if (value_random(k, row, word, sizeof(word)) < 0)
			return -EINVAL;
		text = word;
	}
	if (value_parse(row, text, &k->value[row->id]) < 0)
		return -EINVAL;
	if (row->id == KNOB_SEED && k->value[row->id].alternative == 1)
		knobs_seed(k, (unsigned long long)k->value[row->id].number);
	return 0;
}

int knobs_set(struct knobs *k, const char *assignment, char *err, size_t err_size)
{
	size_t name_len = strcspn(assignment, "=@");
	const struct knob *row = row_by_name(assignment, name_len);
	const char *equals;
	int r;

	if (!row) {
		snprintf(err, err_size, "no knob named '%.*s' (see --list-knobs)", (int)name_len,
			assignment);
		return -EINVAL;
	}
	equals = strchr(assignment + name_len, '=');
	if (!equals) {
		snprintf(err, err_size, "expected %s=VALUE, VALUE one of %s", row->name, row->values);
		return -EINVAL;
	}
	if (assignment[name_len] == '@')
		r = set_keyed(k, row, assignment + name_len + 1,
			(size_t)(equals - assignment) - name_len - 1, equals + 1);
	else
		r = set_plain(k, row, equals + 1);
	if (r < 0)
		snprintf(err, err_size, "'%s': expected %s%s=%s", assignment, row->name,
			row->keyed ? "[@KEY]" : "", row->values);
	return r;
}

int knobs_profile(struct knobs *k, const char *name, char *err, size_t err_size)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].profile, name) != 0)
			continue;
		known = true;
		if (knobs_set(k, profiles[i].assignment, err, err_size) < 0)
			return -EINVAL;
	}
	if (!known)
		snprintf(err, err_size, "no profile '%s': expected a7670e, sim7600 or fast", name);
	return known ? 0 : -EINVAL;
}

const char *knobs_get(const struct knobs *k, const char *name)
{
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name);
	const struct knob *row = row_by_name(name, len);

	if (!row)
		return NULL;
	return at ? knob_for(k, row->id, at + 1)->text : k->value[row->id].text;
}

bool knob_value_is(const struct knob_value *v, enum knob_id id, const char *word)
{
	size_t word_len = strlen(word);
	const char *alt = row_of(id)->values;

	for (int i = 0; *alt; i++) {
		size_t len = strcspn(alt, "|");

		if (!strncmp(alt, word, word_len) && (word_len == len || alt[word_len] == ':'))
			return v->alternative == i;
		alt += len + (alt[len] == '|');
	}
	abort(); /* a word that --list-knobs does not know is a mistake in the program */
}

bool knob_is(const struct knobs *k, enum knob_id id, const char *word)
{
	return knob_value_is(&k->value[id], id, word);
}

long knob_num(const struct knobs *k, enum knob_id id)
{
	return (long)k->value[id].number;
}

double knob_real(const struct knobs *k, enum knob_id id)
{
	return k->value[id].number;
}

const char *knob_text(const struct knobs *k, enum knob_id id)
{
	return k->value[id].text;
}

const struct knob_value *knob_for_strict(const struct knobs *k, enum knob_id id, const char *key)
{
	for (unsigned i = 0; i < k->keyed_count; i++)
		if (k->keyed[i].id == id && !strcmp(k->keyed[i].key, key))
			return &k->keyed[i].value;
	return NULL;
}

const struct knob_value *knob_for(const struct knobs *k, enum knob_id id, const char *key)
{
	const struct knob_value *v = knob_for_strict(k, id, key);

	return v ? v : &k->value[id];
}

void knobs_list(FILE *to)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].section)
			fprintf(to, "%s%s\n", i ? "\n" : "", rows[i].section);
		else
			fprintf(to, "  %s%s=%s\n      default %s; %s\n", rows[i].name,
				rows[i].keyed ? "[@KEY]" : "", rows[i].values, rows[i].def,
				rows[i].help);
	}
}

/* Bars inside a table cell must be escaped. */
static void markdown_values(FILE *to, const char *values)
{
	for (; *values; values++)
		fprintf(to, *values == '|' ? " \\| " : "%c", *values);
}

void knobs_list_markdown(FILE *to)
{
	fprintf(to, "# Knobs of a76sim\n\nMade by `a76sim --list-knobs=markdown`; do not edit.\n"
		    "`name=value` with `--set` or over the control socket; `random` picks a word.\n");
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].section) {
			fprintf(to, "\n## %s\n\n| knob | values | default | meaning |\n"
				    "| --- | --- | --- | --- |\n",
				rows[i].section);
			continue;
		}
		fprintf(to, "| `%s`%s | ", rows[i].name, rows[i].keyed ? " (`@KEY`)" : "");
		markdown_values(to, rows[i].values);
		fprintf(to, " | `%s` | %s |\n", rows[i].def, rows[i].help);
	}
}

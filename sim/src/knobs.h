/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Knobs: named switches of the simulated module. A value is one alternative of its knob's list (see
 * knob_list.h): the word that was chosen and, where the alternative has one, a number.
 */
#ifndef SIM_KNOBS_H
#define SIM_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum knob_id {
#define SECTION(title)
#define KNOB(id, name, values, def, help) KNOB_##id,
#define KEYED(id, name, values, def, help) KNOB_##id,
#include "knob_list.h"
#undef SECTION
#undef KNOB
#undef KEYED
	KNOB_COUNT
};

#define KNOB_TEXT_MAX 64
#define KNOB_KEYED_MAX 64

struct knob_value {
	int alternative; /* index in the list of values */
	double number;   /* of a range or WORD:N alternative */
	char text[KNOB_TEXT_MAX];
};

/* A value for one destination or name only: KNOB@KEY=VALUE. */
struct knob_keyed {
	enum knob_id id;
	char key[KNOB_TEXT_MAX];
	struct knob_value value;
};

struct prng {
	unsigned long long state;
};

struct knobs {
	struct knob_value value[KNOB_COUNT];
	struct knob_keyed keyed[KNOB_KEYED_MAX];
	unsigned keyed_count;
	struct prng rng; /* for the value "random" and for everything the module rolls dice for */
};

/* All defaults; seed 0 is as good as any other. */
void knobs_init(struct knobs *k, unsigned long long seed);
void knobs_seed(struct knobs *k, unsigned long long seed);

/*
 * Applies "name=value" or "name@key=value"; the value "random" picks one of the literal words.
 * Returns 0, or -EINVAL with a message in err that names what was expected.
 */
int knobs_set(struct knobs *k, const char *assignment, char *err, size_t err_size);
/* Applies a profile by name: 0 or -EINVAL with a message. */
int knobs_profile(struct knobs *k, const char *name, char *err, size_t err_size);
/* The value as it would be written, or NULL for an unknown name. */
const char *knobs_get(const struct knobs *k, const char *name);

/* Whether the knob stands at the alternative that begins with this word; the word must exist. */
bool knob_is(const struct knobs *k, enum knob_id id, const char *word);
bool knob_value_is(const struct knob_value *v, enum knob_id id, const char *word);
long knob_num(const struct knobs *k, enum knob_id id);
double knob_real(const struct knobs *k, enum knob_id id);
const char *knob_text(const struct knobs *k, enum knob_id id);
/* The value for a key, the general one when the key has none; strict: NULL then. */
const struct knob_value *knob_for(const struct knobs *k, enum knob_id id, const char *key);
const struct knob_value *knob_for_strict(const struct knobs *k, enum knob_id id, const char *key);

void knobs_list(FILE *to);          /* --list-knobs */
void knobs_list_markdown(FILE *to); /* sim/KNOBS.md */

unsigned long prng_below(struct prng *r, unsigned long n); /* 0 .. n-1 */
bool prng_chance(struct prng *r, double p);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The input is a file, and behind a byte 0xff overrides, one a line. Invariants: what is refused
 * changes nothing and has a printable message; what is accepted prints to a text that loads to the
 * same values.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct config_error *err)
{
	CHECK(*err->text && strlen(err->text) < sizeof(err->text));
	for (const char *s = err->text; *s; s++)
		CHECK(isprint((unsigned char)*s));
}

static void count(void *user, const char *name, bool live)
{
	(void)name;
	(void)live;
	++*(unsigned *)user;
}

static bool is_same(const struct config *a, const struct config *b)
{
	unsigned differences = 0;

	config_diff(a, b, count, &differences);
	return differences == 0;
}

static void check_round_trip(const struct config *c)
{
	struct config_error err = {""};
	struct config again;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	config_print(c, out);
	fclose(out);
	config_defaults(&again);
	CHECK(config_load_text(&again, "printed", text, n, &err) == 0);
	CHECK(is_same(c, &again));
	free(text);
}

static void override(struct config *c, const char *p, size_t n)
{
	struct config_overrides seen = {0};

	while (n) {
		const char *end = memchr(p, '\n', n);
		size_t len = end ? (size_t)(end - p) : n;
		struct config_error err = {""};
		struct config before = *c;
		char *text = strndup(p, len);

		if (config_override(c, &seen, text, "-o", &err) < 0) {
			check_message(&err);
			CHECK(memcmp(c, &before, sizeof(before)) == 0);
		}
		free(text);
		p += len + (end != NULL);
		n -= len + (end != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *split = memchr(data, 0xff, size);
	size_t n = split ? (size_t)(split - data) : size;
	struct config_error err = {""};
	struct config c, before;

	config_defaults(&c);
	before = c;
	if (config_load_text(&c, "fuzz", (const char *)data, n, &err) < 0) {
		check_message(&err);
		CHECK(memcmp(&c, &before, sizeof(c)) == 0);
	}
	if (split)
		override(&c, (const char *)split + 1, size - n - 1);
	check_round_trip(&c);
	return 0;
}

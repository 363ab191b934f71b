/* SPDX-License-Identifier: BSD-3-Clause */
/* What the option table says, for people: the effective configuration, help, example, man page. */
#include <string.h>

#include "option.h"

#define HELP_COLUMN 46

static bool starts_section(unsigned i)
{
	return i == 0 || strcmp(options[i].section, options[i - 1].section) != 0;
}

/* Empty values are printed, too: loaded over another configuration they undo what that had. */
void config_print(const struct config *c, FILE *out)
{
	char text[CONFIG_TEXT_MAX];

	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];

		if (starts_section(i))
			fprintf(out, "%s[%s]\n", i ? "\n" : "", o->section);
		for (unsigned k = 0; k < value_lines(o, c); k++) {
			const char *value = value_format(o, c, k, text);

			if (o->secret && *value)
				fprintf(out, "# %s is set, and not shown\n", o->key);
			else
				fprintf(out, "%s =%s%s\n", o->key, *value ? " " : "", value);
		}
	}
}

/* What stands for the value: "NAME", "yes|no", "576-9000", "TIME". */
static const char *argument(const struct option *o, char buf[OPTION_EXPECT_MAX])
{
	size_t at = 0;

	buf[0] = '\0';
	if (o->arg)
		return o->arg;
	switch (o->type) {
	case OPTION_BOOL:
		return "yes|no";
	case OPTION_SIZE:
		return "BYTES";
	case OPTION_DURATION:
		return "TIME";
	case OPTION_ENUM:
		for (const struct option_name *n = o->names; n->name && at < OPTION_EXPECT_MAX; n++)
			at += (size_t)snprintf(
				buf + at, OPTION_EXPECT_MAX - at, "%s%s", at ? "|" : "", n->name);
		return buf;
	default:
		return "NUMBER";
	}
}

static bool has_range(const struct option *o)
{
	return o->type == OPTION_UINT || o->type == OPTION_SIZE || o->type == OPTION_DURATION;
}

void config_print_help(FILE *out)
{
	char name[OPTION_NAME_MAX], arg[OPTION_EXPECT_MAX];

	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		int n = fprintf(out, "  %s=%s", option_name(o, name), argument(o, arg));

		fprintf(out, "%*s  %s", n < HELP_COLUMN ? HELP_COLUMN - n : 0, "", o->help);
		if (*o->def)
			fprintf(out, " [%s]", o->def);
		fprintf(out, "\n");
	}
}

/* @text as comment lines of at most ~90 columns, broken at blanks. */
static void print_comment(FILE *out, const char *text)
{
	const size_t width = 88;

	while (*text) {
		size_t n = strlen(text);

		if (n > width)
			for (n = width; n > 0 && text[n] != ' ';)
				n--;
		fprintf(out, "# %.*s\n", (int)n, text);
		text += n;
		text += *text == ' ';
	}
}

/* Only what everybody has to set is not a comment; a unit test loads it both ways. */
void config_print_example(FILE *out)
{
	char expect[OPTION_EXPECT_MAX];

	print_comment(out,
		"gwd.conf: see gwd.conf(5). What stands behind '#' is the default, or an "
		"example where there is none.");
	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		bool required = strcmp(o->key, "device") == 0;

		if (starts_section(i))
			fprintf(out, "\n[%s]\n", o->section);
		print_comment(out, o->help);
		if (has_range(o))
			fprintf(out, "# Value: %s.\n", value_expect(o, expect));
		else if (o->type == OPTION_ENUM)
			fprintf(out, "# Value: %s.\n", argument(o, expect));
		fprintf(out, "%s%s = %s\n", required ? "" : "#", o->key,
			*o->def ? o->def : o->example);
	}
}

/* scdoc's markup characters stand for themselves behind a backslash. */
static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_#~`[]<>", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

void config_print_scdoc(FILE *out)
{
	char buf[OPTION_EXPECT_MAX];

	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];

		if (starts_section(i))
			fprintf(out, "## [%s]\n\n", o->section);
		fprintf(out, "*%s* = ", o->key);
		print_escaped(out, argument(o, buf));
		fprintf(out, "\n\t");
		print_escaped(out, o->help);
		if (has_range(o)) {
			fprintf(out, " Value: ");
			print_escaped(out, value_expect(o, buf));
			fprintf(out, ".");
		}
		fprintf(out, " Default: ");
		print_escaped(out, *o->def ? o->def : "none");
		fprintf(out, "%s.\n\n", o->live ? "; a reload changes it" : "");
	}
}

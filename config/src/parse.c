/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The whole file is read into memory first (its size is bounded), then inih parses it line by line
 * through read_line(). inih is compiled with other limits on every distribution: lines of 200
 * bytes or more, ';' comments behind a value or none, continuation lines or none. So that a file
 * means the same everywhere, read_line() gives inih the structure only ("[section]", "key =") and
 * keeps the value, which the handler then takes from the reader; leading blanks are removed, so
 * that no line continues another.
 *
 * Errors: the first one is written down with its line and ends the parsing; the caller's struct is
 * changed only when the whole text was good.
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option.h"

#define FILE_MAX 65536
#define QUOTE_MAX 96 /* bytes of a bad value shown in an error */

struct reader {
	const char *name; /* of the file, for errors */
	const char *text;
	size_t left;
	unsigned line; /* number of the line that inih has */
	const char *value;
	size_t value_len;
	unsigned seen[OPTION_MAX]; /* line of each option's first value, 0: none yet */
	struct config config;
	struct config_error *err;
	bool failed;
};

int config_fail(struct config_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **p, size_t *n)
{
	while (*n && is_blank((*p)[*n - 1]))
		--*n;
	while (*n && is_blank(**p)) {
		++*p;
		--*n;
	}
}

/* How much of a line that is wrong as a whole may be shown: its name. The rest may be a secret, as in
 * "password: x". */
static size_t name_length(const char *p, size_t n)
{
	bool section = n > 0 && *p == '[';
	size_t at = 0;

	while (at < n && p[at] != '=' && p[at] != ':' && (section || !is_blank(p[at])))
		if (p[at++] == ']' && section)
			break;
	return at;
}

/* What stands before the '=': one word. inih would take ':' for '='. */
static bool is_key(const char *p, size_t n)
{
	size_t at = name_length(p, n);

	while (at < n && is_blank(p[at]))
		at++;
	return n > 0 && at == n;
}

static char *refuse(struct reader *r, const char *expected, const char *p, size_t n)
{
	char quoted[QUOTE_MAX];

	config_fail(r->err, "%s:%u: expected %s, got \"%s\"", r->name, r->line, expected,
		log_quote(quoted, sizeof(quoted), p, name_length(p, n)));
	r->failed = true;
	return NULL;
}

static bool next_line(struct reader *r, const char **p, size_t *n)
{
	const char *end = memchr(r->text, '\n', r->left);
	size_t taken;

	if (r->left == 0)
		return false;
	*p = r->text;
	*n = end ? (size_t)(end - r->text) : r->left;
	taken = end ? *n + 1 : *n;
	r->text += taken;
	r->left -= taken;
	r->line++;
	trim(p, n);
	return true;
}

/* "[section]", complete and of a known name. */
static bool is_known_section(const char *p, size_t n)
{
	char section[OPTION_NAME_MAX];

	if (n < 2 || n - 2 >= sizeof(section) || p[n - 1] != ']')
		return false;
	memcpy(section, p + 1, n - 2);
	section[n - 2] = '\0';
	return option_section_known(section);
}

/* An ini_reader: the next line's structure, NULL at the end or after an error. */
static char *read_line(char *buf, int size, void *user)
{
	struct reader *r = user;
	const char *p, *equals;
	size_t n, shown;

	if (r->failed || !next_line(r, &p, &n))
		return NULL;
	if (memchr(p, '\0', n))
		return refuse(r, "text", p, n);
	equals = memchr(p, '=', n);
	if (n == 0 || *p == '#' || *p == ';') {
		shown = 0;
	} else if (*p == '[') {
		if (!is_known_section(p, n))
			return refuse(r, "a known [section]", p, n);
		shown = n;
	} else {
		if (!equals || !is_key(p, (size_t)(equals - p)))
			return refuse(r, "\"key = value\"", p, n);
		shown = (size_t)(equals - p) + 1;
		r->value = p + shown;
		r->value_len = n - shown;
		trim(&r->value, &r->value_len);
	}
	if (shown + 2 > (size_t)size)
		return refuse(r, "a shorter key", p, n);
	memcpy(buf, p, shown);
	memcpy(buf + shown, "\n", 2);
	return buf;
}

static void unknown_option(
	struct config_error *err, const char *where, const char *section, const char *key)
{
	const struct option *near = option_nearest(section, key);
	char name[2 * OPTION_NAME_MAX], known[OPTION_NAME_MAX], quoted[QUOTE_MAX];

	snprintf(name, sizeof(name), "%s.%s", section, key);
	log_quote(quoted, sizeof(quoted), name, strlen(name));
	if (near)
		config_fail(err, "%s: unknown option \"%s\" (is it %s?)", where, quoted,
			option_name(near, known));
	else
		config_fail(err, "%s: unknown option \"%s\"", where, quoted);
}

/* The value of the current line as a string; NULL when it is too long to be one. */
static const char *value_text(const char *p, size_t n, char buf[CONFIG_TEXT_MAX])
{
	if (n >= CONFIG_TEXT_MAX)
		return NULL;
	memcpy(buf, p, n);
	buf[n] = '\0';
	return buf;
}

/* A single value twice is more likely a mistake in a long file than meant; the last one winning
 * silently is how such mistakes stay. The command line is there to overrule. */
static void file_value(struct reader *r, const struct option *o)
{
	unsigned *first = &r->seen[o - options];
	struct config_list *list = value_list(o, &r->config);
	char text[CONFIG_TEXT_MAX], expect[OPTION_EXPECT_MAX], name[OPTION_NAME_MAX];
	char quoted[QUOTE_MAX];

	option_name(o, name);
	if (*first && !list) {
		config_fail(r->err,
			"%s:%u: %s: expected one value, got a second (the first is in line %u)",
			r->name, r->line, name, *first);
		r->failed = true;
		return;
	}
	if (!*first && list)
		list->n = 0;
	*first = r->line;
	if (!value_text(r->value, r->value_len, text) || value_set(o, &r->config, text) < 0) {
		log_quote(quoted, sizeof(quoted), r->value, r->value_len);
		config_fail(r->err, "%s:%u: %s: expected %s, got %s%s%s", r->name, r->line, name,
			value_expect(o, expect), o->secret ? "" : "\"",
			o->secret ? "something else" : quoted, o->secret ? "" : "\"");
		r->failed = true;
	}
}

/* An ini_handler; @value is empty, see above. */
static int handle(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	const struct option *o = option_find(section, key);
	char where[CONFIG_TEXT_MAX];

	(void)value;
	if (r->failed)
		return 0;
	if (o) {
		file_value(r, o);
	} else if (!*section) {
		refuse(r, "a [section] before the first key", key, strlen(key));
	} else {
		snprintf(where, sizeof(where), "%.200s:%u", r->name, r->line);
		unknown_option(r->err, where, section, key);
		r->failed = true;
	}
	return !r->failed;
}

int config_load_text(
	struct config *c, const char *name, const char *text, size_t n, struct config_error *err)
{
	struct reader r = {.name = name, .text = text, .left = n, .config = *c, .err = err};
	int rc;

	/* A byte order mark, as some editors leave it. */
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		r.text += 3;
		r.left -= 3;
	}
	rc = ini_parse_stream(read_line, &r, handle, &r);
	if (r.failed)
		return -EINVAL;
	if (rc < 0)
		return config_fail(err, "%s: %s", name, strerror(ENOMEM)), -ENOMEM;
	if (rc > 0)
		return config_fail(
			err, "%s:%d: expected \"[section]\" or \"key = value\"", name, rc);
	*c = r.config;
	return 0;
}

/* Reads all of @fd into @buf. Its length, -EFBIG, or another -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t at = 0;

	for (;;) {
		ssize_t n = read(fd, buf + at, size - at);

		if (n == 0)
			return (ssize_t)at;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			at += (size_t)n;
		if (at == size)
			return -EFBIG;
	}
}

int config_load_file(struct config *c, const char *path, struct config_error *err)
{
	char *text = malloc(FILE_MAX);
	ssize_t n;
	int fd, rc;

	if (!text)
		return config_fail(err, "%s: %s", path, strerror(ENOMEM)), -ENOMEM;
	/* A reload must not wait for whoever writes a FIFO. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	n = fd < 0 ? -errno : read_all(fd, text, FILE_MAX);
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		config_fail(err, "%s: %s", path, strerror((int)-n));
		rc = (int)n;
	} else {
		rc = config_load_text(c, path, text, (size_t)n, err);
	}
	free(text);
	return rc;
}

/* Splits "section.key=value"; the value has no blanks around it. */
static int split_assignment(const char *text, char section[OPTION_NAME_MAX],
	char key[OPTION_NAME_MAX], const char **value, size_t *n)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
	const char *key_at = dot ? dot + 1 : NULL;
	size_t section_len, key_len;

	if (!dot || !equals || equals < dot)
		return -EINVAL;
	section_len = (size_t)(dot - text);
	key_len = (size_t)(equals - key_at);
	trim(&text, &section_len);
	trim(&key_at, &key_len);
	if (!section_len || !key_len || section_len >= OPTION_NAME_MAX ||
		key_len >= OPTION_NAME_MAX)
		return -EINVAL;
	snprintf(section, OPTION_NAME_MAX, "%.*s", (int)section_len, text);
	snprintf(key, OPTION_NAME_MAX, "%.*s", (int)key_len, key_at);
	*value = equals + 1;
	*n = strlen(*value);
	trim(value, n);
	return 0;
}

/* Works on a copy: a refused override of a list must not have emptied it. */
int config_override(struct config *c, struct config_overrides *seen, const char *assignment,
	const char *name, struct config_error *err)
{
	char section[OPTION_NAME_MAX], key[OPTION_NAME_MAX], expect[OPTION_EXPECT_MAX];
	char quoted[QUOTE_MAX], where[QUOTE_MAX + 32], text[CONFIG_TEXT_MAX];
	const struct option *o;
	struct config copy = *c;
	const char *value;
	size_t n;

	/* Without a '=' what stands behind the name may be a secret all the same. */
	n = strcspn(assignment, "=");
	if (!assignment[n])
		n = strcspn(assignment, ": \t");
	log_quote(quoted, sizeof(quoted), assignment, n);
	snprintf(where, sizeof(where), "%.24s %s", name, quoted);
	if (split_assignment(assignment, section, key, &value, &n) < 0)
		return config_fail(err, "%s: expected section.key=value", where);
	o = option_find(section, key);
	if (o && !o->secret) { /* a mistyped name may be that of a secret, too */
		log_quote(quoted, sizeof(quoted), assignment, strlen(assignment));
		snprintf(where, sizeof(where), "%.24s %s", name, quoted);
	}
	if (!o) {
		unknown_option(err, where, section, key);
		return -EINVAL;
	}
	if (o->type == OPTION_LIST && !seen->seen[o - options])
		value_list(o, &copy)->n = 0;
	if (!value_text(value, n, text) || value_set(o, &copy, text) < 0)
		return config_fail(err, "%s: expected %s", where, value_expect(o, expect));
	seen->seen[o - options] = true;
	*c = copy;
	return 0;
}

char *config_secret_value(char *assignment)
{
	char section[OPTION_NAME_MAX], key[OPTION_NAME_MAX];
	const struct option *o;
	const char *value;
	size_t n;

	if (split_assignment(assignment, section, key, &value, &n) < 0)
		return NULL;
	o = option_find(section, key);
	return o && o->secret ? assignment + (value - assignment) : NULL;
}

void config_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (unsigned i = 0; i < options_count; i++)
		if (value_set(&options[i], c, options[i].def) < 0)
			abort(); /* the table contradicts itself; every start would show it */
}

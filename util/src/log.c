/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_history.h"

static struct {
	enum log_level level;
	bool prefix;
	void (*sink)(enum log_level level, const char *line);
	void (*listener)(void *user, enum log_level level, const char *line);
	void *listener_user;
} state = {.level = LOG_LEVEL_INFO};

static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
static const int priorities[] = {3, 4, 6, 7, 7}; /* syslog(3) */

_Static_assert(sizeof(names) / sizeof(names[0]) == LOG_LEVEL_TRACE + 1, "a name for each level");
_Static_assert(sizeof(priorities) / sizeof(priorities[0]) == LOG_LEVEL_TRACE + 1,
	"a priority for each level");

void log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level log_get_level(void)
{
	return state.level;
}

const char *log_level_name(enum log_level level)
{
	return names[level];
}

void log_set_sink(void (*sink)(enum log_level level, const char *line))
{
	state.sink = sink;
}

void log_set_listener(void (*listener)(void *user, enum log_level level, const char *line), void *user)
{
	state.listener = listener;
	state.listener_user = user;
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream that is connected. */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long dev, ino;
	struct stat st;

	state.prefix = stream && sscanf(stream, "%lu:%lu", &dev, &ino) == 2 &&
		fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);

	log_history_keep(level, line);
	if (state.listener && level <= LOG_LEVEL_WARN)
		state.listener(state.listener_user, level, line);
	if (level > state.level)
		return;
	if (state.sink)
		state.sink(level, line);
	else if (state.prefix)
		dprintf(STDERR_FILENO, "<%d>%s\n", priorities[level], line);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", names[level], line);
}

const char *log_quote(char *buf, size_t size, const void *p, size_t n)
{
	const unsigned char *s = p;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		char one[8];
		size_t len;

		if (s[i] == '\r' || s[i] == '\n')
			len = (size_t)snprintf(one, sizeof(one), "\\%c", s[i] == '\r' ? 'r' : 'n');
		else if (s[i] >= 0x20 && s[i] < 0x7f && s[i] != '\\')
			len = (size_t)snprintf(one, sizeof(one), "%c", s[i]);
		else
			len = (size_t)snprintf(one, sizeof(one), "\\x%02x", s[i]);
		if (at + len + sizeof("...") > size) {
			at += (size_t)snprintf(buf + at, size - at, "...");
			break;
		}
		for (size_t k = 0; k < len; k++)
			buf[at++] = one[k];
	}
	buf[at] = '\0';
	return buf;
}

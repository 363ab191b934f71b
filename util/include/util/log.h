/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one line a call on stderr, with the "<N>" priority prefix that journald reads when
 * stderr is its stream. A line names the flow or link it concerns, what was expected and what came.
 * Secrets (PIN, passwords) are never passed in. Bytes from outside are printed through log_quote().
 *
 * The last lines are kept in memory as well, from INFO up whatever the level, so that they are there
 * when somebody asks what happened (log_history()).
 *
 * Level and history are the process-wide state besides lwIP's: a log belongs to the process.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 1023 /* bytes; a longer line is cut */
#define LOG_HISTORY_LINES 1000 /* kept; fewer if they are longer than 120 bytes on average */

enum log_level {
	LOG_LEVEL_ERROR, /* needs a person */
	LOG_LEVEL_WARN,	 /* went wrong, handled */
	LOG_LEVEL_INFO,	 /* what an operator wants to see of a normal day */
	LOG_LEVEL_DEBUG, /* every flow and link */
	LOG_LEVEL_TRACE, /* the AT dialogue too */
};

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
const char *log_level_name(enum log_level level);

/* Decides on the "<N>" prefix: yes if stderr is the stream that $JOURNAL_STREAM names. */
void log_open(void);

/* Replaces stderr, for tests; NULL goes back. @line has no line end. */
void log_set_sink(void (*sink)(enum log_level level, const char *line));

/* Somebody else who hears every line at or above WARN, whatever the level; NULL ends it. @line is for
 * the call only, and nothing may be logged from within. */
void log_set_listener(void (*listener)(void *user, enum log_level level, const char *line),
	void *user);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last @lines lines of the history (or as many as there are), oldest first, each through @each:
 * @time in microseconds since the epoch, @line without line end, for the call only. Nothing may be
 * logged from within. Returns how many they were. */
unsigned log_history(unsigned lines,
	void (*each)(void *user, int64_t time, enum log_level level, const char *line), void *user);
/* Forgets them, for tests. */
void log_history_clear(void);

/* Writes bytes from outside as printable text: \r, \n, \xNN for what is not printable, "..." when
 * cut. Returns @buf, always terminated; @size at least 8. */
const char *log_quote(char *buf, size_t size, const void *p, size_t n);

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if ((level) <= LOG_LEVEL_INFO || (level) <= log_get_level())                       \
			log_write((level), __VA_ARGS__);                                           \
	} while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_LEVEL_TRACE, __VA_ARGS__)

#endif

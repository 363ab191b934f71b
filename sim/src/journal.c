/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "sim.h"

#define JOIN (5 * MS) /* bytes that follow each other so soon share a line of the record */

int journal_record(struct journal *j, const char *path)
{
	j->record = fopen(path, "we");
	return j->record ? 0 : -errno;
}

size_t journal_escape(char *out, size_t size, const void *bytes, size_t n, const char *format)
{
	const unsigned char *p = bytes;
	size_t used = 0;

	for (size_t i = 0; i < n && used + 8 < size; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\') {
			out[used++] = (char)p[i];
		} else {
			static const char digits[] = "0123456789abcdef";

			for (const char *f = format; *f; f++)
				out[used++] = *f;
			out[used++] = digits[p[i] >> 4];
			out[used++] = digits[p[i] & 15];
		}
	}
	out[used] = '\0';
	return used;
}

void journal_flush(struct journal *j)
{
	char text[sizeof(j->bytes) * 4 + 16];
	int64_t t = j->pending_at - j->start;

	if (!j->record || !j->pending)
		return;
	journal_escape(text, sizeof(text), j->bytes, j->pending, "\\x");
	fprintf(j->record, "%lld.%06lld %c> %s\n", (long long)(t / (1000 * MS)),
		(long long)(t / 1000 % 1000000), j->pending_dir, text);
	fflush(j->record);
	j->pending = 0;
}

int64_t journal_deadline(const struct journal *j)
{
	return j->pending ? j->pending_last + JOIN : NEVER;
}

void journal_run(struct journal *j, int64_t now)
{
	if (now >= journal_deadline(j))
		journal_flush(j);
}

void journal_bytes(struct journal *j, int64_t now, char direction, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	if (!j->record)
		return;
	if (direction != j->pending_dir || now - j->pending_last > JOIN)
		journal_flush(j);
	j->pending_dir = direction; /* a long burst is flushed in the middle */
	while (n--) {
		if (j->pending == sizeof(j->bytes))
			journal_flush(j);
		if (!j->pending)
			j->pending_at = now;
		j->bytes[j->pending++] = *p++;
	}
	j->pending_last = now;
}

void journal_command(struct journal *j, const char *name)
{
	struct stats *s = &j->stats;
	unsigned i;

	for (i = 0; i < s->commands && strcmp(s->command[i].name, name) != 0; i++)
		;
	if (i == COMMAND_NAMES_MAX)
		return;
	if (i == s->commands) {
		snprintf(s->command[i].name, sizeof(s->command[i].name), "%s", name);
		s->commands++;
	}
	s->command[i].count++;
}

void journal_clear(struct journal *j)
{
	unsigned links = j->stats.links_now;

	memset(&j->stats, 0, sizeof(j->stats));
	j->stats.links_now = j->stats.links_max = links;
	j->first = j->count = 0;
	j->total = 0;
}

void mistake(struct sim *sim, const char *kind, const char *format, ...)
{
	struct journal *j = &sim->journal;
	struct mistake *m = &j->mistakes[(j->first + j->count) % MISTAKES_MAX];
	char detail[sizeof(m->detail) / 2];
	va_list ap;
	int n;

	if (j->count == MISTAKES_MAX)
		j->first = (j->first + 1) % MISTAKES_MAX;
	else
		j->count++;
	j->total++;
	va_start(ap, format);
	n = vsnprintf(detail, sizeof(detail), format, ap);
	va_end(ap);
	m->at = sim->now - j->start;
	m->kind = kind;
	journal_escape(m->detail, sizeof(m->detail), detail,
		n < (int)sizeof(detail) ? (size_t)n : sizeof(detail) - 1, "\\u00");
}

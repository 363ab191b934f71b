/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines are records of a fixed head and their text, one behind the other in a byte ring. The number
 * of lines and the bytes are both bounded: 1,000 ordinary lines fit, of very long ones fewer. The
 * memory is the process's own from the start, and what was never written costs nothing.
 */
#include "log_history.h"

#include <string.h>
#include <time.h>

#include "util/ring.h"

#define BYTES_MAX (128 * 1024)

struct head {
	int64_t time; /* microseconds since the epoch */
	uint16_t len;
	uint8_t level;
};

static uint8_t mem[BYTES_MAX];
static struct ring ring = {.mem = mem, .size = sizeof(mem)};
static unsigned kept;

static void drop_oldest(void)
{
	struct head h;

	ring_copy(&ring, 0, &h, sizeof(h));
	ring_drop(&ring, sizeof(h) + h.len);
	kept--;
}

void log_history_keep(enum log_level level, const char *line)
{
	size_t len = strlen(line);
	struct timespec now;
	struct head h;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(&h, 0, sizeof(h));
	h.time = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	h.len = (uint16_t)(len < LOG_LINE_MAX ? len : LOG_LINE_MAX);
	h.level = (uint8_t)level;
	while (kept == LOG_HISTORY_LINES || (kept && ring_space(&ring) < sizeof(h) + h.len))
		drop_oldest();
	if (ring_put(&ring, &h, sizeof(h)) == 0 && ring_put(&ring, line, h.len) == 0)
		kept++;
}

unsigned log_history(unsigned lines,
	void (*each)(void *user, int64_t time, enum log_level level, const char *line), void *user)
{
	unsigned skip = kept > lines ? kept - lines : 0;
	char text[LOG_LINE_MAX + 1];
	size_t at = 0;

	for (unsigned i = 0; i < kept; i++) {
		struct head h;

		at += ring_copy(&ring, at, &h, sizeof(h));
		if (i >= skip) {
			text[ring_copy(&ring, at, text, h.len)] = '\0';
			each(user, h.time, h.level, text);
		}
		at += h.len;
	}
	return kept - skip;
}

void log_history_clear(void)
{
	ring_clear(&ring);
	kept = 0;
}

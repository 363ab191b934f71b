/* SPDX-License-Identifier: BSD-3-Clause */
/* The last lines of the log, oldest first. */
#include "report.h"

#include <stdio.h>
#include <time.h>

#include "json.h"
#include "util/log.h"

static void add_line(void *user, int64_t time, enum log_level level, const char *line)
{
	struct json_object *list = user, *o = json_object_new_object();
	time_t s = (time_t)(time / 1000000);
	char day[32], text[48];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(time % 1000000 / 1000));
	json_add_text(o, "time", text);
	json_add_text(o, "level", log_level_name(level));
	json_add(o, "text", json_object_new_string(line));
	json_object_array_add(list, o);
}

struct json_object *report_log(unsigned lines)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	log_history(lines, add_line, list);
	json_add(o, "lines", list);
	return o;
}

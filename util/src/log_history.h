/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last lines of the log, kept in memory for those who ask later (log_history() in util/log.h).
 * Private to the log.
 */
#ifndef UTIL_LOG_HISTORY_H
#define UTIL_LOG_HISTORY_H

#include "util/log.h"

/* The oldest lines make room. */
void log_history_keep(enum log_level level, const char *line);

#endif

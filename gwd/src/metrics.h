/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the daemon as metrics, in Prometheus' text format 0.0.4 (docs/metrics.md lists them).
 *
 * What holds for all: base units (seconds, bytes), counters end in _total and begin at 0 with the
 * daemon; a family is there with its HELP and TYPE even while it has no sample; what is unknown has no
 * sample. direction="tx" is towards the network, as in status. Every sample carries the name of the
 * interface, so that the textfiles of two daemons can lie in one folder; no label takes values without
 * bound, and none says who the subscriber is.
 */
#ifndef GWD_METRICS_H
#define GWD_METRICS_H

#include <stddef.h>

#include "daemon.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The caller frees it; @n bytes (may be NULL) and a NUL behind them. NULL when out of memory. */
char *metrics_text(const struct daemon *d, size_t *n);

/* Writes @value as it may stand between the quotes of a label: escaped, printable, and valid UTF-8
 * whatever it was before, because one wrong byte would cost a scraper the whole page. */
void metrics_label(FILE *out, const char *value);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts that others read as UTF-8: metrics, JSON. */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed sequence that the terminated text @s begins with (Unicode 15, table 3-7), 0: there
 * is none. */
size_t utf8_length(const char *s);

#endif

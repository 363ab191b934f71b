/* SPDX-License-Identifier: BSD-3-Clause */
#include "mask.h"

#include <string.h>

#define DIGITS "0123456789"
#define LEAST 14 /* some print an IMEI without its check digit */
#define MOST 22
#define SHOWN 4

char *mask_numbers(char *text)
{
	for (char *p = text; *p;) {
		size_t n = strspn(p, DIGITS);

		if (n >= LEAST && n <= MOST)
			memset(p, '*', n - SHOWN);
		p += n + strcspn(p + n, DIGITS);
	}
	return text;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "mask.h"

#include <string.h>

#define DIGITS "0123456789"
#define LEAST 14 /* some print an IMEI without its check digit */
#define MOST 22
#define SHOWN 4

/* gwd's own list is longer; these are for bearers, the others are no business of modem.init's. */
static const char *const setters[] = {"+CPIN=", "+CPWD=", "+CLCK=", "+CGAUTH=", "+CSTT="};

char *mask_secrets(char *text)
{
	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++)
		for (char *p = text; (p = strcasestr(p, setters[i]));) {
			size_t n = strcspn(p += strlen(setters[i]), "\n");

			memset(p, '*', n);
			p += n;
		}
	return text;
}

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

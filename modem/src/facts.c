/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What people like to know and nothing depends on: the operator's name and the radio technology, by
 * AT+COPS? and AT+CPSI? at bring-up and in the slow watch. A module that refuses one of them is not
 * asked again before its next boot.
 *
 * The name comes from the network, that is from strangers: it is kept as printable UTF-8, whatever
 * the module's character set made of it.
 */
#include "steps.h"

#include <ctype.h>
#include <string.h>

#define UCS2_DIGITS 4

/* 3GPP TS 27.007 7.3, <AcT>. */
static const char *const technologies[] = {
	"GSM", "GSM", "WCDMA", "GSM", "WCDMA", "WCDMA", "WCDMA", "LTE", "GSM", "NB-IoT",
};

const char *const fact_commands[FACTS] = {
	[FACT_OPERATOR] = "AT+COPS?",
	[FACT_TECHNOLOGY] = "AT+CPSI?",
};

static size_t put_utf8(char *to, unsigned cp)
{
	if (cp < 0x80) {
		to[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		to[0] = (char)(0xc0 | cp >> 6);
		to[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | cp >> 12);
	to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
	to[2] = (char)(0x80 | (cp & 0x3f));
	return 3;
}

/* Neither a control character nor half of a pair. */
static bool is_printable(unsigned cp)
{
	return cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0) && !(cp >= 0xd800 && cp < 0xe000) &&
		cp < 0xfffe && cp != '"';
}

/* One code point of well-formed UTF-8 of up to three bytes at @s; 0 if there is none. */
static size_t get_utf8(const uint8_t *s, size_t n, unsigned *cp)
{
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (n >= 2 && (s[0] & 0xe0) == 0xc0 && (s[1] & 0xc0) == 0x80) {
		*cp = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
		return *cp >= 0x80 ? 2 : 0;
	}
	if (n >= 3 && (s[0] & 0xf0) == 0xe0 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
		*cp = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
		return *cp >= 0x800 ? 3 : 0;
	}
	return 0;
}

static unsigned hex_unit(const char *s)
{
	unsigned v = 0;

	for (unsigned i = 0; i < UCS2_DIGITS; i++) {
		unsigned d = (unsigned)(isdigit((unsigned char)s[i]) ? s[i] - '0' :
						     (s[i] | 0x20) - 'a' + 10);

		v = v << 4 | d;
	}
	return v;
}

/* With AT+CSCS="UCS2" names are hexadecimal. Eight digits or more that are all printable in UCS-2
 * and no number (AT+COPS's format 2 has at most six) are taken for one. */
static bool is_ucs2(const char *s, size_t n)
{
	if (n < 2 * UCS2_DIGITS || n % UCS2_DIGITS)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	for (size_t i = 0; i < n; i += UCS2_DIGITS)
		if (!is_printable(hex_unit(s + i)))
			return false;
	return true;
}

void fact_text(char *to, size_t size, const char *s, size_t n)
{
	bool ucs2 = is_ucs2(s, n);
	size_t at = 0;

	for (size_t i = 0; i < n && at + 3 < size;) {
		unsigned cp = ucs2 ? hex_unit(s + i) : 0;
		size_t took = ucs2 ? UCS2_DIGITS : get_utf8((const uint8_t *)s + i, n - i, &cp);

		if (took && is_printable(cp))
			at += put_utf8(to + at, cp);
		i += took ? took : 1;
	}
	while (at && to[at - 1] == ' ')
		at--;
	to[at] = '\0';
}

/* +COPS: <mode>[,<format>,"<oper>"[,<AcT>]] */
static void note_cops(struct bearer *b, const struct msg *msg)
{
	const char *end = msg->text + msg->len;
	const char *name = memchr(msg->text, '"', msg->len);
	const char *close = name ? memrchr(name + 1, '"', (size_t)(end - name - 1)) : NULL;

	b->operator[0] = '\0';
	if (!close)
		return;
	fact_text(b->operator, sizeof(b->operator), name + 1, (size_t)(close - name - 1));
	if (end - close == 3 && close[1] == ',' && close[2] >= '0' && close[2] <= '9' &&
		(b->facts_refused & 1u << FACT_TECHNOLOGY))
		fact_text(b->technology, sizeof(b->technology), technologies[close[2] - '0'],
			strlen(technologies[close[2] - '0']));
}

/* +CPSI: <system mode>,<operation mode>,... */
static void note_cpsi(struct bearer *b, const struct msg *msg)
{
	static const char none[] = "NO SERVICE";
	const char *comma = memchr(msg->text, ',', msg->len);
	size_t n = comma ? (size_t)(comma - msg->text) : msg->len;

	fact_text(b->cell, sizeof(b->cell), msg->text, msg->len);
	if (n == sizeof(none) - 1 && memcmp(msg->text, none, n) == 0)
		n = 0;
	fact_text(b->technology, sizeof(b->technology), msg->text, n);
}

bool fact_note(struct modem *m, const struct msg *msg)
{
	if (msg->kind == MSG_COPS)
		note_cops(&m->bearer, msg);
	else if (msg->kind == MSG_CPSI)
		note_cpsi(&m->bearer, msg);
	else
		return false;
	return true;
}

void fact_done(struct modem *m, enum fact fact, enum result r)
{
	if (r != RESULT_OK)
		m->bearer.facts_refused |= 1u << fact;
}

bool fact_wanted(const struct modem *m, enum fact fact)
{
	return !(m->bearer.facts_refused & 1u << fact);
}

/* ---- steps ---- */

enum info step_info_fact(void *user, struct command *c, const struct msg *msg)
{
	(void)c;
	return fact_note(user, msg) ? INFO_TAKEN : INFO_FOREIGN;
}

static bool build_fact(struct modem *m, struct command *c, enum fact fact)
{
	command_printf(c, "%s", fact_commands[fact]);
	return fact_wanted(m, fact);
}

/* Technology first: where it is refused the operator's line has it as well. */
bool step_build_cpsi(struct modem *m, struct command *c)
{
	return build_fact(m, c, FACT_TECHNOLOGY);
}

bool step_build_cops(struct modem *m, struct command *c)
{
	return build_fact(m, c, FACT_OPERATOR);
}

/* No answer is as good as a refusal: nothing waits for it. */
int step_judge_cpsi(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	fact_done(m, FACT_TECHNOLOGY, r);
	return NEXT;
}

int step_judge_cops(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	fact_done(m, FACT_OPERATOR, r);
	return NEXT;
}

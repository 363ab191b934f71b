/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The lexer is in one of two modes. In line mode it collects bytes up to '\n'; in payload mode it
 * hands over a number of bytes that a header line announced, whatever they look like. Payload mode
 * begins behind the '\n' of the header and nowhere else, so a payload that starts with line ends
 * stays whole (AT reference 6.1).
 *
 * A prompt has no line end. It is recognised only while somebody waits for it, and only at the
 * start of a line (or directly behind the '\r' of an echo).
 *
 * Lost bytes show at the seams. The module puts "\r\n" before whatever follows a payload; when one
 * byte of the payload was lost, the count swallows the '\r' and a lone '\n' follows; when more were
 * lost, text follows without any line end. Both are reported by skew(). Firmware that prints
 * headers without a line end before them ("bare", learned by the owner) is exempt only for text,
 * not for half a line end.
 */
#include "lexer.h"

#include <string.h>

#define PEEK_MAX 80 /* longer than any endpoint */

void lexer_init(struct lexer *lx, const struct lexer_form *forms, const struct lexer_ops *ops,
	void *user)
{
	*lx = (struct lexer){.forms = forms, .ops = ops, .user = user, .push = true};
	lexer_reset(lx);
}

void lexer_reset(struct lexer *lx)
{
	lx->overlong = false;
	lx->raw = false;
	lx->lead = true; /* what stood before is unknown */
	lx->after_payload = false;
	lx->gap = 0;
	lx->peek = NULL;
	lx->len = 0;
	lx->left = 0;
}

void lexer_peek(struct lexer *lx, const char *prefix)
{
	lx->peek = prefix;
}

/* NUL comes with the boot banner; the rest is white space. */
static bool is_blank(uint8_t c)
{
	return c == '\r' || c == '\n' || c == ' ' || c == '\t' || c == '\0';
}

/* Reads one unsigned number at *p; false if there is none or it is absurd. */
static bool number(const char **p, const char *end, size_t *out)
{
	const char *s = *p;
	size_t v = 0;

	while (s < end && *s == ' ')
		s++;
	if (s == end || *s < '0' || *s > '9')
		return false;
	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (size_t)(*s - '0');
		if (v > 1u << 30)
			return false;
	}
	while (s < end && *s == ' ')
		s++;
	*p = s;
	*out = v;
	return true;
}

/* ",ADDRESS:PORT" as an older family ends the header of a datagram (AT reference 7.3). */
static bool is_source(const char *s, const char *end)
{
	static const char allowed[] = "0123456789abcdefABCDEF.:[]\"";

	for (const char *p = s; p < end; p++)
		if (!memchr(allowed, *p, sizeof(allowed) - 1))
			return false;
	return end - s > 2 && memchr(s, ':', (size_t)(end - s));
}

/* How many numbers stand at @s, at most LEXER_FIELDS; 0 if anything else does. */
static unsigned numbers(const char *s, const char *end, size_t *out)
{
	unsigned n = 0;

	if (s < end && (*s == ',' || *s == ':'))
		s++;
	while (n < LEXER_FIELDS && number(&s, end, &out[n])) {
		n++;
		if (s == end || *s != ',')
			break;
		s++;
	}
	if (s < end && *s == ':')
		s++;
	return s == end || (n == LEXER_FIELDS && is_source(s, end)) ? n : 0;
}

static bool form_match(const struct lexer *lx, const struct lexer_form *f, const char *text,
	size_t len, struct lexer_header *h)
{
	size_t plen = strlen(f->prefix);
	size_t v[LEXER_FIELDS] = {0};

	if (lx->deaf || (f->push && !lx->push))
		return false;
	if (len <= plen || memcmp(text, f->prefix, plen) != 0)
		return false;
	if (numbers(text + plen, text + len, v) != f->fields)
		return false;
	if (f->mode >= 0 && v[0] != (size_t)f->mode)
		return false;
	if (v[f->len_at] == 0 || v[f->len_at] > LEXER_PAYLOAD_MAX)
		return false;
	*h = (struct lexer_header){
		.kind = f->kind,
		.link = f->link_at < 0 ? -1 : (int)v[f->link_at],
		.len = f->hex ? 2 * v[f->len_at] : v[f->len_at],
		.rest = f->rest_at < 0 ? 0 : v[f->rest_at],
		.hex = f->hex,
		.lead = lx->lead || lx->after_payload,
		.text = text,
		.text_len = len,
	};
	return true;
}

static void line_over(struct lexer *lx)
{
	lx->len = 0;
	lx->lead = false;
	lx->after_payload = false;
}

static void text_done(struct lexer *lx, const char *text, size_t len)
{
	struct lexer_header h;

	while (len && is_blank((uint8_t)text[0])) {
		text++;
		len--;
	}
	while (len && is_blank((uint8_t)text[len - 1]))
		len--;
	if (len == 0)
		return;
	for (const struct lexer_form *f = lx->forms; f->prefix; f++) {
		if (!form_match(lx, f, text, len, &h))
			continue;
		line_over(lx);
		lx->left = h.len;
		lx->ops->payload_begin(lx->user, &h);
		return;
	}

	struct lexer_line line = {text, len, lx->lead, lx->after_payload};

	line_over(lx);
	lx->ops->line(lx->user, &line);
}

/* The line is complete. An echo ends with '\r' alone, so what it was glued to is split off here. */
static void line_done(struct lexer *lx)
{
	const char *text = lx->line;
	size_t len = lx->len;
	const char *cr;
	size_t at = 0;

	lx->len = 0;
	while ((cr = memchr(text + at, '\r', len - at))) {
		size_t end = (size_t)(cr - text);
		bool last = true;

		for (size_t i = end; i < len && last; i++)
			last = is_blank((uint8_t)text[i]);
		if (last)
			break;
		/* Payload cannot begin here: its header ends with '\n'. */
		if (end > at) {
			struct lexer_line line = {text + at, end - at, lx->lead, lx->after_payload};

			line_over(lx);
			lx->ops->line(lx->user, &line);
		}
		at = end + 1;
	}
	text_done(lx, text + at, len - at);
}

/* Checks the bytes that separate a payload from the next line. */
static void gap_byte(struct lexer *lx, uint8_t c)
{
	if (lx->gap == 0)
		return;
	if (c == (lx->gap == 2 ? '\r' : '\n')) {
		lx->gap--;
		return;
	}
	/* Some print the prompt, or headers, without a line end before them (AT reference 5.2). */
	bool fine = lx->gap == 2 && ((lx->want_prompt && c == '>') || (lx->bare && !is_blank(c)));

	lx->gap = 0;
	if (!fine)
		lx->ops->skew(lx->user);
}

/* Skips what may stand before a line. Returns the bytes taken; lx->len stays 0. */
static size_t line_start(struct lexer *lx, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && (is_blank(p[i]) || lx->gap); i++) {
		gap_byte(lx, p[i]);
		if (!is_blank(p[i]))
			return i;
		if (p[i] == '\r' || p[i] == '\n')
			lx->lead = true;
	}
	return i;
}

static void prompt(struct lexer *lx)
{
	lx->want_prompt = false;
	if (lx->len)
		line_done(lx);
	lx->lead = false;
	lx->after_payload = false;
	lx->ops->prompt(lx->user);
}

static void append(struct lexer *lx, const uint8_t *p, size_t n)
{
	if (lx->overlong)
		return;
	if (n > sizeof(lx->line) - lx->len) {
		lx->overlong = true;
		lx->len = 0;
		return;
	}
	memcpy(lx->line + lx->len, p, n);
	lx->len += n;
}

static size_t line_bytes(struct lexer *lx, const uint8_t *p, size_t n)
{
	size_t skip = 0;

	if (lx->len == 0 && !lx->overlong) {
		skip = line_start(lx, p, n);
		if (skip == n)
			return n;
	}
	if (lx->want_prompt && p[skip] == '>' &&
		(lx->len == 0 || lx->line[lx->len - 1] == '\r') && !lx->overlong) {
		prompt(lx);
		return skip + 1;
	}

	const uint8_t *s = p + skip;
	const uint8_t *lf = memchr(s, '\n', n - skip);
	size_t take = lf ? (size_t)(lf - s) : n - skip;
	const uint8_t *cr = lx->want_prompt ? memchr(s, '\r', take) : NULL;

	if (cr && cr + 1 < s + take) {
		/* Stop behind the '\r', so that a prompt glued to an echo is seen. */
		append(lx, s, (size_t)(cr + 1 - s));
		return skip + (size_t)(cr + 1 - s);
	}
	append(lx, s, take);
	if (!lf)
		return n;
	if (lx->overlong) {
		lx->overlong = false;
		line_over(lx);
		lx->ops->overlong(lx->user);
	} else {
		line_done(lx);
	}
	return skip + take + 1;
}

static size_t payload_bytes(struct lexer *lx, const uint8_t *p, size_t n)
{
	size_t take = n < lx->left ? n : lx->left;

	lx->left -= take;
	lx->ops->payload(lx->user, p, take);
	if (lx->left == 0) {
		lx->gap = 2;
		lx->after_payload = true;
		lx->ops->payload_end(lx->user);
	}
	return take;
}

/* It was payload after all, or a line, and what was held back goes where it belongs. */
static void peek_over(struct lexer *lx, bool found)
{
	char held[LEXER_LINE_MAX];
	size_t len = lx->len;

	memcpy(held, lx->line, len);
	lx->peek = NULL;
	lx->len = 0;
	lx->ops->peeked(lx->user, found);
	if (found) {
		struct lexer_line line = {held, len, true, false};

		while (line.len && is_blank((uint8_t)held[line.len - 1]))
			line.len--;
		lx->ops->line(lx->user, &line);
	} else {
		lexer_input(lx, (const uint8_t *)held, len);
	}
}

/* One byte between header and payload: does the line that may stand here go on? */
static void peek_byte(struct lexer *lx, uint8_t c)
{
	size_t plen = strlen(lx->peek);

	lx->line[lx->len++] = (char)c;
	if (lx->len <= plen) {
		if (c != (uint8_t)lx->peek[lx->len - 1])
			peek_over(lx, false);
	} else if (c == '\n') {
		peek_over(lx, true);
	} else if (lx->len == PEEK_MAX || (c != '\r' && (c < 0x20 || c > 0x7e))) {
		peek_over(lx, false);
	}
}

void lexer_input(struct lexer *lx, const uint8_t *p, size_t n)
{
	while (n) {
		if (lx->raw) {
			lx->ops->raw(lx->user, p, n);
			return;
		}
		if (lx->peek) {
			peek_byte(lx, *p++);
			n--;
			continue;
		}

		size_t take = lx->left ? payload_bytes(lx, p, n) : line_bytes(lx, p, n);

		p += take;
		n -= take;
	}
}

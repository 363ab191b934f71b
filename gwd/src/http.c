/* SPDX-License-Identifier: BSD-3-Clause */
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{400, "Bad Request"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{505, "HTTP Version Not Supported"},
};

const char *http_reason(unsigned status)
{
	for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

size_t http_head(char buf[HTTP_HEAD_MAX], unsigned status, const char *type, size_t length)
{
	return (size_t)snprintf(buf, HTTP_HEAD_MAX,
		"HTTP/1.1 %u %s\r\n%s"
		"Content-Type: %.80s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		status, http_reason(status), status == 405 ? "Allow: GET, HEAD\r\n" : "", type, length);
}

/* ---- requests ---- */

struct text {
	const char *p;
	size_t n;
};

static bool is(const struct text *t, const char *word)
{
	return t->n == strlen(word) && memcmp(t->p, word, t->n) == 0;
}

/* RFC 9110 5.6.2. */
static bool is_token(const struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->p[i] <= ' ' || t->p[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", t->p[i]))
			return false;
	return t->n > 0;
}

/* The next line without its end (CRLF, or LF alone: RFC 9112 2.2); false when there is no end. */
static bool take_line(struct text *rest, struct text *line)
{
	const char *end = memchr(rest->p, '\n', rest->n);

	if (!end)
		return false;
	line->p = rest->p;
	line->n = (size_t)(end - rest->p);
	rest->n -= line->n + 1;
	rest->p = end + 1;
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* Up to the next blank, which is dropped too. */
static struct text take_word(struct text *rest)
{
	const char *end = memchr(rest->p, ' ', rest->n);
	struct text word = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
	size_t used = word.n + (end != NULL);

	rest->p += used;
	rest->n -= used;
	return word;
}

/* The path of "/path?query" or "http://host/path?query" (RFC 9112 3.2.2). */
static struct text path_of(struct text target)
{
	static const char scheme[] = "http://";
	const char *query, *slash;

	if (target.n >= sizeof(scheme) && strncasecmp(target.p, scheme, sizeof(scheme) - 1) == 0) {
		target.p += sizeof(scheme) - 1;
		target.n -= sizeof(scheme) - 1;
		slash = memchr(target.p, '/', target.n);
		target.n = slash ? target.n - (size_t)(slash - target.p) : 0;
		target.p = slash ? slash : "";
	}
	query = memchr(target.p, '?', target.n);
	if (query)
		target.n = (size_t)(query - target.p);
	return target;
}

/* Status, and whether the version is one that must name the host. */
static unsigned judge_line(struct text line, const char *path, bool *head, bool *wants_host)
{
	struct text method = take_word(&line), target = take_word(&line), at;

	if (!is_token(&method) || target.n == 0 || line.n != 8 || memcmp(line.p, "HTTP/", 5) != 0 ||
		line.p[6] != '.')
		return 400;
	if (line.p[5] != '1')
		return 505;
	*wants_host = line.p[7] != '0';
	at = path_of(target);
	*head = is(&method, "HEAD");
	if (!is(&at, path))
		return 404;
	return *head || is(&method, "GET") ? 200 : 405;
}

/* A field's name goes up to its colon, without a blank; a line that goes on the one before is a thing
 * of the past (RFC 9112 5.1, 5.2). */
static bool is_field(const struct text *line, bool *host)
{
	const char *colon = memchr(line->p, ':', line->n);
	struct text name = {line->p, colon ? (size_t)(colon - line->p) : 0};

	if (!is_token(&name))
		return false;
	*host = name.n == 4 && strncasecmp(name.p, "host", 4) == 0;
	return true;
}

/* Control characters have no business in a head; a CR does at the end of a line only. */
static bool is_clean(const struct text *line)
{
	for (size_t i = 0; i < line->n; i++)
		if (((unsigned char)line->p[i] < ' ' && line->p[i] != '\t') || line->p[i] == 0x7f)
			return false;
	return true;
}

unsigned http_judge(const char *p, size_t n, const char *path, bool *head)
{
	struct text rest = {p, n}, first, line = {0};
	bool wants_host = false, bad = false, host;
	unsigned hosts = 0, status;

	*head = false;
	if (!take_line(&rest, &first))
		return n < HTTP_REQUEST_MAX ? 0 : 431;
	do {
		if (!take_line(&rest, &line))
			return n < HTTP_REQUEST_MAX ? 0 : 431;
		host = false;
		bad |= !is_clean(&line) || (line.n && !is_field(&line, &host));
		hosts += host;
	} while (line.n);
	status = judge_line(first, path, head, &wants_host);
	if (bad || !is_clean(&first) || hosts > 1 || (wants_host && hosts == 0))
		return 400;
	return status;
}

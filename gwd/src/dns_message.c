/* SPDX-License-Identifier: BSD-3-Clause */
#include "dns_message.h"

#include <errno.h>
#include <string.h>

/* Flags, RFC 1035 4.1.1, in the first and second byte of the two. */
#define FLAG_QR 0x80 /* this is an answer */
#define OPCODE_MASK 0x78
#define FLAG_TC 0x02
#define FLAG_RD 0x01
#define FLAG_RA 0x80
#define OPT_SIZE_OFFERED 1232 /* what fits into a packet everywhere */
#define POINTER_TO_QUESTION 0xc00c

uint16_t dns_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void dns_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

bool dns_is_answer(const uint8_t *p)
{
	return p[2] & FLAG_QR;
}

/* End of the name at @at (RFC 1035 4.1.4), 0 when it runs beyond @n, -EBADMSG when it is none. */
static int skip_name(const uint8_t *p, size_t n, size_t at)
{
	while (at < n) {
		uint8_t len = p[at];

		if (len == 0)
			return (int)at + 1;
		if ((len & 0xc0) == 0xc0)
			return at + 2 <= n ? (int)at + 2 : 0;
		if (len & 0xc0)
			return -EBADMSG;
		at += 1u + len;
	}
	return 0;
}

static int skip_question(const uint8_t *p, size_t n, size_t at)
{
	int end = skip_name(p, n, at);

	if (end <= 0)
		return end;
	return (size_t)end + 4 <= n ? end + 4 : 0;
}

static int skip_record(const uint8_t *p, size_t n, size_t at)
{
	int end = skip_name(p, n, at);
	size_t rdata;

	if (end <= 0)
		return end;
	if ((size_t)end + 10 > n)
		return 0;
	rdata = (size_t)end + 10 + dns_get16(p + end + 8);
	return rdata <= n ? (int)rdata : 0;
}

static unsigned records(const uint8_t *p)
{
	return (unsigned)dns_get16(p + 6) + dns_get16(p + 8) + dns_get16(p + 10);
}

int dns_message_length(const uint8_t *p, size_t n)
{
	int at = DNS_HEADER;

	if (n < DNS_HEADER)
		return 0;
	for (unsigned i = dns_get16(p + 4); i > 0 && at > 0; i--)
		at = skip_question(p, n, (size_t)at);
	for (unsigned i = records(p); i > 0 && at > 0; i--)
		at = skip_record(p, n, (size_t)at);
	return at;
}

size_t dns_question_length(const uint8_t *p, size_t n)
{
	int end;

	if (n < DNS_HEADER || dns_get16(p + 4) != 1)
		return 0;
	end = skip_question(p, n, DNS_HEADER);
	return end > 0 ? (size_t)end - DNS_HEADER : 0;
}

bool dns_is_query(const uint8_t *p, size_t n)
{
	size_t len = dns_question_length(p, n);

	return len > 0 && len <= DNS_QUESTION_MAX && (p[2] & (FLAG_QR | OPCODE_MASK)) == 0;
}

/* ---- requests ---- */

static bool is_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_';
}

/* The name of a question as text, if it can be a host's, all of it; a pointer has nowhere to point to
 * yet. */
static void name_text(char out[DNS_NAME_SIZE], const uint8_t *p, size_t n)
{
	size_t at = DNS_HEADER, len = 0;
	bool sound = true;

	while (sound && at < n && p[at]) {
		uint8_t label = p[at++];

		sound = label <= 63 && at + label <= n && len + label + 2 <= DNS_NAME_SIZE;
		for (; sound && label > 0; label--) {
			sound = is_name_char(p[at]);
			out[len++] = (char)p[at++];
		}
		out[len++] = '.';
	}
	out[sound && at < n && len > 0 ? len - 1 : 0] = '\0';
}

/* RFC 6891 6.1: one OPT record at most, of the root, version 0. */
static enum dns_rcode parse_opt(struct dns_request *r, const uint8_t *p, size_t at)
{
	const uint8_t *opt = p + at + 1;
	uint16_t size = dns_get16(opt + 2);

	if (r->edns || p[at] != 0)
		return DNS_FORMERR;
	r->edns = true;
	r->dnssec_ok = opt[6] & 0x80;
	if (size > r->max)
		r->max = size;
	return opt[5] ? DNS_BADVERS : DNS_NOERROR;
}

static enum dns_rcode parse_records(struct dns_request *r, const uint8_t *p, size_t n)
{
	int at = DNS_HEADER + r->question_len;

	for (unsigned i = records(p); i > 0; i--) {
		int name = skip_name(p, n, (size_t)at), end = skip_record(p, n, (size_t)at);
		enum dns_rcode rcode = DNS_NOERROR;

		if (name <= 0 || end <= 0)
			return DNS_FORMERR;
		if (dns_get16(p + name) == DNS_TYPE_OPT)
			rcode = parse_opt(r, p, (size_t)at);
		if (rcode != DNS_NOERROR)
			return rcode;
		at = end;
	}
	return DNS_NOERROR;
}

void dns_parse_request(struct dns_request *r, const uint8_t *p, size_t n)
{
	size_t len = dns_question_length(p, n);

	*r = (struct dns_request){.max = DNS_UDP_MIN};
	if (p[2] & OPCODE_MASK) {
		r->rcode = DNS_NOTIMP;
		return;
	}
	if (len == 0 || len > DNS_QUESTION_MAX) {
		r->rcode = DNS_FORMERR;
		return;
	}
	r->question_len = (uint16_t)len;
	r->type = dns_get16(p + DNS_HEADER + len - 4);
	r->class = dns_get16(p + DNS_HEADER + len - 2);
	name_text(r->name, p, DNS_HEADER + len - 4);
	r->rcode = parse_records(r, p, n);
}

/* ---- replies ---- */

static size_t put_head(uint8_t *out, const uint8_t *p, const struct dns_request *r)
{
	memset(out, 0, DNS_HEADER);
	memcpy(out, p, 2);
	dns_put16(out + 4, r->question_len > 0);
	memcpy(out + DNS_HEADER, p + DNS_HEADER, r->question_len);
	return DNS_HEADER + r->question_len;
}

static size_t put_address(uint8_t *out, const struct addr *a, uint32_t ttl)
{
	uint16_t len = a->family == 4 ? 4 : 16;

	dns_put16(out, POINTER_TO_QUESTION);
	dns_put16(out + 2, a->family == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
	dns_put16(out + 4, DNS_CLASS_IN);
	dns_put16(out + 6, (uint16_t)(ttl >> 16));
	dns_put16(out + 8, (uint16_t)ttl);
	dns_put16(out + 10, len);
	memcpy(out + 12, a->b, len);
	return 12u + len;
}

/* RFC 6891 6.1.1: who sends OPT gets OPT. */
static size_t put_opt(uint8_t *out, const struct dns_request *r, enum dns_rcode rcode)
{
	if (!r->edns)
		return 0;
	memset(out, 0, DNS_OPT_SIZE);
	dns_put16(out + 1, DNS_TYPE_OPT);
	dns_put16(out + 3, OPT_SIZE_OFFERED);
	out[5] = (uint8_t)(rcode >> 4);
	out[7] = r->dnssec_ok ? 0x80 : 0;
	return DNS_OPT_SIZE;
}

size_t dns_reply(uint8_t out[DNS_REPLY_MAX], const uint8_t *p, const struct dns_request *r,
	enum dns_rcode rcode, const struct addr *a, uint32_t ttl)
{
	size_t n = put_head(out, p, r);

	out[2] = (uint8_t)(FLAG_QR | (p[2] & (OPCODE_MASK | FLAG_RD)));
	out[3] = (uint8_t)(FLAG_RA | (rcode & 0x0f));
	if (a) {
		out[7] = 1;
		n += put_address(out + n, a, ttl);
	}
	out[11] = r->edns;
	return n + put_opt(out + n, r, rcode);
}

size_t dns_reply_truncated(uint8_t out[DNS_REPLY_MAX], const uint8_t *p,
	const struct dns_request *r, const uint8_t *answer)
{
	size_t n = put_head(out, p, r);

	out[2] = answer[2] | FLAG_TC;
	out[3] = answer[3];
	out[11] = r->edns;
	return n + put_opt(out + n, r, DNS_NOERROR);
}

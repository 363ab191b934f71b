/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DNS messages (RFC 1035), as much of them as a gateway needs: where they end, what a query asks, and
 * short answers of our own. No state; every length is checked, for both sides are hostile.
 */
#ifndef GWD_DNS_MESSAGE_H
#define GWD_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/addr.h"

#define DNS_PORT 53
#define DNS_HEADER 12
#define DNS_QUESTION_MAX 272 /* name 255, type 2, class 2, and room */
#define DNS_NAME_SIZE 256    /* of a name as text, with its NUL */
#define DNS_UDP_MIN 512	     /* RFC 1035 4.2.1: what everybody takes */
#define DNS_OPT_SIZE 11	     /* RFC 6891 6.1.2, without options */

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_SVCB = 64,  /* RFC 9460 */
	DNS_TYPE_HTTPS = 65,
};

#define DNS_CLASS_IN 1

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NOTIMP = 4,
	DNS_BADVERS = 16, /* RFC 6891 6.1.3 */
};

/* Length of the message that starts at @p: 0 if @n bytes are not all of it, -EBADMSG if it is none. */
int dns_message_length(const uint8_t *p, size_t n);
/* Bytes of the one question of a message; 0 if it has none, several, or not all of one. */
size_t dns_question_length(const uint8_t *p, size_t n);
bool dns_is_answer(const uint8_t *p);
/* A standard query with one question of at most DNS_QUESTION_MAX bytes. */
bool dns_is_query(const uint8_t *p, size_t n);

uint16_t dns_get16(const uint8_t *p);
void dns_put16(uint8_t *p, uint16_t v);

struct dns_request {
	enum dns_rcode rcode; /* not NOERROR: what is wrong with it */
	uint16_t type, class;
	uint16_t question_len; /* 0: no question that could be repeated */
	bool edns, dnssec_ok;
	uint16_t max; /* bytes of an answer that the sender takes */
	char name[DNS_NAME_SIZE]; /* "" for the root and for names with bytes that no host name has */
};

/* What is asked; @p has at least DNS_HEADER bytes. */
void dns_parse_request(struct dns_request *r, const uint8_t *p, size_t n);

/* An answer to the query @p, of which @r was parsed: without records, or with @a in one record of
 * that many seconds (@a NULL: none). Returns its length, at most DNS_HEADER + DNS_QUESTION_MAX + 28 +
 * DNS_OPT_SIZE bytes. */
#define DNS_REPLY_MAX (DNS_HEADER + DNS_QUESTION_MAX + 28 + DNS_OPT_SIZE)
size_t dns_reply(uint8_t out[DNS_REPLY_MAX], const uint8_t *p, const struct dns_request *r,
	enum dns_rcode rcode, const struct addr *a, uint32_t ttl);
/* The same without records, but with the flags of the real answer @answer and TC: ask again by TCP. */
size_t dns_reply_truncated(uint8_t out[DNS_REPLY_MAX], const uint8_t *p,
	const struct dns_request *r, const uint8_t *answer);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The input is a DNS message. Invariants: no length is beyond the bytes; a name fit for a command line has
 * nothing but the characters of host names; every reply is a whole message of its own that repeats the
 * question, or has none.
 */
#include "dns_message.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(const uint8_t *out, size_t n, const uint8_t *data,
	const struct dns_request *r)
{
	CHECK(n <= DNS_REPLY_MAX);
	CHECK(dns_is_answer(out));
	CHECK(memcmp(out, data, 2) == 0);
	CHECK(dns_message_length(out, n) == (int)n);
	CHECK(memcmp(out + DNS_HEADER, data + DNS_HEADER, r->question_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const struct addr v6 = {.family = 6, .b = {0x20, 1}};
	uint8_t out[DNS_REPLY_MAX];
	struct dns_request r;

	CHECK(dns_message_length(data, size) <= (int)size);
	CHECK(dns_question_length(data, size) <= size);
	if (size < DNS_HEADER)
		return 0;
	dns_is_query(data, size);
	dns_parse_request(&r, data, size);
	CHECK(strspn(r.name, allowed) == strlen(r.name));
	CHECK(DNS_HEADER + r.question_len <= size);
	check_reply(out, dns_reply(out, data, &r, r.rcode, NULL, 0), data, &r);
	if (r.question_len)
		check_reply(out, dns_reply(out, data, &r, DNS_NOERROR, &v6, 60), data, &r);
	if (dns_is_answer(data))
		check_reply(out, dns_reply_truncated(out, data, &r, data), data, &r);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The small parts, by the vectors of their specifications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chksum.h"
#include "keyed.h"
#include "mem.h"

static void keyed_hash_is_siphash(void **state)
{
	uint8_t key[16], in[15];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	for (uint8_t i = 0; i < 15; i++)
		in[i] = i;
	/* "SipHash: a fast short-input PRF", appendix A */
	assert_true(keyed_hash(key, in, 15) == 0xa129ca6149be45e5u);
	assert_true(keyed_hash(key, in, 0) == 0x726fdb47dd0e0e31u);
	key[0] ^= 1;
	assert_true(keyed_hash(key, in, 15) != 0xa129ca6149be45e5u);
}

static void checksum_of_the_rfc(void **state)
{
	static const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint32_t whole = chksum_add(0, rfc1071, 8);

	(void)state;
	assert_int_equal(chksum_fold(whole), 0xffff - 0xddf2);
	assert_int_equal(chksum_add(chksum_add(0, rfc1071, 4), rfc1071 + 4, 4), whole);
	assert_int_equal(chksum_fold(chksum_add(0, rfc1071, 7)), chksum_fold(whole - 0xf7));
}

static void checksum_of_the_largest_packet_does_not_overflow(void **state)
{
	static uint8_t ones[0xffff];
	struct addr a = {.family = 6};
	const struct iovec iov[2] = {{ones, 0xfffe}, {ones, 1}};
	uint64_t sum = 0x7fffull * 0xffff + 0xff00 + 16ull * 0xffff + 17 + 0xffff;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	memset(a.b, 0xff, 16);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(chksum_l4(&a, &a, 17, iov, 2), (uint16_t)~sum);
}

static void memory_is_counted_capped_and_given_back(void **state)
{
	struct stack_stats before = {0}, st = {0};
	void *a, *b;

	(void)state;
	mem_set_limit(1000);
	mem_stats(&before);
	a = lwip_port_malloc(600);
	b = lwip_port_calloc(4, 100);
	assert_non_null(a);
	assert_non_null(b);
	assert_null(lwip_port_malloc(1));
	assert_null(lwip_port_calloc(SIZE_MAX, 2));
	mem_stats(&st);
	assert_int_equal(st.alloc_bytes, 1000);
	assert_int_equal(st.alloc_peak, 1000);
	assert_int_equal(st.alloc_limit, 1000);
	assert_true(st.alloc_refused > before.alloc_refused);
	lwip_port_free(a);
	lwip_port_free(b);
	lwip_port_free(NULL);
	mem_stats(&st);
	assert_int_equal(st.alloc_bytes, 0);
	assert_int_equal(st.alloc_peak, 1000);
	mem_set_limit(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyed_hash_is_siphash),
		cmocka_unit_test(checksum_of_the_rfc),
		cmocka_unit_test(checksum_of_the_largest_packet_does_not_overflow),
		cmocka_unit_test(memory_is_counted_capped_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

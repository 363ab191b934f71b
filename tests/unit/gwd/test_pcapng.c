/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte for byte what the draft says, written down by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pcapng.h"

#define assert_bytes(got, n, ...)                                                                  \
	do {                                                                                       \
		const uint8_t expected[] = {__VA_ARGS__};                                          \
		assert_int_equal((n), sizeof(expected));                                           \
		assert_memory_equal((got), expected, sizeof(expected));                            \
	} while (0)

/* clang-format off */
static void a_section_begins_with_its_magic_and_has_no_length(void **state)
{
	uint8_t b[64];

	(void)state;
	assert_bytes(b, pcapng_section(b, sizeof(b), "gwd 1"),
		0x0a, 0x0d, 0x0d, 0x0a, 44, 0, 0, 0,
		0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		4, 0, 5, 0, 'g', 'w', 'd', ' ', '1', 0, 0, 0,
		0, 0, 0, 0, 44, 0, 0, 0);
}

static void an_interface_has_a_name(void **state)
{
	uint8_t b[64];

	(void)state;
	assert_bytes(b, pcapng_interface(b, sizeof(b), PCAPNG_LINKTYPE_RAW, 96, "cell0", NULL),
		1, 0, 0, 0, 36, 0, 0, 0,
		101, 0, 0, 0, 96, 0, 0, 0,
		2, 0, 5, 0, 'c', 'e', 'l', 'l', '0', 0, 0, 0,
		0, 0, 0, 0, 36, 0, 0, 0);
	assert_bytes(b, pcapng_interface(b, sizeof(b), PCAPNG_LINKTYPE_UPPER_PDU, 0, "at0", "/dev/x"),
		1, 0, 0, 0, 44, 0, 0, 0,
		252, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 3, 0, 'a', 't', '0', 0,
		3, 0, 6, 0, '/', 'd', 'e', 'v', '/', 'x', 0, 0,
		0, 0, 0, 0, 44, 0, 0, 0);
}

static void a_packet_is_gathered_and_padded(void **state)
{
	struct iovec iov[] = {{(char *)"abc", 3}, {(char *)"", 0}, {(char *)"de", 2}};
	struct pcapng_packet p = {.interface = 1, .time = INT64_C(0x0006112233445566),
		.direction = PCAPNG_OUTBOUND, .iov = iov, .n_iov = 3, .captured = 100, .length = 5,
		.comment = "> AT"};
	uint8_t b[80];

	(void)state;
	assert_bytes(b, pcapng_packet(b, sizeof(b), &p),
		6, 0, 0, 0, 60, 0, 0, 0,
		1, 0, 0, 0, 0x22, 0x11, 0x06, 0, 0x66, 0x55, 0x44, 0x33,
		5, 0, 0, 0, 5, 0, 0, 0,
		'a', 'b', 'c', 'd', 'e', 0, 0, 0,
		1, 0, 4, 0, '>', ' ', 'A', 'T',
		2, 0, 4, 0, 2, 0, 0, 0,
		0, 0, 0, 0, 60, 0, 0, 0);
}

static void of_a_packet_that_is_too_long_the_beginning_is_kept(void **state)
{
	struct iovec iov[] = {{(char *)"abc", 3}, {(char *)"defgh", 5}};
	struct pcapng_packet p = {.direction = PCAPNG_INBOUND, .iov = iov, .n_iov = 2, .captured = 4,
		.length = 8};
	uint8_t b[80];

	(void)state;
	assert_bytes(b, pcapng_packet(b, sizeof(b), &p),
		6, 0, 0, 0, 48, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		4, 0, 0, 0, 8, 0, 0, 0,
		'a', 'b', 'c', 'd',
		2, 0, 4, 0, 1, 0, 0, 0,
		0, 0, 0, 0, 48, 0, 0, 0);
	p.captured = 0;
	assert_bytes(b, pcapng_packet(b, sizeof(b), &p),
		6, 0, 0, 0, 44, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 8, 0, 0, 0,
		2, 0, 4, 0, 1, 0, 0, 0,
		0, 0, 0, 0, 44, 0, 0, 0);
}

static void statistics_count_what_came_and_what_is_missing(void **state)
{
	uint8_t b[80];

	(void)state;
	assert_bytes(b, pcapng_statistics(b, sizeof(b), 1, 7, 0x0102030405060708, 9),
		5, 0, 0, 0, 64, 0, 0, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,
		3, 0, 8, 0, 0, 0, 0, 0, 7, 0, 0, 0,
		4, 0, 8, 0, 8, 7, 6, 5, 4, 3, 2, 1,
		5, 0, 8, 0, 9, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 64, 0, 0, 0);
}

static void a_pdu_names_its_dissector(void **state)
{
	uint8_t b[16];

	(void)state;
	assert_bytes(b, pcapng_upper_pdu(b, sizeof(b), "at"),
		0, 12, 0, 4, 'a', 't', 0, 0, 0, 0, 0, 0);
}
/* clang-format on */

/* In a buffer of each size, at its very end, so that a sanitizer sees one byte too many. */
static void what_does_not_fit_is_not_written_in_part(void **state)
{
	struct iovec iov = {(char *)"abcde", 5};
	struct pcapng_packet p = {.iov = &iov, .n_iov = 1, .captured = 5, .length = 5, .comment = "c"};

	(void)state;
	for (size_t size = 1; size < 70; size++) {
		uint8_t *b = malloc(size);

		assert_int_equal(pcapng_packet(b, size, &p), size >= 60 ? 60 : 0);
		assert_int_equal(pcapng_section(b, size, "gwd"), size >= 40 ? 40 : 0);
		assert_int_equal(pcapng_interface(b, size, 1, 1, "x", NULL), size >= 32 ? 32 : 0);
		assert_int_equal(pcapng_statistics(b, size, 0, 0, 0, 0), size >= 64 ? 64 : 0);
		assert_int_equal(pcapng_upper_pdu(b, size, "data"), size >= 12 ? 12 : 0);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_section_begins_with_its_magic_and_has_no_length),
		cmocka_unit_test(an_interface_has_a_name),
		cmocka_unit_test(a_packet_is_gathered_and_padded),
		cmocka_unit_test(of_a_packet_that_is_too_long_the_beginning_is_kept),
		cmocka_unit_test(statistics_count_what_came_and_what_is_missing),
		cmocka_unit_test(a_pdu_names_its_dissector),
		cmocka_unit_test(what_does_not_fit_is_not_written_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

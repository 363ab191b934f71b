/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "util/ring.h"

static uint8_t mem[8];
static struct ring ring;

static int empty_ring(void **state)
{
	(void)state;
	memset(mem, 0, sizeof(mem));
	ring_init(&ring, mem, sizeof(mem));
	return 0;
}

static void what_does_not_fit_is_refused_whole(void **state)
{
	(void)state;
	assert_int_equal(ring_put(&ring, "12345", 5), 0);
	assert_int_equal(ring_put(&ring, "6789", 4), -ENOSPC);
	assert_int_equal(ring_used(&ring), 5);
	assert_int_equal(ring_put(&ring, "678", 3), 0);
	assert_int_equal(ring_space(&ring), 0);
	assert_int_equal(ring_put(&ring, "9", 1), -ENOSPC);
	assert_int_equal(ring_put(&ring, "", 0), 0);
}

/* Leaves 6 bytes "cdefgh" that wrap: "cdef" at the end of the memory, "gh" at its start. */
static void wrap(void)
{
	assert_int_equal(ring_put(&ring, "xxxxcd", 6), 0);
	ring_drop(&ring, 4);
	assert_int_equal(ring_put(&ring, "efgh", 4), 0);
}

static void a_copy_goes_over_the_wrap_and_takes_nothing(void **state)
{
	char to[8] = "";

	(void)state;
	wrap();
	assert_int_equal(ring_copy(&ring, 0, to, sizeof(to)), 6);
	assert_memory_equal(to, "cdefgh", 6);
	assert_int_equal(ring_copy(&ring, 3, to, 2), 2);
	assert_memory_equal(to, "fg", 2);
	assert_int_equal(ring_copy(&ring, 5, to, 8), 1);
	assert_int_equal(to[0], 'h');
	assert_int_equal(ring_copy(&ring, 6, to, 1), 0);
	assert_int_equal(ring_copy(&ring, 100, to, 1), 0);
	assert_int_equal(ring_used(&ring), 6);
}

static void a_cleared_ring_is_empty(void **state)
{
	(void)state;
	wrap();
	ring_clear(&ring);
	assert_int_equal(ring_used(&ring), 0);
	assert_int_equal(ring_space(&ring), 8);
}

/* Against a plain array, with all sizes in all positions. */
static void a_long_run_keeps_order(void **state)
{
	uint8_t in = 0, out = 0, chunk[8];
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		size_t n = (random = random * 1664525u + 1013904223u) >> 29;

		for (size_t k = 0; k < n; k++)
			chunk[k] = (uint8_t)(in + k);
		if (ring_put(&ring, chunk, n) == 0)
			in = (uint8_t)(in + n);
		n = ring_copy(&ring, 0, chunk, random >> 16 & 7);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(chunk[k], (uint8_t)(out + k));
		ring_drop(&ring, n);
		out = (uint8_t)(out + n);
		assert_int_equal(ring_used(&ring), (uint8_t)(in - out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_does_not_fit_is_refused_whole, empty_ring),
		cmocka_unit_test_setup(a_copy_goes_over_the_wrap_and_takes_nothing, empty_ring),
		cmocka_unit_test_setup(a_cleared_ring_is_empty, empty_ring),
		cmocka_unit_test_setup(a_long_run_keeps_order, empty_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

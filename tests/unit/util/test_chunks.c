/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "util/chunks.h"

#define CHUNKS 8
#define KEEP 2

static struct chunk_pool pool;
static struct chunk_queue queue;

static int setup(void **state)
{
	(void)state;
	queue = (struct chunk_queue){0};
	return chunk_pool_init(&pool, CHUNKS);
}

static int teardown(void **state)
{
	(void)state;
	chunk_queue_release(&pool, &queue);
	assert_int_equal(pool.n_free, CHUNKS);
	chunk_pool_destroy(&pool);
	return 0;
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* Byte number @from of the stream and those behind it. */
static void put(size_t from, size_t n)
{
	uint8_t p[CHUNKS * CHUNK_SIZE];

	for (size_t i = 0; i < n; i++)
		p[i] = pattern(from + i);
	assert_true(chunk_queue_grow(&pool, &queue, chunk_queue_lacks(&queue, n)));
	chunk_queue_put(&queue, p, n);
}

static void get(size_t from, size_t n, size_t step)
{
	while (n) {
		size_t piece;
		const uint8_t *p = chunk_queue_peek(&queue, &piece);

		assert_true(piece > 0);
		piece = piece < n ? piece : n;
		piece = piece < step ? piece : step;
		for (size_t i = 0; i < piece; i++)
			assert_int_equal(p[i], pattern(from + i));
		chunk_queue_drop(&pool, &queue, piece, KEEP);
		from += piece;
		n -= piece;
	}
}

static void an_empty_queue_has_nothing_and_no_room(void **state)
{
	size_t n = 1;

	(void)state;
	chunk_queue_peek(&queue, &n);
	assert_int_equal(n, 0);
	assert_int_equal(chunk_queue_room(&queue), 0);
	assert_int_equal(chunk_queue_lacks(&queue, 1), 1);
	assert_int_equal(chunk_queue_lacks(&queue, CHUNK_SIZE + 1), 2);
}

static void bytes_come_out_as_they_went_in_whatever_the_pieces(void **state)
{
	static const size_t sizes[] = {1, 1460, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t in = 0, out = 0;

		for (unsigned round = 0; round < 40; round++) {
			put(in, sizes[i]);
			in += sizes[i];
			if (chunk_queue_used(&queue) > 3 * CHUNK_SIZE) {
				get(out, 2 * CHUNK_SIZE + 11, 700);
				out += 2 * CHUNK_SIZE + 11;
			}
		}
		get(out, in - out, CHUNK_SIZE);
		assert_int_equal(chunk_queue_used(&queue), 0);
	}
}

static void what_the_pool_does_not_have_is_refused_whole(void **state)
{
	struct chunk_queue other = {0};

	(void)state;
	put(0, 5 * CHUNK_SIZE);
	assert_false(chunk_queue_grow(&pool, &other, 4));
	assert_int_equal(other.n, 0);
	assert_int_equal(pool.n_free, 3);
	assert_true(chunk_queue_grow(&pool, &other, 3));
	assert_int_equal(chunk_queue_room(&other), 3 * CHUNK_SIZE);
	chunk_queue_release(&pool, &other);
}

static void chunks_go_back_as_they_are_read_but_for_the_kept_ones(void **state)
{
	(void)state;
	put(0, 5 * CHUNK_SIZE);
	get(0, 2 * CHUNK_SIZE, CHUNK_SIZE);
	assert_int_equal(pool.n_free, CHUNKS - 3);
	get(2 * CHUNK_SIZE, 3 * CHUNK_SIZE, CHUNK_SIZE);
	assert_int_equal(pool.n_free, CHUNKS - KEEP);
	assert_int_equal(chunk_queue_room(&queue), KEEP * CHUNK_SIZE);
}

static void kept_chunks_are_filled_again_without_the_pool(void **state)
{
	size_t in = 0, out = 0;

	(void)state;
	put(0, 1);
	assert_true(chunk_queue_grow(&pool, &queue, KEEP - 1));
	in = 1;
	for (unsigned i = 0; i < 50; i++) {
		put(in, 1460);
		in += 1460;
		assert_int_equal(queue.n, KEEP);
		get(out, 1460, 333);
		out += 1460;
	}
	get(out, in - out, 1);
}

static void a_place_set_aside_counts_as_room(void **state)
{
	(void)state;
	put(0, 100);
	assert_true(chunk_queue_grow(&pool, &queue, 2));
	assert_int_equal(chunk_queue_room(&queue), 3 * CHUNK_SIZE - 100);
	put(100, 2 * CHUNK_SIZE);
	assert_int_equal(queue.n, 3);
	get(0, 100 + 2 * CHUNK_SIZE, 1000);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_empty_queue_has_nothing_and_no_room),
		T(bytes_come_out_as_they_went_in_whatever_the_pieces),
		T(what_the_pool_does_not_have_is_refused_whole),
		T(chunks_go_back_as_they_are_read_but_for_the_kept_ones),
		T(kept_chunks_are_filled_again_without_the_pool),
		T(a_place_set_aside_counts_as_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* A PIN is entered once for a given SIM, whatever restarts there are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pin_memory.h"
#include "util/log.h"

#define CARD "89860000000000000017"

static char top[64], dir[80], path[128];

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(top, "/tmp/gwd-pin-memory-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/gwd", top);
	snprintf(path, sizeof(path), "%s/pin-" CARD, dir);
	return 0;
}

static int teardown(void **state)
{
	char other[128];

	(void)state;
	unlink(path);
	snprintf(other, sizeof(other), "%s/pin-unknown", dir);
	unlink(other);
	rmdir(dir);
	unlink(dir);
	rmdir(top);
	return 0;
}

static bool may(const char *pin, int tries)
{
	const struct pin_memory m = {dir, false};

	return pin_memory_try(&m, pin, CARD, tries) == NULL;
}

static void write_file(const char *text)
{
	FILE *out;

	mkdir(dir, 0700);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void a_pin_is_tried_once(void **state)
{
	(void)state;
	assert_true(may("1234", 3));
	assert_false(may("1234", 2));
	assert_false(may("1234", 2));
}

static void without_a_count_of_the_card_it_is_once_for_ever(void **state)
{
	(void)state;
	assert_true(may("1234", -1));
	assert_false(may("1234", -1));
	assert_false(may("1234", 3)); /* three of what? it was not known then */
}

static void another_pin_or_another_card_is_another_matter(void **state)
{
	const struct pin_memory m = {dir, false};

	(void)state;
	assert_true(may("1234", 3));
	assert_true(may("4321", 2));
	assert_false(may("1234", 2));
	assert_false(may("4321", 2 - 1));
	assert_null(pin_memory_try(&m, "1234", "", 3));
	assert_non_null(pin_memory_try(&m, "1234", "", 2));
}

static void the_last_try_is_left_to_people(void **state)
{
	const struct pin_memory told = {dir, true};

	(void)state;
	assert_false(may("1234", 1));
	assert_null(pin_memory_try(&told, "1234", CARD, 1));
	assert_false(may("1234", -1)); /* it was remembered nevertheless */
}

static void the_right_pin_leaves_nothing_behind(void **state)
{
	(void)state;
	assert_true(may("1234", -1));
	pin_memory_forget(dir, CARD);
	assert_int_equal(access(path, F_OK), -1);
	assert_true(may("1234", -1));
}

static void a_card_that_counted_nothing_was_not_given_a_wrong_pin(void **state)
{
	(void)state;
	assert_true(may("1234", 3)); /* ... and then the power went */
	assert_true(may("1234", 3));
	assert_false(may("1234", 2));
}

static void the_file_is_for_its_owner_only_and_has_no_pin(void **state)
{
	char text[512] = "";
	struct stat st;
	FILE *in;

	(void)state;
	umask(0);
	assert_true(may("12345678", 3));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_true(fread(text, 1, sizeof(text) - 1, in) > 20);
	fclose(in);
	assert_null(strstr(text, "12345678"));
	assert_true(strncmp(text, "3 $5$", 5) == 0);
}

static void two_pins_of_one_file_have_two_salts(void **state)
{
	char line[2][256];
	FILE *in;

	(void)state;
	assert_true(may("1111", 3));
	assert_true(may("2222", 2));
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(fgets(line[0], 256, in));
	assert_non_null(fgets(line[1], 256, in));
	assert_null(fgets(line[0] + 128, 128, in));
	assert_memory_not_equal(line[0] + 5, line[1] + 5, 16);
	fclose(in);
}

static void what_cannot_be_remembered_needs_a_card_with_all_its_tries(void **state)
{
	FILE *out = fopen(dir, "w"); /* a file where the folder should be */

	(void)state;
	assert_non_null(out);
	fclose(out);
	assert_true(may("1234", 3));
	assert_false(may("1234", 2));
	assert_false(may("1234", -1));
}

static void a_broken_file_is_no_memory(void **state)
{
	static const char *const texts[] = {"x\n", "3\n", "3 $5$abc", "3 $6$abc$def\n",
		"3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n3 $5$a$b\n"};

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i]);
		assert_false(may("1234", 2));
		assert_false(may("1234", -1));
		assert_true(may("1234", 3));
	}
	pin_memory_forget(dir, CARD);
	assert_true(may("1234", 2));
}

static void a_link_in_place_of_the_file_is_not_followed(void **state)
{
	char target[128];

	(void)state;
	mkdir(dir, 0700);
	snprintf(target, sizeof(target), "%s/target", top);
	assert_int_equal(symlink(target, path), 0);
	assert_false(may("1234", 2));
	assert_int_equal(access(target, F_OK), -1);
}

static void old_entries_give_way(void **state)
{
	char pin[16];

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		snprintf(pin, sizeof(pin), "%04u", i);
		assert_true(may(pin, 2));
	}
	assert_false(may("0011", -1));
	assert_true(may("0000", 2));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pin_is_tried_once),
		TEST(without_a_count_of_the_card_it_is_once_for_ever),
		TEST(another_pin_or_another_card_is_another_matter),
		TEST(the_last_try_is_left_to_people),
		TEST(the_right_pin_leaves_nothing_behind),
		TEST(a_card_that_counted_nothing_was_not_given_a_wrong_pin),
		TEST(the_file_is_for_its_owner_only_and_has_no_pin),
		TEST(two_pins_of_one_file_have_two_salts),
		TEST(what_cannot_be_remembered_needs_a_card_with_all_its_tries),
		TEST(a_broken_file_is_no_memory),
		TEST(a_link_in_place_of_the_file_is_not_followed),
		TEST(old_entries_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

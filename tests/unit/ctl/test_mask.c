/* SPDX-License-Identifier: BSD-3-Clause */
/* What keeps a capture or a report from those whom it does not concern. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "mask.h"

static const char *masked(const char *text)
{
	static char buf[256];

	snprintf(buf, sizeof(buf), "%s", text);
	return mask_numbers(buf);
}

static void numbers_of_sim_and_module_keep_their_last_four_digits(void **state)
{
	(void)state;
	assert_string_equal(masked("\"imei\": \"861234567890123\""), "\"imei\": \"***********0123\"");
	assert_string_equal(masked("< 89490200001234567890"), "< ****************7890");
	assert_string_equal(masked("+CICCID: 8949020000123456789F"), "+CICCID: ***************6789F");
	assert_string_equal(masked("86123456789012"), "**********9012");
	assert_string_equal(masked("861234567890123 262011234567890"), "***********0123 ***********7890");
}

static void other_numbers_stay(void **state)
{
	static const char *const texts[] = {"", "x", "1234567890123", "192.0.2.1:8080", "9999999999999",
		"2026-11-22T23:00:00.123Z", "12345678901234567890123"};

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(masked(texts[i]), texts[i]);
}

static void what_a_command_sets_is_hidden_to_the_end_of_its_line(void **state)
{
	char text[] = "init = AT+CPIN=1234\ninit = at+csq;+cgauth=1,1,\"a\",\"b\"\ninit = AT+CPIN?\nAT+CLCK=";

	(void)state;
	assert_string_equal(mask_secrets(text), "init = AT+CPIN=****\ninit = at+csq;+cgauth=***********\n"
						"init = AT+CPIN?\nAT+CLCK=");
}

static char folder[64], path[80], other[80];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/gwd-unit-file-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	rmdir(folder);
	return 0;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_size, 0);
	return st.st_mode & 0777;
}

static void a_file_is_for_its_owner_even_if_it_was_there(void **state)
{
	int fd = file_create(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(chmod(path, 0644), 0);
	fd = file_create(path);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0600);
	close(fd);
}

static void a_link_is_not_followed(void **state)
{
	int fd = open(other, O_CREAT | O_WRONLY, 0644);

	(void)state;
	close(fd);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(file_create(path), -ELOOP);
	assert_int_equal(mode_of(other), 0644);
	assert_int_equal(file_create(folder), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_sim_and_module_keep_their_last_four_digits),
		cmocka_unit_test(other_numbers_stay),
		cmocka_unit_test(what_a_command_sets_is_hidden_to_the_end_of_its_line),
		cmocka_unit_test_setup_teardown(
			a_file_is_for_its_owner_even_if_it_was_there, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_link_is_not_followed, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The file and the command line: structure, messages, lists, hostile text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

static struct config config;
static struct config_error err;

static int load_bytes(const void *text, size_t n)
{
	memset(&err, 0, sizeof(err));
	config_defaults(&config);
	return config_load_text(&config, "gwd.conf", text, n, &err);
}

static int load(const char *text)
{
	return load_bytes(text, strlen(text));
}

/* @text is refused with exactly this message, and nothing of it is taken. */
static void refused(const char *text, const char *message)
{
	struct config defaults;

	assert_int_equal(load(text), -EINVAL);
	assert_string_equal(err.text, message);
	config_defaults(&defaults);
	assert_memory_equal(&config, &defaults, sizeof(config));
}

static void sections_keys_and_comments_are_read(void **state)
{
	(void)state;
	assert_int_equal(
		load("# comment = no\n; another [one\n\n[interface]\nmtu = 1400\n\n"
		     "[modem]\ndevice=/dev/ttyS1\n  apn   =   internet  \t\r\n[log]\nlevel = debug"),
		0);
	assert_int_equal(config.interface.mtu, 1400);
	assert_string_equal(config.modem.device, "/dev/ttyS1");
	assert_string_equal(config.modem.apn, "internet");
	assert_int_equal(config.log.level, LOG_LEVEL_DEBUG);
}

static void a_byte_order_mark_and_dos_line_ends_are_accepted(void **state)
{
	(void)state;
	assert_int_equal(load("\xef\xbb\xbf[interface]\r\nmtu = 1400\r\n"), 0);
	assert_int_equal(config.interface.mtu, 1400);
}

static void empty_files_and_empty_sections_change_nothing(void **state)
{
	struct config defaults;

	(void)state;
	config_defaults(&defaults);
	assert_int_equal(load(""), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
	assert_int_equal(load("\n\n[tcp]\n[udp]"), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
}

/* inih would see a continuation of the line before. */
static void an_indented_line_is_a_line_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(load("[interface]\n\tmtu = 1400\n\tmetric = 5\n"), 0);
	assert_int_equal(config.interface.mtu, 1400);
	assert_int_equal(config.interface.metric, 5);
}

/* inih would cut the value there. */
static void a_semicolon_in_a_value_is_part_of_it(void **state)
{
	(void)state;
	assert_int_equal(load("[modem]\ninit = AT+A=1 ;+B=\"# = x\"\n"), 0);
	assert_string_equal(config.modem.init.item[0], "AT+A=1 ;+B=\"# = x\"");
}

/* inih would split the line at 200 bytes. */
static void a_value_of_200_characters_is_read_whole(void **state)
{
	char text[256] = "[modem]\ninit = AT";
	size_t at = strlen(text);

	(void)state;
	memset(text + at, 'X', 198);
	text[at + 198] = '\n';
	text[at + 199] = '\0';
	assert_int_equal(load(text), 0);
	assert_int_equal(strlen(config.modem.init.item[0]), 200);
}

static void an_error_names_file_line_key_expectation_and_value(void **state)
{
	(void)state;
	refused("[interface]\n\n# x\nmtu = 12\n",
		"gwd.conf:4: interface.mtu: expected a number 576 to 9000, got \"12\"");
	refused("[modem]\nreceive = polled\n",
		"gwd.conf:2: modem.receive: expected auto, push, buffer or transparent, got \"polled\"");
	refused("[modem]\ndevice = automatic\n",
		"gwd.conf:2: modem.device: expected an absolute path or auto, got \"automatic\"");
	refused("[modem]\nip = 5\n", "gwd.conf:2: modem.ip: expected 4 or 6, got \"5\"");
	refused("[log]\nlevel = loud\n",
		"gwd.conf:2: log.level: expected error, warn, info, debug or trace, got \"loud\"");
	refused("[tcp]\nconnect_timeout = 1s\n",
		"gwd.conf:2: tcp.connect_timeout: expected a time 3s to 120s (30, 30s, 2m, 500ms), got "
		"\"1s\"");
}

static void what_is_not_printable_is_quoted_in_an_error(void **state)
{
	(void)state;
	refused("[modem]\napn = a\x1b[2J\xff\n",
		"gwd.conf:2: modem.apn: expected an APN (at most 100 letters, digits, '.', '-', '_'), got "
		"\"a\\x1b[2J\\xff\"");
}

static void the_first_error_wins(void **state)
{
	(void)state;
	refused("[interface]\nmtu = 1\nmetric = x\n[bogus]\n",
		"gwd.conf:2: interface.mtu: expected a number 576 to 9000, got \"1\"");
}

static void unknown_options_name_the_nearest_known(void **state)
{
	(void)state;
	refused("[modem]\napm = internet\n",
		"gwd.conf:2: unknown option \"modem.apm\" (is it modem.apn?)");
	refused("[interface]\napn = internet\n",
		"gwd.conf:2: unknown option \"interface.apn\" (is it modem.apn?)");
	refused("[modem]\nzzzzzzzzz = 1\n", "gwd.conf:2: unknown option \"modem.zzzzzzzzz\"");
	refused("[modem]\nAPN = internet\n", "gwd.conf:2: unknown option \"modem.APN\"");
}

static void unknown_sections_are_errors_even_when_empty(void **state)
{
	(void)state;
	refused("[log]\n[bogus]\n", "gwd.conf:2: expected a known [section], got \"[bogus]\"");
	refused("[modem gsm]\n", "gwd.conf:1: expected a known [section], got \"[modem gsm]\"");
	refused("[]\n", "gwd.conf:1: expected a known [section], got \"[]\"");
	refused("[modem\n", "gwd.conf:1: expected a known [section], got \"[modem\"");
	refused("[modem] x\n", "gwd.conf:1: expected a known [section], got \"[modem]\"");
	refused("[", "gwd.conf:1: expected a known [section], got \"[\"");
}

static void a_key_outside_a_section_is_an_error(void **state)
{
	(void)state;
	refused("mtu = 1400\n",
		"gwd.conf:1: expected a [section] before the first key, got \"mtu\"");
}

static void a_line_that_is_no_assignment_is_an_error(void **state)
{
	(void)state;
	refused("[modem]\nfoo\n", "gwd.conf:2: expected \"key = value\", got \"foo\"");
	refused("[modem]\n= x\n", "gwd.conf:2: expected \"key = value\", got \"\"");
	refused("[modem]\napn: x\n", "gwd.conf:2: expected \"key = value\", got \"apn\"");
	refused("[modem]\napn:x = y\n", "gwd.conf:2: expected \"key = value\", got \"apn\"");
}

static void a_second_value_names_the_line_of_the_first(void **state)
{
	(void)state;
	refused("[interface]\nmtu = 1400\n[log]\n[interface]\nmtu = 1400\n",
		"gwd.conf:5: interface.mtu: expected one value, got a second (the first is in line 2)");
}

static void nul_bytes_are_refused_where_they_stand(void **state)
{
	static const char in_value[] = "[modem]\napn = inter\0net\n";
	static const char in_comment[] = "# \0\n";

	(void)state;
	assert_int_equal(load_bytes(in_value, sizeof(in_value) - 1), -EINVAL);
	assert_string_equal(err.text, "gwd.conf:2: expected text, got \"apn\"");
	assert_int_equal(load_bytes(in_comment, sizeof(in_comment) - 1), -EINVAL);
	assert_string_equal(err.text, "gwd.conf:1: expected text, got \"#\"");
}

static void overlong_keys_and_values_are_refused_and_overlong_comments_are_not(void **state)
{
	char text[8192];

	(void)state;
	memset(text, 'k', sizeof(text));
	memcpy(text, "[modem]\n", 8);
	memcpy(text + 4000, "=x\n", 4);
	assert_int_equal(load(text), -EINVAL);
	assert_true(strncmp(err.text, "gwd.conf:2: expected a shorter key", 34) == 0);

	memset(text, 'v', sizeof(text));
	memcpy(text, "[modem]\napn = ", 14);
	text[4000] = '\0';
	assert_int_equal(load(text), -EINVAL);
	assert_true(strncmp(err.text, "gwd.conf:2: modem.apn: expected an APN", 38) == 0);

	text[8] = '#';
	assert_int_equal(load(text), 0);
}

static void a_list_of_the_file_replaces_what_was_there(void **state)
{
	static const char text[] = "[modem]\ninit = AT+ONE\ninit = AT+TWO\n";

	(void)state;
	config_defaults(&config);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(config_load_text(&config, "f", text, sizeof(text) - 1, &err), 0);
		assert_int_equal(config.modem.init.n, 2);
		assert_string_equal(config.modem.init.item[0], "AT+ONE");
		assert_string_equal(config.modem.init.item[1], "AT+TWO");
	}
}

static void the_first_override_of_a_list_replaces_it_and_further_ones_append(void **state)
{
	struct config_overrides seen = {0};

	(void)state;
	assert_int_equal(load("[modem]\ninit = AT+FILE1\ninit = AT+FILE2\n"), 0);
	assert_int_equal(config_override(&config, &seen, "modem.init=AT+A", "-o", &err), 0);
	assert_int_equal(config.modem.init.n, 1);
	assert_int_equal(config_override(&config, &seen, "modem.init = AT+B=1", "-o", &err), 0);
	assert_int_equal(config.modem.init.n, 2);
	assert_string_equal(config.modem.init.item[0], "AT+A");
	assert_string_equal(config.modem.init.item[1], "AT+B=1");
	assert_int_equal(config_override(&config, &seen, "modem.init=", "-o", &err), 0);
	assert_int_equal(config.modem.init.n, 0);
}

static void a_refused_first_override_keeps_the_list_of_the_file(void **state)
{
	struct config_overrides seen = {0};

	(void)state;
	assert_int_equal(load("[modem]\ninit = AT+FILE\n"), 0);
	assert_int_equal(config_override(&config, &seen, "modem.init=bad", "-o", &err), -EINVAL);
	assert_int_equal(config.modem.init.n, 1);
	assert_int_equal(config_override(&config, &seen, "modem.init=AT+A", "-o", &err), 0);
	assert_int_equal(config.modem.init.n, 1);
	assert_string_equal(config.modem.init.item[0], "AT+A");
}

static void a_single_value_may_be_overridden_again(void **state)
{
	struct config_overrides seen = {0};

	(void)state;
	config_defaults(&config);
	assert_int_equal(config_override(&config, &seen, "interface.mtu=1400", "-o", &err), 0);
	assert_int_equal(
		config_override(&config, &seen, " interface . mtu = 1300 ", "-o", &err), 0);
	assert_int_equal(config.interface.mtu, 1300);
}

static void refused_override(const char *assignment, const char *message)
{
	struct config_overrides seen = {0};

	config_defaults(&config);
	assert_int_equal(config_override(&config, &seen, assignment, "-o", &err), -EINVAL);
	assert_string_equal(err.text, message);
}

static void an_override_error_names_the_override(void **state)
{
	(void)state;
	refused_override("interface.mtu=12", "-o interface.mtu=12: expected a number 576 to 9000");
	refused_override("interface.mut=1400",
		"-o interface.mut: unknown option \"interface.mut\" (is it interface.mtu?)");
	refused_override(
		"mo\x1b[2Jdem.x=1", "-o mo\\x1b[2Jdem.x: unknown option \"mo\\x1b[2Jdem.x\"");
	refused_override("mtu=12", "-o mtu: expected section.key=value");
	refused_override("interface.mtu", "-o interface.mtu: expected section.key=value");
	refused_override("=a.b", "-o : expected section.key=value");
	refused_override(".mtu=1", "-o .mtu: expected section.key=value");
	refused_override("interface.=1", "-o interface.: expected section.key=value");
	refused_override("", "-o : expected section.key=value");
	refused_override("modem.apn=\x1b\n",
		"-o modem.apn=\\x1b\\n: expected an APN (at most 100 letters, digits, '.', '-', '_')");
}

/* Also where the line is wrong in a way that hides which option it sets. */
static void no_message_shows_what_may_be_a_secret(void **state)
{
	static const char *const lines[] = {
		"password: hunter2\n", "password hunter2\n", "password:hunter2 = x\n",
		"[modem] password = hunter2\n", "[modem password = hunter2]\n",
		"= hunter2\n", "=hunter2\n", "password hunter2 = x\n",
	};
	static const char nul[] = "[modem]\npassword = hunter2\0\n";
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "[modem]\n%s", lines[i]);
		assert_int_equal(load(text), -EINVAL);
		assert_null(strstr(err.text, "hunter2"));
	}
	assert_int_equal(load_bytes(nul, sizeof(nul) - 1), -EINVAL);
	assert_null(strstr(err.text, "hunter2"));
	refused_override("modem.password:hunter2", "-o modem.password: expected section.key=value");
}

static void a_secret_is_in_no_message(void **state)
{
	char assignment[] = " modem . password = hunter2", other[] = "modem.apn=password";

	(void)state;
	refused_override("modem.password=hunt\"er",
		"-o modem.password: expected a password (at most 127 printable ASCII characters, no '\"')");
	refused_override("modem.pasword=hunter2",
		"-o modem.pasword: unknown option \"modem.pasword\" (is it modem.password?)");
	refused("[modem]\npassword = hunt\"er\n",
		"gwd.conf:2: modem.password: expected a password (at most 127 printable ASCII "
		"characters, no '\"'), got something else");
	assert_string_equal(config_secret_value(assignment), "hunter2");
	assert_null(config_secret_value(other));
}

static void an_override_of_any_length_is_survived(void **state)
{
	struct config_overrides seen = {0};
	char *text = malloc(100001);

	(void)state;
	memset(text, 'a', 100000);
	text[100000] = '\0';
	assert_int_equal(config_override(&config, &seen, text, "-o", &err), -EINVAL);
	text[40000] = '.';
	text[80000] = '=';
	assert_int_equal(config_override(&config, &seen, text, "-o", &err), -EINVAL);
	memcpy(text, "modem.apn=", 10);
	assert_int_equal(config_override(&config, &seen, text, "-o", &err), -EINVAL);
	free(text);
}

/* A temporary file with @n bytes of @text; its path. */
static const char *file_with(const void *text, size_t n)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/gwd-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
	return path;
}

static void a_file_is_loaded_by_its_path(void **state)
{
	const char *path = file_with("[interface]\nmtu = 1300\n", 23);

	(void)state;
	config_defaults(&config);
	assert_int_equal(config_load_file(&config, path, &err), 0);
	assert_int_equal(config.interface.mtu, 1300);
	unlink(path);
}

static void a_file_that_cannot_be_read_is_named_with_the_reason(void **state)
{
	(void)state;
	config_defaults(&config);
	assert_int_equal(config_load_file(&config, "/nonexistent/gwd.conf", &err), -ENOENT);
	assert_string_equal(err.text, "/nonexistent/gwd.conf: No such file or directory");
	assert_int_equal(config_load_file(&config, "/", &err), -EISDIR);
}

static void a_file_without_end_is_refused_and_an_empty_device_is_not(void **state)
{
	(void)state;
	config_defaults(&config);
	assert_int_equal(config_load_file(&config, "/dev/zero", &err), -EFBIG);
	assert_int_equal(config_load_file(&config, "/dev/null", &err), 0);
}

static void a_fifo_nobody_writes_does_not_block(void **state)
{
	char dir[] = "/tmp/gwd-test-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	config_defaults(&config);
	assert_int_equal(config_load_file(&config, path, &err), 0);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_keys_and_comments_are_read),
		cmocka_unit_test(a_byte_order_mark_and_dos_line_ends_are_accepted),
		cmocka_unit_test(empty_files_and_empty_sections_change_nothing),
		cmocka_unit_test(an_indented_line_is_a_line_of_its_own),
		cmocka_unit_test(a_semicolon_in_a_value_is_part_of_it),
		cmocka_unit_test(a_value_of_200_characters_is_read_whole),
		cmocka_unit_test(an_error_names_file_line_key_expectation_and_value),
		cmocka_unit_test(what_is_not_printable_is_quoted_in_an_error),
		cmocka_unit_test(the_first_error_wins),
		cmocka_unit_test(unknown_options_name_the_nearest_known),
		cmocka_unit_test(unknown_sections_are_errors_even_when_empty),
		cmocka_unit_test(a_key_outside_a_section_is_an_error),
		cmocka_unit_test(a_line_that_is_no_assignment_is_an_error),
		cmocka_unit_test(a_second_value_names_the_line_of_the_first),
		cmocka_unit_test(nul_bytes_are_refused_where_they_stand),
		cmocka_unit_test(
			overlong_keys_and_values_are_refused_and_overlong_comments_are_not),
		cmocka_unit_test(a_list_of_the_file_replaces_what_was_there),
		cmocka_unit_test(the_first_override_of_a_list_replaces_it_and_further_ones_append),
		cmocka_unit_test(a_refused_first_override_keeps_the_list_of_the_file),
		cmocka_unit_test(a_single_value_may_be_overridden_again),
		cmocka_unit_test(an_override_error_names_the_override),
		cmocka_unit_test(a_secret_is_in_no_message),
		cmocka_unit_test(no_message_shows_what_may_be_a_secret),
		cmocka_unit_test(an_override_of_any_length_is_survived),
		cmocka_unit_test(a_file_is_loaded_by_its_path),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named_with_the_reason),
		cmocka_unit_test(a_file_without_end_is_refused_and_an_empty_device_is_not),
		cmocka_unit_test(a_fifo_nobody_writes_does_not_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

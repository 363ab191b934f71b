/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "modem/tty.h"

struct pair {
	int master;
	char path[64];
};

static int setup(void **state)
{
	static struct pair p;

	p.master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(p.master >= 0);
	assert_int_equal(grantpt(p.master), 0);
	assert_int_equal(unlockpt(p.master), 0);
	assert_int_equal(ptsname_r(p.master, p.path, sizeof(p.path)), 0);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	close(((struct pair *)*state)->master);
	return 0;
}

static void bytes_pass_unchanged_both_ways(void **state)
{
	static const char bytes[] = "\r\n\x03\x1a\x11\x13\x7f\xff\x00>";
	struct pair *p = *state;
	char got[sizeof(bytes)];
	int fd = tty_open(p->path, 115200, false);

	assert_true(fd >= 0);
	assert_int_equal(write(p->master, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(read(fd, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, bytes, sizeof(got));
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(read(p->master, got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, bytes, sizeof(got));
	tty_close(fd);
}

static void reading_never_blocks(void **state)
{
	struct pair *p = *state;
	int fd = tty_open(p->path, 921600, false);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(read(fd, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	tty_close(fd);
}

static void speed_and_flow_control_are_set(void **state)
{
	struct pair *p = *state;
	struct termios t;
	int fd = tty_open(p->path, 921600, true);

	assert_true(fd >= 0);
	assert_int_equal(tcgetattr(fd, &t), 0);
	assert_int_equal(cfgetospeed(&t), B921600);
	assert_true(t.c_cflag & CRTSCTS);
	assert_true(t.c_cflag & CLOCAL);
	tty_close(fd);
}

static void left_over_bytes_are_dropped(void **state)
{
	struct pair *p = *state;
	int fd = tty_open(p->path, 115200, false);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(write(p->master, "old", 3), 3);
	tty_close(fd);
	fd = tty_open(p->path, 115200, false);
	assert_int_equal(read(fd, &c, 1), -1);
	tty_close(fd);
}

static void second_program_is_kept_out(void **state)
{
	struct pair *p = *state;
	int fd = tty_open(p->path, 115200, false);

	assert_true(fd >= 0);
	assert_int_equal(tty_open(p->path, 115200, false), -EBUSY);
	tty_close(fd);
	fd = tty_open(p->path, 115200, false);
	assert_true(fd >= 0);
	tty_close(fd);
}

static void what_is_no_tty_or_no_speed_is_refused(void **state)
{
	struct pair *p = *state;

	assert_int_equal(tty_open("/dev/null", 115200, false), -ENOTTY);
	assert_int_equal(tty_open("/nonexistent/tty", 115200, false), -ENOENT);
	assert_int_equal(tty_open(p->path, 12345, false), -EINVAL);
	assert_true(tty_baud_valid(3000000));
	assert_false(tty_baud_valid(0));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_pass_unchanged_both_ways),
		TEST(reading_never_blocks),
		TEST(speed_and_flow_control_are_set),
		TEST(left_over_bytes_are_dropped),
		TEST(second_program_is_kept_out),
		TEST(what_is_no_tty_or_no_speed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

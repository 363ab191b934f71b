/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of a system's ttys are a SIMCom module's AT ports, by a sysfs of our own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ports.h"

static char top[64];
static struct ports_root root = {top, "/dev"};
static struct ports found;

static void make(const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top, dir);
	for (char *s = path + strlen(top) + 1; (s = strchr(s, '/')); *s++ = '/') {
		*s = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	}
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void put(const char *dir, const char *file, const char *text)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s/%s", top, dir, file);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* A USB device with the ports @first, @first + 1, ... on interfaces from @interface on. */
static void usb(const char *bus, const char *vendor, const char *product, unsigned first,
	unsigned interface, unsigned n, bool acm)
{
	char dev[256], port[400], path[1024], target[1024];

	snprintf(dev, sizeof(dev), "devices/%s", bus);
	make(dev);
	put(dev, "idVendor", vendor);
	put(dev, "idProduct", product);
	for (unsigned i = 0; i < n; i++) {
		snprintf(port, sizeof(port), "%s/%s:1.%u", dev, bus, interface + i);
		make(port);
		snprintf(path, sizeof(path), "%02x\n", interface + i);
		put(port, "bInterfaceNumber", path);
		if (!acm)
			snprintf(port + strlen(port), 32, "/ttyUSB%u", first + i);
		make(port);
		snprintf(path, sizeof(path), "class/tty/tty%s%u", acm ? "ACM" : "USB", first + i);
		make(path);
		snprintf(target, sizeof(target), "../../../%s", port);
		snprintf(path, sizeof(path), "%s/class/tty/tty%s%u/device", top, acm ? "ACM" : "USB",
			first + i);
		assert_int_equal(symlink(target, path), 0);
	}
}

static int setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/gwd-ports-XXXXXX");
	assert_non_null(mkdtemp(top));
	make("class/tty");
	make("class/tty/ttyS0");
	make("class/tty/ttyUSB90"); /* nothing behind it */
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", top);
	return system(command);
}

static void expect(const char *names)
{
	char all[1024] = "";

	ports_find(&root, &found);
	for (unsigned i = 0; i < found.n; i++) {
		strcat(all, strrchr(found.port[i].path, '/') + 1);
		strcat(all, " ");
	}
	assert_string_equal(all, names);
}

static void the_qmi_product_has_its_at_port_on_interface_2(void **state)
{
	(void)state;
	usb("1-1", "1e0e\n", "9001\n", 0, 0, 5, false);
	expect("ttyUSB2 ttyUSB3 ttyUSB0 ttyUSB1 ttyUSB4 ");
	assert_string_equal(found.port[0].path, "/dev/ttyUSB2");
	assert_true(found.port[0].known && found.port[1].known && !found.port[2].known);
}

static void the_rndis_product_has_it_on_interface_4_whatever_the_tty_is_called(void **state)
{
	(void)state;
	usb("1-2", "1e0e\n", "9011\n", 7, 3, 3, false); /* the diagnostic port has no driver */
	expect("ttyUSB8 ttyUSB9 ttyUSB7 ");
}

static void acm_ports_have_their_interface_one_level_nearer(void **state)
{
	(void)state;
	usb("1-3", "1e0e\n", "9011\n", 0, 4, 2, true);
	expect("ttyACM0 ttyACM1 ");
}

static void unknown_products_are_asked_in_order(void **state)
{
	(void)state;
	usb("1-4", "1e0e\n", "90ab\n", 3, 1, 3, false);
	expect("ttyUSB3 ttyUSB4 ttyUSB5 ");
	assert_false(found.port[0].known);
}

static void other_makers_devices_are_not_touched(void **state)
{
	(void)state;
	usb("1-5", "0403\n", "9001\n", 0, 0, 1, false); /* a serial adapter */
	usb("1-6", "1e0e\n", "1234\n", 1, 2, 1, false);
	usb("1-7", "nonsense\n", "\n", 2, 2, 1, false);
	expect("");
}

static void two_modules_have_a_fixed_order(void **state)
{
	(void)state;
	usb("1-9", "1e0e\n", "9001\n", 10, 2, 2, false);
	usb("1-8", "1e0e\n", "9001\n", 2, 2, 2, false);
	expect("ttyUSB2 ttyUSB10 ttyUSB3 ttyUSB11 ");
}

static void more_ports_than_there_is_room_for_are_cut(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		char bus[8];

		snprintf(bus, sizeof(bus), "2-%u", i);
		usb(bus, "1e0e\n", "9001\n", 5 * i, 0, 5, false);
	}
	ports_find(&root, &found);
	assert_int_equal(found.n, PORTS_MAX);
}

static void no_sysfs_is_no_port(void **state)
{
	const struct ports_root none = {"/nonexistent", "/dev"};

	(void)state;
	ports_find(&none, &found);
	assert_int_equal(found.n, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_qmi_product_has_its_at_port_on_interface_2),
		TEST(the_rndis_product_has_it_on_interface_4_whatever_the_tty_is_called),
		TEST(acm_ports_have_their_interface_one_level_nearer),
		TEST(unknown_products_are_asked_in_order),
		TEST(other_makers_devices_are_not_touched),
		TEST(two_modules_have_a_fixed_order),
		TEST(more_ports_than_there_is_room_for_are_cut),
		TEST(no_sysfs_is_no_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

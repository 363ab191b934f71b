/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "util/addr.h"

static int parse(const char *text, struct addr *a)
{
	return addr_parse(a, text, strlen(text));
}

static void equal_addresses_are_equal_memory(void **state)
{
	struct addr a, b;

	(void)state;
	/* From differently dirty memory. */
	memset(&a, 0xaa, sizeof(a));
	memset(&b, 0x55, sizeof(b));
	assert_int_equal(parse("192.0.2.1", &a), 0);
	b = addr_v4("\xc0\x00\x02\x01");
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(addr_equal(&a, &b));
	b = addr_v4("\xc0\x00\x02\x02");
	assert_false(addr_equal(&a, &b));
}

static void a_v4_address_is_not_the_v6_one_with_the_same_bytes(void **state)
{
	static const uint8_t bytes[16] = {192, 0, 2, 1};
	struct addr v4 = addr_v4(bytes), v6 = addr_v6(bytes);

	(void)state;
	assert_false(addr_equal(&v4, &v6));
}

static void only_the_given_characters_are_read(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, "192.0.2.123", 9), 0);
	assert_memory_equal(a.b, "\xc0\x00\x02\x01", 4);
	assert_int_equal(addr_parse(&a, "192.0.2.1,80", 9), 0);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ",
		" 1.2.3.4", "01.2.3.4a", "[::1]", ":::", "1::2::3", "g::1", "fe80::1%lo",
		"0x1.2.3.4", "1111:2222:3333:4444:5555:6666:255.255.255.2555555555"};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &a), -EINVAL);
	assert_int_equal(addr_parse(&a, "1.2.3.4\0x", 9), -EINVAL);
}

static void the_longest_address_fits_its_buffer(void **state)
{
	static const char text[] = "1111:2222:3333:4444:5555:6666:7777:8888";
	char buf[ADDR_STRLEN], e_buf[ENDPOINT_STRLEN];
	struct endpoint e = {.port = 65535};

	(void)state;
	assert_int_equal(parse(text, &e.addr), 0);
	assert_string_equal(addr_format(&e.addr, buf), text);
	assert_string_equal(
		endpoint_format(&e, e_buf), "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void no_address_has_a_text_too(void **state)
{
	struct addr none = {0};
	char buf[ADDR_STRLEN];

	(void)state;
	assert_string_equal(addr_format(&none, buf), "none");
}

static void an_endpoint_has_its_port_behind_the_last_colon(void **state)
{
	static const struct {
		const char *text, *formatted;
	} cases[] = {
		{"192.0.2.1:53", "192.0.2.1:53"},
		{"2001:db8::1:53", "[2001:db8::1]:53"},
		{"[2001:db8::1]:53", "[2001:db8::1]:53"},
		{"192.0.2.1:0", "192.0.2.1:0"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
	};
	char buf[ENDPOINT_STRLEN];
	struct endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(endpoint_parse(&e, cases[i].text, strlen(cases[i].text)), 0);
		assert_string_equal(endpoint_format(&e, buf), cases[i].formatted);
	}
}

static void what_is_no_endpoint_is_refused(void **state)
{
	static const char *const bad[] = {"", ":", ":53", "192.0.2.1",
		"192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "192.0.2.1:5 3",
		"192.0.2.1:000053", "[]:53", "[:53", "]:53", "[192.0.2.1:53", "host:53", "[::1]53"};
	struct endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(endpoint_parse(&e, bad[i], strlen(bad[i])), -EINVAL);
}

static void endpoints_differ_by_port_and_by_address(void **state)
{
	struct endpoint a = {.addr = addr_v4("\x01\x02\x03\x04"), .port = 1}, b = a;

	(void)state;
	assert_true(endpoint_equal(&a, &b));
	b.port = 2;
	assert_false(endpoint_equal(&a, &b));
	b = a;
	b.addr.b[3] = 5;
	assert_false(endpoint_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_addresses_are_equal_memory),
		cmocka_unit_test(a_v4_address_is_not_the_v6_one_with_the_same_bytes),
		cmocka_unit_test(only_the_given_characters_are_read),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(the_longest_address_fits_its_buffer),
		cmocka_unit_test(no_address_has_a_text_too),
		cmocka_unit_test(an_endpoint_has_its_port_behind_the_last_colon),
		cmocka_unit_test(what_is_no_endpoint_is_refused),
		cmocka_unit_test(endpoints_differ_by_port_and_by_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

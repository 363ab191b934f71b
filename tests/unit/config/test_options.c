/* SPDX-License-Identifier: BSD-3-Clause */
/* The table and the values: types, ranges, units, what each option accepts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "option.h"

static struct config config;

static int load_defaults(void **state)
{
	(void)state;
	config_defaults(&config);
	return 0;
}

/* Sets "section.key" to @value as the command line does. */
static int set(const char *name, const char *value)
{
	struct config_overrides seen = {0};
	struct config_error err = {""};
	char text[1024];

	snprintf(text, sizeof(text), "%s=%s", name, value);
	return config_override(&config, &seen, text, "-o", &err);
}

static void accepted(const char *name, const char *value)
{
	if (set(name, value) != 0)
		fail_msg("%s=%s was refused", name, value);
}

static void refused(const char *name, const char *value)
{
	if (set(name, value) == 0)
		fail_msg("%s=%s was accepted", name, value);
}

static void the_defaults_are_those_of_the_contract(void **state)
{
	(void)state;
	assert_string_equal(config.interface.name, "cell0");
	assert_int_equal(config.interface.mtu, 1500);
	assert_int_equal(config.interface.address.kind, CONFIG_ADDRESS_AUTO);
	assert_false(config.interface.default_route);
	assert_int_equal(config.interface.metric, 700);
	assert_string_equal(config.modem.device, "");
	assert_int_equal(config.modem.baud, 115200);
	assert_int_equal(config.modem.flow_control, CONFIG_FLOW_NONE);
	assert_int_equal(config.modem.ip, 4);
	assert_int_equal(config.modem.receive, CONFIG_RECEIVE_AUTO);
	assert_int_equal(config.modem.buffer_return, CONFIG_RETURN_IDLE);
	assert_false(config.modem.hex);
	assert_int_equal(config.modem.init.n, 0);
	assert_int_equal(config.modem.give_up, CONFIG_GIVE_UP_NO);
	assert_int_equal(config.modem.auth, CONFIG_AUTH_NONE);
	assert_int_equal(config.modem.auth_order, CONFIG_ORDER_AUTO);
	assert_string_equal(config.modem.user, "");
	assert_false(config.modem.pin_force);
	assert_string_equal(config.modem.state_dir, "/var/lib/gwd");
	assert_int_equal(config.modem.keepalive, 0);
	assert_int_equal(config.links.udp, 2);
	assert_int_equal(config.links.reserved, 0);
	assert_int_equal(config.links.connecting, 6);
	assert_int_equal(config.tcp.connect_timeout, SEC(30));
	assert_int_equal(config.tcp.linger, SEC(10));
	assert_int_equal(config.tcp.idle_timeout, 0);
	assert_int_equal(config.tcp.buffer, 65536);
	assert_int_equal(config.tcp.pool, 262144);
	assert_int_equal(config.udp.timeout, SEC(120));
	assert_int_equal(config.udp.dns_timeout, SEC(10));
	assert_string_equal(config.control.socket, "");
	assert_string_equal(config.metrics.listen, "");
	assert_int_equal(config.log.level, LOG_LEVEL_INFO);
}

static void every_name_fits_and_stands_once_beside_its_section(void **state)
{
	(void)state;
	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];

		assert_true(strlen(o->section) + 1 + strlen(o->key) < OPTION_NAME_MAX);
		assert_ptr_equal(option_find(o->section, o->key), o);
		/* A section that begins twice would be printed twice. */
		for (unsigned k = 0; k + 1 < i; k++)
			if (strcmp(options[k].section, o->section) == 0)
				assert_string_equal(options[i - 1].section, o->section);
		assert_true(*o->def || o->example);
	}
}

static void numbers_outside_their_range_are_refused(void **state)
{
	static const struct {
		const char *name, *low, *high, *below, *above;
	} cases[] = {
		{"interface.mtu", "576", "9000", "575", "9001"},
		{"interface.metric", "0", "4294967295", "-1", "4294967296"},
		{"modem.baud", "300", "4000000", "299", "4000001"},
		{"links.udp", "0", "9", "-1", "10"},
		{"links.reserved", "0", "8", "-1", "9"},
		{"links.connecting", "1", "9", "0", "10"},
		{"tcp.connect_timeout", "3", "120", "2999ms", "121"},
		{"tcp.buffer", "16384", "1M", "16383", "1048577"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		accepted(cases[i].name, cases[i].low);
		accepted(cases[i].name, cases[i].high);
		refused(cases[i].name, cases[i].below);
		refused(cases[i].name, cases[i].above);
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const cases[] = {"", "x", "1500x", "0x5dc", "1 500", "1500.0", "+1500",
		"1e3", "18446744073709553116", "99999999999999999999999", "\xef\xbc\x91"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused("interface.mtu", cases[i]);
}

static void durations_have_units(void **state)
{
	static const struct {
		const char *text;
		usec_t value;
	} cases[] = {{"30", SEC(30)}, {"30s", SEC(30)}, {"2m", SEC(120)}, {"7500ms", MSEC(7500)},
		{"1h", SEC(3600)}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		accepted("udp.timeout", cases[i].text);
		assert_int_equal(config.udp.timeout, cases[i].value);
	}
	refused("udp.timeout", "30 s");
	refused("udp.timeout", "1d");
	refused("udp.timeout", "s");
	/* Would be 60 s after an overflow. */
	refused("udp.timeout", "18446744073770");
	accepted("tcp.linger", "500ms");
	assert_int_equal(config.tcp.linger, MSEC(500));
}

static void sizes_have_units(void **state)
{
	(void)state;
	accepted("tcp.buffer", "64k");
	assert_int_equal(config.tcp.buffer, 65536);
	accepted("tcp.buffer", "1M");
	assert_int_equal(config.tcp.buffer, 1048576);
	accepted("tcp.buffer", "20000");
	assert_int_equal(config.tcp.buffer, 20000);
	refused("tcp.buffer", "64s");
}

static void booleans_have_eight_names(void **state)
{
	static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false",
									     "off", "0"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		accepted("modem.hex", yes[i]);
		assert_true(config.modem.hex);
		accepted("modem.hex", no[i]);
		assert_false(config.modem.hex);
	}
	refused("modem.hex", "2");
	refused("modem.hex", "");
}

static void names_of_values_are_accepted_and_stored(void **state)
{
	(void)state;
	accepted("modem.receive", "buffer");
	assert_int_equal(config.modem.receive, CONFIG_RECEIVE_BUFFER);
	accepted("modem.buffer_return", "empty");
	assert_int_equal(config.modem.buffer_return, CONFIG_RETURN_EMPTY);
	accepted("modem.flow_control", "rtscts");
	assert_int_equal(config.modem.flow_control, CONFIG_FLOW_RTSCTS);
	accepted("modem.receive", "transparent");
	assert_int_equal(config.modem.receive, CONFIG_RECEIVE_TRANSPARENT);
	accepted("transparent.busy", "refuse");
	assert_int_equal(config.transparent.busy, CONFIG_BUSY_REFUSE);
	refused("transparent.busy", "reset");
	accepted("transparent.escape", "dtr");
	assert_int_equal(config.transparent.escape, CONFIG_ESCAPE_DTR);
	accepted("transparent.udp", "yes");
	assert_true(config.transparent.udp);
	accepted("log.level", "trace");
	assert_int_equal(config.log.level, LOG_LEVEL_TRACE);
	refused("modem.flow_control", "xonxoff");
	accepted("modem.ip", "6");
	assert_int_equal(config.modem.ip, 6);
	refused("modem.ip", "46");
}

static void interface_names_are_those_the_kernel_can_take(void **state)
{
	static const char *const good[] = {
		"cell0", "gwd-wan", "a", "fifteen-letters", "cell%d", "x.1"};
	static const char *const bad[] = {"", "sixteen-letters-", "a/b", "a b", "a:b", ".", "..",
		"%s", "%d%d", "cell%", "\xc3\xa4", "a;b"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		accepted("interface.name", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused("interface.name", bad[i]);
}

static void addresses_are_those_a_host_can_have(void **state)
{
	static const char *const good[] = {
		"10.0.0.1/32", "100.64.1.2/29", "2001:db8::1/128", "NONE", "auto"};
	static const char *const bad[] = {"", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/0",
		"10.0.0.1/-1", "10.0.0/24", "10.0.0.1/24/24", "2001:db8::1/129", "0.0.0.0/32",
		"127.0.0.1/8", "224.0.0.1/4", "255.255.255.255/32", "::/64", "::1/128",
		"ff02::1/16", "169.254.0.1/16", "fe80::1/64", "10.0.0.1/24k", "/24"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused("interface.address", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		accepted("interface.address", good[i]);
	assert_int_equal(config.interface.address.kind, CONFIG_ADDRESS_AUTO);
	accepted("interface.address", "none");
	assert_int_equal(config.interface.address.kind, CONFIG_ADDRESS_NONE);
	accepted("interface.address", "10.0.0.1/24");
	assert_int_equal(config.interface.address.kind, CONFIG_ADDRESS_GIVEN);
	assert_int_equal(config.interface.address.addr.family, 4);
	assert_memory_equal(config.interface.address.addr.b, "\x0a\x00\x00\x01", 4);
	assert_int_equal(config.interface.address.prefix, 24);
}

static void an_apn_cannot_leave_its_quotes_or_its_line(void **state)
{
	char longest[102];

	(void)state;
	accepted("modem.apn", "internet");
	accepted("modem.apn", "iot.1nce-net_1");
	accepted("modem.apn", "");
	refused("modem.apn", "a\"b");
	refused("modem.apn", "a\rAT+CRESET");
	refused("modem.apn", "a\nb");
	refused("modem.apn", "a b");
	refused("modem.apn", "a,b");
	refused("modem.apn", "a\x1a");
	refused("modem.apn", "\xff");
	memset(longest, 'a', sizeof(longest));
	longest[101] = '\0';
	refused("modem.apn", longest);
	longest[100] = '\0';
	accepted("modem.apn", longest);
}

static void an_init_command_is_one_printable_at_line(void **state)
{
	char longest[202] = "AT+";

	(void)state;
	accepted("modem.init", "AT+CGAUTH=1,1,\"user\",\"a;b\"");
	accepted("modem.init", "at+cnmp=38;+cmnb=1");
	refused("modem.init", "+CNMP=38");
	refused("modem.init", "A");
	refused("modem.init", "AT+X\rAT+Y");
	refused("modem.init", "AT+X\nAT+Y");
	refused("modem.init", "AT+X\x1a");
	refused("modem.init", "AT+X\xe4");
	memset(longest + 3, 'X', sizeof(longest) - 3);
	longest[201] = '\0';
	refused("modem.init", longest);
	longest[200] = '\0';
	accepted("modem.init", longest);
}

static void paths_are_absolute_and_fit(void **state)
{
	char path[300];

	(void)state;
	accepted("modem.device", "auto");
	accepted("modem.device", "/dev/ttyUSB2");
	accepted("modem.device", "/dev/serial/by-id/usb SIM\xc3\xa4");
	refused("modem.device", "ttyUSB2");
	refused("modem.device", "/");
	refused("modem.device", "/dev/tty\n");
	refused("modem.device", "/dev/tty\x7f");
	refused("modem.device", "/dev/t\xe9l");
	accepted("modem.power_command", "/usr/bin/gpioset 0 4=1");
	refused("modem.power_command", "gpioset 0 4=1");
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[256] = '\0';
	refused("modem.device", path);
	path[255] = '\0';
	accepted("modem.device", path);
	refused("control.socket", path);
	path[108] = '\0';
	refused("control.socket", path);
	path[107] = '\0';
	accepted("control.socket", path);
}

static void metrics_are_for_the_loopback_or_a_unix_socket(void **state)
{
	(void)state;
	accepted("metrics.listen", "127.0.0.1:9776");
	accepted("metrics.listen", "127.255.255.254:1");
	accepted("metrics.listen", "[::1]:65535");
	accepted("metrics.listen", "/run/gwd/metrics.sock");
	accepted("metrics.listen", "");
	refused("metrics.listen", "0.0.0.0:9776");
	refused("metrics.listen", "192.0.2.1:9776");
	refused("metrics.listen", "128.0.0.1:9776");
	refused("metrics.listen", "[::]:9776");
	refused("metrics.listen", "[2001:db8::1]:9776");
	refused("metrics.listen", "[::ffff:127.0.0.1]:9776");
	refused("metrics.listen", "::1:9776");
	refused("metrics.listen", "127.0.0.1");
	refused("metrics.listen", "127.0.0.1:0");
	refused("metrics.listen", ":9776");
	refused("metrics.listen", "localhost:9776");
	refused("metrics.listen", "metrics.sock");
}

static void a_refused_value_leaves_the_old_one(void **state)
{
	struct config before;

	(void)state;
	accepted("interface.address", "10.0.0.1/24");
	accepted("modem.init", "AT+ONE");
	before = config;
	refused("interface.address", "10.0.0.2/99");
	refused("modem.init", "ONE");
	refused("interface.mtu", "1");
	assert_memory_equal(&config, &before, sizeof(config));
}

static void a_list_has_a_bound(void **state)
{
	struct config_overrides seen = {0};
	struct config_error err = {""};

	(void)state;
	for (unsigned i = 0; i < CONFIG_LIST_MAX; i++)
		assert_int_equal(config_override(&config, &seen, "modem.init=AT", "-o", &err), 0);
	assert_int_equal(config_override(&config, &seen, "modem.init=AT", "-o", &err), -EINVAL);
	assert_int_equal(config.modem.init.n, CONFIG_LIST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_those_of_the_contract),
		cmocka_unit_test(every_name_fits_and_stands_once_beside_its_section),
		cmocka_unit_test(numbers_outside_their_range_are_refused),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(booleans_have_eight_names),
		cmocka_unit_test(names_of_values_are_accepted_and_stored),
		cmocka_unit_test(interface_names_are_those_the_kernel_can_take),
		cmocka_unit_test(addresses_are_those_a_host_can_have),
		cmocka_unit_test(an_apn_cannot_leave_its_quotes_or_its_line),
		cmocka_unit_test(an_init_command_is_one_printable_at_line),
		cmocka_unit_test(paths_are_absolute_and_fit),
		cmocka_unit_test(metrics_are_for_the_loopback_or_a_unix_socket),
		cmocka_unit_test(a_refused_value_leaves_the_old_one),
		cmocka_unit_test(a_list_has_a_bound),
	};
	struct CMUnitTest with_defaults[sizeof(tests) / sizeof(tests[0])];

	memcpy(with_defaults, tests, sizeof(tests));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		with_defaults[i].setup_func = load_defaults;
	return cmocka_run_group_tests(with_defaults, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* What no single option can tell, the PIN file, and what a reload can change. */
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
static char logged[1024];
static char pin_path[64], password_path[64];

static void keep_log(enum log_level level, const char *line)
{
	if (level == LOG_LEVEL_WARN)
		snprintf(logged, sizeof(logged), "%s", line);
}

/* A configuration that passes; each test spoils one thing. */
static int good(void **state)
{
	(void)state;
	config_defaults(&config);
	strcpy(config.modem.device, "/dev/ttyS1");
	logged[0] = '\0';
	log_set_sink(keep_log);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	log_set_sink(NULL);
	if (*pin_path)
		unlink(pin_path);
	pin_path[0] = '\0';
	if (*password_path)
		unlink(password_path);
	password_path[0] = '\0';
	return 0;
}

static void pin_file(const char *text, size_t n, mode_t mode)
{
	int fd;

	if (*pin_path)
		unlink(pin_path);
	strcpy(pin_path, "/tmp/gwd-pin-XXXXXX");
	fd = mkstemp(pin_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	strcpy(config.modem.pin_file, pin_path);
}

static void the_defaults_and_a_device_pass(void **state)
{
	(void)state;
	assert_int_equal(config_check(&config, &err), 0);
}

static void the_device_is_required(void **state)
{
	(void)state;
	config.modem.device[0] = '\0';
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_true(strncmp(err.text, "modem.device: expected", 22) == 0);
}

static void the_address_has_the_family_of_the_bearer(void **state)
{
	struct config_overrides seen = {0};

	(void)state;
	assert_int_equal(
		config_override(&config, &seen, "interface.address=fd09::1/64", "-o", &err), 0);
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_string_equal(
		err.text, "interface.address: expected an IPv4 address (modem.ip), got fd09::1");
	assert_int_equal(
		config_override(&config, &seen, "interface.address=10.9.0.1/32", "-o", &err), 0);
	assert_int_equal(config_check(&config, &err), 0);
}

static void ipv6_wants_the_mtu_that_ipv6_needs(void **state)
{
	struct config_overrides seen = {0};

	(void)state;
	assert_int_equal(config_override(&config, &seen, "modem.ip=6", "-o", &err), 0);
	assert_int_equal(config_override(&config, &seen, "interface.mtu=1279", "-o", &err), 0);
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_string_equal(err.text,
		"interface.mtu: expected at least 1280 for IPv6 (modem.ip), got 1279");
	assert_int_equal(config_override(&config, &seen, "interface.mtu=1280", "-o", &err), 0);
	assert_int_equal(config_check(&config, &err), 0);
}

static void one_link_stays_for_ordinary_flows(void **state)
{
	(void)state;
	config.links.udp = 2;
	config.links.reserved = 7;
	assert_int_equal(config_check(&config, &err), 0);
	config.links.reserved = 8;
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_true(strncmp(err.text, "links.reserved: expected at most 7", 34) == 0);
	config.links.udp = 9;
	config.links.reserved = 0;
	assert_int_equal(config_check(&config, &err), 0);
}

static void hex_needs_a_mode_that_reads(void **state)
{
	static const struct {
		enum config_receive receive;
		int rc;
	} rows[] = {
		{CONFIG_RECEIVE_AUTO, 0}, {CONFIG_RECEIVE_BUFFER, 0}, {CONFIG_RECEIVE_PUSH, -EINVAL},
	};

	(void)state;
	config.modem.hex = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		config.modem.receive = rows[i].receive;
		assert_int_equal(config_check(&config, &err), rows[i].rc);
	}
	assert_non_null(strstr(err.text, "modem.hex"));
}

static void a_pin_of_4_to_8_digits_is_read(void **state)
{
	char pin[CONFIG_PIN_SIZE];

	(void)state;
	pin_file("1234\n", 5, 0600);
	assert_int_equal(config_read_pin(pin_path, pin, &err), 0);
	assert_string_equal(pin, "1234");
	pin_file("12345678", 8, 0400);
	assert_int_equal(config_read_pin(pin_path, pin, &err), 0);
	assert_string_equal(pin, "12345678");
	assert_int_equal(config_check(&config, &err), 0);
	assert_string_equal(logged, "");
}

static void without_an_address_of_ours_there_is_no_route_of_ours(void **state)
{
	(void)state;
	config.interface.address.kind = CONFIG_ADDRESS_NONE;
	assert_int_equal(config_check(&config, &err), 0);
	config.interface.default_route = true;
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "interface.default_route: expected no"));
	config.interface.default_route = false;
	strcpy(config.forward.tcp.item[0], "8080:192.0.2.1:80");
	config.forward.tcp.n = 1;
	assert_int_equal(config_check(&config, &err), 0);
	config.forward.source = CONFIG_FORWARD_GATEWAY;
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "forward.source: expected remote"));
}

static void what_is_no_pin_is_refused_and_not_told(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {{"", 0}, {"\n", 1}, {"123", 3}, {"123456789", 9}, {"12a4", 4}, {" 1234", 5},
		{"1234 5678", 9}, {"1234\n5678\n", 10}, {"1234\0", 5}, {"1234\"\r", 6},
		{"1234                                5", 37}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pin_file(cases[i].text, cases[i].n, 0600);
		assert_int_equal(config_check(&config, &err), -EINVAL);
		assert_null(strstr(err.text, "123"));
		assert_non_null(strstr(err.text, "expected 4 to 8 digits"));
		assert_non_null(strstr(err.text, pin_path));
	}
}

static void a_pin_file_that_cannot_be_read_is_named(void **state)
{
	(void)state;
	strcpy(config.modem.pin_file, "/nonexistent/pin");
	assert_int_equal(config_check(&config, &err), -ENOENT);
	assert_string_equal(
		err.text, "modem.pin_file: /nonexistent/pin: No such file or directory");
	strcpy(config.modem.pin_file, "/");
	assert_int_equal(config_check(&config, &err), -EISDIR);
}

static void a_pin_others_can_read_is_a_warning(void **state)
{
	(void)state;
	pin_file("1234\n", 5, 0640);
	assert_int_equal(config_check(&config, &err), 0);
	assert_non_null(strstr(logged, "mode 640"));
	assert_null(strstr(logged, "1234"));
}

/* ---- the access point's log-in ---- */

static void password_file(const char *text, mode_t mode)
{
	int fd;

	if (*password_path)
		unlink(password_path);
	strcpy(password_path, "/tmp/gwd-password-XXXXXX");
	fd = mkstemp(password_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	strcpy(config.modem.password_file, password_path);
	config.modem.auth = CONFIG_AUTH_PAP;
	strcpy(config.modem.user, "ann");
}

static void a_password_file_is_one_line_with_all_its_blanks(void **state)
{
	char password[CONFIG_LOGIN_SIZE];

	(void)state;
	password_file(" a, b;c \r\n", 0600);
	assert_int_equal(config_check(&config, &err), 0);
	assert_int_equal(config_read_password(&config, password, &err), 0);
	assert_string_equal(password, " a, b;c ");
	assert_string_equal(logged, "");
	password_file("x", 0640);
	assert_int_equal(config_check(&config, &err), 0);
	assert_non_null(strstr(logged, "mode 640 lets others see the password"));
}

static void what_no_command_can_carry_is_no_password_and_not_told(void **state)
{
	static const char *const cases[] = {"", "\n", "hunter\"2", "hunter\x1a", "hunter\nhunter",
		"hunt\xc3\xa9r", "hunter\t"};
	char endless[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		password_file(cases[i], 0600);
		assert_int_equal(config_check(&config, &err), -EINVAL);
		assert_null(strstr(err.text, "hunt"));
		assert_non_null(strstr(err.text, "modem.password_file: "));
	}
	memset(endless, 'x', sizeof(endless));
	endless[128] = '\0';
	password_file(endless, 0600);
	assert_int_equal(config_check(&config, &err), -EINVAL);
	endless[127] = '\0';
	password_file(endless, 0600);
	assert_int_equal(config_check(&config, &err), 0);
	strcpy(config.modem.password_file, "/nonexistent/password");
	assert_int_equal(config_check(&config, &err), -ENOENT);
}

static void a_log_in_is_whole(void **state)
{
	(void)state;
	config.modem.auth = CONFIG_AUTH_CHAP;
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_true(strncmp(err.text, "modem.user: expected", 20) == 0);
	strcpy(config.modem.user, "ann");
	assert_int_equal(config_check(&config, &err), 0);
	strcpy(config.modem.password, "hunter2");
	assert_int_equal(config_check(&config, &err), 0);
	assert_non_null(strstr(logged, "modem.password_file is safer"));
	assert_null(strstr(logged, "hunter2"));
	strcpy(config.modem.password_file, "/etc/gwd/password");
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_null(strstr(err.text, "hunter2"));
}

struct difference {
	char live[256], restart[256];
};

static void keep_difference(void *user, const char *name, bool live)
{
	struct difference *d = user;

	strcat(live ? d->live : d->restart, name);
	strcat(live ? d->live : d->restart, " ");
}

static void a_diff_names_what_differs_and_what_can_change_live(void **state)
{
	struct difference d = {"", ""};
	struct config other = config;

	(void)state;
	config_diff(&config, &other, keep_difference, &d);
	assert_string_equal(d.live, "");
	assert_string_equal(d.restart, "");

	other.log.level = LOG_LEVEL_TRACE;
	other.links.reserved = 1;
	other.udp.timeout = SEC(60);
	other.interface.mtu = 1400;
	strcpy(other.modem.device, "/dev/ttyS2");
	strcpy(other.modem.init.item[other.modem.init.n++], "AT+X");
	config_diff(&config, &other, keep_difference, &d);
	assert_string_equal(d.live, "interface.mtu links.reserved udp.timeout log.level ");
	assert_string_equal(d.restart, "modem.device modem.init ");
}

static void a_diff_sees_an_item_of_a_list_and_not_what_is_behind_its_end(void **state)
{
	struct difference d = {"", ""};
	struct config other;

	(void)state;
	strcpy(config.modem.init.item[0], "AT+A");
	config.modem.init.n = 1;
	other = config;
	strcpy(other.modem.init.item[1], "AT+GONE");
	config_diff(&config, &other, keep_difference, &d);
	assert_string_equal(d.restart, "");
	strcpy(other.modem.init.item[0], "AT+B");
	config_diff(&config, &other, keep_difference, &d);
	assert_string_equal(d.restart, "modem.init ");
}

static void transparent_mode_has_one_server(void **state)
{
	(void)state;
	config.modem.receive = CONFIG_RECEIVE_TRANSPARENT;
	config.forward.tcp.n = 1;
	strcpy(config.forward.tcp.item[0], "8080:192.0.2.10:80");
	assert_int_equal(config_check(&config, &err), 0);
	config.forward.tcp.n = 2;
	strcpy(config.forward.tcp.item[1], "8081:192.0.2.10:81");
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "forward.tcp: expected at most 1"));
	config.modem.receive = CONFIG_RECEIVE_AUTO;
	assert_int_equal(config_check(&config, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_defaults_and_a_device_pass, good, clean_up),
		cmocka_unit_test_setup_teardown(the_device_is_required, good, clean_up),
		cmocka_unit_test_setup_teardown(
			the_address_has_the_family_of_the_bearer, good, clean_up),
		cmocka_unit_test_setup_teardown(ipv6_wants_the_mtu_that_ipv6_needs, good, clean_up),
		cmocka_unit_test_setup_teardown(hex_needs_a_mode_that_reads, good, clean_up),
		cmocka_unit_test_setup_teardown(one_link_stays_for_ordinary_flows, good, clean_up),
		cmocka_unit_test_setup_teardown(a_pin_of_4_to_8_digits_is_read, good, clean_up),
		cmocka_unit_test_setup_teardown(
			without_an_address_of_ours_there_is_no_route_of_ours, good, clean_up),
		cmocka_unit_test_setup_teardown(
			what_is_no_pin_is_refused_and_not_told, good, clean_up),
		cmocka_unit_test_setup_teardown(
			a_pin_file_that_cannot_be_read_is_named, good, clean_up),
		cmocka_unit_test_setup_teardown(a_pin_others_can_read_is_a_warning, good, clean_up),
		cmocka_unit_test_setup_teardown(
			a_password_file_is_one_line_with_all_its_blanks, good, clean_up),
		cmocka_unit_test_setup_teardown(
			what_no_command_can_carry_is_no_password_and_not_told, good, clean_up),
		cmocka_unit_test_setup_teardown(a_log_in_is_whole, good, clean_up),
		cmocka_unit_test_setup_teardown(
			a_diff_names_what_differs_and_what_can_change_live, good, clean_up),
		cmocka_unit_test_setup_teardown(transparent_mode_has_one_server, good, clean_up),
		cmocka_unit_test_setup_teardown(
			a_diff_sees_an_item_of_a_list_and_not_what_is_behind_its_end, good,
			clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

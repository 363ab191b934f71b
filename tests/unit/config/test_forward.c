/* SPDX-License-Identifier: BSD-3-Clause */
/* forward.tcp and forward.source. */
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

#include "option.h"

static struct config config;
static struct config_error err;

static int good(void **state)
{
	(void)state;
	config_defaults(&config);
	strcpy(config.modem.device, "/dev/ttyS1");
	return 0;
}

static int set(const char *rule)
{
	struct config_overrides seen = {.seen = {0}};
	char text[CONFIG_TEXT_MAX + 32];

	memset(seen.seen, 1, sizeof(seen.seen)); /* append */
	snprintf(text, sizeof(text), "forward.tcp=%s", rule);
	return config_override(&config, &seen, text, "-o", &err);
}

static void rule_is_port_host_and_port(void **state)
{
	struct config_forward f;
	char text[ENDPOINT_STRLEN];

	(void)state;
	assert_int_equal(config_forward_parse(&f, "8080:192.0.2.1:80"), 0);
	assert_int_equal(f.port, 8080);
	assert_string_equal(endpoint_format(&f.target, text), "192.0.2.1:80");
	assert_int_equal(config_forward_parse(&f, "65535:[2001:db8::1]:1"), 0);
	assert_string_equal(endpoint_format(&f.target, text), "[2001:db8::1]:1");
}

static void what_is_no_rule_is_refused(void **state)
{
	static const char *const wrong[] = {
		"8080", "8080:", "8080:192.0.2.1", "8080:192.0.2.1:", ":192.0.2.1:80", "0:192.0.2.1:80",
		"65536:192.0.2.1:80", "8080:192.0.2.1:0", "8080:192.0.2.1:65536", "8080:host:80",
		"8080:2001:db8::1:80", "8080:[192.0.2.1]:80", "+80:192.0.2.1:80", "8080 :192.0.2.1:80",
		"123456:192.0.2.1:80", "8080:192.0.2.1:80:", "8080:[2001:db8::1]", "8080:[]:80",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(set(wrong[i]), -EINVAL);
	assert_int_equal(config.forward.tcp.n, 0);
}

static void host_must_be_one_that_packets_can_come_to(void **state)
{
	static const char *const wrong[] = {
		"1:127.0.0.1:80", "1:127.1.2.3:80", "1:0.0.0.0:80", "1:224.0.0.1:80", "1:255.255.255.255:80",
		"1:[::1]:80", "1:[::]:80", "1:[ff02::1]:80", "1:[::ffff:127.0.0.1]:80",
		"1:169.254.0.1:80", "1:[fe80::1]:80", "1:[febf::1]:80",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(set(wrong[i]), -EINVAL);
}

static void module_has_four_servers(void **state)
{
	char rule[64];

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(rule, sizeof(rule), "%d:192.0.2.1:80", 8080 + i);
		assert_int_equal(set(rule), 0);
	}
	assert_int_equal(config_check(&config, &err), 0);
	assert_int_equal(set("9090:192.0.2.1:80"), 0);
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 4"));
}

static void port_can_lead_to_one_place_only(void **state)
{
	(void)state;
	set("8080:192.0.2.1:80");
	set("08080:192.0.2.2:80");
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "8080 twice"));
}

static void host_is_of_the_bearers_ip_version(void **state)
{
	(void)state;
	set("8080:[2001:db8::1]:80");
	assert_int_equal(config_check(&config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "modem.ip"));
	config.modem.ip = 6;
	assert_int_equal(config_check(&config, &err), 0);
}

static void put(const char *root, const char *name, const char *value)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	mkdir(path, 0700);
	strcat(path, "/rp_filter");
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(value, out);
	fclose(out);
}

static void drop(const char *root, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/rp_filter", root, name);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static bool filtered(const char *all, const char *standard, const char *own)
{
	char root[] = "/tmp/gwd-conf-XXXXXX";
	bool result;

	assert_non_null(mkdtemp(root));
	put(root, "all", all);
	put(root, "default", standard);
	if (own)
		put(root, "cell0", own);
	result = forward_filtered(&config, root);
	drop(root, "all");
	drop(root, "default");
	drop(root, "cell0");
	rmdir(root);
	return result;
}

static void strict_filter_is_seen_where_it_counts(void **state)
{
	(void)state;
	assert_false(filtered("1\n", "1\n", NULL)); /* no forward */
	set("8080:192.0.2.1:80");
	assert_true(filtered("1\n", "0\n", NULL));
	assert_true(filtered("0\n", "1\n", NULL));
	assert_false(filtered("0\n", "1\n", "0\n"));
	assert_false(filtered("1\n", "0\n", "2\n"));
	assert_false(filtered("0\n", "0\n", "0\n"));
	assert_false(forward_filtered(&config, "/nowhere"));
}

static void strict_filter_is_no_matter_when_replies_find_their_way(void **state)
{
	(void)state;
	set("8080:192.0.2.1:80");
	config.interface.default_route = true;
	assert_false(filtered("1\n", "1\n", "1\n"));
	config.interface.default_route = false;
	config.forward.source = CONFIG_FORWARD_GATEWAY;
	assert_false(filtered("1\n", "1\n", "1\n"));
}

static void both_change_on_reload(void **state)
{
	struct config fresh;

	(void)state;
	set("8080:192.0.2.1:80");
	fresh = config;
	config_defaults(&config);
	fresh.forward.source = CONFIG_FORWARD_GATEWAY;
	config_apply_live(&config, &fresh);
	assert_int_equal(config.forward.tcp.n, 1);
	assert_int_equal(config.forward.source, CONFIG_FORWARD_GATEWAY);
}

#define test(f) cmocka_unit_test_setup(f, good)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(rule_is_port_host_and_port),
		test(what_is_no_rule_is_refused),
		test(host_must_be_one_that_packets_can_come_to),
		test(module_has_four_servers),
		test(port_can_lead_to_one_place_only),
		test(host_is_of_the_bearers_ip_version),
		test(strict_filter_is_seen_where_it_counts),
		test(strict_filter_is_no_matter_when_replies_find_their_way),
		test(both_change_on_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

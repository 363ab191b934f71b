/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "option.h"

static struct config_error err;

static void load(struct config *c, const char *text)
{
	if (config_load_text(c, "printed", text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
}

/* What @print writes; the caller frees it. */
static char *printed(void (*print)(FILE *out), const struct config *c)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (c)
		config_print(c, out);
	else
		print(out);
	fclose(out);
	return text;
}

static void a_printed_configuration_loads_to_the_same(void **state)
{
	struct config c, again;
	char *text;

	(void)state;
	config_defaults(&c);
	load(&c,
		"[interface]\nname = cell%d\nmtu = 1280\naddress = 10.9.0.1/30\ndefault_route = on\n"
		"metric = 4294967295\n[modem]\ndevice = /dev/ttyS 1\nflow_control = rtscts\n"
		"apn = a.b-c_d\nreceive = buffer\ninit = AT+A=\"x\" ;y # z\ninit = at\n"
		"power_command = /bin/x = y\ngive_up = pin\n[tcp]\nlinger = 1500ms\nbuffer = 1M\n"
		"[udp]\ntimeout = 1h\n[control]\nsocket = /run/x\n[log]\nlevel = trace\n");
	text = printed(NULL, &c);
	config_defaults(&again);
	load(&again, text);
	assert_memory_equal(&again, &c, sizeof(c));
	free(text);
}

static void printed_defaults_undo_what_was_set(void **state)
{
	struct config defaults, c;
	char *text;

	(void)state;
	config_defaults(&defaults);
	text = printed(NULL, &defaults);
	config_defaults(&c);
	load(&c, "[modem]\napn = x\ninit = AT+A\npin_file = /x\n");
	load(&c, text);
	assert_int_equal(c.modem.init.n, 0);
	assert_string_equal(c.modem.apn, "");
	assert_string_equal(c.modem.pin_file, "");
	free(text);
}

static void a_secret_is_not_printed(void **state)
{
	struct config c;
	char *text;

	(void)state;
	config_defaults(&c);
	load(&c, "[modem]\npassword = hunter2\n");
	text = printed(NULL, &c);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "# password is set, and not shown\n"));
	load(&c, text);
	free(text);
}

static void every_option_is_in_each_of_the_texts(void **state)
{
	char *help = printed(config_print_help, NULL), *scdoc = printed(config_print_scdoc, NULL);
	char *example = printed(config_print_example, NULL);
	char name[OPTION_NAME_MAX + 8];

	(void)state;
	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];

		snprintf(name, sizeof(name), "  %s.%s=", o->section, o->key);
		assert_non_null(strstr(help, name));
		snprintf(name, sizeof(name), "*%s* = ", o->key);
		assert_non_null(strstr(scdoc, name));
		snprintf(name, sizeof(name), "%s = ", o->key);
		assert_non_null(strstr(example, name));
		snprintf(name, sizeof(name), "\n[%s]\n", o->section);
		assert_non_null(strstr(example, name));
	}
	free(help);
	free(scdoc);
	free(example);
}

static void the_example_is_the_defaults_with_a_device(void **state)
{
	char *text = printed(config_print_example, NULL);
	struct config defaults, c;

	(void)state;
	config_defaults(&defaults);
	strcpy(defaults.modem.device, "/dev/ttyUSB2");
	config_defaults(&c);
	load(&c, text);
	assert_memory_equal(&c, &defaults, sizeof(c));
	assert_int_equal(config_check(&c, &err), 0);
	free(text);
}

static void every_line_of_the_example_is_good_without_its_comment_sign(void **state)
{
	char *text = printed(config_print_example, NULL), *open = malloc(strlen(text) + 1),
	     *to = open;
	struct config c;

	(void)state;
	/* "#key = value" is an option, "# text" is a comment. */
	for (const char *s = text; *s; s++)
		if (!(*s == '#' && s[1] != ' ' && s[-1] == '\n'))
			*to++ = *s;
	*to = '\0';
	config_defaults(&c);
	load(&c, open);
	assert_string_equal(c.modem.apn, "internet");
	assert_int_equal(c.modem.init.n, 1);
	free(open);
	free(text);
}

static void the_example_names_the_words_an_option_takes(void **state)
{
	char *text = printed(config_print_example, NULL);

	(void)state;
	assert_non_null(strstr(text, "# Value: none|rtscts.\n#flow_control = none\n"));
	free(text);
}

static void no_line_of_the_example_is_longer_than_a_terminal_of_100(void **state)
{
	char *text = printed(config_print_example, NULL), *rest = text, *line;

	(void)state;
	while ((line = strsep(&rest, "\n")))
		assert_true(strlen(line) <= 100);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_printed_configuration_loads_to_the_same),
		cmocka_unit_test(printed_defaults_undo_what_was_set),
		cmocka_unit_test(a_secret_is_not_printed),
		cmocka_unit_test(every_option_is_in_each_of_the_texts),
		cmocka_unit_test(the_example_is_the_defaults_with_a_device),
		cmocka_unit_test(every_line_of_the_example_is_good_without_its_comment_sign),
		cmocka_unit_test(the_example_names_the_words_an_option_takes),
		cmocka_unit_test(no_line_of_the_example_is_longer_than_a_terminal_of_100),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

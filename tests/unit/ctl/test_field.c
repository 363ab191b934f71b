/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "field.h"

static void what_is_not_there_is_not_known(void **state)
{
	struct json_object *o = json_tokener_parse("{\"null\":null,\"text\":\"x\",\"n\":5,\"list\":[1]}");

	(void)state;
	assert_false(field_has(o, "null"));
	assert_false(field_has(o, "none"));
	assert_false(field_has(NULL, "text"));
	assert_null(field(field(o, "text"), "deeper"));
	assert_string_equal(field_text(o, "null", "-"), "-");
	assert_string_equal(field_text(o, "n", "-"), "5");
	assert_true(field_number(o, "n") == 5);
	assert_true(field_number(o, "text") == 0);
	assert_false(field_true(o, "n"));
	assert_int_equal(field_count(o, "text"), 0);
	assert_int_equal(field_count(o, "list"), 1);
	assert_null(field_at(o, "list", 1));
	json_object_put(o);
}

static void every_string_is_cleaned_however_deep(void **state)
{
	struct json_object *o = json_tokener_parse(
		"{\"a\":\"\\u001b\",\"b\":[\"\\u0007\",{\"c\":\"x\\n\"}],\"n\":1,\"\\u0007k\":2,\"z\":null}");

	(void)state;
	field_clean(o);
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
		"{\"a\":\"?\",\"b\":[\"?\",{\"c\":\"x?\"}],\"n\":1,\"z\":null}");
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_there_is_not_known),
		cmocka_unit_test(every_string_is_cleaned_however_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

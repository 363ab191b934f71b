/* SPDX-License-Identifier: BSD-3-Clause */
/* Which requests are answered with what, and the head of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http.h"

#define HOST "Host: localhost:9776\r\n"

static bool head;

static unsigned judge(const char *text)
{
	return http_judge(text, strlen(text), "/metrics", &head);
}

static void assert_judged(const char *text, unsigned status)
{
	if (judge(text) != status)
		fail_msg("%u instead of %u for: %s", judge(text), status, text);
}

static void get_and_head_of_the_page_are_answered(void **state)
{
	(void)state;
	assert_judged("GET /metrics HTTP/1.1\r\n" HOST "\r\n", 200);
	assert_false(head);
	assert_judged("HEAD /metrics HTTP/1.1\r\n" HOST "\r\n", 200);
	assert_true(head);
	assert_judged("GET /metrics HTTP/1.0\r\n\r\n", 200);
	assert_judged("GET /metrics HTTP/1.0\n\n", 200);
	assert_judged("GET /metrics?name[]=gwd_up HTTP/1.1\r\nhOsT:\r\nAccept: */*\r\n\r\n", 200);
	assert_judged("GET HTTP://localhost:9776/metrics HTTP/1.1\r\n" HOST "\r\n", 200);
	assert_judged("GET /metrics HTTP/1.1\r\n" HOST "\r\nbody, or a second request", 200);
}

static void other_paths_and_methods_are_refused(void **state)
{
	(void)state;
	assert_judged("GET / HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET /metrics/ HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET /metric HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET /../metrics HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET metrics HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET http:///metrics HTTP/1.1\r\n" HOST "\r\n", 200);
	assert_judged("GET http://localhost HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET http:// HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("POST /metrics HTTP/1.1\r\n" HOST "\r\n", 405);
	assert_judged("get /metrics HTTP/1.1\r\n" HOST "\r\n", 405);
	assert_judged("POST / HTTP/1.1\r\n" HOST "\r\n", 404);
	assert_judged("GET /metrics HTTP/2.0\r\n" HOST "\r\n", 505);
	assert_judged("PRI * HTTP/2.0\r\n\r\n", 505);
}

static void what_is_no_request_is_400(void **state)
{
	static const char *const cases[] = {
		"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET  /metrics HTTP/1.1\r\n" HOST "\r\n",
		"GET /metrics HTTP/1.1 \r\n" HOST "\r\n", "GET /metrics HTTP/1\r\n" HOST "\r\n",
		" GET /metrics HTTP/1.1\r\n" HOST "\r\n", "G(T /metrics HTTP/1.1\r\n" HOST "\r\n",
		"GET /metrics HTTP/1.1\r\n\r\n", /* no host */
		"GET /metrics HTTP/1.1\r\n" HOST HOST "\r\n",
		"GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n", "GET /metrics HTTP/1.1\r\n" HOST " more\r\n\r\n",
		"GET /metrics HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", "GET /metrics HTTP/1.1\r\n" HOST ":\r\n\r\n",
		"GET /metrics HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", "GET /metrics HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n",
		"GET /met\x01rics HTTP/1.1\r\n" HOST "\r\n", "\x16\x03\x01\n\n",
	};
	static const char nul[] = "GET /metrics HTTP/1.0\r\nA: \0\r\n\r\n";

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_judged(cases[i], 400);
	assert_int_equal(http_judge(nul, sizeof(nul) - 1, "/metrics", &head), 400);
}

static void a_head_is_judged_when_it_is_complete(void **state)
{
	static const char text[] = "GET /metrics HTTP/1.1\r\n" HOST "\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(http_judge(text, n, "/metrics", &head), 0);
	assert_int_equal(http_judge(text, sizeof(text) - 1, "/metrics", &head), 200);
}

static void a_head_that_is_too_long_is_431(void **state)
{
	char text[HTTP_REQUEST_MAX + 64];
	size_t n = (size_t)snprintf(text, sizeof(text), "GET /metrics HTTP/1.1\r\n" HOST "Long: ");

	(void)state;
	memset(text + n, 'x', sizeof(text) - n);
	assert_int_equal(http_judge(text, HTTP_REQUEST_MAX - 1, "/metrics", &head), 0);
	assert_int_equal(http_judge(text, HTTP_REQUEST_MAX, "/metrics", &head), 431);
	memcpy(text + HTTP_REQUEST_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(http_judge(text, HTTP_REQUEST_MAX, "/metrics", &head), 200);
	memset(text, 'x', sizeof(text));
	assert_int_equal(http_judge(text, HTTP_REQUEST_MAX, "/metrics", &head), 431);
}

static void an_answer_says_its_length_and_that_it_is_the_last(void **state)
{
	char text[HTTP_HEAD_MAX], type[200];
	size_t n = http_head(text, 200, "text/plain", 7);

	(void)state;
	assert_int_equal(n, strlen(text));
	assert_string_equal(text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n"
				  "Connection: close\r\n\r\n");
	http_head(text, 405, "text/plain", 0);
	assert_non_null(strstr(text, "405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"));
	memset(type, 'x', sizeof(type));
	type[sizeof(type) - 1] = '\0';
	assert_true(http_head(text, 431, type, SIZE_MAX) < sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_and_head_of_the_page_are_answered),
		cmocka_unit_test(other_paths_and_methods_are_refused),
		cmocka_unit_test(what_is_no_request_is_400),
		cmocka_unit_test(a_head_is_judged_when_it_is_complete),
		cmocka_unit_test(a_head_that_is_too_long_is_431),
		cmocka_unit_test(an_answer_says_its_length_and_that_it_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

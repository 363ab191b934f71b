/* SPDX-License-Identifier: BSD-3-Clause */
/* The lexer with the dialect's forms: what it tells is written to one text and compared. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dialect.h"
#include "lexer.h"

struct ear {
	struct lexer lx;
	char log[8192];
	size_t len;
	size_t payload;
	const char *peek;
};

static void add(struct ear *e, const void *p, size_t n)
{
	assert_true(e->len + n < sizeof(e->log));
	memcpy(e->log + e->len, p, n);
	e->len += n;
	e->log[e->len] = '\0';
}

static void say(struct ear *e, const char *text)
{
	add(e, text, strlen(text));
}

static void on_line(void *user, const struct lexer_line *line)
{
	struct ear *e = user;

	say(e, "<");
	add(e, line->text, line->len);
	say(e, ">");
}

static void on_prompt(void *user)
{
	say(user, "PROMPT");
}

static void on_begin(void *user, const struct lexer_header *h)
{
	struct ear *e = user;
	char text[64];

	snprintf(text, sizeof(text), "{%d,%zu%s:", h->link, h->len, h->hex ? "x" : "");
	say(e, text);
	if (e->peek)
		lexer_peek(&e->lx, e->peek);
}

static void on_payload(void *user, const uint8_t *p, size_t n)
{
	struct ear *e = user;

	e->payload += n;
	if (e->len + n < sizeof(e->log))
		add(e, p, n);
}

static void on_end(void *user)
{
	say(user, "}");
}

static void on_peeked(void *user, bool found)
{
	say(user, found ? "FOUND" : "ABSENT");
}

static void on_skew(void *user)
{
	say(user, "SKEW");
}

static void on_overlong(void *user)
{
	say(user, "OVERLONG");
}

static void on_raw(void *user, const uint8_t *p, size_t n)
{
	struct ear *e = user;

	say(e, "RAW");
	if (e->len + n < sizeof(e->log))
		add(e, p, n);
}

static const struct lexer_ops ops = {on_line, on_prompt, on_begin, on_payload, on_end, on_peeked,
	on_skew, on_overlong, on_raw};

static void ear_init(struct ear *e)
{
	memset(e, 0, sizeof(*e));
	lexer_init(&e->lx, dialect_forms, &ops, e);
}

#define S(text) text, sizeof(text) - 1

static const struct vector {
	const char *bytes;
	size_t len;
	const char *expected;
	bool prompt; /* one is wanted */
	bool buffer; /* push headers are lines */
	bool bare;
} vectors[] = {
	{S("\r\nOK\r\n"), "<OK>", false, false, false},
	{S("\r\n+CSQ: 18,99\r\n\r\nOK\r\n"), "<+CSQ: 18,99><OK>", false, false, false},
	/* Echo, AT reference 1.1 (hexdump). */
	{S("AT\r\r\nOK\r\n"), "<AT><OK>", false, false, false},
	{S("AT+COPS?\r\r\n+COPS: 0\r\n\r\nOK\r\n"), "<AT+COPS?><+COPS: 0><OK>", false, false, false},
	{S("\r\r*A\r\r\nOK\r\n"), "<*A><OK>", false, false, false},
	/* Doubled CR of a SIM7600A listing. */
	{S("\r\n+CIPOPEN: 0\r\r\n+CIPOPEN: 1\r\r\n\r\nOK\r\n"), "<+CIPOPEN: 0><+CIPOPEN: 1><OK>",
		false, false, false},
	/* The banner comes behind a NUL. */
	{S("\0\r\n*ATREADY: 1\r\n"), "<*ATREADY: 1>", false, false, false},
	{S("\0*ATREADY: 1\0\r\n"), "<*ATREADY: 1>", false, false, false},
	/* Prompts. */
	{S("\r\n>"), "PROMPT", true, false, false},
	{S("\r\n> \r\nOK\r\n"), "PROMPT<OK>", true, false, false},
	{S(">"), "PROMPT", true, false, false},
	{S("AT+CIPSEND=1,5\r>"), "<AT+CIPSEND=1,5>PROMPT", true, false, false},
	{S("AT+CIPSEND=1,5\r\r\n>"), "<AT+CIPSEND=1,5>PROMPT", true, false, false},
	{S("\r\n+IPCLOSE: 0,1\r\n\r\n>"), "<+IPCLOSE: 0,1>PROMPT", true, false, false},
	{S("\r\na > b\r\n"), "<a > b>", true, false, false},
	{S("\r\n>x\r\n"), "<>x>", false, false, false},
	{S("\r\n+RECEIVE,1,1\r\n>\r\n>"), "{1,1:>}PROMPT", true, false, false},
	/* Push headers, AT reference 6.1. */
	{S("\r\nRECV FROM:1.2.3.4:5253\r\n+IPD16\r\ndata from server\r\n+IPCLOSE: 1,1\r\n"),
		"<RECV FROM:1.2.3.4:5253>{-1,16:data from server}<+IPCLOSE: 1,1>", false, false, false},
	{S("\r\n+IPD,3:\r\nabc\r\nOK\r\n"), "{-1,3:abc}<OK>", false, false, false},
	{S("\r\n+RECEIVE,1,3\r\nabc\r\nOK\r\n"), "{1,3:abc}<OK>", false, false, false},
	{S("\r\n+RECEIVE,1,3:\r\nabc\r\nOK\r\n"), "{1,3:abc}<OK>", false, false, false},
	{S("\r\n+RECEIVE,1,3\r\nabc\r\n\r\n+RECEIVE,2,1\r\nx"), "{1,3:abc}{2,1:x}", false, false,
		false},
	{S("\r\n+RECEIVE,0,15\r\n\r\n\r\nOK\r\nERROR\r\n\r\n+RECEIVE,1,4\r\n\n\r\n>"),
		"{0,15:\r\n\r\nOK\r\nERROR\r\n}{1,4:\n\r\n>}", false, false, false},
	{S("\r\n+RECEIVE,0,4\r\n\r\n\r\n\r\nOK\r\n"), "{0,4:\r\n\r\n}<OK>", false, false, false},
	{S("\r\n+RECEIVE,1,3\r\nabc\r\nOK\r\n"), "<+RECEIVE,1,3><abc><OK>", false, true, false},
	/* Reads, AT reference 7.1; both tails. */
	{S("\r\n+CIPRXGET: 2,1,5,11\r\nData1\r\nOK\r\n"), "{1,5:Data1}<OK>", false, true, false},
	{S("\r\n+CIPRXGET:2,1,5,11\r\nData1\r\n\r\nOK\r\n"), "{1,5:Data1}<OK>", false, true, false},
	{S("\r\n+CIPRXGET: 2,1,5,11,198.51.100.7:53\r\nData1\r\nOK\r\n"), "{1,5:Data1}<OK>", false, true,
		false},
	{S("\r\n+CIPRXGET: 2,1,5,11,2001:db8::1:53\r\nData1\r\nOK\r\n"), "{1,5:Data1}<OK>", false, true,
		false},
	{S("\r\n+CIPRXGET: 2,1,5,11,7\r\nData1\r\nOK\r\n"), "<+CIPRXGET: 2,1,5,11,7><Data1><OK>", false,
		true, false},
	{S("\r\n+CIPRXGET: 3,1,5,6\r\n66726F6D20\r\nOK\r\n"), "{1,10x:66726F6D20}<OK>", false, true,
		false},
	{S("\r\n+CIPRXGET: 4,1,16\r\n\r\nOK\r\n"), "<+CIPRXGET: 4,1,16><OK>", false, true, false},
	{S("\r\n+CIPRXGET: 1,1\r\n"), "<+CIPRXGET: 1,1>", false, true, false},
	{S("\r\n+CIPRXGET: 2,1,0,0\r\n\r\nOK\r\n"), "<+CIPRXGET: 2,1,0,0><OK>", false, true, false},
	/* Impossible headers are lines. */
	{S("\r\n+RECEIVE,1,0\r\n"), "<+RECEIVE,1,0>", false, false, false},
	{S("\r\n+RECEIVE,1,65536\r\n"), "<+RECEIVE,1,65536>", false, false, false},
	{S("\r\n+RECEIVE,1,4294967299\r\n"), "<+RECEIVE,1,4294967299>", false, false, false},
	{S("\r\n+RECEIVE,1\r\n"), "<+RECEIVE,1>", false, false, false},
	{S("\r\n+RECEIVE,1,2,3\r\n"), "<+RECEIVE,1,2,3>", false, false, false},
	{S("\r\n+IPD\r\n"), "<+IPD>", false, false, false},
	{S("\r\nx+IPD5\r\n"), "<x+IPD5>", false, false, false},
	/* Lost bytes at the seam. */
	{S("\r\n+RECEIVE,1,3\r\nab\r\n+RECEIVE,2,1\r\nx"), "{1,3:ab\r}SKEW{2,1:x}", false, false,
		false},
	{S("\r\n+RECEIVE,1,4\r\nab\r\nOK\r\n"), "{1,4:ab\r\n}SKEW<OK>", false, false, false},
	{S("\r\n+RECEIVE,1,2\r\nabc\r\n"), "{1,2:ab}SKEW<c>", false, false, false},
	{S("\r\n+RECEIVE,1,2\r\nab+RECEIVE,2,1\r\nx"), "{1,2:ab}{2,1:x}", false, false, true},
	{S("\r\n+RECEIVE,1,2\r\nab\nOK\r\n"), "{1,2:ab}SKEW<OK>", false, false, true},
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void prepare(struct ear *e, const struct vector *v)
{
	ear_init(e);
	e->lx.want_prompt = v->prompt;
	e->lx.push = !v->buffer;
	e->lx.bare = v->bare;
}

static void vectors_read_as_expected_split_at_every_byte(void **state)
{
	static struct ear e;

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		const struct vector *v = &vectors[i];

		for (size_t cut = 0; cut <= v->len; cut++) {
			prepare(&e, v);
			lexer_input(&e.lx, (const uint8_t *)v->bytes, cut);
			lexer_input(&e.lx, (const uint8_t *)v->bytes + cut, v->len - cut);
			assert_string_equal(e.log, v->expected);
		}
	}
}

static void vectors_read_as_expected_byte_by_byte(void **state)
{
	static struct ear e;

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		prepare(&e, &vectors[i]);
		for (size_t k = 0; k < vectors[i].len; k++)
			lexer_input(&e.lx, (const uint8_t *)vectors[i].bytes + k, 1);
		assert_string_equal(e.log, vectors[i].expected);
	}
}

static void endless_line_is_dropped_and_the_next_one_is_read(void **state)
{
	static struct ear e;
	char junk[LEXER_LINE_MAX * 3];

	(void)state;
	for (size_t step = 1; step <= sizeof(junk); step *= 3) {
		ear_init(&e);
		memset(junk, 'x', sizeof(junk));
		for (size_t i = 0; i < sizeof(junk); i += step)
			lexer_input(&e.lx, (const uint8_t *)junk,
				step < sizeof(junk) - i ? step : sizeof(junk) - i);
		lexer_input(&e.lx, (const uint8_t *)S("\r\nOK\r\n"));
		assert_string_equal(e.log, "OVERLONG<OK>");
	}
}

static void longest_payload_is_counted_exactly(void **state)
{
	static struct ear e;
	static uint8_t bulk[LEXER_PAYLOAD_MAX];

	(void)state;
	ear_init(&e);
	memset(bulk, '\n', sizeof(bulk));
	lexer_input(&e.lx, (const uint8_t *)S("\r\n+RECEIVE,1,65535\r\n"));
	lexer_input(&e.lx, bulk, sizeof(bulk));
	assert_int_equal(e.payload, 65535);
	e.len = 0;
	lexer_input(&e.lx, (const uint8_t *)S("\r\nOK\r\n"));
	assert_string_equal(e.log, "<OK>");
}

static void deaf_lexer_counts_nothing(void **state)
{
	static struct ear e;

	(void)state;
	ear_init(&e);
	e.lx.deaf = true;
	lexer_input(&e.lx, (const uint8_t *)S("\r\n+RECEIVE,1,3\r\nabc\r\n"));
	assert_string_equal(e.log, "<+RECEIVE,1,3><abc>");
}

static void line_between_header_and_payload_is_found_only_if_it_is_one(void **state)
{
	static const struct {
		const char *bytes, *expected;
	} cases[] = {
		{"\r\n+RECEIVE,1,3\r\nRECV FROM:1.2.3.4:5\r\nabc\r\nOK\r\n",
			"{1,3:FOUND<RECV FROM:1.2.3.4:5>abc}<OK>"},
		{"\r\n+RECEIVE,1,3\r\nabc\r\nOK\r\n", "{1,3:ABSENTabc}<OK>"},
		{"\r\n+RECEIVE,1,3\r\nREC\r\nOK\r\n", "{1,3:ABSENTREC}<OK>"},
		{"\r\n+RECEIVE,1,13\r\nRECV FROM:\x01\x02\n\r\nOK\r\n",
			"{1,13:ABSENTRECV FROM:\x01\x02\n}<OK>"},
	};
	static struct ear e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step < 3; step++) {
			size_t len = strlen(cases[i].bytes);

			ear_init(&e);
			e.peek = dialect_source_prefix;
			for (size_t k = 0; k < len; k += step)
				lexer_input(&e.lx, (const uint8_t *)cases[i].bytes + k,
					step < len - k ? step : len - k);
			/* The pieces that payload comes in do not matter. */
			assert_string_equal(e.log, cases[i].expected);
		}
	}
}

static struct msg parse(const char *text)
{
	struct msg m;

	dialect_parse(&m, text, strlen(text));
	return m;
}

static void error_texts_and_numbers_are_those_of_the_note(void **state)
{
	struct msg m;

	(void)state;
	m = parse("+IP ERROR: No data");
	assert_int_equal(dialect_ip_error(&m), IP_ERROR_NO_DATA);
	m = parse("+IP ERROR: NO DATA");
	assert_int_equal(dialect_ip_error(&m), IP_ERROR_NO_DATA);
	m = parse("+IP ERROR: 22");
	assert_int_equal(dialect_ip_error(&m), IP_ERROR_NO_DATA);
	m = parse("+IP ERROR: Network is already opened");
	assert_int_equal(dialect_ip_error(&m), IP_ERROR_ALREADY_OPENED);
	m = parse("+IP ERROR: Operation failed");
	assert_int_equal(dialect_ip_error(&m), 21);
	m = parse("+IP ERROR: something else");
	assert_int_equal(dialect_ip_error(&m), -1);
	assert_int_equal(dialect_err(11), 11);
	assert_int_equal(dialect_err(255), 12);
	assert_int_equal(dialect_err(-3), 12);
}

static void results_are_whole_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("OK").kind, MSG_OK);
	assert_int_equal(parse("OKAY").kind, MSG_UNKNOWN);
	assert_int_equal(parse("ERROR").kind, MSG_ERROR);
	assert_int_equal(parse("ERROR: 3").kind, MSG_UNKNOWN);
	assert_int_equal(parse("NO CARRIER").kind, MSG_NO_CARRIER);
	assert_int_equal(parse("CONNECT 115200").kind, MSG_CONNECT);
	assert_int_equal(parse("CONNECT FAIL").kind, MSG_CONNECT_FAIL);
	assert_int_equal(parse("RDY").kind, MSG_BANNER);
	assert_int_equal(parse("RDY x").kind, MSG_UNKNOWN);
}

static void numbers_are_bounded(void **state)
{
	struct msg m = parse("+CIPSEND: 1,5,-1");

	(void)state;
	assert_int_equal(m.count, 3);
	assert_true(m.plain && m.n[2] == -1);
	m = parse("+CIPSEND: 1,99999999999999999999999,3");
	assert_int_equal(m.count, 1);
	assert_false(m.plain);
	m = parse("+CIPCLOSE: 0,0,0,0,0,0,0,0,0,0,0,0,0");
	assert_int_equal(m.count, MSG_NUMBERS);
	m = parse("+CIPOPEN: 1,\"TCP\",\"192.0.2.1\",80,-1");
	assert_int_equal(m.count, 1);
	assert_false(m.plain);
}

static void sim_states_are_recognised_as_text_and_as_number(void **state)
{
	static const struct {
		const char *line;
		enum sim_state expected;
	} cases[] = {
		{"+CPIN: READY", SIM_READY}, {"+CPIN: SIM PIN", SIM_PIN}, {"+CPIN: SIM PUK", SIM_PUK},
		{"+CME ERROR: SIM not inserted", SIM_ABSENT}, {"+CME ERROR: 10", SIM_ABSENT},
		{"+CME ERROR: 16", SIM_WRONG}, {"+CME ERROR: SIM failure", SIM_BUSY},
		{"+CME ERROR: SIM busy", SIM_BUSY}, {"+CPIN: SIM PIN2", SIM_BUSY},
	};
	struct msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		m = parse(cases[i].line);
		assert_int_equal(dialect_sim(&m), cases[i].expected);
	}
}

static bool damaged(const char *text)
{
	return dialect_looks_damaged(text, strlen(text));
}

static void an_address_is_read_in_every_form(void **state)
{
	static const struct {
		const char *text, *address;
	} rows[] = {
		{"10.148.0.17", "10.148.0.17"},
		{"\"10.148.0.17\" ", "10.148.0.17"},
		{"2409:8960:1e64:94d8:1:0:3b3b:7118", "2409:8960:1e64:94d8:1:0:3b3b:7118"},
		{"[2001:db8::1]", "2001:db8::1"},
		{" \"[2001:db8::1]\"", "2001:db8::1"},
		{"fe80::1%usb0", "fe80::1"},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1", "2001:db8::1"},
		{"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0", "::"},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0", NULL},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1.2", NULL},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.256", NULL},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.-1", NULL},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.", NULL},
		{"[2001:db8::1", NULL},
		{"\"\"", NULL},
		{"%eth0", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[ADDR_STRLEN];
		struct addr a;
		int err = dialect_address(&a, rows[i].text, strlen(rows[i].text));

		assert_int_equal(err == 0, rows[i].address != NULL);
		if (err == 0)
			assert_string_equal(addr_format(&a, text), rows[i].address);
	}
}

static void an_endpoint_has_its_port_behind_the_last_colon(void **state)
{
	static const struct {
		const char *text, *endpoint;
	} rows[] = {
		{"192.0.2.1:53", "192.0.2.1:53"},
		{"\"192.0.2.1:53\"", "192.0.2.1:53"},
		{"\"192.0.2.1\":53", "192.0.2.1:53"},
		{"2001:db8::1:53", "[2001:db8::1]:53"},
		{"2001:DB8:0:0:0:0:0:1:53", "[2001:db8::1]:53"},
		{"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
		{"\"[2001:db8::1]:0\"", "[2001:db8::1]:0"},
		{"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1:53", "[2001:db8::1]:53"},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:-1", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:5x", NULL},
		{"192.0.2.1", NULL},
		{":53", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[ENDPOINT_STRLEN];
		struct endpoint e;
		int err = dialect_endpoint(&e, rows[i].text, strlen(rows[i].text));

		assert_int_equal(err == 0, rows[i].endpoint != NULL);
		if (err == 0)
			assert_string_equal(endpoint_format(&e, text), rows[i].endpoint);
	}
}

static void debris_is_told_from_unknown_lines(void **state)
{
	static const char header[] = "+RECEIVE,1,16";
	char text[sizeof(header)];

	(void)state;
	for (size_t lost = 0; lost < 9; lost++) {
		memcpy(text, header, lost);
		memcpy(text + lost, header + lost + 1, sizeof(header) - lost - 1);
		assert_true(damaged(text));
	}
	assert_true(damaged("<html>"));
	assert_true(damaged("\x16\x03\x01"));
	assert_false(damaged("+QNEW: something, else"));
	assert_false(damaged("VOICE CALL: BEGIN"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_read_as_expected_split_at_every_byte),
		cmocka_unit_test(vectors_read_as_expected_byte_by_byte),
		cmocka_unit_test(endless_line_is_dropped_and_the_next_one_is_read),
		cmocka_unit_test(longest_payload_is_counted_exactly),
		cmocka_unit_test(deaf_lexer_counts_nothing),
		cmocka_unit_test(line_between_header_and_payload_is_found_only_if_it_is_one),
		cmocka_unit_test(error_texts_and_numbers_are_those_of_the_note),
		cmocka_unit_test(results_are_whole_lines),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(sim_states_are_recognised_as_text_and_as_number),
		cmocka_unit_test(an_address_is_read_in_every_form),
		cmocka_unit_test(an_endpoint_has_its_port_behind_the_last_colon),
		cmocka_unit_test(debris_is_told_from_unknown_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

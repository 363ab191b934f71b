/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every row of the note's two tables of errors (NOTE 4.1), in text and as number, in answer to every
 * command that can bring it: what the driver does is never silence, never a loss that looks like an
 * end, and never a state without an exit.
 */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "dialect.h"

/* <err_info> of "+IP ERROR:", by number. */
static const char *const err_info[] = {
	"Connection time out",
	"Bind port failed",
	"Port overflow",
	"Create socket failed",
	"Network is already opened",
	"Network is already closed",
	"No clients connected",
	"No active client",
	"Network not opened",
	"Client index overflow",
	"Connection is already created",
	"Connection is not created",
	"Invalid parameter",
	"Operation not supported",
	"DNS query failed",
	"TCP busy",
	"Net close failed for socket opened",
	"Sending time out",
	"Sending failure for network error",
	"Open failure for network error",
	"Server is already listening",
	"Operation failed",
	"No data",
};

#define ERR_INFOS (sizeof(err_info) / sizeof(err_info[0]))

/* <err> of results and of "+CIPERROR:"; 0 is success, 255 is what SIM76xx says for 12. */
static const int errs[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 255};

#define ERRS (sizeof(errs) / sizeof(errs[0]))

static struct fake *up(bool buffer)
{
	struct fake *f = fake_new();

	if (buffer)
		f->config.receive = MODEM_RECEIVE_BUFFER;
	fake_up(f);
	fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 3,4\r\n" ERR);
	return f;
}

static void ip_error(char *out, size_t size, size_t code, bool as_number)
{
	if (as_number)
		snprintf(out, size, "\r\n+IP ERROR: %zu\r\n" ERR, code);
	else
		snprintf(out, size, "\r\n+IP ERROR: %s\r\n" ERR, err_info[code]);
}

static bool heard(const struct fake *f, const char *what)
{
	return strstr(f->log, what) != NULL;
}

static void every_err_info_is_read_as_text_in_any_case_and_as_number(void **state)
{
	char line[64];
	struct msg m;

	(void)state;
	for (size_t i = 0; i < ERR_INFOS; i++) {
		snprintf(line, sizeof(line), "+IP ERROR: %s", err_info[i]);
		dialect_parse(&m, line, strlen(line));
		assert_int_equal(m.kind, MSG_IP_ERROR);
		assert_int_equal(dialect_ip_error(&m), i);
		for (char *c = line + strlen("+IP ERROR: "); *c; c++)
			*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		dialect_parse(&m, line, strlen(line));
		assert_int_equal(dialect_ip_error(&m), i);
		snprintf(line, sizeof(line), "+IP ERROR: %zu", i);
		dialect_parse(&m, line, strlen(line));
		assert_int_equal(dialect_ip_error(&m), i);
	}
}

static void every_err_info_of_netopen_is_success_or_climbs_the_ladder(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERR_INFOS; i++) {
		struct fake *f = fake_new();

		ip_error(reply, sizeof(reply), i / 2, i & 1);
		fake_rule(f, "AT+NETOPEN", reply);
		fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
		fake_attach(f);
		fake_advance(f, SEC(10));
		if (i / 2 == IP_ERROR_ALREADY_OPENED)
			assert_int_equal(f->state, MODEM_STATE_UP);
		else
			assert_int_equal(f->state, MODEM_STATE_RECOVER);
		fake_free(f);
	}
}

static void every_err_of_netopen_climbs_the_ladder(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERRS; i++) {
		struct fake *f = fake_new();

		snprintf(reply, sizeof(reply), i & 1 ? OK "\r\n+NETOPEN: %d\r\n" : "\r\n+NETOPEN: %d\r\n" ERR,
			errs[i / 2]);
		fake_rule(f, "AT+NETOPEN", reply);
		fake_rule_once(f, "AT+NETOPEN?", "\r\n+NETOPEN: 0\r\n" OK);
		fake_attach(f);
		fake_advance(f, SEC(10));
		assert_int_equal(f->state, MODEM_STATE_RECOVER);
		fake_free(f);
	}
}

static void every_err_of_cipopen_is_told_in_every_form(void **state)
{
	static const char *const before[] = {OK, "", ""}, *const behind[] = {"", ERR, OK};
	char reply[64], expected[64];

	(void)state;
	for (size_t i = 0; i < 3 * ERRS; i++) {
		struct fake *f = up(false);
		struct endpoint e = fake_endpoint("198.51.100.7:3000");

		snprintf(reply, sizeof(reply), "%s\r\n+CIPOPEN: 3,%d\r\n%s", before[i % 3], errs[i / 3],
			behind[i % 3]);
		snprintf(expected, sizeof(expected), "opened(3,%s) ",
			modem_open_result_name(errs[i / 3] > 12 ? 12 : errs[i / 3]));
		fake_rule(f, "AT+CIPOPEN=3", reply);
		assert_int_equal(modem_open_tcp(f->m, 3, &e), 0);
		fake_advance(f, MSEC(500));
		assert_int_equal(fake_count(f->log, expected), 1);
		fake_advance(f, SEC(30));
		assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_FREE);
		fake_free(f);
	}
}

static void every_err_info_of_cipopen_is_an_error_of_this_open(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERR_INFOS; i++) {
		struct fake *f = up(false);
		struct endpoint e = fake_endpoint("198.51.100.7:3000");

		ip_error(reply, sizeof(reply), i / 2, i & 1);
		fake_rule(f, "AT+CIPOPEN=3", reply);
		assert_int_equal(modem_open_tcp(f->m, 3, &e), 0);
		fake_advance(f, SEC(30));
		assert_int_equal(fake_count(f->log, "opened(3,"), 1);
		assert_false(heard(f, "opened(3,ok)"));
		assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_FREE);
		fake_free(f);
	}
}

/* 3 is a length that is too great: smaller pieces follow; 8 is asked again. */
static void every_ciperror_of_a_send_ends_the_link_but_length_and_busy(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < ERRS; i++) {
		struct fake *f = up(false);
		bool again = errs[i] == 8;

		fake_open_tcp(f, 3, "198.51.100.7:3000");
		snprintf(reply, sizeof(reply), "\r\n+CIPERROR: %d\r\n" ERR, errs[i]);
		fake_rule_once(f, "AT+CIPSEND=3", reply);
		fake_send(f, 3, "HELLO", NULL);
		fake_advance(f, SEC(1));
		fake_say(f, "\r\n+CIPSEND: 3,5,5\r\n");
		assert_int_equal(heard(f, "sent(3,5,5)"), again);
		assert_int_equal(heard(f, "closed(3,"), !again);
		assert_false(heard(f, "closed(3,remote)"));
		fake_free(f);
	}
}

static void every_ciperror_of_a_datagram_leaves_the_channel_in_order(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < ERRS; i++) {
		struct fake *f = up(false);

		fake_rule(f, "AT+CIPCLOSE=", "\r\n+CIPCLOSE: 1,4\r\n" ERR);
		fake_open_udp(f, 1, 5000);
		snprintf(reply, sizeof(reply), "\r\n+CIPERROR: %d\r\n" ERR, errs[i]);
		fake_rule(f, "AT+CIPSEND=1", reply);
		fake_send(f, 1, "HELLO", "203.0.113.9:53");
		fake_advance(f, SEC(20));
		assert_false(heard(f, "sent(1,5,5)"));
		assert_true(heard(f, "sent(1,5,0)") || heard(f, "closed(1,"));
		fake_open_tcp(f, 3, "198.51.100.7:3000");
		assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_OPEN);
		fake_free(f);
	}
}

static void every_err_of_cipclose_frees_the_number_in_the_end(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERRS; i++) {
		struct fake *f = up(false);

		fake_open_tcp(f, 3, "198.51.100.7:3000");
		snprintf(reply, sizeof(reply), "\r\n+CIPCLOSE: 3,%d\r\n%s", errs[i / 2], i & 1 ? OK : ERR);
		fake_rule_once(f, "AT+CIPCLOSE=", reply);
		modem_close(f->m, 3);
		fake_advance(f, SEC(60));
		assert_true(heard(f, "closed(3,local)"));
		assert_int_equal(modem_link_state(f->m, 3), MODEM_LINK_FREE);
		fake_free(f);
	}
}

static void every_err_of_netclose_lets_the_shutdown_end(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERRS; i++) {
		struct fake *f = up(false);

		snprintf(reply, sizeof(reply), i & 1 ? OK "\r\n+NETCLOSE: %d\r\n" : "\r\n+NETCLOSE: %d\r\n" ERR,
			errs[i / 2]);
		fake_rule(f, "AT+NETCLOSE", reply);
		modem_shutdown(f->m, f->now);
		fake_pump(f);
		fake_advance(f, SEC(3));
		assert_int_equal(f->state, MODEM_STATE_STOPPED);
		fake_free(f);
	}
}

/* "No data" is the number 22, and 21 in another list of the same vendor: the end of a drain. Any
 * other answer is no proof that nothing is left. */
static void every_err_info_of_a_read_is_an_empty_buffer_or_a_loss(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERR_INFOS; i++) {
		struct fake *f = up(true);
		bool empty = i / 2 == IP_ERROR_NO_DATA || i / 2 == IP_ERROR_NO_DATA_OTHER;

		fake_open_tcp(f, 3, "198.51.100.7:3000");
		ip_error(reply, sizeof(reply), i / 2, i & 1);
		fake_rule(f, "AT+CIPRXGET=2,3", reply);
		fake_rule(f, "AT+CIPRXGET=4,3", "\r\n+CIPRXGET: 4,3,0\r\n" OK);
		fake_say(f, "\r\n+IPCLOSE: 3,1\r\n");
		fake_advance(f, SEC(30));
		if (empty)
			assert_true(heard(f, "closed(3,remote)"));
		assert_int_equal(fake_count(f->log, "closed(3,"), 1);
		fake_free(f);
	}
}

static void every_err_info_of_cipack_means_that_the_module_cannot_say(void **state)
{
	char reply[64];

	(void)state;
	for (size_t i = 0; i < 2 * ERR_INFOS; i++) {
		struct fake *f = up(false);

		fake_open_tcp(f, 3, "198.51.100.7:3000");
		ip_error(reply, sizeof(reply), i / 2, i & 1);
		fake_rule(f, "AT+CIPACK=3", reply);
		fake_clear(f);
		assert_int_equal(modem_query_ack(f->m, 3), 0);
		fake_advance(f, SEC(1));
		assert_heard(f, "acked(3,0,0,0) ");
		fake_free(f);
	}
}

static void every_cme_error_of_the_card_is_read_as_text_and_as_number(void **state)
{
	static const struct {
		const char *text;
		int number; /* 3GPP TS 27.007 9.2 */
		enum sim_state expected;
	} rows[] = {
		{"SIM not inserted", 10, SIM_ABSENT}, {"SIM PIN required", 11, SIM_PIN},
		{"SIM PUK required", 12, SIM_PUK}, {"SIM failure", 13, SIM_BUSY},
		{"SIM busy", 14, SIM_BUSY}, {"incorrect password", 16, SIM_WRONG},
	};
	char line[64];
	struct msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "+CME ERROR: %s", rows[i].text);
		dialect_parse(&m, line, strlen(line));
		assert_int_equal(dialect_sim(&m), rows[i].expected);
		snprintf(line, sizeof(line), "+CME ERROR: %d", rows[i].number);
		dialect_parse(&m, line, strlen(line));
		assert_int_equal(dialect_sim(&m), rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_err_info_is_read_as_text_in_any_case_and_as_number),
		cmocka_unit_test(every_err_info_of_netopen_is_success_or_climbs_the_ladder),
		cmocka_unit_test(every_err_of_netopen_climbs_the_ladder),
		cmocka_unit_test(every_err_of_cipopen_is_told_in_every_form),
		cmocka_unit_test(every_err_info_of_cipopen_is_an_error_of_this_open),
		cmocka_unit_test(every_ciperror_of_a_send_ends_the_link_but_length_and_busy),
		cmocka_unit_test(every_ciperror_of_a_datagram_leaves_the_channel_in_order),
		cmocka_unit_test(every_err_of_cipclose_frees_the_number_in_the_end),
		cmocka_unit_test(every_err_of_netclose_lets_the_shutdown_end),
		cmocka_unit_test(every_err_info_of_a_read_is_an_empty_buffer_or_a_loss),
		cmocka_unit_test(every_err_info_of_cipack_means_that_the_module_cannot_say),
		cmocka_unit_test(every_cme_error_of_the_card_is_read_as_text_and_as_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures into a connection that the test plays: what goes in, what is dropped, what is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <string.h>

#include "daemon.h"
#include "requests.h"

struct client {
	bool kept;
	size_t room;
	uint8_t out[65536];
	size_t len;
	bool ended;
	char error[32];
	void (*gone)(struct client *c, void *user);
	void (*said)(struct client *c, void *user);
	void *user;
};

static struct daemon d;
static struct client clients[3];
static bool at_wanted;
static struct client *useless; /* went away, or does not read; NULL: none */

/* ---- what is played ---- */

struct daemon *client_daemon(const struct client *c)
{
	(void)c;
	return &d;
}

bool client_keep(struct client *c, enum client_use use, void (*gone)(struct client *c, void *user),
	void *user)
{
	assert_int_equal(use, CLIENT_STREAMS);
	c->kept = true;
	c->gone = gone;
	c->user = user;
	return true;
}

void clients_make_room(struct client *c)
{
	(void)c;
	if (useless)
		useless->gone(useless, useless->user);
	useless = NULL;
}

void client_hear(struct client *c, void (*said)(struct client *c, void *user))
{
	c->said = said;
}

void client_end(struct client *c)
{
	c->ended = true;
}

void client_answer(struct client *c, const char *name, struct json_object *answer)
{
	assert_string_equal(name, "capture");
	assert_true(c->kept);
	json_object_put(answer);
}

void client_error(struct client *c, const char *code, const char *fmt, ...)
{
	(void)fmt;
	snprintf(c->error, sizeof(c->error), "%s", code);
}

size_t client_room(const struct client *c)
{
	return c->room;
}

bool client_write(struct client *c, const void *p, size_t n)
{
	assert_true(n > 0 && n <= c->room);
	memcpy(c->out + c->len, p, n);
	c->len += n;
	c->room -= n;
	return true;
}

void daemon_tap(struct daemon *it)
{
	at_wanted = it->captures.wants[CAPTURE_AT];
}

bool request_flag(struct client *c, struct json_object *request, const char *key, bool *value)
{
	struct json_object *v;

	(void)c;
	if (json_object_object_get_ex(request, key, &v))
		*value = json_object_get_boolean(v);
	return true;
}

bool request_number(struct client *c, struct json_object *request, const char *key, int64_t min,
	int64_t max, int64_t *value)
{
	struct json_object *v;

	(void)c, (void)min, (void)max;
	if (json_object_object_get_ex(request, key, &v))
		*value = json_object_get_int64(v);
	return true;
}

/* ---- helpers ---- */

static int fresh(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	memset(clients, 0, sizeof(clients));
	snprintf(d.iface.tun.name, sizeof(d.iface.tun.name), "cell0");
	at_wanted = false;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

static struct client *capture(unsigned i, const char *request)
{
	struct json_object *o = json_tokener_parse(request);

	clients[i].room = sizeof(clients[i].out);
	capture_request(&clients[i], o);
	json_object_put(o);
	return &clients[i];
}

static uint32_t u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The types of its blocks: S, I, P, C (counts). */
static const char *blocks(const struct client *c)
{
	static char text[256];
	size_t n = 0;

	for (size_t at = 0; at < c->len; at += u32(c->out + at + 4)) {
		uint32_t type = u32(c->out + at);

		text[n++] = type == 1 ? 'I' : type == 5 ? 'C' : type == 6 ? 'P' : 'S';
	}
	text[n] = '\0';
	return text;
}

static bool holds(const struct client *c, const char *text)
{
	return memmem(c->out, c->len, text, strlen(text)) != NULL;
}

static void packet(const char *bytes)
{
	capture_packet(&d.captures, true, &(struct iovec){(void *)bytes, strlen(bytes)}, 1);
}

static void dialogue(enum modem_tap_kind kind, const char *bytes)
{
	size_t n = strlen(bytes);

	if (d.captures.wants[CAPTURE_AT])
		capture_dialogue(&d.captures, &(struct modem_tap){.kind = kind, .link = 3,
			.p = (const uint8_t *)bytes, .n = n, .total = n, .announced = n});
}

/* ---- the tests ---- */

static void both_interfaces_are_written_unless_one_was_asked_for(void **state)
{
	struct client *all = capture(0, "{}"), *at = capture(1, "{\"interfaces\":[\"at\"]}");

	(void)state;
	packet("an IP packet");
	dialogue(MODEM_TAP_LINE, "+CSQ: 23,99");
	assert_string_equal(blocks(all), "SIIPP");
	assert_string_equal(blocks(at), "SIP");
	assert_true(holds(all, "cell0") && holds(all, "an IP packet") && holds(all, "at0"));
	assert_false(holds(at, "cell0"));
	assert_true(holds(at, "+CSQ: 23,99\r\n") && holds(at, "< +CSQ: 23,99"));
}

static void payload_of_the_dialogue_needs_to_be_asked_for(void **state)
{
	struct client *plain = capture(0, "{}"), *full = capture(1, "{\"payload\":true,\"snaplen\":16}");

	(void)state;
	dialogue(MODEM_TAP_PAYLOAD, "what a program sent");
	assert_false(holds(plain, "program"));
	assert_true(holds(plain, "< [19 bytes, link 3]"));
	assert_true(holds(full, "what a program s"));
	assert_false(holds(full, "what a program se"));
	assert_true(holds(full, "< [19 bytes, link 3]"));
}

static void a_gap_is_told_before_the_next_packet(void **state)
{
	struct client *c = capture(0, "{}");

	(void)state;
	c->room = 270;
	packet("first");
	packet("second, for which there is room, but not for it and the counts of the end");
	c->room = 65536 - c->len;
	packet("third");
	packet("fourth");
	assert_string_equal(blocks(c), "SIIPCCPP");
	assert_false(holds(c, "second"));
	assert_int_equal(d.captures.all[0].seen[CAPTURE_TUN], 4);
	assert_int_equal(d.captures.all[0].dropped[CAPTURE_TUN], 1);
}

static void whatever_the_client_says_ends_it_with_the_counts(void **state)
{
	struct client *c = capture(0, "{}");

	(void)state;
	c->room = 200;
	packet("there is hardly any room for this");
	packet("nor for this");
	assert_true(at_wanted);
	c->said(c, c->user);
	assert_true(c->ended);
	assert_non_null(strstr(blocks(c), "CC"));
	assert_false(d.captures.wants[CAPTURE_TUN] || at_wanted);
	packet("nobody listens");
	assert_false(holds(c, "nobody"));
}

static void a_third_is_refused_until_one_is_gone(void **state)
{
	struct client *first = capture(0, "{}");

	(void)state;
	capture(1, "{}");
	capture(2, "{}");
	assert_string_equal(clients[2].error, "busy");
	assert_false(clients[2].kept);
	first->gone(first, first->user);
	clients[2].error[0] = '\0';
	capture(2, "{}");
	assert_string_equal(clients[2].error, "");
	packet("for two");
	assert_false(holds(first, "for two"));
	assert_true(holds(&clients[1], "for two") && holds(&clients[2], "for two"));
}

static void a_useless_one_makes_room_for_a_third(void **state)
{
	(void)state;
	useless = capture(0, "{}");
	capture(1, "{}");
	capture(2, "{}");
	assert_true(clients[2].kept);
	packet("for two");
	assert_false(holds(&clients[0], "for two"));
	assert_true(holds(&clients[1], "for two") && holds(&clients[2], "for two"));
}

static void interfaces_that_do_not_exist_are_refused(void **state)
{
	static const char *const wrong[] = {"{\"interfaces\":[]}", "{\"interfaces\":\"at\"}",
		"{\"interfaces\":[\"at\",\"eth0\"]}", "{\"interfaces\":[null]}", "{\"interfaces\":[[]]}"};

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		clients[0].error[0] = '\0';
		capture(0, wrong[i]);
		assert_string_equal(clients[0].error, "bad_argument");
		assert_false(clients[0].kept);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		TEST(both_interfaces_are_written_unless_one_was_asked_for),
		TEST(payload_of_the_dialogue_needs_to_be_asked_for),
		TEST(a_gap_is_told_before_the_next_packet),
		TEST(whatever_the_client_says_ends_it_with_the_counts),
		TEST(a_third_is_refused_until_one_is_gone),
		TEST(a_useless_one_makes_room_for_a_third),
		TEST(interfaces_that_do_not_exist_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

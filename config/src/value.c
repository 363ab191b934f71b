/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Values of options: from text into struct config, and back. What value_format() writes,
 * value_set() reads to the same value; --print-config and the fuzzer rely on it.
 *
 * Some values end up in AT commands, device names or an exec(). They are checked here, once,
 * against what may stand there; whoever uses them need not escape anything.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/un.h>

#include "option.h"
#include "util/utf8.h"

/* TS 23.003, 9.1: an APN has at most 100 octets. */
#define GROUP_MAX 32 /* LOGIN_NAME_MAX of shadow, useradd(8) */
#define APN_MAX 100
#define AT_COMMAND_MAX 200

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit durations[] = {
	{"", SEC(1)}, {"ms", MSEC(1)}, {"s", SEC(1)}, {"m", SEC(60)}, {"h", SEC(3600)}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"k", 1024}, {"K", 1024}, {"M", 1048576}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct option_name bools[] = {{"yes", 1}, {"no", 0}, {"true", 1}, {"false", 0},
	{"on", 1}, {"off", 0}, {"1", 1}, {"0", 0}, {NULL, 0}};

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* Letters, digits and ".-_": nothing that could end a quoted string of an AT command. */
static bool is_plain_name(const char *text)
{
	for (; *text; text++)
		if (!is_letter_or_digit(*text) && !strchr(".-_", *text))
			return false;
	return true;
}

/* Narrower than the kernel, which takes any byte but '/', ':' and blanks: such names only make
 * trouble in scripts and paths. "%d" is completed by the kernel; it takes no other conversion. */
bool valid_ifname(const char *text)
{
	const char *number = strstr(text, "%d");
	char rest[IFNAMSIZ];
	size_t n = strlen(text);

	if (n >= IFNAMSIZ || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	if (!number)
		return is_plain_name(text);
	snprintf(rest, sizeof(rest), "%.*s%s", (int)(number - text), text, number + 2);
	return is_plain_name(rest);
}

/* UTF-8 is fine in a path, control characters are a mistake or an attack on the log's reader. */
/* UTF-8, because the log, JSON and metrics show paths. */
bool valid_path(const char *text)
{
	size_t n;

	for (const char *s = text; *s; s += n) {
		n = utf8_length(s);
		if (n == 0 || (*s >= 0 && *s < 0x20) || *s == 0x7f)
			return false;
	}
	return text[0] == '/' && text[1];
}

bool valid_device(const char *text)
{
	return strcmp(text, "auto") == 0 || valid_path(text);
}

bool valid_socket_path(const char *text)
{
	return strlen(text) < sizeof(((struct sockaddr_un *)NULL)->sun_path) && valid_path(text);
}

/* The loopback only: metrics say what a network does and are asked for without a password. */
int config_listen_parse(struct endpoint *out, const char *text)
{
	static const struct endpoint unix_socket;
	static const uint8_t loopback6[16] = {[15] = 1};

	if (text[0] == '/') {
		*out = unix_socket;
		return valid_socket_path(text) ? 0 : -EINVAL;
	}
	if (endpoint_parse(out, text, strlen(text)) < 0 || out->port == 0 ||
		(out->addr.family == 6) != (text[0] == '['))
		return -EINVAL;
	if (out->addr.family == 4)
		return out->addr.b[0] == 127 ? 0 : -EINVAL;
	return memcmp(out->addr.b, loopback6, sizeof(loopback6)) == 0 ? 0 : -EINVAL;
}

bool valid_listen(const char *text)
{
	struct endpoint at;

	return config_listen_parse(&at, text) == 0;
}

bool valid_group(const char *text)
{
	return strlen(text) <= GROUP_MAX && is_plain_name(text);
}

bool valid_apn(const char *text)
{
	return strlen(text) <= APN_MAX && is_plain_name(text);
}

/* Quotes and semicolons belong to AT commands; a line end or Ctrl+Z would begin another one. */
bool valid_at_command(const char *text)
{
	return strncasecmp(text, "AT", 2) == 0 && strlen(text) <= AT_COMMAND_MAX &&
	       is_printable(text);
}

/* What may stand between the quotes of AT+CGAUTH: there is no way to quote a quote that all modules
 * understand. */
bool valid_login(const char *text)
{
	return strlen(text) < CONFIG_LOGIN_SIZE && is_printable(text) && !strchr(text, '"');
}

/* Digits and one of the suffixes. -EINVAL also when the product does not fit. */
static int parse_scaled(uint64_t *out, const char *text, const struct unit *units)
{
	uint64_t v = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return -EINVAL;
	for (; units->suffix; units++)
		if (strcmp(units->suffix, text) == 0)
			return __builtin_mul_overflow(v, units->factor, out) ? -EINVAL : 0;
	return -EINVAL;
}

static int parse_name(unsigned *out, const char *text, const struct option_name *names)
{
	for (; names->name; names++)
		if (strcasecmp(names->name, text) == 0) {
			*out = names->value;
			return 0;
		}
	return -EINVAL;
}

bool is_host_address(const struct addr *a)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	static const uint8_t none[16];

	if (a->family == 4)
		return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224 &&
			!(a->b[0] == 169 && a->b[1] == 254);
	if (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
		return false;
	return a->b[0] != 0xff && memcmp(a->b, none, 16) != 0 && memcmp(a->b, loopback6, 16) != 0;
}

bool valid_host_address(const char *text)
{
	struct addr a;

	return addr_parse(&a, text, strlen(text)) == 0 && is_host_address(&a);
}

static int set_address(struct config *c, const char *text)
{
	const char *slash = strchr(text, '/');
	struct addr a = {0};
	uint64_t prefix = 0;
	enum config_address kind = strcasecmp(text, "auto") == 0 ? CONFIG_ADDRESS_AUTO :
		strcasecmp(text, "none") == 0			 ? CONFIG_ADDRESS_NONE :
								   CONFIG_ADDRESS_GIVEN;

	if (kind == CONFIG_ADDRESS_GIVEN) {
		if (!slash || addr_parse(&a, text, (size_t)(slash - text)) < 0 ||
			parse_scaled(&prefix, slash + 1, plain) < 0)
			return -EINVAL;
		if (prefix < 1 || prefix > (a.family == 4 ? 32 : 128) || !is_host_address(&a))
			return -EINVAL;
	}
	c->interface.address.kind = kind;
	c->interface.address.addr = a;
	c->interface.address.prefix = (unsigned)prefix;
	return 0;
}

/* What can be empty by default can be emptied; the rest of the field is zeroed, so that equal
 * configurations are equal memory. */
static int set_text(const struct option *o, char *field, const char *text)
{
	if (!*text && *o->def)
		return -EINVAL;
	if (strlen(text) >= o->size || (*text && !o->valid(text)))
		return -EINVAL;
	memset(field, 0, o->size);
	memcpy(field, text, strlen(text));
	return 0;
}

/* Adds an item; the empty text empties the list, or one of the file could not be undone. */
static int list_add(const struct option *o, struct config_list *l, const char *text)
{
	if (!*text) {
		*l = (struct config_list){0};
		return 0;
	}
	if (l->n == CONFIG_LIST_MAX || strlen(text) >= CONFIG_TEXT_MAX || !o->valid(text))
		return -EINVAL;
	memcpy(l->item[l->n++], text, strlen(text) + 1);
	return 0;
}

static const struct unit *option_units(const struct option *o)
{
	if (o->type == OPTION_DURATION)
		return durations;
	return o->type == OPTION_SIZE ? sizes : plain;
}

static int set_number(const struct option *o, void *field, const char *text)
{
	uint64_t v;
	unsigned u;

	if (parse_scaled(&v, text, option_units(o)) < 0 || v < o->min || v > o->max)
		return -EINVAL;
	u = (unsigned)v;
	if (o->type == OPTION_DURATION)
		memcpy(field, &v, sizeof(v));
	else
		memcpy(field, &u, sizeof(u));
	return 0;
}

static int set_named(const struct option *o, void *field, const char *text)
{
	const struct option_name *names = o->type == OPTION_BOOL ? bools : o->names;
	unsigned v;

	if (parse_name(&v, text, names) < 0)
		return -EINVAL;
	if (o->type == OPTION_BOOL)
		*(bool *)field = v;
	else
		memcpy(field, &v, sizeof(v));
	return 0;
}

int value_set(const struct option *o, struct config *c, const char *text)
{
	void *field = (char *)c + o->offset;

	switch (o->type) {
	case OPTION_BOOL:
	case OPTION_ENUM:
		return set_named(o, field, text);
	case OPTION_UINT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		return set_number(o, field, text);
	case OPTION_TEXT:
		return set_text(o, field, text);
	case OPTION_LIST:
		return list_add(o, field, text);
	case OPTION_ADDRESS:
		return set_address(c, text);
	}
	return -EINVAL;
}

struct config_list *value_list(const struct option *o, struct config *c)
{
	return o->type == OPTION_LIST ? (struct config_list *)(void *)((char *)c + o->offset)
				      : NULL;
}

unsigned value_lines(const struct option *o, const struct config *c)
{
	const struct config_list *l = (const void *)((const char *)c + o->offset);

	return o->type == OPTION_LIST && l->n ? l->n : 1;
}

static const char *name_of(const struct option_name *names, unsigned value)
{
	while (names->name && names->value != value)
		names++;
	return names->name ? names->name : "";
}

/* In the largest unit that is exact, but no minutes: 90s reads better than 1.5m. */
static void format_duration(char *buf, uint64_t v)
{
	if (v == 0)
		snprintf(buf, CONFIG_TEXT_MAX, "0");
	else if (v % SEC(1) == 0)
		snprintf(buf, CONFIG_TEXT_MAX, "%" PRIu64 "s", v / SEC(1));
	else
		snprintf(buf, CONFIG_TEXT_MAX, "%" PRIu64 "ms", v / MSEC(1));
}

static void format_address(char *buf, const struct config *c)
{
	char text[ADDR_STRLEN];

	if (c->interface.address.kind != CONFIG_ADDRESS_GIVEN)
		snprintf(buf, CONFIG_TEXT_MAX, "%s",
			c->interface.address.kind == CONFIG_ADDRESS_AUTO ? "auto" : "none");
	else
		snprintf(buf, CONFIG_TEXT_MAX, "%s/%u",
			addr_format(&c->interface.address.addr, text), c->interface.address.prefix);
}

const char *value_format(
	const struct option *o, const struct config *c, unsigned i, char buf[CONFIG_TEXT_MAX])
{
	const void *field = (const char *)c + o->offset;
	const struct config_list *list = field;
	uint64_t v = 0;
	unsigned u = 0;

	if (o->type == OPTION_DURATION)
		memcpy(&v, field, sizeof(v));
	else if (o->type == OPTION_UINT || o->type == OPTION_SIZE || o->type == OPTION_ENUM)
		memcpy(&u, field, sizeof(u));

	switch (o->type) {
	case OPTION_BOOL:
		return *(const bool *)field ? "yes" : "no";
	case OPTION_ENUM:
		return name_of(o->names, u);
	case OPTION_UINT:
	case OPTION_SIZE:
		snprintf(buf, CONFIG_TEXT_MAX, "%u", u);
		return buf;
	case OPTION_DURATION:
		format_duration(buf, v);
		return buf;
	case OPTION_TEXT:
		return field;
	case OPTION_LIST:
		return i < list->n ? list->item[i] : "";
	case OPTION_ADDRESS:
		format_address(buf, c);
		return buf;
	}
	return "";
}

static void expect_names(char *buf, const struct option_name *names)
{
	size_t at = 0;

	buf[0] = '\0';
	for (; names->name && at < OPTION_EXPECT_MAX; names++) {
		const char *between = at == 0 ? "" : names[1].name ? ", " : " or ";

		at += (size_t)snprintf(
			buf + at, OPTION_EXPECT_MAX - at, "%s%s", between, names->name);
	}
}

const char *value_expect(const struct option *o, char buf[OPTION_EXPECT_MAX])
{
	char low[CONFIG_TEXT_MAX], high[CONFIG_TEXT_MAX];

	if (o->expect)
		return o->expect;
	switch (o->type) {
	case OPTION_BOOL:
		return "yes or no";
	case OPTION_ENUM:
		expect_names(buf, o->names);
		return buf;
	case OPTION_DURATION:
		format_duration(low, o->min);
		format_duration(high, o->max);
		snprintf(buf, OPTION_EXPECT_MAX, "a time %.20s to %.20s (30, 30s, 2m, 500ms)", low,
			high);
		return buf;
	default:
		snprintf(buf, OPTION_EXPECT_MAX, "a number %" PRIu64 " to %" PRIu64 "%s", o->min,
			o->max, o->type == OPTION_SIZE ? " (64k and 1M are numbers, too)" : "");
		return buf;
	}
}

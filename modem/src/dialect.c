/* SPDX-License-Identifier: BSD-3-Clause */
#include "dialect.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* AT reference 6.1 and 7.1. "+IPD" with two numbers is not in it: the only text that shows it
 * contradicts itself, so such a line is a damaged header. */
const struct lexer_form dialect_forms[] = {
	{"+RECEIVE", HEADER_PUSH, true, false, -1, 2, 0, 1, -1},
	{"+IPD", HEADER_PUSH_ANON, true, false, -1, 1, -1, 0, -1},
	{"+CIPRXGET", HEADER_READ, false, false, 2, 4, 1, 2, 3},
	{"+CIPRXGET", HEADER_READ_HEX, false, true, 3, 4, 1, 2, 3},
	{NULL, 0, false, false, 0, 0, 0, 0, 0},
};

const char dialect_source_prefix[] = "RECV FROM:";

/* PIN, PUK, lock passwords (3GPP TS 27.007 8.3, 7.4, 7.5); log-ins of access points (10.1.31, SIMCom's
 * older AT+CSTT) and of the firmware's own clients. Set, or told when it is asked. */
static const char *const secrets[] = {
	"+CPIN=", "+CPIN2=", "+CPUK=", "+SPIC=", "+CPWD=", "+CLCK=", "+CGAUTH", "+CSTT", "$QCPDPP", "+CMQTTCONNECT",
	"+CFTPSLOGIN", "+SAPBR",
};

bool dialect_carries_secret(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		size_t len = strlen(secrets[i]);

		/* Anywhere: several commands may stand in one line. */
		for (size_t at = 0; at + len <= n; at++)
			if (strncasecmp(text + at, secrets[i], len) == 0)
				return true;
	}
	return false;
}

enum match {
	WHOLE,	/* the line is this word */
	PREFIX, /* the line starts with it */
};

static const struct word {
	const char *text;
	enum match match;
	enum msg_kind kind;
} words[] = {
	{"OK", WHOLE, MSG_OK},
	{"ERROR", WHOLE, MSG_ERROR},
	{"+CME ERROR:", PREFIX, MSG_CME_ERROR},
	{"+CMS ERROR:", PREFIX, MSG_CME_ERROR},
	{"+CIPSEND:", PREFIX, MSG_CIPSEND},
	{"RECV FROM:", PREFIX, MSG_RECV_FROM},
	{"+CIPRXGET:", PREFIX, MSG_CIPRXGET},
	{"+IPCLOSE", PREFIX, MSG_IPCLOSE},
	{"+CIPOPEN:", PREFIX, MSG_CIPOPEN},
	{"+CIPCLOSE:", PREFIX, MSG_CIPCLOSE},
	{"+IP ERROR:", PREFIX, MSG_IP_ERROR},
	{"+CIPERROR:", PREFIX, MSG_CIPERROR},
	{"+CIPACK:", PREFIX, MSG_CIPACK},
	{"+NETOPEN:", PREFIX, MSG_NETOPEN},
	{"+NETCLOSE:", PREFIX, MSG_NETCLOSE},
	{"+CIPEVENT:", PREFIX, MSG_CIPEVENT},
	{"+CIP EVENT:", PREFIX, MSG_CIPEVENT}, /* as NOTE 4.2 prints it */
	{"+RECEIVE", PREFIX, MSG_BAD_HEADER},
	{"+IPD", PREFIX, MSG_BAD_HEADER},
	{"+IPADDR:", PREFIX, MSG_IPADDR},
	{"+CPIN:", PREFIX, MSG_CPIN},
	{"+ICCID:", PREFIX, MSG_ICCID},
	{"+CICCID:", PREFIX, MSG_ICCID},
	{"+CCID:", PREFIX, MSG_ICCID},
	{"+SPIC:", PREFIX, MSG_SPIC},
	{"+CPINR:", PREFIX, MSG_CPINR},
	{"+CSQ:", PREFIX, MSG_CSQ},
	{"+CREG:", PREFIX, MSG_CREG},
	{"+CGREG:", PREFIX, MSG_CGREG},
	{"+CEREG:", PREFIX, MSG_CEREG},
	{"+COPS:", PREFIX, MSG_COPS},
	{"+CPSI:", PREFIX, MSG_CPSI},
	{"+CGMR:", PREFIX, MSG_CGMR},
	{"+CGMM:", PREFIX, MSG_CGMM},
	{"Model:", PREFIX, MSG_MODEL},
	{"Revision:", PREFIX, MSG_REVISION},
	{"Manufacturer:", PREFIX, MSG_MANUFACTURER},
	{"IMEI:", PREFIX, MSG_IMEI},
	{"+CLIENT:", PREFIX, MSG_CLIENT},
	{"+SERVERSTART:", PREFIX, MSG_SERVERSTART},
	{"+SERVERSTOP:", PREFIX, MSG_SERVERSTOP},
	{"+CGCONTRDP:", PREFIX, MSG_CGCONTRDP},
	{"+CDNSGIP:", PREFIX, MSG_CDNSGIP},
	{"+CPING:", PREFIX, MSG_CPING},
	/* Boot banners, AT reference 2. */
	{"*ATREADY:", PREFIX, MSG_BANNER},
	{"RDY", WHOLE, MSG_BANNER},
	{"START", WHOLE, MSG_BANNER},
	{"SMS DONE", WHOLE, MSG_BOOT_LATE},
	{"PB DONE", WHOLE, MSG_BOOT_LATE},
	{"CONNECT FAIL", PREFIX, MSG_CONNECT_FAIL}, /* before its prefix */
	{"CONNECT", PREFIX, MSG_CONNECT},
	{"CLOSED", WHOLE, MSG_CLOSED},
	{"NO CARRIER", WHOLE, MSG_NO_CARRIER},
	{"+CIPMODE:", PREFIX, MSG_CIPMODE},
	/* Lines without meaning for us, AT reference 1.2. */
	{"CALL READY", WHOLE, MSG_IGNORED},
	{"Call Ready", WHOLE, MSG_IGNORED}, /* older firmwares and the SIM800 family */
	{"SMS Ready", WHOLE, MSG_IGNORED},
	{"RING", WHOLE, MSG_IGNORED},
	{"+CGEV:", PREFIX, MSG_IGNORED},
	{"+CTZV:", PREFIX, MSG_IGNORED},
	{"*PSUTTZ:", PREFIX, MSG_IGNORED},
	{"*PSNWID:", PREFIX, MSG_IGNORED},
	{"DST:", PREFIX, MSG_IGNORED},
	{"*ISIMAID:", PREFIX, MSG_IGNORED},
	{"*COPN", PREFIX, MSG_IGNORED},
	{"*REJCAUSE", PREFIX, MSG_IGNORED},
	{"+CSCON:", PREFIX, MSG_IGNORED},
	{"+CNETCI", PREFIX, MSG_IGNORED},
	{"+MSTK", PREFIX, MSG_IGNORED},
	{"+CMTI:", PREFIX, MSG_IGNORED},
	{"+SIMCARD:", PREFIX, MSG_IGNORED},
	{"MISSED_CALL:", PREFIX, MSG_IGNORED},
	{"UNDER-VOLTAGE", PREFIX, MSG_IGNORED},
	{"OVER-VOLTAGE", PREFIX, MSG_IGNORED},
	{"NORMAL POWER DOWN", PREFIX, MSG_IGNORED},
	{"+GCAP:", PREFIX, MSG_IGNORED},
	{"$G", PREFIX, MSG_IGNORED}, /* NMEA */
};

static const struct word *find_word(const char *line, size_t len, size_t *wlen)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].text);

		if (len < n || (words[i].match == WHOLE && len != n))
			continue;
		if (memcmp(line, words[i].text, n) == 0) {
			*wlen = n;
			return &words[i];
		}
	}
	return NULL;
}

/* One signed number at @s; NULL if there is none. */
static const char *number(const char *s, const char *end, int64_t *out)
{
	bool minus = false;
	int64_t v = 0;

	while (s < end && *s == ' ')
		s++;
	if (s < end && *s == '-') {
		minus = true;
		s++;
	}
	if (s == end || *s < '0' || *s > '9')
		return NULL;
	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		if (v > INT64_MAX / 16)
			return NULL;
		v = v * 10 + (*s - '0');
	}
	while (s < end && *s == ' ')
		s++;
	*out = minus ? -v : v;
	return s;
}

static void parse_numbers(struct msg *m)
{
	const char *s = m->text, *end = m->text + m->len;

	m->count = 0;
	m->plain = false;
	while (m->count < MSG_NUMBERS) {
		const char *next = number(s, end, &m->n[m->count]);

		if (!next)
			return;
		m->count++;
		s = next;
		if (s == end) {
			m->plain = true;
			return;
		}
		if (*s != ',')
			return;
		s++;
	}
}

void dialect_parse(struct msg *m, const char *line, size_t len)
{
	size_t skip = 0;
	const struct word *w = find_word(line, len, &skip);

	*m = (struct msg){.kind = w ? w->kind : MSG_UNKNOWN, .line = line, .line_len = len};
	while (skip < len && strchr(" :,", line[skip]) && line[skip])
		skip++;
	m->text = line + skip;
	m->len = len - skip;
	parse_numbers(m);
}

bool dialect_field(const struct msg *m, size_t *at, const char **field, size_t *len)
{
	const char *s = m->text + *at, *end = m->text + m->len, *stop;
	bool quoted;

	if (*at > m->len)
		return false;
	while (s < end && *s == ' ')
		s++;
	quoted = s < end && *s == '"';
	s += quoted;
	stop = memchr(s, quoted ? '"' : ',', (size_t)(end - s));
	if (!stop)
		stop = end;
	*field = s;
	*len = (size_t)(stop - s);
	stop = memchr(stop, ',', (size_t)(end - stop));
	*at = stop ? (size_t)(stop + 1 - m->text) : m->len + 1;
	return true;
}

static bool is_end(enum msg_kind kind)
{
	return kind == MSG_CLOSED || kind == MSG_NO_CARRIER || kind == MSG_IPCLOSE ||
		kind == MSG_CIPCLOSE || kind == MSG_CIPEVENT || kind == MSG_NETCLOSE ||
		kind == MSG_BANNER;
}

bool dialect_ends_data(const char *line, size_t len, bool whole)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].text);

		if (!is_end(words[i].kind) || memcmp(line, words[i].text, len < n ? len : n) != 0)
			continue;
		if (words[i].match == PREFIX ? (!whole || len >= n) : (whole ? len == n : len <= n))
			return true;
	}
	return false;
}

/* A header that lost or garbled one byte keeps one of two halves of its word. */
static const char *const debris[] = {"+REC", "EIVE,", "IPD", "RECV", "FROM:"};

bool dialect_looks_damaged(const char *line, size_t len)
{
	bool lower = false;

	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)line[i] < 0x20 || (uint8_t)line[i] > 0x7e)
			return true;
		lower = lower || (line[i] >= 'a' && line[i] <= 'z');
	}
	if (lower && !strchr("+*$^#", line[0]))
		return true;
	for (size_t i = 0; i < sizeof(debris) / sizeof(debris[0]); i++)
		if (memmem(line, len, debris[i], strlen(debris[i])))
			return true;
	return false;
}

/* NOTE 4.1 "Information Elements Related to TCP/IP", <err_info>. */
static const char *const ip_errors[] = {
	"Connection time out", "Bind port failed", "Port overflow", "Create socket failed",
	"Network is already opened", "Network is already closed", "No clients connected",
	"No active client", "Network not opened", "Client index overflow",
	"Connection is already created", "Connection is not created", "Invalid parameter",
	"Operation not supported", "DNS query failed", "TCP busy",
	"Net close failed for socket opened", "Sending time out",
	"Sending failure for network error", "Open failure for network error",
	"Server is already listening", "Operation failed", "No data",
};

_Static_assert(sizeof(ip_errors) / sizeof(ip_errors[0]) == IP_ERROR_NO_DATA + 1,
	"NOTE 4.1 numbers <err_info> 0 to 22");

int dialect_ip_error(const struct msg *m)
{
	if (m->count == 1 && m->plain)
		return m->n[0] >= 0 && m->n[0] <= 255 ? (int)m->n[0] : -1;
	for (int i = 0; i <= IP_ERROR_NO_DATA; i++)
		if (strlen(ip_errors[i]) == m->len &&
			strncasecmp(m->text, ip_errors[i], m->len) == 0)
			return i;
	return -1;
}

int dialect_err(int64_t n)
{
	return n >= 0 && n <= 12 ? (int)n : 12;
}

/* Cuts blanks off both ends, and one pair of @open and @close. */
static void unwrap(const char **text, size_t *len, char open, char close)
{
	while (*len && (*text)[0] == ' ') {
		++*text;
		--*len;
	}
	while (*len && (*text)[*len - 1] == ' ')
		--*len;
	if (*len >= 2 && (*text)[0] == open && (*text)[*len - 1] == close) {
		++*text;
		*len -= 2;
	}
}

static int sixteen_decimals(struct addr *out, const char *s, const char *end)
{
	uint8_t bytes[16];

	for (unsigned i = 0; i < sizeof(bytes); i++) {
		int64_t n;

		if (s == end || *s < '0' || *s > '9')
			return -EINVAL;
		s = number(s, end, &n);
		if (!s || n > 255)
			return -EINVAL;
		bytes[i] = (uint8_t)n;
		if (i < 15 && (s == end || *s++ != '.'))
			return -EINVAL;
	}
	*out = addr_v6(bytes);
	return s == end ? 0 : -EINVAL;
}

int dialect_address(struct addr *out, const char *text, size_t len)
{
	const char *zone;

	unwrap(&text, &len, '"', '"');
	unwrap(&text, &len, '[', ']');
	zone = memchr(text, '%', len);
	if (zone)
		len = (size_t)(zone - text);
	if (addr_parse(out, text, len) == 0)
		return 0;
	return sixteen_decimals(out, text, text + len);
}

int dialect_endpoint(struct endpoint *out, const char *text, size_t len)
{
	const char *colon;
	int64_t port;

	unwrap(&text, &len, '"', '"');
	colon = memrchr(text, ':', len);
	if (!colon || number(colon + 1, text + len, &port) != text + len || port < 0 || port > 65535)
		return -EINVAL;
	out->port = (uint16_t)port;
	return dialect_address(&out->addr, text, (size_t)(colon - text));
}

/* The comma-separated field @i of a line; its length through @len, NULL if there are not so many. */
static const char *field(const struct msg *m, unsigned i, size_t *len)
{
	const char *s = m->text, *end = m->text + m->len, *comma;

	for (; (comma = memchr(s, ',', (size_t)(end - s))) && i; i--)
		s = comma + 1;
	*len = (size_t)((comma ? comma : end) - s);
	return i ? NULL : s;
}

/* Milliseconds of field @i; an unreasonable number is none. */
static usec_t field_ms(const struct msg *m, unsigned i)
{
	size_t len;
	const char *s = field(m, i, &len);
	int64_t n;

	return s && number(s, s + len, &n) && n > 0 && n < 1000000 ? MSEC((usec_t)n) : 0;
}

bool dialect_ping(const struct msg *m, struct ping_line *out)
{
	size_t len;
	const char *who = field(m, 1, &len);

	if (m->count == 0 || m->n[0] < PING_LINE_REPLY || m->n[0] > PING_LINE_SUMMARY)
		return false;
	*out = (struct ping_line){.type = (int)m->n[0]};
	if (out->type == PING_LINE_SUMMARY) {
		out->received = m->count >= 3 && m->n[2] > 0;
		out->rtt = field_ms(m, 6);
	} else if (out->type == PING_LINE_REPLY) {
		if (who && dialect_address(&out->addr, who, len) < 0)
			out->addr = (struct addr){0};
		out->rtt = field_ms(m, 3);
	}
	return true;
}

static const struct {
	const char *text;
	int cme; /* 27.007 9.2, -1: none */
	enum sim_state state;
} sim_words[] = {
	{"READY", -1, SIM_READY},
	{"SIM PIN", 11, SIM_PIN},
	{"SIM PUK", 12, SIM_PUK},
	{"SIM PIN required", 11, SIM_PIN},
	{"SIM PUK required", 12, SIM_PUK},
	{"SIM not inserted", 10, SIM_ABSENT},
	{"incorrect password", 16, SIM_WRONG},
};

enum sim_state dialect_sim(const struct msg *m)
{
	for (size_t i = 0; i < sizeof(sim_words) / sizeof(sim_words[0]); i++) {
		if (m->plain && m->kind == MSG_CME_ERROR && m->n[0] == sim_words[i].cme)
			return sim_words[i].state;
		if (strlen(sim_words[i].text) == m->len &&
			strncasecmp(m->text, sim_words[i].text, m->len) == 0)
			return sim_words[i].state;
	}
	return SIM_BUSY;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * CPIN? is asked until the card is ready. If it wants its PIN, the card's number and the tries it
 * has left are asked for, as far as the module knows them, and the owner is asked whether the PIN
 * may be entered: three wrong ones lock the card, and only the owner can remember over a restart
 * that this PIN was entered into this card before (decision 13). After that nothing is entered any
 * more until the card was ready: a PIN that unlocked it may do so again after the next reset of the
 * module.
 *
 *   CPIN -> CICCID -> CCID -> SPIC -> CPINR -> PIN -> CPIN
 *     |                                         | owner says no
 *     +-- ready: CSQ                            +-> CPIN, once a minute
 */
#include "steps.h"

#include <ctype.h>
#include <string.h>

#define LOOK_AGAIN SEC(60) /* at a card that waits for people */
#define PIN_LIMIT SEC(60)  /* four questions and the PIN itself */
#define CARD_LIMIT SEC(30) /* as in bearer.c */

enum info step_info_cpin(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_CPIN && msg->kind != MSG_CME_ERROR)
		return INFO_FOREIGN;
	m->bearer.sim = dialect_sim(msg);
	return INFO_TAKEN;
}

static bool pin_valid(const char *pin)
{
	size_t n = pin ? strlen(pin) : 0;

	return n >= 4 && n <= 8 && strspn(pin, "0123456789") == n;
}

int step_blocked(struct modem *m, enum modem_failure f, const char *reason)
{
	bearer_set_failure(m, f, reason);
	m->bearer.at = after(m, LOOK_AGAIN);
	m->bearer.deadline = USEC_NEVER;
	return AGAIN;
}

static int wants_pin(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (b->pin_used)
		return step_blocked(m, MODEM_FAILURE_PIN, "the SIM refused the PIN");
	if (b->pin_denied)
		return step_blocked(m, MODEM_FAILURE_PIN, b->pin_denied);
	if (!pin_valid(m->config->pin))
		return step_blocked(m, MODEM_FAILURE_PIN, "the SIM wants a PIN");
	b->iccid[0] = '\0';
	b->pin_tries = -1;
	b->deadline = after(m, PIN_LIMIT);
	return NEXT;
}

static int is_ready(struct modem *m)
{
	struct bearer *b = &m->bearer;

	if (b->pin_used)
		m->ops->pin_accepted(m->user, b->iccid);
	b->pin_used = false;
	b->pin_denied = NULL;
	if (b->failure == MODEM_FAILURE_PIN || b->failure == MODEM_FAILURE_PUK ||
		b->failure == MODEM_FAILURE_SIM)
		bearer_set_failure(m, MODEM_FAILURE_NONE, "");
	return STEP_CSQ;
}

int step_judge_cpin(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	if (r == RESULT_TIMEOUT)
		b->sim = SIM_BUSY;
	switch (b->sim) {
	case SIM_READY:
		if (r == RESULT_OK)
			return is_ready(m);
		break;
	case SIM_PIN:
	case SIM_WRONG:
		return wants_pin(m);
	case SIM_PUK:
		return step_blocked(m, MODEM_FAILURE_PUK, "the SIM wants its PUK");
	case SIM_ABSENT:
	case SIM_BUSY:
		break;
	}
	if (b->deadline == USEC_NEVER) /* it was blocked, and is another one now or none */
		b->deadline = after(m, CARD_LIMIT);
	b->at = after(m, SEC(1));
	return AGAIN;
}

bool step_build_cpin(struct modem *m, struct command *c)
{
	m->bearer.sim = SIM_BUSY;
	command_printf(c, "AT+CPIN?");
	return true;
}

/* ---- which card, and how many tries ---- */

/* ITU-T E.118: 19 or 20 digits, the last maybe a filler. Bare, quoted or behind a name. */
static bool take_iccid(char to[ICCID_SIZE], const struct msg *msg)
{
	const char *s = msg->text;
	size_t n = msg->len, digits = 0;

	if (msg->kind != MSG_ICCID && msg->kind != MSG_UNKNOWN)
		return false;
	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	while (digits < n && isxdigit((unsigned char)s[digits]))
		digits++;
	if (digits != n || n < 18 || n >= ICCID_SIZE)
		return false;
	memcpy(to, s, n);
	to[n] = '\0';
	return true;
}

enum info step_info_iccid(void *user, struct command *c, const struct msg *msg)
{
	(void)c;
	return take_iccid(((struct modem *)user)->bearer.iccid, msg) ? INFO_TAKEN : INFO_FOREIGN;
}

/* Of a card that is ready, for status only: asked once in a boot. */
enum info step_info_card(void *user, struct command *c, const struct msg *msg)
{
	(void)c;
	return take_iccid(((struct modem *)user)->bearer.card, msg) ? INFO_TAKEN : INFO_FOREIGN;
}

bool step_build_card(struct modem *m, struct command *c)
{
	command_printf(c, "AT+CICCID");
	return !m->bearer.card[0];
}

bool step_build_ccid(struct modem *m, struct command *c)
{
	command_printf(c, "AT+CCID");
	return !m->bearer.iccid[0];
}

/* +SPIC: <pin>,<puk>,<pin2>,<puk2>; or a line for each code, of which "+CPINR: SIM PIN,<left>[,<of>]"
 * is the one (3GPP TS 27.007 8.65). */
enum info step_info_tries(void *user, struct command *c, const struct msg *msg)
{
	static const char code[] = "SIM PIN";
	struct bearer *b = &((struct modem *)user)->bearer;
	const char *s = msg->text, *end = msg->text + msg->len;

	(void)c;
	if (msg->kind == MSG_SPIC && msg->count > 0 && msg->n[0] >= 0 && msg->n[0] <= 10)
		b->pin_tries = (int)msg->n[0];
	if (msg->kind != MSG_CPINR)
		return msg->kind == MSG_SPIC ? INFO_TAKEN : INFO_FOREIGN;
	s += s < end && *s == '"';
	if ((size_t)(end - s) <= sizeof(code) || memcmp(s, code, sizeof(code) - 1) != 0)
		return INFO_TAKEN;
	s += sizeof(code) - 1;
	s += *s == '"';
	if (end - s >= 2 && s[0] == ',' && isdigit((unsigned char)s[1]) &&
		(end - s == 2 || !isdigit((unsigned char)s[2])))
		b->pin_tries = s[1] - '0';
	return INFO_TAKEN;
}

bool step_build_cpinr(struct modem *m, struct command *c)
{
	command_printf(c, "AT+CPINR");
	return m->bearer.pin_tries < 0;
}

int step_judge_optional(struct modem *m, const struct command *c, enum result r)
{
	(void)m;
	(void)c;
	(void)r;
	return NEXT;
}

/* ---- the PIN ---- */

bool step_build_pin(struct modem *m, struct command *c)
{
	struct bearer *b = &m->bearer;

	b->pin_denied = m->ops->pin_try(m->user, b->iccid, b->pin_tries);
	if (b->pin_denied) {
		bearer_goto(m, STEP_CPIN, 0);
		return false;
	}
	b->pin_used = true;
	command_printf(c, "AT+CPIN=\"%s\"", m->config->pin);
	return true;
}

int step_judge_pin(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	(void)r; /* CPIN? tells; some modules need seconds */
	m->bearer.at = after(m, SEC(2));
	return STEP_CPIN;
}

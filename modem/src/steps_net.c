/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NETOPEN, NETCLOSE, IPADDR and left-over links and servers.
 *
 * A module that outlived the host's last program may still have its network open. It is kept, and
 * the links in it are closed; only if one does not close, or an open was pending when its links
 * were lost (bearer.dirty), is the network closed and opened anew: a result of that open could
 * otherwise be taken for one of ours. Servers that still listen are only listed: server.c adopts those
 * that are wanted and stops the others once the bearer is up, and who comes before that is closed.
 */
#include "steps.h"

#include <stdio.h>
#include <string.h>

#include "util/log.h"

#define APN_FAILURES 3
#define ADDRESS_TRIES 10 /* a second apart: the air may lose a router advertisement */

enum info step_info_net_query(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_NETOPEN || msg->count == 0)
		return INFO_FOREIGN;
	m->bearer.net_open = msg->n[0] == 1; /* 1 is open here, 0 is success in the result line */
	return INFO_TAKEN;
}

bool step_build_net_query(struct modem *m, struct command *c)
{
	m->bearer.net_open = false;
	m->bearer.already = false;
	command_printf(c, "AT+NETOPEN?");
	return true;
}

int step_judge_net_query(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	if (r == RESULT_TIMEOUT)
		return ++b->tries < TRIES ? AGAIN : FAULT;
	if (!b->net_open)
		return b->mode_wrong ? STEP_CIPMODE : STEP_NET_OPEN;
	return b->dirty ? STEP_NET_CLOSE : STEP_SERVER_LIST;
}

bool step_build_server_list(struct modem *m, struct command *c)
{
	servers_list_begin(m);
	command_printf(c, "AT+SERVERSTART?");
	return true;
}

/* Some firmwares cannot list them; then a SERVERSTART is refused, which says the same. */
int step_judge_server_list(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_TIMEOUT)
		return ++m->bearer.tries < TRIES ? AGAIN : NEXT;
	if (r == RESULT_OK)
		servers_list_end(m);
	return NEXT;
}

enum info step_info_left_list(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_CIPCLOSE || msg->count < 3)
		return INFO_FOREIGN;
	for (unsigned l = 0; l < msg->count && l < MODEM_LINKS; l++)
		if (msg->n[l] == 1)
			m->bearer.leftovers |= 1u << l;
	return INFO_TAKEN;
}

bool step_build_left_list(struct modem *m, struct command *c)
{
	m->bearer.leftovers = 0;
	command_printf(c, "AT+CIPCLOSE?");
	return true;
}

/* Accepted sockets are listed here even where CIPCLOSE? forgets them. */
enum info step_info_left_open(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind != MSG_CIPOPEN || msg->count == 0 || msg->n[0] < 0 ||
		msg->n[0] >= MODEM_LINKS)
		return INFO_FOREIGN;
	if (memchr(msg->text, '"', msg->len))
		m->bearer.leftovers |= 1u << msg->n[0];
	return INFO_TAKEN;
}

bool step_build_left_close(struct modem *m, struct command *c)
{
	unsigned mask = m->bearer.leftovers;

	if (!mask)
		return false;
	c->len = (size_t)__builtin_ctz(mask);
	command_printf(c, "AT+CIPCLOSE=%zu", c->len);
	return true;
}

enum info step_info_left_close(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	if (msg->kind != MSG_CIPCLOSE || !msg->plain || msg->count != 2 ||
		msg->n[0] != (int64_t)c->len)
		return INFO_FOREIGN;
	m->bearer.leftovers &= ~(1u << c->len);
	return msg->n[1] ? INFO_FAILED : INFO_TAKEN;
}

int step_judge_left_close(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	if (r == RESULT_ERROR)
		b->leftovers &= ~(1u << c->len);
	if (b->leftovers & (1u << c->len))
		return r == RESULT_TIMEOUT ? STEP_NET_CLOSE : AWAIT;
	return AGAIN;
}

enum info step_info_net(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;
	struct bearer *b = &m->bearer;

	(void)c;
	if (msg->kind == MSG_IP_ERROR) {
		b->already = b->already || dialect_ip_error(msg) == IP_ERROR_ALREADY_OPENED;
		return INFO_FAILED;
	}
	if (msg->count == 0 || msg->kind != (b->step == STEP_NET_OPEN ? MSG_NETOPEN : MSG_NETCLOSE))
		return INFO_FOREIGN;
	b->net_result = dialect_err(msg->n[0]);
	return b->net_result ? INFO_FAILED : INFO_TAKEN;
}

bool step_build_net_open(struct modem *m, struct command *c)
{
	m->bearer.net_result = -1;
	m->bearer.already = false;
	servers_lost(m); /* a network that is opened anew has none */
	command_printf(c, "AT+NETOPEN");
	return true;
}

static int net_open_failed(struct modem *m)
{
	struct bearer *b = &m->bearer;
	char why[64];

	snprintf(why, sizeof(why), "NETOPEN failed (%d) although registered", b->net_result);
	if (++b->net_failures >= APN_FAILURES)
		bearer_set_failure(m, MODEM_FAILURE_APN, why);
	login_failed(m);
	recover(m, why);
	return b->step;
}

int step_judge_net_open(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	if (r == RESULT_ERROR && b->already)
		return STEP_SERVER_LIST;
	if (r == RESULT_OK && b->net_result < 0)
		return AWAIT;
	return r == RESULT_OK && b->net_result == 0 ? STEP_IPADDR : net_open_failed(m);
}

bool step_build_net_close(struct modem *m, struct command *c)
{
	m->bearer.net_result = -1;
	m->bearer.dirty = false;
	command_printf(c, "AT+NETCLOSE");
	return true;
}

/* Not open is as good as closed; whatever it says, NETOPEN tells. */
int step_judge_net_close(struct modem *m, const struct command *c, enum result r)
{
	(void)c;
	if (r == RESULT_OK && m->bearer.net_result < 0)
		return AWAIT;
	return m->bearer.step == STEP_STOP_NET ? STEP_STOPPED :
		m->bearer.step == STEP_RUNG_NET ? STEP_DRAIN :
		m->bearer.mode_wrong ? STEP_CIPMODE : STEP_NET_OPEN;
}

/* 0.0.0.0 and :: stand for none (AT reference 2); fe80::/10 is what an IPv6 context has until the
 * network's router advertisement came (3GPP TS 23.401 5.3.1.2.2). */
static bool address_given(const struct addr *a)
{
	static const uint8_t zeros[16];

	if (a->family == 0 || memcmp(a->b, zeros, sizeof(zeros)) == 0)
		return false;
	return a->family == 4 || a->b[0] != 0xfe || (a->b[1] & 0xc0) != 0x80;
}

enum info step_info_ipaddr(void *user, struct command *c, const struct msg *msg)
{
	struct modem *m = user;

	(void)c;
	if (msg->kind == MSG_IP_ERROR)
		return INFO_FAILED;
	if (msg->kind != MSG_IPADDR)
		return INFO_FOREIGN;
	if (dialect_address(&m->bearer.address, msg->text, msg->len) < 0)
		m->bearer.address = (struct addr){0};
	return INFO_TAKEN;
}

/* A network that was found open may have been opened for the other IP version: it is closed and the
 * bring-up begins anew, once; a module may not let go of it. One that we opened says what the SIM or the
 * operator allows. */
static int wrong_family(struct modem *m)
{
	struct bearer *b = &m->bearer;
	char why[80];

	snprintf(why, sizeof(why), "the network gave an IPv%u address, expected IPv%d (modem.ip)",
		b->address.family, m->config->ip);
	b->address = (struct addr){0};
	if ((b->net_open || b->already) && !b->reopened) {
		b->reopened = true;
		log_info("%s: %s; opening it anew", m->config->name, why);
		return STEP_RUNG_NET;
	}
	if (++b->net_failures >= APN_FAILURES)
		bearer_set_failure(m, MODEM_FAILURE_IP, why);
	recover(m, why);
	return b->step;
}

int step_judge_ipaddr(struct modem *m, const struct command *c, enum result r)
{
	struct bearer *b = &m->bearer;

	(void)c;
	b->tau_left = TAU_SAMPLES;
	m->tau.n = m->tau.at = 0;
	if (r == RESULT_OK && address_given(&b->address))
		return b->address.family == m->config->ip ? NEXT : wrong_family(m);
	b->address = (struct addr){0};
	b->at = after(m, SEC(1));
	return ++b->tries < ADDRESS_TRIES ? AGAIN : FAULT;
}

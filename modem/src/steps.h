/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of the bring-up's table (steps.c) and the parts of it that deal with NETOPEN and what an
 * earlier life of the host left open (steps_net.c), and with name servers (steps_dns.c).
 */
#ifndef MODEM_STEPS_H
#define MODEM_STEPS_H

#include "private.h"

#define TRIES 3
#define TAU_SAMPLES 10
#define NETOPEN_TIMEOUT SEC(125) /* CIPTIMEOUT's first value, 120 s, and a little */

enum {
	NEXT = -1,  /* the following row */
	AGAIN = -2, /* this row again, not before bearer.at */
	AWAIT = -3, /* a result line is awaited */
	FAULT = -4, /* the ladder */
};

enum policy {
	MUST, /* ERROR is a fault, after TRIES */
	MAY,  /* ERROR is fine */
	WARN, /* ERROR is logged */
};

struct row {
	enum modem_state state;
	const char *text;
	bool (*build)(struct modem *m, struct command *c); /* instead of text; false: skip it */
	enum info (*info)(void *user, struct command *c, const struct msg *msg);
	int (*judge)(struct modem *m, const struct command *c, enum result r);
	enum policy policy;
	const struct command_type *type; /* NULL: step_command */
	usec_t await;
	const char *fault;
	int fill; /* raw: this many NULs */
};

/* For a judge: not a matter of trying again. Stay, look now and then, touch nothing. */
int step_blocked(struct modem *m, enum modem_failure f, const char *reason);
bool step_build_cgauth(struct modem *m, struct command *c);
bool step_build_card(struct modem *m, struct command *c);
enum info step_info_card(void *user, struct command *c, const struct msg *msg);
bool step_build_ccid(struct modem *m, struct command *c);
bool step_build_cpin(struct modem *m, struct command *c);
bool step_build_cpinr(struct modem *m, struct command *c);
bool step_build_pin(struct modem *m, struct command *c);
bool step_build_cops(struct modem *m, struct command *c);
bool step_build_cpsi(struct modem *m, struct command *c);
bool step_build_cdnscfg(struct modem *m, struct command *c);
bool step_build_cgcontrdp(struct modem *m, struct command *c);
bool step_build_left_close(struct modem *m, struct command *c);
bool step_build_left_list(struct modem *m, struct command *c);
bool step_build_net_close(struct modem *m, struct command *c);
bool step_build_net_open(struct modem *m, struct command *c);
bool step_build_net_query(struct modem *m, struct command *c);
enum info step_info_cpin(void *user, struct command *c, const struct msg *msg);
enum info step_info_iccid(void *user, struct command *c, const struct msg *msg);
enum info step_info_tries(void *user, struct command *c, const struct msg *msg);
enum info step_info_fact(void *user, struct command *c, const struct msg *msg);
bool step_build_server_list(struct modem *m, struct command *c);
enum info step_info_cgcontrdp(void *user, struct command *c, const struct msg *msg);
enum info step_info_ipaddr(void *user, struct command *c, const struct msg *msg);
enum info step_info_left_close(void *user, struct command *c, const struct msg *msg);
enum info step_info_left_list(void *user, struct command *c, const struct msg *msg);
enum info step_info_left_open(void *user, struct command *c, const struct msg *msg);
enum info step_info_net(void *user, struct command *c, const struct msg *msg);
enum info step_info_net_query(void *user, struct command *c, const struct msg *msg);
int step_judge_cgauth(struct modem *m, const struct command *c, enum result r);
int step_judge_cpin(struct modem *m, const struct command *c, enum result r);
int step_judge_pin(struct modem *m, const struct command *c, enum result r);
int step_judge_optional(struct modem *m, const struct command *c, enum result r);
int step_judge_cops(struct modem *m, const struct command *c, enum result r);
int step_judge_cpsi(struct modem *m, const struct command *c, enum result r);
int step_judge_ipaddr(struct modem *m, const struct command *c, enum result r);
int step_judge_left_close(struct modem *m, const struct command *c, enum result r);
int step_judge_net_close(struct modem *m, const struct command *c, enum result r);
int step_judge_net_open(struct modem *m, const struct command *c, enum result r);
int step_judge_net_query(struct modem *m, const struct command *c, enum result r);
int step_judge_server_list(struct modem *m, const struct command *c, enum result r);

#endif

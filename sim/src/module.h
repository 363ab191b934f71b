/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The module's life and its settings: power, card, registration, context, NETOPEN.
 */
#ifndef SIM_MODULE_H
#define SIM_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "parser.h"

#define PDP_MAX 16

enum service {
	SERVICE_CLOSED,
	SERVICE_OPENING,
	SERVICE_OPEN,
	SERVICE_CLOSING,
	SERVICE_LOST, /* after +CIPEVENT when NETOPEN? goes on saying 1 */
};

/* The fields of CIPCCFG: a76xx-at 11. */
enum {
	CCFG_RETRIES,
	CCFG_DELAY,
	CCFG_ACK,
	CCFG_ERR_MODE,
	CCFG_HEADER_TYPE,
	CCFG_ASYNC,
	CCFG_MIN_RTO,
	CCFG_COUNT
};

/* Everything here but the last group is lost at a reset. */
struct module {
	int echo, cmee, cfun, cgatt, cgact;
	int creg, cgreg, cereg; /* URC modes */
	int ciphead, cipsrip, cipmode, sendmode, rxget;
	int dtr_action; /* AT&Dn */
	int socket_cid;
	bool socket_ip6;
	int flow[2];
	long timeout[3]; /* CIPTIMEOUT: netopen, cipopen, cipsend (ms) */
	long ccfg[CCFG_COUNT];
	long keepalive[4];
	char dns[2][48];
	bool pin_done;
	int64_t banner_at;
	enum service service;
	unsigned service_gen;

	bool reset_done; /* knob reset_at fired: once is enough */
	int pin_left;	 /* tries; kept by the card */
	long ipr;	 /* kept with baud_store=persistent or by AT+IPREX */
	bool ipr_kept;
	struct {
		char type[8], apn[64];
		int auth;
		char user[128], password[128];
	} pdp[PDP_MAX];
};

void module_power_on(struct sim *sim);
/* Everything volatile is lost and the module boots; from itself: a NUL precedes the banner. */
void module_reset(struct sim *sim, bool power_cycle);
/* Knob reset_at: the moment named by this word is here; true when the module reset. */
bool module_reset_due(struct sim *sim, const char *word);
void module_check_reset(struct sim *sim);
bool module_registered(const struct sim *sim);
bool module_sim_ready(const struct sim *sim);
/* +CIPEVENT: all links are dead. */
void service_lost(struct sim *sim);
bool service_open(const struct sim *sim);
const char *service_name(enum service s);
const char *service_address(const struct sim *sim);
void urc_storm_start(struct sim *sim);

command_fn cmd_identity, cmd_ati, cmd_cmee, cmd_cpin, cmd_csq, cmd_creg, cmd_cops, cmd_cpsi,
	cmd_cgdcont, cmd_cgact, cmd_cgatt, cmd_cgpaddr, cmd_cgauth, cmd_cgcontrdp, cmd_cfun, cmd_creset,
	cmd_cpof, cmd_ipr, cmd_ifc, cmd_iccid, cmd_spic, cmd_ok, cmd_echo, cmd_factory, cmd_amp_d, cmd_amp_v,
	cmd_setting;
command_fn cmd_csocksetpn, cmd_netopen, cmd_netclose, cmd_ipaddr, cmd_cipmode, cmd_ciptimeout,
	cmd_cipccfg, cmd_ctcpka, cmd_cdnscfg, cmd_cdnsgip, cmd_cping;

#endif

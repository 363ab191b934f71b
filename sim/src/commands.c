/* SPDX-License-Identifier: BSD-3-Clause */
/* The command table: note 2.1 and a76xx-at 2-14. */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "sim.h"

#define SETTING(cmd, member, low, high, range) \
	{cmd, cmd_setting, range, offsetof(struct module, member), low, high}

static const struct command extended[] = {
	/* identity, card, network: a76xx-at 2 */
	{"+CGMI", cmd_identity, NULL, 0, 0, 0},
	{"+GMI", cmd_identity, NULL, 0, 0, 0},
	{"+CGMM", cmd_identity, NULL, 0, 0, 0},
	{"+GMM", cmd_identity, NULL, 0, 0, 0},
	{"+CGMR", cmd_identity, NULL, 0, 0, 0},
	{"+GMR", cmd_identity, NULL, 0, 0, 0},
	{"+CGSN", cmd_identity, NULL, 0, 0, 0},
	{"+GSN", cmd_identity, NULL, 0, 0, 0},
	{"+CIMI", cmd_identity, NULL, 0, 0, 0},
	{"+CICCID", cmd_iccid, NULL, 0, 0, 0},
	{"+ICCID", cmd_iccid, NULL, 0, 0, 0},
	{"+CCID", cmd_iccid, NULL, 0, 0, 0},
	{"+SIMCOMATI", cmd_ati, NULL, 0, 0, 0},
	{"+CMEE", cmd_cmee, "(0-2)", 0, 0, 0},
	{"+CPIN", cmd_cpin, NULL, 0, 0, 0},
	{"+SPIC", cmd_spic, NULL, 0, 0, 0},
	{"+CSQ", cmd_csq, "(0-31,99),(0-7,99)", 0, 0, 0},
	{"+CREG", cmd_creg, "(0-2)", offsetof(struct module, creg), 0, 2},
	{"+CGREG", cmd_creg, "(0-2)", offsetof(struct module, cgreg), 0, 2},
	{"+CEREG", cmd_creg, "(0-5)", offsetof(struct module, cereg), 0, 5},
	{"+COPS", cmd_cops, NULL, 0, 0, 0},
	{"+CPSI", cmd_cpsi, NULL, 0, 0, 0},
	{"+CGDCONT", cmd_cgdcont, "(1-16),\"IP\",,,(0,1),(0,1)", 0, 0, 0},
	{"+CGACT", cmd_cgact, "(0,1)", 0, 0, 0},
	{"+CGATT", cmd_cgatt, "(0,1)", 0, 0, 0},
	{"+CGPADDR", cmd_cgpaddr, "(1-16)", 0, 0, 0},
	{"+CGAUTH", cmd_cgauth, "(1-16),(0-3)", 0, 0, 0},
	{"+CGCONTRDP", cmd_cgcontrdp, "(1)", 0, 0, 0},
	{"+CFUN", cmd_cfun, "(0,1,4,6),(0,1)", 0, 0, 0},
	{"+CRESET", cmd_creset, NULL, 0, 0, 0},
	{"+CPOF", cmd_cpof, NULL, 0, 0, 0},
	{"+IPR", cmd_ipr, NULL, 0, 0, 0},
	{"+IPREX", cmd_ipr, NULL, 1, 0, 0},
	{"+IFC", cmd_ifc, "(0,2),(0,2)", 0, 0, 0},
	{"+CNMI", cmd_ok, NULL, 0, 0, 0},
	{"+CMGF", cmd_ok, NULL, 0, 0, 0},
	{"+CTZU", cmd_ok, NULL, 0, 0, 0},
	{"+CTZR", cmd_ok, NULL, 0, 0, 0},
	{"+CGEREP", cmd_ok, NULL, 0, 0, 0},
	{"+CNMP", cmd_ok, NULL, 0, 0, 0},
	{"+CSCLK", cmd_ok, NULL, 0, 0, 0},
	/* sockets: note 2.1 */
	{"+CSOCKSETPN", cmd_csocksetpn, "(1-16)", 0, 0, 0},
	{"+NETOPEN", cmd_netopen, NULL, 0, 0, 0},
	{"+NETCLOSE", cmd_netclose, NULL, 0, 0, 0},
	{"+IPADDR", cmd_ipaddr, NULL, 0, 0, 0},
	SETTING("+CIPHEAD", ciphead, 0, 1, "(0,1)"),
	SETTING("+CIPSRIP", cipsrip, 0, 1, "(0,1)"),
	SETTING("+CIPSENDMODE", sendmode, 0, 1, "(0,1)"),
	{"+CIPMODE", cmd_cipmode, "(0,1)", 0, 0, 0},
	{"+CIPTIMEOUT", cmd_ciptimeout, "(3000-120000),(3000-120000),(3000-120000)", 0, 0, 0},
	{"+CIPCCFG", cmd_cipccfg, "(0-10),(0-1000),(0,1),(0,1),(0,1),(0,1),(500-120000)", 0, 0, 0},
	{"+CTCPKA", cmd_ctcpka, "(0,1),(1-7200),(1-10),(1-600)", 0, 0, 0},
	{"+CDNSCFG", cmd_cdnscfg, NULL, 0, 0, 0},
	{"+CDNSGIP", cmd_cdnsgip, NULL, 0, 0, 0},
	{"+CPING", cmd_cping, NULL, 0, 0, 0},
	{"+CIPOPEN", cmd_cipopen, "(0-9),(\"TCP\",\"UDP\")", 0, 0, 0},
	{"+CIPSEND", cmd_cipsend, "(0-9),(1-1500)", 0, 0, 0},
	{"+CIPRXGET", cmd_ciprxget, "(0-4),(0-9),(1-1500)", 0, 0, 0},
	{"+CIPCLOSE", cmd_cipclose, "(0-9)", 0, 0, 0},
	{"+CIPACK", cmd_cipack, "(0-9)", 0, 0, 0},
	{"+SERVERSTART", cmd_serverstart, "(0-65535),(0-3)", 0, 0, 0},
	{"+SERVERSTOP", cmd_serverstop, "(0-3)", 0, 0, 0},
};

static const struct command basic[] = {
	{"&D", cmd_amp_d, NULL, 0, 0, 0}, {"&F", cmd_factory, NULL, 0, 0, 0},
	{"&V", cmd_amp_v, NULL, 0, 0, 0}, {"&W", cmd_ok, NULL, 0, 0, 0},
	{"&C", cmd_ok, NULL, 0, 0, 0},	  {"&S", cmd_ok, NULL, 0, 0, 0},
	{"&K", cmd_ok, NULL, 0, 0, 0},	  {"E", cmd_echo, NULL, 0, 0, 0},
	{"I", cmd_ati, NULL, 0, 0, 0},	  {"O", cmd_ato, NULL, 0, 0, 0},
	{"Z", cmd_factory, NULL, 0, 0, 0}, {"H", cmd_ok, NULL, 0, 0, 0},
	{"V1", cmd_ok, NULL, 0, 0, 0},	  {"Q0", cmd_ok, NULL, 0, 0, 0},
	{"X", cmd_ok, NULL, 0, 0, 0},	  {"L", cmd_ok, NULL, 0, 0, 0},
	{"M", cmd_ok, NULL, 0, 0, 0},	  {"S", cmd_ok, NULL, 0, 0, 0},
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < sizeof(extended) / sizeof(extended[0]); i++)
		if (!strcmp(extended[i].name, name))
			return &extended[i];
	return NULL;
}

const struct command *command_basic(const char *text)
{
	for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++)
		if (!strncasecmp(basic[i].name, text, strlen(basic[i].name)))
			return &basic[i];
	return NULL;
}

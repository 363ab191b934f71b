/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon.h"
#include "util/log.h"

#define ASSIGN_MAX 128

/* What this build can do of what is asked. */
static int build_check(const struct config *c, struct config_error *err)
{
	if (tun_setup_has_addresses() || c->interface.address.kind == CONFIG_ADDRESS_NONE)
		return 0;
	snprintf(err->text, sizeof(err->text),
		"interface.address: expected none: this gwd is built without libnl-route and sets "
		"neither addresses nor routes");
	return -EINVAL;
}

static int group_check(const struct config *c, struct config_error *err)
{
	gid_t group;

	if (control_group(c->control.group, &group) == 0)
		return 0;
	snprintf(err->text, sizeof(err->text), "control.group: expected a group of this system, got %s",
		c->control.group);
	return -EINVAL;
}

int invocation_config(const struct invocation *inv, struct config *c, struct config_error *err)
{
	struct config_overrides seen = {0};
	int rc = 0;

	config_defaults(c);
	if (inv->file)
		rc = config_load_file(c, inv->file, err);
	for (unsigned i = 0; i < inv->n_assign && rc == 0; i++)
		rc = config_override(c, &seen, inv->assign[i], inv->assign_name[i], err);
	if (rc == 0)
		rc = config_check(c, err);
	if (rc == 0)
		rc = build_check(c, err);
	if (rc == 0)
		rc = group_check(c, err);
	if (rc == 0 && inv->verbose > 0)
		c->log.level = inv->verbose == 1 ? LOG_LEVEL_DEBUG : LOG_LEVEL_TRACE;
	return rc;
}

static void print_usage(FILE *out)
{
	fprintf(out,
		"usage: gwd [-c FILE] [-o section.key=value]... [-d DEVICE] [-a APN] [-i IFNAME]\n"
		"           [--check] [--print-config] [-v]... [--version] [--help]\n");
}

static void print_help(void)
{
	print_usage(stdout);
	printf("\nMakes a SIMCom A76XX module's AT sockets an ordinary network interface.\n\n"
	       "  -c, --config FILE           read the configuration from FILE\n"
	       "  -o, --option KEY=VALUE      set section.key, over what the file says\n"
	       "  -d, --device DEVICE         modem.device\n"
	       "  -a, --apn APN               modem.apn\n"
	       "  -i, --interface IFNAME      interface.name\n"
	       "      --check                 check the configuration and exit\n"
	       "      --print-config          print the effective configuration and exit\n"
	       "  -v, --verbose               log.level debug; twice: trace, with the AT dialogue\n"
	       "      --version               print the version and exit\n"
	       "      --help                  print this and exit\n\n"
	       "Options of the file and of -o:\n");
	config_print_help(stdout);
	printf("\nSee gwd(8) and gwd.conf(5).\n");
}

enum { ARG_CHECK = 256, ARG_PRINT, ARG_VERSION, ARG_HELP };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"option", required_argument, NULL, 'o'},
	{"device", required_argument, NULL, 'd'},
	{"apn", required_argument, NULL, 'a'},
	{"interface", required_argument, NULL, 'i'},
	{"verbose", no_argument, NULL, 'v'},
	{"check", no_argument, NULL, ARG_CHECK},
	{"print-config", no_argument, NULL, ARG_PRINT},
	{"version", no_argument, NULL, ARG_VERSION},
	{"help", no_argument, NULL, ARG_HELP},
	{0},
};

struct arguments {
	struct invocation inv;
	const char *assign[ASSIGN_MAX], *assign_name[ASSIGN_MAX];
	bool check, print;
};

/* -d, -a and -i are short for one -o each; only the message names differ. */
static int assign(struct arguments *a, const char *name, const char *key, char *value)
{
	char *text = NULL, *secret;

	if (a->inv.n_assign == ASSIGN_MAX) {
		fprintf(stderr, "gwd: more than %d options on the command line\n", ASSIGN_MAX);
		return -1;
	}
	if (asprintf(&text, "%s%s", key, value) < 0)
		return -1;
	/* Not for longer than needed in /proc/PID/cmdline, where everybody may look. */
	secret = *key ? NULL : config_secret_value(value);
	if (secret)
		memset(secret, '*', strlen(secret));
	a->assign[a->inv.n_assign] = text;
	a->assign_name[a->inv.n_assign++] = name;
	return 0;
}

/* -1: go on; otherwise the exit status. */
static int take_option(struct arguments *a, int opt)
{
	int rc = 0;

	switch (opt) {
	case 'c':
		a->inv.file = optarg;
		break;
	case 'o':
		rc = assign(a, "-o", "", optarg);
		break;
	case 'd':
		rc = assign(a, "-d", "modem.device=", optarg);
		break;
	case 'a':
		rc = assign(a, "-a", "modem.apn=", optarg);
		break;
	case 'i':
		rc = assign(a, "-i", "interface.name=", optarg);
		break;
	case 'v':
		a->inv.verbose++;
		break;
	case ARG_CHECK:
		a->check = true;
		break;
	case ARG_PRINT:
		a->print = true;
		break;
	case ARG_VERSION:
		printf("gwd %s\n", GWD_VERSION);
		return EX_OK;
	case ARG_HELP:
		print_help();
		return EX_OK;
	default:
		print_usage(stderr);
		return EX_USAGE;
	}
	return rc < 0 ? EX_USAGE : -1;
}

static int parse_arguments(struct arguments *a, int argc, char **argv)
{
	int opt, rc = -1;

	while (rc < 0 && (opt = getopt_long(argc, argv, "c:o:d:a:i:v", long_options, NULL)) != -1)
		rc = take_option(a, opt);
	if (rc < 0 && optind < argc) {
		fprintf(stderr, "gwd: unexpected argument \"%s\"\n", argv[optind]);
		print_usage(stderr);
		rc = EX_USAGE;
	}
	a->inv.assign = a->assign;
	a->inv.assign_name = a->assign_name;
	return rc;
}

int main(int argc, char **argv)
{
	static struct arguments a;
	static struct daemon d;
	struct config_error err;
	int rc = parse_arguments(&a, argc, argv);

	log_open();
	if (rc < 0) {
		rc = EX_CONFIG;
		if (invocation_config(&a.inv, &d.config, &err) < 0) {
			log_error("%s", err.text);
		} else if (a.print) {
			config_print(&d.config, stdout);
			rc = EX_OK;
		} else if (a.check) {
			printf("the configuration is valid\n");
			rc = EX_OK;
		} else {
			log_set_level(d.config.log.level);
			rc = daemon_run(&d, &a.inv);
		}
	}
	for (unsigned i = 0; i < a.inv.n_assign; i++)
		free((char *)a.assign[i]);
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* gwd-options: writes what the documentation takes from the option table, at build time. */
#include <string.h>
#include <sysexits.h>

#include "config/config.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out);
	} forms[] = {
		{"--example", config_print_example},
		{"--scdoc", config_print_scdoc},
		{"--help-text", config_print_help},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(argv[1], forms[i].name) == 0) {
			forms[i].print(stdout);
			return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
		}
	fprintf(stderr, "usage: gwd-options --example|--scdoc|--help-text\n");
	return EX_USAGE;
}

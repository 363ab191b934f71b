/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which ttys of this system belong to SIMCom modules on USB, the likeliest AT port first.
 */
#ifndef GWD_PORTS_H
#define GWD_PORTS_H

#include <stdbool.h>

#define PORTS_MAX 16 /* three modules' worth */
#define PORTS_PATH_MAX 280 /* /dev and a name of sysfs */

/* Where to look; tests have a tree of their own. */
struct ports_root {
	const char *sys, *dev; /* "/sys", "/dev" */
};

struct ports {
	unsigned n;
	struct {
		char path[PORTS_PATH_MAX];
		unsigned rank;
		bool known; /* by product and interface number; the rest are guesses */
	} port[PORTS_MAX];
};

/* Reads sysfs; opens no device. */
void ports_find(const struct ports_root *root, struct ports *out);

#endif

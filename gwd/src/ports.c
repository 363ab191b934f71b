/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * The number in ttyUSB2 says little: it shifts when a port has no driver or another device came
 * first. What stays is the number of the USB interface behind it (AT reference 13). sysfs has it:
 *
 *   class/tty/ttyUSB2/device -> .../1-1/1-1:1.2/ttyUSB2   (serial drivers, e.g. option)
 *   class/tty/ttyACM0/device -> .../1-1/1-1:1.2           (cdc_acm)
 *
 * so the first folder on the way up that has bInterfaceNumber is the interface, and its parent,
 * with idVendor and idProduct, the device.
 */
#include "ports.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VENDOR_SIMCOM 0x1e0e
#define CLIMB_MAX 3
#define RANK_GUESS 100

/* AT reference 13: AT port and PPP port (which takes AT commands, too) of the known products. */
static const struct {
	unsigned product, interface, rank;
} known_ports[] = {
	{0x9001, 2, 0},
	{0x9001, 3, 1},
	{0x9011, 4, 0},
	{0x9011, 5, 1},
};

/* The hexadecimal number in a file of sysfs, -1 for none. */
static long read_hex(const char *dir, const char *name)
{
	char path[PATH_MAX], text[16] = "", *end = text;
	FILE *in;
	long v;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -1;
	in = fopen(path, "re");
	if (!in)
		return -1;
	if (!fgets(text, sizeof(text), in))
		text[0] = '\0';
	fclose(in);
	v = strtol(text, &end, 16);
	return end == text || v < 0 ? -1 : v;
}

static bool parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* Product and interface number of a tty of SIMCom's; false for any other. */
static bool identify(const struct ports_root *root, const char *name, unsigned *product,
	unsigned *interface)
{
	char link[PATH_MAX], path[PATH_MAX];
	long number = -1, vendor, id;

	if (snprintf(link, sizeof(link), "%s/class/tty/%s/device", root->sys, name) >=
			(int)sizeof(link) ||
		!realpath(link, path))
		return false;
	for (unsigned i = 0; i < CLIMB_MAX && number < 0; i++) {
		number = read_hex(path, "bInterfaceNumber");
		if (!parent(path))
			return false;
	}
	vendor = read_hex(path, "idVendor");
	id = read_hex(path, "idProduct");
	if (number < 0 || number > 0xff || vendor != VENDOR_SIMCOM || (id & ~0xffL) != 0x9000)
		return false;
	*product = (unsigned)id;
	*interface = (unsigned)number;
	return true;
}

static void add(const struct ports_root *root, struct ports *out, const char *name)
{
	unsigned product, interface, n = out->n;

	if (n == PORTS_MAX || !identify(root, name, &product, &interface) ||
		snprintf(out->port[n].path, PORTS_PATH_MAX, "%s/%s", root->dev, name) >=
			PORTS_PATH_MAX)
		return;
	out->port[n].rank = RANK_GUESS + interface;
	out->port[n].known = false;
	for (unsigned i = 0; i < sizeof(known_ports) / sizeof(known_ports[0]); i++)
		if (known_ports[i].product == product && known_ports[i].interface == interface) {
			out->port[n].rank = known_ports[i].rank;
			out->port[n].known = true;
		}
	out->n++;
}

/* By rank; equal ones, of several modules, by name, so that it is the same one each time. */
static int compare(const void *a, const void *b)
{
	const __typeof__(((struct ports *)0)->port[0]) *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strverscmp(x->path, y->path);
}

void ports_find(const struct ports_root *root, struct ports *out)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	out->n = 0;
	if (snprintf(path, sizeof(path), "%s/class/tty", root->sys) >= (int)sizeof(path))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (strncmp(e->d_name, "ttyUSB", 6) == 0 || strncmp(e->d_name, "ttyACM", 6) == 0)
			add(root, out, e->d_name);
	closedir(dir);
	qsort(out->port, out->n, sizeof(out->port[0]), compare);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known only when the whole configuration is: required options, combinations, the PIN file.
 * Nothing here opens the device or the network; --check must be harmless beside a running daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option.h"

#define LINKS 10 /* link_num 0-9 */

/* The PIN is never part of a message, not even a wrong one: it may be a typing error of the right
 * one. TS 51.011, 9.3: a CHV has 4 to 8 digits. A file that fills the buffer is no PIN file. */
int config_read_pin(const char *path, char pin[CONFIG_PIN_SIZE], struct config_error *err)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int rc = n < 0 ? -errno : 0;
	size_t digits = strspn(text, "0123456789");

	if (fd >= 0)
		close(fd);
	if (rc < 0)
		config_fail(err, "modem.pin_file: %s: %s", path, strerror(-rc));
	else if (digits < 4 || digits > 8 || text[digits + strspn(text + digits, " \t\r\n")] ||
		 strlen(text) != (size_t)n || (size_t)n == sizeof(text) - 1)
		rc = config_fail(
			err, "modem.pin_file: %s: expected 4 to 8 digits and nothing else", path);
	else
		snprintf(pin, CONFIG_PIN_SIZE, "%.*s", (int)digits, text);
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* Wrong permissions are a warning, no error: some file systems of routers know none. */
static int check_pin_file(const char *path, struct config_error *err)
{
	char pin[CONFIG_PIN_SIZE];
	struct stat st;
	int rc = config_read_pin(path, pin, err);

	explicit_bzero(pin, sizeof(pin));
	if (rc == 0 && stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		log_warn(
			"modem.pin_file: %s: mode %03o lets others see the PIN, expected 600 or 400",
			path, (unsigned)st.st_mode & 0777);
	return rc;
}

int config_check(const struct config *c, struct config_error *err)
{
	char text[ADDR_STRLEN];

	if (!*c->modem.device)
		return config_fail(err,
			"modem.device: expected the path of the module's AT port, got none "
			"(set it in the file or with -d)");
	if (!c->interface.address.automatic && c->interface.address.addr.family != c->modem.ip)
		return config_fail(err,
			"interface.address: expected an IPv%u address (modem.ip), got %s",
			c->modem.ip, addr_format(&c->interface.address.addr, text));
	if (c->links.udp + c->links.reserved >= LINKS)
		return config_fail(err,
			"links.reserved: expected at most %u, one link less than "
			"links.udp = %u leaves, got %u",
			LINKS - 1 - c->links.udp, c->links.udp, c->links.reserved);
	if (*c->modem.pin_file)
		return check_pin_file(c->modem.pin_file, err);
	return 0;
}

/* By their texts: what prints alike is alike, whatever lies behind the end of a list. */
static bool is_same(const struct option *o, const struct config *a, const struct config *b)
{
	char text_a[CONFIG_TEXT_MAX], text_b[CONFIG_TEXT_MAX];
	unsigned n = value_lines(o, a);

	if (n != value_lines(o, b))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (strcmp(value_format(o, a, i, text_a), value_format(o, b, i, text_b)) != 0)
			return false;
	return true;
}

void config_diff(const struct config *a, const struct config *b,
	void (*each)(void *user, const char *name, bool live), void *user)
{
	char name[OPTION_NAME_MAX];

	for (unsigned i = 0; i < options_count; i++)
		if (!is_same(&options[i], a, b))
			each(user, option_name(&options[i], name), options[i].live);
}

void config_apply_live(struct config *to, const struct config *from)
{
	for (unsigned i = 0; i < options_count; i++)
		if (options[i].live)
			memcpy((char *)to + options[i].offset, (const char *)from + options[i].offset,
				options[i].size);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known only when the whole configuration is: required options, combinations, secrets' files.
 * Nothing here opens the device or the network; --check must be harmless beside a running daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option.h"

#define LINKS 10 /* link_num 0-9 */
#define IP6_MTU_MIN 1280 /* RFC 8200 5; with less the kernel takes IPv6 off the interface */

/* The file of a secret, at most @size - 1 bytes, which a file as large as that may exceed. Its length
 * or -errno with @err filled in. */
static ssize_t read_secret(const char *name, const char *path, char *text, size_t size,
	struct config_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
	int rc = n < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (rc < 0) {
		config_fail(err, "%s: %s: %s", name, path, strerror(-rc));
		return rc;
	}
	text[n] = '\0';
	return n;
}

/* The PIN is never part of a message, not even a wrong one: it may be a typing error of the right
 * one. TS 51.011, 9.3: a CHV has 4 to 8 digits. A file that fills the buffer is no PIN file. */
int config_read_pin(const char *path, char pin[CONFIG_PIN_SIZE], struct config_error *err)
{
	char text[32] = "";
	ssize_t n = read_secret("modem.pin_file", path, text, sizeof(text), err);
	size_t digits = strspn(text, "0123456789");
	int rc = n < 0 ? (int)n : 0;

	if (rc == 0 && (digits < 4 || digits > 8 || text[digits + strspn(text + digits, " \t\r\n")] ||
		 strlen(text) != (size_t)n || (size_t)n == sizeof(text) - 1))
		rc = config_fail(
			err, "modem.pin_file: %s: expected 4 to 8 digits and nothing else", path);
	else if (rc == 0)
		snprintf(pin, CONFIG_PIN_SIZE, "%.*s", (int)digits, text);
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* One line of the file, to the end of the line: a blank may be part of it. */
static int read_password_file(const char *path, char password[CONFIG_LOGIN_SIZE],
	struct config_error *err)
{
	char text[CONFIG_LOGIN_SIZE + 3] = ""; /* a line end of two bytes */
	ssize_t n = read_secret("modem.password_file", path, text, sizeof(text), err);
	size_t len = strcspn(text, "\r\n");
	int rc = n < 0 ? (int)n : 0;

	if (rc == 0 && (len == 0 || text[len + strspn(text + len, "\r\n")] ||
			       strlen(text) != (size_t)n || len >= CONFIG_LOGIN_SIZE))
		rc = config_fail(err,
			"modem.password_file: %s: expected one line of 1 to %d characters", path,
			CONFIG_LOGIN_SIZE - 1);
	text[len] = '\0';
	if (rc == 0 && !valid_login(text))
		rc = config_fail(err,
			"modem.password_file: %s: expected printable ASCII characters other than "
			"'\"', which no AT command can carry", path);
	if (rc == 0)
		memcpy(password, text, len + 1);
	explicit_bzero(text, sizeof(text));
	return rc;
}

int config_read_password(const struct config *c, char password[CONFIG_LOGIN_SIZE],
	struct config_error *err)
{
	if (*c->modem.password_file)
		return read_password_file(c->modem.password_file, password, err);
	memcpy(password, c->modem.password, CONFIG_LOGIN_SIZE);
	return 0;
}

/* Wrong permissions are a warning, no error: some file systems of routers know none. */
static void check_mode(const char *name, const char *path, const char *what)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
		log_warn("%s: %s: mode %03o lets others see the %s, expected 600 or 400", name,
			path, (unsigned)st.st_mode & 0777, what);
}

static int check_pin_file(const char *path, struct config_error *err)
{
	char pin[CONFIG_PIN_SIZE];
	int rc = config_read_pin(path, pin, err);

	explicit_bzero(pin, sizeof(pin));
	if (rc == 0)
		check_mode("modem.pin_file", path, "PIN");
	return rc;
}

static int check_login(const struct config *c, struct config_error *err)
{
	char password[CONFIG_LOGIN_SIZE];
	int rc;

	if (*c->modem.password && *c->modem.password_file)
		return config_fail(err, "modem.password: expected none beside modem.password_file");
	if (c->modem.auth != CONFIG_AUTH_NONE && !*c->modem.user)
		return config_fail(err, "modem.user: expected a user name for modem.auth, got none");
	rc = config_read_password(c, password, err);
	explicit_bzero(password, sizeof(password));
	if (rc < 0)
		return rc;
	if (*c->modem.password_file)
		check_mode("modem.password_file", c->modem.password_file, "password");
	if (*c->modem.password)
		log_warn("modem.password: others may see it there; modem.password_file is safer");
	if (c->modem.auth == CONFIG_AUTH_NONE && *c->modem.user)
		log_warn("modem.user: without modem.auth = pap or chap nobody logs in with it");
	return 0;
}

/* Without an address of ours there is nothing for a route of ours to stand on. */
static int check_address(const struct config *c, struct config_error *err)
{
	char text[ADDR_STRLEN];

	if (c->interface.address.kind == CONFIG_ADDRESS_GIVEN &&
		c->interface.address.addr.family != c->modem.ip)
		return config_fail(err,
			"interface.address: expected an IPv%u address (modem.ip), got %s",
			c->modem.ip, addr_format(&c->interface.address.addr, text));
	if (c->interface.address.kind != CONFIG_ADDRESS_NONE)
		return 0;
	if (c->interface.default_route)
		return config_fail(err,
			"interface.default_route: expected no with interface.address = none: who "
			"sets the address sets the route, too");
	if (c->forward.tcp.n && c->forward.source == CONFIG_FORWARD_GATEWAY)
		return config_fail(err,
			"forward.source: expected remote with interface.address = none");
	return 0;
}

int config_check(const struct config *c, struct config_error *err)
{
	int rc;

	if (!*c->modem.device)
		return config_fail(err,
			"modem.device: expected the path of the module's AT port or auto, got "
			"none (set it in the file or with -d)");
	rc = check_address(c, err);
	if (rc < 0)
		return rc;
	if (c->modem.ip == 6 && c->interface.mtu < IP6_MTU_MIN)
		return config_fail(err,
			"interface.mtu: expected at least %u for IPv6 (modem.ip), got %u",
			IP6_MTU_MIN, c->interface.mtu);
	if (c->modem.hex && c->modem.receive != CONFIG_RECEIVE_AUTO &&
		c->modem.receive != CONFIG_RECEIVE_BUFFER)
		return config_fail(err,
			"modem.hex: expected no with this modem.receive: only buffer mode reads in hex");
	/* NOTE 1.5.4: only the first server works in transparent mode. */
	if (c->modem.receive == CONFIG_RECEIVE_TRANSPARENT && c->forward.tcp.n > 1)
		return config_fail(err,
			"forward.tcp: expected at most 1 with modem.receive = transparent, got %u",
			c->forward.tcp.n);
	if (c->links.udp + c->links.reserved >= LINKS)
		return config_fail(err,
			"links.reserved: expected at most %u, one link less than "
			"links.udp = %u leaves, got %u",
			LINKS - 1 - c->links.udp, c->links.udp, c->links.reserved);
	rc = check_login(c, err);
	if (rc == 0)
		rc = forward_check(c, err);
	if (rc < 0)
		return rc;
	if (c->modem.dns.n > CONFIG_DNS_MAX)
		return config_fail(err, "modem.dns: expected at most %d, got %u", CONFIG_DNS_MAX,
			c->modem.dns.n);
	if (forward_filtered(c, "/proc/sys/net/ipv4/conf"))
		log_warn("forward.source: remote, and strict rp_filter drops what comes from clients "
			 "unless the way back to them leads through %s: add routing rules, or set "
			 "forward.source = gateway", c->interface.name);
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

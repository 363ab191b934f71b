/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of options. A row is all there is to say about an option; the parser, --help,
 * --print-config, the example file and the man page's section are made from it.
 *
 * A new option is a field in struct config and a row here, nothing else. Its default is text, read
 * by the same code as a file's, so that a default out of its own range cannot exist. "live" is a
 * promise of the daemon: it takes the new value on reload without touching a flow.
 */
#include <assert.h>
#include <string.h>

#include "option.h"

#define FIELD(f) .offset = offsetof(struct config, f), .size = sizeof(((struct config *)NULL)->f)
#define RANGE(lo, hi) .min = (lo), .max = (hi)

static_assert(sizeof(enum config_receive) == sizeof(unsigned), "an enum is stored as unsigned");
static_assert(sizeof(enum config_buffer_return) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_flow_control) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_auth) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_auth_order) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_dns) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_busy) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_escape) == sizeof(unsigned), "the same");
static_assert(sizeof(enum log_level) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_give_up) == sizeof(unsigned), "the same");
static_assert(sizeof(enum config_forward_source) == sizeof(unsigned), "the same");

static const struct option_name flow_controls[] = {
	{"none", CONFIG_FLOW_NONE},
	{"rtscts", CONFIG_FLOW_RTSCTS},
	{NULL, 0},
};

static const struct option_name auths[] = {
	{"none", CONFIG_AUTH_NONE},
	{"pap", CONFIG_AUTH_PAP},
	{"chap", CONFIG_AUTH_CHAP},
	{NULL, 0},
};

static const struct option_name auth_orders[] = {
	{"auto", CONFIG_ORDER_AUTO},
	{"user", CONFIG_ORDER_USER},
	{"password", CONFIG_ORDER_PASSWORD},
	{NULL, 0},
};

static const struct option_name ip_versions[] = {
	{"4", 4},
	{"6", 6},
	{NULL, 0},
};

static const struct option_name receive_modes[] = {
	{"auto", CONFIG_RECEIVE_AUTO},
	{"push", CONFIG_RECEIVE_PUSH},
	{"buffer", CONFIG_RECEIVE_BUFFER},
	{"transparent", CONFIG_RECEIVE_TRANSPARENT},
	{NULL, 0},
};

static const struct option_name busies[] = {
	{"wait", CONFIG_BUSY_WAIT},
	{"refuse", CONFIG_BUSY_REFUSE},
	{NULL, 0},
};

static const struct option_name escapes[] = {
	{"plus", CONFIG_ESCAPE_PLUS},
	{"dtr", CONFIG_ESCAPE_DTR},
	{NULL, 0},
};

static const struct option_name dns_modes[] = {
	{"auto", CONFIG_DNS_AUTO},
	{"udp", CONFIG_DNS_UDP},
	{"tcp", CONFIG_DNS_TCP},
	{"modem", CONFIG_DNS_MODEM},
	{NULL, 0},
};

static const struct option_name buffer_returns[] = {
	{"idle", CONFIG_RETURN_IDLE},
	{"empty", CONFIG_RETURN_EMPTY},
	{NULL, 0},
};

static const struct option_name give_ups[] = {
	{"no", CONFIG_GIVE_UP_NO},
	{"pin", CONFIG_GIVE_UP_PIN},
	{"yes", CONFIG_GIVE_UP_YES},
	{NULL, 0},
};

static const struct option_name forward_sources[] = {
	{"remote", CONFIG_FORWARD_REMOTE},
	{"gateway", CONFIG_FORWARD_GATEWAY},
	{NULL, 0},
};

static const struct option_name log_levels[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warn", LOG_LEVEL_WARN},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
	{"trace", LOG_LEVEL_TRACE},
	{NULL, 0},
};

/* Rows of one section stand together: the printers start a section where its name changes. */
const struct option options[] = {
	{"interface", "name", OPTION_TEXT, FIELD(interface.name), .valid = valid_ifname,
		.def = "cell0", .arg = "NAME",
		.expect = "an interface name (1-15 of letters, digits, '.', '-', '_'; one %d)",
		.help = "Name of the TUN interface; %d takes the first free number."},
	{"interface", "mtu", OPTION_UINT, FIELD(interface.mtu), RANGE(576, 9000), .live = true,
		.def = "1500",
		.help = "Largest IP packet of the interface in bytes; IPv6 needs 1280 at least."},
	{"interface", "address", OPTION_ADDRESS, FIELD(interface.address), .def = "auto",
		.arg = "auto|none|ADDRESS/PREFIX", .expect = "auto, none or ADDRESS/PREFIX of a host",
		.help = "Address of the interface; auto takes the one the network gave the module, none "
			"leaves it to others: interface.script is told of it."},
	{"interface", "default_route", OPTION_BOOL, FIELD(interface.default_route), .live = true, .def = "no",
		.help = "Install a default route while the bearer is up."},
	{"interface", "metric", OPTION_UINT, FIELD(interface.metric), RANGE(0, UINT32_MAX),
		.live = true, .def = "700", .help = "Metric of the default route; lower wins."},
	{"interface", "script", OPTION_TEXT, FIELD(interface.script), .valid = valid_path, .def = "",
		.live = true, .arg = "PATH", .example = "/etc/gwd/script",
		.expect = "an absolute path, without arguments",
		.help = "Program that is run when the interface comes up, changes or goes down, with the facts "
			"in its environment (see SCRIPT); within 30 s, one at a time, without a shell."},

	{"modem", "device", OPTION_TEXT, FIELD(modem.device), .valid = valid_device, .def = "",
		.arg = "PATH|auto", .example = "/dev/ttyUSB2",
		.expect = "an absolute path or auto",
		.help = "The module's AT port; auto looks for a SIMCom module on USB and takes the port "
			"that answers. Required."},
	{"modem", "baud", OPTION_UINT, FIELD(modem.baud), RANGE(300, 4000000), .def = "115200",
		.help = "Speed of the port in bits per second; without meaning over USB."},
	{"modem", "flow_control", OPTION_ENUM, FIELD(modem.flow_control), .names = flow_controls,
		.def = "none", .help = "Hardware flow control of the port."},
	{"modem", "apn", OPTION_TEXT, FIELD(modem.apn), .valid = valid_apn, .def = "",
		.arg = "NAME", .example = "internet",
		.expect = "an APN (at most 100 letters, digits, '.', '-', '_')",
		.help = "Access point name of PDP profile 1; empty leaves it to the network."},
	{"modem", "auth", OPTION_ENUM, FIELD(modem.auth), .names = auths, .def = "none",
		.help = "How the access point wants a user and password; none clears what profile 1 "
			"has, if modem.apn is set."},
	{"modem", "user", OPTION_TEXT, FIELD(modem.user), .valid = valid_login, .def = "",
		.arg = "NAME", .example = "web",
		.expect = "a user name (at most 127 printable ASCII characters, no '\"')",
		.help = "User name for modem.auth."},
	{"modem", "password_file", OPTION_TEXT, FIELD(modem.password_file), .valid = valid_path,
		.def = "", .arg = "PATH", .example = "/etc/gwd/password",
		.expect = "an absolute path",
		.help = "File with the password for modem.auth in one line, readable by root only."},
	{"modem", "password", OPTION_TEXT, FIELD(modem.password), .valid = valid_login, .def = "",
		.arg = "TEXT", .example = "secret", .secret = true,
		.expect = "a password (at most 127 printable ASCII characters, no '\"')",
		.help = "The password itself; modem.password_file keeps it out of this file and of the "
			"process list."},
	{"modem", "auth_order", OPTION_ENUM, FIELD(modem.auth_order), .names = auth_orders,
		.def = "auto",
		.help = "Which of the two AT+CGAUTH takes first; auto knows it from the model and tries "
			"the other when the network does not come up."},
	{"modem", "pin_file", OPTION_TEXT, FIELD(modem.pin_file), .valid = valid_path, .def = "",
		.arg = "PATH", .example = "/etc/gwd/pin", .expect = "an absolute path",
		.help = "File with the SIM's PIN (4 to 8 digits), readable by root only."},
	{"modem", "pin_force", OPTION_BOOL, FIELD(modem.pin_force), .def = "no",
		.help = "Enter the PIN even if it was refused before or only one try is left; three "
			"wrong PINs lock the SIM."},
	{"modem", "state_dir", OPTION_TEXT, FIELD(modem.state_dir), .valid = valid_path,
		.def = "/var/lib/gwd", .arg = "PATH", .expect = "an absolute path",
		.help = "Folder where gwd remembers which PIN it entered into which SIM, so that a wrong "
			"one is entered once only, whatever restarts there are."},
	{"modem", "ip", OPTION_ENUM, FIELD(modem.ip), .names = ip_versions, .def = "4",
		.help = "IP version of the PDP context: the module carries one, never both."},
	{"modem", "receive", OPTION_ENUM, FIELD(modem.receive), .names = receive_modes,
		.def = "auto",
		.help = "How the module delivers data: push sends it at once, buffer is polled; push is "
			"faster, but a flow whose host does not read is reset. auto pushes, and polls "
			"while a host does not read. transparent gives the whole line to one flow at a "
			"time."},
	{"modem", "buffer_return", OPTION_ENUM, FIELD(modem.buffer_return), .names = buffer_returns,
		.live = true, .def = "idle",
		.help = "When auto goes back to push: idle, no TCP flow is left; empty, no link has unread "
			"data, which relies on a module that announces all data."},
	{"modem", "hex", OPTION_BOOL, FIELD(modem.hex), .def = "no",
		.help = "Read received data in hex, for a line that garbles some byte values (what is sent "
			"has no such form); receive = auto is buffer then."},
	{"modem", "dns", OPTION_LIST, FIELD(modem.dns), .valid = valid_host_address, .def = "",
		.live = true, .arg = "ADDRESS", .example = "192.0.2.53",
		.expect = "the address of a name server (not a name)",
		.help = "Name server for the module's own look-ups and for interface.script, before those of "
			"the network; may be given twice."},
	{"modem", "init", OPTION_LIST, FIELD(modem.init), .valid = valid_at_command, .def = "",
		.arg = "COMMAND", .example = "AT+CNMP=38",
		.expect = "an AT command (AT..., printable, at most 200 characters, 16 of them)",
		.help = "An AT command sent after the standard ones; may repeat."},
	{"modem", "power_command", OPTION_TEXT, FIELD(modem.power_command), .valid = valid_path,
		.live = true, .def = "", .arg = "COMMAND", .example = "/usr/local/sbin/power-cycle-module",
		.expect = "an absolute path and arguments",
		.help = "Program that power-cycles the module, the last resort of recovery; split at "
			"blanks, run without a shell."},
	{"modem", "give_up", OPTION_ENUM, FIELD(modem.give_up), .names = give_ups, .def = "no",
		.live = true,
		.help = "Exit when PIN, SIM, registration, APN or modem.ip are refused, instead of trying "
			"again; pin: only when the PIN or the PUK is wanted."},
	/* CTCPKA's <idle> is in minutes, as far as is known (AT reference 11). */
	{"modem", "keepalive", OPTION_DURATION, FIELD(modem.keepalive), RANGE(0, SEC(7200)),
		.def = "0",
		.help = "Have the module probe TCP connections that are idle for this long, in whole "
			"minutes; 0 leaves its own setting."},

	{"transparent", "udp", OPTION_BOOL, FIELD(transparent.udp), .def = "no", .live = true,
		.help = "Let a UDP flow have the line, too; the boundaries of its datagrams are lost."},
	{"transparent", "busy", OPTION_ENUM, FIELD(transparent.busy), .names = busies,
		.def = "wait", .live = true,
		.help = "What a TCP connection meets while another flow has the line: wait its turn "
			"(30 s at most) or refuse."},
	{"transparent", "escape", OPTION_ENUM, FIELD(transparent.escape), .names = escapes,
		.def = "plus",
		.help = "How the line is taken back from a flow: plus sends +++ between two silences, "
			"dtr needs the DTR line wired to the module."},

	/* The module has ten links (link_num 0-9); config_check() looks at their sum. */
	{"links", "udp", OPTION_UINT, FIELD(links.udp), RANGE(0, 9), .def = "2", .live = true,
		.help = "Most of the module's ten links that UDP may use; 0 is no UDP; with dns.mode = modem "
			"it leaves all ten to TCP."},
	{"links", "reserved", OPTION_UINT, FIELD(links.reserved), RANGE(0, 8), .def = "0",
		.live = true, .help = "Links kept for interactive flows."},
	{"links", "connecting", OPTION_UINT, FIELD(links.connecting), RANGE(1, 9), .def = "6",
		.live = true, .help = "Most links in the act of connecting."},

	/* The bounds of connect_timeout are those of AT+CIPTIMEOUT's second value, 3000-120000 ms. */
	{"tcp", "connect_timeout", OPTION_DURATION, FIELD(tcp.connect_timeout),
		RANGE(SEC(3), SEC(120)), .live = true, .def = "30s",
		.help = "How long the module tries to connect."},
	{"tcp", "linger", OPTION_DURATION, FIELD(tcp.linger), RANGE(0, SEC(300)), .def = "10s",
		.live = true,
		.help = "How long a half-closed flow whose owner is unknown may stay without a byte."},
	{"tcp", "idle_timeout", OPTION_DURATION, FIELD(tcp.idle_timeout), RANGE(0, SEC(604800)),
		.def = "0", .live = true,
		.help = "Reset a flow after this long without a byte; 0: never."},
	{"tcp", "buffer", OPTION_SIZE, FIELD(tcp.buffer), RANGE(16384, 1048576), .def = "65536",
		.help = "Most bytes received for one flow that its host has not taken yet; at half of it "
			"receive = auto changes to buffer."},
	{"tcp", "pool", OPTION_SIZE, FIELD(tcp.pool), RANGE(65536, 16777216), .def = "262144",
		.help = "The same for all flows together; never less than tcp.buffer."},

	{"udp", "timeout", OPTION_DURATION, FIELD(udp.timeout), RANGE(SEC(5), SEC(3600)),
		.def = "120s", .live = true,
		.help = "A UDP flow ends after this long without a datagram (RFC 4787 wants 120 s)."},
	{"udp", "dns_timeout", OPTION_DURATION, FIELD(udp.dns_timeout), RANGE(SEC(1), SEC(120)),
		.def = "10s", .live = true, .help = "A DNS query is forgotten after this long."},

	{"dns", "mode", OPTION_ENUM, FIELD(dns.mode), .names = dns_modes, .def = "auto",
		.live = true,
		.help = "How names are asked for: udp by a link that all queries share, tcp by one TCP link, "
			"modem by the module's own resolver, whoever is asked (host addresses only); auto "
			"takes udp while the module pushes data, and tcp in buffer mode. Transparent mode has "
			"modem only."},

	{"forward", "tcp", OPTION_LIST, FIELD(forward.tcp), .valid = valid_forward, .def = "",
		.arg = "PORT:HOST:HOSTPORT", .example = "8080:192.168.1.10:80", .live = true,
		.expect = "PORT:HOST:HOSTPORT (HOST an address, but no loopback or link-local one; IPv6 in brackets)",
		.help = "Who connects to PORT of the module is connected to HOSTPORT of HOST, this "
			"machine or one behind it; may repeat, four at most (one in transparent mode)."},
	{"forward", "source", OPTION_ENUM, FIELD(forward.source), .names = forward_sources,
		.def = "remote", .live = true,
		.help = "The address that HOST sees: remote is the client's own, to which replies must "
			"be routed through the interface; gateway is an address next to the "
			"interface's, with a route of its own."},

	{"control", "socket", OPTION_TEXT, FIELD(control.socket), .valid = valid_socket_path,
		.def = "", .arg = "PATH", .example = "/run/gwd/cell0.sock",
		.expect = "an absolute path of at most 107 bytes",
		.help = "Unix socket of gwctl; empty is " GWD_RUN_DIR "/IFNAME.sock."},
	{"control", "group", OPTION_TEXT, FIELD(control.group), .valid = valid_group, .live = true,
		.def = "", .arg = "GROUP", .example = "gwd",
		.expect = "the name or the number of a group",
		.help = "Group of control.socket, whose members may use gwctl; empty leaves that of the "
			"daemon."},

	{"metrics", "listen", OPTION_TEXT, FIELD(metrics.listen), .valid = valid_listen, .def = "",
		.arg = "ADDRESS:PORT|PATH", .example = "127.0.0.1:9776", .live = true,
		.expect = "ADDRESS:PORT of 127.0.0.0/8 or [::1] (whoever reaches it may read) or an absolute path",
		.help = "Where GET /metrics is answered, for Prometheus on this machine: an address of the "
			"loopback, or a Unix socket; empty is nowhere. gwctl metrics needs no listener."},

	{"log", "level", OPTION_ENUM, FIELD(log.level), .names = log_levels, .def = "info",
		.live = true, .help = "What is logged; trace shows the AT dialogue."},
	{"log", "payload", OPTION_BOOL, FIELD(log.payload), .live = true, .def = "no",
		.help = "With log.level = trace, show the first 64 bytes of each payload, too: what "
			"programs send and receive."},
};

const unsigned options_count = sizeof(options) / sizeof(options[0]);

static_assert(
	sizeof(options) / sizeof(options[0]) <= OPTION_MAX, "struct config_overrides is full");

const char *option_name(const struct option *o, char buf[OPTION_NAME_MAX])
{
	snprintf(buf, OPTION_NAME_MAX, "%s.%s", o->section, o->key);
	return buf;
}

const struct option *option_find(const char *section, const char *key)
{
	for (unsigned i = 0; i < options_count; i++)
		if (strcmp(options[i].section, section) == 0 && strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

bool option_section_known(const char *section)
{
	for (unsigned i = 0; i < options_count; i++)
		if (strcmp(options[i].section, section) == 0)
			return true;
	return false;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance; @b is shorter than OPTION_NAME_MAX. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[OPTION_NAME_MAX];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (unsigned i = 1; *a; a++, i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (*a != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

const struct option *option_nearest(const char *section, const char *key)
{
	const struct option *best = NULL;
	unsigned best_distance = 3; /* two typing errors */
	char wrong[OPTION_NAME_MAX], name[OPTION_NAME_MAX];

	snprintf(wrong, sizeof(wrong), "%s.%s", section, key);
	for (unsigned i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		unsigned d = distance(wrong, option_name(o, name));

		/* The right key in the wrong section is as good as one typing error. */
		if (strcmp(o->key, key) == 0 && d > 1)
			d = 1;
		if (d < best_distance) {
			best = o;
			best_distance = d;
		}
	}
	return best;
}

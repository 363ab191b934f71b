/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks a running gwd over its control socket and prints the answer for people, or as JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 5

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_RUNNING = 3, EXIT_TIMED_OUT = 4 };

/* ---- talking to gwd ---- */

/* The default: cell0's socket, else the only one there is. */
static const char *default_socket(void)
{
	static char path[108];
	glob_t found;

	snprintf(path, sizeof(path), "/run/gwd/cell0.sock");
	if (access(path, F_OK) != 0 && glob("/run/gwd/*.sock", 0, NULL, &found) == 0) {
		if (found.gl_pathc == 1)
			snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
		globfree(&found);
	}
	return path;
}

static int open_socket(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
	int fd;

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= (int)sizeof(sa.sun_path)) {
		fprintf(stderr, "gwctl: %s: path too long for a socket\n", path);
		exit(EXIT_USAGE);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int code = errno == ENOENT || errno == ECONNREFUSED ? EXIT_NOT_RUNNING : EXIT_FAILED;

		fprintf(stderr, "gwctl: %s: %s%s\n", path, strerror(errno),
			code == EXIT_NOT_RUNNING ? " (is gwd running?)" : "");
		exit(code);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

/* One line, allocated. */
static char *read_line(int fd)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	if (!in || getline(&line, &size, in) <= 0) {
		bool late = errno == EAGAIN;

		fprintf(stderr, "gwctl: %s\n", late ? "gwd did not answer in time" :
						      "gwd closed the connection");
		exit(late ? EXIT_TIMED_OUT : EXIT_FAILED);
	}
	fclose(in);
	return line;
}

/* The object that the request asked for, the caller's to put; ends the program when there is none. */
static struct json_object *ask(const char *path, const char *request)
{
	int fd = open_socket(path);
	struct json_object *answer, *inner, *text;
	char *line;

	if (dprintf(fd, "{\"request\":\"%s\"}\n", request) < 0) {
		fprintf(stderr, "gwctl: %s\n", strerror(errno));
		exit(EXIT_FAILED);
	}
	line = read_line(fd);
	answer = json_tokener_parse(line);
	free(line);
	if (answer && json_object_object_get_ex(answer, "error", &inner) &&
		json_object_object_get_ex(inner, "text", &text)) {
		fprintf(stderr, "gwctl: %s\n", json_object_get_string(text));
		exit(EXIT_FAILED);
	}
	if (!answer || !json_object_object_get_ex(answer, request, &inner)) {
		fprintf(stderr, "gwctl: cannot read gwd's answer\n");
		exit(EXIT_FAILED);
	}
	json_object_get(inner);
	json_object_put(answer);
	return inner;
}

/* ---- reading JSON ---- */

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(o, key, &v);
	return v;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	return v ? json_object_get_string(v) : "-";
}

static double number(struct json_object *o, const char *key)
{
	return json_object_get_double(get(o, key));
}

static const char *bytes(double n, char *buf, size_t size)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	unsigned u = 0;

	while (n >= 9999.5 && u < 4) {
		n /= 1000;
		u++;
	}
	snprintf(buf, size, "%.0f %s", n, units[u]);
	return buf;
}

static const char *age(double s, char *buf, size_t size)
{
	if (s < 100)
		snprintf(buf, size, "%.1fs", s);
	else if (s < 6000)
		snprintf(buf, size, "%.0fm", s / 60);
	else if (s < 172800)
		snprintf(buf, size, "%.0fh", s / 3600);
	else
		snprintf(buf, size, "%.0fd", s / 86400);
	return buf;
}

static const char *word_of_rssi(double dbm)
{
	return dbm >= -73 ? "excellent" : dbm >= -83 ? "good" : dbm >= -93 ? "fair" : "weak";
}

/* ---- for people ---- */

static void print_modem(struct json_object *m)
{
	char a[32], b[32];

	printf("modem %-8s %s for %s", text(m, "modem"), text(m, "state"),
		age(number(m, "since_s"), a, sizeof(a)));
	if (get(m, "reason"))
		printf(" (%s)", text(m, "reason"));
	printf("\n  device       %s at %s baud\n", text(m, "device"), text(m, "baud"));
	printf("  model        %s, %s\n", text(m, "model"), text(m, "revision"));
	if (get(m, "operator") || get(m, "technology"))
		printf("  network      %s, %s\n", text(m, "operator"), text(m, "technology"));
	if (get(m, "rssi_dbm"))
		printf("  signal       %s dBm, %s\n", text(m, "rssi_dbm"),
			word_of_rssi(number(m, "rssi_dbm")));
	printf("  address      %s\n", text(m, "address"));
	printf("  receive      %s (%s), %s in buffer mode, %s switches\n", text(m, "receive"),
		text(m, "receive_configured"), age(number(m, "buffer_mode_s"), a, sizeof(a)),
		text(m, "receive_switches"));
	printf("  turnaround   %s ms, prompt %s ms\n", text(m, "turnaround_ms"),
		text(m, "prompt_delay_ms"));
	printf("  line         %s sent, %s received\n",
		bytes(number(m, "tx_wire_bytes"), a, sizeof(a)),
		bytes(number(m, "rx_wire_bytes"), b, sizeof(b)));
	printf("  payload      %s sent, %s received\n",
		bytes(number(m, "tx_payload_bytes"), a, sizeof(a)),
		bytes(number(m, "rx_payload_bytes"), b, sizeof(b)));
	printf("  links        %s tcp, %s udp, %s free\n", text(m, "links_tcp"),
		text(m, "links_udp"), text(m, "links_free"));
	printf("  recovery     %s boots, %s recoveries, %s time-outs, rung %s\n",
		text(m, "boots"), text(m, "recoveries"), text(m, "timeouts"),
		get(m, "rung_name") ? text(m, "rung_name") : "none");
}

static void print_forward(struct json_object *f)
{
	printf("forward %-6s %s to %s, %s clients now, %s so far, %s refused", text(f, "port"),
		text(f, "state"), text(f, "target"), text(f, "active"), text(f, "accepted"),
		text(f, "refused"));
	if (get(f, "error"))
		printf(" (%s)", text(f, "error"));
	printf("\n");
}

static void print_status(struct json_object *s)
{
	struct json_object *forwards = get(s, "forwards");
	struct json_object *i = get(s, "interface"), *f = get(s, "flows"), *m = get(s, "modems");
	char up[32];

	printf("gwd %s, running for %s (pid %s)\n", text(s, "gwd_version"),
		age(number(s, "uptime_s"), up, sizeof(up)), text(s, "pid"));
	printf("%-14s %s, mtu %s, carrier %s%s\n", text(i, "name"), text(i, "address"),
		text(i, "mtu"), json_object_get_boolean(get(i, "carrier")) ? "on" : "off",
		json_object_get_boolean(get(i, "default_route")) ? ", default route" : "");
	for (size_t k = 0; k < json_object_array_length(m); k++)
		print_modem(json_object_array_get_idx(m, k));
	printf("flows          %s tcp (%s held), %s udp, %s dns queries pending\n", text(f, "tcp"),
		text(f, "held"), text(f, "udp"), text(f, "dns_pending"));
	for (size_t k = 0; k < json_object_array_length(forwards); k++)
		print_forward(json_object_array_get_idx(forwards, k));
}

/* Of a column of endpoints: most are IPv4, but one of IPv6 is twice as long. */
static int width_of(struct json_object *all, const char *key)
{
	size_t width = strlen("255.255.255.255:65535");

	for (size_t k = 0; k < json_object_array_length(all); k++) {
		size_t n = strlen(text(json_object_array_get_idx(all, k), key));

		width = n > width ? n : width;
	}
	return (int)width;
}

static void print_flows(struct json_object *o)
{
	struct json_object *all = get(o, "flows");
	int local = width_of(all, "local"), remote = width_of(all, "remote");
	char a[32], t[32], r[32];

	printf("%-6s %-5s %-3s %-*s  %-*s  %-10s %-4s %8s %9s %9s %-6s %s\n", "ID", "PROTO", "DIR",
		local, "LOCAL", remote, "REMOTE", "STATE", "LINK", "AGE", "SENT", "RECEIVED", "UID",
		"WAITS FOR");
	for (size_t k = 0; k < json_object_array_length(all); k++) {
		struct json_object *f = json_object_array_get_idx(all, k);

		printf("%-6s %-5s %-3s %-*s  %-*s  %-10s %-4s %8s %9s %9s %-6s %s\n", text(f, "id"),
			text(f, "protocol"), text(f, "direction"), local, text(f, "local"), remote,
			text(f, "remote"), text(f, "state"),
			text(f, "link"), age(number(f, "age_s"), a, sizeof(a)),
			bytes(number(f, "tx_bytes"), t, sizeof(t)),
			bytes(number(f, "rx_bytes"), r, sizeof(r)), text(f, "uid"),
			get(f, "why") ? text(f, "why") : "");
	}
}

static void print_links(struct json_object *o)
{
	struct json_object *all = get(o, "links");
	int remote = width_of(all, "remote");
	char a[32], t[32], r[32];

	printf("%-5s %-4s %-9s %-4s %-*s  %5s %8s %9s %9s\n", "MODEM", "LINK", "STATE", "TYPE",
		remote, "REMOTE", "FLOWS", "AGE", "SENT", "RECEIVED");
	for (size_t k = 0; k < json_object_array_length(all); k++) {
		struct json_object *l = json_object_array_get_idx(all, k);
		bool used = get(l, "type") != NULL;

		printf("%-5s %-4s %-9s %-4s %-*s  %5s %8s %9s %9s\n", text(l, "modem"),
			text(l, "link"), text(l, "state"), text(l, "type"), remote, text(l, "remote"),
			used ? text(l, "flows") : "-",
			used ? age(number(l, "age_s"), a, sizeof(a)) : "-",
			used ? bytes(number(l, "tx_bytes"), t, sizeof(t)) : "-",
			used ? bytes(number(l, "rx_bytes"), r, sizeof(r)) : "-");
	}
}

static const struct {
	const char *name;
	void (*print)(struct json_object *o);
} commands[] = {
	{"status", print_status},
	{"flows", print_flows},
	{"links", print_links},
};

/* ---- command line ---- */

static void usage(FILE *out)
{
	fprintf(out, "usage: gwctl [-s SOCKET] status|flows|links [--json]\n"
		     "  -s, --socket SOCKET  gwd's control socket (default: /run/gwd/cell0.sock)\n"
		     "      --json           print gwd's answer as JSON\n"
		     "      --version, --help\n");
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *path = NULL;
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:h", long_options, NULL)) != -1) {
		switch (opt) {
		case 's':
			path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'V':
			printf("gwctl %s\n", GWD_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	for (unsigned i = 0; optind + 1 == argc && i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct json_object *o;

		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		o = ask(path ? path : default_socket(), commands[i].name);
		if (json)
			printf("%s\n", json_object_to_json_string_ext(o,
				JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
		else
			commands[i].print(o);
		json_object_put(o);
		return 0;
	}
	fprintf(stderr, "gwctl: expected one command: status, flows or links\n");
	usage(stderr);
	return EXIT_USAGE;
}

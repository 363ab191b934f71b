/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gwctl status: where gwd, its module and its interface stand, with what is wrong at the top, so
 * that "why is it slow?" has its answer in ten seconds.
 */
#include "client.h"
#include "commands.h"
#include "diagnose.h"
#include "field.h"
#include "format.h"

#define TEXT(o, key) field_text(o, key, "-")

struct view {
	bool color;
	struct json_object *status, *flows;
	struct owners owners;
};

/* ---- what is wrong ---- */

static void print_head(const struct view *v, struct json_object *m)
{
	bool up = field_is(m, "state", "up");

	printf("%s%s%s for %s", colour(v->color, up ? COLOUR_GOOD : COLOUR_BAD), TEXT(m, "state"),
		colour_end(v->color), format_age(field_number(m, "since_s")).s);
	if (field_has(m, "since"))
		printf(", since %s", TEXT(m, "since"));
	printf("\n");
}

static void print_diagnoses(const struct view *v, struct json_object *m)
{
	struct diagnosis all[DIAGNOSES_MAX];
	size_t n = diagnose(m, v->flows, &v->owners, all);

	for (size_t i = 0; i < n; i++)
		printf("  %s! %s%s\n", colour(v->color, all[i].down ? COLOUR_BAD : COLOUR_WARN),
			all[i].text, colour_end(v->color));
}

/* ---- the module ---- */

static void print_network(struct json_object *m)
{
	int stat = registration(m);

	if (field_has(m, "operator") || field_has(m, "technology") || stat >= 0)
		printf("  network      %s, %s, %s\n", TEXT(m, "operator"), TEXT(m, "technology"),
			format_registration(stat));
	if (field_has(m, "rssi_dbm"))
		printf("  signal       %s dBm, %s\n", TEXT(m, "rssi_dbm"),
			format_signal(field_number(m, "rssi_dbm")));
	printf("  address      %s\n", TEXT(m, "address"));
}

static void print_mode(struct json_object *m)
{
	printf("  receive      %s (%s)", TEXT(m, "receive"), TEXT(m, "receive_configured"));
	if (field_number(m, "receive_switches") > 0)
		printf(", %s switches, %s in buffer mode", TEXT(m, "receive_switches"),
			format_age(field_number(m, "buffer_mode_s")).s);
	if (field_has(m, "transparent_state"))
		printf(", %s", TEXT(m, "transparent_state"));
	printf("\n");
}

/* The prompt's delay is known from the first upload on. */
static void print_turnaround(struct json_object *m)
{
	if (!field_has(m, "turnaround_ms"))
		return;
	printf("  turnaround   %s ms", TEXT(m, "turnaround_ms"));
	if (field_has(m, "prompt_delay_ms"))
		printf(", prompt %s ms", TEXT(m, "prompt_delay_ms"));
	printf("\n");
}

static void print_direction(const char *word, struct json_object *m, const char *rate,
	const char *share)
{
	printf("%s %s", word, format_rate(field_number(m, rate)).s);
	if (field_has(m, share))
		printf(" (%s)", format_share(field_number(m, share)).s);
}

static void print_line(struct json_object *m)
{
	if (field_has(m, "tx_wire_bytes_per_s")) {
		printf("  line         ");
		print_direction("up", m, "tx_wire_bytes_per_s", "tx_line_share");
		print_direction(", down", m, "rx_wire_bytes_per_s", "rx_line_share");
		printf(" of %s\n", format_rate(field_number(m, "line_bytes_per_s")).s);
	}
	printf("  payload      %s sent, %s received", format_bytes(field_number(m, "tx_payload_bytes")).s,
		format_bytes(field_number(m, "rx_payload_bytes")).s);
	printf(" (on the line %s, %s)\n", format_bytes(field_number(m, "tx_wire_bytes")).s,
		format_bytes(field_number(m, "rx_wire_bytes")).s);
}

static void print_recovery(struct json_object *m)
{
	printf("  recovery     ");
	if (field_has(m, "rung_name") && field_number(m, "rung") > 0)
		printf("rung %s (%s), ", TEXT(m, "rung_name"), TEXT(m, "reason"));
	printf("%s boots, %s recoveries, %s time-outs\n", TEXT(m, "boots"), TEXT(m, "recoveries"),
		TEXT(m, "timeouts"));
}

static void print_modem(const struct view *v, struct json_object *m)
{
	printf("modem %-8s ", TEXT(m, "modem"));
	print_head(v, m);
	print_diagnoses(v, m);
	print_network(m);
	printf("  module       %s, %s on %s, %s baud\n", TEXT(m, "model"), TEXT(m, "revision"),
		TEXT(m, "device"), TEXT(m, "baud"));
	print_mode(m);
	print_turnaround(m);
	print_line(m);
	printf("  links        %s free, %s tcp, %s udp, %s dns\n", TEXT(m, "links_free"),
		TEXT(m, "links_tcp"), TEXT(m, "links_udp"), TEXT(m, "links_dns"));
	print_recovery(m);
}

/* ---- the rest ---- */

static void print_forward(struct json_object *f)
{
	printf("forward %-6s %s to %s, %s clients now, %s so far, %s refused", TEXT(f, "port"),
		TEXT(f, "state"), TEXT(f, "target"), TEXT(f, "active"), TEXT(f, "accepted"),
		TEXT(f, "refused"));
	if (field_has(f, "error"))
		printf(" (%s)", TEXT(f, "error"));
	printf("\n");
}

static void print_status(const struct view *v)
{
	struct json_object *s = v->status, *i = field(s, "interface"), *f = field(s, "flows");

	for (size_t k = 0; k < field_count(s, "modems"); k++)
		print_modem(v, field_at(s, "modems", k));
	printf("%-14s %s, mtu %s, carrier %s%s\n", TEXT(i, "name"), TEXT(i, "address"), TEXT(i, "mtu"),
		field_true(i, "carrier") ? "on" : "off",
		field_true(i, "default_route") ? ", default route" : "");
	printf("flows          %s tcp (%s held), %s udp, %s names pending\n", TEXT(f, "tcp"),
		TEXT(f, "held"), TEXT(f, "udp"), TEXT(f, "dns_pending"));
	for (size_t k = 0; k < field_count(s, "forwards"); k++)
		print_forward(field_at(s, "forwards", k));
	printf("gwd            %s, running for %s (pid %s)\n", TEXT(s, "gwd_version"),
		format_age(field_number(s, "uptime_s")).s, TEXT(s, "pid"));
}

/* Flows only name the culprits. */
static int ask(struct client *c, const struct ctl *ctl, struct view *v)
{
	int status = client_open(c, ctl);

	if (status == CTL_OK)
		status = client_ask(c, "status", NULL, CLIENT_ANSWER_MS, &v->status);
	if (status == CTL_OK && !ctl->json)
		status = client_ask(c, "flows", NULL, CLIENT_ANSWER_MS, &v->flows);
	return status == CTL_OK ? CTL_OK : ctl_complain(c, status);
}

static int run(const struct ctl *ctl)
{
	struct view v = {.color = ctl->color};
	struct client c;
	int status = ask(&c, ctl, &v);

	if (status == CTL_OK && ctl->json) {
		field_print_json(v.status, false);
	} else if (status == CTL_OK) {
		owners_find(&v.owners, v.flows);
		print_status(&v);
		owners_free(&v.owners);
	}
	json_object_put(v.status);
	json_object_put(v.flows);
	client_close(&c);
	return status;
}

const struct command command_status = {
	.name = "status",
	.args = "",
	.help = "what works, what does not and why; line and network",
	.run = run,
};

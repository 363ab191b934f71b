/* SPDX-License-Identifier: BSD-3-Clause */
/* gwctl status: where gwd, its interface and its module stand. */
#include "client.h"
#include "commands.h"
#include "field.h"
#include "format.h"

#define TEXT(o, key) field_text(o, key, "-")

static void print_network(struct json_object *m)
{
	if (field_has(m, "operator") || field_has(m, "technology"))
		printf("  network      %s, %s\n", TEXT(m, "operator"), TEXT(m, "technology"));
	if (field_has(m, "rssi_dbm"))
		printf("  signal       %s dBm, %s\n", TEXT(m, "rssi_dbm"),
			format_signal(field_number(m, "rssi_dbm")));
	printf("  address      %s\n", TEXT(m, "address"));
}

static void print_modem(struct json_object *m)
{
	printf("modem %-8s %s for %s", TEXT(m, "modem"), TEXT(m, "state"),
		format_age(field_number(m, "since_s")).s);
	if (field_has(m, "reason"))
		printf(" (%s)", TEXT(m, "reason"));
	printf("\n  device       %s at %s baud\n", TEXT(m, "device"), TEXT(m, "baud"));
	printf("  model        %s, %s\n", TEXT(m, "model"), TEXT(m, "revision"));
	print_network(m);
	printf("  receive      %s (%s), %s in buffer mode, %s switches\n", TEXT(m, "receive"),
		TEXT(m, "receive_configured"), format_age(field_number(m, "buffer_mode_s")).s,
		TEXT(m, "receive_switches"));
	printf("  turnaround   %s ms, prompt %s ms\n", TEXT(m, "turnaround_ms"),
		TEXT(m, "prompt_delay_ms"));
	printf("  line         %s sent, %s received\n", format_bytes(field_number(m, "tx_wire_bytes")).s,
		format_bytes(field_number(m, "rx_wire_bytes")).s);
	printf("  payload      %s sent, %s received\n",
		format_bytes(field_number(m, "tx_payload_bytes")).s,
		format_bytes(field_number(m, "rx_payload_bytes")).s);
	printf("  links        %s tcp, %s udp, %s free\n", TEXT(m, "links_tcp"), TEXT(m, "links_udp"),
		TEXT(m, "links_free"));
	printf("  recovery     %s boots, %s recoveries, %s time-outs, rung %s\n", TEXT(m, "boots"),
		TEXT(m, "recoveries"), TEXT(m, "timeouts"), field_text(m, "rung_name", "none"));
}

static void print_forward(struct json_object *f)
{
	printf("forward %-6s %s to %s, %s clients now, %s so far, %s refused", TEXT(f, "port"),
		TEXT(f, "state"), TEXT(f, "target"), TEXT(f, "active"), TEXT(f, "accepted"),
		TEXT(f, "refused"));
	if (field_has(f, "error"))
		printf(" (%s)", TEXT(f, "error"));
	printf("\n");
}

static void print_status(struct json_object *s)
{
	struct json_object *i = field(s, "interface"), *f = field(s, "flows");

	printf("gwd %s, running for %s (pid %s)\n", TEXT(s, "gwd_version"),
		format_age(field_number(s, "uptime_s")).s, TEXT(s, "pid"));
	printf("%-14s %s, mtu %s, carrier %s%s\n", TEXT(i, "name"), TEXT(i, "address"), TEXT(i, "mtu"),
		field_true(i, "carrier") ? "on" : "off",
		field_true(i, "default_route") ? ", default route" : "");
	for (size_t k = 0; k < field_count(s, "modems"); k++)
		print_modem(field_at(s, "modems", k));
	printf("flows          %s tcp (%s held), %s udp, %s dns queries pending\n", TEXT(f, "tcp"),
		TEXT(f, "held"), TEXT(f, "udp"), TEXT(f, "dns_pending"));
	for (size_t k = 0; k < field_count(s, "forwards"); k++)
		print_forward(field_at(s, "forwards", k));
}

static int run(const struct ctl *ctl)
{
	struct json_object *answer;
	int status = ctl_ask(ctl, "status", NULL, &answer);

	if (status != CTL_OK)
		return status;
	if (ctl->json)
		field_print_json(answer, false);
	else
		print_status(answer);
	json_object_put(answer);
	return CTL_OK;
}

const struct command command_status = {
	.name = "status",
	.args = "",
	.help = "the bearer, the line and the interface",
	.run = run,
};

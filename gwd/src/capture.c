/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A capture is a client of the control socket whose connection became a byte stream. Each packet is
 * made a block and given to the connection's buffer; if that is full because its reader is slow, the
 * packet is dropped and counted, and nobody waits. As soon as there is room again, the counts go
 * ahead of the next packet, so that the file tells of the gap even if its end is never written.
 *
 * The AT dialogue is an interface of its own. Its packets are the lines as they cross the wire,
 * wrapped so that Wireshark has its dissector of AT commands read them; the comment is what the trace
 * log would show. Of payload only length and comment are in the file, unless it was asked for.
 *
 * Whatever the client says ends the capture: the final counts are written, then the connection is
 * closed. A buffer always has room for them.
 */
#include "capture.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "dialogue.h"
#include "pcapng.h"
#include "requests.h"
#include "util/log.h"

#define SNAPLEN_MIN 16
#define SNAPLEN_MAX 65535
#define PACKET_MAX 9216 /* interface.mtu is at most 9000, MODEM_TAP_KEPT is less */
#define BLOCK_MAX (PACKET_MAX + DIALOGUE_LEN + 64)
#define COUNTS_MAX (CAPTURE_INTERFACES * 64) /* bytes of both statistics blocks */

static const char *const interface_names[CAPTURE_INTERFACES] = {"tun", "at"};

static int64_t wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Interfaces that are not wanted have no number in the file. */
static unsigned number_of(const struct capture *c, enum capture_interface i)
{
	return i == CAPTURE_AT && c->wants[CAPTURE_TUN];
}

/* ---- what goes into the file ---- */

static void put_counts(struct capture *c)
{
	uint8_t block[64];
	int64_t now = wall_clock();

	c->told = 0;
	for (unsigned i = 0; i < CAPTURE_INTERFACES; i++) {
		if (!c->wants[i])
			continue;
		client_write(c->client, block, pcapng_statistics(block, sizeof(block),
			number_of(c, i), now, c->seen[i], c->dropped[i]));
		c->told += c->dropped[i];
	}
}

static void put_head(struct capture *c, const struct daemon *d)
{
	char device[sizeof(d->ports[0].path) + 32];
	uint8_t block[1024];

	client_write(c->client, block, pcapng_section(block, sizeof(block), "gwd " GWD_VERSION));
	if (c->wants[CAPTURE_TUN])
		client_write(c->client, block, pcapng_interface(block, sizeof(block),
			PCAPNG_LINKTYPE_RAW, (uint32_t)c->snaplen, d->iface.tun.name, NULL));
	snprintf(device, sizeof(device), "AT commands on %s",
		d->ports[0].path[0] ? d->ports[0].path : "a port not found yet");
	if (c->wants[CAPTURE_AT])
		client_write(c->client, block, pcapng_interface(block, sizeof(block),
			PCAPNG_LINKTYPE_UPPER_PDU, 0, "at0", device));
}

static void put_packet(struct capture *c, enum capture_interface i, struct pcapng_packet *p)
{
	bool gap = c->dropped[CAPTURE_TUN] + c->dropped[CAPTURE_AT] > c->told;
	uint8_t block[BLOCK_MAX];
	size_t n;

	p->interface = number_of(c, i);
	n = pcapng_packet(block, sizeof(block), p);
	c->seen[i]++;
	if (n == 0 || client_room(c->client) < n + COUNTS_MAX * (gap ? 2 : 1)) {
		c->dropped[i]++;
		return;
	}
	if (gap)
		put_counts(c);
	client_write(c->client, block, n);
}

void capture_packet_slow(struct captures *cs, bool out, const struct iovec *iov, int n)
{
	struct pcapng_packet p = {.time = wall_clock(), .iov = iov, .n_iov = n,
		.direction = out ? PCAPNG_OUTBOUND : PCAPNG_INBOUND};

	for (int i = 0; i < n; i++)
		p.length += iov[i].iov_len;
	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		p.captured = cs->all[i].snaplen;
		if (cs->all[i].client && cs->all[i].wants[CAPTURE_TUN])
			put_packet(&cs->all[i], CAPTURE_TUN, &p);
	}
}

static void put_dialogue(struct capture *c, const struct modem_tap *t)
{
	static const char *const ends[] = {"\r\n", "\r"};
	bool payload = t->kind == MODEM_TAP_PAYLOAD, line = t->kind == MODEM_TAP_LINE;
	size_t shown = line || (payload && c->payload) ? t->n : 0;
	size_t end = line ? strlen(ends[t->out]) : 0;
	char comment[DIALOGUE_LEN];
	uint8_t head[32];
	struct iovec iov[] = {
		{head, pcapng_upper_pdu(head, sizeof(head), line ? "at" : "data")},
		{(void *)t->p, !payload || shown < c->snaplen ? shown : c->snaplen},
		{(void *)ends[t->out], end},
	};
	struct pcapng_packet p = {.time = wall_clock(), .iov = iov, .n_iov = 3,
		.direction = t->kind == MODEM_TAP_NOTE ? PCAPNG_UNKNOWN :
			t->out			       ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
		.captured = PACKET_MAX, .length = iov[0].iov_len + t->total + end,
		.comment = dialogue_text(comment, t, false)};

	put_packet(c, CAPTURE_AT, &p);
}

void capture_dialogue(struct captures *cs, const struct modem_tap *t)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		if (cs->all[i].client && cs->all[i].wants[CAPTURE_AT])
			put_dialogue(&cs->all[i], t);
}

/* ---- begin and end ---- */

static void update_wants(struct daemon *d)
{
	struct captures *cs = &d->captures;

	for (unsigned k = 0; k < CAPTURE_INTERFACES; k++) {
		cs->wants[k] = false;
		for (unsigned i = 0; i < CAPTURES_MAX; i++)
			cs->wants[k] |= cs->all[i].client && cs->all[i].wants[k];
	}
	daemon_tap(d);
}

static void over(struct daemon *d, struct capture *c)
{
	log_info("control: capture ended, %llu packets and %llu of the dialogue, %llu dropped",
		(unsigned long long)c->seen[CAPTURE_TUN], (unsigned long long)c->seen[CAPTURE_AT],
		(unsigned long long)(c->dropped[CAPTURE_TUN] + c->dropped[CAPTURE_AT]));
	c->client = NULL;
	update_wants(d);
}

static void on_gone(struct client *client, void *user)
{
	over(client_daemon(client), user);
}

static void on_said(struct client *client, void *user)
{
	put_counts(user);
	over(client_daemon(client), user);
	client_end(client);
}

/* "interfaces": both when it is absent. False: the client was told what is wrong. */
static bool take_interfaces(struct client *client, struct json_object *request, struct capture *c)
{
	struct json_object *list = NULL;

	bool absent = !json_object_object_get_ex(request, "interfaces", &list) || !list;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (unsigned k = 0; k < CAPTURE_INTERFACES; k++)
		c->wants[k] = absent;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));
		unsigned k = 0;

		while (k < CAPTURE_INTERFACES && (!name || strcmp(name, interface_names[k]) != 0))
			k++;
		if (k == CAPTURE_INTERFACES)
			n = 0;
		else
			c->wants[k] = true;
	}
	if (absent || n > 0)
		return true;
	client_error(client, "bad_argument", "interfaces: expected a list of \"tun\" and \"at\"");
	return false;
}

static struct capture *free_place(struct captures *cs)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		if (!cs->all[i].client)
			return &cs->all[i];
	return NULL;
}

void capture_request(struct client *client, struct json_object *request)
{
	struct daemon *d = client_daemon(client);
	struct capture fresh = {0}, *c = free_place(&d->captures);
	struct json_object *answer;
	int64_t snaplen = SNAPLEN_MAX;

	if (!request_flag(client, request, "payload", &fresh.payload) ||
		!request_number(client, request, "snaplen", SNAPLEN_MIN, SNAPLEN_MAX, &snaplen) ||
		!take_interfaces(client, request, &fresh))
		return;
	if (!c) {
		clients_make_room(client);
		c = free_place(&d->captures);
	}
	if (!c) {
		client_error(client, "busy", "%d captures run already; expected fewer", CAPTURES_MAX);
		return;
	}
	if (!client_keep(client, CLIENT_STREAMS, on_gone, c))
		return;
	fresh.snaplen = (size_t)snaplen;
	fresh.client = client;
	*c = fresh;
	answer = json_object_new_object();
	json_object_object_add(answer, "format", json_object_new_string("pcapng"));
	client_answer(client, "capture", answer);
	if (!c->client) /* it hung up already */
		return;
	client_hear(client, on_said);
	put_head(c, d);
	update_wants(d);
	log_info("control: capture begins%s", c->payload ? ", with payload of the AT dialogue" : "");
}

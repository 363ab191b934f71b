/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures: what crosses the interface and the tty, streamed as pcapng to who asked for it at the
 * control socket (request "capture"). While nobody does, a packet costs one test.
 */
#ifndef GWD_CAPTURE_H
#define GWD_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "modem/modem.h"

#define CAPTURES_MAX 2 /* each has a buffer of its own for a slow reader (client.c) */

struct client;
struct json_object;

enum capture_interface { CAPTURE_TUN, CAPTURE_AT, CAPTURE_INTERFACES };

struct capture {
	struct client *client; /* NULL: not used */
	bool wants[CAPTURE_INTERFACES];
	bool payload; /* of the AT dialogue */
	size_t snaplen;
	uint64_t seen[CAPTURE_INTERFACES], dropped[CAPTURE_INTERFACES];
	uint64_t told; /* drops that the file already knows of */
};

struct captures {
	struct capture all[CAPTURES_MAX];
	bool wants[CAPTURE_INTERFACES]; /* somebody does */
};

/* The request. */
void capture_request(struct client *c, struct json_object *request);

/* @out: from the host. Behind the one test. */
void capture_packet_slow(struct captures *cs, bool out, const struct iovec *iov, int n);
static inline void capture_packet(struct captures *cs, bool out, const struct iovec *iov, int n)
{
	if (cs->wants[CAPTURE_TUN])
		capture_packet_slow(cs, out, iov, n);
}
void capture_dialogue(struct captures *cs, const struct modem_tap *t);

#endif

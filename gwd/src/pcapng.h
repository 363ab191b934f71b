/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng): one section, its interfaces, packets with
 * comments, and statistics. Pure functions that write into a buffer of the caller's: they return the
 * bytes of the whole block, or 0 if it does not fit. Little endian on any machine; times are
 * microseconds since the epoch.
 */
#ifndef GWD_PCAPNG_H
#define GWD_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define PCAPNG_LINKTYPE_RAW 101		/* begins with an IP header, of version 4 or 6 */
#define PCAPNG_LINKTYPE_UPPER_PDU 252	/* pcapng_upper_pdu(), then what the dissector named there reads */

#define PCAPNG_BLOCK_SECTION 0x0a0d0d0au
#define PCAPNG_BLOCK_INTERFACE 1u
#define PCAPNG_BLOCK_STATISTICS 5u
#define PCAPNG_BLOCK_PACKET 6u

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

struct pcapng_packet {
	unsigned interface; /* in the order of the interface blocks, from 0 */
	int64_t time;
	enum pcapng_direction direction;
	const struct iovec *iov;
	int n_iov;
	size_t captured; /* of what @iov has, so many bytes are written (or as many as there are) */
	size_t length;	 /* it had on the wire */
	const char *comment; /* UTF-8; NULL: none */
};

/* First of all, once. */
size_t pcapng_section(void *buf, size_t size, const char *application);
/* @snaplen 0: no limit. @description may be NULL. */
size_t pcapng_interface(void *buf, size_t size, uint16_t linktype, uint32_t snaplen, const char *name,
	const char *description);
size_t pcapng_packet(void *buf, size_t size, const struct pcapng_packet *p);
/* @received packets since the section began, of which @dropped are not in the file. */
size_t pcapng_statistics(void *buf, size_t size, unsigned interface, int64_t time, uint64_t received,
	uint64_t dropped);

/* What stands before a packet of PCAPNG_LINKTYPE_UPPER_PDU: which of Wireshark's dissectors reads it. */
size_t pcapng_upper_pdu(void *buf, size_t size, const char *dissector);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A block is type, length, body, length again; a body ends with options, each code, length and value,
 * closed by code 0. Everything is padded to 32 bits (section 3.1 and 3.5 of the draft).
 */
#include "pcapng.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC 0x1a2b3c4du
#define LENGTH_UNKNOWN UINT64_MAX /* of the section: it is written as it comes */

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_APPLICATION = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	EPB_FLAGS = 2,
	ISB_END = 3,
	ISB_RECEIVED = 4,
	ISB_DROPPED = 5,
};

/* Tags before an exported PDU (wsutil/exported_pdu_tlvs.h), big endian. */
#define PDU_TAG_DISSECTOR 12

struct writer {
	uint8_t *p;
	size_t size, at;
	bool full; /* something did not fit */
};

static void put(struct writer *w, const void *p, size_t n)
{
	if (n > w->size - w->at) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->p + w->at, p, n);
	w->at += n;
}

static void put_le(struct writer *w, uint64_t v, unsigned bytes)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	put(w, b, bytes);
}

static void put_u16(struct writer *w, uint16_t v)
{
	put_le(w, v, 2);
}

static void put_u32(struct writer *w, uint32_t v)
{
	put_le(w, v, 4);
}

static void put_padding(struct writer *w)
{
	static const uint8_t zero[4];

	put(w, zero, (4 - w->at % 4) % 4);
}

/* The high half first, whatever the byte order. */
static void put_time(struct writer *w, int64_t time)
{
	put_u32(w, (uint32_t)((uint64_t)time >> 32));
	put_u32(w, (uint32_t)time);
}

static void option_begin(struct writer *w, uint16_t code, size_t n)
{
	put_u16(w, code);
	put_u16(w, (uint16_t)n);
}

static void option_text(struct writer *w, uint16_t code, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0 || n > UINT16_MAX)
		return;
	option_begin(w, code, n);
	put(w, text, n);
	put_padding(w);
}

static struct writer begin(void *buf, size_t size, uint32_t type)
{
	struct writer w = {.p = buf, .size = size};

	put_u32(&w, type);
	put_u32(&w, 0); /* its length, end() knows */
	return w;
}

static size_t end(struct writer *w)
{
	struct writer head = {.p = w->p, .size = 8, .at = 4};
	uint32_t length;

	option_begin(w, OPT_END, 0);
	length = (uint32_t)w->at + 4;
	put_u32(w, length);
	if (w->full)
		return 0;
	put_u32(&head, length);
	return w->at;
}

size_t pcapng_section(void *buf, size_t size, const char *application)
{
	struct writer w = begin(buf, size, PCAPNG_BLOCK_SECTION);

	put_u32(&w, MAGIC);
	put_u16(&w, 1);
	put_u16(&w, 0);
	put_le(&w, LENGTH_UNKNOWN, 8);
	option_text(&w, SHB_APPLICATION, application);
	return end(&w);
}

size_t pcapng_interface(void *buf, size_t size, uint16_t linktype, uint32_t snaplen, const char *name,
	const char *description)
{
	struct writer w = begin(buf, size, PCAPNG_BLOCK_INTERFACE);

	put_u16(&w, linktype);
	put_u16(&w, 0);
	put_u32(&w, snaplen);
	option_text(&w, IF_NAME, name);
	option_text(&w, IF_DESCRIPTION, description);
	return end(&w);
}

static size_t gathered(const struct pcapng_packet *p)
{
	size_t n = 0;

	for (int i = 0; i < p->n_iov; i++)
		n += p->iov[i].iov_len;
	return n < p->captured ? n : p->captured;
}

size_t pcapng_packet(void *buf, size_t size, const struct pcapng_packet *p)
{
	struct writer w = begin(buf, size, PCAPNG_BLOCK_PACKET);
	size_t left = gathered(p);

	put_u32(&w, p->interface);
	put_time(&w, p->time);
	put_u32(&w, (uint32_t)left);
	put_u32(&w, (uint32_t)p->length);
	for (int i = 0; i < p->n_iov && left; i++) {
		size_t n = p->iov[i].iov_len < left ? p->iov[i].iov_len : left;

		put(&w, p->iov[i].iov_base, n);
		left -= n;
	}
	put_padding(&w);
	option_text(&w, OPT_COMMENT, p->comment);
	option_begin(&w, EPB_FLAGS, 4);
	put_u32(&w, p->direction);
	return end(&w);
}

size_t pcapng_statistics(void *buf, size_t size, unsigned interface, int64_t time, uint64_t received,
	uint64_t dropped)
{
	struct writer w = begin(buf, size, PCAPNG_BLOCK_STATISTICS);

	put_u32(&w, interface);
	put_time(&w, time);
	option_begin(&w, ISB_END, 8);
	put_time(&w, time);
	option_begin(&w, ISB_RECEIVED, 8);
	put_le(&w, received, 8);
	option_begin(&w, ISB_DROPPED, 8);
	put_le(&w, dropped, 8);
	return end(&w);
}

size_t pcapng_upper_pdu(void *buf, size_t size, const char *dissector)
{
	struct writer w = {.p = buf, .size = size};
	size_t n = strlen(dissector), padded = (n + 3) / 4 * 4;
	const uint8_t head[] = {0, PDU_TAG_DISSECTOR, (uint8_t)(padded >> 8), (uint8_t)padded};

	put(&w, head, sizeof(head));
	put(&w, dissector, n);
	put_padding(&w);
	put_u32(&w, 0);
	return w.full ? 0 : w.at;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "internal.h"

#include <assert.h>
#include <string.h>

#include "chksum.h"
#include "keyed.h"

#define TTL 64
#define FRAGMENT_HLEN 8 /* RFC 8200 4.5 */

void out_emit(struct stack *s, const struct iovec *iov, int n)
{
	assert(!s->in_output); /* output() must not call the stack: lwIP may be at work */
	s->stats.tx_packets++;
	for (int i = 0; i < n; i++)
		s->stats.tx_bytes += iov[i].iov_len;
	s->in_output = true;
	s->ops.output(s->user, iov, n);
	s->in_output = false;
}

static size_t header_v4(uint8_t *b, const struct out *o, size_t n, uint16_t id)
{
	memset(b, 0, IP4_HLEN);
	b[0] = 0x45;
	put16(b + 2, (uint16_t)(IP4_HLEN + n));
	put16(b + 4, id);
	put16(b + 6, o->df ? 0x4000 : 0);
	b[8] = TTL;
	b[9] = o->proto;
	memcpy(b + 12, o->src->b, 4);
	memcpy(b + 16, o->dst->b, 4);
	put16(b + 10, chksum_fold(chksum_add(0, b, IP4_HLEN)));
	return IP4_HLEN;
}

static size_t header_v6(uint8_t *b, const struct out *o, size_t n)
{
	memset(b, 0, 8);
	b[0] = 0x60;
	put16(b + 4, (uint16_t)n);
	b[6] = o->proto;
	b[7] = TTL;
	memcpy(b + 8, o->src->b, 16);
	memcpy(b + 24, o->dst->b, 16);
	return IP6_HLEN;
}

size_t out_header(uint8_t *buf, const struct out *o, size_t n, uint16_t id)
{
	return o->src->family == 4 ? header_v4(buf, o, n, id) : header_v6(buf, o, n);
}

/* Not to be guessed, and no two alike for a long while (RFC 7739). */
static uint32_t next_id(struct stack *s)
{
	uint64_t n = ++s->id_counter;

	return (uint32_t)keyed_hash(s->config.isn_secret, &n, sizeof(n));
}

/* The part [@offset, @offset + @n) of two pieces; returns how many pieces it has. */
static int slice(struct iovec out[2], const struct iovec in[2], size_t offset, size_t n)
{
	int count = 0;

	for (int i = 0; i < 2 && n; i++) {
		size_t len = in[i].iov_len, take;

		if (offset >= len) {
			offset -= len;
			continue;
		}
		take = n < len - offset ? n : len - offset;
		out[count++] = (struct iovec){(uint8_t *)in[i].iov_base + offset, take};
		n -= take;
		offset = 0;
	}
	return count;
}

static size_t fragment_header(uint8_t *buf, const struct out *o, size_t offset, size_t n, bool more,
	uint32_t id)
{
	struct out of = *o;
	size_t len;

	if (o->src->family == 4) {
		len = out_header(buf, o, n, (uint16_t)id);
		put16(buf + 6, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
		put16(buf + 10, 0);
		put16(buf + 10, chksum_fold(chksum_add(0, buf, IP4_HLEN)));
		return len;
	}
	of.proto = PROTO_FRAGMENT;
	len = out_header(buf, &of, n + FRAGMENT_HLEN, 0);
	buf[len] = o->proto;
	buf[len + 1] = 0;
	put16(buf + len + 2, (uint16_t)(offset | more));
	put32(buf + len + 4, id);
	return len + FRAGMENT_HLEN;
}

static void send_fragments(struct stack *s, const struct out *o, const struct iovec l4[2],
	size_t total)
{
	size_t headers = o->src->family == 4 ? IP4_HLEN : IP6_HLEN + FRAGMENT_HLEN;
	size_t step = (s->config.mtu - headers) & ~(size_t)7;
	uint8_t header[IP6_HLEN + FRAGMENT_HLEN];
	uint32_t id = next_id(s);

	for (size_t at = 0; at < total; at += step) {
		size_t n = total - at < step ? total - at : step;
		struct iovec iov[3];
		int pieces = slice(iov + 1, l4, at, n);

		iov[0].iov_base = header;
		iov[0].iov_len = fragment_header(header, o, at, n, at + n < total, id);
		out_emit(s, iov, pieces + 1);
	}
}

void out_send(struct stack *s, const struct out *o, const struct iovec l4[2])
{
	size_t total = l4[0].iov_len + l4[1].iov_len;
	uint8_t header[IP6_HLEN];
	struct iovec iov[3] = {{.iov_base = header}, l4[0], l4[1]};
	size_t len = o->src->family == 4 ? IP4_HLEN : IP6_HLEN;

	if (len + total > s->config.mtu) {
		send_fragments(s, o, l4, total);
		return;
	}
	iov[0].iov_len = out_header(header, o, total, o->df ? 0 : (uint16_t)next_id(s));
	out_emit(s, iov, l4[1].iov_len ? 3 : 2);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <string.h>

#include "chksum.h"
#include "wire.h"

#define EXTENSIONS_MAX 8 /* more headers than that are an attack, not a packet */

bool packet_addr_usable(const struct addr *a)
{
	static const uint8_t zeros[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *b = a->b;

	if (a->family == 4) /* RFC 6890: "this network", loopback, link-local, multicast and above */
		return b[0] != 0 && b[0] != 127 && b[0] < 224 && !(b[0] == 169 && b[1] == 254);
	if (b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80))
		return false;
	if (memcmp(b, mapped, sizeof(mapped)) == 0)
		return false;
	return memcmp(b, zeros, 15) != 0 || b[15] > 1; /* not :: and not ::1 */
}

static enum packet_verdict check_addresses(const struct packet *p)
{
	if (!packet_addr_usable(&p->src) || !packet_addr_usable(&p->dst))
		return PACKET_UNSUPPORTED;
	return PACKET_OK;
}

/* RFC 791 3.1 */
static enum packet_verdict parse_v4(struct packet *p, const uint8_t *b, size_t n)
{
	size_t header, total;
	uint16_t fragment;

	if (n < IP4_HLEN)
		return PACKET_MALFORMED;
	header = (size_t)(b[0] & 0xf) * 4;
	total = get16(b + 2);
	if (header < IP4_HLEN || total < header || total > n)
		return PACKET_MALFORMED;
	if (chksum_fold(chksum_add(0, b, header)) != 0)
		return PACKET_MALFORMED;

	fragment = get16(b + 6);
	p->src = addr_v4(b + 12);
	p->dst = addr_v4(b + 16);
	p->proto = b[9];
	p->dscp = b[1] >> 2;
	p->ttl = b[8];
	p->df = fragment & 0x4000;
	p->l4 = b + header;
	p->n = total - header;
	p->fragment.is = fragment & 0x3fff;
	p->fragment.more = fragment & 0x2000;
	p->fragment.id = get16(b + 4);
	p->fragment.offset = (size_t)(fragment & 0x1fff) * 8;
	return check_addresses(p);
}

/* RFC 8200 4.5; an "atomic" fragment (RFC 6946) is no fragment. */
static enum packet_verdict walk_fragment(struct packet *p)
{
	uint16_t field;

	if (p->n < 8 || p->reassembled)
		return PACKET_MALFORMED;
	field = get16(p->l4 + 2);
	p->fragment.offset = field & 0xfff8;
	p->fragment.more = field & 1;
	p->fragment.id = get32(p->l4 + 4);
	p->fragment.is = p->fragment.offset || p->fragment.more;
	p->proto = p->l4[0];
	p->l4 += 8;
	p->n -= 8;
	return PACKET_OK;
}

static enum packet_verdict walk_options(struct packet *p)
{
	size_t len;

	if (p->n < 8)
		return PACKET_MALFORMED;
	len = 8 + (size_t)p->l4[1] * 8;
	if (len > p->n)
		return PACKET_MALFORMED;
	/* A routing header with segments left asks us to forward (RFC 8200 4.4). */
	if (p->proto == PROTO_ROUTING && p->l4[3] != 0)
		return PACKET_UNSUPPORTED;
	p->proto = p->l4[0];
	p->l4 += len;
	p->n -= len;
	return PACKET_OK;
}

enum packet_verdict packet_walk(struct packet *p)
{
	enum packet_verdict v = PACKET_OK;

	if (p->src.family == 4)
		return PACKET_OK;
	for (int i = 0; v == PACKET_OK && !p->fragment.is; i++) {
		if (i == EXTENSIONS_MAX)
			return PACKET_MALFORMED;
		switch (p->proto) {
		case PROTO_HOPOPTS:
			if (i != 0 || p->reassembled) /* RFC 8200 4.1: only the very first */
				return PACKET_MALFORMED;
			v = walk_options(p);
			break;
		case PROTO_ROUTING:
		case PROTO_DSTOPTS:
			v = walk_options(p);
			break;
		case PROTO_FRAGMENT:
			v = walk_fragment(p);
			break;
		default:
			return PACKET_OK;
		}
	}
	return v;
}

/* RFC 8200 3 */
static enum packet_verdict parse_v6(struct packet *p, const uint8_t *b, size_t n)
{
	size_t payload;
	enum packet_verdict v;

	if (n < IP6_HLEN)
		return PACKET_MALFORMED;
	payload = get16(b + 4);
	if (payload > n - IP6_HLEN)
		return PACKET_MALFORMED;
	p->src = addr_v6(b + 8);
	p->dst = addr_v6(b + 24);
	p->proto = b[6];
	p->dscp = (uint8_t)((b[0] & 0xf) << 2 | b[1] >> 6);
	p->ttl = b[7];
	p->df = true;
	p->l4 = b + IP6_HLEN;
	p->n = payload;
	v = check_addresses(p);
	return v == PACKET_OK ? packet_walk(p) : v;
}

enum packet_verdict packet_parse(struct packet *p, const uint8_t *bytes, size_t n)
{
	*p = (struct packet){0};
	if (n == 0)
		return PACKET_MALFORMED;
	if (bytes[0] >> 4 == 4)
		return parse_v4(p, bytes, n);
	if (bytes[0] >> 4 == 6)
		return parse_v6(p, bytes, n);
	return PACKET_MALFORMED;
}

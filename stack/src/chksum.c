/* SPDX-License-Identifier: BSD-3-Clause */
#include "chksum.h"

#include "wire.h"

uint32_t chksum_add(uint32_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;

	/* 64 KiB of 0xffff words stay below 2^31, and two of them below 2^32. */
	for (; n > 1; b += 2, n -= 2)
		sum += get16(b);
	if (n)
		sum += (uint32_t)b[0] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

uint16_t chksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

uint32_t chksum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, size_t n)
{
	size_t len = src->family == 4 ? 4 : 16;
	uint32_t sum = chksum_add(0, src->b, len);

	sum = chksum_add(sum, dst->b, len);
	return sum + proto + (uint32_t)(n >> 16) + (uint32_t)(n & 0xffff);
}

uint16_t chksum_l4(const struct addr *src, const struct addr *dst, uint8_t proto,
	const struct iovec *iov, int n)
{
	size_t total = 0;
	uint32_t sum = 0;

	for (int i = 0; i < n; i++) {
		sum = chksum_add(sum, iov[i].iov_base, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	return chksum_fold(sum + chksum_pseudo(src, dst, proto, total));
}

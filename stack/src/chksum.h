/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) over pieces, with the pseudo headers of IPv4 and IPv6. */
#ifndef STACK_CHKSUM_H
#define STACK_CHKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/addr.h"

/* Adds @n bytes to @sum. Every piece but the last has an even length. */
uint32_t chksum_add(uint32_t sum, const void *p, size_t n);
/* The checksum to store; 0 over data that contains a correct one. */
uint16_t chksum_fold(uint32_t sum);
/* RFC 9293 3.1, RFC 8200 8.1. */
uint32_t chksum_pseudo(const struct addr *src, const struct addr *dst, uint8_t proto, size_t n);
uint16_t chksum_l4(const struct addr *src, const struct addr *dst, uint8_t proto,
	const struct iovec *iov, int n);

#endif

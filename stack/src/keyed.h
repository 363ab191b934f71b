/* SPDX-License-Identifier: BSD-3-Clause */
/* A keyed hash (SipHash-2-4): what the host or the network must not be able to predict. */
#ifndef STACK_KEYED_H
#define STACK_KEYED_H

#include <stddef.h>
#include <stdint.h>

uint64_t keyed_hash(const uint8_t key[16], const void *p, size_t n);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What lwIP calls out for: LWIP_HOOK_FILENAME of lwipopts.h. */
#ifndef STACK_PORT_LWIP_HOOKS_H
#define STACK_PORT_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

u32_t lwip_port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
	u16_t remote_port);

#endif

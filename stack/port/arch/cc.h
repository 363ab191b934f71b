/* SPDX-License-Identifier: BSD-3-Clause */
/* lwIP's view of the compiler and the C library. */
#ifndef STACK_PORT_ARCH_CC_H
#define STACK_PORT_ARCH_CC_H

#include <endian.h>

/* <endian.h> has defined BYTE_ORDER; lwIP's own htons() macros would clash with <netinet/in.h>. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#include <arpa/inet.h>
#define lwip_htons(x) htons(x)
#define lwip_ntohs(x) ntohs(x)
#define lwip_htonl(x) htonl(x)
#define lwip_ntohl(x) ntohl(x)

/* A failed assertion means that lwIP's state is broken: the next step would be memory corruption,
 * so the process ends, with a line in the log. */
_Noreturn void lwip_port_assert(const char *what, const char *file, int line);
#define LWIP_PLATFORM_ASSERT(what) lwip_port_assert((what), __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(x)                                                                      \
	do {                                                                                       \
	} while (0)

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TUN device: IP packets without any header (IFF_TUN | IFF_NO_PI), non-blocking.
 */
#ifndef TUN_TUN_H
#define TUN_TUN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tun {
	int fd;
	unsigned ifindex;
	char name[IFNAMSIZ]; /* what the kernel called it ("cell%d" is completed) */
};

/*
 * Creates (or attaches to a persistent, unused) TUN @name through /dev/net/tun. -EPERM without
 * CAP_NET_ADMIN, -EBUSY when another process has it, -ENOENT without /dev/net/tun, -EINVAL for a
 * name that is none or that belongs to a device of another kind. On error @t->fd is -1.
 */
int tun_open(struct tun *t, const char *name);
/* A device that was not persistent goes away. */
void tun_close(struct tun *t);

/* One packet. Its length, -EAGAIN when there is none, -EBADFD/-EIO/... when the device is gone (do
 * not retry: it stays so). A packet longer than @size is cut by the kernel; use the MTU at least. */
ssize_t tun_read(struct tun *t, void *buf, size_t size);
/* One packet in @n pieces. 0 or -errno. */
int tun_write(struct tun *t, const struct iovec *iov, int n);

/* TUNSETCARRIER (Linux 5.0): 0 or -errno. */
int tun_set_carrier(struct tun *t, bool on);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's TUN driver gives and takes one packet a system call. Once the interface is deleted,
 * every call on the fd answers EBADFD and poll() reports POLLERR for ever, so no error but EINTR is
 * retried here: a caller that stops at the first one cannot spin.
 */
#include "tun/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"

/* Takes or makes the device, and switches off what an earlier owner of a persistent one may have
 * left on: offloads would bring packets larger than the MTU. */
static int attach(struct tun *t, const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};

	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (ioctl(t->fd, TUNSETIFF, &ifr) < 0 || ioctl(t->fd, TUNSETOFFLOAD, 0) < 0)
		return -errno;
	memcpy(t->name, ifr.ifr_name, sizeof(t->name));
	t->name[sizeof(t->name) - 1] = '\0';
	t->ifindex = if_nametoindex(t->name);
	return t->ifindex ? 0 : -errno;
}

int tun_open(struct tun *t, const char *name)
{
	int rc;

	*t = (struct tun){.fd = -1};
	if (!*name || strlen(name) >= IFNAMSIZ)
		return -EINVAL;
	t->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	rc = attach(t, name);
	if (rc < 0)
		tun_close(t);
	return rc;
}

void tun_close(struct tun *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

ssize_t tun_read(struct tun *t, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(t->fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int tun_write(struct tun *t, const struct iovec *iov, int n)
{
	ssize_t rc;

	do
		rc = writev(t->fd, iov, n);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int tun_set_carrier(struct tun *t, bool on)
{
	int carrier = on;

	return ioctl(t->fd, TUNSETCARRIER, &carrier) < 0 ? -errno : 0;
}

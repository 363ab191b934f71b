/* SPDX-License-Identifier: BSD-3-Clause */
#include "modem/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* AT reference 13 lists what the modules take; termios decides what the host can. */
static const struct {
	unsigned baud;
	speed_t speed;
} speeds[] = {
	{300, B300}, {600, B600}, {1200, B1200}, {2400, B2400}, {4800, B4800}, {9600, B9600},
	{19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400},
	{460800, B460800}, {500000, B500000}, {576000, B576000}, {921600, B921600},
	{1000000, B1000000}, {1152000, B1152000}, {1500000, B1500000}, {2000000, B2000000},
	{2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000}, {4000000, B4000000},
};

static int find_speed(unsigned baud, speed_t *out)
{
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i].baud == baud) {
			*out = speeds[i].speed;
			return 0;
		}
	}
	return -EINVAL;
}

bool tty_baud_valid(unsigned baud)
{
	speed_t speed;

	return find_speed(baud, &speed) == 0;
}

static int set_raw(int fd, speed_t speed, bool rtscts)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return -errno;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= ~(tcflag_t)(CSTOPB | HUPCL | CRTSCTS);
	if (rtscts)
		t.c_cflag |= CRTSCTS;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (cfsetspeed(&t, speed) < 0 || tcsetattr(fd, TCSANOW, &t) < 0)
		return -errno;
	return tcflush(fd, TCIOFLUSH) < 0 ? -errno : 0;
}

/* The bus of the device: "usb-serial" or "usb" (CDC ACM); a pty has no device. */
enum tty_kind tty_kind(int fd)
{
	char path[80], bus[256];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return TTY_UART;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/subsystem", major(st.st_rdev),
		minor(st.st_rdev));
	n = readlink(path, bus, sizeof(bus) - 1);
	if (n < 0)
		return errno == ENOENT ? TTY_VIRTUAL : TTY_UART;
	bus[n] = '\0';
	return strstr(bus, "/usb") ? TTY_USB : TTY_UART;
}

/* Both, because TIOCEXCL does not stop root and flock() only stops the polite. A pty would keep TIOCEXCL beyond
 * our end, if that is sudden: its other end holds it open, and without CAP_SYS_ADMIN nobody gets in again. */
static int claim(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (tty_kind(fd) != TTY_VIRTUAL)
		(void)ioctl(fd, TIOCEXCL);
	return 0;
}

static void low_latency(int fd)
{
	struct serial_struct s;

	if (ioctl(fd, TIOCGSERIAL, &s) < 0)
		return; /* USB modem ports and ptys have no such thing, and no such latency */
	s.flags |= ASYNC_LOW_LATENCY;
	(void)ioctl(fd, TIOCSSERIAL, &s);
}

int tty_open(const char *path, unsigned baud, bool rtscts)
{
	speed_t speed;
	int fd, err;

	if (find_speed(baud, &speed) < 0)
		return -EINVAL;
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!isatty(fd)) {
		err = -ENOTTY;
		goto out;
	}
	err = claim(fd);
	if (err < 0)
		goto out;
	err = set_raw(fd, speed, rtscts);
	if (err < 0)
		goto out;
	low_latency(fd);
	return fd;
out:
	close(fd);
	return err;
}

size_t tty_unsent(int fd)
{
	unsigned state = 0;
	int n = 0;

	if (ioctl(fd, TIOCOUTQ, &n) == 0 && n > 0)
		return (size_t)n;
	/* What RTS/CTS holds up in the UART itself is in no queue. */
	return ioctl(fd, TIOCSERGETLSR, &state) == 0 && !(state & TIOCSER_TEMT);
}

int tty_dtr(int fd, bool on)
{
	int bits = TIOCM_DTR;

	return ioctl(fd, on ? TIOCMBIS : TIOCMBIC, &bits) < 0 ? -errno : 0;
}

void tty_close(int fd)
{
	(void)ioctl(fd, TIOCNXCL);
	close(fd);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tty of a module: raw, non-blocking, exclusively ours. Reading and writing is the owner's.
 */
#ifndef MODEM_TTY_H
#define MODEM_TTY_H

#include <stdbool.h>

/*
 * Opens @path: O_NOCTTY, raw 8N1, @baud bits/s, RTS/CTS if asked, CLOCAL, TIOCEXCL and an advisory
 * lock (flock) against a second program; the low-latency flag where the driver has one (USB serial
 * adapters hold back bytes up to 16 ms without it); what the kernel still buffered is dropped.
 * Returns the fd or -errno: -EBUSY another program holds it, -ENOTTY not a tty, -EINVAL the speed
 * is none the platform knows.
 */
int tty_open(const char *path, unsigned baud, bool rtscts);
void tty_close(int fd);

/* Whether @baud can be set (the table of termios speeds). For the check of a configuration. */
bool tty_baud_valid(unsigned baud);

#endif

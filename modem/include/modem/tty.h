/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tty of a module: raw, non-blocking, exclusively ours. Reading and writing is the owner's.
 */
#ifndef MODEM_TTY_H
#define MODEM_TTY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens @path: O_NOCTTY, raw 8N1, @baud bits/s, RTS/CTS if asked, CLOCAL, TIOCEXCL (not on a pty) and an
 * advisory lock (flock) against a second program; the low-latency flag where the driver has one (USB serial
 * adapters hold back bytes up to 16 ms without it); what the kernel still buffered is dropped.
 * Returns the fd or -errno: -EBUSY another program holds it, -ENOTTY not a tty, -EINVAL the speed
 * is none the platform knows.
 */
int tty_open(const char *path, unsigned baud, bool rtscts);
void tty_close(int fd);

/* What is not read in time stays at the other end of USB ports and ptys; a UART needs RTS/CTS for
 * that. What was written and not yet sent is known of all but ptys. */
enum tty_kind {
	TTY_UART,
	TTY_USB,
	TTY_VIRTUAL, /* no hardware: a pty */
};
enum tty_kind tty_kind(int fd);
/* Bytes written that have not been sent yet; 0 if nobody knows. */
size_t tty_unsent(int fd);
/* Sets DTR; -ENOTTY (or another -errno) where there are no modem control lines. */
int tty_dtr(int fd, bool on);

/* Whether @baud can be set (the table of termios speeds). For the check of a configuration. */
bool tty_baud_valid(unsigned baud);

#endif

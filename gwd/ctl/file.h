/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that hold what is not for everybody: captures and reports. */
#ifndef GWD_CTL_FILE_H
#define GWD_CTL_FILE_H

/*
 * Creates or overwrites @name for writing, readable by its owner only, also if it was there with
 * another mode. A symbolic link is not followed; what is no regular file (a pipe) is taken as it is.
 * The descriptor, or -errno.
 */
int file_create(const char *name);

#endif

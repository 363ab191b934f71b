/* SPDX-License-Identifier: BSD-3-Clause */
#include "listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define KIND (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

/* A socket file that nobody listens on is left from a crash; one that answers (even by "try again":
 * its queue is full) belongs to somebody. */
static int clear_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(sa->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, KIND, 0);
	if (fd < 0)
		return -errno;
	stale = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 && errno == ECONNREFUSED;
	close(fd);
	if (!stale)
		return -EADDRINUSE;
	return unlink(sa->sun_path) < 0 ? -errno : 0;
}

static int open_at(const struct sockaddr *sa, socklen_t n, int backlog)
{
	int fd = socket(sa->sa_family, KIND, 0), one = 1, rc = 0;

	if (fd < 0)
		return -errno;
	if (sa->sa_family != AF_UNIX)
		rc = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (rc == 0)
		rc = bind(fd, sa, n);
	if (rc == 0)
		rc = listen(fd, backlog);
	if (rc == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int listen_unix(const char *path, int backlog)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	mode_t mask;
	int rc;

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= (int)sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	rc = clear_stale(&sa);
	if (rc < 0)
		return rc;
	mask = umask(0117);
	rc = open_at((const struct sockaddr *)&sa, sizeof(sa), backlog);
	umask(mask);
	return rc;
}

int listen_tcp(const struct endpoint *at, int backlog)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(at->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(at->port)};

	if (at->addr.family == 4) {
		memcpy(&in.sin_addr, at->addr.b, sizeof(in.sin_addr));
		return open_at((const struct sockaddr *)&in, sizeof(in), backlog);
	}
	memcpy(&in6.sin6_addr, at->addr.b, sizeof(in6.sin6_addr));
	return open_at((const struct sockaddr *)&in6, sizeof(in6), backlog);
}

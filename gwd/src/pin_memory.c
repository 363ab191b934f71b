/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A line of the file is "TRIES HASH": a PIN that was entered, and how many tries the card had left
 * just before (-1: not known). A PIN that stands there is not entered again, but for one case: the
 * card has as many tries as it had then. Then it did not count a wrong one: the PIN was right (a
 * right one restores the count) and only the power went before we could write that down, or it
 * never reached the card, or somebody has unlocked the card since.
 *
 *   the PIN ...            card's count   then
 *   any                    1              no
 *   was entered            not known      no
 *   was entered            as then        yes
 *   was entered            less           no
 *   was not                any other      yes, if that can be written down; without memory only
 *                                         with all three tries, so that this happens once, too
 *
 * The hash is crypt(3)'s SHA-256 scheme: salted, slow, and part of every libc. It keeps a PIN from
 * whoever glances at the file, no more: ten thousand PINs are quickly tried, and what protects this
 * file, as it does the PIN's own, is its mode.
 *
 * This blocks on the disk and on some ten milliseconds of hashing, while the bearer is down and
 * nothing else is going on.
 */
#include "pin_memory.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

#define TRIES_FULL 3 /* TS 51.011 11.2.4: a CHV is blocked after three */
#define ENTRIES_MAX 8 /* more wrong ones than a card survives; the oldest gives way */
#define HASH_MAX 128
#define KEY_MAX 64
#define PATH_SIZE 512
#define SALT_CHARS 16

struct entry {
	int tries;
	char hash[HASH_MAX];
};

struct memory {
	struct entry entry[ENTRIES_MAX];
	unsigned n;
};

static int file_path(char path[PATH_SIZE], const char *dir, const char *iccid, const char *suffix)
{
	int n = snprintf(path, PATH_SIZE, "%s/pin-%s%s", dir, *iccid ? iccid : "unknown", suffix);

	return n < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static void card_key(char key[KEY_MAX], const char *iccid, const char *pin)
{
	snprintf(key, KEY_MAX, "%s:%s", iccid, pin);
}

/* With a hash as @setting that hash comes again if the key is the same. -EINVAL: not a hash. */
static int hash(char out[HASH_MAX], const char *key, const char *setting)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *text = data ? crypt_r(key, setting, data) : NULL;
	int rc = -EINVAL;

	if (text && *text == '$' && strlen(text) < HASH_MAX) {
		memcpy(out, text, strlen(text) + 1);
		rc = 0;
	}
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return rc;
}

static int new_salt(char salt[SALT_CHARS + 5])
{
	static const char chars[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint8_t random[SALT_CHARS];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	memcpy(salt, "$5$", 3);
	for (unsigned i = 0; i < SALT_CHARS; i++)
		salt[3 + i] = chars[random[i] % 64];
	memcpy(salt + 3 + SALT_CHARS, "$", 2);
	return 0;
}

/* ---- the file ---- */

static int parse_line(struct memory *m, const char *line)
{
	struct entry *e = &m->entry[m->n];
	int at = 0;

	if (m->n == ENTRIES_MAX || sscanf(line, "%2d %127[!-~]%n", &e->tries, e->hash, &at) != 2 ||
		strcmp(line + at, "\n") != 0 || e->tries < -1 || strncmp(e->hash, "$5$", 3) != 0)
		return -EBADMSG;
	m->n++;
	return 0;
}

/* A file that is none is a memory that says nothing; -EBADMSG for one with anything odd in it. */
static int load(struct memory *m, const char *path)
{
	char line[HASH_MAX + 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc = 0;
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	m->n = 0;
	if (!in) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc == -ENOENT ? 0 : rc;
	}
	while (rc == 0 && fgets(line, sizeof(line), in))
		rc = parse_line(m, line);
	if (rc == 0 && ferror(in))
		rc = -EIO;
	fclose(in);
	return rc;
}

static int write_entries(int fd, const struct memory *m)
{
	for (unsigned i = 0; i < m->n; i++)
		if (dprintf(fd, "%d %s\n", m->entry[i].tries, m->entry[i].hash) < 0)
			return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Also of the folder: a rename that a power cut undoes is no memory. */
static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int save(const struct memory *m, const char *dir, const char *iccid)
{
	char path[PATH_SIZE], fresh[PATH_SIZE];
	int fd, rc;

	if (file_path(path, dir, iccid, "") < 0 || file_path(fresh, dir, iccid, ".new") < 0)
		return -ENAMETOOLONG;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_entries(fd, m);
	close(fd);
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(fresh);
	return rc < 0 ? rc : sync_folder(dir);
}

/* ---- what it means ---- */

static struct entry *find(struct memory *m, const char *key)
{
	char again[HASH_MAX];

	for (unsigned i = 0; i < m->n; i++)
		if (hash(again, key, m->entry[i].hash) == 0 &&
			strcmp(again, m->entry[i].hash) == 0)
			return &m->entry[i];
	return NULL;
}

static int remember(struct memory *m, struct entry *e, const char *key, int tries)
{
	char salt[SALT_CHARS + 5];
	int rc = new_salt(salt);

	if (!e && m->n == ENTRIES_MAX)
		memmove(&m->entry[0], &m->entry[1], --m->n * sizeof(m->entry[0]));
	if (!e)
		e = &m->entry[m->n++];
	e->tries = tries;
	return rc < 0 ? rc : hash(e->hash, key, salt);
}

static bool was_counted(const struct entry *e, int tries)
{
	return tries < 0 || e->tries < 0 || tries < e->tries;
}

const char *pin_memory_try(const struct pin_memory *pm, const char *pin, const char *iccid,
	int tries)
{
	char path[PATH_SIZE], key[KEY_MAX];
	struct memory m = {0};
	struct entry *known;
	int rc = file_path(path, pm->dir, iccid, "");

	if (tries == 1 && !pm->force)
		return "the SIM has one try left for its PIN (see modem.pin_force)";
	if (rc == 0)
		rc = load(&m, path);
	card_key(key, iccid, pin);
	known = find(&m, key);
	if (known && was_counted(known, tries) && !pm->force) {
		explicit_bzero(key, sizeof(key));
		return "this PIN was entered before, and the SIM did not take it "
		       "(see modem.pin_force)";
	}
	if (rc == 0)
		rc = remember(&m, known, key, tries);
	explicit_bzero(key, sizeof(key));
	if (rc == 0)
		rc = save(&m, pm->dir, iccid);
	if (rc == 0)
		return NULL;
	log_warn("%s: cannot remember that a PIN is entered: %s", path, strerror(-rc));
	return pm->force || tries >= TRIES_FULL ? NULL :
		"it cannot be remembered that the PIN is entered (see modem.state_dir)";
}

void pin_memory_forget(const char *dir, const char *iccid)
{
	char path[PATH_SIZE];

	if (file_path(path, dir, iccid, "") == 0 && unlink(path) < 0 && errno != ENOENT)
		log_warn("%s: %s", path, strerror(errno));
}

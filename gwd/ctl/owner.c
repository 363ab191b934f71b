/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation
 *
 * A process is found by its open files: /proc/PID/fd/N of a socket is a link to "socket:[INODE]".
 * All of /proc is read once, with the inodes that are wanted in a sorted list. A socket that several
 * processes share belongs to the first, which is the parent of those that inherited it.
 *
 * A control group is known to the kernel by the inode of its folder. That of a process that was found
 * is in /proc/PID/cgroup; for others (a container whose processes are hidden) the tree is searched.
 */
#include "owner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "field.h"
#include "format.h"

#define CGROUP_DEPTH 12 /* of folders; systemd makes about six, a container in it twice that */

/* ---- processes ---- */

static int by_inode(const void *a, const void *b)
{
	uint64_t x = ((const struct owner *)a)->inode, y = ((const struct owner *)b)->inode;

	return x < y ? -1 : x > y;
}

static struct owner *find(const struct owners *o, uint64_t inode)
{
	struct owner key = {.inode = inode};

	return o->n ? bsearch(&key, o->all, o->n, sizeof(*o->all), by_inode) : NULL;
}

static uint64_t inode_of(struct json_object *flow)
{
	return json_object_get_uint64(field(flow, "inode"));
}

/* The first line with this beginning of a file in /proc/PID, what follows it; false: there is none. */
static bool read_process(int pid, const char *name, const char *beginning, char *text, size_t size)
{
	size_t skip = strlen(beginning);
	char path[64], line[512];
	bool ok = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	f = fopen(path, "re");
	while (f && !ok && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		ok = strncmp(line, beginning, skip) == 0;
	}
	if (f)
		fclose(f);
	if (ok)
		snprintf(text, size, "%s", line + skip);
	return ok;
}

static void found(struct owner *w, int pid)
{
	if (w->pid)
		return;
	w->pid = pid;
	if (read_process(pid, "comm", "", w->process, sizeof(w->process)))
		text_clean(w->process);
}

static void look_at_process(struct owners *o, int pid)
{
	char path[64], target[64];
	struct dirent *entry;
	unsigned long inode;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		struct owner *w;

		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "socket:[", 8) != 0)
			continue;
		inode = strtoul(target + 8, NULL, 10);
		w = find(o, inode);
		if (w)
			found(w, pid);
	}
	if (dir)
		closedir(dir);
}

void owners_find(struct owners *o, struct json_object *flows)
{
	size_t n = field_count(flows, "flows");
	struct dirent *entry;
	DIR *proc;

	*o = (struct owners){.all = calloc(n ? n : 1, sizeof(*o->all))};
	for (size_t i = 0; o->all && i < n; i++) {
		uint64_t inode = inode_of(field_at(flows, "flows", i));

		if (inode)
			o->all[o->n++].inode = inode;
	}
	if (!o->n)
		return;
	qsort(o->all, o->n, sizeof(*o->all), by_inode);
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(o, (int)strtol(entry->d_name, NULL, 10));
	if (proc)
		closedir(proc);
}

void owners_free(struct owners *o)
{
	free(o->all);
	*o = (struct owners){0};
}

const struct owner *owners_of(const struct owners *o, struct json_object *flow)
{
	uint64_t inode = inode_of(flow);
	const struct owner *w = inode ? find(o, inode) : NULL;

	return w && w->pid ? w : NULL;
}

/* ---- users ---- */

struct owner_name owner_user(struct json_object *flow, bool numeric)
{
	struct owner_name name = {"-"};
	struct passwd *user;

	if (!field_has(flow, "uid"))
		return name;
	snprintf(name.s, sizeof(name.s), "%s", field_text(flow, "uid", "-"));
	user = numeric ? NULL : getpwuid((uid_t)field_number(flow, "uid"));
	if (user) {
		snprintf(name.s, sizeof(name.s), "%s", user->pw_name);
		text_clean(name.s);
	}
	return name;
}

struct owner_name owner_describe(const struct owners *o, struct json_object *flow)
{
	const struct owner *w = owners_of(o, flow);
	struct owner_name name;

	if (w)
		snprintf(name.s, sizeof(name.s), "%s/%d", w->process, w->pid);
	else if (field_has(flow, "uid"))
		snprintf(name.s, sizeof(name.s), "a process of %.64s", owner_user(flow, false).s);
	else
		snprintf(name.s, sizeof(name.s), "%s", field_text(flow, "local", "-"));
	return name;
}

/* ---- control groups ---- */

/* Where cgroup v2 is mounted; beside v1 it is a folder down. NULL: nowhere. */
static const char *cgroup_root(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

/* Below the folder of `path`, whose text is made longer on the way down and short again on the way up. */
static bool search_cgroup(uint64_t id, char *path, size_t size, unsigned depth)
{
	size_t n = strlen(path);
	struct dirent *entry;
	struct stat st;
	bool found_it = stat(path, &st) == 0 && st.st_ino == id;
	DIR *dir = found_it || depth == 0 ? NULL : opendir(path);

	while (dir && !found_it && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (snprintf(path + n, size - n, "/%s", entry->d_name) < (int)(size - n))
			found_it = search_cgroup(id, path, size, depth - 1);
		if (!found_it)
			path[n] = '\0';
	}
	if (dir)
		closedir(dir);
	return found_it;
}

static void name_cgroup(uint64_t id, struct owner_name *name)
{
	const char *root = cgroup_root();
	char path[512];

	snprintf(path, sizeof(path), "%s", root ? root : "");
	if (!root || !search_cgroup(id, path, sizeof(path), CGROUP_DEPTH))
		return;
	snprintf(name->s, sizeof(name->s), "%s", path[strlen(root)] ? path + strlen(root) : "/");
	text_clean(name->s);
}

struct owner_name owner_cgroup(const struct owners *o, struct json_object *flow)
{
	uint64_t id = json_object_get_uint64(field(flow, "cgroup_id"));
	const struct owner *w = owners_of(o, flow);
	struct owner_name name = {"-"};

	if (!id)
		return name;
	if (w && read_process(w->pid, "cgroup", "0::", name.s, sizeof(name.s)))
		text_clean(name.s);
	else
		name_cgroup(id, &name);
	return name;
}

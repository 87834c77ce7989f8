/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hash_key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns 0, or -1 with errno; EBADMSG: the file was read and is not a key, or others may read or
 * write it. */
static int
read_key(const char *path, struct vly_hash_key *key)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t bytes = -1;

	if (fd < 0)
		return -1;
	errno = EBADMSG;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) == 0 &&
	    status.st_size == sizeof(*key))
		bytes = read(fd, key, sizeof(*key));
	int err = bytes < 0 ? errno : EBADMSG;
	close(fd);
	errno = err;
	return bytes == sizeof(*key) ? 0 : -1;
}

/* A file of that name is left from a life of ours that ended while it wrote: process ids come
 * again, in a container at each start. */
static int
open_fresh(const char *fresh)
{
	if (unlink(fresh) < 0 && errno != ENOENT)
		return -1;
	return open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* Whole or not at all: written beside, synced, then linked to its name, which fails if there is
 * one. */
static int
write_key(const char *path, const struct vly_hash_key *key)
{
	char fresh[PATH_MAX];

	if (snprintf(fresh, sizeof(fresh), "%s.%d", path, (int)getpid()) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = open_fresh(fresh);
	if (fd < 0)
		return -1;
	bool good = write(fd, key, sizeof(*key)) == sizeof(*key) && fsync(fd) == 0;
	int err = errno;
	close(fd);
	if (good && link(fresh, path) < 0) {
		good = false;
		err = errno;
	}
	unlink(fresh);
	errno = err;
	return good ? 0 : -1;
}

int
vly_hash_key_load(const char *state_dir, struct vly_hash_key *key, char *reason,
		  size_t reason_bytes)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/hash-key", state_dir);
	if (read_key(path, key) == 0)
		return 0;
	if (errno == EBADMSG)
		snprintf(reason, reason_bytes, "%s is not a key of 32 octets with mode 0600", path);
	else
		snprintf(reason, reason_bytes, "%s: %m", path);
	bool absent = errno == ENOENT; /* else a good key may be there, and stays */
	if (getrandom(key, sizeof(*key), 0) != sizeof(*key))
		return -1;
	if (!absent)
		return 1;
	if (write_key(path, key) == 0)
		return 0;
	snprintf(reason, reason_bytes, "%s: %m", path);
	return 1;
}

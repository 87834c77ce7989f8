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

#include "base/new_file.h"

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

/* Processes that start at the same time write beside each other, and the first one's key stays. */
static int
write_key(const char *path, const struct vly_hash_key *key)
{
	struct vly_new_file file;
	char ending[16];

	snprintf(ending, sizeof(ending), ".%d", (int)getpid());
	if (vly_new_file_open(&file, path, ending) < 0)
		return -1;
	if (vly_new_file_write(&file, key, sizeof(*key)) == 0)
		return vly_new_file_add(&file);
	vly_new_file_drop(&file);
	return -1;
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns 0, or -1 with errno. */
static int
write_all(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t written = write(fd, text, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		text += written;
		bytes -= (size_t)written;
	}
	return fsync(fd);
}

/* The rename itself must reach the disk. A file system that can't tell has done what it can. */
static void
sync_directory(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

int
vly_state_file_write(const char *path, const char *text, size_t bytes, char *reason,
		     size_t reason_bytes)
{
	char fresh[PATH_MAX];
	int fd = -1;
	int result = -1;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		errno = ENAMETOOLONG;
	else
		fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		result = write_all(fd, text, bytes);
		int error = errno;
		close(fd);
		errno = error;
	}
	if (result == 0)
		result = rename(fresh, path);
	if (result == 0) {
		sync_directory(path);
		return 0;
	}
	snprintf(reason, reason_bytes, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		unlink(fresh);
	return -1;
}

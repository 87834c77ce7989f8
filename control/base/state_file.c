/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_text.h"

/* How many damaged files are kept. With more of them, nobody has looked at them for a long time. */
#define ASIDE_MAX 100

int
vly_state_dir_make(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

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

/* The rename itself must reach the disk. Some file systems can't sync a directory: they have done
 * what they can. */
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

enum vly_state_read
vly_state_file_read(const char *path, size_t bytes_max, char **text, size_t *bytes, char *reason,
		    size_t reason_bytes)
{
	const char *why;

	*text = vly_file_read_string(path, bytes_max, bytes, &why);
	if (*text)
		return VLY_STATE_READ;
	int error = errno;
	snprintf(reason, reason_bytes, "%s: %s", path, why);
	if (error == ENOENT || error == ENOTDIR)
		return VLY_STATE_NONE;
	return error == EFBIG ? VLY_STATE_DAMAGED : VLY_STATE_UNREADABLE;
}

/* link() fails if the name exists; rename() would replace the file. */
int
vly_state_file_set_aside(const char *path, char *aside, size_t aside_bytes)
{
	int result = -1;

	errno = EEXIST;
	for (unsigned i = 0; i < ASIDE_MAX && result < 0 && errno == EEXIST; i++) {
		int len = i == 0 ? snprintf(aside, aside_bytes, "%s.damaged", path)
				 : snprintf(aside, aside_bytes, "%s.damaged.%u", path, i);
		if (len < 0 || (size_t)len >= aside_bytes) {
			errno = ENAMETOOLONG;
			return -1;
		}
		result = link(path, aside);
	}
	return result == 0 ? unlink(path) : -1;
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
vly_new_file_open(struct vly_new_file *file, const char *path, const char *ending)
{
	file->fd = -1;
	if (snprintf(file->path, PATH_MAX, "%s", path) >= PATH_MAX ||
	    snprintf(file->beside, PATH_MAX, "%s%s", path, ending) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (unlink(file->beside) < 0 && errno != ENOENT)
		return -1;
	file->fd = open(file->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return file->fd < 0 ? -1 : 0;
}

int
vly_new_file_write(struct vly_new_file *file, const void *from, size_t bytes)
{
	const char *at = from;

	while (bytes > 0) {
		ssize_t written = write(file->fd, at, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		at += written;
		bytes -= (size_t)written;
	}
	return 0;
}

void
vly_new_file_sync_name(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

/* `move` is rename(2), or link(2), which does not replace what has the name. */
static int
finish(struct vly_new_file *file, int (*move)(const char *from, const char *to))
{
	if (fsync(file->fd) != 0 || move(file->beside, file->path) != 0) {
		vly_new_file_drop(file);
		return -1;
	}
	vly_new_file_drop(file);
	vly_new_file_sync_name(file->path); /* the move itself must reach the disk */
	return 0;
}

int
vly_new_file_replace(struct vly_new_file *file)
{
	return finish(file, rename);
}

int
vly_new_file_add(struct vly_new_file *file)
{
	return finish(file, link);
}

void
vly_new_file_drop(struct vly_new_file *file)
{
	int error = errno;

	close(file->fd);
	unlink(file->beside);
	errno = error;
}

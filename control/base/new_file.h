/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file that appears under its name as a whole, or not at all: it is written beside, synced, and
 * moved.
 *
 * Use:
 *   1. vly_new_file_open() makes the file beside its name;
 *   2. vly_new_file_write() any number of times, or write to `fd`;
 *   3. vly_new_file_replace(), or vly_new_file_add() where a file of that name must stay, or
 *      vly_new_file_drop(). The struct is of no use from then on.
 * A crash before step 3 leaves the file beside, and the next step 1 removes it.
 *
 * Results are 0, or -1 with errno. No state; any thread, but one writer of a name and an ending at
 * a time. Blocks for the disk.
 */
#ifndef VLY_CONTROL_NEW_FILE_H
#define VLY_CONTROL_NEW_FILE_H

#include <limits.h>
#include <stddef.h>

struct vly_new_file {
	int fd;
	char path[PATH_MAX];
	char beside[PATH_MAX];
};

/* The usual ending. */
#define VLY_NEW_FILE_ENDING ".new"

/* Opens `path` and `ending`, with mode 0600; what has that name is removed. */
__attribute__((nonnull, warn_unused_result)) int
vly_new_file_open(struct vly_new_file *file, const char *path, const char *ending);

__attribute__((nonnull(1), warn_unused_result)) int
vly_new_file_write(struct vly_new_file *file, const void *from, size_t bytes);

/* Gives the file its name, in place of what has it. On failure, that is as it was, and the file
 * beside is gone. */
__attribute__((nonnull, warn_unused_result)) int vly_new_file_replace(struct vly_new_file *file);

/* The same, but fails with EEXIST when there is something of that name. */
__attribute__((nonnull, warn_unused_result)) int vly_new_file_add(struct vly_new_file *file);

/* Has the name of a file or a directory reach the disk, as far as the file system can do that. */
__attribute__((nonnull)) void vly_new_file_sync_name(const char *path);

/* Removes the file beside. Leaves errno alone. */
__attribute__((nonnull)) void vly_new_file_drop(struct vly_new_file *file);

#endif

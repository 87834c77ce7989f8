/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Has the kernel read small files before they are needed, when they are on disk and not in its cache: then many
 * reads are under way at once, where a thread that reads one file after the other would have one.
 *
 * Use: vly_read_ahead_begin() in the thread that is going to read the files; then vly_read_ahead_next() before
 * each of them, in order. A thread whose files are in the cache makes no more system calls but one for
 * VLY_READ_AHEAD_FILES files.
 *
 * Each file is read once, whatever this does. Threads: one of its own for each struct. Blocks for the disk.
 */
#ifndef VLY_CONTROL_READ_AHEAD_H
#define VLY_CONTROL_READ_AHEAD_H

#include <stdint.h>

/* Files that show, at first, whether they are on disk. */
#define VLY_READ_AHEAD_FIRST 8

/* Files that are asked for at once. More: more memory of the kernel's cache is needed before the
 * first of them is used. Fewer: the disk has less to do at once. */
#define VLY_READ_AHEAD_FILES 256

struct vly_read_ahead {
	uint32_t left; /* files until the next look */
	long blocks;   /* that this thread has read from disk so far */
};

__attribute__((nonnull)) void vly_read_ahead_begin(struct vly_read_ahead *ahead);

/* A file is read next. name(arg, i) is the path of the file that follows it as the i-th (0: it itself), "" for one
 * that is not wanted, and NULL behind the last one. */
__attribute__((nonnull(1, 2))) void vly_read_ahead_next(struct vly_read_ahead *ahead,
							const char *(*name)(void *arg, uint32_t i),
							void *arg);

#endif

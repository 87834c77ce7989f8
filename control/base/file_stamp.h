/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stamp tells a file from a changed version of it, without reading it. By value; any thread; no
 * function blocks. */
#ifndef VLY_CONTROL_FILE_STAMP_H
#define VLY_CONTROL_FILE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct vly_file_stamp {
	uint64_t bytes;
	uint64_t mtime_ns;
	uint64_t ctime_ns; /* can't be set back, as mtime can */
	uint64_t inode;    /* 0: not known, or the file may change without the stamp telling it */
};

/* Clocks of file systems tick every 10 ms at the slowest: a change within one tick leaves the times
 * as they were. */
#define VLY_FILE_TICK_NS UINT64_C(20000000)

static inline uint64_t
vly_time_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * UINT64_C(1000000000) + (uint64_t)time->tv_nsec;
}

static inline struct vly_file_stamp
vly_file_stamp(const struct stat *status)
{
	return (struct vly_file_stamp){
		.bytes = (uint64_t)status->st_size,
		.mtime_ns = vly_time_ns(&status->st_mtim),
		.ctime_ns = vly_time_ns(&status->st_ctim),
		.inode = status->st_ino,
	};
}

/* The stamp of a file that is about to be read: of no use when it has only just been written. */
static inline struct vly_file_stamp
vly_file_stamp_before_reading(const struct stat *status)
{
	struct vly_file_stamp stamp = vly_file_stamp(status);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (vly_time_ns(&now) < stamp.ctime_ns + VLY_FILE_TICK_NS)
		stamp.inode = 0;
	return stamp;
}

static inline bool
vly_file_stamp_equals(const struct vly_file_stamp *a, const struct vly_file_stamp *b)
{
	return a->inode != 0 && a->inode == b->inode && a->bytes == b->bytes &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watches the directories of zones (config/zone_directory.h) with inotify: gathers which files were written
 * and closed, renamed or removed.
 *
 * Use:
 *   1. vly_directory_watch_init();
 *   2. vly_directory_watch_set() with each configuration that becomes current;
 *   3. when `due` is called: vly_directory_watch_is_due(), vly_directory_watch_take();
 *   4. vly_directory_watch_close().
 * Changes in a short time are gathered. If there are too many, the kernel's queue overflows, or a directory
 * was not watched before, then all directories are to be scanned instead.
 *
 * Threads: the loop's; no function blocks. File names are untrusted.
 */
#ifndef VLY_CONTROL_DIRECTORY_WATCH_H
#define VLY_CONTROL_DIRECTORY_WATCH_H

#include <uthash.h>
#include <uv.h>

#include "config/config.h"

/* Files in one batch. More: a scan of everything is cheaper than to look at each. */
#define VLY_WATCHED_FILES_MAX 4096

struct vly_watched_file {
	unsigned directory; /* index into config->directories */
	bool exists;        /* to be set by the user */
	UT_hash_handle hh;
	char name[]; /* without the directory */
};

struct vly_directory_watch {
	uv_loop_t *loop;
	int fd; /* -1: nothing is watched */
	uv_poll_t poll;
	uv_timer_t timer;
	int *watch; /* [cnt], one for each directory; -1: it could not be watched */
	unsigned cnt;
	struct vly_watched_file *files;
	bool is_scan_due;
	bool is_due;
	void (*due)(void *arg);
	void *arg;
	void (*closed)(void *arg);
	unsigned handle_cnt;
};

__attribute__((nonnull)) void vly_directory_watch_init(struct vly_directory_watch *watch,
						       uv_loop_t *loop, void (*due)(void *arg),
						       void *arg);

/* Watches the directories of `config`, and no others. What is watched already goes on. */
__attribute__((nonnull)) void vly_directory_watch_set(struct vly_directory_watch *watch,
						      const struct vly_config *config);

__attribute__((nonnull)) bool vly_directory_watch_is_due(const struct vly_directory_watch *watch);

/* Forgets what was gathered: everything is about to be scanned. */
__attribute__((nonnull)) void vly_directory_watch_clear(struct vly_directory_watch *watch);

/* Has `due` called for a scan of everything. */
__attribute__((nonnull)) void vly_directory_watch_want_scan(struct vly_directory_watch *watch);

/* Takes what was gathered: the files, a table by hh, the caller's to free; or NULL, and all directories are
 * to be scanned. */
__attribute__((nonnull)) struct vly_watched_file *
vly_directory_watch_take(struct vly_directory_watch *watch);

/* The file of this name in a directory; NULL: it is not among them. */
__attribute__((nonnull(3))) struct vly_watched_file *
vly_watched_files_find(struct vly_watched_file *files, unsigned directory, const char *name);

void vly_watched_files_free(struct vly_watched_file *files);

/* `closed` is called when the loop has closed the handles. */
__attribute__((nonnull)) void vly_directory_watch_close(struct vly_directory_watch *watch,
							void (*closed)(void *arg));

#endif

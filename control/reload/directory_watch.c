/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "directory_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/log.h"

/* For how long changes are gathered. Shorter: a program that writes many files causes more reloads. Longer: a
 * change is answered that much later. */
#define GATHER_MS 50

#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |               \
	 IN_MOVE_SELF | IN_ONLYDIR)

/* Reads of the kernel's queue in one turn of the loop; the rest comes in the next one. */
#define READS_PER_TURN 16

static void
on_time(uv_timer_t *timer)
{
	struct vly_directory_watch *watch = timer->data;

	watch->is_due = true;
	watch->due(watch->arg);
}

static void
gather(struct vly_directory_watch *watch)
{
	if (!uv_is_active((uv_handle_t *)&watch->timer))
		uv_timer_start(&watch->timer, on_time, GATHER_MS, 0);
}

void
vly_directory_watch_want_scan(struct vly_directory_watch *watch)
{
	watch->is_scan_due = true;
	gather(watch);
}

/* The key is the directory and the name. Returns its octets. */
static size_t
write_key(char key[NAME_MAX + sizeof(unsigned)], unsigned directory, const char *name)
{
	const size_t len = strnlen(name, NAME_MAX);

	memcpy(key, &directory, sizeof(directory));
	memcpy(key + sizeof(directory), name, len);
	return sizeof(directory) + len;
}

struct vly_watched_file *
vly_watched_files_find(struct vly_watched_file *files, unsigned directory, const char *name)
{
	char key[NAME_MAX + sizeof(directory)];
	const size_t len = write_key(key, directory, name);
	struct vly_watched_file *file;

	HASH_FIND(hh, files, key, len, file);
	return file;
}

static void
add_file(struct vly_directory_watch *watch, unsigned directory, const char *name)
{
	char key[NAME_MAX + sizeof(directory)];
	const size_t key_len = write_key(key, directory, name);
	const size_t len = key_len - sizeof(directory);
	struct vly_watched_file *file;

	HASH_FIND(hh, watch->files, key, key_len, file);
	if (file || watch->is_scan_due)
		return;
	/* the key is a copy behind the name, where nothing moves it */
	file = calloc(1, sizeof(*file) + len + 1 + key_len);
	if (file && HASH_COUNT(watch->files) < VLY_WATCHED_FILES_MAX) {
		char *kept = file->name + len + 1;
		file->directory = directory;
		memcpy(file->name, name, len);
		memcpy(kept, key, key_len);
		HASH_ADD_KEYPTR(hh, watch->files, kept, key_len, file);
		if (file->hh.tbl)
			return;
	}
	free(file);
	watch->is_scan_due = true;
}

static void
hear_of(struct vly_directory_watch *watch, unsigned directory, const struct inotify_event *event)
{
	if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
		if (event->mask & IN_IGNORED)
			watch->watch[directory] = -1;
		watch->is_scan_due = true;
	} else if (event->len > 0) {
		add_file(watch, directory, event->name);
	}
	gather(watch);
}

/* A directory that is configured with several patterns has the same watch for all of them. */
static void
hear(struct vly_directory_watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		vly_directory_watch_want_scan(watch);
		return;
	}
	for (unsigned i = 0; i < watch->cnt; i++)
		if (watch->watch[i] == event->wd)
			hear_of(watch, i, event);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct vly_directory_watch *watch = poll->data;
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)status;
	(void)events;
	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		ssize_t bytes = read(watch->fd, buffer, sizeof(buffer));
		if (bytes <= 0)
			return;
		for (ssize_t at = 0; at < bytes;) {
			const struct inotify_event *event = (const void *)(buffer + at);
			hear(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

void
vly_directory_watch_init(struct vly_directory_watch *watch, uv_loop_t *loop, void (*due)(void *arg),
			 void *arg)
{
	*watch = (struct vly_directory_watch){.loop = loop, .fd = -1, .due = due, .arg = arg};
	uv_timer_init(loop, &watch->timer);
	watch->timer.data = watch;
}

static int
open_queue(struct vly_directory_watch *watch)
{
	if (watch->fd >= 0)
		return 0;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		return -1;
	uv_poll_init(watch->loop, &watch->poll, watch->fd);
	watch->poll.data = watch;
	uv_poll_start(&watch->poll, UV_READABLE, on_readable);
	return 0;
}

static void
unwatch_others(const struct vly_directory_watch *watch, const int *kept, unsigned kept_cnt)
{
	for (unsigned i = 0; i < watch->cnt; i++) {
		bool is_kept = watch->watch[i] < 0;
		for (unsigned k = 0; k < kept_cnt; k++)
			is_kept |= kept[k] == watch->watch[i];
		if (!is_kept)
			inotify_rm_watch(watch->fd, watch->watch[i]);
	}
}

void
vly_directory_watch_set(struct vly_directory_watch *watch, const struct vly_config *config)
{
	if (watch->cnt == 0 && config->directory_cnt == 0)
		return;
	int *watched = calloc(config->directory_cnt + 1, sizeof(*watched));
	if (!watched || open_queue(watch) != 0) {
		vly_log_warning("the directories of zones are not watched: %m; their changes are "
				"found by volleyctl reload");
		free(watched);
		return;
	}
	for (unsigned i = 0; i < config->directory_cnt; i++) {
		watched[i] = inotify_add_watch(watch->fd, config->directories[i].path, EVENTS);
		if (watched[i] < 0)
			vly_log_warning("directory %s is not watched: %m; its changes are found by "
					"volleyctl reload",
					config->directories[i].path);
		else if (i >= watch->cnt || watch->watch[i] != watched[i])
			vly_directory_watch_want_scan(watch);
	}
	unwatch_others(watch, watched, config->directory_cnt);
	free(watch->watch);
	watch->watch = watched;
	watch->cnt = config->directory_cnt;
}

bool
vly_directory_watch_is_due(const struct vly_directory_watch *watch)
{
	return watch->is_due;
}

void
vly_watched_files_free(struct vly_watched_file *files)
{
	struct vly_watched_file *file;
	struct vly_watched_file *next;

	HASH_ITER(hh, files, file, next)
	{
		HASH_DEL(files, file);
		free(file);
	}
}

void
vly_directory_watch_clear(struct vly_directory_watch *watch)
{
	vly_watched_files_free(watch->files);
	watch->files = NULL;
	watch->is_scan_due = false;
	watch->is_due = false;
	uv_timer_stop(&watch->timer);
}

struct vly_watched_file *
vly_directory_watch_take(struct vly_directory_watch *watch)
{
	struct vly_watched_file *files = watch->is_scan_due ? NULL : watch->files;

	if (files)
		watch->files = NULL;
	vly_directory_watch_clear(watch);
	return files;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct vly_directory_watch *watch = handle->data;

	if (--watch->handle_cnt > 0)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch->watch);
	watch->closed(watch->arg);
}

void
vly_directory_watch_close(struct vly_directory_watch *watch, void (*closed)(void *arg))
{
	vly_directory_watch_clear(watch);
	watch->closed = closed;
	watch->handle_cnt = 1 + (watch->fd >= 0);
	uv_close((uv_handle_t *)&watch->timer, on_handle_closed);
	if (watch->fd >= 0)
		uv_close((uv_handle_t *)&watch->poll, on_handle_closed);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "note_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>
#include <xxhash.h>

#include "common/log.h"

/* Less: more writes. More: a crash of the machine takes more with it. */
#define WRITE_MS 1000

/* Records in one write. */
#define PART_MAX 4096

struct id {
	uint64_t low;
	uint64_t high;
};

struct record {
	struct id id;
	struct vly_note note;
	uint64_t check; /* of what stands before */
};

struct entry {
	struct id id;
	struct vly_note note;
	uint32_t place; /* in the file */
	uint32_t sweep; /* the last one that it was kept in */
	bool is_dirty;
	bool is_gone;             /* and its place becomes free when that is on disk */
	struct entry *next_dirty; /* is_dirty */
	UT_hash_handle hh;
};

struct write {
	struct id id; /* of the entry */
	uint32_t place;
	struct record record;
};

struct vly_note_file {
	uv_loop_t *loop;
	uv_timer_t timer;
	uv_work_t work;
	int fd; /* -1: none */
	const char *loss;
	struct entry *by_id;
	struct entry *dirty; /* in the order in which they have changed */
	struct entry **dirty_end;
	uint32_t sweep;
	uint32_t place_cnt;
	uint32_t *free_place; /* whose zones are gone */
	uint32_t free_cnt;
	bool is_writing;
	bool is_closing;
	struct write *write; /* [write_cnt], while is_writing */
	uint32_t write_cnt;
	int error; /* of the last write */
	bool told;
};

static struct id
hash(const char *zone)
{
	XXH128_hash_t h = XXH3_128bits(zone, strlen(zone));

	return (struct id){h.low64, h.high64};
}

static uint64_t
checksum(const struct record *record)
{
	return XXH3_64bits(record, offsetof(struct record, check)) ^ 1;
}

static struct entry *
find(const struct vly_note_file *file, struct id id)
{
	struct entry *entry;

	HASH_FIND(hh, file->by_id, &id, sizeof(id), entry);
	return entry;
}

static struct entry *
add(struct vly_note_file *file, struct id id, uint32_t place)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->id = id;
	entry->place = place;
	HASH_ADD(hh, file->by_id, id, sizeof(id), entry);
	if (entry->hh.tbl)
		return entry;
	free(entry);
	return NULL;
}

static void
free_place(struct vly_note_file *file, uint32_t place)
{
	if (file->free_cnt % PART_MAX == 0) {
		void *grown =
			realloc(file->free_place, (file->free_cnt + PART_MAX) * sizeof(uint32_t));
		if (!grown)
			return;
		file->free_place = grown;
	}
	file->free_place[file->free_cnt++] = place;
}

static void
take_record(struct vly_note_file *file, const struct record *record,
	    const struct vly_note_file_settings *settings)
{
	const uint32_t place = file->place_cnt++;
	const bool is_good =
		record->check == checksum(record) && !find(file, record->id) &&
		(!settings->is_wanted || settings->is_wanted(settings->arg, &record->note));
	struct entry *entry = is_good ? add(file, record->id, place) : NULL;

	if (entry)
		entry->note = record->note;
	else
		free_place(file, place);
}

/* Returns 0 at the end of the file, where half a record may stand, or an error. */
static int
read_all(struct vly_note_file *file, const struct vly_note_file_settings *settings)
{
	struct record part[256];
	ssize_t done;

	do {
		const off_t at = (off_t)file->place_cnt * (off_t)sizeof(part[0]);
		done = pread(file->fd, part, sizeof(part), at);
		for (size_t i = 0; done > 0 && i < (size_t)done / sizeof(part[0]); i++)
			take_record(file, &part[i], settings);
	} while (done >= (ssize_t)sizeof(part[0]) || (done < 0 && errno == EINTR));
	return done < 0 ? errno : 0;
}

static void
tell(struct vly_note_file *file, int error)
{
	if (!file->told)
		vly_log_warning("%s: %s", file->loss, strerror(error));
	file->told = true;
}

static void
write_all(uv_work_t *work)
{
	struct vly_note_file *file = work->data;

	file->error = 0;
	for (uint32_t i = 0; i < file->write_cnt; i++) {
		const struct write *write = &file->write[i];
		const off_t at = (off_t)write->place * (off_t)sizeof(write->record);
		if (pwrite(file->fd, &write->record, sizeof(write->record), at) !=
		    (ssize_t)sizeof(write->record))
			file->error = errno ? errno : ENOSPC;
	}
}

/* What the entry is on disk. */
static void
take_entry(struct entry *entry, struct write *write)
{
	entry->is_dirty = false;
	write->id = entry->id;
	write->place = entry->place;
	if (entry->is_gone) /* zeros have no good checksum */
		return;
	write->record.id = entry->id;
	write->record.note = entry->note;
	write->record.check = checksum(&write->record);
}

static bool
take_dirty(struct vly_note_file *file)
{
	file->write_cnt = 0;
	file->write = calloc(PART_MAX, sizeof(*file->write));
	while (file->write && file->dirty && file->write_cnt < PART_MAX) {
		struct entry *entry = file->dirty;
		file->dirty = entry->next_dirty;
		if (!file->dirty)
			file->dirty_end = &file->dirty;
		take_entry(entry, &file->write[file->write_cnt++]);
	}
	return file->write_cnt > 0;
}

static void
free_all(uv_handle_t *handle)
{
	struct vly_note_file *file = handle->data;
	struct entry *entry;
	struct entry *next;

	HASH_ITER(hh, file->by_id, entry, next)
	{
		HASH_DELETE(hh, file->by_id, entry);
		free(entry);
	}
	if (file->fd >= 0)
		close(file->fd);
	free(file->free_place);
	free(file);
}

static void
finish(struct vly_note_file *file)
{
	while (file->fd >= 0 && take_dirty(file)) {
		write_all(&file->work);
		if (file->error)
			tell(file, file->error);
		free(file->write);
		file->write = NULL;
	}
	free(file->write);
	uv_close((uv_handle_t *)&file->timer, free_all);
}

static void on_timer(uv_timer_t *timer);

/* Has the entry written. */
static void
set_dirty(struct vly_note_file *file, struct entry *entry)
{
	if (entry->is_dirty || file->fd < 0)
		return;
	entry->is_dirty = true;
	entry->next_dirty = NULL;
	*file->dirty_end = entry;
	file->dirty_end = &entry->next_dirty;
	if (!uv_is_active((uv_handle_t *)&file->timer))
		uv_timer_start(&file->timer, on_timer, WRITE_MS, WRITE_MS);
}

/* An entry that is on disk, or is to be written again: the disk may have room by then. */
static void
settle(struct vly_note_file *file, const struct write *write)
{
	struct entry *entry = find(file, write->id);

	if (file->error) {
		set_dirty(file, entry);
	} else if (entry->is_gone && !entry->is_dirty) {
		free_place(file, entry->place);
		HASH_DELETE(hh, file->by_id, entry);
		free(entry);
	}
}

static void
on_written(uv_work_t *work, int status)
{
	struct vly_note_file *file = work->data;

	(void)status;
	for (uint32_t i = 0; i < file->write_cnt; i++)
		settle(file, &file->write[i]);
	free(file->write);
	file->write = NULL;
	file->is_writing = false;
	if (file->error)
		tell(file, file->error);
	else
		file->told = false;
	if (file->is_closing)
		finish(file);
}

static void
on_timer(uv_timer_t *timer)
{
	struct vly_note_file *file = timer->data;

	if (file->is_writing)
		return;
	if (!take_dirty(file)) {
		free(file->write);
		file->write = NULL;
		uv_timer_stop(timer);
		return;
	}
	file->is_writing = true;
	uv_queue_work(file->loop, &file->work, write_all, on_written);
}

struct vly_note_file *
vly_note_file_open(const struct vly_note_file_settings *settings)
{
	struct vly_note_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->loop = settings->loop;
	file->loss = settings->loss;
	file->dirty_end = &file->dirty;
	file->work.data = file;
	file->timer.data = file;
	uv_timer_init(settings->loop, &file->timer);
	file->fd = open(settings->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int error = file->fd < 0 ? errno : read_all(file, settings);
	if (error == 0)
		return file;
	/* what could not be read must not be written over */
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	tell(file, error);
	return file;
}

bool
vly_note_file_find(const struct vly_note_file *file, const char *zone, struct vly_note *note)
{
	const struct entry *found = find(file, hash(zone));

	if (!found || found->is_gone)
		return false;
	*note = found->note;
	return true;
}

void
vly_note_file_put(struct vly_note_file *file, const char *zone, const struct vly_note *note)
{
	const struct id id = hash(zone);
	struct entry *entry = find(file, id);

	if (!entry) {
		const bool reuses = file->free_cnt > 0;
		entry = add(file, id,
			    reuses ? file->free_place[file->free_cnt - 1] : file->place_cnt);
		if (!entry)
			return;
		file->free_cnt -= reuses;
		file->place_cnt += !reuses;
	}
	entry->is_gone = false;
	entry->sweep = file->sweep;
	entry->note = *note;
	set_dirty(file, entry);
}

/* Without a file nothing is left of it. */
static void
forget(struct vly_note_file *file, struct entry *entry)
{
	entry->is_gone = true;
	if (file->fd >= 0) {
		set_dirty(file, entry);
		return;
	}
	HASH_DELETE(hh, file->by_id, entry);
	free_place(file, entry->place);
	free(entry);
}

void
vly_note_file_forget(struct vly_note_file *file, const char *zone)
{
	struct entry *entry = find(file, hash(zone));

	if (entry && !entry->is_gone)
		forget(file, entry);
}

void
vly_note_file_sweep(struct vly_note_file *file)
{
	file->sweep++;
}

void
vly_note_file_keep(struct vly_note_file *file, const char *zone)
{
	struct entry *entry = find(file, hash(zone));

	if (entry)
		entry->sweep = file->sweep;
}

void
vly_note_file_swept(struct vly_note_file *file)
{
	struct entry *entry;
	struct entry *next;

	HASH_ITER(hh, file->by_id, entry, next)
	{
		if (entry->sweep != file->sweep && !entry->is_gone)
			forget(file, entry);
	}
}

void
vly_note_file_close(struct vly_note_file *file)
{
	if (!file)
		return;
	file->is_closing = true;
	if (!file->is_writing)
		finish(file);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <volley/dns.h>
#include <volley/octets.h>

/* Octets that are gathered before they are written, and before readers hear of them. */
#define BLOCK_BYTES (256u << 10)

/* How often the room on the disk is looked at. */
#define DISK_LOOK_BYTES (UINT64_C(16) << 20)

struct vly_message_spool {
	struct vly_message_spool_settings settings;
	uv_mutex_t lock;
	/* under the lock */
	uint8_t *memory; /* NULL: none yet, or all is in the file */
	size_t memory_size;
	uint64_t bytes; /* that readers may have */
	enum vly_message_spool_end end;
	int fd; /* -1: none; never changes once it is set */
	/* the writer's */
	uint8_t *block; /* not in the file yet */
	size_t block_len;
	uint64_t file_bytes;
	uint64_t looked_bytes; /* of the file, when the disk was looked at */
	uint64_t told_bytes;   /* `bytes`, when readers were last told */
};

struct vly_message_spool *
vly_message_spool_new(const struct vly_message_spool_settings *settings)
{
	struct vly_message_spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL)
		return NULL;
	spool->settings = *settings;
	spool->fd = -1;
	if (uv_mutex_init(&spool->lock) != 0) {
		free(spool);
		return NULL;
	}
	return spool;
}

void
vly_message_spool_free(struct vly_message_spool *spool)
{
	if (spool == NULL)
		return;
	atomic_fetch_sub(&spool->settings.usage->memory_bytes, spool->memory_size);
	atomic_fetch_sub(&spool->settings.usage->file_bytes, spool->file_bytes);
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->memory);
	free(spool->block);
	uv_mutex_destroy(&spool->lock);
	free(spool);
}

/* Returns 0, or -1 with errno. */
static int
write_all(int fd, const uint8_t *from, size_t cnt)
{
	while (cnt > 0) { /* each step writes something */
		ssize_t done = write(fd, from, cnt);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		from += done;
		cnt -= (size_t)done;
	}
	return 0;
}

/* Returns 0, or -1 with errno: ENOSPC also when there is little room. */
static int
look_at_disk(struct vly_message_spool *spool)
{
	struct statvfs disk;

	if (spool->looked_bytes > 0 && spool->file_bytes - spool->looked_bytes < DISK_LOOK_BYTES)
		return 0;
	if (fstatvfs(spool->fd, &disk) != 0)
		return -1;
	spool->looked_bytes = spool->file_bytes + 1;
	if ((uint64_t)disk.f_bavail * disk.f_frsize >=
	    VLY_MESSAGE_SPOOL_DISK_KEPT + DISK_LOOK_BYTES)
		return 0;
	errno = ENOSPC;
	return -1;
}

static int
write_file(struct vly_message_spool *spool, const uint8_t *from, size_t cnt)
{
	if (look_at_disk(spool) != 0 || write_all(spool->fd, from, cnt) != 0)
		return -1;
	spool->file_bytes += cnt;
	atomic_fetch_add(&spool->settings.usage->file_bytes, cnt);
	return 0;
}

/* For file systems without O_TMPFILE, such as NFS. */
static int
open_named(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/XXXXXX", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static int
open_file(const char *dir)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return -1;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != EISDIR))
		return fd;
	return open_named(dir);
}

/* From memory to the file. */
static int
move(struct vly_message_spool *spool)
{
	int fd = open_file(spool->settings.dir);

	if (fd < 0)
		return -1;
	uv_mutex_lock(&spool->lock);
	spool->fd = fd;
	uv_mutex_unlock(&spool->lock);
	spool->block = malloc(BLOCK_BYTES);
	if (spool->block == NULL || write_file(spool, spool->memory, spool->bytes) != 0)
		return -1;
	uv_mutex_lock(&spool->lock);
	uint8_t *memory = spool->memory;
	atomic_fetch_sub(&spool->settings.usage->memory_bytes, spool->memory_size);
	spool->memory = NULL;
	spool->memory_size = 0;
	uv_mutex_unlock(&spool->lock);
	free(memory);
	return 0;
}

/* Makes room in memory. Returns whether there is some; false with errno 0: it is to be moved. */
static bool
grow(struct vly_message_spool *spool, size_t needed)
{
	struct vly_message_spool_usage *usage = spool->settings.usage;
	size_t size = spool->memory_size;

	if (needed <= size)
		return true;
	errno = 0;
	if (needed > spool->settings.memory_max)
		return false;
	for (size = size > 0 ? size : 1024; size < needed;) /* doubles */
		size *= 2;
	if (atomic_load(&usage->memory_bytes) + size > VLY_MESSAGE_SPOOLS_MEMORY_MAX)
		return false;
	uv_mutex_lock(&spool->lock);
	uint8_t *memory = realloc(spool->memory, size);
	if (memory != NULL) {
		atomic_fetch_add(&usage->memory_bytes, size - spool->memory_size);
		spool->memory = memory;
		spool->memory_size = size;
	}
	uv_mutex_unlock(&spool->lock);
	return memory != NULL;
}

static void
tell(struct vly_message_spool *spool, uint64_t bytes)
{
	uv_mutex_lock(&spool->lock);
	spool->bytes = bytes;
	uv_mutex_unlock(&spool->lock);
	if (bytes - spool->told_bytes < BLOCK_BYTES)
		return;
	spool->told_bytes = bytes;
	spool->settings.on_progress(spool->settings.arg);
}

static int
flush(struct vly_message_spool *spool)
{
	if (spool->block_len == 0)
		return 0;
	if (write_file(spool, spool->block, spool->block_len) != 0)
		return -1;
	spool->block_len = 0;
	tell(spool, spool->file_bytes);
	return 0;
}

static int
append(struct vly_message_spool *spool, const uint8_t *message, size_t len)
{
	if (spool->block == NULL && grow(spool, spool->bytes + 2 + len)) {
		uint8_t *to = spool->memory + spool->bytes;
		vly_put_be16(to, (unsigned)len);
		memcpy(to + 2, message, len);
		tell(spool, spool->bytes + 2 + len);
		return 0;
	}
	if (spool->block == NULL && move(spool) != 0)
		return -1;
	if (spool->block_len + 2 + len > BLOCK_BYTES && flush(spool) != 0)
		return -1;
	vly_put_be16(spool->block + spool->block_len, (unsigned)len);
	memcpy(spool->block + spool->block_len + 2, message, len);
	spool->block_len += 2 + len;
	return 0;
}

static int
fail(const struct vly_message_spool *spool, char reason[VLY_REASON_BYTES])
{
	snprintf(reason, VLY_REASON_BYTES, "%.400s: %s", spool->settings.dir,
		 strerror(errno != 0 ? errno : ENOMEM));
	return -1;
}

int
vly_message_spool_append(struct vly_message_spool *spool, const uint8_t *message, size_t len,
			 char reason[VLY_REASON_BYTES])
{
	return append(spool, message, len) == 0 ? 0 : fail(spool, reason);
}

int
vly_message_spool_end(struct vly_message_spool *spool, enum vly_message_spool_end end,
		      char reason[VLY_REASON_BYTES])
{
	int result = 0;

	if (end == VLY_MESSAGE_SPOOL_WHOLE && flush(spool) != 0) {
		end = VLY_MESSAGE_SPOOL_FAILED;
		result = fail(spool, reason);
	}
	free(spool->block);
	spool->block = NULL;
	uv_mutex_lock(&spool->lock);
	spool->end = end;
	uv_mutex_unlock(&spool->lock);
	spool->settings.on_progress(spool->settings.arg);
	return result;
}

uint64_t
vly_message_spool_look(struct vly_message_spool *spool, enum vly_message_spool_end *end)
{
	uv_mutex_lock(&spool->lock);
	uint64_t bytes = spool->bytes;
	*end = spool->end;
	uv_mutex_unlock(&spool->lock);
	return bytes;
}

static ssize_t
read_file(int fd, uint64_t off, uint8_t *to, size_t size, bool may_block)
{
	const struct iovec vector = {to, size};
	ssize_t cnt;

	do {
		cnt = preadv2(fd, &vector, 1, (off_t)off, may_block ? 0 : RWF_NOWAIT);
	} while (cnt < 0 && errno == EINTR);
	if (cnt < 0 && errno == EOPNOTSUPP)
		errno = EAGAIN; /* a file system without it */
	return cnt;
}

ssize_t
vly_message_spool_read(struct vly_message_spool *spool, uint64_t off, uint8_t *to, size_t size,
		       bool may_block)
{
	uv_mutex_lock(&spool->lock);
	const uint64_t left = off < spool->bytes ? spool->bytes - off : 0;
	const int fd = spool->fd;
	if (size > left)
		size = left;
	const bool in_memory = spool->memory != NULL;
	if (in_memory)
		memcpy(to, spool->memory + off, size);
	uv_mutex_unlock(&spool->lock);
	if (in_memory || size == 0)
		return (ssize_t)size;
	return read_file(fd, off, to, size, may_block);
}

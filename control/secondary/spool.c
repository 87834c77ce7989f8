/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In front of the owner and the data of a record; an owner of 0 octets is that of the record before. */
struct head {
	uint32_t ttl;
	uint16_t type;
	uint16_t data_len;
	uint8_t owner_len;
	uint8_t op;
	uint16_t pad;
};

#define RECORD_BYTES_MAX (sizeof(struct head) + VLY_NAME_BYTES_MAX + 65535)

/* Small transfers are most of them. */
#define FIRST_BYTES 4096

static bool
fail(struct vly_spool *spool, const char *what, int error)
{
	snprintf(spool->reason, sizeof(spool->reason), "%s: %s", what, strerror(error));
	return false;
}

void
vly_spool_init(struct vly_spool *spool, const char *dir, uint64_t bytes_max)
{
	memset(spool, 0, sizeof(*spool));
	spool->dir = dir;
	spool->bytes_max = bytes_max;
	spool->fd = -1;
}

static bool
make_room(struct vly_spool *spool, size_t need)
{
	size_t size = spool->size ? spool->size : FIRST_BYTES;

	while (size - spool->fill < need)
		size *= 2;
	if (size == spool->size)
		return true;
	uint8_t *grown = realloc(spool->buffer, size);
	if (!grown)
		return fail(spool, "the records can't be kept", ENOMEM);
	spool->buffer = grown;
	spool->size = size;
	return true;
}

bool
vly_spool_add(struct vly_spool *spool, const struct vly_transfer_record *record)
{
	const bool same = record->owner_len == spool->owner_len &&
			  memcmp(record->owner, spool->owner, spool->owner_len) == 0;
	const struct head head = {
		.ttl = record->ttl,
		.type = record->type,
		.data_len = record->data_len,
		.owner_len = same ? 0 : record->owner_len,
		.op = record->op,
	};
	const size_t need = sizeof(head) + head.owner_len + record->data_len;

	spool->is_over = spool->bytes + need > spool->bytes_max;
	if (spool->is_over) {
		snprintf(spool->reason, sizeof(spool->reason),
			 "the transfer is larger than transfers.in-size allows: %llu octets",
			 (unsigned long long)spool->bytes_max);
		return false;
	}
	if (!make_room(spool, need))
		return false;
	uint8_t *at = spool->buffer + spool->fill;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), record->owner, head.owner_len);
	memcpy(at + sizeof(head) + head.owner_len, record->data, record->data_len);
	if (!same) {
		memcpy(spool->owner, record->owner, record->owner_len);
		spool->owner_len = record->owner_len;
	}
	spool->fill += need;
	spool->bytes += need;
	spool->record_cnt++;
	return true;
}

bool
vly_spool_is_full(const struct vly_spool *spool)
{
	return spool->fill >= VLY_SPOOL_MEMORY_BYTES - RECORD_BYTES_MAX;
}

static bool
open_file(struct vly_spool *spool)
{
	if (spool->fd >= 0)
		return true;
	if (mkdir(spool->dir, 0700) != 0 && errno != EEXIST)
		return fail(spool, "the directory for transfers could not be made", errno);
	spool->fd = open(spool->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return spool->fd >= 0 || fail(spool, "no file for the transfer could be made", errno);
}

bool
vly_spool_flush(struct vly_spool *spool)
{
	size_t at = 0;

	if (spool->fill == 0)
		return true;
	if (!open_file(spool))
		return false;
	while (at < spool->fill) {
		ssize_t done = pwrite(spool->fd, spool->buffer + at, spool->fill - at,
				      (off_t)spool->file_bytes);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail(spool, "the transfer could not be kept on disk",
				    done < 0 ? errno : ENOSPC);
		at += (size_t)done;
		spool->file_bytes += (uint64_t)done;
	}
	spool->fill = 0;
	return true;
}

bool
vly_spool_rewind(struct vly_spool *spool)
{
	spool->at = 0;
	spool->file_at = 0;
	spool->owner_len = 0;
	if (spool->fd < 0)
		return true;
	if (!spool->is_read && !vly_spool_flush(spool))
		return false;
	spool->is_read = true;
	spool->fill = 0;
	return true;
}

/* Has the next record in the buffer, if there is one. */
static bool
read_file(struct vly_spool *spool)
{
	if (spool->fd < 0 || spool->fill - spool->at >= RECORD_BYTES_MAX ||
	    spool->file_at == spool->file_bytes)
		return true;
	memmove(spool->buffer, spool->buffer + spool->at, spool->fill - spool->at);
	spool->fill -= spool->at;
	spool->at = 0;
	if (!make_room(spool, RECORD_BYTES_MAX))
		return false;
	while (spool->file_at < spool->file_bytes && spool->fill < RECORD_BYTES_MAX) {
		ssize_t done = pread(spool->fd, spool->buffer + spool->fill,
				     spool->size - spool->fill, (off_t)spool->file_at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail(spool, "the file of the transfer could not be read",
				    done < 0 ? errno : EIO);
		spool->fill += (size_t)done;
		spool->file_at += (uint64_t)done;
	}
	return true;
}

int
vly_spool_next(struct vly_spool *spool, struct vly_transfer_record *record)
{
	struct head head;

	if (!read_file(spool))
		return -1;
	if (spool->at == spool->fill)
		return 0;
	const uint8_t *at = spool->buffer + spool->at;
	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	if (head.owner_len > 0) {
		memcpy(spool->owner, at, head.owner_len);
		spool->owner_len = head.owner_len;
	}
	*record = (struct vly_transfer_record){
		.owner = spool->owner,
		.data = at + head.owner_len,
		.ttl = head.ttl,
		.type = head.type,
		.data_len = head.data_len,
		.owner_len = spool->owner_len,
		.op = head.op,
	};
	spool->at += sizeof(head) + head.owner_len + head.data_len;
	return 1;
}

void
vly_spool_empty(struct vly_spool *spool)
{
	spool->fill = 0;
	spool->at = 0;
	spool->owner_len = 0;
}

void
vly_spool_free(struct vly_spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool->buffer);
	spool->fd = -1;
	spool->buffer = NULL;
}

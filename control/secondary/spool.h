/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of a transfer until it is whole: in memory up to VLY_SPOOL_MEMORY_BYTES, then in an
 * unlinked file.
 *
 * Use:
 *   1. vly_spool_init();
 *   2. vly_spool_add() for each record; when vly_spool_is_full(), vly_spool_flush(), which blocks for
 *      the disk, before the next message is read;
 *   3. vly_spool_rewind(), then vly_spool_next() until it returns something else than 1; as often as
 *      wanted;
 *   4. vly_spool_free().
 *
 * One thread at a time. Only _flush(), _rewind() and _next() block. The file has no name, so that a
 * crash leaves nothing. It is our own, and no one else can write it: it is trusted.
 */
#ifndef VLY_CONTROL_SPOOL_H
#define VLY_CONTROL_SPOOL_H

#include "transfer_reader.h"

/* More: fewer transfers need a file. Less: as many transfers take less memory. */
#define VLY_SPOOL_MEMORY_BYTES (1u << 20)

struct vly_spool {
	const char *dir; /* for the file; the caller's */
	uint64_t bytes_max;
	uint64_t bytes; /* of all records */
	uint64_t record_cnt;

	/* private */
	int fd;       /* -1: none */
	bool is_read; /* the file has all; the buffer is for reading */
	uint8_t *buffer;
	size_t size;
	size_t fill;         /* octets in the buffer */
	size_t at;           /* reading: the next one */
	uint64_t file_bytes; /* written */
	uint64_t file_at;    /* reading */
	char reason[VLY_REASON_BYTES];
	bool is_over;      /* bytes_max was reached, or the tree is too large */
	uint8_t owner_len; /* of the record before */
	uint8_t owner[VLY_NAME_BYTES_MAX];
};

__attribute__((nonnull)) void vly_spool_init(struct vly_spool *spool, const char *dir,
					     uint64_t bytes_max);

/* Returns false with a reason: no memory, or more than bytes_max octets. */
__attribute__((nonnull, warn_unused_result)) bool
vly_spool_add(struct vly_spool *spool, const struct vly_transfer_record *record);

__attribute__((nonnull)) bool vly_spool_is_full(const struct vly_spool *spool);

/* Writes the buffer to the file. Returns false with a reason. */
__attribute__((nonnull, warn_unused_result)) bool vly_spool_flush(struct vly_spool *spool);

/* Begins to read. Returns false with a reason. */
__attribute__((nonnull, warn_unused_result)) bool vly_spool_rewind(struct vly_spool *spool);

/* Reads the next record, which holds until the next call. 1; 0: there are no more; -1 with a reason. */
__attribute__((nonnull, warn_unused_result)) int vly_spool_next(struct vly_spool *spool,
								struct vly_transfer_record *record);

/* Forgets the records, when all of them have been read from memory. Further ones may be added, and count
 * for bytes_max. */
__attribute__((nonnull)) void vly_spool_empty(struct vly_spool *spool);

__attribute__((nonnull)) void vly_spool_free(struct vly_spool *spool);

#endif

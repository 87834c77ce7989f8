/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A spool: messages that one thread writes once, and that any number of readers take at their own
 * pace, also while it is written. Small ones are in memory; larger ones go on in a file without a
 * name, so that a crash leaves nothing behind.
 *
 * Use:
 *   1. vly_message_spool_new();
 *   2. one thread: vly_message_spool_append() each message, then vly_message_spool_end();
 *   3. others: vly_message_spool_look(), and vly_message_spool_read() up to what is there;
 *   4. vly_message_spool_free(), when neither is at work.
 *
 * In the spool stand two octets of length before each message, as in a TCP stream.
 */
#ifndef VLY_CONTROL_MESSAGE_SPOOL_H
#define VLY_CONTROL_MESSAGE_SPOOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/reason.h"

/* A spool in memory. More: a version of many small zones, each of which is fetched at the same time,
 * takes more memory. Less: more files. */
#define VLY_MESSAGE_SPOOL_MEMORY_MAX (UINT64_C(1) << 20)

/* All spools in memory; beyond it, all of a spool goes to its file. */
#define VLY_MESSAGE_SPOOLS_MEMORY_MAX (UINT64_C(64) << 20)

/* Room that the disk keeps: the store of living zones may be on it. */
#define VLY_MESSAGE_SPOOL_DISK_KEPT (UINT64_C(256) << 20)

/* What all spools take. */
struct vly_message_spool_usage {
	_Atomic uint64_t memory_bytes;
	_Atomic uint64_t file_bytes;
};

struct vly_message_spool_settings {
	const char *dir; /* for files; made when it is not there. Must stay. */
	struct vly_message_spool_usage *usage;
	uint64_t memory_max; /* VLY_MESSAGE_SPOOL_MEMORY_MAX; smaller in tests */
	void (*on_progress)(
		void *arg); /* in the writing thread: there is more to read, or an end */
	void *arg;
};

enum vly_message_spool_end {
	VLY_MESSAGE_SPOOL_FILLING,
	VLY_MESSAGE_SPOOL_WHOLE,
	VLY_MESSAGE_SPOOL_FAILED,
};

struct vly_message_spool;

/* Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_message_spool *
vly_message_spool_new(const struct vly_message_spool_settings *settings);

void vly_message_spool_free(struct vly_message_spool *spool);

/* Appends a message. Returns 0, or -1 with the reason: no memory, or no room on the disk. Blocks for
 * the disk. */
__attribute__((nonnull, warn_unused_result)) int
vly_message_spool_append(struct vly_message_spool *spool, const uint8_t *message, size_t len,
			 char reason[VLY_REASON_BYTES]);

/* There is no more: `end` is VLY_MESSAGE_SPOOL_WHOLE or VLY_MESSAGE_SPOOL_FAILED. Returns 0; or -1 with the reason when the
 * last octets could not be written, and the spool has failed. Blocks for the disk. */
__attribute__((nonnull)) int vly_message_spool_end(struct vly_message_spool *spool,
						   enum vly_message_spool_end end,
						   char reason[VLY_REASON_BYTES]);

/* Octets that are there, which are whole messages, and in *end whether there will be more. */
__attribute__((nonnull)) uint64_t vly_message_spool_look(struct vly_message_spool *spool,
							 enum vly_message_spool_end *end);

/* Reads up to `size` octets from `off` on. Returns their number; 0 at the end of what is there; or -1
 * with errno: EAGAIN when the disk would have to be waited for, and `may_block` is false. */
__attribute__((nonnull, warn_unused_result)) ssize_t
vly_message_spool_read(struct vly_message_spool *spool, uint64_t off, uint8_t *to, size_t size,
		       bool may_block);

#endif

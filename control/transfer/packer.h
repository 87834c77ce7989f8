/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packs records into DNS messages, as many as fit, with names compressed against those before
 * (RFC 1035 §4.1.4).
 *
 * Use:
 *   1. vly_packer_begin() a message;
 *   2. vly_packer_add() records until it returns false; then vly_packer_end(), take the message, and
 *      begin the next one with the record that did not fit;
 *   3. vly_packer_end() the last one.
 *
 * A message has VLY_PACKER_BYTES at most, so that a pointer reaches all of it; one with a single larger
 * record may have more, up to VLY_PACKER_RECORD_BYTES. Compressed names keep their spelling: they
 * are compared octet by octet.
 *
 * Ownership: the caller's; it is large, so it belongs on the heap. Pure; one thread at a time.
 */
#ifndef VLY_CONTROL_PACKER_H
#define VLY_CONTROL_PACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

/* Larger: names compress less, because pointers do not reach, and slow clients take more memory.
 * Smaller: more headers and signatures. */
#define VLY_PACKER_BYTES VLY_POINTER_MAX

/* Leaves room for an OPT, and a TSIG with the longest names and MAC. */
#define VLY_PACKER_RECORD_BYTES (VLY_MESSAGE_BYTES_MAX - 768)

/* Known names, a power of two. More than half of it are not kept. */
#define VLY_PACKER_SLOTS 4096

struct vly_packer_slot {
	uint32_t hash;
	uint32_t epoch; /* of the message that it belongs to */
	uint16_t off;
};

struct vly_packer {
	size_t len; /* of the message */
	unsigned record_cnt;
	uint32_t epoch;
	unsigned slot_cnt;
	uint16_t owner_off; /* of the last owner; 0: none that a pointer reaches */
	uint8_t owner_len;
	uint8_t owner[VLY_NAME_BYTES_MAX];
	struct vly_packer_slot slot[VLY_PACKER_SLOTS];
	/* and what a record may have too much, before that is seen */
	uint8_t message[2 * VLY_MESSAGE_BYTES_MAX + VLY_NAME_BYTES_MAX + 16];
};

struct vly_packer_record {
	const uint8_t *owner; /* sound */
	const uint8_t *data;  /* uncompressed */
	uint32_t ttl;
	uint16_t type;
	uint16_t data_len;
	uint8_t owner_len;
};

/* Begins a message: an answer with AA, ID 0, of NOERROR; with a question of class IN, or none when
 * `name` is NULL. A zeroed packer may begin. */
__attribute__((nonnull(1))) void vly_packer_begin(struct vly_packer *packer, const uint8_t *name,
						  unsigned name_len, uint16_t type);

/* Adds a record of class IN to the answer. False: it does not fit. If record_cnt is 0 then, it is too
 * large for any message; otherwise the message has to be ended. */
__attribute__((nonnull, warn_unused_result)) bool
vly_packer_add(struct vly_packer *packer, const struct vly_packer_record *record);

/* Completes the header. The message is message[0..len-1]. */
__attribute__((nonnull)) void vly_packer_end(struct vly_packer *packer);

#endif

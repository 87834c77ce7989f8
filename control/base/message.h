/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads DNS messages (RFC 1035 §4.1): names with compression pointers, and records one after the
 * other. All octets are untrusted. No state; any thread; no function blocks.
 *
 * Use: struct vly_message_reader with the message and `at` behind the header; then
 * vly_message_question() and vly_message_record(), as often as the header says.
 */
#ifndef VLY_CONTROL_MESSAGE_H
#define VLY_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

struct vly_message_reader {
	const uint8_t *message;
	size_t len;
	size_t at; /* the next octet */
};

struct vly_message_name {
	uint8_t len; /* with the root label */
	uint8_t wire[VLY_NAME_BYTES_MAX];
};

struct vly_message_record {
	struct vly_message_name owner;
	size_t off; /* where it begins */
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	size_t data_off;
	uint16_t data_len; /* within the message; compressed */
};

/* Reads a name that ends before `end`, in its spelling and without pointers. A pointer leads to a
 * place before the part of the name that it ends; there are at most 127. */
__attribute__((nonnull, warn_unused_result)) bool
vly_message_name(struct vly_message_reader *reader, size_t end, struct vly_message_name *name);

/* Reads a question, or the zone of an update. */
__attribute__((nonnull, warn_unused_result)) bool
vly_message_question(struct vly_message_reader *reader, struct vly_message_name *name,
		     uint16_t *type, uint16_t *class);

__attribute__((nonnull, warn_unused_result)) bool
vly_message_record(struct vly_message_reader *reader, struct vly_message_record *record);

/* Begins with a whole message (len: at least a header), and steps over its questions. *record_cnt becomes the
 * number of records that the header says there are, in all three sections. */
__attribute__((nonnull, warn_unused_result)) bool
vly_message_records_begin(struct vly_message_reader *reader, const uint8_t *message, size_t len,
			  unsigned *record_cnt);

/* Puts a name into lower case. */
__attribute__((nonnull)) void vly_message_name_lower(struct vly_message_name *name);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes one compiled answer (image.h): records in wire form, compressed against the anchor's name
 * in the question and against the answer itself.
 *
 * Use: vly_answer_begin(), then vly_answer_add() section by section in wire order, with
 * vly_answer_keep() once everything that may not be left out is in; then read the fields.
 * Once `overflow` is set the answer is too large for any DNS message, and the rest is ignored.
 */
#ifndef VLY_CONTROL_ANSWER_H
#define VLY_CONTROL_ANSWER_H

#include <volley/name.h>

/* Names that later ones may be compressed against; an answer with more just compresses a little
 * less. */
#define VLY_ANSWER_TARGETS_MAX 192

#define VLY_ANSWER_FIXES_MAX 8192

enum vly_section {
	VLY_SECTION_ANSWER,
	VLY_SECTION_AUTHORITY,
	VLY_SECTION_ADDITIONAL,
};

struct vly_answer_target {
	const uint8_t *lower; /* the name, or a suffix of one, in lower case */
	uint16_t off;         /* in the message, were the question's name the anchor */
	uint8_t len;
};

struct vly_answer_writer {
	uint16_t count[3]; /* records, by enum vly_section */
	uint16_t keep_len;
	uint16_t keep_arcount;
	uint8_t anchor_len;
	uint8_t flags; /* enum vly_image_answer_flag */
	bool moves;    /* asked with names longer than the anchor: pointers must be listed */
	bool overflow;
	bool kept;   /* what is added now is optional */
	bool learns; /* names of this section may be pointed to; pieces move the additional one */
	uint16_t insert_off; /* the end of the authority section */
	unsigned wire_len;
	unsigned wire_max; /* what a message has room for behind the longest such question */
	unsigned fix_cnt;
	unsigned target_cnt;
	uint8_t *names_at; /* where the next lower-case name goes */
	uint16_t fix[VLY_ANSWER_FIXES_MAX];
	struct vly_answer_target target[VLY_ANSWER_TARGETS_MAX];
	uint8_t names[VLY_ANSWER_TARGETS_MAX * 64];
	uint8_t wire[VLY_MESSAGE_BYTES_MAX];
};

/* One record to be written. */
struct vly_answer_record {
	const uint8_t *owner; /* in any case; NULL: the question's name, whatever it is */
	uint16_t type;
	uint32_t ttl;
	const uint8_t *data; /* uncompressed RDATA */
	uint16_t data_len;
};

/* Begins an answer for questions with the name `anchor` (lower case), or, if `moves`, with names
 * below it. */
__attribute__((nonnull)) void vly_answer_begin(struct vly_answer_writer *writer,
					       const uint8_t *anchor, unsigned anchor_len,
					       uint8_t flags, bool moves);

__attribute__((nonnull)) void vly_answer_add(struct vly_answer_writer *writer,
					     enum vly_section section,
					     const struct vly_answer_record *record);

/* Marks everything so far as mandatory in a response without TC. What is added after this, to the
 * additional section, is optional: any RRset of it can be left out, because its names are
 * compressed against the mandatory part alone. */
__attribute__((nonnull)) void vly_answer_keep(struct vly_answer_writer *writer);

/* A place to go back to after an overflow. */
struct vly_answer_mark {
	unsigned wire_len;
	unsigned fix_cnt;
	unsigned target_cnt;
	uint8_t *names_at;
	uint16_t arcount;
};

/* Notes a place in the additional section, without an overflow, or goes back to it. */
__attribute__((nonnull)) void vly_answer_mark(const struct vly_answer_writer *writer,
					      struct vly_answer_mark *mark);
__attribute__((nonnull)) void vly_answer_rewind(struct vly_answer_writer *writer,
						const struct vly_answer_mark *mark);

#endif

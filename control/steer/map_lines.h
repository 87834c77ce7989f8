/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of a map in text form: words, with white space between them. What follows a # or a ; is
 * a comment. The text is not trusted. For the readers map_text.c and map_latency.c.
 *
 * Use: fill in file, text, bytes and reason; vly_map_lines_next() until it returns 0, or -1. One
 * thread at a time; no function blocks.
 */
#ifndef VLY_CONTROL_MAP_LINES_H
#define VLY_CONTROL_MAP_LINES_H

#include "base/reason.h"
#include "region_list.h"

#define VLY_MAP_WORDS_MAX 3

/* Longest line, without its comment. */
#define VLY_MAP_LINE_MAX 255

struct vly_map_lines {
	const char *file; /* for messages */
	const char *text;
	size_t bytes;
	char *reason;  /* VLY_REASON_BYTES */
	uint32_t line; /* of the words, from 1 */
	char *word[VLY_MAP_WORDS_MAX];
	char octet[VLY_MAP_LINE_MAX + 1];
};

/* Goes on to the next line that has words, which must be `word_cnt`; `usage` shows what they are.
 * Returns 1; 0 at the end; -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_map_lines_next(struct vly_map_lines *lines, unsigned word_cnt, const char *usage);

/* Writes "file:line: " and the sentence as the reason. Returns -1. */
__attribute__((nonnull, cold, format(printf, 2, 3))) int
vly_map_lines_refuse(const struct vly_map_lines *lines, const char *format, ...);

/* Reads word[0] as a prefix, with the line. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_map_lines_prefix(const struct vly_map_lines *lines, struct vly_region_prefix *prefix,
		     enum vly_family *family);

/* Reads word[1] as the name of a region or pool, and gives it a number. Returns 0, or -1 with the
 * reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_map_lines_name(const struct vly_map_lines *lines, struct vly_region_names *names,
		   uint32_t *number);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For zone_file.c and zone_scan.c: adds the records that have been read to a zone, or reports an
 * error with file and line. Blocks only for memory; one thread at a time.
 */
#ifndef VLY_CONTROL_ZONE_READER_H
#define VLY_CONTROL_ZONE_READER_H

#include "token.h"
#include "zone.h"
#include "zone_info.h"
#include "zone_report.h"
#include "zone_scanner.h"

/* The scanner's TTL for a record without one, when there is no $TTL. The scanner can't say so in
 * another way. It is one of the numbers that are treated as 0 (RFC 2181 §8), and a number that
 * nobody writes. */
#define VLY_READER_NO_TTL UINT32_C(0xd1c7e5f3)

/* Records are read this far ahead of the record that is added at its node, so that the node is in
 * the cache by then. Fewer: it is not. More: the waiting records leave the cache. */
#define VLY_READER_AHEAD 16

/* A record that has been read, but not yet added at a node. */
struct vly_reader_waiting {
	struct vly_name owner; /* hashed, unless it is that of the record before */
	bool same_owner;
	vly_arena_ref record;
};

struct vly_zone_reader {
	struct vly_zone *zone;
	struct vly_zone_report *report;
	struct vly_load_progress *progress; /* may be NULL */
	const char *name;                   /* of the zone */

	/* the current place in the files; set by zone_file.c and zone_scan.c */
	const char *file;
	uint16_t file_idx;
	uint64_t line;
	unsigned include_depth;

	struct vly_zone_scanner *zone_scanner;
	zs_scanner_t *scanner; /* that of zone_scanner */
	struct vly_lexed lexed;

	bool gave_up;          /* out of memory: the rest of the file is skipped */
	uint32_t last_ttl;     /* the last stated one, or VLY_READER_NO_TTL */
	bool told_default_ttl; /* that of $TTL is out of range */
	/* the owner before this one: many records share it */
	uint8_t owner[VLY_NAME_BYTES_MAX];
	unsigned owner_len;
	uint32_t owner_node;                /* of the record that was put at its node last */
	struct vly_reader_waiting *waiting; /* [VLY_READER_AHEAD] */
	unsigned waiting_first;
	unsigned waiting_cnt;
};

/* Reports an error at reader->line of reader->file. Always returns false. */
__attribute__((format(printf, 2, 3), nonnull, cold)) bool
vly_zone_reader_fail(struct vly_zone_reader *reader, const char *format, ...);

__attribute__((nonnull, cold)) bool vly_zone_reader_fail_memory(struct vly_zone_reader *reader);

/* Adds the scanner's record, or reports why it is not allowed in this zone. It is at its node after
 * VLY_READER_AHEAD more records, or after vly_zone_reader_end(). */
__attribute__((nonnull)) void vly_zone_reader_add(struct vly_zone_reader *reader,
						  const zs_scanner_t *scanner);

/* Adds the records that still wait. */
__attribute__((nonnull)) void vly_zone_reader_end(struct vly_zone_reader *reader);

#endif

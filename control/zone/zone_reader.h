/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes the records that libzscanner finds into a zone, or reports at which line of which file it
 * can't. The other half of zone_file.c, which walks the files; nobody else includes this.
 */
#ifndef VLY_CONTROL_ZONE_READER_H
#define VLY_CONTROL_ZONE_READER_H

#include <libzscanner/scanner.h>

#include "zone.h"
#include "zone_info.h"
#include "zone_report.h"

/* The scanner's TTL for a record that states none when there is no $TTL. The scanner has no other
 * way to tell, so this is one of the numbers that count as 0 (RFC 2181 §8), and one that nobody
 * writes. */
#define VLY_READER_NO_TTL UINT32_C(0xd1c7e5f3)

/* Records that are read before the first of them is put at its node: the miss that looking for the
 * node costs is then over. Fewer: it is not. More: the records at hand leave the cache. */
#define VLY_READER_AHEAD 16

/* A record that has been read, but is not yet at a node. */
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

	/* the place in the files, kept by zone_file.c */
	const char *file;
	uint16_t file_idx;
	uint64_t line;

	bool gave_up;          /* no memory: there is no use in going on */
	uint32_t last_ttl;     /* the last stated one, or VLY_READER_NO_TTL */
	bool told_default_ttl; /* that of $TTL is out of range */
	/* the owner before this one: many records share it */
	uint8_t owner[VLY_NAME_BYTES_MAX];
	unsigned owner_len;
	uint32_t owner_node; /* of the record that was put at its node last */
	struct vly_reader_waiting waiting[VLY_READER_AHEAD];
	unsigned waiting_first;
	unsigned waiting_cnt;
};

/* Reports an error at reader->line of reader->file. Always returns false. */
__attribute__((format(printf, 2, 3), nonnull, cold)) bool
vly_zone_reader_fail(struct vly_zone_reader *reader, const char *format, ...);

__attribute__((nonnull, cold)) bool vly_zone_reader_fail_memory(struct vly_zone_reader *reader);

/* Takes in the scanner's record, or reports why it can't be in this zone. Its node has it after
 * some more records, or vly_zone_reader_end(). */
__attribute__((nonnull)) void vly_zone_reader_add(struct vly_zone_reader *reader,
						  const zs_scanner_t *scanner);

/* Once all records are read. */
__attribute__((nonnull)) void vly_zone_reader_end(struct vly_zone_reader *reader);

#endif

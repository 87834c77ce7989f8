/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/file_text.h"
#include "zone_reader.h"
#include "zone_scan.h"

/* Gives the file its number in the zone, for error messages of later stages. */
static bool
enter_file(struct vly_zone_reader *reader, const char *path, const struct vly_file_stamp *stamp)
{
	struct vly_zone *zone = reader->zone;

	if (zone->file_cnt == UINT16_MAX)
		return vly_zone_reader_fail(reader, "more than %d files", UINT16_MAX);
	if (vly_zone_add_file(zone, path, stamp) != 0)
		return vly_zone_reader_fail_memory(reader);
	reader->file_idx = (uint16_t)(zone->file_cnt - 1);
	reader->file = zone->file[reader->file_idx];
	return true;
}

static bool
read_file(struct vly_zone_reader *reader, const char *path)
{
	struct vly_file_text text;
	const char *why = vly_file_text_read(&text, path);

	if (why != NULL)
		return vly_zone_reader_fail(reader, "cannot read %s: %s", path, why);
	bool done = text.len > 0 || reader->include_depth > 0 ||
		    vly_zone_reader_fail(reader, "cannot read %s: the file is empty", path);
	done = done && enter_file(reader, path, &text.stamp) && vly_zone_scan(reader, &text);
	vly_file_text_free(&text);
	return done;
}

bool
vly_zone_include(struct vly_zone_reader *reader, const char *path)
{
	const char *file = reader->file;
	uint16_t file_idx = reader->file_idx;
	bool done = read_file(reader, path);

	reader->file = file;
	reader->file_idx = file_idx;
	return done;
}

/* The zone's name in wire form, from presentation form. Returns its length, or 0. */
static unsigned
read_apex(struct vly_zone_reader *reader, uint8_t apex[VLY_NAME_BYTES_MAX])
{
	static const uint8_t root[] = {0};
	const char *end = reader->name + strlen(reader->name);
	const char *why;

	return vly_lex(&reader->lexed, reader->name, end) == 1 && reader->lexed.cnt == 1 &&
			       !reader->lexed.owner_omitted
		       ? vly_token_name(&reader->lexed.token[0], root, apex, &why)
		       : 0;
}

/* Begins the zone and reads its file. Returns false when there is no zone then. */
static bool
read_zone(struct vly_zone_reader *reader, const struct vly_hash_key *key, const char *path)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name apex;
	unsigned len = read_apex(reader, wire);

	if (len == 0 || vly_name_scan(&apex, wire, len) == 0)
		return vly_zone_reader_fail(reader, "%.150s is not a zone name", reader->name);
	if (vly_zone_scanner_begin(reader->zone_scanner, wire, len, VLY_READER_NO_TTL) != 0)
		return vly_zone_reader_fail_memory(reader);
	reader->scanner = reader->zone_scanner->zs;
	if (vly_zone_init(reader->zone, key, &apex) != 0)
		return vly_zone_reader_fail_memory(reader);
	bool done = read_file(reader, path);
	vly_zone_reader_end(reader);
	if (done && !reader->gave_up)
		return true;
	vly_zone_free(reader->zone);
	return false;
}

int
vly_zone_read_file(struct vly_zone *zone, struct vly_zone_scanner *scanner,
		   const struct vly_hash_key *key, const char *name, const char *path,
		   struct vly_load_progress *progress, struct vly_zone_report *report)
{
	struct vly_reader_waiting waiting[VLY_READER_AHEAD]; /* not cleared: it is large */
	struct vly_zone_reader reader = {
		.zone = zone,
		.waiting = waiting,
		.zone_scanner = scanner,
		.report = report,
		.progress = progress,
		.name = name,
		.file = path,
		.last_ttl = VLY_READER_NO_TTL,
	};
	bool done = read_zone(&reader, key, path);

	vly_lexed_free(&reader.lexed);
	if (!done)
		return -1;
	vly_zone_mark_hidden(zone);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include <volley/octets.h>

#include "rdata.h"
#include "rr_type.h"

/* The TTL of a record without one, when there is no $TTL, no earlier record with a TTL and no SOA
 * before it. Knot DNS uses the same value. */
#define DEFAULT_TTL_S 3600

/* RFC 2181 §8 */
#define TTL_MAX 0x7fffffffu

/* Records between two updates of the progress that other threads watch. */
#define PROGRESS_RECORDS 1024

bool
vly_zone_reader_fail(struct vly_zone_reader *reader, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vly_zone_report_add(reader->report, VLY_ZONE_CHECK_must, reader->file, reader->line, "%s",
			    text);
	return false;
}

bool
vly_zone_reader_fail_memory(struct vly_zone_reader *reader)
{
	reader->gave_up = true;
	return vly_zone_reader_fail(reader, "out of memory");
}

/* Sets the owner of a record that will wait. */
static bool
take_owner(struct vly_zone_reader *reader, const zs_scanner_t *scanner,
	   struct vly_reader_waiting *waiting)
{
	const struct vly_zone *zone = reader->zone;
	struct vly_name *name = &waiting->owner;

	waiting->same_owner = scanner->r_owner_length == reader->owner_len &&
			      memcmp(scanner->r_owner, reader->owner, reader->owner_len) == 0;
	if (waiting->same_owner)
		return true;
	if (vly_name_scan(name, scanner->r_owner, scanner->r_owner_length) == 0)
		return vly_zone_reader_fail(reader, "malformed owner name");
	if (!vly_zone_has_name(zone, name)) {
		vly_zone_report_add(reader->report, VLY_ZONE_CHECK_out_of_zone, reader->file,
				    reader->line, "the owner is not in zone %s", reader->name);
		return false;
	}
	vly_name_hash(name, &zone->key);
	vly_zone_prefetch(zone, name);
	return true;
}

/* RFC 2181 §8: a TTL with the top bit set counts as 0. That of $TTL is reported once. Returns false
 * when that is an error. */
static bool
limit_ttl(struct vly_zone_reader *reader, const zs_scanner_t *scanner, uint32_t *ttl)
{
	uint32_t stated = *ttl;
	bool is_default = stated == scanner->default_ttl;

	if (stated <= TTL_MAX)
		return true;
	*ttl = 0;
	if (is_default && reader->told_default_ttl)
		return true;
	reader->told_default_ttl |= is_default;
	return !vly_zone_report_add(reader->report, VLY_ZONE_CHECK_ttl_range, reader->file,
				    reader->line, "TTL %u is above 2147483647 and is treated as 0",
				    stated);
}

/* RFC 1035 §5.1: a TTL that is left out is the last stated one; $TTL overrides that (RFC 2308 §4).
 * Before there is any, it is the SOA's minimum, as in BIND. */
static bool
take_ttl(struct vly_zone_reader *reader, const zs_scanner_t *scanner, uint32_t *ttl)
{
	bool is_stated = scanner->r_ttl != VLY_READER_NO_TTL;
	bool is_soa = scanner->r_type == VLY_TYPE_SOA;

	*ttl = scanner->r_ttl;
	if (!is_stated && reader->last_ttl != VLY_READER_NO_TTL)
		*ttl = reader->last_ttl;
	else if (!is_stated)
		*ttl = is_soa ? vly_be32(scanner->r_data + scanner->r_data_length - 4)
			      : DEFAULT_TTL_S;
	bool result = limit_ttl(reader, scanner, ttl);
	if (scanner->default_ttl == VLY_READER_NO_TTL && (is_stated || is_soa))
		reader->last_ttl = *ttl;
	return result;
}

/* Puts the record that has waited longest at its node. */
static void
settle_first(struct vly_zone_reader *reader)
{
	struct vly_zone *zone = reader->zone;
	struct vly_reader_waiting *first = &reader->waiting[reader->waiting_first];

	reader->waiting_first = (reader->waiting_first + 1) % VLY_READER_AHEAD;
	reader->waiting_cnt--;
	if (!first->same_owner)
		reader->owner_node = vly_zone_add_name(zone, &first->owner);
	if (reader->owner_node == VLY_ZONE_NONE) {
		vly_zone_reader_fail_memory(reader);
		return;
	}
	vly_zone_link_record(zone, reader->owner_node, first->record);
}

/* Returns the stored record, or 0. */
static vly_arena_ref
store_record(struct vly_zone_reader *reader, const zs_scanner_t *scanner, uint32_t ttl)
{
	struct vly_zone *zone = reader->zone;
	uint64_t off = vly_arena_append(&zone->arena,
					sizeof(struct vly_zone_record) + scanner->r_data_length,
					VLY_ARENA_REF_BYTES);

	if (off == 0) {
		vly_zone_reader_fail_memory(reader);
		return 0;
	}
	struct vly_zone_record *record = (void *)(zone->arena.base + off);
	record->ttl = ttl;
	record->line = (uint32_t)reader->line;
	record->file_idx = reader->file_idx;
	record->type = vly_rr_type_from_text(scanner->r_type);
	record->data_len = (uint16_t)scanner->r_data_length;
	memcpy(record->data, scanner->r_data, scanner->r_data_length);
	zone->record_cnt++;
	if (reader->progress != NULL && zone->record_cnt % PROGRESS_RECORDS == 0)
		atomic_fetch_add_explicit(&reader->progress->record_cnt, PROGRESS_RECORDS,
					  memory_order_relaxed);
	return (vly_arena_ref)(off / VLY_ARENA_REF_BYTES);
}

/* All checks are done before the record waits: after that only memory can run out. */
static void
take_record(struct vly_zone_reader *reader, const zs_scanner_t *scanner)
{
	uint32_t ttl;

	if (reader->waiting_cnt == VLY_READER_AHEAD)
		settle_first(reader);
	if (reader->gave_up)
		return;
	struct vly_reader_waiting *last =
		&reader->waiting[(reader->waiting_first + reader->waiting_cnt) % VLY_READER_AHEAD];
	/* a record that is left out may state the TTL of those behind it, too */
	if (!take_ttl(reader, scanner, &ttl) || !take_owner(reader, scanner, last) ||
	    (last->record = store_record(reader, scanner, ttl)) == 0)
		return;
	reader->waiting_cnt++;
	if (last->same_owner)
		return;
	reader->owner_len = scanner->r_owner_length;
	memcpy(reader->owner, scanner->r_owner, reader->owner_len);
}

void
vly_zone_reader_end(struct vly_zone_reader *reader)
{
	while (reader->waiting_cnt > 0 && !reader->gave_up)
		settle_first(reader);
}

void
vly_zone_reader_add(struct vly_zone_reader *reader, const zs_scanner_t *scanner)
{
	if (scanner->r_class != VLY_CLASS_IN)
		vly_zone_reader_fail(reader, "only class IN is served, not class %u",
				     scanner->r_class);
	else if ((scanner->r_type >= VLY_TYPE_META_FIRST && scanner->r_type <= VLY_TYPE_ANY) ||
		 scanner->r_type == VLY_TYPE_OPT || scanner->r_type == 0)
		vly_zone_reader_fail(reader, "records of type %u are not allowed in a zone",
				     scanner->r_type);
	else if (!vly_rdata_is_sound(vly_rr_type_from_text(scanner->r_type), scanner->r_data,
				     scanner->r_data_length))
		vly_zone_reader_fail(reader, "malformed data for type %u", scanner->r_type);
	else
		take_record(reader, scanner);
}

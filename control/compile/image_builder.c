/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_builder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <volley/image_sum.h>

#include "base/image_block.h"
#include "base/seal.h"
#include "compile.h"
#include "store/image_index.h"
#include "zone/zone_check.h"
#include "zone/zone_file.h"

/* Names for each bucket of eight, on average. One bucket in fifty overflows then, so that a search
 * seldom reads a second cache line; the price is 16 octets for each name. With five names, one
 * bucket in fifteen overflows: 5 % slower. */
#define NAMES_PER_BUCKET 4

/* An image up to here is cleared in place; the memory of a larger one goes back to the system. Larger:
 * more memory that waits for the next large zone. Smaller: more system calls. */
#define CLEARED_BYTES_MAX (UINT64_C(1) << 20)

/* Names that are looked at before they are placed: the miss that writing to a bucket costs is then
 * over. */
#define PLACE_AHEAD 16

struct vly_image_builder {
	struct vly_hash_key key;
	int fd;
	struct vly_image_draft draft;
	struct vly_image_zone *zone;
	uint32_t zone_cnt;
	uint32_t zone_size;
	char *includes; /* of the zone added last */
	struct vly_zone_scanner scanner;
	struct vly_dnssec_settings dnssec;
	bool checks_signed;
};

/* The first ref of the heap is never used: 0 means none. */
#define HEAP_BEGIN (VLY_DRAFT_HEAP_OFF + VLY_IMAGE_REF_BYTES)

static int
open_draft(struct vly_image_builder *builder)
{
	struct vly_image_draft *draft = &builder->draft;

	return vly_arena_open(&draft->names, -1, VLY_IMAGE_ALIGN) == 0
		       ? vly_arena_open(&draft->file, builder->fd, HEAP_BEGIN)
		       : -1;
}

struct vly_image_builder *
vly_image_builder_new(const struct vly_hash_key *key)
{
	struct vly_image_builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	builder->key = *key;
	builder->fd = memfd_create("volley-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (builder->fd >= 0 && open_draft(builder) == 0)
		return builder;
	int saved = errno;
	vly_image_builder_free(builder);
	errno = saved;
	return NULL;
}

int
vly_image_builder_clear(struct vly_image_builder *builder)
{
	struct vly_image_draft *draft = &builder->draft;

	builder->zone_cnt = 0;
	draft->name_cnt = 0;
	if (draft->file.size + draft->names.size <= CLEARED_BYTES_MAX) {
		vly_arena_rewind(&draft->file, HEAP_BEGIN);
		vly_arena_rewind(&draft->names, VLY_IMAGE_ALIGN);
		return 0;
	}
	vly_arena_close(&draft->file);
	vly_arena_close(&draft->names);
	return ftruncate(builder->fd, 0) == 0 ? open_draft(builder) : -1;
}

void
vly_image_builder_free(struct vly_image_builder *builder)
{
	if (builder == NULL)
		return;
	vly_arena_close(&builder->draft.file);
	vly_arena_close(&builder->draft.names);
	if (builder->fd >= 0)
		close(builder->fd);
	free(builder->zone);
	free(builder->includes);
	vly_zone_scanner_free(&builder->scanner);
	free(builder);
}

void
vly_image_builder_answer_any_all(struct vly_image_builder *builder)
{
	builder->draft.any_all = true;
}

void
vly_image_builder_answer_additional_none(struct vly_image_builder *builder)
{
	builder->draft.additional_none = true;
}

void
vly_image_builder_check_signed(struct vly_image_builder *builder,
			       const struct vly_dnssec_settings *settings)
{
	builder->dnssec = *settings;
	builder->checks_signed = true;
}

uint64_t
vly_image_builder_bytes(const struct vly_image_builder *builder)
{
	return builder->draft.file.used;
}

char *
vly_image_builder_take_includes(struct vly_image_builder *builder)
{
	char *includes = builder->includes;

	builder->includes = NULL;
	return includes;
}

static struct vly_image_zone *
next_zone(struct vly_image_builder *builder)
{
	if (builder->zone_cnt == builder->zone_size) {
		uint32_t size = builder->zone_size == 0 ? 4 : builder->zone_size * 2;
		void *zone = realloc(builder->zone, size * sizeof(*builder->zone));
		if (zone == NULL)
			return NULL;
		builder->zone = zone;
		builder->zone_size = size;
	}
	return &builder->zone[builder->zone_cnt];
}

/* Compiles a zone that has been found good; on failure the draft is as it was before. */
static int
add_zone(struct vly_image_builder *builder, struct vly_zone *zone, struct vly_zone_report *report,
	 struct vly_zone_info *info)
{
	struct vly_image_draft *draft = &builder->draft;
	const struct vly_image_draft before = *draft;
	struct vly_image_zone *compiled = next_zone(builder);

	if (compiled == NULL) {
		vly_zone_report_add(report, VLY_ZONE_CHECK_must, zone->file[0], 0, "out of memory");
		return -1;
	}
	if (vly_compile_zone(draft, zone, builder->zone_cnt, compiled, report) != 0) {
		vly_arena_rewind(&draft->file, before.file.used);
		vly_arena_rewind(&draft->names, before.names.used);
		draft->name_cnt = before.name_cnt;
		return -1;
	}
	builder->zone_cnt++;
	*info = (struct vly_zone_info){
		.serial = compiled->serial,
		.record_cnt = compiled->record_cnt,
		.node_cnt = compiled->node_cnt,
		.warning_cnt = report->warning_cnt,
	};
	return 0;
}

/* Notes the files that the zone was read from. If the stamp of one can't be described or trusted,
 * the zone's own stamp becomes invalid. */
static void
note_files(struct vly_image_builder *builder, const struct vly_zone *zone,
	   struct vly_zone_info *info)
{
	struct vly_index_text text = {0};
	bool known = true;

	for (unsigned i = 1; i < zone->file_cnt; i++)
		known &= zone->stamp[i].inode != 0 &&
			 vly_index_add_include(&text, &zone->stamp[i], zone->file[i]);
	info->stamp = zone->stamp[0];
	if (!known || text.failed)
		info->stamp.inode = 0;
	free(builder->includes);
	builder->includes = text.text;
}

int
vly_image_builder_add_file(struct vly_image_builder *builder, const char *name, const char *path,
			   struct vly_load_progress *progress, struct vly_zone_report *report,
			   struct vly_zone_info *info)
{
	struct vly_dnssec_facts facts = {0};
	struct vly_zone zone;

	if (vly_zone_read_file(&zone, &builder->scanner, &builder->key, name, path, progress,
			       report) != 0)
		return -1;
	vly_zone_check(&zone, report);
	if (builder->checks_signed && report->error_cnt == 0)
		vly_dnssec_check(&zone, &builder->dnssec, report, &facts);
	int result = report->error_cnt == 0 ? add_zone(builder, &zone, report, info) : -1;
	if (result == 0) {
		info->expiry_s = facts.expiry_s;
		info->margin_s = facts.margin_s;
		note_files(builder, &zone, info);
	}
	vly_zone_free(&zone);
	return result;
}

/* Orders the last two slots of a full bucket: their order encodes whether the bucket overflows. */
static void
tell_overflow(struct vly_image_bucket *bucket, bool overflows)
{
	uint32_t tag = bucket->tag[6];
	vly_image_ref node = bucket->node[6];

	if (vly_image_bucket_overflows(bucket) == overflows)
		return;
	bucket->tag[6] = bucket->tag[7];
	bucket->node[6] = bucket->node[7];
	bucket->tag[7] = tag;
	bucket->node[7] = node;
}

/* False when the bucket is full. */
static bool
put(struct vly_image_bucket *bucket, const struct vly_image_name *name)
{
	unsigned slot = 0;

	while (slot < 8 && bucket->node[slot] != 0)
		slot++;
	if (slot == 8)
		return false;
	bucket->tag[slot] = vly_image_tag(name->hash);
	bucket->node[slot] = name->node;
	if (slot == 7)
		tell_overflow(bucket, false);
	return true;
}

/* Puts a name into the first bucket with room, from its own on; returns how many buckets that is
 * away, 1 for its own. */
static uint32_t
place(struct vly_image_bucket *buckets, uint32_t bucket_cnt, const struct vly_image_name *name)
{
	uint32_t at = vly_image_bucket_idx(name->hash, bucket_cnt);
	uint32_t probe = 1;

	for (; !put(&buckets[at], name); probe++) {
		tell_overflow(&buckets[at], true);
		at = at + 1 < bucket_cnt ? at + 1 : 0;
	}
	return probe;
}

static uint32_t
place_names(const struct vly_image_draft *draft, struct vly_image_bucket *buckets,
	    uint32_t bucket_cnt)
{
	const struct vly_image_name *name = (const void *)(draft->names.base + VLY_IMAGE_ALIGN);
	uint32_t probe_max = 1;

	for (uint64_t i = 0; i < draft->name_cnt; i++) {
		if (i + PLACE_AHEAD < draft->name_cnt)
			__builtin_prefetch(&buckets[vly_image_bucket_idx(name[i + PLACE_AHEAD].hash,
									 bucket_cnt)],
					   1);
		uint32_t probe = place(buckets, bucket_cnt, &name[i]);
		if (probe > probe_max)
			probe_max = probe;
	}
	return probe_max;
}

/* Appends buckets and zones behind the heap and fills in the header; returns 0, or -1 with
 * errno. */
static int
finish_sections(struct vly_image_builder *builder)
{
	struct vly_arena *file = &builder->draft.file;
	uint64_t bucket_cnt = builder->draft.name_cnt / NAMES_PER_BUCKET + 1;
	uint64_t zones_bytes = builder->zone_cnt * sizeof(*builder->zone);

	if (vly_arena_append(file, VLY_IMAGE_SLACK_BYTES, VLY_IMAGE_REF_BYTES) == 0)
		return -1;
	uint64_t heap_bytes = file->used - VLY_DRAFT_HEAP_OFF;
	uint64_t buckets_off = vly_arena_append(file, bucket_cnt * sizeof(struct vly_image_bucket),
						VLY_IMAGE_ALIGN);
	uint64_t zones_off = vly_arena_append(file, zones_bytes, VLY_IMAGE_ALIGN);
	if (buckets_off == 0 || zones_off == 0)
		return -1;
	if (zones_bytes > 0)
		memcpy(file->base + zones_off, builder->zone, zones_bytes);
	struct vly_image_header *header = (void *)file->base;
	*header = (struct vly_image_header){
		.magic = VLY_IMAGE_MAGIC,
		.version = VLY_IMAGE_VERSION,
		.header_bytes = sizeof(*header),
		.image_bytes = file->used,
		.hash_key = builder->key,
		.zone_cnt = builder->zone_cnt,
		.bucket_cnt = (uint32_t)bucket_cnt,
		.mandatory = 1u << VLY_SECTION_ZONES | 1u << VLY_SECTION_BUCKETS |
			     1u << VLY_SECTION_HEAP,
		.section =
			{
				[VLY_SECTION_ZONES] = {zones_off, zones_bytes},
				[VLY_SECTION_BUCKETS] = {buckets_off,
							 bucket_cnt *
								 sizeof(struct vly_image_bucket)},
				[VLY_SECTION_HEAP] = {VLY_DRAFT_HEAP_OFF, heap_bytes},
			},
	};
	header->probe_max = place_names(&builder->draft, (void *)(file->base + buckets_off),
					(uint32_t)bucket_cnt);
	header->checksum = vly_image_sum(file->base, file->used);
	return 0;
}

/* Huge pages can't grow as the draft does, so it is copied. Returns -1 when there are not enough of
 * them. */
static int
seal_huge(const struct vly_arena *file)
{
	struct vly_image_block block;

	if (vly_image_block_open(&block, file->used) != 0)
		return -1;
	memcpy(block.base, file->base, file->used);
	return vly_image_block_seal(&block);
}

/* Returns the draft's own memfd, or -1 with errno. */
static int
seal_draft(struct vly_image_builder *builder, uint64_t bytes)
{
	int fd = builder->fd;

	if (ftruncate(fd, (off_t)bytes) != 0 || vly_seal(fd) != 0)
		return -1;
	builder->fd = -1;
	return fd;
}

int
vly_image_builder_seal(struct vly_image_builder *builder, struct vly_built_image *image)
{
	int result = finish_sections(builder);
	uint64_t bytes = builder->draft.file.used;
	int fd = result == 0 ? seal_huge(&builder->draft.file) : -1;

	/* a sealed memfd may have no writable mapping */
	vly_arena_close(&builder->draft.file);
	if (result == 0 && fd < 0)
		fd = seal_draft(builder, bytes);
	if (fd < 0)
		result = -1;
	else
		*image = (struct vly_built_image){fd, bytes, builder->zone_cnt};
	int saved = errno;
	vly_image_builder_free(builder);
	errno = saved;
	return result;
}

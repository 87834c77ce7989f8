/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names go into buckets, and the image into a sealed memfd. */
#include <errno.h>
#include <unistd.h>

#include <volley/image_sum.h>

#include "base/image_block.h"
#include "base/seal.h"
#include "image_builder_parts.h"

/* Names for each bucket of eight, on average. One bucket in fifty overflows then, so that a search
 * seldom reads a second cache line; the price is 16 octets for each name. With five names, one
 * bucket in fifteen overflows: 5 % slower. */
#define NAMES_PER_BUCKET 4

/* Names that are looked at before they are placed: the miss that writing to a bucket costs is then
 * over. */
#define PLACE_AHEAD 16

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

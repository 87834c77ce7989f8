/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "zone/domain.h"

struct vly_image_source {
	struct vly_image_source *next;
	const struct vly_live_image *live;
	void *block;
	size_t bytes;
	struct vly_image image;
	struct vly_merge_index *index;
};

static void
set_parts(struct vly_image *image, const uint8_t *block)
{
	const struct vly_image_header *header = (const void *)block;

	*image = (struct vly_image){
		.header = header,
		.zone = (const void *)(block + header->section[VLY_SECTION_ZONES].off),
		.bucket = (const void *)(block + header->section[VLY_SECTION_BUCKETS].off),
		.heap = block + header->section[VLY_SECTION_HEAP].off,
		.bucket_cnt = header->bucket_cnt,
		.probe_max = header->probe_max,
	};
}

static void
close_source(struct vly_image_source *source)
{
	vly_merge_index_free(source->index);
	if (source->block != MAP_FAILED)
		munmap(source->block, source->bytes);
	free(source);
}

static void
map_source(struct vly_image_source *source, const struct vly_live_image *live)
{
	source->live = live;
	source->bytes = live->is_huge ? vly_image_huge_bytes(live->bytes) : live->bytes;
	source->block = mmap(NULL, source->bytes, PROT_READ, MAP_SHARED, live->fd, 0);
	if (source->block != MAP_FAILED)
		set_parts(&source->image, source->block);
}

static struct vly_image_source *
open_source(const struct vly_live_image *live)
{
	struct vly_image_source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	map_source(source, live);
	if (source->block != MAP_FAILED)
		source->index = vly_merge_index_new(&source->image);
	if (source->index != NULL)
		return source;
	close_source(source);
	errno = ENOMEM;
	return NULL;
}

static struct vly_image_source *
get_source(struct vly_image_sources *sources, const struct vly_live_image *live)
{
	pthread_mutex_lock(&sources->lock);
	struct vly_image_source *source = sources->first;
	while (source != NULL && source->live != live)
		source = source->next;
	if (source == NULL && (source = open_source(live)) != NULL) {
		source->next = sources->first;
		sources->first = source;
	}
	pthread_mutex_unlock(&sources->lock);
	return source;
}

static bool
is_apex(const struct vly_image_node *node, const uint8_t *wire, unsigned len)
{
	return (node->flags & VLY_NODE_APEX) != 0 && node->name_len == len &&
	       memcmp(vly_image_node_name(node), wire, len) == 0;
}

/* Returns the apex of a zone, or NULL. */
static const struct vly_image_node *
find_apex(const struct vly_image *image, const char *name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	const unsigned len = vly_domain_wire(name, wire);
	struct vly_name scanned;

	if (vly_name_scan(&scanned, wire, len) == 0)
		return NULL;
	vly_name_hash(&scanned, &image->header->hash_key);
	const uint64_t hash = scanned.hash[0];
	uint32_t at = vly_image_bucket_idx(hash, image->bucket_cnt);
	for (uint32_t probe = 0; probe < image->probe_max; probe++) {
		const struct vly_image_bucket *bucket = &image->bucket[at];
		for (unsigned slot = 0; slot < 8 && bucket->node[slot] != 0; slot++) {
			const struct vly_image_node *node =
				vly_image_at(image->heap, bucket->node[slot]);
			if (bucket->tag[slot] == vly_image_tag(hash) && is_apex(node, wire, len))
				return node;
		}
		at = at + 1 < image->bucket_cnt ? at + 1 : 0;
	}
	return NULL;
}

int
vly_image_sources_copy(struct vly_image_sources *sources, struct vly_live_image *live,
		       const char *name, struct vly_image_builder *builder)
{
	const struct vly_image_source *source = get_source(sources, live);

	if (source == NULL)
		return -1;
	const struct vly_image_node *apex = find_apex(&source->image, name);
	if (apex == NULL || (source->image.zone[apex->zone].flags & VLY_IMAGE_OVERLAY) != 0) {
		errno = ENOENT;
		return -1;
	}
	const struct vly_merge_layer layer = {&source->image, apex->zone, source->index};
	return vly_image_builder_add_layers(builder, &layer, 1);
}

int
vly_image_each_zone(const struct vly_live_image *live, void (*each)(void *arg, const char *name),
		    void *arg)
{
	char text[VLY_DOMAIN_TEXT_BYTES];
	struct vly_image_source source = {0};
	int result = 0;

	map_source(&source, live);
	if (source.block == MAP_FAILED)
		return -1;
	for (uint32_t i = 0; i < source.image.header->zone_cnt && result == 0; i++) {
		const struct vly_image_zone *zone = &source.image.zone[i];
		const struct vly_image_node *apex = vly_image_at(source.image.heap, zone->apex);
		result = zone->version == 0 ? 0 : -1;
		if (result == 0)
			each(arg, vly_domain_text(vly_image_node_name(apex), text));
	}
	munmap(source.block, source.bytes);
	return result;
}

void
vly_image_sources_free(struct vly_image_sources *sources)
{
	while (sources->first != NULL) {
		struct vly_image_source *source = sources->first;
		sources->first = source->next;
		close_source(source);
	}
}

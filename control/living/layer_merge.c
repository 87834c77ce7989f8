/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layer_merge.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <uthash.h>

#include "common/image.h"

/* Octets of shared images without an index that may be looked at for a few zones: about a millisecond. More: the
 * writer is kept from its batches. Less: zones wait for the other thread that could have been merged at once. */
#define CHEAP_BYTES (UINT64_C(1) << 20)

struct vly_layer_map {
	struct vly_live_image *image;
	void *block;
	uint64_t bytes; /* mapped: whole pages of the memfd, which may be huge */
	struct vly_image parts;
	const struct vly_merge_index *index; /* the image's, if it has several zones */
	UT_hash_handle hh;
};

int
vly_layer_merge_begin(struct vly_layer_merge *merge, const struct vly_hash_key *key)
{
	*merge = (struct vly_layer_merge){.builder = vly_image_builder_new(key)};
	return merge->builder ? 0 : -1;
}

/* This process has compiled the image, or has verified it when it was read. */
static void
set_parts(struct vly_layer_map *map)
{
	const uint8_t *base = map->block;
	const struct vly_image_header *header = map->block;

	map->parts = (struct vly_image){
		.header = header,
		.zone = (const void *)(base + header->section[VLY_SECTION_ZONES].off),
		.bucket = (const void *)(base + header->section[VLY_SECTION_BUCKETS].off),
		.heap = base + header->section[VLY_SECTION_HEAP].off,
		.bucket_cnt = header->bucket_cnt,
		.probe_max = header->probe_max,
		.id = map->image->id,
		.mapped_bytes = map->bytes,
	};
}

/* Without memory merging goes on, but looks at the whole image for each zone. */
static const struct vly_merge_index *
find_index(struct vly_layer_map *map)
{
	struct vly_merge_index *index = map->image->index;
	struct vly_merge_index *made;

	if (index || map->image->zone_cnt == 1)
		return index;
	made = vly_merge_index_new(&map->parts);
	if (atomic_compare_exchange_strong(&map->image->index, &index, made))
		return made;
	/* another thread was quicker */
	vly_merge_index_free(made);
	return index;
}

bool
vly_layer_merge_is_cheap(const struct vly_living_layer *layer, unsigned cnt)
{
	uint64_t bytes = 0; /* of images that must be looked at as a whole */

	for (unsigned i = 0; i < cnt; i++)
		if (layer[i].image->zone_cnt > 1 && !layer[i].image->index)
			bytes += layer[i].image->bytes;
	return bytes <= CHEAP_BYTES;
}

static struct vly_layer_map *
find_map(struct vly_layer_merge *merge, struct vly_live_image *image)
{
	struct vly_layer_map *map;

	HASH_FIND_PTR(merge->maps, &image, map);
	if (map)
		return map;
	map = calloc(1, sizeof(*map));
	if (!map)
		return NULL;
	map->image = image;
	map->bytes = image->is_huge ? vly_image_huge_bytes(image->bytes) : image->bytes;
	map->block = mmap(NULL, map->bytes, PROT_READ, MAP_SHARED, image->fd, 0);
	if (map->block != MAP_FAILED) {
		set_parts(map);
		map->index = find_index(map);
		HASH_ADD_PTR(merge->maps, image, map);
		if (map->hh.tbl)
			return map;
		munmap(map->block, map->bytes);
		errno = ENOMEM;
	}
	free(map);
	return NULL;
}

int
vly_layer_merge_add(struct vly_layer_merge *merge, const struct vly_living_layer *layer,
		    unsigned cnt, struct vly_living_layer *merged)
{
	struct vly_merge_layer layers[VLY_MERGE_LAYERS_MAX];

	for (unsigned i = 0; i < cnt; i++) {
		const struct vly_layer_map *map = find_map(merge, layer[i].image);
		if (!map)
			return -1;
		layers[i] = (struct vly_merge_layer){
			.image = &map->parts, .zone_idx = layer[i].zone_idx, .index = map->index};
	}
	if (vly_image_builder_add_layers(merge->builder, layers, cnt) != 0)
		return -1;
	*merged = layer[cnt - 1];
	merged->image = NULL;
	merged->below = layer[0].below;
	merged->zone_idx = merge->zone_cnt++;
	/* a form without data stays one */
	merged->node_cnt = layer[0].node_cnt > 0 ? vly_image_builder_node_cnt(merge->builder) : 0;
	return 0;
}

static void
unmap_all(struct vly_layer_merge *merge)
{
	struct vly_layer_map *map;
	struct vly_layer_map *next;

	HASH_ITER(hh, merge->maps, map, next)
	{
		HASH_DEL(merge->maps, map);
		munmap(map->block, map->bytes);
		free(map);
	}
}

struct vly_live_image *
vly_layer_merge_end(struct vly_layer_merge *merge, uint64_t id, bool give_up)
{
	struct vly_built_image built;
	struct vly_live_image *image = NULL;

	unmap_all(merge);
	if (give_up || merge->zone_cnt == 0)
		vly_image_builder_free(merge->builder);
	else if (vly_image_builder_seal(merge->builder, &built) == 0)
		image = vly_live_image_new(id, built.fd, built.bytes, built.zone_cnt);
	return image;
}

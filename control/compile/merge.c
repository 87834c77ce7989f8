/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "merge.h"

#include <errno.h>
#include <stdlib.h>

#include "common/image_check.h"
#include "merge_parts.h"

/* A bit for each place of the heap that has a node of a bucket. */
static void
mark_nodes(const struct vly_image *image, uint64_t *map)
{
	for (uint32_t i = 0; i < image->bucket_cnt; i++)
		for (unsigned slot = 0; slot < 8 && image->bucket[i].node[slot] != 0; slot++) {
			vly_image_ref ref = image->bucket[i].node[slot];
			map[ref / 64] |= UINT64_C(1) << ref % 64;
		}
}

/* Calls back for each marked node, in the order of the heap. */
static void
walk_nodes(const struct vly_image *image, const uint64_t *map,
	   void (*fn)(struct vly_merge_index *index, uint32_t zone, vly_image_ref ref),
	   struct vly_merge_index *index)
{
	const uint64_t word_cnt = vly_image_map_words(image);

	for (uint64_t i = 0; i < word_cnt; i++)
		for (uint64_t bits = map[i]; bits != 0; bits &= bits - 1) {
			vly_image_ref ref =
				(vly_image_ref)(i * 64 + (unsigned)__builtin_ctzll(bits));
			const struct vly_image_node *node = vly_image_at(image->heap, ref);
			fn(index, node->zone, ref);
		}
}

static void
count_node(struct vly_merge_index *index, uint32_t zone, vly_image_ref ref)
{
	(void)ref;
	index->first[zone + 1]++;
}

/* first[zone] is where the zone's next node goes; in the end, where the next zone begins. */
static void
place_node(struct vly_merge_index *index, uint32_t zone, vly_image_ref ref)
{
	index->node[index->first[zone]++] = ref;
}

static int
fill_index(struct vly_merge_index *index, const struct vly_image *image, uint64_t *map)
{
	const uint32_t zone_cnt = image->header->zone_cnt;

	mark_nodes(image, map);
	walk_nodes(image, map, count_node, index);
	for (uint32_t i = 0; i < zone_cnt; i++)
		index->first[i + 1] += index->first[i];
	index->node = malloc((index->first[zone_cnt] + 1u) * sizeof(*index->node));
	if (index->node == NULL)
		return -1;
	walk_nodes(image, map, place_node, index);
	for (uint32_t i = zone_cnt; i > 0; i--)
		index->first[i] = index->first[i - 1];
	index->first[0] = 0;
	return 0;
}

struct vly_merge_index *
vly_merge_index_new(const struct vly_image *image)
{
	struct vly_merge_index *index = calloc(1, sizeof(*index));
	uint64_t *map = calloc(vly_image_map_words(image), sizeof(*map));

	if (index != NULL)
		index->first = calloc(image->header->zone_cnt + 1u, sizeof(*index->first));
	if (index == NULL || map == NULL || index->first == NULL ||
	    fill_index(index, image, map) != 0) {
		vly_merge_index_free(index);
		index = NULL;
	}
	free(map);
	return index;
}

void
vly_merge_index_free(struct vly_merge_index *index)
{
	if (index == NULL)
		return;
	free(index->first);
	free(index->node);
	free(index);
}

int
vly_merge_store_name(const struct vly_merge_target *target, uint64_t hash, vly_image_ref node)
{
	struct vly_image_draft *draft = target->draft;
	uint64_t off = vly_arena_append(&draft->names, sizeof(struct vly_image_name), 8);

	if (off == 0)
		return -1;
	*(struct vly_image_name *)(draft->names.base + off) = (struct vly_image_name){hash, node};
	draft->name_cnt++;
	return 0;
}

static bool
have_same_apex(const struct vly_merge_layer *left, const struct vly_merge_layer *right)
{
	const struct vly_image_node *a = vly_merge_node(left, vly_merge_zone(left)->apex);
	const struct vly_image_node *b = vly_merge_node(right, vly_merge_zone(right)->apex);

	return a->name_len == b->name_len &&
	       memcmp(vly_image_node_name(a), vly_image_node_name(b), a->name_len) == 0;
}

static bool
is_stack(const struct vly_hash_key *key, const struct vly_merge_layer *layer, unsigned layer_cnt)
{
	if (layer_cnt == 0 || layer_cnt > VLY_MERGE_LAYERS_MAX)
		return false;
	for (unsigned i = 0; i < layer_cnt; i++) {
		const struct vly_image_header *header = layer[i].image->header;
		if (memcmp(&header->hash_key, key, sizeof(*key)) != 0 ||
		    layer[i].zone_idx >= header->zone_cnt)
			return false;
		const struct vly_image_zone *zone = vly_merge_zone(&layer[i]);
		if (layer_cnt > 1 && zone->signed_nodata != 0)
			return false;
		if (i > 0 && (!(zone->flags & VLY_IMAGE_OVERLAY) ||
			      zone->below != vly_merge_zone(&layer[i - 1])->version ||
			      !have_same_apex(&layer[i], &layer[0])))
			return false;
	}
	return true;
}

/* The layers with indices: those that have none get one of `made`. */
static int
add_indices(struct vly_merge_layer *layer, unsigned layer_cnt, struct vly_merge_index **made)
{
	for (unsigned i = 0; i < layer_cnt; i++) {
		if (layer[i].index != NULL)
			continue;
		made[i] = vly_merge_index_new(layer[i].image);
		if (made[i] == NULL)
			return -1;
		layer[i].index = made[i];
	}
	return 0;
}

int
vly_merge_layers(struct vly_image_draft *draft, const struct vly_hash_key *key,
		 const struct vly_merge_layer *given, unsigned layer_cnt, uint32_t zone_idx,
		 struct vly_image_zone *copied)
{
	const struct vly_merge_target target = {draft, key, zone_idx, copied};
	struct vly_merge_index *made[VLY_MERGE_LAYERS_MAX] = {0};
	struct vly_merge_layer layer[VLY_MERGE_LAYERS_MAX];

	if (!is_stack(key, given, layer_cnt)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(layer, given, layer_cnt * sizeof(layer[0]));
	int result = add_indices(layer, layer_cnt, made);
	if (result == 0)
		result = layer_cnt == 1 ? vly_merge_move(&target, layer)
					: vly_merge_fold(&target, layer, layer_cnt);
	int saved = errno;
	for (unsigned i = 0; i < layer_cnt; i++)
		vly_merge_index_free(made[i]);
	errno = saved;
	return result;
}

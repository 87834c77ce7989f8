/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/image_soa.h"

#define NAMES_PER_BUCKET 5

static uint64_t
align(uint64_t bytes)
{
	return (bytes + VLY_IMAGE_ALIGN - 1) / VLY_IMAGE_ALIGN * VLY_IMAGE_ALIGN;
}

uint8_t *
vly_test_version_build(const struct vly_test_zone *zone, size_t zone_cnt, uint64_t version,
		       size_t *bytes)
{
	struct vly_zone_error error = {0};
	int fd = vly_test_image_build(zone, zone_cnt, &vly_test_key, &error);

	if (fd < 0) {
		fprintf(stderr, "no version: %s\n", error.text);
		return NULL;
	}
	uint8_t *block = vly_test_image_read(fd, bytes);
	close(fd);
	const struct vly_image_header *header = (void *)block;
	struct vly_image_zone *in = (void *)(block + header->section[VLY_SECTION_ZONES].off);
	for (size_t i = 0; i < zone_cnt; i++)
		in[i].version = version;
	vly_test_image_reseal(block, *bytes);
	return block;
}

struct vly_image *
vly_test_block_open(const uint8_t *block, size_t bytes, uint64_t id)
{
	struct vly_image_error error = {0};
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, block, bytes) != (ssize_t)bytes ||
	    fcntl(fd, F_ADD_SEALS, VLY_IMAGE_SEALS) != 0)
		return NULL;
	struct vly_image *image = vly_image_open(fd, id, NULL, &error);
	close(fd);
	if (image == NULL)
		fprintf(stderr, "image refused: %s\n", error.text);
	return image;
}

struct vly_image *
vly_test_version_open(const struct vly_test_zone *zone, size_t zone_cnt, uint64_t version,
		      uint64_t id)
{
	size_t bytes;
	uint8_t *block = vly_test_version_build(zone, zone_cnt, version, &bytes);
	struct vly_image *image = block != NULL ? vly_test_block_open(block, bytes, id) : NULL;

	free(block);
	return image;
}

/* The node of a name in a zone, or NULL. Looks at all. */
static const struct vly_image_node *
find_node(const struct vly_image *image, uint32_t zone, const uint8_t *name, unsigned len)
{
	for (uint32_t i = 0; i < image->bucket_cnt; i++)
		for (unsigned slot = 0; slot < 8 && image->bucket[i].node[slot] != 0; slot++) {
			const struct vly_image_node *node =
				vly_image_at(image->heap, image->bucket[i].node[slot]);
			if (node->zone == zone && node->name_len == len &&
			    memcmp(vly_image_node_name(node), name, len) == 0)
				return node;
		}
	return NULL;
}

static const struct vly_image_answer *
answer_at(const struct vly_image *image, vly_image_ref ref)
{
	return vly_image_at(image->heap, ref);
}

struct side {
	const struct vly_image *image;
	uint32_t zone;
	const struct vly_image_node *node;
};

/* Whether the answer ends in the zone's SOA; then its tail does not count. */
static bool
ends_in_soa(const struct side *side, const struct vly_image_answer *answer)
{
	return vly_image_ends_in_soa(answer,
				     answer_at(side->image, side->image->zone[side->zone].nodata));
}

static bool
answers_are_equal(const struct side *a, vly_image_ref a_ref, const struct side *b,
		  vly_image_ref b_ref)
{
	const struct vly_image_answer *left = answer_at(a->image, a_ref);
	const struct vly_image_answer *right = answer_at(b->image, b_ref);
	unsigned compared = left->wire_len + vly_image_answer_tail_bytes(left);

	if (a_ref == a->image->zone[a->zone].nodata && b_ref == b->image->zone[b->zone].nodata)
		return true;
	if (left->arcount != right->arcount || left->nscount != right->nscount ||
	    left->ancount != right->ancount || left->wire_len != right->wire_len ||
	    left->keep_len != right->keep_len || left->fix_cnt != right->fix_cnt ||
	    left->anchor_len != right->anchor_len || left->flags != right->flags ||
	    memcmp(left->fix, right->fix, 2u * left->fix_cnt) != 0)
		return false;
	if (ends_in_soa(a, left) && ends_in_soa(b, right))
		compared -= VLY_SOA_TAIL_BYTES;
	return memcmp(vly_image_answer_wire(left), vly_image_answer_wire(right), compared) == 0;
}

static bool
nodes_are_equal(struct side a, struct side b)
{
	const struct vly_image_node *left = a.node;
	const struct vly_image_node *right = b.node;

	if (left->flags != right->flags || left->type_cnt != right->type_cnt ||
	    (left->wildcard == 0) != (right->wildcard == 0) ||
	    !answers_are_equal(&a, left->other, &b, right->other))
		return false;
	for (unsigned i = 0; i < left->type_cnt; i++)
		if (left->type[i].type != right->type[i].type ||
		    !answers_are_equal(&a, left->type[i].answer, &b, right->type[i].answer))
			return false;
	if (left->wildcard == 0)
		return true;
	a.node = vly_image_at(a.image->heap, left->wildcard);
	b.node = vly_image_at(b.image->heap, right->wildcard);
	return nodes_are_equal(a, b); /* a wildcard may have one itself, but no name has all */
}

/* An overlay in the making. */
struct overlay {
	uint8_t *heap;
	uint64_t heap_bytes;
	struct vly_image_name {
		uint64_t hash;
		vly_image_ref node;
	} * name;
	uint32_t name_cnt;
	unsigned label_max;
};

static void
add_name(struct overlay *overlay, const struct vly_image_node *node, vly_image_ref ref)
{
	struct vly_name name;

	if (vly_name_scan(&name, vly_image_node_name(node), node->name_len) == 0)
		abort();
	vly_name_hash(&name, &vly_test_key);
	overlay->name = realloc(overlay->name, (overlay->name_cnt + 1) * sizeof(overlay->name[0]));
	overlay->name[overlay->name_cnt++] = (struct vly_image_name){name.hash[0], ref};
	if (overlay->label_max < name.label_cnt)
		overlay->label_max = name.label_cnt;
}

/* Adds a mark that the name of a node of the version below is gone. */
static void
add_gone(struct overlay *overlay, const struct vly_image_node *below)
{
	const uint64_t off = (overlay->heap_bytes + 7) / 8 * 8;
	const uint64_t end = off + sizeof(*below) + (below->name_len + 7u) / 8 * 8 + 64;

	overlay->heap = realloc(overlay->heap, end);
	memset(overlay->heap + overlay->heap_bytes, 0, end - overlay->heap_bytes);
	overlay->heap_bytes = end;
	struct vly_image_node *node = (void *)(overlay->heap + off);
	node->name_len = below->name_len;
	node->flags = VLY_NODE_GONE;
	memcpy((uint8_t *)(node + 1), vly_image_node_name(below), below->name_len);
	add_name(overlay, node, (vly_image_ref)(off / VLY_IMAGE_REF_BYTES));
}

/* Adds the nodes of `above` that differ from those below, and marks for those that it lacks. */
static void
collect(struct overlay *overlay, struct side below, struct side above)
{
	for (uint32_t i = 0; i < above.image->bucket_cnt; i++)
		for (unsigned slot = 0; slot < 8 && above.image->bucket[i].node[slot] != 0;
		     slot++) {
			vly_image_ref ref = above.image->bucket[i].node[slot];
			above.node = vly_image_at(above.image->heap, ref);
			if (above.node->zone != above.zone)
				continue;
			below.node =
				find_node(below.image, below.zone, vly_image_node_name(above.node),
					  above.node->name_len);
			if (below.node == NULL || (above.node->flags & VLY_NODE_APEX) ||
			    !nodes_are_equal(below, above))
				add_name(overlay, above.node, ref);
		}
	for (uint32_t i = 0; i < below.image->bucket_cnt; i++)
		for (unsigned slot = 0; slot < 8 && below.image->bucket[i].node[slot] != 0;
		     slot++) {
			below.node =
				vly_image_at(below.image->heap, below.image->bucket[i].node[slot]);
			if (below.node->zone == below.zone &&
			    find_node(above.image, above.zone, vly_image_node_name(below.node),
				      below.node->name_len) == NULL)
				add_gone(overlay, below.node);
		}
}

/* All nodes of the heap belong to the only zone of the overlay. */
static void
set_zone(struct overlay *overlay)
{
	for (uint32_t i = 0; i < overlay->name_cnt; i++) {
		struct vly_image_node *node =
			(void *)(overlay->heap +
				 (uint64_t)overlay->name[i].node * VLY_IMAGE_REF_BYTES);
		node->zone = 0;
		if (node->wildcard != 0)
			((struct vly_image_node *)(void *)(overlay->heap +
							   (uint64_t)node->wildcard *
								   VLY_IMAGE_REF_BYTES))
				->zone = 0;
	}
}

static void
swap_last(struct vly_image_bucket *bucket)
{
	const uint32_t tag = bucket->tag[6];
	const vly_image_ref node = bucket->node[6];

	bucket->tag[6] = bucket->tag[7];
	bucket->node[6] = bucket->node[7];
	bucket->tag[7] = tag;
	bucket->node[7] = node;
}

static void
place(struct overlay *overlay, struct vly_image_bucket *bucket, uint32_t bucket_cnt)
{
	bool *overflows = calloc(bucket_cnt, sizeof(*overflows));

	for (uint32_t i = 0; i < overlay->name_cnt; i++) {
		uint32_t at = vly_image_bucket_idx(overlay->name[i].hash, bucket_cnt);
		for (; bucket[at].node[7] != 0; at = (at + 1) % bucket_cnt)
			overflows[at] = true;
		unsigned slot = 0;
		while (bucket[at].node[slot] != 0)
			slot++;
		bucket[at].tag[slot] = vly_image_tag(overlay->name[i].hash);
		bucket[at].node[slot] = overlay->name[i].node;
	}
	for (uint32_t i = 0; i < bucket_cnt; i++)
		if (bucket[i].node[7] != 0 &&
		    overflows[i] != (bucket[i].tag[6] <= bucket[i].tag[7]))
			swap_last(&bucket[i]);
	free(overflows);
}

static uint8_t *
write_overlay(struct overlay *overlay, const struct vly_image_zone *zone, uint64_t below,
	      size_t *bytes)
{
	const uint32_t bucket_cnt = overlay->name_cnt / NAMES_PER_BUCKET + 1;
	const uint64_t bucket_bytes = bucket_cnt * sizeof(struct vly_image_bucket);
	struct vly_image_header header = {
		.magic = VLY_IMAGE_MAGIC,
		.version = VLY_IMAGE_VERSION,
		.header_bytes = sizeof(header),
		.hash_key = vly_test_key,
		.zone_cnt = 1,
		.bucket_cnt = bucket_cnt,
		.probe_max = bucket_cnt,
		.mandatory = 7,
	};

	header.section[VLY_SECTION_ZONES] = (struct vly_image_section){sizeof(header), 64};
	header.section[VLY_SECTION_BUCKETS] =
		(struct vly_image_section){sizeof(header) + 64, bucket_bytes};
	header.section[VLY_SECTION_HEAP] =
		(struct vly_image_section){sizeof(header) + 64 + bucket_bytes, overlay->heap_bytes};
	*bytes = align(header.section[VLY_SECTION_HEAP].off + overlay->heap_bytes);
	header.image_bytes = *bytes;
	uint8_t *block = calloc(1, *bytes);
	memcpy(block, &header, sizeof(header));
	struct vly_image_zone *to = (void *)(block + sizeof(header));
	*to = *zone;
	to->flags = VLY_IMAGE_OVERLAY;
	to->below = below;
	to->node_cnt = overlay->name_cnt;
	to->label_max = (uint8_t)overlay->label_max;
	place(overlay, (void *)(block + sizeof(header) + 64), bucket_cnt);
	memcpy(block + header.section[VLY_SECTION_HEAP].off, overlay->heap, overlay->heap_bytes);
	vly_test_image_reseal(block, *bytes);
	return block;
}

uint8_t *
vly_test_overlay_build(const struct vly_image *below, uint32_t below_idx,
		       const struct vly_image *above, uint32_t above_idx, size_t *bytes)
{
	struct overlay overlay = {
		.heap_bytes = above->header->section[VLY_SECTION_HEAP].bytes,
	};

	overlay.heap = malloc(overlay.heap_bytes);
	memcpy(overlay.heap, above->heap, overlay.heap_bytes);
	collect(&overlay, (struct side){below, below_idx, NULL},
		(struct side){above, above_idx, NULL});
	set_zone(&overlay);
	uint8_t *block = write_overlay(&overlay, &above->zone[above_idx],
				       below->zone[below_idx].version, bytes);
	free(overlay.heap);
	free(overlay.name);
	return block;
}

struct vly_image *
vly_test_overlay_open(const struct vly_image *below, uint32_t below_idx,
		      const struct vly_image *above, uint32_t above_idx, uint64_t id)
{
	size_t bytes;
	uint8_t *block = vly_test_overlay_build(below, below_idx, above, above_idx, &bytes);
	struct vly_image *image = vly_test_block_open(block, bytes, id);

	free(block);
	return image;
}

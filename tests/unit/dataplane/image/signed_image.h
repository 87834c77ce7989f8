/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small image of three zones, made by hand from what image.h says: "n." has NSEC, "h." has NSEC3,
 * "u." is unsigned. All of its parts can be reached, so that a test can damage each.
 *
 * Use: signed_image_make(); change what it points to; signed_image_verify(); signed_image_undo()
 * the changes; signed_image_free().
 */
#ifndef VLY_TEST_SIGNED_IMAGE_H
#define VLY_TEST_SIGNED_IMAGE_H

#include "common/image.h"

enum { ZONE_NSEC, ZONE_NSEC3, ZONE_UNSIGNED, ZONE_CNT };

struct signed_image {
	uint8_t *block;
	uint8_t *good; /* the block without changes */
	size_t bytes;
	size_t used;
	struct vly_image_header *header;
	struct vly_image_zone *zone;
	struct vly_image_node *apex[ZONE_CNT];
	struct vly_image_node *wildcard;    /* of n. */
	struct vly_image_signed *dnssec;    /* of n.'s apex */
	struct vly_image_answer *proved;    /* its DO form of type 1 */
	struct vly_image_proof *proof;      /* with one piece */
	struct vly_image_piece *nsec;       /* of "a.n.", with two signatures */
	struct vly_image_piece *nsec3;      /* of h.'s apex, with one */
	struct vly_image_denial *denial;    /* of n. */
	struct vly_image_denial *denial3;   /* of h. */
	struct vly_image_order *order;      /* n.'s: three keys, two of them with deeper orders */
	struct vly_image_order *deep;       /* the first of these: key_cnt keys */
	struct vly_image_hash_bucket *hash; /* two, and an extra one behind the first */
};

/* `key_cnt`: of the deeper order; `heap_min`: octets of the heap, at least. */
void signed_image_make(struct signed_image *made, uint32_t key_cnt, size_t heap_min);
void signed_image_free(struct signed_image *made);

/* Puts the checksum right, and verifies. */
int signed_image_verify(struct signed_image *made, const struct vly_image_helpers *helpers,
			struct vly_image_error *error);

/* Makes the block good again. */
void signed_image_undo(struct signed_image *made);

/* The arrays of an order, for writing. */
uint64_t *order_sample(struct vly_image_order *order);
uint64_t *order_key(struct vly_image_order *order);
struct vly_image_deep *order_deep(struct vly_image_order *order);
vly_image_ref *order_piece(struct vly_image_order *order);
uint8_t *piece_wire(struct vly_image_piece *piece);

/* The ref of a part. */
vly_image_ref signed_image_ref(const struct signed_image *made, const void *part);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of the check alone: image_check.c (nodes, answers, zones), image_check_piece.c
 * (pieces), image_check_denial.c (denial, hash buckets, orders), image_check_overlay.c (zones that
 * change), image_check_unready.c (zones without data). */
#ifndef VLY_IMAGE_IMAGE_CHECK_PARTS_H
#define VLY_IMAGE_IMAGE_CHECK_PARTS_H

#include <stdbool.h>

#include "image_check.h"

struct vly_image_checker {
	const struct vly_image *image;
	uint64_t heap_bytes;
	struct vly_image_error *error;
};

static inline struct vly_image_checker
vly_image_checker_of(const struct vly_image *image, struct vly_image_error *error)
{
	return (struct vly_image_checker){image, image->header->section[VLY_SECTION_HEAP].bytes,
					  error};
}

static inline bool
vly_image_heap_has(const struct vly_image_checker *checker, vly_image_ref ref, uint64_t bytes)
{
	uint64_t off = (uint64_t)ref * VLY_IMAGE_REF_BYTES;

	return ref != 0 && off <= checker->heap_bytes && bytes <= checker->heap_bytes - off;
}

/* Where part `part` of `cnt` things begins. */
static inline uint64_t
vly_image_part_begin(uint64_t cnt, unsigned part, unsigned part_cnt)
{
	return cnt * part / part_cnt;
}

/* Checks a piece of the zone `zone_idx`, which exists. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_piece(const struct vly_image_checker *checker, uint32_t zone_idx,
		      vly_image_ref ref);

/* Checks a piece in an order, which, in an overlay, may be gone. Returns the same. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_entry(const struct vly_image_checker *checker, uint32_t zone_idx,
		      vly_image_ref ref);

static inline bool
vly_image_is_signed(const struct vly_image_zone *zone)
{
	return zone->signed_nodata != 0;
}

/* Checks a node with VLY_NODE_GONE: a name that does not exist any more, at which there is nothing
 * to be found. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_gone(const struct vly_image_checker *checker, vly_image_ref ref,
		     const struct vly_image_node *node);

/* Checks what a zone says of its versions, and what an overlay may be. Returns the same. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_version(const struct vly_image_checker *checker, uint32_t idx);

/* Checks a node, whose zone exists: if that is without data, it is the apex, and answers nothing.
 * Returns the same. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_unready_node(const struct vly_image_checker *checker, vly_image_ref ref,
			     const struct vly_image_node *node);

/* Checks that a zone without data answers nothing. Its apex and its negative answers were checked.
 * Returns the same. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_unready(const struct vly_image_checker *checker, uint32_t idx);

/* Checks that a zone that changes has a SOA, whose end answers of older versions get: in its NODATA,
 * which was checked as an answer. Returns the same. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_soa_tail(const struct vly_image_checker *checker, uint32_t idx);

#endif

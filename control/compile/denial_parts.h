/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of the denial alone: denial.c (chooses the chain, pieces of nodes), denial_order.c
 * (NSEC), denial_hash.c (NSEC3), denial_piece.c (writes pieces), denial_place.c (places them in the
 * image). */
#ifndef VLY_CONTROL_DENIAL_PARTS_H
#define VLY_CONTROL_DENIAL_PARTS_H

#include "denial.h"
#include "zone/rrset.h"

/* The ref of an offset in the file of an image in the making, whose heap begins behind its header;
 * and back. */
static inline vly_image_ref
vly_denial_ref(uint64_t off)
{
	return (vly_image_ref)((off - sizeof(struct vly_image_header)) / VLY_IMAGE_REF_BYTES);
}

static inline uint64_t
vly_denial_off(vly_image_ref ref)
{
	return sizeof(struct vly_image_header) + (uint64_t)ref * VLY_IMAGE_REF_BYTES;
}

/* Whether node `idx` owns NSEC or NSEC3 no more, in a part of a zone. */
static inline bool
vly_denial_is_gone(const struct vly_denial *denial, uint32_t idx)
{
	return denial->heir != NULL && denial->heir[idx] != VLY_ZONE_NONE;
}

/* Whether the index is a struct vly_image_order: of parts of zones it always is. */
static inline bool
vly_denial_has_order(const struct vly_denial *denial)
{
	return denial->kind == VLY_DENIAL_NSEC || denial->heir != NULL;
}

/* Gives the piece of node `idx` a number. */
static inline vly_image_ref
vly_denial_number(struct vly_denial *denial, uint32_t idx)
{
	denial->piece[denial->piece_cnt++] = (struct vly_denial_piece){.node = idx};
	return denial->piece_cnt;
}

/* Gives the records of the chain that node `idx` owns a number; 0 if they are too large for a piece,
 * which is reported. Returns 0, or -1 as vly_denial_prepare(). */
__attribute__((nonnull, warn_unused_result)) int
vly_denial_number_piece(struct vly_denial *denial, uint32_t idx, vly_image_ref *number);

/* Appends the piece of node `idx`. Returns its ref, or 0 when there is no memory. */
__attribute__((nonnull)) vly_image_ref vly_denial_append_piece(struct vly_denial *denial,
							       uint32_t idx);

/* Finds the owners of NSEC and numbers their pieces. Returns 0, or -1 as vly_denial_prepare(). */
__attribute__((nonnull, warn_unused_result)) int vly_denial_order_load(struct vly_denial *denial);

/* Sorts name[] and appends its order to the image. Returns its ref, or 0 when there is no
 * memory. */
__attribute__((nonnull)) vly_image_ref vly_denial_order_append(struct vly_denial *denial);

/* The piece of the last name that is not behind `name`. */
__attribute__((nonnull)) vly_image_ref
vly_denial_order_cover(const struct vly_denial *denial, const uint8_t *name, unsigned name_len);

/* The same for a name below that of entry `entry_idx`; fast when nothing is between them. */
__attribute__((nonnull)) vly_image_ref vly_denial_order_cover_child(const struct vly_denial *denial,
								    uint32_t entry_idx,
								    const uint8_t *name,
								    unsigned name_len);

/* Finds the chain of NSEC3 that belongs to one of the NSEC3PARAM records of the apex, and numbers
 * its pieces. Without any, kind stays 0. Returns 0, or -1 as vly_denial_prepare(). */
__attribute__((nonnull, warn_unused_result)) int vly_denial_hash_load(struct vly_denial *denial,
								      struct vly_rrsets *rrsets);

/* Appends the buckets of hash[] to the image. Returns their ref, or 0 when there is no memory. */
__attribute__((nonnull)) vly_image_ref vly_denial_hash_append(struct vly_denial *denial,
							      uint32_t *extra_cnt);

/* The piece of the heir of node `idx`, which is gone. */
__attribute__((nonnull)) vly_image_ref vly_denial_order_heir(const struct vly_denial *denial,
							     uint32_t idx);
__attribute__((nonnull)) vly_image_ref vly_denial_hash_heir(const struct vly_denial *denial,
							    uint32_t idx);

/* The entry with this hash, NULL if there is none. */
__attribute__((nonnull)) const struct vly_denial_hash *
vly_denial_hash_find(const struct vly_denial *denial, const uint8_t hash[VLY_NSEC3_HASH_BYTES]);

/* The piece of the last hash that is not behind that of `name`. */
__attribute__((nonnull)) vly_image_ref
vly_denial_hash_cover(const struct vly_denial *denial, const uint8_t *name, unsigned name_len);

#endif

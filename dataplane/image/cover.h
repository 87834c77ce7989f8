/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the piece that covers a missing name: the NSEC before it, or the NSEC3 before the hash of
 * the next closer name (RFC 4034 §4, RFC 5155 §1.3).
 *
 * Use: vly_cover_begin() hashes the name or makes its key, and prefetches what is searched; later,
 * vly_cover_find() searches.
 *
 * Pure; any thread inside the read side of the image, which was verified.
 */
#ifndef VLY_DATAPLANE_COVER_H
#define VLY_DATAPLANE_COVER_H

#include "common/nsec3_hash.h"
#include "order.h"

struct vly_cover {
	const struct vly_image_denial *denial; /* NULL: nothing is to be found */
	union {
		struct vly_order_search order;
		struct {
			const struct vly_image_hash_bucket *bucket;
			uint32_t tag;
			uint8_t hash[VLY_NSEC3_HASH_BYTES];
		};
	};
};

/*
 * `name` does not exist in the zone: its apex has the last `apex_len` octets of it, its closest
 * encloser the last `encloser_len`. In a zone with more iterations than VLY_NSEC3_ITERATIONS_MAX,
 * nothing is to be found.
 */
__attribute__((nonnull)) void vly_cover_begin(struct vly_cover *cover, const uint8_t *heap,
					      const struct vly_image_denial *denial,
					      const struct vly_name *name, unsigned apex_len,
					      unsigned encloser_len);

/* The piece, with the same arguments, or NULL: the zone has none there. Only if cover->denial is not
 * NULL. */
__attribute__((nonnull)) const struct vly_image_piece *vly_cover_find(const struct vly_cover *cover,
								      const uint8_t *heap,
								      const struct vly_name *name,
								      unsigned apex_len);

/* The same for a hash, in cover->hash, of a zone with NSEC3: what has it or covers it. In the complete form, as
 * overlays have no buckets. */
__attribute__((nonnull)) void vly_cover_begin_hash(struct vly_cover *cover, const uint8_t *heap,
						   const struct vly_image_denial *denial);
__attribute__((nonnull)) vly_image_ref vly_cover_find_hash(const struct vly_cover *cover,
							   const uint8_t *heap);

#endif

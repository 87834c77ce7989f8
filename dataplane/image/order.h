/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the NSEC record that covers a name: its predecessor in the zone's canonical order (struct
 * vly_image_order in volley/image.h).
 *
 * Use: vly_order_begin() finds the block of the first order that has the place, and prefetches it;
 * later, vly_order_find() finds the place.
 *
 * Pure; any thread inside the read side of the image, which was verified. The name is the client's:
 * steps are bounded by the length of its key.
 */
#ifndef VLY_DATAPLANE_ORDER_H
#define VLY_DATAPLANE_ORDER_H

#include <volley/image.h>
#include <volley/order_key.h>

struct vly_order_search {
	const struct vly_image_order *order;
	uint64_t head;     /* the part of the key that this order compares */
	uint32_t first;    /* entry of the block */
	uint16_t head_end; /* octets of the key up to the end of `head` */
	vly_image_ref ref; /* the piece, if it is known without looking at the block; or 0 */
};

__attribute__((nonnull)) void vly_order_begin(struct vly_order_search *search,
					      const struct vly_image_order *order,
					      const uint8_t *labels, unsigned bytes);

/* The piece with the largest owner that is not larger than the name, or the zone's last piece; 0: the
 * zone has none there. The name is that of vly_order_begin(). */
__attribute__((nonnull)) vly_image_ref vly_order_find(const struct vly_order_search *begun,
						      const uint8_t *heap, const uint8_t *labels,
						      unsigned bytes);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pieces of one response (volley/image.h): those of the query and those of its answer, each
 * once.
 *
 * Use: vly_pieces_collect(), once the cover was found; vly_pieces_bytes() for where they will stand;
 * then vly_pieces_put().
 *
 * Threads and RCU: as query.h. The image was verified; the message is only written.
 */
#ifndef VLY_DATAPLANE_PIECES_H
#define VLY_DATAPLANE_PIECES_H

#include "query.h"

struct vly_pieces {
	unsigned cnt;
	unsigned record_cnt;
	unsigned insert_off; /* in the answer's wire[] */
	unsigned apex_off; /* of the apex in the message, from the name in question; 0: the root */
	const struct vly_image_piece *piece[VLY_PIECES_MAX + VLY_QUERY_PIECES_MAX];
};

/* The query's fate is VLY_QUERY_PROVE. For a response whose name in question is the question's;
 * otherwise, set apex_off afterwards. */
__attribute__((nonnull)) void vly_pieces_collect(struct vly_pieces *pieces,
						 const struct vly_query *query);

/* Octets of all pieces at `off` in the message. */
__attribute__((nonnull)) unsigned vly_pieces_bytes(const struct vly_pieces *pieces, unsigned off);

/* Writes all pieces at `off` in the message. Returns their one's complement sum, as at an even
 * offset. */
__attribute__((nonnull)) uint64_t vly_pieces_put(const struct vly_pieces *pieces, uint8_t *message,
						 unsigned off);

#endif

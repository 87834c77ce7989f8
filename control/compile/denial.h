/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a signed zone denies names: its NSEC or NSEC3 chain, as pieces and as the order that covers
 * are found in (image.h).
 *
 * Use: vly_denial_prepare() before the zone's first answer is compiled; then the refs of a node or
 * name; vly_denial_finish(); vly_denial_free(). For the compiler alone. One thread at a time; does
 * not block but for memory. Refs are 0 where a broken chain has nothing.
 *
 * A piece stands behind the node that needs it most, so that both are often in one page and share a
 * cache line. But nodes refer to pieces of nodes that are compiled later. So each piece has a number,
 * from 1 on, and numbers stand in for refs until vly_denial_finish(): in the image, too.
 */
#ifndef VLY_CONTROL_DENIAL_H
#define VLY_CONTROL_DENIAL_H

#include <volley/image.h>

#include "common/nsec3_hash.h"
#include "zone/rrset.h"
#include "zone/zone_report.h"

/* An owner of NSEC. */
struct vly_denial_name {
	uint64_t key; /* the first eight octets of its key */
	uint32_t node;
	vly_image_ref piece; /* number */
};

/* An owner of NSEC3. */
struct vly_denial_hash {
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	uint32_t node;
	vly_image_ref piece; /* number */
};

struct vly_denial_piece {
	uint32_t node;     /* the owner */
	vly_image_ref ref; /* 0: it is not in the image yet */
};

struct vly_denial {
	struct vly_arena *file; /* the image in the making */
	const struct vly_zone *zone;
	/* of a part of the zone: struct vly_compile_part; NULL: the zone is whole */
	const uint32_t *heir;
	struct vly_zone_report *report;
	uint8_t kind;      /* enum vly_image_denial_kind; 0: the zone denies nothing */
	uint32_t node_cnt; /* of the zone; nodes that are made later are no names of it */
	uint32_t *match;   /* [node_cnt]: index into name[] or hash[] and 1; 0: none */
	uint32_t cnt;      /* entries of name[] or hash[] */
	uint32_t size;     /* entries that there is room for */
	struct vly_denial_name *name; /* NSEC, or part of a zone with NSEC3: in canonical order */
	struct vly_denial_hash *hash; /* NSEC3: ascending */
	uint32_t *first; /* NSEC3: [1 << bits]: how many hashes begin with less than these bits */
	unsigned bits;
	struct vly_nsec3_params params;
	uint8_t salt[255];
	bool has_entries;               /* otherwise there are no pieces */
	struct vly_denial_piece *piece; /* [size], by number less 1 */
	uint32_t piece_cnt;
	uint64_t *proof; /* where in the file a struct vly_image_proof has pieces */
	uint32_t proof_cnt;
	uint32_t proof_size;
	struct vly_rrsets rrsets; /* of the owner of the piece at hand */
	vly_image_ref ref;        /* struct vly_image_denial; 0: no covers are to be computed */
};

/* What a node needs for a denial: as in struct vly_image_signed, but regardless of DS. Numbers. */
struct vly_denial_refs {
	vly_image_ref denial;
	vly_image_ref cover;
	vly_image_ref no_wildcard;
};

/* Chooses the zone's chain and appends its order to the image. *denial is zeroed
 * before, but for `heir`. The zone's hidden nodes are marked; those from `node_cnt` on are no names of it
 * (chain.h). Returns 0, or -1 when there is no memory, which is not reported, or an error was
 * reported. */
__attribute__((nonnull, warn_unused_result)) int
vly_denial_prepare(struct vly_denial *denial, struct vly_arena *file, const struct vly_zone *zone,
		   uint32_t node_cnt, struct vly_zone_report *report);

void vly_denial_free(struct vly_denial *denial);

/* Appends the piece that matches node `idx`, if there is one and it is not in the image yet. Returns
 * 0, or -1 when there is no memory. */
__attribute__((nonnull, warn_unused_result)) int vly_denial_place(struct vly_denial *denial,
								  uint32_t idx);

/* Notes that the struct vly_image_proof at `off` in the file has pieces. Returns 0, or -1 when there
 * is no memory. */
__attribute__((nonnull, warn_unused_result)) int vly_denial_note_proof(struct vly_denial *denial,
								       uint64_t off);

/* Appends all other pieces, and makes the numbers in orders and proofs refs. Those in nodes are the
 * caller's: vly_denial_placed(). Returns 0, or -1 when there is no memory. */
__attribute__((nonnull, warn_unused_result)) int vly_denial_finish(struct vly_denial *denial);

/* The ref of a piece, after vly_denial_finish(). `number` may be 0. */
static inline vly_image_ref
vly_denial_placed(const struct vly_denial *denial, vly_image_ref number)
{
	return number != 0 ? denial->piece[number - 1].ref : 0;
}

/* The pieces of node `idx`. */
__attribute__((nonnull)) void vly_denial_of_node(const struct vly_denial *denial, uint32_t idx,
						 struct vly_denial_refs *refs);

/* The piece that covers `name`, in lower case, which does not exist; its closest encloser is node
 * `encloser_idx`, which the name is not. */
__attribute__((nonnull)) vly_image_ref vly_denial_cover(const struct vly_denial *denial,
							uint32_t encloser_idx, const uint8_t *name,
							unsigned name_len);

/* Whether the records of `type`, NSEC or NSEC3, of a node fit into a piece, even if all signatures of the
 * node belong to them: the exact size takes longer. */
__attribute__((nonnull)) bool vly_denial_is_small(const struct vly_zone *zone, uint32_t idx,
						  uint16_t type);

/* The node's NSEC3 record in the chain with these parameters, or NULL. */
__attribute__((nonnull)) const struct vly_zone_record *
vly_denial_find_nsec3(const struct vly_zone *zone, uint32_t idx,
		      const struct vly_nsec3_params *params);

/* The first NSEC record of a node that exists, or NULL. */
__attribute__((nonnull)) const struct vly_zone_record *
vly_denial_find_nsec(const struct vly_zone *zone, uint32_t idx);

#endif

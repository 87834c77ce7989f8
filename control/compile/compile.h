/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compiles one zone's tree into nodes and answers, appended to an image in the making. image.h
 * describes both; this decides which answer a question gets (RFC 1034 §4.3.2, RFC 4592, RFC 2308,
 * RFC 9471). For the image builder alone. One thread at a time; does not block but for memory.
 */
#ifndef VLY_CONTROL_COMPILE_H
#define VLY_CONTROL_COMPILE_H

#include "image_builder.h"
#include "steer/steer_model.h"
#include "zone/zone.h"

/* A name of the image, to be placed into a bucket at the end. */
struct vly_image_name {
	uint64_t hash;
	vly_image_ref node;
};

/* Where a compiled zone goes. */
struct vly_image_draft {
	struct vly_arena file; /* the image from its header on; the heap follows the header */
	struct vly_arena
		names; /* struct vly_image_name[name_cnt], from offset VLY_IMAGE_ALIGN on */
	uint64_t name_cnt;
	bool any_all; /* ANY is answered with all RRsets of a name, not with one (RFC 8482 §4.1) */
	bool additional_none;          /* answers have no records that they may go without */
	struct vly_steer_model *steer; /* a reference, or NULL: no name is steered */
};

/* The heap begins right behind the header. */
#define VLY_DRAFT_HEAP_OFF sizeof(struct vly_image_header)

/*
 * Compiles `zone` (checked: zone_check.h) as zone number `zone_idx` of the image. Returns 0 and
 * fills *compiled; or -1 with the reason in the report, and the caller rewinds the draft. Stores
 * refs in the nodes of `zone`.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_compile_zone(struct vly_image_draft *draft, struct vly_zone *zone, uint32_t zone_idx,
		 struct vly_image_zone *compiled, struct vly_zone_report *report);

/* What becomes of a node when a part of a zone is compiled. */
enum vly_compile_state {
	VLY_COMPILE_NOT = 0, /* it is there for others to refer to */
	VLY_COMPILE_NODE,
	VLY_COMPILE_GONE, /* the name does not exist any more */
};

/* For each node. */
struct vly_compile_part {
	const uint8_t *state; /* enum vly_compile_state */
	/* of one that owns NSEC or NSEC3 no more: the node that owns the one before it now;
	 * otherwise VLY_ZONE_NONE; NULL: the zone is not signed */
	const uint32_t *heir;
};

/* The same for a part of a zone. A wildcard is compiled where its parent is, and the other way round.
 * Chains have been prepared for (vly_chain_prepare_wildcard()). In a signed zone, an answer may have
 * needed a cover that the part does not know: then compiled->flags have VLY_IMAGE_PROVES_COVERS, and the
 * result is of no use. */
__attribute__((nonnull, warn_unused_result)) int
vly_compile_part(struct vly_image_draft *draft, struct vly_zone *zone,
		 const struct vly_compile_part *part, uint32_t zone_idx,
		 struct vly_image_zone *compiled, struct vly_zone_report *report);

#endif

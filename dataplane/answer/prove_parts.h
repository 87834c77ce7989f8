/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of proving alone: prove.c, prove_layers.c (zones with overlays). Threads and RCU: as
 * query.h. */
#ifndef VLY_DATAPLANE_PROVE_PARTS_H
#define VLY_DATAPLANE_PROVE_PARTS_H

#include "query.h"

/* What a DO form is. */
enum vly_prove_meaning {
	VLY_PROVE_ANSWERS,
	VLY_PROVE_ALIASES,  /* of an alias: the answer may have pieces of its own */
	VLY_PROVE_COMPOSED, /* is composed, instead of the form here */
	VLY_PROVE_DENIES, /* the type, or the DS of a delegation: the node's pieces belong to it */
};

/* The DO form of the node's answer, by the same rules as for plain ones (vly_resolve_choose()). */
__attribute__((nonnull)) vly_image_ref vly_prove_choose(const struct vly_image *image,
							const struct vly_image_node *node,
							unsigned qtype,
							enum vly_prove_meaning *meaning);

/* Makes the fate VLY_QUERY_PROVE, without pieces so far. */
__attribute__((nonnull)) void vly_prove_begin(struct vly_query *query,
					      const struct vly_image_zone *zone);

#endif

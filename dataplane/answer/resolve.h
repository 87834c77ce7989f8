/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lookup for composed answers; the stages are in query.h. */
#ifndef VLY_DATAPLANE_RESOLVE_H
#define VLY_DATAPLANE_RESOLVE_H

#include "query.h"

/*
 * Looks up query->name, scanned but not hashed, in the zone of the query (query->image, zone_idx).
 * Returns the answer; or NULL with query->node the DNAME above the name; or NULL with query->node
 * NULL if the name is outside the zone. *label_cnt: the labels that were hashed, for the budget.
 * Inside the burst's read side; does not block.
 */
__attribute__((nonnull)) const struct vly_image_answer *vly_resolve_again(struct vly_query *query,
									  unsigned *label_cnt);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What composing needs of resolving; the stages themselves are in query.h. */
#ifndef VLY_DATAPLANE_RESOLVE_H
#define VLY_DATAPLANE_RESOLVE_H

#include "query.h"

/*
 * Looks up query->name (scanned) once more, in the zone that the query is in. Returns its answer;
 * or NULL with query->node at the DNAME that it is below; or NULL with query->node NULL when it is
 * outside the zone. *label_cnt: how many of its labels that took.
 */
__attribute__((nonnull)) const struct vly_image_answer *vly_resolve_again(struct vly_query *query,
									  unsigned *label_cnt);

#endif

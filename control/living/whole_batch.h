/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For batches: zones that come as a whole (living_whole.h). */
#ifndef VLY_CONTROL_WHOLE_BATCH_H
#define VLY_CONTROL_WHOLE_BATCH_H

#include "living_parts.h"

/* Whether the request may be worked at although the store does not have the zone; sets the entry then. */
__attribute__((nonnull, warn_unused_result)) bool
vly_whole_takes_absent(struct vly_batch_zone *entry, const struct vly_living_request *request);

/* Whether the zone is answered as the store has it now: nothing has to be compiled. */
__attribute__((nonnull, warn_unused_result)) bool
vly_whole_is_answered(struct vly_batch_zone *entry);

/* The batch is on disk: notes what the store says of zones that were answered ahead. */
__attribute__((nonnull)) void vly_whole_settle(struct vly_living *living,
					       const struct vly_living_batch *batch);

#endif

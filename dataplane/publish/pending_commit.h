/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of a COMMIT that takes several messages (volley/publish.h), until the last one is here.
 *
 * Use: vly_pending_commit_add() each part; when it `is_whole`, carry it out; then, and whenever
 * control's connection ends, vly_pending_commit_clear(). All zeros is empty. Main thread only; does
 * not block.
 */
#ifndef VLY_DATAPLANE_PENDING_COMMIT_H
#define VLY_DATAPLANE_PENDING_COMMIT_H

#include "image/image_set.h"
#include "publish_decode.h"

struct vly_pending_commit {
	bool is_begun;
	bool is_whole;
	uint64_t generation;
	uint64_t since;
	struct vly_image_change change; /* its ids are ours */
};

/* Adds a part, which was decoded. Returns VLY_PUBLISH_OK, or another code with the reason, and then
 * the commit is cleared. */
__attribute__((nonnull, warn_unused_result)) enum vly_publish_code
vly_pending_commit_add(struct vly_pending_commit *pending,
		       const struct vly_publish_difference *part, struct vly_image_error *error);

__attribute__((nonnull)) void vly_pending_commit_clear(struct vly_pending_commit *pending);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a zone without data, whose names get SERVFAIL (volley/image.h). For the image builder alone.
 * One thread at a time; does not block but for memory. */
#ifndef VLY_CONTROL_UNREADY_H
#define VLY_CONTROL_UNREADY_H

#include "compile.h"

/* Appends zone number `zone_idx` of the image. `apex` was scanned. Returns 0 and fills *compiled; or
 * -1 with errno, and the caller rewinds the draft. */
__attribute__((nonnull, warn_unused_result)) int
vly_compile_unready(struct vly_image_draft *draft, const struct vly_hash_key *key,
		    struct vly_name *apex, enum vly_image_unready why, uint32_t zone_idx,
		    struct vly_image_zone *compiled);

#endif

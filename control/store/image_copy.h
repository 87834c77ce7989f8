/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies an image from a file and computes its checksum. Large images are copied by several
 * threads; all but the caller's have the kernel's lowest priority (SCHED_IDLE), and so take only
 * CPU time that nobody else wants: they do not slow the dataplane down. Blocks; any thread. No
 * state.
 */
#ifndef VLY_CONTROL_IMAGE_COPY_H
#define VLY_CONTROL_IMAGE_COPY_H

#include <stdint.h>

struct vly_image_copy {
	int from;       /* the file */
	int to;         /* a memfd, or -1 */
	uint8_t *block; /* instead of a memfd, or NULL */
	uint64_t bytes; /* at least a header's */
};

/* Copies the octets 0..bytes-1. Returns 0 with their checksum in *sum, or an errno: ENODATA when
 * the file ends before. */
__attribute__((nonnull, warn_unused_result)) int vly_image_copy(const struct vly_image_copy *copy,
								uint64_t *sum);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone image mapped for reading.
 *
 * Use: vly_image_open() a memfd that control sent; hand the image to vly_table_build(); when no
 * table refers to it and a grace period has passed, vly_image_close().
 *
 * vly_image_open() trusts nothing but the seals: it checks the checksum and every offset once, so
 * that lookups need no bounds checks. Main thread only; the mapping itself is read by any thread.
 */
#ifndef VLY_DATAPLANE_IMAGE_H
#define VLY_DATAPLANE_IMAGE_H

#include <sched.h>

#include <volley/image.h>

/* More threads would wait for memory, not for each other's results. */
#define VLY_IMAGE_HELPERS_MAX 3

/* Threads that verify a large image together with the caller's, and go when it is done. */
struct vly_image_helpers {
	unsigned cnt;   /* 0..VLY_IMAGE_HELPERS_MAX */
	cpu_set_t cpus; /* where they may run */
};

struct vly_image {
	const struct vly_image_header *header;
	const struct vly_image_zone *zone;
	const struct vly_image_bucket *bucket;
	const uint8_t *heap;
	uint32_t bucket_cnt;
	uint32_t probe_max;
	uint64_t id;
	size_t mapped_bytes;
};

/* A refused image says why in here. */
struct vly_image_error {
	char text[200];
};

/*
 * Maps and verifies the image in `fd`, which stays the caller's. `helpers` NULL: alone.
 * Returns the image, the caller's to close, or NULL with the reason in *error.
 */
__attribute__((nonnull(4), warn_unused_result)) struct vly_image *
vly_image_open(int fd, uint64_t id, const struct vly_image_helpers *helpers,
	       struct vly_image_error *error);

/* Verifies `bytes` octets at `block` (8-octet aligned, untrusted) as an image: what
 * vly_image_open() does after mapping. Returns 0 and fills *image, or -1 with the reason. */
__attribute__((nonnull(1, 4, 5), warn_unused_result)) int
vly_image_verify(const void *block, size_t bytes, const struct vly_image_helpers *helpers,
		 struct vly_image *image, struct vly_image_error *error);

void vly_image_close(struct vly_image *image);

#endif

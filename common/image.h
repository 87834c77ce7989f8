/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone image (volley/image.h) in memory, and all checks that make it safe to read. Both programs
 * have this code: volley-dataplane trusts no image that it is sent, and volley-control none that it
 * kept on disk.
 *
 * Use: vly_image_verify() a block that nobody writes any more; it trusts nothing, and checks the
 * checksum and every offset once, so that lookups need no bounds checks. Any thread; the view is
 * read by any thread.
 */
#ifndef VLY_IMAGE_IMAGE_H
#define VLY_IMAGE_IMAGE_H

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
 * Verifies `bytes` octets at `block` (8-octet aligned, untrusted) as an image. `helpers` NULL:
 * alone. Blocks, up to seconds for the largest. Returns 0 and fills *image; or -1 with the reason,
 * and errno: ENOMEM when there was no memory to check it with, else EBADMSG.
 */
__attribute__((nonnull(1, 4, 5), warn_unused_result)) int
vly_image_verify(const void *block, size_t bytes, const struct vly_image_helpers *helpers,
		 struct vly_image *image, struct vly_image_error *error);

#endif

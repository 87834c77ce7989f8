/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone image (volley/image.h) in memory, and the checks that make it safe to read. Both programs
 * use them: volley-dataplane trusts no image that it receives, volley-control none that it has kept
 * on disk.
 *
 * Use: vly_image_verify() a block that nobody can write any more. It checks the checksum and every
 * offset once, so that lookups need no bounds checks. Any thread; afterwards any thread may read.
 */
#ifndef VLY_IMAGE_IMAGE_H
#define VLY_IMAGE_IMAGE_H

#include <sched.h>

#include <volley/image.h>

/* More threads would only wait for memory. */
#define VLY_IMAGE_HELPERS_MAX 3

/* Threads that help the caller's to verify a large image; they end before the call returns. */
struct vly_image_helpers {
	unsigned cnt;   /* 0..VLY_IMAGE_HELPERS_MAX */
	cpu_set_t cpus; /* on which they may run */
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

/* The reason why an image is refused. */
struct vly_image_error {
	char text[200];
};

/*
 * Verifies the `bytes` octets at `block` (8-octet aligned, untrusted) as an image. `helpers` NULL:
 * no helper threads. Blocks, for seconds with the largest images. Returns 0 and fills *image, which
 * points into the block; or -1 with the reason, and errno: ENOMEM if there was no memory for the
 * check, else EBADMSG.
 */
__attribute__((nonnull(1, 4, 5), warn_unused_result)) int
vly_image_verify(const void *block, size_t bytes, const struct vly_image_helpers *helpers,
		 struct vly_image *image, struct vly_image_error *error);

#endif

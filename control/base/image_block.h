/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A memfd in huge pages, for an image whose size is known: lookups in a large image miss the TLB
 * with ordinary ones.
 *
 * Use: vly_image_block_open(), write to base[0..bytes-1], then vly_image_block_seal() or
 * vly_image_block_close(). The memfd is as long as its pages; behind the image it is zero. One
 * thread at a time.
 */
#ifndef VLY_CONTROL_IMAGE_BLOCK_H
#define VLY_CONTROL_IMAGE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Smaller images get ordinary pages: half a huge page is lost on average, and their page tables fit
 * into the caches anyway. */
#define VLY_IMAGE_BLOCK_BYTES_MIN (UINT64_C(16) << 20)

struct vly_image_block {
	int fd;
	uint8_t *base;
	uint64_t mapped_bytes;
};

/* Allocates a block of `bytes` octets. Returns 0; or -1 when the image is too small or there are
 * not enough free huge pages, and the caller uses ordinary ones. */
__attribute__((nonnull, warn_unused_result)) int vly_image_block_open(struct vly_image_block *block,
								      uint64_t bytes);

/* Ends writing. Returns the sealed memfd, the caller's; or -1 with errno. The block is closed in
 * both cases. Blocks, see vly_seal(). */
__attribute__((nonnull, warn_unused_result)) int
vly_image_block_seal(struct vly_image_block *block);

__attribute__((nonnull)) void vly_image_block_close(struct vly_image_block *block);

/* True when a memfd is in huge pages. */
bool vly_image_block_is_huge(int fd);

#endif

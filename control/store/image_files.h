/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of the image cache, in a directory of their own: `index` (image_index.h) and images,
 * each byte for byte as in its memfd, named by its checksum. A file is written under another name,
 * synced and renamed, so it is there as a whole or not at all; files that a crash leaves behind are
 * removed by the next vly_image_files_prune(). All functions block for the disk, and are for
 * threads of the pool. No state.
 */
#ifndef VLY_CONTROL_IMAGE_FILES_H
#define VLY_CONTROL_IMAGE_FILES_H

#include <volley/image.h>

#include "base/state_file.h"
#include "image_index.h"

/* Reads the checksum, size and number of zones of the image in a memfd of ours. Returns 0, or -1
 * with errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_files_describe(int fd, struct vly_index_image *image);

/*
 * Reads an image (untrusted) into a sealed memfd. It must match `image`, be of this version, made
 * with `key`, with the right checksum, and pass all checks of the dataplane. Returns the memfd, the
 * caller's; or -1 with `reason`, which names the file, and errno: EBADMSG when the image was
 * damaged and has been removed; with any other errno it may be good, and stays.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_image_files_read(const char *dir, const struct vly_index_image *image,
		     const struct vly_hash_key *key, char *reason, size_t reason_bytes);

/* Writes the image in the memfd `fd`, unless its file exists. Returns 0, or -1 with `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_files_write(const char *dir, const struct vly_index_image *image, int fd, char *reason,
		      size_t reason_bytes);

/* Removes a damaged image, which would else be taken for a written one of the same name and
 * size. */
__attribute__((nonnull)) void vly_image_files_remove(const char *dir,
						     const struct vly_index_image *image);

/* Reads the index, as vly_state_file_read() does. */
__attribute__((nonnull, warn_unused_result)) enum vly_state_read
vly_image_files_read_index(const char *dir, char **text, size_t *len, char *reason,
			   size_t reason_bytes);

__attribute__((nonnull, warn_unused_result)) int
vly_image_files_write_index(const char *dir, const char *text, size_t len, char *reason,
			    size_t reason_bytes);

/* Makes the directory when there is none. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_files_prepare(const char *dir, char *reason, size_t reason_bytes);

/* Removes all files but the index and image[0..image_cnt-1]. */
__attribute__((nonnull(1))) void
vly_image_files_prune(const char *dir, const struct vly_index_image *image, uint32_t image_cnt);

#endif

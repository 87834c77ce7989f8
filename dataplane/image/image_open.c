/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/large.h"
#include "common/image_check.h"

struct vly_image *
vly_image_open(int fd, uint64_t id, const struct vly_image_helpers *helpers,
	       struct vly_image_error *error)
{
	struct stat stat;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & VLY_IMAGE_SEALS) != VLY_IMAGE_SEALS) {
		vly_image_refuse(error, "the descriptor is not a sealed memfd");
		return NULL;
	}
	if (fstat(fd, &stat) != 0 || stat.st_size <= 0) {
		vly_image_refuse(error, "the memfd is empty");
		return NULL;
	}
	struct vly_image *image = calloc(1, sizeof(*image));
	if (image == NULL) {
		vly_image_refuse(error, "no memory for an image");
		return NULL;
	}
	size_t bytes = (size_t)stat.st_size;
	void *block = vly_large_map(fd, bytes);
	if (block == MAP_FAILED) {
		vly_image_refuse(error, "cannot map %zu octets: %s", bytes, strerror(errno));
		free(image);
		return NULL;
	}
	if (vly_image_verify(block, bytes, helpers, image, error) != 0) {
		vly_large_unmap(block, bytes);
		free(image);
		return NULL;
	}
	image->id = id;
	return image;
}

void
vly_image_close(struct vly_image *image)
{
	if (image == NULL)
		return;
	vly_large_unmap(image->header, image->mapped_bytes);
	free(image);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_decode.h"

#include <string.h>

static const char *
decode_image(const void *message, size_t bytes, unsigned fd_cnt,
	     struct vly_publish_request *request)
{
	const struct vly_publish_image *image = message;

	if (bytes != sizeof(*image))
		return "IMAGE: wrong length";
	if (fd_cnt != 1)
		return "IMAGE: needs one file descriptor";
	if (image->image_id == 0)
		return "IMAGE: 0 is not a valid image id";
	request->image_id = image->image_id;
	return NULL;
}

static const char *
decode_commit(const void *message, size_t bytes, unsigned fd_cnt,
	      struct vly_publish_request *request)
{
	const struct vly_publish_commit *commit = message;

	if (bytes < sizeof(*commit))
		return "COMMIT: too short";
	if (commit->image_cnt > VLY_PUBLISH_IMAGES_MAX)
		return "COMMIT: too many images";
	if (bytes != sizeof(*commit) + commit->image_cnt * sizeof(uint64_t))
		return "COMMIT: the length does not match the number of images";
	if (fd_cnt != 0)
		return "COMMIT: takes no file descriptor";
	request->generation = commit->generation;
	request->image_cnt = commit->image_cnt;
	request->image_ids = commit->image_id;
	return NULL;
}

static const char *
decode_defence(size_t bytes, unsigned fd_cnt)
{
	if (bytes != sizeof(struct vly_publish_header))
		return "DEFENCE: wrong length";
	return fd_cnt == 1 ? NULL : "DEFENCE: needs one file descriptor";
}

const char *
vly_publish_decode(const void *message, size_t bytes, unsigned fd_cnt,
		   struct vly_publish_request *request)
{
	const struct vly_publish_header *header = message;

	memset(request, 0, sizeof(*request));
	if (bytes < sizeof(*header))
		return "shorter than a header";
	request->seq = header->seq;
	if (header->bytes != bytes)
		return "the length in the header does not match the packet";
	switch (header->type) {
	case VLY_PUBLISH_IMAGE:
		request->type = VLY_PUBLISH_IMAGE;
		return decode_image(message, bytes, fd_cnt, request);
	case VLY_PUBLISH_COMMIT:
		request->type = VLY_PUBLISH_COMMIT;
		return decode_commit(message, bytes, fd_cnt, request);
	case VLY_PUBLISH_DEFENCE:
		request->type = VLY_PUBLISH_DEFENCE;
		return decode_defence(bytes, fd_cnt);
	}
	return "unknown request type";
}

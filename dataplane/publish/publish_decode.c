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
	const uint64_t cnt = (uint64_t)commit->removed_cnt + commit->added_cnt;
	if (cnt > VLY_PUBLISH_IDS_MAX)
		return "COMMIT: too many images";
	if (bytes != sizeof(*commit) + cnt * sizeof(uint64_t))
		return "COMMIT: the length does not match the number of images";
	if (commit->flags & ~(uint32_t)VLY_COMMIT_MORE)
		return "COMMIT: unknown flags";
	if (commit->since == 0 && commit->removed_cnt > 0)
		return "COMMIT: a whole list removes nothing";
	if (fd_cnt != 0)
		return "COMMIT: takes no file descriptor";
	request->difference = (struct vly_publish_difference){
		.generation = commit->generation,
		.since = commit->since,
		.more = commit->flags & VLY_COMMIT_MORE,
		.removed_cnt = commit->removed_cnt,
		.added_cnt = commit->added_cnt,
		.removed = commit->image_id,
		.added = commit->image_id + commit->removed_cnt,
	};
	return NULL;
}

static const char *
decode_defence(size_t bytes, unsigned fd_cnt)
{
	if (bytes != sizeof(struct vly_publish_header))
		return "DEFENCE: wrong length";
	return fd_cnt == 1 ? NULL : "DEFENCE: needs one file descriptor";
}

static const char *
decode_steer(size_t bytes, unsigned fd_cnt)
{
	if (bytes != sizeof(struct vly_publish_header))
		return "STEER: wrong length";
	return fd_cnt == 2 ? NULL : "STEER: needs two file descriptors";
}

static const char *
decode_response(const void *message, size_t head_bytes, size_t bytes, unsigned fd_cnt,
		struct vly_publish_request *request)
{
	request->response = (const uint8_t *)message + head_bytes;
	request->response_bytes = bytes - head_bytes;
	if (request->response_bytes > VLY_MESSAGE_BYTES_MAX)
		return "RESPONSE: longer than a message";
	if (request->response_bytes > 0 && request->response_bytes < VLY_DNS_HEADER_BYTES)
		return "RESPONSE: shorter than a message";
	return fd_cnt == 0 ? NULL : "RESPONSE: takes no file descriptor";
}

static const char *
decode_response_after(const void *message, size_t bytes, unsigned fd_cnt,
		      struct vly_publish_request *request)
{
	const struct vly_publish_response_after *after = message;

	if (bytes < sizeof(*after) + VLY_DNS_HEADER_BYTES)
		return "RESPONSE_AFTER: too short";
	request->commit_seq = after->commit_seq;
	return decode_response(message, sizeof(*after), bytes, fd_cnt, request);
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
	case VLY_PUBLISH_STEER:
		request->type = VLY_PUBLISH_STEER;
		return decode_steer(bytes, fd_cnt);
	case VLY_PUBLISH_RESPONSE:
		request->type = VLY_PUBLISH_RESPONSE;
		return decode_response(message, sizeof(*header), bytes, fd_cnt, request);
	case VLY_PUBLISH_RESPONSE_AFTER:
		request->type = VLY_PUBLISH_RESPONSE_AFTER;
		return decode_response_after(message, bytes, fd_cnt, request);
	}
	return "unknown request type";
}

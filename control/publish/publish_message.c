/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_message.h"

#include <string.h>

#include <volley/image.h>

size_t
vly_publish_write_commit(struct vly_publish_commit *to, uint64_t seq, uint64_t generation,
			 const struct vly_image_list *list)
{
	size_t bytes = sizeof(*to) + list->cnt * sizeof(to->image_id[0]);

	memset(to, 0, sizeof(*to));
	to->header.type = VLY_PUBLISH_COMMIT;
	to->header.bytes = (uint32_t)bytes;
	to->header.seq = seq;
	to->generation = generation;
	to->image_cnt = list->cnt;
	for (uint32_t i = 0; i < list->cnt; i++)
		to->image_id[i] = list->image[i]->id;
	return bytes;
}

size_t
vly_publish_write_image(struct vly_publish_image *to, uint64_t seq, uint64_t image_id)
{
	memset(to, 0, sizeof(*to));
	to->header.type = VLY_PUBLISH_IMAGE;
	to->header.bytes = sizeof(*to);
	to->header.seq = seq;
	to->image_id = image_id;
	return sizeof(*to);
}

size_t
vly_publish_write_defence(struct vly_publish_header *to, uint64_t seq)
{
	*to = (struct vly_publish_header){
		.type = VLY_PUBLISH_DEFENCE, .bytes = sizeof(*to), .seq = seq};
	return sizeof(*to);
}

static const char *
check_header(const struct vly_publish_header *header, size_t bytes, uint32_t type)
{
	if (bytes < sizeof(*header) || header->bytes != bytes)
		return "the dataplane sent a message of the wrong size";
	if (header->type != type)
		return "the dataplane sent a message of an unexpected type";
	return NULL;
}

const char *
vly_publish_check_hello(const void *message, size_t bytes)
{
	const struct vly_publish_hello *hello = message;
	const char *reason = check_header(message, bytes, VLY_PUBLISH_HELLO);

	if (reason)
		return reason;
	/* the version comes first: a HELLO of another version may have another size */
	if (bytes < offsetof(struct vly_publish_hello, image_version) ||
	    hello->publish_version != VLY_PUBLISH_VERSION)
		return "the dataplane speaks another version of the publish protocol: "
		       "install and restart volley-control and volley-dataplane of one release";
	if (bytes != sizeof(*hello))
		return "the dataplane sent a HELLO of the wrong size";
	if (hello->image_version != VLY_IMAGE_VERSION)
		return "the dataplane reads another version of zone images: "
		       "install and restart volley-control and volley-dataplane of one release";
	return NULL;
}

const char *
vly_publish_check_result(const void *message, size_t bytes)
{
	const struct vly_publish_result *result = message;
	const char *reason = check_header(message, bytes, VLY_PUBLISH_RESULT);

	if (reason)
		return reason;
	if (bytes != sizeof(*result))
		return "the dataplane sent a RESULT of the wrong size";
	if (!memchr(result->text, '\0', sizeof(result->text)))
		return "the dataplane sent a RESULT whose text is not terminated";
	return NULL;
}

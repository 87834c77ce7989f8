/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_message.h"

#include <stdbool.h>
#include <string.h>

#include <volley/dns.h>
#include <volley/image.h>
#include <volley/octets.h>

size_t
vly_publish_write_commit(struct vly_publish_commit *to, uint64_t seq,
			 struct vly_publish_change *change)
{
	const uint32_t from = change->sent_cnt;
	const uint32_t all_cnt = change->removed_cnt + change->added_cnt;
	const uint32_t cnt =
		all_cnt - from < VLY_PUBLISH_IDS_MAX ? all_cnt - from : VLY_PUBLISH_IDS_MAX;
	const uint32_t removed_left = from < change->removed_cnt ? change->removed_cnt - from : 0;
	const size_t bytes = sizeof(*to) + cnt * sizeof(to->image_id[0]);

	*to = (struct vly_publish_commit){
		.header = {.type = VLY_PUBLISH_COMMIT, .bytes = (uint32_t)bytes, .seq = seq},
		.generation = change->generation,
		.since = change->since,
		.removed_cnt = removed_left < cnt ? removed_left : cnt,
		.flags = from + cnt < all_cnt ? VLY_COMMIT_MORE : 0,
	};
	to->added_cnt = cnt - to->removed_cnt;
	if (cnt > 0)
		memcpy(to->image_id, change->id + from, cnt * sizeof(to->image_id[0]));
	change->sent_cnt += cnt;
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
vly_publish_write_block(struct vly_publish_header *to, enum vly_publish_type type, uint64_t seq)
{
	*to = (struct vly_publish_header){.type = type, .bytes = sizeof(*to), .seq = seq};
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

/* Whether the octets of a stream begin with a whole message. */
static bool
has_message(const uint8_t *octets, size_t bytes)
{
	return bytes >= 2 && vly_be16(octets) >= VLY_DNS_HEADER_BYTES &&
	       vly_be16(octets) + 2u <= bytes;
}

const char *
vly_publish_check_connection(const void *message, size_t bytes)
{
	const struct vly_publish_connection *connection = message;
	const char *reason = check_header(message, bytes, VLY_PUBLISH_CONNECTION);

	if (reason)
		return reason;
	if (bytes < sizeof(*connection) || connection->octet_bytes > VLY_PUBLISH_OCTETS_MAX ||
	    bytes != sizeof(*connection) + connection->octet_bytes)
		return "the dataplane sent a CONNECTION of the wrong size";
	if (connection->flags & ~(uint32_t)VLY_CONNECTION_TLS)
		return "the dataplane sent a CONNECTION with unknown flags";
	if (connection->flags & VLY_CONNECTION_TLS)
		return connection->octet_bytes == 0
			       ? NULL
			       : "the dataplane has read from a CONNECTION to the port of TLS";
	return has_message(connection->octets, connection->octet_bytes)
		       ? NULL
		       : "the dataplane sent a CONNECTION without a message";
}

const char *
vly_publish_check_request(const void *message, size_t bytes)
{
	const struct vly_publish_client_request *request = message;
	const char *reason = check_header(message, bytes, VLY_PUBLISH_REQUEST);

	if (reason)
		return reason;
	if (bytes < sizeof(*request) + VLY_DNS_HEADER_BYTES ||
	    request->message_bytes < VLY_DNS_HEADER_BYTES ||
	    request->response_bytes > VLY_MESSAGE_BYTES_MAX ||
	    (request->response_bytes != 0 && request->response_bytes < VLY_DNS_HEADER_BYTES) ||
	    bytes != sizeof(*request) + request->message_bytes + request->response_bytes)
		return "the dataplane sent a REQUEST of the wrong size";
	return NULL;
}

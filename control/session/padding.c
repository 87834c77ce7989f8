/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "padding.h"

#include <string.h>

#include <volley/octets.h>

#include "base/message.h"

#define OPTION_PADDING 12

/* The payload that we offer over UDP, which says nothing over TLS. */
#define OPT_PAYLOAD 1232

/* Finds the OPT record, which must be the last. Returns the offset of its data's length; 0: there is
 * no OPT at all; -1: it can't be padded. */
static long
find_opt(const uint8_t *message, size_t len)
{
	struct vly_message_reader reader;
	struct vly_message_record record = {0};
	unsigned record_cnt;
	long found = 0;

	if (!vly_message_records_begin(&reader, message, len, &record_cnt))
		return -1;
	for (unsigned left = record_cnt; left > 0; left--) {
		if (!vly_message_record(&reader, &record))
			return -1;
		if (record.type == VLY_TYPE_OPT)
			found = (long)record.data_off - 2;
	}
	if (reader.at != len || (found != 0 && record.type != VLY_TYPE_OPT))
		return -1;
	return found;
}

static bool
has_padding(const uint8_t *message, size_t at, size_t end)
{
	while (end - at >= VLY_PADDING_OPTION_BYTES) {
		const size_t option_len = VLY_PADDING_OPTION_BYTES + vly_be16(message + at + 2);
		if (vly_be16(message + at) == OPTION_PADDING || option_len > end - at)
			return true;
		at += option_len;
	}
	return at != end;
}

/* Returns the offset of its data's length. */
static size_t
append_opt(uint8_t *message, size_t len)
{
	uint8_t *at = message + len;

	memset(at, 0, VLY_PADDING_OPT_BYTES);
	vly_put_be16(at + 1, VLY_TYPE_OPT);
	vly_put_be16(at + 3, OPT_PAYLOAD);
	vly_put_be16(message + 10, vly_be16(message + 10) + 1u);
	return len + VLY_PADDING_OPT_BYTES - 2;
}

size_t
vly_padding_add(uint8_t *message, size_t len, size_t room, size_t block, size_t behind,
		bool add_opt)
{
	const long found = len >= VLY_DNS_HEADER_BYTES ? find_opt(message, len) : -1;
	const size_t opt_bytes = found == 0 ? VLY_PADDING_OPT_BYTES : 0;

	if (found < 0 || (found == 0 && !add_opt) || block == 0 ||
	    (found > 0 && has_padding(message, (size_t)found + 2, len)))
		return len;
	const size_t least = len + opt_bytes + VLY_PADDING_OPTION_BYTES + behind;
	if (least > room)
		return len;
	size_t whole = (least + block - 1) / block * block;
	if (whole > room)
		whole = room;
	const size_t opt = found == 0 ? append_opt(message, len) : (size_t)found;
	const size_t padding = whole - least;
	const size_t data_len = vly_be16(message + opt) + VLY_PADDING_OPTION_BYTES + padding;
	uint8_t *at = message + len + opt_bytes;
	vly_put_be16(message + opt, (unsigned)data_len);
	vly_put_be16(at, OPTION_PADDING);
	vly_put_be16(at + 2, (unsigned)padding);
	memset(at + VLY_PADDING_OPTION_BYTES, 0, padding);
	return whole - behind;
}

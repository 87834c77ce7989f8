/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_transfer.h"

#include "base/wire.h"

bool
vly_stream_is_transfer(const struct vly_stream_message *message)
{
	const uint8_t *octets = message->octets;
	struct vly_cursor cursor = {octets + VLY_DNS_HEADER_BYTES, octets + message->bytes};

	if ((vly_be16(octets + 2) & (VLY_FLAG_QR | VLY_FLAG_OPCODE)) != 0 ||
	    vly_be16(octets + 4) != 1 || !vly_cursor_skip_name(&cursor))
		return false;
	const uint8_t *type = cursor.at;
	if (!vly_cursor_skip(&cursor, 4) || vly_be16(type + 2) != VLY_CLASS_IN)
		return false;
	return vly_be16(type) == VLY_TYPE_AXFR || vly_be16(type) == VLY_TYPE_IXFR;
}

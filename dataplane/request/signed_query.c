/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signed_query.h"

#include <string.h>

#include "base/wire.h"

#define ARCOUNT_OFF 10

/* The response's MAC may be longer than that of the query, by half of the longest one, and BADTIME has
 * six octets of other data. */
#define TSIG_GROWTH 38

/* Steps over the question and all records but the last. */
static bool
skip_to_last(struct vly_cursor *cursor, const uint8_t *message)
{
	struct vly_record record;
	unsigned record_cnt =
		vly_be16(message + 6) + vly_be16(message + 8) + vly_be16(message + ARCOUNT_OFF);

	if (!vly_cursor_skip_name(cursor) || !vly_cursor_skip(cursor, 4))
		return false;
	for (; record_cnt > 1; record_cnt--) /* each has 11 octets at least */
		if (!vly_cursor_record(cursor, &record))
			return false;
	return true;
}

static bool
is_query(const uint8_t *message, uint16_t bytes)
{
	return bytes >= VLY_DNS_HEADER_BYTES && (message[2] & 0xf8) == 0 &&
	       vly_be16(message + 4) == 1 && vly_be16(message + ARCOUNT_OFF) != 0;
}

uint16_t
vly_signed_query_take(uint8_t *message, uint16_t bytes)
{
	struct vly_cursor cursor = {message + VLY_DNS_HEADER_BYTES, message + bytes};
	struct vly_record tsig;

	if (!is_query(message, bytes) || !skip_to_last(&cursor, message) ||
	    !vly_cursor_record(&cursor, &tsig) || vly_be16(tsig.fixed) != VLY_TYPE_TSIG ||
	    cursor.at != cursor.end)
		return 0;
	vly_put_be16(message + ARCOUNT_OFF, vly_be16(message + ARCOUNT_OFF) - 1);
	return (uint16_t)(tsig.owner - message);
}

void
vly_signed_query_restore(uint8_t *message)
{
	vly_put_be16(message + ARCOUNT_OFF, vly_be16(message + ARCOUNT_OFF) + 1);
}

/* The name of the key is not compressed in the response (RFC 8945 §4.2), but may be in the query. */
static bool
is_compressed(const uint8_t *owner, unsigned bytes)
{
	unsigned at = 0;

	while (at < bytes && owner[at] != 0 && owner[at] < 0xc0) /* label by label */
		at += 1u + owner[at];
	return at < bytes && owner[at] >= 0xc0;
}

uint16_t
vly_signed_query_fit(uint8_t *response, uint16_t bytes, const uint8_t *tsig, unsigned tsig_bytes,
		     unsigned limit)
{
	struct vly_cursor cursor = {response + VLY_DNS_HEADER_BYTES, response + bytes};

	if (is_compressed(tsig, tsig_bytes))
		tsig_bytes += VLY_NAME_BYTES_MAX;
	if (bytes + tsig_bytes + TSIG_GROWTH <= limit)
		return bytes;
	if (!vly_cursor_skip_name(&cursor) || !vly_cursor_skip(&cursor, 4))
		return 0;
	response[2] |= VLY_FLAG_TC >> 8;
	memset(response + 6, 0, 6);
	return (uint16_t)(cursor.at - response);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsig_error.h"

#include "response_parts.h"

/* The fields behind the algorithm's name (RFC 8945 §4.2): time signed (6 octets), fudge (2), MAC
 * size and MAC, original ID, error, other length and other data. */
enum {
	TIME_BYTES = 6 + 2,
	TAIL_BYTES = 2 + 2 + 2,
	RECORD_BYTES_MAX = 2 * VLY_NAME_BYTES_MAX + 10 + TIME_BYTES + 2 + TAIL_BYTES,
};

/* Steps over a name. Returns its end, or NULL if it does not end before `end`. *pointer is its
 * compression pointer, or NULL. */
static const uint8_t *
skip_name(const uint8_t *name, const uint8_t *end, const uint8_t **pointer)
{
	const uint8_t *at = name;

	*pointer = NULL;
	while (at < end && at - name < VLY_NAME_BYTES_MAX) {
		unsigned len = *at;
		if (len >= 0xc0) {
			*pointer = at;
			return end - at >= 2 ? at + 2 : NULL;
		}
		if (len > VLY_LABEL_BYTES_MAX)
			return NULL;
		at += len + 1;
		if (len == 0)
			return at;
	}
	return NULL;
}

/* Whether a pointer leads to a label of the question, so that it is valid in the response, too. */
static bool
leads_to_question(const struct vly_query *query, const uint8_t *pointer)
{
	unsigned off = vly_be16(pointer) & VLY_POINTER_MAX;

	if (query->question_bytes == 0)
		return false;
	for (unsigned i = 0; i < query->name.label_cnt; i++)
		if (off == VLY_DNS_HEADER_BYTES + (unsigned)query->name.start[i])
			return true;
	return false;
}

bool
vly_tsig_take(struct vly_query *query, const struct vly_record *record)
{
	const uint8_t *rdata = record->fixed + 10;
	const uint8_t *end = rdata + vly_be16(record->fixed + 8);
	const uint8_t *pointer;

	if (vly_be16(record->fixed + 2) != VLY_CLASS_ANY ||
	    skip_name(record->owner, record->fixed, &pointer) != record->fixed ||
	    (pointer != NULL && !leads_to_question(query, pointer)))
		return false;
	struct vly_cursor cursor = {skip_name(rdata, end, &pointer), end};
	if (cursor.at == NULL || pointer != NULL || /* RFC 8945 §4.2: never compressed */
	    !vly_cursor_skip(&cursor, TIME_BYTES + 2) ||
	    !vly_cursor_skip(&cursor, vly_be16(cursor.at - 2)) ||
	    !vly_cursor_skip(&cursor, TAIL_BYTES) ||
	    !vly_cursor_skip(&cursor, vly_be16(cursor.at - 2)) || cursor.at != end)
		return false;
	query->tsig_off = (uint16_t)(record->owner - query->message);
	return true;
}

/* Makes the TSIG record with BADKEY, without a MAC, from the query's. Returns its octets. */
static unsigned
make_record(const struct vly_query *query, uint8_t to[RECORD_BYTES_MAX])
{
	const uint8_t *owner = query->message + query->tsig_off;
	struct vly_cursor cursor = {owner, query->message + query->message_len};
	struct vly_record record;
	const uint8_t *pointer;

	if (!vly_cursor_record(&cursor, &record))
		return 0;
	const uint8_t *rdata = record.fixed + 10;
	unsigned head = (unsigned)(rdata - owner);
	unsigned algorithm = (unsigned)(skip_name(rdata, cursor.at, &pointer) - rdata);
	unsigned kept = head + algorithm + TIME_BYTES;
	unsigned mac_bytes = vly_be16(owner + kept);

	memcpy(to, owner, kept);
	vly_put_be16(to + head - 2, algorithm + TIME_BYTES + 2 + TAIL_BYTES);
	vly_put_be16(to + kept, 0);
	memcpy(to + kept + 2, owner + kept + 2 + mac_bytes, 2);
	vly_put_be16(to + kept + 4, VLY_TSIG_BADKEY);
	vly_put_be16(to + kept + 6, 0);
	return kept + 2 + TAIL_BYTES;
}

void
vly_tsig_write_error(struct vly_query *query, struct vly_guard *guard,
		     struct vly_lcore_counters *counters)
{
	uint8_t tsig[RECORD_BYTES_MAX];
	unsigned tsig_bytes = make_record(query, tsig);
	const bool has_opt = query->opt_bytes != 0;
	struct vly_response_shape shape = {.flags = VLY_RCODE_NOTAUTH};
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;

	if (tsig_bytes > vly_response_space(query)) {
		tsig_bytes = 0;
		shape.flags |= VLY_FLAG_TC;
	}
	shape.counts = vly_response_counts(0, 0, tsig_bytes != 0);
	query->rcode_ext = 0;
	if (vly_response_is_held(query, guard, VLY_RESPONSE_error,
				 (unsigned)(to - query->message) + query->opt_bytes + tsig_bytes,
				 counters))
		return;
	vly_response_header(query->message, &shape, true, has_opt);
	if (has_opt) {
		vly_response_opt(to, query, 0);
		to += query->opt_bytes;
	}
	memcpy(to, tsig, tsig_bytes);
	query->response_len = (uint16_t)(to + tsig_bytes - query->message);
	query->response_sum = vly_sum_octets(query->message, query->response_len);
	counters->queries_edns += has_opt;
	counters->truncated += tsig_bytes == 0;
	vly_response_count(VLY_RCODE_YXDOMAIN, counters);
}

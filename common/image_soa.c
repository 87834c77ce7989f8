/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_soa.h"

#include <string.h>

#include <volley/dns.h>
#include <volley/octets.h>

/* Of a record behind its owner: type, class, TTL, length of the data. */
#define FIXED_BYTES 10

/* Skips the record at `at`. Returns where it ends, and its type; or more than `len`: it is not whole, as in
 * no image of ours. */
static uint32_t
skip_record(const uint8_t *wire, uint32_t at, uint32_t len, uint16_t *type)
{
	while (at < len && wire[at] != 0 && wire[at] < 0xc0) /* goes on by an octet at least */
		at += 1u + wire[at];
	at += at < len && wire[at] == 0 ? 1 : 2;
	if (at + FIXED_BYTES > len)
		return UINT32_MAX;
	*type = vly_be16(wire + at);
	return at + FIXED_BYTES + vly_be16(wire + at + FIXED_BYTES - 2);
}

/* The octets of another record could be the same. */
static bool
last_is_soa(const struct vly_image_answer *answer)
{
	const uint8_t *wire = vly_image_answer_wire(answer);
	uint16_t type = 0;
	uint32_t at = 0;

	for (unsigned i = answer->ancount + answer->nscount; i > 0 && at < answer->wire_len; i--)
		at = skip_record(wire, at, answer->wire_len, &type);
	return at == answer->wire_len && type == VLY_TYPE_SOA;
}

bool
vly_image_ends_in_soa(const struct vly_image_answer *answer, const struct vly_image_answer *nodata)
{
	return answer->arcount == 0 && answer->wire_len >= VLY_SOA_TAIL_BYTES &&
	       memcmp(vly_image_soa_tail(answer), vly_image_soa_tail(nodata), VLY_SOA_TAIL_BYTES) ==
		       0 &&
	       last_is_soa(answer);
}

/* Steps over the signature at `at` of a signed NODATA: *owner_len becomes the octets of its owner, a
 * pointer or the root. Returns where it ends, or more than `len`. */
static uint32_t
skip_signature(const uint8_t *wire, uint32_t at, uint32_t len, unsigned *owner_len)
{
	uint16_t type = 0;

	if (at >= len || (wire[at] != 0 && wire[at] < 0xc0))
		return UINT32_MAX;
	*owner_len = wire[at] == 0 ? 1 : 2;
	uint32_t end = skip_record(wire, at, len, &type);
	return type == VLY_TYPE_RRSIG ? end : UINT32_MAX;
}

unsigned
vly_image_signed_soa_bytes(const struct vly_image_answer *nodata)
{
	const uint8_t *wire = vly_image_answer_wire(nodata);
	const uint32_t len = nodata->wire_len;
	uint16_t type = 0;
	unsigned owner_len;

	if (nodata->ancount != 0 || nodata->arcount != 0 || nodata->nscount < 2)
		return 0;
	uint32_t soa_end = skip_record(wire, 0, len, &type);
	uint32_t at = soa_end;
	if (type != VLY_TYPE_SOA || soa_end > len || soa_end < VLY_SOA_TAIL_BYTES)
		return 0;
	for (unsigned i = 1; i < nodata->nscount && at < len; i++)
		at = skip_signature(wire, at, len, &owner_len);
	return at == len ? len - soa_end + VLY_SOA_TAIL_BYTES : 0;
}

/* Of a signature behind its owner: the octets from its TTL to the end of that. */
enum { TTL_OFF = 4, TTL_END = 8 };

/* Copies octets to `to`, or, if that is NULL, compares them with `other`. */
static bool
take(const uint8_t *from, uint8_t *to, const uint8_t *other, uint32_t at, uint32_t end)
{
	if (to == NULL)
		return memcmp(from + at, other + at, end - at) == 0;
	memcpy(to + at, from + at, end - at);
	return true;
}

/* Copies or compares an end of `bytes` octets that vly_image_signed_soa_bytes() has found. Owners are left
 * out, as they are pointers, and so are TTLs, which are others in a negative response. */
static bool
go_through(const uint8_t *from, uint8_t *to, const uint8_t *other, uint32_t bytes)
{
	unsigned owner_len = 0;

	if (!take(from, to, other, 0, VLY_SOA_TAIL_BYTES))
		return false;
	for (uint32_t at = VLY_SOA_TAIL_BYTES, end; at < bytes; at = end) { /* record by record */
		end = skip_signature(from, at, bytes, &owner_len);
		if (end > bytes)
			return false;
		at += owner_len;
		if (!take(from, to, other, at, at + TTL_OFF) ||
		    !take(from, to, other, at + TTL_END, end))
			return false;
	}
	return true;
}

bool
vly_image_ends_in_signed_soa(const struct vly_image_answer *answer,
			     const struct vly_image_answer *nodata)
{
	const unsigned bytes = vly_image_signed_soa_bytes(nodata);

	return bytes != 0 && answer->arcount == 0 && answer->wire_len >= bytes &&
	       go_through(vly_image_answer_wire(nodata) + nodata->wire_len - bytes, NULL,
			  vly_image_answer_wire(answer) + answer->wire_len - bytes, bytes);
}

bool
vly_image_has_same_signed_soa(const struct vly_image_answer *a, const struct vly_image_answer *b)
{
	const unsigned bytes = vly_image_signed_soa_bytes(a);
	unsigned left_owner = 0, right_owner = 0;

	if (bytes == 0 || vly_image_signed_soa_bytes(b) != bytes || a->nscount != b->nscount)
		return false;
	const uint8_t *left = vly_image_answer_wire(a) + a->wire_len - bytes;
	const uint8_t *right = vly_image_answer_wire(b) + b->wire_len - bytes;
	for (uint32_t at = VLY_SOA_TAIL_BYTES; at < bytes;) { /* record by record */
		uint32_t end = skip_signature(left, at, bytes, &left_owner);
		if (end > bytes || skip_signature(right, at, bytes, &right_owner) != end ||
		    left_owner != right_owner)
			return false;
		at = end;
	}
	return true;
}

void
vly_image_renew_signed_soa(uint8_t *end, const struct vly_image_answer *newest)
{
	const unsigned bytes = vly_image_signed_soa_bytes(newest);

	(void)go_through(vly_image_answer_wire(newest) + newest->wire_len - bytes, end - bytes,
			 NULL, bytes);
}

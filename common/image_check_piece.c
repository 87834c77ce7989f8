/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_check_parts.h"

#define POINTER_BYTES 2

/* Of a record behind its owner: type, class, TTL, RDLENGTH. */
#define FIXED_BYTES 10

/* The octets of an apex. The check of its zone refuses an apex that is outside the heap. */
static unsigned
apex_len_of(const struct vly_image_checker *checker, uint32_t zone_idx)
{
	vly_image_ref apex = checker->image->zone[zone_idx].apex;
	const struct vly_image_node *node;

	if (!vly_image_heap_has(checker, apex, sizeof(*node)))
		return VLY_NAME_BYTES_MAX;
	node = vly_image_at(checker->image->heap, apex);
	return node->name_len;
}

/* Whether `owner` is whole labels in lower case. */
static bool
owner_is_valid(const uint8_t *owner, unsigned len)
{
	for (unsigned pos = 0; pos < len; pos += owner[pos] + 1u) {
		if (owner[pos] == 0 || owner[pos] > VLY_LABEL_BYTES_MAX ||
		    pos + owner[pos] + 1u > len)
			return false;
		for (unsigned i = 1; i <= owner[pos]; i++)
			if (owner[pos + i] != vly_ascii_lower(owner[pos + i]))
				return false;
	}
	return true;
}

static int
refuse_long_owner(const struct vly_image_checker *checker, vly_image_ref ref, unsigned len)
{
	return vly_image_refuse(checker->error, "piece %u: an owner of %u octets is too long", ref,
				len);
}

static int
check_owner(const struct vly_image_checker *checker, uint32_t zone_idx, vly_image_ref ref,
	    const struct vly_image_piece *piece)
{
	const uint8_t *wire = vly_image_piece_wire(piece);
	const unsigned apex_len = apex_len_of(checker, zone_idx);
	const unsigned end_len = apex_len == 1 ? 1 : POINTER_BYTES;

	if (piece->owner_len + apex_len > VLY_NAME_BYTES_MAX)
		return refuse_long_owner(checker, ref, piece->owner_len + apex_len);
	if (piece->first_len > piece->wire_len ||
	    piece->first_len < piece->owner_len + end_len + FIXED_BYTES)
		return vly_image_refuse(checker->error,
					"piece %u: no record has the first %u of %u octets", ref,
					piece->first_len, piece->wire_len);
	if (!owner_is_valid(wire, piece->owner_len))
		return vly_image_refuse(checker->error, "piece %u: malformed owner", ref);
	if (wire[piece->owner_len] != 0 || wire[piece->owner_len + end_len - 1] != 0)
		return vly_image_refuse(checker->error,
					"piece %u: the owner's pointer is not empty", ref);
	return 0;
}

/* All records but the first follow it. */
static int
check_rrsigs(const struct vly_image_checker *checker, vly_image_ref ref,
	     const struct vly_image_piece *piece)
{
	const uint8_t *wire = vly_image_piece_wire(piece);
	unsigned next = piece->first_len;

	for (unsigned i = 0; i + 1u < piece->record_cnt; i++) {
		unsigned at = piece->rrsig_off[i];
		if (at < next || (i == 0 && at > next) ||
		    at + POINTER_BYTES + FIXED_BYTES > piece->wire_len)
			return vly_image_refuse(checker->error,
						"piece %u: no signature begins at %u", ref, at);
		if (wire[at] != 0 || wire[at + 1] != 0)
			return vly_image_refuse(checker->error,
						"piece %u: the pointer at %u is not empty", ref,
						at);
		next = at + POINTER_BYTES + FIXED_BYTES;
	}
	if (piece->record_cnt == 1 && piece->wire_len != piece->first_len)
		return vly_image_refuse(checker->error,
					"piece %u: one record, but %u octets behind it", ref,
					piece->wire_len - piece->first_len);
	return 0;
}

int
vly_image_check_piece(const struct vly_image_checker *checker, uint32_t zone_idx, vly_image_ref ref)
{
	const struct vly_image_piece *piece;

	if (!vly_image_heap_has(checker, ref, sizeof(*piece)))
		return vly_image_refuse(checker->error, "piece %u is outside the heap", ref);
	piece = vly_image_at(checker->image->heap, ref);
	if (piece->record_cnt == 0)
		return vly_image_refuse(checker->error, "piece %u: no records", ref);
	if (piece->wire_len > VLY_POINTER_MAX)
		return vly_image_refuse(checker->error, "piece %u: %u octets are too many", ref,
					piece->wire_len);
	if (!vly_image_heap_has(checker, ref,
				(uint64_t)vly_image_piece_wire_off(piece->record_cnt) +
					piece->wire_len + VLY_IMAGE_SLACK_BYTES))
		return vly_image_refuse(checker->error, "piece %u extends past the heap", ref);
	if (check_owner(checker, zone_idx, ref, piece) != 0)
		return -1;
	return check_rrsigs(checker, ref, piece);
}

static int
check_gone(const struct vly_image_checker *checker, uint32_t zone_idx, vly_image_ref ref,
	   const struct vly_image_piece *piece)
{
	const unsigned wire_len =
		vly_image_piece_heir_off(piece->owner_len) + (unsigned)sizeof(vly_image_ref);
	const unsigned len = piece->owner_len + apex_len_of(checker, zone_idx);

	if (piece->wire_len != wire_len)
		return vly_image_refuse(checker->error, "piece %u: gone, but has %u octets", ref,
					piece->wire_len);
	if (!vly_image_heap_has(checker, ref, (uint64_t)vly_image_piece_wire_off(1) + wire_len))
		return vly_image_refuse(checker->error, "piece %u extends past the heap", ref);
	if (len > VLY_NAME_BYTES_MAX)
		return refuse_long_owner(checker, ref, len);
	if (!owner_is_valid(vly_image_piece_wire(piece), piece->owner_len))
		return vly_image_refuse(checker->error, "piece %u: malformed owner", ref);
	return vly_image_check_piece(checker, zone_idx, vly_image_piece_heir(piece));
}

int
vly_image_check_entry(const struct vly_image_checker *checker, uint32_t zone_idx, vly_image_ref ref)
{
	const bool is_overlay = checker->image->zone[zone_idx].flags & VLY_IMAGE_OVERLAY;
	const struct vly_image_piece *piece = vly_image_at(checker->image->heap, ref);

	if (is_overlay && vly_image_heap_has(checker, ref, sizeof(*piece)) &&
	    vly_image_piece_is_gone(piece) && piece->record_cnt == 1)
		return check_gone(checker, zone_idx, ref, piece);
	return vly_image_check_piece(checker, zone_idx, ref);
}

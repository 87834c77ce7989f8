/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <volley/checksum.h>

#include "denial_parts.h"
#include "zone/domain.h"

/* Of a record behind its owner: type, class, TTL, RDLENGTH. */
#define FIXED_BYTES 10

#define WIRE_BYTES_MAX 16383
#define RECORD_CNT_MAX 255
#define POINTER_BYTES  2

static bool
covers(const struct vly_zone_record *rrsig, uint16_t type)
{
	return rrsig->data_len >= 2 && vly_be16(rrsig->data) == type;
}

/* The octets of the first owner: labels, and a pointer to the apex or the root label. */
static unsigned
owner_bytes(unsigned owner_len, unsigned apex_len)
{
	return owner_len + (apex_len == 1 ? 1 : POINTER_BYTES);
}

static uint8_t *
put_record(uint8_t *at, const struct vly_zone_record *record, uint32_t ttl)
{
	vly_put_be16(at, record->type);
	vly_put_be16(at + 2, VLY_CLASS_IN);
	vly_put_be16(at + 4, ttl >> 16);
	vly_put_be16(at + 6, ttl & 0xffff);
	vly_put_be16(at + 8, record->data_len);
	memcpy(at + FIXED_BYTES, record->data, record->data_len);
	return at + FIXED_BYTES + record->data_len;
}

/* A piece before it is written. */
struct draft {
	const struct vly_rrset *rrset;
	const struct vly_rrset *rrsig; /* NULL: none */
	const uint8_t *owner;
	unsigned owner_len;
	unsigned owner_bytes;
	unsigned record_cnt;
	uint64_t wire_len;
};

static void
measure(struct draft *draft)
{
	unsigned cnt = draft->rrset->record_cnt;
	uint64_t bytes = draft->owner_bytes + FIXED_BYTES + draft->rrset->record[0]->data_len;

	for (unsigned i = 1; i < cnt; i++)
		bytes += POINTER_BYTES + FIXED_BYTES + draft->rrset->record[i]->data_len;
	for (unsigned i = 0; draft->rrsig != NULL && i < draft->rrsig->record_cnt; i++) {
		if (!covers(draft->rrsig->record[i], draft->rrset->type))
			continue;
		bytes += POINTER_BYTES + FIXED_BYTES + draft->rrsig->record[i]->data_len;
		cnt++;
	}
	draft->record_cnt = cnt;
	draft->wire_len = bytes;
}

/* Writes a piece into zeroed memory. Offsets of all records but the first are listed, so that a
 * broken RRset of two NSEC records is served as it is. */
static void
write_piece(struct vly_image_piece *piece, const struct draft *draft)
{
	uint8_t *wire = (uint8_t *)piece + vly_image_piece_wire_off(draft->record_cnt);
	uint8_t *at = wire + draft->owner_bytes;
	unsigned cnt = 0;

	memcpy(wire, draft->owner, draft->owner_len);
	at = put_record(at, draft->rrset->record[0], draft->rrset->ttl);
	piece->first_len = (uint16_t)(at - wire);
	for (unsigned i = 1; i < draft->rrset->record_cnt; i++) {
		piece->rrsig_off[cnt++] = (uint16_t)(at - wire);
		at = put_record(at + POINTER_BYTES, draft->rrset->record[i], draft->rrset->ttl);
	}
	for (unsigned i = 0; draft->rrsig != NULL && i < draft->rrsig->record_cnt; i++) {
		const struct vly_zone_record *record = draft->rrsig->record[i];
		if (!covers(record, draft->rrset->type))
			continue;
		piece->rrsig_off[cnt++] = (uint16_t)(at - wire);
		at = put_record(at + POINTER_BYTES, record, record->ttl);
	}
	piece->wire_len = (uint16_t)draft->wire_len;
	piece->sum = vly_sum_fold(vly_sum_octets(wire, draft->wire_len));
	piece->owner_len = (uint8_t)draft->owner_len;
	piece->record_cnt = (uint8_t)draft->record_cnt;
}

static int
report_size(const struct vly_denial *denial, uint32_t idx, const struct vly_zone_record *record)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	unsigned len;

	vly_domain_text(vly_zone_node_name(denial->zone, idx, &len), name);
	return vly_zone_report_add(denial->report, VLY_ZONE_CHECK_answer_size,
				   denial->zone->file[record->file_idx], record->line,
				   "%.120s: this record and its signatures are too large for a "
				   "response (16,383 octets), which therefore does not have them",
				   name)
		       ? -1
		       : 0;
}

static uint16_t
type_of(const struct vly_denial *denial)
{
	return denial->kind == VLY_DENIAL_NSEC ? VLY_TYPE_NSEC : VLY_TYPE_NSEC3;
}

/* Loads the RRsets of node `idx`. Returns 0, or -1 when there is no memory. */
static int
load(struct vly_denial *denial, uint32_t idx, struct draft *draft)
{
	unsigned apex_len;
	unsigned len;

	if (vly_rrsets_load(&denial->rrsets, denial->zone, idx) != 0)
		return -1;
	(void)vly_zone_node_name(denial->zone, 0, &apex_len);
	*draft = (struct draft){
		.rrset = vly_rrsets_find(&denial->rrsets, type_of(denial)),
		.rrsig = vly_rrsets_find(&denial->rrsets, VLY_TYPE_RRSIG),
		.owner = vly_zone_node_name(denial->zone, idx, &len),
	};
	draft->owner_len = len - apex_len;
	draft->owner_bytes = owner_bytes(draft->owner_len, apex_len);
	measure(draft);
	return 0;
}

bool
vly_denial_is_small(const struct vly_zone *zone, uint32_t idx, uint16_t type)
{
	const struct vly_zone_record *record;
	uint64_t bytes = VLY_NAME_BYTES_MAX;
	unsigned cnt = 0;

	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type != VLY_TYPE_RRSIG && record->type != type)
			continue;
		bytes += POINTER_BYTES + FIXED_BYTES + record->data_len;
		cnt++;
	}
	return bytes <= WIRE_BYTES_MAX && cnt <= RECORD_CNT_MAX;
}

int
vly_denial_number_piece(struct vly_denial *denial, uint32_t idx, vly_image_ref *number)
{
	struct draft draft;

	*number = 0;
	if (!vly_denial_is_small(denial->zone, idx, type_of(denial))) {
		if (load(denial, idx, &draft) != 0)
			return -1;
		if (draft.wire_len > WIRE_BYTES_MAX || draft.record_cnt > RECORD_CNT_MAX)
			return report_size(denial, idx, draft.rrset->record[0]);
	}
	*number = vly_denial_number(denial, idx);
	return 0;
}

/* Appends a piece that is gone, whose heir is the node's, as a number. */
static vly_image_ref
append_gone(struct vly_denial *denial, uint32_t idx)
{
	unsigned apex_len;
	unsigned len;
	const uint8_t *owner = vly_zone_node_name(denial->zone, idx, &len);

	(void)vly_zone_node_name(denial->zone, 0, &apex_len);
	const unsigned owner_len = len - apex_len;
	const unsigned wire_len =
		vly_image_piece_heir_off(owner_len) + (unsigned)sizeof(vly_image_ref);
	uint64_t off = vly_arena_append(denial->file, vly_image_piece_wire_off(1) + wire_len,
					VLY_IMAGE_REF_BYTES);
	if (off == 0)
		return 0;
	struct vly_image_piece *piece = (void *)(denial->file->base + off);
	uint8_t *wire = (uint8_t *)piece + vly_image_piece_wire_off(1);
	*piece = (struct vly_image_piece){
		.wire_len = (uint16_t)wire_len,
		.owner_len = (uint8_t)owner_len,
		.record_cnt = 1,
	};
	memcpy(wire, owner, owner_len);
	return vly_denial_ref(off);
}

vly_image_ref
vly_denial_append_piece(struct vly_denial *denial, uint32_t idx)
{
	struct draft draft;

	if (vly_denial_is_gone(denial, idx))
		return append_gone(denial, idx);
	if (load(denial, idx, &draft) != 0)
		return 0;
	uint64_t off = vly_arena_append(denial->file,
					vly_image_piece_wire_off(draft.record_cnt) + draft.wire_len,
					VLY_IMAGE_REF_BYTES);
	if (off == 0)
		return 0;
	write_piece((void *)(denial->file->base + off), &draft);
	return vly_denial_ref(off);
}

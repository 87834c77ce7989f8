/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed zones (image.h: "Overlays of signed zones").
 *
 * What denies names is not in nodes: the dataplane finds it in the orders of all layers. So an overlay has
 * the NSEC or NSEC3 records that have changed, whose owners are among the changed names, and a mark for each
 * that is gone. Other names are affected by them only if they are aliases, which have pieces of their own:
 *   - those that match a name to which an alias leads: that name has changed, and so the alias is affected;
 *   - those that cover a name: such an alias is not compiled into an overlay, and in a complete form with
 *     one, only the NSEC records may change, not their owners.
 */
#include <stdlib.h>

#include <volley/octets.h>

#include "denial.h"
#include "overlay_parts.h"
#include "zone/name_order.h"
#include "zone/rdata.h"

static bool
is_soa_signature(const struct vly_zone_record *record)
{
	return record->type == VLY_TYPE_RRSIG && record->data_len >= 2 &&
	       vly_be16(record->data) == VLY_TYPE_SOA;
}

/* The next signature of the apex's SOA from *ref on, or NULL. */
static const struct vly_zone_record *
next_signature(const struct vly_zone *zone, vly_arena_ref *ref)
{
	while (*ref != 0) {
		const struct vly_zone_record *record = vly_arena_at(&zone->arena, *ref);
		*ref = record->next;
		if (is_soa_signature(record))
			return record;
	}
	return NULL;
}

/* Whether the signatures of both SOAs are as many, and as long, with the same TTLs; *cnt: how many the newer one has. */
static bool
are_signatures_alike(const struct vly_overlay *overlay, unsigned *cnt)
{
	const struct vly_zone *after = &overlay->zone[VLY_OVERLAY_AFTER];
	const struct vly_zone *before = &overlay->zone[VLY_OVERLAY_BEFORE];
	vly_arena_ref at_after = after->node[0].records;
	vly_arena_ref at_before = before->node[0].records;

	for (*cnt = 0;; (*cnt)++) { /* each record once */
		const struct vly_zone_record *left = next_signature(after, &at_after);
		const struct vly_zone_record *right = next_signature(before, &at_before);
		if (left == NULL || right == NULL)
			return left == right;
		if (left->data_len != right->data_len || left->ttl != right->ttl)
			return false;
	}
}

/* Whether a node owns NSEC in each version. */
static void
owns_nsec(const struct vly_overlay *overlay, uint32_t idx, bool owns[VLY_OVERLAY_VERSIONS])
{
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++)
		owns[i] = vly_denial_find_nsec(&overlay->zone[i], idx) != NULL;
}

int
vly_overlay_check_signed(struct vly_overlay *overlay)
{
	bool owns[VLY_OVERLAY_VERSIONS];
	unsigned signature_cnt;

	if (!are_signatures_alike(overlay, &signature_cnt))
		return vly_overlay_give_up(overlay, "the signatures of the SOA are others");
	overlay->is_signed = signature_cnt > 0;
	if (!overlay->is_signed)
		return 0;
	owns_nsec(overlay, 0, owns);
	if (owns[VLY_OVERLAY_AFTER] != owns[VLY_OVERLAY_BEFORE])
		return vly_overlay_give_up(overlay, "the zone changes between NSEC and NSEC3");
	return owns[VLY_OVERLAY_AFTER] ? 0 : vly_overlay_begin_hashed(overlay);
}

int
vly_overlay_check_loaded(struct vly_overlay *overlay)
{
	const bool has_nsec3 = overlay->zone[VLY_OVERLAY_AFTER].has_nsec3 ||
			       overlay->zone[VLY_OVERLAY_BEFORE].has_nsec3;

	return has_nsec3 && overlay->hashed.cnt == 0
		       ? vly_overlay_give_up(overlay,
					     "the zone has NSEC3 records that deny nothing")
		       : 0;
}

/* Whether the NSEC of node `heir` covers the name of node `idx`, which is behind it. */
static bool
is_covering(const struct vly_overlay *overlay, uint32_t heir, uint32_t idx)
{
	const struct vly_zone *zone = &overlay->zone[VLY_OVERLAY_AFTER];
	const struct vly_zone_record *nsec = vly_denial_find_nsec(zone, heir);
	struct vly_name next;
	unsigned len;

	if (!vly_rdata_scan_name(&next, nsec->data, nsec->data_len))
		return false;
	const uint8_t *apex = vly_zone_node_name(zone, 0, &len);
	if (next.len == len && memcmp(next.lower, apex, len) == 0)
		return true;
	return vly_name_order(vly_zone_node_name(zone, idx, &len), next.lower) < 0;
}

/* In canonical order, the heir of a name that is gone is the last one before it that has not: the
 * signer had to change its NSEC, which led to the name. */
static int
find_heirs(struct vly_overlay *overlay, uint32_t *heir)
{
	uint32_t last = VLY_ZONE_NONE;
	bool owns[VLY_OVERLAY_VERSIONS];

	for (uint32_t i = 0; i < overlay->change->changed_cnt; i++) {
		const uint32_t idx = overlay->changed[i];
		owns_nsec(overlay, idx, owns);
		if (owns[0] != owns[1] && overlay->change->proves_covers)
			return vly_overlay_give_up(overlay, VLY_OVERLAY_COVERS_CHANGE);
		if (owns[VLY_OVERLAY_AFTER]) {
			last = idx;
			continue;
		}
		if (!owns[VLY_OVERLAY_BEFORE])
			continue;
		if (last == VLY_ZONE_NONE || !is_covering(overlay, last, idx))
			return vly_overlay_give_up(overlay, "the chain of NSEC is broken");
		heir[idx] = last;
	}
	return 0;
}

/* The heirs of all owners of NSEC that are gone. */
static int
find_order_heirs(struct vly_overlay *overlay, uint32_t *heir)
{
	bool owns[VLY_OVERLAY_VERSIONS];

	for (uint32_t i = 0; i < overlay->zone[VLY_OVERLAY_AFTER].node_cnt; i++) {
		owns_nsec(overlay, i, owns);
		if (!(overlay->item[i].marks & VLY_OVERLAY_CHANGED) && owns[0] != owns[1])
			return vly_overlay_give_up(overlay, "the chain of NSEC is broken");
	}
	return find_heirs(overlay, heir);
}

/* A record that is too large for a piece would be denied by that of the version below. */
static bool
has_large_piece(const struct vly_overlay *overlay)
{
	const struct vly_zone *zone = &overlay->zone[VLY_OVERLAY_AFTER];
	const uint16_t type = overlay->hashed.cnt > 0 ? VLY_TYPE_NSEC3 : VLY_TYPE_NSEC;

	for (uint32_t i = 0; i < zone->node_cnt; i++)
		if (!vly_denial_is_small(zone, i, type))
			return true;
	return false;
}

int
vly_overlay_find_heirs(struct vly_overlay *overlay, uint32_t **heir)
{
	const uint32_t cnt = overlay->zone[VLY_OVERLAY_AFTER].node_cnt;

	*heir = malloc(cnt * sizeof(**heir));
	if (*heir == NULL)
		return vly_overlay_fail_memory(overlay);
	for (uint32_t i = 0; i < cnt; i++)
		(*heir)[i] = VLY_ZONE_NONE;
	if (has_large_piece(overlay))
		return vly_overlay_give_up(overlay, "a record that denies is very large");
	return overlay->hashed.cnt > 0 ? vly_overlay_find_hash_heirs(overlay, *heir)
				       : find_order_heirs(overlay, *heir);
}

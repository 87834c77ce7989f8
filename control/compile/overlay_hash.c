/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Overlays of zones that deny with NSEC3.
 *
 * The owner of an NSEC3 record is the hash of a name, and no name itself. The records that have changed are at
 * changed names, as others are; but which names' they are only hashing tells. Names below the one whose NSEC3 has
 * come or gone may be denied otherwise, too, in opt-out spans. That does not concern their nodes, as the
 * dataplane finds the closest provable encloser of a name in all layers; but aliases that lead to them, which
 * then need a cover, and so have no overlay when hashes come or go.
 */
#include <stdlib.h>

#include "denial.h"
#include "overlay_parts.h"
#include "zone/rdata.h"

/* The parameters of the only chain. False: there is none, or more than one. */
static bool
find_params(const struct vly_zone *zone, struct vly_nsec3_params *params)
{
	const struct vly_zone_record *record;
	unsigned cnt = 0;

	for (vly_arena_ref ref = zone->node[0].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type != VLY_TYPE_NSEC3PARAM)
			continue;
		if (++cnt > 1 || !vly_nsec3_read_params(record, params) || record->data[1] != 0)
			return false;
	}
	return cnt == 1 && params->iterations <= VLY_NSEC3_ITERATIONS_MAX;
}

static bool
find_chain(struct vly_overlay *overlay)
{
	struct vly_overlay_hashed *hashed = &overlay->hashed;
	struct vly_nsec3_params before;

	if (!find_params(&overlay->zone[VLY_OVERLAY_AFTER], &hashed->params) ||
	    !find_params(&overlay->zone[VLY_OVERLAY_BEFORE], &before) ||
	    before.iterations != hashed->params.iterations ||
	    before.salt_len != hashed->params.salt_len)
		return false;
	/* the memory of the zone moves */
	memcpy(hashed->salt, hashed->params.salt, hashed->params.salt_len);
	hashed->params.salt = hashed->salt;
	return memcmp(before.salt, hashed->salt, before.salt_len) == 0;
}

static void
hash_node(const struct vly_overlay *overlay, uint32_t idx, uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	unsigned len;
	const uint8_t *name = vly_zone_node_name(&overlay->zone[0], idx, &len);

	vly_nsec3_hash(&overlay->hashed.params, name, len, hash);
}

/* Loads the NSEC3 of a node, at *owner; VLY_ZONE_NONE: its name would be too long. */
static int
load_owner(struct vly_overlay *overlay, uint32_t idx, uint32_t *owner)
{
	uint8_t wire[1 + VLY_NSEC3_LABEL_BYTES + VLY_NAME_BYTES_MAX] = {VLY_NSEC3_LABEL_BYTES};
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	struct vly_name name;
	unsigned len;
	const uint8_t *apex = vly_zone_node_name(&overlay->zone[0], 0, &len);

	*owner = VLY_ZONE_NONE;
	hash_node(overlay, idx, hash);
	vly_nsec3_label(hash, wire + 1);
	memcpy(wire + 1 + VLY_NSEC3_LABEL_BYTES, apex, len);
	if (!vly_rdata_scan_name(&name, wire, 1 + VLY_NSEC3_LABEL_BYTES + len))
		return 0;
	vly_name_hash(&name, &overlay->zone[0].key);
	return vly_overlay_load(overlay, &name, owner);
}

int
vly_overlay_load_hashed(struct vly_overlay *overlay, uint32_t idx)
{
	uint32_t owner;

	return overlay->hashed.cnt > 0 ? load_owner(overlay, idx, &owner) : 0;
}

/* Whether all NSEC3 records of a node are of the chain, and where they belong. */
static bool
is_in_chain(const struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_version version,
	    uint8_t hash[VLY_NSEC3_HASH_BYTES], bool *owns)
{
	const struct vly_zone *zone = &overlay->zone[version];
	const struct vly_zone_record *record;
	unsigned len;

	*owns = false;
	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type != VLY_TYPE_NSEC3)
			continue;
		*owns = true;
		if (idx == 0 || zone->node[idx].parent != 0 ||
		    !vly_nsec3_has_params(record, &overlay->hashed.params) ||
		    !vly_nsec3_read_owner(vly_zone_node_name(zone, idx, &len), hash))
			return false;
	}
	return true;
}

/* Notes a node, if it owns NSEC3 in either version. False: not of the chain. */
static bool
note_owner(struct vly_overlay *overlay, uint32_t idx)
{
	struct vly_overlay_hashed *hashed = &overlay->hashed;
	struct vly_overlay_hash *owner = &hashed->owner[hashed->cnt];

	owner->idx = idx;
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++)
		if (!is_in_chain(overlay, idx, i, owner->hash, &owner->owns[i]))
			return false;
	hashed->cnt += owner->owns[VLY_OVERLAY_AFTER] || owner->owns[VLY_OVERLAY_BEFORE];
	return true;
}

static int
by_hash(const void *left, const void *right)
{
	return memcmp(left, right, VLY_NSEC3_HASH_BYTES);
}

static struct vly_overlay_hash *
find_owner(const struct vly_overlay_hashed *hashed, const uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	return bsearch(hash, hashed->owner, hashed->cnt, sizeof(*hashed->owner), by_hash);
}

int
vly_overlay_begin_hashed(struct vly_overlay *overlay)
{
	static const char *const exchanged =
		"its chain of NSEC3 is being exchanged, or is none that "
		"validators look at";
	struct vly_overlay_hashed *hashed = &overlay->hashed;
	uint32_t apex;

	if (!find_chain(overlay))
		return vly_overlay_give_up(overlay, exchanged);
	int result = load_owner(overlay, 0, &apex);
	if (result != 0)
		return result;
	hashed->owner = calloc(overlay->change->changed_cnt + 1u, sizeof(*hashed->owner));
	if (hashed->owner == NULL)
		return vly_overlay_fail_memory(overlay);
	if (apex == VLY_ZONE_NONE || !note_owner(overlay, apex) || hashed->cnt == 0 ||
	    !hashed->owner[0].owns[0] || !hashed->owner[0].owns[1]) {
		hashed->cnt = 0;
		return vly_overlay_give_up(overlay, "there is no NSEC3 of the apex");
	}
	for (uint32_t i = 0; i < overlay->change->changed_cnt; i++)
		if (overlay->changed[i] != apex && !note_owner(overlay, overlay->changed[i]))
			return vly_overlay_give_up(overlay, exchanged);
	qsort(hashed->owner, hashed->cnt, sizeof(*hashed->owner), by_hash);
	return 0;
}

static bool
has_come_or_gone(const struct vly_overlay_hash *owner)
{
	return owner->owns[VLY_OVERLAY_AFTER] != owner->owns[VLY_OVERLAY_BEFORE];
}

/* Affects a node whose NSEC3 has come or gone, and counts that. */
static int
affect(struct vly_overlay *overlay, uint32_t idx, uint32_t *left)
{
	const struct vly_overlay_item *item = &overlay->item[idx];
	uint8_t hash[VLY_NSEC3_HASH_BYTES];

	if (!(item->marks & VLY_OVERLAY_LOADED) ||
	    (!item->exists[VLY_OVERLAY_AFTER] && !item->exists[VLY_OVERLAY_BEFORE]))
		return 0;
	hash_node(overlay, idx, hash);
	const struct vly_overlay_hash *owner = find_owner(&overlay->hashed, hash);
	if (owner == NULL || !has_come_or_gone(owner))
		return 0;
	--*left;
	return vly_overlay_affect(overlay, idx);
}

int
vly_overlay_affect_hashed(struct vly_overlay *overlay)
{
	const struct vly_overlay_hashed *hashed = &overlay->hashed;
	const uint32_t node_cnt = overlay->zone[0].node_cnt;
	uint32_t left = 0;
	int result = 0;

	for (uint32_t i = 0; i < hashed->cnt; i++)
		left += has_come_or_gone(&hashed->owner[i]);
	if (left > 0 && overlay->change->proves_covers)
		return vly_overlay_give_up(overlay, VLY_OVERLAY_COVERS_CHANGE);
	for (uint32_t i = 0; i < node_cnt && left > 0 && result == 0; i++)
		result = affect(overlay, i, &left);
	if (result == 0 && left > 0)
		return vly_overlay_give_up(overlay, "NSEC3 records of other names come or go");
	return result;
}

/* Whether the NSEC3 of `heir` covers a hash. */
static bool
is_covering(const struct vly_overlay *overlay, const struct vly_overlay_hash *heir,
	    const uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	const struct vly_zone_record *record = vly_denial_find_nsec3(
		&overlay->zone[VLY_OVERLAY_AFTER], heir->idx, &overlay->hashed.params);
	const unsigned at = VLY_NSEC3_HEAD_BYTES + overlay->hashed.params.salt_len;

	if (record == NULL || record->data_len < at + 1u + VLY_NSEC3_HASH_BYTES)
		return false;
	const uint8_t *next = record->data + at + 1;
	if (by_hash(heir->hash, next) < 0)
		return by_hash(heir->hash, hash) < 0 && by_hash(hash, next) < 0;
	return by_hash(heir->hash, hash) < 0 || by_hash(hash, next) < 0;
}

/* The signer had to change the heir's record, which led to the hash that is gone. The first hashes' heir is the
 * last one. */
int
vly_overlay_find_hash_heirs(struct vly_overlay *overlay, uint32_t *heir)
{
	const struct vly_overlay_hashed *hashed = &overlay->hashed;
	const struct vly_overlay_hash *last = NULL;

	for (uint32_t i = hashed->cnt; i-- > 0 && last == NULL;)
		if (hashed->owner[i].owns[VLY_OVERLAY_AFTER])
			last = &hashed->owner[i];
	for (uint32_t i = 0; i < hashed->cnt; i++) {
		const struct vly_overlay_hash *owner = &hashed->owner[i];
		if (owner->owns[VLY_OVERLAY_AFTER]) {
			last = owner;
			continue;
		}
		if (last == NULL || !is_covering(overlay, last, owner->hash))
			return vly_overlay_give_up(overlay, "the chain of NSEC3 is broken");
		heir[owner->idx] = last->idx;
	}
	return 0;
}

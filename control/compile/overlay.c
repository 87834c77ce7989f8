/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "overlay.h"

#include <stdlib.h>

#include <volley/octets.h>

#include "overlay_parts.h"
#include "zone/name_order.h"
#include "zone/rdata.h"
#include "zone/rrset.h"

/* Serial, refresh, retry, expire and minimum: the end of an SOA's RDATA. */
#define SOA_NUMBERS_BYTES 20

static const struct vly_zone_record *
next_of(const struct vly_zone *zone, vly_arena_ref ref,
	bool (*wanted)(const struct vly_zone_record *record), vly_arena_ref *next)
{
	while (ref != 0) {
		const struct vly_zone_record *record = vly_arena_at(&zone->arena, ref);
		ref = record->next;
		if (wanted(record)) {
			*next = ref;
			return record;
		}
	}
	return NULL;
}

/* Whether the records of wanted types are the same in both versions, in the same order. */
static bool
are_same(const struct vly_overlay *overlay, uint32_t idx,
	 bool (*wanted)(const struct vly_zone_record *record))
{
	const struct vly_zone *zone = overlay->zone;
	vly_arena_ref at[VLY_OVERLAY_VERSIONS] = {zone[0].node[idx].records,
						  zone[1].node[idx].records};
	const struct vly_zone_record *left, *right;

	do {
		left = next_of(&zone[0], at[0], wanted, &at[0]);
		right = next_of(&zone[1], at[1], wanted, &at[1]);
		if (left == NULL || right == NULL)
			return left == right;
	} while (left->type == right->type && left->ttl == right->ttl &&
		 left->data_len == right->data_len &&
		 memcmp(left->data, right->data, left->data_len) == 0);
	return false;
}

/* The type of a record, or that of what a signature covers. */
static uint16_t
type_of(const struct vly_zone_record *record)
{
	return record->type == VLY_TYPE_RRSIG && record->data_len >= 2 ? vly_be16(record->data)
								       : record->type;
}

/* What is added about a host to answers of others. */
static bool
is_of_hosts(const struct vly_zone_record *record)
{
	const uint16_t type = type_of(record);

	return type == VLY_TYPE_A || type == VLY_TYPE_AAAA || type == VLY_TYPE_SRV ||
	       type == VLY_TYPE_SVCB || type == VLY_TYPE_HTTPS;
}

static bool
is_dname(const struct vly_zone_record *record)
{
	return type_of(record) == VLY_TYPE_DNAME;
}

static bool
is_no_soa(const struct vly_zone_record *record)
{
	return type_of(record) != VLY_TYPE_SOA;
}

static bool
is_soa(const struct vly_zone_record *record)
{
	return record->type == VLY_TYPE_SOA;
}

static uint32_t
negative_ttl(const struct vly_zone_record *soa)
{
	uint32_t minimum = vly_be32(soa->data + soa->data_len - 4);

	return minimum < soa->ttl ? minimum : soa->ttl;
}

/* Answers of older layers keep the SOA but for its numbers, and its TTL (image.h). `changed` says
 * whether more than these numbers has changed at the apex. */
static int
compare_soa(struct vly_overlay *overlay, bool *changed)
{
	const struct vly_zone_record *soa[VLY_OVERLAY_VERSIONS];
	vly_arena_ref next;

	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++) {
		const struct vly_zone *zone = &overlay->zone[i];
		soa[i] = next_of(zone, zone->node[0].records, is_soa, &next);
		if (soa[i] == NULL || soa[i]->data_len < SOA_NUMBERS_BYTES ||
		    next_of(zone, next, is_soa, &next) != NULL)
			return vly_overlay_fail(overlay, "the zone does not have exactly one SOA "
							 "record at its apex");
	}
	if (soa[0]->data_len != soa[1]->data_len ||
	    memcmp(soa[0]->data, soa[1]->data, soa[0]->data_len - SOA_NUMBERS_BYTES) != 0 ||
	    negative_ttl(soa[0]) != negative_ttl(soa[1]))
		return vly_overlay_give_up(overlay, "the SOA changes in more than its numbers");
	*changed = soa[0]->ttl != soa[1]->ttl || !are_same(overlay, 0, is_no_soa);
	return 0;
}

/* Cut or DNAME, made or removed: what is below is hidden, or is no more. */
static int
affect_hidden(struct vly_overlay *overlay, uint32_t top)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	struct vly_name at;
	uint32_t idx;
	int result = 0;

	for (vly_overlay_name(overlay, top, &at); result == 0;) {
		int len = vly_overlay_next(overlay, at.lower, at.len, false, wire);
		if (len < 0)
			return vly_overlay_fail_source(overlay);
		if (len == 0 || !vly_rdata_scan_name(&at, wire, (unsigned)len) ||
		    !vly_zone_is_below(&overlay->zone[0], top, &at))
			break;
		vly_name_hash(&at, &overlay->zone[0].key);
		result = vly_overlay_load(overlay, &at, &idx);
		for (; result == 0 && idx != top; idx = overlay->zone[0].node[idx].parent)
			result = vly_overlay_affect(overlay, idx);
	}
	return result == 0 ? vly_overlay_spread_from(overlay, top, VLY_OVERLAY_REACH_HOST, true)
			   : result;
}

/* A name comes or goes: what refers to it or to names below it may get another answer. */
static int
affect_existence(struct vly_overlay *overlay, uint32_t idx)
{
	int result = vly_overlay_affect(overlay, idx);

	return result == 0 ? vly_overlay_spread_from(overlay, idx, VLY_OVERLAY_REACH_HOST, true)
			   : result;
}

/* The records of a name have changed, and it exists as before. */
static int
affect_records(struct vly_overlay *overlay, uint32_t idx)
{
	const enum vly_overlay_reach reach = are_same(overlay, idx, is_of_hosts)
						     ? VLY_OVERLAY_REACH_ALIAS
						     : VLY_OVERLAY_REACH_HOST;
	const unsigned hides = VLY_ZONE_CUT | VLY_ZONE_DNAME;
	const struct vly_zone_node *after = &overlay->zone[VLY_OVERLAY_AFTER].node[idx];
	const struct vly_zone_node *before = &overlay->zone[VLY_OVERLAY_BEFORE].node[idx];
	const bool changes_hidden = (after->flags & hides) != (before->flags & hides) &&
				    !(after->flags & before->flags & VLY_ZONE_OCCLUDED);
	int result = vly_overlay_affect(overlay, idx);

	if (result == 0)
		result = vly_overlay_spread_from(overlay, idx, reach, false);
	if (result == 0 && !are_same(overlay, idx, is_dname))
		result = vly_overlay_spread(overlay, idx, VLY_OVERLAY_SPREAD_BELOW,
					    VLY_OVERLAY_REACH_ALIAS, 0);
	return result == 0 && changes_hidden ? affect_hidden(overlay, idx) : result;
}

static int
affect_changed(struct vly_overlay *overlay, uint32_t idx)
{
	const bool *is_there = overlay->item[idx].exists;
	int result = is_there[VLY_OVERLAY_AFTER] || is_there[VLY_OVERLAY_BEFORE]
			     ? affect_records(overlay, idx)
			     : 0; /* NSEC3 */

	for (; result == 0 && idx != 0; idx = overlay->zone[0].node[idx].parent) {
		const bool *exists = overlay->item[idx].exists;
		if (exists[VLY_OVERLAY_AFTER] != exists[VLY_OVERLAY_BEFORE])
			result = affect_existence(overlay, idx);
	}
	return result;
}

static int
by_order(const void *left, const void *right, void *zone)
{
	unsigned len;

	return vly_name_order(vly_zone_node_name(zone, *(const uint32_t *)left, &len),
			      vly_zone_node_name(zone, *(const uint32_t *)right, &len));
}

/* Loads the changed names: first the records of all of them, which decide what exists. */
static int
load_changed(struct vly_overlay *overlay)
{
	const struct vly_overlay_change *change = overlay->change;
	struct vly_name name;
	int result = 0;

	overlay->changed = calloc(change->changed_cnt + 1u, sizeof(*overlay->changed));
	if (overlay->changed == NULL)
		return vly_overlay_fail_memory(overlay);
	for (uint32_t i = 0; i < change->changed_cnt && result == 0; i++) {
		const struct vly_overlay_name *changed = &change->changed[i];
		if (!vly_rdata_scan_name(&name, changed->name, changed->len) ||
		    !vly_zone_has_name(&overlay->zone[0], &name))
			return vly_overlay_fail(overlay, "a changed name is not in the zone");
		vly_name_hash(&name, &overlay->zone[0].key);
		result = vly_overlay_add(overlay, &name, &overlay->changed[i]);
		if (result == 0)
			result = vly_overlay_load_changed(overlay, overlay->changed[i]);
	}
	if (result != 0)
		return result;
	qsort_r(overlay->changed, change->changed_cnt, sizeof(*overlay->changed), by_order,
		&overlay->zone[0]);
	result = vly_overlay_load_node(overlay, 0);
	for (uint32_t i = 0; i < change->changed_cnt && result == 0; i++)
		result = vly_overlay_load_node(overlay, overlay->changed[i]);
	return result;
}

/* Finds the affected names, and loads all that compiling them looks up. */
static int
collect(struct vly_overlay *overlay, const struct vly_hash_key *key)
{
	const struct vly_overlay_change *change = overlay->change;
	bool apex_changed = false;

	if (change->changed_cnt > VLY_OVERLAY_NAMES_MAX)
		return vly_overlay_give_up(overlay, "the change affects too many names");
	int result = vly_overlay_begin(overlay, key);
	if (result == 0)
		result = load_changed(overlay);
	if (result == 0)
		result = compare_soa(overlay, &apex_changed);
	if (result == 0)
		result = vly_overlay_check_signed(overlay);
	if (result == 0)
		result = vly_overlay_want(overlay, 0);
	for (uint32_t i = 0; i < change->changed_cnt && result == 0; i++)
		if (overlay->changed[i] != 0 || apex_changed)
			result = affect_changed(overlay, overlay->changed[i]);
	if (result == 0)
		result = vly_overlay_affect_hashed(overlay);
	if (result == 0)
		result = vly_overlay_spread_all(overlay);
	if (result == 0)
		result = vly_overlay_add_context(overlay);
	return result == 0 ? vly_overlay_check_loaded(overlay) : result;
}

/* Wanted nodes are compiled if they exist; a name that does not exist any more is said to be gone. */
static uint8_t *
states_of(const struct vly_overlay *overlay)
{
	uint8_t *state = calloc(overlay->zone[0].node_cnt, 1);

	for (uint32_t i = 0; state != NULL && i < overlay->wanted.cnt; i++) {
		uint32_t idx = overlay->wanted.idx[i];
		if (vly_overlay_is_visible(overlay, idx, VLY_OVERLAY_AFTER))
			state[idx] = VLY_COMPILE_NODE;
		else if (vly_overlay_is_visible(overlay, idx, VLY_OVERLAY_BEFORE))
			state[idx] = VLY_COMPILE_GONE;
	}
	return state;
}

static int
compile(struct vly_overlay *overlay, struct vly_image_draft *draft, uint32_t zone_idx,
	struct vly_image_zone *compiled)
{
	const struct vly_overlay_change *change = overlay->change;
	uint8_t *state = states_of(overlay);
	uint32_t *heir = NULL;

	if (state == NULL)
		return vly_overlay_fail_memory(overlay);
	int result = overlay->is_signed ? vly_overlay_find_heirs(overlay, &heir) : 0;
	if (result == 0)
		result = vly_compile_part(draft, &overlay->zone[VLY_OVERLAY_AFTER],
					  &(struct vly_compile_part){state, heir}, zone_idx,
					  compiled, overlay->report);
	free(state);
	free(heir);
	if (result == 0 && (compiled->flags & VLY_IMAGE_PROVES_COVERS))
		return vly_overlay_give_up(overlay, "what an alias leads to is denied");
	compiled->flags = VLY_IMAGE_OVERLAY;
	compiled->record_cnt = change->record_cnt;
	compiled->version = change->version;
	compiled->below = change->below;
	return result;
}

enum vly_overlay_result
vly_compile_overlay(struct vly_image_draft *draft, const struct vly_hash_key *key,
		    const struct vly_overlay_source *source,
		    const struct vly_overlay_change *change, uint32_t zone_idx,
		    struct vly_image_zone *compiled, struct vly_zone_report *report,
		    const char **why)
{
	struct vly_overlay *overlay = malloc(sizeof(*overlay));

	*why = "";
	if (overlay == NULL) {
		vly_zone_report_add(report, VLY_ZONE_CHECK_must, "update", 0, "out of memory");
		return VLY_OVERLAY_FAILED;
	}
	/* not the chain, which is large and is set when one is followed */
	memset(overlay, 0, offsetof(struct vly_overlay, chain));
	overlay->source = source;
	overlay->change = change;
	overlay->report = report;
	overlay->why = why;
	overlay->model = draft->steer;
	int result = collect(overlay, key);
	if (result == 0)
		result = compile(overlay, draft, zone_idx, compiled);
	vly_overlay_free(overlay);
	free(overlay);
	return (enum vly_overlay_result)result;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What compiling a node looks up: the hosts that its records name, and where its alias leads. */
#include "overlay_parts.h"
#include "zone/rdata.h"

/* Loads the hosts that the records of a node name. */
static int
load_hosts(struct vly_overlay *overlay, uint32_t idx)
{
	const struct vly_zone *zone = &overlay->zone[VLY_OVERLAY_AFTER];
	struct vly_name name;
	uint32_t host;
	int result = 0;

	for (vly_arena_ref ref = zone->node[idx].records; ref != 0 && result == 0;) {
		const struct vly_zone_record *record = vly_arena_at(&zone->arena, ref);
		const uint8_t *data = vly_rdata_host(record->type, record->data, record->data_len);
		ref = record->next;
		if (data == NULL ||
		    !vly_rdata_scan_name(&name, data,
					 (unsigned)(record->data + record->data_len - data)) ||
		    !vly_zone_has_name(zone, &name))
			continue;
		vly_name_hash(&name, &zone->key);
		result = vly_overlay_load(overlay, &name, &host);
	}
	return result;
}

/* Follows the chain of an alias in a version, and loads the names that it passes. Until all of them
 * are loaded it may go wrong behind the first that is not. */
static int
load_chain(struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_version version)
{
	const struct vly_zone *zone = &overlay->zone[version];
	struct vly_chain *chain = &overlay->chain;
	uint32_t node_cnt, loaded;
	int result = 0;

	do { /* VLY_ALIAS_HOPS_MAX times at most: each time one more hop is right */
		node_cnt = zone->node_cnt;
		vly_chain_follow(chain, zone, idx, vly_overlay_is_wildcard(overlay, idx));
		for (unsigned i = 1; i < chain->hop_cnt && result == 0; i++)
			result = vly_overlay_load(overlay, &chain->hop[i].owner, &loaded);
		if (result == 0 && vly_zone_has_name(zone, &chain->target))
			result = vly_overlay_load(overlay, &chain->target, &loaded);
	} while (result == 0 && zone->node_cnt != node_cnt);
	return result;
}

static bool
is_alias(const struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_version version)
{
	return (overlay->zone[version].node[idx].flags &
		(VLY_ZONE_CNAME | VLY_ZONE_HIDDEN | VLY_ZONE_STEERED)) == VLY_ZONE_CNAME;
}

/* A wildcard and its parent refer to each other. */
static int
want_relatives(struct vly_overlay *overlay, uint32_t idx)
{
	const struct vly_zone_node *node = &overlay->zone[VLY_OVERLAY_AFTER].node[idx];
	int result = 0;

	if (node->wildcard != VLY_ZONE_NONE)
		result = vly_overlay_want(overlay, node->wildcard);
	if (result == 0 && vly_overlay_is_wildcard(overlay, idx))
		result = vly_overlay_want(overlay,
					  overlay->zone[VLY_OVERLAY_AFTER].node[idx].parent);
	return result;
}

static int
add_context_of(struct vly_overlay *overlay, uint32_t idx)
{
	int result = want_relatives(overlay, idx);

	if (result == 0 && vly_overlay_is_visible(overlay, idx, VLY_OVERLAY_AFTER))
		result = load_hosts(overlay, idx);
	if (result == 0 && is_alias(overlay, idx, VLY_OVERLAY_BEFORE) &&
	    vly_overlay_is_wildcard(overlay, idx))
		result = load_chain(overlay, idx, VLY_OVERLAY_BEFORE);
	if (result != 0 || !is_alias(overlay, idx, VLY_OVERLAY_AFTER))
		return result;
	result = load_chain(overlay, idx, VLY_OVERLAY_AFTER);
	const struct vly_chain *chain = &overlay->chain;
	if (result != 0 || (chain->end != VLY_CHAIN_NODE && chain->end != VLY_CHAIN_CUT))
		return result;
	result = load_hosts(overlay, chain->node_idx);
	return result == 0 ? vly_overlay_load_hashed(overlay, chain->node_idx) : result;
}

/* Makes the nodes that the chain of a wildcard needs in a version. */
static int
add_copies(struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_version version)
{
	if (!vly_overlay_is_wildcard(overlay, idx) || !is_alias(overlay, idx, version))
		return 0;
	return vly_chain_prepare_wildcard(&overlay->chain, &overlay->zone[version], idx) == 0
		       ? 0
		       : vly_overlay_fail_memory(overlay);
}

/* Copies of wildcards that may answer differently are compiled, too, or vanish. */
static int
want_copies(struct vly_overlay *overlay)
{
	int result = 0;

	for (uint32_t i = 0; i < overlay->zone[0].node_cnt && result == 0; i++)
		for (unsigned v = 0; v < VLY_OVERLAY_VERSIONS && result == 0; v++) {
			const struct vly_zone_node *node = &overlay->zone[v].node[i];
			bool is_copy =
				!overlay->item[i].exists[v] && !(node->flags & VLY_ZONE_ABSENT);
			if (is_copy && overlay->is_signed)
				return vly_overlay_give_up(overlay, "a wildcard's alias leads to "
								    "a name below its parent");
			if (is_copy && (overlay->item[node->wildcard].marks & VLY_OVERLAY_AFFECTED))
				result = vly_overlay_want(overlay, i);
		}
	return result;
}

int
vly_overlay_add_context(struct vly_overlay *overlay)
{
	int result = 0;

	for (uint32_t i = 0; i < overlay->wanted.cnt && result == 0; i++)
		result = add_context_of(overlay, overlay->wanted.idx[i]);
	/* from here on nothing is loaded */
	const uint32_t wanted_cnt = overlay->wanted.cnt;
	for (uint32_t i = 0; i < wanted_cnt && result == 0; i++) {
		result = add_copies(overlay, overlay->wanted.idx[i], VLY_OVERLAY_AFTER);
		if (result == 0)
			result = add_copies(overlay, overlay->wanted.idx[i], VLY_OVERLAY_BEFORE);
	}
	return result == 0 ? want_copies(overlay) : result;
}

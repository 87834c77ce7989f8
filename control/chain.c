/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chain.h"
#include "rdata.h"

static const struct vly_zone_record *
cname_of(const struct vly_zone *zone, uint32_t node_idx)
{
	const struct vly_zone_record *record = NULL;

	for (vly_arena_ref ref = zone->node[node_idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == VLY_TYPE_CNAME)
			return record;
	}
	return NULL;
}

/* Makes the CNAME's RDATA the chain's target. */
static bool
take_target(struct vly_chain *chain, const struct vly_zone *zone,
	    const struct vly_zone_record *cname)
{
	if (!vly_rdata_scan_name(&chain->target, cname->data, cname->data_len))
		return false;
	vly_name_hash(&chain->target, &zone->key);
	return true;
}

/* The node that answers for the target: its own, its closest encloser's wildcard, or a cut above it. */
static enum vly_chain_end
locate(struct vly_chain *chain, const struct vly_zone *zone)
{
	const struct vly_name *target = &chain->target;
	uint32_t found = VLY_ZONE_NONE;
	unsigned i;

	if (!vly_zone_has_name(zone, target))
		return VLY_CHAIN_LEFT;
	for (i = 0; i <= target->label_cnt; i++) {
		found = vly_zone_find(zone, target, i);
		if (found != VLY_ZONE_NONE && !(zone->node[found].flags & VLY_ZONE_OCCLUDED))
			break;
	}
	chain->node_idx = found;
	const struct vly_zone_node *node = &zone->node[found]; /* the apex, at the latest */
	if (node->flags & VLY_ZONE_CUT)
		return VLY_CHAIN_CUT;
	if (i == 0)
		return VLY_CHAIN_NODE;
	if (node->flags & VLY_ZONE_DNAME)
		return VLY_CHAIN_LEFT;
	if (node->wildcard == VLY_ZONE_NONE)
		return VLY_CHAIN_NXDOMAIN;
	chain->node_idx = node->wildcard;
	return zone->node[node->wildcard].flags & VLY_ZONE_CUT ? VLY_CHAIN_CUT : VLY_CHAIN_NODE;
}

static bool
is_known(const struct vly_chain *chain, const struct vly_zone_record *cname)
{
	for (unsigned i = 0; i < chain->hop_cnt; i++)
		if (chain->hop[i].cname == cname)
			return true;
	return false;
}

void
vly_chain_follow(struct vly_chain *chain, const struct vly_zone *zone, uint32_t node_idx)
{
	const struct vly_zone_record *cname = cname_of(zone, node_idx);

	chain->hop_cnt = 0;
	while (cname != NULL) {
		if (chain->hop_cnt == VLY_CHAIN_HOPS_MAX || is_known(chain, cname)) {
			chain->end = VLY_CHAIN_LEFT;
			return;
		}
		struct vly_chain_hop *hop = &chain->hop[chain->hop_cnt];
		if (chain->hop_cnt > 0)
			hop->owner = chain->target;
		hop->cname = cname;
		chain->hop_cnt++;
		if (!take_target(chain, zone, cname)) {
			chain->end = VLY_CHAIN_LEFT;
			return;
		}
		chain->end = locate(chain, zone);
		cname = chain->end == VLY_CHAIN_NODE ? cname_of(zone, chain->node_idx) : NULL;
	}
}

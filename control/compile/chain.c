/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chain.h"
#include "zone/rdata.h"

/* The first in the file: a second one is the same (zone_check.h), maybe in another spelling. */
static const struct vly_zone_record *
record_of(const struct vly_zone *zone, uint32_t node_idx, uint16_t type)
{
	const struct vly_zone_record *record;
	const struct vly_zone_record *first = NULL;

	for (vly_arena_ref ref = zone->node[node_idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == type)
			first = record;
	}
	return first;
}

/* Whether this DNAME has been used. */
static bool
is_known(const struct vly_chain *chain, const struct vly_zone_record *dname)
{
	for (unsigned i = 0; i < chain->hop_cnt; i++)
		if (chain->hop[i].by.alias == dname)
			return true;
	return false;
}

/* Whether the target is the owner of an earlier hop: the chain goes round in a loop. */
static bool
is_passed(const struct vly_chain *chain)
{
	for (unsigned i = chain->by_wildcard ? 1 : 0; i < chain->hop_cnt; i++)
		if (chain->hop[i].owner.len == chain->target.len &&
		    memcmp(chain->hop[i].owner.lower, chain->target.lower, chain->target.len) == 0)
			return true;
	return false;
}

/* Adds a hop whose owner is the target so far, and takes `wire`, which begins with `prefix_len`
 * octets of the owner, as the new target; false: the chain ends. */
static bool
add_hop(struct vly_chain *chain, const struct vly_zone *zone, const struct vly_zone_record *record,
	uint32_t node_idx, unsigned prefix_len, const uint8_t *wire, unsigned len)
{
	chain->end = VLY_CHAIN_LEFT;
	if (chain->hop_cnt == VLY_ALIAS_HOPS_MAX)
		return false;
	struct vly_chain_hop *hop = &chain->hop[chain->hop_cnt];
	if (chain->hop_cnt > 0 || !chain->by_wildcard)
		hop->owner = chain->target;
	hop->by = (struct vly_alias_hop){.alias = record, .prefix_len = prefix_len};
	hop->node_idx = node_idx;
	hop->dname_idx = record->type == VLY_TYPE_DNAME && !is_known(chain, record) ? node_idx
										    : VLY_ZONE_NONE;
	hop->encloser_idx = chain->encloser_idx;
	hop->target_len = len;
	memcpy(hop->target, wire, len);
	chain->hop_cnt++;
	if (!vly_rdata_scan_name(&chain->target, wire, len))
		return false;
	vly_name_hash(&chain->target, &zone->key);
	return true;
}

static bool
add_cname(struct vly_chain *chain, const struct vly_zone *zone, uint32_t node_idx)
{
	const struct vly_zone_record *cname = record_of(zone, node_idx, VLY_TYPE_CNAME);

	chain->end = VLY_CHAIN_LEFT;
	return cname != NULL && !is_passed(chain) &&
	       add_hop(chain, zone, cname, node_idx, 0, cname->data, cname->data_len);
}

/* Replaces the target's suffix, the owner of the DNAME, by the DNAME's target (RFC 6672 §2.2). */
static bool
add_dname(struct vly_chain *chain, const struct vly_zone *zone, uint32_t node_idx,
	  unsigned prefix_len)
{
	const struct vly_zone_record *dname = record_of(zone, node_idx, VLY_TYPE_DNAME);
	uint8_t wire[VLY_NAME_BYTES_MAX];

	if (vly_alias_is_too_long(prefix_len, dname->data_len)) {
		chain->end = VLY_CHAIN_YXDOMAIN;
		chain->node_idx = node_idx;
		chain->dname_beyond = dname;
		return false;
	}
	chain->end = VLY_CHAIN_LEFT;
	if (is_passed(chain) || vly_alias_is_growing(chain->hop, sizeof(chain->hop[0]),
						     chain->hop_cnt, dname, prefix_len))
		return false;
	memcpy(wire, chain->target.lower, prefix_len);
	memcpy(wire + prefix_len, dname->data, dname->data_len);
	return add_hop(chain, zone, dname, node_idx, prefix_len, wire,
		       prefix_len + dname->data_len);
}

/* Finds the node that answers for the target, and follows it if it is an alias. Returns false at
 * the end of the chain. */
static bool
follow(struct vly_chain *chain, const struct vly_zone *zone)
{
	const struct vly_name *target = &chain->target;
	uint32_t found = VLY_ZONE_NONE;
	unsigned i;

	chain->end = VLY_CHAIN_LEFT;
	chain->encloser_idx = VLY_ZONE_NONE;
	if (!vly_zone_has_name(zone, target))
		return false;
	for (i = 0;; i++) { /* ends at the apex, at the latest */
		found = vly_zone_find(zone, target, i);
		if (found != VLY_ZONE_NONE && !(zone->node[found].flags & VLY_ZONE_HIDDEN))
			break;
	}
	if (i > 0 && !(zone->node[found].flags & VLY_ZONE_CUT)) {
		if (zone->node[found].flags & VLY_ZONE_DNAME)
			return add_dname(chain, zone, found, target->start[i]);
		chain->encloser_idx = found;
		found = zone->node[found].wildcard;
	}
	if (found == VLY_ZONE_NONE) {
		chain->end = VLY_CHAIN_NXDOMAIN;
		return false;
	}
	chain->node_idx = found;
	if (zone->node[found].flags & VLY_ZONE_STEERED)
		return false; /* what it is depends on who asks */
	chain->end = zone->node[found].flags & VLY_ZONE_CUT ? VLY_CHAIN_CUT : VLY_CHAIN_NODE;
	return (zone->node[found].flags & VLY_ZONE_CNAME) && chain->end == VLY_CHAIN_NODE &&
	       add_cname(chain, zone, found);
}

void
vly_chain_follow(struct vly_chain *chain, const struct vly_zone *zone, uint32_t node_idx,
		 bool by_wildcard)
{
	unsigned len;
	const uint8_t *name = vly_zone_node_name(zone, node_idx, &len);

	chain->hop_cnt = 0;
	chain->encloser_idx = VLY_ZONE_NONE;
	chain->dname_beyond = NULL;
	chain->by_wildcard = by_wildcard;
	if (!vly_rdata_scan_name(&chain->target, name, len) || !add_cname(chain, zone, node_idx))
		return;
	while (follow(chain, zone)) /* VLY_ALIAS_HOPS_MAX times at most */
		;
}

/* Gives `owner`, and the names between it and the wildcard's parent that do not exist either, the
 * wildcard's records. A part of a zone (overlay.h) may have nodes for names that do not exist. */
static int
add_copies(struct vly_zone *zone, uint32_t wildcard, const struct vly_name *owner)
{
	const uint32_t first = zone->node_cnt;
	uint32_t idx = vly_zone_add_name(zone, owner);

	if (idx == VLY_ZONE_NONE)
		return -1;
	while (idx >= first ||
	       ((zone->node[idx].flags & VLY_ZONE_ABSENT) && zone->node[idx].records == 0)) {
		struct vly_zone_node *node = &zone->node[idx];
		node->records = zone->node[wildcard].records;
		node->flags = zone->node[wildcard].flags & (uint8_t)~VLY_ZONE_RETURNS;
		node->wildcard = wildcard;
		idx = node->parent; /* ends at the wildcard's parent, at the latest */
	}
	return 0;
}

int
vly_chain_prepare_wildcard(struct vly_chain *chain, struct vly_zone *zone, uint32_t wildcard)
{
	vly_chain_follow(chain, zone, wildcard, true);
	for (unsigned i = 1; i < chain->hop_cnt; i++) {
		const struct vly_chain_hop *hop = &chain->hop[i];
		if (hop->by.alias != chain->hop[0].by.alias)
			continue;
		if (vly_zone_find(zone, &hop->owner, 0) == wildcard)
			zone->node[wildcard].flags |= VLY_ZONE_RETURNS;
		else if (add_copies(zone, wildcard, &hop->owner) != 0)
			return -1;
	}
	return 0;
}

int
vly_chain_prepare(struct vly_chain *chain, struct vly_zone *zone)
{
	const uint32_t cnt = zone->node_cnt;

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t wildcard = zone->node[i].wildcard;
		vly_zone_pass(zone, i);
		if (wildcard != VLY_ZONE_NONE &&
		    (zone->node[wildcard].flags &
		     (VLY_ZONE_CNAME | VLY_ZONE_HIDDEN | VLY_ZONE_STEERED)) == VLY_ZONE_CNAME &&
		    vly_chain_prepare_wildcard(chain, zone, wildcard) != 0)
			return -1;
	}
	return 0;
}

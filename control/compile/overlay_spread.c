/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which names a change affects.
 *
 * A name is affected when it has changed, exists no more or again, or is hidden no more or again; or
 * when its answers include records of such a name. The source knows which records refer to a name:
 *   - CNAMEs: their owners include the answers of the name;
 *   - hosts: their owners include addresses of the name, but not what else is added to these;
 *   - DNAMEs: for each name below the DNAME there is one below its target, and what refers to the
 *     former refers to the latter.
 * Names that refer to one without records refer to its wildcard, if there is one; those that refer
 * to one below a cut, to the referral.
 */
#include <stdlib.h>

#include "overlay_parts.h"
#include "zone/rdata.h"

int
vly_overlay_want(struct vly_overlay *overlay, uint32_t idx)
{
	struct vly_overlay_item *item = &overlay->item[idx];

	if (item->marks & VLY_OVERLAY_WANTED)
		return 0;
	if (overlay->wanted.cnt == VLY_OVERLAY_NAMES_MAX)
		return vly_overlay_give_up(overlay, "the change affects too many names");
	item->marks |= VLY_OVERLAY_WANTED;
	return vly_overlay_list_add(overlay, &overlay->wanted, idx);
}

int
vly_overlay_spread(struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_spread spread,
		   enum vly_overlay_reach reach, unsigned hops)
{
	struct vly_overlay_item *item = &overlay->item[idx];

	/* No answer has more hops than that. */
	if (hops > VLY_ALIAS_HOPS_MAX ||
	    (item->reach[spread] >= reach && item->hops[spread] <= hops))
		return 0;
	if (overlay->task_cnt == overlay->task_size) {
		uint32_t size = overlay->task_size == 0 ? 64 : overlay->task_size * 2;
		void *grown = realloc(overlay->task, size * sizeof(*overlay->task));
		if (grown == NULL)
			return vly_overlay_fail_memory(overlay);
		overlay->task = grown;
		overlay->task_size = size;
	}
	if (item->reach[spread] < reach)
		item->reach[spread] = (uint8_t)reach;
	item->hops[spread] = (uint8_t)hops;
	overlay->task[overlay->task_cnt++] =
		(struct vly_overlay_task){idx, (uint8_t)spread, item->reach[spread], (uint8_t)hops};
	return vly_overlay_count(overlay);
}

int
vly_overlay_spread_from(struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_reach reach,
			bool below)
{
	int result = vly_overlay_spread(overlay, idx, VLY_OVERLAY_SPREAD_NAME, reach, 0);

	if (result == 0 && below)
		result = vly_overlay_spread(overlay, idx, VLY_OVERLAY_SPREAD_BELOW, reach, 0);
	if (result == 0 && vly_overlay_is_wildcard(overlay, idx))
		result = vly_overlay_spread(overlay, overlay->zone[0].node[idx].parent,
					    VLY_OVERLAY_SPREAD_MATCHED, reach, 0);
	return result;
}

int
vly_overlay_affect(struct vly_overlay *overlay, uint32_t idx)
{
	struct vly_overlay_item *item = &overlay->item[idx];

	if ((item->marks & VLY_OVERLAY_AFFECTED) || !vly_overlay_is_visible_ever(overlay, idx))
		return 0;
	item->marks |= VLY_OVERLAY_AFFECTED;
	int result = vly_overlay_want(overlay, idx);
	return result == 0 ? vly_overlay_spread_from(overlay, idx, VLY_OVERLAY_REACH_ALIAS,
						     vly_overlay_flags_ever(overlay, idx) &
							     VLY_ZONE_CUT)
			   : result;
}

/* Takes an owner from the source, which must not be asked anything else meanwhile. */
struct taking {
	struct vly_overlay *overlay;
	struct vly_overlay_list *to;
	int result;
};

static int
take_owner(void *to, const uint8_t *owner, unsigned len)
{
	struct taking *taking = to;
	struct vly_overlay *overlay = taking->overlay;
	struct vly_name name;
	uint32_t idx;

	taking->result = vly_overlay_count(overlay);
	if (taking->result != 0 || !vly_rdata_scan_name(&name, owner, len) ||
	    !vly_zone_has_name(&overlay->zone[0], &name))
		return taking->result != 0;
	vly_name_hash(&name, &overlay->zone[0].key);
	taking->result = vly_overlay_add(overlay, &name, &idx);
	if (taking->result == 0)
		taking->result = vly_overlay_list_add(overlay, taking->to, idx);
	return taking->result != 0;
}

/* Finds and loads the owners of records that refer to a name; appends them to the list. */
static int
find_owners(struct vly_overlay *overlay, const uint8_t *name, unsigned len, unsigned kinds,
	    struct vly_overlay_list *to)
{
	const struct vly_overlay_source *source = overlay->source;
	struct taking taking = {overlay, to, 0};
	uint32_t first = to->cnt;
	int result = 0;

	if (source->dependents(source->arg, name, len, kinds, take_owner, &taking) < 0)
		return vly_overlay_fail_source(overlay);
	if (taking.result != 0)
		return taking.result;
	for (uint32_t i = first; i < to->cnt && result == 0; i++)
		result = vly_overlay_load_node(overlay, to->idx[i]);
	return result;
}

/* The first name below node `idx`, and behind `at`, that records refer to; `at` becomes its name.
 * `beyond` as for the source. *target is VLY_ZONE_NONE when there is none. */
static int
next_target(struct vly_overlay *overlay, uint32_t idx, struct vly_name *at, bool beyond,
	    uint32_t *target)
{
	const struct vly_overlay_source *source = overlay->source;
	uint8_t wire[VLY_NAME_BYTES_MAX];
	int len = source->next_target(source->arg, at->lower, at->len, beyond, wire);

	*target = VLY_ZONE_NONE;
	if (len < 0)
		return vly_overlay_fail_source(overlay);
	if (len == 0 || !vly_rdata_scan_name(at, wire, (unsigned)len) ||
	    !vly_zone_is_below(&overlay->zone[0], idx, at))
		return 0;
	vly_name_hash(at, &overlay->zone[0].key);
	return vly_overlay_load(overlay, at, target);
}

/* One step of find_use(): the answer for a DNAME, or the DNAMEs that it depends on. */
static int
find_use_of(struct vly_overlay *overlay, uint32_t idx, bool *used)
{
	struct vly_name name;
	uint32_t target;

	vly_overlay_name(overlay, idx, &name);
	const unsigned apex_idx = name.label_cnt - overlay->zone[0].node[0].label_cnt;
	struct vly_name at = name;
	int result = next_target(overlay, idx, &at, false, &target);
	*used = overlay->item[idx].use == VLY_OVERLAY_USED || target != VLY_ZONE_NONE;
	for (unsigned i = 0; i <= apex_idx && result == 0 && !*used; i++)
		result = find_owners(overlay, name.lower + name.start[i],
				     vly_name_suffix_len(&name, i), VLY_OVERLAY_BY_DNAME,
				     &overlay->dnames);
	return result;
}

/* Whether any record refers to a name below the DNAME `idx`, or below another DNAME that makes such
 * names. Most DNAMEs are for queries alone; without this, a few DNAMEs that lead to a name above
 * them would make names without end. */
static int
find_use(struct vly_overlay *overlay, uint32_t idx, bool *used)
{
	struct vly_overlay_list *dnames = &overlay->dnames;
	int result = 0;

	*used = overlay->item[idx].use == VLY_OVERLAY_USED;
	if (overlay->item[idx].use != VLY_OVERLAY_USE_UNKNOWN)
		return 0;
	overlay->search++;
	dnames->cnt = 0;
	result = vly_overlay_list_add(overlay, dnames, idx);
	for (uint32_t i = 0; i < dnames->cnt && result == 0 && !*used; i++) {
		struct vly_overlay_item *item = &overlay->item[dnames->idx[i]];
		if (item->search == overlay->search || item->use == VLY_OVERLAY_UNUSED)
			continue;
		item->search = overlay->search;
		result = find_use_of(overlay, dnames->idx[i], used);
	}
	if (*used)
		overlay->item[idx].use = VLY_OVERLAY_USED;
	for (uint32_t i = 0; i < dnames->cnt && result == 0 && !*used; i++)
		overlay->item[dnames->idx[i]].use = VLY_OVERLAY_UNUSED;
	return result;
}

/* Replaces the suffix of `name` from label `label_idx` on by the name of node `idx`. False: it would
 * be too long. */
static bool
move_name(const struct vly_overlay *overlay, const struct vly_name *name, unsigned label_idx,
	  uint32_t idx, struct vly_name *moved)
{
	uint8_t wire[2 * VLY_NAME_BYTES_MAX];
	const unsigned prefix_len = name->start[label_idx];
	unsigned len;
	const uint8_t *suffix = vly_zone_node_name(&overlay->zone[0], idx, &len);

	memcpy(wire, name->lower, prefix_len);
	memcpy(wire + prefix_len, suffix, len);
	if (prefix_len + len > VLY_NAME_BYTES_MAX ||
	    !vly_rdata_scan_name(moved, wire, prefix_len + len))
		return false;
	vly_name_hash(moved, &overlay->zone[0].key);
	return true;
}

/* The same spread at the name that the DNAME `dname` makes into `name`, whose label `label_idx` begins
 * the DNAME's target. */
static int
spread_by_dname(struct vly_overlay *overlay, const struct vly_name *name, unsigned label_idx,
		uint32_t dname, const struct vly_overlay_task *task)
{
	const enum vly_overlay_spread spread = task->spread == VLY_OVERLAY_SPREAD_NAME
						       ? VLY_OVERLAY_SPREAD_NAME
						       : VLY_OVERLAY_SPREAD_BELOW;
	struct vly_name moved;
	bool used;
	uint32_t idx;
	int result = find_use(overlay, dname, &used);

	if (result != 0 || !used || !move_name(overlay, name, label_idx, dname, &moved))
		return result;
	if (++overlay->dname_cnt > VLY_OVERLAY_DNAMES_MAX)
		return vly_overlay_give_up(overlay, "the change affects too many names");
	result = vly_overlay_load(overlay, &moved, &idx);
	return result == 0 ? vly_overlay_spread(overlay, idx, spread, VLY_OVERLAY_REACH_ALIAS,
						task->hops + 1u)
			   : result;
}

/* The same at the names that DNAMEs to the ancestors of `name`, from label `first` on, make into it. */
static int
spread_by_dnames(struct vly_overlay *overlay, const struct vly_name *name, unsigned first,
		 const struct vly_overlay_task *task)
{
	const unsigned apex_idx = name->label_cnt - overlay->zone[0].node[0].label_cnt;
	struct vly_overlay_list *found = &overlay->found;
	int result = 0;

	for (unsigned i = first; i <= apex_idx && result == 0; i++) {
		found->cnt = 0;
		result = find_owners(overlay, name->lower + name->start[i],
				     vly_name_suffix_len(name, i), VLY_OVERLAY_BY_DNAME, found);
		for (uint32_t n = 0; n < found->cnt && result == 0; n++)
			result = spread_by_dname(overlay, name, i, found->idx[n], task);
	}
	return result;
}

static int
spread_name(struct vly_overlay *overlay, const struct vly_overlay_task *task)
{
	const unsigned kinds = VLY_OVERLAY_BY_CNAME |
			       (task->reach == VLY_OVERLAY_REACH_HOST ? VLY_OVERLAY_BY_HOST : 0);
	struct vly_overlay_list *found = &overlay->found;
	struct vly_name name;

	vly_overlay_name(overlay, task->idx, &name);
	found->cnt = 0;
	int result = find_owners(overlay, name.lower, name.len, kinds, found);
	for (uint32_t i = 0; i < found->cnt && result == 0; i++)
		result = vly_overlay_affect(overlay, found->idx[i]);
	return result == 0 && task->idx != 0 ? spread_by_dnames(overlay, &name, 1, task) : result;
}

/* The child of node `idx` that `name`, a name below it, is or is below. */
static uint32_t
child_above(const struct vly_overlay *overlay, uint32_t idx, uint32_t below)
{
	const struct vly_zone_node *node = overlay->zone[0].node;

	while (node[below].parent != idx)
		below = node[below].parent;
	return below;
}

/* A name below that of the task, to which records refer. */
static int
spread_target(struct vly_overlay *overlay, const struct vly_overlay_task *task, uint32_t target)
{
	struct vly_overlay_list *found = &overlay->found;
	struct vly_name name;
	int result = vly_overlay_spread(overlay, target, VLY_OVERLAY_SPREAD_NAME, task->reach,
					task->hops);

	if (result != 0)
		return result;
	vly_overlay_name(overlay, target, &name);
	found->cnt = 0;
	result = find_owners(overlay, name.lower, name.len, VLY_OVERLAY_BY_DNAME, found);
	for (uint32_t i = 0; i < found->cnt && result == 0; i++)
		result = vly_overlay_spread(overlay, found->idx[i], VLY_OVERLAY_SPREAD_BELOW,
					    VLY_OVERLAY_REACH_ALIAS, task->hops + 1u);
	return result;
}

/* Names below a child that exists in both versions are not matched by the wildcard: they are passed
 * over. */
static int
spread_below(struct vly_overlay *overlay, const struct vly_overlay_task *task)
{
	const bool matched = task->spread == VLY_OVERLAY_SPREAD_MATCHED;
	struct vly_name at;
	uint32_t target;

	vly_overlay_name(overlay, task->idx, &at);
	int result = next_target(overlay, task->idx, &at, false, &target);
	while (result == 0 && target != VLY_ZONE_NONE) {
		uint32_t child = child_above(overlay, task->idx, target);
		const bool *exists = overlay->item[child].exists;
		bool beyond = matched && exists[0] && exists[1];
		if (beyond)
			vly_overlay_name(overlay, child, &at);
		else
			result = spread_target(overlay, task, target);
		if (result == 0)
			result = vly_overlay_count(overlay);
		if (result == 0)
			result = next_target(overlay, task->idx, &at, beyond, &target);
	}
	vly_overlay_name(overlay, task->idx, &at);
	return result == 0 ? spread_by_dnames(overlay, &at, 0, task) : result;
}

int
vly_overlay_spread_all(struct vly_overlay *overlay)
{
	int result = 0;

	while (overlay->task_first < overlay->task_cnt && result == 0) {
		const struct vly_overlay_task task = overlay->task[overlay->task_first++];
		result = task.spread == VLY_OVERLAY_SPREAD_NAME ? spread_name(overlay, &task)
								: spread_below(overlay, &task);
	}
	return result;
}

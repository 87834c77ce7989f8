/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The partial zones of both versions: each name that is loaded has its records and, in each version,
 * exists or does not. */
#include <stdlib.h>

#include "overlay_parts.h"
#include "zone/name_order.h"
#include "zone/nsec3_record.h"
#include "zone/rdata.h"

int
vly_overlay_fail(struct vly_overlay *overlay, const char *text)
{
	const struct vly_zone *zone = &overlay->zone[VLY_OVERLAY_AFTER];

	vly_zone_report_add(overlay->report, VLY_ZONE_CHECK_must,
			    zone->file_cnt > 0 ? zone->file[0] : "", 0, "%s", text);
	return VLY_OVERLAY_FAILED;
}

int
vly_overlay_fail_memory(struct vly_overlay *overlay)
{
	return vly_overlay_fail(overlay, "out of memory");
}

int
vly_overlay_give_up(struct vly_overlay *overlay, const char *why)
{
	*overlay->why = why;
	return VLY_OVERLAY_COMPLETE;
}

int
vly_overlay_count(struct vly_overlay *overlay)
{
	return ++overlay->work > VLY_OVERLAY_WORK_MAX
		       ? vly_overlay_give_up(overlay, "the change affects too many names")
		       : 0;
}

int
vly_overlay_fail_source(struct vly_overlay *overlay)
{
	return vly_overlay_fail(overlay, "the records of the zone cannot be read");
}

int
vly_overlay_begin(struct vly_overlay *overlay, const struct vly_hash_key *key)
{
	static const struct vly_file_stamp no_stamp;
	const struct vly_overlay_name *wire = &overlay->change->apex;
	struct vly_name apex;

	if (!vly_rdata_scan_name(&apex, wire->name, wire->len))
		return vly_overlay_fail(overlay, "the name of the zone is malformed");
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++)
		if (vly_zone_init(&overlay->zone[i], key, &apex) != 0 ||
		    vly_zone_add_file(&overlay->zone[i], "update", &no_stamp) != 0)
			return vly_overlay_fail_memory(overlay);
	overlay->steered = vly_compile_steer_zone(&overlay->zone[0], overlay->model);
	return 0;
}

void
vly_overlay_free(struct vly_overlay *overlay)
{
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++)
		if (overlay->zone[i].arena.base != NULL)
			vly_zone_free(&overlay->zone[i]);
	free(overlay->item);
	free(overlay->hashed.owner);
	free(overlay->changed);
	free(overlay->task);
	free(overlay->wanted.idx);
	free(overlay->found.idx);
	free(overlay->dnames.idx);
}

int
vly_overlay_list_add(struct vly_overlay *overlay, struct vly_overlay_list *list, uint32_t idx)
{
	if (list->cnt == list->size) {
		uint32_t size = list->size == 0 ? 64 : list->size * 2;
		void *grown = realloc(list->idx, size * sizeof(*list->idx));
		if (grown == NULL)
			return vly_overlay_fail_memory(overlay);
		list->idx = grown;
		list->size = size;
	}
	list->idx[list->cnt++] = idx;
	return 0;
}

void
vly_overlay_name(const struct vly_overlay *overlay, uint32_t idx, struct vly_name *name)
{
	const struct vly_zone *zone = &overlay->zone[VLY_OVERLAY_AFTER];
	unsigned len;
	const uint8_t *wire = vly_zone_node_name(zone, idx, &len);

	(void)!vly_rdata_scan_name(name, wire, len);
	vly_name_hash(name, &zone->key);
}

int
vly_overlay_add(struct vly_overlay *overlay, const struct vly_name *name, uint32_t *idx)
{
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++) {
		*idx = vly_zone_add_name(&overlay->zone[i], name);
		if (*idx == VLY_ZONE_NONE)
			return vly_overlay_fail_memory(overlay);
	}
	uint32_t cnt = overlay->zone[0].node_cnt;
	if (cnt <= overlay->item_size)
		return 0;
	uint32_t size = cnt * 2 + 64;
	void *grown = realloc(overlay->item, size * sizeof(*overlay->item));
	if (grown == NULL)
		return vly_overlay_fail_memory(overlay);
	overlay->item = grown;
	memset(overlay->item + overlay->item_size, 0,
	       (size - overlay->item_size) * sizeof(*overlay->item));
	overlay->item_size = size;
	return 0;
}

/* Where the source's records go. */
struct reading {
	struct vly_overlay *overlay;
	uint32_t idx;
	unsigned first; /* enum vly_overlay_version */
	unsigned last;
	int result;
};

static int
add_record(void *to, const struct vly_overlay_rr *rr)
{
	struct reading *reading = to;
	struct vly_overlay *overlay = reading->overlay;

	for (unsigned i = reading->first; i <= reading->last && reading->result == 0; i++)
		if (vly_zone_add_record(&overlay->zone[i], reading->idx, rr->type, rr->ttl,
					rr->data, rr->data_len) != 0)
			reading->result = vly_overlay_fail_memory(overlay);
	return reading->result != 0;
}

/* The records of a changed name differ in the versions. */
static int
read_records(struct vly_overlay *overlay, uint32_t idx)
{
	const struct vly_overlay_source *source = overlay->source;
	const bool changed = overlay->item[idx].marks & VLY_OVERLAY_CHANGED;
	struct reading reading = {overlay, idx, VLY_OVERLAY_AFTER,
				  changed ? VLY_OVERLAY_AFTER : VLY_OVERLAY_BEFORE, 0};
	uint8_t name[VLY_NAME_BYTES_MAX];
	unsigned len;
	const uint8_t *at = vly_zone_node_name(&overlay->zone[0], idx, &len);

	memcpy(name, at, len); /* the zone's memory moves */
	if (source->get(source->arg, name, len, add_record, &reading) < 0)
		return vly_overlay_fail_source(overlay);
	if (changed && reading.result == 0) {
		reading.first = reading.last = VLY_OVERLAY_BEFORE;
		if (source->get_before(source->arg, name, len, add_record, &reading) < 0)
			return vly_overlay_fail_source(overlay);
	}
	return reading.result;
}

/* Steers the node in the versions in which it can be. */
static int
steer(struct vly_overlay *overlay, uint32_t idx)
{
	for (unsigned i = 0; overlay->steered && i < VLY_OVERLAY_VERSIONS; i++)
		if (vly_compile_steer_node(&overlay->zone[i], idx, overlay->model,
					   overlay->steered) != 0)
			return vly_overlay_fail_memory(overlay);
	return 0;
}

int
vly_overlay_next(struct vly_overlay *overlay, const uint8_t *name, unsigned len, bool beyond,
		 uint8_t found[VLY_NAME_BYTES_MAX])
{
	const struct vly_overlay_source *source = overlay->source;
	const struct vly_steer_name *steered =
		overlay->steered ? vly_steer_zone_next(overlay->steered, name, len, beyond) : NULL;
	int result = source->next(source->arg, name, len, beyond, found);

	if (!steered || result < 0 || (result > 0 && vly_name_order(found, steered->wire) <= 0))
		return result;
	memcpy(found, steered->wire, steered->len);
	return steered->len;
}

int
vly_overlay_load_changed(struct vly_overlay *overlay, uint32_t idx)
{
	if (overlay->item[idx].marks & VLY_OVERLAY_CHANGED)
		return 0;
	overlay->item[idx].marks |= VLY_OVERLAY_CHANGED;
	return read_records(overlay, idx);
}

/* Canonical order; whether a name is below another one is in the order, too. */
static int
compare(const struct vly_overlay *overlay, uint32_t left, uint32_t right)
{
	unsigned len;

	return vly_name_order(vly_zone_node_name(&overlay->zone[0], left, &len),
			      vly_zone_node_name(&overlay->zone[0], right, &len));
}

/* Whether a changed name below node `idx` had records before. */
static bool
changed_below_existed(const struct vly_overlay *overlay, uint32_t idx)
{
	const uint32_t *changed = overlay->changed;
	uint32_t low = 0, high = overlay->change->changed_cnt;
	struct vly_name name;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (compare(overlay, changed[middle], idx) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < overlay->change->changed_cnt; low++) {
		vly_overlay_name(overlay, changed[low], &name);
		if (!vly_zone_is_below(&overlay->zone[0], idx, &name))
			return false;
		if (vly_zone_owns_data(&overlay->zone[VLY_OVERLAY_BEFORE], changed[low]))
			return true;
	}
	return false;
}

static bool
is_changed(const struct vly_overlay *overlay, const struct vly_name *name)
{
	uint32_t idx = vly_zone_find(&overlay->zone[0], name, 0);

	return idx != VLY_ZONE_NONE && (overlay->item[idx].marks & VLY_OVERLAY_CHANGED);
}

static int
find_data(void *to, const struct vly_overlay_rr *rr)
{
	bool *has_data = to;

	*has_data =
		rr->type != VLY_TYPE_NSEC3 && !(rr->type == VLY_TYPE_RRSIG && rr->data_len >= 2 &&
						vly_be16(rr->data) == VLY_TYPE_NSEC3);
	return *has_data;
}

/* Whether a name, which has records, exists: not for NSEC3 alone (RFC 5155 §7.2.8). */
static int
has_data(struct vly_overlay *overlay, const struct vly_name *name, bool *result)
{
	const struct vly_overlay_source *source = overlay->source;
	uint8_t hash[VLY_NSEC3_HASH_BYTES];

	*result = true;
	if (!vly_nsec3_read_owner(name->lower, hash))
		return 0;
	return source->get(source->arg, name->lower, name->len, find_data, result) < 0
		       ? vly_overlay_fail_source(overlay)
		       : 0;
}

/* Finds out whether a name without records exists, as names below it have some, in versions where it
 * `may`. In the version before, names that have not changed had them, too. */
static int
find_existence(struct vly_overlay *overlay, uint32_t idx, const bool may[VLY_OVERLAY_VERSIONS],
	       bool exists[VLY_OVERLAY_VERSIONS])
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	struct vly_name name;

	if (may[VLY_OVERLAY_BEFORE] && !exists[VLY_OVERLAY_BEFORE])
		exists[VLY_OVERLAY_BEFORE] = changed_below_existed(overlay, idx);
	vly_overlay_name(overlay, idx, &name);
	while ((may[VLY_OVERLAY_AFTER] && !exists[VLY_OVERLAY_AFTER]) ||
	       (may[VLY_OVERLAY_BEFORE] && !exists[VLY_OVERLAY_BEFORE])) {
		int len = vly_overlay_next(overlay, name.lower, name.len, false, wire);
		if (len < 0)
			return vly_overlay_fail_source(overlay);
		if (len == 0 || !vly_rdata_scan_name(&name, wire, (unsigned)len) ||
		    !vly_zone_is_below(&overlay->zone[0], idx, &name))
			return 0;
		vly_name_hash(&name, &overlay->zone[0].key);
		if (vly_overlay_count(overlay) != 0)
			return VLY_OVERLAY_COMPLETE;
		bool counts;
		if (has_data(overlay, &name, &counts) != 0)
			return VLY_OVERLAY_FAILED;
		exists[VLY_OVERLAY_AFTER] |= counts;
		exists[VLY_OVERLAY_BEFORE] |=
			counts &&
			(!is_changed(overlay, &name) ||
			 (overlay->steered &&
			  vly_steer_zone_find(overlay->steered, name.lower, name.len) != NULL));
	}
	return 0;
}

/* Loads a node whose parent is loaded. */
static int
load_one(struct vly_overlay *overlay, uint32_t idx)
{
	const uint32_t parent = overlay->zone[0].node[idx].parent;
	bool exists[VLY_OVERLAY_VERSIONS];
	bool may[VLY_OVERLAY_VERSIONS]; /* its parent exists */
	int result = vly_overlay_count(overlay);

	/* those of changed names have been read */
	if (result == 0 && !(overlay->item[idx].marks & VLY_OVERLAY_CHANGED))
		result = read_records(overlay, idx);
	if (result == 0)
		result = steer(overlay, idx);
	if (result != 0)
		return result;
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++) {
		may[i] = idx == 0 || overlay->item[parent].exists[i];
		exists[i] = idx == 0 || vly_zone_owns_data(&overlay->zone[i], idx);
	}
	result = find_existence(overlay, idx, may, exists);
	if (result != 0)
		return result;
	for (unsigned i = 0; i < VLY_OVERLAY_VERSIONS; i++) {
		struct vly_zone_node *node = &overlay->zone[i].node[idx];
		if (idx != 0 && (overlay->zone[i].node[parent].flags &
				 (VLY_ZONE_CUT | VLY_ZONE_DNAME | VLY_ZONE_OCCLUDED)))
			node->flags |= VLY_ZONE_OCCLUDED;
		overlay->item[idx].exists[i] = exists[i];
		if (exists[i])
			continue;
		node->flags |= VLY_ZONE_ABSENT;
		if (overlay->zone[i].node[parent].wildcard == idx)
			overlay->zone[i].node[parent].wildcard = VLY_ZONE_NONE;
	}
	overlay->item[idx].marks |= VLY_OVERLAY_LOADED;
	return 0;
}

/* The node of the wildcard below node `idx`; VLY_ZONE_NONE: its name would be too long. */
static int
add_wildcard(struct vly_overlay *overlay, uint32_t idx, uint32_t *wildcard)
{
	uint8_t wire[2 + VLY_NAME_BYTES_MAX] = {1, '*'};
	struct vly_name name;
	unsigned len;
	const uint8_t *parent = vly_zone_node_name(&overlay->zone[0], idx, &len);

	*wildcard = VLY_ZONE_NONE;
	memcpy(wire + 2, parent, len);
	if (!vly_rdata_scan_name(&name, wire, len + 2))
		return 0;
	vly_name_hash(&name, &overlay->zone[0].key);
	return vly_overlay_add(overlay, &name, wildcard);
}

/* Loads a node and, as long as there are any, the wildcard below it, the one below that... */
static int
load_with_wildcards(struct vly_overlay *overlay, uint32_t idx)
{
	int result = 0;

	while (result == 0 && idx != VLY_ZONE_NONE &&
	       !(overlay->item[idx].marks & VLY_OVERLAY_LOADED)) {
		result = load_one(overlay, idx);
		const struct vly_overlay_item *item = &overlay->item[idx];
		if (result != 0 || (!item->exists[0] && !item->exists[1]))
			return result;
		result = add_wildcard(overlay, idx, &idx);
	}
	return result;
}

int
vly_overlay_load_node(struct vly_overlay *overlay, uint32_t idx)
{
	uint32_t path[VLY_NAME_LABELS_MAX + 1];
	unsigned depth = 0;
	int result = 0;

	for (uint32_t at = idx; at != VLY_ZONE_NONE && depth <= VLY_NAME_LABELS_MAX &&
				!(overlay->item[at].marks & VLY_OVERLAY_LOADED);
	     at = overlay->zone[0].node[at].parent)
		path[depth++] = at;
	while (depth-- > 0 && result == 0)
		result = load_with_wildcards(overlay, path[depth]);
	return result;
}

int
vly_overlay_load(struct vly_overlay *overlay, const struct vly_name *name, uint32_t *idx)
{
	int result = vly_overlay_add(overlay, name, idx);

	return result == 0 ? vly_overlay_load_node(overlay, *idx) : result;
}

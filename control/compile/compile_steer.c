/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compile_steer.h"

#include <string.h>

#include "common/log.h"
#include "zone/domain.h"
#include "zone/rdata.h"

/* The line of a record that only stands for others. No file has so many. */
#define STAND_IN_LINE UINT32_MAX

const struct vly_steer_zone *
vly_compile_steer_zone(const struct vly_zone *zone, const struct vly_steer_model *model)
{
	char apex[VLY_DOMAIN_TEXT_BYTES];
	char text[VLY_DOMAIN_TEXT_BYTES];
	unsigned len;

	if (!model || model->zone_cnt == 0)
		return NULL;
	vly_domain_text(vly_zone_node_name(zone, 0, &len), text);
	return vly_domain_canonical(text, apex) ? NULL : vly_steer_model_zone(model, apex);
}

static int
fail(struct vly_zone_report *report, const struct vly_zone *zone, const struct vly_steer_name *name,
     const char *why)
{
	char text[VLY_DOMAIN_TEXT_BYTES];

	vly_zone_report_add(report, VLY_ZONE_CHECK_must, zone->file[0], 0, "%.255s is steered, %s",
			    vly_domain_text(name->wire, text), why);
	return -1;
}

static bool
has_type(const struct vly_zone *zone, uint32_t idx, uint16_t type)
{
	const struct vly_zone_record *record;

	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == type)
			return true;
	}
	return false;
}

/* Adds what stands for the records of a kind: those of alternative 0. */
static int
add_stand_in(struct vly_zone *zone, uint32_t idx, const struct vly_steer_model *model,
	     const struct vly_steer_kind *kind)
{
	struct vly_steer_alternative alternative;

	vly_steer_alternative(model, kind, 0, &alternative);
	const struct vly_config_steer_record *record = alternative.record[0];
	if (vly_zone_add_record(zone, idx, vly_steer_rr_type[kind->type], alternative.ttl,
				record->data, record->len) != 0)
		return -1;
	struct vly_zone_record *added = vly_arena_at(&zone->arena, zone->node[idx].records);
	added->line = STAND_IN_LINE;
	zone->record_cnt--;
	return 0;
}

static int
mark_node(struct vly_zone *zone, uint32_t idx, const struct vly_steer_model *model,
	  const struct vly_steer_name *name)
{
	zone->node[idx].flags |= VLY_ZONE_STEERED;
	for (unsigned i = 0; i < name->type_cnt; i++) {
		const struct vly_steer_kind *kind = &model->kind[name->kind[i]];
		if (!has_type(zone, idx, vly_steer_rr_type[kind->type]) &&
		    add_stand_in(zone, idx, model, kind) != 0)
			return -1;
	}
	return 0;
}

static const char hidden[] = "but is below a delegation or a DNAME";

/* Whether the node, or one above it, hides what is below. */
static bool
hides(const struct vly_zone *zone, uint32_t idx)
{
	for (; idx != VLY_ZONE_NONE; idx = zone->node[idx].parent)
		if (zone->node[idx].flags & (VLY_ZONE_CUT | VLY_ZONE_DNAME))
			return true;
	return false;
}

/* Why the name can't be steered in this zone; NULL: it can. */
static const char *
refusal(const struct vly_zone *zone, uint32_t idx, const struct vly_steer_model *model,
	const struct vly_steer_name *name)
{
	const struct vly_zone_node *node = &zone->node[idx];
	const bool is_alias = model->kind[name->kind[0]].type == VLY_STEER_CNAME;

	if (hides(zone, node->parent))
		return hidden;
	if (node->flags & (VLY_ZONE_CUT | VLY_ZONE_DNAME))
		return "but has NS or DNAME records: it is not this zone's to answer for";
	if ((node->flags & VLY_ZONE_CNAME) && !is_alias)
		return "but has a CNAME record: remove the record, or steer CNAME";
	if (is_alias && node->records != 0 && !(node->flags & VLY_ZONE_CNAME))
		return "as a CNAME, but has other records";
	return NULL;
}

/* The same of a name, hashed, that may have no node yet. */
static const char *
refusal_of_name(const struct vly_zone *zone, const struct vly_name *wire,
		const struct vly_steer_model *model, const struct vly_steer_name *name)
{
	uint32_t idx = vly_zone_find(zone, wire, 0);

	if (idx != VLY_ZONE_NONE)
		return refusal(zone, idx, model, name);
	for (unsigned i = 1; idx == VLY_ZONE_NONE; i++) /* ends at the apex, at the latest */
		idx = vly_zone_find(zone, wire, i);
	return hides(zone, idx) ? hidden : NULL;
}

static bool
is_signed(const struct vly_zone *zone)
{
	return has_type(zone, 0, VLY_TYPE_RRSIG) || has_type(zone, 0, VLY_TYPE_DNSKEY);
}

int
vly_compile_steer_prepare(struct vly_zone *zone, const struct vly_steer_model *model, bool lives,
			  struct vly_zone_report *report)
{
	const struct vly_steer_zone *steered = vly_compile_steer_zone(zone, model);
	struct vly_name wire;
	int result = 0;

	if (!steered || report->error_cnt > 0)
		return 0;
	if (is_signed(zone))
		return fail(report, zone, &steered->name[0],
			    "but the zone is signed: signed zones can't be steered yet");
	for (unsigned i = 0; i < steered->name_cnt; i++) {
		const struct vly_steer_name *name = &steered->name[i];
		if (!vly_rdata_scan_name(&wire, name->wire, name->len))
			return fail(report, zone, name, "but is no name");
		vly_name_hash(&wire, &zone->key);
		const char *why = refusal_of_name(zone, &wire, model, name);
		if (why && lives) {
			char text[VLY_DOMAIN_TEXT_BYTES];
			vly_log_warning("%.255s has what its zone has: it is steered, %s",
					vly_domain_text(name->wire, text), why);
			continue;
		}
		uint32_t idx = why ? VLY_ZONE_NONE : vly_zone_add_name(zone, &wire);
		if (!why && (idx == VLY_ZONE_NONE || mark_node(zone, idx, model, name) != 0))
			why = "out of memory";
		if (why)
			result = fail(report, zone, name, why);
	}
	return result;
}

/* Unlinks the records that stand for others, and notes what is left. */
static void
clear_node(struct vly_zone *zone, uint32_t idx)
{
	struct vly_zone_node *node = &zone->node[idx];
	vly_arena_ref *link = &node->records;

	node->flags &= (uint8_t) ~(VLY_ZONE_STEERED | VLY_ZONE_CNAME | VLY_ZONE_ADDRESS);
	while (*link != 0) {
		struct vly_zone_record *record = vly_arena_at(&zone->arena, *link);
		if (record->line == STAND_IN_LINE) {
			*link = record->next;
			continue;
		}
		if (record->type == VLY_TYPE_CNAME)
			node->flags |= VLY_ZONE_CNAME;
		if (record->type == VLY_TYPE_A || record->type == VLY_TYPE_AAAA)
			node->flags |= VLY_ZONE_ADDRESS;
		link = &record->next;
	}
	if (node->records == 0 && zone->node[node->parent].wildcard == idx)
		zone->node[node->parent].wildcard = VLY_ZONE_NONE;
}

void
vly_compile_steer_undo(struct vly_zone *zone, const struct vly_steer_model *model)
{
	const struct vly_steer_zone *steered = vly_compile_steer_zone(zone, model);
	struct vly_name wire;

	for (unsigned i = 0; steered && i < steered->name_cnt; i++) {
		if (!vly_rdata_scan_name(&wire, steered->name[i].wire, steered->name[i].len))
			continue;
		vly_name_hash(&wire, &zone->key);
		uint32_t idx = vly_zone_find(zone, &wire, 0);
		if (idx != VLY_ZONE_NONE && (zone->node[idx].flags & VLY_ZONE_STEERED))
			clear_node(zone, idx);
	}
}

int
vly_compile_steer_node(struct vly_zone *zone, uint32_t idx, const struct vly_steer_model *model,
		       const struct vly_steer_zone *steered)
{
	unsigned len;
	const uint8_t *wire = vly_zone_node_name(zone, idx, &len);
	const struct vly_steer_name *name = vly_steer_zone_find(steered, wire, len);

	if (!name || refusal(zone, idx, model, name))
		return 0;
	return mark_node(zone, idx, model, name);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "version.h"

#include "base/wire.h"
#include "resolve_parts.h"

/* Of the option. */
#define TYPE_SOA_SERIAL 0

#define OPTION_BYTES (VLY_OPTION_HEAD_BYTES + VLY_QUERY_VERSION_BYTES)

void
vly_version_ask(struct vly_query *query)
{
	if (query->asks & VLY_ASKS_VERSION)
		return;
	query->asks |= VLY_ASKS_VERSION;
	query->opt_bytes += OPTION_BYTES;
}

void
vly_version_drop(struct vly_query *query)
{
	if (!(query->asks & VLY_ASKS_VERSION))
		return;
	query->asks &= (uint8_t)~VLY_ASKS_VERSION;
	query->opt_bytes -= OPTION_BYTES;
}

/* The zone at this moment; or one of zeros. */
static struct vly_query_version
look(struct vly_query *query, const struct vly_table *table)
{
	struct vly_query_version version = {.table = table};

	version.slot = vly_resolve_find_zone(query, table, true);
	if (version.slot.part == NULL)
		return version;
	version.layers = vly_table_layers(version.slot.part);
	const struct vly_image *image = version.slot.part->image;
	const struct vly_image_zone *zone = &image->zone[version.slot.zone_idx];
	if (version.layers != NULL) {
		const struct vly_table_layer *newest = &version.layers->layer[0];
		zone = &newest->image->zone[newest->zone_idx];
	}
	if (zone->flags & VLY_IMAGE_UNREADY)
		return (struct vly_query_version){0};
	version.serial = zone->serial;
	version.label_cnt = zone->label_cnt;
	return version;
}

void
vly_version_find(struct vly_query *query, const struct vly_table *table)
{
	if (query->fate == VLY_QUERY_LOOKUP && table != NULL && table->part != NULL) {
		vly_name_hash(&query->name, &table->key);
		query->version = look(query, table);
		query->zone_label_idx = 0;
		if (query->version.slot.part != NULL)
			return;
	}
	vly_version_drop(query);
}

void
vly_version_confirm(struct vly_query *query)
{
	const uint8_t label_idx = query->zone_label_idx;
	const struct vly_query_version *before = &query->version;

	switch ((enum vly_query_fate)query->fate) {
	case VLY_QUERY_LOOKUP:
	case VLY_QUERY_OLDER:
	case VLY_QUERY_COMPOSE:
	case VLY_QUERY_PROVE:
	case VLY_QUERY_SIGNATURES:
		break;
	default:
		vly_version_drop(query);
		return;
	}
	const struct vly_query_version now = look(query, before->table);
	query->zone_label_idx = label_idx;
	if (now.slot.part != before->slot.part || now.slot.zone_idx != before->slot.zone_idx ||
	    now.layers != before->layers)
		vly_version_drop(query);
}

unsigned
vly_version_write(uint8_t *to, const struct vly_query *query)
{
	vly_put_be16(to, VLY_OPTION_VERSION);
	vly_put_be16(to + 2, VLY_QUERY_VERSION_BYTES);
	to[4] = query->version.label_cnt;
	to[5] = TYPE_SOA_SERIAL;
	vly_put_be16(to + 6, query->version.serial >> 16);
	vly_put_be16(to + 8, query->version.serial & 0xffff);
	return OPTION_BYTES;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_check_parts.h"

int
vly_image_check_gone(const struct vly_image_checker *checker, vly_image_ref ref,
		     const struct vly_image_node *node)
{
	if (!(checker->image->zone[node->zone].flags & VLY_IMAGE_OVERLAY))
		return vly_image_refuse(checker->error, "node %u: gone, but zone %u is no overlay",
					ref, node->zone);
	if (node->flags != VLY_NODE_GONE || node->type_cnt != 0 || node->other != 0 ||
	    node->wildcard != 0)
		return vly_image_refuse(checker->error, "node %u: gone, but has answers", ref);
	return 0;
}

int
vly_image_check_version(const struct vly_image_checker *checker, uint32_t idx)
{
	const struct vly_image_zone *zone = &checker->image->zone[idx];
	const bool is_overlay = zone->flags & VLY_IMAGE_OVERLAY;

	if (is_overlay != (zone->below != 0) || zone->below > zone->version ||
	    (is_overlay && zone->below == zone->version))
		return vly_image_refuse(
			checker->error, "zone %u: version %llu cannot lie upon version %llu", idx,
			(unsigned long long)zone->version, (unsigned long long)zone->below);
	if (is_overlay && vly_image_is_signed(zone) && zone->denial == 0)
		return vly_image_refuse(checker->error,
					"zone %u: an overlay of a signed zone without denial", idx);
	if ((zone->flags & VLY_IMAGE_PROVES_COVERS) && (is_overlay || !vly_image_is_signed(zone)))
		return vly_image_refuse(checker->error, "zone %u: %s cannot prove covers", idx,
					is_overlay ? "an overlay" : "an unsigned zone");
	return 0;
}

int
vly_image_check_soa_tail(const struct vly_image_checker *checker, uint32_t idx)
{
	const struct vly_image_zone *zone = &checker->image->zone[idx];
	const struct vly_image_answer *nodata = vly_image_at(checker->image->heap, zone->nodata);

	if (zone->version == 0)
		return 0;
	if (nodata->wire_len < VLY_SOA_TAIL_BYTES || nodata->nscount != 1 || nodata->ancount != 0 ||
	    nodata->arcount != 0)
		return vly_image_refuse(checker->error, "zone %u: its NODATA is not a SOA record",
					idx);
	return 0;
}

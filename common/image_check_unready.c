/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_check_parts.h"

int
vly_image_check_unready_node(const struct vly_image_checker *checker, vly_image_ref ref,
			     const struct vly_image_node *node)
{
	const struct vly_image_zone *zone = &checker->image->zone[node->zone];

	if (!(zone->flags & VLY_IMAGE_UNREADY))
		return 0;
	if (node->flags != (VLY_NODE_APEX | VLY_NODE_CUT) || node->type_cnt != 0 ||
	    node->wildcard != 0 || node->other != zone->nodata)
		return vly_image_refuse(checker->error,
					"node %u: has answers, but zone %u is without data", ref,
					node->zone);
	return 0;
}

int
vly_image_check_unready(const struct vly_image_checker *checker, uint32_t idx)
{
	const struct vly_image_zone *zone = &checker->image->zone[idx];
	const struct vly_image_answer *nodata = vly_image_at(checker->image->heap, zone->nodata);

	if (!(zone->flags & VLY_IMAGE_UNREADY))
		return 0;
	if (zone->flags != VLY_IMAGE_UNREADY || zone->nxdomain != zone->nodata ||
	    zone->signed_nodata != 0 || zone->version != 0 || zone->serial != 0 ||
	    !(nodata->flags & VLY_ANSWER_FAILS))
		return vly_image_refuse(checker->error,
					"zone %u: without data, but has answers or a version", idx);
	return 0;
}

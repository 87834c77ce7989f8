/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>

#include "secondary_parts.h"

/* The primary that is tried first. */
static const char *
server_of(const struct vly_secondary_zone *zone)
{
	return zone->feed->primary[vly_secondary_job_first(zone)]->name;
}

void
vly_secondary_unqueue(struct vly_secondary_zone *zone)
{
	if (zone->queue == VLY_QUEUE_NONE)
		return;
	vly_lanes_remove(&zone->secondaries->lanes[zone->queue], &zone->wait);
	zone->queue = VLY_QUEUE_NONE;
}

void
vly_secondary_enqueue(struct vly_secondary_zone *zone, enum vly_secondary_queue queue)
{
	struct vly_secondaries *secondaries = zone->secondaries;

	if (zone->job) {
		zone->is_again = true;
		return;
	}
	if (zone->queue == VLY_QUEUE_NONE) {
		if (!vly_lanes_push(&secondaries->lanes[queue], server_of(zone), &zone->wait)) {
			vly_secondary_failed(zone, "out of memory", false);
			return;
		}
		zone->queue = (uint8_t)queue;
	}
	vly_secondary_kick(secondaries);
}

/* Returns whether there was a zone to begin with. */
static bool
begin_next(struct vly_secondaries *secondaries, enum vly_secondary_queue queue)
{
	struct vly_lanes *lanes = &secondaries->lanes[queue];
	struct vly_lane_entry *entry = vly_lanes_pop(lanes);

	if (!entry)
		return false;
	struct vly_secondary_zone *zone =
		(struct vly_secondary_zone *)((char *)entry -
					      offsetof(struct vly_secondary_zone, wait));
	zone->queue = VLY_QUEUE_NONE;
	/* another primary may come first by now */
	if (vly_lanes_has_place(lanes, server_of(zone)))
		vly_secondary_job_begin(zone, queue);
	else
		vly_secondary_enqueue(zone, queue);
	return true;
}

static void
on_kick(uv_idle_t *kick)
{
	struct vly_secondaries *secondaries = kick->data;
	unsigned begun = 0;

	uv_idle_stop(kick);
	for (enum vly_secondary_queue queue = VLY_QUEUE_TRANSFER; queue > VLY_QUEUE_NONE; queue--)
		while (begun < VLY_SECONDARY_BEGIN_MAX && begin_next(secondaries, queue))
			begun++;
	if (begun == VLY_SECONDARY_BEGIN_MAX)
		vly_secondary_kick(secondaries);
}

void
vly_secondary_kick(struct vly_secondaries *secondaries)
{
	if (!secondaries->is_freed)
		uv_idle_start(&secondaries->kick, on_kick);
}

/* With more than one server, one of them has half of the places at most: if it is dead or slow, it does
 * not hold up the others. */
static void
set_places(struct vly_lanes *lanes, uint32_t max, unsigned server_cnt)
{
	lanes->place_max = max;
	lanes->share_max = server_cnt > 1 ? (max + 1) / 2 : max;
	vly_lanes_settle(lanes);
}

void
vly_secondary_set_places(struct vly_secondaries *secondaries, uint32_t transfer_max,
			 unsigned server_cnt)
{
	set_places(&secondaries->lanes[VLY_QUEUE_ASK], VLY_SECONDARY_ASK_MAX, server_cnt);
	set_places(&secondaries->lanes[VLY_QUEUE_TRANSFER], transfer_max, server_cnt);
	set_places(&secondaries->reviews, VLY_SECONDARY_REVIEW_MAX, server_cnt);
	vly_secondary_review_next(secondaries);
}

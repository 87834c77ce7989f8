/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which zones a full reload has to read: those whose files have changed, which the loader finds; and
 * all others whose image is not to stay, or that would be compiled in another way. */
#include <string.h>

#include "reload_parts.h"

/* An image of whose zones fewer than one in so many are answered from it is not to stay. Smaller: less
 * memory for zones that nobody is answered from. Larger: fewer files are read again. */
#define GARBAGE_PART 2

/* More images than this are made fewer by a full reload, which then reads the zones of the small ones.
 * Fewer: a full reload reads more files. More: names take longer to find, see VLY_IMAGE_SLICES. */
#define IMAGES_WANTED     256
#define SMALL_IMAGE_BYTES (UINT64_C(1) << 20)

static void
mark_removed(const struct vly_served_zones *live, const struct vly_served_zones *next)
{
	struct vly_served_zone *zone;

	for (uint32_t i = 0; (zone = vly_served_zones_next(live, &i)) != NULL; i++)
		if (zone->image && !vly_served_zones_find(next, zone->name))
			zone->image->is_stale = true;
}

static void
mark_garbage(const struct vly_served_zones *next)
{
	const struct vly_image_uses *uses = &next->uses;

	for (uint32_t i = 0; i < uses->cnt; i++) {
		struct vly_live_image *image = uses->use[i].image;
		bool is_small = uses->cnt > IMAGES_WANTED && image->bytes < SMALL_IMAGE_BYTES;
		if (is_small || uses->use[i].zone_cnt < image->zone_cnt / GARBAGE_PART)
			image->is_stale = true;
	}
}

void
vly_reload_keep(struct vly_reload *reload)
{
	const struct vly_served_zones *live = reload->reloader->live;
	const struct vly_served_zones *target = reload->target;
	uint32_t first = reload->is_full || reload->is_packing ? 0 : reload->zone_cnt;

	if (target != live && target->taken_cnt < live->zone_cnt)
		mark_removed(live, target);
	if ((reload->is_watched && !reload->is_full) || reload->member_batch)
		first = reload->neighbour_at;
	if ((!reload->is_full && first == reload->zone_cnt) || reload->alone || reload->is_forced ||
	    target->settings != reload->settings)
		return;
	if (reload->is_full)
		mark_garbage(target);
	for (uint32_t i = first; i < reload->zone_cnt; i++) {
		const struct vly_served_zone *zone = reload->zones[i];
		if (!zone->image || zone->error)
			continue;
		reload->items[i].held = &zone->info;
		reload->items[i].held_includes = zone->includes;
		if (zone->image->is_stale || reload->is_packing)
			reload->items[i].copy_from = zone->image;
	}
}

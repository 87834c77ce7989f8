/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones that are members of catalogs: which come, go or are loaded again. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "living/living_load.h"
#include "reload_parts.h"

void
vly_reloader_set_member_source(struct vly_reloader *reloader,
			       const struct vly_member_source *source)
{
	reloader->members = *source;
}

void
vly_reloader_change_members(struct vly_reloader *reloader, struct vly_member_batch *batch)
{
	reloader->member_batch = batch;
	vly_reloader_kick(reloader);
}

/* Gives a member the settings of `zone`. Returns 0, or -1 without memory. */
static int
set_member(struct vly_served_zone *member, const struct vly_config_zone *zone)
{
	const char *file = zone->file ? zone->file : "";

	if (strcmp(member->file, file) != 0 && vly_served_zones_move(member, file) != 0)
		return -1;
	member->is_member = true;
	member->is_living = vly_config_is_living(zone);
	member->policy = (uint8_t)vly_config_serial(zone);
	return 0;
}

/* For a walk of the source. */
struct applying {
	struct vly_served_zones *target;
	const struct vly_served_zones *live;
	bool loses; /* a zone that is live */
};

static void
apply(void *arg, const struct vly_config_zone *zone)
{
	struct applying *applying = arg;

	if (vly_served_zones_find(applying->target, zone->name))
		return;
	struct vly_served_zone *member =
		vly_served_zones_add(applying->target, zone->name, zone->file ? zone->file : "");
	if (!member || set_member(member, zone) != 0) {
		vly_log_error("member zone %s is not served: out of memory", zone->name);
		applying->loses |= vly_served_zones_find(applying->live, zone->name) != NULL;
	} else if (applying->target != applying->live)
		vly_served_zones_take(applying->target, member, applying->live);
}

int
vly_reload_apply_members(struct vly_reload *reload, struct vly_served_zones *target)
{
	struct vly_reloader *reloader = reload->reloader;
	struct applying applying = {target, reloader->live, false};

	if (reloader->members.walk)
		reloader->members.walk(reloader->members.arg, target->config, apply, &applying);
	return applying.loses && target != reloader->live ? -1 : 0;
}

static void
put(struct vly_reload *reload, struct vly_member_change *change)
{
	struct vly_served_zones *live = reload->target;
	const struct vly_config_zone *zone = change->zone;
	struct vly_served_zone *member = vly_served_zones_find(live, zone->name);

	change->result = VLY_MEMBER_CLASH;
	if (member && (!member->is_member || member->is_leaving))
		return;
	change->result = VLY_MEMBER_FAILED;
	if (!member)
		member = vly_served_zones_add(live, zone->name, zone->file ? zone->file : "");
	if (!member || set_member(member, zone) != 0)
		return;
	change->result = VLY_MEMBER_DONE;
	vly_reload_choose_zone(reload, member);
}

static void
drop(struct vly_reload *reload, struct vly_member_change *change)
{
	struct vly_served_zone *member = vly_served_zones_find(reload->target, change->zone->name);

	change->result = VLY_MEMBER_DONE;
	if (!member || !member->is_member)
		return;
	if (!member->is_adopted)
		vly_reload_remove_zone(reload->target, member);
	else
		vly_served_zones_stage_removal(reload->target, member);
}

void
vly_reload_choose_members(struct vly_reload *reload)
{
	struct vly_served_zones *live = reload->reloader->live;
	struct vly_member_batch *batch = reload->member_batch;

	reload->target = live;
	/* neighbours of removed zones, too, follow */
	reload->zones =
		calloc((size_t)live->zone_cnt + batch->cnt + 1, sizeof(struct vly_served_zone *));
	for (uint32_t i = 0; i < batch->cnt; i++)
		batch->change[i].result = VLY_MEMBER_FAILED;
	if (!reload->zones)
		return;
	vly_reload_begin_choosing();
	for (uint32_t i = 0; i < batch->cnt; i++)
		if (batch->change[i].action == VLY_MEMBER_PUT)
			put(reload, &batch->change[i]);
		else
			drop(reload, &batch->change[i]);
	reload->neighbour_at = reload->zone_cnt;
	vly_reload_choose_neighbours(reload);
}

bool
vly_reload_drop_living_members(struct vly_reload *reload, void (*done)(void *arg), void *arg)
{
	const struct vly_member_batch *batch = reload->member_batch;
	struct vly_living *living = reload->reloader->living;
	struct vly_living_state state;
	bool removed = false;

	for (uint32_t i = 0; i < batch->cnt; i++) {
		const char *name = batch->change[i].zone->name;
		const struct vly_served_zone *zone =
			vly_served_zones_find(reload->reloader->live, name);
		if ((zone && zone->is_adopted) || !vly_living_find(living, name, &state))
			continue;
		vly_living_remove(living, name);
		removed = true;
	}
	if (removed)
		vly_living_end_removal(living, done, arg);
	return removed;
}

void
vly_reload_end_members(struct vly_reload *reload)
{
	const struct vly_served_zones *live = reload->reloader->live;
	struct vly_member_batch *batch = reload->member_batch;
	const struct vly_served_zone *zone;

	if (!batch)
		return;
	for (uint32_t i = 0; i < batch->cnt; i++) {
		struct vly_member_change *change = &batch->change[i];
		if (change->action != VLY_MEMBER_REMOVE)
			continue;
		zone = vly_served_zones_find(live, change->zone->name);
		change->result = zone && zone->is_member ? VLY_MEMBER_FAILED : VLY_MEMBER_DONE;
	}
	reload->member_batch = NULL;
	batch->done(batch->arg);
}

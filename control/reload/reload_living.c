/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "common/log.h"
#include "living/living_load.h"
#include "reload_parts.h"

/* Only what comes from primaries expires: a zone with a file is good whatever a primary said before. */
static bool
has_expired(const struct vly_reloader *reloader, const struct vly_served_zone *zone)
{
	return zone->is_living && !zone->file[0] && reloader->is_expired &&
	       reloader->is_expired(reloader->is_expired_arg, zone->name);
}

void
vly_reload_prepare_living(struct vly_reload *reload)
{
	for (uint32_t i = 0; i < reload->zone_cnt; i++) {
		const struct vly_served_zone *zone = reload->zones[i];
		struct vly_load_item *item = &reload->items[i];
		item->is_living = zone->is_living;
		item->is_adopted = zone->is_living && zone->is_adopted;
		item->policy = zone->policy;
		item->is_expired = has_expired(reload->reloader, zone);
		if (zone->is_living || zone->is_adopted)
			item->copy_from = NULL;
		if (item->is_adopted)
			item->held = &zone->info; /* whatever the settings */
		else if (item->is_living || zone->is_adopted)
			item->held = NULL; /* from file to store, or back */
	}
}

static void read_next(struct vly_reload *reload);

static void
on_reread(void *arg, const char *error, const struct vly_file_stamp *stamp)
{
	struct vly_reload *reload = arg;
	struct vly_served_zone *zone = reload->zones[reload->reread_at++];

	vly_served_zones_set_error(reload->target, zone, error);
	if (!error)
		zone->info.stamp = *stamp;
	read_next(reload);
}

static bool
wants_reading(const struct vly_load_item *item)
{
	return item->is_adopted && !item->is_unchanged && item->stamp.inode != 0;
}

/* How the next file is checked. */
static struct vly_dnssec_settings
dnssec_settings(const struct vly_reload *reload)
{
	const uint64_t seed = uv_hrtime();

	return (struct vly_dnssec_settings){
		.now_s = (uint64_t)time(NULL),
		.seed = seed,
		.verify = (uint8_t)vly_config_verify(reload->target->config),
		.sample_max = vly_dnssec_sample(seed, reload->reread_at, reload->zone_cnt),
		.thread_max = 1,
	};
}

/* One file at a time: each is a batch of its own, and waits for the dataplane. */
static void
read_next(struct vly_reload *reload)
{
	while (reload->reread_at < reload->zone_cnt &&
	       !wants_reading(&reload->items[reload->reread_at]))
		reload->reread_at++;
	if (reload->reread_at == reload->zone_cnt) {
		reload->on_reread(reload);
		return;
	}
	const struct vly_load_item *item = &reload->items[reload->reread_at];
	const struct vly_living_source source = {
		.name = item->name,
		.file = item->file,
		.stamp = item->stamp,
		.policy = item->policy,
		.dnssec = dnssec_settings(reload),
	};
	uint8_t severity[VLY_ZONE_CHECK_CNT];
	vly_config_severities(reload->target->config, severity);
	vly_living_reread(reload->reloader->living, &source, severity, on_reread, reload);
}

void
vly_reload_reread(struct vly_reload *reload, void (*done)(struct vly_reload *reload))
{
	reload->reread_at = 0;
	reload->on_reread = done;
	read_next(reload);
}

void
vly_reload_settle_living(struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;
	struct vly_served_zones *served = reload->target;

	for (uint32_t i = 0; i < reload->zone_cnt; i++) {
		struct vly_served_zone *zone = reload->zones[i];
		if (!zone->is_living || !zone->image)
			continue;
		vly_living_set_policy(reloader->living, zone->name, zone->policy);
		if (zone->is_adopted)
			continue;
		if (vly_living_adopt(reloader->living, zone->name, zone->image, &zone->info,
				     zone->policy) == 0)
			vly_served_zones_hand_over(served, zone);
		else
			vly_log_error(
				"zone %s can't be changed until the next reload: out of memory",
				zone->name);
	}
	vly_living_configure(reloader->living, served->config, served->steer);
	struct vly_image_list *list = vly_served_zones_images(served);
	if (list)
		vly_publish_turns_settle(reloader->turns, list);
}

static bool
is_kept(void *arg, const char *name)
{
	const struct vly_reload *reload = arg;
	const struct vly_served_zone *zone = vly_served_zones_find(reload->reloader->live, name);

	return zone && zone->is_adopted;
}

static bool
is_served(void *arg, const char *name)
{
	const struct vly_reload *reload = arg;
	const struct vly_served_zone *zone = vly_served_zones_find(reload->reloader->live, name);

	return zone && zone->image;
}

static void
on_dropped(void *arg)
{
	struct vly_reload *reload = arg;

	reload->remnant_cnt += vly_living_remnants(reload->reloader->living, is_served, reload);
	reload->on_dropped(reload);
}

void
vly_reload_drop_living(struct vly_reload *reload, void (*done)(struct vly_reload *reload))
{
	reload->on_dropped = done;
	if (reload->member_batch) {
		if (!vly_reload_drop_living_members(reload, on_dropped, reload))
			done(reload);
		return;
	}
	if (!reload->is_full ||
	    !vly_living_retain(reload->reloader->living, is_kept, on_dropped, reload))
		done(reload);
}

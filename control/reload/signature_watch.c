/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signature_watch.h"

#include <inttypes.h>
#include <time.h>

#include "common/log.h"

/* As long before the end, a person has to look. */
#define URGENT_S 86400

/* Zones that one watch names in the log; see LOGGED_ZONES_MAX in reload_end.c. */
#define LOGGED_ZONES_MAX 100

enum vly_signature_level
vly_signature_level(const struct vly_zone_info *info, uint64_t now_s)
{
	if (info->expiry_s == 0)
		return VLY_SIGNATURES_NONE;
	if (info->expiry_s < now_s)
		return VLY_SIGNATURES_EXPIRED;
	const uint64_t left_s = info->expiry_s - now_s;
	if (left_s <= URGENT_S)
		return VLY_SIGNATURES_URGENT;
	return left_s <= info->margin_s ? VLY_SIGNATURES_SOON : VLY_SIGNATURES_GOOD;
}

/* When a zone rises to another level. */
static uint64_t
next_change(const struct vly_zone_info *info, uint64_t now_s)
{
	const uint64_t steps[] = {
		info->expiry_s > info->margin_s ? info->expiry_s - info->margin_s : 0,
		info->expiry_s > URGENT_S ? info->expiry_s - URGENT_S : 0,
		info->expiry_s + 1,
	};
	uint64_t next_s = UINT64_MAX;

	if (info->expiry_s == 0)
		return UINT64_MAX;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i] > now_s && steps[i] < next_s)
			next_s = steps[i];
	return next_s;
}

void
vly_signature_summarize(const struct vly_served_zones *served, uint64_t now_s,
			struct vly_signature_summary *summary)
{
	*summary = (struct vly_signature_summary){0};
	summary->signed_cnt = served->signed_cnt;
	for (const struct vly_served_zone *zone = served->signed_any; zone != NULL;
	     zone = zone->signed_next) {
		enum vly_signature_level level = vly_signature_level(&zone->info, now_s);
		summary->soon_cnt += level == VLY_SIGNATURES_SOON || level == VLY_SIGNATURES_URGENT;
		summary->expired_cnt += level == VLY_SIGNATURES_EXPIRED;
		if (summary->first == NULL || zone->info.expiry_s < summary->first->info.expiry_s)
			summary->first = zone;
	}
}

static void
log_level(const struct vly_served_zone *zone, enum vly_signature_level level)
{
	time_t when = (time_t)zone->info.expiry_s;
	char date[32] = "a date out of range";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	if (level == VLY_SIGNATURES_EXPIRED)
		vly_log_error("zone %s: signatures expired on %s: validating resolvers refuse its "
			      "answers; sign the zone again, and reload it",
			      zone->name, date);
	else if (level == VLY_SIGNATURES_URGENT)
		vly_log_warning("zone %s: signatures expire on %s, within a day: sign the zone "
				"again, and reload it",
				zone->name, date);
	else
		vly_log_warning("zone %s: signatures expire on %s, in less than SOA expire and the "
				"largest TTL (%" PRIu64 " s): other servers and caches may keep "
				"them longer than they are valid",
				zone->name, date, zone->info.margin_s);
}

/* One walk over zones. */
struct watch {
	uint64_t now_s;
	uint64_t next_s;
	uint32_t cnt; /* of zones that have risen */
};

static void
watch_zone(struct watch *watch, struct vly_served_zone *zone)
{
	enum vly_signature_level level = vly_signature_level(&zone->info, watch->now_s);
	const uint64_t next_s = next_change(&zone->info, watch->now_s);

	if (zone->image == NULL)
		return;
	if (level >= VLY_SIGNATURES_SOON && level > zone->signature_level &&
	    ++watch->cnt <= LOGGED_ZONES_MAX)
		log_level(zone, level);
	zone->signature_level = (uint8_t)level;
	watch->next_s = next_s < watch->next_s ? next_s : watch->next_s;
}

static uint64_t
end_watch(const struct watch *watch)
{
	if (watch->cnt > LOGGED_ZONES_MAX)
		vly_log_warning("signatures of %" PRIu32 " more zones expire soon or have expired; "
				"to list them: volleyctl zones",
				watch->cnt - LOGGED_ZONES_MAX);
	return watch->next_s;
}

uint64_t
vly_signature_watch(struct vly_served_zones *served, uint64_t now_s)
{
	struct watch watch = {.now_s = now_s, .next_s = UINT64_MAX};

	for (struct vly_served_zone *zone = served->signed_any; zone != NULL;
	     zone = zone->signed_next)
		watch_zone(&watch, zone);
	return end_watch(&watch);
}

uint64_t
vly_signature_watch_zones(struct vly_served_zone *const *zones, uint32_t cnt, uint64_t now_s)
{
	struct watch watch = {.now_s = now_s, .next_s = UINT64_MAX};

	for (uint32_t i = 0; i < cnt; i++)
		watch_zone(&watch, zones[i]);
	return end_watch(&watch);
}

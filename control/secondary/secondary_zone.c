/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "secondary_parts.h"

/* Lines about failures are logged when the reason changes, and not for each attempt. */
void
vly_secondary_set_why(struct vly_secondary_zone *zone, const char *why)
{
	if (!why && !zone->why)
		return;
	if (why && zone->why && strcmp(why, zone->why) == 0)
		return;
	free(zone->why);
	zone->why = why ? strdup(why) : NULL;
	if (why && vly_secondary_may_log(zone->secondaries, VLY_SECONDARY_LINE_WHY))
		vly_log_warning("zone %s: %s", zone->name, why);
}

static struct vly_secondary_peer *
peer(struct vly_secondary_zone *zone, unsigned primary)
{
	if (!zone->peer) {
		const unsigned cnt = zone->feed->primary_cnt < VLY_SECONDARY_PRIMARIES_MAX
					     ? zone->feed->primary_cnt
					     : VLY_SECONDARY_PRIMARIES_MAX;
		zone->peer = calloc(cnt + 1, sizeof(*zone->peer));
		zone->peer_cnt = zone->peer ? (uint8_t)cnt : 0;
	}
	return primary < zone->peer_cnt ? &zone->peer[primary] : NULL;
}

void
vly_secondary_said(struct vly_secondary_zone *zone, unsigned primary, uint32_t serial)
{
	struct vly_secondary_peer *entry = peer(zone, primary);

	if (!entry)
		return;
	entry->said = (struct vly_secondary_mark){serial, vly_secondary_now_s()};
	entry->failure_cnt = 0;
	free(entry->why);
	entry->why = NULL;
	vly_secondary_count(zone);
}

void
vly_secondary_blame(struct vly_secondary_zone *zone, unsigned primary, const char *why)
{
	struct vly_secondary_peer *entry = peer(zone, primary);

	if (!entry)
		return;
	entry->failure_cnt++;
	free(entry->why);
	entry->why = strdup(why);
}

struct renewal {
	struct vly_living_request request;
	struct vly_living *living;
	char zone[];
};

static void
on_renewed(void *arg, const struct vly_living_result *result)
{
	struct renewal *renewal = arg;

	if (result->code == VLY_LIVING_FAILED)
		vly_living_renew_later(renewal->living, renewal->zone, result->text);
	free(renewal);
}

void
vly_secondary_renew(struct vly_secondaries *secondaries, const char *name)
{
	struct renewal *renewal = calloc(1, sizeof(*renewal) + strlen(name) + 1);

	if (!renewal)
		return;
	memcpy(renewal->zone, name, strlen(name) + 1);
	renewal->living = secondaries->settings.living;
	renewal->request.zone = renewal->zone;
	renewal->request.who = "";
	renewal->request.done = on_renewed;
	renewal->request.arg = renewal;
	vly_living_renew(renewal->living, &renewal->request);
}

void
vly_secondary_set_expired(struct vly_secondary_zone *zone, bool is_expired)
{
	vly_living_set_expired(zone->secondaries->settings.living, zone->name, is_expired);
	vly_secondary_renew(zone->secondaries, zone->name);
}

void
vly_secondary_contact(struct vly_secondary_zone *zone, const struct vly_transfer_soa *soa)
{
	struct vly_secondaries *secondaries = zone->secondaries;
	const struct vly_config_times *times = &zone->feed->times;
	const uint64_t now = uv_now(secondaries->loop);
	const uint64_t expire_ms = vly_schedule_expire_ms(times, soa);
	const uint64_t now_s = vly_secondary_now_s();
	const struct vly_contact contact = {now_s, now_s + expire_ms / 1000, *soa};

	zone->soa = *soa;
	zone->has_soa = true;
	zone->contact_s = contact.time_s;
	zone->failure_cnt = zone->soon_cnt = 0;
	vly_contacts_note(secondaries->contacts, zone->name, &contact);
	zone->expires_ms = now + expire_ms;
	zone->next_ms =
		now + vly_schedule_refresh_ms(times, soa, vly_secondary_random(secondaries));
	if (zone->is_expired) {
		zone->is_expired = false;
		vly_secondary_count(zone);
		vly_log_info("zone %s: a primary confirms serial %" PRIu32 ": it is answered again",
			     zone->name, soa->serial);
		vly_secondary_set_expired(zone, false);
	}
	vly_secondary_set_timer(zone);
}

void
vly_secondary_keep(struct vly_secondary_zone *zone, const struct vly_transfer_soa *soa)
{
	if (zone->is_loaded && zone->has_soa) {
		const struct vly_transfer_soa ours = zone->soa;
		vly_secondary_contact(zone, &ours);
		return;
	}
	zone->next_ms = uv_now(zone->secondaries->loop) +
			vly_schedule_refresh_ms(&zone->feed->times, soa,
						vly_secondary_random(zone->secondaries));
	vly_secondary_set_timer(zone);
}

void
vly_secondary_failed(struct vly_secondary_zone *zone, const char *why, bool is_soon)
{
	struct vly_secondaries *secondaries = zone->secondaries;

	zone->failure_cnt++;
	secondaries->counts.failed_cnt++;
	vly_secondary_set_why(zone, why);
	const struct vly_transfer_soa *soa = zone->is_loaded && zone->has_soa ? &zone->soa : NULL;
	const struct vly_config_times *times = &zone->feed->times;
	const uint32_t random = vly_secondary_random(secondaries);
	if (is_soon && zone->soon_cnt < UINT8_MAX)
		zone->soon_cnt++;
	zone->next_ms = uv_now(secondaries->loop) +
			(is_soon ? vly_schedule_soon_ms(times, soa, zone->soon_cnt, random)
				 : vly_schedule_retry_ms(times, soa, zone->failure_cnt, random));
	vly_secondary_set_timer(zone);
}

void
vly_secondary_expire(struct vly_secondary_zone *zone)
{
	if (zone->is_expired || !zone->is_loaded || zone->expires_ms == 0 ||
	    zone->expires_ms > uv_now(zone->secondaries->loop))
		return;
	zone->is_expired = true;
	vly_secondary_count(zone);
	if (vly_secondary_may_log(zone->secondaries, VLY_SECONDARY_LINE_EXPIRED))
		vly_log_error("zone %s has expired: no primary has confirmed serial %" PRIu32
			      " for the expire time of its SOA; it is answered with SERVFAIL until "
			      "one does",
			      zone->name, zone->answered.serial);
	vly_secondary_set_expired(zone, true);
}

/* The expire time of a version that no primary has confirmed begins now, and goes on over restarts. Its SOA is
 * in the store, which is not read for that: the times are those of the version before, or usual ones, with
 * the longest time to expire that the configuration permits. */
static struct vly_contact
make_contact(const struct vly_secondary_zone *zone, const struct vly_contact *before,
	     uint32_t serial, uint64_t now_s)
{
	struct vly_contact contact = {
		.time_s = now_s,
		.soa = {.refresh = 3600, .retry = 600, .expire = UINT32_MAX},
	};

	if (before)
		contact.soa = before->soa;
	contact.soa.serial = serial;
	contact.expires_s = now_s + vly_schedule_expire_ms(&zone->feed->times, &contact.soa) / 1000;
	vly_contacts_note(zone->secondaries->contacts, zone->name, &contact);
	return contact;
}

/* A zone that the store has, after a restart, or as it was a file's before. */
static void
begin_loaded(struct vly_secondary_zone *zone, uint32_t serial, uint64_t now)
{
	const uint64_t now_s = vly_secondary_now_s();
	struct vly_contact contact;

	zone->is_loaded = true;
	zone->committed = zone->answered = (struct vly_secondary_mark){serial, now_s};
	vly_secondary_count(zone);
	const bool has_contact =
		vly_contacts_find(zone->secondaries->contacts, zone->name, &contact);
	/* it was loaded so: vly_secondaries_has_expired() */
	const bool had_expired = has_contact && contact.expires_s <= now_s;
	if (!has_contact || contact.soa.serial != serial)
		contact = make_contact(zone, has_contact ? &contact : NULL, serial, now_s);
	const uint64_t age = vly_schedule_age_ms(contact.time_s, now_s);
	const uint64_t expire = vly_schedule_expire_ms(&zone->feed->times, &contact.soa);
	zone->soa = contact.soa;
	zone->has_soa = true;
	zone->contact_s = contact.time_s;
	zone->committed.time_s = zone->answered.time_s = contact.time_s;
	zone->expires_ms = now + (expire > age ? expire - age : 0);
	vly_secondary_expire(zone);
	if (had_expired && !zone->is_expired) /* its bounds have changed since */
		vly_secondary_set_expired(zone, false);
}

bool
vly_secondaries_has_expired(const struct vly_secondaries *secondaries, const char *name)
{
	const struct vly_secondary_zone *zone = vly_secondary_find(secondaries, name);
	struct vly_contact contact;

	if (zone)
		return zone->is_expired;
	return vly_contacts_find(secondaries->contacts, name, &contact) &&
	       contact.expires_s <= vly_secondary_now_s();
}

void
vly_secondary_begin(struct vly_secondary_zone *zone)
{
	struct vly_secondaries *secondaries = zone->secondaries;
	const uint64_t now = uv_now(secondaries->loop);
	struct vly_living_state state;

	if (vly_living_find(secondaries->settings.living, zone->name, &state) &&
	    state.record_cnt > 0)
		begin_loaded(zone, state.serial, now);
	/* spread, so that a million zones do not come at once; those without data can't wait */
	const uint64_t spread = !zone->is_loaded
					? 0
					: HASH_COUNT(secondaries->by_name) * UINT64_C(1000) /
						  VLY_SECONDARY_START_RATE;
	zone->next_ms = now + (spread * (vly_secondary_random(secondaries) >> 16) >> 16);
}

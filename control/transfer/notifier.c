/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/note_file.h"
#include "common/log.h"
#include "config/config.h"
#include "notifier_parts.h"
#include "session/profiles.h"

/* How often it is looked whether a dataplane serves the zones. */
#define SERVED_LOOK_MS 500

static void look(uv_timer_t *timer);

void
vly_notifier_set_timer(struct vly_notifier *notifier)
{
	const struct vly_timer *first = vly_timer_first(&notifier->timers);
	const uint64_t now = uv_now(notifier->settings.loop);
	uint64_t wait_ms = UINT64_MAX;

	if (first != NULL)
		wait_ms = first->due_ms > now ? first->due_ms - now : 0;
	if (notifier->unread != NULL && wait_ms > SERVED_LOOK_MS)
		wait_ms = SERVED_LOOK_MS;
	if (wait_ms != UINT64_MAX)
		uv_timer_start(notifier->timer, look, wait_ms, 0);
}

void
vly_notify_zone_schedule(struct vly_notify_zone *zone, uint64_t due_ms)
{
	struct vly_notifier *notifier = zone->notifier;

	if (zone->timer.place != 0 && zone->timer.due_ms <= due_ms)
		return;
	vly_timer_set(&notifier->timers, &zone->timer, due_ms);
	if (vly_timer_first(&notifier->timers) == &zone->timer)
		vly_notifier_set_timer(notifier);
}

const struct vly_config_feed *
vly_notify_zone_feed(const struct vly_notifier *notifier, const char *name)
{
	const struct vly_config_zone *zone =
		notifier->rules != NULL ? vly_zone_rules_find(notifier->rules, name) : NULL;

	if (zone == NULL || zone->feed == NULL)
		return NULL;
	return zone->feed->target_cnt > 0 || zone->feed->notifies_ns ? zone->feed : NULL;
}

static void
drop_targets(struct vly_notify_zone *zone)
{
	struct vly_notify_target *next;

	for (struct vly_notify_target *target = zone->target; target != NULL; target = next) {
		next = target->next;
		vly_notify_target_free(target);
	}
	zone->target = NULL;
}

static void
free_zone(struct vly_notify_zone *zone)
{
	HASH_DEL(zone->notifier->zones, zone);
	vly_notify_zone_stop_waiting(zone);
	vly_timer_clear(&zone->notifier->timers, &zone->timer);
	drop_targets(zone);
	if (zone->read != NULL)
		zone->read->zone = NULL;
	free(zone->soa);
	free(zone->name);
	free(zone);
}

void
vly_notifier_release(struct vly_notifier *notifier)
{
	if (notifier->timer != NULL || notifier->read_cnt > 0)
		return;
	vly_timer_heap_free(&notifier->timers);
	free(notifier->own);
	free(notifier);
}

static bool
has_to_send(const struct vly_notify_target *target)
{
	return target->is_wanted && target->peer == NULL;
}

void
vly_notify_zone_send(struct vly_notify_zone *zone)
{
	const uint64_t now = uv_now(zone->notifier->settings.loop);

	for (struct vly_notify_target *target = zone->target; target != NULL;
	     target = target->next) {
		if (has_to_send(target) && target->next_ms <= now)
			vly_notify_target_send(target);
		if (has_to_send(target))
			vly_notify_zone_schedule(zone, target->next_ms);
	}
}

void
vly_notify_zone_step(struct vly_notify_zone *zone)
{
	const struct vly_config_feed *feed = vly_notify_zone_feed(zone->notifier, zone->name);

	if (feed == NULL) {
		vly_note_file_forget(zone->notifier->kept, zone->name);
		free_zone(zone);
		return;
	}
	vly_notify_zone_renew(zone, feed);
	vly_notify_zone_send(zone);
}

static void
look(uv_timer_t *timer)
{
	struct vly_notifier *notifier = timer->data;
	const uint64_t now = uv_now(notifier->settings.loop);
	const struct vly_timer *first;

	/* each zone at most once: it is not set for a time that has come */
	while ((first = vly_timer_first(&notifier->timers)) != NULL && first->due_ms <= now) {
		struct vly_notify_zone *zone = (struct vly_notify_zone *)(uintptr_t)first;
		vly_timer_clear(&notifier->timers, &zone->timer);
		vly_notify_zone_step(zone);
	}
	vly_notifier_read_unread(notifier);
	vly_notifier_set_timer(notifier);
}

static struct vly_notify_zone *
find_zone(struct vly_notifier *notifier, const char *name)
{
	struct vly_notify_zone *zone;
	struct vly_notify_zone *found;

	HASH_FIND_STR(notifier->zones, name, zone);
	if (zone != NULL)
		return zone;
	if (!vly_timer_reserve(&notifier->timers, HASH_COUNT(notifier->zones) + 1))
		return NULL;
	zone = calloc(1, sizeof(*zone));
	if (zone == NULL || (zone->name = strdup(name)) == NULL) {
		free(zone);
		return NULL;
	}
	zone->notifier = notifier;
	HASH_ADD_KEYPTR(hh, notifier->zones, zone->name, strlen(zone->name), zone);
	HASH_FIND_STR(notifier->zones, name, found);
	if (found != NULL)
		return zone;
	free(zone->name);
	free(zone);
	return NULL;
}

bool
vly_notifier_changed(struct vly_notifier *notifier, const char *name, uint32_t serial)
{
	const struct vly_config_feed *feed = vly_notify_zone_feed(notifier, name);
	struct vly_notify_zone *zone = feed != NULL ? find_zone(notifier, name) : NULL;

	if (zone == NULL)
		return false;
	zone->serial = serial;
	zone->is_stale = true;
	vly_notify_kept_begin(zone);
	vly_notify_zone_renew(zone, feed);
	return true;
}

void
vly_notifier_forget(struct vly_notifier *notifier, const char *name)
{
	struct vly_notify_zone *zone;

	HASH_FIND_STR(notifier->zones, name, zone);
	if (zone != NULL)
		free_zone(zone);
	vly_note_file_forget(notifier->kept, name);
}

static bool
read_address(const struct sockaddr *from, uint8_t to[16])
{
	if (from != NULL && from->sa_family == AF_INET) {
		memcpy(to, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(to + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		return true;
	}
	if (from == NULL || from->sa_family != AF_INET6)
		return false;
	memcpy(to, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
	return true;
}

/* A name server with one of these is ourselves. */
static void
find_own(struct vly_notifier *notifier)
{
	struct ifaddrs *list;
	unsigned cnt = 0;

	free(notifier->own);
	notifier->own = NULL;
	notifier->own_cnt = 0;
	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
		cnt++;
	notifier->own = calloc(cnt, sizeof(*notifier->own));
	for (const struct ifaddrs *at = list; notifier->own != NULL && at != NULL;
	     at = at->ifa_next)
		if (read_address(at->ifa_addr, notifier->own[notifier->own_cnt]))
			notifier->own_cnt++;
	freeifaddrs(list);
}

/* Whether something of it is under way, or to be done. */
static bool
is_busy(const struct vly_notify_zone *zone)
{
	if (zone->is_stale || zone->read != NULL)
		return true;
	for (const struct vly_notify_target *target = zone->target; target != NULL;
	     target = target->next)
		if (target->is_wanted || target->peer != NULL)
			return true;
	return false;
}

void
vly_notifier_configure(struct vly_notifier *notifier, const struct vly_zone_rules *rules,
		       struct vly_profiles *profiles)
{
	const uint64_t now = uv_now(notifier->settings.loop);

	notifier->rules = rules;
	vly_profiles_release(notifier->profiles);
	notifier->profiles = vly_profiles_hold(profiles);
	find_own(notifier);
	for (struct vly_notify_zone *zone = notifier->zones; zone != NULL; zone = zone->hh.next) {
		if (is_busy(zone)) {
			drop_targets(zone);
			zone->is_stale = true;
			zone->next_ms = 0;
		}
		/* the remotes of the configuration before are gone */
		for (struct vly_notify_target *target = zone->target; target != NULL;
		     target = target->next)
			target->remote = NULL;
		/* the loop frees those that are not notified any more */
		vly_notify_zone_schedule(zone, now);
	}
}

void
vly_notifier_walk(const struct vly_notifier *notifier, const char *name,
		  bool (*fn)(void *arg, const struct vly_notify_state *state), void *arg)
{
	struct vly_notify_zone *zone;

	HASH_FIND_STR(notifier->zones, name, zone);
	for (const struct vly_notify_target *target = zone != NULL ? zone->target : NULL;
	     target != NULL; target = target->next) {
		struct vly_notify_state state = {
			.remote = target->label,
			.progress = target->progress,
			.serial = target->serial,
			.rcode = target->rcode,
			.try_cnt = target->try_cnt,
			.time_s = target->time_s,
			.problem = target->problem != NULL ? target->problem : "",
		};
		vly_notify_target_address(target, target->address_idx, state.address, &state.port);
		if (!fn(arg, &state))
			return;
	}
}

struct vly_notifier *
vly_notifier_new(const struct vly_transfers_settings *settings)
{
	struct vly_notifier *notifier = calloc(1, sizeof(*notifier));

	if (notifier == NULL)
		return NULL;
	notifier->timer = calloc(1, sizeof(*notifier->timer));
	notifier->kept = notifier->timer != NULL ? vly_notify_kept_open(settings) : NULL;
	if (notifier->kept == NULL) {
		free(notifier->timer);
		free(notifier);
		return NULL;
	}
	notifier->repeats = vly_notify_kept_is_complete(notifier);
	notifier->settings = *settings;
	notifier->unread_end = &notifier->unread;
	uv_timer_init(settings->loop, notifier->timer);
	notifier->timer->data = notifier;
	return notifier;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct vly_notifier *notifier = handle->data;

	free(notifier->timer);
	notifier->timer = NULL;
	vly_notifier_release(notifier);
}

void
vly_notifier_free(struct vly_notifier *notifier)
{
	struct vly_notify_zone *zone, *next;

	if (notifier == NULL)
		return;
	notifier->is_freed = true;
	HASH_ITER(hh, notifier->zones, zone, next)
	free_zone(zone);
	vly_notify_peers_free(notifier);
	vly_profiles_release(notifier->profiles);
	vly_note_file_close(notifier->kept);
	uv_close((uv_handle_t *)notifier->timer, on_timer_closed);
}

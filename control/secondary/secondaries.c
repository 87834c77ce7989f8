/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "common/log.h"
#include "secondary_parts.h"
#include "session/profiles.h"

uint64_t
vly_secondary_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec;
}

uint32_t
vly_secondary_random(struct vly_secondaries *secondaries)
{
	uint32_t x = secondaries->random; /* xorshift: it only spreads timers */

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return secondaries->random = x;
}

struct vly_secondary_zone *
vly_secondary_find(const struct vly_secondaries *secondaries, const char *name)
{
	struct vly_secondary_zone *zone;

	HASH_FIND_STR(secondaries->by_name, name, zone);
	return zone;
}

/* Timers. */

static void on_timer(uv_timer_t *timer);

static void
start_timer(struct vly_secondaries *secondaries)
{
	const struct vly_timer *first = vly_timer_first(&secondaries->heap);
	const uint64_t now = uv_now(secondaries->loop);

	if (secondaries->is_freed)
		return;
	if (!first)
		uv_timer_stop(&secondaries->timer);
	else if (!uv_is_active((uv_handle_t *)&secondaries->timer) ||
		 uv_timer_get_due_in(&secondaries->timer) + now != first->due_ms)
		uv_timer_start(&secondaries->timer, on_timer,
			       first->due_ms > now ? first->due_ms - now : 0, 0);
}

void
vly_secondary_set_timer(struct vly_secondary_zone *zone)
{
	struct vly_secondaries *secondaries = zone->secondaries;
	uint64_t due = zone->next_ms;

	if (zone->expires_ms != 0 && !zone->is_expired && zone->expires_ms < due)
		due = zone->expires_ms;
	vly_timer_set(&secondaries->heap, &zone->timer, due);
	start_timer(secondaries);
}

/* A check is due, or the zone expires. The next one is set when the check has ended. */
static void
zone_due(struct vly_secondary_zone *zone, uint64_t now)
{
	vly_secondary_expire(zone);
	if (zone->next_ms > now) {
		vly_secondary_set_timer(zone);
		return;
	}
	zone->next_ms = UINT64_MAX;
	vly_secondary_set_timer(zone);
	if (!zone->job)
		vly_secondary_enqueue(zone, zone->is_notified || !zone->is_loaded || zone->is_forced
						    ? VLY_QUEUE_TRANSFER
						    : VLY_QUEUE_ASK);
}

static void
on_timer(uv_timer_t *timer)
{
	struct vly_secondaries *secondaries = timer->data;
	const uint64_t now = uv_now(secondaries->loop);

	for (unsigned i = 0; i < VLY_SECONDARY_DUE_MAX; i++) {
		struct vly_timer *first = vly_timer_first(&secondaries->heap);
		if (!first || first->due_ms > now)
			break;
		zone_due((struct vly_secondary_zone *)((char *)first -
						       offsetof(struct vly_secondary_zone, timer)),
			 now);
	}
	start_timer(secondaries);
}

static void
on_tick(uv_timer_t *tick)
{
	struct vly_secondaries *secondaries = tick->data;
	const uint64_t share = secondaries->rate * VLY_SECONDARY_TICK_MS / 1000;
	struct vly_secondary_job *next;

	secondaries->rate_bytes -=
		secondaries->rate_bytes < share ? secondaries->rate_bytes : share;
	vly_secondary_count_lines(secondaries);
	for (struct vly_secondary_job *job = secondaries->jobs; job; job = next) {
		next = job->next;
		vly_secondary_job_tick(job);
	}
}

/* Zones. */

static void
free_peers(struct vly_secondary_zone *zone)
{
	for (unsigned i = 0; i < zone->peer_cnt; i++)
		free(zone->peer[i].why);
	free(zone->peer);
	zone->peer = NULL;
	zone->peer_cnt = 0;
}

static void
remove_zone(struct vly_secondary_zone *zone)
{
	struct vly_secondaries *secondaries = zone->secondaries;

	HASH_DELETE(hh, secondaries->by_name, zone);
	vly_secondary_count_gone(zone);
	vly_timer_clear(&secondaries->heap, &zone->timer);
	vly_secondary_unqueue(zone);
	if (zone->job)
		vly_secondary_job_cancel(zone->job);
	if (zone->is_expired && !secondaries->is_freed) /* it may be a primary now */
		vly_secondary_set_expired(zone, false);
	vly_secondary_held_drop(zone);
	free_peers(zone);
	free(zone->why);
	free(zone->name);
	free(zone);
}

static struct vly_secondary_zone *
make_zone(struct vly_secondaries *secondaries, const char *name)
{
	struct vly_secondary_zone *zone = calloc(1, sizeof(*zone));

	if (!zone || !(zone->name = strdup(name)) ||
	    !vly_timer_reserve(&secondaries->heap, HASH_COUNT(secondaries->by_name) + 1)) {
		if (zone)
			free(zone->name);
		free(zone);
		return NULL;
	}
	zone->secondaries = secondaries;
	zone->prefer = zone->pinned = -1;
	HASH_ADD_KEYPTR(hh, secondaries->by_name, zone->name, strlen(zone->name), zone);
	if (zone->hh.tbl)
		return zone;
	free(zone->name);
	free(zone);
	return NULL;
}

/* The zone's job has a primary, or a key, that the configuration does not have any more. */
static void
stop_transfer(struct vly_secondary_zone *zone)
{
	struct vly_secondary_job *job = zone->job;

	if (job->phase <= VLY_SECONDARY_RECEIVING) {
		vly_secondary_job_cancel(job);
		zone->next_ms = uv_now(zone->secondaries->loop);
		return;
	}
	job->order_cnt = job->at = 0; /* of primaries of before: if it fails, it ends */
	zone->is_again = true;
}

/* Returns 0, or -1 without memory. */
static int
put_zone(struct vly_secondaries *secondaries, const struct vly_config_zone *config, bool is_member)
{
	struct vly_secondary_zone *zone = vly_secondary_find(secondaries, config->name);
	const bool is_new = !zone;

	if (is_new && !(zone = make_zone(secondaries, config->name)))
		return -1;
	if (!is_new && zone->job && !vly_secondary_job_fits(zone->job, config->feed))
		stop_transfer(zone);
	/* of other primaries, what is known says nothing */
	if (!is_new && !vly_secondary_same_primaries(zone->feed, config->feed)) {
		free_peers(zone);
		vly_secondary_count(zone);
		zone->prefer = zone->pinned = -1;
		zone->tried = 0;
	}
	zone->feed = config->feed;
	if (!zone->feed->is_reviewed)
		vly_secondary_release(zone);
	zone->is_member = is_member;
	zone->mark = secondaries->mark;
	if (is_new)
		vly_secondary_begin(zone);
	vly_secondary_set_timer(zone);
	return 0;
}

int
vly_secondaries_add(struct vly_secondaries *secondaries, const struct vly_config_zone *zone)
{
	return put_zone(secondaries, zone, true);
}

void
vly_secondaries_remove(struct vly_secondaries *secondaries, const char *name)
{
	struct vly_secondary_zone *zone = vly_secondary_find(secondaries, name);

	if (zone)
		remove_zone(zone);
	vly_note_file_forget(secondaries->contacts, name); /* its records go, too */
}

static void
take_bounds(struct vly_secondaries *secondaries, const struct vly_config_transfers *transfers)
{
	secondaries->rate = transfers->in_bytes_per_s;
	secondaries->bytes_max = transfers->in_bytes_max;
	secondaries->held_bytes_max = transfers->review_bytes_max;
	secondaries->time_max_ms = transfers->in_time_s * UINT64_C(1000);
}

void
vly_secondaries_configure(struct vly_secondaries *secondaries, const struct vly_config *config,
			  struct vly_profiles *profiles)
{
	struct vly_secondary_zone *zone;
	struct vly_secondary_zone *next;
	unsigned lost = 0;

	secondaries->config = config;
	secondaries->mark++;
	take_bounds(secondaries, config->transfers);
	vly_secondary_set_places(secondaries, config->transfers->in_cnt_max, config->remote_cnt);
	vly_reach_forget(&secondaries->reach);
	vly_session_pool_empty(secondaries->pool); /* before the credentials are replaced */
	vly_profiles_release(secondaries->profiles);
	secondaries->profiles = vly_profiles_hold(profiles);
	vly_profiles_log(profiles);
	for (unsigned i = 0; i < config->zone_cnt; i++)
		if (vly_config_is_secondary(&config->zones[i]))
			lost += put_zone(secondaries, &config->zones[i], false) != 0;
	if (lost > 0)
		vly_log_error("%u secondary zones are not refreshed: out of memory", lost);
	HASH_ITER(hh, secondaries->by_name, zone, next)
	{
		if (zone->mark != secondaries->mark && !zone->is_member)
			remove_zone(zone);
	}
	vly_secondary_kick(secondaries);
}

bool
vly_secondaries_refresh(struct vly_secondaries *secondaries, const char *name, bool force)
{
	struct vly_secondary_zone *zone = vly_secondary_find(secondaries, name);

	if (!zone)
		return false;
	zone->is_forced |= force;
	zone->is_notified = true;
	vly_reach_forget(&secondaries->reach);
	vly_secondary_enqueue(zone, VLY_QUEUE_TRANSFER);
	return true;
}

/* The beginning and the end. */

static void
init_timer(struct vly_secondaries *secondaries, uv_timer_t *timer)
{
	uv_timer_init(secondaries->loop, timer);
	timer->data = secondaries;
	secondaries->closing_cnt++;
}

struct vly_secondaries *
vly_secondaries_new(const struct vly_secondaries_settings *settings)
{
	struct vly_secondaries *secondaries = calloc(1, sizeof(*secondaries));

	if (!secondaries)
		return NULL;
	secondaries->settings = *settings;
	secondaries->loop = settings->loop;
	secondaries->key = *settings->key;
	secondaries->random = (uint32_t)uv_hrtime() | 1;
	secondaries->contacts =
		vly_contacts_open(settings->loop, settings->state_dir, vly_secondary_now_s());
	secondaries->pool = vly_session_pool_new(settings->loop);
	if (!secondaries->contacts || !secondaries->pool ||
	    asprintf(&secondaries->transfer_dir, "%s/transfers", settings->state_dir) < 0) {
		vly_note_file_close(secondaries->contacts);
		vly_session_pool_free(secondaries->pool);
		free(secondaries);
		return NULL;
	}
	vly_secondary_review_clean(secondaries->transfer_dir);
	init_timer(secondaries, &secondaries->timer);
	init_timer(secondaries, &secondaries->tick);
	uv_timer_start(&secondaries->tick, on_tick, VLY_SECONDARY_TICK_MS, VLY_SECONDARY_TICK_MS);
	uv_unref((uv_handle_t *)&secondaries->tick);
	uv_idle_init(settings->loop, &secondaries->kick);
	secondaries->kick.data = secondaries;
	secondaries->closing_cnt++;
	return secondaries;
}

void
vly_secondaries_leave(struct vly_secondaries *secondaries)
{
	if (--secondaries->closing_cnt > 0)
		return;
	vly_profiles_release(secondaries->profiles);
	vly_past_free(&secondaries->past);
	vly_timer_heap_free(&secondaries->heap);
	vly_reach_forget(&secondaries->reach);
	free(secondaries->transfer_dir);
	free(secondaries);
}

static void
on_closed(uv_handle_t *handle)
{
	vly_secondaries_leave(handle->data);
}

void
vly_secondaries_free(struct vly_secondaries *secondaries)
{
	struct vly_secondary_zone *zone;
	struct vly_secondary_zone *next;

	if (!secondaries)
		return;
	secondaries->is_freed = true;
	HASH_ITER(hh, secondaries->by_name, zone, next)
	{
		remove_zone(zone);
	}
	vly_note_file_close(secondaries->contacts);
	vly_session_pool_free(secondaries->pool);
	uv_close((uv_handle_t *)&secondaries->timer, on_closed);
	uv_close((uv_handle_t *)&secondaries->tick, on_closed);
	uv_close((uv_handle_t *)&secondaries->kick, on_closed);
}

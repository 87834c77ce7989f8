/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones that are behind: their newest version is on disk, but not answered, because the dataplane has refused
 * it, or there was no memory for it. They are compiled anew after a pause, until they are answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "living_parts.h"

/* Pauses begin with this, and each is twice as long as the one before. Shorter: a zone with millions of names is
 * compiled again and again, and other changes wait for it. Longer: changes that were refused for a reason
 * that is gone are answered later. */
#define PAUSE_FIRST_MS UINT64_C(250)
#define PAUSE_MAX_MS   UINT64_C(600000)

static void on_time(uv_timer_t *timer);

static void
start_timer(struct vly_living *living)
{
	struct vly_living_retry *retry = &living->retry;

	if (retry->behind_cnt == 0 || uv_is_active((uv_handle_t *)&retry->timer))
		return;
	retry->pause_ms = retry->pause_ms == 0 ? PAUSE_FIRST_MS : 2 * retry->pause_ms;
	if (retry->pause_ms > PAUSE_MAX_MS)
		retry->pause_ms = PAUSE_MAX_MS;
	uv_timer_start(&retry->timer, on_time, retry->pause_ms, 0);
}

struct attempt {
	struct vly_living_request request;
	struct vly_living *living;
};

/* Nothing was published if the store can't be read. */
static void
on_attempt(void *arg, const struct vly_living_result *result)
{
	struct attempt *attempt = arg;

	(void)result;
	start_timer(attempt->living);
	free(attempt);
}

int
vly_living_compile_anew(struct vly_living *living, struct vly_living_zone *zone)
{
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	atomic_store(&zone->needs_complete, true);
	if (!attempt)
		return -1;
	attempt->living = living;
	attempt->request.zone = zone->name;
	attempt->request.who = "";
	attempt->request.done = on_attempt;
	attempt->request.arg = attempt;
	attempt->request.is_renewal = zone->is_renewed_later;
	zone->request_cnt++;
	vly_living_submit_internal(living, zone, &attempt->request);
	return 0;
}

static void
on_time(uv_timer_t *timer)
{
	struct vly_living *living = timer->data;

	living->retry.has_logged = false;
	for (struct vly_living_zone *zone = living->by_name; zone; zone = zone->hh.next)
		if (zone->is_behind && vly_living_compile_anew(living, zone) != 0)
			start_timer(living);
}

/* The reason is logged when it changes, not for each attempt; and one of those of the zones, not each. */
static void
say(struct vly_living *living, const struct vly_living_zone *zone, const char *reason)
{
	struct vly_living_retry *retry = &living->retry;
	char text[VLY_TROUBLE_BYTES];

	snprintf(
		text, sizeof(text),
		"zone %.200s is not answered as it is on disk: %.240s; it is tried again by itself",
		zone->name, reason);
	if (!retry->has_logged && strcmp(retry->reason, reason) != 0) {
		vly_log_error("%s", text);
		retry->has_logged = true;
		snprintf(retry->reason, sizeof(retry->reason), "%s", reason);
	}
	snprintf(retry->trouble, sizeof(retry->trouble), "%s", text);
}

void
vly_living_fall_behind(struct vly_living *living, struct vly_living_zone *zone, const char *reason)
{
	if (zone->is_removed)
		return;
	living->retry.behind_cnt += !zone->is_behind;
	zone->is_behind = true;
	say(living, zone, reason);
	start_timer(living);
}

void
vly_living_catch_up(struct vly_living *living, struct vly_living_zone *zone)
{
	struct vly_living_retry *retry = &living->retry;

	if (!zone->is_behind)
		return;
	zone->is_behind = zone->is_renewed_later = false;
	if (--retry->behind_cnt > 0)
		return;
	uv_timer_stop(&retry->timer);
	retry->pause_ms = 0;
	retry->has_logged = false;
	retry->reason[0] = retry->trouble[0] = '\0';
	vly_log_info("all living zones are answered as they are on disk");
}

const char *
vly_living_behind(const struct vly_living *living)
{
	return living->retry.trouble;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>
#include <uthash.h>

#include "pacer.h"
#include "probe.h"
#include "track.h"

struct check {
	struct vly_check_set *set;
	struct vly_health_check what;
	struct vly_track_rules rules;
	struct vly_track track;
	struct vly_health_state state;
	struct vly_probe *probe; /* NULL: it does not run */
	uv_timer_t timer;        /* until it is due, or runs too long */
	uint64_t due_ms;
	uint64_t start_ns;
	bool is_waiting; /* due, in `waiting` */
	bool is_told;    /* not in `news` */
	bool is_new;     /* no list that has ended has it */
	uint64_t list;   /* the last list that has it */
	TAILQ_ENTRY(check) waiting_link;
	TAILQ_ENTRY(check) news_link;
	UT_hash_handle hh;
};

TAILQ_HEAD(queue, check);

struct vly_check_set {
	struct vly_check_set_settings settings;
	struct vly_prober *prober;
	struct check *table;
	uint64_t list;
	unsigned cnt;
	unsigned list_cnt; /* of the last list */
	unsigned waiting_cnt;
	struct vly_pacer pacer;
	struct queue waiting;
	struct queue news;
	uv_timer_t pace; /* until the next start is allowed */
	uint64_t random;
	bool is_ending;
};

static uint64_t
unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* xorshift64*: for the jitter, which nobody needs to guess wrong. */
static uint64_t
next_random(struct vly_check_set *set)
{
	set->random ^= set->random >> 12;
	set->random ^= set->random << 25;
	set->random ^= set->random >> 27;
	return set->random * UINT64_C(2685821657736338717);
}

struct vly_check_set *
vly_check_set_new(const struct vly_check_set_settings *settings)
{
	struct vly_check_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->settings = *settings;
	set->prober = vly_prober_new(settings->loop);
	if (!set->prober) {
		free(set);
		return NULL;
	}
	set->pacer = (struct vly_pacer){
		.running_max = settings->running_max,
		.rate = settings->start_rate,
	};
	if (getrandom(&set->random, sizeof(set->random), 0) != sizeof(set->random) || !set->random)
		set->random = uv_hrtime() | 1;
	TAILQ_INIT(&set->waiting);
	TAILQ_INIT(&set->news);
	uv_timer_init(settings->loop, &set->pace);
	set->pace.data = set;
	return set;
}

static void
tell(struct check *check, bool is_urgent)
{
	struct vly_check_set *set = check->set;

	if (!check->is_told)
		TAILQ_REMOVE(&set->news, check, news_link);
	check->is_told = false;
	if (is_urgent)
		TAILQ_INSERT_HEAD(&set->news, check, news_link);
	else
		TAILQ_INSERT_TAIL(&set->news, check, news_link);
	set->settings.on_news(set->settings.arg, is_urgent);
}

static void on_due(uv_timer_t *timer);
static void start_waiting(struct vly_check_set *set);

static void
schedule(struct check *check, uint64_t start_ms)
{
	const uint64_t now_ms = uv_now(check->set->settings.loop);

	check->due_ms = vly_track_next_ms(start_ms, check->what.number[VLY_HEALTH_NUMBER_INTERVAL],
					  check->what.number[VLY_HEALTH_NUMBER_JITTER],
					  next_random(check->set));
	uv_timer_start(&check->timer, on_due, check->due_ms > now_ms ? check->due_ms - now_ms : 0,
		       0);
}

static void
take_result(struct check *check, const struct vly_probe_result *result)
{
	const uint64_t now_ms = uv_now(check->set->settings.loop);
	struct vly_health_state *state = &check->state;
	char text[2 * VLY_HEALTH_REASON_BYTES];
	bool flipped = false;

	state->last_unix_ms = unix_ms();
	state->latency_us = (uint32_t)((uv_hrtime() - check->start_ns) / 1000);
	state->passed = result->code == VLY_PROBE_PASSED;
	if (result->code != VLY_PROBE_UNABLE)
		flipped = vly_track_result(&check->track, &check->rules, now_ms, state->passed);
	state->status = check->track.status;
	state->flaps = check->track.flaps;
	if (flipped)
		state->since_unix_ms = state->last_unix_ms;
	const uint64_t held_ms = vly_track_held_ms(&check->track, now_ms);
	if (result->code == VLY_PROBE_UNABLE)
		snprintf(text, sizeof(text), "could not be checked: %s", result->reason);
	else if (state->passed && held_ms > 0)
		snprintf(text, sizeof(text), "%.150s; held down for %.1f s after %u falls",
			 result->reason, (double)held_ms / 1000, state->flaps);
	else
		snprintf(text, sizeof(text), "%s", result->reason);
	vly_health_reason_set(state->reason, text);
	tell(check, flipped);
}

/* After a run, or what should have been one. */
static void
end_run(struct check *check, const struct vly_probe_result *result)
{
	struct vly_check_set *set = check->set;

	check->probe = NULL;
	vly_pacer_end(&set->pacer);
	take_result(check, result);
	schedule(check, check->start_ns / 1000000);
}

static void
on_done(void *arg, const struct vly_probe_result *result)
{
	struct check *check = arg;

	end_run(check, result);
	start_waiting(check->set);
}

static void
on_timeout(uv_timer_t *timer)
{
	struct check *check = timer->data;
	struct vly_probe_result result = {.code = VLY_PROBE_FAILED};

	const char *stage = vly_probe_cancel(check->probe);
	snprintf(result.reason, sizeof(result.reason), "timed out after %.1f s, %s%s",
		 (double)check->what.number[VLY_HEALTH_NUMBER_TIMEOUT] / 1000,
		 strncmp(stage, "for", 3) == 0 ? "waiting " : "", stage);
	end_run(check, &result);
	start_waiting(check->set);
}

static void
start_run(struct check *check)
{
	struct vly_check_set *set = check->set;
	struct vly_probe_result result;

	TAILQ_REMOVE(&set->waiting, check, waiting_link);
	set->waiting_cnt--;
	check->is_waiting = false;
	check->start_ns = uv_hrtime();
	vly_pacer_start(&set->pacer, check->start_ns / 1000);
	check->probe = vly_probe_start(set->prober, &check->what, on_done, check, &result);
	if (!check->probe)
		end_run(check, &result);
	else
		uv_timer_start(&check->timer, on_timeout,
			       check->what.number[VLY_HEALTH_NUMBER_TIMEOUT], 0);
}

static void
on_pace(uv_timer_t *timer)
{
	start_waiting(timer->data);
}

/* Starts what may be started. The rate bounds the loop. */
static void
start_waiting(struct vly_check_set *set)
{
	while (!set->is_ending && !TAILQ_EMPTY(&set->waiting)) {
		const uint64_t wait_us = vly_pacer_wait_us(&set->pacer, uv_hrtime() / 1000);
		if (wait_us > 0) {
			if (wait_us != UINT64_MAX) /* otherwise on_done() comes */
				uv_timer_start(&set->pace, on_pace, wait_us / 1000 + 1, 0);
			return;
		}
		start_run(TAILQ_FIRST(&set->waiting));
	}
}

static void
enqueue(struct check *check)
{
	TAILQ_INSERT_TAIL(&check->set->waiting, check, waiting_link);
	check->set->waiting_cnt++;
	check->is_waiting = true;
}

static void
on_due(uv_timer_t *timer)
{
	struct check *check = timer->data;

	enqueue(check);
	start_waiting(check->set);
}

static void
on_check_closed(uv_handle_t *handle)
{
	struct check *check = handle->data;

	vly_health_check_clear(&check->what);
	free(check);
}

static void
remove_check(struct check *check)
{
	struct vly_check_set *set = check->set;

	HASH_DELETE(hh, set->table, check);
	set->cnt--;
	if (check->probe) {
		(void)vly_probe_cancel(check->probe);
		vly_pacer_end(&set->pacer);
	}
	if (check->is_waiting) {
		TAILQ_REMOVE(&set->waiting, check, waiting_link);
		set->waiting_cnt--;
	}
	if (!check->is_told)
		TAILQ_REMOVE(&set->news, check, news_link);
	uv_close((uv_handle_t *)&check->timer, on_check_closed);
}

void
vly_check_set_begin(struct vly_check_set *set)
{
	struct check *check, *next;

	HASH_ITER(hh, set->table, check, next)
	{
		if (check->is_new)
			remove_check(check);
	}
	set->list++;
	set->list_cnt = 0;
}

static void
begin_check(struct check *check, const struct vly_health_state *known)
{
	const uint64_t *number = check->what.number;
	const uint64_t now_ms = unix_ms();
	const uint64_t age_ms = now_ms > known->since_unix_ms ? now_ms - known->since_unix_ms : 0;

	check->state = *known;
	check->rules = (struct vly_track_rules){
		.rise = (uint32_t)number[VLY_HEALTH_NUMBER_RISE],
		.fall = (uint32_t)number[VLY_HEALTH_NUMBER_FALL],
		.hold_ms = number[VLY_HEALTH_NUMBER_HOLD_DOWN],
		.hold_max_ms = number[VLY_HEALTH_NUMBER_HOLD_DOWN_MAX],
	};
	vly_track_begin(&check->track, &check->rules, uv_now(check->set->settings.loop),
			known->status, known->flaps, age_ms);
	uv_timer_init(check->set->settings.loop, &check->timer);
	check->timer.data = check;
	check->is_told = true;
}

const char *
vly_check_set_add(struct vly_check_set *set, struct vly_health_check *check,
		  const struct vly_health_state *known)
{
	struct check *found;

	HASH_FIND_STR(set->table, known->id, found);
	if (found) {
		set->list_cnt += found->list != set->list;
		found->list = set->list;
		vly_health_check_clear(check);
		return NULL;
	}
	/* those of the list before are there until this one ends */
	if (set->list_cnt < VLY_HEALTH_CHECKS_MAX)
		found = calloc(1, sizeof(*found));
	if (found) {
		found->state = *known;
		HASH_ADD_STR(set->table, state.id, found);
	}
	if (!found || !found->hh.tbl) {
		free(found);
		vly_health_check_clear(check);
		return set->list_cnt < VLY_HEALTH_CHECKS_MAX ? "out of memory" : "too many checks";
	}
	set->cnt++;
	set->list_cnt++;
	found->is_new = true;
	found->set = set;
	found->what = *check;
	*check = (struct vly_health_check){0};
	found->list = set->list;
	begin_check(found, known);
	enqueue(found);
	return NULL;
}

void
vly_check_set_end(struct vly_check_set *set)
{
	struct check *check, *next;

	HASH_ITER(hh, set->table, check, next)
	{
		check->is_new = false;
		if (check->list != set->list)
			remove_check(check);
	}
	start_waiting(set);
}

void
vly_check_set_tell_all(struct vly_check_set *set)
{
	struct check *check, *next;

	HASH_ITER(hh, set->table, check, next)
	{
		if (check->state.last_unix_ms > 0)
			tell(check, false);
	}
}

bool
vly_check_set_next(struct vly_check_set *set, struct vly_health_state *state)
{
	struct check *check = TAILQ_FIRST(&set->news);

	if (!check)
		return false;
	TAILQ_REMOVE(&set->news, check, news_link);
	check->is_told = true;
	*state = check->state;
	return true;
}

void
vly_check_set_count(const struct vly_check_set *set, struct vly_check_set_counts *counts)
{
	const struct check *first = TAILQ_FIRST(&set->waiting);
	const uint64_t now_ms = uv_now(set->settings.loop);

	*counts = (struct vly_check_set_counts){
		.checks = set->cnt,
		.running = set->pacer.running,
		.waiting = set->waiting_cnt,
		.late_ms = first && now_ms > first->due_ms && first->due_ms > 0
				   ? now_ms - first->due_ms
				   : 0,
	};
}

static void
on_set_closed(uv_handle_t *handle)
{
	struct vly_check_set *set = handle->data;

	vly_prober_free(set->prober);
	free(set);
}

void
vly_check_set_free(struct vly_check_set *set)
{
	struct check *check, *next;

	if (!set)
		return;
	set->is_ending = true;
	HASH_ITER(hh, set->table, check, next)
	{
		remove_check(check);
	}
	uv_close((uv_handle_t *)&set->pace, on_set_closed);
}

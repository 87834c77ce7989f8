/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the defender does without being asked: it takes back what has come to its end, and reads
 * again what could not be read. */
#include <time.h>

#include "common/log.h"
#include "defender_parts.h"

/* Ends are times of the day, and timers do not follow when somebody sets the clock: it is looked at
 * this often at least. Longer: such an end is late by as much. Shorter: wake-ups for nothing. */
#define LOOK_MS 60000

/* Pause between two attempts to read what was set at run time. Shorter: more reads, for nothing
 * that a person would notice. Longer: an operator who has mended the file waits. */
#define RETRY_MS 5000

static void look_at_clock(uv_timer_t *timer);

int64_t
vly_defender_now_s(void)
{
	return (int64_t)time(NULL);
}

void
vly_defender_start_clock(struct vly_defender *defender)
{
	int64_t next_s = vly_defence_state_next(defender->state);
	int64_t left_ms = (next_s - vly_defender_now_s()) * 1000;

	if (next_s == 0)
		uv_timer_stop(&defender->clock);
	else
		uv_timer_start(&defender->clock, look_at_clock,
			       left_ms < 0         ? 0
			       : left_ms > LOOK_MS ? LOOK_MS
						   : (uint64_t)left_ms,
			       0);
}

static void
on_expired(void *arg, const struct vly_defender_report *report)
{
	struct vly_defender *defender = arg;

	if (report->code == VLY_DEFENDER_FAILED) {
		vly_log_error("expired entries could not be removed: %s", report->text);
		uv_timer_start(&defender->clock, look_at_clock, LOOK_MS, 0);
		return;
	}
	vly_log_info("defence: expired entries were removed");
}

/* That the state can't be read was said when it was found out. */
static void
on_caught_up(void *arg, const struct vly_defender_report *report)
{
	struct vly_defender *defender = arg;

	if (defender->store.state_unread) {
		uv_timer_start(&defender->clock, look_at_clock, RETRY_MS, 0);
	} else if (report->code == VLY_DEFENDER_FAILED) {
		if (!defender->is_behind)
			vly_log_error("the dataplane keeps its current defence: %s; retrying every "
				      "minute, and at each volleyctl reload",
				      report->text);
		defender->is_behind = true;
		uv_timer_start(&defender->clock, look_at_clock, LOOK_MS, 0);
	}
}

void
vly_defender_catch_up(struct vly_defender *defender)
{
	vly_defender_request(defender, &(struct vly_defence_change){.kind = VLY_DEFENCE_EXPIRE,
								    .done = on_caught_up,
								    .arg = defender});
}

static void
look_at_clock(uv_timer_t *timer)
{
	struct vly_defender *defender = timer->data;

	if (defender->store.state_unread || defender->is_behind)
		vly_defender_catch_up(defender);
	else if (vly_defence_state_next(defender->state) > vly_defender_now_s())
		vly_defender_start_clock(defender);
	else
		vly_defender_request(defender,
				     &(struct vly_defence_change){.kind = VLY_DEFENCE_EXPIRE,
								  .done = on_expired,
								  .arg = defender});
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From results of a check to its state: rise, fall, and the damping of flaps.
 *
 * A check that is up goes down after `fall` failures in a row, and comes up after `rise` successes in a row. Of a check
 * that is not known yet, the first success is enough. The first fall has no consequence. While earlier ones still
 * count, a check that falls is held down for hold_ms, twice as long with each further fall, and hold_max_ms at most.
 * A fall is forgotten for each hold_max_ms without one.
 *
 * Pure: the clock is the caller's, and must not go backwards.
 */
#ifndef VLY_HEALTH_TRACK_H
#define VLY_HEALTH_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/health.h>

struct vly_track_rules {
	uint32_t rise;
	uint32_t fall;
	uint64_t hold_ms; /* 0: no damping */
	uint64_t hold_max_ms;
};

struct vly_track {
	enum vly_health_status status;
	bool row_passed;
	uint32_t row_cnt; /* results in a row */
	uint32_t flaps;   /* falls that count */
	uint64_t calm_ms; /* when the last of them was, or one was forgotten */
	uint64_t held_until_ms;
};

/* Falls that count at most: the hold has reached its bound long before. */
#define VLY_TRACK_FLAPS_MAX 32

/* Begins with what was known `age_ms` ago. */
__attribute__((nonnull)) void vly_track_begin(struct vly_track *track,
					      const struct vly_track_rules *rules, uint64_t now_ms,
					      enum vly_health_status status, uint32_t flaps,
					      uint64_t age_ms);

/* Takes a result in. Returns whether the status has changed. */
__attribute__((nonnull)) bool vly_track_result(struct vly_track *track,
					       const struct vly_track_rules *rules, uint64_t now_ms,
					       bool passed);

/* For how long it can't come up; 0: it can. */
__attribute__((nonnull)) uint64_t vly_track_held_ms(const struct vly_track *track, uint64_t now_ms);

/* When the next run begins: at most interval_ms after `start_ms`, and up to jitter_percent of that earlier; `random` is
 * any number. */
uint64_t vly_track_next_ms(uint64_t start_ms, uint64_t interval_ms, uint64_t jitter_percent,
			   uint64_t random);

#endif

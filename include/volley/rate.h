/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rates, counted in cells of four octets: the generic cell rate algorithm, used by the XDP program,
 * native code and response limits.
 *
 * A cell holds the time until which its budget is spent. Each event moves this time ahead by its
 * cost. An event is over the rate if the time would be more than `burst` ahead of now. Budgets
 * refill as time passes, so cells need no sweeping, and a zeroed cell is a fresh one.
 *
 * Time is a count of units of 16 ns that wraps after 68 s. A cell that was not used for that long
 * may then seem spent by up to its burst, until one burst later.
 *
 * A cell has one writer. Compiles for BPF, too. Pure.
 */
#ifndef VLY_RATE_H
#define VLY_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define VLY_RATE_UNIT_SHIFT  4
#define VLY_RATE_UNITS_PER_S (UINT32_C(1000000000) >> VLY_RATE_UNIT_SHIFT)

struct vly_rate {
	uint32_t cost;  /* units of time that one event costs; 0: no limit */
	uint32_t burst; /* units that may be spent ahead: at least cost, below 2^31 */
};

static inline uint32_t
vly_rate_now(uint64_t now_ns)
{
	return (uint32_t)(now_ns >> VLY_RATE_UNIT_SHIFT);
}

/* A rate of `per_s` (1..VLY_RATE_UNITS_PER_S) events a second, of which those of burst_ms
 * (1..30,000), but at least one, may come at once. per_s 0: no limit. */
static inline struct vly_rate
vly_rate_make(uint32_t per_s, uint32_t burst_ms)
{
	struct vly_rate rate = {0, 0};

	if (per_s == 0)
		return rate;
	rate.cost = VLY_RATE_UNITS_PER_S / per_s;
	if (rate.cost == 0)
		rate.cost = 1;
	rate.burst = burst_ms * (VLY_RATE_UNITS_PER_S / 1000);
	if (rate.burst < rate.cost)
		rate.burst = rate.cost;
	return rate;
}

/* Units spent ahead of now, of a rate with this burst; 0 if the budget is full. */
static inline uint32_t
vly_rate_ahead(uint32_t cell, uint32_t now, uint32_t burst)
{
	uint32_t ahead = cell - now;

	return ahead <= burst ? ahead : 0; /* more: in the past, or of a larger burst */
}

static inline uint32_t
vly_rate_spent(uint32_t cell, uint32_t now, struct vly_rate rate)
{
	return vly_rate_ahead(cell, now, rate.burst);
}

static inline bool
vly_rate_has(uint32_t cell, uint32_t now, struct vly_rate rate, uint32_t cost)
{
	return vly_rate_spent(cell, now, rate) + cost <= rate.burst;
}

/* The cell after `cost` more units have been spent. */
static inline uint32_t
vly_rate_spend(uint32_t cell, uint32_t now, struct vly_rate rate, uint32_t cost)
{
	return now + vly_rate_spent(cell, now, rate) + cost;
}

#endif

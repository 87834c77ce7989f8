/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rates, counted in cells of four octets: the generic cell rate algorithm, as the XDP program,
 * native code and response limits run it.
 *
 * A cell holds the time until which its budget is spent. What arrives pushes that on by its cost,
 * and is over the rate when it would lie more than `burst` ahead of now. Budgets refill by
 * themselves as time passes, so cells need no sweeping, and a cell of zeros is a fresh one.
 *
 * Time is a wrapping count of units of 16 ns: it comes round after 68 s. A cell that nobody touched
 * for that long may then seem spent by up to its burst, which one burst later is forgotten.
 *
 * A cell has one writer. Compiles for BPF, too.
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

/* `per_s` events a second, 1 to VLY_RATE_UNITS_PER_S, and as many at once as come in `burst_ms`, 1
 * to 30,000, but at least one. per_s of 0 means no limit. */
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

/* Units that are spent ahead of now, of a rate with that burst: 0 when the budget is whole. */
static inline uint32_t
vly_rate_ahead(uint32_t cell, uint32_t now, uint32_t burst)
{
	uint32_t ahead = cell - now;

	return ahead <= burst ? ahead : 0; /* more is the past, or a larger burst's */
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

/* The cell after `cost` more was spent. */
static inline uint32_t
vly_rate_spend(uint32_t cell, uint32_t now, struct vly_rate rate, uint32_t cost)
{
	return now + vly_rate_spent(cell, now, rate) + cost;
}

#endif

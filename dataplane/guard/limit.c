/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limit.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

int
vly_limiter_init(struct vly_limiter *limiter)
{
	/* Blocks only on a machine that has had no randomness since its start. */
	if (getrandom(limiter, offsetof(struct vly_limiter, swept), 0) < 0)
		return -errno;
	limiter->key[0] |= 1;
	limiter->key[1] |= 1;
	return 0;
}

struct vly_limiter *
vly_limiter_create(void)
{
	struct vly_limiter *limiter = aligned_alloc(_Alignof(struct vly_limiter), sizeof(*limiter));

	if (limiter == NULL)
		return NULL;
	memset(limiter, 0, sizeof(*limiter));
	if (vly_limiter_init(limiter) == 0)
		return limiter;
	free(limiter);
	return NULL;
}

void
vly_limiter_destroy(struct vly_limiter *limiter)
{
	free(limiter);
}

/* Sets cells of the past to now, which means the same. */
static void
sweep_line(struct vly_limit_line *line, uint32_t now, bool all)
{
	for (unsigned row = 0; row < 2; row++)
		for (unsigned i = 0; i < VLY_LIMIT_ROW_CELLS; i++)
			if (all || (int32_t)(line->cell[row][i] - now) < 0)
				line->cell[row][i] = now;
}

void
vly_limiter_sweep(struct vly_limiter *limiter, uint32_t now)
{
	const uint32_t step = VLY_LIMIT_SWEEP_UNITS / VLY_LIMIT_LINE_CNT;
	uint32_t due = (now - limiter->swept) / step;
	/* At the first call, and after a pause so long that the cells of the past can't be told
	 * from those of the future. */
	bool all = !limiter->started || due > VLY_LIMIT_LINE_CNT;

	if (all) {
		due = VLY_LIMIT_LINE_CNT;
		limiter->swept = now;
		limiter->started = true;
	} else {
		limiter->swept += due * step;
	}
	for (; due > 0; due--)
		sweep_line(&limiter->line[limiter->next_line++ % VLY_LIMIT_LINE_CNT], now, all);
}

/* The most by which one response moves a cell ahead, in units of rate.h: 17 s. */
#define COST_MAX (UINT32_C(1) << 30)

bool
vly_limiter_spend(struct vly_limiter *limiter, const struct vly_response_limits *limits,
		  uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now)
{
	const struct vly_rate *rate = &limits->rate[kind];
	uint64_t cost = vly_limiter_cost(rate, bytes);
	/* A response that costs more than the burst needs all of it. */
	uint64_t room = cost < rate->burst ? cost : rate->burst;

	if (rate->cost == 0)
		return true;
	for (unsigned row = 0; row < 2; row++) {
		uint32_t *cell = vly_limiter_cell(vly_limiter_line(limiter, hash), hash, kind, row);
		uint32_t ahead = vly_limiter_ahead(*cell, now);
		if (ahead + room > rate->burst)
			continue;
		*cell = now + ahead + (uint32_t)(cost < COST_MAX ? cost : COST_MAX);
		return true;
	}
	return false;
}

void
vly_limiter_charge(struct vly_limiter *limiter, const struct vly_response_limits *limits,
		   uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now)
{
	const struct vly_rate *rate = &limits->rate[kind];
	struct vly_limit_line *line = vly_limiter_line(limiter, hash);
	uint32_t *cell = vly_limiter_cell(line, hash, kind, 0);
	uint32_t *other = vly_limiter_cell(line, hash, kind, 1);
	uint64_t cost = vly_limiter_cost(rate, bytes);

	if (vly_limiter_ahead(*other, now) < vly_limiter_ahead(*cell, now))
		cell = other;
	uint32_t ahead = vly_limiter_ahead(*cell, now);
	if (ahead > rate->burst)
		return;
	/* a larger distance would be taken for the past */
	uint64_t after = ahead + cost < INT32_MAX ? ahead + cost : INT32_MAX;
	*cell = now + (uint32_t)after;
}

bool
vly_limiter_slips(struct vly_limiter *limiter, uint32_t slip)
{
	if (slip == 0)
		return false;
	limiter->dice = limiter->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (limiter->dice >> 32) * slip >> 32 == 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds sources that send too much, in memory of a fixed size that nobody can fill: a count-min
 * sketch of rate cells (rate.h).
 *
 * A source is counted at VLY_SOURCE_LEVEL_CNT prefix lengths: its address, and two sizes of network
 * around it. At each level a keyed hash gives it one cell in each of VLY_SKETCH_ROW_CNT rows; other
 * sources may share the cell. Sharing only adds to a cell, so the cell with the least spent is the
 * best estimate: a source is over its rate if it is over in every row. An admitted packet raises
 * each row no further than the least one needs (conservative update). A packet over the rate is not
 * counted, so a source that goes on sending gets its rate, and no more.
 *
 * A flood from random addresses spreads over all cells. To shut out others it would have to bring
 * most of 2^16 cells to their rate at once. At 100,000 packets a second per cell, that is more than
 * any queue carries. Cells refill by themselves: nothing is swept, and nothing runs full.
 *
 * Usually nobody is near a rate, and one cell is enough to know that: the screen counts only the
 * widest network, against the tightest of the rates. While the whole network has spent no more than
 * a part of that budget, the levels inside it can't have spent more either, and are skipped. That
 * part is taken off their bursts, so that packets admitted by the screen, which the levels did not
 * count, stay within them.
 *
 * Use:
 *   1. vly_sketch_rates() once, from the configured rates;
 *   2. one zeroed sketch per queue;
 *   3. vly_sketch_admit() with the vly_sketch_source() of each packet.
 * One writer, no readers. Compiles for BPF, too. Nothing here blocks.
 */
#ifndef VLY_SKETCH_H
#define VLY_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/rate.h>
#include <volley/verifier.h>

/* The levels: leading address bits that identify the source. */
#define VLY_SOURCE_LEVEL_CNT 3
/* clang-format off */
#define VLY_SOURCE_BITS4 {32, 24, 20}
#define VLY_SOURCE_BITS6 {128, 64, 48}
/* clang-format on */

/* log2 of the cells in a row. A flood of F packets a second from random addresses takes F / 2^16 a
 * second off the rate of every source: a thousandth of the default at 7 million. All rows take
 * 1.5 MiB, about a core's share of the cache. */
#define VLY_SKETCH_ROW_BITS 16

/* Two IPv6 sources share both cells with a probability of 2^-32. */
#define VLY_SKETCH_ROW_CNT 2

/* The screen takes 1 / 2^VLY_SCREEN_SHIFT of the tightest burst; there is no screen if that burst
 * has fewer packets than VLY_SCREEN_PACKETS_MIN. With a larger part, the screen is enough more
 * often, and the levels are left with less. */
#define VLY_SCREEN_SHIFT       2
#define VLY_SCREEN_PACKETS_MIN 8

/* How long the screen remembers a busy network, in units of rate.h: 2 s. */
#define VLY_SCREEN_UNITS_MAX (UINT32_C(1) << 27)

/* A rate with cost 0 is no limit. */
struct vly_sketch_rates {
	struct vly_rate screen; /* the tightest rate, part of its burst; burst 0: no screen */
	struct vly_rate level[VLY_SOURCE_LEVEL_CNT]; /* less the part of the screen */
};

struct vly_sketch {
	uint32_t screen[1 << VLY_SKETCH_ROW_BITS];
	uint32_t cell[VLY_SOURCE_LEVEL_CNT][VLY_SKETCH_ROW_CNT][1 << VLY_SKETCH_ROW_BITS];
};

/* The cells of one source: 16 bits for each row. */
struct vly_sketch_hash {
	uint32_t level[VLY_SOURCE_LEVEL_CNT];
};

#define VLY_SKETCH_INLINE static inline __attribute__((always_inline))

/*
 * Identifies a source at each level, in 32 bits. IPv6 addresses are folded with one multiplication,
 * since the XDP program does this for every packet. An attacker who can choose among all addresses
 * of a network and sees which packets are dropped can find addresses that share a cell. That gains
 * nothing: such an attacker can also spoof the very address whose rate is to be spent.
 */
struct vly_sketch_source {
	uint32_t level[VLY_SOURCE_LEVEL_CNT];
};

VLY_SKETCH_INLINE uint32_t
vly_sketch_fold(uint64_t value, uint64_t key)
{
	return (uint32_t)(((value ^ key) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* An IPv4 address is the lower 32 bits of `low`, and `high` is 0. */
VLY_SKETCH_INLINE struct vly_sketch_source
vly_sketch_source(uint64_t high, uint64_t low, bool ipv4, uint64_t key)
{
	if (ipv4)
		return (struct vly_sketch_source){
			{(uint32_t)low, (uint32_t)low >> 8, (uint32_t)low >> 12}};
	uint32_t network = vly_sketch_fold(high, key);
	return (struct vly_sketch_source){
		{vly_sketch_fold(low ^ network, key), network, vly_sketch_fold(high >> 16, key)}};
}

/* MurmurHash3's finalizer: no two values have the same result, so that IPv4 sources share no more
 * than one cell. 32 bits, which is less work in BPF. */
VLY_SKETCH_INLINE uint32_t
vly_sketch_mix(uint32_t value, uint32_t key)
{
	value = (value ^ key) * UINT32_C(0x85ebca6b);
	value = (value ^ value >> 13) * UINT32_C(0xc2b2ae35);
	return value ^ value >> 16;
}

VLY_SKETCH_INLINE struct vly_sketch_hash
vly_sketch_hash(struct vly_sketch_source source, uint64_t key)
{
	struct vly_sketch_hash hash;

	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		hash.level[i] = vly_sketch_mix(source.level[i], (uint32_t)key);
	return hash;
}

VLY_SKETCH_INLINE uint32_t *
vly_sketch_cell(struct vly_sketch *sketch, const struct vly_sketch_hash *hash, unsigned level,
		unsigned row)
{
	uint64_t at = hash->level[level] >> row * VLY_SKETCH_ROW_BITS;

	VLY_VERIFIER_HIDE(at);
	return &sketch->cell[level][row][at & ((1 << VLY_SKETCH_ROW_BITS) - 1)];
}

VLY_SKETCH_INLINE uint32_t
vly_sketch_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

VLY_SKETCH_INLINE uint32_t
vly_sketch_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Whether one more packet of the source is within `rate` at every level. If so, it is counted. */
VLY_SKETCH_INLINE bool
vly_sketch_take(struct vly_sketch *sketch, const struct vly_sketch_hash *hash,
		const struct vly_rate rate[VLY_SOURCE_LEVEL_CNT], uint32_t now)
{
	uint32_t one[VLY_SOURCE_LEVEL_CNT], two[VLY_SOURCE_LEVEL_CNT];
	uint32_t spent[VLY_SOURCE_LEVEL_CNT];

	/* No rate is passed as a whole: clang for BPF reads one octet by octet then. */
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++) {
		one[i] = vly_rate_ahead(*vly_sketch_cell(sketch, hash, i, 0), now, rate[i].burst);
		two[i] = vly_rate_ahead(*vly_sketch_cell(sketch, hash, i, 1), now, rate[i].burst);
		spent[i] = vly_sketch_min(one[i], two[i]) + rate[i].cost;
		if (spent[i] > rate[i].burst)
			return false;
	}
	/* Written whether it changes or not: which row is ahead can't be predicted. */
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++) {
		*vly_sketch_cell(sketch, hash, i, 0) = now + vly_sketch_max(one[i], spent[i]);
		*vly_sketch_cell(sketch, hash, i, 1) = now + vly_sketch_max(two[i], spent[i]);
	}
	return true;
}

/* Divides the configured rate of each level between the screen and the level. */
VLY_SKETCH_INLINE struct vly_sketch_rates
vly_sketch_rates(const struct vly_rate rate[VLY_SOURCE_LEVEL_CNT])
{
	struct vly_sketch_rates rates;
	uint32_t burst = VLY_SCREEN_UNITS_MAX, cost = 0;

	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++) {
		cost = vly_sketch_max(cost, rate[i].cost);
		if (rate[i].cost > 0)
			burst = vly_sketch_min(burst, rate[i].burst);
	}
	bool screened = cost > 0 && burst / VLY_SCREEN_PACKETS_MIN >= cost;
	rates.screen = (struct vly_rate){cost, screened ? burst >> VLY_SCREEN_SHIFT : 0};
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++) {
		rates.level[i] = rate[i];
		if (rate[i].cost > 0)
			rates.level[i].burst -= rates.screen.burst;
	}
	return rates;
}

/* The source's cell of the screen: that of its widest network. */
VLY_SKETCH_INLINE uint32_t *
vly_sketch_screen(struct vly_sketch *sketch, struct vly_sketch_source source, uint64_t key)
{
	uint32_t hash = vly_sketch_mix(source.level[VLY_SOURCE_LEVEL_CNT - 1], (uint32_t)key);

	return &sketch->screen[hash >> (32 - VLY_SKETCH_ROW_BITS)];
}

/* What the source's network has spent of the screen's rate, including one more packet of that cost. */
VLY_SKETCH_INLINE uint32_t
vly_sketch_screen_spent(uint32_t cell, uint32_t now, uint32_t cost)
{
	return vly_rate_ahead(cell, now, VLY_SCREEN_UNITS_MAX) + cost;
}

/* The screen's cell after an admitted packet. */
VLY_SKETCH_INLINE uint32_t
vly_sketch_screen_after(uint32_t spent, uint32_t now)
{
	return now + vly_sketch_min(spent, VLY_SCREEN_UNITS_MAX);
}

/* Whether one more packet of the source is within the rate of every level. If so, it is counted.
 * `now` is vly_rate_now() of a clock that does not go back. */
VLY_SKETCH_INLINE bool
vly_sketch_admit(struct vly_sketch *sketch, struct vly_sketch_source source, uint64_t key,
		 const struct vly_sketch_rates *rates, uint32_t now)
{
	uint32_t *screen = vly_sketch_screen(sketch, source, key);
	uint32_t spent = vly_sketch_screen_spent(*screen, now, rates->screen.cost);

	if (spent > rates->screen.burst) {
		struct vly_sketch_hash hash = vly_sketch_hash(source, key);
		if (!vly_sketch_take(sketch, &hash, rates->level, now))
			return false;
	}
	*screen = vly_sketch_screen_after(spent, now);
	return true;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who sends too much, in memory of a fixed size that nobody can fill: a count-min sketch of rate
 * cells (rate.h).
 *
 * A source is counted at VLY_SOURCE_LEVEL_CNT prefix lengths: its address, and two sizes of network
 * around it. At each level it owns one cell in each of VLY_SKETCH_ROW_CNT rows, by a keyed hash,
 * and shares them with whoever else hashes there. Sharing only adds to a cell, so the row that was
 * spent least knows the source best: a source is over its rate when every row says so. What passes
 * raises each row no further than the least one needs (conservative update); what is over is not
 * counted, so that a source that keeps on sending gets its rate, and no more.
 *
 * A flood from random addresses spreads over all cells. To close out others it would have to bring
 * most of 2^16 cells to their rate at once: at 100,000 packets a second a cell, more than any queue
 * carries. Cells refill by themselves, so there is nothing to sweep, and nothing to run full.
 *
 * Most of the time nobody is near a rate, and then one cell tells: the screen counts the widest
 * network alone, by the tightest of the rates. As long as all of it together has spent no more than
 * a part of that budget, the levels inside it can't have either, and are not looked at. That part
 * is taken off their bursts, so that what the screen let pass uncounted stays within them.
 *
 * Use: vly_sketch_rates() of what sources may send, made once; a sketch of zeros for each queue;
 * vly_sketch_admit() a packet's vly_sketch_source().
 * One writer; readers none. Compiles for BPF, too.
 */
#ifndef VLY_SKETCH_H
#define VLY_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/rate.h>
#include <volley/verifier.h>

/* The levels: address bits that count. */
#define VLY_SOURCE_LEVEL_CNT 3
#define VLY_SOURCE_BITS4                                                                           \
	{                                                                                          \
		32, 24, 20                                                                         \
	}
#define VLY_SOURCE_BITS6                                                                           \
	{                                                                                          \
		128, 64, 48                                                                        \
	}

/* Cells in a row. A flood of F packets a second from random addresses takes F / 2^16 of everybody's
 * rate: a thousandth of the default, at 7 million. All rows are 1.5 MiB, which is about a core's
 * share of cache. */
#define VLY_SKETCH_ROW_BITS 16

/* Two sources of IPv6 share both cells with a chance of 2^-32. */
#define VLY_SKETCH_ROW_CNT 2

/* The screen's part of the tightest burst; bursts of fewer packets than VLY_SCREEN_PACKETS_MIN have
 * none. A larger part is calm more often, and leaves less to the levels. */
#define VLY_SCREEN_SHIFT       2
#define VLY_SCREEN_PACKETS_MIN 8

/* Time that the screen remembers of a busy network, in units of rate.h: 2 s. */
#define VLY_SCREEN_UNITS_MAX (UINT32_C(1) << 27)

/* A rate that has cost 0 is no limit. */
struct vly_sketch_rates {
	struct vly_rate screen; /* the tightest, and its part of the bursts; burst 0: no screen */
	struct vly_rate level[VLY_SOURCE_LEVEL_CNT]; /* what the screen leaves of them */
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
 * What identifies a source at each level, in 32 bits. IPv6 addresses are folded with one
 * multiplication, as the XDP program does it for every packet. That resists nobody who may choose
 * among all addresses of a network and sees what is dropped: such addresses can be found that share
 * a cell. It gains nothing: who can send from any address can as well spoof the one whose rate is
 * to be spent.
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

/* Whether one more packet of the source is within `rate` at every level; then it is counted. */
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

/* From what a source may send at each level, what a sketch goes by. */
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

/* What the source's network has spent by the screen's rate, one more packet of that cost included.
 */
VLY_SKETCH_INLINE uint32_t
vly_sketch_screen_spent(uint32_t cell, uint32_t now, uint32_t cost)
{
	return vly_rate_ahead(cell, now, VLY_SCREEN_UNITS_MAX) + cost;
}

/* The screen's cell after a packet that passed. */
VLY_SKETCH_INLINE uint32_t
vly_sketch_screen_after(uint32_t spent, uint32_t now)
{
	return now + vly_sketch_min(spent, VLY_SCREEN_UNITS_MAX);
}

/* Whether one more packet of a source is within the rates of every level; then it is counted. */
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

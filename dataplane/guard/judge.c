/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include <string.h>

#include "base/large.h"

/* Vectors are passed only between functions of this file, so their calling convention does not
 * matter. */
#pragma GCC diagnostic ignored "-Wpsabi"

/* The six cells of a source, two of each level side by side; the last two lanes are unused. With
 * scalars, this takes twice as long. Spent units are below 2^31, so signed comparisons are correct;
 * older machines have no others. */
typedef uint32_t cells __attribute__((vector_size(8 * sizeof(uint32_t))));
typedef int32_t signed_cells __attribute__((vector_size(8 * sizeof(uint32_t))));
typedef uint64_t halves __attribute__((vector_size(2 * sizeof(uint64_t))));

/* The rates of a burst, those of the levels in lanes. */
struct rates {
	struct vly_rate screen;
	cells cost;
	cells burst;
	cells room; /* burst less cost */
};

static inline cells
all(uint32_t value)
{
	return (cells){value, value, value, value, value, value, value, value};
}

static inline struct rates
rates_of(const struct vly_policy_rules *rules)
{
	struct rates rates = {.screen = rules->source.screen};

	for (unsigned i = 0; i < 2 * VLY_SOURCE_LEVEL_CNT; i++) {
		rates.cost[i] = rules->source.level[i / 2].cost;
		rates.burst[i] = rules->source.level[i / 2].burst;
	}
	rates.room = rates.burst - rates.cost;
	return rates;
}

static inline cells
choose(signed_cells condition, cells yes, cells no)
{
	return (yes & (cells)condition) | (no & ~(cells)condition);
}

static inline signed_cells
less(cells a, cells b)
{
	return (signed_cells)a < (signed_cells)b;
}

static inline bool
any(signed_cells condition)
{
	uint64_t quarter[4];

	memcpy(quarter, &condition, sizeof(quarter));
	halves both = (halves){quarter[0], quarter[1]} | (halves){quarter[2], quarter[3]};
	return (both[0] | both[1]) != 0;
}

/* vly_sketch_take(). Rare, and not inline: it would take registers from the code for each
 * packet. */
__attribute__((noinline)) static bool
take(struct vly_sketch *sketch, const struct vly_sketch_hash *hash, const struct rates *rates,
     cells now)
{
	uint32_t *cell[6];

	for (unsigned i = 0; i < 6; i++)
		cell[i] = vly_sketch_cell(sketch, hash, i / 2, i % 2);
	cells ahead =
		(cells){*cell[0], *cell[1], *cell[2], *cell[3], *cell[4], *cell[5], 0, 0} - now;
	cells spent = ahead & (cells)(ahead <= rates->burst);
	cells other = __builtin_shufflevector(spent, spent, 1, 0, 3, 2, 5, 4, 7, 6);
	cells least = choose(less(spent, other), spent, other);

	if (any(less(rates->room, least)))
		return false;
	cells after = least + rates->cost;
	after = now + choose(less(spent, after), after, spent);
	for (unsigned i = 0; i < 6; i++)
		*cell[i] = after[i];
	return true;
}

/* vly_sketch_admit(), after the source's cell of the screen has been found. */
static inline bool
admit(struct vly_sketch *sketch, const struct vly_packet *packet,
      const struct vly_policy_rules *rules, uint32_t *screen, const struct rates *rates,
      uint32_t now)
{
	uint32_t spent = vly_sketch_screen_spent(*screen, now, rates->screen.cost);

	if (__builtin_expect(spent > rates->screen.burst, 0)) {
		struct vly_sketch_hash hash =
			vly_sketch_hash(vly_policy_source(packet, rules), rules->source_key);
		if (!take(sketch, &hash, rates, all(now)))
			return false;
	}
	*screen = vly_sketch_screen_after(spent, now);
	return true;
}

/* Without prefixes of its family nothing is read, and the pages of the table may never have been
 * touched. */
static inline void
fetch_prefixes(const struct vly_prefix_table *prefixes, const struct vly_packet *packet)
{
	if (packet->ip_version == 4 && prefixes->range4_cnt > 0)
		__builtin_prefetch(vly_prefix_listed4(prefixes, (uint32_t)packet->source_low));
	if (packet->ip_version == 6 && prefixes->range6_cnt > 0)
		__builtin_prefetch(
			vly_prefix_listed6(prefixes, (uint32_t)(packet->source_high >> 32)));
}

/* Prefetches the memory that a burst may need, and finds the screen's cells, whether they will be
 * used or not. */
static void
fetch(const struct vly_policy_rules *rules, struct vly_sketch *sketch,
      const struct vly_packet *packet, unsigned cnt, uint32_t **screen)
{
	const struct vly_prefix_table *prefixes = &rules->prefixes;

	for (unsigned i = 0; i < cnt; i++) {
		screen[i] = vly_sketch_screen(sketch, vly_policy_source(&packet[i], rules),
					      rules->source_key);
		__builtin_prefetch(screen[i], 1);
		fetch_prefixes(prefixes, &packet[i]);
	}
}

bool
vly_judge(const struct vly_policy_rules *rules, struct vly_policy_state *state, uint32_t now,
	  const struct vly_packet *packet, unsigned cnt, uint8_t *verdict)
{
	const struct rates rates = rates_of(rules);
	bool has_rate = rules->source_mode != VLY_LIMIT_OFF;
	uint32_t *screen[VLY_JUDGE_MAX];
	bool all_served = true;

	if (has_rate || rules->prefixes.range4_cnt + rules->prefixes.range6_cnt > 0)
		fetch(rules, &state->sketch, packet, cnt, screen);
	for (unsigned i = 0; i < cnt; i++) {
		bool exempt = false;
		enum vly_verdict found = vly_policy_look_up(&packet[i], rules, &exempt);
		if (found == VLY_VERDICT_serve && !exempt) {
			if (!vly_policy_may_be_unserved(&packet[i], rules, state, now))
				found = VLY_VERDICT_unserved;
			else if (has_rate &&
				 !admit(&state->sketch, &packet[i], rules, screen[i], &rates, now))
				found = vly_policy_over_rate(rules, state);
		}
		if (__builtin_expect(packet[i].unserved != 0, 0) && found == VLY_VERDICT_serve &&
		    vly_policy_is_request(&packet[i], rules))
			found = VLY_VERDICT_pass;
		verdict[i] = (uint8_t)found;
		all_served &= found == VLY_VERDICT_serve;
	}
	return all_served;
}

struct vly_policy_state *
vly_judge_state_create(void)
{
	return vly_large_alloc(sizeof(struct vly_policy_state));
}

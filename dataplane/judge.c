/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "judge.h"

#include <string.h>

#include "large.h"

/* The six cells of a source, two of each level side by side; the last two lanes idle. As plain
 * numbers this takes twice as long. What is spent is below 2^31, so that signed comparisons do,
 * which machines have had for longer. */
typedef uint32_t cells __attribute__((vector_size(8 * sizeof(uint32_t))));
typedef int32_t signed_cells __attribute__((vector_size(8 * sizeof(uint32_t))));
typedef uint64_t halves __attribute__((vector_size(2 * sizeof(uint64_t))));

/* The rates of a burst: those of the levels in lanes. */
struct rates {
	struct vly_rate calm; /* the screen's */
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
	struct rates rates = {.calm = vly_sketch_screen_rate(rules->source, rules->screen_burst)};

	for (unsigned i = 0; i < 2 * VLY_SOURCE_LEVEL_CNT; i++) {
		struct vly_rate left =
			vly_sketch_level_rate(rules->source[i / 2], rates.calm.burst);
		rates.cost[i] = left.cost;
		rates.burst[i] = left.burst;
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

/* vly_sketch_take() */
static inline bool
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

/* vly_sketch_admit() */
static inline bool
admit(struct vly_sketch *sketch, struct vly_sketch_source source, uint64_t key,
      const struct rates *rates, uint32_t now)
{
	uint32_t wide_hash = vly_sketch_mix(source.level[VLY_SOURCE_LEVEL_CNT - 1], (uint32_t)key);
	uint32_t *screen = vly_sketch_screen(sketch, wide_hash);
	uint32_t spent = vly_sketch_screen_spent(*screen, now, rates->calm);

	if (spent > rates->calm.burst) {
		struct vly_sketch_hash hash = vly_sketch_hash(source, key);
		if (!take(sketch, &hash, rates, all(now)))
			return false;
	}
	*screen = vly_sketch_screen_after(spent, now);
	return true;
}

static const void *
index_of(const struct vly_prefix_table *table, const struct vly_packet *packet)
{
	if (packet->ip_version == 4)
		return &table->index4[vly_prefix_bucket4((uint32_t)packet->source_low)];
	return &table->index6[vly_prefix_bucket6(packet->source_high)];
}

/* Where the search of a packet's bucket begins. */
static const void *
middle_of(const struct vly_prefix_table *table, const struct vly_packet *packet)
{
	const uint32_t *index = index_of(table, packet);
	uint32_t middle = index[0] + (index[1] - index[0]) / 2;

	if (packet->ip_version == 4)
		return &table->range4[VLY_PREFIX_AT(middle)];
	return &table->range6[VLY_PREFIX_AT(middle)];
}

static void
fetch_prefixes(const struct vly_prefix_table *table, const struct vly_packet *packet, unsigned cnt)
{
	if (table->range4_cnt + table->range6_cnt == 0)
		return;
	for (unsigned i = 0; i < cnt; i++)
		__builtin_prefetch(index_of(table, &packet[i]));
	for (unsigned i = 0; i < cnt; i++)
		__builtin_prefetch(middle_of(table, &packet[i]));
}

/* vly_prefix_find4(). In most buckets start few ranges, or none: these are counted without a
 * branch, for nobody can predict where among them an address is. */
static inline enum vly_prefix_action
find4(const struct vly_prefix_table *table, uint32_t address)
{
	enum { FEW = 4 };

	if (table->range4_cnt == 0)
		return VLY_PREFIX_NONE;
	const uint32_t *index = &table->index4[vly_prefix_bucket4(address)];
	uint32_t first = index[0], cnt = index[1] - index[0], below = 0;
	if (cnt > FEW)
		return vly_prefix_find4(table, address);
	for (uint32_t i = 0; i < FEW; i++)
		below += (i < cnt) & (table->range4[VLY_PREFIX_AT(first + i)].start <= address);
	return (enum vly_prefix_action)table->range4[VLY_PREFIX_AT(first + below - 1)].action;
}

void
vly_judge(const struct vly_policy_rules *rules, struct vly_policy_state *state, uint32_t now,
	  const struct vly_packet *packet, unsigned cnt, uint8_t *verdict)
{
	const struct rates rates = rates_of(rules);
	bool has_rate = rules->source_mode != VLY_LIMIT_OFF;

	fetch_prefixes(&rules->prefixes, packet, cnt);
	for (unsigned i = 0; i < cnt; i++) {
		bool exempt = false;
		verdict[i] = (uint8_t)vly_policy_look_up(&packet[i], rules, &exempt, find4);
		if (verdict[i] != VLY_VERDICT_serve || exempt)
			continue;
		if (!vly_policy_may_be_unserved(&packet[i], rules, state, now))
			verdict[i] = VLY_VERDICT_unserved;
		else if (has_rate && !admit(&state->sketch, vly_policy_source(&packet[i], rules),
					    rules->source_key, &rates, now))
			verdict[i] = (uint8_t)vly_policy_over_rate(rules, state);
	}
}

struct vly_policy_state *
vly_judge_state_create(void)
{
	return vly_large_alloc(sizeof(struct vly_policy_state));
}

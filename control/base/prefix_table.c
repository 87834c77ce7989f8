/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prefix_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <volley/prefix_check.h>

#define IPV4_BITS_OFFSET 96

/* One inside the other, from the longest to the shortest. */
#define NESTED_MAX 129

__extension__ typedef unsigned __int128 u128;

/* The ranges of one family while they are made. An IPv4 address is the number of its 32 bits. */
struct builder {
	struct vly_prefix_table *table;
	bool ipv4;
	uint32_t cnt;
	bool full;
	struct {
		u128 last; /* address */
		uint32_t action;
	} nested[NESTED_MAX];
	unsigned nested_cnt;
};

static u128
number(const uint8_t *octet, unsigned cnt)
{
	u128 value = 0;

	for (unsigned i = 0; i < cnt; i++)
		value = value << 8 | octet[i];
	return value;
}

bool
vly_prefix_rule_is_ipv4(const struct vly_prefix_rule *rule)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return rule->bits >= IPV4_BITS_OFFSET && memcmp(rule->address, mapped, sizeof(mapped)) == 0;
}

bool
vly_prefix_rule_clear_host_bits(struct vly_prefix_rule *rule)
{
	bool any = false;

	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = rule->bits > i * 8 ? rule->bits - i * 8 : 0;
		uint8_t host = (uint8_t)(kept >= 8 ? 0 : 0xff >> kept);
		any |= (rule->address[i] & host) != 0;
		rule->address[i] &= (uint8_t)~host;
	}
	return any;
}

int
vly_prefix_compare(const struct vly_prefix_rule *a, const struct vly_prefix_rule *b)
{
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order != 0 ? order : (int)a->bits - (int)b->bits;
}

/* A shorter prefix comes before those inside it. */
static int
compare(const void *a, const void *b)
{
	return vly_prefix_compare(a, b);
}

static u128
start_of(const struct builder *builder, uint32_t idx)
{
	const struct vly_prefix6 *range6 = &builder->table->range6[idx];

	return builder->ipv4 ? builder->table->range4[idx].start
			     : (u128)range6->start_high << 64 | range6->start_low;
}

static uint32_t
action_of(const struct builder *builder, uint32_t idx)
{
	return builder->ipv4 ? builder->table->range4[idx].action
			     : (uint32_t)builder->table->range6[idx].action;
}

/* From `start` on, up to the next point, the action is `action`. */
static void
begin_range(struct builder *builder, u128 start, uint32_t action)
{
	if (builder->cnt > 0 && start_of(builder, builder->cnt - 1) == start)
		builder->cnt--;
	if (builder->cnt > 0 && action_of(builder, builder->cnt - 1) == action)
		return;
	if (builder->cnt == VLY_PREFIX_RANGES_MAX) {
		builder->full = true;
		return;
	}
	if (builder->ipv4)
		builder->table->range4[builder->cnt] =
			(struct vly_prefix4){.start = (uint32_t)start, .action = action};
	else
		builder->table->range6[builder->cnt] =
			(struct vly_prefix6){.start_high = (uint64_t)(start >> 64),
					     .start_low = (uint64_t)start,
					     .action = action};
	builder->cnt++;
}

/* Ends the innermost prefix: behind it, the one around it goes on. */
static void
leave(struct builder *builder)
{
	u128 last = builder->nested[--builder->nested_cnt].last;
	u128 max = builder->ipv4 ? UINT32_MAX : ~(u128)0;
	uint32_t around = builder->nested_cnt > 0 ? builder->nested[builder->nested_cnt - 1].action
						  : (uint32_t)VLY_PREFIX_NONE;

	if (last != max)
		begin_range(builder, last + 1, around);
}

static void
enter(struct builder *builder, const struct vly_prefix_rule *rule)
{
	u128 first = builder->ipv4 ? number(rule->address + 12, 4) : number(rule->address, 16);
	u128 host_bits = rule->bits == 0 ? ~(u128)0 : ((u128)1 << (128 - rule->bits)) - 1;

	while (builder->nested_cnt > 0 && builder->nested[builder->nested_cnt - 1].last < first)
		leave(builder);
	builder->nested[builder->nested_cnt].last = first | host_bits;
	builder->nested[builder->nested_cnt++].action = rule->action;
	begin_range(builder, first, rule->action);
}

/* As many buckets for each network of 16 bits as there are ranges, or half of them: a power of two.
 * Returns how many there are in all. */
static uint32_t
divide_index6(struct vly_prefix_table *table)
{
	uint32_t bucket_cnt = 0;
	uint32_t at = 0;

	for (uint32_t i = 0; i < VLY_PREFIX_PART_CNT; i++) {
		uint32_t first = at;
		unsigned bits = 0;
		while (at < table->range6_cnt && table->range6[at].start_high >> 48 == i)
			at++;
		while ((at - first) >> (bits + 1) != 0)
			bits++;
		table->part6[i] = VLY_PREFIX_PART(bucket_cnt, bits);
		bucket_cnt += UINT32_C(1) << bits;
	}
	return bucket_cnt;
}

static uint32_t
bucket_of(const struct builder *builder, uint32_t idx)
{
	const struct vly_prefix_table *table = builder->table;

	return builder->ipv4 ? vly_prefix_bucket4(table->range4[idx].start)
			     : vly_prefix_bucket6(table, table->range6[idx].start_high);
}

static void
write_index(struct builder *builder, uint32_t *index, uint32_t bucket_cnt)
{
	uint32_t below = 0;

	for (uint32_t i = 0; i <= bucket_cnt; i++) {
		while (below < builder->cnt && bucket_of(builder, below) < i)
			below++;
		index[i] = below;
	}
}

/* Sets the bits of all networks that a range with an action touches. */
static void
list_networks4(struct vly_prefix_table *table)
{
	for (uint32_t i = 0; i < table->range4_cnt; i++) {
		uint32_t last = vly_prefix_last_net4(table, i);
		if (table->range4[i].action == VLY_PREFIX_NONE)
			continue;
		for (uint32_t net = table->range4[i].start >> 8; net <= last; net++)
			table->listed4[net / 8] |= (uint8_t)(1 << net % 8);
	}
}

static void
list_networks6(struct vly_prefix_table *table)
{
	if (vly_prefix_net6_cnt(table) > VLY_PREFIX_LISTED6_CNT) {
		memset(table->listed6, UINT8_MAX, sizeof(table->listed6));
		return;
	}
	for (uint32_t i = 0; i < table->range6_cnt; i++) {
		uint32_t last = vly_prefix_last_net6(table, i);
		if (table->range6[i].action == VLY_PREFIX_NONE)
			continue;
		for (uint64_t net = vly_prefix_first_net6(table, i); net <= last; net++) {
			uint32_t hash = vly_prefix_hash6((uint32_t)net);
			table->listed6[hash / 8] |= (uint8_t)(1 << hash % 8);
		}
	}
}

static int
build_family(struct builder *builder, const struct vly_prefix_rule *rules, size_t rule_cnt)
{
	for (size_t i = 0; i < rule_cnt; i++) {
		if (vly_prefix_rule_is_ipv4(&rules[i]) != builder->ipv4)
			continue;
		if (i > 0 && compare(&rules[i - 1], &rules[i]) == 0)
			continue; /* said twice */
		if (builder->cnt == 0)
			begin_range(builder, 0, VLY_PREFIX_NONE);
		enter(builder, &rules[i]);
	}
	while (builder->nested_cnt > 0)
		leave(builder);
	return builder->full ? -E2BIG : 0;
}

/* Sorts the rules and says whether each is one, and the only one for its prefix. */
static int
prepare(struct vly_prefix_rule *rules, size_t rule_cnt)
{
	for (size_t i = 0; i < rule_cnt; i++) {
		if (rules[i].bits > 128 || rules[i].action > VLY_PREFIX_ALLOW)
			return -EINVAL;
		(void)vly_prefix_rule_clear_host_bits(&rules[i]);
	}
	if (rule_cnt > 0)
		qsort(rules, rule_cnt, sizeof(*rules), compare);
	for (size_t i = 1; i < rule_cnt; i++)
		if (compare(&rules[i - 1], &rules[i]) == 0 &&
		    rules[i - 1].action != rules[i].action)
			return -EEXIST;
	return 0;
}

int
vly_prefix_table_build(struct vly_prefix_table *table, struct vly_prefix_rule *rules,
		       size_t rule_cnt)
{
	struct builder ipv4 = {.table = table, .ipv4 = true};
	struct builder ipv6 = {.table = table};
	int error = prepare(rules, rule_cnt);

	memset(table, 0, sizeof(*table));
	if (error == 0)
		error = build_family(&ipv4, rules, rule_cnt);
	if (error == 0)
		error = build_family(&ipv6, rules, rule_cnt);
	if (error != 0)
		return error;
	table->range4_cnt = ipv4.cnt;
	table->range6_cnt = ipv6.cnt;
	write_index(&ipv4, table->index4, VLY_PREFIX_INDEX4_CNT);
	write_index(&ipv6, table->index6, divide_index6(table));
	list_networks4(table);
	list_networks6(table);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The flattened model and its slots, against policies as they are written. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steer/steer_slots.h"

static struct vly_steer_model *
load(const char *steer, const char *policy, const char *types)
{
	char path[] = "/tmp/volley-steer-XXXXXX";
	struct vly_config_errors errors;
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	fprintf(file,
		"%szones:\n  - name: example.\n    file: a\n    steer: [ { name: www, types: [%s], "
		"policy: %s } ]\n",
		steer, types, policy);
	fclose(file);
	struct vly_config *config = vly_config_load(path, &errors);
	unlink(path);
	cr_assert_not_null(config, "%s\n%s", errors.cnt ? errors.text[0] : "", steer);
	struct vly_steer_model *model = vly_steer_model_new(config);
	vly_config_free(config);
	cr_assert_not_null(model);
	return model;
}

static unsigned
random_below(unsigned cnt)
{
	return (unsigned)rand() % cnt;
}

/* What a policy leads to for a region, by walking it as it is written: the first pool that is up; with
 * `wanted` DRAINED, also one that only drained members are up in. */
static unsigned
walk(const struct vly_steer_model *model, unsigned target, const char *region, const uint8_t *flags,
     enum vly_steer_pool_state wanted)
{
	const struct vly_config_steer *config = model->config;

	if (target < config->pool_cnt)
		return vly_steer_pool_state(model, target, flags) >= wanted ? target : UINT_MAX;
	const struct vly_config_steer_policy *policy = &config->policies[target - config->pool_cnt];
	if (policy->geo) {
		target = policy->geo->target;
		for (unsigned i = 0; region && i < policy->geo->rule_cnt; i++)
			for (unsigned n = 0; n < policy->geo->rules[i].region_cnt; n++)
				if (strcmp(policy->geo->rules[i].regions[n], region) == 0)
					target = policy->geo->rules[i].target;
		return walk(model, target, region, flags, wanted);
	}
	for (unsigned i = 0; i < policy->target_cnt; i++) {
		unsigned pool = walk(model, policy->target[i], region, flags, wanted);
		if (pool != UINT_MAX)
			return pool;
	}
	return UINT_MAX;
}

static uint32_t
class_of(const struct vly_steer_model *model, unsigned policy, const char *region)
{
	const struct vly_steer_policy_plan *plan = &model->policy[policy];

	if (plan->partition == UINT_MAX || !region)
		return 0;
	const struct vly_steer_partition *partition = &model->partition[plan->partition];
	for (unsigned i = 0; i < partition->region_cnt; i++)
		if (strcmp(partition->region[i].name, region) == 0)
			return partition->region[i].class;
	return 0;
}

static int
append(char *text, size_t size, int len, const char *format, unsigned a, unsigned b)
{
	return len + snprintf(text + len, size - (size_t)len, format, a, b);
}

#define POOLS    6
#define POLICIES 5
#define REGIONS  7

/* Pools p0.. of one to three members, and policies q0.. that lead to pools and to policies before them. */
static void
write_random(char *text, size_t size)
{
	int len = snprintf(text, size, "steer:\n  maps: [ { name: m, file: m.txt } ]\n  pools:\n");

	for (unsigned i = 0; i < POOLS; i++) {
		unsigned cnt = 1 + random_below(3);
		len = append(text, size, len, "    - name: p%u\n      min: %u\n      members:\n", i,
			     1 + random_below(cnt));
		for (unsigned n = 0; n < cnt; n++)
			len = append(text, size, len, "        - { name: m%u, A: 192.0.2.%u }\n", n,
				     i * 10 + n);
	}
	len = append(text, size, len, "  policies:\n", 0, 0);
	for (unsigned i = 0; i < POLICIES; i++) {
		len = append(text, size, len, "    - name: q%u\n", i, 0);
		if (random_below(2) == 0) {
			unsigned first = random_below(POOLS);
			len = append(text, size, len, "      failover: [p%u, p%u", first,
				     (first + 1 + random_below(POOLS - 1)) % POOLS);
			if (i > 0)
				len = append(text, size, len, ", q%u", random_below(i), 0);
			len = append(text, size, len, "]\n", 0, 0);
			continue;
		}
		len = append(text, size, len, "      geo:\n        map: m\n        rules:\n", 0, 0);
		for (unsigned n = 0; n < REGIONS; n += 1 + random_below(3))
			len = append(text, size, len,
				     i > 0 && random_below(2)
					     ? "          - { regions: [r%u], to: q%u }\n"
					     : "          - { regions: [r%u], to: p%u }\n",
				     n, random_below(i > 0 ? i : POOLS));
		len = append(text, size, len, "        default: p%u\n", random_below(POOLS), 0);
	}
	cr_assert_lt((size_t)len, size);
}

static void
compare_states(const struct vly_steer_model *model, unsigned policy)
{
	const unsigned cnt = model->first_member[model->config->pool_cnt];
	uint8_t flags[POOLS * 3];
	char region[8];

	for (unsigned i = 0; i < cnt; i++)
		flags[i] = (random_below(2) ? VLY_STEER_MEMBER_UP : 0) |
			   (random_below(4) == 0 ? VLY_STEER_MEMBER_DRAINED : 0);
	for (unsigned i = 0; i <= REGIONS; i++) {
		snprintf(region, sizeof(region), "r%u", i);
		const char *asked = i < REGIONS ? region : NULL;
		const unsigned target = model->config->pool_cnt + policy;
		unsigned pool = walk(model, target, asked, flags, VLY_STEER_POOL_UP);
		if (pool == UINT_MAX)
			pool = walk(model, target, asked, flags, VLY_STEER_POOL_DRAINED);
		struct vly_steer_outcome outcome =
			vly_steer_decide(model, policy, class_of(model, policy, asked), flags);
		if (pool == UINT_MAX)
			cr_assert_geq(outcome.source, VLY_STEER_FROM_FALLBACK);
		else
			cr_assert_eq(outcome.pool, pool, "region %s", region);
	}
}

Test(steer, classes_decide_as_the_policies_say)
{
	char text[8192];
	char name[8];

	srand(7);
	for (unsigned round = 0; round < 300; round++) {
		unsigned policy = random_below(POLICIES);
		write_random(text, sizeof(text));
		snprintf(name, sizeof(name), "q%u", policy);
		struct vly_steer_model *model = load(text, name, "A");
		for (unsigned i = 0; i < 50; i++)
			compare_states(model, policy);
		vly_steer_model_put(model);
	}
}

static const char weighted[] = "steer:\n  pools:\n    - name: p\n      members:\n"
			       "        - { name: a, A: 192.0.2.1, weight: 7 }\n"
			       "        - { name: b, A: 192.0.2.2, weight: 2 }\n"
			       "        - { name: c, A: 192.0.2.3, weight: 1, AAAA: 2001:db8::3 }\n"
			       "  policies: [ { name: q, to: p } ]\n";

#define SLOTS 4096

/* Fills the one row; returns how many slots have each alternative. */
static void
fill(const struct vly_steer_model *model, unsigned kind, const uint8_t *flags, uint16_t *slot,
     unsigned *cnt)
{
	const struct vly_steer_row row = vly_steer_row_of(model, &model->kind[kind], 0);

	vly_steer_row_fill(model, &model->kind[kind], 0, row.bits, flags, true, slot);
	memset(cnt, 0, 300 * sizeof(*cnt));
	for (unsigned i = 0; i < 1u << row.bits; i++) {
		cr_assert_lt(slot[i], model->kind[kind].alt_cnt);
		if (slot[i] < 300)
			cnt[slot[i]]++;
	}
}

Test(steer, weights_are_kept_to_a_slot)
{
	struct vly_steer_model *model = load(weighted, "q", "A");
	uint8_t flags[] = {VLY_STEER_MEMBER_UP, VLY_STEER_MEMBER_UP, VLY_STEER_MEMBER_UP};
	uint16_t slot[SLOTS];
	unsigned cnt[300];

	cr_assert_eq(vly_steer_row_of(model, &model->kind[0], 0).bits, 12);
	fill(model, 0, flags, slot, cnt);
	cr_expect_eq(cnt[0], 2867, "4096 * 0.7 = 2867.2");
	cr_expect_eq(cnt[1], 819, "819.2");
	cr_expect_eq(cnt[2], 410, "409.6");
	flags[0] = 0;
	fill(model, 0, flags, slot, cnt);
	cr_expect_eq(cnt[0], 0);
	cr_expect_eq(cnt[1], 2731);
	cr_expect_eq(cnt[2], 1365);
	vly_steer_model_put(model);
}

Test(steer, sticky_clients_stay_but_those_of_a_lost_member)
{
	static const char text[] =
		"steer:\n  pools:\n    - name: p\n      pick: sticky\n      members:\n"
		"        - { name: a, A: 192.0.2.1, weight: 2 }\n        - { name: b, A: 192.0.2.2 "
		"}\n"
		"        - { name: c, A: 192.0.2.3 }\n        - { name: d, A: 192.0.2.4 }\n"
		"  policies: [ { name: q, to: p } ]\n";
	struct vly_steer_model *model = load(text, "q", "A");
	uint8_t flags[] = {1, 1, 1, 1};
	uint16_t before[SLOTS], after[SLOTS];
	unsigned cnt[300];

	fill(model, 0, flags, before, cnt);
	cr_expect(cnt[0] > SLOTS * 36 / 100 && cnt[0] < SLOTS * 44 / 100, "%u of 1638", cnt[0]);
	flags[2] = 0;
	fill(model, 0, flags, after, cnt);
	cr_expect_eq(cnt[2], 0);
	for (unsigned i = 0; i < SLOTS; i++)
		cr_assert(before[i] == 2 || before[i] == after[i], "slot %u has moved", i);
	flags[2] = 1;
	fill(model, 0, flags, after, cnt);
	cr_expect_arr_eq(before, after, sizeof(before));
	vly_steer_model_put(model);
}

Test(steer, rotation_gives_each_in_turn)
{
	static const char text[] = "steer:\n  pools:\n    - name: p\n      pick: rotate\n"
				   "      max: 2\n      members:\n"
				   "        - { name: a, A: 192.0.2.1 }\n"
				   "        - { name: b, A: 192.0.2.2 }\n"
				   "        - { name: c, A: 192.0.2.3 }\n"
				   "  policies: [ { name: q, to: p } ]\n";
	struct vly_steer_model *model = load(text, "q", "A");
	const struct vly_steer_kind *kind = &model->kind[0];
	static const unsigned sums[] = {3, 5, 4};
	uint8_t flags[] = {1, 1, 1};
	struct vly_steer_alternative alternative;
	uint16_t slot[SLOTS];
	unsigned cnt[300];

	fill(model, 0, flags, slot, cnt);
	for (unsigned i = 0; i < 6; i++) {
		vly_steer_alternative(model, kind, slot[i], &alternative);
		cr_assert_eq(alternative.cnt, 2);
		unsigned sum = alternative.record[0]->data[3] + alternative.record[1]->data[3];
		cr_expect_eq(sum, sums[i % 3], "a b, b c, c a");
	}
	vly_steer_model_put(model);
}

/* Every subset, and both TTLs. */
Test(steer, all_that_are_up_are_in_the_answer)
{
	static const char text[] =
		"steer:\n  pools:\n    - name: p\n      pick: all\n      members:\n"
		"        - { name: a, A: 192.0.2.1 }\n"
		"        - { name: b, A: 192.0.2.2 }\n"
		"        - { name: c, A: 192.0.2.3 }\n"
		"    - { name: r, members: [ { name: z, A: 192.0.2.9 } ] }\n"
		"  policies: [ { name: q, failover: [p, r] } ]\n";
	struct vly_steer_model *model = load(text, "q", "A");
	const struct vly_steer_kind *kind = &model->kind[0];

	cr_assert_eq(kind->alt_cnt, 2 * (7 + 1) + 1);
	cr_expect_eq(vly_steer_row_of(model, kind, 0).bits, 0);
	for (unsigned up = 0; up < 16; up++) {
		uint8_t flags[] = {up & 1, up >> 1 & 1, up >> 2 & 1, up >> 3};
		struct vly_steer_alternative alternative;
		uint16_t slot[1];
		unsigned set = 0;
		vly_steer_row_fill(model, kind, 0, 0, flags, true, slot);
		vly_steer_alternative(model, kind, slot[0], &alternative);
		for (unsigned i = 0; i < alternative.cnt; i++)
			set |= 1u << (alternative.record[i]->data[3] - 1);
		cr_expect_eq(set, up & 7 ? up & 7 : up & 8 ? 1u << 8 : 7, "up %u: got %x", up, set);
		cr_expect_eq(alternative.ttl, up & 7 ? 300 : 30);
	}
	vly_steer_alternative(model, kind, 0, &(struct vly_steer_alternative){0});
	vly_steer_model_put(model);
}

/* A pool in which one of three members has the type, and each fallback. */
Test(steer, fallbacks_are_as_declared)
{
	static const char format[] = "steer:\n  pools:\n    - name: p\n      members:\n"
				     "        - { name: a, A: 192.0.2.1 }\n"
				     "        - { name: b, A: 192.0.2.2 }\n"
				     "    - { name: r, members: [ { name: z, A: 192.0.2.9 } ] }\n"
				     "  policies: [ { name: q, to: p, fallback: %s } ]\n";
	static const char *const word[] = {"everything", "nothing", "last-known", "r"};

	for (unsigned i = 0; i < 4; i++) {
		char text[1024];
		snprintf(text, sizeof(text), format, word[i]);
		struct vly_steer_model *model = load(text, "q", "A");
		const struct vly_steer_kind *kind = &model->kind[0];
		const unsigned bits = vly_steer_row_of(model, kind, 0).bits;
		uint16_t slot[SLOTS];
		uint8_t flags[] = {0, VLY_STEER_MEMBER_UP, VLY_STEER_MEMBER_UP};
		vly_steer_row_fill(model, kind, 0, bits, flags, true, slot);
		cr_expect_eq(slot[0], 1);
		flags[1] = 0;
		vly_steer_row_fill(model, kind, 0, bits, flags, false, slot);
		unsigned seen[64] = {0};
		for (unsigned n = 0; n < 1u << bits; n++)
			seen[slot[n]]++;
		const unsigned half = kind->half_cnt;
		if (i == 0)
			cr_expect(seen[half] > 0 && seen[half + 1] > 0, "both, with the other TTL");
		else if (i == 1)
			cr_expect_eq(seen[kind->alt_cnt - 1], 1u << bits, "NODATA");
		else if (i == 2)
			cr_expect_eq(seen[half + 1], 1u << bits, "b stays");
		else
			cr_expect_eq(seen[half + 2], 1u << bits, "z");
		vly_steer_model_put(model);
	}
}

/* Nobody new is sent to drained members, unless there is nobody else. */
Test(steer, drained_members_are_the_last_resort)
{
	static const char text[] = "steer:\n  pools:\n    - name: p\n      members:\n"
				   "        - { name: a, A: 192.0.2.1 }\n"
				   "        - { name: b, A: 192.0.2.2 }\n"
				   "    - { name: r, members: [ { name: z, A: 192.0.2.9 } ] }\n"
				   "  policies: [ { name: q, failover: [p, r] } ]\n";
	struct vly_steer_model *model = load(text, "q", "A");
	const uint8_t up = VLY_STEER_MEMBER_UP;
	const uint8_t drained = VLY_STEER_MEMBER_UP | VLY_STEER_MEMBER_DRAINED;
	uint8_t flags[] = {drained, up, up};
	uint16_t slot[SLOTS];
	unsigned cnt[300];

	fill(model, 0, flags, slot, cnt);
	cr_expect_eq(cnt[0], 0);
	cr_expect_gt(cnt[1], 0);
	flags[1] = drained;
	cr_expect_eq(vly_steer_decide(model, 0, 0, flags).pool, 1);
	flags[2] = 0;
	cr_expect_eq(vly_steer_decide(model, 0, 0, flags).pool, 0);
	fill(model, 0, flags, slot, cnt);
	cr_expect(cnt[0] > 0 && cnt[1] > 0);
	vly_steer_model_put(model);
}

Test(steer, numbering_decides_about_the_key_and_records_about_the_content)
{
	static const char other_weight[] =
		"steer:\n  pools:\n    - name: p\n      members:\n"
		"        - { name: a, A: 192.0.2.1, weight: 1 }\n"
		"        - { name: b, A: 192.0.2.2, weight: 2 }\n"
		"        - { name: c, A: 192.0.2.33, weight: 1, AAAA: 2001:db8::3 }\n"
		"  policies: [ { name: q, to: p } ]\n";
	struct vly_steer_model *model = load(weighted, "q", "A, AAAA");
	struct vly_steer_model *other = load(other_weight, "q", "A, AAAA");

	cr_expect_neq(model->kind[0].key, model->kind[1].key);
	cr_expect_eq(model->kind[0].key, other->kind[0].key);
	cr_expect_neq(model->kind[0].content, other->kind[0].content);
	cr_expect_eq(model->kind[1].content, other->kind[1].content);
	cr_expect_neq(model->answers_hash, other->answers_hash);
	vly_steer_model_put(model);
	vly_steer_model_put(other);
}

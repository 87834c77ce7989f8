/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policies: what they lead to, that none leads to itself, and that what they choose from fits together. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

#define TTL_STEADY_DEFAULT      300
#define TTL_FAILED_OVER_DEFAULT 30
#define TTL_MAX                 2147483647

static const char *const fallback_words[] = {
	[VLY_STEER_FALLBACK_EVERYTHING] = "everything",
	[VLY_STEER_FALLBACK_LAST_KNOWN] = "last-known",
	[VLY_STEER_FALLBACK_NOTHING] = "nothing",
};
#define FALLBACK_WORD_CNT (sizeof(fallback_words) / sizeof(fallback_words[0]))

/* Pools and policies share their names, and maps have their own. */
struct reading {
	struct vly_config_steer *steer;
	struct vly_config_findings *findings;
	struct vly_config_names pools;
	struct vly_config_names policies;
	struct vly_config_names maps;
	bool complete;
};

static void
find_at(struct reading *reading, unsigned policy, const char *member, const char *text,
	const char *name)
{
	char path[VLY_CONFIG_PATH_BYTES];

	snprintf(path, sizeof(path), "steer.policies[%u]%s", policy, member);
	vly_config_find(reading->findings, path, 0, text, name);
	reading->complete = false;
}

/* The target of that name; or a finding. */
static unsigned
find_target(struct reading *reading, unsigned policy, const char *member, const char *name)
{
	const struct vly_config_steer *steer = reading->steer;
	const struct vly_config_steer_pool *pool = vly_config_names_find(&reading->pools, name);
	const struct vly_config_steer_policy *other =
		vly_config_names_find(&reading->policies, name);

	if (pool)
		return (unsigned)(pool - steer->pools);
	if (other)
		return steer->pool_cnt + (unsigned)(other - steer->policies);
	find_at(reading, policy, member, "there is no pool and no policy %.63s", name);
	return 0;
}

static void
read_failover(struct reading *reading, unsigned idx, struct vly_config_steer_policy *policy)
{
	char member[32] = ".to";
	const unsigned cnt = policy->to ? 1 : policy->failover_cnt;

	policy->target = calloc(cnt + 1, sizeof(*policy->target));
	if (!policy->target) {
		find_at(reading, idx, "", "out of memory", "");
		return;
	}
	policy->target_cnt = cnt;
	for (unsigned i = 0; i < cnt; i++) {
		const char *name = policy->to ? policy->to : policy->failover[i];
		if (!policy->to)
			snprintf(member, sizeof(member), ".failover[%u]", i);
		policy->target[i] = find_target(reading, idx, member, name);
		for (unsigned n = 0; n < i; n++)
			if (strcmp(policy->failover[n], name) == 0)
				find_at(reading, idx, member, "%.63s is listed twice", name);
	}
}

/* A region may be in one rule of a policy. */
static void
check_regions(struct reading *reading, unsigned idx, const struct vly_config_steer_geo *geo)
{
	struct vly_config_names names;
	char member[64];
	unsigned cnt = 0;

	for (unsigned i = 0; i < geo->rule_cnt; i++)
		cnt += geo->rules[i].region_cnt;
	if (vly_config_names_begin(&names, cnt) != 0) {
		find_at(reading, idx, ".geo", "out of memory", "");
		return;
	}
	for (unsigned i = 0; i < geo->rule_cnt; i++)
		for (unsigned n = 0; n < geo->rules[i].region_cnt; n++) {
			const char *region = geo->rules[i].regions[n];
			snprintf(member, sizeof(member), ".geo.rules[%u].regions[%u]", i, n);
			if (!vly_config_names_add(&names, region, geo))
				find_at(reading, idx, member, "%.63s is listed twice", region);
		}
	vly_config_names_free(&names);
}

static void
read_geo(struct reading *reading, unsigned idx, struct vly_config_steer_geo *geo)
{
	const struct vly_config_steer_map *map = vly_config_names_find(&reading->maps, geo->map);
	char member[64];

	if (map)
		geo->map_idx = (unsigned)(map - reading->steer->maps);
	else
		find_at(reading, idx, ".geo.map", "there is no map %.63s", geo->map);
	geo->target = find_target(reading, idx, ".geo.default", geo->otherwise);
	for (unsigned i = 0; i < geo->rule_cnt; i++) {
		snprintf(member, sizeof(member), ".geo.rules[%u].to", i);
		geo->rules[i].target = find_target(reading, idx, member, geo->rules[i].to);
	}
	check_regions(reading, idx, geo);
}

static void
read_fallback(struct reading *reading, unsigned idx, struct vly_config_steer_policy *policy)
{
	const struct vly_config_steer_pool *pool =
		vly_config_names_find(&reading->pools, policy->fallback);

	for (size_t i = 0; i < FALLBACK_WORD_CNT; i++)
		if (strcmp(policy->fallback, fallback_words[i]) == 0) {
			policy->fallback_id = (enum vly_steer_fallback)i;
			return;
		}
	policy->fallback_id = VLY_STEER_FALLBACK_POOL;
	if (pool)
		policy->fallback_pool = (unsigned)(pool - reading->steer->pools);
	else
		find_at(reading, idx, ".fallback",
			"must be everything, last-known, nothing or a pool; there is no pool %.63s",
			policy->fallback);
}

static void
read_ttls(struct reading *reading, unsigned idx, struct vly_config_steer_policy *policy)
{
	const struct vly_config_steer_ttl *ttl = policy->ttl;
	uint64_t steady = TTL_STEADY_DEFAULT;
	uint64_t failed_over;

	if (ttl && ttl->steady &&
	    !vly_config_number_read(ttl->steady, vly_config_no_units, 0, TTL_MAX, &steady))
		find_at(reading, idx, ".ttl.steady",
			"must be a number of seconds from 0 to 2147483647", "");
	failed_over = steady < TTL_FAILED_OVER_DEFAULT ? steady : TTL_FAILED_OVER_DEFAULT;
	if (ttl && ttl->failed_over &&
	    !vly_config_number_read(ttl->failed_over, vly_config_no_units, 0, TTL_MAX,
				    &failed_over))
		find_at(reading, idx, ".ttl.failed-over",
			"must be a number of seconds from 0 to 2147483647", "");
	policy->ttl_steady = (uint32_t)steady;
	policy->ttl_failed_over = (uint32_t)failed_over;
}

static void
read_policy(struct reading *reading, unsigned idx)
{
	struct vly_config_steer_policy *policy = &reading->steer->policies[idx];
	const unsigned cnt = !!policy->to + !!policy->geo + (policy->failover_cnt > 0);

	if (cnt != 1)
		find_at(reading, idx, "", "one of to, geo and failover must be given", "");
	if (policy->geo)
		read_geo(reading, idx, policy->geo);
	else
		read_failover(reading, idx, policy);
	read_fallback(reading, idx, policy);
	read_ttls(reading, idx, policy);
}

static unsigned
child_cnt(const struct vly_config_steer_policy *policy)
{
	return policy->geo ? policy->geo->rule_cnt + 1 : policy->target_cnt;
}

static unsigned
child(const struct vly_config_steer_policy *policy, unsigned idx)
{
	if (!policy->geo)
		return policy->target[idx];
	return idx < policy->geo->rule_cnt ? policy->geo->rules[idx].target : policy->geo->target;
}

/* Policies inside each other; more are no policy that a person understands, and each takes stack here. */
#define DEPTH_MAX 16

enum { WHITE, GREY, BLACK };

/* Finds policies that lead to themselves, or too deep. Each is looked at once. */
static void
find_circles(struct reading *reading, unsigned idx, unsigned depth)
{
	struct vly_config_steer_policy *policy = &reading->steer->policies[idx];

	if (policy->colour == GREY)
		find_at(reading, idx, "", "policy %.63s leads to itself", policy->name);
	if (policy->colour != WHITE || depth > reading->steer->policy_cnt)
		return;
	policy->colour = GREY;
	policy->height = 1;
	for (unsigned i = 0; reading->complete && i < child_cnt(policy); i++) {
		if (child(policy, i) < reading->steer->pool_cnt)
			continue;
		const unsigned below = child(policy, i) - reading->steer->pool_cnt;
		find_circles(reading, below, depth + 1);
		if (policy->height <= reading->steer->policies[below].height)
			policy->height = reading->steer->policies[below].height + 1;
	}
	policy->colour = BLACK;
	if (policy->height > DEPTH_MAX)
		find_at(reading, idx, "", "more than 16 policies are inside each other", "");
}

/* Pools that a target leads to; each policy is looked at once. */
struct visit {
	const struct vly_config_steer *steer;
	uint8_t *seen; /* [policy_cnt] */
	void (*fn)(void *arg, unsigned pool);
	void *arg;
};

static void
visit_target(const struct visit *visit, unsigned target)
{
	const unsigned pool_cnt = visit->steer->pool_cnt;

	if (target < pool_cnt) {
		visit->fn(visit->arg, target);
		return;
	}
	const struct vly_config_steer_policy *policy = &visit->steer->policies[target - pool_cnt];
	if (visit->seen[target - pool_cnt])
		return;
	visit->seen[target - pool_cnt] = 1;
	for (unsigned i = 0; i < child_cnt(policy); i++) /* DEPTH_MAX deep at most */
		visit_target(visit, child(policy, i));
}

bool
vly_config_steer_pools(const struct vly_config_steer *steer, unsigned policy,
		       void (*fn)(void *arg, unsigned pool), void *arg)
{
	const struct vly_config_steer_policy *own = &steer->policies[policy];
	const struct visit visit = {steer, calloc(steer->policy_cnt, 1), fn, arg};

	if (!visit.seen)
		return false;
	visit_target(&visit, steer->pool_cnt + policy);
	free(visit.seen);
	if (own->fallback_id == VLY_STEER_FALLBACK_POOL)
		fn(arg, own->fallback_pool);
	return true;
}

/* What pools that stand in for each other have in common: one row of slots is for all of them. */
struct likeness {
	const struct vly_config_steer *steer;
	const struct vly_config_steer_pool *first; /* that does not give all its members */
	const struct vly_config_steer_pool *other; /* that is picked differently */
};

static void
compare_pool(void *arg, unsigned idx)
{
	struct likeness *likeness = arg;
	const struct vly_config_steer_pool *pool = &likeness->steer->pools[idx];
	const struct vly_config_steer_pool *first = likeness->first;

	if (pool->pick_id == VLY_STEER_PICK_ALL || pool->member_cnt == 1)
		return;
	if (!first)
		likeness->first = pool;
	else if (pool->pick_id != first->pick_id || (pool->pick_id == VLY_STEER_PICK_STICKY &&
						     (pool->sticky4_bits != first->sticky4_bits ||
						      pool->sticky6_bits != first->sticky6_bits)))
		likeness->other = pool;
}

/* Of each way through the regions: a failover, or a fallback, leads from one pool to another. */
static void
check_likeness(struct reading *reading, unsigned idx)
{
	const struct vly_config_steer *steer = reading->steer;
	const struct vly_config_steer_policy *policy = &steer->policies[idx];
	struct likeness likeness = {.steer = steer};
	char text[200];

	if (policy->geo && policy->fallback_id != VLY_STEER_FALLBACK_POOL)
		return;
	if (!vly_config_steer_pools(steer, idx, compare_pool, &likeness))
		find_at(reading, idx, "", "out of memory", "");
	if (!likeness.other)
		return;
	snprintf(text, sizeof(text), "%.63s and %.63s", likeness.first->name, likeness.other->name);
	find_at(reading, idx,
		policy->geo  ? ".fallback"
		: policy->to ? ""
			     : ".failover",
		"pools %.140s stand in for each other, so pick, sticky-ipv4 and sticky-ipv6 must "
		"be the "
		"same",
		text);
}

/* The one map of a policy and of those inside: a client is in one region then. Those inside have been looked
 * at. */
static void
find_map(struct reading *reading, unsigned idx)
{
	const struct vly_config_steer *steer = reading->steer;
	struct vly_config_steer_policy *policy = &steer->policies[idx];

	if (policy->has_map || !reading->complete)
		return;
	policy->has_map = true;
	policy->map_idx = policy->geo ? policy->geo->map_idx : UINT_MAX;
	for (unsigned i = 0; i < child_cnt(policy); i++) { /* DEPTH_MAX deep at most */
		if (child(policy, i) < steer->pool_cnt)
			continue;
		const unsigned below = child(policy, i) - steer->pool_cnt;
		find_map(reading, below);
		const unsigned map = steer->policies[below].map_idx;
		if (map != UINT_MAX && policy->map_idx != UINT_MAX && map != policy->map_idx)
			find_at(reading, idx, "",
				"policies inside each other must use one map; %.63s uses another "
				"one",
				steer->policies[below].name);
		if (policy->map_idx == UINT_MAX)
			policy->map_idx = map;
	}
}

static bool
begin(struct reading *reading)
{
	const struct vly_config_steer *steer = reading->steer;

	return vly_config_names_begin(&reading->pools, steer->pool_cnt) == 0 &&
	       vly_config_names_begin(&reading->policies, steer->policy_cnt) == 0 &&
	       vly_config_names_begin(&reading->maps, steer->map_cnt) == 0;
}

static void
add_names(struct reading *reading)
{
	const struct vly_config_steer *steer = reading->steer;

	for (unsigned i = 0; i < steer->map_cnt; i++)
		(void)vly_config_names_add(&reading->maps, steer->maps[i].name, &steer->maps[i]);
	for (unsigned i = 0; i < steer->pool_cnt; i++)
		if (!vly_config_names_add(&reading->pools, steer->pools[i].name, &steer->pools[i]))
			vly_config_find(reading->findings, "steer.pools[%u].name", i,
					"duplicate pool: %.63s", steer->pools[i].name);
	for (unsigned i = 0; i < steer->policy_cnt; i++) {
		const char *name = steer->policies[i].name;
		if (vly_config_names_find(&reading->pools, name))
			find_at(reading, i, ".name", "there is a pool %.63s, too", name);
		else if (!vly_config_names_add(&reading->policies, name, &steer->policies[i]))
			find_at(reading, i, ".name", "duplicate policy: %.63s", name);
	}
}

static void
read_policies(struct reading *reading)
{
	const unsigned cnt = reading->steer->policy_cnt;

	add_names(reading);
	for (unsigned i = 0; i < cnt; i++)
		read_policy(reading, i);
	for (unsigned i = 0; reading->complete && i < cnt; i++)
		find_circles(reading, i, 0);
	for (unsigned i = 0; reading->complete && i < cnt; i++)
		find_map(reading, i);
	for (unsigned i = 0; reading->complete && i < cnt; i++)
		check_likeness(reading, i);
}

bool
vly_config_steer_read_policies(struct vly_config_steer *steer, struct vly_config_findings *findings)
{
	struct reading reading = {.steer = steer, .findings = findings, .complete = true};

	if (steer->pool_cnt > VLY_STEER_POOLS_MAX || steer->policy_cnt > VLY_STEER_POOLS_MAX)
		return false;
	if (begin(&reading))
		read_policies(&reading);
	else
		vly_config_find(findings, "steer", 0, "out of memory");
	vly_config_names_free(&reading.pools);
	vly_config_names_free(&reading.policies);
	vly_config_names_free(&reading.maps);
	return reading.complete;
}

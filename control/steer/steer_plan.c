/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policies flattened: for each region that a rule names, the pools in order; regions with the same pools are
 * one class. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "steer_model_parts.h"

struct planning {
	const struct vly_config_steer *config;
	struct vly_steer_way way; /* at hand */
	unsigned size;
	bool failed;
};

static void
add_pool(struct planning *planning, unsigned pool)
{
	struct vly_steer_way *way = &planning->way;

	for (unsigned i = 0; i < way->cnt; i++)
		if (way->pool[i] == pool)
			return;
	if (way->cnt == planning->size) {
		unsigned size = planning->size ? planning->size * 2 : 8;
		void *grown = realloc(way->pool, size * sizeof(*way->pool));
		planning->failed |= !grown;
		if (!grown)
			return;
		way->pool = grown;
		planning->size = size;
	}
	way->pool[way->cnt++] = pool;
}

static bool
has_region(const struct vly_config_steer_region *rule, const char *region)
{
	for (unsigned i = 0; i < rule->region_cnt; i++)
		if (strcmp(rule->regions[i], region) == 0)
			return true;
	return false;
}

static unsigned
geo_target(const struct vly_config_steer_geo *geo, const char *region)
{
	for (unsigned i = 0; region && i < geo->rule_cnt; i++)
		if (has_region(&geo->rules[i], region))
			return geo->rules[i].target;
	return geo->target;
}

/* Adds the pools of a target for a region, NULL: of none that a rule names. */
static void
follow(struct planning *planning, unsigned target, const char *region)
{
	const struct vly_config_steer *config = planning->config;

	if (target < config->pool_cnt) {
		add_pool(planning, target);
		return;
	}
	const struct vly_config_steer_policy *policy = &config->policies[target - config->pool_cnt];
	if (policy->geo)
		follow(planning, geo_target(policy->geo, region), region);
	for (unsigned i = 0; i < policy->target_cnt; i++)
		follow(planning, policy->target[i], region);
}

/* The names of regions in the rules of a policy and of those inside. */
struct regions {
	const char **name;
	unsigned cnt;
	unsigned size;
	bool failed;
};

static void
add_region(struct regions *regions, const char *name)
{
	if (regions->cnt == regions->size) {
		unsigned size = regions->size ? regions->size * 2 : 64;
		void *grown = realloc(regions->name, size * sizeof(*regions->name));
		regions->failed |= !grown;
		if (!grown)
			return;
		regions->name = grown;
		regions->size = size;
	}
	regions->name[regions->cnt++] = name;
}

static void
gather_regions(const struct vly_config_steer *config, unsigned target, struct regions *regions)
{
	if (target < config->pool_cnt)
		return;
	const struct vly_config_steer_policy *policy = &config->policies[target - config->pool_cnt];
	for (unsigned i = 0; policy->geo && i < policy->geo->rule_cnt; i++) {
		const struct vly_config_steer_region *rule = &policy->geo->rules[i];
		for (unsigned n = 0; n < rule->region_cnt; n++)
			add_region(regions, rule->regions[n]);
		gather_regions(config, rule->target, regions);
	}
	if (policy->geo)
		gather_regions(config, policy->geo->target, regions);
	for (unsigned i = 0; i < policy->target_cnt; i++)
		gather_regions(config, policy->target[i], regions);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
sort_regions(struct regions *regions)
{
	unsigned kept = 0;

	if (regions->cnt > 0)
		qsort(regions->name, regions->cnt, sizeof(*regions->name), compare_names);
	for (unsigned i = 0; i < regions->cnt; i++)
		if (kept == 0 || strcmp(regions->name[kept - 1], regions->name[i]) != 0)
			regions->name[kept++] = regions->name[i];
	regions->cnt = kept;
}

/* The class with the pools at hand, which are taken over if it is a new one; -1 without memory. */
static int64_t
class_of(struct planning *planning, struct vly_steer_policy_plan *plan)
{
	struct vly_steer_way *way = &planning->way;

	for (uint32_t i = 0; i < plan->class_cnt; i++)
		if (plan->way[i].cnt == way->cnt &&
		    memcmp(plan->way[i].pool, way->pool, way->cnt * sizeof(*way->pool)) == 0)
			return i;
	void *grown = realloc(plan->way, (plan->class_cnt + 1) * sizeof(*plan->way));
	if (!grown)
		return -1;
	plan->way = grown;
	plan->way[plan->class_cnt] = *way;
	*way = (struct vly_steer_way){0};
	planning->size = 0;
	return plan->class_cnt++;
}

static int64_t
class_of_region(struct planning *planning, struct vly_steer_policy_plan *plan, unsigned policy,
		const char *region)
{
	planning->way.cnt = 0;
	follow(planning, planning->config->pool_cnt + policy, region);
	return planning->failed ? -1 : class_of(planning, plan);
}

/* Over the text of the map's words and all classes of regions. */
static uint64_t
hash_partition(const struct vly_config_steer *config, const struct vly_steer_partition *partition)
{
	const struct vly_config_steer_map *map = &config->maps[partition->map];
	const char *const words[] = {map->mmdb, map->by, map->file};
	uint64_t hash = partition->class_cnt;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = words[i] ? XXH3_64bits_withSeed(words[i], strlen(words[i]), hash + 1)
				: hash + 7;
	for (unsigned i = 0; i < partition->region_cnt; i++) {
		const struct vly_steer_region *region = &partition->region[i];
		hash = XXH3_64bits_withSeed(region->name, strlen(region->name), hash);
		hash = XXH3_64bits_withSeed(&region->class, sizeof(region->class), hash);
	}
	return hash;
}

/* Takes `region` over. Returns the index of the partition; UINT_MAX without memory. */
static unsigned
add_partition(struct vly_steer_model *model, struct vly_steer_partition partition)
{
	partition.hash = hash_partition(model->config, &partition);
	for (unsigned i = 0; i < model->partition_cnt; i++)
		if (model->partition[i].hash == partition.hash) {
			free(partition.region);
			return i;
		}
	void *grown =
		realloc(model->partition, (model->partition_cnt + 1) * sizeof(*model->partition));
	if (!grown) {
		free(partition.region);
		return UINT_MAX;
	}
	model->partition = grown;
	model->partition[model->partition_cnt] = partition;
	return model->partition_cnt++;
}

/* Finds the class of each region. Returns 0, or -1 without memory. */
static int
divide(struct vly_steer_model *model, struct planning *planning, struct regions *regions,
       unsigned policy)
{
	struct vly_steer_policy_plan *plan = &model->policy[policy];
	struct vly_steer_partition partition = {.map = model->config->policies[policy].map_idx};

	if (class_of_region(planning, plan, policy, NULL) < 0)
		return -1;
	partition.region = calloc(regions->cnt + 1, sizeof(*partition.region));
	for (unsigned i = 0; partition.region && i < regions->cnt; i++) {
		int64_t class = class_of_region(planning, plan, policy, regions->name[i]);
		if (class < 0) {
			free(partition.region);
			return -1;
		}
		if (class > 0)
			partition.region[partition.region_cnt++] = (struct vly_steer_region){
				.name = regions->name[i], .class = (uint32_t) class};
	}
	if (!partition.region)
		return -1;
	partition.class_cnt = plan->class_cnt;
	if (plan->class_cnt == 1) {
		free(partition.region);
		return 0;
	}
	plan->partition = add_partition(model, partition);
	return plan->partition == UINT_MAX ? -1 : 0;
}

int
vly_steer_plan_add(struct vly_steer_model *model, unsigned policy)
{
	struct planning planning = {.config = model->config};
	struct regions regions = {0};

	if (model->policy[policy].way)
		return 0;
	model->policy[policy].partition = UINT_MAX;
	gather_regions(model->config, model->config->pool_cnt + policy, &regions);
	sort_regions(&regions);
	int result = regions.failed ? -1 : divide(model, &planning, &regions, policy);
	free(regions.name);
	free(planning.way.pool);
	return result;
}

void
vly_steer_plan_free(struct vly_steer_policy_plan *plan)
{
	for (uint32_t i = 0; i < plan->class_cnt; i++)
		free(plan->way[i].pool);
	free(plan->way);
}

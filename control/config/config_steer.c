/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section `steer`: its keys, defaults, and what owns what. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

const uint16_t vly_steer_rr_type[VLY_STEER_TYPE_CNT] = {
#define X(name) [VLY_STEER_##name] = VLY_TYPE_##name,
	VLY_STEER_TYPES(X)
#undef X
};

const char *const vly_steer_type_name[VLY_STEER_TYPE_CNT] = {
#define X(name) [VLY_STEER_##name] = #name,
	VLY_STEER_TYPES(X)
#undef X
};

#define TEXT(key, object, member)                                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, object, member, 1,   \
			       4096)
#define MUST(key, object, member)                                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, object, member, 1, 4096)
#define LIST(key, flags, object, member, schema)                                                   \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | (flags), object, member##s,           \
				   member##_cnt, schema, 1, CYAML_UNLIMITED)

static const cyaml_schema_value_t text_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096),
};

static const cyaml_schema_field_t ecs_fields[] = {
	TEXT("mode", struct vly_config_steer_ecs, mode),
	LIST("resolvers", CYAML_FLAG_OPTIONAL, struct vly_config_steer_ecs, resolver, &text_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t map_fields[] = {
	MUST("name", struct vly_config_steer_map, name),
	TEXT("mmdb", struct vly_config_steer_map, mmdb),
	TEXT("by", struct vly_config_steer_map, by),
	TEXT("file", struct vly_config_steer_map, file),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t map_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_steer_map, map_fields),
};

static const cyaml_schema_field_t member_fields[] = {
	MUST("name", struct vly_config_steer_member, name),
#define X(type) TEXT(#type, struct vly_config_steer_member, text[VLY_STEER_##type]),
	VLY_STEER_TYPES(X)
#undef X
		TEXT("weight", struct vly_config_steer_member, weight),
	TEXT("address", struct vly_config_steer_member, address),
	CYAML_FIELD_MAPPING_PTR("check", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct vly_config_steer_member, check, vly_config_check_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t member_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_steer_member, member_fields),
};

static const cyaml_schema_field_t pool_fields[] = {
	MUST("name", struct vly_config_steer_pool, name),
	LIST("members", 0, struct vly_config_steer_pool, member, &member_schema),
	TEXT("pick", struct vly_config_steer_pool, pick),
	TEXT("min", struct vly_config_steer_pool, min),
	TEXT("max", struct vly_config_steer_pool, max),
	TEXT("sticky-ipv4", struct vly_config_steer_pool, sticky4),
	TEXT("sticky-ipv6", struct vly_config_steer_pool, sticky6),
	CYAML_FIELD_MAPPING_PTR("check", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct vly_config_steer_pool, check, vly_config_check_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t pool_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_steer_pool, pool_fields),
};

static const cyaml_schema_field_t region_fields[] = {
	LIST("regions", 0, struct vly_config_steer_region, region, &text_schema),
	MUST("to", struct vly_config_steer_region, to),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t region_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_steer_region, region_fields),
};

static const cyaml_schema_field_t geo_fields[] = {
	MUST("map", struct vly_config_steer_geo, map),
	LIST("rules", 0, struct vly_config_steer_geo, rule, &region_schema),
	MUST("default", struct vly_config_steer_geo, otherwise),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t ttl_fields[] = {
	TEXT("steady", struct vly_config_steer_ttl, steady),
	TEXT("failed-over", struct vly_config_steer_ttl, failed_over),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t policy_fields[] = {
	MUST("name", struct vly_config_steer_policy, name),
	TEXT("to", struct vly_config_steer_policy, to),
	CYAML_FIELD_MAPPING_PTR("geo", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct vly_config_steer_policy, geo, geo_fields),
	CYAML_FIELD_SEQUENCE_COUNT("failover", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct vly_config_steer_policy, failover, failover_cnt,
				   &text_schema, 1, CYAML_UNLIMITED),
	TEXT("fallback", struct vly_config_steer_policy, fallback),
	CYAML_FIELD_MAPPING_PTR("ttl", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct vly_config_steer_policy, ttl, ttl_fields),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t policy_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct vly_config_steer_policy, policy_fields),
};

#define SECTION_LIST(key, member, cnt, schema)                                                     \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                  \
				   struct vly_config_steer, member, cnt, schema, 0,                \
				   CYAML_UNLIMITED)

const cyaml_schema_field_t vly_config_steer_fields[] = {
	CYAML_FIELD_MAPPING_PTR("ecs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				struct vly_config_steer, ecs, ecs_fields),
	SECTION_LIST("maps", maps, map_cnt, &map_schema),
	SECTION_LIST("pools", pools, pool_cnt, &pool_schema),
	SECTION_LIST("policies", policies, policy_cnt, &policy_schema),
	CYAML_FIELD_END,
};

/* Returns whether there was no memory. */
static bool
set_default(char **value, const char *text)
{
	if (!*value)
		*value = strdup(text);
	return !*value;
}

/* Client prefixes as RFC 7871 §11.1 advises them. */
static bool
set_pool_defaults(struct vly_config_steer_pool *pool)
{
	bool failed = set_default(&pool->pick, "weighted") || set_default(&pool->min, "1") ||
		      set_default(&pool->sticky4, "24") || set_default(&pool->sticky6, "56");

	for (unsigned i = 0; i < pool->member_cnt; i++)
		failed |= set_default(&pool->members[i].weight, "1");
	return failed;
}

int
vly_config_steer_defaults(struct vly_config *config)
{
	bool failed = false;

	if (!config->steer)
		config->steer = calloc(1, sizeof(*config->steer));
	if (config->steer && !config->steer->ecs)
		config->steer->ecs = calloc(1, sizeof(*config->steer->ecs));
	if (!config->steer || !config->steer->ecs)
		return -1;
	struct vly_config_steer *steer = config->steer;
	failed |= set_default(&steer->ecs->mode, "off");
	for (unsigned i = 0; i < steer->pool_cnt; i++)
		failed |= set_pool_defaults(&steer->pools[i]);
	for (unsigned i = 0; i < steer->policy_cnt; i++)
		failed |= set_default(&steer->policies[i].fallback, "everything");
	return failed ? -1 : 0;
}

static void
forget_member(struct vly_config_steer_member *member)
{
	for (unsigned type = 0; type < VLY_STEER_TYPE_CNT; type++)
		free(member->record[type].data);
	for (unsigned i = 0; i < member->check_cnt; i++)
		vly_health_check_clear(&member->checks[i].check);
	free(member->checks);
}

static void
forget_pool(struct vly_config_steer_pool *pool)
{
	for (unsigned i = 0; i < pool->member_cnt; i++)
		forget_member(&pool->members[i]);
}

void
vly_config_steer_forget(struct vly_config *config)
{
	for (unsigned i = 0; i < config->zone_cnt; i++)
		for (unsigned n = 0; n < config->zones[i].steer_cnt; n++)
			free(config->zones[i].steer[n].wire);
	vly_config_steer_free(vly_config_take_steer(config));
}

struct vly_config_steer *
vly_config_take_steer(struct vly_config *config)
{
	struct vly_config_steer *steer = config->steer;

	config->steer = NULL;
	return steer;
}

static const cyaml_schema_value_t steer_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct vly_config_steer, vly_config_steer_fields),
};

void
vly_config_steer_free(struct vly_config_steer *steer)
{
	static const cyaml_config_t settings = {.mem_fn = cyaml_mem};

	if (!steer)
		return;
	for (unsigned i = 0; i < steer->pool_cnt; i++)
		forget_pool(&steer->pools[i]);
	for (unsigned i = 0; i < steer->policy_cnt; i++)
		free(steer->policies[i].target);
	if (steer->ecs)
		vly_prefix_list_free(&steer->ecs->allowed);
	cyaml_free(&settings, &steer_schema, steer, 0);
}

void
vly_config_steer_check(struct vly_config *config, struct vly_config_findings *findings)
{
	const unsigned before = findings->total;

	vly_config_steer_read(config->steer, findings);
	vly_config_steer_read_checks(config->steer, config->health, findings);
	bool can_check = vly_config_steer_read_policies(config->steer, findings);
	can_check &= findings->total == before;
	vly_config_steer_read_zones(config, can_check, findings);
}

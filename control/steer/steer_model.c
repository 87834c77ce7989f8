/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer_model_parts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "zone/name_order.h"

static int
number_members(struct vly_steer_model *model)
{
	const struct vly_config_steer *config = model->config;
	char name[2 * VLY_STEER_NAME_BYTES];
	unsigned cnt = 0;

	model->first_member = calloc(config->pool_cnt + 1, sizeof(*model->first_member));
	if (!model->first_member)
		return -1;
	for (unsigned i = 0; i < config->pool_cnt; i++) {
		model->first_member[i] = cnt;
		cnt += config->pools[i].member_cnt;
	}
	model->first_member[config->pool_cnt] = cnt;
	model->member_hash = calloc(cnt + 1, sizeof(*model->member_hash));
	if (!model->member_hash)
		return -1;
	for (unsigned i = 0; i < config->pool_cnt; i++)
		for (unsigned n = 0; n < config->pools[i].member_cnt; n++) {
			int len = snprintf(name, sizeof(name), "%s/%s", config->pools[i].name,
					   config->pools[i].members[n].name);
			model->member_hash[model->first_member[i] + n] =
				XXH3_64bits(name, (size_t)len);
		}
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	const struct vly_steer_name *left = a;
	const struct vly_steer_name *right = b;

	return vly_name_order(left->wire, right->wire);
}

/* Entries of one name become one. */
static void
join_names(struct vly_steer_zone *zone)
{
	unsigned kept = 0;

	if (zone->name_cnt > 0)
		qsort(zone->name, zone->name_cnt, sizeof(*zone->name), compare_names);
	for (unsigned i = 0; i < zone->name_cnt; i++) {
		struct vly_steer_name *last = kept > 0 ? &zone->name[kept - 1] : NULL;
		struct vly_steer_name *name = &zone->name[i];
		if (!last || vly_name_order(last->wire, name->wire) != 0) {
			zone->name[kept++] = *name;
			continue;
		}
		for (unsigned n = 0; n < name->type_cnt && last->type_cnt < VLY_STEER_TYPE_CNT; n++)
			last->kind[last->type_cnt++] = name->kind[n];
		free(name->wire);
	}
	zone->name_cnt = kept;
}

/* Kinds in the order of their types. */
static void
sort_kinds(const struct vly_steer_model *model, struct vly_steer_name *name)
{
	for (unsigned i = 1; i < name->type_cnt; i++)
		for (unsigned n = i;
		     n > 0 && vly_steer_rr_type[model->kind[name->kind[n]].type] <
				      vly_steer_rr_type[model->kind[name->kind[n - 1]].type];
		     n--) {
			unsigned kind = name->kind[n];
			name->kind[n] = name->kind[n - 1];
			name->kind[n - 1] = kind;
		}
}

static uint64_t
hash_zone(const struct vly_steer_model *model, const struct vly_steer_zone *zone)
{
	uint64_t hash = XXH3_64bits(zone->apex, strlen(zone->apex));

	for (unsigned i = 0; i < zone->name_cnt; i++) {
		const struct vly_steer_name *name = &zone->name[i];
		hash = XXH3_64bits_withSeed(name->wire, name->len, hash);
		for (unsigned n = 0; n < name->type_cnt; n++) {
			const struct vly_steer_kind *kind = &model->kind[name->kind[n]];
			hash = XXH3_64bits_withSeed(&kind->content, sizeof(kind->content), hash);
		}
	}
	return hash;
}

static int
add_name(struct vly_steer_model *model, const struct vly_config_steer_name *entry,
	 struct vly_steer_name *name)
{
	*name = (struct vly_steer_name){.wire = malloc(entry->wire_len), .len = entry->wire_len};
	if (!name->wire || vly_steer_plan_add(model, entry->policy_idx) != 0)
		return -1;
	memcpy(name->wire, entry->wire, entry->wire_len);
	for (unsigned i = 0; i < entry->read_cnt; i++) {
		unsigned kind = vly_steer_kind_add(model, entry->policy_idx, entry->type[i]);
		if (kind == UINT_MAX)
			return -1;
		name->kind[name->type_cnt++] = kind;
	}
	return 0;
}

static int
add_zone(struct vly_steer_model *model, const struct vly_config_zone *from)
{
	struct vly_steer_zone *zone = &model->zone[model->zone_cnt++];

	zone->apex = strdup(from->name);
	zone->name = calloc(from->steer_cnt, sizeof(*zone->name));
	if (!zone->apex || !zone->name)
		return -1;
	for (unsigned i = 0; i < from->steer_cnt; i++) {
		zone->name_cnt++;
		if (add_name(model, &from->steer[i], &zone->name[i]) != 0)
			return -1;
	}
	join_names(zone);
	for (unsigned i = 0; i < zone->name_cnt; i++)
		sort_kinds(model, &zone->name[i]);
	zone->hash = hash_zone(model, zone);
	model->answers_hash += zone->hash; /* in any order */
	HASH_ADD_KEYPTR(hh, model->by_apex, zone->apex, strlen(zone->apex), zone);
	return zone->hh.tbl ? 0 : -1;
}

static int
fill(struct vly_steer_model *model, const struct vly_config *config)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < config->zone_cnt; i++)
		cnt += config->zones[i].steer_cnt > 0;
	model->zone = calloc(cnt + 1, sizeof(*model->zone));
	model->policy = calloc(model->config->policy_cnt + 1, sizeof(*model->policy));
	if (!model->zone || !model->policy || number_members(model) != 0)
		return -1;
	for (unsigned i = 0; i < config->zone_cnt; i++)
		if (config->zones[i].steer_cnt > 0 && add_zone(model, &config->zones[i]) != 0)
			return -1;
	for (unsigned i = 0; i < model->kind_cnt; i++) {
		model->kind[i].row = model->row_cnt;
		model->row_cnt += model->policy[model->kind[i].policy].class_cnt;
	}
	return 0;
}

static void
free_zone(struct vly_steer_zone *zone)
{
	for (unsigned i = 0; i < zone->name_cnt; i++)
		free(zone->name[i].wire);
	free(zone->name);
	free(zone->apex);
}

/* All but its configuration. */
static void
free_parts(struct vly_steer_model *model)
{
	HASH_CLEAR(hh, model->by_apex);
	for (unsigned i = 0; i < model->zone_cnt; i++)
		free_zone(&model->zone[i]);
	for (unsigned i = 0; i < model->kind_cnt; i++)
		vly_steer_kind_free(&model->kind[i]);
	for (unsigned i = 0; model->policy && i < model->config->policy_cnt; i++)
		vly_steer_plan_free(&model->policy[i]);
	for (unsigned i = 0; i < model->partition_cnt; i++)
		free(model->partition[i].region);
	free(model->zone);
	free(model->kind);
	free(model->policy);
	free(model->partition);
	free(model->first_member);
	free(model->member_hash);
}

struct vly_steer_model *
vly_steer_model_new(struct vly_config *config)
{
	struct vly_steer_model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->ref_cnt = 1;
	model->config = vly_config_take_steer(config);
	if (model->config && fill(model, config) == 0)
		return model;
	free_parts(model);
	config->steer = model->config;
	free(model);
	return NULL;
}

struct vly_steer_model *
vly_steer_model_get(struct vly_steer_model *model)
{
	if (model)
		model->ref_cnt++;
	return model;
}

void
vly_steer_model_put(struct vly_steer_model *model)
{
	if (!model || --model->ref_cnt > 0)
		return;
	free_parts(model);
	vly_config_steer_free(model->config);
	free(model);
}

const struct vly_steer_zone *
vly_steer_model_zone(const struct vly_steer_model *model, const char *apex)
{
	struct vly_steer_zone *zone = NULL;

	if (model)
		HASH_FIND_STR(model->by_apex, apex, zone);
	return zone;
}

/* The place of the first name that is not before `name`. */
static unsigned
place_of(const struct vly_steer_zone *zone, const uint8_t *name)
{
	unsigned low = 0;
	unsigned high = zone->name_cnt;

	while (low < high) {
		const unsigned middle = low + (high - low) / 2;
		if (vly_name_order(zone->name[middle].wire, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vly_steer_name *
vly_steer_zone_find(const struct vly_steer_zone *zone, const uint8_t *name, unsigned len)
{
	const unsigned place = place_of(zone, name);
	const struct vly_steer_name *found = &zone->name[place];

	return place < zone->name_cnt && found->len == len && memcmp(found->wire, name, len) == 0
		       ? found
		       : NULL;
}

static bool
is_below(const struct vly_steer_name *name, const uint8_t *above, unsigned len)
{
	unsigned at = 0;

	while (name->len - at > len)
		at += 1u + name->wire[at];
	return at > 0 && name->len - at == len && memcmp(name->wire + at, above, len) == 0;
}

const struct vly_steer_name *
vly_steer_zone_next(const struct vly_steer_zone *zone, const uint8_t *name, unsigned len,
		    bool beyond)
{
	unsigned place = place_of(zone, name);

	if (place < zone->name_cnt && zone->name[place].len == len &&
	    memcmp(zone->name[place].wire, name, len) == 0)
		place++;
	while (beyond && place < zone->name_cnt && is_below(&zone->name[place], name, len))
		place++;
	return place < zone->name_cnt ? &zone->name[place] : NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds: which pools a name may be answered from, and the numbers of its alternatives. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "steer_model_parts.h"

struct gathering {
	const struct vly_steer_model *model;
	struct vly_steer_kind *kind;
	unsigned size;
	bool failed;
};

/* Notes the members of a pool that have the type. */
static bool
fill_part(const struct vly_steer_model *model, enum vly_steer_type type,
	  struct vly_steer_part *part)
{
	const struct vly_config_steer_pool *pool = &model->config->pools[part->pool];

	part->has = calloc(pool->member_cnt + 1, sizeof(*part->has));
	if (!part->has)
		return false;
	for (unsigned i = 0; i < pool->member_cnt; i++)
		if (pool->members[i].record[type].data)
			part->has[part->has_cnt++] = (uint16_t)i;
	part->is_sets = pool->answer_max > 1;
	part->cnt = part->is_sets ? (1u << part->has_cnt) - 1 : part->has_cnt;
	return true;
}

static void
gather(void *arg, unsigned pool)
{
	struct gathering *gathering = arg;
	struct vly_steer_kind *kind = gathering->kind;

	if (gathering->failed || vly_steer_part_of(kind, pool))
		return;
	if (kind->part_cnt == gathering->size) {
		unsigned size = gathering->size ? gathering->size * 2 : 4;
		void *grown = realloc(kind->part, size * sizeof(*kind->part));
		gathering->failed = !grown;
		if (!grown)
			return;
		kind->part = grown;
		gathering->size = size;
	}
	struct vly_steer_part *part = &kind->part[kind->part_cnt++];
	*part = (struct vly_steer_part){.pool = pool, .first = kind->half_cnt};
	gathering->failed = !fill_part(gathering->model, kind->type, part);
	kind->half_cnt += part->cnt;
}

static void
add_text(XXH3_state_t *state, const char *text)
{
	XXH3_64bits_update(state, text, strlen(text) + 1);
}

static void
add_number(XXH3_state_t *state, uint64_t number)
{
	XXH3_64bits_update(state, &number, sizeof(number));
}

/* What says which alternative has which number; not the records, which may change under one key. */
static void
hash_numbering(const struct vly_steer_model *model, struct vly_steer_kind *kind,
	       XXH3_state_t *state)
{
	add_text(state, model->config->policies[kind->policy].name);
	add_text(state, vly_steer_type_name[kind->type]);
	add_number(state, kind->has_two_ttls);
	for (unsigned i = 0; i < kind->part_cnt; i++) {
		const struct vly_steer_part *part = &kind->part[i];
		const struct vly_config_steer_pool *pool = &model->config->pools[part->pool];
		add_text(state, pool->name);
		add_number(state, part->is_sets);
		for (unsigned n = 0; n < part->has_cnt; n++)
			add_text(state, pool->members[part->has[n]].name);
		add_text(state, "");
	}
	kind->key = XXH3_64bits_digest(state);
	if (kind->key == 0)
		kind->key = 1;
}

static void
hash_content(const struct vly_steer_model *model, struct vly_steer_kind *kind, XXH3_state_t *state)
{
	const struct vly_config_steer_policy *policy = &model->config->policies[kind->policy];

	add_number(state, kind->key);
	add_number(state, (uint64_t)policy->ttl_steady << 32 | policy->ttl_failed_over);
	for (unsigned i = 0; i < kind->part_cnt; i++) {
		const struct vly_steer_part *part = &kind->part[i];
		const struct vly_config_steer_pool *pool = &model->config->pools[part->pool];
		for (unsigned n = 0; n < part->has_cnt; n++) {
			const struct vly_config_steer_record *record =
				&pool->members[part->has[n]].record[kind->type];
			add_number(state, record->len);
			XXH3_64bits_update(state, record->data, record->len);
		}
	}
	kind->content = XXH3_64bits_digest(state);
}

/* Returns whether there was memory. */
static bool
fill_kind(const struct vly_steer_model *model, struct vly_steer_kind *kind)
{
	const struct vly_config_steer_policy *policy = &model->config->policies[kind->policy];
	struct gathering gathering = {.model = model, .kind = kind};
	XXH3_state_t *state = XXH3_createState();

	if (!vly_config_steer_pools(model->config, kind->policy, gather, &gathering) ||
	    gathering.failed || !state) {
		XXH3_freeState(state);
		return false;
	}
	kind->has_two_ttls = policy->ttl_steady != policy->ttl_failed_over;
	kind->alt_cnt = kind->half_cnt * (kind->has_two_ttls ? 2 : 1) + 1;
	XXH3_64bits_reset(state);
	hash_numbering(model, kind, state);
	XXH3_64bits_reset(state);
	hash_content(model, kind, state);
	XXH3_freeState(state);
	return true;
}

unsigned
vly_steer_kind_add(struct vly_steer_model *model, unsigned policy, enum vly_steer_type type)
{
	for (unsigned i = 0; i < model->kind_cnt; i++)
		if (model->kind[i].policy == policy && model->kind[i].type == type)
			return i;
	void *grown = realloc(model->kind, (model->kind_cnt + 1) * sizeof(*model->kind));
	if (!grown)
		return UINT_MAX;
	model->kind = grown;
	struct vly_steer_kind *kind = &model->kind[model->kind_cnt];
	*kind = (struct vly_steer_kind){.policy = policy, .type = type};
	if (!fill_kind(model, kind)) {
		vly_steer_kind_free(kind);
		return UINT_MAX;
	}
	return model->kind_cnt++;
}

void
vly_steer_kind_free(struct vly_steer_kind *kind)
{
	for (unsigned i = 0; i < kind->part_cnt; i++)
		free(kind->part[i].has);
	free(kind->part);
}

const struct vly_steer_part *
vly_steer_part_of(const struct vly_steer_kind *kind, unsigned pool)
{
	for (unsigned i = 0; i < kind->part_cnt; i++)
		if (kind->part[i].pool == pool)
			return &kind->part[i];
	return NULL;
}

/* The set of all comes first, so that it is alternative 0. */
unsigned
vly_steer_number(const struct vly_steer_kind *kind, const struct vly_steer_part *part,
		 uint64_t set_or_place, bool failed_over)
{
	const unsigned half = failed_over && kind->has_two_ttls ? kind->half_cnt : 0;

	return half + part->first +
	       (unsigned)(part->is_sets ? part->cnt - set_or_place : set_or_place);
}

void
vly_steer_alternative(const struct vly_steer_model *model, const struct vly_steer_kind *kind,
		      unsigned idx, struct vly_steer_alternative *alternative)
{
	const struct vly_config_steer_policy *policy = &model->config->policies[kind->policy];
	const struct vly_steer_part *part = kind->part;
	const bool failed_over = idx >= kind->half_cnt;

	*alternative = (struct vly_steer_alternative){.ttl = failed_over ? policy->ttl_failed_over
									 : policy->ttl_steady};
	if (idx >= vly_steer_nothing(kind))
		return;
	idx -= failed_over ? kind->half_cnt : 0;
	while (idx >= part->first + part->cnt)
		part++;
	idx -= part->first;
	const unsigned set = part->is_sets ? part->cnt - idx : 0;
	const struct vly_config_steer_member *members = model->config->pools[part->pool].members;
	for (unsigned i = 0; i < part->has_cnt; i++)
		if (part->is_sets ? set >> i & 1 : i == idx)
			alternative->record[alternative->cnt++] =
				&members[part->has[i]].record[kind->type];
}

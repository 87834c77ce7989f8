/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer_checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
compare(const void *a, const void *b)
{
	const struct vly_steer_checked *const one = a, *const other = b;

	return strcmp(one->check->id, other->check->id);
}

static unsigned
count(const struct vly_config_steer *config)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < config->pool_cnt; i++)
		for (unsigned n = 0; n < config->pools[i].member_cnt; n++)
			cnt += config->pools[i].members[n].check_cnt;
	return cnt;
}

static void
add_member(struct vly_steer_checks *checks, const struct vly_config_steer_pool *pool,
	   const struct vly_config_steer_member *member)
{
	for (unsigned i = 0; i < member->check_cnt; i++)
		checks->item[checks->cnt++] =
			(struct vly_steer_checked){&member->checks[i], pool, member};
}

struct vly_steer_checks *
vly_steer_checks_new(struct vly_steer_model *model)
{
	const struct vly_config_steer *config = model->config;
	struct vly_steer_checks *checks = calloc(1, sizeof(*checks));

	if (checks)
		checks->item = calloc(count(config) + 1, sizeof(*checks->item));
	if (!checks || !checks->item) {
		free(checks);
		return NULL;
	}
	checks->model = vly_steer_model_get(model);
	for (unsigned i = 0; i < config->pool_cnt; i++)
		for (unsigned n = 0; n < config->pools[i].member_cnt; n++)
			add_member(checks, &config->pools[i], &config->pools[i].members[n]);
	qsort(checks->item, checks->cnt, sizeof(*checks->item), compare);
	return checks;
}

void
vly_steer_checks_free(struct vly_steer_checks *checks)
{
	if (!checks)
		return;
	vly_steer_model_put(checks->model);
	free(checks->item);
	free(checks);
}

unsigned
vly_steer_checks_find(const struct vly_steer_checks *checks, const char *id)
{
	unsigned low = 0, high = checks->cnt;

	while (low < high) {
		const unsigned middle = low + (high - low) / 2;
		if (strcmp(checks->item[middle].check->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < checks->cnt && strcmp(checks->item[low].check->id, id) == 0 ? low
										 : checks->cnt;
}

const char *
vly_steer_check_name(const struct vly_steer_checked *item, char out[VLY_STEER_CHECK_NAME_BYTES])
{
	const char *family = item->check == item->member->checks ? "/A" : "/AAAA";

	snprintf(out, VLY_STEER_CHECK_NAME_BYTES, "%s/%s%s", item->pool->name, item->member->name,
		 item->member->check_cnt > 1 ? family : "");
	return out;
}

struct vly_steer_verdict
vly_steer_checks_judge(const struct vly_config_steer_member *member,
		       const struct vly_health_state *(*find)(void *arg, const char *id), void *arg)
{
	struct vly_steer_verdict verdict = {.is_healthy = true};

	for (unsigned i = 0; i < member->check_cnt && verdict.is_healthy; i++) {
		const struct vly_health_state *state = find(arg, member->checks[i].id);
		if (!state || state->status == VLY_HEALTH_UNKNOWN ||
		    (verdict.is_known && state->status == VLY_HEALTH_UP))
			continue;
		verdict = (struct vly_steer_verdict){true, state->status == VLY_HEALTH_UP, state};
	}
	return verdict;
}

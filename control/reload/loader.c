/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image_block.h"
#include "common/log.h"
#include "common/plural.h"
#include "file_look.h"
#include "loader_parts.h"

/* Threads of the pool that a load takes. */
#define PARALLEL_MAX 4

static void start_groups(struct vly_loader *loader);
static void on_planned(uv_work_t *work, int status);

void
vly_load_set_error(struct vly_load_item *item, const char *text)
{
	if (item->error)
		return;
	item->error = calloc(1, sizeof(*item->error));
	if (!item->error)
		return; /* without image and without error: reported as out of memory */
	snprintf(item->error->file, sizeof(item->error->file), "%s", item->file);
	snprintf(item->error->text, sizeof(item->error->text), "%s", text);
}

/* CPUs for loading: one stays free of it, for the dataplane and all other work. */
uint32_t
vly_load_cpu_cnt(void)
{
	cpu_set_t cpus;
	int cnt = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) - 1 : 1;

	return cnt < 1 ? 1 : (uint32_t)cnt;
}

uint32_t
vly_load_parallel_max(void)
{
	uint32_t cnt = vly_load_cpu_cnt();

	return cnt > PARALLEL_MAX ? PARALLEL_MAX : cnt;
}

static void
make_groups(uv_work_t *work)
{
	vly_load_make_groups(work->data);
}

static void
look_at(struct vly_load_group *group)
{
	for (uint32_t i = 0; i < group->cnt; i++) {
		struct vly_load_item *item = &group->loader->items[group->item[i]];
		if (group->loader->settings.only_copies)
			item->is_unchanged = true;
		else
			vly_file_look(item);
		group->zones_done += item->is_unchanged && !item->copy_from;
	}
}

static void
work_group(uv_work_t *work)
{
	struct vly_load_group *group = work->data;

	if (group->loader->phase == VLY_LOAD_LOOK)
		look_at(group);
	else if (!group->cached)
		vly_load_build(group);
	else if (vly_cache_lookup_read(&group->loader->settings, group->cached, group->reason,
				       sizeof(group->reason)) == 0)
		group->zones_done = group->cnt;
}

static void
finish(struct vly_loader *loader)
{
	for (uint32_t i = 0; i < loader->cnt; i++)
		if (vly_load_is_to_read(&loader->items[i]))
			vly_load_set_error(&loader->items[i], "out of memory");
	loader->done(loader->arg);
	vly_cache_lookup_free(loader->lookup);
	vly_image_sources_free(&loader->sources);
	pthread_mutex_destroy(&loader->sources.lock);
	free(loader);
}

static void
next_phase(struct vly_loader *loader)
{
	for (uint32_t g = 0; g < loader->group_cnt; g++) {
		loader->zones_before += loader->group[g].zones_done;
		loader->records_before += loader->group[g].progress.record_cnt;
	}
	free(loader->group);
	free(loader->order);
	loader->group = NULL;
	loader->order = NULL;
	loader->group_cnt = 0;
	loader->next_group = 0;
	loader->phase++;
	if (loader->phase == VLY_LOAD_OLD_ONES && !loader->lookup)
		loader->phase++;
	if (loader->phase == VLY_LOAD_DONE)
		finish(loader);
	else
		uv_queue_work(loader->loop, &loader->plan_work, make_groups, on_planned);
}

static void
take_cached(struct vly_load_group *group)
{
	struct vly_loader *loader = group->loader;

	loader->spares_cache |= group->cached->is_kept;
	if (group->cached->useless && loader->phase == VLY_LOAD_FROM_CACHE)
		vly_log_warning("image cache: %s; reading %" PRIu32 " zone%s from file instead",
				group->reason, group->cnt, vly_plural(group->cnt));
	else if (group->cached->useless)
		vly_log_warning("image cache: %s; %" PRIu32
				" zone%s left without a version to serve",
				group->reason, group->cnt, vly_plural(group->cnt));
	for (uint32_t i = 0; !group->cached->useless && i < group->cnt; i++)
		vly_cache_lookup_take(loader->lookup, group->item[i],
				      &loader->items[group->item[i]]);
}

static void
tell_pages(const struct vly_live_image *image)
{
	if (image && image->bytes >= VLY_IMAGE_BLOCK_BYTES_MIN)
		vly_log_info("an image of %" PRIu64 " MiB is in %s pages", image->bytes >> 20,
			     image->is_huge ? "huge" : "ordinary");
}

static void
on_group_done(uv_work_t *work, int status)
{
	struct vly_load_group *group = work->data;
	struct vly_loader *loader = group->loader;

	(void)status;
	if (group->cached)
		take_cached(group);
	tell_pages(group->cached ? group->cached->live : group->image);
	for (uint32_t i = 0; group->image && i < group->cnt; i++) {
		struct vly_load_item *item = &loader->items[group->item[i]];
		if (item->is_built)
			item->image = vly_live_image_get(group->image);
	}
	vly_live_image_put(group->image);
	group->image = NULL;
	loader->running--;
	start_groups(loader);
}

static void
start_groups(struct vly_loader *loader)
{
	/* looking takes no CPU when it takes long: it waits for the disk then */
	const uint32_t max =
		loader->phase == VLY_LOAD_LOOK ? PARALLEL_MAX : vly_load_parallel_max();

	while (loader->next_group < loader->group_cnt && loader->running < max) {
		struct vly_load_group *group = &loader->group[loader->next_group++];
		loader->running++;
		uv_queue_work(loader->loop, &group->work, work_group, on_group_done);
	}
	if (loader->running == 0)
		next_phase(loader);
}

static void
on_planned(uv_work_t *work, int status)
{
	struct vly_loader *loader = work->data;

	(void)status;
	if (loader->phase == VLY_LOAD_FROM_CACHE && loader->cache_reason[0])
		vly_log_info("image cache not used: %s", loader->cache_reason);
	start_groups(loader);
}

struct vly_loader *
vly_loader_start(uv_loop_t *loop, const struct vly_load_settings *settings,
		 struct vly_load_item *items, uint32_t cnt, void (*done)(void *arg), void *arg)
{
	struct vly_loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return NULL;
	loader->loop = loop;
	loader->settings = *settings;
	loader->items = items;
	loader->cnt = cnt;
	loader->done = done;
	loader->arg = arg;
	loader->plan_work.data = loader;
	pthread_mutex_init(&loader->sources.lock, NULL);
	uv_queue_work(loop, &loader->plan_work, make_groups, on_planned);
	return loader;
}

void
vly_loader_progress(const struct vly_loader *loader, struct vly_load_state *state)
{
	memset(state, 0, sizeof(*state));
	state->zone_cnt = loader->cnt;
	state->zones_done = loader->zones_before;
	state->record_cnt = loader->records_before;
	/* groups that have begun; before, the plan's thread may be writing them */
	for (uint32_t g = 0; g < loader->next_group; g++) {
		struct vly_load_group *group = &loader->group[g];
		state->zones_done += group->zones_done;
		state->record_cnt += group->progress.record_cnt;
		if (group->name)
			state->name = group->name;
	}
}

bool
vly_loader_spares_cache(const struct vly_loader *loader)
{
	return loader->spares_cache;
}

void
vly_load_items_clear(struct vly_load_item *items, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		vly_live_image_put(items[i].image);
		free(items[i].error);
		free(items[i].includes);
		items[i].includes = NULL;
		items[i].image = NULL;
		items[i].error = NULL;
	}
}

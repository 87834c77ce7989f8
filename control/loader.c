/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plan.h"

/* The pool's default number of threads. */
#define PARALLEL_MAX 4

struct group {
	struct vly_loader *loader;
	uv_work_t work;
	uint32_t *item; /* indices */
	uint32_t cnt;
	_Atomic uint32_t zones_done;
	_Atomic(const char *) name;
	struct vly_load_progress progress;
	struct vly_live_image *image;
};

struct vly_loader {
	uv_loop_t *loop;
	struct vly_load_settings settings;
	struct vly_load_item *items;
	uint32_t cnt;
	uv_work_t plan_work;
	uint32_t *order; /* item indices, group by group */
	struct group *group;
	uint32_t group_cnt;
	uint32_t next_group;
	uint32_t running;
	void (*done)(void *arg);
	void *arg;
};

static void start_groups(struct vly_loader *loader);

static void
set_error(struct vly_load_item *item, const char *text)
{
	if (item->error)
		return;
	item->error = calloc(1, sizeof(*item->error));
	if (!item->error)
		return; /* without image and without error: reported as out of memory */
	snprintf(item->error->file, sizeof(item->error->file), "%s", item->file);
	snprintf(item->error->text, sizeof(item->error->text), "%s", text);
}

static void
stat_items(struct vly_loader *loader)
{
	for (uint32_t i = 0; i < loader->cnt; i++) {
		struct vly_load_item *item = &loader->items[i];
		struct stat status;
		if (stat(item->file, &status) < 0)
			continue; /* the builder says why it can't be read */
		item->file_bytes = (uint64_t)status.st_size;
		item->file_mtime_ns = (uint64_t)status.st_mtim.tv_sec * UINT64_C(1000000000) +
				      (uint64_t)status.st_mtim.tv_nsec;
	}
}

/* Sorts item indices by group, in one counting pass. */
static void
fill_groups(struct vly_loader *loader, const uint32_t *group_of)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < loader->cnt; i++)
		loader->group[group_of[i]].cnt++;
	for (uint32_t g = 0; g < loader->group_cnt; g++) {
		struct group *group = &loader->group[g];
		group->loader = loader;
		group->work.data = group;
		group->item = loader->order + at;
		at += group->cnt;
		group->cnt = 0;
	}
	for (uint32_t i = 0; i < loader->cnt; i++) {
		struct group *group = &loader->group[group_of[i]];
		group->item[group->cnt++] = i;
	}
}

static void
plan(uv_work_t *work)
{
	struct vly_loader *loader = work->data;
	uint64_t *bytes = calloc(loader->cnt + 1, sizeof(*bytes));
	uint32_t *group_of = calloc(loader->cnt + 1, sizeof(*group_of));

	loader->order = calloc(loader->cnt + 1, sizeof(*loader->order));
	stat_items(loader);
	if (bytes && group_of && loader->order) {
		for (uint32_t i = 0; i < loader->cnt; i++)
			bytes[i] = loader->items[i].file_bytes;
		loader->group_cnt =
			vly_plan_groups(bytes, loader->cnt, loader->settings.image_max, group_of);
		loader->group = calloc(loader->group_cnt + 1, sizeof(*loader->group));
		if (loader->group)
			fill_groups(loader, group_of);
		else
			loader->group_cnt = 0;
	}
	free(bytes);
	free(group_of);
}

/* The first error, which says how many more there are; NULL without memory. */
static struct vly_zone_error *
first_error(const struct vly_zone_report *report)
{
	struct vly_zone_error *error = malloc(sizeof(*error));

	if (!error)
		return NULL;
	*error = report->first;
	size_t len = strlen(error->text);
	if (report->error_cnt > 1)
		snprintf(error->text + len, sizeof(error->text) - len,
			 " (and %" PRIu32 " more: volleyctl check-zone)", report->error_cnt - 1);
	return error;
}

static uint32_t
add_zones(struct group *group, struct vly_image_builder *builder)
{
	uint32_t added = 0;

	for (uint32_t i = 0; i < group->cnt; i++) {
		struct vly_load_item *item = &group->loader->items[group->item[i]];
		struct vly_zone_report report;
		vly_zone_report_defaults(&report);
		memcpy(report.severity, group->loader->settings.severity, sizeof(report.severity));
		group->name = item->name;
		if (vly_image_builder_add_file(builder, item->name, item->file, &group->progress,
					       &report, &item->info) == 0) {
			added++;
		} else {
			item->error = first_error(&report);
		}
		group->zones_done++;
	}
	group->name = NULL;
	return added;
}

static void
fail_group(struct group *group, const char *text)
{
	for (uint32_t i = 0; i < group->cnt; i++)
		set_error(&group->loader->items[group->item[i]], text);
}

static void
build_group(uv_work_t *work)
{
	struct group *group = work->data;
	struct vly_image_builder *builder = vly_image_builder_new(&group->loader->settings.key);
	struct vly_built_image built;

	if (!builder) {
		fail_group(group, strerror(errno));
		return;
	}
	if (group->loader->settings.any_all)
		vly_image_builder_answer_any_all(builder);
	if (add_zones(group, builder) == 0) {
		vly_image_builder_free(builder);
		return;
	}
	if (vly_image_builder_seal(builder, &built) == 0)
		group->image = vly_live_image_new(built.fd, built.bytes, built.zone_cnt);
	if (!group->image)
		fail_group(group, strerror(errno));
}

static void
finish(struct vly_loader *loader)
{
	for (uint32_t i = 0; i < loader->cnt; i++)
		if (!loader->items[i].image)
			set_error(&loader->items[i], "out of memory");
	loader->done(loader->arg);
	free(loader->group);
	free(loader->order);
	free(loader);
}

static void
on_group_built(uv_work_t *work, int status)
{
	struct group *group = work->data;
	struct vly_loader *loader = group->loader;

	(void)status;
	for (uint32_t i = 0; group->image && i < group->cnt; i++) {
		struct vly_load_item *item = &loader->items[group->item[i]];
		if (!item->error)
			item->image = vly_live_image_get(group->image);
	}
	vly_live_image_put(group->image);
	group->image = NULL;
	loader->running--;
	start_groups(loader);
}

/* One core stays free of compiling, for the dataplane and everything else. */
static uint32_t
parallel_max(void)
{
	cpu_set_t cpus;
	int cnt = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) - 1 : 1;

	return cnt < 1 ? 1 : cnt > PARALLEL_MAX ? PARALLEL_MAX : (uint32_t)cnt;
}

static void
start_groups(struct vly_loader *loader)
{
	while (loader->next_group < loader->group_cnt && loader->running < parallel_max()) {
		struct group *group = &loader->group[loader->next_group++];
		loader->running++;
		uv_queue_work(loader->loop, &group->work, build_group, on_group_built);
	}
	if (loader->running == 0)
		finish(loader);
}

static void
on_planned(uv_work_t *work, int status)
{
	(void)status;
	start_groups(work->data);
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
	uv_queue_work(loop, &loader->plan_work, plan, on_planned);
	return loader;
}

void
vly_loader_progress(const struct vly_loader *loader, struct vly_load_state *state)
{
	memset(state, 0, sizeof(*state));
	state->zone_cnt = loader->cnt;
	/* groups that have begun; before, the plan's thread may be writing them */
	for (uint32_t g = 0; g < loader->next_group; g++) {
		struct group *group = &loader->group[g];
		state->zones_done += group->zones_done;
		state->record_cnt += group->progress.record_cnt;
		if (group->name)
			state->name = group->name;
	}
}

void
vly_load_items_clear(struct vly_load_item *items, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++) {
		vly_live_image_put(items[i].image);
		free(items[i].error);
		items[i].image = NULL;
		items[i].error = NULL;
	}
}

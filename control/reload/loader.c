/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/image_block.h"
#include "base/reason.h"
#include "cache_lookup.h"
#include "common/log.h"
#include "common/plural.h"
#include "compile/image_builder.h"
#include "plan.h"

/* The pool's default number of threads. */
#define PARALLEL_MAX 4

/* A load goes through all phases; each has groups of its own. */
enum phase {
	FROM_CACHE, /* unchanged zones */
	FROM_FILES, /* all others */
	OLD_ONES,   /* from the cache, for zones that did not load */
	DONE,
};

struct group {
	struct vly_loader *loader;
	uv_work_t work;
	uint32_t *item; /* indices */
	uint32_t cnt;
	_Atomic uint32_t zones_done;
	_Atomic(const char *) name;
	struct vly_load_progress progress;
	struct vly_cached_image *cached; /* to be read; NULL: `image` is built from files */
	struct vly_live_image *image;
	char reason[VLY_REASON_BYTES]; /* why not */
};

struct vly_loader {
	uv_loop_t *loop;
	struct vly_load_settings settings;
	struct vly_load_item *items;
	uint32_t cnt;
	enum phase phase;
	struct vly_cache_lookup *lookup;     /* NULL: nothing is cached */
	bool spares_cache;                   /* see vly_loader_spares_cache() */
	char cache_reason[VLY_REASON_BYTES]; /* why not */
	uv_work_t plan_work;
	uint32_t *order; /* item indices, group by group */
	struct group *group;
	uint32_t group_cnt;
	uint32_t next_group;
	uint32_t running;
	uint32_t zones_before; /* done in earlier phases */
	uint64_t records_before;
	void (*done)(void *arg);
	void *arg;
};

/* The group of an item that is none of this phase's. */
#define NO_GROUP UINT32_MAX

static void start_groups(struct vly_loader *loader);
static void on_planned(uv_work_t *work, int status);

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
		if (stat(item->file, &status) == 0) /* else the builder says why */
			item->stamp = vly_file_stamp(&status);
	}
}

/* Sorts item indices by group, in one counting pass. */
static void
fill_groups(struct vly_loader *loader, const uint32_t *group_of)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < loader->cnt; i++)
		if (group_of[i] != NO_GROUP)
			loader->group[group_of[i]].cnt++;
	for (uint32_t g = 0; g < loader->group_cnt; g++) {
		struct group *group = &loader->group[g];
		group->loader = loader;
		group->work.data = group;
		group->item = loader->order + at;
		at += group->cnt;
		group->cnt = 0;
	}
	for (uint32_t i = 0; i < loader->cnt; i++)
		if (group_of[i] != NO_GROUP) {
			struct group *group = &loader->group[group_of[i]];
			group->item[group->cnt++] = i;
			if (loader->phase != FROM_FILES)
				group->cached = vly_cache_lookup_image(loader->lookup, i);
		}
}

/* Numbers the groups that zone files are read into; returns how many, 0 also without memory. */
static uint32_t
group_files(const struct vly_loader *loader, uint32_t *group_of)
{
	struct vly_plan_zone *zone = calloc(loader->cnt + 1, sizeof(*zone));
	uint32_t *group = calloc(loader->cnt + 1, sizeof(*group));
	uint32_t cnt = 0;
	uint32_t group_cnt = 0;

	for (uint32_t i = 0; zone && i < loader->cnt; i++)
		if (!loader->items[i].image)
			zone[cnt++] = (struct vly_plan_zone){loader->items[i].stamp.bytes,
							     loader->items[i].name};
	if (zone && group)
		group_cnt = vly_plan_groups(zone, cnt, &loader->settings.key,
					    loader->settings.image_max, group);
	cnt = 0;
	for (uint32_t i = 0; group_cnt > 0 && i < loader->cnt; i++)
		group_of[i] = loader->items[i].image ? NO_GROUP : group[cnt++];
	free(zone);
	free(group);
	return group_cnt;
}

static bool
wants_cached(const struct vly_loader *loader, uint32_t item)
{
	return loader->phase == FROM_CACHE ? loader->lookup->unchanged[item]
					   : loader->items[item].error != NULL;
}

/* Numbers the images of the cache that are needed in this phase. */
static uint32_t
group_cached(const struct vly_loader *loader, uint32_t *group_of)
{
	uint32_t *number = calloc(loader->lookup->index.image_cnt + 1, sizeof(*number));
	uint32_t group_cnt = 0;

	for (uint32_t i = 0; number && i < loader->cnt; i++) {
		const struct vly_cached_image *cached = vly_cache_lookup_image(loader->lookup, i);
		group_of[i] = NO_GROUP;
		if (!cached || !wants_cached(loader, i))
			continue;
		uint32_t image = (uint32_t)(cached - loader->lookup->image);
		if (number[image] == 0)
			number[image] = ++group_cnt;
		group_of[i] = number[image] - 1;
	}
	free(number);
	return group_cnt;
}

static void
open_cache(struct vly_loader *loader)
{
	if (!loader->settings.cache_dir)
		return;
	enum vly_state_read result = vly_cache_lookup_open(
		&loader->lookup, &loader->settings, loader->items, loader->cnt,
		loader->cache_reason, sizeof(loader->cache_reason));
	loader->spares_cache = result == VLY_STATE_UNREADABLE;
	if (result == VLY_STATE_NONE)
		loader->cache_reason[0] = '\0';
}

static void
plan(uv_work_t *work)
{
	struct vly_loader *loader = work->data;
	uint32_t *group_of = calloc(loader->cnt + 1, sizeof(*group_of));

	if (loader->phase == FROM_CACHE) {
		stat_items(loader);
		open_cache(loader);
	}
	loader->order = calloc(loader->cnt + 1, sizeof(*loader->order));
	if (group_of && loader->order) {
		if (loader->phase == FROM_FILES)
			loader->group_cnt = group_files(loader, group_of);
		else if (loader->lookup)
			loader->group_cnt = group_cached(loader, group_of);
		loader->group = calloc(loader->group_cnt + 1, sizeof(*loader->group));
		if (!loader->group)
			loader->group_cnt = 0;
		if (loader->group_cnt > 0)
			fill_groups(loader, group_of);
	}
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
			 " (and %" PRIu32 " more; to list them: volleyctl check-zone)",
			 report->error_cnt - 1);
	return error;
}

/* CPUs for loading: one stays free of it, for the dataplane and all other work. */
static uint32_t
cpu_cnt(void)
{
	cpu_set_t cpus;
	int cnt = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) - 1 : 1;

	return cnt < 1 ? 1 : (uint32_t)cnt;
}

/* Groups that are loaded at once. */
static uint32_t
parallel_max(void)
{
	uint32_t cnt = cpu_cnt();

	return cnt > PARALLEL_MAX ? PARALLEL_MAX : cnt;
}

/* Groups that are loaded at the same time share the CPUs. */
static struct vly_dnssec_settings
dnssec_settings(const struct vly_loader *loader, uint32_t item_idx)
{
	struct vly_dnssec_settings settings = loader->settings.dnssec;
	uint32_t parallel = parallel_max();

	if (loader->group_cnt < parallel)
		parallel = loader->group_cnt;
	settings.sample_max = vly_dnssec_sample(settings.seed, item_idx, loader->cnt);
	settings.thread_max = parallel > 0 ? (cpu_cnt() + parallel - 1) / parallel : 1;
	return settings;
}

static uint32_t
add_zones(struct group *group, struct vly_image_builder *builder)
{
	uint32_t added = 0;

	for (uint32_t i = 0; i < group->cnt; i++) {
		struct vly_load_item *item = &group->loader->items[group->item[i]];
		struct vly_dnssec_settings dnssec = dnssec_settings(group->loader, group->item[i]);
		struct vly_zone_report report;
		vly_zone_report_defaults(&report);
		memcpy(report.severity, group->loader->settings.severity, sizeof(report.severity));
		vly_image_builder_check_signed(builder, &dnssec);
		group->name = item->name;
		if (vly_image_builder_add_file(builder, item->name, item->file, &group->progress,
					       &report, &item->info) == 0) {
			item->includes = vly_image_builder_take_includes(builder);
			added++;
		} else {
			item->error = first_error(&report);
		}
		group->zones_done++;
	}
	group->name = NULL;
	return added;
}

/* The fault is in none of the zones, so the message says how many share the image. */
static void
fail_group(struct group *group, int error)
{
	char text[200];

	snprintf(text, sizeof(text), "the image of %" PRIu32 " zone%s could not be built: %s",
		 group->cnt, vly_plural(group->cnt), strerror(error));
	for (uint32_t i = 0; i < group->cnt; i++)
		set_error(&group->loader->items[group->item[i]], text);
}

static void
build_group(struct group *group)
{
	struct vly_image_builder *builder = vly_image_builder_new(&group->loader->settings.key);
	struct vly_built_image built;

	if (!builder) {
		fail_group(group, errno);
		return;
	}
	if (group->loader->settings.any_all)
		vly_image_builder_answer_any_all(builder);
	if (group->loader->settings.additional_none)
		vly_image_builder_answer_additional_none(builder);
	if (add_zones(group, builder) == 0) {
		vly_image_builder_free(builder);
		return;
	}
	if (vly_image_builder_seal(builder, &built) == 0)
		group->image = vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes,
						  built.zone_cnt);
	if (!group->image)
		fail_group(group, errno);
}

static void
work_group(uv_work_t *work)
{
	struct group *group = work->data;

	if (!group->cached)
		build_group(group);
	else if (vly_cache_lookup_read(&group->loader->settings, group->cached, group->reason,
				       sizeof(group->reason)) == 0)
		group->zones_done = group->cnt;
}

static void
finish(struct vly_loader *loader)
{
	for (uint32_t i = 0; i < loader->cnt; i++)
		if (!loader->items[i].image)
			set_error(&loader->items[i], "out of memory");
	loader->done(loader->arg);
	vly_cache_lookup_free(loader->lookup);
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
	if (loader->phase == OLD_ONES && !loader->lookup)
		loader->phase++;
	if (loader->phase == DONE)
		finish(loader);
	else
		uv_queue_work(loader->loop, &loader->plan_work, plan, on_planned);
}

static void
take_cached(struct group *group)
{
	struct vly_loader *loader = group->loader;

	loader->spares_cache |= group->cached->is_kept;
	if (group->cached->useless && loader->phase == FROM_CACHE)
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
	struct group *group = work->data;
	struct vly_loader *loader = group->loader;

	(void)status;
	if (group->cached)
		take_cached(group);
	tell_pages(group->cached ? group->cached->live : group->image);
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

static void
start_groups(struct vly_loader *loader)
{
	while (loader->next_group < loader->group_cnt && loader->running < parallel_max()) {
		struct group *group = &loader->group[loader->next_group++];
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
	if (loader->phase == FROM_CACHE && loader->cache_reason[0])
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
	uv_queue_work(loop, &loader->plan_work, plan, on_planned);
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
		struct group *group = &loader->group[g];
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

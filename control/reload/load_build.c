/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/plural.h"
#include "compile/image_builder.h"
#include "living/living_load.h"
#include "loader_parts.h"
#include "read_ahead.h"

/* A file of this size takes longer to parse than to fetch. */
#define LARGE_FILE_BYTES (UINT64_C(1) << 20)

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

/* Groups that are loaded at the same time share the CPUs. */
static struct vly_dnssec_settings
dnssec_settings(const struct vly_loader *loader, uint32_t item_idx)
{
	struct vly_dnssec_settings settings = loader->settings.dnssec;
	uint32_t parallel = vly_load_parallel_max();

	if (loader->group_cnt < parallel)
		parallel = loader->group_cnt;
	settings.sample_max = vly_dnssec_sample(settings.seed, item_idx, loader->cnt);
	settings.thread_max = parallel > 0 ? (vly_load_cpu_cnt() + parallel - 1) / parallel : 1;
	return settings;
}

/* A living zone may be added and have an error beside: it is served as the store has it. Returns
 * whether it was added. */
static bool
add_living(struct vly_load_group *group, struct vly_image_builder *builder,
	   struct vly_load_item *item, const struct vly_dnssec_settings *dnssec,
	   struct vly_zone_report *report)
{
	const struct vly_living_source source = {
		.name = item->name,
		.file = item->file,
		.stamp = item->stamp,
		.policy = item->policy,
		.is_expired = item->is_expired,
		.dnssec = *dnssec,
	};
	const bool is_alone = group->cnt == 1 && group->loader->settings.cache_dir;

	report->warning_cnt = item->warning_cnt;
	int result =
		vly_living_load(group->loader->settings.living, builder, &source, &group->progress,
				report, &item->info, is_alone ? &group->image : NULL);

	if (report->error_cnt > 0)
		item->error = first_error(report);
	item->is_built = result == 0;
	return item->is_built;
}

/* Copies a zone that has not changed. Returns false when it has to be read. */
static bool
copy_zone(struct vly_load_group *group, struct vly_image_builder *builder,
	  struct vly_load_item *item)
{
	if (!item->is_unchanged || !item->copy_from)
		return false;
	if (item->held_includes) {
		item->includes = strdup(item->held_includes);
		if (!item->includes)
			return false;
	}
	item->is_copied = vly_image_sources_copy(&group->loader->sources, item->copy_from,
						 item->name, builder) == 0;
	item->is_built = item->is_copied;
	if (item->is_copied)
		item->info = *item->held;
	return item->is_copied;
}

static bool
add_zone(struct vly_load_group *group, struct vly_image_builder *builder,
	 struct vly_load_item *item, const struct vly_dnssec_settings *dnssec,
	 struct vly_zone_report *report)
{
	if (item->is_living)
		return add_living(group, builder, item, dnssec, report);
	if (copy_zone(group, builder, item))
		return true;
	if (group->loader->settings.only_copies)
		return false; /* the load is of no use then */
	item->is_unchanged = false;
	free(item->includes);
	item->includes = NULL;
	item->is_built = vly_image_builder_add_file(builder, item->name, item->file,
						    &group->progress, report, &item->info) == 0;
	if (item->is_built)
		item->includes = vly_image_builder_take_includes(builder);
	else
		item->error = first_error(report);
	return item->is_built;
}

/* Living zones that begin go into the store together. Groups have living zones alone, or none. */
static void
import_living(struct vly_load_group *group)
{
	struct vly_load_item *items = group->loader->items;
	struct vly_living_first *first;

	if (group->cnt < 2 || !items[group->item[0]].is_living)
		return;
	first = calloc(group->cnt, sizeof(*first));
	for (uint32_t i = 0; first && i < group->cnt; i++) {
		const struct vly_load_item *item = &items[group->item[i]];
		first[i].source = (struct vly_living_source){
			.name = item->name, .file = item->file, .stamp = item->stamp};
	}
	if (first)
		vly_living_import(group->loader->settings.living, first, group->cnt,
				  group->loader->settings.severity, &group->progress);
	for (uint32_t i = 0; first && i < group->cnt; i++)
		items[group->item[i]].warning_cnt = first[i].warning_cnt;
	free(first);
}

/* The items of a group from one on. */
struct rest {
	const struct vly_load_group *group;
	uint32_t at;
};

/* For vly_read_ahead_next(). Large files are read ahead by the kernel itself. */
static const char *
file_of(void *arg, uint32_t i)
{
	const struct rest *rest = arg;
	const struct vly_load_group *group = rest->group;

	if (rest->at + i >= group->cnt)
		return NULL;
	const struct vly_load_item *item = &group->loader->items[group->item[rest->at + i]];
	const bool is_copy = item->is_unchanged && item->copy_from;
	return is_copy || item->is_living || item->stamp.bytes >= LARGE_FILE_BYTES ? ""
										   : item->file;
}

static uint32_t
add_zones(struct vly_load_group *group, struct vly_image_builder *builder)
{
	struct vly_read_ahead ahead;
	uint32_t added = 0;

	import_living(group);
	vly_read_ahead_begin(&ahead);
	for (uint32_t i = 0; i < group->cnt; i++) {
		struct rest rest = {group, i};
		vly_read_ahead_next(&ahead, file_of, &rest);
		struct vly_load_item *item = &group->loader->items[group->item[i]];
		struct vly_dnssec_settings dnssec = dnssec_settings(group->loader, group->item[i]);
		struct vly_zone_report report;
		vly_zone_report_defaults(&report);
		memcpy(report.severity, group->loader->settings.severity, sizeof(report.severity));
		vly_image_builder_check_signed(builder, &dnssec);
		group->name = item->name;
		added += add_zone(group, builder, item, &dnssec, &report);
		group->zones_done++;
	}
	group->name = NULL;
	return added;
}

/* The fault is in none of the zones, so the message says how many share the image. */
static void
fail_group(struct vly_load_group *group, int error)
{
	char text[200];

	snprintf(text, sizeof(text), "the image of %" PRIu32 " zone%s could not be built: %s",
		 group->cnt, vly_plural(group->cnt), strerror(error));
	for (uint32_t i = 0; i < group->cnt; i++)
		vly_load_set_error(&group->loader->items[group->item[i]], text);
}

void
vly_load_build(struct vly_load_group *group)
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
	vly_image_builder_steer(builder, group->loader->settings.steer);
	if (add_zones(group, builder) == 0) {
		vly_image_builder_free(builder);
		return;
	}
	if (group->image) { /* it was there already */
		vly_image_builder_free(builder);
		return;
	}
	if (vly_image_builder_seal(builder, &built) == 0)
		group->image = vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes,
						  built.zone_cnt);
	if (!group->image)
		fail_group(group, errno);
}

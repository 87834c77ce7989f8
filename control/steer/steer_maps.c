/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps of clients: read from their files, or kept. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "map_database.h"
#include "map_text.h"
#include "steer_block.h"

static void
put_block(struct vly_steer_map_block *block)
{
	if (!block || --block->ref_cnt > 0)
		return;
	vly_built_map_free(&block->map);
	free(block);
}

void
vly_steer_maps_free(struct vly_steer_maps *maps)
{
	if (!maps)
		return;
	for (unsigned i = 0; maps->block && i < maps->cnt; i++)
		put_block(maps->block[i]);
	free(maps->block);
	free(maps->trouble);
	free(maps);
}

static const char *
path_of(const struct vly_config_steer_map *map)
{
	return map->mmdb ? map->mmdb : map->file;
}

/* A map that is being read. */
struct source {
	struct vly_region_list list;
	struct vly_partition partition;
	struct vly_map_about about;
	struct vly_file_stamp stamp;
	uint64_t prefix_cnt;
};

static int
read_list(const struct vly_config_steer_map *map, struct source *source,
	  char reason[VLY_REASON_BYTES])
{
	struct vly_map_choice choice = {0};

	if (!map->mmdb)
		return vly_map_text_read(map->file, &source->list, reason);
	while (strcmp(vly_map_by_name[choice.by], map->by) != 0)
		choice.by++;
	return vly_map_database_read(map->mmdb, &choice, &source->list, &source->about, reason);
}

static int
read_map(const struct vly_config_steer_map *map, struct source *source,
	 char reason[VLY_REASON_BYTES])
{
	struct stat status;

	*source = (struct source){0};
	if (stat(path_of(map), &status) != 0) {
		snprintf(reason, VLY_REASON_BYTES, "%.100s: %s", path_of(map), strerror(errno));
		return -1;
	}
	source->stamp = vly_file_stamp_before_reading(&status);
	if (read_list(map, source, reason) != 0)
		return -1;
	for (unsigned i = 0; i < VLY_FAMILY_CNT; i++)
		source->prefix_cnt += source->list.cnt[i];
	if (vly_partition_make(&source->partition, &source->list) != 0) {
		const int error = errno;
		vly_region_list_free(&source->list);
		snprintf(reason, VLY_REASON_BYTES, "%.100s: %s", path_of(map),
			 error == ENOMEM ? "out of memory" : "its prefixes are damaged");
		return -1;
	}
	return 0;
}

static int
compare_region(const void *name, const void *region)
{
	return strcmp(name, ((const struct vly_steer_region *)region)->name);
}

/* The class of each region of the list. NULL without memory. */
static uint32_t *
classes_of(const struct source *source, const struct vly_steer_partition *partition)
{
	const uint32_t cnt = vly_region_cnt(&source->list.names);
	uint32_t *class_of = calloc(cnt, sizeof(*class_of));

	for (uint32_t i = 1; class_of && i < cnt; i++) {
		const struct vly_steer_region *region =
			bsearch(vly_region_name(&source->list.names, i), partition->region,
				partition->region_cnt, sizeof(*region), compare_region);
		class_of[i] = region ? region->class : 0;
	}
	return class_of;
}

static struct vly_steer_map_block *
build(const struct source *source, const struct vly_steer_partition *partition)
{
	struct vly_steer_map_block *block = calloc(1, sizeof(*block));
	uint32_t *class_of = classes_of(source, partition);

	if (!block || !class_of ||
	    vly_client_map_build(&block->map, &source->partition, class_of, partition->class_cnt) !=
		    0) {
		free(block);
		free(class_of);
		return NULL;
	}
	free(class_of);
	block->ref_cnt = 1;
	block->hash = partition->hash;
	block->stamp = source->stamp;
	block->read_s = (uint64_t)time(NULL);
	block->built_s = source->about.built_s;
	block->prefix_cnt = source->prefix_cnt;
	return block;
}

static struct vly_steer_map_block *
find_old(const struct vly_steer_maps *old, uint64_t hash)
{
	for (unsigned i = 0; old && i < old->cnt; i++)
		if (old->block[i] && old->block[i]->hash == hash)
			return old->block[i];
	return NULL;
}

static bool
is_current(const struct vly_config_steer_map *map, const struct vly_steer_map_block *block)
{
	struct stat status;

	if (stat(path_of(map), &status) != 0)
		return false;
	const struct vly_file_stamp now = vly_file_stamp(&status);
	return vly_file_stamp_equals(&now, &block->stamp);
}

static struct vly_steer_map_block *
keep(struct vly_steer_map_block *block)
{
	if (block)
		block->ref_cnt++;
	return block;
}

/* The blocks of all partitions of a map. */
static void
fill_map(const struct vly_steer_model *model, unsigned map_idx, const struct vly_steer_maps *old,
	 struct vly_steer_maps *maps)
{
	const struct vly_config_steer_map *map = &model->config->maps[map_idx];
	char *reason = maps->trouble[map_idx];
	struct source source;
	bool wanted = false;

	for (unsigned i = 0; i < model->partition_cnt; i++) {
		struct vly_steer_map_block *block = find_old(old, model->partition[i].hash);
		if (model->partition[i].map != map_idx)
			continue;
		if (block && is_current(map, block))
			maps->block[i] = keep(block);
		wanted |= !maps->block[i];
	}
	if (!wanted)
		return;
	const bool is_read = read_map(map, &source, reason) == 0;
	for (unsigned i = 0; i < model->partition_cnt; i++) {
		const struct vly_steer_partition *partition = &model->partition[i];
		if (partition->map != map_idx || maps->block[i])
			continue;
		if (is_read)
			maps->block[i] = build(&source, partition);
		if (is_read && !maps->block[i])
			snprintf(reason, VLY_REASON_BYTES, "%.100s: out of memory", path_of(map));
		if (!maps->block[i])
			maps->block[i] = keep(find_old(old, partition->hash));
	}
	if (!is_read)
		return;
	vly_partition_free(&source.partition);
	vly_region_list_free(&source.list);
}

struct vly_steer_maps *
vly_steer_maps_read(const struct vly_steer_model *model, const struct vly_steer_maps *old)
{
	struct vly_steer_maps *maps = calloc(1, sizeof(*maps));

	if (!maps)
		return NULL;
	maps->cnt = model->partition_cnt;
	maps->map_cnt = model->config->map_cnt;
	maps->block = calloc(maps->cnt + 1, sizeof(struct vly_steer_map_block *));
	maps->trouble = calloc(maps->map_cnt + 1, sizeof(*maps->trouble));
	if (!maps->block || !maps->trouble) {
		vly_steer_maps_free(maps);
		return NULL;
	}
	for (unsigned i = 0; i < maps->map_cnt; i++)
		fill_map(model, i, old, maps);
	return maps;
}

bool
vly_steer_maps_have_changed(const struct vly_steer_model *model, const struct vly_steer_maps *maps)
{
	for (unsigned i = 0; i < model->partition_cnt; i++)
		if (!maps->block[i] ||
		    !is_current(&model->config->maps[model->partition[i].map], maps->block[i]))
			return true;
	return false;
}

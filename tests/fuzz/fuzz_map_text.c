/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps in text form, of both kinds. What is read becomes a client map, which must pass the check and have the
 * regions of the list. The first octet chooses the form: 0 of prefix and region, else so many pools. */
#include <stdlib.h>
#include <string.h>

#include "common/client_map_check.h"
#include "steer/map_builder.h"
#include "steer/map_text.h"
#include "target.h"

/* The region of the first address of each prefix, unless a longer one begins there, too. */
static void
look_up(const struct vly_client_map *map, const struct vly_region_list *list)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		for (size_t i = 0; i < list->cnt[family]; i++) {
			const struct vly_region_prefix *prefix = &list->prefix[family][i];
			struct vly_client_cursor cursor;
			if (i + 1 < list->cnt[family] && prefix[1].high == prefix->high &&
			    prefix[1].low == prefix->low)
				continue;
			if (family == VLY_FAMILY_IPV4)
				vly_client_map_begin4(map, (uint32_t)(prefix->high >> 32), &cursor);
			else
				vly_client_map_begin6(map, prefix->high, prefix->low, &cursor);
			uint32_t leaf = vly_client_map_finish(map, &cursor);
			require(VLY_CLIENT_LEAF_CLASS(leaf) == prefix->region);
		}
}

static void
build(const struct vly_region_list *list)
{
	uint32_t region_cnt = vly_region_cnt(&list->names);
	uint32_t *class_of = calloc(region_cnt, sizeof(*class_of));
	struct vly_partition partition;
	struct vly_built_map built;

	for (uint32_t i = 0; i < region_cnt; i++)
		class_of[i] = i;
	require(vly_partition_make(&partition, list) == 0);
	require(vly_client_map_build(&built, &partition, class_of, region_cnt) == 0);
	struct vly_client_map *map = aligned_alloc(64, vly_built_map_bytes(&built));
	vly_built_map_write(&built, map);
	require(vly_client_map_check(map, map->bytes) == NULL);
	look_up(map, list);
	free(map);
	vly_built_map_free(&built);
	vly_partition_free(&partition);
	free(class_of);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_region_list list = {0};
	char reason[VLY_REASON_BYTES];

	if (bytes == 0)
		return -1;
	unsigned pools = data[0] % (VLY_MAP_POOLS_MAX + 1);
	const char *text = (const char *)data + 1;
	int error = pools == 0 ? vly_map_text_parse("f", text, bytes - 1, &list, reason)
			       : vly_map_latency_parse("f", text, bytes - 1, pools, &list, reason);
	require(error == 0 || strncmp(reason, "f:", 2) == 0);
	if (error == 0)
		build(&list);
	vly_region_list_free(&list);
	return 0;
}

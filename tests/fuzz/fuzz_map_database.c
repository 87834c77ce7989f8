/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MaxMind databases, read in each way. What is read makes a partition. */
#include <string.h>

#include "steer/map_database.h"
#include "steer/partition.h"
#include "target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct vly_map_place places[] = {{"a", 51.5, 0}, {"b", -33.9, 151.2}};

	for (enum vly_map_by by = 0; by < VLY_MAP_BY_CNT; by++) {
		const struct vly_map_choice choice = {
			.by = by, .place = places, .place_cnt = 2, .km_max = 5000};
		struct vly_region_list list = {0};
		struct vly_partition partition;
		struct vly_map_about about;
		char reason[VLY_REASON_BYTES] = "";
		if (vly_map_database_parse("f", data, bytes, &choice, &list, &about, reason) != 0) {
			require(strncmp(reason, "f: ", 3) == 0);
			require(list.cnt[0] == 0 && list.cnt[1] == 0);
			continue;
		}
		require(vly_partition_make(&partition, &list) == 0);
		vly_partition_free(&partition);
		vly_region_list_free(&list);
	}
	return 0;
}

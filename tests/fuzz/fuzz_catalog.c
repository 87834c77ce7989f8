/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two versions of a catalog, each a change whose added records are those of the zone "cat." Good ones are compared,
 * written and read again. */
#include <string.h>

#include "catalog/catalog.h"
#include "change/change.h"
#include "target.h"

static struct vly_catalog *
read_catalog(const uint8_t *data, size_t bytes)
{
	struct vly_catalog_reader reader;
	char reason[VLY_REASON_BYTES] = "";
	struct vly_change change = {0};

	vly_catalog_begin(&reader, "cat.");
	if (vly_change_decode(&change, data, bytes) == 0)
		for (size_t i = 0; i < change.added.cnt; i++) {
			const struct vly_change_record *record = &change.added.record[i];
			vly_catalog_take(&reader, record->owner, record->owner_len, record->type,
					 record->data, record->data_len);
		}
	vly_change_free(&change);
	struct vly_catalog *catalog = vly_catalog_end(&reader, reason);
	require(!catalog == (*reason != '\0'));
	return catalog;
}

static void
count(void *arg, const struct vly_catalog_member *before, const struct vly_catalog_member *after)
{
	require(before || after);
	require(!before || !after || strcmp(before->zone, after->zone) == 0);
	++*(uint32_t *)arg;
}

static void
check(const struct vly_catalog *catalog)
{
	char label[VLY_CATALOG_LABEL_BYTES];
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < catalog->member_cnt; i++) {
		const struct vly_catalog_member *member = catalog->member[i];
		require(i == 0 || strcmp(catalog->member[i - 1]->zone, member->zone) < 0);
		require(vly_catalog_find(catalog, member->zone) == member);
		require(strcmp(member->zone, "cat.") != 0);
		require(strlen(vly_catalog_label_text(member, label)) > 0);
	}
	vly_catalog_compare(catalog, catalog, count, &cnt);
	require(cnt == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint32_t cnt = 0;

	if (bytes < 2)
		return 0;
	size_t first = (size_t)(data[0] << 8 | data[1]);
	if (first > bytes - 2)
		first = bytes - 2;
	struct vly_catalog *before = read_catalog(data + 2, first);
	struct vly_catalog *after = read_catalog(data + 2 + first, bytes - 2 - first);
	if (before)
		check(before);
	if (after)
		check(after);
	vly_catalog_compare(before, after, count, &cnt);
	require(cnt <= (before ? before->member_cnt : 0) + (after ? after->member_cnt : 0));
	vly_catalog_free(before);
	vly_catalog_free(after);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "table_book.h"

/* A table is built anew when more than a fourth of its names are where the route may not lead to,
 * since these take longer to find. Building costs as much as changing all zones, so that a change
 * costs at most a few times itself. Smaller tables are built in no time. */
#define MOVED_SHARE    4
#define NAMES_FREE_CNT 100000

/* Slots in use, of 8: the rest are free, so that a search ends soon. */
#define SLOTS_USED_OF_8 5

static uint64_t
complete_names(const struct vly_image *image)
{
	uint64_t cnt = 0;

	for (uint32_t i = 0; i < image->header->zone_cnt; i++)
		if (!(image->zone[i].flags & VLY_IMAGE_OVERLAY))
			cnt += image->zone[i].node_cnt;
	return cnt;
}

/* Whether the images can come in without building the table anew. */
static bool
has_room(const struct vly_table *table, size_t removed_cnt, struct vly_image *const *added,
	 size_t added_cnt)
{
	const struct vly_table_book *book = table->book;
	uint64_t zone_cnt = 0;
	uint64_t name_cnt = 0;

	/* slots are stored as one whole */
	if (book == NULL || !__builtin_cpu_supports("avx") ||
	    book->image_cnt + added_cnt == removed_cnt ||
	    book->image_cnt + added_cnt > book->part_room)
		return false;
	for (size_t i = 0; i < added_cnt; i++) {
		zone_cnt += added[i]->header->zone_cnt;
		name_cnt += complete_names(added[i]);
	}
	const uint64_t slot_cnt = (uint64_t)table->slot_mask + 1;
	return 8 * (book->slot_used_cnt + zone_cnt) <= SLOTS_USED_OF_8 * slot_cnt &&
	       MOVED_SHARE * (book->moved_cnt + name_cnt) <= book->name_cnt + NAMES_FREE_CNT;
}

/* Links or unlinks all entries of a part; with a plan, their zones are touched. Returns 0; or -1: no
 * memory for the plan, but all entries are linked or unlinked nevertheless. */
static int
turn_part(struct vly_table *table, uint32_t part_idx, bool is_linked, struct vly_book_plan *plan)
{
	const struct vly_image *image = table->book->part[part_idx].image;
	struct vly_name apex;
	int result = 0;

	for (uint32_t zone = 0; zone < image->header->zone_cnt; zone++) {
		const struct vly_book_entry entry = {part_idx + 1, zone};
		vly_book_scan(table, entry, &apex);
		const uint32_t at = is_linked ? vly_book_link(table, entry, &apex)
					      : vly_book_unlink(table, entry, &apex);
		if (plan != NULL && result == 0)
			result = vly_book_touch(table, plan, at);
	}
	return result;
}

/* Adds images as parts, whose zones are linked, but not served yet. Returns how many: all, unless
 * memory is lacking. */
static size_t
link_added(struct vly_table *table, struct vly_image *const *added, size_t added_cnt,
	   struct vly_book_plan *plan)
{
	for (size_t i = 0; i < added_cnt; i++) {
		uint32_t part_idx = vly_book_add_part(table, added[i]);
		if (part_idx == UINT32_MAX)
			return i;
		table->book->image_cnt++;
		for (uint32_t zone = 0; zone < added[i]->header->zone_cnt; zone++)
			vly_book_contest(table, (struct vly_book_entry){part_idx + 1, zone});
		if (turn_part(table, part_idx, true, plan) != 0)
			return i;
	}
	return added_cnt;
}

static int
unlink_removed(struct vly_table *table, struct vly_image *const *removed, size_t removed_cnt,
	       struct vly_book_plan *plan)
{
	for (size_t i = 0; i < removed_cnt; i++) {
		uint32_t part_idx = vly_book_find_part(table, removed[i]);
		table->book->part[part_idx].is_leaving = true;
		if (turn_part(table, part_idx, false, plan) != 0)
			return -1;
	}
	return 0;
}

/* Puts the lists back as they were. */
static void
undo(struct vly_table *table, struct vly_image *const *removed, size_t removed_cnt,
     struct vly_image *const *added, size_t added_cnt)
{
	for (size_t i = 0; i < added_cnt; i++) {
		uint32_t part_idx = vly_book_find_part(table, added[i]);
		if (part_idx == UINT32_MAX)
			return; /* there was no memory for this one */
		(void)turn_part(table, part_idx, false, NULL);
		vly_book_free_part(table, part_idx);
		table->book->image_cnt--;
	}
	for (size_t i = 0; i < removed_cnt; i++) {
		uint32_t part_idx = vly_book_find_part(table, removed[i]);
		if (!table->book->part[part_idx].is_leaving)
			return;
		table->book->part[part_idx].is_leaving = false;
		(void)turn_part(table, part_idx, true, NULL);
	}
}

static bool
have_its_key(const struct vly_table *table, struct vly_image *const *added, size_t added_cnt)
{
	for (size_t i = 0; i < added_cnt; i++)
		if (memcmp(&added[i]->header->hash_key, &table->key, sizeof(table->key)) != 0)
			return false;
	return true;
}

enum vly_table_outcome
vly_table_change(struct vly_table *table, struct vly_image *const *removed, size_t removed_cnt,
		 struct vly_image *const *added, size_t added_cnt, struct vly_image_error *error)
{
	struct vly_book_plan plan = {0};

	/* another key is right if nothing of the table stays: building finds out */
	if (!has_room(table, removed_cnt, added, added_cnt) ||
	    !have_its_key(table, added, added_cnt))
		return VLY_TABLE_BUILD;
	bool is_linked = link_added(table, added, added_cnt, &plan) == added_cnt &&
			 unlink_removed(table, removed, removed_cnt, &plan) == 0;
	if (!is_linked)
		snprintf(error->text, sizeof(error->text), "no memory to change the table");
	if (!is_linked || vly_book_decide(table, &plan, error) != 0) {
		vly_book_end(table, &plan, false);
		undo(table, removed, removed_cnt, added, added_cnt);
		return VLY_TABLE_REFUSED;
	}
	vly_book_carry_out(table, &plan);
	synchronize_rcu();
	vly_book_end(table, &plan, true);
	for (size_t i = 0; i < removed_cnt; i++)
		vly_book_free_part(table, vly_book_find_part(table, removed[i]));
	table->book->image_cnt -= removed_cnt;
	return VLY_TABLE_CHANGED;
}

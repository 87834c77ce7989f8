/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static struct vly_table *live;

static const struct vly_image_node *
apex_of(const struct vly_image *image, uint32_t zone_idx)
{
	return vly_image_at(image->heap, image->zone[zone_idx].apex);
}

static void
insert(struct vly_table *table, const struct vly_image *image, uint32_t zone_idx)
{
	const struct vly_image_node *apex = apex_of(image, zone_idx);
	struct vly_name name;

	if (vly_name_scan(&name, vly_image_node_name(apex), apex->name_len) == 0)
		return; /* can't be: the image was verified */
	vly_name_hash(&name, &table->key);
	uint32_t at = vly_table_slot_idx(table, name.hash[0]);
	for (; table->slot[at].image != NULL; at = (at + 1) & table->slot_mask) {
		const struct vly_table_slot *slot = &table->slot[at];
		if (!vly_table_slot_suits(slot, name.hash[0]))
			continue;
		const struct vly_image_node *other = apex_of(slot->image, slot->zone_idx);
		if (other->name_len == apex->name_len &&
		    memcmp(vly_image_node_name(other), name.lower, name.len) == 0)
			return; /* a newer image has the zone */
	}
	table->slot[at] = (struct vly_table_slot){
		.tag = vly_image_tag(name.hash[0]) & 0xffffff,
		.label_max = image->zone[zone_idx].label_max,
		.zone_idx = zone_idx,
		.image = image,
	};
	table->label_cnts[name.label_cnt / 64] |= UINT64_C(1) << (63 - name.label_cnt % 64);
	table->zone_cnt++;
}

struct vly_table *
vly_table_build(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error)
{
	uint64_t zone_cnt = 0;
	uint64_t slot_cnt = 2;

	for (size_t i = 0; i < image_cnt; i++) {
		zone_cnt += images[i]->header->zone_cnt;
		if (memcmp(&images[i]->header->hash_key, &images[0]->header->hash_key,
			   sizeof(struct vly_hash_key)) != 0) {
			snprintf(error->text, sizeof(error->text),
				 "images %llu and %llu have different hash keys",
				 (unsigned long long)images[0]->id,
				 (unsigned long long)images[i]->id);
			return NULL;
		}
	}
	while (slot_cnt < 2 * zone_cnt)
		slot_cnt *= 2;
	struct vly_table *table =
		calloc(1, sizeof(*table) + slot_cnt * sizeof(struct vly_table_slot));
	if (table == NULL || slot_cnt > UINT32_MAX) {
		snprintf(error->text, sizeof(error->text), "no memory for a table of %llu zones",
			 (unsigned long long)zone_cnt);
		free(table);
		return NULL;
	}
	table->slot_mask = (uint32_t)(slot_cnt - 1);
	if (image_cnt > 0)
		table->key = images[0]->header->hash_key;
	for (size_t i = 0; i < image_cnt; i++)
		for (uint32_t zone = 0; zone < images[i]->header->zone_cnt; zone++)
			insert(table, images[i], zone);
	return table;
}

void
vly_table_publish(struct vly_table *table)
{
	struct vly_table *before = rcu_xchg_pointer(&live, table);

	synchronize_rcu();
	free(before);
}

const struct vly_table *
vly_table_live(void)
{
	return rcu_dereference(live);
}

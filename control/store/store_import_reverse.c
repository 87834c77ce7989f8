/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reverse index of a whole zone, sorted and then appended: targets come in any order. */
#include <stdlib.h>

#include <volley/octets.h>

#include "store_import.h"
#include "zone/rdata.h"

void
vly_store_import_name(const struct vly_store_import *import, uint32_t node_idx,
		      struct vly_name *name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	unsigned len;
	const uint8_t *of_node = vly_zone_node_name(import->zone, node_idx, &len);

	memcpy(wire, of_node, len);
	(void)vly_name_scan(name, wire, len);
}

static bool
target_of(const struct vly_store_import *import, const struct vly_zone_record *record,
	  struct vly_store_key *key)
{
	return vly_store_target_key(&import->state, record->type, record->data, record->data_len,
				    key);
}

bool
vly_store_import_note(struct vly_store_import *import, uint32_t place,
		      const struct vly_zone_record *record)
{
	const uint8_t *base = import->zone->arena.base;
	struct vly_store_key key = {0};

	if (!target_of(import, record, &key))
		return true;
	if (import->link_cnt == import->link_max) {
		uint64_t max = import->link_max == 0 ? 1024 : import->link_max * 2;
		void *grown = reallocarray(import->link, max, sizeof(*import->link));
		if (grown == NULL)
			return false;
		import->link = grown;
		import->link_max = max;
	}
	memset(key.octet + key.len, 0, sizeof(uint64_t));
	import->link[import->link_cnt++] = (struct vly_store_link){
		.head = vly_be64(key.octet + VLY_STORE_ID_BYTES),
		.record = (vly_arena_ref)((size_t)((const uint8_t *)record - base) /
					  VLY_ARENA_REF_BYTES),
		.place = place};
	return true;
}

static void
link_keys(const struct vly_store_import *import, const struct vly_store_link *link,
	  struct vly_store_key *target, struct vly_store_key *owner)
{
	struct vly_name name;

	(void)target_of(import, vly_arena_at(&import->zone->arena, link->record), target);
	vly_store_import_name(import, import->order[link->place], &name);
	owner->len = 0;
	vly_store_key_add_name(owner, &name, import->state.apex.len);
	vly_store_put_tail(target, owner);
}

static int
compare_keys(const struct vly_store_key *left, const struct vly_store_key *right)
{
	return vly_order_key_compare(left->octet, left->len, right->octet, right->len);
}

/* Whether two records have the same target, octet for octet: so do most that have the same. */
static bool
is_same_target(const struct vly_zone_record *left, const struct vly_zone_record *right)
{
	const uint8_t *left_target = vly_rdata_target(left->type, left->data, left->data_len);
	const uint8_t *right_target = vly_rdata_target(right->type, right->data, right->data_len);
	size_t left_len = (size_t)(left->data + left->data_len - left_target);
	size_t right_len = (size_t)(right->data + right->data_len - right_target);

	return left->type == right->type && left_len == right_len &&
	       memcmp(left_target, right_target, left_len) == 0;
}

static int
by_target(const void *left_ref, const void *right_ref, void *context)
{
	const struct vly_store_link *left = left_ref, *right = right_ref;
	const struct vly_store_import *import = context;
	const struct vly_zone_record *left_record, *right_record;
	struct vly_store_key left_key, right_key;

	if (left->head != right->head)
		return left->head < right->head ? -1 : 1;
	left_record = vly_arena_at(&import->zone->arena, left->record);
	right_record = vly_arena_at(&import->zone->arena, right->record);
	if (!is_same_target(left_record, right_record)) {
		(void)target_of(import, left_record, &left_key);
		(void)target_of(import, right_record, &right_key);
		int order = compare_keys(&left_key, &right_key);
		if (order != 0)
			return order;
	}
	return left->place < right->place ? -1 : left->place > right->place;
}

/* Targets inside their owners, such as glue, make a zone that is sorted already. */
static void
sort(struct vly_store_import *import)
{
	for (uint64_t i = 1; i < import->link_cnt; i++) {
		if (by_target(&import->link[i - 1], &import->link[i], import) > 0) {
			qsort_r(import->link, import->link_cnt, sizeof(*import->link), by_target,
				import);
			return;
		}
	}
}

int
vly_store_import_reverse(struct vly_store_import *import)
{
	struct vly_store_key target[2] = {0};
	struct vly_store_key owner[2] = {0};

	int result = vly_store_import_pause(import);
	if (result == VLY_STORE_OK) {
		sort(import);
		result = vly_store_import_resume(import);
	}
	for (uint64_t i = 0; result == VLY_STORE_OK && i < import->link_cnt; i++) {
		struct vly_store_key *key = &target[i % 2];
		struct vly_store_key *value = &owner[i % 2];
		link_keys(import, &import->link[i], key, value);
		bool is_same = compare_keys(&target[0], &target[1]) == 0;
		if (is_same && compare_keys(&owner[0], &owner[1]) == 0)
			continue;
		result = vly_store_import_room(import, key->len + value->len);
		MDB_val at = vly_store_key_val(key);
		MDB_val to = vly_store_key_val(value);
		if (result == VLY_STORE_OK)
			result = vly_store_import_append(import, VLY_STORE_REVERSE, &at, &to,
							 is_same ? MDB_APPENDDUP : MDB_APPEND);
	}
	return result;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NSEC: the names in canonical order, sorted layer by layer by eight octets of their keys. */
#include <stdlib.h>
#include <sys/param.h>

#include <volley/order_key.h>

#include "denial_parts.h"

/* The key of a name (struct vly_image_order). */
struct vly_denial_key {
	unsigned len;
	uint8_t octets[VLY_ORDER_KEY_BYTES];
};

static void
make_key(struct vly_denial_key *key, const uint8_t *name, unsigned name_len, unsigned apex_len)
{
	key->len = vly_order_key(key->octets, name, name_len - apex_len);
}

static void
key_of_node(const struct vly_zone *zone, uint32_t idx, struct vly_denial_key *key)
{
	unsigned apex_len;
	unsigned len;
	const uint8_t *name = vly_zone_node_name(zone, idx, &len);

	(void)vly_zone_node_name(zone, 0, &apex_len);
	make_key(key, name, len, apex_len);
}

/* Eight octets from `at` on, 0 behind the end. */
static uint64_t
key_octets(const struct vly_denial_key *key, unsigned at)
{
	uint8_t octets[VLY_ORDER_HEAD_BYTES] = {0};

	if (at < key->len)
		memcpy(octets, key->octets + at, MIN(key->len - at, VLY_ORDER_HEAD_BYTES));
	return vly_be64(octets);
}

static int
compare(const struct vly_denial_key *left, const struct vly_denial_key *right)
{
	return vly_order_key_compare(left->octets, left->len, right->octets, right->len);
}

static int
by_key(const void *a, const void *b)
{
	const struct vly_denial_name *left = a;
	const struct vly_denial_name *right = b;

	return left->key < right->key ? -1 : left->key > right->key;
}

/* Most zone files are in order already. */
static void
sort(struct vly_denial_name *name, uint32_t cnt)
{
	for (uint32_t i = 1; i < cnt; i++)
		if (name[i].key < name[i - 1].key) {
			qsort(name, cnt, sizeof(*name), by_key);
			return;
		}
}

/* The end of the names from `i` on that have the same eight octets. */
static uint32_t
group_end(const struct vly_denial_name *name, uint32_t cnt, uint32_t i)
{
	uint64_t key = name[i].key;

	while (i < cnt && name[i].key == key)
		i++;
	return i;
}

/* The octets from `at` on that the keys of all these names share. */
static unsigned
shared_octets(const struct vly_zone *zone, const struct vly_denial_name *name, uint32_t cnt,
	      unsigned at, struct vly_denial_key *first)
{
	struct vly_denial_key key;

	key_of_node(zone, name[0].node, first);
	unsigned len = first->len - MIN(first->len, at);
	for (uint32_t i = 1; i < cnt; i++) {
		unsigned same = 0;
		key_of_node(zone, name[i].node, &key);
		while (same < len && at + same < key.len &&
		       key.octets[at + same] == first->octets[at + same])
			same++;
		len = same;
	}
	return len;
}

/* A layer of the order, and where its parts are in the file, which may move. */
struct layer {
	struct vly_denial_name *name; /* sorted by their octets at `at` */
	uint32_t cnt;
	unsigned at;  /* octets of the keys that come before key[] */
	uint64_t off; /* of the struct vly_image_order */
};

static struct vly_image_order *
order_of(const struct vly_denial *denial, const struct layer *layer)
{
	return (void *)(denial->file->base + layer->off);
}

static int
append_order(const struct vly_denial *denial, struct layer *layer, const uint8_t *skip,
	     unsigned skip_len)
{
	struct vly_image_order order = {.skip_len = (uint16_t)skip_len};

	for (uint32_t i = 0, end; i < layer->cnt; i = end) {
		end = group_end(layer->name, layer->cnt, i);
		order.deep_cnt += end - i > 1;
		order.cnt++;
	}
	uint64_t sample_cnt = ((uint64_t)order.cnt + VLY_ORDER_BLOCK - 1) / VLY_ORDER_BLOCK;
	uint64_t bytes = sizeof(order) + ((skip_len + 7u) & ~7u) +
			 (sample_cnt + order.cnt) * sizeof(uint64_t) +
			 order.deep_cnt * sizeof(struct vly_image_deep) +
			 order.cnt * sizeof(vly_image_ref);
	layer->off = vly_arena_append(denial->file, bytes, VLY_IMAGE_REF_BYTES);
	if (layer->off == 0)
		return -1;
	*order_of(denial, layer) = order;
	memcpy((uint8_t *)(order_of(denial, layer) + 1), skip, skip_len);
	return 0;
}

static vly_image_ref append_layer(const struct vly_denial *denial, struct vly_denial_name *name,
				  uint32_t cnt, unsigned at, vly_image_ref before);

/* Appends the layer for names that have the same octets here. They are sorted in a copy, so that
 * their key stays the one of this layer. Returns 0 when there is no memory. */
static vly_image_ref
append_deeper(const struct vly_denial *denial, struct vly_denial_name *name, uint32_t cnt,
	      unsigned at, vly_image_ref before)
{
	struct vly_denial_name *copy = vly_pages_alloc(cnt * sizeof(*copy));
	uint64_t key = name[0].key;

	if (copy == NULL)
		return 0;
	memcpy(copy, name, cnt * sizeof(*copy));
	vly_image_ref ref = append_layer(denial, copy, cnt, at, before);
	memcpy(name, copy, cnt * sizeof(*copy));
	for (uint32_t i = 0; i < cnt; i++)
		name[i].key = key;
	vly_pages_free(copy, cnt * sizeof(*copy));
	return ref;
}

/* Fills the layer's entries, with the layers below it. */
static int
fill_order(const struct vly_denial *denial, const struct layer *layer, vly_image_ref before)
{
	uint32_t entry = 0;
	uint32_t deep = 0;

	for (uint32_t i = 0, end; i < layer->cnt; i = end, entry++) {
		vly_image_ref deeper = 0;
		end = group_end(layer->name, layer->cnt, i);
		if (end - i > 1) {
			deeper = append_deeper(denial, &layer->name[i], end - i,
					       layer->at + VLY_ORDER_HEAD_BYTES,
					       i > 0 ? layer->name[i - 1].piece : before);
			if (deeper == 0)
				return -1;
		}
		const struct vly_image_order *order = order_of(denial, layer);
		((uint64_t *)vly_image_order_key(order))[entry] = layer->name[i].key;
		((vly_image_ref *)vly_image_order_piece(order))[entry] = layer->name[end - 1].piece;
		if (entry % VLY_ORDER_BLOCK == 0)
			((uint64_t *)vly_image_order_sample(order))[entry / VLY_ORDER_BLOCK] =
				layer->name[i].key;
		if (deeper != 0)
			((struct vly_image_deep *)vly_image_order_deep(order))[deep++] =
				(struct vly_image_deep){entry, deeper};
	}
	return 0;
}

/* Sorts names whose keys share the first `at` octets, and appends their order. Each layer takes
 * eight octets at least: there are 64 at most. Returns 0 when there is no memory. */
static vly_image_ref
append_layer(const struct vly_denial *denial, struct vly_denial_name *name, uint32_t cnt,
	     unsigned at, vly_image_ref before)
{
	struct vly_denial_key key;
	unsigned skip_len = at == 0 ? 0 : shared_octets(denial->zone, name, cnt, at, &key);
	struct layer layer = {.name = name, .cnt = cnt, .at = at + skip_len};
	uint8_t skip[VLY_ORDER_KEY_BYTES];

	if (skip_len > 0)
		memcpy(skip, key.octets + at, skip_len);
	for (uint32_t i = 0; i < cnt; i++) {
		key_of_node(denial->zone, name[i].node, &key);
		name[i].key = key_octets(&key, layer.at);
	}
	sort(name, cnt);
	if (append_order(denial, &layer, skip, skip_len) != 0)
		return 0;
	order_of(denial, &layer)->before = before;
	return fill_order(denial, &layer, before) == 0 ? vly_denial_ref(layer.off) : 0;
}

vly_image_ref
vly_denial_order_append(struct vly_denial *denial)
{
	vly_image_ref ref = append_layer(denial, denial->name, denial->cnt, 0, 0);

	if (ref == 0)
		return 0;
	struct layer first = {.off = vly_denial_off(ref)};
	order_of(denial, &first)->before = denial->name[denial->cnt - 1].piece;
	return ref;
}

const struct vly_zone_record *
vly_denial_find_nsec(const struct vly_zone *zone, uint32_t idx)
{
	const struct vly_zone_record *record;

	if (zone->node[idx].flags & VLY_ZONE_HIDDEN)
		return NULL;
	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == VLY_TYPE_NSEC)
			return record;
	}
	return NULL;
}

int
vly_denial_order_load(struct vly_denial *denial)
{
	const struct vly_zone *zone = denial->zone;

	denial->size = denial->node_cnt;
	denial->name = vly_pages_alloc(denial->size * sizeof(*denial->name));
	denial->piece = vly_pages_alloc(denial->size * sizeof(*denial->piece));
	if (denial->name == NULL || denial->piece == NULL)
		return -1;
	for (uint32_t i = 0; i < denial->node_cnt; i++) {
		struct vly_denial_name *name = &denial->name[denial->cnt];
		const bool is_gone = vly_denial_is_gone(denial, i);
		if (!is_gone && vly_denial_find_nsec(zone, i) == NULL)
			continue;
		name->node = i;
		if (is_gone)
			name->piece = vly_denial_number(denial, i);
		else if (vly_denial_number_piece(denial, i, &name->piece) != 0)
			return -1;
		denial->cnt += name->piece != 0;
	}
	return 0;
}

vly_image_ref
vly_denial_order_heir(const struct vly_denial *denial, uint32_t idx)
{
	return denial->name[denial->match[denial->heir[idx]] - 1].piece;
}

/* The piece of an entry, or of the heir of one that is gone. */
static vly_image_ref
piece_of(const struct vly_denial *denial, uint32_t entry_idx)
{
	const struct vly_denial_name *entry = &denial->name[entry_idx];

	return vly_denial_is_gone(denial, entry->node) ? vly_denial_order_heir(denial, entry->node)
						       : entry->piece;
}

vly_image_ref
vly_denial_order_cover(const struct vly_denial *denial, const uint8_t *name, unsigned name_len)
{
	struct vly_denial_key wanted;
	struct vly_denial_key key;
	unsigned apex_len;
	uint32_t low = 0; /* entries below it are not behind the name */
	uint32_t high = denial->cnt;

	(void)vly_zone_node_name(denial->zone, 0, &apex_len);
	make_key(&wanted, name, name_len, apex_len);
	const uint64_t octets = key_octets(&wanted, 0);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct vly_denial_name *entry = &denial->name[middle];
		bool is_behind = entry->key > octets;
		if (entry->key == octets) {
			key_of_node(denial->zone, entry->node, &key);
			is_behind = compare(&key, &wanted) > 0;
		}
		if (is_behind)
			high = middle;
		else
			low = middle + 1;
	}
	return piece_of(denial, low > 0 ? low - 1 : denial->cnt - 1);
}

vly_image_ref
vly_denial_order_cover_child(const struct vly_denial *denial, uint32_t entry_idx,
			     const uint8_t *name, unsigned name_len)
{
	struct vly_denial_key wanted;
	struct vly_denial_key key;
	unsigned apex_len;

	if (entry_idx + 1 < denial->cnt) {
		(void)vly_zone_node_name(denial->zone, 0, &apex_len);
		make_key(&wanted, name, name_len, apex_len);
		key_of_node(denial->zone, denial->name[entry_idx + 1].node, &key);
		if (compare(&key, &wanted) <= 0)
			return vly_denial_order_cover(denial, name, name_len);
	}
	return piece_of(denial, entry_idx);
}

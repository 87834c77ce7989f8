/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "order.h"

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

#define LINE_BYTES 64

/* The last of `cnt` (1..) ascending numbers that is not above `head`; the first one is not. Without
 * branches, as none of them could be predicted. Halves 2^32, or less. */
static inline uint32_t
last_not_above(const uint64_t *number, uint32_t cnt, uint64_t head)
{
	uint32_t first = 0;

	while (cnt > 1) {
		uint32_t half = cnt / 2;
		first += number[first + half] <= head ? half : 0;
		cnt -= half;
	}
	return first;
}

/* Looks up the key in an order whose names share the first `depth` octets with it, up to the block
 * that has its place. */
static void
enter(struct vly_order_search *search, const struct vly_image_order *order, const uint8_t *key,
      unsigned len, unsigned depth)
{
	const uint64_t *sample = vly_image_order_sample(order);
	const vly_image_ref *piece = vly_image_order_piece(order);
	const unsigned at = depth < len ? depth : len;
	const unsigned shared = order->skip_len < len - at ? order->skip_len : len - at;
	const int skipped = vly_order_key_compare(key + at, shared, vly_image_order_skip(order),
						  order->skip_len);

	*search = (struct vly_order_search){.order = order};
	if (skipped > 0) {
		search->ref = piece[order->cnt - 1];
		return;
	}
	/* all that is left of the key is in front of a head, since skipped is 0 otherwise */
	search->head = vly_be64(key + at + shared);
	if (skipped < 0 || search->head < sample[0]) {
		search->ref = order->before;
		return;
	}
	search->head_end = (uint16_t)(at + shared + VLY_ORDER_HEAD_BYTES);
	search->first = VLY_ORDER_BLOCK *
			last_not_above(sample, (order->cnt + VLY_ORDER_BLOCK - 1) / VLY_ORDER_BLOCK,
				       search->head);
}

void
vly_order_begin(struct vly_order_search *search, const struct vly_image_order *order,
		const uint8_t *labels, unsigned bytes)
{
	uint8_t key[VLY_ORDER_KEY_BYTES];
	unsigned len = vly_order_key(key, labels, bytes);

	enter(search, order, key, len, 0);
	if (search->ref != 0)
		return;
	const uint8_t *keys = (const uint8_t *)(vly_image_order_key(order) + search->first);
	const uint8_t *pieces = (const uint8_t *)(vly_image_order_piece(order) + search->first);
	for (unsigned i = 0; i < VLY_ORDER_BLOCK * sizeof(uint64_t); i += LINE_BYTES)
		PREFETCH(keys + i);
	for (unsigned i = 0; i < VLY_ORDER_BLOCK * sizeof(vly_image_ref); i += LINE_BYTES)
		PREFETCH(pieces + i);
}

/* The deeper order of an entry, or NULL. */
static const struct vly_image_order *
find_deep(const struct vly_image_order *order, uint32_t idx, const uint8_t *heap)
{
	const struct vly_image_deep *deep = vly_image_order_deep(order);
	uint32_t low = 0;
	uint32_t high = order->deep_cnt;

	while (low < high) { /* halves 2^32, or less */
		uint32_t middle = low + (high - low) / 2;
		if (deep[middle].idx == idx)
			return vly_image_at(heap, deep[middle].order);
		if (deep[middle].idx < idx)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Whether the owner of the piece is not behind the key. */
static bool
owner_is_covering(const struct vly_image_piece *piece, const uint8_t *key, unsigned len)
{
	uint8_t owner[VLY_ORDER_KEY_BYTES];
	unsigned owner_len = vly_order_key(owner, vly_image_piece_wire(piece), piece->owner_len);

	return vly_order_key_compare(owner, owner_len, key, len) <= 0;
}

static inline uint32_t
find_entry(const struct vly_order_search *search)
{
	uint32_t cnt = search->order->cnt - search->first;

	if (cnt > VLY_ORDER_BLOCK)
		cnt = VLY_ORDER_BLOCK;
	return search->first + last_not_above(vly_image_order_key(search->order) + search->first,
					      cnt, search->head);
}

/* The name has the same eight octets as the entry `idx`. Each turn looks at eight more octets of
 * the key. */
__attribute__((noinline)) static vly_image_ref
find_deeper(struct vly_order_search search, uint32_t idx, const uint8_t *heap,
	    const uint8_t *labels, unsigned bytes)
{
	uint8_t key[VLY_ORDER_KEY_BYTES];
	unsigned len = vly_order_key(key, labels, bytes);

	for (unsigned depth = search.head_end; depth <= len + VLY_ORDER_HEAD_BYTES;
	     depth = search.head_end) {
		const struct vly_image_order *order = search.order;
		const vly_image_ref *piece = vly_image_order_piece(order);
		const struct vly_image_order *deep = find_deep(order, idx, heap);
		if (deep == NULL) {
			if (owner_is_covering(vly_image_at(heap, piece[idx]), key, len))
				return piece[idx];
			return idx > 0 ? piece[idx - 1] : order->before;
		}
		enter(&search, deep, key, len, depth);
		if (search.ref != 0)
			return search.ref;
		idx = find_entry(&search);
		if (vly_image_order_key(deep)[idx] != search.head)
			return vly_image_order_piece(deep)[idx];
		if (search.head_end <= depth)
			break; /* beyond the key's end, no order goes on */
	}
	return search.order->before;
}

vly_image_ref
vly_order_find(const struct vly_order_search *begun, const uint8_t *heap, const uint8_t *labels,
	       unsigned bytes)
{
	if (begun->ref != 0)
		return begun->ref;
	uint32_t idx = find_entry(begun);
	if (__builtin_expect(vly_image_order_key(begun->order)[idx] == begun->head, 0))
		return find_deeper(*begun, idx, heap, labels, bytes);
	return vly_image_order_piece(begun->order)[idx];
}

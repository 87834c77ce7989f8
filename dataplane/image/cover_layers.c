/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cover_layers.h"

#include "order.h"

struct key {
	unsigned len;
	uint8_t octets[VLY_ORDER_KEY_BYTES];
};

static void
key_of_piece(const struct vly_image_piece *piece, struct key *key)
{
	key->len = vly_order_key(key->octets, vly_image_piece_wire(piece), piece->owner_len);
}

static int
compare(const struct key *left, const struct key *right)
{
	return vly_order_key_compare(left->octets, left->len, right->octets, right->len);
}

/* The entry of one layer: its cover, or one that is gone. In front of all entries that is the last
 * one. NULL: the layer has no order. */
static const struct vly_image_piece *
find_entry(const struct vly_table_layer *layer, const uint8_t *labels, unsigned bytes)
{
	const uint8_t *heap = layer->image->heap;
	const struct vly_image_zone *zone = &layer->image->zone[layer->zone_idx];
	struct vly_order_search search;

	if (zone->denial == 0)
		return NULL;
	const struct vly_image_denial *denial = vly_image_at(heap, zone->denial);
	if (denial->kind != VLY_DENIAL_NSEC)
		return NULL;
	vly_order_begin(&search, vly_image_at(heap, denial->index), labels, bytes);
	vly_image_ref ref = vly_order_find(&search, heap, labels, bytes);
	return ref != 0 ? vly_image_at(heap, ref) : NULL;
}

const struct vly_image_piece *
vly_cover_find_in_layers(const struct vly_table_layers *layers, const uint8_t *labels,
			 unsigned bytes)
{
	const struct vly_image_piece *found = NULL;
	struct key name, best, owner;

	name.len = vly_order_key(name.octets, labels, bytes);
	for (unsigned i = layers->cnt; i-- > 0;) { /* the complete form first */
		const struct vly_image_piece *entry = find_entry(&layers->layer[i], labels, bytes);
		if (entry == NULL)
			continue;
		if (i + 1 < layers->cnt) {
			key_of_piece(entry, &owner);
			if (compare(&owner, &name) > 0 ||
			    (found != NULL && compare(&owner, &best) < 0))
				continue;
		}
		if (vly_image_piece_is_gone(entry))
			entry = vly_image_at(layers->layer[i].image->heap,
					     vly_image_piece_heir(entry));
		found = entry;
		key_of_piece(found, &best);
	}
	return found;
}

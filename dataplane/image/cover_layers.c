/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cover_layers.h"

#include "cover.h"

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

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

/* Whether the way back from the name to owner `a` is not longer than that to `b`. The chain of NSEC3 is a circle:
 * before its first owner is the last one. */
static bool
is_as_near(const struct key *a, const struct key *b, const struct key *name)
{
	const bool a_is_behind = compare(a, name) > 0;
	const bool b_is_behind = compare(b, name) > 0;

	return a_is_behind != b_is_behind ? b_is_behind : compare(a, b) >= 0;
}

static const struct vly_image_denial *
denial_of(const struct vly_table_layer *layer)
{
	const struct vly_image_zone *zone = &layer->image->zone[layer->zone_idx];

	return zone->denial != 0 ? vly_image_at(layer->image->heap, zone->denial) : NULL;
}

const struct vly_image_denial *
vly_cover_denial_of_layers(const struct vly_table_layers *layers)
{
	return denial_of(&layers->layer[layers->cnt - 1]);
}

/* Only the complete form of a zone with NSEC3 has buckets. */
static bool
has_buckets(const struct vly_table_layer *layer, const struct vly_image_denial *denial)
{
	const struct vly_image_zone *zone = &layer->image->zone[layer->zone_idx];

	return denial->kind == VLY_DENIAL_NSEC3 && !(zone->flags & VLY_IMAGE_OVERLAY);
}

/* Prefetches what find_entry() reads. */
static void
begin(const struct vly_table_layer *layer, const uint8_t *labels, unsigned bytes,
      struct vly_cover *cover)
{
	const uint8_t *heap = layer->image->heap;
	const struct vly_image_denial *denial = denial_of(layer);

	cover->denial = denial;
	if (denial == NULL)
		return;
	if (!has_buckets(layer, denial))
		vly_order_begin(&cover->order, vly_image_at(heap, denial->index), labels, bytes);
	else if (bytes == 1 + VLY_NSEC3_LABEL_BYTES &&
		 vly_nsec3_label_hash(labels + 1, cover->hash))
		vly_cover_begin_hash(cover, heap, denial);
	else
		cover->denial = NULL;
}

/* The entry of one layer: its cover, or one that is gone. In front of all entries that is the last one. NULL: the
 * layer has none. */
static const struct vly_image_piece *
find_entry(const struct vly_table_layer *layer, const uint8_t *labels, unsigned bytes,
	   const struct vly_cover *cover)
{
	const uint8_t *heap = layer->image->heap;

	if (cover->denial == NULL)
		return NULL;
	vly_image_ref ref = has_buckets(layer, cover->denial)
				    ? vly_cover_find_hash(cover, heap)
				    : vly_order_find(&cover->order, heap, labels, bytes);
	if (ref == 0)
		return NULL;
	const struct vly_image_piece *piece = vly_image_at(heap, ref);
	PREFETCH(piece);
	return piece;
}

const struct vly_image_piece *
vly_cover_find_in_layers(const struct vly_table_layers *layers, const uint8_t *labels,
			 unsigned bytes)
{
	const struct vly_image_piece *entry[VLY_IMAGE_LAYERS_MAX];
	struct vly_cover cover[VLY_IMAGE_LAYERS_MAX];
	const struct vly_image_piece *found = NULL;
	struct key name, best, owner;

	name.len = vly_order_key(name.octets, labels, bytes);
	for (unsigned i = 0; i < layers->cnt; i++)
		begin(&layers->layer[i], labels, bytes, &cover[i]);
	for (unsigned i = 0; i < layers->cnt; i++)
		entry[i] = find_entry(&layers->layer[i], labels, bytes, &cover[i]);
	for (unsigned i = layers->cnt; i-- > 0;) { /* the complete form first */
		const struct vly_image_piece *piece = entry[i];
		if (piece == NULL)
			continue;
		key_of_piece(piece, &owner);
		if (found != NULL && !is_as_near(&owner, &best, &name))
			continue;
		if (vly_image_piece_is_gone(piece))
			piece = vly_image_at(layers->layer[i].image->heap,
					     vly_image_piece_heir(piece));
		found = piece;
		key_of_piece(found, &best);
	}
	return found;
}

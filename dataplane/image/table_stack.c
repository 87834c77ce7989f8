/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "common/image_soa.h"
#include "table_book.h"

/* Whether entry `a`, a complete form, comes before `b`, which may be none: by version if that counts,
 * then by the image's id. */
static bool
is_newer(const struct vly_table_book *book, struct vly_book_entry a, struct vly_book_entry b,
	 bool by_version)
{
	if (b.part == 0)
		return true;
	uint64_t left = by_version ? vly_book_zone(book, a)->version : 0;
	uint64_t right = by_version ? vly_book_zone(book, b)->version : 0;
	if (left == right) {
		left = book->part[a.part - 1].image->id;
		right = book->part[b.part - 1].image->id;
	}
	return left != right ? left > right : a.zone_idx < b.zone_idx;
}

static struct vly_book_entry
find_complete(const struct vly_table_book *book, struct vly_book_entry head, bool by_version)
{
	struct vly_book_entry base = {0};

	for (struct vly_book_entry entry = head; entry.part != 0;
	     entry = *vly_book_next(book, entry))
		if (!vly_book_is_overlay(book, entry) && is_newer(book, entry, base, by_version))
			base = entry;
	return base;
}

/* The newest complete form in the list, or none: that of the newest image. But if it has a version,
 * the one with the largest version: the image may be a copy of older ones. */
static struct vly_book_entry
find_base(const struct vly_table_book *book, struct vly_book_entry head)
{
	struct vly_book_entry base = find_complete(book, head, false);

	if (base.part != 0 && vly_book_zone(book, base)->version != 0)
		base = find_complete(book, head, true);
	return base;
}

static const struct vly_image_denial *
denial_of(const struct vly_table_book *book, struct vly_book_entry entry)
{
	const vly_image_ref ref = vly_book_zone(book, entry)->denial;

	return ref != 0 ? vly_image_at(book->part[entry.part - 1].image->heap, ref) : NULL;
}

/* Whether two layers deny in the same way, with the same hashes. */
static bool
denies_alike(const struct vly_image_denial *left, const struct vly_image_denial *right)
{
	if (left == NULL || right == NULL || left->kind != right->kind)
		return left == right;
	return left->kind == VLY_DENIAL_NSEC ||
	       (left->iterations == right->iterations && left->salt_len == right->salt_len &&
		memcmp(left->salt, right->salt, left->salt_len) == 0);
}

/* Whether an overlay may lie upon a layer: both are signed, or none is, and answers with the one's SOA
 * can get the other's; and both deny alike. */
static bool
fits(const struct vly_table_book *book, struct vly_book_entry overlay, struct vly_book_entry lower)
{
	const struct vly_image_zone *zone = vly_book_zone(book, overlay);
	const struct vly_image_zone *below = vly_book_zone(book, lower);

	if (zone->signed_nodata == 0 || below->signed_nodata == 0)
		return zone->signed_nodata == below->signed_nodata;
	if (!denies_alike(denial_of(book, overlay), denial_of(book, lower)))
		return false;
	return vly_image_has_same_signed_soa(
		vly_image_at(book->part[overlay.part - 1].image->heap, zone->signed_nodata),
		vly_image_at(book->part[lower.part - 1].image->heap, below->signed_nodata));
}

/* The overlay upon this layer that leads furthest, or none. It may not fit. */
static struct vly_book_entry
find_overlay(const struct vly_table_book *book, struct vly_book_entry head,
	     struct vly_book_entry lower)
{
	const uint64_t below = vly_book_zone(book, lower)->version;
	struct vly_book_entry overlay = {0};

	for (struct vly_book_entry entry = head; entry.part != 0;
	     entry = *vly_book_next(book, entry)) {
		if (!vly_book_is_overlay(book, entry) || vly_book_zone(book, entry)->below != below)
			continue;
		if (overlay.part == 0 ||
		    vly_book_zone(book, entry)->version > vly_book_zone(book, overlay)->version)
			overlay = entry;
	}
	return overlay;
}

static int
refuse_layers(const struct vly_table_book *book, struct vly_book_entry top,
	      struct vly_image_error *error)
{
	const struct vly_image *image = book->part[top.part - 1].image;

	snprintf(error->text, sizeof(error->text),
		 "zone %u of image %llu would have more than %d layers: merge some of them first",
		 top.zone_idx, (unsigned long long)image->id, VLY_IMAGE_LAYERS_MAX);
	return -1;
}

/* Without it, an older version would be answered, and nobody would know. */
static int
refuse_misfit(const struct vly_table_book *book, struct vly_book_entry overlay,
	      struct vly_image_error *error)
{
	const struct vly_image *image = book->part[overlay.part - 1].image;

	snprintf(error->text, sizeof(error->text),
		 "zone %u of image %llu does not fit upon the layer below: only one of them is "
		 "signed, "
		 "or their SOA records differ in size, or they deny in another way",
		 overlay.zone_idx, (unsigned long long)image->id);
	return -1;
}

int
vly_book_find_stack(const struct vly_table_book *book, uint32_t at, struct vly_book_stack *stack,
		    struct vly_image_error *error)
{
	struct vly_book_entry up[VLY_IMAGE_LAYERS_MAX];
	struct vly_book_entry top = find_base(book, book->head[at]);

	stack->cnt = 0;
	while (top.part != 0) {
		const struct vly_image_zone *zone = vly_book_zone(book, top);
		if (stack->cnt == VLY_IMAGE_LAYERS_MAX)
			return refuse_layers(book, top, error);
		up[stack->cnt++] = top;
		struct vly_book_entry overlay = {0};
		if (zone->version != 0)
			overlay = find_overlay(book, book->head[at], top);
		if (overlay.part != 0 && !fits(book, overlay, top))
			return refuse_misfit(book, overlay, error);
		top = overlay;
	}
	for (unsigned i = 0; i < stack->cnt; i++)
		stack->entry[i] = up[stack->cnt - 1 - i];
	return 0;
}

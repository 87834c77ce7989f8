/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where pieces are in the image: behind the nodes that they match. */
#include <stdlib.h>

#include "denial_parts.h"

static int
place(struct vly_denial *denial, vly_image_ref number)
{
	struct vly_denial_piece *piece = &denial->piece[number - 1];

	if (piece->ref == 0)
		piece->ref = vly_denial_append_piece(denial, piece->node);
	return piece->ref != 0 ? 0 : -1;
}

int
vly_denial_place(struct vly_denial *denial, uint32_t idx)
{
	uint32_t match = idx < denial->node_cnt && denial->has_entries ? denial->match[idx] : 0;

	if (match == 0 || vly_denial_is_gone(denial, idx))
		return 0;
	return place(denial, denial->kind == VLY_DENIAL_NSEC ? denial->name[match - 1].piece
							     : denial->hash[match - 1].piece);
}

int
vly_denial_note_proof(struct vly_denial *denial, uint64_t off)
{
	if (denial->proof_cnt == denial->proof_size) {
		uint32_t size = denial->proof_size == 0 ? 16 : denial->proof_size * 2;
		void *grown = realloc(denial->proof, size * sizeof(*denial->proof));
		if (grown == NULL)
			return -1;
		denial->proof = grown;
		denial->proof_size = size;
	}
	denial->proof[denial->proof_cnt++] = off;
	return 0;
}

static void
finish_refs(const struct vly_denial *denial, vly_image_ref *ref, uint64_t cnt)
{
	for (uint64_t i = 0; i < cnt; i++)
		ref[i] = vly_denial_placed(denial, ref[i]);
}

/* Of an order and those below it: 64 layers at most (denial_order.c). */
static void
finish_order(const struct vly_denial *denial, vly_image_ref ref)
{
	struct vly_image_order *order = (void *)(denial->file->base + vly_denial_off(ref));
	const struct vly_image_deep *deep = vly_image_order_deep(order);

	finish_refs(denial, &order->before, 1);
	finish_refs(denial, (vly_image_ref *)vly_image_order_piece(order), order->cnt);
	for (uint32_t i = 0; i < order->deep_cnt; i++)
		finish_order(denial, deep[i].order);
}

static void
finish_hashes(const struct vly_denial *denial, const struct vly_image_denial *image)
{
	struct vly_image_hash_bucket *bucket =
		(void *)(denial->file->base + vly_denial_off(image->index));
	const uint64_t cnt = (UINT64_C(1) << image->bits) + image->extra_cnt;

	for (uint64_t i = 0; i < cnt; i++) {
		finish_refs(denial, &bucket[i].before, 1);
		finish_refs(denial, bucket[i].piece,
			    sizeof(bucket[i].piece) / sizeof(bucket[i].piece[0]));
	}
}

/* Of pieces that are gone. */
static void
finish_heirs(const struct vly_denial *denial)
{
	for (uint32_t i = 0; i < denial->piece_cnt; i++) {
		const struct vly_denial_piece *gone = &denial->piece[i];
		if (!vly_denial_is_gone(denial, gone->node))
			continue;
		const vly_image_ref number = denial->kind == VLY_DENIAL_NSEC
						     ? vly_denial_order_heir(denial, gone->node)
						     : vly_denial_hash_heir(denial, gone->node);
		const vly_image_ref heir = vly_denial_placed(denial, number);
		struct vly_image_piece *piece =
			(void *)(denial->file->base + vly_denial_off(gone->ref));
		memcpy((uint8_t *)piece + vly_image_piece_wire_off(1) +
			       vly_image_piece_heir_off(piece->owner_len),
		       &heir, sizeof(heir));
	}
}

int
vly_denial_finish(struct vly_denial *denial)
{
	for (uint32_t i = 1; i <= denial->piece_cnt; i++)
		if (place(denial, i) != 0)
			return -1;
	if (denial->heir != NULL)
		finish_heirs(denial);
	for (uint32_t i = 0; i < denial->proof_cnt; i++) {
		struct vly_image_proof *proof = (void *)(denial->file->base + denial->proof[i]);
		finish_refs(denial, proof->piece, proof->piece_cnt);
	}
	if (denial->ref == 0)
		return 0;
	const struct vly_image_denial *image =
		(const void *)(denial->file->base + vly_denial_off(denial->ref));
	if (vly_denial_has_order(denial))
		finish_order(denial, image->index);
	else
		finish_hashes(denial, image);
	return 0;
}

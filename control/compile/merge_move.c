/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone moves to another image as it is: the part of the heap that has all of it is copied, and its
 * refs are increased by the distance. The zones of an image are one behind the other, so that this
 * part has nothing else.
 *
 * All that refers to something is visited twice: to find out how far the part reaches, then to set
 * the refs in the copy. An image that has only this zone is all one part.
 */
#include "merge_parts.h"

/* Orders below each other: each looks at eight octets of a key. */
#define ORDER_DEPTH_MAX 66

struct move {
	const struct vly_merge_target *target;
	const struct vly_merge_layer *layer;
	const uint8_t *heap; /* that it comes from */
	uint64_t begin;      /* octets: the part of the heap */
	uint64_t end;
	uint8_t *to; /* where `begin` goes; NULL: how far the part reaches is not known yet */
	uint32_t distance;
};

/* Something of this zone. */
static void
reach(struct move *move, vly_image_ref ref, uint64_t bytes)
{
	uint64_t off = (uint64_t)ref * VLY_IMAGE_REF_BYTES;

	if (move->to != NULL)
		return;
	if (off < move->begin)
		move->begin = off;
	if (off + bytes > move->end)
		move->end = off + bytes;
}

/* The copy of something in the heap. */
static void *
copy_of(const struct move *move, const void *at)
{
	return move->to + ((const uint8_t *)at - move->heap) - move->begin;
}

static void
set_ref(const struct move *move, const vly_image_ref *at)
{
	vly_image_ref ref;

	memcpy(&ref, at, sizeof(ref)); /* some are not aligned */
	if (move->to == NULL || ref == 0)
		return;
	ref += move->distance;
	memcpy(copy_of(move, at), &ref, sizeof(ref));
}

static void
visit_piece(struct move *move, const vly_image_ref *at)
{
	vly_image_ref ref;

	memcpy(&ref, at, sizeof(ref));
	set_ref(move, at);
	if (ref == 0)
		return;
	const struct vly_image_piece *piece = vly_image_at(move->heap, ref);
	if (vly_image_piece_is_gone(piece)) /* its heir is not */
		visit_piece(move, vly_image_piece_heir_at(piece));
	if (move->to != NULL)
		return;
	reach(move, ref, vly_image_piece_wire_off(piece->record_cnt) + piece->wire_len);
}

static void
visit_answer(struct move *move, vly_image_ref ref)
{
	const struct vly_image_answer *answer = vly_image_at(move->heap, ref);

	if (ref == 0)
		return;
	reach(move, ref, vly_merge_answer_bytes(answer));
	if (!(answer->flags & VLY_ANSWER_PROVED))
		return;
	const struct vly_image_proof *proof = vly_image_answer_proof(answer);
	for (unsigned i = 0; i < proof->piece_cnt; i++)
		visit_piece(move, &proof->piece[i]);
}

static void
visit_answer_at(struct move *move, const void *at)
{
	vly_image_ref ref;

	memcpy(&ref, at, sizeof(ref));
	set_ref(move, at);
	visit_answer(move, ref);
}

static void
visit_signed(struct move *move, const struct vly_image_node *node)
{
	const struct vly_image_signed *dnssec = vly_image_node_signed(node);
	const uint8_t *at = (const uint8_t *)dnssec;

	visit_answer_at(move, at + offsetof(struct vly_image_signed, other));
	visit_piece(move, (const void *)(at + offsetof(struct vly_image_signed, denial)));
	visit_piece(move, (const void *)(at + offsetof(struct vly_image_signed, cover)));
	visit_piece(move, (const void *)(at + offsetof(struct vly_image_signed, no_wildcard)));
	for (unsigned i = 0; i < node->type_cnt; i++)
		visit_answer_at(move, at + offsetof(struct vly_image_signed, answer) +
					      i * sizeof(vly_image_ref));
}

/* What a node has for a type: an answer, or a choice of them. */
static void
visit_given(struct move *move, const struct vly_image_node *node, const void *at)
{
	vly_image_ref ref;

	if (!(node->flags & VLY_NODE_STEERED)) {
		visit_answer_at(move, at);
		return;
	}
	memcpy(&ref, at, sizeof(ref));
	set_ref(move, at);
	if (ref == 0)
		return;
	const struct vly_image_choice *choice = vly_image_at(move->heap, ref);
	reach(move, ref, vly_merge_choice_bytes(choice));
	for (unsigned i = 0; i < choice->alt_cnt; i++)
		visit_answer_at(move, &choice->alt[i]);
}

static void
visit_node(struct move *move, vly_image_ref ref)
{
	const struct vly_image_node *node = vly_image_at(move->heap, ref);

	reach(move, ref, vly_merge_node_bytes(node));
	if (move->to != NULL)
		((struct vly_image_node *)copy_of(move, node))->zone = move->target->zone_idx;
	for (unsigned i = 0; i < node->type_cnt; i++)
		visit_given(move, node,
			    (const uint8_t *)&node->type[i] +
				    offsetof(struct vly_image_type, answer));
	visit_given(move, node, &node->other);
	set_ref(move, &node->wildcard);
	if (node->flags & VLY_NODE_SIGNED)
		visit_signed(move, node);
}

static void
visit_order(struct move *move, vly_image_ref ref, unsigned depth)
{
	const struct vly_image_order *order = vly_image_at(move->heap, ref);
	const struct vly_image_deep *deep = vly_image_order_deep(order);
	const vly_image_ref *piece = vly_image_order_piece(order);

	reach(move, ref,
	      (uint64_t)((const uint8_t *)(piece + order->cnt) - (const uint8_t *)order));
	visit_piece(move, &order->before);
	for (uint32_t i = 0; i < order->cnt; i++)
		visit_piece(move, &piece[i]);
	for (uint32_t i = 0; i < order->deep_cnt && depth < ORDER_DEPTH_MAX; i++) {
		set_ref(move, &deep[i].order);
		visit_order(move, deep[i].order, depth + 1);
	}
}

static void
visit_hashes(struct move *move, const struct vly_image_denial *denial)
{
	const struct vly_image_hash_bucket *bucket = vly_image_at(move->heap, denial->index);
	const uint64_t cnt = (UINT64_C(1) << denial->bits) + denial->extra_cnt;

	reach(move, denial->index, cnt * sizeof(*bucket));
	for (uint64_t i = 0; i < cnt; i++) {
		visit_piece(move, &bucket[i].before);
		for (unsigned n = 0; n < sizeof(bucket->piece) / sizeof(bucket->piece[0]); n++)
			visit_piece(move, &bucket[i].piece[n]);
	}
}

static void
visit_denial(struct move *move, vly_image_ref ref)
{
	const struct vly_image_denial *denial = vly_image_at(move->heap, ref);

	if (ref == 0)
		return;
	reach(move, ref, sizeof(*denial) + denial->salt_len);
	set_ref(move, &denial->index);
	if (denial->kind == VLY_DENIAL_NSEC3 &&
	    !(vly_merge_zone(move->layer)->flags & VLY_IMAGE_OVERLAY))
		visit_hashes(move, denial);
	else
		visit_order(move, denial->index, 0);
}

/* A wildcard may have a second node, to which others refer. */
static void
visit_all(struct move *move)
{
	const struct vly_image_zone *zone = vly_merge_zone(move->layer);
	uint32_t cnt;
	const vly_image_ref *ref = vly_merge_nodes(move->layer, &cnt);

	visit_answer(move, zone->nxdomain);
	visit_answer(move, zone->nodata);
	visit_answer(move, zone->signed_nxdomain);
	visit_answer(move, zone->signed_nodata);
	visit_denial(move, zone->denial);
	for (uint32_t i = 0; i < cnt; i++) {
		const struct vly_image_node *node = vly_image_at(move->heap, ref[i]);
		visit_node(move, ref[i]);
		if (node->wildcard != 0)
			visit_node(move, node->wildcard);
	}
}

/* Copies the part. Hash buckets are cache lines, and stay so. */
static int
copy_part(struct move *move)
{
	struct vly_arena *file = &move->target->draft->file;
	const uint64_t align =
		vly_merge_zone(move->layer)->denial != 0 ? VLY_IMAGE_ALIGN : VLY_IMAGE_REF_BYTES;
	const uint64_t bytes = move->end - move->begin;
	const uint64_t lead = move->begin % align;
	uint64_t off = vly_arena_append(file, lead + bytes, align);

	if (off == 0)
		return -1;
	off += lead;
	move->to = file->base + off;
	memcpy(move->to, move->heap + move->begin, bytes);
	move->distance = (uint32_t)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES -
				    move->begin / VLY_IMAGE_REF_BYTES);
	return 0;
}

static int
store_names(const struct move *move)
{
	const struct vly_merge_target *target = move->target;
	struct vly_name name;
	uint32_t cnt;
	const vly_image_ref *ref = vly_merge_nodes(move->layer, &cnt);

	for (uint32_t i = 0; i < cnt; i++) {
		vly_merge_name(vly_image_at(move->heap, ref[i]), target->key, &name);
		if (vly_merge_store_name(target, name.hash[0], ref[i] + move->distance) != 0)
			return -1;
	}
	return 0;
}

static vly_image_ref
moved(const struct move *move, vly_image_ref ref)
{
	return ref == 0 ? 0 : ref + move->distance;
}

int
vly_merge_move(const struct vly_merge_target *target, const struct vly_merge_layer *layer)
{
	const struct vly_image_header *header = layer->image->header;
	const struct vly_image_zone *zone = vly_merge_zone(layer);
	struct move move = {.target = target,
			    .layer = layer,
			    .heap = layer->image->heap,
			    .begin = VLY_IMAGE_REF_BYTES,
			    .end = header->section[VLY_SECTION_HEAP].bytes - VLY_IMAGE_SLACK_BYTES};

	if (header->zone_cnt > 1) {
		move.begin = UINT64_MAX;
		move.end = 0;
		visit_all(&move);
	}
	if (copy_part(&move) != 0)
		return -1;
	visit_all(&move);
	*target->copied = *zone;
	target->copied->apex = moved(&move, zone->apex);
	target->copied->nxdomain = moved(&move, zone->nxdomain);
	target->copied->nodata = moved(&move, zone->nodata);
	target->copied->signed_nxdomain = moved(&move, zone->signed_nxdomain);
	target->copied->signed_nodata = moved(&move, zone->signed_nodata);
	target->copied->denial = moved(&move, zone->denial);
	return store_names(&move);
}

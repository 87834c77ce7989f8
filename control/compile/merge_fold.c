/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stack of layers becomes one: of each name, the node of the newest layer that has it is copied
 * with its answers. Nothing but NXDOMAIN, NODATA and the answer that fails belongs to several names.
 */
#include <errno.h>
#include <stdlib.h>

#include <volley/checksum.h>

#include "common/image_soa.h"
#include "merge_parts.h"

/* Types of a node, or alternatives of a type, among which an equal answer is looked for; beyond, it is copied once more. */
#define SHARED_TYPES_MAX 64

static struct vly_image_node *
new_node(const struct vly_merge_fold *fold, vly_image_ref ref)
{
	uint8_t *heap = fold->target->draft->file.base + VLY_DRAFT_HEAP_OFF;

	return (void *)(heap + (uint64_t)ref * VLY_IMAGE_REF_BYTES);
}

static vly_image_ref
append(const struct vly_merge_fold *fold, uint64_t bytes)
{
	uint64_t off = vly_arena_append(&fold->target->draft->file, bytes, VLY_IMAGE_REF_BYTES);

	return off == 0 ? 0 : (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
}

/* The NODATA of a layer: of one SOA. */
static const struct vly_image_answer *
nodata_of(const struct vly_merge_layer *layer)
{
	return vly_image_at(layer->image->heap, vly_merge_zone(layer)->nodata);
}

/* An answer of an older layer may end in the older SOA (image.h). */
static void
renew_soa(const struct vly_merge_fold *fold, uint32_t layer, struct vly_image_answer *answer)
{
	const struct vly_merge_layer *newest = &fold->layer[fold->layer_cnt - 1];
	uint8_t *wire = (uint8_t *)answer + vly_image_answer_wire_off(answer->fix_cnt);

	if (!vly_image_ends_in_soa(answer, nodata_of(&fold->layer[layer])))
		return;
	memcpy(wire + answer->wire_len - VLY_SOA_TAIL_BYTES, vly_image_soa_tail(nodata_of(newest)),
	       VLY_SOA_TAIL_BYTES);
	answer->sum = vly_sum_fold(vly_sum_octets(wire, answer->wire_len));
}

static vly_image_ref
copy_answer(struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref, bool is_alias)
{
	const struct vly_image_answer *answer = vly_image_at(fold->layer[layer].image->heap, ref);
	const uint32_t bytes = vly_merge_answer_bytes(answer);

	if ((answer->flags & VLY_ANSWER_FAILS) && fold->too_large != 0)
		return fold->too_large;
	if (answer->flags & VLY_ANSWER_PROVED) {
		errno = EINVAL; /* a proof in an unsigned zone */
		return 0;
	}
	vly_image_ref copy = append(fold, bytes);
	if (copy == 0)
		return 0;
	struct vly_image_answer *to = (void *)new_node(fold, copy);
	memcpy(to, answer, bytes);
	if (is_alias && layer != fold->layer_cnt - 1)
		renew_soa(fold, layer, to);
	if (answer->flags & VLY_ANSWER_FAILS)
		fold->too_large = copy;
	return copy;
}

static vly_image_ref
copy_own(struct vly_merge_fold *fold, uint32_t layer, const struct vly_image_node *node,
	 vly_image_ref ref)
{
	return ref == vly_merge_zone(&fold->layer[layer])->nodata
		       ? fold->nodata
		       : copy_answer(fold, layer, ref, node->flags & VLY_NODE_ALIAS);
}

/* The first of a choice's alternatives that is the same answer: its number, or `idx`. */
static unsigned
first_same(const struct vly_image_choice *choice, unsigned idx)
{
	unsigned i = 0;

	while (i < idx && i < SHARED_TYPES_MAX && choice->alt[i] != choice->alt[idx])
		i++;
	return i < idx && i < SHARED_TYPES_MAX ? i : idx;
}

static vly_image_ref
copy_choice(struct vly_merge_fold *fold, uint32_t layer, const struct vly_image_node *node,
	    vly_image_ref ref)
{
	const struct vly_image_choice *choice = vly_image_at(fold->layer[layer].image->heap, ref);
	vly_image_ref copy = vly_merge_find_copy(fold, layer, ref);

	if (copy != 0) /* names of one length and policy have the same choice */
		return copy;
	copy = append(fold, vly_merge_choice_bytes(choice));
	if (copy == 0 || vly_merge_add_copy(fold, layer, ref, copy) != 0)
		return 0;
	memcpy(new_node(fold, copy), choice, sizeof(*choice));
	for (unsigned i = 0; i < choice->alt_cnt; i++) {
		const unsigned same = first_same(choice, i);
		vly_image_ref alt = same < i ? 0 : copy_own(fold, layer, node, choice->alt[i]);
		/* the heap may have moved */
		struct vly_image_choice *to = (void *)new_node(fold, copy);
		to->alt[i] = same < i ? to->alt[same] : alt;
		if (to->alt[i] == 0)
			return 0;
	}
	return copy;
}

/* What a node has for a type, of which that for the first `cnt` types has been copied. */
static vly_image_ref
copy_shared(struct vly_merge_fold *fold, uint32_t layer, const struct vly_image_node *node,
	    unsigned cnt, vly_image_ref ref)
{
	for (unsigned i = 0; i < cnt && i < SHARED_TYPES_MAX; i++)
		if (node->type[i].answer == ref)
			return fold->answer[i];
	return node->flags & VLY_NODE_STEERED ? copy_choice(fold, layer, node, ref)
					      : copy_own(fold, layer, node, ref);
}

/* Copies the answers of a node to fold->answer, the last one being that for all other types. */
static int
copy_answers(struct vly_merge_fold *fold, uint32_t layer, const struct vly_image_node *node)
{
	const unsigned cnt = node->type_cnt;

	if (cnt + 1 > fold->answer_size) {
		void *grown = realloc(fold->answer, (cnt + 64) * sizeof(*fold->answer));
		if (grown == NULL)
			return -1;
		fold->answer = grown;
		fold->answer_size = cnt + 64;
	}
	for (unsigned i = 0; i <= cnt; i++) {
		vly_image_ref ref = i < cnt ? node->type[i].answer : node->other;
		fold->answer[i] = ref == 0 ? 0 : copy_shared(fold, layer, node, i, ref);
		if (ref != 0 && fold->answer[i] == 0)
			return -1;
	}
	return 0;
}

vly_image_ref
vly_merge_copy_node(struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref)
{
	const struct vly_image_node *node = vly_merge_node(&fold->layer[layer], ref);
	const uint8_t *name = vly_image_node_name(node);

	if (copy_answers(fold, layer, node) != 0)
		return 0;
	vly_image_ref copy = append(fold, vly_merge_node_bytes(node));
	if (copy == 0)
		return 0;
	struct vly_image_node *to = new_node(fold, copy);
	memcpy(to, node, vly_merge_node_bytes(node));
	to->zone = fold->target->zone_idx;
	to->other = fold->answer[node->type_cnt];
	to->wildcard = 0;
	for (unsigned i = 0; i < node->type_cnt; i++)
		to->type[i].answer = fold->answer[i];
	if (node->wildcard != 0 &&
	    vly_merge_add_link(fold, &(struct vly_merge_link){copy, layer, node->wildcard}) != 0)
		return 0;
	if (name[0] == 1 && name[1] == '*' && vly_merge_add_copy(fold, layer, ref, copy) != 0)
		return 0;
	return copy;
}

static int
copy_named(struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref,
	   const struct vly_name *name)
{
	const struct vly_image_node *node = vly_merge_node(&fold->layer[layer], ref);
	struct vly_image_zone *copied = fold->target->copied;

	if (fold->complete && (node->flags & VLY_NODE_GONE))
		return 0;
	vly_image_ref copy = vly_merge_copy_node(fold, layer, ref);
	if (copy == 0)
		return -1;
	copied->node_cnt++;
	if (name->label_cnt > copied->label_max)
		copied->label_max = name->label_cnt;
	if (node->flags & VLY_NODE_APEX)
		copied->apex = copy;
	return vly_merge_store_name(fold->target, name->hash[0], copy);
}

struct vly_merge_entry *
vly_merge_entry_of(const struct vly_merge_fold *fold, const struct vly_name *name, unsigned label)
{
	const uint64_t hash = name->hash[label];
	const unsigned len = vly_name_suffix_len(name, label);
	uint32_t at = (uint32_t)(hash >> 32) & fold->entry_mask;

	for (;; at = (at + 1) & fold->entry_mask) { /* half of them are free */
		struct vly_merge_entry *entry = &fold->entry[at];
		if (entry->node == 0)
			return entry;
		const struct vly_image_node *node =
			vly_merge_node(&fold->layer[entry->layer], entry->node);
		if (entry->hash == hash && node->name_len == len &&
		    memcmp(vly_image_node_name(node), name->lower + name->start[label], len) == 0)
			return entry;
	}
}

/* Notes the names of the layers above the lowest one, the newest first. */
static int
note_names(struct vly_merge_fold *fold)
{
	uint64_t total = 1;
	struct vly_name name;
	uint32_t cnt;

	for (unsigned i = 1; i < fold->layer_cnt; i++) {
		(void)vly_merge_nodes(&fold->layer[i], &cnt);
		total += cnt;
	}
	uint64_t size = 16;
	while (size < total * 2)
		size *= 2;
	if (size > UINT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	fold->entry = calloc(size, sizeof(*fold->entry));
	if (fold->entry == NULL)
		return -1;
	fold->entry_mask = (uint32_t)size - 1;
	for (unsigned i = fold->layer_cnt; i-- > 1;) {
		const vly_image_ref *ref = vly_merge_nodes(&fold->layer[i], &cnt);
		for (uint32_t n = 0; n < cnt; n++) {
			vly_merge_name(vly_merge_node(&fold->layer[i], ref[n]), fold->target->key,
				       &name);
			struct vly_merge_entry *entry = vly_merge_entry_of(fold, &name, 0);
			if (entry->node == 0)
				*entry = (struct vly_merge_entry){name.hash[0], ref[n], i};
		}
	}
	return 0;
}

/* Copies the names of a layer that no newer one has. */
static int
copy_names(struct vly_merge_fold *fold, uint32_t layer)
{
	struct vly_name name;
	uint32_t cnt;
	const vly_image_ref *ref = vly_merge_nodes(&fold->layer[layer], &cnt);

	for (uint32_t i = 0; i < cnt; i++) {
		vly_merge_name(vly_merge_node(&fold->layer[layer], ref[i]), fold->target->key,
			       &name);
		const struct vly_merge_entry *entry = vly_merge_entry_of(fold, &name, 0);
		bool is_newest = entry->node == 0 || entry->layer == layer;
		if (is_newest && copy_named(fold, layer, ref[i], &name) != 0)
			return -1;
	}
	return 0;
}

static int
copy_all(struct vly_merge_fold *fold)
{
	const uint32_t newest = fold->layer_cnt - 1;
	const struct vly_image_zone *zone = vly_merge_zone(&fold->layer[newest]);

	if (note_names(fold) != 0)
		return -1;
	fold->nxdomain = copy_answer(fold, newest, zone->nxdomain, false);
	fold->nodata = copy_answer(fold, newest, zone->nodata, false);
	if (fold->nxdomain == 0 || fold->nodata == 0)
		return -1;
	for (uint32_t i = 0; i <= newest; i++)
		if (copy_names(fold, i) != 0)
			return -1;
	return vly_merge_link_all(fold);
}

int
vly_merge_fold(const struct vly_merge_target *target, const struct vly_merge_layer *layer,
	       unsigned layer_cnt)
{
	const struct vly_image_zone *lowest = vly_merge_zone(&layer[0]);
	const struct vly_image_zone *newest = vly_merge_zone(&layer[layer_cnt - 1]);
	struct vly_merge_fold fold = {
		.target = target,
		.layer = layer,
		.layer_cnt = layer_cnt,
		.complete = !(lowest->flags & VLY_IMAGE_OVERLAY),
	};

	*target->copied = (struct vly_image_zone){
		.serial = newest->serial,
		.record_cnt = newest->record_cnt,
		.flags = lowest->flags,
		.label_cnt = newest->label_cnt,
		.version = newest->version,
		.below = lowest->below,
	};
	int result = copy_all(&fold);
	target->copied->nxdomain = fold.nxdomain;
	target->copied->nodata = fold.nodata;
	free(fold.entry);
	free(fold.link);
	free(fold.copy);
	free(fold.answer);
	return result;
}

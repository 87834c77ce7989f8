/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The refs of a stack's nodes to wildcards. A node and its wildcard are in the same layer, except
 * that nodes which a chain needs (chain.h) may stay in an older one. A wildcard may have a second
 * node, which no name leads to: it is copied when a link to it is met.
 */
#include <errno.h>
#include <stdlib.h>

#include "merge_parts.h"

int
vly_merge_add_link(struct vly_merge_fold *fold, const struct vly_merge_link *link)
{
	if (fold->link_cnt == fold->link_size) {
		uint32_t size = fold->link_size == 0 ? 64 : fold->link_size * 2;
		void *grown = realloc(fold->link, size * sizeof(*fold->link));
		if (grown == NULL)
			return -1;
		fold->link = grown;
		fold->link_size = size;
	}
	fold->link[fold->link_cnt++] = *link;
	return 0;
}

static uint64_t
key_of(uint32_t layer, vly_image_ref ref)
{
	return (uint64_t)layer << 32 | ref;
}

/* The copy with this key, or a free place. */
static struct vly_merge_copy *
find_copy(const struct vly_merge_fold *fold, uint64_t key)
{
	const uint32_t mask = fold->copy_size - 1;
	uint32_t at = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (fold->copy[at].key != 0 && fold->copy[at].key != key) /* half of them are free */
		at = (at + 1) & mask;
	return &fold->copy[at];
}

vly_image_ref
vly_merge_find_copy(const struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref)
{
	const struct vly_merge_copy *copy =
		fold->copy_size == 0 ? NULL : find_copy(fold, key_of(layer, ref));

	return copy != NULL && copy->key != 0 ? copy->node : 0;
}

static int
grow_copies(struct vly_merge_fold *fold)
{
	struct vly_merge_copy *old = fold->copy;
	const uint32_t old_size = fold->copy_size;
	const uint32_t size = old_size == 0 ? 64 : old_size * 2;
	struct vly_merge_copy *grown = calloc(size, sizeof(*grown));

	if (grown == NULL)
		return -1;
	fold->copy = grown;
	fold->copy_size = size;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].key != 0)
			*find_copy(fold, old[i].key) = old[i];
	free(old);
	return 0;
}

int
vly_merge_add_copy(struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref,
		   vly_image_ref node)
{
	if (fold->copy_cnt >= fold->copy_size / 2 && grow_copies(fold) != 0)
		return -1;
	*find_copy(fold, key_of(layer, ref)) = (struct vly_merge_copy){key_of(layer, ref), node};
	fold->copy_cnt++;
	return 0;
}

/* The node of a newer layer, that of entry `newest`, which answers in place of a wildcard: the one
 * that its parent refers to there. */
static vly_image_ref
newer_wildcard(const struct vly_merge_fold *fold, const struct vly_merge_entry *newest,
	       const struct vly_name *wildcard)
{
	const struct vly_merge_entry *parent = vly_merge_entry_of(fold, wildcard, 1);

	return parent->node != 0 && parent->layer == newest->layer
		       ? vly_merge_node(&fold->layer[parent->layer], parent->node)->wildcard
		       : 0;
}

/* The copy that a link leads to; 0 with errno. */
static vly_image_ref
follow(struct vly_merge_fold *fold, struct vly_merge_link link)
{
	struct vly_name name;

	for (unsigned i = 0; i < fold->layer_cnt && link.wildcard != 0; i++) {
		vly_image_ref copy = vly_merge_find_copy(fold, link.layer, link.wildcard);
		if (copy != 0)
			return copy;
		vly_merge_name(vly_merge_node(&fold->layer[link.layer], link.wildcard),
			       fold->target->key, &name);
		if (name.lower[0] != 1 || name.lower[1] != '*')
			break;
		const struct vly_merge_entry *newest = vly_merge_entry_of(fold, &name, 0);
		if (newest->node == 0 || newest->layer == link.layer) /* a second node */
			return vly_merge_copy_node(fold, link.layer, link.wildcard);
		link.wildcard = newer_wildcard(fold, newest, &name);
		link.layer = newest->layer;
	}
	errno = EINVAL;
	return 0;
}

int
vly_merge_link_all(struct vly_merge_fold *fold)
{
	struct vly_arena *file = &fold->target->draft->file;

	for (uint32_t i = 0; i < fold->link_cnt; i++) { /* second nodes have links, too */
		const struct vly_merge_link link = fold->link[i];
		vly_image_ref node = follow(fold, link);
		if (node == 0)
			return -1;
		struct vly_image_node *from = (void *)(file->base + VLY_DRAFT_HEAP_OFF +
						       (uint64_t)link.from * VLY_IMAGE_REF_BYTES);
		from->wildcard = node;
	}
	return 0;
}

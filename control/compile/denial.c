/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "denial_parts.h"

/* Appends the struct vly_image_denial. */
static int
append_denial(struct vly_denial *denial)
{
	uint32_t extra_cnt = 0;
	vly_image_ref index = vly_denial_has_order(denial)
				      ? vly_denial_order_append(denial)
				      : vly_denial_hash_append(denial, &extra_cnt);

	if (index == 0)
		return -1;
	for (uint32_t i = 0; denial->kind == VLY_DENIAL_NSEC && i < denial->cnt; i++)
		denial->match[denial->name[i].node] = i + 1;
	uint64_t off = vly_arena_append(denial->file,
					sizeof(struct vly_image_denial) + denial->params.salt_len,
					VLY_IMAGE_REF_BYTES);
	if (off == 0)
		return -1;
	struct vly_image_denial *image = (void *)(denial->file->base + off);
	image->kind = denial->kind;
	image->bits = (uint8_t)(vly_denial_has_order(denial) ? 0 : denial->bits);
	image->iterations = denial->params.iterations;
	image->extra_cnt = extra_cnt;
	image->index = index;
	image->salt_len = denial->params.salt_len;
	memcpy(image->salt, denial->salt, denial->params.salt_len);
	denial->ref = vly_denial_ref(off);
	return 0;
}

static int
prepare(struct vly_denial *denial, struct vly_rrsets *rrsets)
{
	if (vly_rrsets_load(rrsets, denial->zone, 0) != 0)
		return -1;
	if (vly_rrsets_find(rrsets, VLY_TYPE_NSEC) == NULL) {
		if (vly_denial_hash_load(denial, rrsets) != 0)
			return -1;
	} else {
		denial->kind = VLY_DENIAL_NSEC;
		if (vly_denial_order_load(denial) != 0)
			return -1;
	}
	denial->has_entries = denial->kind != 0 && denial->cnt > 0;
	/* the dataplane computes no covers then (image.h) */
	bool is_insecure = denial->params.iterations > VLY_NSEC3_ITERATIONS_MAX;
	return denial->has_entries && !is_insecure ? append_denial(denial) : 0;
}

int
vly_denial_prepare(struct vly_denial *denial, struct vly_arena *file, const struct vly_zone *zone,
		   uint32_t node_cnt, struct vly_zone_report *report)
{
	struct vly_rrsets rrsets = {0};

	denial->file = file;
	denial->zone = zone;
	denial->report = report;
	denial->node_cnt = node_cnt;
	denial->match = vly_pages_alloc(node_cnt * sizeof(*denial->match));
	int result = denial->match != NULL ? prepare(denial, &rrsets) : -1;
	vly_rrsets_free(&rrsets);
	return result;
}

void
vly_denial_free(struct vly_denial *denial)
{
	vly_pages_free(denial->match, denial->node_cnt * sizeof(*denial->match));
	vly_pages_free(denial->name, denial->size * sizeof(*denial->name));
	vly_pages_free(denial->hash, denial->size * sizeof(*denial->hash));
	vly_pages_free(denial->piece, denial->size * sizeof(*denial->piece));
	vly_pages_free(denial->first, ((UINT64_C(1) << denial->bits) + 1) * sizeof(*denial->first));
	free(denial->proof);
	vly_rrsets_free(&denial->rrsets);
	*denial = (struct vly_denial){0};
}

static uint32_t
match_of(const struct vly_denial *denial, uint32_t idx)
{
	return idx < denial->node_cnt && !vly_denial_is_gone(denial, idx) ? denial->match[idx] : 0;
}

static bool
has_wildcard(const struct vly_zone *zone, uint32_t idx)
{
	uint32_t wildcard = zone->node[idx].wildcard;

	return wildcard != VLY_ZONE_NONE && !(zone->node[wildcard].flags & VLY_ZONE_HIDDEN);
}

/* Whether the wildcard of node `idx` has an NSEC3. */
static bool
has_hashed_wildcard(const struct vly_denial *denial, uint32_t idx)
{
	return has_wildcard(denial->zone, idx) &&
	       match_of(denial, denial->zone->node[idx].wildcard) != 0;
}

/* The piece that covers *.name of node `idx`, which has piece `match`, or none. */
static vly_image_ref
cover_wildcard(const struct vly_denial *denial, uint32_t idx, uint32_t match)
{
	uint8_t name[VLY_NAME_BYTES_MAX] = {1, '*'};
	unsigned len;
	const uint8_t *above = vly_zone_node_name(denial->zone, idx, &len);

	if (len + 2 > VLY_NAME_BYTES_MAX)
		return 0;
	memcpy(name + 2, above, len);
	if (denial->kind == VLY_DENIAL_NSEC3)
		return vly_denial_hash_cover(denial, name, len + 2);
	return match != 0 ? vly_denial_order_cover_child(denial, match - 1, name, len + 2)
			  : vly_denial_order_cover(denial, name, len + 2);
}

static void
nsec_of_node(const struct vly_denial *denial, uint32_t idx, struct vly_denial_refs *refs)
{
	uint32_t match = match_of(denial, idx);
	unsigned len;
	const uint8_t *name = vly_zone_node_name(denial->zone, idx, &len);

	if (match != 0)
		refs->denial = denial->name[match - 1].piece;
	else
		refs->cover = vly_denial_order_cover(denial, name, len);
	if (!(denial->zone->node[idx].flags & VLY_ZONE_CUT) && !has_wildcard(denial->zone, idx))
		refs->no_wildcard = cover_wildcard(denial, idx, match);
}

/* The closest provable encloser of node `idx` (RFC 5155 §1.3): the apex, at the latest.
 * *next_closer is its child on the way to the node; VLY_ZONE_NONE: it is the node. */
static uint32_t
provable_encloser(const struct vly_denial *denial, uint32_t idx, uint32_t *next_closer)
{
	*next_closer = VLY_ZONE_NONE;
	while (match_of(denial, idx) == 0 && idx != 0) {
		*next_closer = idx;
		idx = denial->zone->node[idx].parent;
	}
	return idx;
}

static void
nsec3_of_node(const struct vly_denial *denial, uint32_t idx, struct vly_denial_refs *refs)
{
	uint32_t next_closer;
	uint32_t encloser = provable_encloser(denial, idx, &next_closer);
	uint32_t match = match_of(denial, encloser);
	/* Above a name without NSEC3, a wildcard without NSEC3 is as good as none. */
	bool denies_wildcard = encloser == idx ? !has_wildcard(denial->zone, idx)
					       : !has_hashed_wildcard(denial, encloser);
	unsigned len;

	if (match != 0)
		refs->denial = denial->hash[match - 1].piece;
	if (next_closer != VLY_ZONE_NONE) {
		const uint8_t *name = vly_zone_node_name(denial->zone, next_closer, &len);
		refs->cover = vly_denial_hash_cover(denial, name, len);
	} else if (denial->params.iterations > VLY_NSEC3_ITERATIONS_MAX) {
		refs->cover = refs->denial;
	}
	if (!(denial->zone->node[idx].flags & VLY_ZONE_CUT) && denies_wildcard)
		refs->no_wildcard = cover_wildcard(denial, encloser, match);
}

void
vly_denial_of_node(const struct vly_denial *denial, uint32_t idx, struct vly_denial_refs *refs)
{
	*refs = (struct vly_denial_refs){0};
	if (!denial->has_entries)
		return;
	if (denial->kind == VLY_DENIAL_NSEC)
		nsec_of_node(denial, idx, refs);
	else
		nsec3_of_node(denial, idx, refs);
}

vly_image_ref
vly_denial_cover(const struct vly_denial *denial, uint32_t encloser_idx, const uint8_t *name,
		 unsigned name_len)
{
	unsigned encloser_len;
	unsigned next = 0;

	if (!denial->has_entries)
		return 0;
	if (denial->kind == VLY_DENIAL_NSEC)
		return vly_denial_order_cover(denial, name, name_len);
	(void)vly_zone_node_name(denial->zone, encloser_idx, &encloser_len);
	/* its first label below the encloser is the next closer name's */
	for (unsigned at = 0; at < name_len - encloser_len; at += name[at] + 1u)
		next = at;
	return vly_denial_hash_cover(denial, name + next, name_len - next);
}

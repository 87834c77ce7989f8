/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve_layers.h"

#include "common/image_soa.h"
#include "prove_layers.h"
#include "resolve_parts.h"
#include "steered.h"

/* Takes the answer of a node of the layer at hand: for its own name, or, with `encloser`, as a wildcard
 * below that. */
static void
take(struct vly_query *query, const struct vly_image_node *node,
     const struct vly_image_node *encloser)
{
	vly_image_ref ref = vly_resolve_choose(node, query->qtype);

	if (__builtin_expect(node->flags & VLY_NODE_SIGNED, 0)) {
		vly_prove_layers_node(query, node, encloser);
		return;
	}
	if (__builtin_expect(node->flags & VLY_NODE_STEERED, 0))
		ref = vly_steered_choose(query, ref);
	if (ref == vly_resolve_zone(query)->nodata) {
		vly_layers_take_zone_answer(query, query->layers->nodata);
		return;
	}
	vly_resolve_take(query, ref);
	if (node->flags & VLY_NODE_ALIAS)
		query->fate = VLY_QUERY_OLDER;
}

void
vly_layers_take_wildcard(struct vly_query *query)
{
	take(query, query->node, query->encloser);
}

/* Takes what the closest encloser, a node of the layer at hand, has for a missing name. Returns
 * true if that is its wildcard, at query->node, whose answer is still to be taken. */
static bool
take_below(struct vly_query *query, const struct vly_image_node *encloser)
{
	const bool is_proved = (encloser->flags & VLY_NODE_SIGNED) && query->dnssec_ok;

	if (is_proved && (encloser->flags & VLY_NODE_CUT)) {
		vly_prove_layers_cut(query, encloser);
	} else if (encloser->flags & VLY_NODE_CUT) {
		vly_resolve_take(query, encloser->other);
	} else if (encloser->flags & VLY_NODE_DNAME) {
		query->node = encloser;
		query->fate = VLY_QUERY_COMPOSE;
	} else if (is_proved && encloser->wildcard == 0) {
		vly_prove_layers_missing(query, encloser);
	} else if (encloser->wildcard == 0) {
		vly_layers_take_zone_answer(query, query->layers->nxdomain);
	} else {
		query->node = vly_image_at(query->image->heap, encloser->wildcard);
		query->encloser = encloser;
		return true;
	}
	return false;
}

void
vly_layers_take_node(struct vly_query *query, const struct vly_image_node *node, bool exists)
{
	if (exists)
		take(query, node, NULL);
	else if (take_below(query, node))
		vly_layers_take_wildcard(query);
}

/* Whether an overlay may have one of the first `cnt` suffixes of the name: it has 128 at most. */
static bool
may_have_changed(const struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (vly_table_may_have_changed(query->part, query->name.hash[i]))
			return true;
	return false;
}

/* Looks the name up in all layers, in the next stages. */
static void
begin_layers(struct vly_query *query)
{
	query->course = VLY_COURSE_LAYERS;
	query->zone_label_idx =
		(uint8_t)(query->name.label_cnt - vly_resolve_zone(query)->label_cnt);
	vly_layers_fetch(query);
}

bool
vly_layers_settle(struct vly_query *query)
{
	const struct vly_image_node *node = query->node;
	const struct vly_table_part *layered = vly_table_layered(query->part, node->zone);
	const bool is_apex = node->flags & VLY_NODE_APEX;

	if (layered == NULL)
		return false;
	/* before the filter is read: see vly_table_layered() */
	query->layers = vly_table_layers(layered);
	query->zone_idx = node->zone;
	if (may_have_changed(query, query->encloser_idx + (is_apex ? 0u : 1u))) {
		begin_layers(query);
		return true;
	}
	if (is_apex) { /* each layer has one */
		vly_layers_begin(query);
		node = vly_image_at(query->image->heap, vly_resolve_zone(query)->apex);
	}
	if (query->encloser_idx == 0) {
		take(query, node, NULL);
	} else if (take_below(query, node)) {
		vly_resolve_fetch_node(query->node);
		query->course = VLY_COURSE_LAYERED;
	}
	return true;
}

static const struct vly_image_bucket *
bucket_of(const struct vly_table_layer *layer, uint64_t hash)
{
	return &layer->bucket[vly_image_bucket_idx(hash, layer->bucket_cnt)];
}

void
vly_layers_fetch(const struct vly_query *query)
{
	const struct vly_table_layers *layers = query->layers;

	for (unsigned i = 0; i < layers->cnt; i++)
		PREFETCH(bucket_of(&layers->layer[i], query->name.hash[0]));
}

void
vly_layers_guess(struct vly_query *query)
{
	const struct vly_table_layers *layers = query->layers;
	const uint64_t hash = query->name.hash[0];

	query->node = NULL;
	for (unsigned i = 0; query->node == NULL && i < layers->cnt; i++) {
		query->image = layers->layer[i].image;
		query->zone_idx = layers->layer[i].zone_idx;
		query->node = vly_resolve_candidate(query->image,
						    bucket_of(&layers->layer[i], hash), hash);
	}
	if (query->node != NULL)
		vly_resolve_fetch_node(query->node);
}

bool
vly_layers_confirm(struct vly_query *query)
{
	const struct vly_image_node *node = query->node;

	if (node == NULL || node->zone != query->zone_idx || (node->flags & VLY_NODE_GONE) ||
	    !vly_bucket_node_is(node, &query->name, 0))
		return false;
	take(query, node, NULL);
	return true;
}

const struct vly_image_node *
vly_layers_find(struct vly_query *query, unsigned label_idx)
{
	const struct vly_table_layers *layers = query->layers;

	for (unsigned i = 0; i < layers->cnt; i++) {
		const struct vly_table_layer *layer = &layers->layer[i];
		const struct vly_image_node *node =
			vly_resolve_suffix(layer->image, layer->zone_idx, &query->name, label_idx);
		if (node == NULL)
			continue;
		if (node->flags & VLY_NODE_GONE)
			return NULL;
		query->image = layer->image;
		query->zone_idx = layer->zone_idx;
		return node;
	}
	return NULL;
}

const uint8_t *
vly_layers_soa_tail(const struct vly_query *query)
{
	const struct vly_image_answer *answer = query->answer;
	const struct vly_image_answer *nodata =
		vly_image_at(query->image->heap, vly_resolve_zone(query)->nodata);

	return vly_image_ends_in_soa(answer, nodata) ? vly_image_soa_tail(query->layers->nodata)
						     : NULL;
}

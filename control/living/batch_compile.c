/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal_source.h"
#include "living_parts.h"
#include "living_signed.h"
#include "overlay_source.h"

/* The image of a batch in the making. */
struct compile {
	struct vly_living *living;
	struct vly_image_builder *builder;
	struct vly_store_txn *txn;
	struct vly_store_txn *before;
	uint32_t zone_cnt; /* in the image */
	char *reason;
	size_t reason_bytes;
};

struct vly_image_builder *
vly_batch_builder(struct vly_living *living)
{
	struct vly_image_builder *builder = vly_image_builder_new(&living->key);

	uv_mutex_lock(&living->lock);
	struct vly_living_form form = living->form;
	vly_steer_model_get(form.steer);
	uv_mutex_unlock(&living->lock);
	if (builder && form.any_all)
		vly_image_builder_answer_any_all(builder);
	if (builder && form.additional_none)
		vly_image_builder_answer_additional_none(builder);
	if (builder)
		vly_image_builder_steer(builder, form.steer);
	vly_steer_model_put(form.steer);
	return builder;
}

/* The records are in the store by now, and have passed the checks that matter: what is left can only be
 * a warning. */
static void
begin_report(struct vly_zone_report *report)
{
	vly_zone_report_defaults(report);
	memset(report->severity, VLY_ZONE_IGNORE, sizeof(report->severity));
}

static int
fail(struct compile *compile, const struct vly_batch_zone *zone, const char *why)
{
	snprintf(compile->reason, compile->reason_bytes, "zone %.200s can't be compiled: %s",
		 zone->zone->name, why);
	return -1;
}

static void
set_layer(struct compile *compile, struct vly_batch_zone *zone, uint64_t below,
	  const struct vly_zone_info *info)
{
	zone->layer = (struct vly_living_layer){
		.zone_idx = compile->zone_cnt++,
		.node_cnt = (uint32_t)info->node_cnt,
		.version = zone->store.version,
		.below = below,
		.digest = zone->store.digest,
		.serial = zone->store.serial,
		.is_signed = info->is_signed,
		.proves_covers = info->proves_covers,
	};
	zone->has_form = false;
}

int
vly_batch_add_complete(struct vly_image_builder *builder, struct vly_zone *tree, uint64_t version,
		       bool is_checked, struct vly_dnssec_facts *facts, struct vly_zone_info *info,
		       char *reason, size_t reason_bytes)
{
	struct vly_zone_report report;

	vly_living_signatures(tree, 1, facts);
	begin_report(&report);
	if ((is_checked ? vly_image_builder_add_checked
			: vly_image_builder_add_zone)(builder, tree, version, &report, info) == 0)
		return 0;
	snprintf(reason, reason_bytes, "%s", report.first.text);
	return -1;
}

static int
compile_complete(struct compile *compile, struct vly_batch_zone *zone)
{
	char reason[VLY_REASON_BYTES];
	struct vly_zone_info info;
	struct vly_zone tree;

	if (vly_store_load_zone(compile->txn, &zone->store, &compile->living->key, &tree) !=
	    VLY_STORE_OK)
		return fail(compile, zone, vly_store_reason(compile->txn));
	int failed = vly_batch_add_complete(compile->builder, &tree, zone->store.version, false,
					    &zone->facts, &info, reason, sizeof(reason));
	vly_zone_free(&tree);
	if (failed)
		return fail(compile, zone, reason);
	set_layer(compile, zone, 0, &info);
	return 0;
}

/* A complete form without data. */
static int
compile_unready(struct compile *compile, struct vly_batch_zone *zone, enum vly_image_unready why)
{
	static const struct vly_zone_info none;

	if (vly_image_builder_add_unready(compile->builder, zone->zone->name, why) != 0)
		return fail(compile, zone, strerror(errno));
	set_layer(compile, zone, 0, &none);
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	const struct vly_overlay_name *left = a;
	const struct vly_overlay_name *right = b;
	int order =
		memcmp(left->name, right->name, left->len < right->len ? left->len : right->len);

	return order ? order : (int)left->len - (int)right->len;
}

/* The names that the batch has touched, each once, in *cnt. NULL without memory. */
static struct vly_overlay_name *
list_names(const struct vly_batch_zone *zone, uint32_t *cnt)
{
	struct vly_overlay_name *names = calloc(zone->names_bytes / 2 + 1, sizeof(*names));
	uint32_t all = 0;
	uint32_t kept = 0;

	*cnt = 0;
	for (size_t at = 0; names && at < zone->names_bytes; at += 1u + zone->names[at])
		names[all++] = (struct vly_overlay_name){&zone->names[at + 1], zone->names[at]};
	if (!names)
		return NULL;
	qsort(names, all, sizeof(*names), compare_names);
	for (uint32_t i = 0; i < all; i++)
		if (kept == 0 || compare_names(&names[kept - 1], &names[i]) != 0)
			names[kept++] = names[i];
	*cnt = kept;
	return names;
}

/* The change of a zone since the version `below`, without its names. */
static struct vly_overlay_change
change_of(const struct vly_batch_zone *zone, uint64_t below)
{
	return (struct vly_overlay_change){
		.apex = {zone->store.apex.lower, zone->store.apex.len},
		.version = zone->store.version,
		.below = below,
		.record_cnt = zone->store.record_cnt,
		.proves_covers = zone->zone->mirror->layer[0].proves_covers,
	};
}

/* 0: done; 1: a complete form is wanted instead; -1: failed. */
static int
compile_overlay(struct compile *compile, struct vly_batch_zone *zone)
{
	struct vly_store_source source;
	struct vly_zone_report report;
	struct vly_zone_info info;
	const char *why = NULL;
	struct vly_overlay_change change = change_of(zone, zone->before);
	struct vly_overlay_name *names = list_names(zone, &change.changed_cnt);

	if (!names)
		return fail(compile, zone, "out of memory");
	int result = vly_overlay_source_init(&source, compile->txn, compile->before, &zone->store);
	if (result != VLY_STORE_OK) {
		free(names);
		return result == VLY_STORE_NONE ? 1 : fail(compile, zone, "the store failed");
	}
	change.changed = names;
	begin_report(&report);
	enum vly_overlay_result made = vly_image_builder_add_overlay(
		compile->builder, &source.source, &change, &report, &info, &why);
	free(names);
	if (made == VLY_OVERLAY_FAILED) {
		const char *reason = vly_overlay_source_reason(&source);
		return fail(compile, zone, reason ? reason : report.first.text);
	}
	if (made == VLY_OVERLAY_DONE)
		set_layer(compile, zone, zone->before, &info);
	return made == VLY_OVERLAY_DONE ? 0 : 1;
}

/* Up to so many names, a complete form is made as fast as an overlay, and needs no merging. */
#define SMALL_ZONE_NAMES 100

/* An overlay must lie upon the version that is the zone's highest layer. */
static bool
may_be_overlay(const struct vly_batch_zone *zone)
{
	const struct vly_living_stack *mirror = zone->zone->mirror;

	return !zone->has_form && zone->store.name_cnt > SMALL_ZONE_NAMES &&
	       zone->store.version != zone->before && mirror &&
	       mirror->layer[mirror->cnt - 1].version == zone->before &&
	       !atomic_load(&zone->zone->needs_complete);
}

/* Overlays of a signed zone are not merged. When there are more than so many beside the complete form, one
 * is compiled that has what they all have, from the journal. */
#define SIGNED_OVERLAYS_MAX VLY_LAYER_OVERLAYS_MAX

/* When this overlay has more names, a new complete form is compiled aside. */
#define SIGNED_NAMES_MAX (VLY_OVERLAY_NAMES_MAX / 2)

/* 0: done; 1: it can't be made; -1: failed. */
static int
compile_joint(struct compile *compile, struct vly_batch_zone *zone)
{
	const struct vly_living_layer *base = &zone->zone->mirror->layer[0];
	struct vly_journal_source source;
	struct vly_zone_report report;
	struct vly_zone_info info;
	const char *why = NULL;
	struct vly_overlay_change change = change_of(zone, base->version);
	enum vly_overlay_result made = VLY_OVERLAY_COMPLETE;
	struct vly_overlay_name *names = NULL;

	if (vly_journal_source_init(&source, compile->txn, &zone->store, base->version,
				    base->serial) == VLY_STORE_OK)
		names = vly_journal_source_names(&source, &change.changed_cnt);
	change.changed = names;
	begin_report(&report);
	if (names && change.changed_cnt <= SIGNED_NAMES_MAX)
		made = vly_image_builder_add_overlay(compile->builder, &source.store.source,
						     &change, &report, &info, &why);
	free(names);
	vly_journal_source_free(&source);
	if (made == VLY_OVERLAY_DONE)
		set_layer(compile, zone, base->version, &info);
	return made == VLY_OVERLAY_DONE ? 0 : 1;
}

/* As compile_overlay(), in a zone whose layers may be signed. */
static int
compile_layer(struct compile *compile, struct vly_batch_zone *zone)
{
	const struct vly_living_stack *mirror = zone->zone->mirror;

	if (!mirror->layer[mirror->cnt - 1].is_signed || mirror->cnt <= SIGNED_OVERLAYS_MAX)
		return compile_overlay(compile, zone);
	if (compile_joint(compile, zone) == 0)
		return 0;
	if (mirror->cnt == VLY_IMAGE_LAYERS_MAX)
		return 1;
	int result = compile_overlay(compile, zone);
	zone->wants_base = result == 0;
	return result;
}

/* Whether a form may replace the lowest layers of a zone that has newer ones. */
static bool
has_version(const struct vly_batch_zone *zone, uint64_t version)
{
	const struct vly_living_stack *mirror = zone->zone->mirror;

	for (unsigned i = 0; i < mirror->cnt; i++)
		if (mirror->layer[i].version == version)
			return !atomic_load(&zone->zone->needs_complete);
	return false;
}

/* Takes a form that was compiled aside, unless the zone has newer layers that can't lie upon it, or has
 * expired. */
static void
take_form(struct vly_batch_zone *zone)
{
	const struct vly_living_stack *mirror = zone->zone->mirror;
	const struct vly_living_form_job *form = zone->form;

	if (!form->layer.image || atomic_load(&zone->zone->is_expired) ||
	    (mirror && mirror->layer[mirror->cnt - 1].version > form->layer.version &&
	     !has_version(zone, form->layer.version)))
		return;
	zone->layer = form->layer;
	zone->facts = form->facts;
	zone->has_form = true;
}

/* Up to so many records, a signed zone is compiled at once, in about 10 ms. More: others' changes wait
 * longer for it. Fewer: it is answered a little later. */
#define ASIDE_RECORDS 10000

/* 0, -1: failed, or the result of a complete form. */
static int
compile_whole(struct compile *compile, struct vly_batch_zone *zone)
{
	char reason[VLY_REASON_BYTES];
	bool is_signed = false;

	if (zone->store.record_cnt > ASIDE_RECORDS &&
	    vly_signed_look(compile->txn, &zone->store, &is_signed, reason, sizeof(reason)) !=
		    VLY_STORE_OK)
		return fail(compile, zone, reason);
	zone->is_aside = is_signed;
	return is_signed ? 0 : compile_complete(compile, zone);
}

static int
compile_zone(struct compile *compile, struct vly_batch_zone *zone)
{
	bool is_same = zone->store.version == zone->before && !zone->wants_complete;

	if (zone->form)
		take_form(zone);
	if (zone->is_absent && (zone->has_form || !zone->wants_complete))
		return 0; /* it is answered ahead, whatever else is wanted, or has been merged */
	if (is_same && (zone->form || !atomic_load(&zone->zone->needs_complete)))
		return 0; /* there is nothing but a form, or layers that were merged */
	if (atomic_load(&zone->zone->is_expired))
		return compile_unready(compile, zone, VLY_UNREADY_EXPIRED);
	if (zone->is_absent)
		return compile_unready(compile, zone, VLY_UNREADY_NOT_LOADED);
	int result = may_be_overlay(zone) ? compile_layer(compile, zone) : 1;
	return result == 1 ? compile_whole(compile, zone) : result;
}

static int
seal(struct compile *compile, struct vly_living_batch *batch)
{
	struct vly_built_image built;

	if (compile->zone_cnt == 0) {
		vly_image_builder_free(compile->builder);
		return 0;
	}
	if (vly_image_builder_seal(compile->builder, &built) == 0)
		batch->image = vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes,
						  built.zone_cnt);
	if (batch->image)
		return 0;
	snprintf(compile->reason, compile->reason_bytes, "the image could not be made: %s",
		 strerror(errno));
	return -1;
}

int
vly_batch_compile(struct vly_living *living, struct vly_living_batch *batch,
		  struct vly_store_txn *txn, struct vly_store_txn *before, char *reason,
		  size_t reason_bytes)
{
	struct compile compile = {living,      vly_batch_builder(living), txn, before, 0, reason,
				  reason_bytes};

	if (!compile.builder) {
		snprintf(reason, reason_bytes, "the image could not be made: %s", strerror(errno));
		return -1;
	}
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].wants_form && compile_zone(&compile, &batch->zone[i]) < 0) {
			vly_image_builder_free(compile.builder);
			return -1;
		}
	if (seal(&compile, batch) == 0 && vly_batch_stack(living, batch) == 0)
		return 0;
	if (!*reason)
		snprintf(reason, reason_bytes, "the layers could not be made: %s", strerror(errno));
	return -1;
}

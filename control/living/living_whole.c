/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_whole.h"

#include <stdio.h>
#include <stdlib.h>

#include "form_cache.h"
#include "living_parts.h"
#include "whole_batch.h"

struct vly_living_form_job *
vly_living_form_new(struct vly_living *living, char reason[VLY_REASON_BYTES])
{
	struct vly_living_form_job *form = calloc(1, sizeof(*form));
	struct vly_store_number number;

	if (!form) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return NULL;
	}
	struct vly_zone_store *store = vly_living_store_get(living, reason, VLY_REASON_BYTES);
	if (!store) {
		free(form);
		return NULL;
	}
	int result = vly_zone_store_reserve(store, &number, reason, VLY_REASON_BYTES);
	vly_living_store_put(living);
	vly_living_store_failed(living, result);
	if (result != VLY_STORE_OK) {
		free(form);
		return NULL;
	}
	form->living = living;
	form->store.id = number.id;
	form->store.version = number.version;
	return form;
}

void
vly_living_form_free(struct vly_living_form_job *form)
{
	if (!form)
		return;
	vly_live_image_put(form->layer.image);
	free(form);
}

bool
vly_living_may_compile_first(const struct vly_zone *zone)
{
	for (uint32_t i = 0; zone->has_nsec3 && i < zone->node_cnt; i++)
		if ((zone->node[i].flags & VLY_ZONE_ABSENT) && zone->node[i].records == 0)
			return false;
	return true;
}

int
vly_living_compile(struct vly_living_form_job *form, struct vly_zone *zone,
		   char reason[VLY_REASON_BYTES])
{
	const uint32_t node_cnt = zone->node_cnt;

	int result = vly_living_form_compile(form, zone, true);
	zone->node_cnt = node_cnt; /* chains may have added names that the zone does not have */
	if (result != 0)
		snprintf(reason, VLY_REASON_BYTES, "%s", form->reason);
	return result;
}

static int
import(struct vly_zone_store *store, const struct vly_zone *zone, struct vly_living_form_job *form,
       const _Atomic bool *is_cancelled, char reason[VLY_REASON_BYTES])
{
	static const struct vly_file_stamp none;
	struct vly_store_zone made;

	if (!form)
		return vly_zone_store_import(store, zone, &none, &made, reason, VLY_REASON_BYTES);
	const struct vly_store_number number = {form->store.id, form->store.version};
	int result = vly_zone_store_import_as(store, zone, &number, &none, is_cancelled, &made,
					      reason, VLY_REASON_BYTES);
	if (result != VLY_STORE_OK)
		return result;
	form->store = made;
	form->layer.digest = made.digest;
	return result;
}

int
vly_living_replace(struct vly_living *living, const struct vly_zone *zone,
		   struct vly_living_form_job *form, const _Atomic bool *is_cancelled,
		   char reason[VLY_REASON_BYTES])
{
	struct vly_zone_store *store = vly_living_store_get(living, reason, VLY_REASON_BYTES);

	if (!store)
		return VLY_STORE_FAILED;
	uv_mutex_lock(&living->import_lock);
	vly_living_clean(store, true);
	int result = import(store, zone, form, is_cancelled, reason);
	vly_living_clean(store, false);
	uv_mutex_unlock(&living->import_lock);
	vly_living_store_put(living);
	vly_living_store_failed(living, result);
	return result;
}

/* In the writer thread. */

bool
vly_whole_takes_absent(struct vly_batch_zone *entry, const struct vly_living_request *request)
{
	const struct vly_living_stack *mirror = entry->zone->mirror;

	if (request->is_ahead)
		entry->store = request->form->store;
	else if ((request->is_renewal || request->part) && mirror)
		entry->store =
			(struct vly_store_zone){.version = mirror->layer[mirror->cnt - 1].version};
	else
		return false;
	vly_living_apex(entry->zone, &entry->store.apex);
	entry->is_absent = true;
	return true;
}

bool
vly_whole_is_answered(struct vly_batch_zone *entry)
{
	struct vly_living_stack *mirror = entry->zone->mirror;
	struct vly_living_layer *layer = mirror ? &mirror->layer[mirror->cnt - 1] : NULL;

	if (!layer || layer->node_cnt == 0 || layer->version != entry->store.version ||
	    atomic_load(&entry->zone->needs_complete))
		return false;
	layer->digest = entry->store.digest;
	entry->is_kept = true;
	return true;
}

/* On the loop. */

void
vly_whole_settle(struct vly_living *living, const struct vly_living_batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		const struct vly_batch_zone *entry = &batch->zone[i];
		struct vly_living_zone *zone = entry->zone;
		if (!entry->is_kept || zone->is_removed || !zone->stack)
			continue;
		struct vly_living_layer *layer = &zone->stack->layer[0];
		if (layer->version != entry->store.version)
			continue;
		layer->digest = entry->store.digest;
		zone->record_cnt = entry->store.record_cnt;
		if (layer->node_cnt >= VLY_FORM_CACHE_NODES_MIN)
			vly_form_cache_changed(living);
	}
}

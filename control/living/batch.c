/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "living_parts.h"
#include "whole_batch.h"

/* The transactions of a batch. */
struct run {
	struct vly_living *living;
	struct vly_living_batch *batch;
	struct vly_zone_store *store;
	struct vly_store_txn *before; /* the store as it was */
	struct vly_store_txn *txn;
	int result; /* of the store, when it has failed */
};

static void
fail_batch(struct run *run, int result, const char *reason)
{
	run->result = result;
	run->batch->store_failed = true;
	snprintf(run->batch->reason, sizeof(run->batch->reason), "%s", reason);
}

/* Notes the owners of a change's records. Returns 0, or -1 without memory. */
static int
note_names(struct vly_batch_zone *zone, const struct vly_change_list *list)
{
	for (size_t i = 0; i < list->cnt; i++) {
		const struct vly_change_record *record = &list->record[i];
		size_t need = zone->names_bytes + 1 + record->owner_len;
		if (need > zone->names_size) {
			uint8_t *grown = realloc(zone->names, 2 * need);
			if (!grown)
				return -1;
			zone->names = grown;
			zone->names_size = 2 * need;
		}
		zone->names[zone->names_bytes] = record->owner_len;
		memcpy(zone->names + zone->names_bytes + 1, record->owner, record->owner_len);
		zone->names_bytes = need;
	}
	return 0;
}

/* The entry of a zone that the batch has; NULL: it has none. */
static struct vly_batch_zone *
known_zone(const struct vly_living_batch *batch, const struct vly_living_zone *zone)
{
	const uint32_t place = zone->batch_place;

	return place < batch->zone_cnt && batch->zone[place].zone == zone ? &batch->zone[place]
									  : NULL;
}

/* The entry of a zone, as it is in the store at the first request for it. NULL: it is not there, or
 * the store has failed; the reason says which. */
static struct vly_batch_zone *
find_zone(struct run *run, const struct vly_living_request *request, char *reason, size_t bytes)
{
	struct vly_living_batch *batch = run->batch;
	struct vly_living_zone *zone = request->living_zone;

	struct vly_batch_zone *known = known_zone(batch, zone);
	if (known)
		return known;
	if (batch->zone_cnt == batch->zone_size) {
		uint32_t size = batch->zone_size ? 2 * batch->zone_size : 4;
		void *grown = realloc(batch->zone, size * sizeof(*batch->zone));
		if (!grown) {
			snprintf(reason, bytes, "out of memory");
			return NULL;
		}
		batch->zone = grown;
		batch->zone_size = size;
	}
	struct vly_batch_zone *entry = &batch->zone[batch->zone_cnt];
	memset(entry, 0, sizeof(*entry));
	entry->zone = zone;
	entry->epoch = atomic_load(&zone->epoch);
	int result = vly_living_find_stored(run->txn, zone, &entry->store);
	if (result == VLY_STORE_OK ||
	    (result == VLY_STORE_NONE && vly_whole_takes_absent(entry, request))) {
		entry->before = entry->store.version;
		zone->batch_place = batch->zone_cnt++;
		return entry;
	}
	snprintf(reason, bytes, "%s",
		 result == VLY_STORE_NONE ? "the zone is not in the store"
					  : vly_store_reason(run->txn));
	if (result != VLY_STORE_NONE)
		fail_batch(run, result, reason);
	return NULL;
}

/* Whether ALIAS records may differ behind the change, or their addresses may have been changed by others. */
static bool
may_alias(enum vly_store_cause cause, const struct vly_change *change)
{
	const struct vly_change_list *const lists[] = {&change->removed, &change->added};

	if (cause == VLY_STORE_BY_ALIAS)
		return false;
	if (cause == VLY_STORE_BY_OPERATOR)
		return true;
	for (unsigned k = 0; k < 2; k++)
		for (size_t i = 0; i < lists[k]->cnt; i++)
			if (lists[k]->record[i].type == VLY_TYPE_ALIAS)
				return true;
	return false;
}

/* Has the request prepared and applied inside `txn`. Returns whether `txn` is to be kept. */
static bool
work_request(struct run *run, struct vly_store_txn *txn, struct vly_store_zone *zone,
	     struct vly_living_request *request, struct vly_change *change)
{
	char reason[VLY_REASON_BYTES] = "";
	enum vly_living_prepared prepared =
		request->prepare(request->arg, txn, zone, change, reason);
	enum vly_config_serial policy =
		(enum vly_config_serial)atomic_load(&request->living_zone->policy);
	int result = VLY_STORE_OK;

	if (prepared == VLY_LIVING_REFUSE) {
		vly_living_set(request, VLY_LIVING_REFUSED, "%s", reason);
		return false;
	}
	bool changes = prepared == VLY_LIVING_CHANGE;
	if (changes)
		vly_change_normalise(change);
	if (changes && vly_change_is_empty(change))
		changes = false;
	request->may_alias = changes && may_alias(request->cause, change);
	if (changes)
		result = vly_living_apply(txn, zone, change, policy, request->cause, request->who,
					  reason, sizeof(reason));
	if (changes && result == VLY_STORE_OK && request->check &&
	    !request->check(request->arg, txn, zone, change, reason))
		result = VLY_STORE_REFUSED;
	if (result == VLY_STORE_OK && request->origin &&
	    (result = vly_store_set_origin(txn, zone, request->origin)) != VLY_STORE_OK)
		snprintf(reason, sizeof(reason), "%s", vly_store_reason(txn));
	if (result == VLY_STORE_REFUSED) {
		vly_living_set(request, VLY_LIVING_REFUSED, "%s", reason);
		return false;
	}
	if (result != VLY_STORE_OK) {
		fail_batch(run, result, reason);
		return false;
	}
	vly_living_set(request, VLY_LIVING_DONE, "%s", "");
	request->result.changed = changes;
	request->result.serial = zone->serial;
	request->result.version = zone->version;
	return changes || request->origin;
}

/* The request says that layers have been merged, or that a complete form was compiled, or else that one
 * is wanted. */
static void
take_merged(struct vly_batch_zone *entry, struct vly_living_request *request)
{
	/* the form of an expired zone is another one */
	const bool has_form =
		request->form && !(request->is_renewal && atomic_load(&entry->zone->is_expired));

	if (request->part)
		entry->merged = request->part;
	else if (has_form)
		entry->form = request->form;
	else if (!request->is_answered || !vly_whole_is_answered(entry))
		entry->wants_complete = true;
	entry->wants_form |= !entry->is_kept || has_form || request->part;
	if (request->form && !request->form->layer.image) {
		vly_living_set(request, VLY_LIVING_FAILED,
			       "the change is on disk, but not answered yet: %.300s",
			       request->form->reason);
		return;
	}
	vly_living_set(request, VLY_LIVING_DONE, "%s", "");
	request->result.changed = request->form || (request->is_renewal && !entry->is_absent);
	request->result.serial = entry->store.serial;
	request->result.version = entry->store.version;
}

/* Puts the zone of a request into the store. False: it has failed. */
static bool
import(struct run *run, struct vly_living_request *request)
{
	static const struct vly_file_stamp none;
	char reason[VLY_REASON_BYTES] = "";
	struct vly_store_txn *nested;
	struct vly_store_zone zone;

	if (request->is_cancelled && atomic_load(request->is_cancelled)) {
		vly_living_set(request, VLY_LIVING_REFUSED, "the zone is gone");
		return false;
	}
	int result = vly_store_begin_nested(run->txn, &nested, reason, sizeof(reason));
	if (result == VLY_STORE_OK) {
		result = vly_store_import_in(nested, request->tree, &none, &zone);
		snprintf(reason, sizeof(reason), "%s", vly_store_reason(nested));
		if (result == VLY_STORE_OK)
			result = vly_store_commit(nested, reason, sizeof(reason));
		else
			vly_store_abort(nested);
	}
	if (result != VLY_STORE_OK) {
		vly_living_set(request, VLY_LIVING_REFUSED, "%s", reason);
		if (result != VLY_STORE_REFUSED)
			fail_batch(run, result, reason);
		return false;
	}
	struct vly_batch_zone *known = known_zone(run->batch, request->living_zone);
	if (known) {
		known->store = zone;
		known->is_absent = false;
	}
	return true;
}

/* One request in a transaction of its own: what it leaves behind is all or nothing. */
static void
run_request(struct run *run, struct vly_living_request *request)
{
	char reason[VLY_REASON_BYTES] = "out of memory";
	struct vly_store_txn *nested;
	struct vly_change change;

	if (request->is_renewal && request->tree && !import(run, request))
		return;
	struct vly_batch_zone *entry = find_zone(run, request, reason, sizeof(reason));
	if (!entry) {
		vly_living_set(request, VLY_LIVING_FAILED, "%s", reason);
		return;
	}
	request->batch_place = entry->zone->batch_place;
	if (!request->prepare) {
		take_merged(entry, request);
		return;
	}
	if (entry->is_absent) {
		vly_living_set(request, VLY_LIVING_FAILED, "the zone is not in the store");
		return;
	}
	int result = vly_store_begin_nested(run->txn, &nested, reason, sizeof(reason));
	if (result != VLY_STORE_OK) {
		fail_batch(run, result, reason);
		return;
	}
	struct vly_store_zone zone = entry->store;
	vly_change_init(&change);
	bool keep = work_request(run, nested, &zone, request, &change);
	if (keep &&
	    (note_names(entry, &change.removed) < 0 || note_names(entry, &change.added) < 0)) {
		vly_living_set(request, VLY_LIVING_FAILED, "out of memory");
		keep = false;
	}
	vly_change_free(&change);
	if (!keep) {
		vly_store_abort(nested);
		return;
	}
	result = vly_store_commit(nested, reason, sizeof(reason));
	if (result != VLY_STORE_OK) {
		fail_batch(run, result, reason);
		return;
	}
	entry->wants_form |= request->result.changed;
	entry->store = zone;
}

static int
begin(struct run *run, char *reason, size_t bytes)
{
	int result = vly_store_begin_read(run->store, &run->before, reason, bytes);

	if (result != VLY_STORE_OK)
		return result;
	result = vly_store_begin_write(run->store, &run->txn, reason, bytes);
	if (result != VLY_STORE_OK)
		vly_store_abort(run->before);
	return result;
}

static void
forget_zones(struct vly_living_batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		free(batch->zone[i].names);
		vly_layer_stack_free(batch->zone[i].stack);
		vly_layer_stack_free(batch->zone[i].old);
	}
	batch->zone_cnt = 0;
}

static bool
wants_form(struct vly_living_batch *batch)
{
	bool wants = false;

	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		batch->zone[i].wants_form |= atomic_load(&batch->zone[i].zone->needs_complete);
		wants |= batch->zone[i].wants_form;
	}
	return wants;
}

/* The batch is on disk. */
static void
keep_layers(struct vly_living_batch *batch)
{
	batch->store_used = true;
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].stack)
			vly_batch_keep_mirror(&batch->zone[i]);
}

/* Compiles and commits what the requests have done. Returns 0; or -1 when a zone does not compile: then
 * nothing is changed, and the reason is in `reason`. */
static int
finish(struct run *run, char *reason, size_t bytes)
{
	struct vly_living_batch *batch = run->batch;
	int failed = 0;

	if (!batch->store_failed && wants_form(batch))
		failed =
			vly_batch_compile(run->living, batch, run->txn, run->before, reason, bytes);
	vly_store_abort(run->before);
	if (batch->store_failed || failed) {
		vly_store_abort(run->txn);
		return failed;
	}
	int result = vly_store_commit(run->txn, reason, bytes);
	if (result != VLY_STORE_OK)
		fail_batch(run, result, reason);
	else
		keep_layers(batch);
	return 0;
}

static void
drop_image(struct vly_living_batch *batch)
{
	vly_live_image_put(batch->image);
	batch->image = NULL;
}

/* Runs the requests of a batch in one transaction. As finish(). */
static int
run_all(struct run *run, char *reason, size_t bytes)
{
	struct vly_living_batch *batch = run->batch;
	int result = begin(run, reason, bytes);

	if (result != VLY_STORE_OK) {
		fail_batch(run, result, reason);
		return 0;
	}
	for (struct vly_living_request *request = batch->first; request && !batch->store_failed;
	     request = request->next)
		run_request(run, request);
	int failed = finish(run, reason, bytes);
	if (!batch->store_failed && !failed)
		return 0;
	drop_image(batch);
	forget_zones(batch);
	return failed;
}

static void
fail_requests(struct vly_living_batch *batch, const char *reason)
{
	for (struct vly_living_request *request = batch->first; request; request = request->next)
		vly_living_set(request, VLY_LIVING_FAILED, "%s", reason);
}

void
vly_batch_run(struct vly_living *living, struct vly_living_batch *batch)
{
	struct run run = {.living = living, .batch = batch};
	char reason[VLY_REASON_BYTES] = "";

	run.store = vly_living_store_get(living, batch->reason, sizeof(batch->reason));
	if (!run.store) {
		batch->store_failed = true;
		fail_requests(batch, batch->reason);
		return;
	}
	int failed = run_all(&run, reason, sizeof(reason));
	vly_living_store_put(living);
	if (batch->store_failed) {
		vly_living_store_failed(living, run.result);
		fail_requests(batch, batch->reason);
	} else if (failed && batch->request_cnt > 1) {
		batch->is_split = true;
	} else if (failed) {
		fail_requests(batch, reason);
	}
}

void
vly_batch_free(struct vly_living_batch *batch)
{
	forget_zones(batch);
	vly_live_image_put(batch->image);
	free(batch->zone);
	free(batch);
}

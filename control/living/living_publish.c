/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "form_cache.h"
#include "living_parts.h"
#include "whole_batch.h"

static void publish(struct vly_living *living);

/* The reason is logged when it changes, not for each request. */
static void
set_trouble(struct vly_living *living, const char *reason)
{
	char text[VLY_TROUBLE_BYTES] = "";

	if (*reason)
		snprintf(text, sizeof(text), "changes of living zones are refused: %s", reason);
	if (strcmp(text, living->trouble) == 0)
		return;
	if (*text)
		vly_log_error("%s", text);
	else
		vly_log_info("changes of living zones are taken again");
	memcpy(living->trouble, text, sizeof(text));
}

static void
answer_all(struct vly_living *living, struct vly_living_batch *batch)
{
	struct vly_living_request *next;

	for (struct vly_living_request *request = batch->first; request; request = next) {
		next = request->next; /* `done` may free it */
		vly_living_answer(living, request);
	}
	uv_mutex_lock(&living->lock);
	living->ahead_cnt--;
	living->client_cnt = living->request_cnt + batch->request_cnt - batch->part_cnt;
	vly_living_signal(living);
	uv_mutex_unlock(&living->lock);
	vly_batch_free(batch);
}

/* Puts the old stack back. Without memory the present one stays, and is refused again. */
static void
restore(struct vly_living *living, struct vly_batch_zone *entry)
{
	struct vly_living_stack *present;

	if (vly_living_stack_swap(living, entry->zone, entry->old, &present) != 0)
		return;
	entry->old = NULL;
	vly_layer_stack_free(present);
}

/* The dataplane does not have these layers, so that the next one of the zone must stand alone. */
static void
take_back(struct vly_living *living, struct vly_living_batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		struct vly_batch_zone *entry = &batch->zone[i];
		if (!entry->wants_form)
			continue;
		/* in this order: the writer sees the flag in whatever it begins with the new epoch */
		atomic_store(&entry->zone->needs_complete, true);
		atomic_fetch_add(&entry->zone->epoch, 1);
		if (entry->is_put && !entry->zone->is_removed)
			restore(living, entry);
		entry->is_put = false;
	}
}

/* What was compiled is live. An overlay does not know the signatures of the whole zone. */
static void
settle_signatures(struct vly_living *living, const struct vly_batch_zone *entry)
{
	struct vly_living_zone *zone = entry->zone;
	const struct vly_dnssec_facts *facts = &entry->facts;

	if (entry->layer.version == 0 || (entry->layer.below != 0 && entry->layer.is_signed) ||
	    (zone->expiry_s == facts->expiry_s && zone->margin_s == facts->margin_s))
		return;
	zone->expiry_s = facts->expiry_s;
	zone->margin_s = facts->margin_s;
	if (living->on_signatures && !zone->is_removed)
		living->on_signatures(living->signatures_arg, zone->name, zone->expiry_s,
				      zone->margin_s);
}

static void
settle_zones(struct vly_living *living, struct vly_living_batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		struct vly_batch_zone *entry = &batch->zone[i];
		if (!entry->is_put ||
		    (entry->is_absent && !entry->has_form && !entry->wants_complete))
			continue; /* at most its place has changed */
		const struct vly_store_zone *live =
			entry->has_form ? &entry->form->store : &entry->store;
		if (entry->is_aside && !entry->has_form)
			continue;
		if (entry->form && entry->layer.version == 0)
			continue; /* a form that has failed, or came too late */
		if (live->version >= entry->zone->version) { /* or it is a form below overlays */
			entry->zone->serial = live->serial;
			entry->zone->version = live->version;
			entry->zone->record_cnt = live->record_cnt;
		}
		vly_living_catch_up(living, entry->zone);
		settle_signatures(living, entry);
	}
}

/* A result that says what has become of a change which is on disk, but not live. */
static void
set_stored(struct vly_living_request *request, enum vly_living_code code, const char *text)
{
	struct vly_living_result result = request->result;

	if (result.code != VLY_LIVING_DONE || !result.changed)
		return;
	vly_living_set(request, code, "%s", text);
	request->result.changed = true;
	request->result.serial = result.serial;
	request->result.version = result.version;
}

/* Fails a request whose zone is not answered as the store has it, even if the request has changed nothing:
 * it may repeat one that has. */
static void
fail_done(struct vly_living_request *request, const char *text)
{
	struct vly_living_result result = request->result;

	if (result.code != VLY_LIVING_DONE)
		return;
	vly_living_set(request, VLY_LIVING_FAILED, "%s", text);
	request->result.changed = result.changed;
	request->result.serial = result.serial;
	request->result.version = result.version;
}

void
vly_living_set_done(struct vly_living_request *request, const struct vly_living_result *result)
{
	static const char on_disk[] = "the change is on disk, but not answered";
	char text[VLY_REASON_BYTES];

	if (result->code == VLY_LIVING_STORED) {
		set_stored(request, result->code, result->text);
	} else if (result->code != VLY_LIVING_DONE) {
		/* what has failed may be a batch that had the form alone */
		const bool says_so = strncmp(result->text, on_disk, sizeof(on_disk) - 1) == 0;
		snprintf(text, sizeof(text), "%s%s%.400s", says_so ? "" : on_disk,
			 says_so ? "" : " yet: ", result->text);
		fail_done(request, text);
	}
}

/* What the batch has changed is not live. */
static void
leave_behind(struct vly_living *living, struct vly_living_batch *batch, const char *reason)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].wants_form)
			vly_living_fall_behind(living, batch->zone[i].zone, reason);
}

static void
end_batch(struct vly_living *living, struct vly_living_batch *batch,
	  const struct vly_publish_report *report)
{
	char text[VLY_REASON_BYTES];

	for (struct vly_living_request *request = batch->first; request; request = request->next) {
		if (report->outcome == VLY_PUBLISH_DENIED) {
			snprintf(text, sizeof(text),
				 "the change is on disk, but not answered: %s; it is tried again",
				 report->text);
			fail_done(request, text);
		} else if (report->outcome == VLY_PUBLISH_ABSENT) {
			set_stored(request, VLY_LIVING_STORED,
				   "the change is on disk; it is answered when a dataplane "
				   "connects");
		} else if (report->outcome == VLY_PUBLISH_HELD) {
			set_stored(request, VLY_LIVING_STORED,
				   "the change is on disk; the dataplane still serves the zones of "
				   "an earlier volley-control");
		}
	}
	if (report->outcome != VLY_PUBLISH_DENIED)
		settle_zones(living, batch);
	else
		leave_behind(living, batch, report->text);
	answer_all(living, batch);
}

/* Takes back the layers of the batches, the last one first. */
static void
take_back_list(struct vly_living *living, struct vly_living_batch *batch)
{
	if (!batch)
		return;
	take_back_list(living, batch->next);
	take_back(living, batch);
}

static void
on_begin(void *arg)
{
	struct vly_living *living = arg;

	living->is_removing = living->is_dirty;
	living->is_dirty = false;
	living->publishing = living->finished;
	living->finished = (struct vly_living_list){0};
}

/* So many requests hear of the commit itself: what they send in return waits in the socket while the
 * dataplane carries it out. */
#define COMMITTING_MAX 64

void
vly_living_on_commit(void *arg, uint64_t seq)
{
	struct vly_living *living = arg;
	unsigned left = COMMITTING_MAX;

	for (struct vly_living_batch *batch = living->publishing.first; batch; batch = batch->next)
		for (struct vly_living_request *request = batch->first; request && left > 0;
		     request = request->next) {
			if (!request->committing || request->result.code != VLY_LIVING_DONE)
				continue;
			request->committing(request->arg, seq);
			left--;
		}
}

/* Reports that removed zones are gone. */
static void
end_removal(struct vly_living *living)
{
	void (*removed)(void *arg) = living->removed;

	if (!removed || living->is_dirty || living->is_removing || living->is_packing)
		return;
	living->removed = NULL;
	removed(living->removed_arg);
}

static void
on_published(void *arg, const struct vly_publish_report *report)
{
	struct vly_living *living = arg;
	struct vly_living_batch *batch = living->publishing.first;
	struct vly_living_batch *next;

	if (report->outcome == VLY_PUBLISH_DENIED && living->is_removing)
		vly_log_error("removed living zones are served until the next publication: %s",
			      report->text);
	living->is_publishing = false;
	living->is_removing = false;
	living->publishing = (struct vly_living_list){0};
	if (report->outcome == VLY_PUBLISH_DENIED) {
		/* what came after lies upon what was refused */
		if (batch && living->finished.first)
			for (next = batch; next; next = next->next)
				if (!next->next) {
					next->next = living->finished.first;
					living->finished = (struct vly_living_list){0};
					break;
				}
		take_back_list(living, batch);
	}
	for (; batch; batch = next) {
		next = batch->next;
		end_batch(living, batch, report);
	}
	vly_living_pack(living);
	publish(living);
	end_removal(living);
}

static void
publish(struct vly_living *living)
{
	if (living->is_publishing || (!living->finished.first && !living->is_dirty))
		return;
	living->is_publishing = true;
	vly_publish_turns_living(living->turns, on_begin, on_published, living);
}

void
vly_living_publish_removal(struct vly_living *living, void (*done)(void *arg), void *arg)
{
	living->removed = done;
	living->removed_arg = arg;
	living->is_dirty = true;
	uv_async_send(
		&living->wake); /* not at once: `done` must not be called before this returns */
}

/* These images have a zone that was removed meanwhile. */
static void
mark_stale(const struct vly_living_stack *stack)
{
	for (unsigned i = 0; i < stack->cnt; i++)
		stack->layer[i].image->is_stale = true;
}

/* Puts a stack in place of its zone's. Not so if layers that it lies upon were taken back meanwhile. */
static void
put_stack(struct vly_living *living, struct vly_batch_zone *entry)
{
	struct vly_living_zone *zone = entry->zone;

	if (zone->is_removed || entry->epoch != atomic_load(&zone->epoch) ||
	    vly_living_stack_swap(living, zone, entry->stack, &entry->old) != 0) {
		if (zone->is_removed)
			mark_stale(entry->stack);
		atomic_store(&zone->needs_complete, true);
		atomic_store(&zone->frozen, 0);
		return;
	}
	if (entry->range.cnt > 0)
		vly_living_merge(living, entry);
	entry->stack = NULL;
	entry->is_put = true;
	if (zone->stack->cnt == 1)
		atomic_store(&zone->needs_complete, false);
	if (entry->old && entry->old->layer[0].image != zone->stack->layer[0].image &&
	    zone->stack->layer[0].node_cnt >= VLY_FORM_CACHE_NODES_MIN &&
	    zone->stack->layer[0].digest != 0)
		vly_form_cache_changed(living);
}

/* A zone for which that fails keeps its stack, and gets a complete form with its next change. */
static void
put_layers(struct vly_living *living, struct vly_living_batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].stack)
			put_stack(living, &batch->zone[i]);
}

static struct vly_batch_zone *
find_entry(const struct vly_living_batch *batch, const struct vly_living_request *request)
{
	const uint32_t place = request->batch_place;

	return place < batch->zone_cnt && batch->zone[place].zone == request->living_zone
		       ? &batch->zone[place]
		       : NULL;
}

/* Whether a request's zone needed a layer, and has not got it. */
static bool
lacks_layer(const struct vly_living_batch *batch, const struct vly_living_request *request)
{
	const struct vly_batch_zone *entry = find_entry(batch, request);

	return entry ? entry->wants_form && !entry->is_put : request->result.changed;
}

/* Whether a request is to be answered when a form is live, that is yet to be made. */
static bool
waits(const struct vly_living_batch *batch, const struct vly_living_request *request)
{
	const struct vly_living_zone *zone = request->living_zone;
	const struct vly_batch_zone *entry = find_entry(batch, request);

	if (request->result.code != VLY_LIVING_DONE || request->part || request->form)
		return false;
	if (entry && (entry->is_aside || entry->layer.version != 0))
		return entry->is_aside;
	return zone->waiting != NULL; /* it may repeat one that waits */
}

/* Takes the requests out of a batch that wait for forms, and has the forms made. */
static void
wait_for_forms(struct vly_living *living, struct vly_living_batch *batch)
{
	struct vly_living_request **at = &batch->first;

	while (*at) {
		struct vly_living_request *request = *at;
		if (!waits(batch, request)) {
			at = &request->next;
			continue;
		}
		*at = request->next;
		vly_living_wait(request->living_zone, request);
	}
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].is_aside || batch->zone[i].wants_base)
			vly_living_want_form(living, batch->zone[i].zone);
}

static bool
has_layers(const struct vly_living_batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].is_put)
			return true;
	return false;
}

static void
take_batch(struct vly_living *living, struct vly_living_batch *batch)
{
	if (batch->store_failed)
		set_trouble(living, batch->reason);
	else if (batch->store_used)
		set_trouble(living, "");
	if (batch->store_failed || !batch->store_used) {
		answer_all(living, batch);
		return;
	}
	vly_living_number_images(batch);
	put_layers(living, batch);
	vly_whole_settle(living, batch);
	wait_for_forms(living, batch);
	for (struct vly_living_request *request = batch->first; request; request = request->next)
		if (lacks_layer(batch, request)) {
			fail_done(request, "the change is on disk, but not answered yet; it is "
					   "tried again");
			vly_living_fall_behind(living, request->living_zone,
					       "its newest form could not be put in place");
		}
	if (has_layers(batch) || living->is_publishing || living->finished.first)
		vly_living_list_add(&living->finished, batch);
	else
		answer_all(living, batch);
}

void
vly_living_on_wake(uv_async_t *wake)
{
	struct vly_living *living = wake->data;
	struct vly_living_batch *next;

	uv_mutex_lock(&living->lock);
	struct vly_living_batch *batch = living->ended.first;
	living->ended = (struct vly_living_list){0};
	uv_mutex_unlock(&living->lock);
	for (; batch; batch = next) {
		next = batch->next;
		take_batch(living, batch);
	}
	publish(living);
	end_removal(living);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "form_cache.h"
#include "living_load.h"
#include "living_parts.h"

void
vly_living_set(struct vly_living_request *request, enum vly_living_code code, const char *format,
	       ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(request->text, sizeof(request->text), format, args);
	va_end(args);
	request->result = (struct vly_living_result){.code = code, .text = request->text};
}

static void
free_zone(struct vly_living_zone *zone)
{
	vly_layer_stack_free(zone->mirror);
	free(zone->name);
	free(zone);
}

void
vly_living_leave(struct vly_living_zone *zone)
{
	if (--zone->request_cnt == 0 && zone->is_removed)
		free_zone(zone);
}

void
vly_living_answer(struct vly_living *living, struct vly_living_request *request)
{
	struct vly_living_zone *zone = request->living_zone;
	bool done = request->result.code == VLY_LIVING_DONE ||
		    request->result.code == VLY_LIVING_STORED;
	bool changed = done && request->result.changed && (!request->form || request->is_renewal);

	if (zone)
		zone->change_cnt += changed;
	living->change_cnt += changed;
	if (changed && zone)
		vly_living_call_hooks(living, request);
	request->done(request->arg, &request->result); /* which may free it */
	if (zone)
		vly_living_leave(zone);
}

struct vly_living_zone *
vly_living_find_zone(const struct vly_living *living, const char *name)
{
	struct vly_living_zone *zone;

	HASH_FIND_STR(living->by_name, name, zone);
	return zone;
}

void
vly_living_turn_down(struct vly_living *living, struct vly_living_request *request,
		     enum vly_living_code code, const char *text)
{
	request->living_zone = NULL;
	vly_living_set(request, code, "%s", text);
	request->next = NULL;
	if (!living->refused)
		living->refused_end = &living->refused;
	*living->refused_end = request;
	living->refused_end = &request->next;
	uv_async_send(&living->wake);
}

void
vly_living_submit(struct vly_living *living, struct vly_living_request *request)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, request->zone);
	bool is_full;

	if (!zone || !zone->stack) {
		vly_living_turn_down(living, request, VLY_LIVING_NO_ZONE,
				     "the zone is not a living zone, or it has not been loaded");
		return;
	}
	request->next = NULL;
	request->living_zone = zone;
	request->is_internal = false;
	uv_mutex_lock(&living->lock);
	is_full = living->request_cnt - living->internal_cnt >= VLY_LIVING_QUEUE_MAX;
	if (!is_full) {
		*living->end = request;
		living->end = &request->next;
		living->request_cnt++;
		vly_living_signal(living);
	}
	uv_mutex_unlock(&living->lock);
	if (is_full)
		vly_living_turn_down(living, request, VLY_LIVING_BUSY,
				     "too many changes are waiting: try again later");
	else
		zone->request_cnt++;
}

void
vly_living_submit_internal(struct vly_living *living, struct vly_living_zone *zone,
			   struct vly_living_request *request)
{
	request->next = NULL;
	request->living_zone = zone;
	request->is_internal = true;
	uv_mutex_lock(&living->lock);
	*living->end = request;
	living->end = &request->next;
	living->request_cnt++;
	living->internal_cnt++;
	vly_living_signal(living);
	uv_mutex_unlock(&living->lock);
}

static void
on_wake(uv_async_t *wake)
{
	struct vly_living *living = wake->data;
	struct vly_living_request *request = living->refused;
	struct vly_living_request *next;

	living->refused = NULL;
	for (; request; request = next) {
		next = request->next;
		vly_living_answer(living, request);
	}
	vly_living_on_wake(wake);
}

/* Sets the stack of a zone that the writer has not seen yet. */
static int
begin_stack(struct vly_living *living, struct vly_living_zone *zone,
	    const struct vly_living_layer *layer)
{
	static const struct vly_layer_range none;
	struct vly_living_stack *stack = vly_layer_stack_replace(NULL, none, layer);
	struct vly_living_stack *mirror = vly_layer_stack_replace(NULL, none, layer);
	struct vly_living_stack *old;

	if (!stack || !mirror || vly_living_stack_swap(living, zone, stack, &old) < 0) {
		vly_layer_stack_free(stack);
		vly_layer_stack_free(mirror);
		return -1;
	}
	vly_layer_stack_free(old);
	zone->mirror = mirror;
	return 0;
}

static void
note_form(struct vly_living *living, const struct vly_living_zone *zone)
{
	if (zone->stack->layer[0].node_cnt >= VLY_FORM_CACHE_NODES_MIN)
		vly_form_cache_changed(living);
}

int
vly_living_adopt(struct vly_living *living, const char *name, struct vly_live_image *image,
		 const struct vly_zone_info *info, int policy)
{
	const struct vly_living_layer layer = {
		.image = image,
		.zone_idx = info->zone_idx,
		.node_cnt = (uint32_t)info->node_cnt,
		.version = info->version,
		.digest = info->digest,
		.serial = info->serial,
		.is_signed = info->is_signed,
		.proves_covers = info->proves_covers,
	};
	struct vly_living_zone *zone = vly_living_find_zone(living, name);

	if (zone)
		vly_living_remove(living, name);
	zone = calloc(1, sizeof(*zone));
	if (!zone || !(zone->name = strdup(name))) {
		free(zone);
		return -1;
	}
	atomic_store(&zone->policy, policy);
	if (begin_stack(living, zone, &layer) < 0) {
		free_zone(zone);
		return -1;
	}
	zone->serial = info->serial;
	zone->version = info->version;
	zone->record_cnt = info->record_cnt;
	zone->expiry_s = info->expiry_s;
	zone->margin_s = info->margin_s;
	HASH_ADD_KEYPTR(hh, living->by_name, zone->name, strlen(zone->name), zone);
	if (zone->hh.tbl) {
		note_form(living, zone);
		return 0;
	}
	zone->request_cnt++;
	zone->is_removed = true;
	vly_living_stack_drop(living, zone);
	vly_living_leave(zone);
	return -1;
}

void
vly_living_on_signatures(struct vly_living *living,
			 void (*fn)(void *arg, const char *zone, uint64_t expiry_s,
				    uint64_t margin_s),
			 void *arg)
{
	living->on_signatures = fn;
	living->signatures_arg = arg;
}

void
vly_living_set_policy(struct vly_living *living, const char *name, int policy)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, name);

	if (zone)
		atomic_store(&zone->policy, policy);
}

void
vly_living_remove(struct vly_living *living, const char *name)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, name);

	if (!zone)
		return;
	HASH_DELETE(hh, living->by_name, zone);
	vly_living_catch_up(living, zone);
	zone->request_cnt++;
	zone->is_removed = true;
	vly_living_stack_drop(living, zone);
	vly_living_leave(zone);
}

bool
vly_living_retain(struct vly_living *living, bool (*keeps)(void *arg, const char *name),
		  void (*done)(void *arg), void *arg)
{
	struct vly_living_zone *zone;
	struct vly_living_zone *next;
	bool removed = false;

	HASH_ITER(hh, living->by_name, zone, next)
	if (!keeps(arg, zone->name)) {
		vly_living_remove(living, zone->name);
		removed = true;
	}
	if (removed)
		vly_living_end_removal(living, done, arg);
	return removed;
}

void
vly_living_end_removal(struct vly_living *living, void (*done)(void *arg), void *arg)
{
	vly_living_mark_stale(living);
	vly_living_publish_removal(living, done, arg);
}

bool
vly_living_find(const struct vly_living *living, const char *name, struct vly_living_state *state)
{
	const struct vly_living_zone *zone = vly_living_find_zone(living, name);

	if (!zone || !zone->stack)
		return false;
	*state = (struct vly_living_state){
		.serial = zone->serial,
		.version = zone->version,
		.record_cnt = zone->record_cnt,
		.change_cnt = zone->change_cnt,
		.layer_cnt = zone->stack->cnt,
	};
	for (unsigned i = 0; i < zone->stack->cnt; i++)
		state->layer_bytes += zone->stack->layer[i].image->bytes;
	return true;
}

void
vly_living_images(const struct vly_living *living, struct vly_living_images *images)
{
	struct vly_living *locked = (struct vly_living *)(uintptr_t)living;

	*images = (struct vly_living_images){
		.zone_cnt = HASH_COUNT(living->by_name),
		.change_cnt = living->change_cnt,
		.cnt = living->image_cnt,
	};
	for (uint32_t i = 0; i < living->image_cnt; i++)
		images->bytes += living->image[i].image->bytes;
	uv_mutex_lock(&locked->lock);
	images->waiting_cnt = living->request_cnt;
	uv_mutex_unlock(&locked->lock);
}

const char *
vly_living_trouble(const struct vly_living *living)
{
	return living->trouble;
}

bool
vly_living_is_busy(const struct vly_living *living)
{
	struct vly_living *locked = (struct vly_living *)(uintptr_t)living;

	uv_mutex_lock(&locked->lock);
	bool busy = living->request_cnt > 0 || living->part || living->ahead_cnt > 0 ||
		    living->is_working || living->read_cnt > 0 || vly_living_is_forming(living);
	uv_mutex_unlock(&locked->lock);
	return busy;
}

static uint64_t
steered_hash(const struct vly_steer_model *steer, const char *name)
{
	const struct vly_steer_zone *zone = vly_steer_model_zone(steer, name);

	return zone ? zone->hash : 0;
}

/* Has zones compiled anew: all; or, with `old`, those whose steered names have others answers than before. One
 * for which there is no memory is, with its next change. */
static void
refresh(struct vly_living *living, bool all, const struct vly_steer_model *old)
{
	for (struct vly_living_zone *zone = living->by_name; zone; zone = zone->hh.next)
		if (all ||
		    steered_hash(old, zone->name) != steered_hash(living->form.steer, zone->name))
			(void)vly_living_compile_anew(living, zone);
}

static bool
wants_forms(const struct vly_config *config)
{
	return config->control && config->control->image_cache &&
	       strcmp(config->control->image_cache, "on") == 0;
}

void
vly_living_configure(struct vly_living *living, const struct vly_config *config,
		     struct vly_steer_model *steer)
{
	struct vly_config_journal_bounds bounds;

	vly_config_journal(config, &bounds);
	uv_mutex_lock(&living->lock); /* not that of the store, which the writer holds for long */
	living->store_settings.journal_entries_max = (uint32_t)bounds.changes;
	living->store_settings.journal_bytes_max = bounds.bytes;
	living->store_settings.journal_age_max_s = (uint32_t)bounds.age_s;
	uv_mutex_unlock(&living->lock);
	vly_form_cache_configure(living, wants_forms(config));
	const struct vly_living_form form = {
		.any_all = strcmp(config->answers->any, "all") == 0,
		.additional_none = strcmp(config->answers->additional, "none") == 0,
		.steer = vly_steer_model_get(steer),
	};
	struct vly_steer_model *old = living->form.steer;
	bool same = living->form.any_all == form.any_all &&
		    living->form.additional_none == form.additional_none;
	uv_mutex_lock(&living->lock);
	living->form = form;
	uv_mutex_unlock(&living->lock);
	refresh(living, !same, old);
	vly_steer_model_put(old);
}

struct vly_living *
vly_living_new(uv_loop_t *loop, const char *state_dir, const struct vly_hash_key *key,
	       struct vly_publish_turns *turns, char *reason, size_t reason_bytes)
{
	struct vly_living *living = calloc(1, sizeof(*living));

	snprintf(reason, reason_bytes, "out of memory");
	if (!living || asprintf(&living->store_dir, "%s/zones", state_dir) < 0) {
		free(living);
		return NULL;
	}
	if (asprintf(&living->form_dir, "%s/living-images", state_dir) < 0) {
		free(living->store_dir);
		free(living);
		return NULL;
	}
	living->loop = loop;
	living->key = *key;
	living->turns = turns;
	living->end = &living->first;
	living->part_end = &living->part;
	uv_mutex_init(&living->lock);
	uv_rwlock_init(&living->store_lock);
	uv_mutex_init(&living->import_lock);
	uv_cond_init(&living->work);
	int error = uv_async_init(loop, &living->wake, on_wake);
	living->wake.data = living;
	if (error == 0)
		error = vly_side_work_init(&living->merger, loop);
	if (error == 0)
		error = vly_side_work_init(&living->former, loop);
	if (error == 0)
		error = uv_timer_init(loop, &living->form_timer);
	living->form_timer.data = living;
	if (error == 0)
		error = uv_timer_init(loop, &living->retry.timer);
	living->retry.timer.data = living;
	if (error == 0)
		error = uv_thread_create(&living->thread, vly_living_write, living);
	if (error) {
		snprintf(reason, reason_bytes, "the thread for living zones could not be made: %s",
			 uv_strerror(error));
		free(living->form_dir);
		free(living->store_dir);
		free(living);
		return NULL;
	}
	vly_publish_turns_on_living(turns, vly_living_add_images, living);
	vly_publish_turns_on_commit(turns, vly_living_on_commit, living);
	return living;
}

static void
free_list(struct vly_living_list *list)
{
	struct vly_living_batch *next;

	for (struct vly_living_batch *batch = list->first; batch; batch = next) {
		next = batch->next;
		vly_batch_free(batch);
	}
}

/* Zones that are not removed are freed by name. */
static void
forget_zones(struct vly_living_image *entry)
{
	for (uint32_t i = 0; i < entry->zone_cnt; i++)
		if (entry->zone[i]->is_removed)
			vly_living_leave(entry->zone[i]);
	entry->zone_cnt = 0;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct vly_living *living = handle->data;
	struct vly_living_zone *zone;
	struct vly_living_zone *next;

	vly_form_cache_close(living);
	vly_living_merge_free(living);
	free_list(&living->ended);
	free_list(&living->finished);
	free_list(&living->publishing);
	for (uint32_t i = 0; i < living->image_cnt; i++)
		forget_zones(&living->image[i]);
	HASH_ITER(hh, living->by_name, zone, next)
	{
		HASH_DELETE(hh, living->by_name, zone);
		vly_living_stack_drop(living, zone);
		free_zone(zone);
	}
	vly_zone_store_close(living->store);
	uv_mutex_destroy(&living->lock);
	uv_rwlock_destroy(&living->store_lock);
	uv_mutex_destroy(&living->import_lock);
	uv_cond_destroy(&living->work);
	free(living->image);
	vly_steer_model_put(living->form.steer);
	free(living->form_dir);
	free(living->store_dir);
	free(living);
}

static void
on_form_timer_closed(uv_handle_t *handle)
{
	struct vly_living *living = handle->data;

	uv_close((uv_handle_t *)&living->retry.timer, on_timer_closed);
}

static void
on_former_closed(void *arg)
{
	struct vly_living *living = arg;

	uv_close((uv_handle_t *)&living->form_timer, on_form_timer_closed);
}

static void
on_merger_closed(void *arg)
{
	struct vly_living *living = arg;

	vly_side_work_close(&living->former, on_former_closed, living);
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_living *living = handle->data;

	vly_side_work_close(&living->merger, on_merger_closed, living);
}

void
vly_living_free(struct vly_living *living)
{
	if (!living)
		return;
	uv_mutex_lock(&living->lock);
	living->is_stopping = true;
	uv_cond_signal(&living->work);
	uv_mutex_unlock(&living->lock);
	uv_thread_join(&living->thread);
	uv_close((uv_handle_t *)&living->wake, on_closed);
}

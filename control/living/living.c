/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void
vly_living_free_zone(struct vly_living_zone *zone)
{
	vly_layer_stack_free(zone->mirror);
	free(zone->name);
	free(zone);
}

void
vly_living_leave(struct vly_living_zone *zone)
{
	if (--zone->request_cnt == 0 && zone->is_removed)
		vly_living_free_zone(zone);
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
		vly_living_free_zone(zone);
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

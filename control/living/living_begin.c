/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "form_cache.h"
#include "living_parts.h"

/* Has all zones compiled anew. One for which there is no memory is, with its next change. */
static void
refresh(struct vly_living *living)
{
	for (struct vly_living_zone *zone = living->by_name; zone; zone = zone->hh.next)
		(void)vly_living_compile_anew(living, zone);
}

static bool
wants_forms(const struct vly_config *config)
{
	return config->control && config->control->image_cache &&
	       strcmp(config->control->image_cache, "on") == 0;
}

void
vly_living_configure(struct vly_living *living, const struct vly_config *config)
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
	};
	bool same = living->form.any_all == form.any_all &&
		    living->form.additional_none == form.additional_none;
	uv_mutex_lock(&living->lock);
	living->form = form;
	uv_mutex_unlock(&living->lock);
	if (!same)
		refresh(living);
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
		vly_living_free_zone(zone);
	}
	vly_zone_store_close(living->store);
	uv_mutex_destroy(&living->lock);
	uv_rwlock_destroy(&living->store_lock);
	uv_mutex_destroy(&living->import_lock);
	uv_cond_destroy(&living->work);
	free(living->image);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "living_parts.h"

/* How long a batch waits for clients that were answered just before. They need a part of it to send
 * their next requests; more would only delay the others when they do not. */
#define GATHER_NS 1000000

/* So many clients make it worth while: a batch costs as much as some 50 requests. */
#define GATHER_MIN 16

/* Clients whose updates were answered at the same time send their next ones at about the same time: gives
 * them a moment, so that they get one batch and not two. */
static void
gather(struct vly_living *living)
{
	living->gather_cnt = living->client_cnt;
	while (!living->is_stopping && !vly_living_may_begin(living))
		if (uv_cond_timedwait(&living->work, &living->lock, GATHER_NS) != 0)
			break;
	living->gather_cnt = 0;
}

void
vly_living_submit_part(struct vly_living *living, struct vly_living_zone *zone,
		       struct vly_living_request *request)
{
	request->next = NULL;
	request->living_zone = zone;
	uv_mutex_lock(&living->lock);
	*living->part_end = request;
	living->part_end = &request->next;
	vly_living_signal(living);
	uv_mutex_unlock(&living->lock);
}

/* Zones that are packed with each batch, and with each request of it. More: a change that comes meanwhile
 * waits longer. Fewer: packs lag behind, and there are more images. A zone is copied up to five times
 * (pack_choice.c). */
#define PARTS_MIN         128
#define PARTS_PER_REQUEST 4

/* Adds zones that are packed to a batch, whose list ends at `end`. */
static void
take_parts(struct vly_living *living, struct vly_living_batch *batch,
	   struct vly_living_request **end)
{
	const uint32_t most = PARTS_MIN + PARTS_PER_REQUEST * batch->request_cnt;

	while (living->part && batch->part_cnt < most) {
		*end = living->part;
		living->part = living->part->next;
		end = &(*end)->next;
		batch->part_cnt++;
	}
	*end = NULL;
	if (!living->part)
		living->part_end = &living->part;
}

/* Waits for requests, and for room ahead of the dataplane. Returns the requests as a batch, taken out of
 * the queue; NULL: the thread is to end. */
static struct vly_living_batch *
take_batch(struct vly_living *living, struct vly_living_batch *batch)
{
	struct vly_living_request **end = &batch->first;

	while (!living->is_stopping && !vly_living_may_begin(living))
		uv_cond_wait(&living->work, &living->lock);
	if (living->ahead_cnt == 0 && living->request_cnt < living->client_cnt &&
	    living->client_cnt >= GATHER_MIN)
		gather(living);
	if (living->is_stopping)
		return NULL;
	while (living->first && batch->request_cnt < VLY_LIVING_BATCH_MAX) {
		*end = living->first;
		living->first = living->first->next;
		living->internal_cnt -= (*end)->is_internal;
		end = &(*end)->next;
		batch->request_cnt++;
	}
	if (!living->first)
		living->end = &living->first;
	living->request_cnt -= batch->request_cnt;
	take_parts(living, batch, end);
	batch->request_cnt += batch->part_cnt;
	living->ahead_cnt++;
	living->is_working = true;
	return batch;
}

static void
give_batch(struct vly_living *living, struct vly_living_batch *batch)
{
	uv_mutex_lock(&living->lock);
	vly_living_list_add(&living->ended, batch);
	living->is_working = false;
	uv_mutex_unlock(&living->lock);
	uv_async_send(&living->wake);
}

/* Runs each request of a batch as a batch of its own: one of them keeps the others from being compiled.
 * Without memory, all of them fail. */
static void
run_singly(struct vly_living *living, struct vly_living_batch *batch)
{
	struct vly_living_request *next;

	for (struct vly_living_request *request = batch->first; request; request = next) {
		struct vly_living_batch *single = calloc(1, sizeof(*single));
		next = request->next;
		if (!single)
			break;
		batch->first = next;
		batch->request_cnt--;
		request->next = NULL;
		single->first = request;
		single->request_cnt = 1;
		vly_batch_run(living, single);
		uv_mutex_lock(&living->lock);
		living->ahead_cnt++;
		uv_mutex_unlock(&living->lock);
		give_batch(living, single);
	}
	for (struct vly_living_request *request = batch->first; request; request = request->next)
		vly_living_set(request, VLY_LIVING_FAILED, "out of memory");
	batch->is_split = false;
	batch->part_cnt = 0;
}

void
vly_living_write(void *arg)
{
	struct vly_living *living = arg;

	for (;;) {
		struct vly_living_batch *batch = calloc(1, sizeof(*batch));
		struct vly_living_batch *taken = NULL;
		uv_mutex_lock(&living->lock);
		if (batch)
			taken = take_batch(living, batch);
		bool ends = living->is_stopping;
		uv_mutex_unlock(&living->lock);
		if (!taken)
			free(batch);
		if (ends)
			return;
		if (!taken) {
			uv_sleep(100); /* no memory: not for long, it is hoped */
			continue;
		}
		vly_batch_run(living, batch);
		if (batch->is_split)
			run_singly(living, batch);
		give_batch(living, batch);
	}
}

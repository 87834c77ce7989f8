/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large signed zones: their complete forms are compiled in a thread of its own, so that other zones'
 * changes do not wait for them.
 *
 *     changes on disk ──► zone->waiting ──► form: load from the store, compile ──► the writer puts it
 *                                ▲              into the stack ──► published ──► waiting are answered
 *                                └── changes that come meanwhile: the next form has them all
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "living_parts.h"
#include "living_whole.h"
#include "store/store_names.h"

/* The pause behind a form is as long as the form took, up to this. Longer: changes of a zone that takes
 * minutes are answered later. Shorter: such a zone that changes all the time keeps a core busy. */
#define PAUSE_MAX_NS UINT64_C(60000000000)

static void run_next(struct vly_living *living);

static int
fail(struct vly_living_form_job *form, const char *reason)
{
	snprintf(form->reason, sizeof(form->reason), "%s", reason);
	return -1;
}

static bool
is_stopping(struct vly_living *living)
{
	uv_mutex_lock(&living->lock);
	bool stops = living->is_stopping;
	uv_mutex_unlock(&living->lock);
	return stops;
}

/* Reads the zone as it is in the store now. */
static int
load(struct vly_living_form_job *form, struct vly_zone_store *store, struct vly_zone *tree)
{
	struct vly_store_txn *txn;

	if (vly_store_begin_read(store, &txn, form->reason, sizeof(form->reason)) != VLY_STORE_OK)
		return -1;
	int result = vly_living_find_stored(txn, form->zone, &form->store);
	if (result == VLY_STORE_OK)
		result = vly_store_load_zone(txn, &form->store, &form->living->key, tree);
	if (result != VLY_STORE_OK)
		(void)fail(form, result == VLY_STORE_NONE ? "the zone is not in the store"
							  : vly_store_reason(txn));
	vly_store_abort(txn);
	return result == VLY_STORE_OK ? 0 : -1;
}

int
vly_living_form_compile(struct vly_living_form_job *form, struct vly_zone *tree, bool is_checked)
{
	struct vly_image_builder *builder = vly_batch_builder(form->living);
	struct vly_zone_info info;
	struct vly_built_image built;
	struct vly_live_image *image = NULL;

	if (!builder)
		return fail(form, "out of memory");
	if (vly_batch_add_complete(builder, tree, form->store.version, is_checked, &form->facts,
				   &info, form->reason, sizeof(form->reason)) != 0) {
		vly_image_builder_free(builder);
		return -1;
	}
	if (vly_image_builder_seal(builder, &built) == 0)
		image = vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes,
					   built.zone_cnt);
	if (!image)
		return fail(form, "the image could not be made");
	form->layer = (struct vly_living_layer){
		.image = image,
		.node_cnt = (uint32_t)info.node_cnt,
		.version = form->store.version,
		.digest = form->store.digest,
		.serial = info.serial,
		.is_signed = info.is_signed,
		.proves_covers = info.proves_covers,
	};
	form->store.serial = info.serial;
	return 0;
}

static void
work(void *arg)
{
	struct vly_living_form_job *form = arg;
	struct vly_living *living = form->living;
	struct vly_zone_store *store =
		vly_living_store_get(living, form->reason, sizeof(form->reason));
	struct vly_zone tree;

	if (!store)
		return;
	int result = load(form, store, &tree);
	vly_living_store_put(living);
	if (result != 0)
		return;
	if (is_stopping(living))
		result = fail(form, "volley-control ends");
	else
		result = vly_living_form_compile(form, &tree, false);
	vly_zone_free(&tree);
}

/* Answers those that waited for this form, or, when it has failed, all. */
static void
answer_waiting(struct vly_living_zone *zone, const struct vly_living_form_job *form,
	       const struct vly_living_result *result)
{
	struct vly_living_request *request = zone->waiting;
	struct vly_living_request *next;
	uint64_t live = form->store.version > zone->version ? form->store.version : zone->version;
	bool failed = result->code != VLY_LIVING_DONE && result->code != VLY_LIVING_STORED;

	zone->waiting = NULL;
	for (; request; request = next) {
		next = request->next;
		if (!failed && !zone->is_removed && request->result.version > live) {
			vly_living_wait(zone, request);
			continue;
		}
		vly_living_set_done(request, result);
		vly_living_answer(form->living, request);
	}
}

static void
queue(struct vly_living *living, struct vly_living_zone *zone)
{
	struct vly_living_zone **end = &living->form_queue;

	while (*end)
		end = &(*end)->form_next;
	zone->form_next = NULL;
	zone->is_form_queued = true;
	zone->request_cnt++;
	*end = zone;
}

/* The form is live, or it is not, as `result` says. The zone is left by the caller. */
static void
on_formed(void *arg, const struct vly_living_result *result)
{
	struct vly_living_form_job *form = arg;
	struct vly_living *living = form->living;
	struct vly_living_zone *zone = form->zone;

	zone->is_forming = false;
	if (result->code != VLY_LIVING_DONE && result->code != VLY_LIVING_STORED) {
		atomic_store(&zone->needs_complete, true);
		if (!zone->is_behind) /* or the dataplane has said why */
			vly_living_fall_behind(living, zone,
					       form->reason[0] ? form->reason : result->text);
	}
	answer_waiting(zone, form, result);
	if ((zone->form_wanted || zone->waiting) && !zone->is_removed)
		queue(living, zone);
	vly_living_form_free(form);
	living->form_cnt--;
	run_next(living);
}

static void
on_compiled(void *arg)
{
	struct vly_living_form_job *form = arg;
	struct vly_living_zone *zone = form->zone;
	uint64_t now_ns = uv_hrtime();
	uint64_t took_ns = now_ns - form->begin_ns;

	zone->form_after_ns = now_ns + (took_ns < PAUSE_MAX_NS ? took_ns : PAUSE_MAX_NS);
	form->request = (struct vly_living_request){
		.zone = zone->name,
		.cause = VLY_STORE_BY_OPERATOR,
		.who = "",
		.done = on_formed,
		.arg = form,
		.form = form,
	};
	vly_living_submit_internal(form->living, zone, &form->request);
	run_next(form->living);
}

/* Takes the first zone out of the queue that need not pause; *wait_ns: how long all of them have to. */
static struct vly_living_zone *
take_next(struct vly_living *living, uint64_t *wait_ns)
{
	const uint64_t now_ns = uv_hrtime();

	*wait_ns = UINT64_MAX;
	for (struct vly_living_zone **at = &living->form_queue; *at; at = &(*at)->form_next) {
		struct vly_living_zone *zone = *at;
		if (zone->form_after_ns <= now_ns) {
			*at = zone->form_next;
			zone->is_form_queued = false;
			return zone;
		}
		if (zone->form_after_ns - now_ns < *wait_ns)
			*wait_ns = zone->form_after_ns - now_ns;
	}
	return NULL;
}

static void
on_timer(uv_timer_t *timer)
{
	run_next(timer->data);
}

static void
run_next(struct vly_living *living)
{
	uint64_t wait_ns;

	if (vly_side_work_is_running(&living->former))
		return;
	struct vly_living_zone *zone = take_next(living, &wait_ns);
	if (!zone) {
		if (wait_ns != UINT64_MAX)
			uv_timer_start(&living->form_timer, on_timer, wait_ns / 1000000 + 1, 0);
		return;
	}
	struct vly_living_form_job *form = calloc(1, sizeof(*form));
	if (!form) { /* not for long, it is hoped */
		queue(living, zone);
		vly_living_leave(zone);
		uv_timer_start(&living->form_timer, on_timer, 1000, 0);
		return;
	}
	form->living = living;
	form->zone = zone;
	form->begin_ns = uv_hrtime();
	zone->form_wanted = false;
	zone->is_forming = true;
	living->form_cnt++;
	vly_side_work_run(&living->former, work, on_compiled, form);
}

void
vly_living_wait(struct vly_living_zone *zone, struct vly_living_request *request)
{
	if (!zone->waiting)
		zone->waiting_end = &zone->waiting;
	request->next = NULL;
	*zone->waiting_end = request;
	zone->waiting_end = &request->next;
}

void
vly_living_want_form(struct vly_living *living, struct vly_living_zone *zone)
{
	zone->form_wanted = true;
	if (zone->is_forming || zone->is_form_queued)
		return;
	queue(living, zone);
	run_next(living);
}

bool
vly_living_is_forming(const struct vly_living *living)
{
	return living->form_cnt > 0 || living->form_queue;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the manager of living zones alone, by file:
 *
 *     living.c          requests and zones; on the loop
 *     living_begin.c    the manager begins, is configured, and ends
 *     living_layers.c   the stack of layers of each zone, and the list of their images; on the loop
 *     layer_stack.c     stacks as values; layer_merge.c: merging
 *     living_merge.c    layers are merged in a thread of its own
 *     living_pack.c     small images become one; pack_choice.c chooses them
 *     living_publish.c  batches that are on disk become live; on the loop
 *     writer.c          the writer thread: takes batches, and its own way through the store
 *     batch.c           one batch: prepare, apply, compile, commit; in the writer thread
 *     batch_compile.c   the image of a batch; in the writer thread
 *     batch_stack.c     the layers of its zones; in the writer thread
 *     living_apply.c    a change gets its serial, is checked and goes into the store
 *     living_signed.c   zones that are signed elsewhere
 *     living_verdict.c  whether a changed zone is still signed well
 *     living_store.c    the store, which is opened again after failures; any thread
 *     living_form.c     large signed zones are compiled in a thread of its own
 *     living_load.c     zones that begin to live; threads of the pool
 *     living_renew.c    zones that are compiled anew; living_whole.c: large ones that come as a whole
 *     living_import.c   many of them at once
 *     living_retry.c    zones that are not answered as they are on disk; on the loop
 *     form_cache.c      complete forms on disk, for the next start; form_load.c reads them
 */
#ifndef VLY_CONTROL_LIVING_PARTS_H
#define VLY_CONTROL_LIVING_PARTS_H

#include <stdatomic.h>
#include <uthash.h>

#include "base/side_work.h"
#include "compile/image_builder.h"
#include "import_turn.h"
#include "layer_merge.h"
#include "living_batch.h"
#include "publish/publish_turns.h"
#include "serial.h"

/* Batches that are on disk and not yet live. With one, the writer would wait for the dataplane; with
 * more, batches get smaller and each costs as much. */
#define VLY_LIVING_AHEAD_MAX 2

/* So many requests must wait for a batch to begin while another one is not live yet. A batch costs as
 * much as some 50 requests do; with fewer, clients that wait for their answers would come in many small
 * batches. With more, the disk and the dataplane would wait for each other. */
#define VLY_LIVING_AHEAD_REQUESTS 64

/* What answers are made with; read by the writer under the lock. */
struct vly_living_form {
	bool any_all;
	bool additional_none;
};

/* living_retry.c; on the loop */
struct vly_living_retry {
	uv_timer_t timer;
	uint64_t pause_ms;             /* before the next attempt, or the last pause; 0: none yet */
	uint32_t behind_cnt;           /* zones */
	bool has_logged;               /* since the last attempt */
	char reason[VLY_REASON_BYTES]; /* that was logged last */
	char trouble[VLY_TROUBLE_BYTES];
};

struct vly_living {
	uv_loop_t *loop;
	struct vly_hash_key key;
	struct vly_publish_turns *turns;
	struct vly_living_zone *by_name;
	uv_async_t wake; /* the loop: batches have ended */

	/* living_store.c */
	char *store_dir;
	uv_rwlock_t store_lock;
	uv_mutex_t import_lock; /* one zone is imported at a time, whoever does it */
	struct vly_zone_store *store;
	uint64_t store_tried_ns;
	char store_reason[VLY_REASON_BYTES];

	/* form_cache.c, on the loop but for the name */
	char *form_dir;
	struct vly_form_job *form_job; /* NULL: nothing is written */
	bool forms_changed;            /* since the job began */
	bool keeps_forms;              /* the configuration wants them on disk */

	/* living_layers.c */
	struct vly_living_image *image;
	uint32_t image_cnt;
	uint32_t image_size;

	/* on the loop */
	struct vly_import_turn *import;  /* whose turn it is, or NULL */
	struct vly_import_turn *imports; /* that wait */
	struct vly_import_turn clean_turn;
	uv_work_t clean_work;
	bool is_cleaning; /* or waits for that */
	bool cleans_again;
	struct vly_side_work merger;
	struct vly_side_work former;
	uv_timer_t form_timer;
	struct vly_living_zone *form_queue;
	uint32_t form_cnt;           /* that are not answered */
	struct vly_living_job *jobs; /* the first one runs */
	bool is_packing;
	uint64_t pack_mark; /* of zones that the pack being put together has looked at */
	struct vly_living_list finished;
	struct vly_living_list publishing;
	uint32_t read_cnt; /* vly_living_read() */
	bool is_publishing;
	bool is_dirty;              /* zones were removed: to be published */
	bool is_removing;           /* that is being published */
	void (*removed)(void *arg); /* waits for both, and for packing; or NULL */
	void *removed_arg;
	uint64_t change_cnt;
	struct {
		void (*fn)(void *arg, const char *zone, uint32_t serial);
		void *arg;
	} hook[VLY_LIVING_HOOKS_MAX];
	unsigned hook_cnt;
	void (*on_signatures)(void *arg, const char *zone, uint64_t expiry_s, uint64_t margin_s);
	void *signatures_arg;
	struct vly_living_request *refused; /* to be answered when the loop runs again */
	struct vly_living_request **refused_end;
	char trouble[VLY_TROUBLE_BYTES];
	struct vly_living_retry retry;

	/* under `lock` */
	uv_mutex_t lock;
	uv_cond_t work; /* for the writer */
	struct vly_living_request *first;
	struct vly_living_request **end;
	uint32_t request_cnt;
	uint32_t internal_cnt; /* of these, the ones for which the queue's bound is not */
	/* Zones that are packed: they go with other requests, a few at a time. */
	struct vly_living_request *part;
	struct vly_living_request **part_end;
	struct vly_living_list ended; /* batches that the loop has not seen yet */
	uint32_t ahead_cnt;
	uint32_t client_cnt; /* requests that there were when the last batch was answered */
	uint32_t gather_cnt; /* so many the writer waits for, a short time; 0: for none */
	bool is_working;
	bool is_stopping;
	struct vly_living_form form;
	struct vly_zone_store_settings store_settings;

	uv_thread_t thread;
};

/* Whether a batch may begin; under the lock. */
static inline bool
vly_living_may_begin(const struct vly_living *living)
{
	if (living->ahead_cnt == 0 && living->part && living->gather_cnt == 0)
		return true;
	if (living->ahead_cnt == 0)
		return living->first && living->request_cnt >= living->gather_cnt;
	return living->ahead_cnt < VLY_LIVING_AHEAD_MAX &&
	       living->request_cnt >= VLY_LIVING_AHEAD_REQUESTS;
}

/* Wakes the writer, if there is something to do for it: it would look, and sleep again. Under the lock. */
static inline void
vly_living_signal(struct vly_living *living)
{
	if (vly_living_may_begin(living))
		uv_cond_signal(&living->work);
}

/* living.c */

/* Answers a request of a batch, and gives it back to its caller. */
__attribute__((nonnull)) void vly_living_answer(struct vly_living *living,
						struct vly_living_request *request);

/* Sets the result of a request. */
__attribute__((nonnull(1), format(printf, 3, 4))) void
vly_living_set(struct vly_living_request *request, enum vly_living_code code, const char *format,
	       ...);

/* Queues a request that has no `prepare`, for a zone that the caller has counted in request_cnt. The
 * queue's bound is not for these. */
__attribute__((nonnull)) void vly_living_submit_internal(struct vly_living *living,
							 struct vly_living_zone *zone,
							 struct vly_living_request *request);

/* living_publish.c */

/* Gives a request whose change is on disk the result of the form that it has waited for. */
__attribute__((nonnull)) void vly_living_set_done(struct vly_living_request *request,
						  const struct vly_living_result *result);

/* Zones were removed: publishes the images without them. `done` is called when that has ended, and the
 * zones that shared images with them have moved. */
__attribute__((nonnull(1, 2))) void vly_living_publish_removal(struct vly_living *living,
							       void (*done)(void *arg), void *arg);

/* The commit of the batches that are being published has been sent. */
__attribute__((nonnull)) void vly_living_on_commit(void *living, uint64_t seq);

/* Takes the batches that the writer has ended, and publishes them. */
__attribute__((nonnull)) void vly_living_on_wake(uv_async_t *wake);

/* writer.c */

/* Queues a request of a pack, whose zone the caller has counted in request_cnt: it waits until there is
 * room in a batch. */
__attribute__((nonnull)) void vly_living_submit_part(struct vly_living *living,
						     struct vly_living_zone *zone,
						     struct vly_living_request *request);

__attribute__((nonnull)) void vly_living_write(void *living);

/* living_retry.c */

/* Has a zone compiled as a whole, as the store has it. Returns 0, or -1 without memory: then its next layer will be
 * a complete form. */
__attribute__((nonnull)) int vly_living_compile_anew(struct vly_living *living,
						     struct vly_living_zone *zone);

/* The newest version of a zone is not answered; it is tried again after a pause. */
__attribute__((nonnull)) void
vly_living_fall_behind(struct vly_living *living, struct vly_living_zone *zone, const char *reason);

/* It is answered, or the zone is removed. */
__attribute__((nonnull)) void vly_living_catch_up(struct vly_living *living,
						  struct vly_living_zone *zone);

/* living_renew.c */

/* Calls the hooks of vly_living_on_change(). */
__attribute__((nonnull)) void vly_living_call_hooks(const struct vly_living *living,
						    const struct vly_living_request *request);

/* living.c */

/* The zone of that name; NULL: there is none. */
__attribute__((nonnull)) struct vly_living_zone *
vly_living_find_zone(const struct vly_living *living, const char *name);

/* Has a request answered when the loop runs again. */
__attribute__((nonnull)) void vly_living_turn_down(struct vly_living *living,
						   struct vly_living_request *request,
						   enum vly_living_code code, const char *text);

/* living_load.c */

/* Removes some of what interrupted imports have left, or all of it. For one thread at a time. */
__attribute__((nonnull)) void vly_living_clean(struct vly_zone_store *store, bool all);

/* living_store.c */

/* The store, opened if it is not; nobody closes it until vly_living_store_put(). NULL with the reason.
 */
__attribute__((nonnull, warn_unused_result)) struct vly_zone_store *
vly_living_store_get(struct vly_living *living, char *reason, size_t reason_bytes);
__attribute__((nonnull)) void vly_living_store_put(struct vly_living *living);

/* After a failure: closes the store if it has to be opened again, once nobody uses it. */
__attribute__((nonnull)) void vly_living_store_failed(struct vly_living *living, int result);

#endif

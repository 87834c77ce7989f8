/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the manager of living zones alone, by file:
 *
 *     living.c          requests, zones, the end of batches; on the loop
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
 *
 * A zone is made and freed on the loop. The writer thread reads its name and policy; a zone stays
 * as long as requests refer to it.
 *
 * A batch goes through these lists: the writer's hands, `finished` (on disk, its layers are in the
 * stacks), `publishing` (in the list that is being published), answered.
 */
#ifndef VLY_CONTROL_LIVING_PARTS_H
#define VLY_CONTROL_LIVING_PARTS_H

#include <stdatomic.h>
#include <uthash.h>

#include "base/side_work.h"
#include "compile/image_builder.h"
#include "layer_merge.h"
#include "living.h"
#include "publish/publish_turns.h"
#include "serial.h"

/* Batches that are on disk and not yet live. With one, the writer would wait for the dataplane; with
 * more, batches get smaller and each costs as much. */
#define VLY_LIVING_AHEAD_MAX 2

/* So many requests must wait for a batch to begin while another one is not live yet. A batch costs as
 * much as some 50 requests do; with fewer, clients that wait for their answers would come in many small
 * batches. With more, the disk and the dataplane would wait for each other. */
#define VLY_LIVING_AHEAD_REQUESTS 64

struct vly_living_zone {
	char *name;
	_Atomic int policy;          /* enum vly_config_serial */
	_Atomic bool needs_complete; /* its next layer must be a complete form */
	_Atomic bool is_expired;     /* vly_living_set_expired() */
	_Atomic uint32_t epoch; /* +1 when layers are taken back: what lies upon them is void */
	/* The writer's: the layers once all its batches are live, or NULL: its next layer must be a
	 * complete form; and, if some of them are being merged, the version of the highest one, else
	 * 0. */
	struct vly_living_stack *mirror;
	_Atomic uint64_t frozen;
	struct vly_living_stack *stack; /* the loop's */
	uint32_t request_cnt;           /* that refer to it, and lists of zones that it is in */
	uint64_t pack_mark;
	uint32_t batch_place;  /* the writer's: its index in the batch, if it is there */
	bool is_removed;       /* and not in by_name any more */
	bool is_behind;        /* see living_retry.c */
	bool is_renewed_later; /* the same: by renewals, as the store may not have it */
	uint32_t serial;
	uint64_t version;
	uint64_t record_cnt;
	uint64_t change_cnt;
	uint64_t expiry_s; /* of signatures, see struct vly_dnssec_facts; 0: not signed */
	uint64_t margin_s;
	/* living_form.c; the loop's */
	struct vly_living_request *waiting; /* on disk, for a form */
	struct vly_living_request **waiting_end;
	struct vly_living_zone *form_next; /* in the queue */
	uint64_t form_after_ns;            /* not earlier */
	bool is_form_queued;
	bool is_forming;
	bool form_wanted; /* one more than that which is being made */
	UT_hash_handle hh;
};

/* What a merge in another thread does with one zone: layers become one, in an image of the job. */
struct vly_living_part {
	struct vly_living_request request; /* hands it to the writer, when the job is done */
	struct vly_living_job *job;
	struct vly_living_zone *zone;
	struct vly_living_stack *stack;
	struct vly_layer_range range;
	struct vly_living_layer layer; /* without an image: it has failed */
	bool is_merged;
};

struct vly_living_job {
	struct vly_living_job *next;
	struct vly_living *living;
	uint64_t id; /* of the image: older than those of layers that are made meanwhile */
	struct vly_live_image *image;
	bool is_pack;      /* small images are made one */
	uint32_t part_cnt; /* that are not done */
	uint32_t part_size;
	struct vly_living_part *part;
};

/* A complete form that is compiled beside the writer, of a zone that the store has, or is to have. */
struct vly_living_form_job {
	struct vly_living_request request; /* living_form.c: hands it to the writer */
	struct vly_living *living;
	struct vly_living_zone *zone;
	struct vly_store_zone store; /* what was compiled */
	struct vly_dnssec_facts facts;
	struct vly_living_layer layer; /* without an image: it has failed */
	uint64_t begin_ns;
	char reason[VLY_REASON_BYTES];
};

/* An image that has layers. */
struct vly_living_image {
	struct vly_live_image *image;
	/* Zones that have a layer in it, or had one; each is counted in its request_cnt. */
	struct vly_living_zone **zone;
	uint32_t zone_cnt;
	uint32_t zone_size;
	bool is_chosen; /* to be packed */
};

/* What a batch does with one zone. */
struct vly_batch_zone {
	struct vly_living_zone *zone;
	struct vly_store_zone store;      /* as it is after the requests so far */
	uint64_t before;                  /* version */
	bool wants_form;                  /* changed, or a complete form is wanted */
	bool wants_complete;              /* the latter, whatever has been compiled */
	bool is_aside;                    /* a form is to be made by living_form.c */
	bool is_absent;                   /* the store does not have it */
	bool is_kept;                     /* it has what was answered ahead */
	struct vly_living_form_job *form; /* one that has been made */
	bool has_form;                    /* and is the layer */
	bool wants_base;                  /* the same, below overlays that go on meanwhile */
	uint8_t *names; /* owners of changed records: a length octet, then the name */
	size_t names_bytes;
	size_t names_size;
	uint32_t epoch;                 /* of the zone, when the writer began with it */
	struct vly_living_layer layer;  /* what was compiled; version 0: nothing */
	struct vly_dnssec_facts facts;  /* of what was compiled */
	struct vly_living_part *merged; /* a merge that has ended */
	struct vly_living_stack *stack; /* as it is with this batch */
	struct vly_living_stack *old;   /* the loop's stack before, until the new one is live */
	struct vly_layer_range
		range;  /* of `stack`: to be merged by another thread; cnt 0: nothing */
	bool is_inline; /* `range` is merged by the writer */
	bool is_put;    /* `stack` is the zone's */
};

struct vly_living_batch {
	struct vly_living_batch *next;
	struct vly_living_request *first; /* in the order in which they came */
	uint32_t request_cnt;
	uint32_t part_cnt; /* of these, zones that are packed */
	struct vly_batch_zone *zone;
	uint32_t zone_cnt;
	uint32_t zone_size;
	struct vly_live_image *image; /* what was compiled, or NULL */
	bool is_split;                /* a request of it failed the whole: one request at a time */
	bool store_failed;
	bool store_used;               /* it was written without a failure */
	char reason[VLY_REASON_BYTES]; /* store_failed */
};

struct vly_living_list {
	struct vly_living_batch *first;
	struct vly_living_batch **end;
};

/* What answers are made with; read by the writer under the lock. */
struct vly_living_form {
	bool any_all;
	bool additional_none;
	struct vly_steer_model *steer; /* a reference, or NULL */
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
	uv_mutex_t import_lock; /* one zone is imported at a time */
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

/* Appends a batch. */
static inline void
vly_living_list_add(struct vly_living_list *list, struct vly_living_batch *batch)
{
	batch->next = NULL;
	if (!list->first)
		list->end = &list->first;
	*list->end = batch;
	list->end = &batch->next;
}

/* living.c */

/* Counts one user of a zone less; the last one frees a zone that was removed. */
__attribute__((nonnull)) void vly_living_leave(struct vly_living_zone *zone);

/* Answers a request of a batch, and gives it back to its caller. */
__attribute__((nonnull)) void vly_living_answer(struct vly_living *living,
						struct vly_living_request *request);

/* Sets the result of a request. */
__attribute__((nonnull(1), format(printf, 3, 4))) void
vly_living_set(struct vly_living_request *request, enum vly_living_code code, const char *format,
	       ...);

/* living_form.c */

/* Has a complete form of the zone made, of the store as it is from now on. */
__attribute__((nonnull)) void vly_living_want_form(struct vly_living *living,
						   struct vly_living_zone *zone);

/* The request is answered when a form has its version. */
__attribute__((nonnull)) void vly_living_wait(struct vly_living_zone *zone,
					      struct vly_living_request *request);

__attribute__((nonnull)) bool vly_living_is_forming(const struct vly_living *living);

/* Compiles `tree` as version form->store.version. Returns 0, or -1 with form->reason. Any thread. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_form_compile(struct vly_living_form_job *form, struct vly_zone *tree, bool is_checked);

/* living_layers.c */

/* Replaces the stack of a zone by `stack`, which is taken over, unless it is -1: no memory. The old
 * one is in *old then. */
__attribute__((nonnull(1, 2, 4), warn_unused_result)) int
vly_living_stack_swap(struct vly_living *living, struct vly_living_zone *zone,
		      struct vly_living_stack *stack, struct vly_living_stack **old);

/* Numbers the images of a batch that has come from the writer. */
__attribute__((nonnull)) void vly_living_number_images(struct vly_living_batch *batch);

/* Takes the images of a zone's stack out of the list, and frees it. */
__attribute__((nonnull)) void vly_living_stack_drop(struct vly_living *living,
						    struct vly_living_zone *zone);

/* Appends the images of all stacks to `list`, for the publisher. */
__attribute__((nonnull, warn_unused_result)) int vly_living_add_images(void *living,
								       struct vly_image_list *list);

/* Marks the images that have removed zones: they are not to stay. */
__attribute__((nonnull)) void vly_living_mark_stale(struct vly_living *living);

/* living_merge.c */

/* Begins a merge that the writer wants. */
__attribute__((nonnull)) void vly_living_merge(struct vly_living *living,
					       const struct vly_batch_zone *entry);

/* Begins a job, which is taken over. */
__attribute__((nonnull)) void vly_living_begin_job(struct vly_living *living,
						   struct vly_living_job *job);

/* Adds a part to a job that has not begun. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_job_add(struct vly_living_job *job, struct vly_living_zone *zone,
		   const struct vly_living_stack *stack, struct vly_layer_range range);

/* A new job; NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_living_job *
vly_living_job_new(struct vly_living *living);

__attribute__((nonnull)) void vly_living_job_free(struct vly_living_job *job);

/* pack_choice.c */

/* Chooses the images that become one, if there are many of about the same size, with those that are mostly
 * garbage and those that must go: sets is_chosen. Returns how many. */
__attribute__((nonnull)) uint32_t vly_pack_choose(struct vly_living_image *image, uint32_t cnt);

/* living_pack.c */

/* Makes small images, and those with few layers left in them, one, when there are many; and moves the zones
 * out of images that are not to stay. */
__attribute__((nonnull)) void vly_living_pack(struct vly_living *living);

void vly_living_merge_free(struct vly_living *living);

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

/* batch.c */

/* Works a batch off in the store, and compiles its image. */
__attribute__((nonnull)) void vly_batch_run(struct vly_living *living,
					    struct vly_living_batch *batch);

__attribute__((nonnull)) void vly_batch_free(struct vly_living_batch *batch);

/* batch_compile.c */

/* Compiles the zones of the batch that have changed into batch->image. `before` sees the store as it
 * was before the batch. Returns 0; or -1 with a reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_batch_compile(struct vly_living *living, struct vly_living_batch *batch,
		  struct vly_store_txn *txn, struct vly_store_txn *before, char *reason,
		  size_t reason_bytes);

/* A builder with the settings of answers; NULL with errno. */
__attribute__((nonnull, warn_unused_result)) struct vly_image_builder *
vly_batch_builder(struct vly_living *living);

/* Compiles a zone as it is in the store; `is_checked`: vly_zone_check() has found it good. Returns 0; or -1
 * with a reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_batch_add_complete(struct vly_image_builder *builder, struct vly_zone *tree, uint64_t version,
		       bool is_checked, struct vly_dnssec_facts *facts, struct vly_zone_info *info,
		       char *reason, size_t reason_bytes);

/* batch_stack.c */

/* Makes the new stacks of the zones of a batch, and merges small layers. Returns 0, or -1 with
 * errno. */
__attribute__((nonnull, warn_unused_result)) int vly_batch_stack(struct vly_living *living,
								 struct vly_living_batch *batch);

/* The batch is on disk: its stack is the zone's from now on, for the writer. */
__attribute__((nonnull)) void vly_batch_keep_mirror(struct vly_batch_zone *entry);

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

/* living_apply.c */

/*
 * Completes a change (of vly_living_request.prepare) with a serial, applies it inside `txn`, and
 * checks that the names it touches still follow the rules of zones. VLY_STORE_OK;
 * VLY_STORE_REFUSED or a failure with the reason, and `txn` has to be aborted.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_living_apply(struct vly_store_txn *txn, struct vly_store_zone *zone, struct vly_change *change,
		 enum vly_config_serial policy, enum vly_store_cause cause, const char *who,
		 char *reason, size_t reason_bytes);

/* living_store.c */

/* The store, opened if it is not; nobody closes it until vly_living_store_put(). NULL with the reason.
 */
__attribute__((nonnull, warn_unused_result)) struct vly_zone_store *
vly_living_store_get(struct vly_living *living, char *reason, size_t reason_bytes);
__attribute__((nonnull)) void vly_living_store_put(struct vly_living *living);

/* Scans the name of a zone. */
__attribute__((nonnull)) void vly_living_apex(const struct vly_living_zone *zone,
					      struct vly_name *apex);

/* Finds a zone in the store: VLY_STORE_OK, VLY_STORE_NONE, or a failure with the reason in `txn`. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_find_stored(struct vly_store_txn *txn, const struct vly_living_zone *zone,
		       struct vly_store_zone *stored);

/* After a failure: closes the store if it has to be opened again, once nobody uses it. */
__attribute__((nonnull)) void vly_living_store_failed(struct vly_living *living, int result);

#endif

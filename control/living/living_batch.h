/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the manager's own files alone. A batch: requests that are worked off in one transaction of the store and become one image.
 *
 * It goes through these lists: the writer's hands, `finished` (on disk, its layers are in the stacks), `publishing`
 * (in the list that is being published), answered.
 *
 * Threads: the writer's until it is given to the loop, then the loop's. Blocks for the disk.
 */
#ifndef VLY_CONTROL_LIVING_BATCH_H
#define VLY_CONTROL_LIVING_BATCH_H

#include "compile/image_builder.h"
#include "living_job.h"
#include "serial.h"

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

/* Numbers the images of a batch that has come from the writer. */
__attribute__((nonnull)) void vly_living_number_images(struct vly_living_batch *batch);

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

#endif

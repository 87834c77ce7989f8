/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the manager's own files alone. A living zone as its manager has it.
 *
 * Ownership: made and freed on the loop; it stays as long as requests refer to it, whatever has become of it:
 * vly_living_leave(). Threads: members are the loop's, but for those of the writer, and name and policy, which the
 * writer reads.
 */
#ifndef VLY_CONTROL_LIVING_ZONE_H
#define VLY_CONTROL_LIVING_ZONE_H

#include <stdatomic.h>
#include <uthash.h>

#include "layer_stack.h"
#include "living.h"
#include "store/zone_store.h"

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

/* Counts one user of a zone less; the last one frees a zone that was removed. */
__attribute__((nonnull)) void vly_living_leave(struct vly_living_zone *zone);

/* Frees a zone that nobody refers to. */
__attribute__((nonnull)) void vly_living_free_zone(struct vly_living_zone *zone);

/* living_store.c */

/* Scans the name of a zone. */
__attribute__((nonnull)) void vly_living_apex(const struct vly_living_zone *zone,
					      struct vly_name *apex);

/* Finds a zone in the store: VLY_STORE_OK, VLY_STORE_NONE, or a failure with the reason in `txn`. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_find_stored(struct vly_store_txn *txn, const struct vly_living_zone *zone,
		       struct vly_store_zone *stored);

#endif

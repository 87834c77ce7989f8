/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Living zones: zones whose records are in the store (store/zone_store.h), and that are changed
 * while they are served, by dynamic updates, by volleyctl and by their files.
 *
 * All changes of all living zones go through one queue and one writer thread:
 *
 *     submit ──► queue ──► batch: prepare, apply, compile, sync ──► publish ──► done
 *                          the writer thread                        the loop
 *
 * The writer takes all requests that wait as one batch, which is one transaction of the store and
 * one image. While a batch is published, the next one is prepared and written to disk. A request is
 * answered when its change is on disk and every lcore answers by it. So that an acknowledged change
 * is never lost, and none is acknowledged that is not answered.
 *
 * Use:
 *   1. fill a struct vly_living_request, and vly_living_submit() it;
 *   2. `prepare` is called in the writer thread, inside the transaction of the batch. It sees all
 *      earlier changes, those of the same batch included, and says what is to be removed and added;
 *   3. `done` is called on the loop, once for each request, and never before submit returns. The
 *      request is the caller's again.
 * If `prepare` refuses, or the change is not allowed, the request leaves no trace, and the others
 * of the batch go on.
 *
 * Without a dataplane, changes are kept on disk and acknowledged as VLY_LIVING_STORED: they are
 * answered as soon as a dataplane connects. If the dataplane has just ended, the answer waits until
 * it is back, at most VLY_PUBLISH_AWAY_MS.
 *
 * When the dataplane refuses a change that is on disk, the request fails and says so. The zone is compiled
 * anew after a pause, again and again until it is answered; vly_living_behind() shows the reason meanwhile.
 *
 * When the store can't be written (disk full, read-only, damaged), requests are refused with
 * VLY_LIVING_FAILED and the reason, which is logged once and shown by vly_living_trouble(). The zones are
 * answered all the same. The next request tries again, so that nothing has to be restarted when the
 * cause is gone.
 *
 * Ownership: a request is the caller's, must stay in place until `done`, and then may be freed.
 * Threads: the loop's, but for `prepare`. No function blocks.
 */
#ifndef VLY_CONTROL_LIVING_H
#define VLY_CONTROL_LIVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/reason.h"
#include "steer/steer_model.h"
#include "store/store_change.h"

struct vly_config;
struct vly_hash_key;
struct vly_publish_turns;
struct vly_zone;

/* Requests that may wait. Each is answered within the time of a few batches. More: a client waits
 * longer for an answer that may be of no use to it by then. Fewer: bursts are refused. */
#define VLY_LIVING_QUEUE_MAX 16384

/* Requests in one batch. More: the first one of the batch waits longer for the last. */
#define VLY_LIVING_BATCH_MAX 1024

enum vly_living_prepared {
	VLY_LIVING_CHANGE,    /* `change` has what is to be removed and added */
	VLY_LIVING_NO_CHANGE, /* there is nothing to do: answered as DONE, with the serial as it is */
	VLY_LIVING_REFUSE,    /* with `reason` */
};

enum vly_living_code {
	VLY_LIVING_DONE,    /* on disk, and every lcore answers by it; or there was nothing to do */
	VLY_LIVING_STORED,  /* on disk; answered when a dataplane connects */
	VLY_LIVING_REFUSED, /* `prepare` refused, or the change would break a rule of zones */
	VLY_LIVING_BUSY,    /* too many requests wait */
	VLY_LIVING_NO_ZONE, /* not a living zone, or it has not been loaded yet */
	VLY_LIVING_FAILED, /* store, memory or compiler; nothing was changed, unless the text says so */
};

/* Valid during the call of `done`. */
struct vly_living_result {
	enum vly_living_code code;
	bool changed;     /* DONE, STORED: there was something to do */
	uint32_t serial;  /* DONE, STORED: of the SOA after the change */
	uint64_t version; /* the same: of the zone in the store */
	const char *text; /* one sentence, "" for DONE */
};

struct vly_living_request {
	const char *zone; /* as vly_domain_canonical() writes it */
	enum vly_store_cause cause;
	const char *who; /* for the journal: the name of a key, or "" */

	/*
	 * Looks at the zone and fills *change, which is initialised and empty. Called in the writer
	 * thread, at least once; if it is called again, because another request of the batch has
	 * failed, the transaction is another one. It must not write to the transaction. An RR that
	 * is removed must be there, and one that is added must not; the SOA stays out of it, unless
	 * the change brings a serial of its own: otherwise the policy of the zone gives the next one.
	 * Blocks only for the store.
	 */
	enum vly_living_prepared (*prepare)(void *arg, struct vly_store_txn *txn,
					    const struct vly_store_zone *zone,
					    struct vly_change *change,
					    char reason[VLY_REASON_BYTES]);
	/* NULL; or called like `prepare`, when the change was made in the transaction: false, with
	 * `reason`, refuses it. living_verdict.h has a check for changes of signed zones. */
	bool (*check)(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
		      const struct vly_change *change, char reason[VLY_REASON_BYTES]);
	void (*done)(void *arg, const struct vly_living_result *result);
	/* NULL; or called, maybe more than once, before `done`: the change is on disk, and every lcore
	 * answers by it when the commit with this seq is carried out (vly_publisher_respond_after()).
	 * Not called for requests of large batches. */
	void (*committing)(void *arg, uint64_t commit_seq);
	void *arg;

	/* Of a file: its stamp, which becomes that of the zone; otherwise NULL. */
	const struct vly_file_stamp *origin;

	/* For vly_living_renew(): a zone of at most VLY_STORE_IMPORT_IN_MAX octets of arena that takes the
	 * place of what the store has; or NULL. */
	const struct vly_zone *tree;
	/* With `tree`, or NULL: as that of vly_living_replace() (living_whole.h). */
	const _Atomic bool *is_cancelled;

	/* For vly_living_renew() and vly_living_answer_ahead(): living_whole.h. */
	struct vly_living_form_job *form;
	bool is_answered;

	/* private */
	uint32_t batch_place; /* the index of its zone in the batch */
	bool is_internal;     /* vly_living_submit_internal() */
	bool is_renewal;      /* vly_living_renew() */
	bool is_ahead;        /* vly_living_answer_ahead() */
	bool may_alias;       /* it may have changed ALIAS records */
	struct vly_living_request *next;
	struct vly_living_zone *living_zone;
	struct vly_living_part *part; /* a merge that has ended */
	struct vly_living_result result;
	char text[VLY_REASON_BYTES];
};

struct vly_living;

/* Makes the manager. The store is opened in `state_dir` when the first living zone needs it. `turns`
 * must outlive the manager. Returns NULL with a sentence in `reason`. */
__attribute__((nonnull, warn_unused_result)) struct vly_living *
vly_living_new(uv_loop_t *loop, const char *state_dir, const struct vly_hash_key *key,
	       struct vly_publish_turns *turns, char *reason, size_t reason_bytes);

/* Takes the settings of a configuration that is in force from now on: how answers are made, which names are
 * steered (`steer` may be NULL), the serials of zones, the bounds of the journal (these at the first call
 * alone). */
__attribute__((nonnull(1, 2))) void vly_living_configure(struct vly_living *living,
							 const struct vly_config *config,
							 struct vly_steer_model *steer);

/* Queues a request. `done` is called in any case, unless the manager is freed first. */
__attribute__((nonnull)) void vly_living_submit(struct vly_living *living,
						struct vly_living_request *request);

/* The same as vly_living_submit(), to have the zone compiled anew from the store: with request.tree, after
 * vly_living_replace() (living_whole.h), and after vly_living_set_expired(). `prepare` is not called. A zone
 * that the store does not have is answered with SERVFAIL then. */
__attribute__((nonnull)) void vly_living_renew(struct vly_living *living,
					       struct vly_living_request *request);

/* vly_living_renew() has failed: repeats it after pauses until the zone is answered as the store has it, or
 * answered ahead anew. */
__attribute__((nonnull)) void vly_living_renew_later(struct vly_living *living, const char *zone,
						     const char *reason);

/* From its next form on the zone is answered with SERVFAIL, or from the store again. Whoever sets it calls
 * vly_living_renew(). */
__attribute__((nonnull)) void vly_living_set_expired(struct vly_living *living, const char *zone,
						     bool is_expired);

/* Functions that are called when a change of a zone is answered by every core, or on disk without a
 * dataplane; before `done` of its request. */
#define VLY_LIVING_HOOKS_MAX 4
__attribute__((nonnull(1, 2))) void
vly_living_on_change(struct vly_living *living,
		     void (*fn)(void *arg, const char *zone, uint32_t serial), void *arg);

/* A function that is called on the loop when a zone may have other ALIAS records than before: when it was
 * loaded, before the reload has ended; or when a change is answered that may concern them. has_alias: it may have
 * some now. */
__attribute__((nonnull(1, 2))) void
vly_living_on_alias(struct vly_living *living,
		    void (*fn)(void *arg, const char *zone, bool has_alias), void *arg);

/* A living zone as it is answered. */
struct vly_living_state {
	uint32_t serial;
	uint64_t version;
	uint64_t record_cnt;
	uint64_t change_cnt; /* since it was loaded */
	uint32_t layer_cnt;  /* its complete form and overlays */
	uint64_t layer_bytes;
};

/* Whether the zone is a living one that takes requests now; fills *state then. */
__attribute__((nonnull)) bool vly_living_find(const struct vly_living *living, const char *zone,
					      struct vly_living_state *state);

/* All living zones. */
struct vly_living_images {
	uint32_t zone_cnt;
	uint64_t change_cnt; /* since the start */
	uint32_t waiting_cnt;
	uint32_t cnt; /* images */
	uint64_t bytes;
};

__attribute__((nonnull)) void vly_living_images(const struct vly_living *living,
						struct vly_living_images *images);

/* Why changes are refused, or "". Valid until the loop runs again. */
__attribute__((nonnull)) const char *vly_living_trouble(const struct vly_living *living);

/* Which zone is not answered as it is on disk, and why; or "". It is tried again by itself. Valid until the loop
 * runs again. */
__attribute__((nonnull)) const char *vly_living_behind(const struct vly_living *living);

/* Whether requests wait or are being worked at. */
__attribute__((nonnull)) bool vly_living_is_busy(const struct vly_living *living);

/* Ends the thread and closes the store. Waits for the batch that is being written. The memory is freed
 * when the loop has closed the handles. */
void vly_living_free(struct vly_living *living);

#endif

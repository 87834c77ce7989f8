/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Large zones that come as a whole: they go into the store and become an image from one tree, and may be
 * answered before the store has them. Small ones have vly_living_request.tree.
 *
 * Use, when the store has the zone already:
 *   1. vly_living_compile(), after vly_living_replace(), in any thread;
 *   2. vly_living_renew() with request.form.
 * When the zone has no data yet, to have it answered earlier:
 *   1. vly_living_compile(), in any thread;
 *   2. vly_living_answer_ahead() with request.form, on the loop, and wait for `done`;
 *   3. vly_living_replace(), in any thread;
 *   4. vly_living_renew() with request.is_answered; or, when step 3 has failed, without: the store does not
 *      have the zone, so that it is answered with SERVFAIL again. If this fails, vly_living_renew_later().
 * At the end vly_living_form_free().
 *
 * Between steps 2 and 4 the zone takes no other requests: the store does not have it, so that they fail.
 * Nothing of it is left when volley-control ends meanwhile.
 */
#ifndef VLY_CONTROL_LIVING_WHOLE_H
#define VLY_CONTROL_LIVING_WHOLE_H

#include "living.h"

struct vly_living_form_job;

/* A form without an image, with a number for its zone in the store. NULL with a reason. Any thread; blocks
 * for the disk. */
__attribute__((nonnull, warn_unused_result)) struct vly_living_form_job *
vly_living_form_new(struct vly_living *living, char reason[VLY_REASON_BYTES]);

void vly_living_form_free(struct vly_living_form_job *form);

/* Whether vly_living_replace() may follow vly_living_compile(): the compiler changes the trees of a few
 * unusual zones. */
__attribute__((nonnull)) bool vly_living_may_compile_first(const struct vly_zone *zone);

/* Compiles a zone that vly_zone_check() has found good. Returns 0, or -1 with a reason. Any thread. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_compile(struct vly_living_form_job *form, struct vly_zone *zone,
		   char reason[VLY_REASON_BYTES]);

/*
 * Puts a zone that was read otherwise than from its file into the store, in place of what the store has
 * of it. `form`: that of the zone, or NULL. Any thread; blocks for the disk. Returns enum vly_store_result.
 * How the zone is answered does not change. When *is_cancelled (or NULL) is set before it has ended, it
 * fails, and a zone that is removed from the store after that stays away.
 */
__attribute__((nonnull(1, 2, 5), warn_unused_result)) int
vly_living_replace(struct vly_living *living, const struct vly_zone *zone,
		   struct vly_living_form_job *form, const _Atomic bool *is_cancelled,
		   char reason[VLY_REASON_BYTES]);

/* Has a zone without data answered by request.form. The store is not written. Hooks of
 * vly_living_on_change() are not called: they are when vly_living_renew() says that the store has it. */
__attribute__((nonnull)) void vly_living_answer_ahead(struct vly_living *living,
						      struct vly_living_request *request);

#endif

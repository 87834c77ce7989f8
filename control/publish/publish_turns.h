/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The images that the dataplane should have, of all who publish: the reloader has the images of
 * zones that are in files, the manager of living zones those of its own. The publisher takes whole
 * lists, one at a time; here each of the two proposes its own part, and waits for its turn. The other
 * part is then the one that was accepted last.
 *
 * Use:
 *   1. vly_publish_turns_new();
 *   2. vly_publish_turns_files() publishes a list of the files' images; the next one only after its
 *      report. vly_publish_turns_settle() replaces that list when it is accepted and has become
 *      smaller, without publishing it;
 *   3. vly_publish_turns_on_living() registers the function that lists the images of living zones. It
 *      is called when a list is put together. vly_publish_turns_living() then publishes;
 *      the next one only after its report;
 *   4. vly_publish_turns_free().
 *
 * Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_PUBLISH_TURNS_H
#define VLY_CONTROL_PUBLISH_TURNS_H

#include "publisher.h"

struct vly_publish_turns;

/* The publisher must outlive it, and has no other user. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_publish_turns *
vly_publish_turns_new(struct vly_publisher *publisher);

/* `add` appends the images to a list and returns 0, or -1 without memory. An image may be in the list
 * already. */
__attribute__((nonnull)) void
vly_publish_turns_on_living(struct vly_publish_turns *turns,
			    int (*add)(void *arg, struct vly_image_list *list), void *arg);

/* `commit` is called when the commit of a list that vly_publish_turns_living() publishes has been sent:
 * vly_publisher_on_commit(). */
__attribute__((nonnull)) void vly_publish_turns_on_commit(struct vly_publish_turns *turns,
							  void (*commit)(void *arg, uint64_t seq),
							  void *arg);

/* As vly_publisher_publish(): takes over the reference to `list`. */
__attribute__((nonnull(1, 2, 4))) void
vly_publish_turns_files(struct vly_publish_turns *turns, struct vly_image_list *list, bool hold,
			void (*done)(void *arg, const struct vly_publish_report *report),
			void *arg);

/* Makes `list` (taken over) the files' part from the next turn on. */
__attribute__((nonnull)) void vly_publish_turns_settle(struct vly_publish_turns *turns,
						       struct vly_image_list *list);

/* Publishes the images of living zones as they are when it is their turn: `begin` is called then. As
 * long as the publisher holds lists back, this one is held back, too. */
__attribute__((nonnull(1, 2, 3))) void
vly_publish_turns_living(struct vly_publish_turns *turns, void (*begin)(void *arg),
			 void (*done)(void *arg, const struct vly_publish_report *report),
			 void *arg);

/* Reports that have not come do not come any more. */
void vly_publish_turns_free(struct vly_publish_turns *turns);

#endif

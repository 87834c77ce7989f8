/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defence in force (volley/defence.h), as lcores, stream threads and ports read it.
 *
 * Use, in the main thread:
 *   1. nothing: the defaults are in force from the start;
 *   2. vly_defence_map() a block that volley-control sent: verified, read-only;
 *   3. give its rules to the ports, then vly_defence_publish() it.
 * Use, in a reader registered with rcu_register_thread(): vly_defence_live() once per burst; the
 * result holds until its next rcu_quiescent_state().
 */
#ifndef VLY_DATAPLANE_DEFENCE_H
#define VLY_DATAPLANE_DEFENCE_H

#include <volley/defence.h>

/* Says what of a block (untrusted, of the whole size) could do harm, or NULL. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_defence_check(const struct vly_defence *defence);

/* Maps the sealed memfd `fd`, which stays the caller's. Returns the block, the caller's until
 * published, or NULL with a static text that says what is wrong with it. */
__attribute__((nonnull, warn_unused_result)) struct vly_defence *
vly_defence_map(int fd, const char **reason);

/* Unmaps a block that was not published. */
__attribute__((nonnull)) void vly_defence_unmap(struct vly_defence *defence);

/* Makes `defence` live and unmaps the one before, after a grace period. Main thread, offline or
 * unregistered as an RCU reader. */
__attribute__((nonnull)) void vly_defence_publish(struct vly_defence *defence);

/* Never NULL. Inside an RCU read side, or in the main thread. */
__attribute__((returns_nonnull)) const struct vly_defence *vly_defence_live(void);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defence in force (volley/defence.h), read by lcores, stream threads and ports.
 *
 * Use, in the main thread: without a call, the defaults are in force. For each block from
 * volley-control:
 *   1. vly_defence_map(): checked and mapped read-only;
 *   2. give its rules to the ports;
 *   3. vly_defence_publish(), or vly_defence_unmap() if a port refuses the rules.
 * Use, in a reader registered with rcu_register_thread(): vly_defence_live() once per burst. The
 * result is valid until the reader's next rcu_quiescent_state() or rcu_thread_offline().
 */
#ifndef VLY_DATAPLANE_DEFENCE_H
#define VLY_DATAPLANE_DEFENCE_H

#include <volley/defence.h>

/* Checks a block (untrusted, of the whole size). Returns NULL, or a static text that says what is
 * wrong. Any thread; does not block. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_defence_check(const struct vly_defence *defence);

/* Maps and checks the sealed memfd `fd` (untrusted, stays the caller's). Returns the block, the
 * caller's until it is published, or NULL with a static text that says what is wrong. */
__attribute__((nonnull, warn_unused_result)) struct vly_defence *
vly_defence_map(int fd, const char **reason);

/* Unmaps a block that was not published. */
__attribute__((nonnull)) void vly_defence_unmap(struct vly_defence *defence);

/* Makes `defence` live and unmaps the previous one after a grace period: blocks until every reader
 * has passed a quiescent state. Main thread only, and not as an online RCU reader. */
__attribute__((nonnull)) void vly_defence_publish(struct vly_defence *defence);

/* The live defence. Inside an RCU read side, or in the main thread. */
__attribute__((returns_nonnull)) const struct vly_defence *vly_defence_live(void);

#endif

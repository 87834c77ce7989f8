/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steering in force (volley/steer.h), read by lcores and stream threads.
 *
 * Use, in the main thread, for each pair of memfds from volley-control: vly_steer_map(), then
 * vly_steer_publish(). Until the first one, there is no steering: steered names give alternative 0.
 * Use, in a reader registered with rcu_register_thread(): vly_steer_live() once per burst. The result
 * is valid until the reader's next rcu_quiescent_state() or rcu_thread_offline().
 */
#ifndef VLY_DATAPLANE_STEER_H
#define VLY_DATAPLANE_STEER_H

#include <volley/steer.h>

struct vly_steer {
	const struct vly_steer_header *block; /* checked */
	/* [block->slot_cnt]; control writes them at any time */
	const uint16_t *slot;
	uint64_t slot_bytes;
};

/* Checks and maps the memfds (untrusted, stay the caller's). Returns the steering, the caller's until
 * it is published, or NULL with a static text that says what is wrong. */
__attribute__((nonnull, warn_unused_result)) struct vly_steer *
vly_steer_map(int block_fd, int slot_fd, const char **reason);

/* Unmaps what was not published. */
void vly_steer_unmap(struct vly_steer *steer);

/* Makes `steer` live (NULL: none) and unmaps the previous one after a grace period: blocks until every
 * reader has passed a quiescent state. Main thread only, and not as an online RCU reader. */
void vly_steer_publish(struct vly_steer *steer);

/* The live steering, or NULL. Inside an RCU read side, or in the main thread. */
const struct vly_steer *vly_steer_live(void);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thread for work that blocks, and that must not wait in libuv's pool until zones have been
 * loaded.
 *
 * Use:
 *   1. vly_side_work_init();
 *   2. vly_side_work_run(): `work` is called in the thread, then `done` on the loop; one at a time;
 *   3. vly_side_work_close(), at any time. `done` is not called any more; `closed` is, on the loop,
 *      when nothing runs.
 *
 * Threads: the loop's, but for `work`. Ownership: the caller's, until `closed`.
 */
#ifndef VLY_CONTROL_SIDE_WORK_H
#define VLY_CONTROL_SIDE_WORK_H

#include <stdbool.h>
#include <uv.h>

struct vly_side_work {
	uv_async_t end; /* of the work */
	uv_thread_t thread;
	bool has_thread;
	bool running;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* Returns 0 or a libuv error. */
__attribute__((nonnull, warn_unused_result)) int vly_side_work_init(struct vly_side_work *side,
								    uv_loop_t *loop);

/* Runs `work` in the thread. If no thread can be created, `work` is called before this returns, and
 * blocks the loop. */
__attribute__((nonnull(1, 2, 3))) void vly_side_work_run(struct vly_side_work *side,
							 void (*work)(void *arg),
							 void (*done)(void *arg), void *arg);

__attribute__((nonnull)) bool vly_side_work_is_running(const struct vly_side_work *side);

__attribute__((nonnull(1, 2))) void vly_side_work_close(struct vly_side_work *side,
							void (*closed)(void *arg), void *arg);

#endif

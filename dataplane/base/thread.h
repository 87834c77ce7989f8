/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads of our own, beside the main thread and the lcores.
 *
 * Use: vly_thread_start(), then uv_thread_join(), in the main thread.
 */
#ifndef VLY_DATAPLANE_THREAD_H
#define VLY_DATAPLANE_THREAD_H

#include <uv.h>

/* Starts a thread that no signal reaches but VLY_POSITION_SIGNAL, as all others are the main
 * thread's. `name`, of at most 15 characters, is what ps and the kernel call it; `argument` stays
 * the caller's. Returns 0 or an error of libuv's. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) int
vly_thread_start(uv_thread_t *thread, const char *name, uv_thread_cb run, void *argument);

#endif

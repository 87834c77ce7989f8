/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts threads, besides the main thread and the lcores.
 *
 * Use, in the main thread: vly_thread_start(), then uv_thread_join().
 */
#ifndef VLY_DATAPLANE_THREAD_H
#define VLY_DATAPLANE_THREAD_H

#include <uv.h>

/* Starts a thread that blocks all signals except VLY_POSITION_SIGNAL: the main thread handles the
 * others. `name`: at most 15 characters, shown by ps. `argument` stays the caller's. Returns 0 or a
 * libuv error. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) int
vly_thread_start(uv_thread_t *thread, const char *name, uv_thread_cb run, void *argument);

#endif

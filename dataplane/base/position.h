/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds out where another thread is in the program, by a signal that the thread handles.
 *
 * Use: vly_position_start() once, in the main thread, before other threads start;
 * vly_position_ask() from one thread only.
 */
#ifndef VLY_DATAPLANE_POSITION_H
#define VLY_DATAPLANE_POSITION_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

/* The only signal that threads of base/thread.h do not block. */
#define VLY_POSITION_SIGNAL SIGUSR2

void vly_position_start(void);

/*
 * Writes the thread's address and those of its callers, as "volley-dataplane+0x12a0 ...", for
 * addr2line -e. Blocks for up to 200 ms. If the thread does not handle the signal in that time, it
 * is in a system call or held by a debugger, and the text says so.
 */
__attribute__((nonnull)) void vly_position_ask(pid_t tid, char *text, size_t text_bytes);

#endif

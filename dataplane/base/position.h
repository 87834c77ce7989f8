/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where another thread of ours is in the program, asked by a signal that it takes wherever it
 * spins.
 *
 * Use: vly_position_start() once, before there are threads to ask; vly_position_ask(). One thread
 * asks.
 */
#ifndef VLY_DATAPLANE_POSITION_H
#define VLY_DATAPLANE_POSITION_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

/* Threads that block other signals leave this one alone. */
#define VLY_POSITION_SIGNAL SIGUSR2

void vly_position_start(void);

/*
 * Writes the addresses that the thread is at, and was called from, as "volley-dataplane+0x12a0
 * ...", for addr2line -e. A thread that does not take the signal in time, 200 ms if it runs, is in
 * a system call, or held by a debugger, and that is what is written.
 */
__attribute__((nonnull)) void vly_position_ask(pid_t tid, char *text, size_t text_bytes);

#endif

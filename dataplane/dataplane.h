/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All of volley-dataplane between its command line and its exit status: starts, runs until a
 * signal, and takes everything down again.
 */
#ifndef VLY_DATAPLANE_DATAPLANE_H
#define VLY_DATAPLANE_DATAPLANE_H

#include "setup/options.h"

/* Exit statuses: the start failed; the flags are wrong. */
#define VLY_DATAPLANE_FAILED 1
#define VLY_DATAPLANE_USAGE  2

/* Not an exit status: the caller must run the program again with --huge-pages off. */
#define VLY_DATAPLANE_NO_HUGE_PAGES (-1)

/* Runs until SIGTERM or SIGINT. Returns the exit status: 0; 1 if the start failed or no port works
 * any more; or VLY_DATAPLANE_NO_HUGE_PAGES. Does not return if the watchdog ends the program. */
__attribute__((nonnull, warn_unused_result)) int vly_dataplane_run(struct vly_options *options);

#endif

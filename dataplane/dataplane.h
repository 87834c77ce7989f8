/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole of volley-dataplane between its command line and its exit status: start, run until told
 * to stop, take everything down again.
 */
#ifndef VLY_DATAPLANE_DATAPLANE_H
#define VLY_DATAPLANE_DATAPLANE_H

#include "setup/options.h"

/* Exit statuses: it could not start; its flags are wrong. */
#define VLY_DATAPLANE_FAILED 1
#define VLY_DATAPLANE_USAGE  2

/* Not an exit status: run once more in a new process, with --huge-pages off. */
#define VLY_DATAPLANE_NO_HUGE_PAGES (-1)

/* Runs until SIGTERM or SIGINT. Returns the exit status: 0; 1 when it could not start, or when no
 * port is left that works; or VLY_DATAPLANE_NO_HUGE_PAGES. Does not return when the watchdog ends
 * it. */
__attribute__((nonnull, warn_unused_result)) int vly_dataplane_run(struct vly_options *options);

#endif

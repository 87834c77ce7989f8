/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts that are tried again, as --retry asks for: <volley/retry.h>, in this program.
 *
 * Use, in the main thread: vly_start_done() once everything works; vly_start_again() when
 * vly_dataplane_run() has failed.
 */
#ifndef VLY_DATAPLANE_START_H
#define VLY_DATAPLANE_START_H

/* The start is over: what fails from now on is not tried again. Logs how many attempts it took, if
 * there were several. */
void vly_start_done(void);

/* Waits and starts again, in this process. Returns `status` when that is not wanted or can't help:
 * without --retry, after vly_start_done(), and when wrong flags would be the same again. */
__attribute__((nonnull, warn_unused_result)) int vly_start_again(char **argv, int status);

#endif

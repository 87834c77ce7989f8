/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Retries a failed start if --retry was given (volley/retry.h).
 *
 * Use, in the main thread: vly_start_done() when everything works; vly_start_again() if
 * vly_dataplane_run() has failed.
 */
#ifndef VLY_DATAPLANE_START_H
#define VLY_DATAPLANE_START_H

/* The start has succeeded: later failures are not retried. Logs the number of failed attempts, if
 * any. */
void vly_start_done(void);

/* Waits and starts the program again in this process. Returns `status` if it does not: without
 * --retry, after vly_start_done(), or if wrong flags would be the same again. */
__attribute__((nonnull, warn_unused_result)) int vly_start_again(char **argv, int status);

#endif

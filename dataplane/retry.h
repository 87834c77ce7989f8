/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What volley-dataplane --retry does: <volley/retry.h>, in this program.
 *
 * Use: vly_start_done() once everything works; vly_start_again() when vly_dataplane_run() is over
 * and has failed. Main thread.
 */
#ifndef VLY_DATAPLANE_RETRY_H
#define VLY_DATAPLANE_RETRY_H

/* Says so when it took several attempts. */
void vly_start_done(void);

/* Waits and starts again, in this process. Returns `status` where that is not wanted or can't help:
 * without --retry, after vly_start_done(), and for flags that would be the same again. */
__attribute__((nonnull, warn_unused_result)) int vly_start_again(char **argv, int status);

#endif

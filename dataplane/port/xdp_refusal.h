/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs why the kernel refuses to load an XDP program, and saves the verifier's log in a file.
 *
 * Use: vly_xdp_refusal_report() after DPDK's driver has failed to set up a queue: the driver does
 * not report the reason, so the program is loaded again. Main thread; blocks while the verifier
 * runs.
 */
#ifndef VLY_DATAPLANE_XDP_REFUSAL_H
#define VLY_DATAPLANE_XDP_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

/* In the first of these directories in which it can be created: $RUNTIME_DIRECTORY, /run/volley,
 * $TMPDIR, /tmp. A previous file is replaced. */
#define VLY_XDP_REFUSAL_FILE "volley-xdp-verifier.log"

/* The largest file. Of a longer log, the end is kept, which has the reason. The logs of our program
 * have less than a tenth of this. */
#define VLY_XDP_REFUSAL_FILE_BYTES_MAX (UINT32_C(4) << 20)

/* Room for a line of the verifier. */
#define VLY_XDP_REFUSAL_CAUSE_CHARS 256

/*
 * Loads the XDP program at `path`, and logs an error that begins with `port` when the kernel
 * refuses it. Returns whether it did: false when the program loads, or when the process lacks a
 * capability, so that nothing can be said about the program.
 */
__attribute__((nonnull, warn_unused_result)) bool vly_xdp_refusal_report(const char *port,
									 const char *path);

/* Copies the line of the verifier's log that says what is wrong: the last that is no statistics.
 * "" when there is none. */
__attribute__((nonnull)) void vly_xdp_refusal_cause(const char *log,
						    char cause[VLY_XDP_REFUSAL_CAUSE_CHARS]);

#endif

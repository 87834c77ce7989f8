/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why the kernel does not load an XDP program, in a line of log; the verifier's own log goes to a
 * file.
 *
 * Use: vly_xdp_refusal_report() after DPDK's driver has failed to set up a queue: the driver keeps
 * the reason to itself, so the program is loaded once more. Main thread; blocks for as long as the
 * verifier works.
 */
#ifndef VLY_DATAPLANE_XDP_REFUSAL_H
#define VLY_DATAPLANE_XDP_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

/* In the first of these directories where it can be made: $RUNTIME_DIRECTORY, /run/volley, $TMPDIR,
 * /tmp. An older one is replaced, so that there is never more than one. */
#define VLY_XDP_REFUSAL_FILE "volley-xdp-verifier.log"

/* Octets of the file at the most. Of a longer log the end is kept, which has the reason; those of
 * our program have less than a tenth. */
#define VLY_XDP_REFUSAL_FILE_BYTES_MAX (UINT32_C(4) << 20)

/* Room for a line of the verifier's. */
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

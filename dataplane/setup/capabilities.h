/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which capabilities a port needs and the process lacks: drivers and libraries call that "Invalid
 * argument".
 *
 * Use, after something has failed: vly_capabilities_hint(). Any thread; the kernel is asked each
 * time.
 */
#ifndef VLY_DATAPLANE_CAPABILITIES_H
#define VLY_DATAPLANE_CAPABILITIES_H

#include "options.h"

/* Room for the longest hint: three names, and where they may have gone. */
#define VLY_CAPABILITIES_CHARS 160

/* Writes "" or, to be put behind an error of such a port, "; CAP_NET_RAW is missing, ...". */
__attribute__((nonnull)) void vly_capabilities_hint(enum vly_port_kind kind,
						    char hint[VLY_CAPABILITIES_CHARS]);

/* Whether memory may be locked without regard to RLIMIT_MEMLOCK. */
__attribute__((warn_unused_result)) bool vly_capabilities_lock_memory(void);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the capabilities that a port needs and the process lacks: drivers and libraries report that
 * only as "Invalid argument".
 *
 * Use, after a failure: vly_capabilities_hint(). Any thread; each call makes system calls.
 */
#ifndef VLY_DATAPLANE_CAPABILITIES_H
#define VLY_DATAPLANE_CAPABILITIES_H

#include "options.h"

/* Room for the longest hint: three names, and why they may be missing. */
#define VLY_CAPABILITIES_CHARS 160

/* Writes "" or "; CAP_NET_RAW is missing: ...", to follow the error message of a port of this
 * kind. */
__attribute__((nonnull)) void vly_capabilities_hint(enum vly_port_kind kind,
						    char hint[VLY_CAPABILITIES_CHARS]);

/* Whether memory can be locked beyond RLIMIT_MEMLOCK. */
__attribute__((warn_unused_result)) bool vly_capabilities_lock_memory(void);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks a steering block (volley/steer.h), once, before it is used: then lookups need no checks but
 * that of the number in a slot. No state; any thread; a map of a million prefixes takes about a tenth
 * of a second.
 */
#ifndef VLY_COMMON_STEER_CHECK_H
#define VLY_COMMON_STEER_CHECK_H

#include <volley/steer.h>

/* Policies of a block. Each has its own numbering of alternatives, so that there are about as many as
 * in a configuration. */
#define VLY_STEER_POLICIES_MAX (UINT32_C(1) << 20)

/* Checks the `bytes` octets of a block, aligned to 64 octets (untrusted, but nobody writes to it any
 * more), whose slots have `slot_bytes`. Returns NULL; or what is wrong, a sentence without a full
 * stop. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_steer_check(const void *block, uint64_t bytes, uint64_t slot_bytes);

/* The checksum of a block whose header has the right size. */
__attribute__((nonnull)) uint64_t vly_steer_sum(const struct vly_steer_header *steer);

#endif

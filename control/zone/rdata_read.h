/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RDATA from the words of a record: every type that has a presentation form, in every spelling that
 * RFCs allow, and the form \# for all types. libzscanner reads most records; this is for those that
 * it refuses or does not know, so both give the same RDATA for a record that both read. The one
 * exception is SVCB's lists with escapes, where libzscanner is wrong (RFC 9460 appendix A.1).
 * No state; any thread; no function blocks.
 */
#ifndef VLY_CONTROL_RDATA_READ_H
#define VLY_CONTROL_RDATA_READ_H

#include <stddef.h>
#include <stdint.h>

#include "token.h"

#define VLY_RDATA_BYTES_MAX 65535

/*
 * Reads RDATA of `type` from the words behind the type (untrusted). Relative names end with
 * `origin`, in wire form. Returns its length, or -1 with a sentence in `why`, which has no full
 * stop, and names the field.
 */
__attribute__((nonnull(4, 5, 6), warn_unused_result)) int
vly_rdata_read(uint16_t type, const struct vly_token *token, unsigned cnt, const uint8_t *origin,
	       uint8_t to[VLY_RDATA_BYTES_MAX], char *why, size_t why_size);

#endif

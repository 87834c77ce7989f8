/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RDATA of a message without compression. No state; any thread; no function blocks. */
#ifndef VLY_CONTROL_RDATA_EXPAND_H
#define VLY_CONTROL_RDATA_EXPAND_H

#include "base/message.h"

#define VLY_RDATA_BYTES_MAX 65535

/*
 * Writes the data of a record (untrusted) with its names in full, in the types whose names a receiver
 * decompresses: those of RFC 1035, and those that RFC 3597 §4 adds. Returns the octets; or -1 when a
 * name is malformed, or they are more than VLY_RDATA_BYTES_MAX.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_rdata_expand(const struct vly_message_reader *message, const struct vly_message_record *record,
		 uint8_t to[VLY_RDATA_BYTES_MAX]);

#endif

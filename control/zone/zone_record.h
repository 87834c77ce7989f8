/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For zone_scan.c alone: the second reader of records, for those that libzscanner refuses. It reads
 * every type and every spelling that RFC 1035 §5.1 and RFC 3597 §5 allow, and its messages say what
 * is wrong.
 */
#ifndef VLY_CONTROL_ZONE_RECORD_H
#define VLY_CONTROL_ZONE_RECORD_H

#include "token.h"
#include "zone_reader.h"

/* Room for a sentence about what is wrong. */
#define VLY_ZONE_RECORD_WHY_BYTES 200

/* Reads the record into the scanner's r_ members, as libzscanner does: what the record leaves out
 * is the scanner's current owner and default TTL. Returns false with a sentence in `why`
 * when it is malformed. */
__attribute__((nonnull, warn_unused_result)) bool
vly_zone_record_read(struct vly_zone_reader *reader, const struct vly_lexed *lexed,
		     char why[VLY_ZONE_RECORD_WHY_BYTES]);

#endif

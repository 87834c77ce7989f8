/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For zone_scan.c alone: $ORIGIN, $TTL and $INCLUDE (RFC 1035 §5.1, RFC 2308 §4), with names that
 * may be relative, as in BIND. */
#ifndef VLY_CONTROL_ZONE_DIRECTIVE_H
#define VLY_CONTROL_ZONE_DIRECTIVE_H

#include "token.h"
#include "zone_reader.h"

/* Does what the directive says, whose words are in reader->lexed (and no longer afterwards).
 * Returns false when it has reported an error: what follows can't be read then. */
__attribute__((nonnull, warn_unused_result)) bool
vly_zone_directive(struct vly_zone_reader *reader);

#endif

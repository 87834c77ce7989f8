/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone as text, for comparisons: a line for each record, with absolute names, its TTL, class and
 * type; the SOA first, then names in canonical order (RFC 4034 §6.1), types by number, data in
 * canonical order (§6.3). Records that are there twice are printed once, with the TTL that the set
 * is served with. Owners are in lower case, as the zone has them. One thread at a time for each
 * zone; blocks for memory and output.
 */
#ifndef VLY_CONTROL_ZONE_PRINT_H
#define VLY_CONTROL_ZONE_PRINT_H

#include <stdio.h>

#include "rdata_print.h"
#include "zone.h"

/* Returns 0, or -1 when there is no memory. Whether all was written, ferror() says. */
__attribute__((nonnull, warn_unused_result)) int vly_zone_print(const struct vly_zone *zone,
								FILE *out);

/* Writes one such line. `owner`: as vly_rdata_print_name() writes it. */
__attribute__((nonnull)) void vly_zone_print_line(FILE *out, const char *owner, uint32_t ttl,
						  uint16_t type, const uint8_t *data,
						  unsigned data_len,
						  char buffer[VLY_RDATA_TEXT_BYTES]);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of a whole zone, once all records are read; zone_report.h lists them. Any thread; no
 * function blocks. */
#ifndef VLY_CONTROL_ZONE_CHECK_H
#define VLY_CONTROL_ZONE_CHECK_H

#include "rrset.h"
#include "zone_report.h"

/* Checks a zone and reports the findings. */
__attribute__((nonnull)) void vly_zone_check(const struct vly_zone *zone,
					     struct vly_zone_report *report);

/* Writes a name in wire form to `text` in presentation form (RFC 1035 §5.1), cut short when it does
 * not fit. Returns `text`. */
__attribute__((nonnull)) const char *vly_name_text(const uint8_t *name, char *text, size_t size);

#define VLY_NAME_TEXT_BYTES 1016 /* 4 characters for each octet */

#endif

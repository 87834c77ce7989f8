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

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks of a whole zone, once all records are read. Which there are is in zone_report.h. */
#ifndef VLY_CONTROL_ZONE_CHECK_H
#define VLY_CONTROL_ZONE_CHECK_H

#include "rrset.h"
#include "zone_report.h"

/* Checks a zone that has been read, and reports what it finds. */
__attribute__((nonnull)) void vly_zone_check(const struct vly_zone *zone,
					     struct vly_zone_report *report);

#endif

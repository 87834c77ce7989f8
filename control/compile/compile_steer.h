/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steered names in a zone's tree (steer/steer_model.h). A steered name need not be in the zone: it gets a node,
 * and for each steered type that it has no records of, one record that stands for them. So all that compiling
 * decides by which names and types there are, is decided as if the zone had the alternatives. Records of a
 * steered type that the zone has are answered to nobody.
 *
 * One thread at a time for each zone.
 */
#ifndef VLY_CONTROL_COMPILE_STEER_H
#define VLY_CONTROL_COMPILE_STEER_H

#include "steer/steer_model.h"
#include "zone/zone.h"
#include "zone/zone_report.h"

/*
 * Adds the steered names of a checked zone to it, and marks their nodes with VLY_ZONE_STEERED. `model` may be
 * NULL. A name can't be steered below a delegation, or beside a CNAME, say. That is an error in the report; but
 * in a zone that `lives`, which may become so at any time, the name then is not steered, and has what the zone
 * has. A signed zone is an error. Returns 0, or -1 with an error.
 */
__attribute__((nonnull(1, 4), warn_unused_result)) int
vly_compile_steer_prepare(struct vly_zone *zone, const struct vly_steer_model *model, bool lives,
			  struct vly_zone_report *report);

/* Takes away again what stands for records; nodes stay. */
__attribute__((nonnull(1))) void vly_compile_steer_undo(struct vly_zone *zone,
							const struct vly_steer_model *model);

/* The same for one node of a partial zone (overlay.h), if it is steered. Its records are in, and all nodes above
 * it. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_compile_steer_node(struct vly_zone *zone, uint32_t idx, const struct vly_steer_model *model,
		       const struct vly_steer_zone *steered);

/* The steered names of a zone that is being compiled; NULL: none. */
__attribute__((nonnull(1))) const struct vly_steer_zone *
vly_compile_steer_zone(const struct vly_zone *zone, const struct vly_steer_model *model);

#endif

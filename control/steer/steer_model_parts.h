/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of the model alone, by file: steer_model.c (names of zones, ownership), steer_kind.c
 * (alternatives and their numbers), steer_plan.c (policies: partitions, classes, ways). */
#ifndef VLY_CONTROL_STEER_MODEL_PARTS_H
#define VLY_CONTROL_STEER_MODEL_PARTS_H

#include "steer_model.h"

/* The kind of a policy and type, made when there is none. Returns its index; UINT_MAX without memory. */
__attribute__((nonnull)) unsigned vly_steer_kind_add(struct vly_steer_model *model, unsigned policy,
						     enum vly_steer_type type);
__attribute__((nonnull)) void vly_steer_kind_free(struct vly_steer_kind *kind);

/* Makes the plan of a policy, unless it has one. Returns 0, or -1 without memory. */
__attribute__((nonnull)) int vly_steer_plan_add(struct vly_steer_model *model, unsigned policy);
__attribute__((nonnull)) void vly_steer_plan_free(struct vly_steer_policy_plan *plan);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers of steered names: which alternative a query gets (steer/pick.h).
 *
 * Use, for a node with VLY_NODE_STEERED and what it has for the type (a ref of a choice):
 *   - vly_steered_note() in the stage that finds the node; the stages of query.h do the rest;
 *   - or, where no stages are left, vly_steered_choose().
 *
 * Threads and RCU: as query.h.
 */
#ifndef VLY_DATAPLANE_STEERED_H
#define VLY_DATAPLANE_STEERED_H

#include "query.h"

/* Who sent the query. Of an unknown address, 0.0.0.0. */
__attribute__((nonnull)) struct vly_steer_client vly_steered_source(const struct vly_query *query);

/* Puts the query on VLY_COURSE_STEERED. Returns the stages that are left for it. */
__attribute__((nonnull)) unsigned vly_steered_note(struct vly_query *query, vly_image_ref choice);

/* The answer; sets the scope of the query's client subnet. */
__attribute__((nonnull)) vly_image_ref vly_steered_choose(struct vly_query *query,
							  vly_image_ref choice);

#endif

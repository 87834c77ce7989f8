/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The canonical order of names (RFC 4034 §6.1). No state; any thread; no function blocks. */
#ifndef VLY_CONTROL_NAME_ORDER_H
#define VLY_CONTROL_NAME_ORDER_H

#include "zone.h"

/* Compares two sound names, in wire form and lower case. Returns <0, 0 or >0. */
__attribute__((nonnull)) int vly_name_order(const uint8_t *left, const uint8_t *right);

/*
 * Lists the nodes of a zone for which `wanted` returns true (NULL: all) in canonical order. A zone
 * file in that order takes one pass. Returns the list of *cnt node indices, the caller's to free;
 * or NULL when there is no memory.
 */
__attribute__((nonnull(1, 3), warn_unused_result)) uint32_t *
vly_zone_order(const struct vly_zone *zone,
	       bool (*wanted)(const struct vly_zone *zone, uint32_t idx), uint32_t *cnt);

#endif

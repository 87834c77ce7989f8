/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The version of a zone in responses (ZONEVERSION, RFC 9660): the serial of the zone that the question's
 * name is in, for clients that ask for it. There is none in errors.
 *
 * Use:
 *   1. vly_version_ask() when a query has the option;
 *   2. vly_version_find() when all of the query was parsed, before its name is looked up;
 *   3. vly_version_confirm() afterwards: if the zone has changed meanwhile, the response could be of
 *      either version, and has none;
 *   4. vly_version_write() the option. vly_version_drop() at any time.
 *
 * Threads and RCU: as vly_query_answer().
 */
#ifndef VLY_DATAPLANE_VERSION_H
#define VLY_DATAPLANE_VERSION_H

#include "query.h"

/* What the option has in a query is ignored (RFC 9660 §3.1). */
__attribute__((nonnull)) void vly_version_ask(struct vly_query *query);

/* `table` may be NULL. */
__attribute__((nonnull(1))) void vly_version_find(struct vly_query *query,
						  const struct vly_table *table);

__attribute__((nonnull)) void vly_version_confirm(struct vly_query *query);

__attribute__((nonnull)) void vly_version_drop(struct vly_query *query);

/* Returns the octets of the option. */
__attribute__((nonnull)) unsigned vly_version_write(uint8_t *to, const struct vly_query *query);

#endif

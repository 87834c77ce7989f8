/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed queries (RFC 8945). There are no keys yet, so every key is unknown: the answer is NOTAUTH
 * with a TSIG record whose error is BADKEY (§5.2.1), which is not signed (§5.3.2).
 *
 * Use: vly_tsig_take() for the TSIG record of a query, while it is parsed; if the query's fate is
 * VLY_QUERY_TSIG in the end, vly_tsig_write_error() for the response.
 */
#ifndef VLY_DATAPLANE_TSIG_ERROR_H
#define VLY_DATAPLANE_TSIG_ERROR_H

#include <stdbool.h>

#include "base/wire.h"
#include "query.h"

struct vly_guard;

/* Takes in a TSIG record, the last of the message, of a query whose question has been read. Returns
 * false when it is malformed. */
__attribute__((cold, nonnull, warn_unused_result)) bool
vly_tsig_take(struct vly_query *query, const struct vly_record *record);

/* Writes the response, unless the guard has something else sent. It is no larger than the query but
 * for what EDNS adds. */
__attribute__((cold, nonnull(1, 3))) void vly_tsig_write_error(struct vly_query *query,
							       struct vly_guard *guard,
							       struct vly_lcore_counters *counters);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries with TSIG (RFC 8945) that nobody verifies: those that volley-control is to sign go another
 * way (request/signed_query.h). Here every key is unknown: the response is NOTAUTH with an unsigned TSIG
 * record (§5.3.2) whose error is BADKEY (§5.2.1).
 *
 * Use: vly_tsig_take() with the TSIG record while the query is parsed; if the query's fate is
 * VLY_QUERY_TSIG in the end, vly_tsig_write_error(). Threads and RCU: as query.h.
 */
#ifndef VLY_DATAPLANE_TSIG_ERROR_H
#define VLY_DATAPLANE_TSIG_ERROR_H

#include <stdbool.h>

#include "base/wire.h"
#include "query.h"

struct vly_guard;

/* Takes the TSIG record (untrusted), the last of the message, of a query whose question has been
 * read. Returns false if it is malformed. */
__attribute__((cold, nonnull, warn_unused_result)) bool
vly_tsig_take(struct vly_query *query, const struct vly_record *record);

/* Writes the response, unless the guard decides otherwise. It is no larger than the query, apart
 * from the options of its OPT. */
__attribute__((cold, nonnull(1, 3))) void vly_tsig_write_error(struct vly_query *query,
							       struct vly_guard *guard,
							       struct vly_lcore_counters *counters);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client subnet option (ECS, RFC 7871): where the client of a resolver is. It is read if the
 * steering in force says so, and if the resolver may send it; from others, it is ignored as an unknown
 * option is. It is returned with the prefix length within which the answer is the same.
 *
 * Use:
 *   1. vly_subnet_take() when a query has the option;
 *   2. vly_subnet_is_given(), vly_subnet_client() and vly_subnet_set_scope() when an answer depends on
 *      it;
 *   3. vly_subnet_write() the option.
 *
 * Threads and RCU: as vly_query_answer(). The address is not logged, nor kept beyond the response.
 */
#ifndef VLY_DATAPLANE_SUBNET_H
#define VLY_DATAPLANE_SUBNET_H

#include "query.h"

/* Takes the `bytes` octets behind the head of the option at `option`. Returns false if they are
 * malformed (RFC 7871 §6, §7.2.1): FORMERR. Of several options the first one counts. */
__attribute__((nonnull, warn_unused_result)) bool
vly_subnet_take(struct vly_query *query, const uint8_t *option, unsigned bytes);

/* Whether the query says where the client is. With a source prefix of 0 it does not, and its response
 * has scope 0: a resolver keeps that for queries with the same prefix alone (RFC 7871 §7.3.1). */
static inline bool
vly_subnet_is_given(const struct vly_query *query)
{
	return (query->asks & VLY_ASKS_SUBNET) && query->subnet.octets[VLY_SUBNET_SOURCE] != 0;
}

/* The client, if it is given. */
__attribute__((nonnull)) struct vly_steer_client vly_subnet_client(const struct vly_query *query);

static inline void
vly_subnet_set_scope(struct vly_query *query, unsigned bits)
{
	query->subnet.octets[VLY_SUBNET_SCOPE] = (uint8_t)bits;
}

/* Writes the option of a query with VLY_ASKS_SUBNET. Returns its octets. */
__attribute__((nonnull)) unsigned vly_subnet_write(uint8_t *to, const struct vly_query *query);

#endif

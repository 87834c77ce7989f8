/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries with TSIG (RFC 8945), whose responses volley-control signs: it has the keys, and the dataplane
 * has the answers.
 *
 * Use: vly_signed_query_take() makes a plain query of a signed one; answer that; call
 * vly_signed_query_fit() if the response is a datagram; put both into a request (requests.h), after
 * vly_signed_query_restore(). Pure; any thread. All octets are untrusted.
 */
#ifndef VLY_DATAPLANE_SIGNED_QUERY_H
#define VLY_DATAPLANE_SIGNED_QUERY_H

#include <stddef.h>
#include <stdint.h>

/* If the last record of a query is its TSIG, takes it out of the header's count, and returns the
 * octets before it. 0, and nothing is changed: there is none, or the message is malformed. */
__attribute__((nonnull, warn_unused_result)) uint16_t vly_signed_query_take(uint8_t *message,
									    uint16_t bytes);

/* Makes a message what it was before vly_signed_query_take(). */
__attribute__((nonnull)) void vly_signed_query_restore(uint8_t *message);

/* Cuts a response down to its question, with TC, unless it has at most `limit` octets together with the
 * signature. `tsig` is the query's TSIG record, of `tsig_bytes` octets. Returns the octets of the
 * response. */
__attribute__((nonnull, warn_unused_result)) uint16_t
vly_signed_query_fit(uint8_t *response, uint16_t bytes, const uint8_t *tsig, unsigned tsig_bytes,
		     unsigned limit);

#endif

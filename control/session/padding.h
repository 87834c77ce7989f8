/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Padding of messages over TLS (RFC 7830, RFC 8467, RFC 9103 §6.5), so that their length says little.
 *
 * Use: vly_padding_add() when the message is complete but for its TSIG. Pure functions; any thread.
 */
#ifndef VLY_CONTROL_PADDING_H
#define VLY_CONTROL_PADDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8467 §4.1 recommends these. */
#define VLY_PADDING_QUERY_BLOCK    128
#define VLY_PADDING_RESPONSE_BLOCK 468

/* Of an OPT record without options, and of an empty option. */
#define VLY_PADDING_OPT_BYTES    11
#define VLY_PADDING_OPTION_BYTES 4

/*
 * Pads message[0..len-1], a message of ours, to a multiple of `block` (at least 1) octets together
 * with `behind`, the octets of a TSIG that will follow (vly_tsig_stream_bytes()). The message has no
 * more than `room` octets with padding and `behind`; if a whole block has no room, it is filled up
 * to `room`. Its OPT must be the last record; without one, one is appended if `add_opt`: right for
 * queries, and for responses to queries that had one. Returns the new length; or `len`, and changes
 * nothing: there is no OPT or no room, or the message has padding already.
 */
__attribute__((nonnull, warn_unused_result)) size_t vly_padding_add(uint8_t *message, size_t len,
								    size_t room, size_t block,
								    size_t behind, bool add_opt);

#endif

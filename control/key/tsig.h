/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TSIG (RFC 8945): verifies requests and signs their responses.
 *
 * Use:
 *   1. vly_tsig_find() in the request (untrusted);
 *   2. find the key by vly_tsig.key;
 *   3. vly_tsig_verify();
 *   4. vly_tsig_append() to the response: also when verifying failed, with its result.
 *
 * Pure functions over octets, with the time as a parameter: no state, any thread, no function
 * blocks. MACs are compared in constant time.
 */
#ifndef VLY_CONTROL_TSIG_H
#define VLY_CONTROL_TSIG_H

#include <stdbool.h>

#include "base/message.h"
#include "tsig_key.h"

/* Errors of TSIG (§3), and 0. */
enum {
	VLY_TSIG_OK = 0,
	VLY_TSIG_FORMERR = 1, /* an RCODE: the response has no TSIG */
	VLY_TSIG_BADSIG = 16,
	VLY_TSIG_BADTIME = 18,
	VLY_TSIG_BADTRUNC = 22,
};

/* The longest time, in seconds, that a request and our clock may be apart, whatever the request's
 * fudge says: what §10 recommends. Longer: a recorded request could be repeated for longer. */
#define VLY_TSIG_FUDGE_MAX 300

struct vly_tsig {
	bool found;
	size_t off;                  /* of the record in the message */
	struct vly_message_name key; /* lower case */
	struct vly_message_name algorithm;
	uint64_t time;
	uint16_t fudge;
	uint16_t mac_len; /* may be more than mac[] has; not good then */
	uint8_t mac[VLY_TSIG_MAC_BYTES_MAX];
	uint16_t original_id;
	uint16_t error;
	uint16_t other_len;
	size_t other_off;
};

/* Finds the TSIG record of a message. Returns 0, with `found` false if there is none; or -1: the
 * message or the record is malformed, or the record is not the last one (§5.2). */
__attribute__((nonnull, warn_unused_result)) int vly_tsig_find(struct vly_tsig *tsig,
							       const uint8_t *message, size_t len);

/*
 * Verifies the message in which `tsig` was found. `key`: that of its name, NULL when there is none.
 * `now`: seconds since 1970. Returns 0; VLY_TSIG_FORMERR for a MAC of a length that no MAC has
 * (§5.2.2.1); or BADKEY, BADSIG, BADTIME or BADTRUNC, in that order.
 */
__attribute__((nonnull(1, 3), warn_unused_result)) unsigned
vly_tsig_verify(const struct vly_tsig *tsig, const struct vly_tsig_key *key, const uint8_t *message,
		uint64_t now);

/*
 * Appends a TSIG record to response[0..len-1], which has no more than `room` octets with it. `error`
 * is the result of verifying. With BADKEY and BADSIG the response is not signed (§5.3.2). Returns
 * the new length, or 0 when there is no room or no memory.
 */
__attribute__((nonnull(1, 4), warn_unused_result)) size_t
vly_tsig_append(uint8_t *response, size_t len, size_t room, const struct vly_tsig *request,
		const struct vly_tsig_key *key, unsigned error, uint64_t now);

#endif

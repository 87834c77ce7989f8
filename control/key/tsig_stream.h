/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TSIG of responses with many messages (RFC 8945 §5.3.1), as zone transfers have them; and of
 * requests with one response, which is the same with one message.
 *
 * Use as client:
 *   1. vly_tsig_stream_request() signs the request;
 *   2. vly_tsig_stream_verify() for each message of the response, in order;
 *   3. vly_tsig_stream_end() when the response is complete: only then is all of it proven. Up to 99
 *      messages behind a signature are proven by the next one alone, so that nothing may be
 *      committed before;
 *   4. vly_tsig_stream_wipe().
 * Over UDP, where anybody may send a response with a wrong signature, verify with a copy of the
 * stream: it may be copied as long as it has verified nothing, and each copy is wiped.
 * As server:
 *   1. vly_tsig_verify() of the request (tsig.h);
 *   2. vly_tsig_stream_respond();
 *   3. vly_tsig_stream_sign() for each message, in order;
 *   4. vly_tsig_stream_wipe().
 *
 * Ownership: the key is copied, so that it may go away during a transfer; _wipe() clears it and frees
 * the state of the digest. A stream of zeroes may be wiped. Threads: one at a time. No function
 * blocks. Time is a parameter, in seconds since 1970.
 */
#ifndef VLY_CONTROL_TSIG_STREAM_H
#define VLY_CONTROL_TSIG_STREAM_H

#include <gnutls/crypto.h>

#include "tsig.h"

/* Messages without a signature between two with one: a client must accept these (§5.3.1). */
#define VLY_TSIG_GAP_MAX 99

struct vly_tsig_stream {
	struct vly_tsig_key key;
	struct vly_message_name algorithm;   /* as the request has it */
	gnutls_hmac_hd_t hmac;               /* since the last MAC; NULL: nothing is digested yet */
	uint8_t mac[VLY_TSIG_MAC_BYTES_MAX]; /* the last one, the request's at first */
	uint16_t mac_len;
	uint8_t own_len; /* octets of MACs that we make */
	bool is_later;   /* a message of the response has been signed */
	bool failed;
	unsigned gap;   /* messages since the last MAC */
	unsigned every; /* one of so many messages is signed */
};

/* What a message of the response is. */
struct vly_tsig_stream_part {
	bool is_signed; /* and so all messages so far are proven */
	size_t len; /* of the message without its TSIG, which the count of additional records has still */
	unsigned error; /* that the peer says in its TSIG, or ours: an enum of tsig.h */
};

/* Puts a key in, so that vly_tsig_stream_bytes() may be called before _request(), which does it by
 * itself. */
__attribute__((nonnull)) void vly_tsig_stream_prepare(struct vly_tsig_stream *stream,
						      const struct vly_tsig_key *key);

/*
 * Signs message[0..len-1], a request with its final ID. The message has no more than `room` octets
 * with the record. A key with truncated MACs has the algorithm's plain name, as BIND has it. Returns the new length; or 0: no room or no memory.
 */
__attribute__((nonnull, warn_unused_result)) size_t
vly_tsig_stream_request(struct vly_tsig_stream *stream, const struct vly_tsig_key *key,
			uint8_t *message, size_t len, size_t room, uint64_t now);

/*
 * Verifies the next message (untrusted) of the response. Returns NULL: it is signed, or the gap is
 * not too long; see `part`. Or a sentence: the message has no header or no proper TSIG, the first is
 * not signed, a gap is too long, the MAC is wrong, the time is wrong, the peer refused the request's
 * TSIG. The stream has failed then, and stays so. The RCODE of an unsigned response is the caller's to
 * look at: it is not proven.
 */
__attribute__((nonnull, warn_unused_result)) const char *
vly_tsig_stream_verify(struct vly_tsig_stream *stream, const uint8_t *message, size_t len,
		       uint64_t now, struct vly_tsig_stream_part *part);

/* At the end of the response. Returns NULL if its last message was signed, or a sentence. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_tsig_stream_end(const struct vly_tsig_stream *stream);

/*
 * Begins the response to a request whose TSIG was found and verified with `key`. `every`: one of so
 * many messages is signed, besides the first and the last: 1 to 100. 1 suits all clients; more saves
 * octets, but little work. */
__attribute__((nonnull)) void vly_tsig_stream_respond(struct vly_tsig_stream *stream,
						      const struct vly_tsig *request,
						      const struct vly_tsig_key *key,
						      unsigned every);

/* Octets of each TSIG record of the stream. */
__attribute__((nonnull)) size_t vly_tsig_stream_bytes(const struct vly_tsig_stream *stream);

/*
 * Signs the next message of the response, or digests it for the next signature. Its header must be
 * final, with the request's ID. The message has no more than `room` octets with the record. Returns
 * the new length; or 0: no room or no memory, and the stream has failed.
 */
__attribute__((nonnull, warn_unused_result)) size_t
vly_tsig_stream_sign(struct vly_tsig_stream *stream, uint8_t *message, size_t len, size_t room,
		     bool is_last, uint64_t now);

__attribute__((nonnull)) void vly_tsig_stream_wipe(struct vly_tsig_stream *stream);

#endif

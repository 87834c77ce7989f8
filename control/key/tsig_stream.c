/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsig_stream.h"

#include <gnutls/gnutls.h>
#include <string.h>

#include <volley/octets.h>

#include "tsig_parts.h"

static const uint8_t no_error[4];

static struct vly_tsig_variables
own_variables(const struct vly_tsig_stream *stream, uint8_t time[VLY_TSIG_TIME_BYTES], uint64_t now)
{
	vly_tsig_put_time(time, now);
	vly_put_be16(time + 6, VLY_TSIG_FUDGE_MAX);
	return (struct vly_tsig_variables){
		.algorithm = &stream->algorithm,
		.time = time,
		.tail = no_error,
		.tail_len = sizeof(no_error),
	};
}

/* Digests one more message since the last MAC, which comes first (§5.3.1). Returns 0 or -1. */
static int
digest(struct vly_tsig_stream *stream, const uint8_t *message, size_t len, uint16_t id,
       unsigned additional_cnt)
{
	if (stream->hmac == NULL &&
	    vly_tsig_digest_begin(&stream->hmac, &stream->key, stream->mac, stream->mac_len) != 0)
		return -1;
	return vly_tsig_digest_message(stream->hmac, message, len, id, additional_cnt) == 0 ? 0
											    : -1;
}

/* Ends the digest: the first message with all variables, later ones with their times alone. */
static int
end_digest(struct vly_tsig_stream *stream, const struct vly_tsig_variables *variables,
	   uint8_t mac[VLY_TSIG_MAC_BYTES_MAX])
{
	const int result =
		stream->is_later ? gnutls_hmac(stream->hmac, variables->time, VLY_TSIG_TIME_BYTES)
				 : vly_tsig_digest_variables(stream->hmac, &stream->key, variables);

	gnutls_hmac_deinit(stream->hmac, mac);
	stream->hmac = NULL;
	return result == 0 ? 0 : -1;
}

static void
keep_mac(struct vly_tsig_stream *stream, const uint8_t *mac, unsigned mac_len)
{
	memcpy(stream->mac, mac, mac_len);
	stream->mac_len = (uint16_t)mac_len;
	stream->gap = 0;
}

/* Signs what has been digested. The message has room. Returns the new length, or 0. */
static size_t
sign(struct vly_tsig_stream *stream, uint8_t *message, size_t len, uint64_t now)
{
	uint8_t time[VLY_TSIG_TIME_BYTES];
	uint8_t mac[VLY_TSIG_MAC_BYTES_MAX];
	const struct vly_tsig_variables variables = own_variables(stream, time, now);

	if (end_digest(stream, &variables, mac) != 0)
		return 0;
	vly_tsig_record_put(message, len, stream->key.name, stream->key.name_len, &variables, mac,
			    stream->own_len, vly_be16(message));
	keep_mac(stream, mac, stream->own_len);
	explicit_bzero(mac, sizeof(mac));
	return len + vly_tsig_stream_bytes(stream);
}

size_t
vly_tsig_stream_bytes(const struct vly_tsig_stream *stream)
{
	const struct vly_tsig_variables variables = {
		.algorithm = &stream->algorithm, .tail = no_error, .tail_len = sizeof(no_error)};

	return vly_tsig_record_bytes(stream->key.name_len, &variables, stream->own_len);
}

static bool
has_room(const struct vly_tsig_stream *stream, size_t len, size_t room)
{
	return len >= VLY_DNS_HEADER_BYTES && len <= room &&
	       room - len >= vly_tsig_stream_bytes(stream);
}

void
vly_tsig_stream_prepare(struct vly_tsig_stream *stream, const struct vly_tsig_key *key)
{
	const char *name = vly_tsig_algorithm_name(key->algorithm);
	const size_t len = strlen(name);

	*stream = (struct vly_tsig_stream){.key = *key, .own_len = key->mac_len, .every = 1};
	stream->algorithm.wire[0] = (uint8_t)len;
	memcpy(stream->algorithm.wire + 1, name, len);
	stream->algorithm.len = (uint8_t)(len + 2);
}

size_t
vly_tsig_stream_request(struct vly_tsig_stream *stream, const struct vly_tsig_key *key,
			uint8_t *message, size_t len, size_t room, uint64_t now)
{
	vly_tsig_stream_prepare(stream, key);
	if (!has_room(stream, len, room) ||
	    digest(stream, message, len, vly_be16(message), vly_be16(message + 10)) != 0)
		return 0;
	return sign(stream, message, len, now);
}

void
vly_tsig_stream_respond(struct vly_tsig_stream *stream, const struct vly_tsig *request,
			const struct vly_tsig_key *key, unsigned every)
{
	const bool half =
		vly_tsig_algorithm_is_half(request->algorithm.wire, request->algorithm.len);

	*stream = (struct vly_tsig_stream){
		.key = *key,
		.algorithm = request->algorithm,
		.own_len = half ? (uint8_t)(vly_tsig_mac_bytes(key->algorithm) / 2) : key->mac_len,
		.every = every,
	};
	keep_mac(stream, request->mac,
		 request->mac_len < sizeof(request->mac) ? request->mac_len : sizeof(request->mac));
}

size_t
vly_tsig_stream_sign(struct vly_tsig_stream *stream, uint8_t *message, size_t len, size_t room,
		     bool is_last, uint64_t now)
{
	const bool is_signed = !stream->is_later || is_last || stream->gap + 1 >= stream->every;

	if (stream->failed)
		return 0;
	stream->failed = true;
	if (len < VLY_DNS_HEADER_BYTES || (is_signed && !has_room(stream, len, room)) ||
	    digest(stream, message, len, vly_be16(message), vly_be16(message + 10)) != 0)
		return 0;
	if (is_signed)
		len = sign(stream, message, len, now);
	else
		stream->gap++;
	stream->is_later = true;
	stream->failed = len == 0;
	return len;
}

/* The peer could not use our signature; its own is missing then (§5.3.2), or was good. */
static const char *
say_error(unsigned error)
{
	switch (error) {
	case VLY_TSIG_BADSIG:
		return "the peer refused our signature (BADSIG): the secrets of the key differ";
	case VLY_TSIG_BADKEY:
		return "the peer refused our signature (BADKEY): it does not know the key";
	case VLY_TSIG_BADTIME:
		return "the peer refused our signature (BADTIME): its clock and ours differ";
	case VLY_TSIG_BADTRUNC:
		return "the peer refused our signature (BADTRUNC): it wants longer ones";
	default:
		return "the peer refused our signature";
	}
}

static bool
is_of_key(const struct vly_tsig *tsig, const struct vly_tsig_key *key)
{
	return tsig->key.len == key->name_len &&
	       memcmp(tsig->key.wire, key->name, key->name_len) == 0 &&
	       vly_tsig_algorithm_find(tsig->algorithm.wire, tsig->algorithm.len) == key->algorithm;
}

static const char *
verify_signed(struct vly_tsig_stream *stream, const struct vly_tsig *tsig, const uint8_t *message,
	      uint64_t now, struct vly_tsig_stream_part *part)
{
	struct vly_tsig_variables variables;
	uint8_t mac[VLY_TSIG_MAC_BYTES_MAX];

	part->error = tsig->error;
	if (tsig->mac_len == 0 && tsig->error != 0)
		return say_error(tsig->error);
	part->error = VLY_TSIG_BADKEY;
	if (!is_of_key(tsig, &stream->key))
		return "a message is signed with another key than the request";
	part->error = VLY_TSIG_FORMERR;
	if (!vly_tsig_mac_len_is_good(&stream->key, tsig->mac_len))
		return "a signature has a length that its algorithm does not have";
	vly_tsig_variables_find(&variables, tsig, message);
	part->error = VLY_TSIG_BADSIG;
	if (digest(stream, message, tsig->off, tsig->original_id, vly_be16(message + 10) - 1u) !=
		    0 ||
	    end_digest(stream, &variables, mac) != 0)
		return "out of memory";
	const bool same = gnutls_memcmp(mac, tsig->mac, tsig->mac_len) == 0;
	explicit_bzero(mac, sizeof(mac));
	if (!same)
		return "a signature is wrong (BADSIG): the secrets of the key differ, or the "
		       "messages were changed";
	keep_mac(stream, tsig->mac, tsig->mac_len);
	part->error = tsig->error;
	if (tsig->error != 0)
		return say_error(tsig->error);
	part->error = VLY_TSIG_BADTIME;
	if (!vly_tsig_is_on_time(tsig, now))
		return "a signature is of another time (BADTIME): the peer's clock and ours differ";
	part->error = VLY_TSIG_BADTRUNC;
	if (tsig->mac_len < stream->key.mac_len)
		return "a signature is truncated more than the key permits (BADTRUNC)";
	part->error = VLY_TSIG_OK;
	part->is_signed = true;
	part->len = tsig->off;
	stream->is_later = true;
	return NULL;
}

static const char *
verify_unsigned(struct vly_tsig_stream *stream, const uint8_t *message, size_t len)
{
	if (!stream->is_later)
		return "the response is not signed";
	if (stream->gap >= VLY_TSIG_GAP_MAX)
		return "more than 99 messages in a row are not signed";
	if (digest(stream, message, len, vly_be16(message), vly_be16(message + 10)) != 0)
		return "out of memory";
	stream->gap++;
	return NULL;
}

const char *
vly_tsig_stream_verify(struct vly_tsig_stream *stream, const uint8_t *message, size_t len,
		       uint64_t now, struct vly_tsig_stream_part *part)
{
	struct vly_tsig tsig;

	*part = (struct vly_tsig_stream_part){.len = len};
	if (stream->failed)
		return "an earlier message of the response was not proven";
	stream->failed = true;
	if (vly_tsig_find(&tsig, message, len) != 0) {
		part->error = VLY_TSIG_FORMERR;
		return "a message or its TSIG record is malformed";
	}
	const char *reason = tsig.found ? verify_signed(stream, &tsig, message, now, part)
					: verify_unsigned(stream, message, len);
	stream->failed = reason != NULL;
	return reason;
}

const char *
vly_tsig_stream_end(const struct vly_tsig_stream *stream)
{
	if (stream->failed)
		return "a message of the response was not proven";
	if (!stream->is_later)
		return "the response is not signed";
	return stream->gap == 0 ? NULL : "the last message of the response is not signed";
}

void
vly_tsig_stream_wipe(struct vly_tsig_stream *stream)
{
	if (stream->hmac != NULL)
		gnutls_hmac_deinit(stream->hmac, NULL);
	explicit_bzero(stream, sizeof(*stream));
}

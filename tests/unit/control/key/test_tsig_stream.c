/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "key/tsig_stream.h"
#include "tsig_stream_vectors.h"

#define NOW        UINT64_C(1700000000)
#define SECRET     "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
#define STREAM_CNT (sizeof(streams) / sizeof(streams[0]))

/* The octets are on the heap, so that a sanitizer sees what is read beyond. */
struct octets {
	uint8_t *at;
	size_t len;
};

static struct octets
from_hex(const char *hex)
{
	struct octets octets = {malloc(strlen(hex) / 2), strlen(hex) / 2};

	cr_assert_not_null(octets.at);
	for (size_t i = 0; i < octets.len; i++) {
		const char digits[3] = {hex[2 * i], hex[2 * i + 1]};
		octets.at[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return octets;
}

static struct vly_tsig_key
make_key(const char *algorithm, const char *secret)
{
	struct vly_tsig_key key;

	cr_assert_null(vly_tsig_key_read(&key, "k.example.", algorithm, secret));
	return key;
}

/* A client that has sent the request of a vector. */
static void
ask(struct vly_tsig_stream *stream, const struct vly_tsig_key *key, const char *hex)
{
	struct octets request = from_hex(hex);
	struct vly_tsig tsig;

	cr_assert_eq(vly_tsig_find(&tsig, request.at, request.len), 0);
	vly_tsig_stream_respond(stream, &tsig, key, 1); /* begins with the same MAC */
	free(request.at);
}

/* Verifies message `i`, after `change` of it at an octet, unless that is 0. */
static const char *
verify(struct vly_tsig_stream *stream, const char *hex, size_t change, uint64_t now,
       struct vly_tsig_stream_part *part)
{
	struct octets message = from_hex(hex);

	if (change > 0)
		message.at[change] ^= 1;
	const char *reason = vly_tsig_stream_verify(stream, message.at, message.len, now, part);
	cr_expect_leq(part->len, message.len);
	free(message.at);
	return reason;
}

/* What others have signed is proven; the end is where it should be. */
Test(tsig_stream, vectors)
{
	for (size_t i = 0; i < STREAM_CNT; i++) {
		struct vly_tsig_key key = make_key(streams[i].algorithm, SECRET);
		struct vly_tsig_stream stream;
		struct vly_tsig_stream_part part;
		ask(&stream, &key, streams[i].request);
		cr_expect_str_eq(vly_tsig_stream_end(&stream), "the response is not signed");
		for (unsigned j = 0; j < streams[i].cnt; j++) {
			const char *reason =
				verify(&stream, streams[i].response[j], 0, streams[i].now, &part);
			cr_expect_null(reason, "%zu, %u: %s", i, j, reason);
			cr_expect_eq(part.is_signed, vly_tsig_stream_end(&stream) == NULL);
			cr_expect_eq(part.error, 0);
		}
		cr_expect(part.is_signed);
		cr_expect_null(vly_tsig_stream_end(&stream));
		vly_tsig_stream_wipe(&stream);
	}
}

static uint8_t *
strip(const char *hex, size_t *len, struct vly_tsig *tsig)
{
	struct octets message = from_hex(hex);

	cr_assert_eq(vly_tsig_find(tsig, message.at, message.len), 0);
	*len = message.len;
	if (tsig->found) {
		vly_put_be16(message.at + 10, vly_be16(message.at + 10) - 1u);
		*len = tsig->off;
	}
	return message.at;
}

/* Our request has the MAC that dnspython gives it, and so have our responses. */
Test(tsig_stream, same_as_dnspython)
{
	for (size_t i = 0; i < 3; i++) {
		struct vly_tsig_key key = make_key(streams[i].algorithm, SECRET);
		const unsigned every = i == 1 ? 3 : 1;
		struct vly_tsig_stream stream;
		struct vly_tsig theirs, ours;
		uint8_t made[600];
		size_t len;
		uint8_t *request = strip(streams[i].request, &len, &theirs);
		memcpy(made, request, len);
		len = vly_tsig_stream_request(&stream, &key, made, len, sizeof(made), NOW);
		cr_assert_eq(vly_tsig_find(&ours, made, len), 0);
		cr_expect_eq(ours.original_id, 0x1234);
		cr_assert_eq(ours.mac_len, theirs.mac_len);
		if (i < 2) /* the third has another name of the algorithm */
			cr_expect_arr_eq(ours.mac, theirs.mac, ours.mac_len);
		vly_tsig_stream_wipe(&stream);
		vly_tsig_stream_respond(&stream, &theirs, &key, every);
		for (unsigned j = 0; j < streams[i].cnt; j++) {
			uint8_t *message = strip(streams[i].response[j], &len, &theirs);
			memcpy(made, message, len);
			free(message);
			size_t signed_len = vly_tsig_stream_sign(&stream, made, len, sizeof(made),
								 j == 5, NOW + j);
			cr_assert_neq(signed_len, 0);
			cr_assert_eq(vly_tsig_find(&ours, made, signed_len), 0);
			cr_expect_eq(ours.found, theirs.found, "%zu, %u", i, j);
			if (ours.found)
				cr_expect_eq(signed_len, len + vly_tsig_stream_bytes(&stream));
			cr_expect_eq(ours.time, theirs.time);
			cr_expect_eq(ours.mac_len, theirs.mac_len);
			cr_expect_arr_eq(ours.mac, theirs.mac, ours.mac_len, "%zu, %u", i, j);
		}
		vly_tsig_stream_wipe(&stream);
		free(request);
	}
}

/* An octet that is changed in any message is found, at the latest by the next signature. */
Test(tsig_stream, any_changed_octet)
{
	for (size_t i = 0; i < 2; i++) {
		struct vly_tsig_key key = make_key(streams[i].algorithm, SECRET);
		for (unsigned j = 0; j < streams[i].cnt; j++) {
			const size_t len = strlen(streams[i].response[j]) / 2;
			for (size_t at = 2; at < len; at++) {
				struct vly_tsig_stream stream;
				struct vly_tsig_stream_part part;
				const char *reason = NULL;
				ask(&stream, &key, streams[i].request);
				for (unsigned k = 0; k < streams[i].cnt && reason == NULL; k++)
					reason = verify(&stream, streams[i].response[k],
							k == j ? at : 0, NOW, &part);
				/* it may be that the signature is no longer found */
				cr_expect(reason != NULL || j + 1 == streams[i].cnt);
				cr_expect_not_null(vly_tsig_stream_end(&stream),
						   "%zu: octet %zu of %u", i, at, j);
				vly_tsig_stream_wipe(&stream);
			}
		}
	}
}

/* A message that is missing, twice there, or in another place. */
Test(tsig_stream, order)
{
	static const unsigned orders[][6] = {
		{1, 0, 2, 3, 4, 5}, {0, 2, 3, 4, 5, 5}, {0, 0, 1, 2, 3, 4}, {0, 1, 1, 2, 3, 4},
		{0, 2, 1, 3, 4, 5}, {0, 1, 2, 3, 5, 5}, {0, 1, 2, 3, 4, 4},
	};

	for (size_t i = 0; i < 2; i++)
		for (size_t order = 0; order < sizeof(orders) / sizeof(orders[0]); order++) {
			struct vly_tsig_key key = make_key(streams[i].algorithm, SECRET);
			struct vly_tsig_stream stream;
			struct vly_tsig_stream_part part;
			const char *reason = NULL;
			ask(&stream, &key, streams[i].request);
			for (unsigned j = 0; j < 6 && reason == NULL; j++)
				reason = verify(&stream, streams[i].response[orders[order][j]], 0,
						NOW, &part);
			if (reason == NULL)
				reason = vly_tsig_stream_end(&stream);
			cr_expect_not_null(reason, "%zu, %zu", i, order);
			vly_tsig_stream_wipe(&stream);
		}
}

static const char *
first_reason(const struct vly_tsig_key *key, size_t i, uint64_t now, unsigned *error)
{
	struct vly_tsig_stream stream;
	struct vly_tsig_stream_part part;

	ask(&stream, key, streams[i].request);
	const char *reason = verify(&stream, streams[i].response[0], 0, now, &part);
	*error = part.error;
	cr_expect_eq(part.is_signed, reason == NULL);
	if (reason != NULL) {
		const char *then = verify(&stream, streams[i].response[0], 0, NOW, &part);
		cr_expect_str_eq(then, "an earlier message of the response was not proven");
	}
	vly_tsig_stream_wipe(&stream);
	return reason;
}

Test(tsig_stream, reasons)
{
	struct vly_tsig_key good = make_key("hmac-sha256", SECRET);
	struct vly_tsig_key secret = make_key("hmac-sha256", "c2VjcmV0");
	struct vly_tsig_key algorithm = make_key("hmac-sha512", SECRET);
	struct vly_tsig_key half = make_key("hmac-sha256-128", SECRET);
	struct vly_tsig_key name;
	unsigned error;

	cr_assert_null(vly_tsig_key_read(&name, "l.example.", "hmac-sha256", SECRET));
	cr_expect_null(first_reason(&good, 0, NOW, &error));
	cr_expect_null(first_reason(&good, 0, NOW + 300, &error));
	cr_expect_not_null(strstr(first_reason(&good, 0, NOW + 301, &error), "BADTIME"));
	cr_expect_eq(error, VLY_TSIG_BADTIME);
	cr_expect_not_null(strstr(first_reason(&good, 0, NOW - 301, &error), "BADTIME"));
	cr_expect_not_null(strstr(first_reason(&secret, 0, NOW, &error), "BADSIG"));
	cr_expect_eq(error, VLY_TSIG_BADSIG);
	cr_expect_not_null(strstr(first_reason(&algorithm, 0, NOW, &error), "another key"));
	cr_expect_eq(error, VLY_TSIG_BADKEY);
	cr_expect_not_null(strstr(first_reason(&name, 0, NOW, &error), "another key"));
	cr_expect_null(first_reason(&half, 2, NOW, &error));
	cr_expect_not_null(strstr(first_reason(&good, 2, NOW, &error), "BADTRUNC"));
	cr_expect_eq(error, VLY_TSIG_BADTRUNC);
}

/* The server says why it can't use our signature; with BADTIME it signs that. */
Test(tsig_stream, errors_of_the_server)
{
	static const struct {
		unsigned error;
		const char *text;
	} errors[] = {
		{VLY_TSIG_BADKEY, "it does not know the key"},
		{VLY_TSIG_BADSIG, "the secrets of the key differ"},
		{VLY_TSIG_BADTIME, "its clock and ours differ"},
		{VLY_TSIG_BADTRUNC, "it wants longer ones"},
	};
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		uint8_t message[300] = {0};
		struct vly_tsig_stream stream;
		struct vly_tsig_stream_part part;
		struct vly_tsig tsig;
		size_t len =
			vly_tsig_stream_request(&stream, &key, message, 12, sizeof(message), NOW);
		cr_assert_eq(vly_tsig_find(&tsig, message, len), 0);
		memset(message, 0, sizeof(message));
		len = vly_tsig_append(message, 12, sizeof(message), &tsig, &key, errors[i].error,
				      NOW + 4000);
		const char *reason =
			vly_tsig_stream_verify(&stream, message, len, NOW + 4000, &part);
		cr_expect_not_null(reason);
		cr_expect_not_null(strstr(reason, errors[i].text), "%s", reason);
		cr_expect_eq(part.error, errors[i].error);
		vly_tsig_stream_wipe(&stream);
	}
}

/* Up to 99 messages in a row are not signed, by RFC 8945 §5.3.1; one more is too much. */
Test(tsig_stream, gaps)
{
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);

	for (unsigned every = 99; every <= 102; every++) {
		struct vly_tsig_stream client, server;
		struct vly_tsig_stream_part part;
		struct vly_tsig tsig;
		uint8_t message[300] = {0};
		const char *reason = NULL;
		unsigned signed_cnt = 0;
		size_t len =
			vly_tsig_stream_request(&client, &key, message, 12, sizeof(message), NOW);
		cr_assert_eq(vly_tsig_find(&tsig, message, len), 0);
		cr_assert_eq(vly_tsig_verify(&tsig, &key, message, NOW), 0);
		vly_tsig_stream_respond(&server, &tsig, &key, every);
		for (unsigned i = 0; i < 350 && reason == NULL; i++) {
			memset(message, 0, sizeof(message));
			message[3] = (uint8_t)i;
			len = vly_tsig_stream_sign(&server, message, 12, sizeof(message), i == 349,
						   NOW);
			cr_assert_neq(len, 0);
			reason = vly_tsig_stream_verify(&client, message, len, NOW, &part);
			cr_expect_eq(part.len, 12);
			signed_cnt += part.is_signed;
		}
		if (every <= 100) {
			cr_expect_null(reason, "%u: %s", every, reason);
			cr_expect_eq(signed_cnt, 1 + 349 / every + (349 % every != 0));
			cr_expect_null(vly_tsig_stream_end(&client));
		} else {
			cr_expect_str_eq(reason, "more than 99 messages in a row are not signed");
		}
		vly_tsig_stream_wipe(&client);
		vly_tsig_stream_wipe(&server);
	}
}

/* The signature is missing at the beginning, in the middle, and at the end. */
Test(tsig_stream, missing)
{
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);

	for (unsigned missing = 0; missing < 6; missing++) {
		struct vly_tsig_stream stream;
		struct vly_tsig_stream_part part;
		const char *reason = NULL;
		ask(&stream, &key, streams[0].request);
		for (unsigned i = 0; i < 6 && reason == NULL; i++) {
			struct vly_tsig tsig;
			size_t len;
			if (i != missing) {
				reason = verify(&stream, streams[0].response[i], 0, NOW, &part);
				continue;
			}
			uint8_t *bare = strip(streams[0].response[i], &len, &tsig);
			reason = vly_tsig_stream_verify(&stream, bare, len, NOW, &part);
			free(bare);
		}
		if (missing == 0)
			cr_expect_str_eq(reason, "the response is not signed");
		else if (missing < 5)
			cr_expect_not_null(strstr(reason, "BADSIG"));
		else
			cr_expect_str_eq(vly_tsig_stream_end(&stream),
					 "the last message of the response is not signed");
		vly_tsig_stream_wipe(&stream);
	}
}

/* Octets that are no message, and a message that is cut off at each place. */
Test(tsig_stream, malformed)
{
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);
	struct octets whole = from_hex(streams[0].response[0]);

	for (size_t len = 0; len < whole.len; len++) {
		struct vly_tsig_stream stream;
		struct vly_tsig_stream_part part;
		uint8_t *cut = malloc(len + 1);
		memcpy(cut, whole.at, len);
		ask(&stream, &key, streams[0].request);
		cr_expect_str_eq(vly_tsig_stream_verify(&stream, cut, len, NOW, &part),
				 "a message or its TSIG record is malformed", "%zu", len);
		cr_expect_eq(part.error, VLY_TSIG_FORMERR);
		vly_tsig_stream_wipe(&stream);
		free(cut);
	}
	free(whole.at);
}

/* Without room nothing is written, and a stream that lacks a message goes no further. */
Test(tsig_stream, no_room)
{
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);
	struct vly_tsig_stream stream = {0};
	uint8_t message[300] = {0};

	vly_tsig_stream_wipe(&stream);
	vly_tsig_stream_prepare(&stream, &key);
	const size_t bytes = vly_tsig_stream_bytes(&stream);
	vly_tsig_stream_wipe(&stream);
	cr_expect_eq(vly_tsig_stream_request(&stream, &key, message, 12, 12 + bytes - 1, NOW), 0);
	cr_expect_eq(message[11], 0);
	cr_expect_eq(vly_tsig_stream_request(&stream, &key, message, 11, 300, NOW), 0);
	cr_expect_eq(vly_tsig_stream_request(&stream, &key, message, 12, 12 + bytes, NOW),
		     12 + bytes);
	message[11] = 0;
	cr_expect_eq(vly_tsig_stream_sign(&stream, message, 12, 12 + bytes - 1, false, NOW), 0);
	cr_expect_eq(message[11], 0);
	cr_expect_eq(vly_tsig_stream_sign(&stream, message, 12, 300, false, NOW), 0);
	vly_tsig_stream_wipe(&stream);
}

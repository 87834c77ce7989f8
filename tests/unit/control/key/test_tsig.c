/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "key/tsig.h"
#include "tsig_vectors.h"

#define NOW        UINT64_C(1700000000)
#define SECRET     "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
#define VECTOR_CNT (sizeof(vectors) / sizeof(vectors[0]))

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

static unsigned
verify(struct octets message, const struct vly_tsig_key *key, uint64_t now)
{
	struct vly_tsig tsig;

	cr_assert_eq(vly_tsig_find(&tsig, message.at, message.len), 0);
	cr_assert(tsig.found);
	return vly_tsig_verify(&tsig, key, message.at, now);
}

/* Another implementation signs requests, and signs the same response with the same MAC. */
Test(tsig, vectors)
{
	for (size_t i = 0; i < VECTOR_CNT; i++) {
		struct vly_tsig_key key = make_key(vectors[i].algorithm, SECRET);
		struct octets request = from_hex(vectors[i].request);
		struct octets bare = from_hex(vectors[i].bare);
		struct octets response = from_hex(vectors[i].response);
		uint8_t made[600];
		struct vly_tsig tsig;

		cr_assert_eq(vly_tsig_find(&tsig, request.at, request.len), 0);
		cr_assert(tsig.found);
		cr_expect_eq(tsig.key.len, key.name_len);
		cr_expect_arr_eq(tsig.key.wire, key.name, key.name_len);
		cr_expect_eq(vly_tsig_verify(&tsig, &key, request.at, NOW), 0, "%s",
			     vectors[i].algorithm);
		memcpy(made, bare.at, bare.len);
		size_t len = vly_tsig_append(made, bare.len, sizeof(made), &tsig, &key, 0, NOW);
		struct vly_tsig mine, theirs;
		cr_assert_eq(vly_tsig_find(&mine, made, len), 0);
		cr_assert_eq(vly_tsig_find(&theirs, response.at, response.len), 0);
		cr_expect_eq(mine.off, bare.len);
		cr_expect_eq(mine.time, theirs.time);
		cr_expect_eq(mine.fudge, theirs.fudge);
		cr_expect_eq(mine.original_id, theirs.original_id);
		cr_assert_eq(mine.mac_len, theirs.mac_len);
		cr_expect_arr_eq(mine.mac, theirs.mac, mine.mac_len, "%s", vectors[i].algorithm);
		free(request.at);
		free(bare.at);
		free(response.at);
	}
}

Test(tsig, errors)
{
	struct octets request = from_hex(vectors[2].request);
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);
	struct vly_tsig_key other = make_key("hmac-sha256", "c2VjcmV0");
	struct vly_tsig_key algorithm = make_key("hmac-sha512", SECRET);
	struct vly_tsig tsig;

	cr_expect_eq(verify(request, &key, NOW), 0);
	cr_expect_eq(verify(request, NULL, NOW), VLY_TSIG_BADKEY);
	cr_expect_eq(verify(request, &algorithm, NOW), VLY_TSIG_BADKEY);
	cr_expect_eq(verify(request, &other, NOW), VLY_TSIG_BADSIG);
	cr_expect_eq(verify(request, &key, NOW + 300), 0);
	cr_expect_eq(verify(request, &key, NOW - 300), 0);
	cr_expect_eq(verify(request, &key, NOW + 301), VLY_TSIG_BADTIME);
	cr_expect_eq(verify(request, &key, NOW - 301), VLY_TSIG_BADTIME);
	cr_expect_eq(verify(request, &other, NOW + 301), VLY_TSIG_BADSIG);
	request.at[0] ^= 1; /* the ID is that of the record (RFC 8945 §4.3.2) */
	cr_expect_eq(verify(request, &key, NOW), 0);
	cr_assert_eq(vly_tsig_find(&tsig, request.at, request.len), 0);
	for (size_t i = 2; i < 10; i++) { /* the counts must stay, to find the record */
		if (i >= 4)
			break;
		request.at[i] ^= 1;
		cr_expect_eq(verify(request, &key, NOW), VLY_TSIG_BADSIG, "%zu", i);
		request.at[i] ^= 1;
	}
	free(request.at);
}

/* Each octet of what is digested counts. */
Test(tsig, any_changed_octet)
{
	struct octets request = from_hex(vectors[2].request);
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);

	for (size_t i = 2; i < request.len; i++) {
		struct vly_tsig tsig;
		request.at[i] ^= 0x10;
		bool refused = vly_tsig_find(&tsig, request.at, request.len) != 0 || !tsig.found;
		if (!refused) {
			/* as a server does: by the name, which is digested in lower case */
			bool known = tsig.key.len == key.name_len &&
				     memcmp(tsig.key.wire, key.name, key.name_len) == 0;
			refused = vly_tsig_verify(&tsig, known ? &key : NULL, request.at, NOW) != 0;
		}
		cr_expect(refused, "octet %zu", i);
		request.at[i] ^= 0x10;
	}
	free(request.at);
}

/* RFC 8945 §5.2.2.1, §5.2.4 */
Test(tsig, truncated_macs)
{
	struct vly_tsig_key whole = make_key("hmac-sha256", SECRET);
	struct vly_tsig_key half = make_key("hmac-sha256-128", SECRET);
	struct octets truncated = from_hex(vectors[3].request);
	struct octets full = from_hex(vectors[2].request);
	struct vly_tsig tsig;
	uint8_t response[300] = {0};

	cr_expect_eq(verify(truncated, &half, NOW), 0);
	cr_expect_eq(verify(full, &half, NOW), 0);
	cr_expect_eq(verify(truncated, &whole, NOW), VLY_TSIG_BADTRUNC);
	/* without an algorithm of its own: a whole MAC that has been cut, as BIND sends it */
	uint8_t *mac_len = full.at + full.len - 6 - 32 - 2;
	vly_put_be16(mac_len, 16);
	memmove(mac_len + 2 + 16, mac_len + 2 + 32, 6);
	full.len -= 16;
	vly_put_be16(mac_len - 8 - 13 - 2, vly_be16(mac_len - 8 - 13 - 2) - 16u);
	cr_expect_eq(verify(full, &half, NOW), 0);
	cr_expect_eq(verify(full, &whole, NOW), VLY_TSIG_BADTRUNC);
	cr_assert_eq(vly_tsig_find(&tsig, full.at, full.len), 0);
	/* the error is signed */
	cr_expect_eq(vly_tsig_append(response, 12, sizeof(response), &tsig, &whole,
				     VLY_TSIG_BADTRUNC, NOW),
		     12u + tsig.key.len + 10 + tsig.algorithm.len + 10 + 32 + 6);
	tsig.mac_len = 15;
	cr_expect_eq(vly_tsig_verify(&tsig, &half, full.at, NOW), VLY_TSIG_FORMERR);
	tsig.mac_len = 33;
	cr_expect_eq(vly_tsig_verify(&tsig, &half, full.at, NOW), VLY_TSIG_FORMERR);
	tsig.mac_len = 0;
	cr_expect_eq(vly_tsig_verify(&tsig, &half, full.at, NOW), VLY_TSIG_FORMERR);
	free(truncated.at);
	free(full.at);
}

static unsigned
append_error(unsigned error, uint8_t response[300], struct vly_tsig *answered)
{
	struct octets request = from_hex(vectors[2].request);
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);
	struct vly_tsig tsig;

	cr_assert_eq(vly_tsig_find(&tsig, request.at, request.len), 0);
	memset(response, 0, 300);
	size_t len = vly_tsig_append(response, 12, 300, &tsig,
				     error == VLY_TSIG_BADKEY ? NULL : &key, error, NOW + 1000);
	cr_assert_neq(len, 0);
	cr_assert_eq(vly_tsig_find(answered, response, len), 0);
	cr_assert(answered->found);
	free(request.at);
	return (unsigned)len;
}

/* RFC 8945 §5.2.3, §5.3.2 */
Test(tsig, error_responses)
{
	uint8_t response[300];
	struct vly_tsig tsig;

	append_error(VLY_TSIG_BADKEY, response, &tsig);
	cr_expect_eq(tsig.error, VLY_TSIG_BADKEY);
	cr_expect_eq(tsig.mac_len, 0);
	append_error(VLY_TSIG_BADSIG, response, &tsig);
	cr_expect_eq(tsig.error, VLY_TSIG_BADSIG);
	cr_expect_eq(tsig.mac_len, 0);
	append_error(VLY_TSIG_BADTIME, response, &tsig);
	cr_expect_eq(tsig.error, VLY_TSIG_BADTIME);
	cr_expect_eq(tsig.mac_len, 32);
	cr_expect_eq(tsig.time, NOW);
	cr_expect_eq(tsig.other_len, 6);
	cr_expect_eq(vly_be32(response + tsig.other_off + 2), NOW + 1000);
}

Test(tsig, no_room)
{
	struct octets request = from_hex(vectors[2].request);
	struct vly_tsig_key key = make_key("hmac-sha256", SECRET);
	struct vly_tsig tsig;
	uint8_t response[300] = {0};

	cr_assert_eq(vly_tsig_find(&tsig, request.at, request.len), 0);
	size_t len = vly_tsig_append(response, 12, sizeof(response), &tsig, &key, 0, NOW);
	response[11] = 0;
	cr_expect_eq(vly_tsig_append(response, 12, len - 1, &tsig, &key, 0, NOW), 0);
	cr_expect_eq(response[11], 0);
	cr_expect_eq(vly_tsig_append(response, 12, len, &tsig, &key, 0, NOW), len);
	free(request.at);
}

/* The beginnings of a signed message are malformed, or without TSIG. */
Test(tsig, cut_anywhere)
{
	struct octets request = from_hex(vectors[2].request);
	struct vly_tsig tsig;

	for (size_t i = 0; i < request.len; i++) {
		uint8_t *cut = malloc(i + 1);
		memcpy(cut, request.at, i);
		cr_expect_eq(vly_tsig_find(&tsig, cut, i), -1, "%zu", i);
		free(cut);
	}
	free(request.at);
}

/* RFC 8945 §5.1: it is the last record, there is one, of class ANY and TTL 0. */
Test(tsig, place_and_form_of_the_record)
{
	static const uint8_t head[] = "\0\0\x28\0\0\0\0\0\0\0\0\2";
	static const uint8_t record[] = "\0\0\xfa\0\xff\0\0\0\0\0\x11\0"
					"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	static const uint8_t opt[] = "\0\0\x29\4\0\0\0\0\0\0";
	const size_t record_len = sizeof(record) - 1, opt_len = sizeof(opt);
	uint8_t message[100];
	struct vly_tsig tsig;

	memcpy(message, head, 12);
	memcpy(message + 12, opt, opt_len);
	memcpy(message + 12 + opt_len, record, record_len);
	cr_expect_eq(vly_tsig_find(&tsig, message, 12 + opt_len + record_len), 0);
	cr_expect(tsig.found);
	message[12 + opt_len + 4] = 1; /* class IN */
	cr_expect_eq(vly_tsig_find(&tsig, message, 12 + opt_len + record_len), -1);
	message[12 + opt_len + 4] = 255;
	message[12 + opt_len + 8] = 1; /* TTL 1 */
	cr_expect_eq(vly_tsig_find(&tsig, message, 12 + opt_len + record_len), -1);
	memcpy(message + 12, record, record_len);
	memcpy(message + 12 + record_len, opt, opt_len);
	cr_expect_eq(vly_tsig_find(&tsig, message, 12 + opt_len + record_len), -1);
	memcpy(message + 12 + record_len, record, record_len);
	cr_expect_eq(vly_tsig_find(&tsig, message, 12 + 2 * record_len), -1);
	message[11] = 0; /* in the answer section */
	message[7] = 1;
	cr_expect_eq(vly_tsig_find(&tsig, message, 12 + record_len), -1);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <libdnssec/error.h>
#include <libdnssec/nsec.h>
#include <string.h>

#include "common/nsec3_hash.h"
#include "common/sha1.h"
#include "lib/random.h"

#define RANDOM_CNT 20000
#define BLOCKS_MAX 9

static void
expect_text(const uint8_t hash[VLY_NSEC3_HASH_BYTES], const char *wanted)
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuv";
	char text[8 * VLY_NSEC3_HASH_BYTES / 5 + 1] = "";

	for (unsigned i = 0; i < sizeof(text) - 1; i++) {
		unsigned at = 5 * i;
		unsigned pair = (unsigned)hash[at / 8] << 8 |
				(at / 8 + 1 < VLY_NSEC3_HASH_BYTES ? hash[at / 8 + 1] : 0u);
		text[i] = digit[pair >> (11 - at % 8) & 31];
	}
	cr_expect_str_eq(text, wanted);
	uint8_t label[VLY_NSEC3_LABEL_BYTES], back[VLY_NSEC3_HASH_BYTES];
	vly_nsec3_label(hash, label);
	cr_expect_arr_eq(label, wanted, sizeof(label));
	cr_expect(vly_nsec3_label_hash(label, back));
	cr_expect_arr_eq(back, hash, sizeof(back));
}

/* The hashes in RFC 5155, appendix A. */
Test(nsec3_hash, rfc5155)
{
	static const struct {
		const char *name, *hash;
	} list[] = {
		{"\7example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
		{"\1a\7example", "35mthgpgcu1qg68fab165klnsnk3dpvl"},
		{"\2ai\7example", "gjeqe526plbf1g8mklp59enfd789njgi"},
		{"\3ns1\7example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
		{"\3ns2\7example", "q04jkcevqvmu85r014c7dkba38o0ji5r"},
		{"\1w\7example", "k8udemvp1j2f7eg6jebps17vp3n8i58h"},
		{"\1*\1w\7example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"},
		{"\1x\1w\7example", "b4um86eghhds6nea196smvmlo4ors995"},
		{"\1y\1w\7example", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"},
		{"\1x\1y\1w\7example", "2vptu5timamqttgl4luu9kg21e0aor3s"},
		{"\2xx\7example", "t644ebqk9bibcna874givr6joj62mlhv"},
	};
	const struct vly_nsec3_params params = {12, 4, (const uint8_t *)"\xaa\xbb\xcc\xdd"};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		uint8_t hash[VLY_NSEC3_HASH_BYTES];
		vly_nsec3_hash(&params, (const uint8_t *)list[i].name,
			       (unsigned)strlen(list[i].name) + 1, hash);
		expect_text(hash, list[i].hash);
	}
}

Test(nsec3_hash, labels_that_are_none)
{
	static const char other[] = "/:`wV-\377\0"; /* beside what digits are */
	uint8_t label[VLY_NSEC3_LABEL_BYTES], hash[VLY_NSEC3_HASH_BYTES];

	for (unsigned at = 0; at < sizeof(label); at++)
		for (unsigned i = 0; i < sizeof(other) - 1; i++) {
			memset(label, 'a', sizeof(label));
			label[at] = (uint8_t)other[i];
			cr_expect_not(vly_nsec3_label_hash(label, hash));
		}
}

/* Another program's function, on names and salts of all lengths. */
Test(nsec3_hash, libdnssec)
{
	struct vly_test_random random = {5155};
	uint8_t name[255], salt[255], hash[VLY_NSEC3_HASH_BYTES];

	for (unsigned i = 0; i < RANDOM_CNT; i++) {
		vly_test_random_fill(&random, name, sizeof(name));
		vly_test_random_fill(&random, salt, sizeof(salt));
		unsigned name_len = 1 + vly_test_random_below(&random, 255);
		struct vly_nsec3_params params = {
			.iterations = (uint16_t)(vly_test_random_below(&random, 4) == 0
							 ? vly_test_random_below(&random, 200)
							 : 0),
			.salt_len = (uint8_t)vly_test_random_below(&random, 256),
			.salt = salt,
		};
		const dnssec_nsec3_params_t other = {
			.algorithm = DNSSEC_NSEC3_ALGORITHM_SHA1,
			.iterations = params.iterations,
			.salt = {.size = params.salt_len, .data = salt},
		};
		const dnssec_binary_t data = {.size = name_len, .data = name};
		dnssec_binary_t wanted = {0};
		cr_assert_eq(dnssec_nsec3_hash(&data, &other, &wanted), DNSSEC_EOK);
		vly_nsec3_hash(&params, name, name_len, hash);
		cr_assert_eq(wanted.size, sizeof(hash));
		cr_assert_arr_eq(hash, wanted.data, sizeof(hash), "name of %u, salt of %u octets",
				 name_len, params.salt_len);
		dnssec_binary_free(&wanted);
	}
}

/* Both implementations, on one to nine blocks, from any state. */
Test(sha1, instructions)
{
	struct vly_test_random random = {180};
	uint8_t block[BLOCKS_MAX * VLY_SHA1_BLOCK_BYTES];

	if (!vly_sha1_has_instructions())
		cr_skip_test("the processor has no instructions for SHA-1");
	for (unsigned i = 0; i < RANDOM_CNT; i++) {
		uint32_t state[VLY_SHA1_WORDS], same[VLY_SHA1_WORDS];
		unsigned cnt = 1 + vly_test_random_below(&random, BLOCKS_MAX);
		vly_test_random_fill(&random, block, sizeof(block));
		vly_test_random_fill(&random, (uint8_t *)state, sizeof(state));
		memcpy(same, state, sizeof(state));
		vly_sha1_blocks_portable(state, block, cnt);
		vly_sha1_blocks_instructions(same, block, cnt);
		cr_assert_arr_eq(state, same, sizeof(state));
	}
}

/* "abc", the example of FIPS 180-4: holds on processors without the instructions, too. */
Test(sha1, portable)
{
	uint32_t state[VLY_SHA1_WORDS] = VLY_SHA1_BEGIN;
	const uint32_t wanted[VLY_SHA1_WORDS] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c,
						 0x9cd0d89d};
	uint8_t block[VLY_SHA1_BLOCK_BYTES] = "abc\x80";

	block[VLY_SHA1_BLOCK_BYTES - 1] = 24;
	vly_sha1_blocks_portable(state, block, 1);
	cr_expect_arr_eq(state, wanted, sizeof(state));
}

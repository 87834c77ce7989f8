/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The vectors of SipHash-2-4: key 00 01 .. 0f, and of the octets 00 01 02 .. as many as the index.
 * The one of 15 octets is worked through in the paper's appendix. */
#include <criterion/criterion.h>

#include "guard/siphash.h"

static const uint64_t expected[16] = {
	UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
	UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
	UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
	UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
	UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
	UINT64_C(0xa129ca6149be45e5),
};

Test(siphash, gives_the_published_results)
{
	uint8_t octets[16];

	for (unsigned i = 0; i < 16; i++)
		octets[i] = (uint8_t)i;
	for (unsigned bytes = 0; bytes < 16; bytes++)
		cr_expect_eq(vly_siphash(octets, octets, bytes), expected[bytes], "%u octets",
			     bytes);
}

Test(siphash, every_octet_and_the_length_matter)
{
	uint8_t key[VLY_SIPHASH_KEY_BYTES] = {0};
	uint8_t octets[40] = {0};

	for (unsigned bytes = 0; bytes < sizeof(octets); bytes++) {
		uint64_t hash = vly_siphash(key, octets, bytes);
		cr_expect_neq(vly_siphash(key, octets, bytes + 1), hash);
		for (unsigned i = 0; i < bytes; i++) {
			octets[i] = 1;
			cr_expect_neq(vly_siphash(key, octets, bytes), hash);
			octets[i] = 0;
		}
		for (unsigned i = 0; i < sizeof(key); i++) {
			key[i] = 0x80;
			cr_expect_neq(vly_siphash(key, octets, bytes), hash);
			key[i] = 0;
		}
	}
}

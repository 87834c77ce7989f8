/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "update.h"

#define HEAD "\x12\x34\x28\0\0\1"
#define ZONE "\1z\0\0\6\0\1"

/* Reads a message that is in a block of its own, so that a sanitizer sees what is read beyond. */
static enum vly_rcode
read_octets(struct vly_update_message *update, const void *octets, size_t len)
{
	uint8_t *copy = malloc(len);

	cr_assert(copy != NULL || len == 0);
	memcpy(copy, octets, len);
	enum vly_rcode rcode = vly_update_message_read(update, copy, len);
	free(copy);
	return rcode;
}

#define READ(update, text) read_octets(update, text, sizeof(text) - 1)

Test(update_message, names_are_decompressed)
{
	struct vly_update_message update;

	/* SRV whose target is in the zone's name, MX with one in the owner of the SRV */
	cr_assert_eq(READ(&update, HEAD "\0\0\0\2\0\0" ZONE
					"\1A\xc0\x0c\0\x21\0\1\0\0\0\5\0\x0a\0\1\0\2\0\3\1T\xc0\x0c"
					"\xc0\x13\0\x0f\0\1\0\0\0\5\0\4\0\7\xc0\x13"),
		     VLY_RCODE_NOERROR);
	cr_assert_eq(update.change_cnt, 2);
	cr_expect_eq(update.prerequisite_cnt, 0);
	cr_expect_eq(update.zone_len, 3);
	cr_expect_arr_eq(update.zone, "\1z", 3);
	cr_expect_eq(update.change[0].owner_len, 5);
	cr_expect_arr_eq(update.change[0].owner, "\1a\1z", 5);
	cr_expect_eq(update.change[0].data_len, 11);
	cr_expect_arr_eq(update.change[0].data, "\0\1\0\2\0\3\1T\1z", 11);
	cr_expect_eq(update.change[1].data_len, 7);
	cr_expect_arr_eq(update.change[1].data, "\0\7\1A\1z", 7);
	vly_update_message_free(&update);
}

static const struct {
	const char *octets;
	size_t len;
	const char *what;
} malformed[] = {
#define M(text, what)                                                                              \
	{                                                                                          \
		text, sizeof(text) - 1, what                                                       \
	}
	M("", "nothing"),
	M(HEAD "\0\0\0\0\0", "a short header"),
	M("\x12\x34\x28\0\0\0\0\0\0\0\0\0", "no zone"),
	M("\x12\x34\x28\0\0\2\0\0\0\0\0\0" ZONE ZONE, "two zones"),
	M(HEAD "\0\0\0\0\0\0\1z\0\0\1\0\1", "the zone's type is not SOA"),
	M(HEAD "\0\0\0\0\0\0\1z\0\0\6\0", "the zone ends early"),
	M(HEAD "\0\0\0\0\0\0\xc0\x0c\0\6\0\1", "the zone's name points to itself"),
	M(HEAD "\0\0\0\1\0\0" ZONE, "no record"),
	M(HEAD "\0\0\377\377\0\0" ZONE, "no record of many"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\1\0\1\0\0\0\5\0\3\1\2\3", "an address of 3 octets"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\1\0\1\0\0\0\5\0\0", "an address without octets"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\1\0\1\0\0\0\5\0\5\1\2\3\4", "data that ends early"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\1\2\3\4\0", "a rest"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\5\0\1\0\0\0\5\0\3\xc0\x0c\0", "behind a target"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\5\0\1\0\0\0\5\0\2\xc0\x1f", "a pointer ahead"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\x27\0\1\0\0\0\5\0\2\xc0\x0c",
	  "a pointer where none may be"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\x10\0\1\0\0\0\5\0\2\5x", "a string that ends early"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\6\0\1\0\0\0\5\0\x0a\0\0\0\0\0\0\0\0\0\0",
	  "an SOA without numbers"),
	M(HEAD "\0\0\0\1\0\0" ZONE "\xc0\x0c\0\1\0\xff\0\0\0\0\0\4\1\2\3\4",
	  "an RRset that is removed, with data"),
	M(HEAD "\0\1\0\0\0\0" ZONE "\xc0\x0c\0\1\0\xff\0\0\0\0\0\4\1\2\3\4",
	  "a prerequisite of class ANY with data"),
	M(HEAD "\0\0\0\0\0\1" ZONE, "no additional record"),
	M(HEAD "\0\0\0\0\0\1" ZONE "\0\0\x29\4\0\0\0\0\0\0\4\0\0", "an OPT that ends early"),
#undef M
};

Test(update_message, malformed)
{
	struct vly_update_message update;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		cr_expect_eq(read_octets(&update, malformed[i].octets, malformed[i].len),
			     VLY_RCODE_FORMERR, "%s", malformed[i].what);
}

/* Every beginning of a good message is malformed. */
Test(update_message, cut_anywhere)
{
	static uint8_t octets[VLY_MESSAGE_BYTES_MAX];
	size_t len = vly_test_update_write(octets, "z.",
					   "p a.z. 0 ANY ANY\np b.z. 0 IN A 192.0.2.1\n"
					   "u c.z. 5 IN MX 1 a.z.\nu c.z. 0 NONE TXT x\n"
					   "u d.z. 0 ANY A\na e.z. 5 IN A 192.0.2.1\n");
	struct vly_update_message update;

	for (size_t i = 0; i < len; i++)
		cr_expect_eq(read_octets(&update, octets, i), VLY_RCODE_FORMERR, "%zu", i);
	cr_expect_eq(read_octets(&update, octets, len), VLY_RCODE_NOERROR);
	vly_update_message_free(&update);
}

static void
expect_check(const char *text, enum vly_rcode wanted, const char *why_wanted)
{
	static uint8_t octets[VLY_MESSAGE_BYTES_MAX];
	size_t len = vly_test_update_write(octets, "z.example.", text);
	struct vly_update_message update;
	const char *why = "";

	cr_assert_eq(read_octets(&update, octets, len), VLY_RCODE_NOERROR, "%s", text);
	enum vly_rcode rcode =
		update.prerequisite_cnt > 0
			? vly_update_prerequisite_check(&update, &update.prerequisite[0], &why)
			: vly_update_message_check(&update, &why);
	cr_expect_eq(rcode, wanted, "%s", text);
	if (wanted != VLY_RCODE_NOERROR)
		cr_expect_str_eq(why, why_wanted, "%s: %s", text, why);
	vly_update_message_free(&update);
}

/* RFC 2136 §3.2 and §3.4.1 */
Test(update_message, is_checked)
{
	expect_check("", VLY_RCODE_NOERROR, "");
	expect_check("u z.example. 5 IN A 192.0.2.1\n", VLY_RCODE_NOERROR, "");
	expect_check("u Z.EXAMPLE. 5 IN A 192.0.2.1\n", VLY_RCODE_NOERROR, "");
	expect_check("u xz.example. 5 IN A 192.0.2.1\n", VLY_RCODE_NOTZONE,
		     "a record of the update section is outside the zone");
	expect_check("u example. 0 ANY ANY\n", VLY_RCODE_NOTZONE,
		     "a record of the update section is outside the zone");
	expect_check("u a.z.example. 5 IN ANY \\# 0\n", VLY_RCODE_FORMERR,
		     "a record of the update section has a type that no zone has");
	expect_check("u a.z.example. 0 NONE ANY \\# 0\n", VLY_RCODE_FORMERR,
		     "a record of the update section has a type that no zone has");
	expect_check("u a.z.example. 0 ANY AXFR\n", VLY_RCODE_FORMERR,
		     "a record of the update section has a type that no zone has");
	expect_check("u a.z.example. 1 ANY A\n", VLY_RCODE_FORMERR,
		     "a removal in the update section has a TTL");
	expect_check("u a.z.example. 1 NONE A 192.0.2.1\n", VLY_RCODE_FORMERR,
		     "a removal in the update section has a TTL");
	expect_check("u a.z.example. 0 CH A 192.0.2.1\n", VLY_RCODE_FORMERR,
		     "a record of the update section has another class");
	expect_check("u a.z.example. 0 ANY RRSIG\n", VLY_RCODE_REFUSED,
		     "records of DNSSEC and ZONEMD are made by a signer");
	expect_check("p a.z.example. 1 ANY A\n", VLY_RCODE_FORMERR, "a prerequisite has a TTL");
	expect_check("p example. 0 ANY A\n", VLY_RCODE_NOTZONE,
		     "a prerequisite is outside the zone");
	expect_check("p a.z.example. 0 NONE A 192.0.2.1\n", VLY_RCODE_FORMERR,
		     "a prerequisite without a value has data");
	expect_check("p a.z.example. 0 CH A 192.0.2.1\n", VLY_RCODE_FORMERR,
		     "a prerequisite has another class");
}

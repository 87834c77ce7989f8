/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "zone/rr_fields.h"
#include "zone/rr_type.h"

static uint16_t
read_type(const char *text)
{
	return vly_rr_type_read(text, strlen(text));
}

Test(rr_type, mnemonics_and_numbers)
{
	cr_expect_eq(read_type("A"), 1);
	cr_expect_eq(read_type("aaaa"), 28);
	cr_expect_eq(read_type("Nsap-Ptr"), 23);
	cr_expect_eq(read_type("NSEC3PARAM"), 51);
	cr_expect_eq(read_type("NXNAME"), 128);
	cr_expect_eq(read_type("ANY"), 255);
	cr_expect_eq(read_type("DLV"), 32769);
	cr_expect_eq(read_type("TYPE1"), 1);
	cr_expect_eq(read_type("type65535"), 65535);
	cr_expect_eq(read_type("TYPE0257"), 257);
	cr_expect_eq(read_type("TYPE0000000000000000000000731"), 731);
}

Test(rr_type, no_type)
{
	static const char *const none[] = {
		"",       "B",      "TYPE",   "TYPE0", "TYPE65536",   "TYPE99999",
		"TYPE1a", "TYPE-1", "TYPE 1", "AA",    "NSEC3PARAMS", "TYPE0000065536"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		cr_expect_eq(read_type(none[i]), 0, "%s", none[i]);
	cr_expect_eq(vly_rr_type_read("A\0", 2), 0);
	cr_expect_eq(vly_rr_type_read("AAAA", 1), 1, "the length counts");
}

Test(rr_type, every_type_has_one_name)
{
	char buffer[VLY_RR_TYPE_BYTES];

	for (unsigned type = 1; type <= UINT16_MAX; type++) {
		const char *name = vly_rr_type_name((uint16_t)type, buffer);
		if (type == VLY_TYPE_ALIAS)
			continue;
		cr_assert_eq(read_type(name), type, "%s", name);
		cr_assert_eq(read_type(vly_rr_type_portable((uint16_t)type, buffer)), type);
	}
	cr_expect_str_eq(vly_rr_type_name(260, buffer), "AMTRELAY");
	cr_expect_str_eq(vly_rr_type_portable(260, buffer), "TYPE260");
	cr_expect_str_eq(vly_rr_type_portable(257, buffer), "CAA");
	cr_expect_str_eq(vly_rr_type_name(54, buffer), "TYPE54");
}

Test(rr_type, alias_has_another_number_inside)
{
	char buffer[VLY_RR_TYPE_BYTES];

	cr_expect_eq(read_type("alias"), VLY_TYPE_ALIAS_TEXT);
	cr_expect_eq(read_type("ANAME"), VLY_TYPE_ALIAS_TEXT);
	cr_expect_eq(read_type("TYPE65401"), VLY_TYPE_ALIAS_TEXT);
	cr_expect_eq(vly_rr_type_from_text(VLY_TYPE_ALIAS_TEXT), VLY_TYPE_ALIAS);
	cr_expect_eq(vly_rr_type_from_text(VLY_TYPE_CNAME), VLY_TYPE_CNAME);
	cr_expect_str_eq(vly_rr_type_name(VLY_TYPE_ALIAS, buffer), "ALIAS");
	cr_expect_str_eq(vly_rr_type_of_record(VLY_TYPE_ALIAS, buffer), "ALIAS");
	cr_expect_str_eq(vly_rr_type_portable(VLY_TYPE_ALIAS_TEXT, buffer), "TYPE65401");
	cr_expect(!vly_rr_type_is_data(VLY_TYPE_ALIAS) && vly_rr_type_is_kept(VLY_TYPE_ALIAS));
	cr_expect(!vly_rr_type_is_kept(241));
}

Test(rr_type, types_that_no_zone_has)
{
	static const uint16_t meta[] = {0, 41, 128, 249, 250, 251, 252, 253, 254, 255};

	for (size_t i = 0; i < sizeof(meta) / sizeof(meta[0]); i++)
		cr_expect(!vly_rr_type_is_data(meta[i]), "%u", meta[i]);
	cr_expect(vly_rr_type_is_data(1) && vly_rr_type_is_data(103) && vly_rr_type_is_data(256));
}

/* A type with fields is data, and a type that all servers know has fields. */
Test(rr_type, fields_fit_the_types)
{
	for (unsigned i = 1; i <= UINT16_MAX; i++) {
		uint16_t type = (uint16_t)i;
		const struct vly_rr_field *field = vly_rr_fields(type);
		cr_expect(field == NULL || vly_rr_type_is_kept(type), "%u", type);
		cr_expect(field != NULL || !vly_rr_type_is_common(type), "%u", type);
		for (unsigned j = 0; field != NULL && field[j].kind != VLY_FIELD_END; j++) {
			cr_assert_lt(j, VLY_RR_FIELDS_MAX - 1, "%u has no end", type);
			cr_expect_not_null(field[j].name);
		}
	}
}

Test(rr_type, mnemonics_of_fields)
{
	cr_expect_eq(vly_field_mnemonic(VLY_FIELD_ALGORITHM, "ed25519", 7), 15);
	cr_expect_eq(vly_field_mnemonic(VLY_FIELD_ALGORITHM, "ed25519", 6), -1);
	cr_expect_eq(vly_field_mnemonic(VLY_FIELD_CERT_TYPE, "URI", 3), 253);
	cr_expect_eq(vly_field_mnemonic(VLY_FIELD_ALGORITHM, "URI", 3), -1);
	cr_expect_eq(vly_field_mnemonic(VLY_FIELD_SCHEME, "NOTIFY\0", 7), -1);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "zone/domain.h"

static void
expect(const char *text, const char *wanted)
{
	char out[VLY_DOMAIN_TEXT_BYTES];

	cr_assert_null(vly_domain_canonical(text, out), "%s", text);
	cr_expect_str_eq(out, wanted);
	char again[VLY_DOMAIN_TEXT_BYTES];
	cr_assert_null(vly_domain_canonical(out, again));
	cr_expect_str_eq(again, out);
}

static void
refuse(const char *text, const char *reason)
{
	char out[VLY_DOMAIN_TEXT_BYTES];
	const char *got = vly_domain_canonical(text, out);

	cr_assert_not_null(got, "%s", text);
	cr_expect_str_eq(got, reason);
}

Test(domain, one_spelling)
{
	expect(".", ".");
	expect("example", "example.");
	expect("Example.COM.", "example.com.");
	expect("\\065.b", "a.b.");
	expect("a\\.b.c", "a\\.b.c.");
	expect("a\\046b", "a\\.b.");
	expect("\\000\\255", "\\000\\255.");
	expect("a b", "a\\032b.");
	expect("\\*.x", "*.x.");
}

Test(domain, limits)
{
	char label[65];
	char name[400] = "";
	char dotted[402];

	memset(label, 'a', 64);
	label[64] = '\0';
	refuse(label, "a label is longer than 63 octets");
	label[63] = '\0';
	for (int i = 0; i < 3; i++) {
		strcat(name, label);
		strcat(name, ".");
	}
	label[61] = '\0';
	strcat(name, label); /* 3 * 64 + 62 + 1: the longest there is */
	snprintf(dotted, sizeof(dotted), "%s.", name);
	expect(name, dotted);
	strcat(name, "a");
	refuse(name, "the name is longer than 255 octets");
}

Test(domain, refused)
{
	refuse("", "the name is empty");
	refuse("..", "the name has an empty label");
	refuse(".a", "the name has an empty label");
	refuse("a..", "the name has an empty label");
	refuse("\\", "the name has a bad escape");
	refuse("\\256", "the name has a bad escape");
	refuse("\\1", "the name has a bad escape");
	refuse("\\12", "the name has a bad escape");
}

Test(domain, wire_form)
{
	static const struct {
		const char *text, *wire;
		unsigned len;
	} names[] = {
		{".", "", 1},
		{"a.", "\1a", 3},
		{"www.example.", "\3www\7example", 13},
		{"\\000\\.\\255.\\\\b.", "\3\0.\377\2\\b", 8},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t wire[VLY_NAME_BYTES_MAX];
		cr_expect_eq(vly_domain_wire(names[i].text, wire), names[i].len, "%s",
			     names[i].text);
		cr_expect_arr_eq(wire, names[i].wire, names[i].len, "%s", names[i].text);
	}
}

Test(domain, wire_form_of_the_longest_name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	char text[VLY_DOMAIN_TEXT_BYTES] = "";

	for (unsigned label = 0; label < 127; label++)
		strcat(text, "\\200.");
	cr_expect_eq(vly_domain_wire(text, wire), 255);
	for (unsigned i = 0; i < 254; i += 2) {
		cr_expect_eq(wire[i], 1);
		cr_expect_eq(wire[i + 1], 200);
	}
	cr_expect_eq(wire[254], 0);
}

Test(domain, wire_as_text)
{
	static const struct {
		const char *wire;
		const char *text;
	} names[] = {
		{"", "."},
		{"\1a\2Bc", "a.Bc."},
		{"\3a.b\1\\", "a\\.b.\\\\."},
		{"\2\1\377", "\\001\\255."},
		{"\3@ $", "\\@\\032\\$."},
	};
	uint8_t longest[VLY_NAME_BYTES_MAX];
	char text[VLY_DOMAIN_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_str_eq(vly_domain_text((const uint8_t *)names[i].wire, text),
				 names[i].text);
	for (unsigned i = 0; i < sizeof(longest); i++)
		longest[i] = i == 254 ? 0 : i == 192 ? 61 : i % 64 == 0 ? 63 : 0xff;
	cr_expect_eq(strlen(vly_domain_text(longest, text)), (63 * 3 + 61) * 4 + 4);
}

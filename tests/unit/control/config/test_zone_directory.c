/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

#include "config/zone_directory.h"

static enum vly_directory_match
match(const char *pattern, const char *file, char name[VLY_DOMAIN_TEXT_BYTES])
{
	const char *why;

	name[0] = '\0';
	return vly_zone_directory_match(pattern, file, name, &why);
}

Test(zone_directory, names)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	char longest[NAME_MAX + 20];

	cr_expect_eq(match("%s.zone", "example.zone", name), VLY_DIRECTORY_ZONE);
	cr_expect_str_eq(name, "example.");
	cr_expect_eq(match("%s.zone", "Sub.Example..zone", name), VLY_DIRECTORY_ZONE);
	cr_expect_str_eq(name, "sub.example.");
	cr_expect_eq(match("%s.zone", "..zone", name), VLY_DIRECTORY_ZONE);
	cr_expect_str_eq(name, ".");
	cr_expect_eq(match("db.%s", "db.0\\0472.in-addr.arpa", name), VLY_DIRECTORY_ZONE);
	cr_expect_str_eq(name, "0/2.in-addr.arpa.");
	cr_expect_eq(match("%s", "a", name), VLY_DIRECTORY_ZONE);
	cr_expect_eq(match("%s.zone", "example.zone~", name), VLY_DIRECTORY_OTHER);
	cr_expect_eq(match("%s.zone", "zone", name), VLY_DIRECTORY_OTHER);
	cr_expect_eq(match("a%sa", "a", name), VLY_DIRECTORY_OTHER, "both ends are one octet");
	cr_expect_eq(match("%s.zone", ".zone", name), VLY_DIRECTORY_BAD);
	cr_expect_eq(match("%s.zone", "a..b.zone", name), VLY_DIRECTORY_BAD);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_eq(match("%s", longest, name), VLY_DIRECTORY_OTHER);
	longest[NAME_MAX] = '\0';
	cr_expect_eq(match("%s", longest, name), VLY_DIRECTORY_BAD);
}

Test(zone_directory, patterns)
{
	cr_expect_null(vly_zone_pattern_check("%s"));
	cr_expect_null(vly_zone_pattern_check(VLY_ZONE_PATTERN));
	cr_expect_not_null(vly_zone_pattern_check("zone"));
	cr_expect_not_null(vly_zone_pattern_check("%s.%s"));
	cr_expect_not_null(vly_zone_pattern_check("a/%s"));
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "steer/map_text.h"

/* Reads a text; of the second form when pools_max is not 0. */
static int
parse(const char *text, unsigned pools_max, struct vly_region_list *list,
      char reason[VLY_REASON_BYTES])
{
	memset(list, 0, sizeof(*list));
	reason[0] = '\0';
	return pools_max == 0 ? vly_map_text_parse("own.txt", text, strlen(text), list, reason)
			      : vly_map_latency_parse("own.txt", text, strlen(text), pools_max,
						      list, reason);
}

/* What was read, as "prefix=region,"... in order. */
static void
expect_list(const char *text, unsigned pools_max, const char *wanted)
{
	char reason[VLY_REASON_BYTES];
	char prefix[VLY_PREFIX_TEXT_BYTES];
	struct vly_region_list list;
	char got[1000] = "";
	size_t used = 0;

	cr_assert_eq(parse(text, pools_max, &list, reason), 0, "%s", reason);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		for (size_t i = 0; i < list.cnt[family]; i++) {
			const struct vly_region_prefix *each = &list.prefix[family][i];
			used += (size_t)snprintf(got + used, sizeof(got) - used, "%s=%s,",
						 vly_region_prefix_format(each, family, prefix),
						 vly_region_name(&list.names, each->region));
		}
	cr_expect_str_eq(got, wanted);
	vly_region_list_free(&list);
}

static void
expect_refused(const char *text, unsigned pools_max, const char *wanted)
{
	char reason[VLY_REASON_BYTES];
	struct vly_region_list list;

	cr_assert_eq(parse(text, pools_max, &list, reason), -1, "%s was taken", text);
	cr_expect_not_null(strstr(reason, wanted), "%s: %s", text, reason);
	cr_expect(list.cnt[0] == 0 && list.cnt[1] == 0 && list.names.cnt == 0);
}

Test(map_text, prefixes_and_regions)
{
	expect_list("", 0, "");
	expect_list("# nothing\n\n  ; more\n", 0, "");
	expect_list("192.0.2.0/24 eu", 0, "192.0.2.0/24=eu,");
	expect_list("2001:db8::/32\tus # ours\r\n 192.0.2.7 eu\n192.0.2.0/24 us\n0.0.0.0/0 else\n",
		    0, "0.0.0.0/0=else,192.0.2.0/24=us,192.0.2.7/32=eu,2001:db8::/32=us,");
	expect_list("::/0 a\n::/1 b\n8000::/1 c\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff a\n", 0,
		    "::/0=a,::/1=b,8000::/1=c,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128=a,");
}

Test(map_text, what_is_wrong)
{
	char text[600];

	expect_refused("192.0.2.0/24 eu\n\n192.0.2.1/24 us\n", 0,
		       "own.txt:3: 192.0.2.1/24 has host bits set; did you mean 192.0.2.0/24?");
	expect_refused("192.0.2.0/24 eu\n10.0.0.0/8 us\n192.0.2.0/24 us\n", 0,
		       "own.txt:3: 192.0.2.0/24 is on line 1 already");
	expect_refused("2001:db8::/32 eu\n2001:0db8::/32 eu\n", 0,
		       "own.txt:2: 2001:db8::/32 is on line 1 already");
	expect_refused("here eu\n", 0, "own.txt:1: here is not an IPv4 or IPv6 prefix");
	expect_refused("192.0.2.0/24\n", 0, "own.txt:1: a line is \"prefix region\"");
	expect_refused("192.0.2.0/24 a b\n", 0, "own.txt:1: a line is \"prefix region\"");
	expect_refused("192.0.2.0/24 a b c d\n", 0, "own.txt:1: a line is \"prefix region\"");
	expect_refused("192.0.2.0/24 a\001\n", 0, "own.txt:1: a name has");
	snprintf(text, sizeof(text), "192.0.2.0/24 %0*d\n", VLY_REGION_NAME_MAX + 1, 1);
	expect_refused(text, 0, "own.txt:1: a name has");
	snprintf(text, sizeof(text), "10.0.0.0/8 x\n192.0.2.0/24 %0*d\n", 300, 1);
	expect_refused(text, 0, "own.txt:2: the line has more than");
}

Test(map_text, nul)
{
	char reason[VLY_REASON_BYTES];
	struct vly_region_list list = {0};

	cr_expect_eq(vly_map_text_parse("own.txt", "10.0.0.0/8 x\0y", 14, &list, reason), -1);
	cr_expect_not_null(strstr(reason, "own.txt:1: a NUL octet"), "%s", reason);
	/* in a comment it does not matter */
	cr_expect_eq(vly_map_text_parse("own.txt", "10.0.0.0/8 x#\0y", 15, &list, reason), 0);
	vly_region_list_free(&list);
}

Test(map_text, measured_times)
{
	expect_list("192.0.2.0/24 fra 20\n"
		    "10.0.0.0/8 nyc 3.25\n"
		    "192.0.2.0/24 nyc 19.9\n"
		    "2001:db8::/32 nyc 0\n"
		    "192.0.2.0/24 ams 20.0\n",
		    16, "10.0.0.0/8=nyc,192.0.2.0/24=nyc fra ams,2001:db8::/32=nyc,");
	expect_list("192.0.2.0/24 fra 20\n192.0.2.0/24 nyc 19.999\n192.0.2.0/24 ams 60000\n", 1,
		    "192.0.2.0/24=nyc,");
	expect_list("192.0.2.0/24 fra 20\n192.0.2.0/24 nyc 19\n192.0.2.0/24 ams 19\n", 2,
		    "192.0.2.0/24=nyc ams,");
	expect_list("", 1, "");
}

Test(map_text, times_that_are_wrong)
{
	expect_refused("192.0.2.0/24 fra\n", 1,
		       "own.txt:1: a line is \"prefix pool milliseconds\"");
	expect_refused("192.0.2.0/24 fra 1 2\n", 1, "own.txt:1: a line is");
	expect_refused("192.0.2.0/24 fra -1\n", 1, "own.txt:1: milliseconds are a number");
	expect_refused("192.0.2.0/24 fra 60001\n", 1, "own.txt:1: milliseconds");
	expect_refused("192.0.2.0/24 fra 1.\n", 1, "own.txt:1: milliseconds");
	expect_refused("192.0.2.0/24 fra 1.2345\n", 1, "own.txt:1: milliseconds");
	expect_refused("192.0.2.0/24 fra 1.2x\n", 1, "own.txt:1: milliseconds");
	expect_refused("192.0.2.0/24 fra 1x\n", 1, "own.txt:1: milliseconds");
	expect_refused("192.0.2.9/24 fra 1\n", 1, "host bits");
	expect_refused("192.0.2.0/24 a 1\n192.0.2.0/24 b 1\n10.0.0.0/8 a 1\n192.0.2.0/24 a 2\n", 2,
		       "own.txt:4: 192.0.2.0/24 with a is on line 1 already");
}

/* As many pools with the longest names as a region may have. */
Test(map_text, longest_ranking)
{
	char text[VLY_MAP_POOLS_MAX * 100] = "";
	char wanted[VLY_MAP_POOLS_MAX * 100] = "";
	char name[VLY_REGION_NAME_MAX + 1];
	char reason[VLY_REASON_BYTES];
	struct vly_region_list list;

	for (unsigned i = 0; i < VLY_MAP_POOLS_MAX; i++) {
		snprintf(name, sizeof(name), "%0*u", VLY_REGION_NAME_MAX, i);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "192.0.2.0/24 %s %u\n",
			 name, i);
		snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s%s",
			 i > 0 ? " " : "", name);
	}
	cr_assert_eq(parse(text, VLY_MAP_POOLS_MAX, &list, reason), 0, "%s", reason);
	cr_expect_str_eq(vly_region_name(&list.names, 1), wanted);
	vly_region_list_free(&list);
}

Test(map_text, files)
{
	char path[] = "/tmp/volley-map-XXXXXX";
	char reason[VLY_REASON_BYTES];
	struct vly_region_list list = {0};
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	dprintf(fd, "10.0.0.0/8 a 1\n");
	close(fd);
	cr_expect_eq(vly_map_latency_read(path, 1, &list, reason), 0, "%s", reason);
	cr_expect_eq(list.cnt[VLY_FAMILY_IPV4], 1);
	vly_region_list_free(&list);
	cr_expect_eq(vly_map_text_read(path, &list, reason), -1);
	cr_expect_not_null(strstr(reason, path), "%s", reason);
	unlink(path);
	cr_expect_eq(vly_map_text_read(path, &list, reason), -1);
	cr_expect_not_null(strstr(reason, "No such file"), "%s", reason);
	cr_expect_eq(vly_map_latency_read(path, 1, &list, reason), -1);
	cr_expect_not_null(strstr(reason, "No such file"), "%s", reason);
}

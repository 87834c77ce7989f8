/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of data: each with what it finds and what looks alike and is right. */
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/zone_check.h"

#define SHA1   "000102030405060708090a0b0c0d0e0f10111213"
#define SHA256 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SHA384 SHA256 "202122232425262728292a2b2c2d2e2f"
#define SHA512 SHA256 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

/* Their tags are 52,361 and 48,009. */
#define KEY   "257 3 8 AQMFD5raczCJHViKtLYhWGz8hMY9UGRuniJDBzC7w0aRyzWZriO6i2odGWWQVucZqKVsENW91IOq"
#define OTHER "257 3 8 AQMFD5raczCJHViKtLYhWGz8hMY9UGRuniJDBzC7w0aRyzWZriO6i2odGWWQVucZqKVsENW91IOZ"

struct found {
	unsigned cnt; /* of the check */
	unsigned check;
	uint64_t line;
	char text[300];
};

static void
on_finding(void *context, const struct vly_zone_finding *finding)
{
	struct found *found = context;

	if (strcmp(finding->check, vly_zone_check_name(found->check)) != 0)
		return;
	found->cnt++;
	found->line = finding->line;
	snprintf(found->text, sizeof(found->text), "%s", finding->text);
}

/* Loads the records behind the apex, with the default severities: that works. */
static struct found
load(unsigned check, const char *records)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct found found = {.check = check};
	struct vly_zone_report report;
	struct vly_zone_info info;
	char text[2000];
	char path[32];

	snprintf(text, sizeof(text), "%s%s\n", VLY_TEST_APEX, records);
	int fd = vly_test_text_fd(text, strlen(text));
	vly_zone_report_defaults(&report);
	report.on_finding = on_finding;
	report.context = &found;
	vly_test_fd_path(fd, path);
	cr_expect_eq(vly_image_builder_add_file(builder, "z.", path, NULL, &report, &info), 0,
		     "%s: %s", records, report.first.text);
	close(fd);
	vly_image_builder_free(builder);
	return found;
}

struct bad {
	const char *records;
	const char *fragment;
};

static void
expect_bad(unsigned check, const struct bad *bad, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		struct found found = load(check, bad[i].records);
		cr_expect_eq(found.cnt, 1, "%s: %u findings", bad[i].records, found.cnt);
		cr_expect_not_null(strstr(found.text, bad[i].fragment), "%s: %s", bad[i].records,
				   found.text);
	}
}

static void
expect_good(unsigned check, const char *const *good, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		struct found found = load(check, good[i]);
		cr_expect_eq(found.cnt, 0, "%s: %s", good[i], found.text);
	}
}

#define CNT(array) (sizeof(array) / sizeof(array[0]))

Test(zone_check_data, digests)
{
	static const struct bad bad[] = {
		{"d NS n.x.\nd DS 1 8 1 " SHA256, "has 32 octets, but those of type 1 have 20"},
		{"d NS n.x.\nd DS 1 8 2 " SHA1, "has 20 octets, but those of type 2 have 32"},
		{"d NS n.x.\nd DS 1 8 3 01", "has 1 octet, but those of type 3 have 32"},
		{"d NS n.x.\nd DS 1 8 4 " SHA256, "of type 4 have 48"},
		{"d NS n.x.\nd DS 1 8 5 " SHA1, "of type 5 have 32"},
		{"d NS n.x.\nd DS 1 8 6 " SHA1, "of type 6 have 32"},
		{"d NS n.x.\nd TYPE43 \\# 4 00010802", "no digest"},
		{"d NS n.x.\nd TYPE43 \\# 1 00", "no digest"},
		{"@ CDS 1 8 2 " SHA1, "of type 2 have 32"},
		{"d TYPE32769 \\# 6 00010802abcd", "has 2 octets, but those of type 2 have 32"},
		{"s SSHFP 1 1 " SHA256, "of type 1 have 20"},
		{"s SSHFP 1 2 " SHA1, "of type 2 have 32"},
		{"s TYPE44 \\# 2 0101", "no digest"},
		{"s TLSA 3 1 1 " SHA1, "of type 1 have 32"},
		{"s TLSA 3 1 2 " SHA256, "of type 2 have 64"},
		{"s SMIMEA 3 1 1 " SHA1, "of type 1 have 32"},
		{"@ ZONEMD 1 1 1 " SHA256, "of type 1 have 48"},
		{"@ ZONEMD 1 1 2 " SHA256, "of type 2 have 64"},
		{"@ ZONEMD 1 1 240 000102030405060708090a", "has 11 octets, fewer than 12"},
	};
	static const char *const good[] = {
		"d NS n.x.\nd DS 1 8 1 " SHA1 "\nd DS 1 8 2 " SHA256 "\nd DS 1 8 4 " SHA384,
		"d NS n.x.\nd DS 1 8 3 " SHA256 "\nd DS 1 8 5 " SHA256 "\nd DS 1 8 6 " SHA256,
		"d NS n.x.\nd DS 1 8 7 00\nd DS 1 8 0 00\nd DS 1 8 255 00",
		"@ CDS 0 0 0 00", /* RFC 8078 §4 */
		"s SSHFP 1 1 " SHA1 "\ns SSHFP 1 2 " SHA256 "\ns SSHFP 1 9 00",
		"s TLSA 3 1 0 00\ns TLSA 3 1 1 " SHA256 "\ns TLSA 3 1 2 " SHA512,
		"s SMIMEA 3 1 0 00\ns SMIMEA 3 1 1 " SHA256,
		"@ ZONEMD 1 1 1 " SHA384 "\n@ ZONEMD 1 1 2 " SHA512,
		"@ ZONEMD 1 1 240 000102030405060708090a0b",
		"d NS n.x.\nb.d DS 1 8 2 00", /* is not served */
	};
	struct found found =
		load(VLY_ZONE_CHECK_digest_length, "s SSHFP 1 1 " SHA1 "\ns SSHFP 2 1 00");

	cr_expect_eq(found.line, 5);
	expect_bad(VLY_ZONE_CHECK_digest_length, bad, CNT(bad));
	expect_good(VLY_ZONE_CHECK_digest_length, good, CNT(good));
}

/* RFC 1876 §2 */
Test(zone_check_data, locations)
{
	static const struct bad bad[] = {
		{"l LOC 90 0 0.001 N 0 0 0 E 0m", "latitude"},
		{"l LOC 90 0 0.001 S 0 0 0 E 0m", "latitude"},
		{"l LOC 0 0 0 S 180 0 0.001 E 0m", "longitude"},
		{"l LOC 0 0 0 S 180 0 0.001 W 0m", "longitude"},
		{"l TYPE29 \\# 16 00121613000000008000000000989680", "latitude"},
		{"l TYPE29 \\# 16 0012161380000000ffffffff00989680", "longitude"},
		{"l TYPE29 \\# 15 001216138000000080000000009896", "not 16 octets long"},
		{"l TYPE29 \\# 1 00", "not 16 octets long"},
	};
	static const char *const good[] = {
		"l LOC 90 0 0 N 180 0 0 E 0m", "l LOC 90 0 0 S 180 0 0 W 0m",
		"l TYPE29 \\# 2 0100", /* a version to come */
	};

	expect_bad(VLY_ZONE_CHECK_location, bad, CNT(bad));
	expect_good(VLY_ZONE_CHECK_location, good, CNT(good));
}

/* RFC 9460 §2.2, §7.1.1, §8 */
Test(zone_check_data, services)
{
	static const struct bad bad[] = {
		{"s SVCB 1 . no-default-alpn", "no-default-alpn without alpn"},
		{"s HTTPS 1 t port=1 no-default-alpn", "no-default-alpn without alpn"},
		{"s TYPE64 \\# 11 000100 0000 0004 00010003", "mandatory has keys"},
		{"s TYPE64 \\# 16 000100 0000 0002 0003 0001 0003 026832", "mandatory has keys"},
		{"s TYPE64 \\# 15 000100 0000 0002 0000 0003 0002 0035", "mandatory has keys"},
		{"s TYPE64 \\# 17 000100 0000 0004 00030003 0003 0002 0035", "mandatory has keys"},
		{"s TYPE64 \\# 7 000100 0000 0000", "mandatory is malformed"},
		{"s TYPE64 \\# 8 000100 0000 0001 00", "mandatory is malformed"},
		{"s TYPE64 \\# 14 000100 0001 0003 026832 0000 0000", "ascending"},
		{"s TYPE64 \\# 15 000100 0003 0002 0035 0003 0002 0035", "ascending"},
		{"s TYPE64 \\# 6 000100 0003 00", "parameters are malformed"},
		{"s TYPE65 \\# 8 000100 0003 0002 00", "parameters are malformed"},
		{"s TYPE64 \\# 2 0001", "target"},
		{"s TYPE64 \\# 4 00010161", "target"},
		{"s TYPE64 \\# 1 00", "target"},
	};
	static const char *const good[] = {
		"s SVCB 1 .",
		"s SVCB 1 t alpn=h2 no-default-alpn",
		"s HTTPS 1 . mandatory=alpn,port alpn=h2 port=53 ipv4hint=192.0.2.1",
		"s SVCB 0 t",
		"s TYPE64 \\# 7 000000 0002 0000", /* alias mode: the parameters are ignored */
	};

	expect_bad(VLY_ZONE_CHECK_svcb, bad, CNT(bad));
	expect_good(VLY_ZONE_CHECK_svcb, good, CNT(good));
}

Test(zone_check_data, child_keys)
{
	static const struct bad bad[] = {
		{"@ DNSKEY " KEY "\n@ CDS 1 8 2 " SHA256, "no CDS"},
		{"@ DNSKEY " KEY "\n@ CDS 52361 13 2 " SHA256, "no CDS"},
		{"@ DNSKEY " KEY "\n@ CDNSKEY " OTHER, "no CDNSKEY"},
		{"@ DNSKEY " KEY "\n@ CDS 52361 8 2 " SHA256 "\n@ CDNSKEY " OTHER, "no CDNSKEY"},
		{"@ DNSKEY 257 3 1 AAAAAAAA\n@ CDS 1 1 2 " SHA256, "no CDS"},
	};
	static const char *const good[] = {
		"@ DNSKEY " KEY "\n@ CDS 52361 8 2 " SHA256,
		"@ DNSKEY " KEY "\n@ DNSKEY " OTHER "\n@ CDS 48009 8 2 " SHA256,
		"@ DNSKEY " KEY "\n@ CDNSKEY " KEY "\n@ CDNSKEY " OTHER, /* a key to come */
		"@ DNSKEY " KEY "\n@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA==",
		"@ DNSKEY 257 3 1 AAABAgME\n@ CDS 515 1 2 " SHA256, /* RFC 4034 B.1 */
		"@ CDS 1 8 2 " SHA256 "\n@ CDNSKEY " KEY,           /* signed elsewhere */
		"a CDS 1 8 2 " SHA256,
		"@ DNSKEY " KEY "\n@ TYPE59 \\# 1 00\n@ TYPE60 \\# 1 00",
		"@ TYPE48 \\# 1 00\n@ CDS 0 0 0 00",
	};

	expect_bad(VLY_ZONE_CHECK_cds, bad, CNT(bad));
	expect_good(VLY_ZONE_CHECK_cds, good, CNT(good));
}

Test(zone_check_data, ds_at_the_apex)
{
	static const struct bad bad[] = {{"@ DS 1 8 2 " SHA256, "parent"}};
	static const char *const good[] = {"d NS n.x.\nd DS 1 8 2 " SHA256};

	expect_bad(VLY_ZONE_CHECK_ds_at_apex, bad, CNT(bad));
	expect_good(VLY_ZONE_CHECK_ds_at_apex, good, CNT(good));
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts on signed zones (signed/make), sound and damaged, at a time that the test sets. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file_text.h"
#include "message.h"
#include "server.h"
#include "zone/zone_file.h"
#include "zone/zone_verdict.h"

/* Signatures are valid until END; the SOA's expire is a day. */
#define END UINT64_C(3786912000) /* 2090-01-01 */
#define NOW UINT64_C(2208988800) /* 2040-01-01 */
#define DAY UINT64_C(86400)

/* The verdict on a file, with `old` replaced by `new` once. */
static struct vly_zone_verdict
judge(const char *path, const char *old, const char *new, uint64_t now_s,
      const struct vly_verdict_before *before)
{
	const struct vly_dnssec_settings settings = {
		.now_s = now_s, .verify = VLY_DNSSEC_VERIFY_ALL, .thread_max = 1};
	struct vly_zone_scanner scanner = {0};
	struct vly_zone_report report;
	struct vly_zone_verdict verdict;
	struct vly_zone zone;
	const char *why;
	char *changed;
	char name[32];
	size_t bytes;

	char *text = vly_file_read_string(path, SIZE_MAX, &bytes, &why);
	cr_assert_not_null(text, "%s: %s", path, why);
	const char *at = strstr(text, old);
	cr_assert_not_null(at, "%s: no %s", path, old);
	cr_assert_gt(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)),
		     0);
	int fd = vly_test_text_fd(changed, strlen(changed));
	vly_test_fd_path(fd, name);
	vly_zone_report_defaults(&report);
	cr_assert_eq(
		vly_zone_read_file(&zone, &scanner, &vly_test_key, "example.", name, NULL, &report),
		0, "%s", report.first.text);
	vly_zone_verdict(&zone, &settings, before, &verdict);
	vly_zone_free(&zone);
	vly_zone_scanner_free(&scanner);
	close(fd);
	free(changed);
	free(text);
	return verdict;
}

static void
expect(const struct vly_zone_verdict *verdict, enum vly_fault fault,
       enum vly_fault_severity severity, const char *text)
{
	cr_expect_eq(verdict->worst, severity, "%s", vly_verdict_text(verdict));
	for (unsigned i = 0; i < VLY_FAULT_CNT; i++)
		cr_expect_eq(verdict->severity[i], i == fault ? severity : VLY_FAULT_NONE, "%s: %s",
			     vly_fault_name(i), verdict->text[i]);
	cr_expect(strstr(vly_verdict_text(verdict), text), "%s", vly_verdict_text(verdict));
}

#define SIGNED(file) VLY_SIGNED "/" file ".zone"

Test(zone_verdict, sound_zones_are_good)
{
	static const char *const files[] = {SIGNED("nsec-13"), SIGNED("nsec3-13"),
					    SIGNED("optout-13")};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct vly_zone_verdict verdict = judge(files[i], "", "", NOW, NULL);
		cr_expect_eq(verdict.worst, VLY_FAULT_NONE, "%s", vly_verdict_text(&verdict));
		cr_expect_str_eq(vly_verdict_text(&verdict), "");
		cr_expect(verdict.facts.is_signed);
		cr_expect_eq(verdict.facts.expiry_s, END);
	}
}

Test(zone_verdict, bogus)
{
	struct vly_zone_verdict verdict =
		judge(SIGNED("nsec-13"), "192.0.2.9", "192.0.2.8", NOW, NULL);

	expect(&verdict, VLY_FAULT_BOGUS, VLY_FAULT_ERROR, "does not verify");
	verdict = judge(SIGNED("nsec-13"), "IN\tNSEC\t", "IN\tNSEC\tz.", NOW, NULL);
	cr_expect_eq(verdict.severity[VLY_FAULT_BOGUS], VLY_FAULT_ERROR);
}

Test(zone_verdict, expired_or_soon)
{
	struct vly_zone_verdict verdict = judge(SIGNED("nsec-13"), "", "", END + 1, NULL);

	expect(&verdict, VLY_FAULT_EXPIRED, VLY_FAULT_ERROR, "expired on 2090-01-01");
	verdict = judge(SIGNED("nsec-13"), "", "", END - DAY + 1, NULL);
	expect(&verdict, VLY_FAULT_EXPIRES_EARLY, VLY_FAULT_WARNING, "SOA's expire of 86400 s");
	verdict = judge(SIGNED("nsec-13"), "", "", END - DAY, NULL);
	cr_expect_eq(verdict.worst, VLY_FAULT_NONE, "%s", vly_verdict_text(&verdict));
}

Test(zone_verdict, compared_with_the_version_before)
{
	struct vly_verdict_before before = {
		.is_known = true, .is_signed = true, .serial = 7, .differs = true};
	struct vly_zone_verdict verdict = judge(SIGNED("nsec-13"), "", "", NOW, &before);

	expect(&verdict, VLY_FAULT_SAME_SERIAL, VLY_FAULT_WARNING, "serial, 7, has not");
	before.differs = false;
	verdict = judge(SIGNED("nsec-13"), "", "", NOW, &before);
	cr_expect_eq(verdict.worst, VLY_FAULT_NONE);
	before.serial = 6;
	before.differs = true;
	verdict = judge(SIGNED("nsec-13"), "", "", NOW, &before);
	cr_expect_eq(verdict.worst, VLY_FAULT_NONE);
}

Test(zone_verdict, a_zone_that_is_signed_no_more)
{
	const struct vly_verdict_before before = {.is_known = true, .is_signed = true, .serial = 6};
	struct vly_zone_verdict verdict =
		judge(VLY_DIGESTED "/rfc8976-a1.zone", "", "", NOW, &before);

	expect(&verdict, VLY_FAULT_UNSIGNED, VLY_FAULT_WARNING, "is not signed");
}

Test(zone_verdict, zonemd)
{
	struct vly_zone_verdict verdict =
		judge(VLY_DIGESTED "/rfc8976-a1.zone", "203.0.113.63", "203.0.113.64", NOW, NULL);

	expect(&verdict, VLY_FAULT_ZONEMD, VLY_FAULT_ERROR, "");
	cr_expect_str_neq(vly_verdict_text(&verdict), "");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed zones (signed/make), sound and damaged in one place, at a time that the test sets. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/file_text.h"
#include "message.h"
#include "server.h"
#include "zone/dnssec_check.h"
#include "zone/zone_check.h"
#include "zone/zone_file.h"

#define DAY UINT64_C(86400)

/* Signatures are valid from BEGIN to END. */
#define BEGIN UINT64_C(1767225600) /* 2026-01-01 */
#define END   UINT64_C(3786912000) /* 2090-01-01 */
#define NOW   UINT64_C(2208988800) /* 2040-01-01 */

struct found {
	unsigned cnt[VLY_ZONE_CHECK_CNT];
	char text[VLY_ZONE_CHECK_CNT][300]; /* the first */
	uint64_t line[VLY_ZONE_CHECK_CNT];
	unsigned total;
	struct vly_dnssec_facts facts;
};

static void
on_finding(void *context, const struct vly_zone_finding *finding)
{
	struct found *found = context;

	for (unsigned check = 0; check < VLY_ZONE_CHECK_CNT; check++) {
		if (strcmp(finding->check, vly_zone_check_name(check)) != 0)
			continue;
		if (found->cnt[check]++ == 0) {
			snprintf(found->text[check], sizeof(found->text[check]), "%s",
				 finding->text);
			found->line[check] = finding->line;
		}
		found->total++;
	}
}

static const struct vly_dnssec_settings all = {
	.now_s = NOW, .verify = VLY_DNSSEC_VERIFY_ALL, .thread_max = 3};

/* A zone file, the caller's to free. */
static char *
read_text(const char *folder, const char *file)
{
	char path[400];
	const char *why;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/%s.zone", folder, file);
	char *text = vly_file_read_string(path, SIZE_MAX, &bytes, &why);
	cr_assert_not_null(text, "%s: %s", path, why);
	return text;
}

static struct found
check_text(const char *name, const char *text, const struct vly_dnssec_settings *settings)
{
	struct vly_zone_scanner scanner = {0};
	struct vly_zone_report report;
	struct found found = {0};
	struct vly_zone zone;
	char path[32];

	int fd = vly_test_text_fd(text, strlen(text));
	vly_zone_report_defaults(&report);
	report.severity[VLY_ZONE_CHECK_nsec3_costly] = VLY_ZONE_WARNING;
	report.on_finding = on_finding;
	report.context = &found;
	vly_test_fd_path(fd, path);
	cr_assert_eq(vly_zone_read_file(&zone, &scanner, &vly_test_key, name, path, NULL, &report),
		     0, "%s", report.first.text);
	found = (struct found){0}; /* only what is found about signatures */
	vly_dnssec_check(&zone, settings, &report, &found.facts);
	cr_expect_eq(report.error_cnt, 0, "%s", report.first.text);
	vly_zone_free(&zone);
	vly_zone_scanner_free(&scanner);
	close(fd);
	return found;
}

static struct found
check_file(const char *file, const struct vly_dnssec_settings *settings)
{
	char *text = read_text(VLY_SIGNED, file);
	struct found found = check_text("example.", text, settings);

	free(text);
	return found;
}

static char *
find_line(char *text, const char *begin)
{
	for (char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
		if (strncmp(line, begin, strlen(begin)) == 0)
			return line;
	cr_assert_fail("no line begins with %s", begin);
	return text;
}

/* In the line that begins with `begin`, replaces `old` by `new`; without `old`, removes the line. */
static struct found
check_damaged(const char *file, const char *begin, const char *old, const char *new)
{
	char *text = read_text(VLY_SIGNED, file);
	char *line = find_line(text, begin);
	char *end = strchr(line, '\n') + 1;
	const char *at = old == NULL ? line : strstr(line, old);
	char *damaged;

	cr_assert(at != NULL && at < end, "%s: no %s", begin, old);
	const char *behind = old == NULL ? end : at + strlen(old);
	cr_assert_gt(asprintf(&damaged, "%.*s%s%s", (int)(at - text), text, old == NULL ? "" : new,
			      behind),
		     0);
	struct found found = check_text("example.", damaged, &all);
	free(damaged);
	free(text);
	return found;
}

static void
expect(const struct found *found, unsigned check, unsigned cnt, const char *fragment)
{
	cr_expect_eq(found->cnt[check], cnt, "%s: %u findings, not %u: %s",
		     vly_zone_check_name(check), found->cnt[check], cnt, found->text[check]);
	cr_expect_not_null(strstr(found->text[check], fragment), "%s: %s",
			   vly_zone_check_name(check), found->text[check]);
}

Test(dnssec_check, sound_zones_have_no_findings)
{
	static const struct {
		const char *file;
		unsigned rrset_cnt; /* signed */
	} zones[] = {{"nsec-8", 23},   {"nsec3-10", 29}, {"nsec-13", 23}, {"nsec3-13", 29},
		     {"nsec3-14", 29}, {"nsec-15", 23},  {"nsec-16", 23}, {"nsec-13-15", 23}};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		struct found found = check_file(zones[i].file, &all);
		cr_expect_eq(found.total, 0, "%s: %u findings", zones[i].file, found.total);
		cr_expect(found.facts.is_signed);
		cr_expect_eq(found.facts.expiry_s, END, "%s", zones[i].file);
		cr_expect_eq(found.facts.margin_s, 86400 + 300);
		cr_expect_eq(found.facts.rrset_cnt, zones[i].rrset_cnt, "%s: %llu", zones[i].file,
			     (unsigned long long)found.facts.rrset_cnt);
		/* one signature of each is enough */
		cr_expect_eq(found.facts.verified_cnt, found.facts.rrset_cnt);
	}
}

Test(dnssec_check, opt_out_leaves_insecure_delegations_out)
{
	struct found found = check_file("optout-13", &all);

	cr_expect_eq(found.total, 1);
	expect(&found, VLY_ZONE_CHECK_nsec3_costly, 1, "5 iterations and a salt of 2 octets");
	/* two delegations, and two empty non-terminals, are behind this one */
	found = check_damaged("optout-13",
			      "gs7n5620lge5rer41r4doibkbliq1ttj.example.\t60\tIN\tNSEC3", "1 1 5",
			      "1 0 5");
	expect(&found, VLY_ZONE_CHECK_nsec3_chain, 4, "it has no NSEC3 record");
}

Test(dnssec_check, unsigned_zones_are_not_concerned)
{
	struct found found = check_text("z.", VLY_TEST_APEX "@ DNSKEY 256 3 13 aaaa\n", &all);

	cr_expect_eq(found.total, 0);
	cr_expect_not(found.facts.is_signed);
	cr_expect_eq(found.facts.expiry_s, 0);
}

Test(dnssec_check, signatures_expire_and_begin)
{
	struct vly_dnssec_settings settings = all;

	settings.now_s = END;
	cr_expect_eq(check_file("nsec-13", &settings).total, 0);
	settings.now_s = END + 1;
	struct found found = check_file("nsec-13", &settings);
	/* 16, and how many more */
	expect(&found, VLY_ZONE_CHECK_signature_expired, 17,
	       "the signature of its NS RRset expired on 2090-01-01 00:00:00 UTC");
	cr_expect_eq(found.total, 17);
	cr_expect_eq(found.line[VLY_ZONE_CHECK_signature_expired], 4);
	cr_expect_eq(found.facts.expiry_s, END);
	settings.now_s = BEGIN;
	cr_expect_eq(check_file("nsec-13", &settings).total, 0);
	settings.now_s = BEGIN - 1;
	found = check_file("nsec-13", &settings);
	expect(&found, VLY_ZONE_CHECK_signature_expired, 17,
	       "is not valid before 2026-01-01 00:00:00 UTC");
}

/* One of two signatures of the SOA has expired, and counts no more. */
Test(dnssec_check, one_good_signature_is_enough)
{
	struct found found = check_damaged("nsec-13-15", "example.\t300\tIN\tRRSIG\tSOA 13",
					   "20900101000000", "20260201000000");

	cr_expect_eq(found.total, 0);
	cr_expect_eq(found.facts.expiry_s, END);
	found = check_damaged("nsec-13", "mail.example.\t300\tIN\tRRSIG\tA", "20900101000000",
			      "20260201000000");
	expect(&found, VLY_ZONE_CHECK_signature_expired, 1,
	       "mail.example.: the signature of its A");
	cr_expect_eq(found.facts.expiry_s, BEGIN + 31 * DAY);
}

struct damage {
	const char *file, *begin, *old, *new;
	unsigned check;
	unsigned cnt;
	const char *fragment;
};

static void
expect_damage(const struct damage *damage, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		struct found found = check_damaged(damage[i].file, damage[i].begin, damage[i].old,
						   damage[i].new);
		expect(&found, damage[i].check, damage[i].cnt, damage[i].fragment);
	}
}

#define CNT(array) (sizeof(array) / sizeof(array[0]))

Test(dnssec_check, tampered_data)
{
	static const char *const files[] = {"nsec-8",  "nsec3-10", "nsec-13",  "nsec3-14",
					    "nsec-15", "nsec-16",  "optout-13"};

	for (size_t i = 0; i < CNT(files); i++) {
		struct found found =
			check_damaged(files[i], "*.wild.example.\t300\tIN\tA", "0.2.9", "0.2.8");
		expect(&found, VLY_ZONE_CHECK_signature_invalid, 1,
		       "*.wild.example.: the signature of its A RRset by key ");
		expect(&found, VLY_ZONE_CHECK_signature_invalid, 1, "does not verify");
	}
}

Test(dnssec_check, damaged_signatures)
{
	static const struct damage damage[] = {
		{"nsec-13", "ns.example.\t300\tIN\tRRSIG\tA", NULL, NULL,
		 VLY_ZONE_CHECK_signature_missing, 1, "ns.example.: its A RRset has no signature"},
		{"nsec-13", "ns.example.\t60\tIN\tRRSIG\tNSEC", NULL, NULL,
		 VLY_ZONE_CHECK_signature_missing, 1, "its NSEC RRset has no signature"},
		{"nsec-13", "secure.example.\t300\tIN\tRRSIG\tDS", NULL, NULL,
		 VLY_ZONE_CHECK_signature_missing, 1, "its DS RRset has no signature"},
		{"nsec-13", "example.\t300\tIN\tRRSIG\tSOA", NULL, NULL,
		 VLY_ZONE_CHECK_signature_missing, 1, "served as an unsigned one"},
		{"nsec-13", "ns.example.\t300\tIN\tRRSIG\tA", " example. ", " exampla. ",
		 VLY_ZONE_CHECK_signature_invalid, 1, "names another signer"},
		{"nsec-13", "ns.example.\t300\tIN\tRRSIG\tA", "A 13 2", "A 13 1",
		 VLY_ZONE_CHECK_signature_invalid, 1, "wrong number of labels, 1"},
		{"nsec-13", "*.wild.example.\t300\tIN\tRRSIG\tA", "A 13 2", "A 13 3",
		 VLY_ZONE_CHECK_signature_invalid, 1, "wrong number of labels, 3"},
		{"nsec-13", "ns.example.\t300\tIN\tRRSIG\tA", "A 13 2", "A 15 2",
		 VLY_ZONE_CHECK_signature_invalid, 1, "of algorithm 15"},
		{"nsec-13", "ns.example.\t300\tIN\tRRSIG\tA", "2 300 ", "2 299 ",
		 VLY_ZONE_CHECK_signature_invalid, 1, "does not verify"},
		/* the zone-signing key is gone, or is no zone key; DNSKEY is by the other one, too */
		{"nsec-13", "example.\t300\tIN\tDNSKEY\t256", NULL, NULL,
		 VLY_ZONE_CHECK_signature_invalid, 17, "by a key that no DNSKEY record has"},
		{"nsec-13", "example.\t300\tIN\tDNSKEY\t256", "256 3", "256 4",
		 VLY_ZONE_CHECK_signature_invalid, 17, "by a key that no DNSKEY record has"},
		{"nsec-13", "example.\t300\tIN\tDNSKEY\t256", "256 3", "000 3",
		 VLY_ZONE_CHECK_signature_invalid, 17, "by a key that no DNSKEY record has"},
	};

	expect_damage(damage, CNT(damage));
}

/* A key of an algorithm that is not verified, and a signature of a type by it. The signature of the
 * DNSKEY records is no good then. */
#define KEY_5 "example. 300 DNSKEY 256 3 5 AQAB\n"
#define RRSIG_5(type)                                                                              \
	"ns.example. 300 RRSIG " type " 5 2 300 20900101000000 20260101000000 1541 example. "      \
	"aaaa\n"

Test(dnssec_check, unknown_algorithms_excuse_nothing)
{
	static const char begin[] = "ns.example.\t300\tIN\tA\t";

	/* alone it is no finding */
	struct found found =
		check_damaged("nsec-13", begin, "ns.example.",
			      KEY_5 RRSIG_5("TXT") "ns.example. 300 TXT t\nns.example.");
	expect(&found, VLY_ZONE_CHECK_signature_invalid, 1, "of its DNSKEY RRset");
	cr_expect_eq(found.cnt[VLY_ZONE_CHECK_signature_missing], 0);
	/* beside one that does not verify, it is */
	found = check_damaged("nsec-13", begin, "ns.example.",
			      KEY_5 RRSIG_5("A") "ns.example. 300 A 192.0.2.250\nns.example.");
	expect(&found, VLY_ZONE_CHECK_signature_invalid, 2, "");
	/* beside a good one, neither is a finding */
	found = check_damaged("nsec-13", begin, "ns.example.", KEY_5 RRSIG_5("A") "ns.example.");
	expect(&found, VLY_ZONE_CHECK_signature_invalid, 1, "of its DNSKEY RRset");
}

/* Two keys sign the DNSKEY records, in any order. Validators come to them by one of the two. */
Test(dnssec_check, dnskey_must_be_signed_by_the_key_with_the_sep_flag)
{
	static const char begin[] = "example.\t300\tIN\tRRSIG\tDNSKEY";
	char *text = read_text(VLY_SIGNED, "nsec-13");
	unsigned cnt = 0;

	for (unsigned i = 0; i < 2; i++) {
		char *copy = strdup(text);
		char *line = find_line(copy, begin);
		if (i == 1)
			line = strchr(line, '\n') + 1;
		cr_assert_eq(strncmp(line, begin, strlen(begin)), 0);
		char *end = strchr(line, '\n') + 1;
		memmove(line, end, strlen(end) + 1);
		struct found found = check_text("example.", copy, &all);
		cnt += found.total;
		if (found.total > 0)
			expect(&found, VLY_ZONE_CHECK_signature_invalid, 1, "or has no SEP flag");
		free(copy);
	}
	cr_expect_eq(cnt, 1);
	free(text);
}

Test(dnssec_check, damaged_nsec)
{
	static const struct damage damage[] = {
		{"nsec-13", "mail.example.\t60\tIN\tNSEC", NULL, NULL, VLY_ZONE_CHECK_nsec_chain, 1,
		 "mail.example.: it has no NSEC record"},
		{"nsec-13", "mail.example.\t60\tIN\tNSEC", "ns.example.", "nt.example.",
		 VLY_ZONE_CHECK_nsec_chain, 1, "mail.example.: its NSEC record names a wrong next"},
		{"nsec-13", "*.wild.example.\t60\tIN\tNSEC", "\texample.", "\texampla.",
		 VLY_ZONE_CHECK_nsec_chain, 1, "names a wrong next name"},
		{"nsec-13", "mail.example.\t60\tIN\tNSEC", "A RRSIG", "AAAA RRSIG",
		 VLY_ZONE_CHECK_nsec_chain, 1, "does not list the types of the name"},
		{"nsec-13", "secure.example.\t60\tIN\tNSEC", "NS DS", "NS MX",
		 VLY_ZONE_CHECK_nsec_chain, 1, "does not list the types of the name"},
		{"nsec-13", "odd.example.\t60\tIN\tNSEC", "TYPE65400", "TYPE65401",
		 VLY_ZONE_CHECK_nsec_chain, 1, "does not list the types of the name"},
		/* a name that the chain does not know */
		{"nsec-13", "ns.insecure.example.\t300", "ns.insecure", "ns.insecurely",
		 VLY_ZONE_CHECK_nsec_chain, 2, "names a wrong next name"},
		{"nsec-13", "mail.example.\t60\tIN\tNSEC", "mail", "*.mail",
		 VLY_ZONE_CHECK_nsec_chain, 2, "mail.example.: it has no NSEC record"},
		{"nsec-13", "example.\t60\tIN\tNSEC", NULL, NULL, VLY_ZONE_CHECK_nsec_chain, 1,
		 "neither NSEC nor NSEC3PARAM"},
	};

	expect_damage(damage, CNT(damage));
}

Test(dnssec_check, damaged_nsec3)
{
	static const struct damage damage[] = {
		/* mail.example. */
		{"nsec3-13", "q4900c1cjmipnhp5mnbgmlte8et5nhog.example.\t60\tIN\tNSEC3", NULL, NULL,
		 VLY_ZONE_CHECK_nsec3_chain, 2, "names a wrong next hash"},
		{"nsec3-13", "phf4ld20sj50p4ctu115mql57cfmg16v.example.\t60\tIN\tNSEC3", "Q4900C1C",
		 "Q4900C1D", VLY_ZONE_CHECK_nsec3_chain, 1, "names a wrong next hash"},
		/* the last one: back to the first */
		{"nsec3-13", "u2hve0n8kgur7rf1e2qk1mcel54166cc.example.\t60\tIN\tNSEC3", "044RRQCQ",
		 "044RRQCR", VLY_ZONE_CHECK_nsec3_chain, 1, "names a wrong next hash"},
		{"nsec3-13", "3msev9usmd4br9s97v51r2tdvmr9iqo1.example.\t60\tIN\tNSEC3", " MX ",
		 " ", VLY_ZONE_CHECK_nsec3_chain, 1,
		 "example.: its NSEC3 record does not list the types of the name"},
		/* an empty non-terminal */
		{"nsec3-13", "n3mivjm8dklobh7r7f4rd46cg6f4stom.example.\t60\tIN\tNSEC3", "SC6M",
		 "SC6M A", VLY_ZONE_CHECK_nsec3_chain, 1, "does not list the types"},
		{"nsec3-13", "n3mivjm8dklobh7r7f4rd46cg6f4stom.example.\t60\tIN\tNSEC3", "n3m",
		 "w3m", VLY_ZONE_CHECK_nsec3_chain, 3, "names a wrong next hash"},
		{"nsec3-13", "example.\t0\tIN\tNSEC3PARAM", "1 0 0", "1 0 1",
		 VLY_ZONE_CHECK_nsec3_chain, 1, "no NSEC3 record has these parameters"},
		{"nsec3-13", "example.\t0\tIN\tNSEC3PARAM", "1 0 0", "2 0 0",
		 VLY_ZONE_CHECK_nsec3_chain, 1, "hash algorithm 2 is unknown"},
		{"nsec3-13", "example.\t0\tIN\tNSEC3PARAM", "1 0 0", "1 0 151",
		 VLY_ZONE_CHECK_nsec3_iterations, 1, "151 iterations are more than 150"},
		/* a name that the chain does not know, and one that is empty now */
		{"nsec3-13", "odd.example.\t300\tIN\tTYPE65400", "odd", "new.odd",
		 VLY_ZONE_CHECK_nsec3_chain, 2,
		 "odd.example.: its NSEC3 record does not list the types"},
		{"nsec3-13", "x.y.opt.example.\t300", "x.y.opt", "y.opt",
		 VLY_ZONE_CHECK_nsec3_chain, 2, "its NSEC3 record"},
	};

	expect_damage(damage, CNT(damage));
}

/* The zones of RFC 8976, Appendix A, have digests; so do these. */
Test(dnssec_check, zonemd)
{
	static const struct {
		const char *file, *name;
	} zones[] = {{"rfc8976-a1", "example."},
		     {"rfc8976-a2", "example."},
		     {"rfc8976-a3", "example."},
		     {"rfc8976-a4", "uri.arpa."}};

	for (size_t i = 0; i < CNT(zones); i++) {
		char *text = read_text(VLY_DIGESTED, zones[i].file);
		struct found found = check_text(zones[i].name, text, &all);
		cr_expect_eq(found.cnt[VLY_ZONE_CHECK_zonemd], 0, "%s: %s", zones[i].file,
			     found.text[VLY_ZONE_CHECK_zonemd]);
		free(text);
	}
}

/* Replaces one text in a zone file of RFC 8976. */
static struct found
check_digest(const char *file, const char *old, const char *new)
{
	char *text = read_text(VLY_DIGESTED, file);
	char *at = strstr(text, old);
	char *damaged;

	cr_assert_not_null(at, "%s: no %s", file, old);
	cr_assert_gt(asprintf(&damaged, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)),
		     0);
	struct found found = check_text("example.", damaged, &all);
	free(damaged);
	free(text);
	return found;
}

Test(dnssec_check, wrong_zonemd)
{
	struct found found = check_digest("rfc8976-a1", "203.0.113.63", "203.0.113.62");

	expect(&found, VLY_ZONE_CHECK_zonemd, 1, "example.: the digest of its ZONEMD record");
	cr_expect_eq(found.total, 1);
	found = check_digest("rfc8976-a2", "admin 2018031900", "admin 2018031901");
	expect(&found, VLY_ZONE_CHECK_zonemd, 1, "of another serial than the SOA");
	/* hidden records count */
	found = check_digest("rfc8976-a2", "I'm occluded", "I'm not occluded");
	expect(&found, VLY_ZONE_CHECK_zonemd, 1, "the file was changed or is not complete");
	/* names count without case, the duplicate once, and what is out of the zone not at all */
	found = check_digest("rfc8976-a2", "Mail2.Example.", "mail2.example.");
	cr_expect_eq(found.total, 0);
	found = check_digest("rfc8976-a2", "foo.test.", "foo.tests.");
	cr_expect_eq(found.total, 0);
	/* other schemes and hashes can't be verified: they are no errors */
	found = check_digest("rfc8976-a1", "2018031900 1 1", "2018031900 2 1");
	cr_expect_eq(found.total, 0);
	found = check_digest("rfc8976-a1", "2018031900 1 1", "2018031900 1 240");
	cr_expect_eq(found.total, 0);
	/* of the four records of this one, the first and the second are of known kinds */
	found = check_digest("rfc8976-a3", "2018031900 1 1", "2018031900 1 9");
	cr_expect_eq(found.total, 0, "%s", found.text[VLY_ZONE_CHECK_zonemd]);
	found = check_digest("rfc8976-a3", "203.0.113.63", "203.0.113.62");
	expect(&found, VLY_ZONE_CHECK_zonemd, 1, "the digest of its ZONEMD record");
}

#define KEY "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="

/* RFC 8080 §6.1 has the digest; that of another key with the same tag is none of it. */
Test(dnssec_check, cds_has_the_digest_of_a_key)
{
	static const char good[] =
		"$TTL 300\n@ SOA n. m. 1 2 3 4 60\n@ NS n.\n@ DNSKEY " KEY "\n@ CDS 3613 15 2 "
		"3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b\n";
	char bad[sizeof(good)];

	cr_expect_eq(check_text("example.com.", good, &all).total, 0);
	memcpy(bad, good, sizeof(bad));
	*strstr(bad, "304b") = '4';
	struct found found = check_text("example.com.", bad, &all);
	expect(&found, VLY_ZONE_CHECK_cds, 1, "of its CDS record is not that of the DNSKEY record");
	cr_expect_eq(found.total, 1);
}

/* Without verifying, data may be anything; all else is found. */
Test(dnssec_check, verifies_as_many_as_it_should)
{
	struct vly_dnssec_settings settings = all;

	settings.verify = VLY_DNSSEC_VERIFY_NONE;
	cr_expect_eq(check_file("nsec-13", &settings).facts.verified_cnt, 0);
	settings.verify = VLY_DNSSEC_VERIFY_SAMPLE;
	settings.sample_max = 1000;
	cr_expect_eq(check_file("nsec-13", &settings).facts.verified_cnt, 23);
	settings.sample_max = 7;
	struct found found = check_file("nsec-13", &settings);
	cr_expect_leq(found.facts.verified_cnt, 7);
	cr_expect_geq(found.facts.verified_cnt, 5); /* the apex */
	settings.sample_max = 0;
	cr_expect_eq(check_file("nsec-13", &settings).facts.verified_cnt, 0);
	settings.now_s = END + 1;
	cr_expect_eq(check_file("nsec-13", &settings).cnt[VLY_ZONE_CHECK_signature_expired], 17);
}

/* The findings of threads are in the order of the file. */
Test(dnssec_check, threads_change_nothing)
{
	struct vly_dnssec_settings settings = all;
	char *text = malloc(1 << 20);
	size_t len = 0;

	char *head = read_text(VLY_SIGNED, "nsec-13");
	len = (size_t)sprintf(text, "%s", head);
	free(head);
	for (unsigned i = 0; i < 5000; i++)
		len += (size_t)sprintf(text + len, "n%u.example. 60 A 192.0.2.1\n", i);
	for (settings.thread_max = 1; settings.thread_max <= 8; settings.thread_max *= 2) {
		struct found found = check_text("example.", text, &settings);
		expect(&found, VLY_ZONE_CHECK_signature_missing, 17, "n0.example.: its A RRset");
		cr_expect_eq(found.line[VLY_ZONE_CHECK_signature_missing], 55);
		expect(&found, VLY_ZONE_CHECK_nsec_chain, 17, "");
		cr_expect_eq(found.facts.rrset_cnt, 5023);
	}
	free(text);
}

Test(dnssec_check, samples_of_a_load)
{
	cr_expect_eq(vly_dnssec_sample(1, 0, 1), VLY_DNSSEC_SAMPLE_MAX);
	cr_expect_eq(vly_dnssec_sample(1, 0, 100), VLY_DNSSEC_LOAD_MAX / 100);
	uint32_t sum = 0;
	for (uint32_t i = 0; i < 200000; i++)
		sum += vly_dnssec_sample(123456789, i, 200000);
	cr_expect_eq(sum, VLY_DNSSEC_LOAD_MAX);
}

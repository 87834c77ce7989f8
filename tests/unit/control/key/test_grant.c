/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include <volley/dns.h>

#include "key/grant.h"
#include "zone/domain.h"

/* Words of a configuration are not const. */
#define W(text) ((char *)(uintptr_t)(text))

#define SECOND UINT64_C(1000000000)

static struct vly_grant
read_one(struct vly_grant_text text)
{
	struct vly_grant grant;
	char member[32];
	char reason[VLY_GRANT_REASON_BYTES];

	cr_assert_eq(vly_grant_read(&grant, &text, "z.example.", member, reason), 0, "%s: %s",
		     member, reason);
	return grant;
}

static void
expect_refused(struct vly_grant_text text, const char *member_wanted, const char *reason_wanted)
{
	struct vly_grant grant;
	char member[32] = "";
	char reason[VLY_GRANT_REASON_BYTES] = "";

	cr_expect_eq(vly_grant_read(&grant, &text, "z.example.", member, reason), -1);
	cr_expect_str_eq(member, member_wanted);
	cr_expect_str_eq(reason, reason_wanted);
}

static bool
matches(const char *pattern, const char *name)
{
	char *names[] = {W(pattern)};
	struct vly_grant grant = read_one((struct vly_grant_text){.names = names, .name_cnt = 1});
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_domain_wire(name, wire);
	const char *against = vly_grant_allows(&grant, wire, len, VLY_TYPE_A, NULL);

	vly_grant_free(&grant);
	cr_expect(against == NULL || strcmp(against, "names") == 0);
	return against == NULL;
}

Test(grant, exact_names)
{
	cr_expect(matches("www", "www.z.example."));
	cr_expect(matches("WWW.Z.example.", "www.z.example."));
	cr_expect(matches("@", "z.example."));
	cr_expect(!matches("@", "www.z.example."));
	cr_expect(!matches("www", "a.www.z.example."));
	cr_expect(!matches("www", "z.example."));
	cr_expect(!matches("www", "wwww.z.example."));
	cr_expect(matches("\\*.dyn", "*.dyn.z.example."));
	cr_expect(!matches("\\*.dyn", "a.dyn.z.example."));
}

Test(grant, a_star_is_any_number_of_labels)
{
	cr_expect(matches("*.dyn", "dyn.z.example."));
	cr_expect(matches("*.dyn", "a.b.dyn.z.example."));
	cr_expect(matches("*.dyn", "*.dyn.z.example."));
	cr_expect(!matches("*.dyn", "xdyn.z.example."));
	cr_expect(!matches("*.dyn", "z.example."));
	cr_expect(matches("_acme-challenge.*", "_acme-challenge.z.example."));
	cr_expect(matches("_acme-challenge.*", "_acme-challenge.a.b.z.example."));
	cr_expect(!matches("_acme-challenge.*", "a._acme-challenge.z.example."));
	cr_expect(!matches("_acme-challenge.*", "_acme-challengex.z.example."));
	cr_expect(matches("a.*.b", "a.b.z.example."));
	cr_expect(matches("a.*.b", "a.x.y.b.z.example."));
	cr_expect(!matches("a.*.b", "b.z.example."));
	cr_expect(matches("*", "z.example."));
	cr_expect(matches("*", "x.z.example."));
	cr_expect(matches("_acme-challenge.*.z.example.", "_acme-challenge.b.z.example."));
}

/* A label may hold octets that look like the length and letters of other labels. */
Test(grant, patterns_end_at_labels)
{
	cr_expect(!matches("*.dyn", "\\003dyn.z.example."));
	cr_expect(!matches("*", "x\\001z\\007example."));
}

Test(grant, types_and_ttls)
{
	char *types[] = {W("txt"), W("TYPE65280")};
	char *any[] = {W("ANY")};
	const uint8_t owner[] = "\1z\7example";
	const uint32_t low = 59, fits = 60, high = 301;
	struct vly_grant grant = read_one((struct vly_grant_text){
		.types = types, .type_cnt = 2, .ttl_min = W("60"), .ttl_max = W("300")});

	cr_expect_null(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_TXT, &fits));
	cr_expect_null(vly_grant_allows(&grant, owner, sizeof(owner), 65280, NULL));
	cr_expect_null(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_ANY, NULL));
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_A, NULL), "types");
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_TXT, &low),
			 "ttl-min");
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_TXT, &high),
			 "ttl-max");
	vly_grant_free(&grant);
	grant = read_one((struct vly_grant_text){0});
	cr_expect_null(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_A, &high));
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_NS, &high),
			 "types");
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_SOA, &high),
			 "types");
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_DNAME, &high),
			 "types");
	cr_expect_str_eq(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_DNAME, NULL),
			 "types");
	vly_grant_free(&grant);
	grant = read_one((struct vly_grant_text){.types = any, .type_cnt = 1});
	cr_expect_null(vly_grant_allows(&grant, owner, sizeof(owner), VLY_TYPE_SOA, &high));
	vly_grant_free(&grant);
}

Test(grant, time_and_sources)
{
	char *sources[] = {W("192.0.2.0/25"), W("2001:db8::/33")};
	const uint8_t inside[16] = {[10] = 255, [11] = 255, 192, 0, 2, 127};
	const uint8_t outside[16] = {[10] = 255, [11] = 255, 192, 0, 2, 128};
	const uint8_t inside6[16] = {0x20, 1, 0x0d, 0xb8, 0x7f};
	const uint8_t outside6[16] = {0x20, 1, 0x0d, 0xb8, 0x80};
	struct vly_grant grant = read_one((struct vly_grant_text){
		.until = W("1970-01-02"), .sources = sources, .source_cnt = 2});

	cr_expect_null(vly_grant_holds(&grant, 2 * 86400 - 1, inside));
	cr_expect_null(vly_grant_holds(&grant, 0, inside6));
	cr_expect_str_eq(vly_grant_holds(&grant, 2 * 86400, inside), "until");
	cr_expect_str_eq(vly_grant_holds(&grant, 0, outside), "sources");
	cr_expect_str_eq(vly_grant_holds(&grant, 0, outside6), "sources");
	vly_grant_free(&grant);
	grant = read_one((struct vly_grant_text){.until = W("1970-01-01T00:01:40Z")});
	cr_expect_null(vly_grant_holds(&grant, 100, outside));
	cr_expect_str_eq(vly_grant_holds(&grant, 101, outside), "until");
	vly_grant_free(&grant);
}

Test(grant, a_rate_lets_a_period_at_once_and_then_its_part)
{
	struct vly_grant grant = read_one((struct vly_grant_text){.rate = W("3/m")});
	uint64_t now = 1000 * SECOND;

	for (unsigned i = 0; i < 3; i++)
		cr_expect(vly_grant_take(&grant, now));
	cr_expect(!vly_grant_take(&grant, now));
	cr_expect(!vly_grant_take(&grant, now + 19 * SECOND));
	cr_expect(vly_grant_take(&grant, now + 20 * SECOND));
	cr_expect(!vly_grant_take(&grant, now + 20 * SECOND));
	now += 1000 * SECOND;
	for (unsigned i = 0; i < 3; i++)
		cr_expect(vly_grant_take(&grant, now));
	cr_expect(!vly_grant_take(&grant, now));
	vly_grant_free(&grant);
}

Test(grant, wrong_words)
{
	char *two[] = {W("www"), W("*.a.*")};
	char *outside[] = {W("www.example.")};
	char *empty[] = {W("a..b")};
	char *type[] = {W("A"), W("OPT")};
	char *source[] = {W("192.0.2.0/33")};

	expect_refused((struct vly_grant_text){.names = two, .name_cnt = 2}, "names[1]",
		       "*.a.*: only one label may be *");
	expect_refused((struct vly_grant_text){.names = outside, .name_cnt = 1}, "names[0]",
		       "www.example.: not in the zone z.example.");
	expect_refused((struct vly_grant_text){.names = empty, .name_cnt = 1}, "names[0]",
		       "a..b: the name has an empty label");
	expect_refused((struct vly_grant_text){.types = type, .type_cnt = 2}, "types[1]",
		       "OPT: not a type of records");
	expect_refused((struct vly_grant_text){.ttl_min = W("1h")}, "ttl-min",
		       "must be a number of seconds from 0 to 2147483647");
	expect_refused((struct vly_grant_text){.ttl_min = W("9"), .ttl_max = W("8")}, "ttl-min",
		       "must not be above ttl-max");
	for (unsigned i = 0; i < 4; i++) {
		static const char *const until[] = {"2026", "2026-13-01", "2026-01-01T00:00",
						    "tomorrow"};
		expect_refused((struct vly_grant_text){.until = W(until[i])}, "until",
			       "must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ");
	}
	for (unsigned i = 0; i < 5; i++) {
		static const char *const rate[] = {"10", "0/s", "10/w", "/s", "10/sec"};
		expect_refused((struct vly_grant_text){.rate = W(rate[i])}, "rate",
			       "must be a number of updates from 1 to 1000000 and a unit: 10/s, "
			       "100/m, 1000/h or 5000/d");
	}
	expect_refused((struct vly_grant_text){.sources = source, .source_cnt = 1}, "sources[0]",
		       "192.0.2.0/33: the length must be a number from 0 to 32");
}

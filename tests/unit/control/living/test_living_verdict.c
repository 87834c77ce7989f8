/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts on changes of a signed zone in the store. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_text.h"
#include "living/living_verdict.h"
#include "store/zone_store.h"
#include "zone/rr_type.h"
#include "zone/zone_file.h"

#define NOW UINT64_C(2208988800) /* 2040-01-01 */

static char directory[] = "/tmp/volley-verdict-XXXXXX";
static struct vly_zone_store *store;
static struct vly_store_zone zone;
static struct vly_store_txn *txn;
static const struct vly_hash_key key = {{11, 12, 13, 14}};
static char reason[VLY_REASON_BYTES];

/* Puts a signed zone into the store, with one address replaced, and with delegations that need no
 * signatures. */
static void
import(const char *old, const char *new, unsigned delegation_cnt)
{
	const struct vly_zone_store_settings settings = {0};
	struct vly_zone_scanner scanner = {0};
	struct vly_zone_report report;
	struct vly_zone tree;
	const char *why;
	char path[100];
	size_t bytes;

	cr_assert_not_null(mkdtemp(directory));
	char *text = vly_file_read_string(VLY_SIGNED "/nsec-13.zone", SIZE_MAX, &bytes, &why);
	cr_assert_not_null(text, "%s", why);
	char *at = strstr(text, old);
	cr_assert_not_null(at);
	memcpy(at, new, strlen(old));
	snprintf(path, sizeof(path), "%s/zone", directory);
	FILE *out = fopen(path, "w");
	cr_assert_not_null(out);
	fputs(text, out);
	for (unsigned i = 0; i < delegation_cnt; i++)
		fprintf(out, "d%u.example. 60 IN NS ns.d%u.example.\n", i, i);
	if (delegation_cnt > 0)
		fputs("ns.d0.example. 60 IN A 192.0.2.1\n", out);
	fclose(out);
	free(text);
	vly_zone_report_defaults(&report);
	cr_assert_eq(vly_zone_read_file(&tree, &scanner, &key, "example.", path, NULL, &report), 0);
	vly_zone_scanner_free(&scanner);
	cr_assert_eq(vly_zone_store_open(&store, directory, &settings, reason, sizeof(reason)),
		     VLY_STORE_OK, "%s", reason);
	cr_assert_eq(
		vly_zone_store_import(store, &tree, &tree.stamp[0], &zone, reason, sizeof(reason)),
		VLY_STORE_OK, "%s", reason);
	vly_zone_free(&tree);
	cr_assert_eq(vly_store_begin_read(store, &txn, reason, sizeof(reason)), VLY_STORE_OK);
}

static void
tear_down(void)
{
	char command[100];

	vly_store_abort(txn);
	vly_zone_store_close(store);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_expect_eq(system(command), 0);
}

/* The verdict on a change of one name, which is made already. */
static struct vly_zone_verdict
judge(const char *owner, size_t owner_len, uint16_t type)
{
	static const uint8_t data[4] = {192, 0, 2, 1};
	const struct vly_dnssec_settings settings = {
		.now_s = NOW, .verify = VLY_DNSSEC_VERIFY_ALL, .thread_max = 1};
	struct vly_zone_verdict verdict;
	struct vly_change change;

	vly_change_init(&change);
	cr_assert_eq(vly_change_add(&change, (const uint8_t *)owner, owner_len, type, 60, data,
				    sizeof(data)),
		     0);
	vly_change_normalise(&change);
	cr_assert_eq(vly_living_verdict(txn, &zone, &change, &key, &settings, &verdict),
		     VLY_STORE_OK);
	vly_change_free(&change);
	return verdict;
}

#define JUDGE(owner) judge(owner, sizeof(owner), VLY_TYPE_A)

#define MANY 25000

TestSuite(living_verdict, .fini = tear_down);

Test(living_verdict, a_large_zone_is_judged_by_what_has_changed)
{
	import("192.0.2.9", "192.0.2.8", MANY);
	struct vly_zone_verdict verdict = JUDGE("\2ns\7example");

	cr_expect_eq(verdict.worst, VLY_FAULT_NONE, "%s", vly_verdict_text(&verdict));
	cr_expect(verdict.facts.is_signed);
	verdict = JUDGE("\1*\4wild\7example");
	cr_expect_eq(verdict.worst, VLY_FAULT_ERROR);
	cr_expect(strstr(verdict.text[VLY_FAULT_BOGUS], "does not verify"), "%s",
		  verdict.text[VLY_FAULT_BOGUS]);
}

Test(living_verdict, what_needs_no_signature)
{
	import("192.0.2.9", "192.0.2.8", MANY);
	struct vly_zone_verdict verdict = JUDGE("\2ns\2d0\7example");

	cr_expect_eq(verdict.worst, VLY_FAULT_NONE, "glue: %s", vly_verdict_text(&verdict));
	verdict = JUDGE("\2d7\7example");
	cr_expect_eq(verdict.worst, VLY_FAULT_NONE, "a delegation: %s", vly_verdict_text(&verdict));
	verdict = JUDGE("\4gone\7example");
	cr_expect_eq(verdict.worst, VLY_FAULT_NONE, "gone: %s", vly_verdict_text(&verdict));
}

Test(living_verdict, a_small_zone_is_judged_as_a_whole)
{
	import("192.0.2.9", "192.0.2.8", 0);
	struct vly_zone_verdict verdict = JUDGE("\2ns\7example");

	cr_expect_eq(verdict.severity[VLY_FAULT_BOGUS], VLY_FAULT_ERROR);
}

Test(living_verdict, other_keys_make_it_the_whole)
{
	import("192.0.2.9", "192.0.2.8", MANY);
	struct vly_zone_verdict verdict = judge("\7example", 9, VLY_TYPE_DNSKEY);

	cr_expect_eq(verdict.severity[VLY_FAULT_BOGUS], VLY_FAULT_ERROR);
}

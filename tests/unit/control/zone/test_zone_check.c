/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every check of a zone, at every severity, with the line it names. */
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/zone_check.h"

enum { APEX_LINES = 3 }; /* of VLY_TEST_APEX */

struct finding {
	unsigned cnt;
	bool is_error;
	char check[32];
	uint64_t line;
};

static void
on_finding(void *context, const struct vly_zone_finding *finding)
{
	struct finding *last = context;

	last->cnt++;
	last->is_error = finding->is_error;
	last->line = finding->line;
	snprintf(last->check, sizeof(last->check), "%s", finding->check);
}

/* Loads `text` as zone z., with the severities of `report`. Returns what adding it did. */
static int
load_with(struct vly_zone_report *report, const char *text, struct finding *found,
	  struct vly_zone_info *info)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	char path[32];
	int fd = vly_test_text_fd(text, strlen(text));

	*found = (struct finding){0};
	report->on_finding = on_finding;
	report->context = found;
	vly_test_fd_path(fd, path);
	int result = vly_image_builder_add_file(builder, "z.", path, NULL, report, info);
	cr_expect_eq(report->error_cnt + report->warning_cnt, found->cnt);
	cr_expect_eq(result == 0, report->error_cnt == 0);
	close(fd);
	vly_image_builder_free(builder);
	return result;
}

/* The same with `severity` for one check and every other one ignored. */
static int
load(const char *text, unsigned check, uint8_t severity, struct finding *found)
{
	struct vly_zone_report report;
	struct vly_zone_info info;

	vly_zone_report_defaults(&report);
	memset(report.severity, VLY_ZONE_IGNORE, sizeof(report.severity));
	if (check < VLY_ZONE_CHECK_CNT)
		report.severity[check] = severity;
	return load_with(&report, text, found, &info);
}

static int
load_by_default(const char *text, struct finding *found, uint64_t *record_cnt)
{
	struct vly_zone_report report;
	struct vly_zone_info info = {0};

	vly_zone_report_defaults(&report);
	int result = load_with(&report, text, found, &info);
	*record_cnt = info.record_cnt;
	return result;
}

static const struct {
	unsigned check;
	const char *text;
	unsigned line; /* behind the apex; 0: none */
} cases[] = {
	{VLY_ZONE_CHECK_out_of_zone, VLY_TEST_APEX "a.elsewhere. A 192.0.2.1\n", 1},
	{VLY_ZONE_CHECK_out_of_zone, VLY_TEST_APEX "a A 192.0.2.1\nb.y. A 192.0.2.1\n", 2},
	{VLY_ZONE_CHECK_out_of_zone, VLY_TEST_APEX "zz. A 192.0.2.1\n", 1},
	{VLY_ZONE_CHECK_out_of_zone, VLY_TEST_APEX "az. A 192.0.2.1\n", 1},
	{VLY_ZONE_CHECK_out_of_zone, VLY_TEST_APEX ". A 192.0.2.1\n", 1},
	{VLY_ZONE_CHECK_out_of_zone, VLY_TEST_APEX "$ORIGIN y.\na A 192.0.2.1\n", 2},
	{VLY_ZONE_CHECK_below_dname, VLY_TEST_APEX "d DNAME e\na.d A 192.0.2.1\n", 2},
	{VLY_ZONE_CHECK_below_cut, VLY_TEST_APEX "d NS ns.x.\na.d TXT x\n", 2},
	{VLY_ZONE_CHECK_missing_glue, VLY_TEST_APEX "d NS ns.d\n", 1},
	{VLY_ZONE_CHECK_no_address, VLY_TEST_APEX "a MX 1 b\n", 1},
	{VLY_ZONE_CHECK_no_address, VLY_TEST_APEX "b TXT x\na SRV 1 2 3 b\n", 2},
	{VLY_ZONE_CHECK_no_address, VLY_TEST_APEX "d NS b\n", 1},
	{VLY_ZONE_CHECK_alias_target, VLY_TEST_APEX "b CNAME c.x.\na MX 1 b\n", 2},
	{VLY_ZONE_CHECK_alias_target, VLY_TEST_APEX "*.w CNAME c.x.\na MX 1 b.w\n", 2},
	{VLY_ZONE_CHECK_ttl_range, VLY_TEST_APEX "a 2147483648 A 192.0.2.1\n", 1},
	{VLY_ZONE_CHECK_ttl_range, VLY_TEST_APEX "a 4294967295 A 192.0.2.1\nb A 192.0.2.1\n", 1},
	{VLY_ZONE_CHECK_ttl_range, VLY_TEST_APEX "$TTL 4294967295\na A 192.0.2.1\nb A 192.0.2.1\n",
	 2},
	{VLY_ZONE_CHECK_ttl_differs, VLY_TEST_APEX "a 1 A 192.0.2.1\na 2 A 192.0.2.2\n", 2},
	{VLY_ZONE_CHECK_duplicate, VLY_TEST_APEX "a A 192.0.2.1\na A 192.0.2.1\n", 1},
};

Test(zone_check, finds_each_at_its_severity)
{
	struct finding found;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name = vly_zone_check_name(cases[i].check);
		cr_expect_eq(load(cases[i].text, cases[i].check, VLY_ZONE_IGNORE, &found), 0, "%s",
			     name);
		cr_expect_eq(found.cnt, 0, "%s", name);
		cr_expect_eq(load(cases[i].text, cases[i].check, VLY_ZONE_WARNING, &found), 0, "%s",
			     name);
		cr_expect_eq(found.cnt, 1, "%s: %u findings", name, found.cnt);
		cr_expect(!found.is_error);
		cr_expect_str_eq(found.check, name);
		cr_expect_eq(found.line, APEX_LINES + cases[i].line, "%s: line %llu", name,
			     (unsigned long long)found.line);
		cr_expect_eq(load(cases[i].text, cases[i].check, VLY_ZONE_ERROR, &found), -1, "%s",
			     name);
		cr_expect(found.is_error);
	}
}

/* RFC 2181 §8: a TTL with the top bit set counts as 0, wherever it is stated. */
Test(zone_check, large_ttl_counts_as_0)
{
	static const char *const heads[] = {VLY_TEST_APEX "a 2147483648 A 192.0.2.1\n",
					    VLY_TEST_APEX "a 3000000000 A 192.0.2.1\n",
					    VLY_TEST_APEX "a 4294967295 A 192.0.2.1\n",
					    VLY_TEST_APEX "$TTL 2147483648\na A 192.0.2.1\n",
					    VLY_TEST_APEX "$TTL 4294967295\na A 192.0.2.1\n",
					    "@ 4294967295 SOA n. m. 1 2 3 4 60\n"
					    "@ NS n.\na A 192.0.2.1\n",
					    "@ SOA n. m. 1 2 3 4 4294967295\n"
					    "@ NS n.\na A 192.0.2.1\n"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct vly_test_zone zone = {"z.", heads[i]};
		struct vly_test_server server;
		cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0, "%s", heads[i]);
		char *answer = vly_test_ask_text(
			server.table, &(struct vly_test_question){.name = "a.z.", .type = 1});
		cr_expect_str_eq(answer, "NOERROR aa\nan a.z. 0 A 192.0.2.1\n", "%s: %s", heads[i],
				 answer);
		free(answer);
		vly_test_server_close(&server);
	}
}

/* What looks alike and is right. */
Test(zone_check, leaves_good_zones_alone)
{
	static const char *const good[] = {
		VLY_TEST_APEX "d NS ns.d\nns.d A 192.0.2.1\n",
		VLY_TEST_APEX "d NS ns.e\ne NS n.x.\n", /* the address is e's to say */
		VLY_TEST_APEX "a MX 0 .\n",             /* RFC 7505 */
		VLY_TEST_APEX "a MX 1 b.w\n*.w A 192.0.2.1\n",
		VLY_TEST_APEX "a MX 1 b\nb AAAA 2001:db8::1\n",
		VLY_TEST_APEX "a MX 1 elsewhere.\n",
		VLY_TEST_APEX "a 1 A 192.0.2.1\na 2 TXT x\n",
		VLY_TEST_APEX "a 2147483647 A 192.0.2.1\n",
		VLY_TEST_APEX "a RRSIG A 8 2 300 20300101000000 20200101000000 1 z. AAAA\n"
			      "a 7 RRSIG TXT 8 2 300 20300101000000 20200101000000 1 z. AAAA\n",
		VLY_TEST_APEX "d DNAME e\nd TXT x\n",
	};
	struct finding found;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		for (unsigned check = 0; check < VLY_ZONE_CHECK_CNT; check++) {
			cr_expect_eq(load(good[i], check, VLY_ZONE_ERROR, &found), 0, "%s: %s",
				     vly_zone_check_name(check), good[i]);
			cr_expect_eq(found.cnt, 0);
		}
}

Test(zone_check, allows_no_configuration_to_break_the_rules)
{
	static const char *const bad[] = {
		"@ NS n.\n",
		VLY_TEST_APEX "@ SOA n. m. 8 2 3 4 60\n",
		VLY_TEST_APEX "a SOA n. m. 8 2 3 4 60\n",
		VLY_TEST_APEX "a CNAME b\na A 192.0.2.1\n",
		VLY_TEST_APEX "a CNAME b\na CNAME c\n",
		VLY_TEST_APEX "a DNAME b\na DNAME c\n",
		/* where no query finds them, too */
		VLY_TEST_APEX "a NS n.x.\nb.a DNAME c\nb.a DNAME d\n",
		VLY_TEST_APEX "a NS n.x.\nb.a CNAME c\nb.a CNAME d\n",
		VLY_TEST_APEX "a NS n.x.\nb.a CNAME c\nb.a A 192.0.2.1\n",
		VLY_TEST_APEX "a DNAME x.\nb.a CNAME c\nb.a TXT x\n",
		VLY_TEST_APEX "a NS n.x.\nb.a SOA n. m. 8 2 3 4 60\n",
		VLY_TEST_APEX "a A 192.0.2.300\n",
	};
	struct finding found;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(load(bad[i], VLY_ZONE_CHECK_CNT, 0, &found), -1, "%s", bad[i]);
		cr_expect_str_eq(found.check, "error");
	}
}

/* What two of BIND, Knot and NSD load is loaded. */
Test(zone_check, has_the_defaults_of_other_servers)
{
	static const struct {
		const char *text;
		const char *check;
		uint64_t record_cnt;
	} loaded[] = {
		{"@ 300 SOA n. m. 7 2 3 4 60\n", "no-ns", 1},
		{"a.x. 300 A 192.0.2.1\n" VLY_TEST_APEX, "out-of-zone", 2},
		{VLY_TEST_APEX "@ DS 1 8 9 00\n", "ds-at-apex", 3},
		{VLY_TEST_APEX "d NS n.x.\nd DS 1 8 2 00\n", "digest-length", 4},
		{VLY_TEST_APEX "l LOC 90 0 1 S 0 0 0 W 0m\n", "location", 3},
		{VLY_TEST_APEX "s SVCB 1 . no-default-alpn\n", "svcb", 3},
	};
	struct finding found;
	uint64_t record_cnt;

	for (size_t i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++) {
		cr_expect_eq(load_by_default(loaded[i].text, &found, &record_cnt), 0, "%s",
			     loaded[i].text);
		cr_expect_eq(found.cnt, 1);
		cr_expect(!found.is_error);
		cr_expect_str_eq(found.check, loaded[i].check);
		cr_expect_eq(record_cnt, loaded[i].record_cnt);
	}
}

/* RFC 1035 §5.1: the last stated TTL, though its record is left out. */
Test(zone_check, record_that_is_left_out_states_its_ttl)
{
	struct finding found;

	cr_expect_eq(load("@ 300 SOA n. m. 7 2 3 4 60\n@ NS n.\na.x. 20 A 192.0.2.1\n"
			  "b A 192.0.2.1\nb 20 A 192.0.2.2\n",
			  VLY_ZONE_CHECK_ttl_differs, VLY_ZONE_ERROR, &found),
		     0);
}

/* A person who mends a zone wants to see all of it at once. */
Test(zone_check, goes_on_behind_errors)
{
	struct finding found;

	cr_expect_eq(load(VLY_TEST_APEX "a A 1.2.3\nb A 1.2.3.4\nc AAAA x\nd.x. A 1.2.3.4\n",
			  VLY_ZONE_CHECK_out_of_zone, VLY_ZONE_ERROR, &found),
		     -1);
	cr_expect_eq(found.cnt, 3);
}

Test(zone_check, gives_up_in_the_end)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct finding found;

	fputs(VLY_TEST_APEX, out);
	for (unsigned i = 0; i < 3 * VLY_ZONE_ERRORS_MAX; i++)
		fputs("a A x\n", out);
	fclose(out);
	cr_expect_eq(load(text, VLY_ZONE_CHECK_CNT, 0, &found), -1);
	cr_expect_eq(found.cnt, VLY_ZONE_ERRORS_MAX);
	free(text);
}

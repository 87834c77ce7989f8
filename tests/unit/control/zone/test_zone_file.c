/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone files that do not load name file, line and reason; those that do load have all their
 * records. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/zone_file.h"

static char directory[] = "/tmp/volley-zone-file-XXXXXX";
static char path[100];
static struct vly_zone_scanner scanner;

static void
make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/zone", directory);
}

static void
remove_directory(void)
{
	char included[110];

	snprintf(included, sizeof(included), "%s/included", directory);
	unlink(path);
	unlink(included);
	rmdir(directory);
	vly_zone_scanner_free(&scanner);
}

TestSuite(zone_file, .init = make_directory, .fini = remove_directory);

static void
write_file(const char *name, const char *text)
{
	char file[150];

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	FILE *out = fopen(file, "w");
	cr_assert_not_null(out);
	fputs(text, out);
	fclose(out);
}

static int
load(const char *name, const char *file, struct vly_zone_info *info, struct vly_zone_error *error)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	struct vly_zone_report report;

	vly_zone_report_defaults(&report);
	int result = vly_image_builder_add_file(builder, name, file, NULL, &report, info);
	*error = report.first;
	vly_image_builder_free(builder);
	return result;
}

/* `file` is how the error's file name must end. */
static void
expect_error(const char *file, uint64_t line, const char *fragment)
{
	struct vly_zone_info info;
	struct vly_zone_error error;

	cr_expect_eq(load("z.", path, &info, &error), -1, "loaded, instead of: %s", fragment);
	size_t len = strlen(error.file);
	cr_expect(len >= strlen(file) && strcmp(error.file + len - strlen(file), file) == 0,
		  "%s: file %s", fragment, error.file);
	cr_expect_eq(error.line, line, "%s: line %llu", fragment, (unsigned long long)error.line);
	cr_expect_neq(error.text[0], '\0');
	cr_expect_neq(strstr(error.text, fragment), NULL, "expected %s, got %s", fragment,
		      error.text);
}

/* The head has three lines, so each case begins in line 4. */
Test(zone_file, errors_name_the_line_and_the_reason)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *fragment; /* empty: in the words of libzscanner */
	} cases[] = {
		{"a A 1.2.3\n", 4, "IPv4 address"},
		{"a A 1.2.3.4\n\n; comment\nb A 1.2.3.256\n", 7, "IPv4 address"},
		{"a AAAA 1::2::3\n", 4, "IPv6 address"},
		{"a MX x a\n", 4, ""},
		{"a TXT (\n\"x\"\n)\nb A oops\n", 7, ""},
		{"a FOO x\n", 4, ""},
		{"a TXT )\n", 4, "parenthes"},
		{"a TXT \"open\nb A 1.2.3.4\n", 4, ""},
		{"a..b A 1.2.3.4\n", 4, "empty label"},
		{"$FOO\n", 4, "directive"},
		{"a CH A 1.2.3.4\n", 4, ""},
		{"a CLASS3 A 1.2.3.4\n", 4, ""},
		{"a TYPE255 \\# 0\n", 4, "type 255"},
		{"a TYPE252 \\# 0\n", 4, "type 252"},
		{"a TYPE128 \\# 0\n", 4, "type 128"},
		{"a TYPE41 \\# 0\n", 4, "type 41"},
		{"a TYPE0 \\# 0\n", 4, "unknown record type TYPE0"},
		{"a NS \\# 0\n", 4, ""},
		{"a NS \\# 2 0161\n", 4, "malformed data for type 2"},
		{"a NS \\# 4 01610000\n", 4, "malformed data for type 2"},
		{"a NS \\# 2 c00c\n", 4, "malformed data for type 2"},
		{"a CNAME \\# 1 01\n", 4, "malformed data for type 5"},
		{"a DNAME \\# 2 0000\n", 4, "malformed data for type 39"},
		{"a SOA \\# 3 000000\n", 4, "malformed data for type 6"},
		{"a MX \\# 2 0001\n", 4, "malformed data for type 15"},
		{"a A \\# 3 010203\n", 4, "malformed data for type 1"},
		{"a A \\# 5 0102030405\n", 4, "malformed data for type 1"},
		{"a AAAA \\# 4 01020304\n", 4, "malformed data for type 28"},
		{"a TYPE12345 \\# 4 010203\n", 4, ""},
		{"$INCLUDE missing\n", 4, "No such file"},
		{"$INCLUDE .\n", 4, "not a regular file"},
		{"$INCLUDE zone\n", 4, "nested"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1000];
		snprintf(text, sizeof(text), VLY_TEST_APEX "%s", cases[i].text);
		write_file("zone", text);
		expect_error("/zone", cases[i].line, cases[i].fragment);
	}
}

/* It can only be known at the end that nothing closes it, but where it opened is what helps. */
Test(zone_file, an_open_parenthesis_is_an_error)
{
	struct vly_zone_info info;
	struct vly_zone_error error;

	write_file("zone", VLY_TEST_APEX "a TXT ( x\nb A 1.2.3.4\n");
	cr_expect_eq(load("z.", path, &info, &error), -1);
	cr_expect_neq(strstr(error.text, "not closed"), NULL, "%s", error.text);
	cr_expect_eq(error.line, 4, "line %llu", (unsigned long long)error.line);
}

Test(zone_file, errors_in_an_included_file_name_that_file)
{
	write_file("zone", VLY_TEST_APEX "$INCLUDE included\n");
	write_file("included", "x A 1.2.3.4\ny A oops\n");
	expect_error("/included", 2, "");
	write_file("included", "x A 1.2.3.4\n\ny CNAME a\ny A 1.2.3.4\n"); /* of a later stage */
	expect_error("/included", 4, "CNAME and other data");
}

/* Behind an $INCLUDE, lines count on in the file that includes. */
Test(zone_file, errors_behind_an_include_name_the_including_file)
{
	write_file("zone", VLY_TEST_APEX "$INCLUDE included\na A oops\n");
	write_file("included", "x A 1.2.3.4\ny A 1.2.3.4\nv A 1.2.3.4\n");
	expect_error("/zone", 5, "");
	write_file("zone", VLY_TEST_APEX "$INCLUDE included\na CNAME x\na TXT x\n");
	expect_error("/zone", 6, "CNAME and other data");
}

Test(zone_file, what_is_no_file_says_so)
{
	struct vly_zone_info info;
	struct vly_zone_error error;

	expect_error("/zone", 0, "No such file");
	write_file("zone", "");
	expect_error("/zone", 0, "empty");
	cr_expect_eq(load("z.", directory, &info, &error), -1);
	cr_expect_neq(strstr(error.text, "not a regular file"), NULL, "%s", error.text);
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0); /* must not block */
	expect_error("/zone", 0, "not a regular file");
}

Test(zone_file, names_that_are_none_are_refused)
{
	static const char *const names[] = {"a..b.", ".a.", "a b."};

	write_file("zone", VLY_TEST_APEX);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vly_zone_info info;
		struct vly_zone_error error;
		cr_expect_eq(load(names[i], path, &info, &error), -1, "%s", names[i]);
		cr_expect_neq(strstr(error.text, "not a zone name"), NULL, "%s", error.text);
	}
}

static unsigned
count_records(const struct vly_zone *zone, unsigned type)
{
	unsigned cnt = 0;

	for (uint32_t i = 0; i < zone->node_cnt; i++) {
		const struct vly_zone_record *record;
		for (vly_arena_ref ref = zone->node[i].records; ref != 0; ref = record->next) {
			record = vly_arena_at(&zone->arena, ref);
			cnt += record->type == type;
		}
	}
	return cnt;
}

#define DIGEST "000102030405060708090a0b0c0d0e0f10111213"

/* Each in its own form of writing, and all of them once more where the data is generic. */
Test(zone_file, reads_every_type_that_libzscanner_knows)
{
	static const struct {
		unsigned type;
		const char *text;
	} cases[] = {
		{1, "A 192.0.2.1"},
		{2, "NS a"},
		{5, "CNAME a"},
		{12, "PTR a"},
		{13, "HINFO cpu os"},
		{14, "MINFO a b"},
		{15, "MX 1 a"},
		{16, "TXT \"a b\" c"},
		{17, "RP a b"},
		{18, "AFSDB 1 a"},
		{21, "RT 1 a"},
		{25, "KEY 256 3 8 AAAA"},
		{28, "AAAA 2001:db8::1"},
		{29, "LOC 51 30 12.748 N 0 7 39.612 W 0.00m"},
		{33, "SRV 1 2 3 a"},
		{35, "NAPTR 1 2 \"u\" \"s\" \"!x!y!\" ."},
		{36, "KX 1 a"},
		{37, "CERT 1 2 8 AAAA"},
		{39, "DNAME a"},
		{42, "APL 1:192.0.2.0/24"},
		{43, "DS 1 8 1 " DIGEST},
		{44, "SSHFP 1 1 " DIGEST},
		{45, "IPSECKEY 1 0 2 . AAAA"},
		{46, "RRSIG A 8 2 300 20300101000000 20200101000000 1 z. AAAA"},
		{47, "NSEC a A RRSIG"},
		{48, "DNSKEY 256 3 8 AAAA"},
		{49, "DHCID AAAA"},
		{50, "NSEC3 1 0 1 ab 0123456789abcdef0123456789abcdef A"},
		{51, "NSEC3PARAM 1 0 1 ab"},
		{52, "TLSA 1 1 1 " DIGEST},
		{53, "SMIMEA 1 1 1 " DIGEST},
		{59, "CDS 1 8 1 " DIGEST},
		{60, "CDNSKEY 256 3 8 AAAA"},
		{61, "OPENPGPKEY AAAA"},
		{62, "CSYNC 1 3 A NS"},
		{63, "ZONEMD 1 1 1 " DIGEST DIGEST "0001020304050607"},
		{64, "SVCB 1 a alpn=h2"},
		{65, "HTTPS 1 . port=8443"},
		{99, "SPF \"v=spf1 -all\""},
		{104, "NID 1 0014:4fff:ff20:ee64"},
		{105, "L32 1 192.0.2.1"},
		{106, "L64 1 2001:0db8:1140:1000"},
		{107, "LP 1 a"},
		{108, "EUI48 00-00-5e-00-53-2a"},
		{109, "EUI64 00-00-5e-ef-10-00-00-2a"},
		{256, "URI 1 2 \"https://a/\""},
		{257, "CAA 0 issue \"a\""},
		{12345, "TYPE12345 \\# 3 010203"},
		{65534, "TYPE65534 \\# 0"},
	};
	enum { CASES = sizeof(cases) / sizeof(cases[0]) };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct vly_zone zone;
	struct vly_zone_report report;
	struct vly_zone_error error;
	struct vly_zone_info info;

	vly_zone_report_defaults(&report);
	fputs(VLY_TEST_APEX, out);
	for (size_t i = 0; i < CASES; i++)
		fprintf(out, "t%u %s\n", cases[i].type, cases[i].text);
	fclose(out);
	write_file("zone", text);
	free(text);
	cr_assert_eq(vly_zone_read_file(&zone, &scanner, &vly_test_key, "z.", path, NULL, &report),
		     0);
	cr_assert_eq(report.error_cnt, 0, "%llu: %s", (unsigned long long)report.first.line,
		     report.first.text);
	cr_expect_eq(zone.record_cnt, CASES + 2);
	for (size_t i = 0; i < CASES; i++)
		cr_expect_eq(count_records(&zone, cases[i].type), 1u + (cases[i].type == 2),
			     "type %u", cases[i].type);
	vly_zone_free(&zone);
	cr_expect_eq(load("z.", path, &info, &error), 0, "%s", error.text);
	cr_expect_eq(info.record_cnt, CASES + 2);
	cr_expect_eq(info.serial, 7);
}

Test(zone_file, keeps_unknown_types_to_the_octet)
{
	static const struct vly_test_zone zone = {
		"z.", VLY_TEST_APEX "a TYPE12345 \\# 5 00 ff c00c 41\nb TYPE65280 \\# 0\n"};
	struct vly_test_server server;
	struct vly_test_response response;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	vly_test_ask(server.table, &(struct vly_test_question){.name = "a.z.", .type = 12345},
		     &response);
	cr_assert_eq(response.record_cnt, 1);
	cr_expect_eq(response.record[0].data_len, 5);
	cr_expect_eq(memcmp(response.record[0].data, "\0\377\300\14\101", 5), 0);
	vly_test_response_free(&response);
	vly_test_ask(server.table, &(struct vly_test_question){.name = "b.z.", .type = 65280},
		     &response);
	cr_assert_eq(response.record_cnt, 1);
	cr_expect_eq(response.record[0].data_len, 0);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
}

Test(zone_file, needs_no_newline_at_its_end)
{
	struct vly_zone_info info;
	struct vly_zone_error error;

	write_file("zone", VLY_TEST_APEX "a A 192.0.2.1");
	cr_expect_eq(load("z.", path, &info, &error), 0, "%s", error.text);
	cr_expect_eq(info.record_cnt, 3);
}

Test(zone_file, counts_progress)
{
	struct vly_load_progress progress = {0};
	struct vly_zone_report report;
	struct vly_zone zone;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(VLY_TEST_APEX, out);
	for (unsigned i = 0; i < 5000; i++)
		fprintf(out, "h%u A 192.0.2.1\n", i);
	fclose(out);
	write_file("zone", text);
	free(text);
	vly_zone_report_defaults(&report);
	cr_assert_eq(
		vly_zone_read_file(&zone, &scanner, &vly_test_key, "z.", path, &progress, &report),
		0);
	cr_expect_geq(progress.record_cnt, 4096);
	cr_expect_leq(progress.record_cnt, 5002);
	vly_zone_free(&zone);
}

/* A small file is searched for the directive; a large one is not. */
Test(zone_file, included_files_are_found_beside_the_file_itself)
{
	static const char *const directives[] = {"$INCLUDE included\n", "$include included\n",
						 "$Include ./included\n"};
	char link[130];
	struct vly_zone_info info;
	struct vly_zone_error error;

	snprintf(link, sizeof(link), "%s/links", directory);
	cr_assert_eq(mkdir(link, 0700), 0);
	snprintf(link, sizeof(link), "%s/links/zone", directory);
	cr_assert_eq(symlink(path, link), 0);
	write_file("included", "a A 192.0.2.1\n");
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		for (unsigned comment_bytes = 10; comment_bytes <= 100000; comment_bytes *= 100) {
			char *text = NULL;
			size_t size;
			FILE *out = open_memstream(&text, &size);
			fprintf(out, "%s;%*s\n%s", VLY_TEST_APEX, (int)comment_bytes, "$",
				directives[i]);
			fclose(out);
			write_file("zone", text);
			free(text);
			cr_expect_eq(load("z.", link, &info, &error), 0, "%s", error.text);
			cr_expect_eq(info.record_cnt, 3);
		}
	}
	unlink(link);
	snprintf(link, sizeof(link), "%s/links", directory);
	rmdir(link);
}

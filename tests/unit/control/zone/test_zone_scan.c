/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone files in odd spellings make the same zone as in the plain spelling, which libzscanner reads;
 * and what follows an odd record is read as if that had been plain. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/zone_file.h"

#define HEAD "$ORIGIN z.\n$TTL 5\n@ SOA a a 7 1 1 1 1\n@ NS a\n"

static char directory[] = "/tmp/volley-zone-scan-XXXXXX";
static struct vly_zone_scanner scanner;
static const char *const names[] = {"zone", "plain", "inc", "inc 2", "empty"};

static void
make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
}

static char *
path_of(const char *name)
{
	static char path[2][100];
	static unsigned next;

	next = !next;
	snprintf(path[next], sizeof(path[next]), "%s/%s", directory, name);
	return path[next];
}

static void
remove_directory(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	rmdir(directory);
	vly_zone_scanner_free(&scanner);
}

TestSuite(zone_scan, .init = make_directory, .fini = remove_directory);

static void
write_octets(const char *name, const char *text, size_t len)
{
	FILE *out = fopen(path_of(name), "w");

	cr_assert_not_null(out);
	fwrite(text, 1, len, out);
	fclose(out);
}

static void
write_file(const char *name, const char *text)
{
	write_octets(name, text, strlen(text));
}

static bool
read_zone(struct vly_zone *zone, const char *name, struct vly_zone_report *report)
{
	vly_zone_report_defaults(report);
	return vly_zone_read_file(zone, &scanner, &vly_test_key, "z.", path_of(name), NULL,
				  report) == 0;
}

/* The records in order of names and, at each, of the file; the caller frees them. */
static char *
dump(const char *name)
{
	struct vly_zone_report report;
	struct vly_zone zone;
	char *text = NULL;
	size_t size;

	if (!read_zone(&zone, name, &report))
		return NULL;
	FILE *out = open_memstream(&text, &size);
	for (uint32_t i = 0; i < zone.node_cnt; i++) {
		const struct vly_zone_record *record;
		unsigned len;
		const uint8_t *owner = vly_zone_node_name(&zone, i, &len);
		for (vly_arena_ref ref = zone.node[i].records; ref != 0; ref = record->next) {
			record = vly_arena_at(&zone.arena, ref);
			for (unsigned j = 0; j < len; j++)
				fprintf(out, "%02x", owner[j]);
			fprintf(out, " %u %u ", record->type, record->ttl);
			for (unsigned j = 0; j < record->data_len; j++)
				fprintf(out, "%02x", record->data[j]);
			fputs("\n", out);
		}
	}
	fclose(out);
	vly_zone_free(&zone);
	cr_expect_eq(report.error_cnt, 0, "%s: %s", name, report.first.text);
	return text;
}

static void
expect_same(const char *odd, size_t len, const char *plain)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(HEAD, out);
	fwrite(odd, 1, len, out);
	fclose(out);
	write_octets("zone", text, size);
	free(text);
	out = fopen(path_of("plain"), "w");
	cr_assert_not_null(out);
	fprintf(out, HEAD "%s", plain);
	fclose(out);
	char *got = dump("zone");
	char *wanted = dump("plain");
	cr_assert_not_null(wanted, "%s", plain);
	cr_assert_not_null(got, "%.*s", (int)len, odd);
	cr_expect_str_eq(got, wanted, "%.*s\n%s\n%s", (int)len, odd, got, wanted);
	free(got);
	free(wanted);
}

struct spelling {
	const char *odd;
	const char *plain;
};

static void
expect_all_same(const struct spelling *spellings, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		expect_same(spellings[i].odd, strlen(spellings[i].odd), spellings[i].plain);
}

#define CNT(array) (sizeof(array) / sizeof((array)[0]))

Test(zone_scan, names_and_strings_of_any_octets)
{
	static const struct spelling spellings[] = {
		{"a+b A 192.0.2.1\n", "a\\043b A 192.0.2.1\n"},
		{"a@b A 192.0.2.1\n", "a\\064b A 192.0.2.1\n"},
		{"srv$ A 192.0.2.1\n", "srv\\036 A 192.0.2.1\n"},
		{"a NS !@#3.\n", "a NS \\033\\064\\0353.\n"},
		{"Bob's\\032x A 192.0.2.1\n", "Bob\\039s\\032x A 192.0.2.1\n"},
		{"\303\244 NS \303\274\n", "\\195\\164 NS \\195\\188\n"},
		{"\"w\" A 192.0.2.1\n", "w A 192.0.2.1\n"},
		{"\"a b\" A 192.0.2.1\n", "a\\032b A 192.0.2.1\n"},
		{"a TXT \"caf\303\251\" gr\374n\n", "a TXT \"caf\\195\\169\" gr\\252n\n"},
		{"a TXT \"\001\177\200\"\n", "a TXT \"\\001\\127\\128\"\n"},
		{"a TXT \"ab\"\"cd\"\n", "a TXT \"ab\" \"cd\"\n"},
		{"a TXT \"ab\"cd\n", "a TXT \"ab\" \"cd\"\n"},
		{"a TXT ab\"cd\"\n", "a TXT \"ab\" \"cd\"\n"},
		{"a TXT x=\"abc\"\n", "a TXT \"x=\" \"abc\"\n"},
		{"a TXT \"x\"content=\"a b\"\n", "a TXT \"x\" \"content=\" \"a b\"\n"},
		{"a TXT \"x\\\ny\"\n", "a TXT \"x\\010y\"\n"},
		{"a TXT x\\\200y\n", "a TXT \"x\\128y\"\n"},
	};

	expect_all_same(spellings, CNT(spellings));
	expect_same("a\0b TXT \"c\0d\"\n", 14, "a\\000b TXT c\\000d\n");
}

/* libzscanner reads the number, and not the words. */
Test(zone_scan, alias)
{
	static const struct spelling spellings[] = {
		{"a ALIAS t.\n", "a TYPE65401 \\# 3 017400\n"},
		{"a aname t.\n", "a TYPE65401 \\# 3 017400\n"},
		{"a 7 IN ALIAS b\n A 192.0.2.1\n",
		 "a 7 TYPE65401 \\# 5 0162017a00\na A 192.0.2.1\n"},
		{"a (\n ALIAS ; it is\n b )\n", "a TYPE65401 \\# 5 0162017a00\n"},
		{"a ALIAS \\# 3 017400\n", "a TYPE65401 \\# 3 017400\n"},
		{"a ALIAS @\n", "a TYPE65401 \\# 3 017a00\n"},
		{"a ALIAS .\n", "a TYPE65401 \\# 1 00\n"},
		{"$GENERATE 1-2 a$ ALIAS b$\n",
		 "a1 TYPE65401 \\# 6 026231017a00\na2 TYPE65401 \\# 6 026232017a00\n"},
		/* in a list of types it is the number */
		{"a NSEC b A ALIAS\n", "a NSEC b A TYPE65401\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

Test(zone_scan, ends_of_lines_and_blanks)
{
	static const struct spelling spellings[] = {
		{"a A 192.0.2.1\r\n", "a A 192.0.2.1\n"},
		{"a A 192.0.2.1\r\n\r\n \r\n A 192.0.2.2\r\n", "a A 192.0.2.1\na A 192.0.2.2\n"},
		{"a A 192.0.2.1\r", "a A 192.0.2.1\n"},
		{"a A 192.0.2.1\rb A 192.0.2.2\r\r\nc A 192.0.2.3\n",
		 "a A 192.0.2.1\nb A 192.0.2.2\nc A 192.0.2.3\n"},
		{"a TXT (x\r\n y\r\n)\r\nb A 192.0.2.1\n", "a TXT x y\nb A 192.0.2.1\n"},
		{"$TTL 3\r\na A 192.0.2.1\n", "a 3 A 192.0.2.1\n"},
		{"\r\n$TTL 3\r\na A 192.0.2.1\n", "a 3 A 192.0.2.1\n"},
		{"$ORIGIN b.z.\r\na A 192.0.2.1\r\n", "a.b A 192.0.2.1\n"},
		{"$GENERATE 1-2 g$ A 192.0.2.$\r\nb A 192.0.2.1\r\n",
		 "g1 A 192.0.2.1\ng2 A 192.0.2.2\nb A 192.0.2.1\n"},
		{"a TXT x\fy\n", "a TXT x\\012y\n"},
		{"a\fA\f192.0.2.1\n", "a A 192.0.2.1\n"},
		{"\f\na A 192.0.2.1\n\f\n \f A 192.0.2.2\n", "a A 192.0.2.1\na A 192.0.2.2\n"},
		{"\f\n$TTL 3\na A 192.0.2.1\n", "a 3 A 192.0.2.1\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

Test(zone_scan, parentheses)
{
	static const struct spelling spellings[] = {
		{"a IN ( TXT ( \"x\"\n \"y\" ) )\nb A 192.0.2.1\n", "a TXT x y\nb A 192.0.2.1\n"},
		{"( a A 192.0.2.1 )\n", "a A 192.0.2.1\n"},
		{"(\na A\n192.0.2.1 )\n A 192.0.2.2\n", "a A 192.0.2.1\na A 192.0.2.2\n"},
		{"a TXT (\n$money\n$TTL )\nb A 192.0.2.1\n", "a TXT $money $TTL\nb A 192.0.2.1\n"},
		{"a ( NS ; (\n b.\n)\nb+ A 192.0.2.1\n A 192.0.2.2\n",
		 "a NS b.\nb\\043 A 192.0.2.1\nb\\043 A 192.0.2.2\n"},
		{"a NS ( b.\n\n) ; c\n A 192.0.2.2\n$ORIGIN c\na NS ( b.\n)\n A 192.0.2.2\n",
		 "a NS b.\na A 192.0.2.2\na.c NS b.\na.c A 192.0.2.2\n"},
		{"a TXT ( \"x\n$ORIGIN y\" )\n", "a TXT \"x\\010$ORIGIN y\"\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

Test(zone_scan, ttl_class_and_type)
{
	static const struct spelling spellings[] = {
		{"w CLASS1 A 192.0.2.1\n", "w A 192.0.2.1\n"},
		{"w CLASS1 TYPE1 192.0.2.1\n", "w A 192.0.2.1\n"},
		{"w 60 CLASS1 A 192.0.2.1\nv class1 1h a 192.0.2.1\n",
		 "w 60 A 192.0.2.1\nv 3600 A 192.0.2.1\n"},
		{"w 1w2d CLASS1 A 192.0.2.1\n", "w 777600 A 192.0.2.1\n"},
		{"w\303\244 A 192.0.2.1\n CLASS1 NS 60\n 60 CLASS1 NS IN\n",
		 "w\\195\\164 A 192.0.2.1\nw\\195\\164 NS 60\nw\\195\\164 60 NS IN\n"},
		{"IN CLASS1 A 192.0.2.1\n60 CLASS1 A 192.0.2.1\n",
		 "in A 192.0.2.1\n60 A 192.0.2.1\n"},
		{"w 4294967295 CLASS1 A 192.0.2.1\n", "w 0 A 192.0.2.1\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

/* libzscanner goes on behind an odd record with the right owner, origin and TTL. */
Test(zone_scan, goes_on_behind_an_odd_record)
{
	static const struct spelling spellings[] = {
		{"a A 192.0.2.1\n CLASS1 A 192.0.2.2\n A 192.0.2.3\n",
		 "a A 192.0.2.1\na A 192.0.2.2\na A 192.0.2.3\n"},
		{"a A 192.0.2.1\nb+ A 192.0.2.2\n A 192.0.2.3\n",
		 "a A 192.0.2.1\nb\\043 A 192.0.2.2\nb\\043 A 192.0.2.3\n"},
		{"$ORIGIN b.z.\n$TTL 9\na+ A 192.0.2.1\n A 192.0.2.2\nc A 192.0.2.3\n",
		 "a\\043.b 9 A 192.0.2.1\na\\043.b 9 A 192.0.2.2\nc.b 9 A 192.0.2.3\n"},
		{"a+ A 192.0.2.1\n$ORIGIN b.z.\n A 192.0.2.2\n",
		 "a\\043 A 192.0.2.1\na\\043 A 192.0.2.2\n"},
		{"a+ A 192.0.2.1\nb+ A 192.0.2.1\nc+ A 192.0.2.1\nd A 192.0.2.1\n"
		 "e A 192.0.2.1\nf A 192.0.2.1\n A 192.0.2.2\n$TTL 9\ng A 192.0.2.1\n",
		 "a\\043 A 192.0.2.1\nb\\043 A 192.0.2.1\nc\\043 A 192.0.2.1\nd A 192.0.2.1\n"
		 "e A 192.0.2.1\nf A 192.0.2.1\nf A 192.0.2.2\ng 9 A 192.0.2.1\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

Test(zone_scan, directives)
{
	static const struct spelling spellings[] = {
		{"$ORIGIN sub\nwww A 192.0.2.2\n", "www.sub A 192.0.2.2\n"},
		{"$ORIGIN _tcp\n$ORIGIN a+b\nw A 192.0.2.2\n$ORIGIN @\n@ A 192.0.2.1\n",
		 "w.a\\043b._tcp A 192.0.2.2\na\\043b._tcp A 192.0.2.1\n"},
		{"$ORIGIN .\na.z A 192.0.2.1\n$ORIGIN z\nb A 192.0.2.2\n",
		 "a A 192.0.2.1\nb A 192.0.2.2\n"},
		{"$origin ( ; c\n sub )\nw A 192.0.2.2\n", "w.sub A 192.0.2.2\n"},
		{"$TTL 1w2d\na A 192.0.2.1\n$ttl 4294967295 ; c\nb A 192.0.2.1\n",
		 "a 777600 A 192.0.2.1\nb 0 A 192.0.2.1\n"},
		{"$TTL 2147483648\nb A 192.0.2.1\n", "b 0 A 192.0.2.1\n"},
		{"$GENERATE 1-2 g$+ A 192.0.2.$\n A 192.0.2.3\n",
		 "g1\\043 A 192.0.2.1\ng2\\043 A 192.0.2.2\n@ A 192.0.2.3\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

Test(zone_scan, include)
{
	static const struct {
		const char *included;
		struct spelling spelling;
	} cases[] = {
		{"w A 192.0.2.2\n",
		 {"$INCLUDE inc sub\nx A 192.0.2.1\n", "w.sub A 192.0.2.2\nx A 192.0.2.1\n"}},
		{"w A 192.0.2.2\n",
		 {"$ORIGIN b.z.\n$INCLUDE inc @\nx A 192.0.2.1\n",
		  "w.b A 192.0.2.2\nx.b A 192.0.2.1\n"}},
		{"w A 192.0.2.2\n", {"$include \"inc\" ; c\n", "w A 192.0.2.2\n"}},
		{" AAAA 2001:db8::1\n",
		 {"w A 192.0.2.2\n$INCLUDE inc\n", "w A 192.0.2.2\nw AAAA 2001:db8::1\n"}},
		{"v A 192.0.2.1\n",
		 {"w A 192.0.2.2\n$INCLUDE inc\n A 192.0.2.3\n",
		  "w A 192.0.2.2\nv A 192.0.2.1\nw A 192.0.2.3\n"}},
		{"$TTL 60\na A 192.0.2.1\n",
		 {"$INCLUDE inc\nb A 192.0.2.3\n", "a 60 A 192.0.2.1\nb 60 A 192.0.2.3\n"}},
		{"$ORIGIN deep\na A 192.0.2.1\n",
		 {"$INCLUDE inc sub\nb A 192.0.2.3\n", "a.deep.sub A 192.0.2.1\nb A 192.0.2.3\n"}},
		{"a+ A 192.0.2.1",
		 {"$INCLUDE inc\nb+ A 192.0.2.3\n", "a\\043 A 192.0.2.1\nb\\043 A 192.0.2.3\n"}},
		{"", {"$INCLUDE empty\n$INCLUDE /dev/null\na A 192.0.2.1\n", "a A 192.0.2.1\n"}},
	};

	write_file("empty", "");
	for (size_t i = 0; i < CNT(cases); i++) {
		write_file("inc", cases[i].included);
		expect_same(cases[i].spelling.odd, strlen(cases[i].spelling.odd),
			    cases[i].spelling.plain);
	}
	write_file("inc 2", "a A 192.0.2.1\n");
	expect_same("$INCLUDE \"inc 2\"\n", 17, "a A 192.0.2.1\n");
	expect_same("$INCLUDE inc\\0322\n", 18, "a A 192.0.2.1\n");
}

/* Records that libzscanner 3.2.6 reads without an error, but wrongly. */
Test(zone_scan, what_libzscanner_misreads)
{
	static const struct spelling spellings[] = {
		{"a TXT (x y)\nb A 192.0.2.1\n", "a TXT x y\nb A 192.0.2.1\n"},
		{"a TXT x(y\n)\nb A 192.0.2.1\n", "a TXT x y\nb A 192.0.2.1\n"},
		{"a HINFO ( x y)\na SPF (x)\n", "a HINFO x y\na SPF x\n"},
		{"a CAA ( 0 issue y)\na URI ( 1 1 x)\n", "a CAA 0 issue y\na URI 1 1 \"x\"\n"},
		{"a NAPTR ( 1 1 u s x)y.\n", "a NAPTR 1 1 u s x y.\n"},
		{"a TXT \"(x)\" \\(y\\)\n", "a TXT \\040x\\041 \\040y\\041\n"},
		{"b A 192.0.2.1\n(a TXT x)\n", "b A 192.0.2.1\na TXT x\n"},
		{"b A 192.0.2.1\n(txt txt x)\n", "b A 192.0.2.1\ntxt TXT x\n"},
		{"a SVCB 1 . alpn=foo\\\\\\092,bar\n",
		 "a TYPE64 \\# 16 0001000001000904666f6f5c03626172\n"},
		{"a HTTPS 1 . alpn=f\\\\,o,bar\n",
		 "a TYPE65 \\# 15 0001000001000803662c6f03626172\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

Test(zone_scan, escapes_above_255_are_an_error)
{
	struct vly_zone_report report;
	struct vly_zone zone;

	write_file("zone", HEAD "a TXT \"\\255\"\na\\256 A 192.0.2.1\nb\\999 A 192.0.2.1\n");
	cr_assert(read_zone(&zone, "zone", &report));
	cr_expect_eq(report.error_cnt, 2);
	cr_expect_eq(report.first.line, 6);
	cr_expect_neq(strstr(report.first.text, "malformed escape"), NULL, "%s", report.first.text);
	vly_zone_free(&zone);
}

Test(zone_scan, padding_that_does_not_end_the_data_is_an_error)
{
	static const char *const lines[] = {
		"a DHCID AQID AQ== AQ==\n",     "a DNSKEY 256 3 8 AQIDAQ==AQ==\n",
		"a OPENPGPKEY AQ==AQID\n",      "a CERT 1 2 8 ( AQ== AQID ) ; =\n",
		"a NSEC3 1 0 0 - CPNMU=== A\n", "a NSEC3 1 0 0 - CPNMU===\n",
		"a SVCB 1 . key07=x\n",         "a HTTPS 1 . port=1 key0007\n",
	};
	struct vly_zone_report report;
	struct vly_zone zone;
	char text[512];

	for (size_t i = 0; i < CNT(lines); i++) {
		snprintf(text, sizeof(text), "%s%s", HEAD, lines[i]);
		write_file("zone", text);
		cr_assert(read_zone(&zone, "zone", &report));
		cr_expect_eq(report.error_cnt, 1, "%s: %u errors", lines[i], report.error_cnt);
		vly_zone_free(&zone);
	}
}

Test(zone_scan, padding_that_ends_the_data)
{
	static const struct spelling spellings[] = {
		{"a DHCID AQ== ; key = 5\nb DHCID ( AQ==\n) ; =\n", "a DHCID AQ==\nb DHCID AQ==\n"},
		{"a DHCID ( AQID\n AQ== ) ; = x\n", "a DHCID AQIDAQ==\n"},
		{"a SVCB 1 . key667=key\n", "a TYPE64 \\# 10 000100029b00036b6579\n"},
	};

	expect_all_same(spellings, CNT(spellings));
}

/* Libzscanner reads these, but RFCs forbid them, and so do BIND and NSD. */
Test(zone_scan, what_libzscanner_reads_too_easily_is_an_error)
{
	static const struct {
		const char *good;
		const char *bad;
	} cases[] = {
		{"a LOC 1 N 1 E 42849672.95m\n", "a LOC 1 N 1 E 333333333333333310m\n"},
		{"a DHCID AAA= ; =x\n", "a DHCID AAA= AAAA\n"},
		{"a DNSKEY 256 3 8 ( AAA=\t)\n", "a DNSKEY 256 3 8 AA==AAAA\n"},
		{"a CAA 0 issue x\n", "a CAA 0 is-sue x\n"},
		{"a CAA 0 issue x\\y\n", "a CAA 0 is\\.sue x\n"},
		{"a SVCB 1 . key7=x\n", "a SVCB 1 . key07=x\n"},
		{"a NSEC3 1 0 1 - CPNMU80G\n", "a NSEC3 1 0 1 - CPNMU===\n"},
		{"a SVCB 1 . key1=\\002h2\n", "a SVCB 1 . key1=\\009h2\n"},
		{"a RRSIG A 8 2 5 20200229000000 20200101000000 1 z. AQID\n",
		 "a RRSIG A 8 2 5 20210229000000 20200101000000 1 z. AQID\n"},
		{"a RRSIG A 8 2 5 1630000000 20200101000000 1 z. 20210229000000AA\n",
		 "a RRSIG A 8 2 5 20201231000000 20201131000000 1 z. AQID\n"},
		{"a NSEC b A\n", "a NSEC b TYPE0 A\n"},
		{"a NSEC . TYPE256\n", "a NSEC . TYPE0\n"},
		{"a NSEC3 1 0 1 ABCD CPNMU80G TYPE1\n", "a NSEC3 1 0 1 ABCD CPNMU80G TYPE0\n"},
		{"a CSYNC 7 1 NS\n", "a CSYNC 7 1 TYPE0\n"},
	};

	for (size_t i = 0; i < CNT(cases); i++) {
		struct vly_zone_report report;
		struct vly_zone zone;
		char text[500];
		snprintf(text, sizeof(text), HEAD "%sb A 192.0.2.1\n%s", cases[i].good,
			 cases[i].bad);
		write_file("zone", text);
		cr_assert(read_zone(&zone, "zone", &report));
		cr_expect_eq(report.error_cnt, 1, "%s: %u errors, %s", cases[i].bad,
			     report.error_cnt, report.first.text);
		cr_expect_eq(report.first.line, 7, "%s", cases[i].bad);
		vly_zone_free(&zone);
	}
}

/* What both ways refuse is reported once, and what follows is read. */
Test(zone_scan, errors)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *fragment;
		unsigned more_cnt; /* records that are read nevertheless */
	} cases[] = {
		{"a A 1.2.3\nb A 192.0.2.1\n", 5, "A: ", 1},
		{"a FOO x\nb A 192.0.2.1\n", 5, "unknown record type FOO", 1},
		{"a CH A 192.0.2.1\nb A 192.0.2.1\n", 5, "not class 3", 1},
		{"a hs A 192.0.2.1\nb A 192.0.2.1\n", 5, "not class 4", 1},
		{"a CLASS65535 A 192.0.2.1\n", 5, "not class 65535", 0},
		{"a CLASS65536 A 192.0.2.1\n", 5, "unknown record type CLASS65536", 0},
		{"a 3 4 A 192.0.2.1\n", 5, "unknown record type 4", 0},
		{"a IN CLASS1 A 192.0.2.1\n", 5, "unknown record type CLASS1", 0},
		{"a\nb A 192.0.2.1\n", 5, "no type", 1},
		{"a \"A\" 192.0.2.1\n", 5, "unknown record type A", 0},
		{"a..b A 192.0.2.1\n A 192.0.2.2\nb A 192.0.2.1\n", 5, "empty label", 1},
		{"a TXT \"open\nb A 192.0.2.1\n", 5, "quote", 1},
		{"a TXT ( (\nx )\nb A 192.0.2.1\n", 5, "parenthesis", 0},
		{"\n\na TXT ) x\nb A 192.0.2.1\n", 7, "parenthesis", 1},
		{"a TXT (\n\"x\ny\" \"z )\n", 6, "quote", 0},
		{"a TXT (\n\"x\"\n)\nb A oops\nc A 192.0.2.1\n", 8, "A: ", 2},
		{"a A ( \n\noops )\nc A 192.0.2.1\n", 5, "A: ", 1},
		{"a TXT x\\\nb A 192.0.2.1\n", 5, "escape", 1},
		{"a TXT x\\\r\nb A 192.0.2.1\n", 5, "escape", 1},
		{"a TXT ( x\\\n )\nb A 192.0.2.1\n", 5, "escape", 1},
		{"a\\\nb A 192.0.2.1\n", 5, "escape", 1},
		{"(\n$TTL 7\n)\nb A 192.0.2.1\n", 7, "a closing parenthesis", 1},
		{"a A oops\r\n\r\nb A oops\r\nc A 192.0.2.1\r\n", 5, "A: ", 1},
	};

	for (size_t i = 0; i < CNT(cases); i++) {
		struct vly_zone_report report;
		struct vly_zone zone;
		char text[500];
		snprintf(text, sizeof(text), HEAD "%s", cases[i].text);
		write_file("zone", text);
		cr_assert(read_zone(&zone, "zone", &report), "%s: %s", cases[i].text,
			  report.first.text);
		cr_expect_eq(report.first.line, cases[i].line, "%s: line %llu", cases[i].text,
			     (unsigned long long)report.first.line);
		cr_expect_neq(strstr(report.first.text, cases[i].fragment), NULL, "%s: %s",
			      cases[i].text, report.first.text);
		cr_expect_eq(zone.record_cnt, 2 + cases[i].more_cnt, "%s: %llu records",
			     cases[i].text, (unsigned long long)zone.record_cnt);
		vly_zone_free(&zone);
	}
}

/* Behind a directive that is not understood, nothing is. */
Test(zone_scan, bad_directives)
{
	static const struct {
		const char *text;
		const char *fragment;
	} cases[] = {
		{"$FOO x\n", "unknown directive $FOO"},
		{"$TTLX 3\n", "unknown directive $TTLX"},
		{"$ A 192.0.2.1\n", "unknown directive $"},
		{"$TTL\n", "nothing follows"},
		{"$TTL x\n", "x is not a TTL"},
		{"$TTL 4294967296\n", "4294967296 is not a TTL"},
		{"$TTL 5 x\n", "too many words"},
		{"$TTL (5\n", "parenthesis"},
		{"$ORIGIN\n", "nothing follows"},
		{"$ORIGIN a..b\n", "origin a..b: the name has an empty label"},
		{"$ORIGIN a b\n", "too many words"},
		{"$INCLUDE\n", "nothing follows"},
		{"$INCLUDE \"\"\n", "not the name of a file"},
		{"$INCLUDE a\\000b\n", "not the name of a file"},
		{"$INCLUDE a b c\n", "too many words"},
		{"$INCLUDE zone ..\n", "origin ..: the name has an empty label"},
		{"$INCLUDE zone\n", "nested"},
		{"$INCLUDE missing\n", "No such file"},
	};

	for (size_t i = 0; i < CNT(cases); i++) {
		struct vly_zone_report report;
		struct vly_zone zone;
		char text[500];
		snprintf(text, sizeof(text), HEAD "%sa A 192.0.2.1\n", cases[i].text);
		write_file("zone", text);
		cr_expect(!read_zone(&zone, "zone", &report), "%s", cases[i].text);
		cr_expect_eq(report.error_cnt, 1);
		cr_expect_eq(report.first.line, 5, "%s", cases[i].text);
		cr_expect_neq(strstr(report.first.text, cases[i].fragment), NULL, "%s: %s",
			      cases[i].text, report.first.text);
	}
}

/* Zones may be named with any octets, too. */
Test(zone_scan, odd_zone_names)
{
	struct vly_zone_report report;
	struct vly_zone zone;

	write_file("zone", "$TTL 5\n@ SOA a a 7 1 1 1 1\n@ NS a\na+ A 192.0.2.1\n");
	vly_zone_report_defaults(&report);
	cr_assert_eq(vly_zone_read_file(&zone, &scanner, &vly_test_key, "a+b.\\195\\164.",
					path_of("zone"), NULL, &report),
		     0);
	cr_expect_eq(report.error_cnt, 0);
	cr_expect_eq(zone.record_cnt, 3);
	vly_zone_free(&zone);
}

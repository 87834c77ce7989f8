/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scanner that has read another zone reads the next one as a new scanner does. */
#include <criterion/criterion.h>
#include <string.h>

#include "zone/zone_scanner.h"

/* Each leaves something in the scanner. */
static const char *const before[] = {
	"",
	"a 60 A 192.0.2.1\n",
	"$ORIGIN other.\n$TTL 77\na A 192.0.2.1\n  CH TXT x\n",
	"a NSEC b A AAAA TYPE65280\na NSEC b A TYPE1 (",
	"a 60 TXT ( \"open\n",
	"a 60 TXT \"open",
	"a 60 IN SVCB 1 . mandatory=alpn,port alpn=h2 port",
	"a APL 1:192.0.2.0/24 !2:2001:db8::/32\na LOC 1 2 3 N 4 5 6 E 7m 8m",
	"$INCLUDE file x.\n",
	"$TTL",
	"a A 192.0.2.1 ; comment\na",
	"a 60 A 192.0.2.256\nb 61 A 192.0.2.1\n",
	") \n",
	"\\",
};

static const char text[] = "@ SOA a b 1 2 3 4 5\n"
			   "  NS ns\n"
			   "x 5 A 192.0.2.1\n"
			   "x NSEC y A RRSIG NSEC TYPE300\n"
			   "bad A 1\n"
			   "y TXT ( one\n two ) ; comment\n"
			   "$INCLUDE file\n"
			   "$ORIGIN sub.example.\n"
			   "$TTL 9\n"
			   "z TXT three";

static void
expect_same_record(const zs_scanner_t *used, const zs_scanner_t *fresh, size_t i)
{
	cr_assert_eq(used->state, fresh->state, "after %zu", i);
	cr_expect_eq(used->line_counter, fresh->line_counter, "after %zu", i);
	cr_expect_eq(used->error.code, fresh->error.code, "after %zu", i);
	cr_expect_eq(used->default_ttl, fresh->default_ttl, "after %zu", i);
	cr_assert_eq(used->zone_origin_length, fresh->zone_origin_length, "after %zu", i);
	cr_expect_eq(memcmp(used->zone_origin, fresh->zone_origin, fresh->zone_origin_length), 0);
	if (fresh->state == ZS_STATE_INCLUDE) {
		cr_expect_str_eq(used->include_filename, fresh->include_filename);
		cr_expect_str_eq((const char *)used->buffer, (const char *)fresh->buffer);
	}
	if (fresh->state != ZS_STATE_DATA)
		return;
	cr_expect_eq(used->r_class, fresh->r_class, "after %zu", i);
	cr_expect_eq(used->r_ttl, fresh->r_ttl, "after %zu", i);
	cr_expect_eq(used->r_type, fresh->r_type, "after %zu", i);
	cr_assert_eq(used->r_owner_length, fresh->r_owner_length, "after %zu", i);
	cr_expect_eq(memcmp(used->r_owner, fresh->r_owner, fresh->r_owner_length), 0);
	cr_assert_eq(used->r_data_length, fresh->r_data_length, "after %zu", i);
	cr_expect_eq(memcmp(used->r_data, fresh->r_data, fresh->r_data_length), 0);
}

static void
begin(struct vly_zone_scanner *scanner)
{
	static const uint8_t origin[] = "\4zone\7example";

	cr_assert_eq(vly_zone_scanner_begin(scanner, origin, sizeof(origin), 4711), 0);
}

static void
read_all(struct vly_zone_scanner *scanner, const char *what)
{
	begin(scanner);
	vly_zone_scanner_restart(scanner, what, strlen(what), 1);
	do {
		if (zs_parse_record(scanner->zs) != 0)
			return;
	} while (scanner->zs->state != ZS_STATE_EOF && scanner->zs->state != ZS_STATE_STOP);
}

Test(zone_scanner, forgets_the_zone_before)
{
	struct vly_zone_scanner used = {0};
	unsigned record_cnt = 0;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct vly_zone_scanner fresh = {0};
		if (*before[i] != '\0')
			read_all(&used, before[i]);
		begin(&used);
		begin(&fresh);
		vly_zone_scanner_restart(&used, text, strlen(text), 1);
		vly_zone_scanner_restart(&fresh, text, strlen(text), 1);
		uint64_t errors_before = used.zs->error.counter;
		do {
			cr_assert_eq(zs_parse_record(fresh.zs), 0);
			cr_assert_eq(zs_parse_record(used.zs), 0);
			expect_same_record(used.zs, fresh.zs, i);
			cr_expect_eq(used.zs->error.counter - errors_before,
				     fresh.zs->error.counter);
			record_cnt += fresh.zs->state == ZS_STATE_DATA;
		} while (fresh.zs->state != ZS_STATE_EOF);
		vly_zone_scanner_free(&fresh);
	}
	cr_expect_geq(record_cnt, sizeof(before) / sizeof(before[0]) * 6);
	vly_zone_scanner_free(&used);
}

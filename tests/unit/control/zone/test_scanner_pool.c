/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scanner that has read another file reads the next one as a new scanner does. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "zone/scanner_pool.h"

#define ORIGIN "zone.example."

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
expect_same_record(const zs_scanner_t *pooled, const zs_scanner_t *fresh, size_t i)
{
	cr_assert_eq(pooled->state, fresh->state, "after %zu", i);
	cr_expect_eq(pooled->line_counter, fresh->line_counter, "after %zu", i);
	cr_expect_eq(pooled->error.code, fresh->error.code, "after %zu", i);
	cr_expect_eq(pooled->error.counter, fresh->error.counter, "after %zu", i);
	cr_expect_eq(pooled->default_ttl, fresh->default_ttl, "after %zu", i);
	cr_assert_eq(pooled->zone_origin_length, fresh->zone_origin_length, "after %zu", i);
	cr_expect_eq(memcmp(pooled->zone_origin, fresh->zone_origin, fresh->zone_origin_length), 0);
	if (fresh->state == ZS_STATE_INCLUDE) {
		cr_expect_str_eq(pooled->include_filename, fresh->include_filename);
		cr_expect_str_eq((const char *)pooled->buffer, (const char *)fresh->buffer);
	}
	if (fresh->state != ZS_STATE_DATA)
		return;
	cr_expect_eq(pooled->r_class, fresh->r_class, "after %zu", i);
	cr_expect_eq(pooled->r_ttl, fresh->r_ttl, "after %zu", i);
	cr_expect_eq(pooled->r_type, fresh->r_type, "after %zu", i);
	cr_assert_eq(pooled->r_owner_length, fresh->r_owner_length, "after %zu", i);
	cr_expect_eq(memcmp(pooled->r_owner, fresh->r_owner, fresh->r_owner_length), 0);
	cr_assert_eq(pooled->r_data_length, fresh->r_data_length, "after %zu", i);
	cr_expect_eq(memcmp(pooled->r_data, fresh->r_data, fresh->r_data_length), 0);
}

static void
read_all(zs_scanner_t *scanner, const char *what)
{
	cr_assert_eq(zs_set_input_string(scanner, what, strlen(what)), 0);
	do {
		if (zs_parse_record(scanner) != 0)
			return;
	} while (scanner->state != ZS_STATE_EOF && scanner->state != ZS_STATE_STOP);
}

static zs_scanner_t *
take(struct vly_scanner_pool *pool, unsigned depth)
{
	int error;
	zs_scanner_t *scanner = vly_scanner_pool_take(pool, depth, ORIGIN, 4711, &error);

	cr_assert_not_null(scanner, "%s", zs_strerror(error));
	return scanner;
}

Test(scanner_pool, forgets_the_file_before)
{
	struct vly_scanner_pool pool = {0};
	zs_scanner_t *fresh = malloc(sizeof(*fresh));
	unsigned record_cnt = 0;

	cr_assert_not_null(fresh);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		zs_scanner_t *pooled = take(&pool, 0);
		read_all(pooled, before[i]);
		free(pooled->path);
		pooled->path = strdup("/elsewhere");
		cr_assert_eq(take(&pool, 0), pooled);
		cr_assert_eq(zs_init(fresh, ORIGIN, 1, 4711), 0);
		cr_expect_str_eq(pooled->path, fresh->path);
		cr_assert_eq(zs_set_input_string(pooled, text, strlen(text)), 0);
		cr_assert_eq(zs_set_input_string(fresh, text, strlen(text)), 0);
		do {
			cr_assert_eq(zs_parse_record(fresh), 0);
			cr_assert_eq(zs_parse_record(pooled), 0);
			expect_same_record(pooled, fresh, i);
			record_cnt += fresh->state == ZS_STATE_DATA;
		} while (fresh->state != ZS_STATE_EOF);
		zs_deinit(fresh);
	}
	cr_expect_geq(record_cnt, sizeof(before) / sizeof(before[0]) * 6);
	free(fresh);
	vly_scanner_pool_free(&pool);
}

Test(scanner_pool, has_one_for_each_depth)
{
	struct vly_scanner_pool pool = {0};
	zs_scanner_t *scanner[VLY_POOLED_SCANNERS];

	for (unsigned i = 0; i < VLY_POOLED_SCANNERS; i++) {
		scanner[i] = take(&pool, i);
		for (unsigned j = 0; j < i; j++)
			cr_expect_neq(scanner[i], scanner[j]);
	}
	vly_scanner_pool_free(&pool);
}

Test(scanner_pool, refuses_origins_that_are_no_names)
{
	static const char *const bad[] = {"a b.", "a..", "x)", "\"q\".", "a\nb A 192.0.2.1",
					  "a ; c"};
	struct vly_scanner_pool pool = {0};
	char octets[4 * 300];
	int error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error = ZS_OK;
		cr_expect_null(vly_scanner_pool_take(&pool, 0, bad[i], 0, &error), "%s", bad[i]);
		cr_expect_neq(error, ZS_OK, "%s", bad[i]);
		take(&pool, 0);
	}
	memset(octets, 'a', sizeof(octets));
	octets[sizeof(octets) - 1] = '\0';
	cr_expect_null(vly_scanner_pool_take(&pool, 0, octets, 0, &error));
	cr_expect_eq(error, ZS_BAD_ORIGIN);
	vly_scanner_pool_free(&pool);
}

/* The longest name, written in the longest way. */
Test(scanner_pool, takes_the_longest_origin)
{
	struct vly_scanner_pool pool = {0};
	char origin[4 * 255 + 1];
	char *at = origin;
	int error;

	for (unsigned i = 0; i < 4; i++) {
		for (unsigned j = 0; j < (i < 3 ? 63 : 61); j++, at += 4)
			memcpy(at, "\\001", 4);
		*at++ = '.';
	}
	*at = '\0';
	const zs_scanner_t *scanner = vly_scanner_pool_take(&pool, 0, origin, 0, &error);
	cr_assert_not_null(scanner, "%s", zs_strerror(error));
	cr_expect_eq(scanner->zone_origin_length, 255);
	vly_scanner_pool_free(&pool);
}

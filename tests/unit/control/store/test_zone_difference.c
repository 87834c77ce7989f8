/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random.h"
#include "store_fixture.h"
#include "zone/zone_print.h"

#define BASE                                                                                       \
	"$TTL 300\n@ NS ns\nns A 192.0.2.1\nb.a TXT x\n*.w CNAME b.a\nx 60 A 192.0.2.9\n"          \
	"x 60 A 192.0.2.3\nm MX 10 Mail\n"

#define SOA(serial) "@ 300 SOA n. m. " serial " 2 3 4 60\n"

static struct store_fixture fixture;

/* The change from BASE with serial 7 to `text`, the caller's to free. */
static struct vly_change
differ(const char *text, enum vly_zone_difference expected)
{
	enum vly_zone_difference how;
	struct vly_change change = {0};
	struct vly_store_zone zone;
	struct vly_zone read;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", SOA("7") BASE, &zone);
	store_fixture_zone(&read, "z.", text);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	cr_assert_eq(vly_zone_difference(txn, &zone, &read, &change, &how), VLY_STORE_OK);
	cr_expect_eq(how, expected, "%s: %d", text, how);
	vly_store_abort(txn);
	vly_zone_free(&read);
	store_fixture_end(&fixture);
	return change;
}

Test(zone_difference, same_zone_has_none)
{
	struct vly_change change = differ(SOA("7") BASE, VLY_DIFFERENCE_NONE);

	cr_expect(vly_change_is_empty(&change));
	vly_change_free(&change);
}

Test(zone_difference, one_line_is_one_name)
{
	struct vly_change change = differ(SOA("8") BASE "x 60 A 192.0.2.4\n", VLY_DIFFERENCE_NEWER);

	cr_expect_eq(change.from, 7);
	cr_expect_eq(change.to, 8);
	cr_assert_eq(change.removed.cnt, 1);
	cr_expect_eq(change.removed.record[0].type, VLY_TYPE_SOA);
	cr_assert_eq(change.added.cnt, 2);
	cr_expect_arr_eq(change.added.record[1].owner, "\001x\001z", 5);
	cr_expect_arr_eq(change.added.record[1].data, "\300\0\002\004", 4);
	vly_change_free(&change);
}

/* The caller has to find a serial. */
Test(zone_difference, serial_may_stay_or_go_back)
{
	struct vly_change change =
		differ(SOA("7") BASE "x 60 A 192.0.2.4\n", VLY_DIFFERENCE_SAME_SERIAL);

	cr_expect_eq(change.removed.cnt, 0);
	cr_expect_eq(change.added.cnt, 1);
	vly_change_free(&change);
	change = differ("@ 300 SOA n. m. 7 2 3 5 60\n" BASE, VLY_DIFFERENCE_SAME_SERIAL);
	cr_expect_eq(change.removed.cnt, 1);
	cr_expect_eq(change.added.cnt, 1);
	vly_change_free(&change);
	change = differ(SOA("6") BASE, VLY_DIFFERENCE_OLDER);
	cr_expect_eq(change.to, 6);
	vly_change_free(&change);
	change = differ(SOA("2147483655") BASE, VLY_DIFFERENCE_OLDER);
	vly_change_free(&change);
}

/* A set has the TTL of its first record; names in RDATA may change their case. */
Test(zone_difference, ttl_and_spelling_are_changes)
{
	struct vly_change change = differ(SOA("8") "$TTL 300\n@ NS ns\nns A 192.0.2.1\nb.a TXT x\n"
						   "*.w CNAME b.a\nx 61 A 192.0.2.9\n"
						   "x 60 A 192.0.2.3\nm MX 10 mail\n",
					  VLY_DIFFERENCE_NEWER);

	cr_expect_eq(change.removed.cnt, 4);
	cr_expect_eq(change.added.cnt, 4);
	vly_change_free(&change);
}

static char *
random_zone(struct vly_test_random *rng, unsigned serial)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fprintf(out, "@ 300 SOA n. m. %u 2 3 4 60\n", serial);
	for (unsigned i = vly_test_random_below(rng, 60); i > 0; i--) {
		unsigned label = vly_test_random_below(rng, 12);
		unsigned data = vly_test_random_below(rng, 4);
		if (vly_test_random_chance(rng, 50))
			fprintf(out, "a%u.b%u %u A 192.0.2.%u\n", label, label % 3, data, data);
		else
			fprintf(out, "a%u 30 MX %u %s\n", label, data % 2, data < 2 ? "X" : "x");
	}
	fclose(out);
	return text;
}

Test(zone_difference, applied_makes_the_other_zone)
{
	struct vly_test_random rng = {1};
	struct vly_store_zone zone;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", SOA("7") BASE, &zone);
	for (unsigned serial = 8; serial < 200; serial++) {
		enum vly_zone_difference how;
		struct vly_change change = {0};
		struct vly_zone read;
		char *text = random_zone(&rng, serial), *should;
		size_t bytes;
		store_fixture_zone(&read, "z.", text);
		struct vly_store_txn *txn = store_fixture_write(&fixture);
		cr_assert_eq(vly_zone_difference(txn, &zone, &read, &change, &how), VLY_STORE_OK);
		cr_assert_eq(how, VLY_DIFFERENCE_NEWER);
		cr_assert_eq(vly_store_apply(txn, &zone, &change, VLY_STORE_BY_FILE, ""),
			     VLY_STORE_OK, "%s", vly_store_reason(txn));
		cr_assert_eq(vly_store_set_origin(txn, &zone, &store_fixture_stamp), VLY_STORE_OK);
		cr_expect_eq(zone.origin_version, zone.version);
		char *is = store_fixture_text(txn, &zone);
		FILE *out = open_memstream(&should, &bytes);
		cr_assert_eq(vly_zone_print(&read, out), 0);
		fclose(out);
		cr_expect_str_eq(is, should);
		store_fixture_commit(txn);
		vly_change_free(&change);
		vly_zone_free(&read);
		free(should);
		free(is);
		free(text);
	}
	store_fixture_end(&fixture);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The change that a produced catalog needs, against a real store. */
#include "catalog/producer.h"

#include "catalog/catalog.h"
#include "store_fixture.h"

static struct store_fixture fixture;
static const struct vly_hash_key key = {{1, 2, 3, 4}};

#define APEX "$TTL 0\n@ SOA invalid. invalid. 7 3600 600 2147483646 0\n@ NS invalid.\n"

/* The records of the changed zone as a catalog, the caller's. */
static struct vly_catalog *
read_changed(struct vly_store_txn *txn, const struct vly_store_zone *zone)
{
	struct vly_catalog_reader reader;
	struct vly_store_records records;
	struct vly_store_record record;
	struct vly_name name = zone->apex;
	char reason[VLY_REASON_BYTES] = "";

	vly_catalog_begin(&reader, "cat.");
	do {
		if (vly_store_get(txn, zone, &name, &records) != VLY_STORE_OK)
			continue;
		while (vly_store_next_record(&records, &record))
			vly_catalog_take(&reader, name.lower, name.len, record.type, record.data,
					 record.data_len);
	} while (vly_store_next(txn, zone, &name, false, &name) == VLY_STORE_OK);
	struct vly_catalog *catalog = vly_catalog_end(&reader, reason);
	cr_assert(catalog, "%s", reason);
	return catalog;
}

static struct vly_catalog *
change(const char *text, struct vly_wanted *wanted, size_t removed, size_t added)
{
	char reason[VLY_REASON_BYTES];
	struct vly_change made = {0};
	struct vly_change_record soa;
	struct vly_store_zone zone;
	struct vly_store_txn *txn;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "cat.", text, &zone);
	cr_assert_eq(vly_store_begin_write(fixture.store, &txn, reason, sizeof(reason)), 0);
	vly_wanted_end(wanted);
	enum vly_living_prepared prepared = vly_producer_prepare(wanted, txn, &zone, &made, reason);
	cr_expect_eq(prepared, removed + added > 0 ? VLY_LIVING_CHANGE : VLY_LIVING_NO_CHANGE);
	cr_expect_eq(made.removed.cnt, removed, "%zu removed", made.removed.cnt);
	cr_expect_eq(made.added.cnt, added, "%zu added", made.added.cnt);
	if (prepared == VLY_LIVING_CHANGE) {
		cr_assert_eq(vly_store_soa(txn, &zone, &soa), VLY_STORE_OK);
		cr_assert_eq(vly_change_set_soa(&made, &soa, zone.serial + 1), 0);
		cr_assert_eq(vly_store_apply(txn, &zone, &made, VLY_STORE_BY_OPERATOR, ""),
			     VLY_STORE_OK, "%s", vly_store_reason(txn));
	}
	struct vly_catalog *catalog = read_changed(txn, &zone);
	/* what was changed needs no change */
	vly_change_free(&made);
	cr_expect_eq(vly_producer_prepare(wanted, txn, &zone, &made, reason), VLY_LIVING_NO_CHANGE);
	vly_change_free(&made);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
	vly_wanted_free(wanted);
	return catalog;
}

Test(producer, an_empty_catalog_gets_members)
{
	struct vly_wanted wanted = {0};
	char label[VLY_CATALOG_LABEL_BYTES];

	cr_assert_eq(vly_wanted_add(&wanted, "y.test.", "g"), 0);
	cr_assert_eq(vly_wanted_add(&wanted, "x.test.", NULL), 0);
	cr_assert_eq(vly_wanted_add(&wanted, "x.test.", NULL), 0);
	struct vly_catalog *catalog = change(APEX, &wanted, 0, 4);
	cr_assert_eq(catalog->member_cnt, 2);
	/* printf '\1x\4test\0' | sha256sum */
	cr_expect_str_eq(vly_catalog_label_text(catalog->member[0], label),
			 "aed346e47637ac90325e438f9f428df1");
	cr_expect_eq(catalog->member[0]->group_cnt, 0);
	cr_expect_str_eq(catalog->member[1]->group[0], "g");
	vly_catalog_free(catalog);
}

#define CATALOG                                                                                    \
	APEX "version TXT 2\na.zones PTR x.test.\ngroup.a.zones TXT g\np.ext.a.zones TXT mine\n"   \
	     "coo.a.zones PTR other.\na.zones TXT note\nglobal.ext TXT all\n"

Test(producer, other_properties_stay)
{
	struct vly_wanted wanted = {0};

	cr_assert_eq(vly_wanted_add(&wanted, "x.test.", "g"), 0);
	struct vly_catalog *catalog = change(CATALOG, &wanted, 0, 0);
	cr_expect_str_eq(catalog->member[0]->coo, "other.");
	vly_catalog_free(catalog);
}

Test(producer, what_belongs_to_a_member_goes_with_it)
{
	struct vly_wanted wanted = {0};
	struct vly_catalog *catalog = change(CATALOG, &wanted, 5, 0);

	cr_expect_eq(catalog->member_cnt, 0);
	vly_catalog_free(catalog);
}

Test(producer, groups_change)
{
	struct vly_wanted wanted = {0};

	cr_assert_eq(vly_wanted_add(&wanted, "x.test.", "h"), 0);
	struct vly_catalog *catalog = change(CATALOG "group.a.zones TXT i\n", &wanted, 2, 1);
	cr_expect_str_eq(catalog->member[0]->group[0], "h");
	vly_catalog_free(catalog);
	cr_assert_eq(vly_wanted_add(&wanted, "x.test.", NULL), 0);
	catalog = change(CATALOG, &wanted, 1, 0);
	cr_expect_eq(catalog->member[0]->group_cnt, 0);
	vly_catalog_free(catalog);
}

/* Such as what somebody has made by volleyctl. */
Test(producer, what_would_break_it_is_put_right)
{
	struct vly_wanted wanted = {0};

	cr_assert_eq(vly_wanted_add(&wanted, "x.test.", "g"), 0);
	struct vly_catalog *catalog =
		change(CATALOG "version TXT 3\nb.zones PTR x.test.\na.zones PTR z.test.\n"
			       "group.orphan.zones TXT g\n",
		       &wanted, 4, 0);
	cr_expect_eq(catalog->member_cnt, 1);
	vly_catalog_free(catalog);
}

Test(producer, the_first_form_is_a_good_catalog)
{
	struct vly_store_zone zone;
	struct vly_store_txn *txn;
	struct vly_zone tree;

	store_fixture_begin(&fixture);
	cr_assert_eq(vly_producer_make_zone(&tree, &key, "cat.", 1234567890), 0);
	cr_assert_eq(vly_zone_store_import(fixture.store, &tree, &store_fixture_stamp, &zone,
					   fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_OK, "%s", fixture.reason);
	vly_zone_free(&tree);
	cr_expect_eq(zone.serial, 1234567890);
	cr_expect_eq(zone.record_cnt, 3);
	txn = store_fixture_read(&fixture);
	struct vly_catalog *catalog = read_changed(txn, &zone);
	cr_expect_eq(catalog->member_cnt, 0);
	vly_catalog_free(catalog);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What names had at an older version, by the journal: compared with a transaction that still sees it. */
#include "living/journal_source.h"

#include "../store/store_fixture.h"
#include "random.h"

#define SOA     "@ 300 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"
#define OWNERS  6
#define VALUES  4
#define CHANGES 12

/* All records of a name as one text, in any order: the sum of a hash of each. */
static int
sum_record(void *to, const struct vly_overlay_rr *rr)
{
	uint64_t sum = rr->ttl * 31u + rr->type;

	for (unsigned i = 0; i < rr->data_len; i++)
		sum = sum * 1099511628211u + rr->data[i];
	*(uint64_t *)to += sum * 0x9e3779b97f4a7c15u | 1;
	return 0;
}

/* Which of the records o<i> A 192.0.2.<k> there are. */
struct model {
	bool is_there[OWNERS][VALUES];
};

static void
change_zone(struct store_fixture *fixture, struct vly_test_random *random, struct model *model)
{
	struct vly_store_txn *txn = store_fixture_write(fixture);
	struct vly_store_zone zone;
	struct vly_change change;
	bool touched[OWNERS][VALUES] = {0};

	store_fixture_find(txn, "z.", &zone);
	vly_change_init(&change);
	for (unsigned i = 0; i < 3; i++) {
		unsigned owner = vly_test_random_below(random, OWNERS);
		unsigned value = vly_test_random_below(random, VALUES);
		uint8_t data[4] = {192, 0, 2, (uint8_t)value};
		char name[16];
		if (touched[owner][value])
			continue;
		touched[owner][value] = true;
		snprintf(name, sizeof(name), "o%u.z.", owner);
		bool *there = &model->is_there[owner][value];
		*there = !*there;
		store_fixture_put(&change, *there, name, 1, 300, data, sizeof(data));
	}
	cr_assert_eq(store_fixture_apply(txn, &zone, &change), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	vly_change_free(&change);
	cr_assert_eq(vly_store_commit(txn, fixture->reason, sizeof(fixture->reason)), VLY_STORE_OK);
}

static bool
is_listed(const struct vly_overlay_name *names, uint32_t cnt, const struct vly_name *name)
{
	for (uint32_t i = 0; i < cnt; i++)
		if (names[i].len == name->len && memcmp(names[i].name, name->lower, name->len) == 0)
			return true;
	return false;
}

/* Compares each name at the older version with what `before` sees. */
static void
compare(struct store_fixture *fixture, struct vly_store_txn *before,
	const struct vly_store_zone *zone_before, const struct model *old, const struct model *new)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_journal_source source;
	struct vly_store_source truth;
	struct vly_store_zone zone;
	uint32_t cnt;

	store_fixture_find(txn, "z.", &zone);
	cr_assert_eq(vly_journal_source_init(&source, txn, &zone, zone_before->version,
					     zone_before->serial),
		     VLY_STORE_OK);
	cr_assert_eq(vly_overlay_source_init(&truth, txn, before, &zone), VLY_STORE_OK);
	struct vly_overlay_name *names = vly_journal_source_names(&source, &cnt);
	cr_assert_not_null(names);
	for (unsigned i = 0; i <= OWNERS; i++) {
		struct vly_name name;
		uint64_t is = 0, should = 0;
		char text[16] = "z.";
		if (i < OWNERS)
			snprintf(text, sizeof(text), "o%u.z.", i);
		store_fixture_name(&name, text);
		const struct vly_overlay_source *by_journal = &source.store.source;
		cr_assert_eq(by_journal->get_before(by_journal->arg, name.lower, name.len,
						    sum_record, &is),
			     0);
		cr_assert_eq(truth.source.get_before(truth.source.arg, name.lower, name.len,
						     sum_record, &should),
			     0);
		cr_assert_eq(is, should, "%s", text);
		bool differs = i == OWNERS || memcmp(old->is_there[i], new->is_there[i],
						     sizeof(old->is_there[i])) != 0;
		cr_assert_eq(is_listed(names, cnt, &name), differs, "%s", text);
	}
	free(names);
	vly_journal_source_free(&source);
	vly_store_abort(txn);
}

Test(journal_source, knows_what_was_there)
{
	struct vly_test_random random = {.state = 5};
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct model model = {0};

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", "$TTL 300\n" SOA, &zone);
	for (unsigned round = 0; round < 30; round++) {
		struct vly_store_txn *before = store_fixture_read(&fixture);
		struct model old = model;
		store_fixture_find(before, "z.", &zone);
		for (unsigned i = 0; i < CHANGES; i++)
			change_zone(&fixture, &random, &model);
		compare(&fixture, before, &zone, &old, &model);
		vly_store_abort(before);
	}
	store_fixture_end(&fixture);
}

Test(journal_source, refuses_what_the_journal_does_not_reach)
{
	struct vly_test_random random = {.state = 6};
	struct vly_journal_source source;
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct model model = {0};

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", "$TTL 300\n" SOA, &zone);
	uint64_t version = zone.version;
	uint32_t serial = zone.serial;
	change_zone(&fixture, &random, &model);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "z.", &zone);
	cr_expect_eq(vly_journal_source_init(&source, txn, &zone, version, serial + 1),
		     VLY_STORE_NONE, "another serial: it is not that version");
	vly_journal_source_free(&source);
	cr_expect_eq(vly_journal_source_init(&source, txn, &zone, version - 1, serial),
		     VLY_STORE_NONE);
	vly_journal_source_free(&source);
	cr_expect_eq(vly_journal_source_init(&source, txn, &zone, version, serial), VLY_STORE_OK);
	vly_journal_source_free(&source);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_fixture.h"
#include "zone/zone_print.h"

#define SOA "@ 300 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"

static char *
print(const struct vly_zone *zone)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	cr_assert_eq(vly_zone_print(zone, out), 0);
	fclose(out);
	return text;
}

Test(zone_store, has_what_was_imported)
{
	static const char text[] = "$TTL 300\n" SOA "@ NS ns\n@ NS NS.elsewhere.\nns A 192.0.2.1\n"
				   "b.a TXT x\n*.w CNAME b.a\n\\000.\\001 A 192.0.2.2\n"
				   "x 60 A 192.0.2.9\nx 70 A 192.0.2.3\nx A 192.0.2.9\n";
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_zone read, loaded;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", text, &zone);
	store_fixture_reopen(&fixture);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "z.", &zone);
	cr_expect_eq(zone.serial, 7);
	cr_expect_eq(zone.record_cnt, 9);
	cr_expect(vly_file_stamp_equals(&zone.origin, &store_fixture_stamp));
	store_fixture_zone(&read, "z.", text);
	cr_assert_eq(vly_store_load_zone(txn, &zone, &vly_test_key, &loaded), VLY_STORE_OK);
	char *is = print(&loaded), *should = print(&read);
	char *streamed = store_fixture_text(txn, &zone);
	cr_expect_str_eq(is, should);
	cr_expect_str_eq(streamed, should);
	free(is);
	free(should);
	/* read again, it is the same */
	vly_zone_free(&read);
	store_fixture_zone(&read, "z.", streamed);
	is = print(&read);
	cr_expect_str_eq(is, streamed);
	free(is);
	free(streamed);
	vly_zone_free(&read);
	vly_zone_free(&loaded);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

static bool
count(void *arg, const struct vly_store_zone *zone)
{
	char text[VLY_DOMAIN_TEXT_BYTES];

	strcat(arg, vly_domain_text(zone->apex.lower, text));
	strcat(arg, " ");
	return true;
}

static unsigned
clean(struct store_fixture *fixture)
{
	unsigned steps = 0;
	int result;

	while ((result = vly_zone_store_clean(fixture->store, fixture->reason,
					      sizeof(fixture->reason))) == VLY_STORE_OK)
		steps++;
	cr_expect_eq(result, VLY_STORE_NONE, "%s", fixture->reason);
	return steps;
}

Test(zone_store, lists_and_removes_zones)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_name apex;
	char list[100] = "";

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "b.", SOA, &zone);
	store_fixture_import(&fixture, ".", SOA, &zone);
	store_fixture_import(&fixture, "a.b.", SOA "@ NS @\n", &zone);
	uint64_t version = zone.version;
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	cr_expect_eq(vly_store_list_zones(txn, count, list), VLY_STORE_OK);
	cr_expect_str_eq(list, ". b. a.b. ");
	cr_expect_eq(vly_store_remove_zone(txn, &zone), VLY_STORE_OK);
	store_fixture_name(&apex, "a.b.");
	cr_expect_eq(vly_store_find_zone(txn, &apex, &zone), VLY_STORE_NONE);
	store_fixture_commit(txn);
	cr_expect_eq(clean(&fixture), 1);
	store_fixture_import(&fixture, "a.b.", SOA, &zone);
	cr_expect_gt(zone.version, version);
	/* in place of the one before */
	store_fixture_import(&fixture, "a.b.", SOA "@ TXT x\n", &zone);
	cr_expect_eq(clean(&fixture), 1);
	txn = store_fixture_read(&fixture);
	list[0] = '\0';
	cr_expect_eq(vly_store_list_zones(txn, count, list), VLY_STORE_OK);
	cr_expect_str_eq(list, ". b. a.b. ");
	store_fixture_find(txn, "a.b.", &zone);
	cr_expect_eq(zone.record_cnt, 2);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

Test(zone_store, import_needs_one_soa)
{
	struct store_fixture fixture;
	struct vly_store_zone state;
	struct vly_zone zone;

	store_fixture_begin(&fixture);
	store_fixture_zone(&zone, "z.", "@ 300 NS ns.elsewhere.\n");
	cr_expect_eq(vly_zone_store_import(fixture.store, &zone, &store_fixture_stamp, &state,
					   fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_REFUSED);
	cr_expect_neq(strstr(fixture.reason, "zone z.: it does not have exactly one SOA"), NULL,
		      "%s", fixture.reason);
	vly_zone_free(&zone);
	store_fixture_end(&fixture);
}

static void
expect_refused(struct store_fixture *fixture, struct vly_change *change, const char *reason)
{
	struct vly_store_txn *txn = store_fixture_write(fixture);
	struct vly_store_zone zone;

	store_fixture_find(txn, "z.", &zone);
	cr_expect_eq(vly_store_apply(txn, &zone, change, VLY_STORE_BY_KEY, ""), VLY_STORE_REFUSED);
	cr_expect_neq(strstr(vly_store_reason(txn), reason), NULL, "%s", vly_store_reason(txn));
	/* nothing of it is committed */
	cr_expect_eq(vly_store_commit(txn, fixture->reason, sizeof(fixture->reason)),
		     VLY_STORE_REFUSED);
	vly_change_free(change);
}

static void
begin_change(struct store_fixture *fixture, struct vly_change *change)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_change_record soa;
	struct vly_store_zone zone;

	store_fixture_find(txn, "z.", &zone);
	vly_change_init(change);
	cr_assert_eq(vly_store_soa(txn, &zone, &soa), VLY_STORE_OK);
	cr_assert_eq(vly_change_set_soa(change, &soa, zone.serial + 1), 0);
	vly_store_abort(txn);
}

Test(zone_store, shows_why_a_change_is_refused)
{
	static const uint8_t a[] = {192, 0, 2, 1};
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_change change;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", "$TTL 300\n" SOA "a A 192.0.2.1\n", &zone);
	begin_change(&fixture, &change);
	store_fixture_put(&change, true, "a.z.", VLY_TYPE_A, 300, a, 4);
	expect_refused(&fixture, &change,
		       "z.: a.z. 300 IN A 192.0.2.1 can't be added: it is there");
	begin_change(&fixture, &change);
	store_fixture_put(&change, false, "b.z.", VLY_TYPE_A, 300, a, 4);
	expect_refused(&fixture, &change, "b.z. 300 IN A 192.0.2.1 can't be removed: there is no");
	begin_change(&fixture, &change);
	store_fixture_put(&change, false, "a.z.", VLY_TYPE_A, 30, a, 4);
	expect_refused(&fixture, &change, "a.z. 30 IN A 192.0.2.1 can't be removed: the zone has");
	begin_change(&fixture, &change);
	store_fixture_put(&change, true, "a.z.", VLY_TYPE_A, 30, "\300\0\002\002", 4);
	expect_refused(&fixture, &change, "a.z. 30 IN A 192.0.2.2 can't be added: others");
	begin_change(&fixture, &change);
	store_fixture_put(&change, true, "a.y.", VLY_TYPE_A, 30, a, 4);
	expect_refused(&fixture, &change, "a.y. 30 IN A 192.0.2.1 is not in the zone");
	begin_change(&fixture, &change);
	change.from = 6;
	expect_refused(&fixture, &change,
		       "zone z.: the change from serial 6 to 8 does not fit: it "
		       "is for another version (the zone has serial 7)");
	begin_change(&fixture, &change);
	change.to = 7;
	expect_refused(&fixture, &change, "the new serial is not larger");
	begin_change(&fixture, &change);
	change.to = 9;
	expect_refused(&fixture, &change, "the SOA has another serial");
	begin_change(&fixture, &change);
	change.added.cnt = 0;
	expect_refused(&fixture, &change, "would not have exactly one SOA");
	begin_change(&fixture, &change);
	change.added.cnt = change.removed.cnt = 0;
	store_fixture_put(&change, true, "c.z.", VLY_TYPE_A, 300, a, 4);
	expect_refused(&fixture, &change, "it does not change the SOA");
	store_fixture_end(&fixture);
}

/* All of a name is written again with each change: there is an end to that. */
Test(zone_store, refuses_too_many_records_of_a_name)
{
	static uint8_t data[65000];
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_change change;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	begin_change(&fixture, &change);
	for (unsigned i = 0; i < 260; i++) {
		data[0] = (uint8_t)(i >> 8);
		data[1] = (uint8_t)i;
		store_fixture_put(&change, true, "a.z.", 65280, 300, data, sizeof(data));
	}
	expect_refused(&fixture, &change, "more than 16 MiB");
	store_fixture_end(&fixture);
}

static void
add_txt(struct store_fixture *fixture, unsigned octets, enum vly_store_cause cause)
{
	static uint8_t data[256 * 200];
	struct vly_store_txn *txn = store_fixture_write(fixture);
	struct vly_store_zone zone;
	struct vly_change change = {0};
	struct vly_change_record soa;
	char owner[32];

	store_fixture_find(txn, "z.", &zone);
	snprintf(owner, sizeof(owner), "n%u.z.", zone.serial);
	for (unsigned at = 0; at < octets; at += 256)
		data[at] = 255;
	store_fixture_put(&change, true, owner, VLY_TYPE_TXT, 300, data, octets);
	cr_assert_eq(vly_store_soa(txn, &zone, &soa), VLY_STORE_OK);
	cr_assert_eq(vly_change_set_soa(&change, &soa, zone.serial + 1), 0);
	cr_assert_eq(vly_store_apply(txn, &zone, &change, cause, "who"), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	store_fixture_commit(txn);
	vly_change_free(&change);
}

struct seen {
	unsigned cnt;
	uint64_t first;
	struct vly_store_entry last;
};

static bool
see(void *arg, const struct vly_store_entry *entry)
{
	struct seen *seen = arg;

	if (seen->cnt++ == 0)
		seen->first = entry->version;
	seen->last = *entry;
	return true;
}

static struct seen
walk_journal(struct store_fixture *fixture, uint64_t from, int expected)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_store_zone zone;
	struct seen seen = {0};

	store_fixture_find(txn, "z.", &zone);
	cr_expect_eq(vly_store_journal(txn, &zone, from, see, &seen), expected);
	vly_store_abort(txn);
	return seen;
}

static int64_t now_s;

static int64_t
now(void *arg)
{
	(void)arg;
	return now_s;
}

Test(zone_store, journal_says_what_when_and_who)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	uint64_t version;

	store_fixture_begin(&fixture);
	fixture.settings.now = now;
	now_s = 1000;
	store_fixture_reopen(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	cr_expect_eq(walk_journal(&fixture, zone.version, VLY_STORE_OK).cnt, 0);
	add_txt(&fixture, 256, VLY_STORE_BY_FILE);
	add_txt(&fixture, 256, VLY_STORE_BY_KEY);
	struct seen seen = walk_journal(&fixture, zone.version, VLY_STORE_OK);
	cr_expect_eq(seen.cnt, 2);
	cr_expect_eq(seen.first, zone.version + 1);
	cr_expect_eq(seen.last.version, zone.version + 2);
	cr_expect_eq(seen.last.time_s, 1000);
	cr_expect_eq(seen.last.cause, VLY_STORE_BY_KEY);
	cr_expect_str_eq(seen.last.who, "who");
	cr_expect_eq(seen.last.head.from, 8);
	cr_expect_eq(seen.last.head.to, 9);
	cr_expect_eq(walk_journal(&fixture, zone.version + 1, VLY_STORE_OK).cnt, 1);
	cr_expect_eq(walk_journal(&fixture, zone.version - 1, VLY_STORE_NONE).cnt, 0);
	cr_expect_eq(walk_journal(&fixture, zone.version + 3, VLY_STORE_NONE).cnt, 0);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "z.", &zone);
	cr_expect_eq(zone.origin_version, zone.version - 1);
	cr_expect_eq(zone.other_version, zone.version);
	for (unsigned serial = 7; serial <= 9; serial++) {
		cr_expect_eq(vly_store_find_serial(txn, &zone, serial, &version), VLY_STORE_OK);
		cr_expect_eq(version, zone.version - 9 + serial);
	}
	cr_expect_eq(vly_store_find_serial(txn, &zone, 6, &version), VLY_STORE_NONE);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

Test(zone_store, journal_is_bounded)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;

	store_fixture_begin(&fixture);
	fixture.settings.now = now;
	fixture.settings.journal_entries_max = 100;
	fixture.settings.journal_bytes_max = 100000;
	fixture.settings.journal_age_max_s = 50;
	now_s = 1000;
	store_fixture_reopen(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	for (unsigned i = 0; i < 150; i++)
		add_txt(&fixture, 256, VLY_STORE_BY_KEY);
	cr_expect_eq(walk_journal(&fixture, 0, VLY_STORE_OK).cnt, 100);
	/* octets */
	add_txt(&fixture, 256 * 190, VLY_STORE_BY_KEY);
	add_txt(&fixture, 256 * 190, VLY_STORE_BY_KEY);
	cr_expect_lt(walk_journal(&fixture, 0, VLY_STORE_OK).cnt, 70);
	/* age: at most 64 go with one change */
	for (unsigned i = 0; i < 99; i++)
		add_txt(&fixture, 256, VLY_STORE_BY_KEY);
	now_s = 1051;
	add_txt(&fixture, 256, VLY_STORE_BY_KEY);
	cr_expect_gt(walk_journal(&fixture, 0, VLY_STORE_OK).cnt, 1);
	add_txt(&fixture, 256, VLY_STORE_BY_KEY);
	cr_expect_eq(walk_journal(&fixture, 0, VLY_STORE_OK).cnt, 2);
	/* an entry that is too large by itself */
	fixture.settings.journal_bytes_max = 10000;
	store_fixture_reopen(&fixture);
	add_txt(&fixture, 256 * 60, VLY_STORE_BY_KEY);
	cr_expect_eq(walk_journal(&fixture, 0, VLY_STORE_OK).cnt, 0);
	add_txt(&fixture, 256, VLY_STORE_BY_KEY);
	cr_expect_eq(walk_journal(&fixture, 0, VLY_STORE_OK).cnt, 1);
	store_fixture_end(&fixture);
}

/* A reader has its own version, however much is written. */
Test(zone_store, readers_see_their_version)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	struct vly_store_txn *reader = store_fixture_read(&fixture);
	for (unsigned i = 0; i < 50; i++)
		add_txt(&fixture, 2560, VLY_STORE_BY_KEY);
	store_fixture_find(reader, "z.", &zone);
	cr_expect_eq(zone.serial, 7);
	char *text = store_fixture_text(reader, &zone);
	cr_expect_str_eq(text, "z.\t300\tIN\tSOA\tns.elsewhere. mail.elsewhere. 7 2 3 4 60\n");
	free(text);
	vly_store_abort(reader);
	store_fixture_end(&fixture);
}

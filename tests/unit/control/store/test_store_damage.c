/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Octets of the data file are damaged at random, and its end is cut off: each function says so, or
 * what it yields is right. Nothing crashes, not even writing to such a store. */
#include <sys/stat.h>

#include "random.h"
#include "store/zone_store_parts.h"
#include "store_fixture.h"

#define ROUNDS 300

static struct store_fixture fixture;
static struct vly_test_random rng = {1};
static char path[128];
static uint8_t *good, *bad;
static size_t bytes;
static char *good_text;
static unsigned good_dependents;
static unsigned noticed;

static bool
count_owner(void *arg, const struct vly_name *owner)
{
	(void)owner;
	++*(unsigned *)arg;
	return true;
}

static bool
decode(void *arg, const struct vly_store_entry *entry)
{
	struct vly_change change = {0};

	(void)arg;
	cr_expect_eq(vly_change_decode(&change, entry->octets, entry->bytes), 0);
	vly_change_free(&change);
	return true;
}

static unsigned
count_dependents(struct vly_store_txn *txn, const struct vly_store_zone *zone, int *result)
{
	struct vly_name target;
	unsigned cnt = 0;

	store_fixture_name(&target, "mail.z.");
	*result = vly_store_dependents(txn, zone, &target, VLY_STORE_HOST, count_owner, &cnt);
	return cnt;
}

static void
change(struct vly_store_txn *txn, unsigned n)
{
	struct vly_change edit = {0};
	struct vly_store_zone zone;
	uint8_t data[600] = {200};
	char owner[32];

	store_fixture_find(txn, "z.", &zone);
	snprintf(owner, sizeof(owner), "t%u.z.", n);
	data[201] = data[402] = 197 + 3;
	data[402] = 197;
	store_fixture_put(&edit, true, owner, VLY_TYPE_TXT, 300, data, 600);
	cr_assert_eq(store_fixture_apply(txn, &zone, &edit), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	vly_change_free(&edit);
}

static void
remove_all(struct vly_store_txn *txn, const char *name)
{
	struct vly_store_zone zone;

	store_fixture_find(txn, name, &zone);
	cr_assert_eq(vly_store_remove_zone(txn, &zone), VLY_STORE_OK);
}

/* All kinds of pages: trees inside of trees, large values, values in a row, lists of free pages. */
static void
make_store(void)
{
	struct vly_store_zone zone;
	int result;

	store_fixture_begin(&fixture);
	snprintf(path, sizeof(path), "%s/data.mdb", fixture.dir);
	store_fixture_import(&fixture, "gone.",
			     "@ 300 SOA n. m. 7 2 3 4 60\n$GENERATE 1-3000 n$ 300 A 192.0.2.1\n",
			     &zone);
	store_fixture_import(&fixture, "z.",
			     "$TTL 300\n@ SOA n. m. 7 2 3 4 60\n@ NS ns.z.\nns A 192.0.2.1\n"
			     "$GENERATE 1-1500 n$ MX 10 mail\n$GENERATE 1-90 c$ CNAME n1\n"
			     "$GENERATE 1-90 s$ MX 10 n$\nbig TYPE65280 \\# 4 00000000\n",
			     &zone);
	for (unsigned i = 0; i < 20; i++) {
		struct vly_store_txn *txn = store_fixture_write(&fixture);
		change(txn, i);
		if (i == 10)
			remove_all(txn, "gone.");
		store_fixture_commit(txn);
	}
	cr_assert_eq(vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_OK);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "z.", &zone);
	good_text = store_fixture_text(txn, &zone);
	good_dependents = count_dependents(txn, &zone, &result);
	cr_assert_eq(good_dependents, 1500);
	vly_store_abort(txn);
	vly_zone_store_close(fixture.store);
	struct stat status;
	cr_assert_eq(stat(path, &status), 0);
	bytes = (size_t)status.st_size;
	good = malloc(bytes);
	bad = malloc(bytes);
	FILE *in = fopen(path, "r");
	cr_assert_eq(fread(good, 1, bytes, in), bytes);
	fclose(in);
	memcpy(bad, good, bytes);
}

static void
write_file(size_t size)
{
	FILE *out = fopen(path, "w");

	cr_assert_eq(fwrite(bad, 1, size, out), size);
	fclose(out);
}

static void
expect_damage(int result, const char *reason)
{
	if (result == VLY_STORE_OK || result == VLY_STORE_NONE)
		return;
	noticed++;
	cr_expect_eq(result, VLY_STORE_DAMAGED, "%d: %s", result, reason);
	cr_expect_neq(strstr(reason, "restore the directory from a copy, or remove it"), NULL, "%s",
		      reason);
	cr_expect_neq(strstr(reason, path), NULL, "%s", reason);
}

static void
read_all(struct vly_store_txn *txn)
{
	struct vly_store_zone zone;
	struct vly_name apex;
	char *text;
	size_t len;
	int result;

	store_fixture_name(&apex, "z.");
	result = vly_store_find_zone(txn, &apex, &zone);
	cr_expect_neq(result, VLY_STORE_NONE);
	expect_damage(result, vly_store_reason(txn));
	if (result != VLY_STORE_OK)
		return;
	FILE *out = open_memstream(&text, &len);
	result = vly_store_print_zone(txn, &zone, out);
	fclose(out);
	expect_damage(result, vly_store_reason(txn));
	if (result == VLY_STORE_OK)
		cr_expect_str_eq(text, good_text);
	free(text);
	unsigned cnt = count_dependents(txn, &zone, &result);
	expect_damage(result, vly_store_reason(txn));
	cr_expect(result != VLY_STORE_OK || cnt == good_dependents);
	expect_damage(vly_store_journal(txn, &zone, 0, decode, NULL), vly_store_reason(txn));
}

/* Whatever is there, it is not made worse. */
static void
write_some(void)
{
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	struct vly_change edit = {0};
	struct vly_change_record soa;
	struct vly_store_zone zone;
	struct vly_name apex;

	store_fixture_name(&apex, "z.");
	int result = vly_store_find_zone(txn, &apex, &zone);
	if (result == VLY_STORE_OK)
		result = vly_store_soa(txn, &zone, &soa);
	if (result == VLY_STORE_OK) {
		cr_assert_eq(vly_change_set_soa(&edit, &soa, zone.serial + 1), 0);
		store_fixture_put(&edit, true, "n1.z.", VLY_TYPE_A, 300, "\1\2\3\4", 4);
		result = vly_store_apply(txn, &zone, &edit, VLY_STORE_BY_KEY, "x");
	}
	expect_damage(result, vly_store_reason(txn));
	vly_change_free(&edit);
	result = vly_store_commit(txn, fixture.reason, sizeof(fixture.reason));
	expect_damage(result, fixture.reason);
	expect_damage(vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)),
		      fixture.reason);
}

static void
try_file(void)
{
	int result = vly_zone_store_open(&fixture.store, fixture.dir, &fixture.settings,
					 fixture.reason, sizeof(fixture.reason));

	expect_damage(result, fixture.reason);
	if (result != VLY_STORE_OK)
		return;
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	read_all(txn);
	vly_store_abort(txn);
	write_some();
	vly_zone_store_close(fixture.store);
}

Test(store_damage, is_noticed_or_does_no_harm)
{
	make_store();
	write_file(bytes);
	try_file();
	cr_assert_eq(noticed, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t at[3];
		/* most often where it matters: heads of pages, and places of nodes */
		for (unsigned i = 0; i < 3; i++) {
			at[i] = vly_test_random_next(&rng) % bytes;
			if (vly_test_random_chance(&rng, 60))
				at[i] = at[i] / 4096 * 4096 + at[i] % 64;
			bad[at[i]] ^= (uint8_t)(1 << vly_test_random_below(&rng, 8));
			if (vly_test_random_chance(&rng, 50))
				break;
		}
		write_file(bytes);
		try_file();
		memcpy(bad, good, bytes);
	}
	cr_expect_gt(noticed, ROUNDS / 4);
	/* the last pages may be free ones, which nobody misses */
	noticed = 0;
	for (unsigned i = 0; i < 40; i++) {
		write_file(1 + vly_test_random_next(&rng) % (bytes - 4096));
		try_file();
	}
	cr_expect_gt(noticed, 20);
	fixture.store = NULL;
	store_fixture_end(&fixture);
	free(good_text);
	free(good);
	free(bad);
}

/* Damages the value of a table whose key ends in `ending`. */
static void
damage_value(struct vly_store_txn *txn, enum vly_store_table table, const char *ending, size_t len)
{
	MDB_val at, value;
	MDB_cursor *cursor;
	uint8_t octets[500];

	cr_assert_eq(mdb_cursor_open(txn->mdb, txn->store->table[table], &cursor), 0);
	do
		cr_assert_eq(mdb_cursor_get(cursor, &at, &value, MDB_NEXT), 0);
	while (at.mv_size < len ||
	       memcmp((uint8_t *)at.mv_data + at.mv_size - len, ending, len) != 0);
	cr_assert_leq(value.mv_size, sizeof(octets));
	memcpy(octets, value.mv_data, value.mv_size);
	octets[value.mv_size - 1] ^= 1;
	value.mv_data = octets;
	cr_assert_eq(mdb_cursor_put(cursor, &at, &value, MDB_CURRENT), 0);
	mdb_cursor_close(cursor);
}

static void
expect_cure(struct vly_store_zone *zone)
{
	static const char text[] =
		"$TTL 300\n@ SOA n. m. 7 2 3 4 60\na A 192.0.2.1\nb A 192.0.2.2\n";

	store_fixture_import(&fixture, "z.", text, zone);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "z.", zone);
	free(store_fixture_text(txn, zone));
	vly_store_abort(txn);
}

/* One name is damaged: the reason shows it, all others go on, and an import cures it. */
Test(store_damage, of_a_name_concerns_it_alone)
{
	struct vly_store_records records;
	struct vly_change edit = {0};
	struct vly_store_zone zone;
	struct vly_name name;

	store_fixture_begin(&fixture);
	snprintf(path, sizeof(path), "%s/data.mdb", fixture.dir);
	expect_cure(&zone);
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	damage_value(txn, VLY_STORE_RECORDS, "a", 2);
	store_fixture_commit(txn);
	txn = store_fixture_read(&fixture);
	store_fixture_name(&name, "a.z.");
	cr_expect_eq(vly_store_get(txn, &zone, &name, &records), VLY_STORE_DAMAGED);
	cr_expect_neq(strstr(vly_store_reason(txn), "zone z.: damaged records of a.z."), NULL, "%s",
		      vly_store_reason(txn));
	expect_damage(VLY_STORE_DAMAGED, vly_store_reason(txn));
	store_fixture_name(&name, "b.z.");
	cr_expect_eq(vly_store_get(txn, &zone, &name, &records), VLY_STORE_OK);
	vly_store_abort(txn);
	txn = store_fixture_write(&fixture);
	store_fixture_put(&edit, true, "b.z.", VLY_TYPE_A, 300, "\1\2\3\4", 4);
	cr_expect_eq(store_fixture_apply(txn, &zone, &edit), VLY_STORE_OK);
	vly_change_free(&edit);
	store_fixture_commit(txn);
	expect_cure(&zone);
	store_fixture_end(&fixture);
}

Test(store_damage, of_a_state_is_cured_by_an_import)
{
	struct vly_store_zone zone;
	struct vly_name apex;

	store_fixture_begin(&fixture);
	snprintf(path, sizeof(path), "%s/data.mdb", fixture.dir);
	expect_cure(&zone);
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	damage_value(txn, VLY_STORE_ZONES, "z", 2);
	store_fixture_commit(txn);
	txn = store_fixture_read(&fixture);
	store_fixture_name(&apex, "z.");
	cr_expect_eq(vly_store_find_zone(txn, &apex, &zone), VLY_STORE_DAMAGED);
	expect_damage(VLY_STORE_DAMAGED, vly_store_reason(txn));
	vly_store_abort(txn);
	expect_cure(&zone);
	store_fixture_end(&fixture);
}

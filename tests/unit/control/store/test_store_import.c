/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many zones in one transaction, and a long import beside other writers. */
#include <pthread.h>
#include <stdatomic.h>

#include "store/zone_store_parts.h"
#include "store_fixture.h"
#include "zone/zone_print.h"

#define SOA "@ 300 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"

static const char text[] =
	"$TTL 300\n" SOA "@ NS ns\nns A 192.0.2.1\nalias CNAME ns\n*.w MX 5 ns\n";

static int
import_in(struct vly_store_txn *txn, const char *name, const char *zone_text)
{
	struct vly_store_zone out;
	struct vly_zone zone;

	store_fixture_zone(&zone, name, zone_text);
	int result = vly_store_import_in(txn, &zone, &store_fixture_stamp, &out);
	vly_zone_free(&zone);
	return result;
}

static bool
count_owner(void *arg, const struct vly_name *owner)
{
	(void)owner;
	++*(unsigned *)arg;
	return true;
}

/* The zone has all its records, and the reverse index leads to them. */
static void
expect_zone(struct store_fixture *fixture, const char *name)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_store_zone zone;
	struct vly_name target;
	struct vly_zone loaded;
	char ns[300];
	unsigned owners = 0;

	store_fixture_find(txn, name, &zone);
	cr_expect_eq(zone.serial, 7);
	cr_expect_eq(zone.record_cnt, 5);
	cr_expect(vly_file_stamp_equals(&zone.origin, &store_fixture_stamp));
	cr_assert_eq(vly_store_load_zone(txn, &zone, &vly_test_key, &loaded), VLY_STORE_OK);
	vly_zone_free(&loaded);
	snprintf(ns, sizeof(ns), "ns.%s", name);
	store_fixture_name(&target, ns);
	cr_assert_eq(vly_store_dependents(txn, &zone, &target, VLY_STORE_CNAME | VLY_STORE_HOST,
					  count_owner, &owners),
		     VLY_STORE_OK);
	cr_expect_eq(owners, 3, "%u", owners);
	vly_store_abort(txn);
}

static void
zone_name(char name[32], unsigned number)
{
	snprintf(name, 32, "z%u.", number);
}

Test(store_import, many_zones_in_one_transaction)
{
	struct store_fixture fixture;
	char name[32];

	store_fixture_begin(&fixture);
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	for (unsigned i = 0; i < 300; i++) {
		zone_name(name, i * 7 % 300);
		cr_assert_eq(import_in(txn, name, text), VLY_STORE_OK);
	}
	cr_assert_eq(vly_store_commit(txn, fixture.reason, sizeof(fixture.reason)), VLY_STORE_OK);
	cr_expect_eq(vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_NONE, "nothing is left to be cleaned away");
	store_fixture_reopen(&fixture);
	for (unsigned i = 0; i < 300; i++) {
		zone_name(name, i);
		expect_zone(&fixture, name);
	}
	store_fixture_end(&fixture);
}

Test(store_import, an_aborted_transaction_leaves_none)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_name apex;

	store_fixture_begin(&fixture);
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	cr_assert_eq(import_in(txn, "a.", text), VLY_STORE_OK);
	cr_assert_eq(import_in(txn, "b.", text), VLY_STORE_OK);
	vly_store_abort(txn);
	store_fixture_import(&fixture, "b.", text, &zone);
	expect_zone(&fixture, "b.");
	txn = store_fixture_read(&fixture);
	store_fixture_name(&apex, "a.");
	cr_expect_eq(vly_store_find_zone(txn, &apex, &zone), VLY_STORE_NONE);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

static void
reserve(struct store_fixture *fixture, struct vly_store_number *number)
{
	cr_assert_eq(vly_zone_store_reserve(fixture->store, number, fixture->reason,
					    sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
}

static int
import_as(struct store_fixture *fixture, const struct vly_zone *zone,
	  const struct vly_store_number *number, const _Atomic bool *is_cancelled,
	  struct vly_store_zone *out)
{
	return vly_zone_store_import_as(fixture->store, zone, number, &store_fixture_stamp,
					is_cancelled, out, fixture->reason,
					sizeof(fixture->reason));
}

Test(store_import, a_number_that_was_reserved_is_the_zones)
{
	struct store_fixture fixture;
	struct vly_store_number number, other;
	struct vly_store_zone out;
	struct vly_zone zone;

	store_fixture_begin(&fixture);
	reserve(&fixture, &number);
	reserve(&fixture, &other);
	cr_expect_gt(other.version, number.version);
	/* which forgets the numbers */
	while (vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)) ==
	       VLY_STORE_OK)
		;
	store_fixture_zone(&zone, "a.", text);
	cr_assert_eq(import_as(&fixture, &zone, &number, NULL, &out), VLY_STORE_OK, "%s",
		     fixture.reason);
	vly_zone_free(&zone);
	cr_expect_eq(out.id, number.id);
	cr_expect_eq(out.version, number.version);
	expect_zone(&fixture, "a.");
	while (vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)) ==
	       VLY_STORE_OK)
		;
	expect_zone(&fixture, "a.");
	store_fixture_end(&fixture);
}

Test(store_import, a_cancelled_one_leaves_the_store_as_it_was)
{
	static const _Atomic bool is_cancelled = true;
	MDB_envinfo before, after;
	struct store_fixture fixture;
	struct vly_store_number number;
	struct vly_store_zone out;
	struct vly_zone zone;
	struct vly_name apex;

	store_fixture_begin(&fixture);
	store_fixture_zone(&zone, "a.", text);
	reserve(&fixture, &number);
	mdb_env_info(fixture.store->env, &before);
	cr_expect_eq(import_as(&fixture, &zone, &number, &is_cancelled, &out), VLY_STORE_REFUSED);
	mdb_env_info(fixture.store->env, &after);
	cr_expect_eq(after.me_last_txnid, before.me_last_txnid, "not even its first records");
	vly_zone_free(&zone);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_name(&apex, "a.");
	cr_expect_eq(vly_store_find_zone(txn, &apex, &out), VLY_STORE_NONE);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

Test(store_import, takes_the_place_of_a_zone)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "a.", "$TTL 300\n" SOA "old A 192.0.2.1\n", &zone);
	uint32_t old_id = zone.id;
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	cr_assert_eq(import_in(txn, "a.", text), VLY_STORE_OK);
	cr_assert_eq(vly_store_commit(txn, fixture.reason, sizeof(fixture.reason)), VLY_STORE_OK);
	expect_zone(&fixture, "a.");
	while (vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)) ==
	       VLY_STORE_OK)
		;
	expect_zone(&fixture, "a.");
	txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "a.", &zone);
	cr_expect_neq(zone.id, old_id);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

/* A zone tree without an SOA: as from a transfer that was not checked. */
Test(store_import, refuses_a_zone_without_soa)
{
	struct store_fixture fixture;
	struct vly_store_zone out;
	struct vly_zone zone;
	struct vly_name apex;

	store_fixture_begin(&fixture);
	store_fixture_name(&apex, "a.");
	cr_assert_eq(vly_zone_init(&zone, &vly_test_key, &apex), 0);
	struct vly_store_txn *txn = store_fixture_write(&fixture);
	cr_expect_eq(vly_store_import_in(txn, &zone, &store_fixture_stamp, &out),
		     VLY_STORE_REFUSED);
	cr_expect_str_eq(vly_store_reason(txn), "zone a.: it does not have exactly one SOA");
	cr_expect_eq(vly_store_commit(txn, fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_REFUSED);
	vly_zone_free(&zone);
	store_fixture_end(&fixture);
}

/* A zone of several transactions. */
#define BIG_NAMES 200000

struct big {
	struct store_fixture *fixture;
	struct vly_zone zone;
	_Atomic bool has_ended;
	int result;
};

static void *
import_big(void *arg)
{
	struct big *big = arg;
	struct vly_store_zone out;
	char reason[VLY_TROUBLE_BYTES];

	big->result = vly_zone_store_import(big->fixture->store, &big->zone, &store_fixture_stamp,
					    &out, reason, sizeof(reason));
	atomic_store(&big->has_ended, true);
	return NULL;
}

static void
make_big(struct vly_zone *zone)
{
	size_t bytes;
	char *big_text;
	FILE *out = open_memstream(&big_text, &bytes);

	fputs("$TTL 300\n" SOA, out);
	for (unsigned i = 0; i < BIG_NAMES; i++)
		fprintf(out, "n%u MX 5 n%u\n", i, i * 31 % BIG_NAMES);
	fclose(out);
	store_fixture_zone(zone, "big.", big_text);
	free(big_text);
}

/* Others write between the transactions of an import, zones with higher numbers, too. */
Test(store_import, lets_others_write, .timeout = 60)
{
	struct store_fixture fixture;
	struct big big = {.fixture = &fixture};
	struct vly_store_zone zone;
	pthread_t thread;
	unsigned cnt = 0;
	char name[32];

	store_fixture_begin(&fixture);
	make_big(&big.zone);
	cr_assert_eq(pthread_create(&thread, NULL, import_big, &big), 0);
	while (!atomic_load(&big.has_ended)) {
		zone_name(name, cnt++);
		struct vly_store_txn *txn = store_fixture_write(&fixture);
		cr_assert_eq(import_in(txn, name, text), VLY_STORE_OK);
		cr_assert_eq(vly_store_commit(txn, fixture.reason, sizeof(fixture.reason)),
			     VLY_STORE_OK);
	}
	pthread_join(thread, NULL);
	cr_assert_eq(big.result, VLY_STORE_OK);
	cr_expect_geq(cnt, 3, "only %u writers came in between", cnt);
	for (unsigned i = 0; i < cnt; i++) {
		zone_name(name, i);
		expect_zone(&fixture, name);
	}
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	struct vly_zone loaded;
	store_fixture_find(txn, "big.", &zone);
	cr_assert_eq(vly_store_load_zone(txn, &zone, &vly_test_key, &loaded), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	cr_expect_eq(zone.record_cnt, BIG_NAMES + 1);
	vly_zone_free(&loaded);
	vly_store_abort(txn);
	vly_zone_free(&big.zone);
	store_fixture_end(&fixture);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Full and read-only disks, a store at its largest size, and one that another process has: what is
 * refused, what goes on, and what cures it. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "store_fixture.h"

#define SOA "@ 300 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"

/* A name of its own with about 1,000 octets of text. Returns the result. */
static int
add_name(struct store_fixture *fixture)
{
	uint8_t data[1024] = {255};
	struct vly_store_txn *txn;
	struct vly_store_zone zone;
	struct vly_change change = {0};
	char owner[32];

	int result = vly_store_begin_write(fixture->store, &txn, fixture->reason,
					   sizeof(fixture->reason));
	if (result != VLY_STORE_OK)
		return result;
	store_fixture_find(txn, "z.", &zone);
	snprintf(owner, sizeof(owner), "n%u.z.", zone.serial);
	data[256] = data[512] = data[768] = 255;
	store_fixture_put(&change, true, owner, VLY_TYPE_TXT, 300, data, sizeof(data));
	result = store_fixture_apply(txn, &zone, &change);
	vly_change_free(&change);
	int committed = vly_store_commit(txn, fixture->reason, sizeof(fixture->reason));
	cr_expect(result == VLY_STORE_OK || committed == result);
	return committed;
}

/* Adds names until it fails. Returns the failure; *serial is that of the last one. */
static int
fill(struct store_fixture *fixture, uint32_t *serial)
{
	int result = VLY_STORE_OK;

	for (*serial = 7; *serial < 20000; ++*serial)
		if ((result = add_name(fixture)) != VLY_STORE_OK)
			break;
	cr_assert_gt(*serial, 10, "%s", fixture->reason);
	return result;
}

/* Everything up to the serial is there, and can be read. */
static void
expect_serial(struct store_fixture *fixture, uint32_t serial)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_store_zone zone;

	store_fixture_find(txn, "z.", &zone);
	cr_expect_eq(zone.serial, serial);
	cr_expect_eq(zone.record_cnt, serial - 7 + 1);
	free(store_fixture_text(txn, &zone));
	vly_store_abort(txn);
}

static void
expect_reason(const struct store_fixture *fixture, const char *fragment)
{
	cr_expect_neq(strstr(fixture->reason, fragment), NULL, "expected %s, got %s", fragment,
		      fixture->reason);
	cr_expect_neq(strstr(fixture->reason, fixture->dir), NULL, "%s", fixture->reason);
}

Test(store_failures, largest_size_is_cured_by_a_larger_one)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	uint32_t serial;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	fixture.settings.bytes_max = 300000;
	store_fixture_reopen(&fixture);
	cr_expect_eq(fill(&fixture, &serial), VLY_STORE_MAP_FULL);
	expect_reason(&fixture, "the store has reached its largest size");
	expect_serial(&fixture, serial);
	cr_expect_eq(add_name(&fixture), VLY_STORE_MAP_FULL);
	fixture.settings.bytes_max = 1000000;
	store_fixture_reopen(&fixture);
	expect_serial(&fixture, serial);
	cr_expect_eq(add_name(&fixture), VLY_STORE_OK, "%s", fixture.reason);
	expect_serial(&fixture, serial + 1);
	store_fixture_end(&fixture);
}

/* The others of a batch go on. */
Test(store_failures, nested_transaction_that_finds_no_room_leaves_no_trace)
{
	static uint8_t data[65000];
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_store_txn *outer, *nested;
	struct vly_change change = {0};

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	fixture.settings.bytes_max = 300000;
	store_fixture_reopen(&fixture);
	outer = store_fixture_write(&fixture);
	cr_assert_eq(vly_store_begin_nested(outer, &nested, fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_OK);
	store_fixture_find(nested, "z.", &zone);
	for (data[0] = 0; data[0] < 10; data[0]++)
		store_fixture_put(&change, true, "a.z.", 65280, 300, data, sizeof(data));
	cr_expect_eq(store_fixture_apply(nested, &zone, &change), VLY_STORE_MAP_FULL);
	vly_store_abort(nested);
	vly_change_free(&change);
	store_fixture_find(outer, "z.", &zone);
	store_fixture_put(&change, true, "b.z.", VLY_TYPE_A, 300, data, 4);
	cr_expect_eq(store_fixture_apply(outer, &zone, &change), VLY_STORE_OK, "%s",
		     vly_store_reason(outer));
	store_fixture_commit(outer);
	vly_change_free(&change);
	expect_serial(&fixture, 8);
	store_fixture_end(&fixture);
}

/* No address space is as large. */
Test(store_failures, map_is_as_large_as_can_be_had)
{
	struct vly_zone_store_usage usage;
	struct store_fixture fixture;
	struct vly_store_zone zone;

	store_fixture_begin(&fixture);
	fixture.settings.bytes_max = UINT64_C(1) << 47;
	store_fixture_reopen(&fixture);
	vly_zone_store_usage(fixture.store, &usage);
	cr_expect_lt(usage.bytes_max, UINT64_C(1) << 47);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	expect_serial(&fixture, 7);
	store_fixture_end(&fixture);
}

Test(store_failures, store_is_for_one_process)
{
	struct store_fixture fixture;
	struct vly_zone_store *other;

	store_fixture_begin(&fixture);
	cr_expect_eq(vly_zone_store_open(&other, fixture.dir, &fixture.settings, fixture.reason,
					 sizeof(fixture.reason)),
		     VLY_STORE_BUSY);
	cr_expect_null(other);
	expect_reason(&fixture, "another process has the store open: end it");
	store_fixture_end(&fixture);
}

/* A file system of its own, which goes with this process. */
static void
mount_small(struct store_fixture *fixture, const char *options)
{
	*fixture = (struct store_fixture){.dir = "/dev/shm/vly-store-XXXXXX"};
	cr_assert_not_null(mkdtemp(fixture->dir));
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", fixture->dir, "tmpfs", 0, options) != 0) {
		rmdir(fixture->dir);
		cr_skip_test("may not mount");
	}
}

static void
remount(const struct store_fixture *fixture, unsigned long flags, const char *options)
{
	cr_assert_eq(mount("tmpfs", fixture->dir, "tmpfs", MS_REMOUNT | flags, options), 0);
}

static void
unmount(struct store_fixture *fixture)
{
	vly_zone_store_close(fixture->store);
	cr_expect_eq(umount(fixture->dir), 0);
	rmdir(fixture->dir);
}

Test(store_failures, full_disk_is_cured_by_room)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	uint32_t serial;

	mount_small(&fixture, "size=512k");
	store_fixture_open(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	cr_expect_eq(fill(&fixture, &serial), VLY_STORE_DISK_FULL);
	expect_reason(&fixture, "the disk is full: make room on it");
	expect_serial(&fixture, serial);
	cr_expect_eq(add_name(&fixture), VLY_STORE_DISK_FULL);
	remount(&fixture, 0, "size=4m");
	cr_expect_eq(add_name(&fixture), VLY_STORE_OK, "%s", fixture.reason);
	expect_serial(&fixture, serial + 1);
	store_fixture_reopen(&fixture);
	expect_serial(&fixture, serial + 1);
	unmount(&fixture);
}

/* An import that the disk is too small for: the zone is not there, and what was written goes. */
Test(store_failures, import_that_finds_no_room_is_cleaned_away)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_name apex;
	struct vly_zone read;

	mount_small(&fixture, "size=1m");
	store_fixture_open(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	store_fixture_zone(&read, "big.", SOA "$GENERATE 1-60000 n$ 300 A 192.0.2.1\n");
	cr_expect_eq(vly_zone_store_import(fixture.store, &read, &store_fixture_stamp, &zone,
					   fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_DISK_FULL);
	expect_reason(&fixture, "the disk is full");
	expect_serial(&fixture, 7);
	remount(&fixture, 0, "size=8m");
	cr_expect_eq(vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_OK, "%s", fixture.reason);
	cr_expect_eq(vly_zone_store_clean(fixture.store, fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_NONE);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_name(&apex, "big.");
	cr_expect_eq(vly_store_find_zone(txn, &apex, &zone), VLY_STORE_NONE);
	vly_store_abort(txn);
	cr_expect_eq(vly_zone_store_import(fixture.store, &read, &store_fixture_stamp, &zone,
					   fixture.reason, sizeof(fixture.reason)),
		     VLY_STORE_OK, "%s", fixture.reason);
	cr_expect_eq(zone.name_cnt, 60001);
	vly_zone_free(&read);
	unmount(&fixture);
}

Test(store_failures, read_only_file_system_can_be_read)
{
	struct store_fixture fixture;
	struct vly_zone_store *other;
	struct vly_store_zone zone;
	char missing[80];

	mount_small(&fixture, "size=1m");
	store_fixture_open(&fixture);
	store_fixture_import(&fixture, "z.", SOA, &zone);
	cr_assert_eq(add_name(&fixture), VLY_STORE_OK);
	cr_expect_null(vly_zone_store_read_only(fixture.store));
	vly_zone_store_close(fixture.store);
	remount(&fixture, MS_RDONLY, "size=1m");
	store_fixture_open(&fixture);
	cr_assert_not_null(vly_zone_store_read_only(fixture.store));
	expect_serial(&fixture, 8);
	cr_expect_eq(add_name(&fixture), VLY_STORE_READ_ONLY);
	expect_reason(&fixture, "mount the file system for writing");
	/* a store that is not there can't be made */
	snprintf(missing, sizeof(missing), "%s/none", fixture.dir);
	cr_expect_eq(vly_zone_store_open(&other, missing, &fixture.settings, fixture.reason,
					 sizeof(fixture.reason)),
		     VLY_STORE_READ_ONLY);
	expect_reason(&fixture, "mount the file system for writing");
	remount(&fixture, 0, "size=1m");
	store_fixture_reopen(&fixture);
	cr_expect_eq(add_name(&fixture), VLY_STORE_OK, "%s", fixture.reason);
	unmount(&fixture);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store in a directory of its own, zones from text, and what a store has as text. */
#ifndef VLY_TEST_STORE_FIXTURE_H
#define VLY_TEST_STORE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "server.h"
#include "store/store_change.h"
#include "store/store_names.h"
#include "store/zone_difference.h"
#include "store/zone_store.h"
#include "zone/domain.h"
#include "zone/zone_file.h"

struct store_fixture {
	char dir[64];
	struct vly_zone_store_settings settings;
	struct vly_zone_store *store;
	char reason[VLY_TROUBLE_BYTES];
};

static const struct vly_file_stamp store_fixture_stamp = {1, 2, 3, 4};

static inline void
store_fixture_open(struct store_fixture *fixture)
{
	cr_assert_eq(vly_zone_store_open(&fixture->store, fixture->dir, &fixture->settings,
					 fixture->reason, sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
}

static inline void
store_fixture_reopen(struct store_fixture *fixture)
{
	vly_zone_store_close(fixture->store);
	store_fixture_open(fixture);
}

/* In memory: what is on disk after a crash of the machine is not tested here. */
static inline void
store_fixture_begin(struct store_fixture *fixture)
{
	*fixture = (struct store_fixture){.dir = "/dev/shm/vly-store-XXXXXX"};
	cr_assert_not_null(mkdtemp(fixture->dir));
	store_fixture_open(fixture);
}

static inline void
store_fixture_remove_files(const struct store_fixture *fixture)
{
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	char path[128];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->dir, files[i]);
		unlink(path);
	}
}

static inline void
store_fixture_end(struct store_fixture *fixture)
{
	vly_zone_store_close(fixture->store);
	store_fixture_remove_files(fixture);
	rmdir(fixture->dir);
}

static inline void
store_fixture_name(struct vly_name *name, const char *text)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	char canonical[VLY_DOMAIN_TEXT_BYTES];

	cr_assert_null(vly_domain_canonical(text, canonical), "%s", text);
	cr_assert_neq(vly_name_scan(name, wire, vly_domain_wire(canonical, wire)), 0);
}

static inline void
store_fixture_zone(struct vly_zone *zone, const char *name, const char *text)
{
	struct vly_zone_scanner scanner = {0};
	struct vly_zone_report report = {0};
	char path[32];
	int fd = vly_test_text_fd(text, strlen(text));

	vly_zone_report_defaults(&report);
	vly_test_fd_path(fd, path);
	cr_assert_eq(vly_zone_read_file(zone, &scanner, &vly_test_key, name, path, NULL, &report),
		     0, "%s", text);
	vly_zone_scanner_free(&scanner);
	close(fd);
}

static inline void
store_fixture_import(struct store_fixture *fixture, const char *name, const char *text,
		     struct vly_store_zone *out)
{
	struct vly_zone zone;

	store_fixture_zone(&zone, name, text);
	cr_assert_eq(vly_zone_store_import(fixture->store, &zone, &store_fixture_stamp, out,
					   fixture->reason, sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
	vly_zone_free(&zone);
}

static inline struct vly_store_txn *
store_fixture_read(struct store_fixture *fixture)
{
	struct vly_store_txn *txn;

	cr_assert_eq(vly_store_begin_read(fixture->store, &txn, fixture->reason,
					  sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
	return txn;
}

static inline struct vly_store_txn *
store_fixture_write(struct store_fixture *fixture)
{
	struct vly_store_txn *txn;

	cr_assert_eq(vly_store_begin_write(fixture->store, &txn, fixture->reason,
					   sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
	return txn;
}

static inline void
store_fixture_find(struct vly_store_txn *txn, const char *name, struct vly_store_zone *zone)
{
	struct vly_name apex;

	store_fixture_name(&apex, name);
	cr_assert_eq(vly_store_find_zone(txn, &apex, zone), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
}

/* Adds or removes a record; `data` in wire form. */
static inline void
store_fixture_put(struct vly_change *change, bool is_added, const char *owner, uint16_t type,
		  uint32_t ttl, const void *data, unsigned data_len)
{
	struct vly_name name;

	store_fixture_name(&name, owner);
	cr_assert_eq((is_added ? vly_change_add : vly_change_remove)(change, name.lower, name.len,
								     type, ttl, data, data_len),
		     0);
}

/* Adds the SOA with the next serial, and applies. */
static inline int
store_fixture_apply(struct vly_store_txn *txn, struct vly_store_zone *zone,
		    struct vly_change *change)
{
	struct vly_change_record soa;

	cr_assert_eq(vly_store_soa(txn, zone, &soa), VLY_STORE_OK, "%s", vly_store_reason(txn));
	cr_assert_eq(vly_change_set_soa(change, &soa, zone->serial + 1), 0);
	return vly_store_apply(txn, zone, change, VLY_STORE_BY_KEY, "test");
}

static inline void
store_fixture_commit(struct vly_store_txn *txn)
{
	char reason[VLY_TROUBLE_BYTES];

	cr_assert_eq(vly_store_commit(txn, reason, sizeof(reason)), VLY_STORE_OK, "%s", reason);
}

/* The zone as text, the caller's to free. */
static inline char *
store_fixture_text(struct vly_store_txn *txn, const struct vly_store_zone *zone)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	cr_assert_eq(vly_store_print_zone(txn, zone, out), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	fclose(out);
	return text;
}

#endif

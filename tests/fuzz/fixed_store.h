/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store with one living zone, "z.", which changes are tried on and never kept.
 *
 * Use: vly_fuzz_store_open() once; then vly_fuzz_store_try() with a function that makes a change.
 */
#ifndef VLY_FUZZ_FIXED_STORE_H
#define VLY_FUZZ_FIXED_STORE_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "living/living_parts.h"
#include "server.h"
#include "store/store_names.h"
#include "target.h"
#include "zone/domain.h"
#include "zone/zone_file.h"

#define FIXED_STORE_ZONE "z."

static const char fixed_store_text[] =
	"$TTL 300\n@ SOA ns m 7 2 3 4 60\n@ NS ns\n@ NS ns.y.\nns A 192.0.2.1\na 60 A 192.0.2.2\n"
	"a 60 A 192.0.2.3\na TXT \"some text\" more\n*.b MX 1 a\nc CNAME a\nd DNAME a\n"
	"e NS ns.e\nns.e AAAA 2001:db8::1\n";

static struct vly_zone_store *fixed_store;

static inline void
vly_fuzz_store_import(void)
{
	const struct vly_file_stamp stamp = {1, 2, 3, 4};
	struct vly_zone_scanner scanner = {0};
	struct vly_zone_report report = {0};
	struct vly_store_zone imported;
	struct vly_zone zone;
	char path[32];
	char reason[VLY_TROUBLE_BYTES];
	int fd = vly_test_text_fd(fixed_store_text, strlen(fixed_store_text));

	vly_zone_report_defaults(&report);
	vly_test_fd_path(fd, path);
	require(vly_zone_read_file(&zone, &scanner, &vly_test_key, FIXED_STORE_ZONE, path, NULL,
				   &report) == 0);
	require(vly_zone_store_import(fixed_store, &zone, &stamp, &imported, reason,
				      sizeof(reason)) == VLY_STORE_OK);
	vly_zone_free(&zone);
	vly_zone_scanner_free(&scanner);
	close(fd);
}

/* The files have no name from here on: nothing is left behind, however the search ends. */
static inline void
vly_fuzz_store_open(void)
{
	const struct vly_zone_store_settings settings = {.bytes_max = 64 << 20};
	char dir[] = "/tmp/vly-fuzz-XXXXXX";
	char path[64];
	char reason[VLY_TROUBLE_BYTES];

	require(mkdtemp(dir) != NULL);
	require(vly_zone_store_open(&fixed_store, dir, &settings, reason, sizeof(reason)) ==
		VLY_STORE_OK);
	vly_fuzz_store_import();
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	unlink(path);
	rmdir(dir);
}

/* The name has records of its own. */
static inline bool
vly_fuzz_store_has(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		   const struct vly_change_record *record)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_store_records records;
	struct vly_store_record found;
	struct vly_name name;

	memcpy(wire, record->owner, record->owner_len);
	require(vly_name_scan(&name, wire, record->owner_len) != 0);
	if (vly_store_get(txn, zone, &name, &records) != VLY_STORE_OK)
		return false;
	while (vly_store_next_record(&records, &found))
		if (found.type == record->type && found.ttl == record->ttl &&
		    found.data_len == record->data_len &&
		    memcmp(found.data, record->data, record->data_len) == 0)
			return true;
	return false;
}

/* What a change says is in the store afterwards, and one SOA with a larger serial. */
static inline void
vly_fuzz_store_check(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		     const struct vly_change *change)
{
	struct vly_change_record soa;

	for (size_t i = 0; i < change->added.cnt; i++)
		require(vly_fuzz_store_has(txn, zone, &change->added.record[i]));
	for (size_t i = 0; i < change->removed.cnt; i++)
		require(!vly_fuzz_store_has(txn, zone, &change->removed.record[i]));
	require(vly_store_soa(txn, zone, &soa) == VLY_STORE_OK);
	require(vly_change_soa_serial(&soa) == zone->serial && zone->serial != 7);
}

/* Calls `prepare`, as the writer of living zones does, makes the change and undoes it. Returns what `done`
 * of a request would get. */
static inline enum vly_living_code
vly_fuzz_store_try(enum vly_living_prepared (*prepare)(void *arg, struct vly_store_txn *txn,
						       const struct vly_store_zone *zone,
						       struct vly_change *change,
						       char reason[VLY_REASON_BYTES]),
		   void *arg, char reason[VLY_REASON_BYTES])
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	enum vly_living_code code = VLY_LIVING_DONE;
	struct vly_store_zone zone;
	struct vly_store_txn *txn;
	struct vly_change change;
	struct vly_name apex;

	require(vly_name_scan(&apex, wire, vly_domain_wire(FIXED_STORE_ZONE, wire)) != 0);
	require(vly_store_begin_write(fixed_store, &txn, reason, VLY_REASON_BYTES) == VLY_STORE_OK);
	require(vly_store_find_zone(txn, &apex, &zone) == VLY_STORE_OK);
	vly_change_init(&change);
	reason[0] = '\0';
	enum vly_living_prepared prepared = prepare(arg, txn, &zone, &change, reason);
	if (prepared == VLY_LIVING_REFUSE) {
		require(reason[0] != '\0');
		code = VLY_LIVING_REFUSED;
	} else if (prepared == VLY_LIVING_CHANGE && !vly_change_is_empty(&change)) {
		int result = vly_living_apply(txn, &zone, &change, VLY_SERIAL_INCREMENT,
					      VLY_STORE_BY_OPERATOR, "", reason, VLY_REASON_BYTES);
		require(result == VLY_STORE_OK || result == VLY_STORE_REFUSED);
		if (result == VLY_STORE_OK)
			vly_fuzz_store_check(txn, &zone, &change);
		else
			code = VLY_LIVING_REFUSED;
	}
	vly_change_free(&change);
	vly_store_abort(txn);
	return code;
}

#endif

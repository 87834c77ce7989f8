/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "living_file.h"
#include "living_load.h"
#include "living_parts.h"
#include "zone/domain.h"

/* Zones, and octets of their trees, that one transaction has: reading them takes no lock, and writing them
 * some 100 ms, for which other changes wait. */
#define GROUP_MAX       1000
#define GROUP_BYTES_MAX (UINT64_C(8) << 20)

/* Zones that were read and are to be written. */
struct group {
	struct vly_zone tree[GROUP_MAX];
	uint32_t cnt;
	uint64_t bytes;
};

struct import {
	struct vly_living *living;
	struct vly_zone_store *store;
	const uint8_t *severity;
	struct vly_load_progress *progress;
	struct group *group;
};

static void
scan_apex(const uint8_t *name, unsigned len, struct vly_name *apex)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	memcpy(wire, name, len);
	(void)vly_name_scan(apex, wire, len);
}

/* Whether the file is small, and the store lacks the zone. */
static bool
is_wanted(struct vly_store_txn *txn, const struct vly_living_source *source)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_store_zone zone;
	struct vly_name apex;

	if (source->stamp.inode == 0 || source->stamp.bytes > VLY_STORE_IMPORT_IN_MAX)
		return false;
	(void)vly_name_scan(&apex, wire, vly_domain_wire(source->name, wire));
	return vly_store_find_zone(txn, &apex, &zone) == VLY_STORE_NONE;
}

/* Lists the zones that are wanted; NULL: there is at most one, or no memory. */
static bool *
choose(const struct import *import, const struct vly_living_first *first, uint32_t cnt)
{
	char reason[VLY_REASON_BYTES];
	struct vly_store_txn *txn;
	uint32_t wanted_cnt = 0;
	bool *wanted = calloc(cnt, sizeof(*wanted));

	if (!wanted || vly_store_begin_read(import->store, &txn, reason, sizeof(reason)) != 0) {
		free(wanted);
		return NULL;
	}
	for (uint32_t i = 0; i < cnt; i++) {
		wanted[i] = is_wanted(txn, &first[i].source);
		wanted_cnt += wanted[i];
	}
	vly_store_abort(txn);
	if (wanted_cnt > 1)
		return wanted;
	free(wanted);
	return NULL;
}

/* Imports a zone, unless the store has it by now. */
static int
put_zone(struct vly_store_txn *txn, const struct vly_zone *tree)
{
	struct vly_store_zone zone;
	struct vly_name apex;
	unsigned len;
	const uint8_t *name = vly_zone_node_name(tree, 0, &len);

	scan_apex(name, len, &apex);
	int result = vly_store_find_zone(txn, &apex, &zone);
	return result == VLY_STORE_NONE ? vly_store_import_in(txn, tree, &tree->stamp[0], &zone)
					: result;
}

static void
write_group(struct import *import)
{
	struct group *group = import->group;
	char reason[VLY_REASON_BYTES];
	struct vly_store_txn *txn;
	int result = group->cnt == 0
			     ? VLY_STORE_NONE
			     : vly_store_begin_write(import->store, &txn, reason, sizeof(reason));

	for (uint32_t i = 0; i < group->cnt; i++) {
		if (result == VLY_STORE_OK && put_zone(txn, &group->tree[i]) < 0) {
			vly_store_abort(txn);
			result = VLY_STORE_FAILED;
		}
		vly_zone_free(&group->tree[i]);
	}
	if (result == VLY_STORE_OK)
		result = vly_store_commit(txn, reason, sizeof(reason));
	(void)result; /* vly_living_load() sees what is there */
	group->cnt = 0;
	group->bytes = 0;
}

/* A zone with one SOA is what the store accepts; all else is left to vly_living_load(). */
static void
read_zone(struct import *import, struct vly_living_first *first)
{
	struct group *group = import->group;
	struct vly_zone *tree = &group->tree[group->cnt];
	struct vly_zone_report report;
	struct vly_dnssec_facts facts;

	vly_zone_report_defaults(&report);
	memcpy(report.severity, import->severity, sizeof(report.severity));
	if (vly_living_read_file(tree, &import->living->key, &first->source, import->progress,
				 &report, &facts) != 0)
		return;
	if (tree->arena.used > VLY_STORE_IMPORT_IN_MAX) {
		vly_zone_free(tree);
		return;
	}
	first->warning_cnt = report.warning_cnt;
	group->bytes += tree->arena.used;
	if (++group->cnt == GROUP_MAX || group->bytes >= GROUP_BYTES_MAX)
		write_group(import);
}

void
vly_living_import(struct vly_living *living, struct vly_living_first *first, uint32_t cnt,
		  const uint8_t severity[VLY_ZONE_CHECK_CNT], struct vly_load_progress *progress)
{
	char reason[VLY_REASON_BYTES];
	struct import import = {.living = living, .severity = severity, .progress = progress};

	import.store = vly_living_store_get(living, reason, sizeof(reason));
	if (!import.store)
		return;
	import.group = calloc(1, sizeof(*import.group));
	bool *wanted = import.group ? choose(&import, first, cnt) : NULL;
	for (uint32_t i = 0; wanted && i < cnt; i++)
		if (wanted[i])
			read_zone(&import, &first[i]);
	if (wanted)
		write_group(&import);
	free(wanted);
	free(import.group);
	vly_living_store_put(living);
}

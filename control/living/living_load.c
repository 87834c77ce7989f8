/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "form_cache.h"
#include "living_file.h"
#include "living_parts.h"
#include "living_signed.h"
#include "store/store_names.h"
#include "zone/domain.h"

/* A zone that is being loaded. */
struct load {
	struct vly_living *living;
	struct vly_image_builder *builder;
	const struct vly_living_source *source;
	struct vly_load_progress *progress;
	struct vly_zone_report *report;
	struct vly_zone_info *info;
	struct vly_live_image **ready;
	struct vly_zone_store *store;
	int failure; /* of the store, or VLY_STORE_OK */
	struct vly_name apex;
	struct vly_dnssec_facts facts;
};

static int
fail(struct load *load, const char *reason)
{
	vly_zone_report_add(load->report, VLY_ZONE_CHECK_must, load->source->file, 0, "%s", reason);
	return -1;
}

/* The store has failed with `result`. */
static int
fail_store(struct load *load, int result, const char *reason)
{
	if (result < 0)
		load->failure = result;
	return fail(load, reason);
}

/* Compiles the tree. What is in the store has been accepted, so that the configuration's checks must not
 * keep it from being served. */
static int
compile(struct load *load, struct vly_zone *tree, const struct vly_store_zone *zone)
{
	struct vly_zone_report lenient;
	uint32_t zone_idx = vly_image_builder_zone_cnt(load->builder);

	vly_zone_report_defaults(&lenient);
	memset(lenient.severity, VLY_ZONE_IGNORE, sizeof(lenient.severity));
	lenient.takes_alias = true;
	if (vly_image_builder_add_zone(load->builder, tree, zone->version, &lenient, load->info) !=
	    0)
		return fail(load, lenient.first.text);
	load->info->expiry_s = load->facts.expiry_s;
	load->info->margin_s = load->facts.margin_s;
	load->info->version = zone->version;
	load->info->digest = zone->digest;
	load->info->zone_idx = zone_idx;
	load->info->warning_cnt = load->report->warning_cnt;
	load->info->stamp = zone->origin;
	load->info->has_alias = tree->has_alias;
	return 0;
}

/* Steps of cleaning behind an import; the next one goes on. */
#define CLEAN_MAX 100

/* Steps before an import: more than any store has. An import that fails when the store is full must not
 * leave less and less room for the next ones. */
#define CLEAN_ALL_MAX 1000000

void
vly_living_clean(struct vly_zone_store *store, bool all)
{
	const unsigned max = all ? CLEAN_ALL_MAX : CLEAN_MAX;
	char reason[VLY_REASON_BYTES];
	int result = VLY_STORE_OK;

	for (unsigned i = 0; i < max && result == VLY_STORE_OK; i++)
		result = vly_zone_store_clean(store, reason, sizeof(reason));
}

static int
import(struct load *load)
{
	char reason[VLY_REASON_BYTES];
	struct vly_store_zone zone;
	struct vly_zone tree;

	if (vly_living_read_file(&tree, &load->living->key, load->source, load->progress,
				 load->report, &load->facts) != 0)
		return -1;
	uv_mutex_lock(&load->living->import_lock);
	vly_living_clean(load->store, true);
	int result = vly_zone_store_import(load->store, &tree, &tree.stamp[0], &zone, reason,
					   sizeof(reason));
	vly_living_clean(load->store, false);
	uv_mutex_unlock(&load->living->import_lock);
	result = result == VLY_STORE_OK ? compile(load, &tree, &zone)
					: fail_store(load, result, reason);
	vly_zone_free(&tree);
	return result;
}

/* Applies the difference to the file inside a transaction. VLY_STORE_OK; else the reason. */
static int
apply_file(struct load *load, struct vly_store_txn *txn, const struct vly_zone *tree, char *reason)
{
	struct vly_store_zone zone;
	struct vly_change change;
	enum vly_living_prepared prepared = VLY_LIVING_REFUSE;
	bool is_origin;
	int result = vly_store_find_zone(txn, &load->apex, &zone);

	if (result != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return result;
	}
	vly_change_init(&change);
	prepared = vly_living_prepare_file(tree, txn, &zone, &change, &is_origin, reason);
	if (prepared == VLY_LIVING_REFUSE)
		result = VLY_STORE_REFUSED;
	if (prepared == VLY_LIVING_CHANGE)
		result = vly_living_apply(txn, &zone, &change,
					  (enum vly_config_serial)load->source->policy,
					  VLY_STORE_BY_FILE, "", reason, VLY_REASON_BYTES);
	vly_change_free(&change);
	if (result == VLY_STORE_OK && is_origin) {
		result = vly_store_set_origin(txn, &zone, &tree->stamp[0]);
		if (result != VLY_STORE_OK)
			snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
	}
	return result;
}

/* Brings the store up to a file that has changed. A failure goes to the report: the zone is served as the
 * store has it. */
static void
take_file(struct load *load)
{
	char reason[VLY_REASON_BYTES] = "";
	struct vly_store_txn *txn;
	struct vly_zone tree;

	if (vly_living_read_file(&tree, &load->living->key, load->source, load->progress,
				 load->report, &load->facts) != 0)
		return;
	int result = vly_store_begin_write(load->store, &txn, reason, sizeof(reason));
	if (result == VLY_STORE_OK) {
		result = apply_file(load, txn, &tree, reason);
		if (result == VLY_STORE_OK)
			result = vly_store_commit(txn, reason, sizeof(reason));
		else
			vly_store_abort(txn);
	}
	if (result != VLY_STORE_OK)
		(void)fail_store(load, result, reason);
	vly_zone_free(&tree);
}

static bool
note_alias(void *arg, const struct vly_name *owner)
{
	(void)owner;
	*(bool *)arg = true;
	return false;
}

static bool
has_alias(struct vly_store_txn *txn, const struct vly_store_zone *zone)
{
	bool has = false;
	int result =
		vly_store_dependents(txn, zone, &zone->apex, VLY_STORE_ALIAS, note_alias, &has);

	return has || result < 0; /* whoever looks at them meets the failure again */
}

/* Compiles the zone from the store. */
static int
load_stored(struct load *load)
{
	char reason[VLY_REASON_BYTES];
	struct vly_store_zone zone;
	struct vly_store_txn *txn;
	struct vly_zone tree;

	int result = vly_store_begin_read(load->store, &txn, reason, sizeof(reason));
	if (result != VLY_STORE_OK)
		return fail_store(load, result, reason);
	result = vly_store_find_zone(txn, &load->apex, &zone);
	if (result == VLY_STORE_OK && load->ready)
		*load->ready = vly_form_cache_load(load->living, txn, &zone, load->source->name,
						   load->info);
	if (load->ready && *load->ready) {
		load->info->has_alias = has_alias(txn, &zone);
		vly_store_abort(txn);
		load->info->warning_cnt = load->report->warning_cnt;
		return 0;
	}
	if (result == VLY_STORE_OK)
		result = vly_store_load_zone(txn, &zone, &load->living->key, &tree);
	if (result != VLY_STORE_OK)
		(void)fail_store(load, result,
				 result == VLY_STORE_NONE ? "the zone is not in the store"
							  : vly_store_reason(txn));
	vly_store_abort(txn);
	if (result != VLY_STORE_OK)
		return -1;
	vly_living_signatures(&tree, load->source->dnssec.thread_max, &load->facts);
	result = compile(load, &tree, &zone);
	vly_zone_free(&tree);
	return result;
}

/* A zone without a file, which its primaries have to give first. */
static int
add_unready(struct load *load)
{
	const uint32_t zone_idx = vly_image_builder_zone_cnt(load->builder);

	if (vly_image_builder_add_unready(load->builder, load->source->name,
					  VLY_UNREADY_NOT_LOADED) != 0)
		return fail(load, strerror(errno));
	*load->info = (struct vly_zone_info){.zone_idx = zone_idx};
	return 0;
}

/* A zone that the store has, but that no primary has confirmed for too long. */
static int
add_expired(struct load *load, const struct vly_store_zone *zone)
{
	const uint32_t zone_idx = vly_image_builder_zone_cnt(load->builder);

	if (vly_image_builder_add_unready(load->builder, load->source->name, VLY_UNREADY_EXPIRED) !=
	    0)
		return fail(load, strerror(errno));
	*load->info = (struct vly_zone_info){
		.zone_idx = zone_idx,
		.serial = zone->serial,
		.version = zone->version,
		.record_cnt = zone->record_cnt,
		.stamp = zone->origin,
	};
	return 0;
}

static int
load_zone(struct load *load)
{
	char reason[VLY_REASON_BYTES];
	struct vly_store_zone zone;
	struct vly_store_txn *txn;

	int result = vly_store_begin_read(load->store, &txn, reason, sizeof(reason));
	if (result != VLY_STORE_OK)
		return fail_store(load, result, reason);
	result = vly_store_find_zone(txn, &load->apex, &zone);
	if (result != VLY_STORE_OK && result != VLY_STORE_NONE)
		(void)fail_store(load, result, vly_store_reason(txn));
	vly_store_abort(txn);
	if (result == VLY_STORE_NONE)
		return load->source->file[0] ? import(load) : add_unready(load);
	if (result != VLY_STORE_OK)
		return -1;
	if (load->source->is_expired)
		return add_expired(load, &zone);
	bool has_file = load->source->stamp.inode != 0;
	if (has_file && !vly_file_stamp_equals(&load->source->stamp, &zone.origin))
		take_file(load);
	return load_stored(load);
}

int
vly_living_load(struct vly_living *living, struct vly_image_builder *builder,
		const struct vly_living_source *source, struct vly_load_progress *progress,
		struct vly_zone_report *report, struct vly_zone_info *info,
		struct vly_live_image **ready)
{
	struct load load = {
		.ready = ready,
		.living = living,
		.builder = builder,
		.source = source,
		.progress = progress,
		.report = report,
		.info = info,
	};
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	char reason[VLY_REASON_BYTES];

	(void)vly_name_scan(&load.apex, wire, vly_domain_wire(source->name, wire));
	load.store = vly_living_store_get(living, reason, sizeof(reason));
	if (!load.store)
		return fail(&load, reason);
	int result = load_zone(&load);
	vly_living_store_put(living);
	vly_living_store_failed(living, load.failure);
	return result;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Complete forms out of the cache: as they are, or with what has changed since. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "form_cache.h"
#include "form_index.h"
#include "journal_source.h"
#include "layer_merge.h"
#include "store/image_files.h"

/* Finds the zone in the index. Returns 0; or -1, with a reason if there is something to report. */
static int
find_entry(struct vly_living *living, const char *name, struct vly_form_entry *entry, char *reason)
{
	size_t len;
	char *text;
	enum vly_state_read read =
		vly_image_files_read_index(living->form_dir, &text, &len, reason, VLY_REASON_BYTES);

	if (read == VLY_STATE_NONE)
		*reason = '\0';
	if (read != VLY_STATE_READ)
		return -1;
	*reason = '\0';
	int found = vly_form_index_find(text, len, vly_form_cache_settings(living), name, entry);
	free(text);
	if (found < 0)
		snprintf(reason, VLY_REASON_BYTES, "%s/index: it is damaged", living->form_dir);
	return found == 0 ? 0 : -1;
}

/* Zones with signatures have facts that only compiling finds. */
static bool
is_signed(struct vly_store_txn *txn, const struct vly_store_zone *zone)
{
	struct vly_store_records records;
	struct vly_store_record record;

	if (vly_store_get(txn, zone, &zone->apex, &records) != VLY_STORE_OK)
		return true;
	while (vly_store_next_record(&records, &record))
		if (record.type == VLY_TYPE_RRSIG || record.type == VLY_TYPE_DNSKEY)
			return true;
	return false;
}

static struct vly_live_image *
read_image(struct vly_living *living, const struct vly_form_entry *entry, char *reason)
{
	uint64_t id = vly_live_image_next_id();
	int fd = vly_image_files_read(living->form_dir, &entry->image, &living->key, reason,
				      VLY_REASON_BYTES);

	if (fd < 0)
		return NULL;
	*reason = '\0';
	return vly_live_image_new(id, fd, entry->image.bytes, entry->image.zone_cnt);
}

static struct vly_live_image *
seal(struct vly_image_builder *builder)
{
	struct vly_built_image built;

	if (vly_image_builder_seal(builder, &built) != 0)
		return NULL;
	return vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes, built.zone_cnt);
}

/* An image with what has changed since `entry`; NULL: a complete form is needed. */
static struct vly_live_image *
compile_changes(struct vly_living *living, struct vly_journal_source *source,
		const struct vly_store_zone *zone, const struct vly_form_entry *entry)
{
	struct vly_zone_report report;
	struct vly_zone_info info;
	const char *why;
	struct vly_overlay_change change = {
		.apex = {zone->apex.lower, zone->apex.len},
		.version = zone->version,
		.below = entry->version,
		.record_cnt = zone->record_cnt,
	};
	struct vly_overlay_name *names = vly_journal_source_names(source, &change.changed_cnt);
	struct vly_image_builder *builder = names ? vly_batch_builder(living) : NULL;
	enum vly_overlay_result made = VLY_OVERLAY_FAILED;

	change.changed = names;
	vly_zone_report_defaults(&report);
	memset(report.severity, VLY_ZONE_IGNORE, sizeof(report.severity));
	if (builder)
		made = vly_image_builder_add_overlay(builder, &source->store.source, &change,
						     &report, &info, &why);
	free(names);
	if (made == VLY_OVERLAY_DONE)
		return seal(builder);
	if (builder)
		vly_image_builder_free(builder);
	return NULL;
}

/* Merges the form with the changes; both become the zone's complete form of this version. */
static struct vly_live_image *
merge(struct vly_living *living, struct vly_live_image *form, struct vly_live_image *changes,
      const struct vly_form_entry *entry, const struct vly_store_zone *zone, uint32_t *node_cnt)
{
	const struct vly_living_layer layer[2] = {
		{.image = form, .node_cnt = entry->node_cnt, .version = entry->version},
		{.image = changes, .version = zone->version, .below = entry->version},
	};
	struct vly_layer_merge merging;
	struct vly_living_layer merged = {0};

	if (vly_layer_merge_begin(&merging, &living->key) != 0)
		return NULL;
	int result = vly_layer_merge_add(&merging, layer, 2, &merged);
	*node_cnt = merged.node_cnt;
	return vly_layer_merge_end(&merging, vly_live_image_next_id(), result != 0);
}

/* Brings the form up to the zone. NULL: it is of no use. Takes over the reference. */
static struct vly_live_image *
catch_up(struct vly_living *living, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	 struct vly_live_image *form, const struct vly_form_entry *entry, uint32_t *node_cnt)
{
	struct vly_journal_source source;
	struct vly_live_image *changes = NULL;
	struct vly_live_image *image = NULL;

	if (vly_journal_source_init(&source, txn, zone, entry->version, entry->serial) ==
	    VLY_STORE_OK)
		changes = compile_changes(living, &source, zone, entry);
	vly_journal_source_free(&source);
	if (changes)
		image = merge(living, form, changes, entry, zone, node_cnt);
	vly_live_image_put(changes);
	vly_live_image_put(form);
	return image;
}

/* Whether the form may be of this zone: of this import, and not of the future. */
static bool
fits(const struct vly_form_entry *entry, const struct vly_store_zone *zone)
{
	if (entry->version >> 32 != zone->id || entry->version > zone->version ||
	    entry->version < zone->journal_from)
		return entry->version == zone->version && entry->digest == zone->digest;
	return entry->version < zone->version || entry->digest == zone->digest;
}

struct vly_live_image *
vly_form_cache_load(struct vly_living *living, struct vly_store_txn *txn,
		    const struct vly_store_zone *zone, const char *name, struct vly_zone_info *info)
{
	char reason[VLY_REASON_BYTES] = "";
	struct vly_form_entry entry;
	struct vly_live_image *image = NULL;

	if (zone->name_cnt < VLY_FORM_CACHE_NODES_MIN || is_signed(txn, zone))
		return NULL;
	int found = find_entry(living, name, &entry, reason);
	if (found == 0 && fits(&entry, zone))
		image = read_image(living, &entry, reason);
	if (*reason)
		vly_log_warning("zone %s is compiled from the store: %s", name, reason);
	uint32_t node_cnt = entry.node_cnt;
	if (image && entry.version != zone->version)
		image = catch_up(living, txn, zone, image, &entry, &node_cnt);
	if (!image)
		return NULL;
	*info = (struct vly_zone_info){
		.serial = zone->serial,
		.record_cnt = zone->record_cnt,
		.node_cnt = node_cnt,
		.stamp = zone->origin,
		.version = zone->version,
		.digest = zone->digest,
	};
	vly_log_info("zone %s: its complete form of version %llu is from disk, %s", name,
		     (unsigned long long)(entry.version & UINT32_MAX),
		     entry.version == zone->version ? "and is the present one"
						    : "with what has changed since");
	return image;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "living_file.h"
#include "living_parts.h"
#include "store/store_names.h"
#include "zone/domain.h"

struct reread {
	uv_work_t work;
	struct vly_living *living;
	struct vly_living_source source;
	struct vly_living_request request;
	struct vly_zone_report report;
	struct vly_zone tree;
	struct vly_dnssec_facts facts;
	bool has_tree;
	/* What leads to the file from this version of the zone, found before the writer asks for it: in a
	 * large zone that takes seconds, and other zones' changes would wait. */
	bool has_change;
	bool is_origin;
	uint64_t version;
	enum vly_living_prepared prepared;
	struct vly_change change;
	void (*done)(void *arg, const char *error, const struct vly_file_stamp *stamp);
	void *arg;
};

static void
end(struct reread *reread, const char *error)
{
	reread->done(reread->arg, error, reread->has_tree ? &reread->tree.stamp[0] : NULL);
	if (reread->has_tree)
		vly_zone_free(&reread->tree);
	vly_change_free(&reread->change);
	free(reread);
}

static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	struct reread *reread = arg;
	enum vly_living_prepared prepared = reread->prepared;

	if (reread->has_change && reread->version == zone->version) {
		*change = reread->change;
		reread->change = (struct vly_change){0};
	} else {
		prepared = vly_living_prepare_file(&reread->tree, txn, zone, change,
						   &reread->is_origin, reason);
	}
	reread->has_change = false; /* it is the writer's now */
	reread->request.origin = reread->is_origin ? &reread->tree.stamp[0] : NULL;
	return prepared;
}

/* Compares the file with the store. What fails here, fails again in the writer, which says so. */
static void
find_change(struct reread *reread, struct vly_zone_store *store)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	char reason[VLY_REASON_BYTES];
	struct vly_store_zone zone;
	struct vly_store_txn *txn;
	struct vly_name apex;

	(void)vly_name_scan(&apex, wire, vly_domain_wire(reread->source.name, wire));
	if (vly_store_begin_read(store, &txn, reason, sizeof(reason)) != VLY_STORE_OK)
		return;
	if (vly_store_find_zone(txn, &apex, &zone) == VLY_STORE_OK) {
		reread->prepared = vly_living_prepare_file(
			&reread->tree, txn, &zone, &reread->change, &reread->is_origin, reason);
		vly_change_normalise(&reread->change);
		reread->has_change = reread->prepared != VLY_LIVING_REFUSE;
		reread->version = zone.version;
	}
	vly_store_abort(txn);
}

static void
on_done(void *arg, const struct vly_living_result *result)
{
	bool good = result->code == VLY_LIVING_DONE || result->code == VLY_LIVING_STORED;

	end(arg, good ? NULL : result->text);
}

static void
read_file(uv_work_t *work)
{
	struct reread *reread = work->data;
	char reason[VLY_REASON_BYTES];

	reread->has_tree =
		vly_living_read_file(&reread->tree, &reread->living->key, &reread->source, NULL,
				     &reread->report, &reread->facts) == 0;
	if (!reread->has_tree)
		return;
	struct vly_zone_store *store = vly_living_store_get(reread->living, reason, sizeof(reason));
	if (!store)
		return;
	find_change(reread, store);
	vly_living_store_put(reread->living);
}

static void
on_read(uv_work_t *work, int status)
{
	struct reread *reread = work->data;

	(void)status;
	if (!reread->has_tree) {
		char text[sizeof(reread->report.first.text) + 40];
		snprintf(text, sizeof(text), "line %llu: %s",
			 (unsigned long long)reread->report.first.line, reread->report.first.text);
		end(reread, reread->report.first.line ? text : reread->report.first.text);
		return;
	}
	reread->request = (struct vly_living_request){
		.zone = reread->source.name,
		.cause = VLY_STORE_BY_FILE,
		.who = "",
		.prepare = prepare,
		.done = on_done,
		.arg = reread,
		.origin = &reread->tree.stamp[0],
	};
	vly_living_submit(reread->living, &reread->request);
}

void
vly_living_reread(struct vly_living *living, const struct vly_living_source *source,
		  const uint8_t severity[VLY_ZONE_CHECK_CNT],
		  void (*done)(void *arg, const char *error, const struct vly_file_stamp *stamp),
		  void *arg)
{
	struct reread *reread = calloc(1, sizeof(*reread));

	if (!reread) {
		done(arg, "out of memory", NULL);
		return;
	}
	reread->living = living;
	reread->source = *source;
	reread->done = done;
	reread->arg = arg;
	vly_zone_report_defaults(&reread->report);
	memcpy(reread->report.severity, severity, sizeof(reread->report.severity));
	reread->work.data = reread;
	uv_queue_work(living->loop, &reread->work, read_file, on_read);
}

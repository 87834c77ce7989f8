/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer_fill.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "condense.h"
#include "packer.h"
#include "store/store_names.h"

/* A difference of so few records is sent even if the zone has no more: both fit into a message. */
#define SMALL_RECORDS 32

/* Where records go. */
struct sink {
	const struct vly_fill *fill;
	struct vly_packer *packer;
	char *reason;
	bool failed;
	uint64_t record_cnt;
};

static void
flush(struct sink *sink)
{
	struct vly_packer *packer = sink->packer;

	vly_packer_end(packer);
	if (vly_message_spool_append(sink->fill->spool, packer->message, packer->len,
				     sink->reason) != 0)
		sink->failed = true;
}

static void
put(struct sink *sink, const struct vly_packer_record *record)
{
	if (sink->failed)
		return;
	sink->record_cnt++;
	if (record->type == VLY_TYPE_ALIAS) /* its addresses go out */
		return;
	if (vly_packer_add(sink->packer, record))
		return;
	if (sink->packer->record_cnt > 0) {
		flush(sink);
		vly_packer_begin(sink->packer, NULL, 0, 0);
		if (sink->failed || vly_packer_add(sink->packer, record))
			return;
	}
	snprintf(sink->reason, VLY_REASON_BYTES,
		 "a record of type %u has %u octets, which do not fit into a message", record->type,
		 record->data_len);
	sink->failed = true;
}

static void
put_changed(struct sink *sink, const struct vly_change_record *record)
{
	put(sink, &(struct vly_packer_record){.owner = record->owner,
					      .owner_len = record->owner_len,
					      .type = record->type,
					      .ttl = record->ttl,
					      .data = record->data,
					      .data_len = record->data_len});
}

static bool
is_cancelled(struct sink *sink)
{
	if (!atomic_load_explicit(sink->fill->is_cancelled, memory_order_relaxed))
		return false;
	snprintf(sink->reason, VLY_REASON_BYTES, "nobody waits for it any more");
	sink->failed = true;
	return true;
}

/* AXFR. */

struct walk {
	struct sink *sink;
	const struct vly_store_zone *zone;
};

static bool
on_name(void *arg, const struct vly_name *name, const struct vly_store_records *records)
{
	const struct walk *walk = arg;
	struct sink *sink = walk->sink;
	struct vly_store_records left = *records;
	struct vly_store_record record;

	while (vly_store_next_record(&left, &record)) {
		if (record.type == VLY_TYPE_SOA && name->len == walk->zone->apex.len)
			continue;
		put(sink, &(struct vly_packer_record){.owner = name->lower,
						      .owner_len = name->len,
						      .type = record.type,
						      .ttl = record.ttl,
						      .data = record.data,
						      .data_len = record.data_len});
	}
	return !sink->failed && !is_cancelled(sink);
}

static enum vly_fill_result
fill_whole(struct sink *sink, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	   const struct vly_change_record *soa)
{
	struct walk walk = {sink, zone};

	put_changed(sink, soa);
	int result = vly_store_walk(txn, zone, &zone->apex, on_name, &walk);
	if (result < 0) {
		snprintf(sink->reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return VLY_FILL_FAILED;
	}
	if (!sink->failed && sink->record_cnt != zone->record_cnt) {
		snprintf(sink->reason, VLY_REASON_BYTES,
			 "the store has not all records of the zone");
		return VLY_FILL_FAILED;
	}
	put_changed(sink, soa);
	return VLY_FILL_DONE;
}

/* IXFR. */

struct survey {
	uint64_t record_cnt;
	uint64_t bytes;
	size_t entry_cnt;
};

static bool
on_survey(void *arg, const struct vly_store_entry *entry)
{
	struct survey *survey = arg;

	survey->record_cnt += (uint64_t)entry->head.removed_cnt + entry->head.added_cnt;
	survey->bytes += entry->bytes;
	survey->entry_cnt++;
	return true;
}

struct gathered {
	struct vly_change *change;
	size_t cnt;
	size_t size;
	bool failed;
};

static bool
on_gather(void *arg, const struct vly_store_entry *entry)
{
	struct gathered *all = arg;
	struct vly_change *change = &all->change[all->cnt];

	if (all->cnt == all->size) {
		all->failed = true;
		return false;
	}
	all->cnt++;
	all->failed = vly_change_decode(change, entry->octets, entry->bytes) != 0 ||
		      vly_change_list_soa(&change->removed) == NULL ||
		      vly_change_list_soa(&change->added) == NULL;
	return !all->failed;
}

static void
put_list(struct sink *sink, const struct vly_change_list *list)
{
	put_changed(sink, vly_change_list_soa(list));
	for (size_t i = 0; i < list->cnt; i++)
		if (list->record[i].type != VLY_TYPE_SOA)
			put_changed(sink, &list->record[i]);
}

/* Entries as they are, each decoded when it is its turn. */
static bool
on_sequence(void *arg, const struct vly_store_entry *entry)
{
	struct sink *sink = arg;
	struct vly_change change = {0};
	struct gathered one = {.change = &change, .size = 1};

	if (on_gather(&one, entry)) {
		put_list(sink, &change.removed);
		put_list(sink, &change.added);
	} else {
		snprintf(sink->reason, VLY_REASON_BYTES, "an entry of the journal can't be read");
		sink->failed = true;
	}
	vly_change_free(&change);
	return !sink->failed && !is_cancelled(sink);
}

/* A difference as one change. */
struct plan {
	struct gathered all;
	struct vly_condensed condensed;
	bool is_made; /* and it has fewer records than the sequences */
};

static void
make_plan(struct plan *plan, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	  uint64_t version, const struct survey *survey)
{
	struct gathered *all = &plan->all;

	if (survey->entry_cnt < 2 || survey->bytes > VLY_FILL_CONDENSE_MAX)
		return;
	all->change = calloc(survey->entry_cnt, sizeof(*all->change));
	if (all->change == NULL)
		return;
	all->size = survey->entry_cnt;
	if (vly_store_journal(txn, zone, version, on_gather, all) != VLY_STORE_OK || all->failed ||
	    vly_condense(all->change, all->cnt, &plan->condensed) != 0)
		return;
	plan->is_made = true;
}

static void
free_plan(struct plan *plan)
{
	for (size_t i = 0; i < plan->all.cnt; i++)
		vly_change_free(&plan->all.change[i]);
	free(plan->all.change);
	if (plan->is_made)
		free(plan->condensed.record);
}

static void
put_plan(struct sink *sink, const struct plan *plan)
{
	const struct vly_change *change = plan->all.change;
	const struct vly_condensed *condensed = &plan->condensed;

	put_changed(sink, vly_change_list_soa(&change[0].removed));
	for (size_t i = 0; i < condensed->removed_cnt; i++)
		put_changed(sink, condensed->record[i]);
	put_changed(sink, vly_change_list_soa(&change[plan->all.cnt - 1].added));
	for (size_t i = 0; i < condensed->added_cnt; i++)
		put_changed(sink, condensed->record[condensed->removed_cnt + i]);
}

/* Writes the difference between two SOA records, condensed if it is
 * not too long for that. */
static enum vly_fill_result
put_difference(struct sink *sink, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       uint64_t version, const struct survey *survey, const struct vly_change_record *soa)
{
	struct plan plan = {0};
	uint64_t cnt = survey->record_cnt;
	int result = VLY_STORE_OK;

	make_plan(&plan, txn, zone, version, survey);
	if (plan.is_made)
		cnt = plan.condensed.removed_cnt + plan.condensed.added_cnt + 2;
	if (cnt > SMALL_RECORDS && cnt >= zone->record_cnt) {
		free_plan(&plan);
		return VLY_FILL_NEEDS_WHOLE;
	}
	put_changed(sink, soa);
	if (plan.is_made)
		put_plan(sink, &plan);
	else
		result = vly_store_journal(txn, zone, version, on_sequence, sink);
	put_changed(sink, soa);
	free_plan(&plan);
	if (result >= VLY_STORE_OK)
		return VLY_FILL_DONE;
	snprintf(sink->reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
	return VLY_FILL_FAILED;
}

static enum vly_fill_result
fill_difference(struct sink *sink, struct vly_store_txn *txn, const struct vly_store_zone *zone,
		const struct vly_change_record *soa)
{
	struct survey survey = {0};
	uint64_t version;

	/* by the serial of this transaction: the store is ahead of what is live (RFC 1995 §2) */
	if ((int32_t)(sink->fill->from - zone->serial) >= 0) {
		put_changed(sink, soa);
		return VLY_FILL_CURRENT;
	}
	int result = vly_store_find_serial(txn, zone, sink->fill->from, &version);
	if (result == VLY_STORE_OK)
		result = vly_store_journal(txn, zone, version, on_survey, &survey);
	if (result == VLY_STORE_OK)
		return put_difference(sink, txn, zone, version, &survey, soa);
	if (result != VLY_STORE_NONE)
		vly_log_warning(
			"the journal of a zone can't be used, so that it is transferred as a "
			"whole: %s",
			vly_store_reason(txn));
	return VLY_FILL_NEEDS_WHOLE;
}

enum vly_fill_result
vly_fill_run(const struct vly_fill *fill, struct vly_store_txn *txn,
	     const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	static const uint16_t types[] = {
		[VLY_ANSWER_SOA] = VLY_TYPE_SOA,
		[VLY_ANSWER_WHOLE] = VLY_TYPE_AXFR,
		[VLY_ANSWER_DIFFERENCE] = VLY_TYPE_IXFR,
	};
	struct sink sink = {.fill = fill, .reason = reason};
	struct vly_change_record soa;
	enum vly_fill_result result = VLY_FILL_DONE;

	if (vly_store_soa(txn, zone, &soa) != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return VLY_FILL_FAILED;
	}
	sink.packer = calloc(1, sizeof(*sink.packer));
	if (sink.packer == NULL) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return VLY_FILL_FAILED;
	}
	vly_packer_begin(sink.packer, zone->apex.lower, zone->apex.len, types[fill->kind]);
	if (fill->kind == VLY_ANSWER_WHOLE)
		result = fill_whole(&sink, txn, zone, &soa);
	else if (fill->kind == VLY_ANSWER_DIFFERENCE)
		result = fill_difference(&sink, txn, zone, &soa);
	else
		put_changed(&sink, &soa);
	if ((result == VLY_FILL_DONE || result == VLY_FILL_CURRENT) && !sink.failed)
		flush(&sink);
	free(sink.packer);
	return sink.failed ? VLY_FILL_FAILED : result;
}

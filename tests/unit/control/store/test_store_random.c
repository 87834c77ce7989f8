/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The store against a naive list of records: random changes, some of which do not fit, in nested
 * transactions that are committed or not, with the store opened again in between. Then names,
 * successors, dependents, counts, the journal and the whole zone are compared.
 */
#include "record_list.h"

#define ROUNDS 2000

/* By owner, type and data: the order of the store. */
static int
by_order(const void *left_ref, const void *right_ref)
{
	const struct model_record *left = left_ref, *right = right_ref;
	int order = vly_name_order(name[left->owner].lower, name[right->owner].lower);

	if (order != 0)
		return order;
	if (left->type != right->type)
		return left->type < right->type ? -1 : 1;
	return vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len);
}

struct collected {
	struct model model; /* sorted; without the SOA */
	unsigned soa_cnt;
	struct vly_name last;
	bool has_last;
};

static bool
collect(void *arg, const struct vly_name *owner, const struct vly_store_records *records)
{
	struct collected *collected = arg;
	struct vly_store_records rest = *records;
	struct vly_store_record record;
	unsigned idx = 0;

	while (idx < NAMES && vly_name_order(name[idx].lower, owner->lower) != 0)
		idx++;
	cr_assert_lt(idx, NAMES);
	cr_expect(!collected->has_last || vly_name_order(collected->last.lower, owner->lower) < 0);
	collected->last = *owner;
	collected->has_last = true;
	while (vly_store_next_record(&rest, &record)) {
		struct model_record *to = &collected->model.record[collected->model.cnt];
		if (record.type == VLY_TYPE_SOA) {
			collected->soa_cnt++;
			continue;
		}
		cr_assert_lt(collected->model.cnt, RECORDS_MAX);
		collected->model.cnt++;
		*to = (struct model_record){.owner = idx,
					    .type = record.type,
					    .ttl = record.ttl,
					    .data_len = record.data_len};
		memcpy(to->data, record.data, record.data_len);
	}
	return true;
}

static void
expect_records(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       const struct model *model)
{
	static struct model sorted;
	static struct collected collected;

	sorted = *model;
	qsort(sorted.record, sorted.cnt, sizeof(sorted.record[0]), by_order);
	collected = (struct collected){0};
	cr_assert_eq(vly_store_walk(txn, zone, &zone->apex, collect, &collected), VLY_STORE_OK,
		     "%s", vly_store_reason(txn));
	cr_expect_eq(collected.soa_cnt, 1);
	cr_assert_eq(collected.model.cnt, sorted.cnt);
	cr_expect_eq(zone->record_cnt, sorted.cnt + 1);
	cr_expect_eq(zone->serial, model->serial);
	for (unsigned i = 0; i < sorted.cnt; i++) {
		const struct model_record *is = &collected.model.record[i];
		const struct model_record *should = &sorted.record[i];
		cr_assert(is->owner == should->owner && is->type == should->type &&
				  is->ttl == should->ttl && is->data_len == should->data_len &&
				  memcmp(is->data, should->data, is->data_len) == 0,
			  "record %u", i);
	}
}

static bool
owns(const struct model *model, unsigned idx)
{
	bool found = idx == 0; /* the SOA */

	for (unsigned i = 0; i < model->cnt; i++)
		found |= model->record[i].owner == idx;
	return found;
}

static bool
is_below(const struct vly_name *top, const struct vly_name *of)
{
	return of->label_cnt >= top->label_cnt &&
	       memcmp(of->lower + of->start[of->label_cnt - top->label_cnt], top->lower,
		      top->len) == 0 &&
	       vly_name_suffix_len(of, of->label_cnt - top->label_cnt) == top->len;
}

static bool
count_name(void *arg, const struct vly_name *owner, const struct vly_store_records *records)
{
	(void)owner;
	(void)records;
	++*(unsigned *)arg;
	return true;
}

static void
expect_subtree(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       const struct model *model, const struct vly_name *top)
{
	unsigned should = 0, is = 0;

	for (unsigned i = 0; i < NAMES; i++)
		should += owns(model, i) && is_below(top, &name[i]);
	cr_assert_eq(vly_store_walk(txn, zone, top, count_name, &is), VLY_STORE_OK);
	cr_expect_eq(is, should);
}

static void
expect_existence(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		 const struct model *model, const struct vly_name *of)
{
	const struct vly_name *behind = NULL, *behind_all = NULL;
	struct vly_name next;
	bool exists = false;

	for (unsigned i = 0; i < NAMES; i++) {
		if (!owns(model, i))
			continue;
		exists |= is_below(of, &name[i]);
		if (vly_name_order(name[i].lower, of->lower) <= 0)
			continue;
		if (behind == NULL || vly_name_order(name[i].lower, behind->lower) < 0)
			behind = &name[i];
		if (!is_below(of, &name[i]) &&
		    (behind_all == NULL || vly_name_order(name[i].lower, behind_all->lower) < 0))
			behind_all = &name[i];
	}
	cr_expect_eq(vly_store_exists(txn, zone, of), exists ? VLY_STORE_OK : VLY_STORE_NONE);
	int result = vly_store_next(txn, zone, of, false, &next);
	cr_expect_eq(result, behind != NULL ? VLY_STORE_OK : VLY_STORE_NONE);
	cr_expect(behind == NULL || vly_name_order(next.lower, behind->lower) == 0);
	result = vly_store_next(txn, zone, of, true, &next);
	cr_expect_eq(result, behind_all != NULL ? VLY_STORE_OK : VLY_STORE_NONE);
	cr_expect(behind_all == NULL || vly_name_order(next.lower, behind_all->lower) == 0);
}

static uint8_t seen[NAMES];

static bool
see_owner(void *arg, const struct vly_name *owner)
{
	unsigned o = 0;

	(void)arg;
	while (o < NAMES && vly_name_order(name[o].lower, owner->lower) != 0)
		o++;
	cr_assert_lt(o, NAMES);
	seen[o]++;
	return true;
}

/* The name of the zone that a record refers to; NAMES: none. */
static unsigned
target_of(const struct model_record *record, unsigned *kind)
{
	const uint8_t *data = vly_rdata_target(record->type, record->data, record->data_len);
	unsigned t = 0;

	*kind = record->type == VLY_TYPE_DNAME   ? VLY_STORE_DNAME
		: record->type == VLY_TYPE_CNAME ? VLY_STORE_CNAME
						 : VLY_STORE_HOST;
	if (data == NULL)
		return NAMES;
	while (t < NAMES && vly_rdata_compare(VLY_TYPE_NS, data,
					      (unsigned)(record->data + record->data_len - data),
					      name[t].lower, name[t].len) != 0)
		t++;
	return t;
}

static void
expect_dependents(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		  const struct model *model, unsigned of, unsigned kinds)
{
	static uint8_t should[NAMES];

	memset(should, 0, sizeof(should));
	memset(seen, 0, sizeof(seen));
	for (unsigned bit = VLY_STORE_DNAME; bit <= VLY_STORE_HOST; bit *= 2) {
		uint8_t of_kind[NAMES] = {0};
		for (unsigned i = 0; i < model->cnt; i++) {
			unsigned kind;
			if (target_of(&model->record[i], &kind) == of && kind == bit &&
			    (kinds & bit))
				of_kind[model->record[i].owner] = 1;
		}
		for (unsigned i = 0; i < NAMES; i++)
			should[i] = (uint8_t)(should[i] + of_kind[i]);
	}
	cr_assert_eq(vly_store_dependents(txn, zone, &name[of], kinds, see_owner, NULL),
		     VLY_STORE_OK, "%s", vly_store_reason(txn));
	cr_expect_arr_eq(should, seen, sizeof(should));
}

static void
expect_next_target(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		   const struct model *model, const struct vly_name *of, bool skip_below)
{
	const struct vly_name *first = NULL;
	struct vly_name next;

	for (unsigned i = 0; i < model->cnt; i++) {
		unsigned kind;
		unsigned t = target_of(&model->record[i], &kind);
		if (t < NAMES && vly_name_order(name[t].lower, of->lower) > 0 &&
		    !(skip_below && is_below(of, &name[t])) &&
		    (first == NULL || vly_name_order(name[t].lower, first->lower) < 0))
			first = &name[t];
	}
	cr_expect_eq(vly_store_next_target(txn, zone, of, skip_below, &next),
		     first != NULL ? VLY_STORE_OK : VLY_STORE_NONE);
	cr_expect(first == NULL || vly_name_order(next.lower, first->lower) == 0);
}

static void
expect_model(struct store_fixture *fixture, const struct model *model)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_store_zone zone;
	struct vly_name absent;

	store_fixture_find(txn, "example.", &zone);
	expect_records(txn, &zone, model);
	for (unsigned i = 0; i < 10; i++) {
		make_name(&absent, below(5));
		expect_existence(txn, &zone, model, &absent);
		expect_subtree(txn, &zone, model, &absent);
		expect_existence(txn, &zone, model, &name[below(NAMES)]);
		expect_dependents(txn, &zone, model, below(NAMES), below(8));
		expect_next_target(txn, &zone, model, &absent, below(2) == 0);
		expect_next_target(txn, &zone, model, &name[below(NAMES)], below(2) == 0);
	}
	vly_store_abort(txn);
}

/* Part of a batch. Returns whether the model has to stay as it was. */
static bool
change_once(struct vly_store_txn *outer, struct model *model)
{
	static struct model before;
	struct vly_change change = {0};
	struct vly_store_zone zone;
	struct vly_store_txn *txn;
	char reason[VLY_TROUBLE_BYTES];
	struct vly_change_record soa;

	before = *model;
	cr_assert_eq(vly_store_begin_nested(outer, &txn, reason, sizeof(reason)), VLY_STORE_OK);
	store_fixture_find(txn, "example.", &zone);
	make_change(model, &change);
	cr_assert_eq(vly_store_soa(txn, &zone, &soa), VLY_STORE_OK);
	cr_assert_eq(vly_change_set_soa(&change, &soa, zone.serial + 1), 0);
	bool is_bad = below(4) == 0 && spoil(&before, &change);
	int result = vly_store_apply(txn, &zone, &change, VLY_STORE_BY_KEY, "test");
	cr_assert_eq(result, is_bad ? VLY_STORE_REFUSED : VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	bool undo = is_bad || below(6) == 0;
	if (undo)
		vly_store_abort(txn);
	else
		store_fixture_commit(txn);
	if (undo)
		*model = before;
	vly_change_free(&change);
	return undo;
}

static bool
undo_entry(void *arg, const struct vly_store_entry *entry)
{
	struct vly_change *change = arg;

	cr_assert_eq(vly_change_decode(change, entry->octets, entry->bytes), 0);
	return false;
}

/* What a list has, but for the SOA. */
static void
copy_list(struct vly_change *to, bool is_added, const struct vly_change_list *list)
{
	for (size_t i = 0; i < list->cnt; i++) {
		const struct vly_change_record *record = &list->record[i];
		if (record->type != VLY_TYPE_SOA)
			cr_assert_eq((is_added ? vly_change_add : vly_change_remove)(
					     to, record->owner, record->owner_len, record->type,
					     record->ttl, record->data, record->data_len),
				     0);
	}
}

/* Undoes the change that made the version, under a new serial. */
static void
undo_version(struct vly_store_txn *txn, struct vly_store_zone *zone, uint64_t version)
{
	struct vly_change change = {0}, undo = {0};
	struct vly_change_record soa;

	cr_assert_eq(vly_store_journal(txn, zone, version - 1, undo_entry, &change),
		     VLY_STORE_STOPPED);
	vly_change_invert(&change);
	copy_list(&undo, false, &change.removed);
	copy_list(&undo, true, &change.added);
	cr_assert_eq(vly_store_soa(txn, zone, &soa), VLY_STORE_OK);
	cr_assert_eq(vly_change_set_soa(&undo, &soa, zone->serial + 1), 0);
	cr_assert_eq(vly_store_apply(txn, zone, &undo, VLY_STORE_BY_OPERATOR, ""), VLY_STORE_OK,
		     "%s", vly_store_reason(txn));
	vly_change_free(&undo);
	vly_change_free(&change);
}

/* Undoes the newest changes, and expects the model of then. */
static void
expect_journal(struct store_fixture *fixture, const struct model *then, unsigned changes)
{
	struct vly_store_txn *txn = store_fixture_write(fixture);
	struct vly_store_zone zone;
	struct model back = *then;

	store_fixture_find(txn, "example.", &zone);
	uint64_t version = zone.version;
	for (unsigned i = 0; i < changes; i++)
		undo_version(txn, &zone, version - i);
	back.serial = zone.serial;
	expect_records(txn, &zone, &back);
	vly_store_abort(txn);
}

/* The same zone, imported as a whole, must be no other. */
static void
import_again(struct store_fixture *fixture)
{
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_store_zone zone;
	struct vly_zone loaded;

	store_fixture_find(txn, "example.", &zone);
	cr_assert_eq(vly_store_load_zone(txn, &zone, &vly_test_key, &loaded), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	vly_store_abort(txn);
	cr_assert_eq(vly_zone_store_import(fixture->store, &loaded, &store_fixture_stamp, &zone,
					   fixture->reason, sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
	vly_zone_free(&loaded);
}

static void
run(uint64_t seed)
{
	static struct model model, committed, past;
	struct store_fixture fixture;
	struct vly_store_zone zone;
	unsigned since = 0;

	rng.state = seed;
	make_names();
	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "example.",
			     "@ 300 SOA ns.elsewhere. mail.elsewhere. 4294967000 2 3 4 60\n",
			     &zone);
	model = (struct model){.serial = 4294967000}; /* wraps around */
	past = committed = model;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct vly_store_txn *txn = store_fixture_write(&fixture);
		unsigned done = 0;
		for (unsigned i = 1 + below(3); i > 0; i--)
			done += !change_once(txn, &model);
		if (below(8) == 0) {
			vly_store_abort(txn);
			model = committed;
			done = 0;
		} else {
			store_fixture_commit(txn);
			committed = model;
		}
		since += done;
		if (below(16) == 0)
			expect_model(&fixture, &model);
		if (below(64) == 0)
			store_fixture_reopen(&fixture);
		if (below(32) == 0) {
			expect_journal(&fixture, &past, since);
			past = committed;
			since = 0;
		}
	}
	expect_model(&fixture, &model);
	import_again(&fixture);
	for (unsigned i = 0; i < 10; i++)
		expect_model(&fixture, &model);
	store_fixture_end(&fixture);
}

Test(store_random, agrees_with_a_list_of_records)
{
	run(1);
}

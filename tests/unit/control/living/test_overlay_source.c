/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the compiler of overlays reads from the store is what it reads from a list of all records.
 * The changes are the differences of two random versions. */
#include "living/overlay_source.h"
#include "store_fixture.h"
#include "zone/rdata.h"
#include "zone_model.h"

#define CHANGES   150
#define QUESTIONS 40
#define SEEN_MAX  200

/* What a callback has given, in an order of its own. */
struct seen {
	unsigned cnt;
	struct {
		uint16_t type;
		unsigned bytes;
		uint8_t octet[VLY_NAME_BYTES_MAX];
	} item[SEEN_MAX];
};

static int
by_content(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(((struct seen *)0)->item[0]));
}

static void
see(struct seen *seen, uint16_t type, const uint8_t *octet, unsigned bytes)
{
	cr_assert(seen->cnt < SEEN_MAX && bytes <= VLY_NAME_BYTES_MAX);
	seen->item[seen->cnt].type = type;
	seen->item[seen->cnt].bytes = bytes;
	memcpy(seen->item[seen->cnt++].octet, octet, bytes);
}

static int
see_rr(void *to, const struct vly_overlay_rr *rr)
{
	see(to, rr->type, rr->data, rr->data_len);
	return 0;
}

static int
see_owner(void *to, const uint8_t *owner, unsigned len)
{
	see(to, 0, owner, len);
	return 0;
}

/* Sorted, each once. */
static void
settle(struct seen *seen)
{
	unsigned cnt = 0;

	qsort(seen->item, seen->cnt, sizeof(seen->item[0]), by_content);
	for (unsigned i = 0; i < seen->cnt; i++)
		if (cnt == 0 || by_content(&seen->item[cnt - 1], &seen->item[i]) != 0)
			seen->item[cnt++] = seen->item[i];
	seen->cnt = cnt;
}

static void
expect_same(struct seen seen[2])
{
	settle(&seen[0]);
	settle(&seen[1]);
	cr_assert_eq(seen[0].cnt, seen[1].cnt);
	cr_expect_arr_eq(seen[0].item, seen[1].item, seen[0].cnt * sizeof(seen[0].item[0]));
}

static void
expect_same_answers(const struct vly_overlay_source source[2], const uint8_t *name, unsigned len,
		    struct vly_test_random *rng)
{
	static struct seen seen[2];
	uint8_t found[2][VLY_NAME_BYTES_MAX];
	unsigned kinds = vly_test_random_below(rng, 8);
	bool beyond = vly_test_random_chance(rng, 50);
	int result[2];

	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(source[i].get(source[i].arg, name, len, see_rr, &seen[i]), 0);
	expect_same(seen);
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(source[i].get_before(source[i].arg, name, len, see_rr, &seen[i]), 0);
	expect_same(seen);
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(
			source[i].dependents(source[i].arg, name, len, kinds, see_owner, &seen[i]),
			0);
	expect_same(seen);
	for (unsigned i = 0; i < 2; i++)
		result[i] = source[i].next(source[i].arg, name, len, beyond, found[i]);
	cr_assert_eq(result[0], result[1]);
	cr_expect_arr_eq(found[0], found[1], (unsigned)result[0]);
	for (unsigned i = 0; i < 2; i++)
		result[i] = source[i].next_target(source[i].arg, name, len, beyond, found[i]);
	cr_assert_eq(result[0], result[1]);
	cr_expect_arr_eq(found[0], found[1], (unsigned)result[0]);
}

static void
make_zone(struct vly_zone *zone, const struct vly_model *model)
{
	struct vly_name name;

	store_fixture_name(&name, model->apex);
	cr_assert_eq(vly_zone_init(zone, &vly_test_key, &name), 0);
	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_model_record *record = &model->record[i];
		cr_assert(vly_rdata_scan_name(&name, record->owner, VLY_MODEL_NAME_BYTES));
		vly_name_hash(&name, &vly_test_key);
		uint32_t node_idx = vly_zone_add_name(zone, &name);
		cr_assert_neq(node_idx, VLY_ZONE_NONE);
		cr_assert_eq(vly_zone_add_record(zone, node_idx, record->type, record->ttl,
						 record->data, record->data_len),
			     0);
	}
}

static void
import(struct store_fixture *fixture, const struct vly_model *model, struct vly_store_zone *state)
{
	struct vly_zone zone;

	make_zone(&zone, model);
	cr_assert_eq(vly_zone_store_import(fixture->store, &zone, &store_fixture_stamp, state,
					   fixture->reason, sizeof(fixture->reason)),
		     VLY_STORE_OK, "%s", fixture->reason);
	vly_zone_free(&zone);
}

/* Makes the store's zone that of the model. */
static void
apply_difference(struct vly_store_txn *txn, const struct vly_model *model,
		 struct vly_store_zone *state)
{
	enum vly_zone_difference how;
	struct vly_change change = {0};
	struct vly_zone zone;

	make_zone(&zone, model);
	cr_assert_eq(vly_zone_difference(txn, state, &zone, &change, &how), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	cr_assert_eq(how, VLY_DIFFERENCE_NEWER);
	cr_assert_eq(vly_store_apply(txn, state, &change, VLY_STORE_BY_FILE, ""), VLY_STORE_OK,
		     "%s", vly_store_reason(txn));
	vly_change_free(&change);
	vly_zone_free(&zone);
}

Test(overlay_source, reads_what_a_list_of_records_has)
{
	struct vly_test_random rng = {1};
	struct store_fixture fixture;
	struct vly_store_zone state;
	static struct vly_model before, after;
	uint8_t name[VLY_MODEL_NAME_BYTES];

	store_fixture_begin(&fixture);
	vly_model_begin(&after, "z.", &rng);
	import(&fixture, &after, &state);
	for (unsigned i = 0; i < CHANGES; i++) {
		struct vly_model_pair pair = {&after, &before, false};
		struct vly_store_source source;
		before = after;
		vly_model_change(&after, &rng);
		struct vly_store_txn *reader = store_fixture_read(&fixture);
		struct vly_store_txn *writer = store_fixture_write(&fixture);
		apply_difference(writer, &after, &state);
		cr_assert_eq(vly_overlay_source_init(&source, writer, reader, &state),
			     VLY_STORE_OK);
		const struct vly_overlay_source both[2] = {source.source, vly_model_source(&pair)};
		for (unsigned q = 0; q < QUESTIONS; q++) {
			unsigned len = vly_model_random_name(
				&after, &rng, vly_test_random_below(&rng, VLY_MODEL_DEPTH + 2),
				name);
			expect_same_answers(both, name, len, &rng);
		}
		cr_expect_null(vly_overlay_source_reason(&source));
		vly_store_abort(reader);
		store_fixture_commit(writer);
	}
	store_fixture_end(&fixture);
}

/* `before` has to have the zone, from the same import. */
Test(overlay_source, needs_a_version_before)
{
	struct vly_test_random rng = {1};
	struct store_fixture fixture;
	struct vly_store_zone state;
	struct vly_store_source source;
	static struct vly_model model;

	store_fixture_begin(&fixture);
	vly_model_begin(&model, "z.", &rng);
	struct vly_store_txn *empty = store_fixture_read(&fixture);
	import(&fixture, &model, &state);
	struct vly_store_txn *first = store_fixture_read(&fixture);
	import(&fixture, &model, &state);
	struct vly_store_txn *second = store_fixture_read(&fixture);
	cr_expect_eq(vly_overlay_source_init(&source, second, empty, &state), VLY_STORE_NONE);
	cr_expect_eq(vly_overlay_source_init(&source, second, first, &state), VLY_STORE_NONE);
	cr_expect_eq(vly_overlay_source_init(&source, second, second, &state), VLY_STORE_OK);
	vly_store_abort(empty);
	vly_store_abort(first);
	vly_store_abort(second);
	store_fixture_end(&fixture);
}

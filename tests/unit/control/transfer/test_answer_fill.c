/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers from a store, with random changes: what a secondary makes of them is the zone. */
#include "../store/record_list.h"
#include "transfer/answer_fill.h"
#include "transfer/condense.h"
#include "unpack.h"

#define STEPS 40

static struct vly_message_spool_usage usage;
static _Atomic bool never;

static void
on_progress(void *arg)
{
	(void)arg;
}

static enum vly_fill_result
run(struct vly_store_txn *txn, const struct vly_store_zone *zone, enum vly_answer_kind kind,
    uint32_t from, struct unpacked *all)
{
	static uint8_t octets[16 << 20];
	char reason[VLY_REASON_BYTES] = "";
	struct vly_message_spool *spool = vly_message_spool_new(
		&(struct vly_message_spool_settings){.dir = "/dev/null/x",
						     .usage = &usage,
						     .memory_max = sizeof(octets),
						     .on_progress = on_progress,
						     .arg = octets});
	const struct vly_fill fill = {
		.kind = kind, .from = from, .spool = spool, .is_cancelled = &never};

	cr_assert_not_null(spool);
	enum vly_fill_result result = vly_fill_run(&fill, txn, zone, reason);
	cr_expect_neq(result, VLY_FILL_FAILED, "%s", reason);
	ssize_t cnt = vly_message_spool_read(spool, 0, octets, sizeof(octets), true);
	*all = (struct unpacked){0};
	for (ssize_t at = 0; at < cnt; at += 2 + vly_be16(octets + at))
		unpack(all, octets + at + 2, vly_be16(octets + at));
	vly_message_spool_free(spool);
	return result;
}

/* The zone of a secondary: a list of records without the SOA. */
struct copy {
	size_t cnt;
	struct unpacked_record *record;
};

static bool
is_same(const struct unpacked_record *left, const struct unpacked_record *right)
{
	return left->type == right->type && left->ttl == right->ttl &&
	       left->owner.len == right->owner.len &&
	       memcmp(left->owner.wire, right->owner.wire, left->owner.len) == 0 &&
	       vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len) == 0;
}

static size_t
locate(const struct copy *copy, const struct unpacked_record *record)
{
	size_t at = 0;

	while (at < copy->cnt && !is_same(&copy->record[at], record))
		at++;
	return at;
}

static void
copy_add(struct copy *copy, const struct unpacked_record *record)
{
	cr_assert_eq(locate(copy, record), copy->cnt, "it is there already");
	copy->record = reallocarray(copy->record, copy->cnt + 1, sizeof(*record));
	cr_assert_not_null(copy->record);
	copy->record[copy->cnt] = *record;
	copy->record[copy->cnt].data =
		memcpy(malloc(record->data_len + 1), record->data, record->data_len);
	copy->cnt++;
}

static void
copy_remove(struct copy *copy, const struct unpacked_record *record)
{
	size_t at = locate(copy, record);

	cr_assert_lt(at, copy->cnt, "it is not there");
	free(copy->record[at].data);
	copy->record[at] = copy->record[--copy->cnt];
}

static void
copy_free(struct copy *copy)
{
	for (size_t i = 0; i < copy->cnt; i++)
		free(copy->record[i].data);
	free(copy->record);
}

static uint32_t
serial_of(const struct unpacked_record *soa)
{
	cr_assert_eq(soa->type, VLY_TYPE_SOA);
	return vly_be32(soa->data + soa->data_len - 20);
}

static void
take_whole(struct copy *copy, const struct unpacked *all, uint32_t serial)
{
	(void)spoil; /* is for others who include record_list.h */
	cr_assert_geq(all->cnt, 2);
	cr_expect_eq(serial_of(&all->record[0]), serial);
	cr_expect_eq(serial_of(&all->record[all->cnt - 1]), serial);
	for (size_t i = 1; i + 1 < all->cnt; i++) {
		cr_assert_neq(all->record[i].type, VLY_TYPE_SOA);
		copy_add(copy, &all->record[i]);
	}
}

/* RFC 1995 §4. Returns the number of sequences. */
static unsigned
take_difference(struct copy *copy, const struct unpacked *all, uint32_t from, uint32_t to)
{
	bool is_removal = false;
	unsigned cnt = 0;
	uint32_t serial = from;

	cr_assert_geq(all->cnt, 4);
	cr_expect_eq(serial_of(&all->record[0]), to);
	cr_expect_eq(serial_of(&all->record[all->cnt - 1]), to);
	for (size_t i = 1; i + 1 < all->cnt; i++) {
		const struct unpacked_record *record = &all->record[i];
		if (record->type == VLY_TYPE_SOA) {
			is_removal = !is_removal;
			if (is_removal)
				cr_assert_eq(serial_of(record), serial);
			serial = serial_of(record);
			cnt += is_removal;
		} else if (is_removal) {
			copy_remove(copy, record);
		} else {
			copy_add(copy, record);
		}
	}
	cr_expect_not(is_removal);
	cr_expect_eq(serial, to);
	return cnt;
}

static void
compare(const struct copy *left, const struct copy *right)
{
	cr_assert_eq(left->cnt, right->cnt);
	for (size_t i = 0; i < left->cnt; i++)
		cr_assert_lt(locate(right, &left->record[i]), right->cnt);
}

#define APEX_TEXT "@ 300 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"

/* Whoever has had any version gets to the present one. */
static void
change_and_compare(uint64_t seed)
{
	static struct model model;
	static struct copy copies[STEPS + 1];
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct unpacked all;
	struct vly_store_txn *txn;

	rng.state = seed;
	model.cnt = 0;
	memset(copies, 0, sizeof(copies));
	make_names();
	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "example.", APEX_TEXT, &zone);
	for (unsigned step = 0; step <= STEPS; step++) {
		struct vly_change change = {0};
		if (step > 0) {
			txn = store_fixture_write(&fixture);
			store_fixture_find(txn, "example.", &zone);
			make_change(&model, &change);
			cr_assert_eq(store_fixture_apply(txn, &zone, &change), VLY_STORE_OK, "%s",
				     vly_store_reason(txn));
			store_fixture_commit(txn);
			vly_change_free(&change);
		}
		txn = store_fixture_read(&fixture);
		store_fixture_find(txn, "example.", &zone);
		cr_assert_eq(run(txn, &zone, VLY_ANSWER_WHOLE, 0, &all), VLY_FILL_DONE);
		cr_expect_eq(all.question_type, VLY_TYPE_AXFR);
		cr_expect_eq(all.cnt, zone.record_cnt + 1);
		take_whole(&copies[step], &all, 7 + step);
		unpacked_free(&all);
		vly_store_abort(txn);
	}
	txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "example.", &zone);
	for (unsigned step = 0; step < STEPS; step++) {
		enum vly_fill_result result =
			run(txn, &zone, VLY_ANSWER_DIFFERENCE, 7 + step, &all);
		if (result == VLY_FILL_DONE) {
			cr_expect_eq(take_difference(&copies[step], &all, 7 + step, 7 + STEPS), 1,
				     "condensed");
			compare(&copies[step], &copies[STEPS]);
		} else {
			cr_expect_eq(result, VLY_FILL_NEEDS_WHOLE);
			cr_expect_lt(step, STEPS - 5u, "the last steps are few records");
			cr_expect_eq(all.cnt, 0);
		}
		unpacked_free(&all);
		copy_free(&copies[step]);
	}
	copy_free(&copies[STEPS]);
	/* current, newer than the store, unknown, and the SOA alone */
	for (unsigned ahead = 0; ahead < 2; ahead++) {
		cr_expect_eq(run(txn, &zone, VLY_ANSWER_DIFFERENCE, 7 + STEPS + ahead, &all),
			     VLY_FILL_CURRENT);
		cr_expect_eq(all.cnt, 1);
		cr_expect_eq(all.question_type, VLY_TYPE_IXFR);
		cr_expect_eq(serial_of(&all.record[0]), 7 + STEPS);
		unpacked_free(&all);
	}
	cr_expect_eq(run(txn, &zone, VLY_ANSWER_DIFFERENCE, 6, &all), VLY_FILL_NEEDS_WHOLE);
	cr_expect_eq(all.message_cnt, 0);
	cr_expect_eq(run(txn, &zone, VLY_ANSWER_SOA, 0, &all), VLY_FILL_DONE);
	cr_expect_eq(all.cnt, 1);
	cr_expect_eq(all.question_type, VLY_TYPE_SOA);
	unpacked_free(&all);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

Test(answer_fill, random_changes)
{
	for (uint64_t seed = 1; seed <= 5; seed++)
		change_and_compare(seed);
}

static void
put_text(struct vly_change *change, bool is_added, unsigned idx, unsigned data_len)
{
	static uint8_t data[60000];
	char owner[32];

	snprintf(owner, sizeof(owner), "n%u.example.", idx);
	for (unsigned at = 0; at < data_len; at += 256)
		data[at] = (uint8_t)(data_len - at > 256 ? 255 : data_len - at - 1);
	store_fixture_put(change, is_added, owner, VLY_TYPE_TXT, 60, data, data_len);
}

static void
apply(struct store_fixture *fixture, struct vly_change *change)
{
	struct vly_store_zone zone;
	struct vly_store_txn *txn = store_fixture_write(fixture);

	store_fixture_find(txn, "example.", &zone);
	cr_assert_eq(store_fixture_apply(txn, &zone, change), VLY_STORE_OK, "%s",
		     vly_store_reason(txn));
	store_fixture_commit(txn);
	vly_change_free(change);
}

/* A journal that is too long to be condensed is sent step by step. */
Test(answer_fill, long_journals_are_sent_as_they_are)
{
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct unpacked all;
	struct copy copy = {0}, now = {0};

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "example.", APEX_TEXT, &zone);
	/* more records than the changes have, so that a difference is worth it */
	struct vly_change change = {0};
	for (unsigned i = 1000; i < 1400; i++)
		put_text(&change, true, i, 20);
	apply(&fixture, &change);
	struct vly_store_txn *txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "example.", &zone);
	cr_assert_eq(run(txn, &zone, VLY_ANSWER_WHOLE, 0, &all), VLY_FILL_DONE);
	take_whole(&copy, &all, 8);
	unpacked_free(&all);
	vly_store_abort(txn);
	for (unsigned i = 0; i < 50; i++) {
		put_text(&change, true, i, 50000 + i);
		if (i > 0)
			put_text(&change, false, i - 1, 50000 + i - 1);
		apply(&fixture, &change);
	}
	txn = store_fixture_read(&fixture);
	store_fixture_find(txn, "example.", &zone);
	cr_assert_eq(run(txn, &zone, VLY_ANSWER_WHOLE, 0, &all), VLY_FILL_DONE);
	cr_expect_gt(all.longest, 50000);
	take_whole(&now, &all, 58);
	unpacked_free(&all);
	cr_assert_eq(run(txn, &zone, VLY_ANSWER_DIFFERENCE, 8, &all), VLY_FILL_DONE);
	cr_expect_eq(take_difference(&copy, &all, 8, 58), 50);
	compare(&copy, &now);
	unpacked_free(&all);
	copy_free(&copy);
	copy_free(&now);
	vly_store_abort(txn);
	store_fixture_end(&fixture);
}

static int
run_failing(struct store_fixture *fixture, _Atomic bool *is_cancelled, uint64_t memory_max,
	    char reason[VLY_REASON_BYTES])
{
	struct vly_store_zone zone;
	struct vly_store_txn *txn = store_fixture_read(fixture);
	struct vly_message_spool *spool = vly_message_spool_new(
		&(struct vly_message_spool_settings){.dir = "/dev/null/x",
						     .usage = &usage,
						     .memory_max = memory_max,
						     .on_progress = on_progress,
						     .arg = reason});
	const struct vly_fill fill = {
		.kind = VLY_ANSWER_WHOLE, .spool = spool, .is_cancelled = is_cancelled};

	store_fixture_find(txn, "example.", &zone);
	int result = vly_fill_run(&fill, txn, &zone, reason);
	vly_store_abort(txn);
	vly_message_spool_free(spool);
	return result;
}

Test(answer_fill, failures)
{
	static uint8_t data[65300];
	struct store_fixture fixture;
	struct vly_store_zone zone;
	struct vly_change change = {0};
	char reason[VLY_REASON_BYTES];
	_Atomic bool yes = true;

	store_fixture_begin(&fixture);
	store_fixture_import(&fixture, "example.", APEX_TEXT, &zone);
	cr_expect_eq(run_failing(&fixture, &yes, 100000, reason), VLY_FILL_FAILED);
	cr_expect_str_eq(reason, "nobody waits for it any more");
	cr_expect_eq(run_failing(&fixture, &never, 0, reason), VLY_FILL_FAILED);
	cr_expect_str_eq(reason, "/dev/null/x: Not a directory");
	/* a record that no message has room for */
	store_fixture_put(&change, true, "a.example.", 65280, 60, data, sizeof(data));
	apply(&fixture, &change);
	cr_expect_eq(run_failing(&fixture, &never, 1000000, reason), VLY_FILL_FAILED);
	cr_expect_str_eq(reason, "a record of type 65280 has 65300 octets, which do not fit into a "
				 "message");
	store_fixture_end(&fixture);
}

/* By hand: what comes and goes by turns. */
Test(condense, turns)
{
	static const struct {
		const char *steps; /* a: added, r: removed, in each of the changes; -: neither */
		char should;       /* + added, - removed, 0 neither */
	} rows[] = {{"a--", '+'}, {"ar-", '0'}, {"ara", '+'}, {"r--", '-'},
		    {"ra-", '0'}, {"rar", '-'}, {"-a-", '+'}, {"--r", '-'}};
	const unsigned cnt = sizeof(rows) / sizeof(rows[0]);
	struct vly_change change[3] = {0};
	struct vly_condensed condensed;

	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < cnt; j++)
			if (rows[j].steps[i] != '-')
				put_text(&change[i], rows[j].steps[i] == 'a', j, 20);
	cr_assert_eq(vly_condense(change, 3, &condensed), 0);
	cr_expect_eq(condensed.removed_cnt, 3);
	cr_expect_eq(condensed.added_cnt, 3);
	for (size_t i = 0; i < condensed.removed_cnt + condensed.added_cnt; i++) {
		const unsigned idx = condensed.record[i]->owner[2] - '0';
		cr_expect_eq(rows[idx].should, i < condensed.removed_cnt ? '-' : '+');
	}
	free(condensed.record);
	for (unsigned i = 0; i < 3; i++)
		vly_change_free(&change[i]);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A signed zone that is large enough to be compiled beside the writer. memfd_create() of our own objects comes here
 * first (ld's --wrap). */
#include <limits.h>
#include <stdatomic.h>

#include "living_fixture.h"

#include "living/living_file.h"
#include "living/living_whole.h"
#include "store/store_names.h"
#include "zone/rr_type.h"

#define RRSIG_DATA "RRSIG %s 13 1 60 20900101000000 20200101000000 1 a. AAAA\n"

static _Atomic int images_left = INT_MAX; /* then none can be made */

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);

int
__wrap_memfd_create(const char *name, unsigned flags)
{
	if (images_left-- > 0)
		return __real_memfd_create(name, flags);
	errno = EMFILE;
	return -1;
}

static void
write_signed(FILE *out)
{
	write_zone(out);
	fprintf(out, "@ " RRSIG_DATA, "SOA");
	for (unsigned i = 0; i < 6000; i++)
		fprintf(out, "s%u A 192.0.2.1\ns%u " RRSIG_DATA, i, i, "A");
}

static void
set_up(void)
{
	set_up_empty();
	adopt(write_signed);
}

TestSuite(living_form, .init = set_up, .fini = tear_down);

/* A change as a transfer brings it: with its own serial. */
struct transfer {
	struct vly_living_request request;
	uint8_t number; /* of the name that is added */
	bool unsigns;   /* removes the signature of the SOA */
	bool is_refused;
	struct vly_living_result result;
	char text[VLY_REASON_BYTES];
	unsigned answers;
};

static int
remove_signature(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		 struct vly_change *change)
{
	struct vly_store_records records;
	struct vly_store_record record;
	int result = vly_store_get(txn, zone, &zone->apex, &records);

	while (result == VLY_STORE_OK && vly_store_next_record(&records, &record))
		if (record.type == VLY_TYPE_RRSIG)
			result = vly_change_remove(change, zone->apex.lower, zone->apex.len,
						   record.type, record.ttl, record.data,
						   record.data_len);
	return result;
}

static enum vly_living_prepared
prepare_transfer(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
		 struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	static const uint8_t address[] = {192, 0, 2, 7};
	struct transfer *transfer = arg;
	const uint8_t name[] = {2, 't', transfer->number, 1, 'a', 0};
	struct vly_change_record soa;

	(void)reason;
	cr_assert_eq(vly_store_soa(txn, zone, &soa), VLY_STORE_OK);
	cr_assert_eq(vly_change_set_soa(change, &soa, zone->serial + 1), 0);
	cr_assert_eq(vly_change_add(change, name, sizeof(name), VLY_TYPE_A, 60, address,
				    sizeof(address)),
		     0);
	if (transfer->unsigns)
		cr_assert_eq(remove_signature(txn, zone, change), 0);
	return VLY_LIVING_CHANGE;
}

static void
on_transferred(void *arg, const struct vly_living_result *result)
{
	struct transfer *transfer = arg;

	transfer->answers++;
	transfer->result = *result;
	snprintf(transfer->text, sizeof(transfer->text), "%s", result->text);
}

static bool
refuse(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
       const struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	(void)arg;
	(void)txn;
	cr_expect_eq(zone->serial, 2, "the change was made");
	cr_expect_eq(change->to, 2);
	snprintf(reason, VLY_REASON_BYTES, "it is bogus");
	return false;
}

static void
begin(struct transfer *transfer, uint8_t number)
{
	*transfer = (struct transfer){
		.number = number, .unsigns = transfer->unsigns, .is_refused = transfer->is_refused};
	transfer->request = (struct vly_living_request){
		.zone = "a.",
		.cause = VLY_STORE_BY_TRANSFER,
		.who = "",
		.prepare = prepare_transfer,
		.check = transfer->is_refused ? refuse : NULL,
		.done = on_transferred,
		.arg = transfer,
	};
	vly_living_submit(living, &transfer->request);
}

static void
wait_for_transfer(const struct transfer *transfer, enum vly_publish_outcome outcome)
{
	while (transfer->answers == 0) {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(outcome);
	}
	cr_assert_eq(transfer->answers, 1);
}

static struct vly_living_state
state(void)
{
	struct vly_living_state found;

	cr_assert(vly_living_find(living, "a.", &found));
	return found;
}

Test(living_form, is_answered_when_the_form_is_live)
{
	struct transfer transfer = {0};

	begin(&transfer, 'a');
	while (!publisher.done)
		uv_run(&loop, UV_RUN_ONCE);
	cr_assert_eq(transfer.answers, 0, "answered before it was live");
	cr_expect_eq(state().serial, 1);
	answer_publication(VLY_PUBLISH_DONE);
	cr_assert_eq(transfer.answers, 1);
	cr_expect_eq(transfer.result.code, VLY_LIVING_DONE);
	cr_expect_eq(transfer.result.serial, 2);
	cr_expect_eq(state().serial, 2);
	cr_expect_eq(state().change_cnt, 1);
	cr_expect_eq(state().layer_cnt, 1);
}

Test(living_form, changes_that_wait_are_taken_together)
{
	enum { CNT = 100 };
	static struct transfer transfer[CNT];

	for (uint8_t i = 0; i < CNT; i++)
		begin(&transfer[i], 100 + i);
	for (uint32_t i = 0; i < CNT; i++) {
		wait_for_transfer(&transfer[i], VLY_PUBLISH_DONE);
		cr_expect_eq(transfer[i].result.code, VLY_LIVING_DONE);
		cr_expect_eq(transfer[i].result.serial, 2 + i, "in order");
	}
	cr_expect_lt(publisher.cnt, 10, "a form for each change");
	cr_expect_eq(state().serial, CNT + 1);
	cr_expect_eq(state().change_cnt, CNT);
}

Test(living_form, what_the_dataplane_refuses_is_live_with_the_next_change)
{
	struct transfer transfer = {0};

	begin(&transfer, 'a');
	wait_for_transfer(&transfer, VLY_PUBLISH_DENIED);
	cr_expect_eq(transfer.result.code, VLY_LIVING_FAILED);
	cr_expect(strstr(transfer.text, "on disk"), "%s", transfer.text);
	cr_expect_eq(state().serial, 1);
	begin(&transfer, 'b');
	wait_for_transfer(&transfer, VLY_PUBLISH_DONE);
	cr_expect_eq(transfer.result.code, VLY_LIVING_DONE);
	cr_expect_eq(state().serial, 3);
}

/* The change is on disk: it is answered when there is an image, without another change. */
Test(living_form, one_that_fails_is_made_again, .timeout = 60)
{
	struct transfer transfer = {0};

	images_left = 1; /* the writer begins one, and finds that the form is to be made aside */
	begin(&transfer, 'a');
	wait_for_transfer(&transfer, VLY_PUBLISH_DONE);
	cr_expect_eq(transfer.result.code, VLY_LIVING_FAILED);
	cr_expect(strstr(transfer.text, "on disk"), "%s", transfer.text);
	cr_expect_eq(state().serial, 1, "it is not live");
	cr_expect(strstr(vly_living_behind(living), "zone a. is not answered as it is on disk"),
		  "%s", vly_living_behind(living));
	images_left = INT_MAX;
	while (state().serial == 1) {
		cr_assert(uv_run(&loop, UV_RUN_ONCE));
		if (publisher.done)
			answer_publication(VLY_PUBLISH_DONE);
	}
	cr_expect_eq(state().serial, 2);
	cr_expect_str_eq(vly_living_behind(living), "");
}

Test(living_form, a_check_refuses_a_change_that_was_made)
{
	struct transfer transfer = {.is_refused = true};

	begin(&transfer, 'a');
	wait_for_transfer(&transfer, VLY_PUBLISH_DONE);
	cr_expect_eq(transfer.result.code, VLY_LIVING_REFUSED);
	cr_expect_str_eq(transfer.text, "it is bogus");
	transfer.is_refused = false;
	begin(&transfer, 'a');
	wait_for_transfer(&transfer, VLY_PUBLISH_DONE);
	cr_expect_eq(transfer.result.code, VLY_LIVING_DONE);
	cr_expect_eq(transfer.result.serial, 2, "nothing was left");
}

Test(living_form, is_stored_without_a_dataplane)
{
	struct transfer transfer = {0};

	begin(&transfer, 'a');
	wait_for_transfer(&transfer, VLY_PUBLISH_ABSENT);
	cr_expect_eq(transfer.result.code, VLY_LIVING_STORED);
	cr_expect_eq(transfer.result.serial, 2);
}

Test(living_form, a_removed_zone_answers_those_that_wait)
{
	static struct transfer transfer[2];

	begin(&transfer[0], 'a');
	begin(&transfer[1], 'b');
	vly_living_remove(living, "a.");
	wait_for_transfer(&transfer[0], VLY_PUBLISH_DONE);
	wait_for_transfer(&transfer[1], VLY_PUBLISH_DONE);
	cr_expect_eq(transfer[0].result.code, VLY_LIVING_FAILED);
	cr_expect_eq(transfer[1].result.code, VLY_LIVING_FAILED);
}

/* The form that was begun before is older than the one of the writer. */
Test(living_form, a_zone_that_becomes_unsigned_meanwhile)
{
	struct transfer before = {0};
	struct transfer after = {.unsigns = true};
	struct transfer last = {0};

	begin(&before, 'a');
	begin(&after, 'b');
	begin(&last, 'c');
	wait_for_transfer(&before, VLY_PUBLISH_DONE);
	wait_for_transfer(&after, VLY_PUBLISH_DONE);
	wait_for_transfer(&last, VLY_PUBLISH_DONE);
	cr_expect_eq(before.result.code, VLY_LIVING_DONE);
	cr_expect_eq(after.result.code, VLY_LIVING_DONE);
	cr_expect_eq(last.result.code, VLY_LIVING_DONE);
	cr_expect_eq(state().serial, 4);
}

/* A copy of the zone that began meanwhile has an older form in an image with this number. */
Test(living_form, is_newer_than_copies_that_began_before_it_was_put)
{
	struct vly_living_source source = {.name = "a.", .policy = VLY_SERIAL_INCREMENT};
	struct transfer transfer = {0};
	char reason[VLY_REASON_BYTES];
	struct vly_zone_report report;
	struct vly_dnssec_facts facts;
	struct vly_zone tree;
	char file[100];

	snprintf(file, sizeof(file), "%s/a", directory);
	source.file = file;
	vly_zone_report_defaults(&report);
	cr_assert_eq(vly_living_read_file(&tree, &key, &source, NULL, &report, &facts), 0);
	struct vly_living_form_job *form = vly_living_form_new(living, reason);
	cr_assert_not_null(form, "%s", reason);
	cr_assert_eq(vly_living_compile(form, &tree, reason), 0, "%s", reason);
	const uint64_t copy = vly_live_image_next_id();
	transfer.request = (struct vly_living_request){
		.zone = "a.", .who = "", .form = form, .done = on_transferred, .arg = &transfer};
	vly_living_answer_ahead(living, &transfer.request);
	while (!publisher.done)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_gt(publisher.list->image[0]->id, copy);
	answer_publication(VLY_PUBLISH_DONE);
	cr_assert_eq(transfer.answers, 1);
	vly_living_form_free(form);
	vly_zone_free(&tree);
}

Test(living_form_end, the_manager_may_end_before_the_form, .init = set_up)
{
	struct transfer transfer = {0};
	char command[100];

	begin(&transfer, 'a');
	while (!vly_living_is_busy(living) || !transfer.request.living_zone)
		uv_run(&loop, UV_RUN_ONCE);
	vly_living_free(living);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(transfer.answers, 0);
	cr_expect_eq(uv_loop_close(&loop), 0);
	vly_publish_turns_free(turns);
	vly_live_image_put(base);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_expect_eq(system(command), 0);
}

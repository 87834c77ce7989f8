/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The manager of living zones: requests, batches, publications. */
#include "living/living_parts.h"

#include "living_fixture.h"

#include "living/zone_edit.h"

struct edit {
	struct vly_living_request request;
	struct vly_zone_edit edit;
	struct vly_living_result result;
	char text[VLY_REASON_BYTES];
	unsigned answers;
};

static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	const struct edit *edit = arg;

	return vly_zone_edit_prepare(&edit->edit, txn, zone, change, reason);
}

static void
on_done(void *arg, const struct vly_living_result *result)
{
	struct edit *edit = arg;

	edit->answers++;
	edit->result = *result;
	snprintf(edit->text, sizeof(edit->text), "%s", result->text);
}

static void
submit(struct edit *edit, const char *zone, const char *text)
{
	char reason[VLY_REASON_BYTES];

	*edit = (struct edit){0};
	cr_assert_eq(vly_zone_edit_parse(&edit->edit, "a.", text, strlen(text), reason), 0, "%s",
		     reason);
	edit->request = (struct vly_living_request){
		.zone = zone,
		.cause = VLY_STORE_BY_OPERATOR,
		.who = "",
		.prepare = prepare,
		.done = on_done,
		.arg = edit,
	};
	vly_living_submit(living, &edit->request);
	cr_assert_eq(edit->answers, 0, "answered before it was asked");
}

/* Runs the loop until the edit is answered; publications end with `outcome`. */
static void
wait_for(const struct edit *edit, enum vly_publish_outcome outcome)
{
	while (edit->answers == 0) {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(outcome);
	}
	cr_assert_eq(edit->answers, 1);
}

static void
set_up(void)
{
	set_up_empty();
	adopt(write_zone);
}

TestSuite(living, .init = set_up, .fini = tear_down);

static uint32_t
serial(void)
{
	struct vly_living_state state;

	cr_assert(vly_living_find(living, "a.", &state));
	return state.serial;
}

Test(living, answers_when_the_change_is_published)
{
	struct edit edit;

	submit(&edit, "a.", "+ x A 192.0.2.1");
	while (!publisher.done)
		uv_run(&loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < 20; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	cr_assert_eq(edit.answers, 0, "answered before it was live");
	answer_publication(VLY_PUBLISH_DONE);
	cr_assert_eq(edit.answers, 1);
	cr_expect_eq(edit.result.code, VLY_LIVING_DONE);
	cr_expect_eq(edit.result.serial, 2);
	cr_expect_eq(serial(), 2);
	vly_zone_edit_free(&edit.edit);
}

Test(living, one_refusal_does_not_touch_the_others)
{
	struct edit edit[3];

	submit(&edit[0], "a.", "+ x A 192.0.2.1");
	submit(&edit[1], "a.", "- nothing A");
	submit(&edit[2], "a.", "+ x CNAME y");
	struct edit last;
	submit(&last, "a.", "+ y A 192.0.2.1");
	wait_for(&last, VLY_PUBLISH_DONE);
	cr_expect_eq(edit[0].result.code, VLY_LIVING_DONE);
	cr_expect_eq(edit[1].result.code, VLY_LIVING_REFUSED);
	cr_expect_eq(edit[2].result.code, VLY_LIVING_REFUSED);
	cr_expect(strstr(edit[2].text, "CNAME"), "%s", edit[2].text);
	cr_expect_eq(last.result.code, VLY_LIVING_DONE);
	cr_expect_eq(serial(), 3);
	for (unsigned i = 0; i < 3; i++)
		vly_zone_edit_free(&edit[i].edit);
	vly_zone_edit_free(&last.edit);
}

Test(living, batches_gather_while_one_is_published)
{
	enum { CNT = 300 };
	static struct edit edit[CNT];
	char text[60];

	for (unsigned i = 0; i < CNT; i++) {
		snprintf(text, sizeof(text), "+ x%u A 192.0.2.1", i);
		submit(&edit[i], "a.", text);
	}
	for (unsigned i = 0; i < CNT; i++) {
		wait_for(&edit[i], VLY_PUBLISH_DONE);
		cr_expect_eq(edit[i].result.code, VLY_LIVING_DONE);
		cr_expect_eq(edit[i].result.serial, 2 + i, "in order");
		vly_zone_edit_free(&edit[i].edit);
	}
	cr_expect_lt(publisher.cnt, CNT / 2, "one publication for many changes");
}

Test(living, an_unknown_zone_and_no_dataplane)
{
	struct edit unknown;
	struct edit known;

	submit(&unknown, "b.", "+ x A 192.0.2.1");
	wait_for(&unknown, VLY_PUBLISH_DONE);
	cr_expect_eq(unknown.result.code, VLY_LIVING_NO_ZONE);
	submit(&known, "a.", "+ x A 192.0.2.1");
	wait_for(&known, VLY_PUBLISH_ABSENT);
	cr_expect_eq(known.result.code, VLY_LIVING_STORED);
	cr_expect_eq(known.result.serial, 2);
	vly_zone_edit_free(&unknown.edit);
	vly_zone_edit_free(&known.edit);
}

Test(living, what_the_dataplane_refuses_is_live_with_the_next_change)
{
	struct vly_living_state state;
	struct edit edit;

	submit(&edit, "a.", "+ x A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DENIED);
	cr_expect_eq(edit.result.code, VLY_LIVING_FAILED);
	cr_expect(strstr(edit.text, "on disk"), "%s", edit.text);
	vly_zone_edit_free(&edit.edit);
	submit(&edit, "a.", "+ y A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DONE);
	cr_expect_eq(edit.result.code, VLY_LIVING_DONE);
	cr_expect_eq(edit.result.serial, 3, "the first change was kept");
	cr_assert(vly_living_find(living, "a.", &state));
	cr_expect_eq(state.layer_cnt, 1, "a complete form, as the layer below is not there");
	vly_zone_edit_free(&edit.edit);
}

/* Until then `status` shows the reason. */
Test(living, what_the_dataplane_refuses_is_tried_again)
{
	struct edit edit;

	submit(&edit, "a.", "+ x A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DENIED);
	cr_expect(strstr(edit.text, "tried again"), "%s", edit.text);
	cr_expect_eq(serial(), 1);
	vly_zone_edit_free(&edit.edit);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_str_eq(vly_living_behind(living),
				 "zone a. is not answered as it is on disk: it does not like that; "
				 "it is tried again by itself");
		while (!publisher.done)
			uv_run(&loop, UV_RUN_ONCE);
		answer_publication(i == 0 ? VLY_PUBLISH_DENIED : VLY_PUBLISH_DONE);
	}
	cr_expect_str_eq(vly_living_behind(living), "");
	cr_expect_eq(serial(), 2);
}

Test(living, another_reason_of_a_refusal_is_logged)
{
	static const char *const reason[] = {"a", "a", "b"};
	static const unsigned logged[] = {1, 1, 2};
	struct edit edit;

	refusal = reason[0];
	submit(&edit, "a.", "+ x A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DENIED);
	vly_zone_edit_free(&edit.edit);
	cr_expect_eq(error_cnt, logged[0]);
	for (unsigned i = 1; i < 3; i++) {
		refusal = reason[i];
		while (!publisher.done)
			uv_run(&loop, UV_RUN_ONCE);
		answer_publication(VLY_PUBLISH_DENIED);
		cr_expect_eq(error_cnt, logged[i], "attempt %u", i);
	}
	vly_living_remove(living, "a.");
}

Test(living, a_removed_zone_is_not_tried_again)
{
	struct edit edit;

	submit(&edit, "a.", "+ x A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DENIED);
	vly_zone_edit_free(&edit.edit);
	vly_living_remove(living, "a.");
	cr_expect_str_eq(vly_living_behind(living), "");
}

Test(living, a_repeated_change_is_refused_as_the_first_one)
{
	struct edit edit;

	for (unsigned i = 0; i < 3; i++) {
		submit(&edit, "a.", "+ x A 192.0.2.1");
		wait_for(&edit, VLY_PUBLISH_DENIED);
		cr_expect_eq(edit.result.code, VLY_LIVING_FAILED, "it is not answered");
		vly_zone_edit_free(&edit.edit);
	}
	submit(&edit, "a.", "+ x A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DONE);
	cr_expect_eq(edit.result.code, VLY_LIVING_DONE);
	cr_expect_not(edit.result.changed);
	cr_expect_eq(serial(), 2);
	vly_zone_edit_free(&edit.edit);
}

static bool
keeps_nothing(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return false;
}

static void
count_call(void *arg)
{
	++*(unsigned *)arg;
}

Test(living, a_removal_is_published)
{
	static const enum vly_publish_outcome outcome[] = {VLY_PUBLISH_DONE, VLY_PUBLISH_DENIED,
							   VLY_PUBLISH_ABSENT};
	unsigned calls = 0;

	for (unsigned i = 0; i < 3; i++) {
		cr_assert(vly_living_retain(living, keeps_nothing, count_call, &calls));
		cr_assert_eq(calls, i, "reported before it was published");
		while (!publisher.done)
			uv_run(&loop, UV_RUN_ONCE);
		cr_expect_eq(publisher.list->cnt, 0);
		cr_assert_eq(calls, i);
		answer_publication(outcome[i]);
		cr_assert_eq(calls, i + 1);
		cr_expect_eq(vly_living_remnants(living, keeps_nothing, NULL), 0);
		cr_expect_not(vly_living_retain(living, keeps_nothing, count_call, &calls));
		vly_live_image_put(base);
		adopt(write_zone);
	}
}

Test(living, too_many_requests_are_turned_down)
{
	struct edit *edit = calloc(VLY_LIVING_QUEUE_MAX + 5000, sizeof(*edit));
	unsigned busy = 0;

	for (unsigned i = 0; i < VLY_LIVING_QUEUE_MAX + 5000; i++)
		submit(&edit[i], "a.", "+ x A 192.0.2.1");
	for (unsigned i = 0; i < VLY_LIVING_QUEUE_MAX + 5000; i++) {
		wait_for(&edit[i], VLY_PUBLISH_DONE);
		busy += edit[i].result.code == VLY_LIVING_BUSY;
		vly_zone_edit_free(&edit[i].edit);
	}
	cr_expect_gt(busy, 0);
	cr_expect_eq(serial(), 2, "only the first one has changed anything");
	free(edit);
}

/* A pack that has ended, but has failed: its parts change nothing. */
static unsigned parts_left;

static void
count_part(void *arg, const struct vly_living_result *result)
{
	(void)arg;
	(void)result;
	parts_left--;
}

Test(living, a_large_pack_does_not_keep_changes_waiting)
{
	const unsigned part_cnt = 2 * VLY_LIVING_QUEUE_MAX;
	struct vly_living_zone *zone = vly_living_find_zone(living, "a.");
	struct vly_living_stack *stack = vly_layer_stack_copy(zone->stack);
	struct vly_living_part *part = calloc(part_cnt, sizeof(*part));
	struct edit edit;

	cr_assert_not_null(part);
	parts_left = part_cnt;
	for (unsigned i = 0; i < part_cnt; i++) {
		part[i] = (struct vly_living_part){.stack = stack, .range = {.cnt = 1}};
		part[i].request = (struct vly_living_request){
			.zone = "a.", .who = "", .done = count_part, .part = &part[i]};
		zone->request_cnt++;
		vly_living_submit_part(living, zone, &part[i].request);
	}
	submit(&edit, "a.", "+ x A 192.0.2.1");
	wait_for(&edit, VLY_PUBLISH_DONE);
	cr_expect_eq(edit.result.code, VLY_LIVING_DONE);
	cr_expect_gt(parts_left, part_cnt / 2, "the change has waited for the pack");
	vly_zone_edit_free(&edit.edit);
	while (parts_left > 0) {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(VLY_PUBLISH_DONE);
	}
	vly_layer_stack_free(stack);
	free(part);
}

Test(living, layers_stay_few)
{
	struct vly_living_state state;

	for (unsigned i = 0; i < 100; i++) {
		struct edit edit;
		char text[60];
		snprintf(text, sizeof(text), "+ n%u A 192.0.2.2", i);
		submit(&edit, "a.", text);
		wait_for(&edit, VLY_PUBLISH_DONE);
		cr_assert(vly_living_find(living, "a.", &state));
		cr_assert_leq(state.layer_cnt, 5);
		vly_zone_edit_free(&edit.edit);
	}
}

Test(living, a_zone_is_removed_while_changes_wait)
{
	static struct edit edit[50];

	for (unsigned i = 0; i < 50; i++)
		submit(&edit[i], "a.", "+ x A 192.0.2.1");
	vly_living_remove(living, "a.");
	for (unsigned i = 0; i < 50; i++) {
		wait_for(&edit[i], VLY_PUBLISH_DONE);
		vly_zone_edit_free(&edit[i].edit);
	}
	struct edit late;
	submit(&late, "a.", "+ y A 192.0.2.1");
	wait_for(&late, VLY_PUBLISH_DONE);
	cr_expect_eq(late.result.code, VLY_LIVING_NO_ZONE);
	vly_zone_edit_free(&late.edit);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A zone that is answered before the store has it. */
#include "living/living_parts.h" /* before variables with the names of its parameters */

#include "living_fixture.h"

#include "living/living_file.h"
#include "living/living_whole.h"

#define ZONE  "b."
#define OTHER "c." /* in the same image */

static struct vly_live_image *unready;
static struct vly_living_form_job *form;

static void
adopt_unready(void)
{
	struct vly_image_builder *builder = vly_image_builder_new(&key);
	static const struct vly_zone_info info;
	static const struct vly_zone_info other = {.zone_idx = 1};
	struct vly_built_image built;

	cr_assert_not_null(builder);
	cr_assert_eq(vly_image_builder_add_unready(builder, ZONE, VLY_UNREADY_NOT_LOADED), 0);
	cr_assert_eq(vly_image_builder_add_unready(builder, OTHER, VLY_UNREADY_NOT_LOADED), 0);
	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	unready =
		vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes, built.zone_cnt);
	cr_assert_not_null(unready);
	cr_assert_eq(vly_living_adopt(living, ZONE, unready, &info, VLY_SERIAL_INCREMENT), 0);
	cr_assert_eq(vly_living_adopt(living, OTHER, unready, &other, VLY_SERIAL_INCREMENT), 0);
}

static void
compile_form(void)
{
	struct vly_living_source source = {.name = ZONE, .policy = VLY_SERIAL_INCREMENT};
	char reason[VLY_REASON_BYTES];
	struct vly_zone_report report;
	struct vly_dnssec_facts facts;
	struct vly_zone tree;
	char file[100];

	snprintf(file, sizeof(file), "%s/a", directory);
	source.file = file;
	vly_zone_report_defaults(&report);
	cr_assert_eq(vly_living_read_file(&tree, &key, &source, NULL, &report, &facts), 0);
	form = vly_living_form_new(living, reason);
	cr_assert_not_null(form, "%s", reason);
	cr_assert_eq(vly_living_compile(form, &tree, reason), 0, "%s", reason);
	vly_zone_free(&tree);
}

static void
set_up(void)
{
	set_up_empty();
	adopt(write_zone);
	adopt_unready();
	compile_form();
}

static void
end(void)
{
	tear_down();
	vly_living_form_free(form);
	vly_live_image_put(unready);
}

TestSuite(living_ahead, .init = set_up, .fini = end, .timeout = 60);

struct renewal {
	struct vly_living_request request;
	struct vly_living_result result;
	unsigned answers;
};

static void
on_done(void *arg, const struct vly_living_result *result)
{
	struct renewal *renewal = arg;

	renewal->answers++;
	renewal->result = *result;
}

static struct vly_living_request *
make(struct renewal *renewal, const char *zone)
{
	*renewal = (struct renewal){0};
	renewal->request.zone = zone;
	renewal->request.who = "";
	renewal->request.done = on_done;
	renewal->request.arg = renewal;
	return &renewal->request;
}

static void
answer_ahead(struct renewal *renewal)
{
	make(renewal, ZONE)->form = form;
	vly_living_answer_ahead(living, &renewal->request);
}

static void
wait_for(const struct renewal *renewal, enum vly_publish_outcome outcome)
{
	while (renewal->answers == 0) {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(outcome);
	}
}

static bool
has_data(void)
{
	return vly_living_find_zone(living, ZONE)->stack->layer[0].node_cnt > 0;
}

Test(living_ahead, a_withdrawal_that_fails_is_tried_again)
{
	struct renewal renewal;

	answer_ahead(&renewal);
	wait_for(&renewal, VLY_PUBLISH_DONE);
	cr_assert_eq(renewal.result.code, VLY_LIVING_DONE);
	cr_assert(has_data());
	vly_living_renew(living, make(&renewal, ZONE));
	wait_for(&renewal, VLY_PUBLISH_DENIED);
	cr_assert_eq(renewal.result.code, VLY_LIVING_FAILED);
	vly_living_renew_later(living, ZONE, renewal.result.text);
	cr_expect(has_data());
	while (*vly_living_behind(living) != '\0') {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(VLY_PUBLISH_DONE);
	}
	cr_expect_not(has_data());
}

/* What waits while a batch is published is one batch. */
Test(living_ahead, is_answered_although_all_zones_are_compiled_anew)
{
	struct renewal before;
	struct renewal renewal;

	vly_living_renew(living, make(&before, "a."));
	while (!publisher.done)
		uv_run(&loop, UV_RUN_ONCE);
	answer_ahead(&renewal);
	cr_assert_eq(vly_living_compile_anew(living, vly_living_find_zone(living, ZONE)), 0);
	answer_publication(VLY_PUBLISH_DONE);
	wait_for(&renewal, VLY_PUBLISH_DONE);
	cr_expect_eq(renewal.result.code, VLY_LIVING_DONE);
	cr_expect(has_data());
}

static bool
is_kept(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, OTHER) != 0;
}

static bool
is_served(void *arg, const char *name)
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

/* Its neighbour moves to another image, although it has no data and the store does not have it. */
Test(living_ahead, a_removed_zone_does_not_stay_because_of_one_without_data)
{
	unsigned calls = 0;

	cr_assert(vly_living_retain(living, is_kept, count_call, &calls));
	while (calls == 0) {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(VLY_PUBLISH_DONE);
	}
	cr_expect_eq(vly_living_remnants(living, is_served, NULL), 0);
	cr_expect_not_null(vly_living_find_zone(living, ZONE)->stack);
	cr_expect_not(has_data());
}

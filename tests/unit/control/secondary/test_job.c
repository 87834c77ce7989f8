/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of a job whose zone, primaries or turn change meanwhile. There is no living zone: what is
 * committed fails. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/log.h"
#include "living/living_parts.h"
#include "secondary/job_whole.h"
#include "secondary/secondary_parts.h"
#include "zone/domain.h"

#define ZONE "a."

static const struct vly_hash_key key = {{1, 2, 3, 4}};
static char dir[] = "/tmp/volley-job-XXXXXX";
static uv_loop_t loop;
static struct vly_living living;
static struct vly_secondaries *secondaries;
static char first[] = "first";
static char second[] = "second";
static struct vly_config_remote remotes[] = {{.name = first}, {.name = second}};
static const struct vly_config_remote *primaries[] = {&remotes[0], &remotes[1], NULL};
static char *names[] = {first, second};
static struct vly_config_feed both = {.primaries = names, .primary = primaries, .primary_cnt = 2};
static struct vly_config_feed one = {
	.primaries = names + 1, .primary = primaries + 1, .primary_cnt = 1};
static char none[] = "none";
static struct vly_config_checks checks = {
#define X(id, name, severity, help) .id = none,
	VLY_ZONE_CHECKS(X)
#undef X
		.verify_signatures = none,
};
static const struct vly_config config = {.checks = &checks};

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

static void
on_wake(uv_async_t *wake)
{
	struct vly_living_request *request = living.refused;

	(void)wake;
	living.refused = NULL;
	if (request)
		vly_living_answer(&living, request);
}

static struct vly_secondary_zone *
put(const struct vly_config_feed *feed)
{
	const struct vly_config_zone zone = {.name = (char *)(uintptr_t)ZONE, .feed = feed};

	cr_assert_eq(vly_secondaries_add(secondaries, &zone), 0);
	return vly_secondary_find(secondaries, ZONE);
}

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_eq(uv_async_init(&loop, &living.wake, on_wake), 0);
	const struct vly_secondaries_settings settings = {
		.loop = &loop, .state_dir = dir, .key = &key, .living = &living};
	secondaries = vly_secondaries_new(&settings);
	cr_assert_not_null(secondaries);
	secondaries->config = &config;
	vly_secondary_set_places(secondaries, 1, 1);
}

static void
tear_down(void)
{
	char command[100];

	vly_secondaries_free(secondaries);
	uv_close((uv_handle_t *)&living.wake, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	cr_expect_eq(system(command), 0);
}

TestSuite(job, .init = set_up, .fini = tear_down);

static void
make_tree(struct vly_zone *tree)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name apex;

	(void)vly_name_scan(&apex, wire, vly_domain_wire(ZONE, wire));
	cr_assert_eq(vly_zone_init(tree, &key, &apex), 0);
}

/* A job as it is when the writer has its tree. */
static struct vly_secondary_job *
make_job(struct vly_secondary_zone *zone)
{
	struct vly_secondary_job *job = calloc(1, sizeof(*job));

	cr_assert_not_null(job);
	job->secondaries = secondaries;
	job->zone = zone;
	job->name = strdup(ZONE);
	zone->job = job;
	job->phase = VLY_SECONDARY_COMMITTING;
	job->lanes = &secondaries->lanes[VLY_QUEUE_TRANSFER];
	job->order[1] = 1;
	job->order_cnt = 2;
	job->at = 1;
	vly_change_init(&job->change);
	make_tree(&job->tree);
	job->has_tree = true;
	job->is_submitted = true;
	DL_APPEND(secondaries->jobs, job);
	secondaries->closing_cnt++;
	return job;
}

Test(job, the_writer_keeps_its_tree_when_the_zone_is_removed)
{
	struct vly_secondary_job *job = make_job(put(&both));

	vly_secondaries_remove(secondaries, ZONE);
	cr_expect_eq(secondaries->jobs, job);
	cr_expect(job->has_tree);
	job->is_submitted = false;
	vly_secondary_job_drop(job);
	cr_expect_null(secondaries->jobs);
}

/* The zone is added again, and answered, before the import for the one that was removed has ended. */
Test(job, what_is_withdrawn_is_not_the_next_zone_of_that_name)
{
	struct vly_secondary_job *job = make_job(put(&both));

	job->is_ahead = true;
	vly_secondaries_remove(secondaries, ZONE);
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *next = make_job(zone);
	next->is_ahead = true;
	vly_secondary_job_withdraw(job);
	cr_expect_null(living.refused, "it is about to be answered");
	job->is_ahead = true;
	next->is_submitted = false;
	vly_secondary_job_fail(next);
	zone->answered.time_s = 1;
	vly_secondary_job_withdraw(job);
	cr_expect_null(living.refused, "it is answered");
	job->is_ahead = true;
	zone->answered.time_s = 0;
	vly_secondary_job_withdraw(job);
	cr_expect_not_null(living.refused, "there is nothing else");
	while (living.refused)
		uv_run(&loop, UV_RUN_ONCE);
	job->is_submitted = false;
	vly_secondary_job_drop(job);
}

Test(job, what_was_answered_ahead_and_is_on_disk_stays)
{
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *job = make_job(zone);

	job->is_submitted = false;
	job->is_ahead = job->is_imported = job->was_answered = true;
	job->received = VLY_TRANSFER_WHOLE;
	job->reader.soa = (struct vly_transfer_soa){.serial = 7, .expire = 86400};
	vly_secondary_job_commit(job);
	cr_assert_not_null(living.refused);
	vly_living_set(living.refused, VLY_LIVING_FAILED, "the store can't be read");
	while (zone->job == job)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect(zone->is_loaded);
	cr_expect_eq(zone->answered.serial, 7);
	cr_expect_eq(zone->committed.serial, 7);
	cr_expect_neq(zone->expires_ms, 0);
}

Test(job, a_job_that_fails_has_no_primaries_of_before)
{
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *job = make_job(zone);

	cr_expect_eq(put(&one), zone);
	cr_expect_eq(zone->job, job, "what is being written goes on");
	job->is_submitted = false;
	vly_secondary_job_fail(job);
	cr_expect_null(zone->job);
	cr_expect_leq(zone->next_ms, uv_now(&loop) + VLY_SECONDARY_QUIET_MS);
}

Test(job, a_reload_that_changes_nothing_stops_nothing)
{
	static const struct vly_config_remote moved = {.name = second, .key = none};
	const struct vly_config_remote *others[] = {&remotes[0], &moved};
	struct vly_config_feed same = both;
	struct vly_config_feed other = both;
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *job = make_job(zone);

	job->phase = VLY_SECONDARY_RECEIVING;
	job->is_submitted = false;
	put(&same);
	cr_expect_eq(zone->job, job);
	other.primary = others;
	put(&other);
	cr_expect_null(zone->job);
	put(&both);
}

Test(job, the_version_of_before_does_not_expire_while_a_review_waits_for_its_turn)
{
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *job = make_job(zone);

	zone->is_loaded = zone->has_soa = true;
	zone->soa = (struct vly_transfer_soa){.refresh = 60, .retry = 60, .expire = 600};
	zone->expires_ms = 1;
	job->is_submitted = false;
	secondaries->reviews.place_max = 0;
	vly_secondary_review_begin(job);
	cr_expect_not_null(job->review_wait.lane, "it waits");
	cr_expect_gt(zone->contact_s, 0);
	cr_expect_gt(zone->expires_ms, uv_now(&loop));
	vly_secondary_job_cancel(job);
	cr_expect_eq(secondaries->reviews.waiting_cnt, 0);
}

Test(job, a_review_that_waits_begins_when_another_configuration_has_a_place_for_it)
{
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *job = make_job(zone);

	job->is_submitted = false;
	secondaries->reviews.share_max = 0;
	vly_secondary_review_begin(job);
	cr_expect_not_null(job->review_wait.lane, "it waits");
	vly_secondary_set_places(secondaries, 1, 1);
	cr_expect_null(job->review_wait.lane);
	cr_expect(job->review_place.is_held);
	while (zone->job == job)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_eq(secondaries->reviews.place_cnt, 0);
}

/* Its commands are slow: none of them ends. */
Test(job, a_primary_with_many_reviews_does_not_hold_up_those_of_others)
{
	struct vly_secondary_zone *zone = put(&both);
	struct vly_secondary_job *job = make_job(zone);
	struct vly_lane_place slow[VLY_SECONDARY_REVIEW_MAX] = {0};
	struct vly_lane_entry waiting[2 * VLY_SECONDARY_REVIEW_MAX] = {0};
	unsigned slow_cnt = 0;

	vly_secondary_set_places(secondaries, 1, 2);
	for (unsigned i = 0; i < 2 * VLY_SECONDARY_REVIEW_MAX; i++)
		cr_assert(vly_lanes_push(&secondaries->reviews, "first", &waiting[i]));
	while (vly_lanes_pop(&secondaries->reviews))
		vly_lanes_hold(&secondaries->reviews, "first", &slow[slow_cnt++]);
	cr_expect_eq(slow_cnt, VLY_SECONDARY_REVIEW_MAX / 2);
	snprintf(job->remote, sizeof(job->remote), "second");
	job->is_submitted = false;
	vly_secondary_review_begin(job);
	cr_expect(job->review_place.is_held);
	while (zone->job == job)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_eq(secondaries->reviews.place_cnt, slow_cnt, "its place is free again");
	for (unsigned i = 0; i < slow_cnt; i++)
		vly_lanes_release(&secondaries->reviews, &slow[i]);
	for (unsigned i = 0; i < 2 * VLY_SECONDARY_REVIEW_MAX; i++)
		vly_lanes_remove(&secondaries->reviews, &waiting[i]);
}

#define POOL 16 /* threads, and more jobs than that */

static void
work_nothing(uv_work_t *work)
{
	(void)work;
}

static void
on_nothing(uv_work_t *work, int status)
{
	bool *is_done = work->data;

	(void)status;
	*is_done = true;
}

static void
on_turn(struct vly_import_turn *turn)
{
	(void)turn;
}

Test(job, large_zones_wait_for_their_import_without_a_thread, .timeout = 30)
{
	struct vly_import_turn before = {.ready = on_turn};
	struct vly_secondary_job *job[2 * POOL];
	struct vly_secondary_zone *zone;
	bool is_done = false;
	uv_work_t work = {.data = &is_done};
	char name[20];

	vly_import_turn_wait(&living, &before); /* one that takes long */
	for (unsigned i = 0; i < 2 * POOL; i++) {
		snprintf(name, sizeof(name), "n%u.", i);
		const struct vly_config_zone config_zone = {.name = name, .feed = &both};
		cr_assert_eq(vly_secondaries_add(secondaries, &config_zone), 0);
		zone = vly_secondary_find(secondaries, name);
		job[i] = make_job(zone);
		job[i]->is_submitted = false;
		job[i]->is_ahead = i == 1;
		vly_secondary_job_keep(job[i]);
		cr_expect(vly_import_turn_is_waiting(&job[i]->turn));
	}
	cr_assert_eq(uv_queue_work(&loop, &work, work_nothing, on_nothing), 0);
	while (!is_done)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_not(vly_secondaries_is_busy(secondaries), "no thread works");
	/* who is gone does not wait */
	for (unsigned i = 0; i < 2 * POOL; i++) {
		snprintf(name, sizeof(name), "n%u.", i);
		vly_secondaries_remove(secondaries, name);
	}
	cr_expect_null(secondaries->jobs);
	cr_expect_null(living.imports);
	while (living.refused)
		uv_run(&loop, UV_RUN_ONCE);
	vly_import_turn_end(&living, &before);
}

Test(job, a_version_is_accepted_while_the_zone_waits_for_its_turn)
{
	struct vly_secondary_zone *zone = put(&both);
	const struct vly_secondary_verdict verdict = {.accepts = true};
	char reason[VLY_REASON_BYTES];

	vly_secondary_set_places(secondaries, 0, 1);
	vly_secondary_enqueue(zone, VLY_QUEUE_TRANSFER);
	zone->held = calloc(1, sizeof(*zone->held));
	cr_assert_not_null(zone->held);
	make_tree(&zone->held->tree);
	zone->held->has_tree = true;
	cr_assert(vly_secondaries_review(secondaries, ZONE, &verdict, reason), "%s", reason);
	struct vly_secondary_job *job = zone->job;
	cr_assert_not_null(job);
	cr_expect_eq(zone->queue, VLY_QUEUE_NONE);
	cr_expect(zone->is_again, "its turn comes later");
	vly_secondary_set_places(secondaries, 2, 1);
	vly_secondary_kick(secondaries);
	while (zone->job == job)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_null(secondaries->jobs, "no other job has begun beside it");
}

/* A version of the zone comes, and is to wait for an operator. */
static void
come(struct vly_secondary_zone *zone, uint32_t serial)
{
	struct vly_secondary_job *job = make_job(zone);

	job->is_submitted = false;
	job->phase = VLY_SECONDARY_CHECKING;
	job->reader.soa.serial = serial;
	vly_secondary_review_wait(job, "");
}

Test(job, versions_that_wait_for_an_operator_have_a_bound)
{
	static struct vly_config_feed reviewed;
	const struct vly_secondary_verdict refusal = {.accepts = false};
	char reason[VLY_REASON_BYTES];

	reviewed = both;
	reviewed.is_reviewed = true;
	struct vly_secondary_zone *zone = put(&reviewed);
	come(zone, 1);
	cr_expect_null(zone->held);
	cr_expect_null(secondaries->jobs);
	cr_assert_not_null(zone->why);
	cr_expect(strstr(zone->why, "serial 1 needs ") != NULL, "%s", zone->why);
	cr_expect(strstr(zone->why, " octets of transfers.review-size: accept or reject some") !=
			  NULL,
		  "%s", zone->why);
	secondaries->held_bytes_max = UINT64_C(1) << 30;
	come(zone, 2);
	cr_assert_not_null(zone->held);
	const uint64_t bytes = secondaries->held_bytes;
	cr_expect_gt(bytes, sizeof(struct vly_zone_node));
	cr_expect_lt(bytes, UINT64_C(1) << 20);
	secondaries->held_bytes_max = bytes;
	come(zone, 3);
	cr_expect_eq(zone->held->soa.serial, 3, "in place of the one before");
	cr_expect_eq(secondaries->held_bytes, bytes);
	secondaries->held_bytes_max = bytes - 1;
	come(zone, 4);
	cr_expect_eq(zone->held->soa.serial, 3, "it waits as before");
	cr_assert(vly_secondaries_review(secondaries, ZONE, &refusal, reason), "%s", reason);
	cr_expect(zone->held->is_refused);
	cr_expect_eq(secondaries->held_bytes, 0);
	secondaries->held_bytes_max = bytes;
	come(zone, 5);
	cr_expect_eq(secondaries->held_bytes, bytes);
	vly_secondaries_remove(secondaries, ZONE);
	cr_expect_eq(secondaries->held_bytes, 0);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_whole.h"
#include "living/living_whole.h"
#include "net_change.h"
#include "secondary_parts.h"
#include "zone/dnssec_check.h"
#include "zone/zone_check.h"

/* Threads that check the signatures of one zone: others are transferred meanwhile, and answered. */
#define CHECK_THREADS 2

static int
fail(struct vly_secondary_job *job, const char *why)
{
	snprintf(job->reason, sizeof(job->reason), "%s", why);
	return -1;
}

/* The failure is not the primary's. */
static int
fail_here(struct vly_secondary_job *job, const char *why)
{
	job->gives_up = true;
	return fail(job, why);
}

static int
build_tree(struct vly_secondary_job *job)
{
	if (vly_secondary_tree_grow(job) != 0) {
		job->gives_up = !job->spool.is_over;
		return fail(job, job->spool.reason);
	}
	vly_spool_free(&job->spool);
	job->has_spool = false;
	vly_zone_mark_hidden(&job->tree);
	return 0;
}

struct vly_dnssec_settings
vly_secondary_dnssec(const struct vly_secondary_job *job)
{
	return (struct vly_dnssec_settings){
		.now_s = vly_secondary_now_s(),
		.seed = uv_hrtime(),
		.verify = job->verify,
		.sample_max = VLY_DNSSEC_SAMPLE_MAX,
		.thread_max = CHECK_THREADS,
	};
}

bool
vly_secondary_judge(struct vly_secondary_job *job, const struct vly_zone_verdict *verdict,
		    char *reason)
{
	if (verdict->failed) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return false;
	}
	for (unsigned i = 0; i < VLY_FAULT_CNT; i++) {
		if (verdict->severity[i] == VLY_FAULT_NONE)
			continue;
		snprintf(reason, VLY_REASON_BYTES, "serial %" PRIu32 ": %s: %s",
			 job->reader.soa.serial, vly_fault_name((enum vly_fault)i),
			 verdict->text[i]);
		/* an operator may cease to sign a zone */
		if (job->bogus == VLY_BOGUS_REFUSE && i != VLY_FAULT_UNSIGNED)
			return false;
		snprintf(job->warning, sizeof(job->warning), "%s", reason);
	}
	return true;
}

static int
check_tree(struct vly_secondary_job *job)
{
	const struct vly_dnssec_settings settings = vly_secondary_dnssec(job);
	struct vly_dnssec_facts facts = {0};
	struct vly_zone_verdict verdict;
	struct vly_zone_report report;

	vly_zone_report_defaults(&report);
	memcpy(report.severity, job->severity, sizeof(report.severity));
	vly_zone_check(&job->tree, &report);
	if (report.error_cnt == 0 && !job->checks_bogus)
		vly_dnssec_check(&job->tree, &settings, &report, &facts);
	if (report.error_cnt > 0) {
		snprintf(job->reason, sizeof(job->reason), "serial %" PRIu32 " is refused: %s",
			 job->reader.soa.serial, report.first.text);
		return -1;
	}
	if (!job->checks_bogus)
		return 0;
	vly_zone_verdict(&job->tree, &settings, NULL, &verdict);
	return vly_secondary_judge(job, &verdict, job->reason) ? 0 : -1;
}

/* Compiled and put into the store from the same tree, which is done next. That of a version that was accepted may
 * be needed again, as it was. */
static int
prepare_large(struct vly_secondary_job *job)
{
	job->is_compiled = !job->is_accepted && vly_living_may_compile_first(&job->tree);
	if (job->is_compiled && vly_secondary_job_compile(job) != 0)
		return -1;
	job->is_ahead = job->is_compiled && !job->was_loaded && !job->keeps_first;
	return 0;
}

/* A zone that the store does not have yet, or whose serial went back, takes the place of what is there. */
static int
prepare_import(struct vly_secondary_job *job)
{
	char reason[VLY_REASON_BYTES];

	if ((job->was_loaded && !job->replaces) || job->is_reviewed)
		return 0;
	job->is_imported = true;
	job->is_small = job->tree.arena.used <= VLY_STORE_IMPORT_IN_MAX;
	if (job->is_small)
		return 0;
	job->form = vly_living_form_new(job->secondaries->settings.living, reason);
	return job->form ? prepare_large(job) : fail_here(job, reason);
}

static int
take_whole(struct vly_secondary_job *job)
{
	if (!job->is_accepted && (build_tree(job) != 0 || check_tree(job) != 0))
		return -1;
	return prepare_import(job);
}

static int
take_changes(struct vly_secondary_job *job)
{
	const char *why = vly_net_change(&job->change, &job->spool, job->reader.step_cnt);

	if (why)
		return fail_here(job, why);
	return 0;
}

void
vly_secondary_job_work(struct vly_secondary_job *job)
{
	job->work_failed =
		(job->received == VLY_TRANSFER_CHANGES ? take_changes(job) : take_whole(job)) != 0;
}

void
vly_secondary_job_spoil(struct vly_secondary_job *job)
{
	job->zone->refused_cnt += !job->gives_up;
	if (job->is_accepted)
		vly_secondary_hold_again(job);
	vly_secondary_job_fail(job);
}

void
vly_secondary_job_worked(struct vly_secondary_job *job)
{
	job->is_working = false;
	if (!job->zone) {
		vly_secondary_job_drop(job);
		return;
	}
	if (job->work_failed) {
		vly_secondary_job_spoil(job);
	} else if (job->is_ahead) {
		vly_secondary_job_answer(job);
	} else if (job->form) {
		vly_secondary_job_keep(job);
	} else if (job->is_reviewed) {
		vly_secondary_review(job);
	} else {
		vly_secondary_job_commit(job);
	}
}

void
vly_secondary_job_take(struct vly_secondary_job *job)
{
	const struct vly_secondaries *secondaries = job->secondaries;
	const struct vly_config_feed *feed = job->zone->feed;

	vly_config_severities(secondaries->config, job->severity);
	job->verify = (uint8_t)vly_config_verify(secondaries->config);
	job->checks_bogus = feed->on_bogus != NULL;
	job->bogus = feed->bogus;
	job->is_reviewed = feed->is_reviewed && !job->is_accepted;
	job->keeps_first = job->zone->keeps_first;
	job->warning[0] = '\0';
	job->phase = VLY_SECONDARY_CHECKING;
	vly_secondary_job_run(job);
}
